/* SPDX-License-Identifier: MIT */
/*
 * Emitters of one-operand ops, bit counts, byte shuffles and carry-less products, with fallbacks
 * for hosts that lack them.
 */
#include "hw/host/cpu-features.h"
#include "tcg/x86_64/emit.h"

static struct opd in_reg_if_imm(struct emit *e, ir_arg arg)
{
    struct opd o = opd_of(e, arg);

    if (o.kind == OPD_IMM) {
        return (struct opd){.kind = OPD_REG, .reg = (uint8_t)reg_of(e, arg)};
    }
    return o;
}

/* d = row->op(a), by one instruction of the form op reg, rm. */
int emit_unary(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd a = in_reg_if_imm(e, i->a);
    unsigned r = dst_from(e, i, i->a, &a);

    op_opd(e, row->op, r, &a);
    return (int)r;
}

static int call_soft(struct emit *e, const struct ir_insn *i, enum soft_op op)
{
    static const uint8_t regs[2] = {RAX, RDX};
    ir_arg args[2] = {i->a, i->b};

    place_args(e, args, regs, i->b == IR_NONE ? 1 : 2);
    asm_call(&e->s, e->x->soft[op]);
    xmm_forget_all(e);
    return RAX;
}

/* bsr/bsf with the result for 0, and for clz the mirror. */
static int count_by_scan(struct emit *e, const struct ir_insn *i)
{
    unsigned w = width_of(i), bits = w ? 64 : 32, zero, r;
    struct opd a = in_reg_if_imm(e, i->a);

    zero = scratch(e);
    r = scratch(e);
    asm_mov_imm(&e->s, zero, i->op == IR_clz ? 2 * bits - 1 : bits);
    op_opd(e, (i->op == IR_clz ? OP_BSR : OP_BSF) | w, r, &a);
    asm_rr(&e->s, OP_CMOV | CC_E, r, zero);
    if (i->op == IR_clz) {
        asm_alu_ri(&e->s, ALU_XOR, 0, r, (int32_t)bits - 1);
    }
    return (int)r;
}

int emit_bitcount(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd a;
    unsigned r, w = width_of(i);

    if (!(e->x->features & row->needs)) {
        if (i->op != IR_cpop) {
            return count_by_scan(e, i);
        }
        if (w) {
            return call_soft(e, i, SOFT_CPOP);
        }
        a = opd_of(e, i->a);
        evict_all(e);
        if (a.kind == OPD_IMM) {
            asm_mov_imm(&e->s, RAX, (uint32_t)a.imm);
        } else {
            op_opd(e, OP_MOV_LOAD, RAX, &a);
        }
        asm_call(&e->s, e->x->soft[SOFT_CPOP]);
        xmm_forget_all(e);
        return RAX;
    }
    a = in_reg_if_imm(e, i->a);
    r = dst_from(e, i, i->a, &a);
    op_opd(e, row->op | w, r, &a);
    return (int)r;
}

int emit_bswap(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd a = opd_of(e, i->a);
    unsigned r = dst_with(e, i, i->a, &a);

    (void)row;
    asm_opcode(&e->s, 0xc8 | X_0F | (r & 7) | width_of(i), 0, 0, r, false);
    return result(i, r);
}

static void to_xmm(struct emit *e, unsigned xmm, const struct opd *o)
{
    op_opd(e, OP_MOVQ_TO_XMM, xmm, o);
}

int emit_orcb(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd a = in_reg_if_imm(e, i->a);
    unsigned r = dst_from(e, i, i->a, &a);

    (void)row;
    to_xmm(e, 0, &a);
    asm_rr(&e->s, OP_PXOR, 1, 1);
    asm_rr(&e->s, OP_PCMPEQB, 0, 1);
    asm_rr(&e->s, OP_MOVQ_FROM_XMM, 0, r);
    asm_rr(&e->s, OP_GROUP3 | X_W, G3_NOT, r);
    return (int)r;
}

int emit_clmul(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd a, b;
    unsigned r, high;

    if (!(e->x->features & row->needs)) {
        return call_soft(e, i, (enum soft_op)row->op2);
    }
    a = in_reg_if_imm(e, i->a);
    b = in_reg_if_imm(e, i->b);
    to_xmm(e, 0, &a);
    to_xmm(e, 1, &b);
    e->locked = 0; /* operands have been read */
    r = dst_reg(e, i->d);
    asm_rr(&e->s, OP_PCLMULQDQ, 0, 1);
    asm_u8(&e->s, 0);
    if (i->op == IR_clmul) {
        asm_rr(&e->s, OP_MOVQ_FROM_XMM, 0, r);
        return (int)r;
    }
    if (i->op == IR_clmulr) {
        high = scratch(e);
        asm_rr(&e->s, OP_MOVQ_FROM_XMM, 0, high);
        asm_rr(&e->s, OP_PUNPCKHQDQ, 0, 0);
        asm_rr(&e->s, OP_MOVQ_FROM_XMM, 0, r);
        asm_rr(&e->s, OP_SHLD_IMM | X_W, high, r);
        asm_u8(&e->s, 1);
        return (int)r;
    }
    asm_rr(&e->s, OP_PUNPCKHQDQ, 0, 0);
    asm_rr(&e->s, OP_MOVQ_FROM_XMM, 0, r);
    return (int)r;
}
