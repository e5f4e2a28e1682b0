/* SPDX-License-Identifier: MIT */
/* Quicksort with insertion at its leaves, 64-bit keys. One round sorts 4096 of them. */
#include "../bench.h"

#define KEYS 4096

const uint64_t bench_rounds = 80;

static uint64_t keys[KEYS];

static void insertion(uint64_t *a, long n)
{
    for (long i = 1; i < n; i++) {
        uint64_t key = a[i];
        long j = i;

        for (; j > 0 && a[j - 1] > key; j--) {
            a[j] = a[j - 1];
        }
        a[j] = key;
    }
}

static NOINLINE void quicksort(uint64_t *a, long n)
{
    while (n > 12) {
        uint64_t pivot = a[n / 2];
        long i = 0, j = n - 1;

        while (i <= j) {
            while (a[i] < pivot) {
                i++;
            }
            while (a[j] > pivot) {
                j--;
            }
            if (i <= j) {
                uint64_t keep = a[i];

                a[i++] = a[j];
                a[j--] = keep;
            }
        }
        quicksort(a, j + 1);
        a += i;
        n -= i;
    }
    insertion(a, n);
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t seed = 4711, sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        for (int k = 0; k < KEYS; k++) {
            keys[k] = bench_random(&seed);
        }
        quicksort(keys, KEYS);
        sum = sum * 31 + keys[0] + keys[KEYS / 2] + keys[KEYS - 1];
    }
    return sum;
}
