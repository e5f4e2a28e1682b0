/* SPDX-License-Identifier: MIT */
/*
 * Litmus shapes on 2 to 4 harts: outcomes that RVWMO forbids must never be seen; those that it allows are counted, and the
 * counts printed. In M-mode and in S-mode under Sv39.
 *
 * A round is an array of slots, which all harts walk together: each does its part on the slot's x and y. A hart waits for the
 * others at each slot, but not for long.
 */
#include "tests/smp/smp.h"

#define SLOTS  1024
#define ROUNDS 2

struct slot {
    struct line x, y;
    struct line r[4];
};

typedef void (*part_fn)(volatile uint64_t *x, volatile uint64_t *y, volatile uint64_t *r);

struct shape {
    const char *name;
    unsigned n;
    part_fn parts[4];
    bool (*forbidden)(const struct slot *s);
    bool (*weak)(const struct slot *s); /* counted if seen, NULL: nothing to count */
};

#define PART(name, text, ...)                                                          \
    static void name(volatile uint64_t *x, volatile uint64_t *y, volatile uint64_t *r) \
    {                                                                                  \
        uint64_t a = 0, b = 0, one = 1, two = 2;                                       \
        asm volatile(text                                                              \
                     : "+&r"(a), "+&r"(b)                                              \
                     : "r"(x), "r"(y), "r"(one), "r"(two)                              \
                     : "t0", "t1", "memory");                                          \
        r[0] = a;                                                                      \
        r[1] = b;                                                                      \
    }
#define LD_A_X "ld %0, (%2)\n"
#define LD_B_X "ld %1, (%2)\n"
#define LD_A_Y "ld %0, (%3)\n"
#define LD_B_Y "ld %1, (%3)\n"
#define ST_X   "sd %4, (%2)\n"
#define ST_Y   "sd %4, (%3)\n"
#define ST_X2  "sd %5, (%2)\n"
#define ST_Y2  "sd %5, (%3)\n"
#define FENCE  "fence rw, rw\n"
#define TSO    "fence.tso\n"

/* Store buffering. */
PART(sb0, ST_X LD_A_Y)
PART(sb1, ST_Y LD_A_X)
PART(sb0_fence, ST_X FENCE LD_A_Y)
PART(sb1_fence, ST_Y FENCE LD_A_X)
PART(sb0_wr, ST_X "fence w, r\n" LD_A_Y)
PART(sb1_wr, ST_Y "fence w, r\n" LD_A_X)
PART(sb0_amo, "amoswap.d.aqrl t0, %4, (%2)\n lr.d.aqrl %0, (%3)\n")
PART(sb1_amo, "amoswap.d.aqrl t0, %4, (%3)\n lr.d.aqrl %0, (%2)\n")
PART(sb0_amo2, "amoswap.d.aqrl t0, %4, (%2)\n" LD_A_Y)
PART(sb1_amo2, "amoswap.d.aqrl t0, %4, (%3)\n" LD_A_X)
PART(sb0_amo_fence, "amoadd.d t0, %4, (%2)\n" FENCE LD_A_Y)
PART(sb1_amo_fence, "amoadd.d t0, %4, (%3)\n" FENCE LD_A_X)
/* Message passing: hart 1 reads y, then x. */
PART(mp0, ST_X ST_Y)
PART(mp1, LD_A_Y LD_B_X)
PART(mp0_fence, ST_X "fence w, w\n" ST_Y)
PART(mp1_fence, LD_A_Y "fence r, r\n" LD_B_X)
PART(mp0_tso, ST_X TSO ST_Y)
PART(mp1_tso, LD_A_Y TSO LD_B_X)
PART(mp0_rl, ST_X "amoswap.d.rl t0, %4, (%3)\n")
PART(mp1_aq, "lr.d.aq %0, (%3)\n" LD_B_X)
PART(mp1_amo_aq, "amoadd.d.aq %0, zero, (%3)\n" LD_B_X)
PART(mp1_addr, LD_A_Y "xor t0, %0, %0\n add t0, t0, %2\n ld %1, (t0)\n")
/* Load buffering. */
PART(lb0, LD_A_X ST_Y)
PART(lb1, LD_A_Y ST_X)
PART(lb0_fence, LD_A_X "fence r, w\n" ST_Y)
PART(lb1_fence, LD_A_Y "fence r, w\n" ST_X)
PART(lb0_data, LD_A_X "xor t0, %0, %0\n add t0, t0, %4\n sd t0, (%3)\n")
PART(lb1_data, LD_A_Y "xor t0, %0, %0\n add t0, t0, %4\n sd t0, (%2)\n")
PART(lb0_ctrl, LD_A_X "bne %0, %0, 1f\n 1:\n" ST_Y)
PART(lb1_ctrl, LD_A_Y "bne %0, %0, 1f\n 1:\n" ST_X)
/* Both write both. */
PART(ww0, ST_X ST_Y2)
PART(ww1, ST_Y ST_X2)
PART(ww0_fence, ST_X "fence w, w\n" ST_Y2)
PART(ww1_fence, ST_Y "fence w, w\n" ST_X2)
PART(ww0_rl, ST_X "amoswap.d.rl t0, %5, (%3)\n")
PART(ww1_rl, ST_Y "amoswap.d.rl t0, %5, (%2)\n")
/* S and R shapes. */
PART(s0, ST_X2 "fence w, w\n" ST_Y)
PART(s1, LD_A_Y "fence r, w\n" ST_X)
PART(r0, ST_X "fence w, w\n" ST_Y)
PART(r1, ST_Y2 FENCE LD_A_X)
/* Readers of independent writers. */
PART(write_x, ST_X)
PART(write_y, ST_Y)
PART(read_xy, LD_A_X FENCE LD_B_Y)
PART(read_yx, LD_A_Y FENCE LD_B_X)
PART(read_xy_rr, LD_A_X LD_B_Y)
PART(read_yx_rr, LD_A_Y LD_B_X)
PART(read_xy_aq, "lr.d.aqrl %0, (%2)\n lr.d.aqrl %1, (%3)\n")
PART(read_yx_aq, "lr.d.aqrl %0, (%3)\n lr.d.aqrl %1, (%2)\n")
/* Coherence of one location. */
PART(co_write2, ST_X ST_X2)
PART(co_read2, LD_A_X LD_B_X)
PART(co_amo2, "amoadd.d t0, %4, (%2)\n amoadd.d t0, %4, (%2)\n")
PART(co_read_write, ST_X2 LD_A_X)
/* A write seen by one is seen by who hears of it from that one. */
PART(wrc1, LD_A_X FENCE ST_Y)
PART(wrc2, LD_A_Y FENCE LD_B_X)
/* Parts of a double: the loads of halves after a store of all. */
PART(mixed0, "li t0, 0x100000001\n sd t0, (%2)\n")
PART(mixed1, "lw %0, 4(%2)\n lw %1, (%2)\n")

