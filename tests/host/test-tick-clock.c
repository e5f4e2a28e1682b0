/* SPDX-License-Identifier: MIT */
/*
 * The tick clock: exact conversions; in step with the host's clock whatever its line or the host's counter does; never back,
 * on no thread. Each with and without lines (where the host has a counter that may be used).
 */
#include "hw/host/bits.h"
#include "hw/host/clock.h"
#include "hw/host/tick-clock.h"
#include "tests/unit.h"

#define GHZ UINT64_C(1000000000)
#define MS  INT64_C(1000000)

static void a_deadline_is_the_first_nanosecond_of_its_tick(struct unit *u)
{
    static const uint64_t rates[] = {1, 3, 32768, 10000000, 333333333, 999999999, 1000000000};
    static const uint64_t ticks[] = {
        0, 1, 2, 7, 9999999, 10000001, UINT64_C(1) << 32, UINT64_C(1) << 40};

    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(ticks); j++) {
            struct tick_clock c = {.hz = rates[i], .origin_ns = 12345};
            int64_t ns = tick_clock_elapsed_to_ns(&c, ticks[j]);
            unsigned __int128 exact =
                ((unsigned __int128)ticks[j] * GHZ + rates[i] - 1) / rates[i] + 12345;

            CHECK_EQ(u, ns, exact > INT64_MAX ? INT64_MAX : (int64_t)exact);
        }
    }
}

static void deadlines_beyond_the_host_clock_mean_never(struct unit *u)
{
    struct tick_clock c = {.hz = 10000000, .origin_ns = 1000};

    CHECK_EQ(u, tick_clock_elapsed_to_ns(&c, UINT64_MAX), INT64_MAX);
    CHECK_EQ(u, tick_clock_elapsed_to_ns(&c, UINT64_MAX / 100), INT64_MAX);
    CHECK_EQ(u, tick_clock_elapsed_to_ns(&c, UINT64_MAX / 200),
             INT64_MAX); /* in range but for the origin */
    CHECK_EQ(u, tick_clock_elapsed_to_ns(&c, UINT64_MAX / 200 - 10), INT64_C(9223372036854775800));
    tick_clock_init(&c, 10000000, false);
    CHECK_EQ(u, tick_clock_deadline(&c, UINT64_MAX), INT64_MAX);
    tick_clock_fini(&c);
}

static void time_far_from_its_origin_does_not_overflow(struct unit *u)
{
    struct tick_clock c;
    int64_t span = INT64_MAX - INT64_C(100000000000); /* 292 years */

    tick_clock_init(&c, GHZ, false);
    c.origin_ns -= span;
    CHECK(u, tick_clock_read(&c) >= (uint64_t)span);
    c.origin_ns = clock_now_ns() + INT64_C(1000000000000); /* in the future: not before 0 */
    CHECK_EQ(u, tick_clock_read(&c), 0);
    tick_clock_fini(&c);
}

/* Reads the clock (of 1 GHz) until SPAN_NS have passed: it is at most SLACK_NS beside the host's, and never goes back. */
static void follow(struct unit *u, struct tick_clock *c, int64_t span_ns, int64_t slack_ns)
{
    int64_t start_ns = clock_now_ns(), now_ns = start_ns;
    uint64_t last = tick_clock_read(c);

    while (now_ns < start_ns + span_ns) {
        int64_t before_ns = now_ns - c->origin_ns;
        uint64_t ticks = tick_clock_read(c);

        now_ns = clock_now_ns();
        CHECK(u, ticks >= last);
        CHECK(u, (int64_t)ticks >= before_ns - slack_ns);
        CHECK(u, (int64_t)ticks <= now_ns - c->origin_ns + slack_ns);
        last = ticks;
    }
}

/* Reads until there is a line; the machine may be busy with something else for long. */
static bool has_line(struct tick_clock *c)
{
    int64_t end_ns = clock_now_ns() + 20000 * MS;

    while (c->span == 0 && clock_now_ns() < end_ns) {
        tick_clock_read(c);
    }
    return c->span != 0;
}

static void it_is_in_step_with_the_host(struct unit *u)
{
    for (int lines = 0; lines <= tick_clock_usable(); lines++) {
        struct tick_clock c;

        tick_clock_init(&c, GHZ, lines);
        follow(u, &c, lines ? 2500 * MS : 20 * MS, MS / 20);
        CHECK(u, !lines || has_line(&c));
        tick_clock_fini(&c);
    }
}

