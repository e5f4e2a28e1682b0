/* SPDX-License-Identifier: MIT */
/*
 * What all parts of a machine share, and the requests that end or restart it.
 */
#include "hw/core/machine.h"
#include "hw/host/atomic.h"
#include "hw/host/barrier.h"
#include "hw/host/event-loop.h"
#include <errno.h>

enum { MAX_WORKERS = 4 };

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
    tick_clock_init(&m->clock, m->timebase_hz, !m->host_counter_off && tick_clock_usable());
    m->time_listeners = NULL;
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
    tick_clock_fini(&m->clock);
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

static void tell_time_listeners(const struct machine *m)
{
    for (const struct time_listener *l = m->time_listeners; l; l = l->next) {
        l->moved(l->opaque);
    }
}

void machine_set_time(struct machine *m, uint64_t value, uint64_t mask)
{
    tick_clock_set(&m->clock, value, mask);
    tell_time_listeners(m);
}

void machine_reset_time(struct machine *m)
{
    tick_clock_reset(&m->clock);
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
