/* SPDX-License-Identifier: MIT */
/* MSWI and MTIMER: registers by 4 and 8 bytes, lines, timers, and many threads at once. */
#include "hw/host/thread.h"
#include "tests/devices/fixture.h"

enum { NHARTS = 3, MTIMECMP = 0x4000, MTIME = 0xbff8 };

struct clint_fixture {
    struct fixture fx;
    const struct irq *msip[NHARTS], *mtip[NHARTS];
    struct clint_config config;
};

/* msip of hart i is line 10 + i, mtip line 20 + i */
static void init(struct clint_fixture *c)
{
    fixture_init(&c->fx);
    for (unsigned i = 0; i < NHARTS; i++) {
        c->msip[i] = &c->fx.lines[10 + i];
        c->mtip[i] = &c->fx.lines[20 + i];
    }
    c->config = (struct clint_config){.nharts = NHARTS, .msip = c->msip, .mtip = c->mtip};
    fixture_add(&c->fx, &clint_model, &c->config);
}

static void msip_drives_the_line_of_its_hart_and_has_one_bit(struct unit *u)
{
    struct clint_fixture c;

    init(&c);
    put(&c.fx, 4, 0xffffffff, 4);
    CHECK_EQ(u, get(&c.fx, 4, 4), 1);
    CHECK_EQ(u, c.fx.level[11], 1);
    CHECK_EQ(u, c.fx.level[10], 0);
    put(&c.fx, 4, 0xfffffffe, 4);
    CHECK_EQ(u, c.fx.level[11], 0);
    put(&c.fx, 0, UINT64_C(0x100000001), 8);
    CHECK_EQ(u, c.fx.level[10], 1);
    CHECK_EQ(u, c.fx.level[11], 1);
    CHECK_EQ(u, get(&c.fx, 0, 8), UINT64_C(0x100000001));
    fixture_fini(&c.fx);
}

static void mtimecmp_is_parked_after_reset_and_takes_halves(struct unit *u)
{
    struct clint_fixture c;

    init(&c);
    CHECK_EQ(u, get(&c.fx, MTIMECMP, 8), UINT64_MAX);
    put(&c.fx, MTIMECMP + 8, 0x11223344, 4);
    CHECK_EQ(u, get(&c.fx, MTIMECMP + 8, 8), UINT64_C(0xffffffff11223344));
    put(&c.fx, MTIMECMP + 12, 0x55667788, 4);
    CHECK_EQ(u, get(&c.fx, MTIMECMP + 8, 8), UINT64_C(0x5566778811223344));
    CHECK_EQ(u, get(&c.fx, MTIMECMP + 12, 4), 0x55667788);
    CHECK_EQ(u, c.fx.level[21], 0);
    fixture_reset(&c.fx);
    CHECK_EQ(u, get(&c.fx, MTIMECMP + 8, 8), UINT64_MAX);
    fixture_fini(&c.fx);
}

static void mtip_follows_the_comparison_at_once(struct unit *u)
{
    struct clint_fixture c;

    init(&c);
    put(&c.fx, MTIMECMP, 0, 8);
    CHECK_EQ(u, c.fx.level[20], 1);
    put(&c.fx, MTIMECMP, UINT64_MAX, 8);
    CHECK_EQ(u, c.fx.level[20], 0);
    fixture_fini(&c.fx);
}

static void mtip_rises_when_time_reaches_mtimecmp(struct unit *u)
{
    struct clint_fixture c;
    uint64_t when;

    init(&c);
    when = get(&c.fx, MTIME, 8) + 50000; /* 5 ms */
    put(&c.fx, MTIMECMP + 16, when, 8);
    CHECK_EQ(u, c.fx.level[22], 0);
    fixture_run(&c.fx, 20);
    CHECK(u, get(&c.fx, MTIME, 8) >= when);
    CHECK_EQ(u, c.fx.level[22], 1);
    put(&c.fx, MTIMECMP + 16, get(&c.fx, MTIME, 8) + 10000000, 8);
    CHECK_EQ(u, c.fx.level[22], 0);
    fixture_run(&c.fx, 5);
    CHECK_EQ(u, c.fx.level[22], 0);
    fixture_fini(&c.fx);
}