/* What the host may do between two reads: its counter starts again from any value, forward or back. */
static void a_counter_that_jumps_does_not_move_it(struct unit *u)
{
    static const uint64_t jumps[] = {UINT64_C(1) << 50, -(UINT64_C(1) << 50), UINT64_C(1) << 63};

    for (size_t i = 0; i < ARRAY_SIZE(jumps) && tick_clock_usable(); i++) {
        struct tick_clock c;

        tick_clock_init(&c, GHZ, true);
        follow(u, &c, 15 * MS, MS / 20);
        CHECK(u, has_line(&c));
        c.anchor += jumps[i];
        c.seen_cycles += jumps[i];
        tick_clock_read(&c);
        CHECK_EQ(u, c.span, 0);
        /* it is not before where its line might have ended, which was as long as twice all the time before */
        follow(u, &c, 30 * MS, 2 * (clock_now_ns() - c.origin_ns) + MS);
        CHECK(u, has_line(&c));
        tick_clock_fini(&c);
    }
}

static void a_clock_that_got_ahead_slows_down(struct unit *u)
{
    struct tick_clock c;
    int64_t ahead_ns = 5 * MS;

    tick_clock_init(&c, GHZ, tick_clock_usable());
    follow(u, &c, 15 * MS, MS / 20);
    c.base += (uint64_t)ahead_ns;
    for (int turns = 0; c.lines && turns < 200 && ahead_ns > MS / 20; turns++) {
        follow(u, &c, 20 * MS, ahead_ns + MS / 20);
        ahead_ns = (int64_t)tick_clock_read(&c) - (clock_now_ns() - c.origin_ns);
    }
    follow(u, &c, 15 * MS, MS / 10);
    tick_clock_fini(&c);
}

static void it_can_be_set(struct unit *u)
{
    for (int lines = 0; lines <= tick_clock_usable(); lines++) {
        static const uint64_t values[] = {UINT64_C(1) << 40, 5, UINT64_MAX - 1000, 0};
        struct tick_clock c;

        tick_clock_init(&c, 10000000, lines);
        for (int turn = 0; turn < 2; turn++) {
            for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                int64_t start_ns = clock_now_ns(), end_ns;

                tick_clock_set(&c, values[i], UINT64_MAX);
                for (int k = 0; k < 3; k++) {
                    uint64_t since = tick_clock_read(&c) - values[i];

                    CHECK(u, since <= (uint64_t)(clock_now_ns() - start_ns) / 100 + 100);
                }
                end_ns = tick_clock_deadline(&c, values[i] + 1000000) - start_ns; /* 0.1 s later */
                CHECK(u, values[i] > BIT(62) ||
                             (end_ns >= 99 * MS && end_ns <= clock_now_ns() - start_ns + 101 * MS));
            }
            for (int64_t end_ns = clock_now_ns() + 12 * MS; clock_now_ns() < end_ns;
                 tick_clock_read(&c)) {}
        }
        tick_clock_fini(&c);
    }
}

enum { THREADS = 3, READS = 200000 };

struct reader {
    struct thread thread;
    struct tick_clock *c;
    uint64_t *latest; /* a: the greatest time that anyone has seen */
    int backwards;
};

static void *reader_main(void *arg)
{
    struct reader *r = arg;

    for (int i = 0; i < READS; i++) {
        uint64_t seen = load_acquire(r->latest);
        uint64_t now = tick_clock_read(r->c);

        r->backwards += now < seen;
        while (seen < now && !atomic_cas(r->latest, &seen, now)) {}
    }
    return NULL;
}

static void it_never_goes_back_between_threads(struct unit *u)
{
    for (int lines = 0; lines <= tick_clock_usable(); lines++) {
        struct tick_clock c;
        struct reader readers[THREADS];
        uint64_t latest = 0;

        tick_clock_init(&c, GHZ, lines);
        for (int i = 0; i < THREADS; i++) {
            readers[i] = (struct reader){.c = &c, .latest = &latest};
            thread_create(&readers[i].thread, "reader", reader_main, &readers[i]);
        }
        for (int i = 0; i < THREADS; i++) {
            thread_join(&readers[i].thread);
            CHECK_EQ(u, readers[i].backwards, 0);
        }
        tick_clock_fini(&c);
    }
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(a_deadline_is_the_first_nanosecond_of_its_tick),
        UNIT(deadlines_beyond_the_host_clock_mean_never),
        UNIT(time_far_from_its_origin_does_not_overflow),
        UNIT(it_is_in_step_with_the_host),
        UNIT(a_counter_that_jumps_does_not_move_it),
        UNIT(a_clock_that_got_ahead_slows_down),
        UNIT(it_can_be_set),
        UNIT(it_never_goes_back_between_threads),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
