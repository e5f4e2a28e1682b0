/* SPDX-License-Identifier: MIT */
/*
 * Threads, mutexes, condition variables and futexes over pthreads and Linux.
 *
 * With MH_DEBUG each thread keeps a stack of the ranked mutexes that it holds, and taking one out of order, taking one twice
 * or releasing one that is not held ends the process with both names. Release builds keep nothing.
 */
#include "hw/host/thread.h"
#include "hw/host/clock.h"
#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef MH_DEBUG
enum { HELD_MAX = 64 };

/* What this thread holds, outermost first. Thread-local, so nothing is shared. */
static __thread const struct mutex *held_locks[HELD_MAX];
static __thread int held_count;

static int held_find(const struct mutex *m)
{
    for (int i = held_count - 1; i >= 0; i--) {
        if (held_locks[i] == m) {
            return i;
        }
    }
    return -1;
}

static NORETURN COLD void rank_fail(const char *what, const struct mutex *m, const struct mutex *other)
{
    fprintf(stderr, "lock order: %s \"%s\" (rank %d)", what, m ? m->name : "-", m ? (int)m->rank : 0);
    if (other) {
        fprintf(stderr, " while \"%s\" (rank %d) is held", other->name, (int)other->rank);
    }
    fputc('\n', stderr);
    abort();
}

static void held_check(const struct mutex *m, bool nested)
{
    if (held_find(m) >= 0) {
        rank_fail("taking again", m, m);
    }
    for (int i = 0; i < held_count; i++) {
        if (held_locks[i]->rank > m->rank || (held_locks[i]->rank == m->rank && !nested)) {
            rank_fail("taking", m, held_locks[i]);
        }
    }
}

static void held_push(const struct mutex *m)
{
    assert(held_count < HELD_MAX);
    held_locks[held_count++] = m;
}

static void held_pop(const struct mutex *m)
{
    int i = held_find(m);

    if (i < 0) {
        rank_fail("releasing what is not held:", m, NULL);
    }
    held_count--;
    for (; i < held_count; i++) {
        held_locks[i] = held_locks[i + 1];
    }
}

void mutex_assert_held(const struct mutex *m)
{
    if (held_find(m) < 0) {
        rank_fail("needed and not held:", m, NULL);
    }
}

void mutex_assert_none_held(void)
{
    if (held_count != 0) {
        rank_fail("no lock may be held here, but", held_locks[held_count - 1], NULL);
    }
}
#else
static void held_check(const struct mutex *m UNUSED, bool nested UNUSED)
{
}

static void held_push(const struct mutex *m UNUSED)
{
}

static void held_pop(const struct mutex *m UNUSED)
{
}

void mutex_assert_held(const struct mutex *m UNUSED)
{
}

void mutex_assert_none_held(void)
{
}
#endif

void mutex_init(struct mutex *m, enum lock_rank rank, const char *name)
{
    pthread_mutex_init(&m->m, NULL);
    m->rank = rank;
    m->name = name;
}

void mutex_fini(struct mutex *m)
{
    pthread_mutex_destroy(&m->m);
}

static void lock_ranked(struct mutex *m, bool nested) NO_THREAD_SAFETY
{
    held_check(m, nested);
    pthread_mutex_lock(&m->m);
    held_push(m);
}

void mutex_lock(struct mutex *m) NO_THREAD_SAFETY
{
    lock_ranked(m, false);
}

void mutex_lock_nested(struct mutex *m) NO_THREAD_SAFETY
{
    lock_ranked(m, true);
}

void mutex_unlock(struct mutex *m) NO_THREAD_SAFETY
{
    held_pop(m);
    pthread_mutex_unlock(&m->m);
}

void cond_init(struct cond *c)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->c, &attr);
    pthread_condattr_destroy(&attr);
}

void cond_fini(struct cond *c)
{
    pthread_cond_destroy(&c->c);
}

static struct timespec timespec_of(int64_t ns)
{
    if (ns < 0) {
        ns = 0;
    }
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

void cond_wait(struct cond *c, struct mutex *m)
{
    mutex_assert_held(m);
    pthread_cond_wait(&c->c, &m->m);
}

bool cond_wait_until(struct cond *c, struct mutex *m, int64_t deadline_ns)
{
    struct timespec ts = timespec_of(deadline_ns);

    mutex_assert_held(m);
    return pthread_cond_timedwait(&c->c, &m->m, &ts) != ETIMEDOUT;
}

void cond_signal(struct cond *c)
{
    pthread_cond_signal(&c->c);
}

void cond_broadcast(struct cond *c)
{
    pthread_cond_broadcast(&c->c);
}

/* What the host raises for a fault of our own stays open: blocked, it would kill without a report. */
static void thread_sigset(sigset_t *set)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};

    sigfillset(set);
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        sigdelset(set, faults[i]);
    }
}

int thread_create(struct thread *t, const char *name, void *(*fn)(void *), void *arg)
{
    sigset_t set, old;
    char short_name[16];
    int ret;

    thread_sigset(&set);
    pthread_sigmask(SIG_SETMASK, &set, &old);
    ret = pthread_create(&t->t, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (ret == 0) {
        snprintf(short_name, sizeof(short_name), "%s", name);
        pthread_setname_np(t->t, short_name);
    }
    return -ret;
}

void thread_join(struct thread *t)
{
    pthread_join(t->t, NULL);
}

void futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    struct timespec ts = timespec_of(deadline_ns);

    /* The BITSET form takes an absolute CLOCK_MONOTONIC time. */
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
            deadline_ns == INT64_MAX ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY);
}

void futex_wake(uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}

void thread_yield(void)
{
    sched_yield();
}

unsigned host_cpu_count(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}
