/* SPDX-License-Identifier: MIT */
/*
 * The unit test frame: a test program is a table of cases; each prints `ok NAME` or `FAIL NAME:
 * why`.
 *
 *   static void pop_of_empty_queue_gives_null(struct unit *u) { CHECK(u, queue_pop(&q) == NULL); }
 *   int main(void) { static const struct unit_case cases[] = {UNIT(pop_of_empty_queue_gives_null)};
 *                    return unit_run(cases, sizeof(cases) / sizeof(cases[0])); }
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct unit {
    const char *name;
    bool failed;
};

struct unit_case {
    const char *name;
    void (*run)(struct unit *u);
};

#define UNIT(fn) \
    {            \
#fn, fn  \
    }

/* Reports the first failure of a case; the case goes on. */
#define CHECK(u, cond)                                                            \
    do {                                                                          \
        if (!(cond) && !(u)->failed) {                                            \
            (u)->failed = true;                                                   \
            printf("FAIL %s: %s:%d: %s\n", (u)->name, __FILE__, __LINE__, #cond); \
        }                                                                         \
    } while (0)

#define CHECK_EQ(u, got, want)                                                            \
    do {                                                                                  \
        uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);                        \
        if (got_ != want_ && !(u)->failed) {                                              \
            (u)->failed = true;                                                           \
            printf("FAIL %s: %s:%d: %s is 0x%" PRIx64 ", not 0x%" PRIx64 "\n", (u)->name, \
                   __FILE__, __LINE__, #got, got_, want_);                                \
        }                                                                                 \
    } while (0)

static inline int unit_run(const struct unit_case *cases, size_t n)
{
    int failed = 0;

    for (size_t i = 0; i < n; i++) {
        struct unit u = {.name = cases[i].name};

        cases[i].run(&u);
        if (u.failed) {
            failed = 1;
        } else {
            printf("ok %s\n", u.name);
        }
        fflush(stdout);
    }
    return failed;
}

#endif
