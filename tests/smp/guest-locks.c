/* SPDX-License-Identifier: MIT */
/*
 * Counters, locks and LR/SC on 2 to 8 harts: nothing is lost by AMOs or by LR/SC loops of any shape, locks exclude, and an SC
 * fails when another hart changed the place in between, even if it changed it back. In M-mode and in S-mode under Sv39.
 */
#include "tests/smp/smp.h"

static uint64_t rounds; /* of each hart, in all tests: less with more harts */
static struct line counter, second, lock_word, owner, next_ticket, serving;
static uint8_t pages[3 * 4096] __attribute__((aligned(4096)));

/* ---- counters ------------------------------------------------------------------------------------------------------------------- */

static void amo_add(void)
{
    asm volatile("amoadd.d zero, %0, (%1)" ::"r"(1UL), "r"(&counter.v) : "memory");
}

/* The shape that the ISA calls constrained. */
static void lrsc_fused(void)
{
    asm volatile(
        "1: lr.d t0, (%0)\n addi t0, t0, 1\n sc.d t1, t0, (%0)\n bnez t1, 1b" ::"r"(&counter.v)
        : "t0", "t1", "memory");
}

static void lrsc_fused_aqrl(void)
{
    asm volatile(
        "1: lr.d.aqrl t0, (%0)\n addi t0, t0, 1\n sc.d.rl t1, t0, (%0)\n bnez t1, 1b" ::"r"(
            &counter.v)
        : "t0", "t1", "memory");
}

static void lrsc_word(void)
{
    asm volatile(
        "1: lr.w t0, (%0)\n addiw t0, t0, 1\n sc.w t1, t0, (%0)\n bnez t1, 1b" ::"r"(&counter.v)
        : "t0", "t1", "memory");
}

/* A store of one's own to another line between the two. */
static void lrsc_store_between(void)
{
    static struct line own[RT_MAX_HARTS];

    asm volatile(
        "1: lr.d t0, (%0)\n addi t0, t0, 1\n sd t0, (%1)\n sc.d t1, t0, (%0)\n bnez t1, 1b" ::"r"(
            &counter.v),
        "r"(&own[hart_id()])
        : "t0", "t1", "memory");
}

static void lrsc_load_between(void)
{
    asm volatile(
        "1: lr.d t0, (%0)\n ld t1, (%1)\n addi t0, t0, 1\n sc.d t1, t0, (%0)\n bnez t1, 1b" ::"r"(
            &counter.v),
        "r"(&second.v)
        : "t0", "t1", "memory");
}

static void lrsc_branch_between(void)
{
    asm volatile(
        "1: lr.d t0, (%0)\n andi t1, t0, 1\n beqz t1, 2f\n addi t0, t0, 1\n j 3f\n 2: addi t0, t0, 1\n"
        "3: sc.d t1, t0, (%0)\n bnez t1, 1b" ::"r"(&counter.v)
        : "t0", "t1", "memory");
}

/* LR and SC in two pages of code: the pair spans two blocks. */
static void lrsc_across_pages(void)
{
    asm volatile(".option push\n .option norvc\n j 1f\n .balign 4096\n .space 4096 - 8\n"
                 "1: lr.d t0, (%0)\n addi t0, t0, 1\n"
                 "sc.d t1, t0, (%0)\n bnez t1, 1b\n .option pop" ::"r"(&counter.v)
                 : "t0", "t1", "memory");
}

__attribute__((noinline)) static uint64_t lr_of(volatile uint64_t *p)
{
    uint64_t v;

    asm volatile("lr.d.aq %0, (%1)" : "=r"(v) : "r"(p) : "memory");
    return v;
}

__attribute__((noinline)) static uint64_t sc_of(uint64_t v, volatile uint64_t *p)
{
    uint64_t bad;

    asm volatile("sc.d.rl %0, %1, (%2)" : "=&r"(bad) : "r"(v), "r"(p) : "memory");
    return bad;
}

static void lrsc_subroutines(void)
{
    while (sc_of(lr_of(&counter.v) + 1, &counter.v)) {}
}

/* The increment is the value loaded for the compare of a compare-and-swap. */
static void lrsc_cas(void)
{
    uint64_t old, seen, bad;

    do {
        old = *(volatile uint64_t *)&counter.v;
        bad = 1;
        asm volatile("1: lr.d %0, (%2)\n bne %0, %3, 2f\n sc.d %1, %4, (%2)\n bnez %1, 1b\n 2:"
                     : "=&r"(seen), "+&r"(bad)
                     : "r"(&counter.v), "r"(old), "r"(old + 1)
                     : "memory");
    } while (bad);
}

