/* SPDX-License-Identifier: MIT */
/* Calls and returns: three small functions in turn, and a recursive one. One round is some 40 calls. */
#include "../bench.h"

const uint64_t bench_rounds = 100000;

static NOINLINE uint64_t leaf(uint64_t x)
{
    __asm__ volatile("" : "+r"(x));
    return x + 1;
}

static NOINLINE uint64_t twice(uint64_t x)
{
    return leaf(leaf(x)) + 1;
}

static NOINLINE uint64_t depth(uint64_t x, uint64_t n)
{
    __asm__ volatile("" : "+r"(x));
    return n ? depth(x + n, n - 1) + 1 : x;
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        sum = leaf(sum) + twice(i) + twice(sum);
        sum = depth(sum, 16) + depth(i, 8);
    }
    return sum;
}