static bool never(const struct slot *s)
{
    (void)s;
    return false;
}

static bool both_zero(const struct slot *s)
{
    return !s->r[0].v && !s->r[1].v;
}

static bool mp_stale(const struct slot *s)
{
    return s->r[1].v == 1 && s->r[1].pad[0] == 0;
}

static bool both_one(const struct slot *s)
{
    return s->r[0].v == 1 && s->r[1].v == 1;
}

static bool ww_cycle(const struct slot *s)
{
    return s->x.v == 1 && s->y.v == 1;
}

static bool s_cycle(const struct slot *s)
{
    return s->r[1].v == 1 && s->x.v == 2;
}

static bool r_cycle(const struct slot *s)
{
    return s->y.v == 2 && s->r[1].v == 0;
}

static bool iriw(const struct slot *s)
{
    return s->r[2].v == 1 && s->r[2].pad[0] == 0 && s->r[3].v == 1 && s->r[3].pad[0] == 0;
}

static bool back_in_time(const struct slot *s)
{
    return s->r[1].v > s->r[1].pad[0];
}

static bool co_final(const struct slot *s)
{
    return s->x.v != 2 || back_in_time(s);
}

static bool co_sum(const struct slot *s)
{
    return s->x.v != 4;
}

static bool co_rw(const struct slot *s)
{
    /* Who wrote 2 reads 2, or the 1 that came after it. */
    return s->r[1].v == 0 || (s->r[1].v == 1 && s->x.v == 2);
}

static bool wrc(const struct slot *s)
{
    return s->r[1].v == 1 && s->r[2].v == 1 && s->r[2].pad[0] == 0;
}

