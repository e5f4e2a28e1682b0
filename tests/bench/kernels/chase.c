/* SPDX-License-Identifier: MIT */
/* Pointer chase through BENCH_KIB KiB in a random cycle of 64-byte steps: each load waits for the last. */
#include "../bench.h"

#ifndef BENCH_KIB
#define BENCH_KIB 16
#endif
#define STEP  8 /* words */
#define CELLS ((size_t)BENCH_KIB * 1024 / 8 / STEP)

const uint64_t bench_rounds = BENCH_KIB > 1024 ? 1000000 : 6000000;

static uint64_t memory[CELLS * STEP];

/* Sattolo's shuffle makes one cycle of all cells. */
static void shuffle(void)
{
    uint64_t seed = 88172645463325252;

    for (size_t i = 0; i < CELLS; i++) {
        memory[i * STEP] = i;
    }
    for (size_t i = CELLS - 1; i > 0; i--) {
        size_t j = bench_random(&seed) % i;
        uint64_t keep = memory[i * STEP];

        memory[i * STEP] = memory[j * STEP];
        memory[j * STEP] = keep;
    }
    for (size_t i = 0; i < CELLS; i++) {
        memory[i * STEP] = (uint64_t)(uintptr_t)&memory[memory[i * STEP] * STEP];
    }
}

uint64_t bench_run(uint64_t rounds)
{
    static int shuffled;
    const uint64_t *at = memory;

    if (!shuffled) {
        shuffle();
        shuffled = 1;
    }
    for (uint64_t i = 0; i < rounds; i++) {
        at = (const uint64_t *)(uintptr_t)*at;
    }
    return (uint64_t)(at - memory);
}
