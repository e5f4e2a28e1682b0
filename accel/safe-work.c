/* SPDX-License-Identifier: MIT */
/*
 * Stopping vCPUs outside guest code: pause and resume for the board, exclusive sections for the
 * engine.
 *
 * Everything is under safe_lock. `running` counts vCPU threads that are not parked; whoever
 * raises `pausers` asks the threads through their poll words and waits until running is 0. A
 * thread that wants an exclusive section first waits like the others while somebody else has one,
 * then stops counting as running itself. Nobody holds a lock while waiting that a vCPU could
 * want.
 */
#include "accel/internal.h"

static void kick_all(struct accel *a)
{
    for (unsigned i = 0; i < a->nvcpus; i++) {
        vcpu_kick(a->vcpus[i], VCPU_POLL_WORK);
    }
}

static void wait_while_paused(struct accel *a) REQUIRES(&a->safe_lock)
{
    a->running--;
    cond_broadcast(&a->safe_cond);
    while (a->pausers && !a->stopping) {
        cond_wait(&a->safe_cond, &a->safe_lock);
    }
    a->running++;
}

bool vcpu_park(struct accel *a)
{
    bool go_on;

    mutex_lock(&a->safe_lock);
    if (a->pausers) {
        wait_while_paused(a);
    }
    go_on = !a->stopping;
    mutex_unlock(&a->safe_lock);
    return go_on;
}

static void stop_others(struct accel *a) REQUIRES(&a->safe_lock)
{
    a->pausers++;
    kick_all(a);
    while (a->running) {
        cond_wait(&a->safe_cond, &a->safe_lock);
    }
}

void exclusive_begin(struct vcpu *cpu)
{
    struct accel *a = cpu->accel;

    mutex_lock(&a->safe_lock);
    while (a->pausers && !a->stopping) {
        wait_while_paused(a);
    }
    a->running--;
    stop_others(a);
    mutex_unlock(&a->safe_lock);
}

void exclusive_end(struct vcpu *cpu)
{
    struct accel *a = cpu->accel;

    mutex_lock(&a->safe_lock);
    a->pausers--;
    a->running++;
    cond_broadcast(&a->safe_cond);
    mutex_unlock(&a->safe_lock);
}

void accel_pause(struct accel *a)
{
    mutex_lock(&a->safe_lock);
    while (a->pausers) {
        cond_wait(&a->safe_cond, &a->safe_lock);
    }
    stop_others(a);
    mutex_unlock(&a->safe_lock);
}

void accel_resume(struct accel *a)
{
    mutex_lock(&a->safe_lock);
    a->pausers--;
    cond_broadcast(&a->safe_cond);
    mutex_unlock(&a->safe_lock);
}
