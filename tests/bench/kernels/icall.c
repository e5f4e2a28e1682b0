/* SPDX-License-Identifier: MIT */
/* Calls through pointers: 16 targets in a random order. One round is one call. */
#include "../bench.h"

#define TARGET(n)                                  \
    static NOINLINE uint64_t target##n(uint64_t x) \
    {                                              \
        return (x << 1) + n;                       \
    }

typedef uint64_t target_fn(uint64_t x);

const uint64_t bench_rounds = 1500000;

TARGET(0)
TARGET(1)
TARGET(2)
TARGET(3) TARGET(4) TARGET(5) TARGET(6) TARGET(7) TARGET(8) TARGET(9) TARGET(10) TARGET(11)
    TARGET(12) TARGET(13) TARGET(14) TARGET(15)

        static target_fn *const targets[16] = {
            target0, target1, target2,  target3,  target4,  target5,  target6,  target7,
            target8, target9, target10, target11, target12, target13, target14, target15};

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 1, seed = 12345;

    for (uint64_t i = 0; i < rounds; i++) {
        sum ^= targets[bench_random(&seed) & 15](sum);
    }
    return sum;
}
