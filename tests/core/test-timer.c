/* SPDX-License-Identifier: MIT */
/* Timers: order, re-arming, deletion (also while firing and from other threads), against a plain model. */
#include "hw/core/timer.h"
#include "hw/host/atomic.h"
#include "hw/host/clock.h"
#include "hw/host/thread.h"
#include "tests/unit.h"
#include <stdlib.h>

#define MS 1000000

enum { MANY = 300 };

struct fixture {
    struct event_loop *loop;
    struct timer_list *list;
    struct timer timers[MANY];
    struct shot {
        struct fixture *f;
        int index;
        int fired; /* a */
    } shots[MANY];
    int order[MANY];
    int nfired;
    int quit_after;
};

static void on_fire(void *opaque)
{
    struct shot *s = opaque;
    struct fixture *f = s->f;

    fetch_add(&s->fired, 1);
    if (f->nfired < MANY) {
        f->order[f->nfired] = s->index;
    }
    if (++f->nfired == f->quit_after) {
        event_loop_quit(f->loop);
    }
}

static struct fixture *setup(void)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->loop = event_loop_new(NULL);
    f->list = timer_list_new(f->loop);
    for (int i = 0; i < MANY; i++) {
        f->shots[i] = (struct shot){.f = f, .index = i};
        timer_init(&f->timers[i], on_fire, &f->shots[i]);
    }
    return f;
}

static void teardown(struct fixture *f)
{
    timer_list_free(f->list);
    event_loop_free(f->loop);
    free(f);
}

/* True if no timer is due before the one that stands above it in the heap, and every place is taken once. */
static bool heap_is_ordered(const struct fixture *f, unsigned count)
{
    const struct timer *at[MANY + 1] = {NULL};

    for (int i = 0; i < MANY; i++) {
        const struct timer *t = &f->timers[i];

        if (t->slot > count || (t->slot && at[t->slot]) || !t->slot != (t->deadline_ns == INT64_MAX)) {
            return false;
        }
        at[t->slot] = t;
    }
    for (unsigned slot = 2; slot <= count; slot++) {
        if (!at[slot] || at[slot / 2]->deadline_ns > at[slot]->deadline_ns) {
            return false;
        }
    }
    return true;
}

static void heap_stays_ordered_whatever_is_armed_moved_and_removed(struct unit *u)
{
    struct fixture *f = setup();
    unsigned random = 99;
    unsigned armed = 0;

    for (int i = 0; i < 5000; i++) {
        struct timer *t;
        bool remove;

        random = random * 1103515245 + 12345;
        t = &f->timers[(random >> 8) % MANY];
        remove = (random >> 20) % 3 == 0;
        armed += (t->slot == 0 && !remove) - (t->slot != 0 && remove);
        random = random * 1103515245 + 12345;
        timer_mod(f->list, t, remove ? INT64_MAX : (int64_t)(random >> 8) % 1000);
        CHECK(u, heap_is_ordered(f, armed));
    }
    teardown(f);
}

static void timers_fire_in_the_order_of_their_deadlines(struct unit *u)
{
    struct fixture *f = setup();
    int64_t now = clock_now_ns();
    int64_t deadlines[MANY];
    unsigned random = 12345;

    for (int i = 0; i < MANY; i++) {
        random = random * 1103515245 + 12345;
        timer_mod(f->list, &f->timers[i], now - 1 - (int64_t)(random >> 8) % 1000000);
    }
    /* Move and remove a third each, which exercises the middle of the heap. */
    for (int i = 0; i < MANY; i += 3) {
        random = random * 1103515245 + 12345;
        timer_mod(f->list, &f->timers[i], now - 1 - (int64_t)(random >> 8) % 1000000);
        timer_del(f->list, &f->timers[i + 1]);
    }
    f->quit_after = MANY - MANY / 3;
    for (int i = 0; i < MANY; i++) {
        deadlines[i] = f->timers[i].deadline_ns;
    }
    event_loop_run(f->loop);
    CHECK_EQ(u, f->nfired, MANY - MANY / 3);
    for (int i = 1; i < f->nfired; i++) {
        CHECK(u, deadlines[f->order[i - 1]] <= deadlines[f->order[i]]);
    }
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(u, f->shots[i].fired, i % 3 != 1);
    }
    teardown(f);
}

static void a_timer_does_not_fire_before_its_deadline(struct unit *u)
{
    struct fixture *f = setup();
    int64_t deadline_ns = clock_now_ns() + 20 * MS;

    timer_mod(f->list, &f->timers[0], deadline_ns);
    f->quit_after = 1;
    event_loop_run(f->loop);
    CHECK(u, clock_now_ns() >= deadline_ns);
    CHECK_EQ(u, f->timers[0].slot, 0);
    CHECK_EQ(u, f->timers[0].deadline_ns, INT64_MAX);
    teardown(f);
}

static void rearming_moves_a_timer_and_it_fires_once(struct unit *u)
{
    struct fixture *f = setup();
    int64_t now = clock_now_ns();

    timer_mod(f->list, &f->timers[0], now + INT64_C(1000000) * MS);
    timer_mod(f->list, &f->timers[1], now + 20 * MS);
    timer_mod(f->list, &f->timers[0], now + 10 * MS);
    f->quit_after = 2;
    event_loop_run(f->loop);
    CHECK_EQ(u, f->order[0], 0);
    CHECK_EQ(u, f->order[1], 1);
    CHECK_EQ(u, f->shots[0].fired, 1);
    teardown(f);
}

