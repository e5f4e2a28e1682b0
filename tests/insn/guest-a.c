/* SPDX-License-Identifier: MIT */
/*
 * A: each AMO on edge values with all orderings and register overlaps, LR/SC in constrained and other shapes, and what
 * must fail: an SC with no reservation, on another address, or misaligned.
 */
#include "tests/insn/rt.h"

typedef uint64_t (*amo_fn)(volatile void *p, uint64_t v);
typedef uint64_t (*model_fn)(uint64_t m, uint64_t v);

/* Three shapes: rd apart, rd = rs2, rd = x0 (whose result is made up from memory before). */
#define AMO_ROW(op, suffix, ord)                                              \
    static uint64_t amo##op##_##suffix##_1##ord(volatile void *p, uint64_t v) \
    {                                                                         \
        uint64_t old;                                                         \
        asm volatile("amo" #op "." #suffix ORD_##ord " %0, %2, (%1)"          \
                     : "=&r"(old)                                             \
                     : "r"(p), "r"(v)                                         \
                     : "memory");                                             \
        return old;                                                           \
    }                                                                         \
    static uint64_t amo##op##_##suffix##_2##ord(volatile void *p, uint64_t v) \
    {                                                                         \
        register uint64_t t4 asm("t4") = v;                                   \
        asm volatile("amo" #op "." #suffix ORD_##ord " %0, %0, (%1)"          \
                     : "+r"(t4)                                               \
                     : "r"(p)                                                 \
                     : "memory");                                             \
        return t4;                                                            \
    }
#define ORD_n ""
#define ORD_a ".aq"
#define ORD_r ".rl"
#define ORD_b ".aqrl"
#define AMO_ALL(op)                                                                           \
    AMO_ROW(op, w, n)                                                                         \
    AMO_ROW(op, w, a)                                                                         \
    AMO_ROW(op, w, r) AMO_ROW(op, w, b) AMO_ROW(op, d, n) AMO_ROW(op, d, a) AMO_ROW(op, d, r) \
        AMO_ROW(op, d, b) static uint64_t amo##op##_same(volatile void *p)                    \
    {                                                                                         \
        uint64_t r = (uint64_t)p;                                                             \
        asm volatile("amo" #op ".d %0, %0, (%0)" : "+r"(r)::"memory");                        \
        return r;                                                                             \
    }                                                                                         \
    static void amo##op##_x0(volatile void *p, uint64_t v)                                    \
    {                                                                                         \
        asm volatile("amo" #op ".d zero, %1, (%0)" ::"r"(p), "r"(v) : "memory");              \
    }

AMO_ALL(swap)
AMO_ALL(add)
AMO_ALL(xor)
AMO_ALL(and)
AMO_ALL(or)
AMO_ALL(min)
AMO_ALL(max)
AMO_ALL(minu)
AMO_ALL(maxu)

static uint64_t model_swap(uint64_t m, uint64_t v)
{
    (void)m;
    return v;
}

static uint64_t model_add(uint64_t m, uint64_t v)
{
    return m + v;
}

static uint64_t model_xor(uint64_t m, uint64_t v)
{
    return m ^ v;
}

static uint64_t model_and(uint64_t m, uint64_t v)
{
    return m & v;
}

static uint64_t model_or(uint64_t m, uint64_t v)
{
    return m | v;
}

/* Of words these get both operands sign-extended, which keeps either order. */
static uint64_t model_min(uint64_t m, uint64_t v)
{
    return (int64_t)m < (int64_t)v ? m : v;
}

static uint64_t model_max(uint64_t m, uint64_t v)
{
    return (int64_t)m > (int64_t)v ? m : v;
}

static uint64_t model_minu(uint64_t m, uint64_t v)
{
    return m < v ? m : v;
}

static uint64_t model_maxu(uint64_t m, uint64_t v)
{
    return m > v ? m : v;
}

struct amo {
    const char *name_w, *name_d;
    amo_fn w[8], d[8];
    uint64_t (*same)(volatile void *p);
    void (*x0)(volatile void *p, uint64_t v);
    model_fn model;
};

#define AMO_FNS(op, s)                                                                     \
    {                                                                                      \
        amo##op##_##s##_1n, amo##op##_##s##_1a, amo##op##_##s##_1r, amo##op##_##s##_1b,    \
            amo##op##_##s##_2n, amo##op##_##s##_2a, amo##op##_##s##_2r, amo##op##_##s##_2b \
    }
#define AMO(op)                                                                         \
    {                                                                                   \
        "amo" #op "_w", "amo" #op "_d", AMO_FNS(op, w), AMO_FNS(op, d), amo##op##_same, \
            amo##op##_x0, model_##op                                                    \
    }

static const struct amo amos[] = {AMO(swap), AMO(add), AMO(xor),  AMO(and), AMO(or),
                                  AMO(min),  AMO(max), AMO(minu), AMO(maxu)};

static const uint64_t edges[] = {0,
                                 1,
                                 2,
                                 -1UL,
                                 -2UL,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x7fffffffffffffff,
                                 1UL << 63,
                                 0xffffffff80000000,
                                 0x123456789abcdef0,
                                 0xfedcba9876543210,
                                 0x100000000};
static volatile uint64_t cell[16] __attribute__((aligned(128)));

static uint64_t sext32(uint64_t v)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)v;
}

