/* SPDX-License-Identifier: MIT */
/*
 * Jumps and branches: where a superblock goes on and where it is left. A conditional branch
 * leaves the TB when it is taken and goes on when it is not; a backward one ends the TB, because
 * what follows a loop is rarely worth having twice.
 */
#include "target-riscv/translate.h"

#define MAX_FOLLOWED 4 /* jumps followed in a TB */

static bool in_page(int32_t off)
{
    return off >= 0 && off < PAGE_SIZE_GUEST;
}

/* Without C a jump to an address that is no multiple of 4 is an exception of the jump. */
static bool is_misaligned(const struct dis *d, int32_t off)
{
    return (off & 2) != 0 && !cpu_has(d->config, EXT_C);
}

static void gen_misaligned_target(struct dis *d, int32_t target)
{
    ir_arg va = ir_temp(d->ctx, IR_I64);

    ir_pc_add(d->ctx, va, target);
    gen_raise(d, CAUSE_FETCH_MISALIGNED, va);
}

/* Goes to TARGET: by translating on from there, where that is simple, else by ending the TB. */
static void gen_jump(struct dis *d, int32_t target)
{
    bool forward = target >= d->next_off && in_page(target);

    if (forward && d->src->superblock && d->nfollowed < MAX_FOLLOWED) {
        d->nfollowed++;
        d->next_off = target;
    } else {
        gen_goto(d, target);
    }
}

bool trans_jal(struct dis *d, const struct insn *i)
{
    int32_t target = d->pc_off + i->imm;

    if (is_misaligned(d, target)) {
        gen_misaligned_target(d, target);
        ir_goto_env_pc(d->ctx);
        d->done = true;
        return true;
    }
    if (i->rd != 0) {
        ir_pc_add(d->ctx, gpr_dest(d, i->rd), d->next_off);
    }
    gen_jump(d, target);
    return true;
}

/* TARGET is known only when the code runs. */
static void gen_check_target(struct dis *d, ir_arg target)
{
    ir_arg bit = ir_temp(d->ctx, IR_I64);
    int aligned;

    if (cpu_has(d->config, EXT_C)) {
        return;
    }
    aligned = ir_new_label(d->ctx);
    ir_op2(d->ctx, IR_and, IR_I64, bit, target, imm_const(d, 2));
    ir_brcond(d->ctx, COND_EQ, bit, imm_const(d, 0), aligned);
    gen_raise(d, CAUSE_FETCH_MISALIGNED, target);
    ir_label(d->ctx, aligned);
}

bool trans_jalr(struct dis *d, const struct insn *i)
{
    ir_arg sum = ir_temp(d->ctx, IR_I64), target = ir_temp(d->ctx, IR_I64);

    ir_op2(d->ctx, IR_add, IR_I64, sum, gpr(d, i->rs1), imm_const(d, i->imm));
    ir_op2(d->ctx, IR_and, IR_I64, target, sum, imm_const(d, -2));
    gen_check_target(d, target);
    if (i->rd != 0) {
        ir_pc_add(d->ctx, gpr_dest(d, i->rd), d->next_off);
    }
    ir_goto_ptr(d->ctx, target);
    d->done = true;
    return true;
}

/* ---- conditional ------------------------------------------------------------------------ */

/* Code that only runs when the branch is taken, jumped over when it is not. */
static void gen_taken(struct dis *d, const struct insn *i, enum ir_cond cond, int32_t target)
{
    int over = ir_new_label(d->ctx);

    ir_brcond(d->ctx, cond ^ 1, gpr(d, i->rs1), gpr(d, i->rs2), over);
    if (is_misaligned(d, target)) {
        gen_misaligned_target(d, target);
    } else {
        ir_goto_page(d->ctx, target);
    }
    ir_label(d->ctx, over);
}

static bool gen_branch(struct dis *d, const struct insn *i, enum ir_cond cond)
{
    int32_t target = d->pc_off + i->imm;

    if (i->rs1 == i->rs2 && !is_misaligned(d, target)) {
        gen_jump(d, cond == COND_EQ || cond == COND_GE || cond == COND_GEU ? target : d->next_off);
        return true;
    }
    if (in_page(target) && !is_misaligned(d, target)) {
        ir_brcond_exit(d->ctx, cond, gpr(d, i->rs1), gpr(d, i->rs2), target);
    } else {
        gen_taken(d, i, cond, target);
    }
    if (!d->src->superblock || i->imm < 0 || ++d->nexits >= MAX_EXITS) {
        gen_goto(d, d->next_off);
    }
    return true;
}

bool trans_beq(struct dis *d, const struct insn *i)
{
    return gen_branch(d, i, COND_EQ);
}

bool trans_bne(struct dis *d, const struct insn *i)
{
    return gen_branch(d, i, COND_NE);
}

bool trans_blt(struct dis *d, const struct insn *i)
{
    return gen_branch(d, i, COND_LT);
}

bool trans_bge(struct dis *d, const struct insn *i)
{
    return gen_branch(d, i, COND_GE);
}

bool trans_bltu(struct dis *d, const struct insn *i)
{
    return gen_branch(d, i, COND_LTU);
}

bool trans_bgeu(struct dis *d, const struct insn *i)
{
    return gen_branch(d, i, COND_GEU);
}
