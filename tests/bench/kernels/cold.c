/* SPDX-License-Identifier: MIT */
/* Code that is run once: BENCH_COLD functions of 64 instructions each, after fence.i. One round runs them all. */
#include "../bench.h"

#define FUNCTIONS 512
#define LENGTH    64

const uint64_t bench_rounds = 8;

static uint32_t code[FUNCTIONS][LENGTH] __attribute__((aligned(4096)));

static void make(uint64_t seed)
{
    for (int f = 0; f < FUNCTIONS; f++) {
        for (int i = 0; i < LENGTH - 1; i++) {
            uint32_t r = (uint32_t)bench_random(&seed);

            /* addi, xori or add between a0 and a5 */
            code[f][i] = r & 1   ? 0x00050513 | (r >> 4 & 0x7ff) << 20
                         : r & 2 ? 0x00054793 | (r >> 4 & 0x7ff) << 20
                                 : 0x00f50533;
        }
        code[f][LENGTH - 1] = 0x00008067;
    }
    __asm__ volatile("fence.i" ::: "memory");
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        make(i + 1);
        for (int f = 0; f < FUNCTIONS; f++) {
            sum = ((uint64_t(*)(uint64_t))(uintptr_t)code[f])(sum);
        }
    }
    return sum;
}