/* Mixed with AMOs by the other harts on the same place. */
static void mixed(void)
{
    if (hart_id() & 1) {
        amo_add();
    } else {
        lrsc_fused();
    }
}

static void mixed_unfused(void)
{
    if (hart_id() & 1) {
        amo_add();
    } else {
        lrsc_subroutines();
    }
}

/* Fused pairs against unfused ones: the two ways must see each other. */
static void mixed_pairs(void)
{
    if (hart_id() & 1) {
        lrsc_fused();
    } else {
        lrsc_store_between();
    }
}

static void (*increment)(void);

static void count_job(uint64_t hart)
{
    (void)hart;
    barrier();
    for (uint64_t i = 0; i < rounds; i++) {
        increment();
    }
}

static const struct {
    const char *name;
    void (*fn)(void);
} counters[] = {
    {"counter_amo", amo_add},
    {"counter_lrsc", lrsc_fused},
    {"counter_lrsc_aqrl", lrsc_fused_aqrl},
    {"counter_lrsc_word", lrsc_word},
    {"counter_lrsc_store_between", lrsc_store_between},
    {"counter_lrsc_load_between", lrsc_load_between},
    {"counter_lrsc_branch_between", lrsc_branch_between},
    {"counter_lrsc_across_pages", lrsc_across_pages},
    {"counter_lrsc_in_subroutines", lrsc_subroutines},
    {"counter_compare_and_swap", lrsc_cas},
    {"counter_amo_against_lrsc", mixed},
    {"counter_amo_against_lrsc_in_subroutines", mixed_unfused},
    {"counter_fused_against_unfused_pairs", mixed_pairs},
};

static void test_counters(unsigned n, enum priv mode)
{
    for (unsigned i = 0; i < ARRAY_SIZE(counters); i++) {
        begin(counters[i].name);
        counter.v = 0;
        increment = counters[i].fn;
        smp_run(n, mode, count_job);
        check_eq(counter.v, n * rounds);
    }
}

/* ---- AMOs of other kinds ----------------------------------------------------------------------------------------------------------- */

static struct {
    volatile uint64_t xor_d, or_d, max_d, min_d;
    volatile uint32_t low, high; /* neighbours in one double */
    volatile uint32_t maxu_w, pad;
} amo __attribute__((aligned(64)));

static void amo_job(uint64_t hart)
{
    barrier();
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t v = hart * rounds + i;

        asm volatile("amoxor.d zero, %0, (%1)" ::"r"(v * 0x9e3779b97f4a7c15), "r"(&amo.xor_d)
                     : "memory");
        asm volatile("amoor.d zero, %0, (%1)" ::"r"(1UL << (v & 63)), "r"(&amo.or_d) : "memory");
        asm volatile("amomax.d zero, %0, (%1)" ::"r"(v), "r"(&amo.max_d) : "memory");
        asm volatile("amomin.d zero, %0, (%1)" ::"r"(-v), "r"(&amo.min_d) : "memory");
        asm volatile("amomaxu.w zero, %0, (%1)" ::"r"(v), "r"(&amo.maxu_w) : "memory");
        asm volatile("amoadd.w zero, %0, (%1)" ::"r"(1UL), "r"(hart & 1 ? &amo.high : &amo.low)
                     : "memory");
    }
}

static void test_amos(unsigned n, enum priv mode)
{
    uint64_t all = n * rounds, want = 0;

    begin("amos_of_all_kinds");
    amo.xor_d = amo.or_d = amo.max_d = amo.min_d = 0;
    amo.low = amo.high = amo.maxu_w = 0;
    smp_run(n, mode, amo_job);
    for (uint64_t v = 0; v < all; v++) {
        want ^= v * 0x9e3779b97f4a7c15;
    }
    check_eq(amo.xor_d, want);
    check_eq(amo.or_d, all >= 64 ? -1UL : (1UL << all) - 1);
    check_eq(amo.max_d, all - 1);
    check_eq(amo.min_d, -(all - 1));
    check_eq(amo.maxu_w, all - 1);
    check_eq(amo.low, (n + 1) / 2 * rounds);
    check_eq(amo.high, n / 2 * rounds);
}

