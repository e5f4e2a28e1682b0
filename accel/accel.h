/* SPDX-License-Identifier: MIT */
/*
 * Running harts: what the board and the monitor see of the engine. vCPU threads, pausing, safe
 * work. What the target sees is accel/vcpu.h.
 */
#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include "hw/core/machine.h"
#include <stdio.h>

struct accel;
struct vcpu;

enum accel_thread { ACCEL_THREAD_MULTI, ACCEL_THREAD_SINGLE };

/*
 * From -accel tcg,...; zeroed is the default. Each *_off switches one optimisation off for the
 * differential tests.
 */
struct accel_options {
    enum accel_thread thread;
    bool interp;         /* backend=interp */
    bool lrsc_exclusive; /* lrsc=exclusive: no fused LR/SC pairs */
    bool chain_off;      /* chain=off (also -d nochain) */
    bool loop_pages_off; /* loop-pages=off: loops remember no pages */
    bool superblock_off; /* superblock=off: end TBs at every branch */
    bool fpu_helper;     /* fpu=helper: floating point by its definition in C, not inline */
    bool pin_off;        /* pin=off: no guest register in a host register */
    uint32_t host_off;   /* host=-bmi2,...: host features not to use (tcg/tcg.h) */
    uint64_t code_size;  /* tb-size= in bytes, 0: default */
    bool perf_map;       /* -perfmap: names of translated code for perf */
    bool count_calls;    /* -d stats: count helper calls by name (generated code is slower) */
    unsigned nharts;
};

/*
 * Parses the part of -accel after "tcg" ("thread=single,backend=interp") into O. -EINVAL with ERR
 * naming the property.
 */
int accel_options_parse(struct accel_options *o, const char *props, struct err *err);

/* Allocates code memory and tables. NULL with ERR. Main thread. */
struct accel *accel_new(struct machine *m, const struct accel_options *o, struct err *err);
/* After accel_stop. Frees the engine, not the harts. */
void accel_free(struct accel *a);

/* Starts the vCPU threads; the harts begin at their reset state. */
int accel_start(struct accel *a, struct err *err);
/* Ends all vCPU threads and waits for them. Not from a vCPU thread; BQL not held. */
void accel_stop(struct accel *a);
/*
 * Stops every vCPU outside guest code and returns when all have stopped; accel_resume lets them
 * go on. For reset, monitor `stop`, dumps. I/O or main thread; BQL not held.
 */
void accel_pause(struct accel *a);
void accel_resume(struct accel *a);

/*
 * -d stats, `info jit`: one counter a line, the rows of accel/counters.def. Any thread; while vCPUs
 * run the values are a moment's.
 */
void accel_print_stats(struct accel *a, FILE *out);

#endif
