/* SPDX-License-Identifier: MIT */
/*
 * Threads, ranked mutexes, condition variables and futexes.
 *
 * Each mutex has a rank. Debug builds (MH_DEBUG) assert that a thread takes mutexes in descending order of "outerness":
 * a mutex may be taken only while every mutex already held by this thread has a smaller rank (equal ranks only through
 * mutex_lock_nested, whose caller names the order, e.g. ascending page number).
 */
#ifndef HW_HOST_THREAD_H
#define HW_HOST_THREAD_H

#include "hw/host/compiler.h"
#include <pthread.h>

enum lock_rank {
    RANK_SAFE_WORK = 5,
    RANK_BQL = 10,
    RANK_DEVICE = 15, /* of a device that needs no BQL; may set lines */
    RANK_IRQ = 20,
    RANK_BACKEND = 30,
    RANK_CODE_PAGE = 40,
    RANK_TB = 50,
    RANK_TLB = 60,
    RANK_TIMER = 70,
    RANK_WORKER = 80,
    RANK_EVENT_LOOP = 85,
    RANK_CLOCK = 88, /* time is read under any other lock */
    RANK_LOG = 90,
};

struct CAPABILITY("mutex") mutex {
    pthread_mutex_t m;
    enum lock_rank rank;
    const char *name;
};

struct cond {
    pthread_cond_t c; /* CLOCK_MONOTONIC */
};

void mutex_init(struct mutex *m, enum lock_rank rank, const char *name);
void mutex_fini(struct mutex *m);
void mutex_lock(struct mutex *m) ACQUIRES(m);
void mutex_lock_nested(struct mutex *m) ACQUIRES(m);
void mutex_unlock(struct mutex *m) RELEASES(m);
/* Debug builds: asserts that this thread holds M / holds no ranked mutex at all. Release builds: nothing. */
void mutex_assert_held(const struct mutex *m);
void mutex_assert_none_held(void);

void cond_init(struct cond *c);
void cond_fini(struct cond *c);
void cond_wait(struct cond *c, struct mutex *m) REQUIRES(m);
/* False when deadline_ns (clock_now_ns) has passed. */
bool cond_wait_until(struct cond *c, struct mutex *m, int64_t deadline_ns) REQUIRES(m);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

struct thread {
    pthread_t t;
};

/*
 * Starts FN(ARG) on a new thread with all signals blocked but those of its own faults (SIGSEGV and the like). NAME (<= 15 characters) shows in ps and perf.
 * Returns 0 or -errno.
 */
int thread_create(struct thread *t, const char *name, void *(*fn)(void *), void *arg);
void thread_join(struct thread *t);

/*
 * Sleeps while *word == expected, until woken or until deadline_ns (clock_now_ns; INT64_MAX: forever). Spurious wake-ups
 * happen: the caller loops. Any thread.
 */
void futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns);
/* Wakes up to COUNT sleepers on WORD (INT32_MAX: all). */
void futex_wake(uint32_t *word, int count);

#endif
