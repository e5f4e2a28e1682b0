/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of devices and harts in one heap, driven by the event loop. Callbacks run on the I/O thread with no lock held;
 * they take what they need (the BQL for device state).
 */
#ifndef HW_CORE_TIMER_H
#define HW_CORE_TIMER_H

#include "hw/host/event-loop.h"

struct timer_list;

struct timer {
    void (*fire)(void *opaque);
    void *opaque;
    int64_t deadline_ns; /* lock of the list */
    unsigned slot;       /* 1-based index in the heap, 0 when idle; lock of the list */
};

struct timer_list *timer_list_new(struct event_loop *loop);
void timer_list_free(struct timer_list *list);

void timer_init(struct timer *t, void (*fire)(void *opaque), void *opaque);
/*
 * (Re)arms T for deadline_ns (clock_now_ns; a past one fires soon; INT64_MAX disarms). Any thread. Locks only when the
 * deadline changes. A callback that is already running is not waited for.
 */
void timer_mod(struct timer_list *list, struct timer *t, int64_t deadline_ns);
void timer_del(struct timer_list *list, struct timer *t);

#endif