static void check_word(const struct amo *a, uint64_t m, uint64_t v, unsigned shape, unsigned half)
{
    volatile uint32_t *words = (volatile uint32_t *)&cell[2];
    uint64_t old;

    cell[2] = m << 32 | (m & 0xffffffff);
    words[!half] = 0x5a5a5a5a;
    old = a->w[shape](&words[half], v);
    check_eq(old, sext32(m));
    check_eq(words[half], (uint32_t)a->model(sext32(m), sext32(v)));
    check_eq(words[!half], 0x5a5a5a5a);
}

static void check_double(const struct amo *a, uint64_t m, uint64_t v, unsigned shape)
{
    cell[1] = cell[3] = 0x77;
    cell[2] = m;
    check_eq(a->d[shape](&cell[2], v), m);
    check_eq(cell[2], a->model(m, v));
    check(cell[1] == 0x77 && cell[3] == 0x77);
}

static void test_amo(const struct amo *a)
{
    begin(a->name_w);
    for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(edges); j++) {
            for (unsigned shape = 0; shape < 8; shape++) {
                check_word(a, edges[i], edges[j], shape, (i + j + shape) & 1);
            }
        }
    }
    begin(a->name_d);
    for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(edges); j++) {
            for (unsigned shape = 0; shape < 8; shape++) {
                check_double(a, edges[i], edges[j], shape);
            }
            cell[2] = edges[i];
            a->x0(&cell[2], edges[j]);
            check_eq(cell[2], a->model(edges[i], edges[j]));
        }
        cell[2] = edges[i];
        check_eq(a->same(&cell[2]), edges[i]);
        check_eq(cell[2], a->model(edges[i], (uint64_t)&cell[2]));
    }
}

/* ---- LR/SC -------------------------------------------------------------------------------------------------------------------- */

#define LR_W(ord) "lr.w" ord " %0, (%3)\n sc.w" ord " %1, %2, (%3)"
#define LR_D(ord) "lr.d" ord " %0, (%3)\n sc.d" ord " %1, %2, (%3)"
#define PAIR(text, value)                                        \
    ({                                                           \
        uint64_t bad_ = 1;                                       \
        for (unsigned try_ = 0; bad_ && try_ < 100; try_++) {    \
            asm volatile(text                                    \
                         : "=&r"(old), "=&r"(bad_)               \
                         : "r"((uint64_t)(value)), "r"(&cell[4]) \
                         : "memory");                            \
        }                                                        \
        bad_;                                                    \
    })

