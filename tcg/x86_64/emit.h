/* SPDX-License-Identifier: MIT */
/*
 * Inside the x86-64 backend: register plan, per-TB emission state, and what its files give each
 * other.
 *
 * rbp = env + env_bias. rax, rcx, rdx are scratch: between records each may hold a temporary or a
 * copy of a global that lives in memory (content[]); writes to such globals go through to memory
 * at once. rsp points at the frame: 16 bytes of cells, then a slot for each temporary. The other
 * 11 registers are homes of globals for the whole program.
 */
#ifndef TCG_X86_64_EMIT_H
#define TCG_X86_64_EMIT_H

#include "tcg/internal.h"
#include "tcg/x86_64/sse.h"

enum { MAX_LOOP_PAGES = 6 };
enum { FIRST_XMM = 2 }; /* xmm0 and xmm1 are scratch, the others hold f registers */
enum {
    FRAME_CELL0 = 0,  /* a helper's fifth argument, an AMO's description */
    FRAME_CELL1 = 8,  /* constants that an instruction wants in memory */
    FRAME_PAGES = 16, /* of a loop: page and host addend, see pages.c */
    FRAME_SLOTS = FRAME_PAGES + 16 * MAX_LOOP_PAGES,
    FRAME_XMM = FRAME_SLOTS + 8 * IR_MAX_TEMPS,     /* cached xmm registers, in slow paths */
    FRAME_MXCSR = FRAME_XMM + 8 * (16 - FIRST_XMM), /* the host's */
    FRAME_SIZE =
        FRAME_MXCSR + 8, /* rsp is 16-byte aligned in TBs: 6 pushes + return address + this */
};
_Static_assert((FRAME_SIZE + 7 * 8) % 16 == 0, "calls from TBs keep the stack aligned");

enum { MAX_PINNED = 11, MAX_COLD = IR_MAX_INSNS, NO_PIN = 0xff };
/*
 * Before a TB's start, by distance from it: the cookie, the guest pc offset of its head, and `call
 * exit_poll`, which finds both by its return address.
 */
enum { TB_HEADER = 17, TB_HEAD_OFF = 9, TB_POLL = 5 };
/* Bytes that one record or one cold part may take at most. */
enum { ROOM = 256 };

/*
 * C functions that stand in for instructions which the host lacks; called through thunks: rax =
 * f(rax, rdx).
 */
enum soft_op { SOFT_CPOP, SOFT_CLMUL, SOFT_CLMULH, SOFT_CLMULR, SOFT_COUNT };

/* Rows of the table in thunks.c. */
enum { THUNK_GROUPS = 17 };

struct x86 {
    uint32_t features;
    int32_t bias;
    unsigned npinned;
    uint8_t pinned[MAX_PINNED];      /* host registers in use ... */
    int32_t pinned_disp[MAX_PINNED]; /* ... and their memory homes, from rbp */
    uint8_t pin_of[IR_TEMP0];        /* by ir_arg: host register, or NO_PIN */
    int32_t disp_of[IR_TEMP0];       /* by ir_arg: memory home from rbp */
    /* thunks, by writable address */
    uint8_t *enter, *exit_chain, *exit_poll, *exit_lookup, *exit_loop, *exit_unwind;
    uint8_t *probe;        /* goes to the guest address in rax through the jump cache */
    uint8_t *probe_second; /* the guest address in rax is not in the jump-cache entry at rcx */
    /* by memop, | SLOW_XMM where xmm registers must survive */
    uint8_t *load[32], *store[32], *amo;
    uint8_t *probe_load[32], *probe_store[32];
    uint8_t *page[3][MAX_LOOP_PAGES]; /* by what it must allow (read, write, both) - 1 */
    uint8_t *fp;                      /* a floating-point op outside: see fp.c */
    const uint8_t *constants;         /* struct fp_constants */
    uint8_t *soft[SOFT_COUNT];
    uint8_t *clock; /* rax = the config's clock; rcx and rdx are overwritten, no xmm register is */
    uint8_t **helper;
    uint8_t *group[THUNK_GROUPS + 1]; /* where the rows of thunks.c begin, and the last one ends */
};

