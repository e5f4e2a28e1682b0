/* SPDX-License-Identifier: MIT */
/*
 * Runs a kernel on the bare machine: once briefly to warm up, once measured by
 * the guest's clock. Prints "begin" and "bench NANOSECONDS ROUNDS CHECKSUM".
 */
#include "bare.h"
#include "bench.h"

void bench_main(void)
{
    uint64_t begin, end, sum;

    bench_run(bench_rounds / 8 + 1);
    bare_print("begin kernel\n", NULL);
    begin = bare_time();
    sum = bench_run(bench_rounds);
    end = bare_time();
    bare_print("bench kernel ", NULL);
    bare_number((end - begin) * BARE_TICK_NS);
    bare_print(" ", NULL);
    bare_number(bench_rounds);
    bare_print(" ", NULL);
    bare_number(sum);
    bare_print("\n", NULL);
}
