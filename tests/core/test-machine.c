/* SPDX-License-Identifier: MIT */
/* The machine's clock, its requests, and the life of devices. */
#include "hw/core/machine.h"
#include "hw/host/atomic.h"
#include "hw/host/clock.h"
#include "tests/unit.h"
#include <errno.h>
#include <string.h>

static void time_starts_near_zero_and_advances_at_the_timebase(struct unit *u)
{
    struct machine m = {.timebase_hz = 10000000};
    uint64_t start, end;
    int64_t deadline_ns;

    CHECK_EQ(u, machine_init(&m, NULL), 0);
    start = machine_time(&m);
    CHECK(u, start < 10000000);
    deadline_ns = machine_time_to_ns(&m, start + 100000);
    while (clock_now_ns() < deadline_ns) {
        continue;
    }
    end = machine_time(&m);
    CHECK(u, end + 10 >= start + 100000);
    CHECK(u, end < start + 100000000);
    machine_fini(&m);
}

struct requester {
    struct machine machine;
    int notified; /* a */
};

static void on_notify(struct machine *m)
{
    fetch_add(&container_of(m, struct requester, machine)->notified, 1);
}

static void the_first_shutdown_wins_and_a_reset_cannot_undo_it(struct unit *u)
{
    struct requester r = {.machine = {.notify = on_notify}};

    CHECK_EQ(u, machine_init(&r.machine, NULL), 0);
    machine_request_reset(&r.machine);
    CHECK_EQ(u, r.machine.request, MACHINE_RESET);
    machine_request_shutdown(&r.machine, 7);
    machine_request_shutdown(&r.machine, 9);
    machine_request_reset(&r.machine);
    CHECK_EQ(u, r.machine.request, MACHINE_SHUTDOWN);
    CHECK_EQ(u, r.machine.exit_status, 7);
    CHECK_EQ(u, r.notified, 2);
    machine_fini(&r.machine);
}

static void reset_without_reboot_is_a_shutdown_with_status_0(struct unit *u)
{
    struct machine m = {.no_reboot = true};

    CHECK_EQ(u, machine_init(&m, NULL), 0);
    CHECK_EQ(u, m.timebase_hz, 10000000);
    CHECK(u, !m.memory && !m.devices);
    machine_request_reset(&m);
    CHECK_EQ(u, m.request, MACHINE_SHUTDOWN);
    CHECK_EQ(u, m.exit_status, 0);
    machine_fini(&m);
}

struct toy {
    uint64_t value;
};

struct toy_config {
    bool fail;
    char *ends; /* order in which devices went */
};

static int toy_init(struct device *dev, struct err *err)
{
    const struct toy_config *config = dev->config;
    struct toy *toy = dev->state;

    if (config->fail) {
        return err_set(err, -EINVAL, "%s: will not", dev->id);
    }
    return toy->value == 0 ? 0 : err_set(err, -EIO, "state is not zeroed");
}

static void toy_destroy(struct device *dev)
{
    const struct toy_config *config = dev->config;
    size_t len = strlen(config->ends);

    config->ends[len] = dev->id[0];
    config->ends[len + 1] = '\0';
}

static const struct device_model toy_model = {
    .name = "toy",
    .size = 0x1000,
    .min_access = 4,
    .max_access = 4,
    .state_size = sizeof(struct toy),
    .init = toy_init,
    .destroy = toy_destroy,
};

static void devices_keep_board_order_and_are_freed_in_reverse(struct unit *u)
{
    char ends[8] = "";
    struct toy_config config = {.ends = ends};
    struct irq irq = {0};
    struct machine m = {0};
    struct device *a, *b;

    CHECK_EQ(u, machine_init(&m, NULL), 0);
    a = device_new(&toy_model, &m, "a", 0x1000, &irq, 3, &config, NULL);
    b = device_new(&toy_model, &m, "b", 0x2000, NULL, 0, &config, NULL);
    CHECK(u, a && b);
    machine_add_device(&m, a);
    machine_add_device(&m, b);
    CHECK(u, m.devices == a && a->next == b && !b->next);
    CHECK_EQ(u, a->base, 0x1000);
    CHECK_EQ(u, a->size, 0x1000);
    CHECK(u, a->irq == &irq && a->irq_number == 3 && a->machine == &m);
    irq_set(b->irq, true); /* no line: nobody listens */
    machine_fini(&m);
    CHECK(u, strcmp(ends, "ba") == 0);
}

static void a_device_that_fails_to_start_is_not_destroyed_and_says_why(struct unit *u)
{
    char ends[8] = "";
    struct toy_config config = {.fail = true, .ends = ends};
    struct err err;

    CHECK(u, !device_new(&toy_model, NULL, "toy0", 0, NULL, 0, &config, &err));
    CHECK(u, strcmp(err.text, "toy0: will not") == 0);
    CHECK(u, ends[0] == '\0');
    device_free(NULL);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(time_starts_near_zero_and_advances_at_the_timebase),
        UNIT(the_first_shutdown_wins_and_a_reset_cannot_undo_it),
        UNIT(reset_without_reboot_is_a_shutdown_with_status_0),
        UNIT(devices_keep_board_order_and_are_freed_in_reverse),
        UNIT(a_device_that_fails_to_start_is_not_destroyed_and_says_why),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