enum { SLOW_XMM = 16 };

/* Operands of floating-point code that lie in memory. Masks are 16 bytes for 16-byte alignment. */
struct fp_constants {
    uint64_t sign[2][2], magnitude[2][2];                                /* masks of F32, F64 */
    uint64_t unsigned32, positive63, signed32_doubled, signed64_doubled; /* see fp-convert.c */
    uint64_t class_limits[5];                                            /* fclass of F64 */
    uint16_t classes[12];
    uint32_t nan32;
    uint64_t nan64;
};

enum opd_kind { OPD_REG, OPD_MEM, OPD_IMM };

struct opd {
    uint8_t kind;
    uint8_t reg; /* or base */
    int32_t disp;
    uint64_t imm;
};

struct emit;
/* Code out of line, emitted behind the TB's body. */
struct cold {
    void (*emit)(struct emit *e, const struct cold *c);
    uint8_t *from; /* displacement that jumps here */
    uint8_t *back; /* where it goes on */
    int32_t pc_off;
    uint16_t op, memop;
    uint8_t *from2;   /* another one, or NULL */
    uint8_t va, dest; /* registers */
    int32_t disp;     /* from va to the guest address */
    bool wide;
    bool probes; /* look into the TLB first */
    bool has_page;
    uint8_t page;   /* of the loop */
    int32_t first;  /* from va to the first address that was checked */
    uint8_t *retry; /* the check */
    struct opd value, value2;
    const struct ir_insn *insn; /* floating point */
    uint8_t xmm[3];
};
enum { DEST_XMM = 16 }; /* cold.dest: an xmm register + this */

struct fixup {
    uint8_t *at;
    int label;
};

/* Accesses off one global that share a check; rcx holds the host addend, or 0. See mem.c. */
struct window {
    ir_arg base;
    int32_t first, last; /* displacements of the first and last byte */
    bool read, write;
    bool aligned; /* the bytes are naturally aligned, as one access */
};
/* A page that a loop remembers for accesses off one register that read, write or do both. */
struct loop_page {
    ir_arg base;
    int32_t first; /* displacement of the first check */
    bool read, write;
};
/* What content[] says of rcx while it serves a window: no global has this number. */
#define ARG_WINDOW ((ir_arg)(IR_TEMP0 - 1))

/* What a cached xmm register holds of its f register. */
enum xmm_kind {
    XMM_RAW,     /* all 64 bits */
    XMM_SINGLE,  /* in the low half: the F32 in it, which is NaN-boxed */
    XMM_UNBOXED, /* the F32 in it, or the canonical NaN if it is not NaN-boxed */
};

/* f registers in xmm registers: copies of memory, which is always right. */
struct xmm_cache {
    ir_arg content[16];
    uint8_t kind[16];
    uint32_t used[16]; /* when */
    uint32_t clock;
    uint16_t locked;               /* in use by the current record */
    uint16_t fixed;                /* each serves one f register of a loop: see xmm_plan_loop */
    uint64_t boxed[IR_TEMP0 / 64]; /* by ir_arg: high half in memory is all ones */
};

/* An f register that comes into a loop, and how it is read first. */
struct loop_register {
    ir_arg g;
    uint8_t type, xmm;
    bool late; /* memory is right only where it is looked at: see xmm.c */
};
enum { MAX_LOOP_REGISTERS = 16 - FIRST_XMM, MAX_LOOP_READS = 9 };