/* ---- locks --------------------------------------------------------------------------------------------------------------------------- */

/* Gives the host's other threads a chance when there are more harts than cores. */
static void relax(void)
{
    spin_pause();
}

static void swap_lock(void)
{
    uint64_t old;

    do {
        asm volatile("amoswap.w.aq %0, %1, (%2)"
                     : "=&r"(old)
                     : "r"(1UL), "r"(&lock_word.v)
                     : "memory");
        if (old) {
            relax();
        }
    } while (old);
}

static void swap_unlock(void)
{
    asm volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(&lock_word.v) : "memory");
}

static void fence_unlock(void)
{
    asm volatile("fence rw, w\n sw zero, (%0)" ::"r"(&lock_word.v) : "memory");
}

static void lrsc_lock(void)
{
    uint64_t bad;

    do {
        asm volatile("lr.w.aq %0, (%2)\n bnez %0, 1f\n sc.w %0, %1, (%2)\n 1:"
                     : "=&r"(bad)
                     : "r"(1UL), "r"(&lock_word.v)
                     : "memory");
        if (bad) {
            relax();
        }
    } while (bad);
}

static void ticket_lock(void)
{
    uint64_t mine;

    asm volatile("1: lr.d.aq %0, (%1)\n addi t0, %0, 1\n sc.d t1, t0, (%1)\n bnez t1, 1b"
                 : "=&r"(mine)
                 : "r"(&next_ticket.v)
                 : "t0", "t1", "memory");
    while (load_acquire(&serving.v) != mine) {
        relax();
    }
}

static void ticket_unlock(void)
{
    store_release(&serving.v, serving.v + 1);
}

static const struct {
    const char *name;
    void (*lock)(void);
    void (*unlock)(void);
    unsigned part; /* of the rounds: tickets wait for each hart in turn */
} locks[] = {
    {"lock_amoswap", swap_lock, swap_unlock, 1},
    {"lock_amoswap_fence", swap_lock, fence_unlock, 1},
    {"lock_lrsc", lrsc_lock, swap_unlock, 1},
    {"lock_ticket", ticket_lock, ticket_unlock, 40},
};

static unsigned lock_kind;
static volatile uint64_t intruders;

static void lock_job(uint64_t hart)
{
    barrier();
    for (uint64_t i = 0; i < rounds / locks[lock_kind].part; i++) {
        locks[lock_kind].lock();
        owner.v = hart + 1;
        counter.v = counter.v + 1;
        ((volatile uint64_t *)pages)[i & 511]++;
        second.v = second.v + 1;
        if (owner.v != hart + 1) {
            intruders = intruders + 1;
        }
        locks[lock_kind].unlock();
    }
}

static void test_locks(unsigned n, enum priv mode)
{
    for (lock_kind = 0; lock_kind < ARRAY_SIZE(locks); lock_kind++) {
        uint64_t want = n * (rounds / locks[lock_kind].part), sum = 0;

        begin(locks[lock_kind].name);
        counter.v = second.v = lock_word.v = next_ticket.v = serving.v = 0;
        intruders = 0;
        for (unsigned i = 0; i < 512; i++) {
            ((volatile uint64_t *)pages)[i] = 0;
        }
        smp_run(n, mode, lock_job);
        for (unsigned i = 0; i < 512; i++) {
            sum += ((volatile uint64_t *)pages)[i];
        }
        check_eq(counter.v, want);
        check_eq(second.v, want);
        check_eq(sum, want);
        check_eq(intruders, 0);
    }
}

/* ---- ABA ------------------------------------------------------------------------------------------------------------------------------- */

enum { A = 0x1111111111111111, B = 0x2222222222222222 };
static struct line places[3], turn;
#define place places[1]
static uint64_t aba_rounds, aba_wrong;
static unsigned aba_kind;

