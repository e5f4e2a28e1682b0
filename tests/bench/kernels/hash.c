/* SPDX-License-Identifier: MIT */
/* A hash map with open addressing: inserts, finds and misses. One round is 8192 of each. */
#include "../bench.h"

#define SLOTS 32768
#define KEYS  8192

const uint64_t bench_rounds = 16;

struct slot {
    uint64_t key, value;
};

static struct slot slots[SLOTS];

static NOINLINE struct slot *find(uint64_t key)
{
    uint64_t at = (key * 0x9e3779b97f4a7c15) >> 49;

    while (slots[at].key && slots[at].key != key) {
        at = (at + 1) & (SLOTS - 1);
    }
    return &slots[at];
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t seed = i + 99;

        for (int k = 0; k < SLOTS; k++) {
            slots[k].key = 0;
        }
        for (int k = 0; k < KEYS; k++) {
            uint64_t key = bench_random(&seed) | 1;
            struct slot *slot = find(key);

            slot->key = key;
            slot->value = (uint64_t)k;
        }
        seed = i + 99;
        for (int k = 0; k < KEYS; k++) {
            uint64_t key = bench_random(&seed);

            sum += find(key | 1)->value + (find((key | 1) ^ 0x5550)->key != 0);
        }
    }
    return sum;
}
