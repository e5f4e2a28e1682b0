/* SPDX-License-Identifier: MIT */
/*
 * A machine with 1 MiB of RAM at 0x80000000 and lines that remember their level: what one device
 * needs to be tested alone.
 */
#ifndef TESTS_DEVICES_FIXTURE_H
#define TESTS_DEVICES_FIXTURE_H

#include "devices/devices.h"
#include "hw/core/machine.h"
#include "hw/host/atomic.h"
#include "hw/host/clock.h"
#include "softmmu/memory.h"
#include "tests/random.h"
#include "tests/unit.h"
#include <stdlib.h>
#include <string.h>

#define RAM_BASE  UINT64_C(0x80000000)
#define RAM_SIZE  UINT64_C(0x100000)
#define MAX_LINES 64

struct fixture {
    struct machine m;
    struct device *dev;
    struct irq lines[MAX_LINES];
    uint32_t level[MAX_LINES];   /* a */
    uint32_t changes[MAX_LINES]; /* a: calls of set */
    struct timer stop;
};

static inline void fixture_set(void *opaque, unsigned line, bool level)
{
    struct fixture *fx = opaque;

    store_seq(&fx->level[line], level);
    fetch_add(&fx->changes[line], 1);
}

static inline void fixture_stop(void *opaque)
{
    struct fixture *fx = opaque;

    event_loop_quit(fx->m.loop);
}

static inline void fixture_init(struct fixture *fx)
{
    struct err err;

    memset(fx, 0, sizeof(*fx));
    if (machine_init(&fx->m, &err) != 0) {
        abort();
    }
    fx->m.memory = memory_map_new(&fx->m);
    if (!fx->m.memory || memory_add_ram(fx->m.memory, RAM_BASE, RAM_SIZE, MEMORY_RAM, &err) != 0) {
        abort();
    }
    for (unsigned i = 0; i < MAX_LINES; i++) {
        fx->lines[i] = (struct irq){.set = fixture_set, .opaque = fx, .line = i};
    }
    timer_init(&fx->stop, fixture_stop, fx);
}

/* Creates the device, whose own line is lines[0]. */
static inline void fixture_add(struct fixture *fx, const struct device_model *model,
                               const void *config)
{
    struct err err = {{0}};

    fx->dev = device_new(model, &fx->m, model->name, 0x10000000, &fx->lines[0], 1, config, &err);
    if (!fx->dev) {
        printf("cannot make %s: %s\n", model->name, err.text);
        abort();
    }
}

static inline void fixture_fini(struct fixture *fx)
{
    struct memory_map *map = fx->m.memory;

    device_free(fx->dev);
    machine_fini(&fx->m);
    memory_map_free(map);
}

static inline void fixture_lock(struct fixture *fx) NO_THREAD_SAFETY
{
    if (!fx->dev->model->lockless) {
        mutex_lock(&fx->m.bql);
    }
}

static inline void fixture_unlock(struct fixture *fx) NO_THREAD_SAFETY
{
    if (!fx->dev->model->lockless) {
        mutex_unlock(&fx->m.bql);
    }
}

static inline uint64_t get(struct fixture *fx, uint64_t offset, unsigned size)
{
    uint64_t value;

    fixture_lock(fx);
    value = fx->dev->model->read(fx->dev, offset, size);
    fixture_unlock(fx);
    return value;
}

static inline void put(struct fixture *fx, uint64_t offset, uint64_t value, unsigned size)
{
    fixture_lock(fx);
    fx->dev->model->write(fx->dev, offset, value, size);
    fixture_unlock(fx);
}

static inline void fixture_reset(struct fixture *fx)
{
    mutex_lock(&fx->m.bql);
    fx->dev->model->reset(fx->dev);
    mutex_unlock(&fx->m.bql);
}

/* Runs the event loop for MS milliseconds on this thread. */
static inline void fixture_run(struct fixture *fx, unsigned ms)
{
    timer_mod(fx->m.timers, &fx->stop, clock_now_ns() + (int64_t)ms * 1000000);
    event_loop_run(fx->m.loop);
}

#endif
