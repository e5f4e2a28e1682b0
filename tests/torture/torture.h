/* SPDX-License-Identifier: MIT
 *
 * The torture test's own interfaces: random numbers, instruction rows, programs (lists of instructions with
 * symbolic targets, so that the shrinker can delete any of them), the generator of each kind, images,
 * emulators, and the runner. One program is one case.
 */
#ifndef TESTS_TORTURE_TORTURE_H
#define TESTS_TORTURE_TORTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/torture/guest.h"

/* Random numbers: splitmix64, so any seed is good. */
struct rng {
    uint64_t s;
};
uint64_t rng_next(struct rng *r);
/* A number in [0, n). */
uint32_t rng_below(struct rng *r, uint32_t n);
/* True once in n. */
bool rng_one_in(struct rng *r, uint32_t n);
uint64_t rng_mix(uint64_t a, uint64_t b);

/* Instruction rows. */
enum insn_format {
    FMT_R,
    FMT_R1,
    FMT_I,
    FMT_SH6,
    FMT_SH5,
    FMT_U,
    FMT_B,
    FMT_LOAD,
    FMT_STORE,
    FMT_FLOAD,
    FMT_FSTORE,
    FMT_AMO,
    FMT_FR,
    FMT_FRM,
    FMT_FR4,
    FMT_F1RM,
    FMT_FCMP,
    FMT_FX1,
    FMT_FX1RM,
    FMT_XF1,
    FMT_XF1RM,
    FMT_CADDI4SPN,
    FMT_CI,
    FMT_CLUI,
    FMT_CSHIFT,
    FMT_CANDI,
    FMT_CA,
    FMT_CSLLI,
    FMT_CR,
    FMT_CLW,
    FMT_CLD,
    FMT_CLWSP,
    FMT_CLDSP,
    FMT_CSWSP,
    FMT_CSDSP
};

enum insn_set {
    SET_I,
    SET_M,
    SET_B,
    SET_BRANCH,
    SET_MEM,
    SET_FMEM,
    SET_AMOW,
    SET_AMOD,
    SET_F,
    SET_D,
    SET_C,
    SET_CMEM,
    NSETS
};

struct insn_row {
    const char *name;
    enum insn_format format;
    enum insn_set set;
    uint32_t match;
};

/* A random row of a set. */
const struct insn_row *insn_pick(struct rng *r, enum insn_set set);

/* Programs. */
#define MAX_ITEMS  1800
#define MAX_LABELS 256

enum fix {
    FIX_NONE,
    FIX_B,     /* conditional branch to label */
    FIX_J,     /* jal to label */
    FIX_CB,    /* c.beqz, c.bnez */
    FIX_CJ,    /* c.j */
    FIX_HI,    /* auipc of label; the next item completes it */
    FIX_LO,    /* I-format low part of the item before */
    FIX_ALIGN, /* padding up to 1 << word bytes */
};

struct item {
    uint32_t word;
    uint16_t label;
    uint16_t group; /* items of a group are deleted together; 0: cannot be deleted */
    uint8_t size;
    uint8_t fix;
    bool dead;
    uint32_t offset; /* from code_pa, set by program_write() */
};

struct kind;

struct program {
    const struct kind *kind;
    uint64_t id;   /* number of the case under the run's seed */
    uint64_t seed; /* of this case */
    unsigned slot;
    uint32_t start; /* offset of the first item in the code pages */
    int nitems;
    int nlabels;
    int npad_labels;
    struct item items[MAX_ITEMS];
    int labels[MAX_LABELS]; /* item that a label precedes */
    int pad_labels[MAX_PADS];
    struct case_header hdr;
};

/* Lays the program out and writes header and code to slot memory of GUEST_SLOT_SIZE bytes. Returns the size of
 * the code. */
uint32_t program_write(struct program *p, uint8_t *slot);

/* Generators. */
#define NUM_HOT 8

struct gen {
    struct rng rng;
    struct program *p;
    uint32_t reserved; /* registers that random code does not write */
    uint8_t hot[NUM_HOT];
    uint8_t base;    /* points to the middle of the data, never written */
    uint8_t ptr[3];  /* data pointers that only pointer moves write */
    uint8_t counter; /* loop counter */
    uint16_t group;
    bool pinned;        /* emitted items cannot be deleted */
    bool one_group;     /* emitted items share a group */
    uint64_t interrupt; /* the one that is enabled, as a bit of mie */
    bool delegate_all;  /* fetch faults may be delegated */
    bool bad_rm;        /* invalid rounding modes are welcome */
};

struct kind {
    const char *name;
    unsigned weight;
    void (*generate)(struct gen *g);
    const char *what;
};
extern const struct kind kinds[];
extern const unsigned num_kinds;

/* Fills p with the case `id` of a run with `seed`, choosing among the kinds of `kind_mask`. */
void generate_case(struct program *p, uint64_t seed, uint64_t id, uint64_t kind_mask);

/* Emission. */
struct item *emit(struct gen *g, uint32_t word);
void emit_to_label(struct gen *g, uint32_t word, enum fix fix, int label);
void emit_align(struct gen *g, unsigned log2);
int new_label(struct gen *g);
void place_label(struct gen *g, int label);
void begin_group(struct gen *g);
void end_group(struct gen *g);
void emit_li(struct gen *g, unsigned rd, uint64_t value);
void emit_la(struct gen *g, unsigned rd, int label);
void emit_csr(struct gen *g, unsigned op, unsigned rd, unsigned csr, unsigned rs1);
void emit_csrw(struct gen *g, unsigned csr, unsigned tmp, uint64_t value);
void add_pad(struct gen *g);
void add_poke(struct gen *g, uint64_t addr, uint64_t value);

uint32_t enc_r(uint32_t match, unsigned rd, unsigned rs1, unsigned rs2);
uint32_t enc_i(uint32_t match, unsigned rd, unsigned rs1, int imm);
uint32_t enc_s(uint32_t match, unsigned rs1, unsigned rs2, int imm);

/* Random parts. */
unsigned pick_rd(struct gen *g);
unsigned pick_rs(struct gen *g);
uint64_t pick_value(struct gen *g);
uint64_t pick_double(struct gen *g);
uint64_t pick_single(struct gen *g);
/* Takes a register out of random use; avoid: bit mask of registers not to take. */
unsigned reserve_reg(struct gen *g, uint32_t avoid);
void reserve_data_pointers(struct gen *g);
bool emit_row(struct gen *g, const struct insn_row *row);
void emit_random(struct gen *g, enum insn_set set);
/* A load, store or AMO of a random register where register P points. */
void emit_access_row(struct gen *g, const struct insn_row *row, unsigned p);
void emit_int(struct gen *g);
void emit_mem(struct gen *g);
void emit_ptr_move(struct gen *g);

/* Loads and stores use this offset range around a pointer. */
int pick_offset(struct gen *g);

#endif
