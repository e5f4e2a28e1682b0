/* SPDX-License-Identifier: MIT */
/*
 * tcg: a typed linear IR, its passes, and backends that make host code of it. A library: it knows
 * no guest and no device. The target hands in its globals and helpers, softmmu and accel the
 * shape of the state that generated code reads.
 *
 * Life of a translation: ir_begin, the target calls ir_* to build, tcg_compile writes code into a
 * region and describes its exits. Code runs through tcg_exec. All tables of struct tcg are
 * constant after tcg_new; a struct tcg_context belongs to one thread; regions belong to one
 * thread.
 *
 * Registers: every global has one home for the whole program: a pinned host register, or its
 * place in env. At every insn_start all integer globals are in their homes. Temporaries live
 * within one guest instruction (between two insn_starts), labels too; a forward branch inside one
 * instruction keeps temporaries that were defined before it.
 */
#ifndef TCG_TCG_H
#define TCG_TCG_H

#include "hw/host/err.h"
#include "hw/host/memory.h"
#include "hw/host/tick-clock.h"
#include <stdio.h>

enum ir_type { IR_I32, IR_I64, IR_F32, IR_F64 };

enum ir_op {
#define OP(name, operands, flags) IR_##name,
#include "tcg/ops.def"
#undef OP
    IR_OP_COUNT,
};

enum ir_cond { COND_EQ, COND_NE, COND_LT, COND_GE, COND_LTU, COND_GEU, COND_NEVER, COND_ALWAYS };

/* log2 of the size, and how a load extends to 64 bits. */
enum memop {
    MO_8 = 0,
    MO_16 = 1,
    MO_32 = 2,
    MO_64 = 3,
    MO_SIZE = 3,
    MO_SIGN = 4,
    MO_ALIGNED = 8, /* a misaligned access is a fault even inside a page (AMO, LR, SC) */
};

/* Rounding mode of a floating-point op: as RISC-V encodes it; dynamic is what the guest has set. */
enum ir_rounding {
    IR_RM_RNE = 0,
    IR_RM_RTZ = 1,
    IR_RM_RDN = 2,
    IR_RM_RUP = 3,
    IR_RM_RMM = 4,
    IR_RM_DYNAMIC = 7
};

/* What a fence orders, as RISC-V's pred and succ. Only STORE before LOAD costs anything on x86. */
enum ir_fence {
    FENCE_PRED_R = 1,
    FENCE_PRED_W = 2,
    FENCE_SUCC_R = 4,
    FENCE_SUCC_W = 8,
    FENCE_FULL = 15
};

/*
 * Operands: 0 none; 1..nglobals globals (index + 1); from IR_TEMP0 temporaries; from IR_CONST0
 * indexes of the constant pool (any 64-bit value, see ir_const). Integer and float temporaries
 * have different types.
 */
typedef uint16_t ir_arg;
#define IR_NONE    ((ir_arg)0)
#define IR_GLOBAL0 ((ir_arg)1)
#define IR_TEMP0   ((ir_arg)256)
#define IR_CONST0  ((ir_arg)0x8000)

struct ir_insn {
    uint8_t op;   /* enum ir_op */
    uint8_t type; /* enum ir_type */
    ir_arg d, a, b, c;
    uint16_t aux;
    int32_t imm;
};
_Static_assert(sizeof(struct ir_insn) == 16, "IR records are 16 bytes");

/* A guest register that generated code may keep at home in a host register. */
struct tcg_global {
    const char *name;
    enum ir_type type; /* IR_I64 or IR_F64 */
    int32_t offset;    /* of its memory home in env */
    uint8_t pin_order; /* 1 = first to get a host register, 0 = never */
};

enum tcg_helper_flags {
    /* Never unwinds: the guest pc need not be known. */
    HELPER_NO_FAULT = 1,
    /* Touches no global: pinned registers need not be written back around it. */
    HELPER_NO_GLOBALS = 2,
};

struct tcg_helper {
    const char *name;
    void *fn; /* uint64_t fn(void *env, uint64_t a, ..., int64_t imm): nargs of a, b, c, then imm */
    uint8_t nargs; /* 0..3 */
    uint8_t flags;
};

