/* SPDX-License-Identifier: MIT */
/* Runs a kernel as a Linux program, on the host or in the guest; prints what main-bare.c prints. */
#include <stdio.h>
#include <time.h>

#include "bench.h"

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int main(void)
{
    uint64_t begin, end, sum;

    bench_run(bench_rounds / 8 + 1);
    begin = now_ns();
    sum = bench_run(bench_rounds);
    end = now_ns();
    printf("bench %llu %llu %llu\n", (unsigned long long)(end - begin),
           (unsigned long long)bench_rounds, (unsigned long long)sum);
    return 0;
}