static void max_deadline_disarms_and_deleting_an_idle_timer_is_harmless(struct unit *u)
{
    struct fixture *f = setup();

    timer_del(f->list, &f->timers[0]);
    timer_mod(f->list, &f->timers[1], 1);
    timer_mod(f->list, &f->timers[1], INT64_MAX);
    timer_mod(f->list, &f->timers[2], 2);
    f->quit_after = 1;
    event_loop_run(f->loop);
    CHECK_EQ(u, f->shots[0].fired + f->shots[1].fired, 0);
    CHECK_EQ(u, f->shots[2].fired, 1);
    teardown(f);
}

static void on_fire_delete_next(void *opaque)
{
    struct shot *s = opaque;

    timer_del(s->f->list, &s->f->timers[s->index + 1]);
    timer_del(s->f->list, &s->f->timers[s->index]);
    on_fire(opaque);
}

static void a_callback_can_delete_the_next_due_timer(struct unit *u)
{
    struct fixture *f = setup();

    timer_init(&f->timers[0], on_fire_delete_next, &f->shots[0]);
    timer_mod(f->list, &f->timers[0], 1);
    timer_mod(f->list, &f->timers[1], 2);
    timer_mod(f->list, &f->timers[2], 3);
    f->quit_after = 2;
    event_loop_run(f->loop);
    CHECK_EQ(u, f->shots[1].fired, 0);
    CHECK_EQ(u, f->shots[2].fired, 1);
    teardown(f);
}

static void on_fire_again(void *opaque)
{
    struct shot *s = opaque;

    timer_mod(s->f->list, &s->f->timers[s->index], 1);
    on_fire(opaque);
}

static void on_post(void *opaque)
{
    *(int *)opaque = 1;
}

static void a_callback_that_rearms_in_the_past_does_not_starve_the_loop(struct unit *u)
{
    struct fixture *f = setup();
    int posted = 0;

    timer_init(&f->timers[0], on_fire_again, &f->shots[0]);
    timer_mod(f->list, &f->timers[0], 1);
    f->quit_after = 5;
    event_loop_post(f->loop, on_post, &posted);
    event_loop_run(f->loop);
    CHECK_EQ(u, posted, 1);
    CHECK(u, f->shots[0].fired >= 5);
    teardown(f);
}

enum { MOVERS = 3, MOVES = 20000 };

struct mover {
    struct thread thread;
    struct fixture *f;
    int first;
};

static void *mover_main(void *arg)
{
    struct mover *m = arg;
    unsigned random = (unsigned)m->first + 1;

    for (int i = 0; i < MOVES; i++) {
        random = random * 1103515245 + 12345;
        timer_mod(m->f->list, &m->f->timers[(random >> 8) % MANY],
                  random & 0x10 ? INT64_MAX : clock_now_ns() + (random >> 12) % 200000);
    }
    return NULL;
}

static void on_last(void *opaque)
{
    struct fixture *f = opaque;

    event_loop_quit(f->loop);
}

static void *movers_main(void *arg)
{
    struct fixture *f = arg;
    struct mover movers[MOVERS];

    for (int i = 0; i < MOVERS; i++) {
        movers[i] = (struct mover){.f = f, .first = i};
        thread_create(&movers[i].thread, "mover", mover_main, &movers[i]);
    }
    for (int i = 0; i < MOVERS; i++) {
        thread_join(&movers[i].thread);
    }
    return NULL;
}

static void many_threads_move_timers_and_none_is_lost(struct unit *u)
{
    struct fixture *f = setup();
    struct timer last;
    struct thread t;

    thread_create(&t, "movers", movers_main, f);
    timer_init(&last, on_last, f);
    timer_mod(f->list, &last, clock_now_ns() + INT64_C(300) * MS);
    event_loop_run(f->loop);
    thread_join(&t);
    for (int i = 0; i < MANY; i++) {
        timer_mod(f->list, &f->timers[i], INT64_MAX);
        timer_init(&f->timers[i], on_fire, &f->shots[i]);
        store_relaxed(&f->shots[i].fired, 0);
        timer_mod(f->list, &f->timers[i], i + 1);
    }
    f->nfired = 0;
    f->quit_after = MANY;
    event_loop_run(f->loop);
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(u, f->order[i], i);
    }
    teardown(f);
}

static void *arm_main(void *arg)
{
    struct fixture *f = arg;

    timer_mod(f->list, &f->timers[0], clock_now_ns());
    return NULL;
}

static void arming_from_another_thread_wakes_a_loop_that_sleeps_for_ever(struct unit *u)
{
    struct fixture *f = setup();
    struct thread t;

    f->quit_after = 1;
    thread_create(&t, "arm", arm_main, f);
    event_loop_run(f->loop);
    thread_join(&t);
    CHECK_EQ(u, f->shots[0].fired, 1);
    teardown(f);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(heap_stays_ordered_whatever_is_armed_moved_and_removed),
        UNIT(timers_fire_in_the_order_of_their_deadlines),
        UNIT(a_timer_does_not_fire_before_its_deadline),
        UNIT(rearming_moves_a_timer_and_it_fires_once),
        UNIT(max_deadline_disarms_and_deleting_an_idle_timer_is_harmless),
        UNIT(a_callback_can_delete_the_next_due_timer),
        UNIT(a_callback_that_rearms_in_the_past_does_not_starve_the_loop),
        UNIT(many_threads_move_timers_and_none_is_lost),
        UNIT(arming_from_another_thread_wakes_a_loop_that_sleeps_for_ever),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
