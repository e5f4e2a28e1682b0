/* SPDX-License-Identifier: MIT */
/* Rows of the suite that ask something of Linux: run does rounds and returns what depends on them. */
#ifndef TESTS_BENCH_LINUX_H
#define TESTS_BENCH_LINUX_H

#include <stddef.h>
#include <stdint.h>

struct linux_row {
    const char *name;
    uint64_t (*run)(uint64_t rounds);
    uint64_t rounds;               /* of the measured run */
    const uint64_t *kernel_rounds; /* instead, for kernels */
};

extern const struct linux_row linux_rows[];
extern const size_t linux_row_count;

#endif
