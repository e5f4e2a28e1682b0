/* SPDX-License-Identifier: MIT */
/* The clock: it is the host's, can be set, and its alarm fires once. */
#include "tests/devices/fixture.h"

enum {
    TIME_LOW = 0,
    TIME_HIGH = 4,
    ALARM_LOW = 8,
    ALARM_HIGH = 12,
    IRQ_ENABLED = 16,
    CLEAR_ALARM = 20,
    ALARM_STATUS = 24,
    CLEAR_INTERRUPT = 28
};

static uint64_t now(struct fixture *fx)
{
    uint64_t low = get(fx, TIME_LOW, 4);

    return get(fx, TIME_HIGH, 4) << 32 | low;
}

static void set_alarm(struct fixture *fx, uint64_t ns)
{
    put(fx, ALARM_HIGH, ns >> 32, 4);
    put(fx, ALARM_LOW, (uint32_t)ns, 4);
}

static void init(struct fixture *fx)
{
    fixture_init(fx);
    fixture_add(fx, &goldfish_rtc_model, NULL);
}

static void it_shows_the_hosts_time(struct unit *u)
{
    struct fixture fx;
    int64_t before, after, shown;

    init(&fx);
    before = clock_realtime_ns();
    shown = (int64_t)now(&fx);
    after = clock_realtime_ns();
    CHECK(u, shown >= before - 1000000 && shown <= after + 1000000);
    fixture_fini(&fx);
}

static void the_high_half_is_latched_by_the_low_one(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    put(&fx, TIME_HIGH, 5, 4);
    put(&fx, TIME_LOW, 0xffffffff, 4);
    CHECK(u, get(&fx, TIME_HIGH, 4) == 0); /* nothing latched yet */
    fixture_run(&fx, 1);
    CHECK_EQ(u, now(&fx) >> 32, 6);
    put(&fx, TIME_LOW, 100, 4); /* keeps the high half */
    CHECK_EQ(u, now(&fx) >> 32, 6);
    fixture_fini(&fx);
}

static void an_alarm_fires_once_when_it_is_due(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    put(&fx, IRQ_ENABLED, 1, 4);
    set_alarm(&fx, now(&fx) + 5000000);
    CHECK_EQ(u, get(&fx, ALARM_STATUS, 4), 1);
    CHECK_EQ(u, fx.level[0], 0);
    fixture_run(&fx, 20);
    CHECK_EQ(u, fx.level[0], 1);
    CHECK_EQ(u, get(&fx, ALARM_STATUS, 4), 0);
    put(&fx, CLEAR_INTERRUPT, 1, 4);
    CHECK_EQ(u, fx.level[0], 0);
    fixture_run(&fx, 5);
    CHECK_EQ(u, fx.level[0], 0);
    fixture_fini(&fx);
}

static void an_alarm_in_the_past_fires_at_once_and_waits_for_its_enable(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    set_alarm(&fx, 1);
    CHECK_EQ(u, fx.level[0], 0);
    put(&fx, IRQ_ENABLED, 1, 4);
    CHECK_EQ(u, fx.level[0], 1);
    put(&fx, IRQ_ENABLED, 0, 4);
    CHECK_EQ(u, fx.level[0], 0);
    fixture_fini(&fx);
}

static void setting_the_clock_past_an_alarm_fires_it(struct unit *u)
{
    struct fixture fx;
    uint64_t later;

    init(&fx);
    put(&fx, IRQ_ENABLED, 1, 4);
    later = now(&fx) + UINT64_C(3600) * 1000000000;
    set_alarm(&fx, later);
    put(&fx, TIME_HIGH, (later + 1) >> 32, 4);
    put(&fx, TIME_LOW, (uint32_t)(later + 1), 4);
    CHECK_EQ(u, fx.level[0], 1);
    fixture_fini(&fx);
}

static void a_cleared_alarm_does_not_fire(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    put(&fx, IRQ_ENABLED, 1, 4);
    set_alarm(&fx, now(&fx) + 2000000);
    put(&fx, CLEAR_ALARM, 1, 4);
    fixture_run(&fx, 5);
    CHECK_EQ(u, fx.level[0], 0);
    set_alarm(&fx, UINT64_MAX);
    CHECK_EQ(u, get(&fx, ALARM_LOW, 4), UINT32_MAX);
    CHECK_EQ(u, get(&fx, ALARM_HIGH, 4), UINT32_MAX);
    fixture_reset(&fx);
    CHECK_EQ(u, get(&fx, ALARM_STATUS, 4), 0);
    fixture_fini(&fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(it_shows_the_hosts_time),
        UNIT(the_high_half_is_latched_by_the_low_one),
        UNIT(an_alarm_fires_once_when_it_is_due),
        UNIT(an_alarm_in_the_past_fires_at_once_and_waits_for_its_enable),
        UNIT(setting_the_clock_past_an_alarm_fires_it),
        UNIT(a_cleared_alarm_does_not_fire),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
