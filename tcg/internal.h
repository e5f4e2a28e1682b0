/* SPDX-License-Identifier: MIT */
/*
 * Inside tcg/: the context's buffers, what the passes leave for backends, the backend's table of
 * functions, and the map from host addresses to guest pcs. Nothing here leaves the folder
 * (tests/tcg may look).
 */
#ifndef TCG_INTERNAL_H
#define TCG_INTERNAL_H

#include "hw/host/bits.h"
#include "tcg/tcg.h"

#define IR_MAX_INSNS  2048
#define IR_MAX_CONSTS 2048
#define IR_MAX_LABELS 512
/* In one guest instruction: their numbers start again at each insn_start. */
#define IR_MAX_TEMPS   64
#define IR_MAX_GLOBALS 200
#define IR_MAX_SITES   ARRAY_SIZE(((struct tcg_code *)0)->sites)
/* What one guest instruction may need at most; ir_full keeps this much free. */
#define IR_INSN_ROOM  256
#define IR_INSN_SITES 8

/*
 * Bits of ir_insn.type that the optimiser sets for backends: this use of the temporary is its
 * last.
 */
#define IR_TYPE_MASK 7
#define IR_DIES_A    0x10
#define IR_DIES_B    0x20
#define IR_DIES_C    0x40
#define IR_DIES_E    0x80

enum ir_op_flag {
    OPF_TYPED = 1,    /* T */
    OPF_SIDE = 2,     /* S */
    OPF_FAULT = 4,    /* F */
    OPF_ENDS = 8,     /* E */
    OPF_GLOBALS = 16, /* G */
    OPF_AUX_ARG = 32, /* e */
    OPF_D = 64,
    OPF_A = 128,
    OPF_B = 256,
    OPF_C = 512,
};

struct ir_op_info {
    const char *name;
    uint16_t flags; /* OPF_* */
};
extern const struct ir_op_info ir_op_info[IR_OP_COUNT];

static inline enum ir_type ir_type_of(const struct ir_insn *i)
{
    return (enum ir_type)(i->type & IR_TYPE_MASK);
}

static inline bool ir_is_temp(ir_arg a)
{
    return a >= IR_TEMP0 && a < IR_CONST0;
}

static inline bool ir_is_global(ir_arg a)
{
    return a >= IR_GLOBAL0 && a < IR_TEMP0;
}

static inline bool ir_is_const(ir_arg a)
{
    return a >= IR_CONST0;
}

/* Ops that struct tcg_config's fp knows. */
static inline bool ir_is_fp(unsigned op)
{
    return op >= IR_fadd && op <= IR_fclass;
}

/* What the builder knows about a global or temporary at the end of what was emitted. */
enum ir_known_kind { KNOWN_CONST, KNOWN_PC, KNOWN_COPY };

struct ir_known {
    uint32_t generation; /* valid when equal to the context's */
    uint8_t kind;
    ir_arg source;    /* KNOWN_COPY of this global, if its version is still ... */
    uint32_t version; /* ... this one */
    uint64_t value;   /* KNOWN_CONST; KNOWN_PC: pc_page + value */
};

/* Host-to-guest map under construction: (end offset, pc_off), ends ascending. */
struct pcmap_entry {
    uint32_t end;
    int32_t pc_off;
};

struct tcg_context {
    struct tcg *t;
    unsigned ninsns, nconsts, ntemps, nlabels, nsites;
    bool plain;       /* tests: fold nothing, drop nothing: what the rest is compared with */
    bool unreachable; /* what is emitted now can never run: it is dropped */
    int32_t pc_off;   /* of the current instruction */
    uint32_t generation;
    struct ir_insn *opt; /* the optimised records, nopt of them (inside insns[]) */
    unsigned nopt;
    unsigned npcmap;
    struct ir_insn dummy; /* where records go that must not be kept */
    struct ir_insn insns[IR_MAX_INSNS];
    uint64_t consts[IR_MAX_CONSTS];
    uint16_t label_refs[IR_MAX_LABELS];
    struct ir_known known[IR_TEMP0 + IR_MAX_TEMPS]; /* by ir_arg */
    uint32_t version[IR_TEMP0];                     /* of each global, by ir_arg: its writes */
    struct pcmap_entry pcmap[IR_MAX_INSNS];
    void *backend; /* per-context state of the backend */
};

struct tcg_backend {
    const char *name;
    /* Fills t->backend_data and writes thunks into REGION. -errno with ERR. */
    int (*init)(struct tcg *t, struct code_region *region, struct err *err);
    void (*fini)(struct tcg *t);
    size_t context_size;
    /* See tcg_compile. */
    int (*compile)(struct tcg_context *ctx, struct code_region *region, void *tb, int32_t head_off,
                   struct tcg_code *out);
    void (*site_set)(struct tcg *t, uint8_t *rx, const struct tcg_site *site, uint8_t *target);
    struct tcg_exit (*exec)(struct tcg *t, void *env, const uint8_t *code);
    /* See tcg_each_thunk. NULL: no code of its own. */
    void (*each_thunk)(const struct tcg *t,
                       void (*fn)(void *opaque, const uint8_t *rx, size_t size, const char *name),
                       void *opaque);
    /* Prints OUT's code, for -d out_asm. */
    void (*disas)(const struct tcg_context *ctx, const uint8_t *code, const struct tcg_code *out,
                  FILE *f);
};
extern const struct tcg_backend tcg_interp_backend;
extern const struct tcg_backend tcg_x86_64_backend;

struct tcg {
    struct tcg_config config;
    const struct tcg_backend *backend;
    ptrdiff_t rx_minus_rw;
    void *backend_data;
    uint64_t *helper_calls; /* by helper; NULL: not counted */
};

/* ---- ir.c, eval.c, dump.c, opt.c ----------------------------------------------------------- */

static inline uint64_t ir_const_value(const struct tcg_context *ctx, ir_arg a)
{
    return ctx->consts[a - IR_CONST0];
}

/* a COND b at TYPE. */
bool ir_eval_cond(enum ir_cond cond, enum ir_type type, uint64_t a, uint64_t b);
/*
 * The value of a pure integer op (moves, arithmetic, setcond) for operand values A and B; movcond
 * is not one of them. Returns false, with *out unset, for every other op.
 */
bool ir_eval(const struct ir_insn *i, uint64_t a, uint64_t b, uint64_t *out);

void ir_dump(const struct tcg_context *ctx, const struct ir_insn *insns, unsigned n, FILE *out);
/* insns[0..ninsns) to opt[0..nopt): dead definitions gone, last uses marked. */
void ir_optimise(struct tcg_context *ctx);

/* ---- pcmap.c ------------------------------------------------------------------------------- */

/*
 * A fault of the instruction at PC_OFF may be reported with a return address at or below END
 * (offset from the TB's start).
 */
void pcmap_add(struct tcg_context *ctx, uint32_t end, int32_t pc_off);
/* Writes the map at P (at most END) and returns behind it; NULL: no room. */
uint8_t *pcmap_write(const struct tcg_context *ctx, uint8_t *p, const uint8_t *end);

#endif
