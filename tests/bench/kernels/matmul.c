/* SPDX-License-Identifier: MIT */
/* Product of two 64 x 64 matrices of doubles. One round is one product. */
#include "../bench.h"

#define SIDE 64

const uint64_t bench_rounds = 30;

static double left[SIDE][SIDE], right[SIDE][SIDE], product[SIDE][SIDE];

static NOINLINE void multiply(void)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            double cell = 0;

            for (int k = 0; k < SIDE; k++) {
                cell += left[i][k] * right[k][j];
            }
            product[i][j] = cell;
        }
    }
}

uint64_t bench_run(uint64_t rounds)
{
    double sum = 0;

    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            left[i][j] = (double)(i + j) / SIDE;
            right[i][j] = (double)(i - j) / SIDE;
        }
    }
    for (uint64_t i = 0; i < rounds; i++) {
        multiply();
        sum += product[i % SIDE][1];
        left[1][i % SIDE] += 0.5;
    }
    return (uint64_t)(int64_t)(sum * 1000);
}
