/* SPDX-License-Identifier: MIT */
/*
 * A small pool of threads for work that may block (disk, network). Threads are started on demand up to the limit, so that a
 * guest without disks costs none. Jobs start in the order of submission and finish in any.
 */
#ifndef HW_HOST_WORKER_H
#define HW_HOST_WORKER_H

#include "hw/host/err.h"

struct worker_pool;

struct work {
    struct work *next;
    void (*run)(struct work *w); /* on a worker thread, no locks held; W may be freed or resubmitted by it */
};

struct worker_pool *worker_pool_new(unsigned max_threads);
/* Waits for all submitted work, then ends the threads. */
void worker_pool_free(struct worker_pool *pool);
/* Any thread, any lock. */
void worker_submit(struct worker_pool *pool, struct work *w);
/* Waits until nothing is queued or running. The caller holds no lock that a job may want. */
void worker_pool_drain(struct worker_pool *pool);

#endif