/* A line that takes its time: 10 us pass in it, as when the host runs something else. */
static void set_slowly(void *opaque, unsigned line, bool level)
{
    struct fixture *fx = opaque;
    uint64_t start = machine_time(&fx->m);

    while (machine_time(&fx->m) < start + 100) {}
    fixture_set(opaque, line, level);
}

/*
 * A deadline that passes while mtimecmp is being written must not get lost between the comparison
 * and the timer: whichever of the two sees it, the line rises.
 */
static void mtip_rises_if_time_passes_while_mtimecmp_is_written(struct unit *u)
{
    struct clint_fixture c;

    init(&c);
    c.fx.lines[20].set = set_slowly;
    for (unsigned i = 0; i < 20; i++) {
        put(&c.fx, MTIMECMP, get(&c.fx, MTIME, 8) + 50, 8);
        for (unsigned tries = 0; tries < 1000 && !c.fx.level[20]; tries++) {
            fixture_run(&c.fx, 1);
        }
        CHECK_EQ(u, c.fx.level[20], 1);
        put(&c.fx, MTIMECMP, UINT64_MAX, 8);
    }
    fixture_fini(&c.fx);
}

static void mtime_can_be_set_and_moves_the_comparison(struct unit *u)
{
    struct clint_fixture c;

    init(&c);
    put(&c.fx, MTIMECMP, UINT64_C(0x100000000), 8);
    CHECK_EQ(u, c.fx.level[20], 0);
    put(&c.fx, MTIME, UINT64_C(0x100000000), 8);
    CHECK_EQ(u, c.fx.level[20], 1);
    CHECK_EQ(u, get(&c.fx, MTIME + 4, 4), 1);
    put(&c.fx, MTIME, 0, 8);
    CHECK_EQ(u, c.fx.level[20], 0);
    CHECK(u, get(&c.fx, MTIME, 8) < 100000000);
    put(&c.fx, MTIME + 4, 2, 4);
    CHECK_EQ(u, get(&c.fx, MTIME, 8) >> 32, 2);
    CHECK_EQ(u, c.fx.level[20], 1);
    fixture_fini(&c.fx);
}

/* The time CSR is machine_time; the next reset undoes it all. */
static void the_whole_machine_follows_mtime(struct unit *u)
{
    struct clint_fixture c;
    uint64_t before, after;

    init(&c);
    put(&c.fx, MTIME, UINT64_C(0x500000000000), 8);
    before = get(&c.fx, MTIME, 8);
    CHECK(u, before >= UINT64_C(0x500000000000) && before < UINT64_C(0x500040000000));
    after = machine_time(&c.fx.m);
    CHECK(u, before <= after && after < before + UINT64_C(0x40000000));
    put(&c.fx, MTIME, 5, 8); /* back */
    CHECK(u, machine_time(&c.fx.m) < UINT64_C(0x40000000));
    put(&c.fx, MTIME + 4, 7, 4);
    CHECK_EQ(u, machine_time(&c.fx.m) >> 32, 7);
    put(&c.fx, MTIMECMP, UINT64_C(0x700000000), 8);
    CHECK_EQ(u, c.fx.level[20], 1);
    fixture_reset(&c.fx);
    CHECK_EQ(u, c.fx.level[20], 0);
    CHECK_EQ(u, get(&c.fx, MTIME, 8) >> 32, 0);
    CHECK_EQ(u, machine_time(&c.fx.m) >> 32, 0);
    fixture_fini(&c.fx);
}

/* A timer that waits for mtimecmp waits for the new moment, sooner or later than the old. */
static void mtime_moves_the_deadline_of_mtimecmp(struct unit *u)
{
    struct clint_fixture c;
    uint64_t far = UINT64_C(0x4000000000000); /* years */

    init(&c);
    put(&c.fx, MTIMECMP, far, 8);
    put(&c.fx, MTIME, far - 50000, 8); /* 5 ms before */
    CHECK(u, c.fx.level[20] == 0 || get(&c.fx, MTIME, 8) >= far);
    fixture_run(&c.fx, 20);
    CHECK_EQ(u, c.fx.level[20], 1);
    put(&c.fx, MTIMECMP, far + 100000, 8);
    put(&c.fx, MTIME, 0, 8);
    fixture_run(&c.fx, 20);
    CHECK_EQ(u, c.fx.level[20], 0);
    fixture_fini(&c.fx);
}

