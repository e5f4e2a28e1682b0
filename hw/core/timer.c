/* SPDX-License-Identifier: MIT */
/*
 * All deadlines in one binary heap, earliest first, under one lock. The event loop asks for the next one and fires what is
 * due; whoever moves the first deadline forward rings the loop, all others only touch the heap.
 *
 * A timer knows its place (slot, 1-based), so that moving and removing one is O(log n) without a search.
 *
 * Locks: c constant after create, l the list's lock.
 */
#include "hw/core/timer.h"
#include "hw/host/atomic.h"
#include "hw/host/clock.h"
#include "hw/host/thread.h"
#include <stdlib.h>

struct timer_list {
    struct mutex lock;
    struct event_loop *loop; /* c */
    struct timer **heap;     /* l: heap[1] is the earliest; heap[0] is not used */
    unsigned count;          /* l */
    unsigned capacity;       /* l */
};

static void place_locked(struct timer_list *list, unsigned slot, struct timer *t) REQUIRES(&list->lock)
{
    list->heap[slot] = t;
    t->slot = slot;
}

/* Moves T, whose place is the hole at SLOT, towards the root. */
static void sift_up_locked(struct timer_list *list, unsigned slot, struct timer *t) REQUIRES(&list->lock)
{
    while (slot > 1 && list->heap[slot / 2]->deadline_ns > t->deadline_ns) {
        place_locked(list, slot, list->heap[slot / 2]);
        slot /= 2;
    }
    place_locked(list, slot, t);
}

static void sift_down_locked(struct timer_list *list, unsigned slot, struct timer *t) REQUIRES(&list->lock)
{
    for (;;) {
        unsigned child = 2 * slot;

        if (child > list->count) {
            break;
        }
        if (child < list->count && list->heap[child + 1]->deadline_ns < list->heap[child]->deadline_ns) {
            child++;
        }
        if (list->heap[child]->deadline_ns >= t->deadline_ns) {
            break;
        }
        place_locked(list, slot, list->heap[child]);
        slot = child;
    }
    place_locked(list, slot, t);
}

static void settle_locked(struct timer_list *list, unsigned slot, struct timer *t) REQUIRES(&list->lock)
{
    sift_up_locked(list, slot, t);
    sift_down_locked(list, t->slot, t);
}

static void insert_locked(struct timer_list *list, struct timer *t) REQUIRES(&list->lock)
{
    if (list->count + 1 >= list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 32;
        list->heap = realloc(list->heap, list->capacity * sizeof(*list->heap));
        if (!list->heap) {
            abort(); /* a lost deadline would hang the guest */
        }
    }
    list->count++;
    sift_up_locked(list, list->count, t);
}

static void remove_locked(struct timer_list *list, struct timer *t) REQUIRES(&list->lock)
{
    unsigned slot = t->slot;
    struct timer *last = list->heap[list->count];

    list->count--;
    t->slot = 0;
    if (last != t) {
        settle_locked(list, slot, last);
    }
}

static int64_t next_deadline_locked(const struct timer_list *list) REQUIRES(&list->lock)
{
    return list->count ? list->heap[1]->deadline_ns : INT64_MAX;
}

/* Readers outside the lock (timer_mod's early exit) make this store an atomic one. */
static void set_deadline_locked(struct timer *t, int64_t deadline_ns)
{
    store_relaxed(&t->deadline_ns, deadline_ns);
}

/* Takes the first timer if it is due at NOW. */
static struct timer *take_due(struct timer_list *list, int64_t now, struct timer *copy)
{
    struct timer *t = NULL;

    mutex_lock(&list->lock);
    if (next_deadline_locked(list) <= now) {
        t = list->heap[1];
        remove_locked(list, t);
        set_deadline_locked(t, INT64_MAX);
        *copy = *t;
    }
    mutex_unlock(&list->lock);
    return t;
}

static unsigned count_armed(struct timer_list *list)
{
    unsigned n;

    mutex_lock(&list->lock);
    n = list->count;
    mutex_unlock(&list->lock);
    return n;
}

/* event_timer_fn. A callback that arms itself in the past waits for the next round: the loop must get to its fds. */
static int64_t timer_list_run(void *opaque)
{
    struct timer_list *list = opaque;
    int64_t now = clock_now_ns();
    struct timer due;
    int64_t next;

    for (unsigned left = count_armed(list); left > 0 && take_due(list, now, &due); left--) {
        due.fire(due.opaque);
    }
    mutex_lock(&list->lock);
    next = next_deadline_locked(list);
    mutex_unlock(&list->lock);
    return next;
}

struct timer_list *timer_list_new(struct event_loop *loop)
{
    struct timer_list *list = calloc(1, sizeof(*list));

    if (list) {
        mutex_init(&list->lock, RANK_TIMER, "timers");
        list->loop = loop;
        event_loop_set_timer(loop, timer_list_run, list);
    }
    return list;
}

void timer_list_free(struct timer_list *list) NO_THREAD_SAFETY
{
    if (list) {
        event_loop_set_timer(list->loop, NULL, NULL);
        mutex_fini(&list->lock);
        free(list->heap);
        free(list);
    }
}

void timer_init(struct timer *t, void (*fire)(void *opaque), void *opaque)
{
    *t = (struct timer){.fire = fire, .opaque = opaque, .deadline_ns = INT64_MAX};
}

/* Returns the list's next deadline. */
static void move_locked(struct timer_list *list, struct timer *t, int64_t deadline_ns) REQUIRES(&list->lock)
{
    set_deadline_locked(t, deadline_ns);
    if (deadline_ns == INT64_MAX) {
        if (t->slot) {
            remove_locked(list, t);
        }
    } else if (t->slot) {
        settle_locked(list, t->slot, t);
    } else {
        insert_locked(list, t);
    }
}

void timer_mod(struct timer_list *list, struct timer *t, int64_t deadline_ns)
{
    int64_t before;
    bool sooner;

    if (load_relaxed(&t->deadline_ns) == deadline_ns) {
        return;
    }
    mutex_lock(&list->lock);
    before = next_deadline_locked(list);
    move_locked(list, t, deadline_ns);
    sooner = next_deadline_locked(list) < before;
    mutex_unlock(&list->lock);
    if (sooner) {
        event_loop_rearm(list->loop);
    }
}

void timer_del(struct timer_list *list, struct timer *t)
{
    timer_mod(list, t, INT64_MAX);
}