static void test_pairs(void)
{
    uint64_t old;

    begin("lr_sc_w");
    for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
        uint64_t v = ~edges[i];

        cell[4] = edges[i];
        check_eq(PAIR(LR_W(""), v), 0);
        check_eq(old, sext32(edges[i]));
        check_eq(cell[4], (edges[i] & ~0xffffffffUL) | (uint32_t)v);
    }
    cell[4] = 1;
    check_eq(PAIR(LR_W(".aq"), 2), 0);
    check_eq(PAIR(LR_W(".rl"), 3), 0);
    check_eq(PAIR(LR_W(".aqrl"), 4), 0);
    check_eq(old, 3);
    check_eq(cell[4], 4);
    begin("lr_sc_d");
    for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
        uint64_t v = ~edges[i];

        cell[4] = edges[i];
        check_eq(PAIR(LR_D(""), v), 0);
        check_eq(old, edges[i]);
        check_eq(cell[4], v);
    }
    cell[4] = 1;
    check_eq(PAIR(LR_D(".aq"), 2), 0);
    check_eq(PAIR(LR_D(".rl"), 3), 0);
    check_eq(PAIR(LR_D(".aqrl"), 4), 0);
    check_eq(old, 3);
    check_eq(cell[4], 4);
}

static uint64_t sc(uint64_t v, volatile void *p)
{
    uint64_t bad;

    asm volatile("sc.d %0, %1, (%2)" : "=&r"(bad) : "r"(v), "r"(p) : "memory");
    return bad;
}

static uint64_t lr(volatile void *p)
{
    uint64_t v;

    asm volatile("lr.d %0, (%1)" : "=&r"(v) : "r"(p) : "memory");
    return v;
}

__attribute__((noinline)) static uint64_t lr_apart(volatile void *p)
{
    return lr(p);
}

__attribute__((noinline)) static uint64_t sc_apart(uint64_t v, volatile void *p)
{
    return sc(v, p);
}

static void test_failures(void)
{
    uint64_t bad, tries;

    begin("sc_without_lr_fails");
    cell[4] = 10;
    lr(&cell[4]);
    sc(11, &cell[4]); /* ends the reservation, whatever it did */
    cell[4] = 12;
    check_eq(sc(13, &cell[4]), 1);
    check_eq(cell[4], 12);
    begin("second_sc_fails");
    lr(&cell[4]);
    sc(14, &cell[4]);
    cell[4] = 15;
    check_eq(sc(16, &cell[4]), 1);
    check_eq(cell[4], 15);
    begin("sc_elsewhere_fails_and_ends_the_reservation");
    lr(&cell[4]);
    check_eq(sc(17, &cell[12]), 1);
    check_eq(sc(18, &cell[4]), 1);
    check_eq(cell[4], 15);
    begin("lr_again_moves_the_reservation");
    lr(&cell[4]);
    lr(&cell[0]);
    cell[4] = 20;
    check_eq(sc(19, &cell[4]) != 0 || cell[4] == 19, 1);
    begin("pair_in_subroutines");
    bad = 1;
    for (tries = 0; bad && tries < 100; tries++) {
        uint64_t v = lr_apart(&cell[4]);

        bad = sc_apart(v + 1, &cell[4]);
    }
    check_eq(bad, 0);
    begin("pair_with_load_and_store_between");
    bad = 1;
    for (tries = 0; bad && tries < 100; tries++) {
        asm volatile(
            "lr.d t0, (%1)\n ld t1, 64(%1)\n sd t1, 72(%1)\n addi t0, t0, 1\n sc.d %0, t0, (%1)"
            : "=&r"(bad)
            : "r"(&cell[0])
            : "t0", "t1", "memory");
    }
    check(bad == 0 || tries == 100); /* allowed to fail for ever, not to lie */
}

