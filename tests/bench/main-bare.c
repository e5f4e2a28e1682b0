/* SPDX-License-Identifier: MIT */
/*
 * Runs a kernel on the bare machine: once briefly to warm up, then TIMES times
 * by the guest's clock; the least counts, which other work of the machine
 * disturbs least. Prints "begin kernel", then "bench kernel NANOSECONDS ROUNDS
 * CHECKSUM NANOSECONDS-IN-ALL".
 */
#include "bare.h"
#include "bench.h"

#define TIMES 3

void bench_main(void)
{
    uint64_t least = ~0ull, sum = 0, start;

    bench_run(bench_rounds / 8 + 1);
    bare_print("begin kernel\n", NULL);
    start = bare_time();
    for (int i = 0; i < TIMES; i++) {
        uint64_t begin = bare_time(), took;

        sum = bench_run(bench_rounds);
        took = bare_time() - begin;
        least = took < least ? took : least;
    }
    start = bare_time() - start;
    bare_print("bench kernel ", NULL);
    bare_number(least * BARE_TICK_NS);
    bare_print(" ", NULL);
    bare_number(bench_rounds);
    bare_print(" ", NULL);
    bare_number(sum);
    bare_print(" ", NULL);
    bare_number(start * BARE_TICK_NS);
    bare_print("\n", NULL);
}
