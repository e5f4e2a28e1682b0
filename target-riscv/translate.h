/* SPDX-License-Identifier: MIT */
/*
 * Inside the translator: the state of one translation and what the trans_ functions share. A
 * trans_ function emits one instruction's IR and returns true, or returns false, with nothing
 * emitted, for an encoding that is illegal here.
 */
#ifndef TARGET_RISCV_TRANSLATE_H
#define TARGET_RISCV_TRANSLATE_H

#include "target-riscv/hart.h"
#include "target-riscv/insn.h"

#define PAGE_SIZE_GUEST 4096
#define MAX_EXITS       12 /* conditional exits in a TB */

/* A translation in progress. Offsets are from the page's start. */
struct dis {
    struct tcg_context *ctx;
    struct tb_source *src;
    struct hart *hart;
    const struct decoder *decoder;
    const struct cpu_config *config;
    int32_t pc_off;     /* of the instruction that is being translated */
    int32_t next_off;   /* where translation goes on; trans_ functions may move it forward */
    int32_t limit_off;  /* of what may be read: the engine copied max_insns long instructions */
    int32_t sc_off;     /* the SC that the last LR was fused with, or -1 */
    unsigned lr_value;  /* the register that has what it read, or 0: the reservation has it */
    unsigned nexits;    /* conditional exits so far */
    unsigned nfollowed; /* jumps that were followed */
    unsigned align;     /* MO_ALIGNED if misaligned accesses are to fault */
    uint8_t priv;       /* KEY_PRIV of the mode key */
    uint8_t fs, frm;    /* KEY_FS and KEY_FRM of the mode key */
    bool fs_dirty;      /* mstatus.FS is dirty: nothing to record */
    bool done;          /* the TB has ended */
};

#define INSN(name, ext, format, picture, flags) \
    bool trans_##name(struct dis *d, const struct insn *i);
#include "target-riscv/insn32.def"
#undef INSN

/* An integer register to read; x0 is the constant 0. */
static inline ir_arg gpr(struct dis *d, unsigned n)
{
    return n == 0 ? ir_const(d->ctx, 0) : ir_global(n - 1);
}

/* An integer register to write; x0 is a temporary that nobody reads. */
static inline ir_arg gpr_dest(struct dis *d, unsigned n)
{
    return n == 0 ? ir_temp(d->ctx, IR_I64) : ir_global(n - 1);
}

/* An f register, to read or write: its 64 raw bits. */
static inline ir_arg fpr(unsigned n)
{
    return ir_global(31 + n);
}

static inline ir_arg imm_const(struct dis *d, int64_t value)
{
    return ir_const(d->ctx, (uint64_t)value);
}

/*
 * Decodes the instruction at OFF of the page; false if it is not wholly inside, or further away
 * than a TB may reach.
 */
bool dis_peek(const struct dis *d, int32_t off, struct insn *i);
/* Records for the statistics that I's row was translated. */
void dis_see_row(struct dis *d, const struct insn *i);
/*
 * True if N more instructions may follow the current one in this TB. (What is emitted between a
 * fused LR and its SC always has room: it is little.)
 */
bool dis_has_room(const struct dis *d, unsigned n);
/* Ends the TB with a jump to OFF, in this page or another. */
void gen_goto(struct dis *d, int32_t off);
/*
 * Ends the TB; what comes behind this instruction is found again in the jump cache, by a mode key
 * or an address space that may have changed, and is entered with a poll, so that an interrupt
 * that was enabled is taken now.
 */
void gen_look_again(struct dis *d);
/* Ends the TB; the main loop goes on behind this instruction: it may sleep, or drop TBs. */
void gen_exit_loop(struct dis *d);
/* Raises an exception at this instruction. Does not end the TB. */
void gen_raise(struct dis *d, enum cause cause, ir_arg tval);
/*
 * The current instruction changed F state: unless it is so already, mstatus.FS becomes dirty, the
 * mode key tells so, and the TB ends, so that only one instruction after a context switch pays.
 */
void gen_mark_fs(struct dis *d);

#endif
