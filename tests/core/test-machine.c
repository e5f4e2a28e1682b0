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

static void moved_time_keeps_its_pace_and_its_deadlines(struct unit *u)
{
    static const uint64_t values[] = {0, 1, UINT64_C(1) << 40, UINT64_C(1) << 62,
                                      UINT64_MAX - 2000000000};
    struct machine m = {.timebase_hz = 10000000};

    CHECK_EQ(u, machine_init(&m, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        uint64_t now;

        machine_set_time(&m, values[i], UINT64_MAX);
        now = machine_time(&m);
        CHECK(u, now >= values[i] && now < values[i] + 100000000);
        while (clock_now_ns() < machine_time_to_ns(&m, now + 10000)) {
            continue;
        }
        CHECK(u, machine_time(&m) + 10 >= now + 10000);
        CHECK(u, machine_time_to_ns(&m, values[i]) <= clock_now_ns());
        CHECK(u, machine_time_to_ns(&m, 0) <=
                     clock_now_ns()); /* also from before the host's clock began */
        CHECK(u, machine_time_to_ns(&m, now + 1000000000) > clock_now_ns());
    }
    machine_set_time(&m, 0, UINT64_MAX);
    CHECK_EQ(u, machine_time_to_ns(&m, UINT64_MAX), INT64_MAX);
    machine_set_time(&m, UINT64_MAX, UINT64_MAX << 32);
    CHECK_EQ(u, machine_time(&m) >> 32, UINT32_MAX);
    machine_set_time(&m, 7, UINT64_C(0xff) << 56);
    CHECK_EQ(u, machine_time(&m) >> 32, UINT64_C(0xffffff));
    machine_reset_time(&m);
    CHECK_EQ(u, machine_time(&m) >> 32, 0);
    machine_fini(&m);
}

struct listener {
    struct time_listener listener;
    struct machine *m;
    uint64_t seen;
    unsigned told;
};

static void note_time(void *opaque)
{
    struct listener *l = opaque;

    l->seen = machine_time(l->m);
    l->told++;
}

static void listeners_are_told_after_every_move_until_they_leave(struct unit *u)
{
    struct machine m = {.timebase_hz = 10000000};
    struct listener l[3];

    CHECK_EQ(u, machine_init(&m, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(l); i++) {
        l[i] = (struct listener){.listener = {.moved = note_time, .opaque = &l[i]}, .m = &m};
        machine_add_time_listener(&m, &l[i].listener);
    }
    machine_set_time(&m, UINT64_C(1) << 50, UINT64_MAX);
    machine_remove_time_listener(&m, &l[1].listener);
    for (size_t i = 0; i < ARRAY_SIZE(l); i++) {
        CHECK_EQ(u, l[i].told, 1);
        CHECK(u, l[i].seen >= UINT64_C(1) << 50);
    }
    machine_reset_time(&m);
    CHECK_EQ(u, l[0].told, 2);
    CHECK_EQ(u, l[1].told, 1);
    CHECK_EQ(u, l[2].told, 2);
    CHECK(u, l[2].seen < UINT64_C(1) << 50);
    machine_remove_time_listener(&m, &l[0].listener);
    machine_remove_time_listener(&m, &l[2].listener);
    machine_reset_time(&m);
    CHECK_EQ(u, l[0].told + l[2].told, 4);
    machine_fini(&m);
}

enum { THREADS = 3, HALVES = 20000 };

struct half_writer {
    struct thread thread;
    struct machine *m;
    unsigned shift;
    unsigned wrong;
};

static void *half_writer_main(void *arg)
{
    struct half_writer *w = arg;
    uint64_t mask = UINT64_C(0xffff) << w->shift;

    for (uint64_t i = 1; i <= HALVES; i++) {
        machine_set_time(w->m, i << w->shift, mask);
        w->wrong += (machine_time(w->m) & mask) >> w->shift != i;
    }
    return NULL;
}

/* Writers of different bits at the same time: neither loses its bits (and no carry reaches them in this time). */
static void writers_of_parts_of_time_do_not_undo_each_other(struct unit *u)
{
    struct machine m = {.timebase_hz = 10000000};
    struct half_writer w[2] = {{.m = &m, .shift = 32}, {.m = &m, .shift = 48}};

    CHECK_EQ(u, machine_init(&m, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
        CHECK_EQ(u, thread_create(&w[i].thread, "writer", half_writer_main, &w[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
        thread_join(&w[i].thread);
        CHECK_EQ(u, w[i].wrong, 0);
    }
    CHECK_EQ(u, machine_time(&m) >> 32, UINT64_C(0x10001) * HALVES);
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
        UNIT(moved_time_keeps_its_pace_and_its_deadlines),
        UNIT(listeners_are_told_after_every_move_until_they_leave),
        UNIT(writers_of_parts_of_time_do_not_undo_each_other),
        UNIT(the_first_shutdown_wins_and_a_reset_cannot_undo_it),
        UNIT(reset_without_reboot_is_a_shutdown_with_status_0),
        UNIT(devices_keep_board_order_and_are_freed_in_reverse),
        UNIT(a_device_that_fails_to_start_is_not_destroyed_and_says_why),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
