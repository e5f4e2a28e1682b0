/* SPDX-License-Identifier: MIT */
/* Comparisons and what hangs on them: setcond, movcond, minimum and maximum. */
#include "tcg/x86_64/emit.h"

unsigned cc_of(enum ir_cond cond, bool swapped)
{
    static const uint8_t plain[] = {CC_E, CC_NE, CC_L, CC_GE, CC_B, CC_AE};
    static const uint8_t mirror[] = {CC_E, CC_NE, CC_G, CC_LE, CC_A, CC_BE};

    assert(cond < COND_NEVER);
    return swapped ? mirror[cond] : plain[cond];
}

unsigned emit_compare(struct emit *e, unsigned w, enum ir_cond cond, ir_arg arg_a, ir_arg arg_b)
{
    struct opd a = opd_imm32(e, arg_a, w), b = opd_imm32(e, arg_b, w), t;
    bool swapped = a.kind == OPD_IMM || (a.kind == OPD_MEM && b.kind == OPD_REG);

    if (swapped) {
        t = a;
        a = b;
        b = t;
    }
    if (a.kind == OPD_IMM || (a.kind == OPD_MEM && b.kind == OPD_MEM)) {
        a = (struct opd){.kind = OPD_REG, .reg = (uint8_t)reg_of(e, swapped ? arg_b : arg_a)};
    }
    if (a.kind == OPD_MEM) {
        asm_alu_mi(&e->s, ALU_CMP, w, a.reg, a.disp, (int32_t)b.imm);
    } else if (b.kind == OPD_IMM && b.imm == 0) {
        asm_rr(&e->s, OP_TEST | w, a.reg, a.reg);
    } else {
        alu_opd(e, ALU_CMP, w, a.reg, &b);
    }
    return cc_of(cond, swapped);
}

static bool is_const_zero(const struct emit *e, ir_arg a)
{
    return ir_is_const(a) && ir_const_value(e->ctx, a) == 0;
}

int emit_setcond(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned w = width_of(i), r, cc;
    struct opd a = opd_of(e, i->a), b = opd_of(e, i->b);

    (void)row;
    if (i->aux == COND_LT && w && is_const_zero(e, i->b)) {
        r = dst_with(e, i, i->a, &a);
        asm_shift_imm(&e->s, SHIFT_SHR, X_W, r, 63);
        return (int)r;
    }
    r = dst_reg(e, i->d);
    if (is_reg(&a, r) || is_reg(&b, r)) {
        cc = emit_compare(e, w, (enum ir_cond)i->aux, i->a, i->b);
        asm_rr(&e->s, OP_SETCC | cc, 0, r);
        asm_rr(&e->s, OP_MOVZX8, r, r);
        return (int)r;
    }
    asm_rr(&e->s, OP_XOR, r, r);
    cc = emit_compare(e, w, (enum ir_cond)i->aux, i->a, i->b);
    asm_rr(&e->s, OP_SETCC | cc, 0, r);
    return (int)r;
}

/*
 * ARG where a cmov can read it after the comparison: memory or a pinned register, so that scratch
 * registers suffice.
 */
static struct opd outside_scratch(struct emit *e, ir_arg arg)
{
    struct opd o = opd_of(e, arg);

    if (o.kind == OPD_REG && o.reg < 3) {
        e->locked &= (uint8_t) ~(1u << o.reg);
        evict(e, o.reg);
        o = opd_of(e, arg);
    }
    return o;
}

static struct opd imm_in_cell(struct emit *e, struct opd o)
{
    if (o.kind != OPD_IMM) {
        return o;
    }
    asm_rm(&e->s, OP_MOV_IMM, 0, RSP, FRAME_CELL1);
    asm_u32(&e->s, (uint32_t)o.imm);
    asm_rm(&e->s, OP_MOV_IMM, 0, RSP, FRAME_CELL1 + 4);
    asm_u32(&e->s, (uint32_t)(o.imm >> 32));
    return (struct opd){.kind = OPD_MEM, .reg = RSP, .disp = FRAME_CELL1};
}

/* d = (a COND b) ? c : e */
int emit_movcond(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned w = width_of(i), r = pin_of(e, i->d), cc;
    enum ir_cond cond = (enum ir_cond)i->imm;
    struct opd c = outside_scratch(e, i->c), other = outside_scratch(e, i->aux), a, b;

    (void)row;
    /* Only the taken value must be a register or memory; the other one is loaded. */
    if (is_reg(&c, r)) {
        struct opd t = c;

        c = other;
        other = t;
        cond ^= 1; /* eq/ne, lt/ge, ltu/geu are neighbours */
    }
    c = imm_in_cell(e, c);
    a = opd_of(e, i->a);
    b = opd_of(e, i->b);
    if (r == NO_PIN) {
        r = scratch(e);
    } else if ((is_reg(&a, r) || is_reg(&b, r)) && !is_reg(&other, r)) {
        cc = emit_compare(e, w, cond, i->a, i->b);
        load_opd_flags(e, r, &other);
        op_opd(e, OP_CMOV | X_W | cc, r, &c);
        return result(i, r);
    }
    load_opd(e, r, &other);
    cc = emit_compare(e, w, cond, i->a, i->b);
    op_opd(e, OP_CMOV | X_W | cc, r, &c);
    return result(i, r);
}

/* Row: op is the condition on which b replaces a, for the plain order. */
int emit_minmax(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned w = width_of(i), r;
    struct opd a = opd_of(e, i->a), b = opd_of(e, i->b), t;

    if (b.kind == OPD_IMM) {
        b = (struct opd){.kind = OPD_REG, .reg = (uint8_t)reg_of(e, i->b)};
    }
    r = pin_of(e, i->d);
    if (r == NO_PIN) {
        r = may_overwrite(e, i->a, &a) ? a.reg : scratch(e);
    }
    if (is_reg(&b, r)) {
        t = a;
        a = b;
        b = t;
        if (b.kind == OPD_IMM) {
            b = (struct opd){.kind = OPD_REG, .reg = (uint8_t)reg_of(e, i->a)};
        }
    }
    load_opd(e, r, &a);
    op_opd(e, OP_CMP | w, r, &b);
    op_opd(e, OP_CMOV | X_W | row->op, r, &b);
    return result(i, r);
}
