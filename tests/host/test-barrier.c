/* SPDX-License-Identifier: MIT */
/* Asymmetric barriers: a side with program order only against one with barrier_heavy. */
#include "hw/host/atomic.h"
#include "hw/host/barrier.h"
#include "hw/host/compiler.h"
#include "tests/unit.h"
#include <pthread.h>
#include <sched.h>

#define ROUNDS 5000

struct duel {
    uint32_t light, heavy;     /* a: each side's word: the round */
    uint32_t seen[ROUNDS + 1]; /* the light side's view of the other, by round */
    uint32_t go, done;         /* a */
};

static void *light_side(void *opaque)
{
    struct duel *d = opaque;

    for (uint32_t round = 1; round <= ROUNDS; round++) {
        while (load_acquire(&d->go) < round) {
            sched_yield();
        }
        store_relaxed(&d->light, round);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        d->seen[round] = load_relaxed(&d->heavy);
        store_release(&d->done, round);
    }
    return NULL;
}

static void one_of_two_writers_sees_the_other_though_only_one_has_a_barrier(struct unit *u)
{
    static struct duel d;
    unsigned missed = 0;
    pthread_t thread;

    if (!barrier_register()) {
        return;
    }
    CHECK(u, barrier_register());
    CHECK(u, !pthread_create(&thread, NULL, light_side, &d));
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint32_t seen;

        store_release(&d.go, round);
        store_relaxed(&d.heavy, round);
        barrier_heavy();
        seen = load_relaxed(&d.light);
        while (load_acquire(&d.done) < round) {
            sched_yield();
        }
        missed += seen != round && d.seen[round] != round;
    }
    pthread_join(thread, NULL);
    CHECK_EQ(u, missed, 0);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(one_of_two_writers_sees_the_other_though_only_one_has_a_barrier),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