struct emit {
    struct x86_asm s;
    uint8_t *start, *limit;
    struct tcg_context *ctx;
    const struct x86 *x;
    const struct tcg_layout *lay;
    struct tcg_code *out;
    const struct ir_insn *insn; /* being emitted */
    int32_t pc_off, head_off;
    bool chain_off, smp, failed;
    bool vex, fpu_outside;
    uint8_t rounding; /* enum ir_rounding: whose mode MXCSR has */
    struct xmm_cache xmm;
    struct loop_register loop[MAX_LOOP_REGISTERS];
    unsigned nloop, nlate;
    const struct ir_insn *loop_end;    /* the branch to the head, if the loop has pages */
    uint64_t irregular[IR_TEMP0 / 64]; /* by ir_arg: the loop does not just add constants to it */
    struct loop_page page[MAX_LOOP_PAGES];
    unsigned npages;
    uint8_t *loop_start; /* where a branch to the TB's own head goes: polls */
    ir_arg content[3];   /* of rax, rcx, rdx */
    struct window window;
    uint8_t locked; /* mask of scratch registers that the current record reads */
    uint64_t in_slot[IR_MAX_TEMPS / 64];
    unsigned ncold, nfixups;
    struct pcmap_entry marks[IR_MAX_INSNS]; /* where guest instructions begin, for out_asm */
    unsigned nmarks;
    uint32_t cold_start; /* offset of what lies out of line */
    struct fixup fixups[IR_MAX_LABELS * 2];
    struct cold cold[MAX_COLD];
};

/*
 * What an emitter returns: the register that holds d, with RESULT_SEXT if only its low half
 * counts, or RESULT_DONE.
 */
enum { RESULT_DONE = -1, RESULT_XMM = -2 /* done, d is cached */, RESULT_SEXT = 0x100 };

struct x86_op {
    int (*emit)(struct emit *e, const struct ir_insn *i, const struct x86_op *row);
    uint32_t op;    /* opcode or number in a group */
    uint32_t op2;   /* of a fallback */
    uint32_t needs; /* HOST_* without which the fallback is used */
    bool commutes;
};
extern const struct x86_op x86_ops[IR_OP_COUNT];

static inline unsigned width_of(const struct ir_insn *i)
{
    return ir_type_of(i) == IR_I32 ? 0 : X_W;
}

static inline int result(const struct ir_insn *i, unsigned reg)
{
    return ir_type_of(i) == IR_I32 ? (int)reg | RESULT_SEXT : (int)reg;
}

static inline bool is_reg(const struct opd *o, unsigned reg)
{
    return o->kind == OPD_REG && o->reg == reg;
}

static inline int32_t env_disp(const struct emit *e, int32_t offset)
{
    return offset - e->x->bias;
}

/* ---- regs.c: operands and scratch registers ------------------------------------------------ */

/* Where ARG is now; a scratch register among it is locked until the record's end. */
struct opd opd_of(struct emit *e, ir_arg arg);
/* The same, but constants that no immediate of a W-wide op can hold are in a register. */
struct opd opd_imm32(struct emit *e, ir_arg arg, unsigned w);
/* In a register, loaded if need be. */
unsigned reg_of(struct emit *e, ir_arg arg);
/* A scratch register for this record, locked. */
unsigned scratch(struct emit *e);
/* The register for d: its home or a scratch. */
unsigned dst_reg(struct emit *e, ir_arg d);
/* d's home register, or NO_PIN. */
static inline unsigned pin_of(const struct emit *e, ir_arg d)
{
    return ir_is_global(d) ? e->x->pin_of[d] : NO_PIN;
}
/*
 * True if ARG sits in scratch register O and the record may overwrite it: ARG dies here, or is
 * only a copy.
 */
bool may_overwrite(const struct emit *e, ir_arg arg, const struct opd *o);
/* A register for d that already holds A, the place of ARG. */
unsigned dst_with(struct emit *e, const struct ir_insn *i, ir_arg arg, const struct opd *a);
/* A register for d, to be written from A by one instruction: it may be A's own. */
unsigned dst_from(struct emit *e, const struct ir_insn *i, ir_arg arg, const struct opd *a);
bool dies_here(const struct ir_insn *i, ir_arg arg);
/* Empties a scratch register (its value stays readable until it is written). */
void evict(struct emit *e, unsigned reg);
/* Empties all three, saving temporaries that live on. */
void evict_all(struct emit *e);
/* Saves every live temporary in its slot: before branches and labels. */
void sync_temps(struct emit *e);
void forget_content(struct emit *e, ir_arg arg);
void forget_all(struct emit *e);
void load_opd(struct emit *e, unsigned reg, const struct opd *o);
void load_opd_flags(struct emit *e, unsigned reg, const struct opd *o);
/* op reg, o (register or memory) */
void op_opd(struct emit *e, unsigned op, unsigned reg, const struct opd *o);
void vex_opd(struct emit *e, unsigned op, unsigned reg, unsigned vvvv, const struct opd *o);
/* alu reg, o (register, memory, imm32) */
void alu_opd(struct emit *e, unsigned alu, unsigned w, unsigned reg, const struct opd *o);
/* Moves ARGS into distinct scratch registers REGS at the same time; all others are evicted. */
void place_args(struct emit *e, const ir_arg *args, const uint8_t *regs, unsigned n);
/* Puts the result where d lives and releases operands that died. */
void finish_record(struct emit *e, const struct ir_insn *i, int result);

