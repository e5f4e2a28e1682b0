/* SPDX-License-Identifier: MIT */
/* The finisher's commands and the exit statuses that clients depend on. */
#include "tests/devices/fixture.h"

static void check_status(struct unit *u, uint64_t value, unsigned size, int request, int status)
{
    struct fixture fx;

    fixture_init(&fx);
    fixture_add(&fx, &sifive_test_model, NULL);
    put(&fx, 0, value, size);
    CHECK_EQ(u, fx.m.request, request);
    CHECK_EQ(u, fx.m.exit_status, status);
    fixture_fini(&fx);
}

static void pass_and_fail_end_with_the_status_of_the_upper_half(struct unit *u)
{
    check_status(u, 0x5555, 4, MACHINE_SHUTDOWN, 0);
    check_status(u, 0x5555, 2, MACHINE_SHUTDOWN, 0);
    check_status(u, 0x00075555, 4, MACHINE_SHUTDOWN, 7);
    check_status(u, 0x00053333, 4, MACHINE_SHUTDOWN, 5);
}

static void reset_asks_for_a_reset(struct unit *u)
{
    check_status(u, 0x7777, 4, MACHINE_RESET, 0);
}

static void other_values_and_offsets_do_nothing(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx);
    fixture_add(&fx, &sifive_test_model, NULL);
    put(&fx, 0, 0x1234, 4);
    put(&fx, 4, 0x5555, 4);
    put(&fx, 2, 0x5555, 2);
    CHECK_EQ(u, fx.m.request, MACHINE_RUNNING);
    CHECK_EQ(u, get(&fx, 0, 4), 0);
    fixture_fini(&fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(pass_and_fail_end_with_the_status_of_the_upper_half),
        UNIT(reset_asks_for_a_reset),
        UNIT(other_values_and_offsets_do_nothing),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
