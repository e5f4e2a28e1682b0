/* SPDX-License-Identifier: MIT */
/*
 * Programs on the bare machine, in S-mode under an identity map of the first
 * 4 GiB: hart 0 runs bench_main. Nothing here is for programs under Linux.
 */
#ifndef TESTS_BENCH_BARE_H
#define TESTS_BENCH_BARE_H

#include <stdint.h>

#define BARE_TICK_NS 100 /* the machine's clock runs at 10 MHz */

extern uint64_t bench_root[512]; /* the page table's root, Sv39 */

void bench_main(void);

uint64_t bare_time(void); /* in ticks */

/* Texts, up to a NULL. */
void bare_print(const char *text, ...);
void bare_number(uint64_t value);

/* For a row of the micro suite that has to prepare: what comes next is what counts. */
void bench_begin(void);

#endif
