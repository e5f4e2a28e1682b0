/* SPDX-License-Identifier: MIT */
/* Five bodies under gravity, in double precision with divisions and square roots. One round is one step. */
#include "../bench.h"

#define BODIES 5

struct body {
    double x[3], v[3], mass;
};

const uint64_t bench_rounds = 10000;

static struct body bodies[BODIES];

static void place(void)
{
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            bodies[i].x[k] = (double)(i * 3 + k) * 0.75 - 2.0;
            bodies[i].v[k] = (double)((i + k) % 3) * 0.01;
        }
        bodies[i].mass = i ? 0.01 * i : 20.0;
    }
}

static NOINLINE void step(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];

        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double d[3], square = 0.001, pull;

            for (int k = 0; k < 3; k++) {
                d[k] = a->x[k] - b->x[k];
                square += d[k] * d[k];
            }
            pull = dt / (square * __builtin_sqrt(square));
            for (int k = 0; k < 3; k++) {
                a->v[k] -= d[k] * b->mass * pull;
                b->v[k] += d[k] * a->mass * pull;
            }
        }
    }
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            bodies[i].x[k] += dt * bodies[i].v[k];
        }
    }
}

uint64_t bench_run(uint64_t rounds)
{
    place();
    for (uint64_t i = 0; i < rounds; i++) {
        step(0.001);
    }
    return (uint64_t)(int64_t)(bodies[0].x[0] * 1e6) + (uint64_t)(int64_t)(bodies[4].v[2] * 1e6);
}