/* Where generated code finds things: offsets from env. Widths in comments. */
struct tcg_layout {
    int32_t env_bias; /* the base register is env + this, so that hot offsets fit one byte */
    int32_t poll;     /* u32: non-zero = leave at the next poll */
    /* u32: a helper or slow path set it, and pc: goes on there, not in the TB. Cleared then. */
    int32_t unwind;
    int32_t pc;      /* u64 */
    int32_t pc_page; /* u64: guest address of the page that the running TB lies in */
    int32_t host_ra; /* u64: return address of the helper call or slow path in progress, or 0 */
    int32_t host_sp; /* u64: the backend's own */
    /*
     * u32: the guest's floating-point control word (hw/host/fpu.h) while no generated code runs. 0:
     * there is none, all floating point goes through tcg_config's fp.
     */
    int32_t fpu_control;
    int32_t tlb;      /* ptr: table of the current data regime */
    int32_t tlb_mask; /* u64, below 2^32: of an entry's offset in the table */
    int32_t jc;       /* ptr: jump cache */
    int32_t jc_key;   /* u64 */
    /*
     * TLB entry: 1 << tlb_entry_bits bytes, at (va >> (12 - tlb_entry_bits)) & mask. A tag is the
     * page's address or has low bits.
     */
    uint8_t tlb_entry_bits;
    int32_t tlb_tag_read, tlb_tag_write; /* u64 */
    int32_t tlb_addend;                  /* u64: host = va + addend */
    /*
     * Jump cache entry: 32 bytes { u64 va; u64 key; void *code; }; index = ((va >> 1) ^ (va >>
     * 12)) & (entries - 1), and then the entry beside that (index ^ 1). No TB lies at an odd
     * address, so -1 marks an empty entry.
     */
    uint8_t jc_index_bits;
};

/* Everything that can be switched off for differential tests. */
struct tcg_options {
    bool interp;
    bool pin_off;
    bool chain_off;
    bool loop_pages_off; /* every access looks into the TLB, in loops too */
    bool fpu_helper;     /* all floating point goes through tcg_config's fp */
    bool fences_off;     /* nobody pairs with the fences of generated code: one hart, see accel */
    bool smp;            /* more than one hart: AMOs need lock prefixes */
    bool count_calls;    /* helpers count their calls: see tcg_helper_calls */
    uint32_t host_features; /* mask of HOST_* (hw/host/cpu-features.h) that may be used */
};

struct tcg_config {
    struct tcg_options options;
    struct tcg_layout layout;
    const struct tcg_global *globals;
    unsigned nglobals; /* <= 200 */
    const struct tcg_helper *helpers;
    unsigned nhelpers;
    /*
     * Slow paths (softmmu). They do the access completely, or raise the guest exception and set
     * env's unwind word. A caller sees host_ra set. MEMOP as in the IR; floats are moved as
     * integers. Loads return the value extended as MEMOP says.
     */
    uint64_t (*load)(void *env, uint64_t va, unsigned memop);
    void (*store)(void *env, uint64_t va, uint64_t value, unsigned memop);
    /* OP is the IR op (IR_amo_*); EXPECTED only for amo_sc. Returns d. */
    uint64_t (*amo)(void *env, uint64_t va, uint64_t value, uint64_t expected, unsigned memop,
                    unsigned op);
    /*
     * What the IR op OP (IR_fadd to IR_fclass) means: for the interpreter and for all that is not
     * inline. TYPE is F32 or F64, RM an enum ir_rounding; operands and results are raw register
     * contents. Flags accumulate in env. Never unwinds.
     */
    uint64_t (*fp)(void *env, unsigned op, unsigned type, unsigned rm, const uint64_t args[3]);
    struct tick_clock *clock; /* what IR_time reads */
    /*
     * The poll word is set, and env->pc is what comes next. True: that was seen to (env->pc may have
     * changed), generated code goes on at env->pc. False: it leaves. Backends may leave without asking.
     */
    bool (*poll)(void *env);
};