static const struct shape shapes[] = {
    {"sb", 2, {sb0, sb1}, never, both_zero},
    {"sb_fences", 2, {sb0_fence, sb1_fence}, both_zero, NULL},
    {"sb_fences_w_r", 2, {sb0_wr, sb1_wr}, both_zero, NULL},
    {"sb_aqrl", 2, {sb0_amo, sb1_amo}, both_zero, NULL},
    {"sb_amo_plain_loads", 2, {sb0_amo2, sb1_amo2}, both_zero, NULL},
    {"sb_amo_fences", 2, {sb0_amo_fence, sb1_amo_fence}, both_zero, NULL},
    {"mp", 2, {mp0, mp1}, never, mp_stale},
    {"mp_fences", 2, {mp0_fence, mp1_fence}, mp_stale, NULL},
    {"mp_fence_tso", 2, {mp0_tso, mp1_tso}, mp_stale, NULL},
    {"mp_release_acquire", 2, {mp0_rl, mp1_aq}, mp_stale, NULL},
    {"mp_release_amo_acquire", 2, {mp0_rl, mp1_amo_aq}, mp_stale, NULL},
    {"mp_fence_address", 2, {mp0_fence, mp1_addr}, mp_stale, NULL},
    {"lb", 2, {lb0, lb1}, never, both_one},
    {"lb_fences", 2, {lb0_fence, lb1_fence}, both_one, NULL},
    {"lb_data", 2, {lb0_data, lb1_data}, both_one, NULL},
    {"lb_control", 2, {lb0_ctrl, lb1_ctrl}, both_one, NULL},
    {"2_2w", 2, {ww0, ww1}, never, ww_cycle},
    {"2_2w_fences", 2, {ww0_fence, ww1_fence}, ww_cycle, NULL},
    {"2_2w_release", 2, {ww0_rl, ww1_rl}, ww_cycle, NULL},
    {"s_fences", 2, {s0, s1}, s_cycle, NULL},
    {"r_fences", 2, {r0, r1}, r_cycle, NULL},
    {"co_rr", 2, {co_write2, co_read2}, co_final, NULL},
    {"co_amo", 2, {co_amo2, co_amo2}, co_sum, NULL},
    {"co_rw", 2, {write_x, co_read_write}, co_rw, NULL},
    {"wrc_fences", 3, {write_x, wrc1, wrc2}, wrc, NULL},
    {"iriw", 4, {write_x, write_y, read_xy_rr, read_yx_rr}, never, iriw},
    {"iriw_fences", 4, {write_x, write_y, read_xy, read_yx}, iriw, NULL},
    {"iriw_aqrl", 4, {write_x, write_y, read_xy_aq, read_yx_aq}, iriw, NULL},
    {"mixed_sizes", 2, {mixed0, mixed1}, never, back_in_time},
};

static struct slot slots[SLOTS] __attribute__((aligned(4096)));
static struct line progress[4];
static const struct shape *shape;
static uint64_t bad, odd;

static void clear_slots(void)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *s = &slots[i];

        s->x.v = s->y.v = 0;
        for (unsigned k = 0; k < 4; k++) {
            s->r[k].v = 0;
            *(volatile uint64_t *)&s->r[k].pad[0] = 0;
        }
    }
    for (unsigned k = 0; k < 4; k++) {
        progress[k].v = 0;
    }
}

static void meet(uint64_t hart, uint64_t at)
{
    progress[hart].v = at;
    for (unsigned other = 0; other < shape->n; other++) {
        for (unsigned spins = 0; spins < 60 && progress[other].v < at; spins++) {
            asm volatile("" ::: "memory");
        }
    }
}

static void walk(uint64_t hart)
{
    uint64_t random = hart * 7919 + 17;

    for (unsigned round = 0; round < ROUNDS; round++) {
        if (hart == 0) {
            clear_slots();
        }
        barrier();
        for (unsigned i = 0; i < SLOTS; i++) {
            struct slot *s = &slots[i];

            meet(hart, i + 1);
            for (unsigned d = rt_random(&random) & 7; d; d--) {
                asm volatile("" ::: "memory");
            }
            shape->parts[hart](&s->x.v, &s->y.v, &s->r[hart].v);
        }
        barrier();
        for (unsigned i = 0; hart == 0 && i < SLOTS; i++) {
            bad += shape->forbidden(&slots[i]);
            odd += shape->weak && shape->weak(&slots[i]);
        }
    }
}

static void run_shape(const struct shape *s, enum priv mode)
{
    begin(s->name);
    shape = s;
    bad = odd = 0;
    smp_run(s->n, mode, walk);
    check_eq(bad, 0);
    if (s->weak) {
        put_string("# ");
        put_string(s->name);
        put_string(": allowed outcome seen ");
        put_dec(odd);
        put_string(" times\n");
    }
}

void test_main(void)
{
    unsigned n = hart_count();

    smp_map_identity();
    for (unsigned m = 0; m < 2; m++) {
        enum priv mode = m ? S_MODE : M_MODE;

        set_prefix(m ? "s_" : "m_");
        for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
            if (shapes[i].n <= n) {
                run_shape(&shapes[i], mode);
            }
        }
    }
}