static void harts_and_offsets_that_do_not_exist_read_zero(struct unit *u)
{
    struct clint_fixture c;

    init(&c);
    put(&c.fx, 4 * NHARTS, 1, 4);
    put(&c.fx, MTIMECMP + 8 * NHARTS, 1, 8);
    put(&c.fx, 0xc000, 1, 4);
    CHECK_EQ(u, get(&c.fx, 4 * NHARTS, 4), 0);
    CHECK_EQ(u, get(&c.fx, MTIMECMP + 8 * NHARTS, 8), 0);
    CHECK_EQ(u, get(&c.fx, 0xc000, 4), 0);
    CHECK_EQ(u, get(&c.fx, 0xfff8, 8), 0);
    fixture_fini(&c.fx);
}

static void *toggle(void *arg)
{
    struct clint_fixture *c = arg;
    uint64_t seed = (uint64_t)(uintptr_t)&seed;

    for (unsigned i = 0; i < 20000; i++) {
        uint64_t r = next_random(&seed);

        put(&c->fx, 0, r & 1, 4);
        put(&c->fx, MTIMECMP, r & 2 ? 0 : UINT64_MAX, 8);
    }
    return NULL;
}

/* Whatever the interleaving: in the end the lines say what the registers say. */
static void racing_writers_leave_lines_and_registers_in_agreement(struct unit *u)
{
    struct clint_fixture c;
    struct thread threads[4];

    init(&c);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
            CHECK_EQ(u, thread_create(&threads[i], "toggle", toggle, &c), 0);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
            thread_join(&threads[i]);
        }
        CHECK_EQ(u, c.fx.level[10], get(&c.fx, 0, 4));
        CHECK_EQ(u, c.fx.level[20], get(&c.fx, MTIMECMP, 8) == 0);
    }
    fixture_fini(&c.fx);
}

struct republisher {
    struct clint_fixture *c;
    uint32_t done; /* a */
};

/* Every write of mtime makes all lines anew; it changes no comparison here. */
static void *republish(void *arg)
{
    struct republisher *r = arg;

    while (!load_seq(&r->done)) {
        put(&r->c->fx, MTIME, 0, 4);
    }
    return NULL;
}

static void a_line_never_shows_what_its_register_said_before(struct unit *u)
{
    struct clint_fixture c;
    struct republisher r = {.c = &c};
    struct thread thread;
    unsigned glitches = 0;

    init(&c);
    CHECK_EQ(u, thread_create(&thread, "republish", republish, &r), 0);
    for (unsigned i = 0; i < 20000; i++) {
        put(&c.fx, MTIMECMP, 0, 8);
        put(&c.fx, MTIMECMP, UINT64_MAX, 8);
        for (unsigned k = 0; k < 100; k++) {
            glitches += load_seq(&c.fx.level[20]);
        }
    }
    store_seq(&r.done, 1);
    thread_join(&thread);
    CHECK_EQ(u, glitches, 0);
    fixture_fini(&c.fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(msip_drives_the_line_of_its_hart_and_has_one_bit),
        UNIT(mtimecmp_is_parked_after_reset_and_takes_halves),
        UNIT(mtip_follows_the_comparison_at_once),
        UNIT(mtip_rises_when_time_reaches_mtimecmp),
        UNIT(mtip_rises_if_time_passes_while_mtimecmp_is_written),
        UNIT(mtime_can_be_set_and_moves_the_comparison),
        UNIT(the_whole_machine_follows_mtime),
        UNIT(mtime_moves_the_deadline_of_mtimecmp),
        UNIT(harts_and_offsets_that_do_not_exist_read_zero),
        UNIT(racing_writers_leave_lines_and_registers_in_agreement),
        UNIT(a_line_never_shows_what_its_register_said_before),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
