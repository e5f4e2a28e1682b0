/* SPDX-License-Identifier: MIT */
/* Spectral norm of an implicit matrix: divisions and dot products. One round is one product with 100 x 100 cells. */
#include "../bench.h"

#define SIDE 100

const uint64_t bench_rounds = 200;

static double in[SIDE], out[SIDE];

static inline double cell(int i, int j)
{
    return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static NOINLINE void multiply(void)
{
    for (int i = 0; i < SIDE; i++) {
        double sum = 0;

        for (int j = 0; j < SIDE; j++) {
            sum += cell(i, j) * in[j];
        }
        out[i] = sum;
    }
}

uint64_t bench_run(uint64_t rounds)
{
    double norm = 0;

    for (int i = 0; i < SIDE; i++) {
        in[i] = 1;
    }
    for (uint64_t r = 0; r < rounds; r++) {
        multiply();
        norm = 0;
        for (int i = 0; i < SIDE; i++) {
            norm += out[i] * out[i];
        }
        for (int i = 0; i < SIDE; i++) {
            in[i] = out[i] / __builtin_sqrt(norm);
        }
    }
    return (uint64_t)(norm * 1e6);
}
