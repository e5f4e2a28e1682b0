/* SPDX-License-Identifier: MIT */
/*
 * The worker pool: a FIFO of jobs under one lock, and up to max_threads threads that take from it. A thread is started when
 * a job comes and nobody waits for one. If the host refuses even the first thread, jobs stay queued until the next
 * submission succeeds in starting one, or until a drain runs them on its own thread.
 *
 * Locks: c constant after create, l the pool's lock.
 */
#include "hw/host/worker.h"
#include "hw/host/thread.h"
#include <stdlib.h>

struct worker_pool {
    struct mutex lock;
    struct cond wake;        /* there is work, or the pool closes */
    struct cond idle;        /* nothing is queued or running */
    struct work *first;      /* l: queue, oldest first */
    struct work *last;       /* l */
    unsigned queued;         /* l */
    unsigned running;        /* l */
    unsigned waiting;        /* l: threads that sleep */
    unsigned nthreads;       /* l */
    bool closing;            /* l */
    unsigned max_threads;    /* c */
    struct thread threads[]; /* first nthreads are started */
};

struct worker_pool *worker_pool_new(unsigned max_threads)
{
    struct worker_pool *pool = calloc(1, sizeof(*pool) + max_threads * sizeof(struct thread));

    if (pool) {
        mutex_init(&pool->lock, RANK_WORKER, "workers");
        cond_init(&pool->wake);
        cond_init(&pool->idle);
        pool->max_threads = max_threads;
    }
    return pool;
}

static struct work *take_locked(struct worker_pool *pool) REQUIRES(&pool->lock)
{
    struct work *w = pool->first;

    if (w) {
        pool->first = w->next;
        pool->last = pool->first ? pool->last : NULL;
        pool->queued--;
        pool->running++;
    }
    return w;
}

/* Runs W without the lock. W belongs to its owner again from the moment that run is called. */
static void run_unlocking(struct worker_pool *pool, struct work *w) REQUIRES(&pool->lock)
{
    mutex_unlock(&pool->lock);
    w->run(w);
    mutex_lock(&pool->lock);
    pool->running--;
    if (pool->running == 0 && pool->queued == 0) {
        cond_broadcast(&pool->idle);
    }
}

static void *worker_main(void *arg)
{
    struct worker_pool *pool = arg;

    mutex_lock(&pool->lock);
    for (;;) {
        struct work *w = take_locked(pool);

        if (w) {
            run_unlocking(pool, w);
        } else if (pool->closing) {
            break;
        } else {
            pool->waiting++;
            cond_wait(&pool->wake, &pool->lock);
            pool->waiting--;
        }
    }
    mutex_unlock(&pool->lock);
    return NULL;
}

static void start_thread_locked(struct worker_pool *pool) REQUIRES(&pool->lock)
{
    if (pool->queued > pool->waiting && pool->nthreads < pool->max_threads &&
        thread_create(&pool->threads[pool->nthreads], "worker", worker_main, pool) == 0) {
        pool->nthreads++;
    }
}

void worker_submit(struct worker_pool *pool, struct work *w)
{
    w->next = NULL;
    mutex_lock(&pool->lock);
    if (pool->last) {
        pool->last->next = w;
    } else {
        pool->first = w;
    }
    pool->last = w;
    pool->queued++;
    start_thread_locked(pool);
    cond_signal(&pool->wake);
    mutex_unlock(&pool->lock);
}

void worker_pool_drain(struct worker_pool *pool)
{
    mutex_lock(&pool->lock);
    while (pool->queued != 0 || pool->running != 0) {
        struct work *w = pool->nthreads == 0 ? take_locked(pool) : NULL;

        if (w) {
            run_unlocking(pool, w);
        } else {
            cond_wait(&pool->idle, &pool->lock);
        }
    }
    mutex_unlock(&pool->lock);
}

void worker_pool_free(struct worker_pool *pool)
{
    unsigned nthreads;

    if (!pool) {
        return;
    }
    worker_pool_drain(pool);
    mutex_lock(&pool->lock);
    pool->closing = true;
    nthreads = pool->nthreads;
    cond_broadcast(&pool->wake);
    mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < nthreads; i++) {
        thread_join(&pool->threads[i]);
    }
    cond_fini(&pool->idle);
    cond_fini(&pool->wake);
    mutex_fini(&pool->lock);
    free(pool);
}
