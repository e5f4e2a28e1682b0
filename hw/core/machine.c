/* SPDX-License-Identifier: MIT */
/*
 * What all parts of a machine share, its clock, and the requests that end or restart it.
 *
 * Guest time is host CLOCK_MONOTONIC, scaled exactly: seconds and the rest of a second separately, so that 64 bits hold every
 * product and no rounding adds up. Both directions agree: machine_time(deadline of T) >= T. The guest can move it, by an offset.
 */
#include "hw/core/machine.h"
#include "hw/host/atomic.h"
#include "hw/host/barrier.h"
#include "hw/host/clock.h"
#include "hw/host/event-loop.h"
#include <assert.h>
#include <errno.h>

enum { MAX_WORKERS = 4 };

#define NS_PER_S UINT64_C(1000000000)
#define DEFAULT_TIMEBASE_HZ 10000000

int machine_init(struct machine *m, struct err *err)
{
    mutex_init(&m->bql, RANK_BQL, "BQL");
    m->memory = NULL;
    m->devices = NULL;
    m->timers = NULL;
    m->workers = NULL;
    m->harts_skip_fences = false;
    m->request = MACHINE_RUNNING;
    m->shutdown_taken = 0;
    m->exit_status = 0;
    m->timebase_hz = m->timebase_hz ? m->timebase_hz : DEFAULT_TIMEBASE_HZ;
    m->time_base_ns = clock_now_ns();
    m->time_offset = 0;
    m->time_listeners = NULL;
    assert(m->timebase_hz <= NS_PER_S);
    m->loop = event_loop_new(err);
    if (!m->loop) {
        machine_fini(m);
        return -EMFILE;
    }
    m->timers = timer_list_new(m->loop);
    m->workers = worker_pool_new(MAX_WORKERS);
    if (!m->timers || !m->workers) {
        machine_fini(m);
        return err_set(err, -ENOMEM, "cannot make the machine: out of memory");
    }
    return 0;
}

static void free_last_device(struct machine *m)
{
    struct device **link = &m->devices;
    struct device *last;

    while ((*link)->next) {
        link = &(*link)->next;
    }
    last = *link;
    *link = NULL;
    device_free(last);
}

void machine_fini(struct machine *m)
{
    if (m->workers) {
        worker_pool_drain(m->workers); /* jobs may still complete into devices */
    }
    while (m->devices) {
        free_last_device(m);
    }
    worker_pool_free(m->workers);
    timer_list_free(m->timers);
    event_loop_free(m->loop);
    mutex_fini(&m->bql);
    m->workers = NULL;
    m->timers = NULL;
    m->loop = NULL;
}

void machine_add_device(struct machine *m, struct device *dev)
{
    struct device **link = &m->devices;

    while (*link) {
        link = &(*link)->next;
    }
    *link = dev;
}

/* Ticks since time_base_ns. */
static uint64_t elapsed_ticks(const struct machine *m)
{
    int64_t elapsed = clock_now_ns() - m->time_base_ns;
    uint64_t ns = elapsed > 0 ? (uint64_t)elapsed : 0;

    return ns / NS_PER_S * m->timebase_hz + ns % NS_PER_S * m->timebase_hz / NS_PER_S;
}

uint64_t machine_time(const struct machine *m)
{
    uint64_t offset = load_seq(&m->time_offset); /* before the clock: see machine.h */

    return elapsed_ticks(m) + offset;
}

static void tell_time_listeners(const struct machine *m)
{
    for (const struct time_listener *l = m->time_listeners; l; l = l->next) {
        l->moved(l->opaque);
    }
}

void machine_set_time(struct machine *m, uint64_t value, uint64_t mask)
{
    uint64_t old = load_seq(&m->time_offset);
    uint64_t elapsed, time;

    do {
        elapsed = elapsed_ticks(m);
        time = ((elapsed + old) & ~mask) | (value & mask);
    } while (!atomic_cas(&m->time_offset, &old, time - elapsed));
    tell_time_listeners(m);
}

void machine_reset_time(struct machine *m)
{
    store_seq(&m->time_offset, 0);
    tell_time_listeners(m);
}

void machine_add_time_listener(struct machine *m, struct time_listener *l)
{
    l->next = m->time_listeners;
    m->time_listeners = l;
}

void machine_remove_time_listener(struct machine *m, struct time_listener *l)
{
    for (struct time_listener **link = &m->time_listeners; *link; link = &(*link)->next) {
        if (*link == l) {
            *link = l->next;
            return;
        }
    }
}

void machine_barrier(const struct machine *m)
{
    if (m->harts_skip_fences) {
        barrier_heavy();
    } else {
        smp_mb(); /* with the guest's fence */
    }
}

/* Host time of the moment when TICKS have elapsed since time_base_ns. */
static int64_t elapsed_to_ns(const struct machine *m, uint64_t ticks)
{
    uint64_t s = ticks / m->timebase_hz;
    uint64_t rest = ticks % m->timebase_hz;
    uint64_t rest_ns = (rest * NS_PER_S + m->timebase_hz - 1) / m->timebase_hz;
    uint64_t ns;

    if (__builtin_mul_overflow(s, NS_PER_S, &ns) || __builtin_add_overflow(ns, rest_ns, &ns) ||
        __builtin_add_overflow(ns, (uint64_t)m->time_base_ns, &ns) || ns > INT64_MAX) {
        return INT64_MAX;
    }
    return (int64_t)ns;
}

int64_t machine_time_to_ns(const struct machine *m, uint64_t ticks)
{
    uint64_t offset = load_seq(&m->time_offset);
    uint64_t now = elapsed_ticks(m);
    bool ahead = ticks > now + offset;

    if (ahead != (ticks - offset > now)) { /* further away than the host's clock counts, or from before it began */
        return ahead ? INT64_MAX : m->time_base_ns;
    }
    return elapsed_to_ns(m, ticks - offset);
}

static void notify(struct machine *m)
{
    if (m->notify) {
        m->notify(m);
    }
}

void machine_request_shutdown(struct machine *m, int exit_status)
{
    if (atomic_xchg(&m->shutdown_taken, 1) == 0) {
        store_relaxed(&m->exit_status, exit_status);
        /* Publishes the status: whoever reads the request with acquire sees it. */
        atomic_xchg(&m->request, MACHINE_SHUTDOWN);
        notify(m);
    }
}

void machine_request_reset(struct machine *m)
{
    int request = load_acquire(&m->request);

    if (m->no_reboot) {
        machine_request_shutdown(m, 0);
        return;
    }
    while (request != MACHINE_SHUTDOWN) {
        if (atomic_cas(&m->request, &request, MACHINE_RESET)) {
            notify(m);
            return;
        }
    }
}
