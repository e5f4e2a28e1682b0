/* SPDX-License-Identifier: MIT */
/* The Mandelbrot set in double precision. One round is a row of 128 points. */
#include "../bench.h"

const uint64_t bench_rounds = 150;

static NOINLINE uint32_t escape(double cx, double cy)
{
    double x = 0, y = 0;
    uint32_t n = 0;

    while (n < 200 && x * x + y * y < 4) {
        double next = x * x - y * y + cx;

        y = 2 * x * y + cy;
        x = next;
        n++;
    }
    return n;
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        for (int column = 0; column < 128; column++) {
            sum += escape(column / 48.0 - 2.0, (double)(i & 63) / 32.0 - 1.0);
        }
    }
    return sum;
}