/* VALUE as a load with MEMOP would extend it. */
uint64_t ir_extend(uint64_t value, unsigned memop);
/* What AMO op OP writes; MEMOP gives the width. Of amo_sc: if it writes. */
uint64_t ir_eval_amo(enum ir_op op, unsigned memop, uint64_t old, uint64_t operand);

struct tcg;
struct tcg_context;

/*
 * Makes thunks at the start of REGION's memory. NULL with ERR. C's tables must outlive it; C
 * itself is copied.
 */
struct code_region {
    uint8_t *rw, *rx; /* same bytes, written through rw, run and addressed through rx */
    size_t size, used;
};
struct tcg *tcg_new(const struct tcg_config *c, struct code_region *region, struct err *err);
void tcg_free(struct tcg *t);
/* All regions must lie in one reservation of at most 1 GiB, so that 32-bit displacements reach. */

/* The code that all TBs share, piece by piece: for perf. */
void tcg_each_thunk(const struct tcg *t,
                    void (*fn)(void *opaque, const uint8_t *rx, size_t size, const char *name),
                    void *opaque);
/* How often helper N was called, by any thread (a few may get lost); 0 without count_calls. */
uint64_t tcg_helper_calls(const struct tcg *t, unsigned n);
/* "fadd" for IR_fadd. */
const char *tcg_op_name(enum ir_op op);

struct tcg_context *tcg_context_new(struct tcg *t);
void tcg_context_free(struct tcg_context *ctx);

/* ---- building ------------------------------------------------------------------------------ */

void ir_begin(struct tcg_context *ctx);
ir_arg ir_temp(struct tcg_context *ctx, enum ir_type type);
ir_arg ir_const(struct tcg_context *ctx, uint64_t value);
static inline ir_arg ir_global(unsigned index)
{
    return (ir_arg)(IR_GLOBAL0 + index);
}
/* True with *value set if ARG is a constant. */
bool ir_arg_const(const struct tcg_context *ctx, ir_arg arg, uint64_t *value);
/* True with *pc_off set if ARG is known to be pc_page + *pc_off. */
bool ir_arg_pc_off(const struct tcg_context *ctx, ir_arg arg, int32_t *pc_off);
/*
 * Appends a record and returns it (valid until the next append). A full buffer is reported by
 * ir_full, never overrun.
 */
struct ir_insn *ir_emit(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d,
                        ir_arg a, ir_arg b);
/*
 * True when the buffer has no room for another guest instruction's worth of records (256) or
 * temporaries.
 */
bool ir_full(const struct tcg_context *ctx);

/*
 * The convenience layer of the translator: one function per shape. They fold constants (add of
 * two constants becomes a mov, and with 0 a mov of 0, ...), so that the target need not.
 */
void ir_insn_start(struct tcg_context *ctx, int32_t pc_off);
void ir_mov(struct tcg_context *ctx, ir_arg d, ir_arg a);
void ir_pc_add(struct tcg_context *ctx, ir_arg d, int32_t pc_off);
void ir_op1(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d, ir_arg a);
void ir_op2(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d, ir_arg a,
            ir_arg b);
void ir_addshl(struct tcg_context *ctx, ir_arg d, ir_arg a, ir_arg b, unsigned shift);
void ir_setcond(struct tcg_context *ctx, enum ir_cond cond, ir_arg d, ir_arg a, ir_arg b);
void ir_movcond(struct tcg_context *ctx, enum ir_cond cond, ir_arg d, ir_arg a, ir_arg b, ir_arg c,
                ir_arg e);
int ir_new_label(struct tcg_context *ctx);
void ir_label(struct tcg_context *ctx, int label);
void ir_br(struct tcg_context *ctx, int label);
void ir_brcond(struct tcg_context *ctx, enum ir_cond cond, ir_arg a, ir_arg b, int label);
void ir_brcond_exit(struct tcg_context *ctx, enum ir_cond cond, ir_arg a, ir_arg b, int32_t pc_off);
void ir_goto_tb(struct tcg_context *ctx, int32_t pc_off);
void ir_goto_page(struct tcg_context *ctx, int32_t pc_off);
void ir_goto_ptr(struct tcg_context *ctx, ir_arg a);
void ir_goto_env_pc(struct tcg_context *ctx);
void ir_exit_loop(struct tcg_context *ctx, int32_t pc_off);
void ir_ld(struct tcg_context *ctx, enum ir_type type, ir_arg d, ir_arg addr, int32_t off,
           unsigned memop);
