/* SPDX-License-Identifier: MIT */
/* Two harts add to one word, by an AMO or (BENCH_LRSC) an LR/SC pair. One round is one addition of each. */
#include "../bench.h"

const uint64_t bench_rounds = 1000000;

static volatile uint64_t counter __attribute__((aligned(64)));
static volatile uint64_t wanted __attribute__((aligned(64)));
static volatile uint64_t done __attribute__((aligned(64)));

static inline void add_one(void)
{
#ifdef BENCH_LRSC
    uint64_t old, failed;

    __asm__ volatile("1: lr.d %0, (%2)\n addi %0, %0, 1\n sc.d %1, %0, (%2)\n bnez %1, 1b"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(&counter)
                     : "memory");
#else
    __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
#endif
}

static void turns(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        add_one();
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
