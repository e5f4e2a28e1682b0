/* SPDX-License-Identifier: MIT */
/* The worker pool: every job once, in order of start, resubmission from a job, draining, and its limits. */
#include "hw/host/atomic.h"
#include "hw/host/thread.h"
#include "hw/host/worker.h"
#include "tests/unit.h"
#include <unistd.h>

enum { JOBS = 2000 };

struct job {
    struct work work;
    struct worker_pool *pool;
    int runs;          /* a */
    int again;         /* times to resubmit */
    int number;
    int *sequence;     /* a: order in which jobs start */
    int started_as;
    int *active, *peak; /* a: how many run at once */
    uint32_t *gate;    /* waits for non-zero */
};

static void setup(struct job *jobs, int n, struct worker_pool *pool)
{
    for (int i = 0; i < n; i++) {
        jobs[i] = (struct job){.pool = pool, .number = i};
    }
}

static void run_count(struct work *w)
{
    struct job *j = container_of(w, struct job, work);

    fetch_add(&j->runs, 1);
}

static void every_job_runs_exactly_once(struct unit *u)
{
    static struct job jobs[JOBS];
    struct worker_pool *pool = worker_pool_new(4);
    int wrong = 0;

    setup(jobs, JOBS, pool);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].work.run = run_count;
        worker_submit(pool, &jobs[i].work);
    }
    worker_pool_drain(pool);
    for (int i = 0; i < JOBS; i++) {
        wrong += load_relaxed(&jobs[i].runs) != 1;
    }
    CHECK_EQ(u, wrong, 0);
    worker_pool_free(pool);
}

static void run_sequence(struct work *w)
{
    struct job *j = container_of(w, struct job, work);

    j->started_as = fetch_add(j->sequence, 1);
}

static void one_thread_runs_jobs_in_the_order_of_submission(struct unit *u)
{
    struct job jobs[100];
    struct worker_pool *pool = worker_pool_new(1);
    int sequence = 0;

    setup(jobs, 100, pool);
    for (int i = 0; i < 100; i++) {
        jobs[i].sequence = &sequence;
        jobs[i].work.run = run_sequence;
        worker_submit(pool, &jobs[i].work);
    }
    worker_pool_free(pool);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(u, jobs[i].started_as, i);
    }
}

static void run_again(struct work *w)
{
    struct job *j = container_of(w, struct job, work);

    j->runs++;
    if (j->again-- > 0) {
        worker_submit(j->pool, w);
    }
}

static void drain_and_free_wait_for_jobs_that_submit_themselves_again(struct unit *u)
{
    struct job jobs[3];
    struct worker_pool *pool = worker_pool_new(2);

    setup(jobs, 3, pool);
    for (int i = 0; i < 3; i++) {
        jobs[i].again = 500;
        jobs[i].work.run = run_again;
        worker_submit(pool, &jobs[i].work);
    }
    worker_pool_free(pool);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(u, jobs[i].runs, 501);
    }
}

static void run_peak(struct work *w)
{
    struct job *j = container_of(w, struct job, work);
    int now = fetch_add(j->active, 1) + 1;
    int peak = load_relaxed(j->peak);

    while (peak < now && !atomic_cas(j->peak, &peak, now)) {
        continue;
    }
    usleep(1000);
    fetch_sub(j->active, 1);
}

static void no_more_than_the_limit_run_at_once(struct unit *u)
{
    struct job jobs[40];
    struct worker_pool *pool = worker_pool_new(3);
    int active = 0, peak = 0;

    setup(jobs, 40, pool);
    for (int i = 0; i < 40; i++) {
        jobs[i].active = &active;
        jobs[i].peak = &peak;
        jobs[i].work.run = run_peak;
        worker_submit(pool, &jobs[i].work);
    }
    worker_pool_free(pool);
    CHECK_EQ(u, peak, 3);
}

static void run_blocked(struct work *w)
{
    struct job *j = container_of(w, struct job, work);

    while (load_acquire(j->gate) == 0) {
        futex_wait(j->gate, 0, INT64_MAX);
    }
    j->runs++;
}

static void run_open(struct work *w)
{
    struct job *j = container_of(w, struct job, work);

    store_release(j->gate, 1);
    futex_wake(j->gate, INT32_MAX);
}

static void a_blocked_job_does_not_hold_up_the_next_one(struct unit *u)
{
    struct job jobs[2];
    struct worker_pool *pool = worker_pool_new(2);
    uint32_t gate = 0;

    setup(jobs, 2, pool);
    jobs[0].gate = jobs[1].gate = &gate;
    jobs[0].work.run = run_blocked;
    jobs[1].work.run = run_open;
    worker_submit(pool, &jobs[0].work);
    worker_submit(pool, &jobs[1].work);
    worker_pool_drain(pool);
    CHECK_EQ(u, jobs[0].runs, 1);
    worker_pool_free(pool);
}

static void a_pool_that_cannot_have_threads_runs_jobs_when_drained(struct unit *u)
{
    struct job job;
    struct worker_pool *pool = worker_pool_new(0);

    setup(&job, 1, pool);
    job.work.run = run_count;
    worker_submit(pool, &job.work);
    CHECK_EQ(u, job.runs, 0);
    worker_pool_drain(pool);
    CHECK_EQ(u, job.runs, 1);
    worker_pool_free(pool);
    worker_pool_free(NULL);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(every_job_runs_exactly_once),
        UNIT(one_thread_runs_jobs_in_the_order_of_submission),
        UNIT(drain_and_free_wait_for_jobs_that_submit_themselves_again),
        UNIT(no_more_than_the_limit_run_at_once),
        UNIT(a_blocked_job_does_not_hold_up_the_next_one),
        UNIT(a_pool_that_cannot_have_threads_runs_jobs_when_drained),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
