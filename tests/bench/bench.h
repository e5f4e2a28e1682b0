/* SPDX-License-Identifier: MIT */
/*
 * What a benchmark kernel is: one file that defines these. The same file is
 * compiled for the bare machine, for Linux in the guest and for the host, so it
 * uses nothing but the language; the privileged ones (BENCH_BARE) are for the
 * bare machine only. bench_run does ROUNDS rounds and returns a checksum that
 * depends on all of its work, which must be the same everywhere.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

extern const uint64_t bench_rounds; /* of the measured run: some 0.1 s under QEMU */

uint64_t bench_run(uint64_t rounds);

/* For kernels of two harts: what the second does until bench_run is done; BENCH_HARTS is defined. */
void bench_second(void);

#define NOINLINE __attribute__((noinline))

static inline uint64_t bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