/* ---- xmm.c: f registers -------------------------------------------------------------------- */

/* G's value as a TYPE in an xmm register, locked until the record's end. */
unsigned xmm_of(struct emit *e, enum ir_type type, ir_arg g);
/* The xmm register with G's raw bits or (TYPE F32) at least their low half, or -1. */
int xmm_cached(const struct emit *e, enum ir_type type, ir_arg g);
/* A register for G's new value: the one with its old value, if any (operands may be in it). */
unsigned xmm_dest(struct emit *e, ir_arg g);
/* REG holds G's new value: writes it to memory too. */
void xmm_define(struct emit *e, enum ir_type type, ir_arg g, unsigned reg);
/* G changed in memory. */
void xmm_forget(struct emit *e, ir_arg g);
void xmm_forget_all(struct emit *e);
bool xmm_any(const struct emit *e);
/*
 * If the TB branches to its own head: chooses the f registers that it reads before it writes them,
 * and an xmm register for each, for the whole TB. xmm_enter_loop loads them (once, before the
 * loop), xmm_close_loop sees to it, before a branch to the head, that they are there.
 */
void xmm_plan_loop(struct emit *e);
void xmm_enter_loop(struct emit *e);
void xmm_close_loop(struct emit *e);
/* Writes late registers to memory, which is going to be looked at. */
void xmm_write_late(struct emit *e);
static inline bool is_float(const struct emit *e, ir_arg g)
{
    return ir_is_global(g) && e->ctx->t->config.globals[g - IR_GLOBAL0].type == IR_F64;
}
static inline const uint8_t *fp_constant(const struct emit *e, size_t offset)
{
    return e->x->constants + offset;
}

/* ---- fp.c ---------------------------------------------------------------------------------- */

/* The record done by struct tcg_config's fp. DEST: integer register, or xmm + DEST_XMM. */
int fp_outside(struct emit *e, const struct ir_insn *i);
/* Jumps there if CC, does the record outside, and goes on behind what is emitted last. */
struct cold *fp_cold(struct emit *e, const struct ir_insn *i, unsigned cc, unsigned dest);
/* t = a OP b; t may be any of them. */
void fp_op3(struct emit *e, unsigned op, unsigned t, unsigned a, unsigned b);
/* A NaN in T is replaced by the canonical one; then T is d's new value. */
int fp_finish(struct emit *e, const struct ir_insn *i, unsigned t);
/* Before each record: gives MXCSR its mode back if the record may leave the TB. */
void fp_before(struct emit *e, const struct ir_insn *i);
/* MXCSR rounds as RM says, which is not RMM. */
void fp_use_rounding(struct emit *e, unsigned rm);
/* The body of struct tcg_config's fp for generated code: operands by the data behind the call. */
uint64_t x86_fp_outside(void *env, const uint8_t *site, const struct tcg_config *c);

static inline unsigned sse_type(enum ir_type type)
{
    return type == IR_F32 ? SSE_SS : SSE_SD;
}

/* ---- other files --------------------------------------------------------------------------- */

struct cold *cold_new(struct emit *e, void (*emit)(struct emit *e, const struct cold *c),
                      uint8_t *from);