void ir_st(struct tcg_context *ctx, enum ir_type type, ir_arg value, ir_arg addr, int32_t off,
           unsigned memop);
void ir_amo(struct tcg_context *ctx, enum ir_op op, ir_arg d, ir_arg addr, ir_arg value,
            unsigned memop);
void ir_sc(struct tcg_context *ctx, ir_arg d, ir_arg addr, ir_arg expected, ir_arg value,
           unsigned memop);
void ir_env_ld(struct tcg_context *ctx, ir_arg d, int32_t offset, unsigned memop);
void ir_env_st(struct tcg_context *ctx, ir_arg value, int32_t offset, unsigned memop);
void ir_fence(struct tcg_context *ctx, unsigned mask);
/*
 * A floating-point op (IR_fadd to IR_fclass) with as many of A, B, C as it has. Float operands and
 * results are globals, nothing is folded.
 */
void ir_fp(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d,
           const ir_arg args[3], enum ir_rounding rm);
void ir_call(struct tcg_context *ctx, unsigned helper, ir_arg d, ir_arg a, ir_arg b, ir_arg c,
             int32_t imm);

/* ---- compiling ----------------------------------------------------------------------------- */

/* One exit of a compiled TB that can be chained. */
struct tcg_site {
    uint32_t patch; /* backend's: where the jump is, from the TB's start */
    uint32_t stub;  /* backend's: where it points unchained */
    int32_t pc_off; /* guest target, from pc_page */
    bool polls;     /* must enter its target by the polling entry */
};

struct tcg_code {
    uint8_t *rx;    /* start; the polling entry */
    uint32_t size;  /* bytes in the region, all parts */
    uint32_t entry; /* offset of the non-polling entry */
    uint32_t pcmap; /* offset of the host-to-guest map */
    unsigned nsites;
    struct tcg_site sites[160];
};

/*
 * Runs the passes, writes code at region->used (aligned), advances it, fills OUT. TB is a cookie
 * that exits report; HEAD_OFF is the TB's first guest pc offset (an exit to it becomes a loop to
 * its own polling entry). -ENOSPC: the region is full (nothing changed). Logs LOG_OP, LOG_OP_OPT,
 * LOG_OUT_ASM when on.
 */
int tcg_compile(struct tcg_context *ctx, struct code_region *region, void *tb, int32_t head_off,
                struct tcg_code *out);

/*
 * Chains site SITE of the code at RX to TARGET (an rx entry), or back to its stub with NULL. One
 * atomic store; other threads may be running the code. Callers serialise per site.
 */
void tcg_site_set(struct tcg *t, uint8_t *rx, const struct tcg_site *site, uint8_t *target);

/* Guest pc offset of the instruction whose code holds HOST_RA - 1. RX, PCMAP of its TB. */
int32_t tcg_pc_lookup(const struct tcg *t, const uint8_t *rx, uint32_t pcmap, uint64_t host_ra);

/* ---- running ------------------------------------------------------------------------------- */

enum tcg_exit_kind {
    TCG_EXIT_CHAIN,  /* an exit that is not chained: tb and site say which; env->pc is set */
    TCG_EXIT_LOOKUP, /* jump-cache miss, also after an unwind; env->pc is set */
    TCG_EXIT_POLL,   /* the poll word is set; env->pc is the TB to go on with */
    TCG_EXIT_LOOP,   /* exit_loop; env->pc is set */
};

struct tcg_exit {
    enum tcg_exit_kind kind;
    unsigned site;
    void *tb;
};

/* Runs code at CODE (an entry; env->pc_page is set) until it leaves. vCPU thread. */
struct tcg_exit tcg_exec(struct tcg *t, void *env, const uint8_t *code);

#endif
