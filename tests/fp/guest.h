/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the floating-point guest share: operands come in blocks of triples, a kernel runs one instruction over a
 * block. The parameters are written to PARAMS_AT by whoever starts the emulator (run.py, struct.pack).
 */
#ifndef TESTS_FP_GUEST_H
#define TESTS_FP_GUEST_H

#include "tests/insn/rt.h"

#define PARAMS_AT 0x84000000UL
#define BLOCK     512u /* triples */
#define NO_FAULT  UINT32_MAX
#define ALL_ROWS  UINT32_MAX

/* Operands: number and format. Of S, D and I an instruction reads 1, 2 or 3; the rest of a triple is 0. */
enum kind { S1, S2, S3, D1, D2, D3, I1, NKINDS };

enum mode { MODE_DIGEST, MODE_LIST };
enum space { SPACE_HARD, SPACE_RANDOM };

struct params {
    uint64_t seed;
    uint64_t first, nblocks; /* of hard blocks there are only as many as there are */
    uint32_t mode, space;
    uint32_t row;   /* or ALL_ROWS */
    uint32_t fault; /* an index of faults[], or NO_FAULT: its row runs it instead */
};

struct triple {
    uint64_t v[3];
};

struct result {
    uint64_t value, flags;
};

/* Runs its instruction on n triples; the fflags of each alone. */
typedef void kernel_fn(const struct triple *in, struct result *out, uint64_t n);

#define ROUNDING_NONE 8 /* above the modes of frm */

struct row {
    const char *name, *rounding;
    kernel_fn *kernel;
    enum kind kind;
    unsigned frm;                /* for dynamic rounding; else ROUNDING_NONE */
    unsigned variant, nvariants; /* of this instruction's rows */
};

struct fault {
    const char *id, *row;
    kernel_fn *kernel;
};

extern const struct row rows[];
extern const unsigned nrows;
extern const struct fault faults[];
extern const unsigned nfaults;

/* Before any block. */
void operands_init(void);
uint64_t hard_blocks(enum kind kind);
/* Fills BLOCK triples at most, returns how many. */
unsigned hard_block(enum kind kind, uint64_t block, struct triple *t);
unsigned random_block(enum kind kind, uint64_t seed, uint64_t block, struct triple *t);

#endif
