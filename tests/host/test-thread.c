/* SPDX-License-Identifier: MIT */
/* Mutexes, condition variables, futexes and what a new thread inherits. */
#include "hw/host/atomic.h"
#include "hw/host/clock.h"
#include "hw/host/thread.h"
#include "tests/unit.h"
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MS 1000000

enum { THREADS = 4, ROUNDS = 20000 };

struct counted {
    struct mutex lock;
    uint64_t plain;
};

static void *count_main(void *arg)
{
    struct counted *c = arg;

    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&c->lock);
        c->plain++;
        mutex_unlock(&c->lock);
    }
    return NULL;
}

static void mutex_excludes(struct unit *u)
{
    struct thread threads[THREADS];
    struct counted c = {0};

    mutex_init(&c.lock, RANK_BQL, "counted");
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(u, thread_create(&threads[i], "count", count_main, &c), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
    }
    CHECK_EQ(u, c.plain, THREADS * ROUNDS);
    mutex_fini(&c.lock);
}

static void futex_wait_returns_at_once_when_the_word_differs(struct unit *u)
{
    uint32_t word = 1;

    futex_wait(&word, 0, INT64_MAX);
    CHECK_EQ(u, word, 1);
}

static void futex_wait_ends_at_its_deadline(struct unit *u)
{
    int64_t deadline_ns = clock_now_ns() + 20 * MS;
    uint32_t word = 0;

    while (clock_now_ns() < deadline_ns) {
        futex_wait(&word, 0, deadline_ns);
    }
    CHECK(u, clock_now_ns() < deadline_ns + INT64_C(20000) * MS);
    futex_wait(&word, 0, -5); /* long past */
    CHECK_EQ(u, word, 0);
}

/* Two words, passed to and fro: a lost wake-up would hang. */
struct ping {
    uint32_t to, fro;
};

static void *pong_main(void *arg)
{
    struct ping *p = arg;

    for (uint32_t i = 1; i <= ROUNDS; i++) {
        while (load_acquire(&p->to) != i) {
            futex_wait(&p->to, i - 1, INT64_MAX);
        }
        store_release(&p->fro, i);
        futex_wake(&p->fro, 1);
    }
    return NULL;
}

static void futex_wakes_are_not_lost(struct unit *u)
{
    struct ping p = {0};
    struct thread t;

    thread_create(&t, "pong", pong_main, &p);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        store_release(&p.to, i);
        futex_wake(&p.to, 1);
        while (load_acquire(&p.fro) != i) {
            futex_wait(&p.fro, i - 1, INT64_MAX);
        }
    }
    thread_join(&t);
    CHECK_EQ(u, p.fro, ROUNDS);
}

static void *sleeper_main(void *arg)
{
    uint32_t *word = arg;

    while (load_acquire(word) == 0) {
        futex_wait(word, 0, INT64_MAX);
    }
    return NULL;
}

static void futex_wake_of_all_wakes_all(struct unit *u)
{
    struct thread threads[THREADS];
    uint32_t word = 0;

    for (int i = 0; i < THREADS; i++) {
        thread_create(&threads[i], "sleeper", sleeper_main, &word);
    }
    usleep(20000);
    store_release(&word, 1);
    futex_wake(&word, INT_MAX);
    for (int i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
    }
    CHECK_EQ(u, word, 1);
}

struct gate {
    struct mutex lock;
    struct cond cond;
    bool open;
};

static void *open_main(void *arg)
{
    struct gate *g = arg;

    mutex_lock(&g->lock);
    g->open = true;
    cond_broadcast(&g->cond);
    mutex_unlock(&g->lock);
    return NULL;
}

static void cond_wait_sees_the_broadcast_and_cond_wait_until_the_deadline(struct unit *u)
{
    struct gate g = {.open = false};
    int64_t deadline_ns = clock_now_ns() + 20 * MS;
    struct thread t;

    mutex_init(&g.lock, RANK_BQL, "gate");
    cond_init(&g.cond);
    mutex_lock(&g.lock);
    while (cond_wait_until(&g.cond, &g.lock, deadline_ns)) {
        continue;
    }
    CHECK(u, clock_now_ns() >= deadline_ns);
    thread_create(&t, "open", open_main, &g);
    while (!g.open) {
        cond_wait(&g.cond, &g.lock);
    }
    mutex_unlock(&g.lock);
    thread_join(&t);
    CHECK(u, g.open);
    cond_fini(&g.cond);
    mutex_fini(&g.lock);
}

static void *inherit_main(void *arg)
{
    sigset_t set;
    char name[16] = "";

    usleep(10000); /* the creator names the thread after it has started */
    pthread_getname_np(pthread_self(), name, sizeof(name));
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    *(bool *)arg = sigismember(&set, SIGINT) && sigismember(&set, SIGTERM) && !sigismember(&set, SIGSEGV) &&
                   strcmp(name, "a-name-that-is-") == 0;
    return NULL;
}

static void threads_start_with_signals_blocked_and_a_name_that_fits(struct unit *u)
{
    struct thread t;
    bool good = false;
    sigset_t set;

    CHECK_EQ(u, thread_create(&t, "a-name-that-is-too-long", inherit_main, &good), 0);
    thread_join(&t);
    CHECK(u, good);
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    CHECK(u, !sigismember(&set, SIGINT));
}

static void this_thread_s_cores_are_counted(struct unit *u)
{
    cpu_set_t all, one;

    CHECK_EQ(u, sched_getaffinity(0, sizeof(all), &all), 0);
    CHECK_EQ(u, host_cpu_count(), CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (unsigned cpu = 0; CPU_COUNT(&one) == 0; cpu++) {
        if (CPU_ISSET(cpu, &all)) {
            CPU_SET(cpu, &one);
        }
    }
    CHECK_EQ(u, sched_setaffinity(0, sizeof(one), &one), 0);
    CHECK_EQ(u, host_cpu_count(), 1);
    CHECK_EQ(u, sched_setaffinity(0, sizeof(all), &all), 0);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(mutex_excludes),
        UNIT(futex_wait_returns_at_once_when_the_word_differs),
        UNIT(futex_wait_ends_at_its_deadline),
        UNIT(futex_wakes_are_not_lost),
        UNIT(futex_wake_of_all_wakes_all),
        UNIT(cond_wait_sees_the_broadcast_and_cond_wait_until_the_deadline),
        UNIT(threads_start_with_signals_blocked_and_a_name_that_fits),
        UNIT(this_thread_s_cores_are_counted),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