/* What the other hart does to the place, which holds A before and after. */
static void change_and_back(void)
{
    volatile uint64_t *p = &place.v;
    uint64_t bad;

    switch (aba_kind) {
    case 0:
        *p = B;
        asm volatile("" ::: "memory");
        *p = A;
        break;
    case 1:
        asm volatile("amoswap.d zero, %0, (%2)\n amoswap.d zero, %1, (%2)" ::"r"((uint64_t)B),
                     "r"((uint64_t)A), "r"(p)
                     : "memory");
        break;
    case 2:
        asm volatile("1: lr.d t0, (%2)\n sc.d %0, %1, (%2)\n bnez %0, 1b"
                     : "=&r"(bad)
                     : "r"((uint64_t)B), "r"(p)
                     : "t0", "memory");
        asm volatile("1: lr.d t0, (%2)\n sc.d %0, %1, (%2)\n bnez %0, 1b"
                     : "=&r"(bad)
                     : "r"((uint64_t)A), "r"(p)
                     : "t0", "memory");
        break;
    case 3:
        *(volatile uint8_t *)p = 0x77;
        asm volatile("" ::: "memory");
        *(volatile uint8_t *)p = 0x11;
        break;
    case 4: /* the store of the same value changes nothing that anyone sees, and still is one */
        *p = A;
        break;
    case 5:
        *(volatile uint64_t *)((volatile uint8_t *)p - 4) =
            0; /* across the start of the double, misaligned */
        *p = A;
        break;
    case 6:
        asm volatile(
            "fmv.d.x fa0, %0\n fsd fa0, (%2)\n fmv.d.x fa0, %1\n fsd fa0, (%2)" ::"r"((uint64_t)B),
            "r"((uint64_t)A), "r"(p)
            : "memory");
        break;
    }
}

static void aba_job(uint64_t hart)
{
    barrier();
    for (uint64_t i = 0; i < aba_rounds; i++) {
        if (hart == 0) {
            uint64_t v = lr_of(&place.v);

            /* Not another LR or SC from here: plain accesses only. */
            *(volatile uint64_t *)&turn.v = 2 * i + 1;
            while (*(volatile uint64_t *)&turn.v != 2 * i + 2) {
                spin_pause();
            }
            asm volatile("fence" ::: "memory");
            if (v != A || place.v != A || sc_of(B, &place.v) == 0 || place.v != A) {
                aba_wrong++;
                place.v = A;
            }
        } else if (hart == 1) {
            while (*(volatile uint64_t *)&turn.v != 2 * i + 1) {
                spin_pause();
            }
            asm volatile("fence" ::: "memory");
            change_and_back();
            asm volatile("fence" ::: "memory");
            *(volatile uint64_t *)&turn.v = 2 * i + 2;
        }
    }
}

static void test_aba(enum priv mode)
{
    static const char *const names[] = {
        "aba_stores",
        "aba_amos",
        "aba_lrsc",
        "aba_byte_stores",
        "aba_store_of_the_same_value",
        "aba_misaligned_store",
        "aba_float_stores",
    };

    for (aba_kind = 0; aba_kind < ARRAY_SIZE(names); aba_kind++) {
        begin(names[aba_kind]);
        place.v = A;
        turn.v = 0;
        aba_wrong = 0;
        smp_run(2, mode, aba_job);
        check_eq(aba_wrong, 0);
    }
}

/* Pairs that nobody disturbs must go through, also with neighbours busy in the same page. */
static struct {
    struct line mine[RT_MAX_HARTS];
} quiet __attribute__((aligned(4096)));

static void quiet_job(uint64_t hart)
{
    volatile uint64_t *p = &quiet.mine[hart].v;

    barrier();
    for (uint64_t i = 0; i < rounds; i++) {
        if (hart & 1) {
            *p = *p + 1; /* stores beside the others' reservations */
        } else {
            while (sc_of(lr_of(p) + 1, p)) {}
        }
    }
}

static void test_quiet(unsigned n, enum priv mode)
{
    begin("reservations_and_stores_of_neighbours_in_a_page");
    for (unsigned h = 0; h < n; h++) {
        quiet.mine[h].v = 0;
    }
    smp_run(n, mode, quiet_job);
    for (unsigned h = 0; h < n; h++) {
        check_eq(quiet.mine[h].v, rounds);
    }
}

void test_main(void)
{
    unsigned n = hart_count();

    smp_map_identity();
    rounds = 16000 / n;
    aba_rounds = n > 2 ? 20 : 100;
    for (unsigned m = 0; m < 2; m++) {
        enum priv mode = m ? S_MODE : M_MODE;

        set_prefix(m ? "s_" : "m_");
        test_counters(n, mode);
        test_amos(n, mode);
        test_locks(n, mode);
        test_aba(mode);
        test_quiet(n, mode);
    }
}