/* A TLB check of guest addresses [base + first] to [base + last]. */
struct mem_check {
    unsigned base, entry, temp; /* registers; entry ends as the TLB entry, temp is overwritten */
    int32_t first, last;
    uint32_t align_mask; /* address bits of the first byte that must be 0 */
    bool read, write;    /* tags to compare */
};
/* Jumps to FROM[0] and FROM[1] (or NULL) on a miss. */
void emit_check(struct emit *e, const struct mem_check *m, uint8_t *from[2]);
/* Empties the scratch registers, saving temporaries that live on; rcx may stay a window's. */
void evict_for_access(struct emit *e, bool keep_window);
/* True if the access I needs no check but that of the window in rcx. */
bool mem_in_window(const struct emit *e, const struct ir_insn *i);
/* Looks for accesses behind I that can share its check. True: some can, and W covers them all. */
bool mem_plan_window(const struct emit *e, const struct ir_insn *i, struct window *w);

/* ---- pages.c: pages that loops remember ---------------------------------------------------- */

/* Looks whether the TB is a loop that may remember pages, and what for. */
void pages_plan(struct emit *e);
/* In front of the loop: nothing is remembered yet. */
void pages_enter_loop(struct emit *e);
/* The page for the current record's access off BASE, or -1. */
int page_for(struct emit *e, ir_arg base, const struct mem_check *m);
/* Loads PAGE's addend into HOST (not m->base) if the addresses of M lie in it; returns the jump if not. */
uint8_t *page_check(struct emit *e, const struct mem_check *m, unsigned page, unsigned host);
/* In C's stub: looks into the TLB, and goes back to the check if it has the page. Overwrites rdx. */
void page_miss(struct emit *e, const struct cold *c);
uint8_t *page_thunk(struct x86_asm *s, const struct x86 *x, const struct tcg_layout *lay,
                    unsigned kind, unsigned page);

extern const uint32_t x86_load_ops[8], x86_store_ops[4]; /* by memop */
/* cmp a, b; returns the condition code for COND. */
unsigned emit_compare(struct emit *e, unsigned w, enum ir_cond cond, ir_arg a, ir_arg b);
unsigned cc_of(enum ir_cond cond, bool swapped);

typedef int emit_fn(struct emit *e, const struct ir_insn *i, const struct x86_op *row);
emit_fn emit_label, emit_br, emit_brcond, emit_brcond_exit, emit_goto_tb, emit_goto_page,
    emit_goto_ptr, emit_goto_env_pc, emit_exit_loop, emit_call, emit_fence;
emit_fn emit_fp_binary, emit_fsqrt, emit_fma, emit_fminmax, emit_fcompare, emit_fsgnj, emit_fclass,
    emit_fcvt_f, emit_from_int, emit_to_int, emit_fp_control;
emit_fn emit_ld, emit_st, emit_amo, emit_sc;
emit_fn emit_mov, emit_pc_add, emit_clock, emit_env_ld, emit_env_st, emit_i2f, emit_f2i, emit_alu,
    emit_not_alu, emit_shift, emit_rotate, emit_addshl, emit_mul, emit_mulh, emit_mulhsu, emit_div,
    emit_minmax, emit_unary, emit_bitcount, emit_bswap, emit_orcb, emit_clmul, emit_setcond,
    emit_movcond;

/* True if an exit to PC_OFF is a loop inside the TB. */
static inline bool is_own_head(const struct emit *e, int32_t pc_off)
{
    return pc_off == e->head_off && !e->chain_off;
}
/* Goes to the guest address in rax through the jump cache. Overwrites rcx and rdx. */
void x86_probe(struct x86_asm *s, const struct x86 *x, const struct tcg_layout *lay);
/* The body of probe_second. */
void x86_probe_second(struct x86_asm *s, const struct x86 *x, const struct tcg_layout *lay);
/* A guest instruction begins: no code, and not one of the ops below. */
void emit_insn_start(struct emit *e, const struct ir_insn *i);
/* Writes the header with the cookie TB, and the polling head. */
void emit_head(struct emit *e, void *tb);
/* thunks.c */
int x86_thunks(struct tcg *t, struct x86 *x, struct code_region *region, struct err *err);
/* See tcg_each_thunk. */
void x86_each_thunk(const struct tcg *t,
                    void (*fn)(void *opaque, const uint8_t *rx, size_t size, const char *name),
                    void *opaque);

#endif
