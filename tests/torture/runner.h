/* SPDX-License-Identifier: MIT
 *
 * Running programs: images, emulators, comparison, shrinking, reports. See runner.c for the flow.
 */
#ifndef TESTS_TORTURE_RUNNER_H
#define TESTS_TORTURE_RUNNER_H

#include <stdio.h>

#include "tests/torture/torture.h"

#define MAX_EMULATORS 48
#define MAX_ARGS      40

struct emulator {
    const char *name;
    char *args[MAX_ARGS]; /* the image's path goes behind the last */
    int nargs;
    bool is_faulty; /* runs images with an injected fault: a test of the runner itself */
};

struct options {
    uint64_t seed;
    uint64_t first; /* number of the first case */
    uint64_t count;
    uint64_t only[MAX_SLOTS]; /* cases to run, instead of first and count */
    unsigned nonly;
    bool shrink;
    bool verbose;
    unsigned shard, nshards;
    unsigned jobs;
    unsigned batch; /* cases per image */
    unsigned max_failures;
    unsigned rotate;  /* of emulators with properties, how many run a batch: in turn; 0: all */
    uint64_t skipped; /* bit of each emulator that is not this batch's turn */
    bool lines;       /* closes with a line per emulator */
    uint64_t kind_mask;
    const char *kinds;
    const char *emulator_list;
    const char *manyhart; /* paths of the programs */
    const char *qemu;
    const char *tmp;
    const char *keep; /* where the image of --case is kept, or NULL */
    struct emulator emulators[MAX_EMULATORS];
    int nemulators;
};

/* Fills o->emulators from o->emulator_list; 0, or -1 after saying why. */
int emulators_init(struct options *o);

struct output {
    char *text; /* malloced, zero-terminated */
    size_t len;
    int status; /* exit status, 128 + signal, or -1 for a time-out */
};

/* Runs an image; the output must be freed. */
void emulator_run(const struct emulator *e, const char *image, unsigned timeout_s,
                  struct output *out);
bool output_same(const struct output *a, const struct output *b);

/* An image with the given programs (each with its own slot) written to path; -1 with errno on failure. */
int image_write(const char *path, struct program *const *programs, unsigned n,
                enum batch_mode mode);
/* Makes the injected fault: every xor of the cases' code becomes an or. */
int image_inject_fault(const char *path, const char *to);

/* Runs programs alone on one emulator. */
void run_programs(const struct options *o, const struct emulator *e,
                  struct program *const *programs, unsigned n, enum batch_mode mode,
                  unsigned timeout_s, struct output *out);

/* Makes p as short as possible while emulators a and b differ on it. Returns the number of runs it took. */
unsigned shrink_program(const struct options *o, struct program *p, int a, int b);

/* Prints everything about a difference between emulators a and b on p. */
void report_failure(const struct options *o, struct program *p, int a, int b);

/* The whole run: 0 if all emulators agreed on all programs. */
int run_all(struct options *o);

#endif
