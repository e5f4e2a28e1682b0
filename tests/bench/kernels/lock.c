/* SPDX-License-Identifier: MIT */
/* Two harts take turns at one test-and-set spinlock and a counter under it. One round is one turn of each. */
#include "../bench.h"

const uint64_t bench_rounds = 400000;

static volatile uint32_t lock __attribute__((aligned(64)));
static volatile uint64_t counter __attribute__((aligned(64)));
static volatile uint64_t wanted __attribute__((aligned(64)));
static volatile uint64_t done __attribute__((aligned(64)));

static void turns(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {
            while (lock) {}
        }
        counter++;
        __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    }
}

void bench_second(void)
{
    for (uint64_t seen = 0;;) {
        uint64_t rounds = __atomic_load_n(&wanted, __ATOMIC_ACQUIRE);

        if (rounds != seen) {
            seen = rounds;
            turns(rounds);
            __atomic_store_n(&done, rounds, __ATOMIC_RELEASE);
        }
    }
}

uint64_t bench_run(uint64_t rounds)
{
    counter = 0;
    __atomic_store_n(&wanted, rounds, __ATOMIC_RELEASE);
    turns(rounds);
    while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != rounds) {}
    return counter;
}