static void test_registers(void)
{
    uint64_t r, s;

    begin("lr_sc_registers");
    cell[4] = 41;
    do {
        asm volatile("mv t0, %2\n lr.d t0, (t0)\n addi t0, t0, 1\n mv t1, %2\n"
                     "sc.d t1, t0, (t1)\n mv %0, t0\n mv %1, t1"
                     : "=r"(r), "=r"(s)
                     : "r"(&cell[4])
                     : "t0", "t1", "memory");
    } while (s);
    check_eq(r, 42);
    check_eq(cell[4], 42);
    do {
        asm volatile("lr.d zero, (%1)\n li t4, 43\n sc.d t4, t4, (%1)\n mv %0, t4"
                     : "=r"(s)
                     : "r"(&cell[4])
                     : "t4", "memory");
    } while (s);
    check_eq(cell[4], 43);
    for (unsigned i = 0; i < 100 && cell[4] != 44; i++) {
        asm volatile("lr.d t0, (%0)\n li t1, 44\n sc.d zero, t1, (%0)" ::"r"(&cell[4])
                     : "t0", "t1", "memory");
    }
    check_eq(cell[4], 44);
    begin("lr_sc_loop_with_branch_out");
    /* compare and swap: once with the wrong, once with the right value expected */
    for (unsigned i = 0; i < 2; i++) {
        asm volatile(
            "1: lr.d t0, (%1)\n bne t0, %2, 2f\n sc.d t1, %3, (%1)\n bnez t1, 1b\n 2: mv %0, t0"
            : "=&r"(r)
            : "r"(&cell[4]), "r"(43UL + i), "r"(50UL)
            : "t0", "t1", "memory");
        check_eq(r, 44);
        check_eq(cell[4], i ? 50 : 44);
    }
}

/* ---- misaligned --------------------------------------------------------------------------------------------------------------- */

#define MISALIGNED(text, offset, a, b)                              \
    do {                                                            \
        uint64_t addr_ = (uint64_t)&cell[4] + (offset);             \
        const struct trap *t_ = &this_cpu()->last;                  \
        trap_arm();                                                 \
        asm volatile(text ::"r"(addr_), "r"(1UL) : "t0", "memory"); \
        check_eq(t_->count, 1);                                     \
        check_eq(t_->tval, addr_);                                  \
        check(t_->cause == (a) || t_->cause == (b));                \
        trap_disarm();                                              \
    } while (0)

static void test_misaligned(void)
{
    begin("misaligned_lr_sc_amo_trap");
    cell[4] = 0x1122334455667788;
    MISALIGNED("lr.w t0, (%0)", 1, LOAD_MISALIGNED, LOAD_ACCESS);
    MISALIGNED("lr.d t0, (%0)", 4, LOAD_MISALIGNED, LOAD_ACCESS);
    MISALIGNED("sc.w t0, %1, (%0)", 2, STORE_MISALIGNED, STORE_ACCESS);
    MISALIGNED("sc.d t0, %1, (%0)", 4, STORE_MISALIGNED, STORE_ACCESS);
    MISALIGNED("amoadd.w t0, %1, (%0)", 3, STORE_MISALIGNED, STORE_ACCESS);
    MISALIGNED("amoadd.d t0, %1, (%0)", 4, STORE_MISALIGNED, STORE_ACCESS);
    MISALIGNED("amomaxu.d t0, %1, (%0)", 1, STORE_MISALIGNED, STORE_ACCESS);
    MISALIGNED("amoswap.w zero, %1, (%0)", 1, STORE_MISALIGNED, STORE_ACCESS);
    check_eq(cell[4], 0x1122334455667788);
}

static void test_faults(void)
{
    begin("faults_of_lr_sc_amo");
    trap_arm();
    asm volatile("lr.d t0, (%0)" ::"r"(0UL) : "t0");
    check_trap(LOAD_ACCESS, 0);
    asm volatile("amoadd.w t0, t0, (%0)" ::"r"(0UL) : "t0");
    check_trap(STORE_ACCESS, 0);
    asm volatile("amomin.d t0, t0, (%0)" ::"r"(0UL) : "t0");
    check_trap(STORE_ACCESS, 0);
    trap_disarm();
}

void test_main(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(amos); i++) {
        test_amo(&amos[i]);
    }
    test_pairs();
    test_failures();
    test_registers();
    test_misaligned();
    test_faults();
}
