/* SPDX-License-Identifier: MIT */
/* A tight loop of register arithmetic: two dependent chains. One round is 16 operations. */
#include "../bench.h"

const uint64_t bench_rounds = 8000000;

uint64_t bench_run(uint64_t rounds)
{
    uint64_t a = 1, b = 0x9e3779b97f4a7c15;

    for (uint64_t i = 0; i < rounds; i++) {
        a += b;
        b ^= a >> 7;
        a ^= b << 9;
        b += a;
        a -= i;
        b ^= a >> 11;
        a += b << 3;
        b += i;
    }
    return a ^ b;
}
