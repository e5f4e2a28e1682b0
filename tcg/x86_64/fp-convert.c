/* SPDX-License-Identifier: MIT */
/*
 * Conversions between floats and integers. The hardware's answer to what does not fit is the most
 * negative integer: then the op is done outside, whose answer saturates; both raise invalid only.
 *
 * To unsigned integers, and with a rounding mode that differs from MXCSR's, the operand is looked
 * at first: its bits, as an unsigned integer, must not be above a limit below which no rounding can
 * leave the range. So nothing is raised for operands that go outside. (Bits of negative numbers are
 * above all limits; where negative ones are good too, the sign is shifted out first.)
 */
#include "hw/host/cpu-features.h"
#include "tcg/x86_64/emit.h"

static unsigned int_dest(struct emit *e, const struct ir_insn *i)
{
    return i->d == IR_NONE ? scratch(e) : dst_reg(e, i->d);
}

static bool is_unsigned(unsigned op)
{
    return op == IR_fcvt_wu || op == IR_fcvt_lu;
}

static bool is_word(unsigned op)
{
    return op == IR_fcvt_w || op == IR_fcvt_wu;
}

/* r is overwritten. Returns the jump that leaves. */
static struct cold *check_range(struct emit *e, const struct ir_insn *i, unsigned a, unsigned r)
{
    static const uint32_t limits32[] = {
        [IR_fcvt_w - IR_fcvt_w] = 0x4effffff * 2u,
        [IR_fcvt_wu - IR_fcvt_w] = 0x4f7fffff,
        [IR_fcvt_l - IR_fcvt_w] = 0x5effffff * 2u,
        [IR_fcvt_lu - IR_fcvt_w] = 0x5effffff,
    };
    static const size_t limits64[] = {
        [IR_fcvt_w - IR_fcvt_w] = offsetof(struct fp_constants, signed32_doubled),
        [IR_fcvt_wu - IR_fcvt_w] = offsetof(struct fp_constants, unsigned32),
        [IR_fcvt_l - IR_fcvt_w] = offsetof(struct fp_constants, signed64_doubled),
        [IR_fcvt_lu - IR_fcvt_w] = offsetof(struct fp_constants, positive63),
    };
    unsigned k = (unsigned)i->op - IR_fcvt_w, w = ir_type_of(i) == IR_F64 ? X_W : 0;

    asm_sse_rr(&e->s, e->vex, SSE_MOVD_FROM | w, a, 0, r);
    if (!is_unsigned(i->op)) {
        asm_rr(&e->s, OP_ADD | w, r, r);
    }
    if (w) {
        asm_rip(&e->s, OP_CMP | X_W, r, fp_constant(e, limits64[k]));
    } else {
        asm_rr(&e->s, 0x81, ALU_CMP, r);
        asm_u32(&e->s, limits32[k]);
    }
    return fp_cold(e, i, CC_A, r);
}

/* Static modes, as roundss and roundsd encode them. */
static bool has_round(const struct emit *e, const struct ir_insn *i)
{
    return i->aux <= IR_RM_RUP && (e->x->features & HOST_SSE4_1);
}

static void round_to(struct emit *e, const struct ir_insn *i, unsigned t, unsigned a)
{
    static const uint8_t modes[] = {
        [IR_RM_RNE] = 0, [IR_RM_RDN] = 1, [IR_RM_RUP] = 2, [IR_RM_RTZ] = 3};

    asm_sse_rr(&e->s, e->vex, ir_type_of(i) == IR_F64 ? SSE_ROUND_SD : SSE_ROUND_SS, t,
               e->vex ? a : t, a);
    asm_u8(&e->s, modes[i->aux]);
}

int emit_to_int(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type type = ir_type_of(i);
    bool truncates = i->aux == IR_RM_RTZ, plain = truncates || i->aux == IR_RM_DYNAMIC;
    bool checks = !plain || is_unsigned(i->op);
    /* wu by a conversion to 64 bits */
    unsigned w = i->op == IR_fcvt_w ? 0 : X_W, a, r;
    struct cold *c = NULL;

    (void)row;
    if (e->fpu_outside || !(plain || has_round(e, i))) {
        return fp_outside(e, i);
    }
    if (i->aux == IR_RM_DYNAMIC) {
        fp_use_rounding(e, IR_RM_DYNAMIC);
    }
    a = xmm_of(e, type, i->a);
    r = int_dest(e, i);
    if (checks) {
        c = check_range(e, i, a, r);
    }
    if (!plain) {
        round_to(e, i, 0, a);
        a = 0;
    }
    asm_sse_rr(&e->s, e->vex,
               sse_type(type) | (i->aux == IR_RM_DYNAMIC ? SSE_CVT_ROUND : SSE_CVT_TRUNC) | w, r, 0,
               a);
    if (!checks) {
        /* Only the most negative integer minus 1 overflows. */
        asm_alu_ri(&e->s, ALU_CMP, w, r, 1);
        c = fp_cold(e, i, CC_O, r);
    }
    c->back = e->s.p;
    if (i->d == IR_NONE) {
        return RESULT_DONE;
    }
    return is_word(i->op) ? (int)r | RESULT_SEXT : (int)r;
}

/* Inexact results are rounded by MXCSR. Unsigned 64-bit ones have their top bit clear, or go outside. */
int emit_from_int(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type type = ir_type_of(i);
    unsigned w = i->op == IR_fcvt_f_w ? 0 : X_W, t;
    struct cold *c = NULL;
    struct opd a;

    (void)row;
    if (e->fpu_outside || i->aux == IR_RM_RMM) {
        return fp_outside(e, i);
    }
    fp_use_rounding(e, i->aux);
    t = xmm_dest(e, i->d);
    a = opd_of(e, i->a);
    if (i->op == IR_fcvt_f_wu || a.kind == OPD_IMM) {
        unsigned r = scratch(e);

        if (a.kind == OPD_IMM) {
            load_opd(e, r, &a);
        } else {
            op_opd(e, OP_MOV_LOAD, r, &a);
        }
        a = (struct opd){.kind = OPD_REG, .reg = (uint8_t)r};
    } else if (i->op == IR_fcvt_f_lu) {
        a = (struct opd){.kind = OPD_REG, .reg = (uint8_t)reg_of(e, i->a)};
        asm_rr(&e->s, OP_TEST | X_W, a.reg, a.reg);
        c = fp_cold(e, i, CC_S, t + DEST_XMM);
    }
    /* The instruction merges into its first source: a fresh zero, so that it waits for nothing. */
    asm_sse_rr(&e->s, e->vex, SSE_XOR, e->vex ? 0 : t, e->vex ? 0 : t, e->vex ? 0 : t);
    if (a.kind == OPD_REG) {
        asm_sse_rr(&e->s, e->vex, sse_type(type) | SSE_CVT_FROM_INT | w, t, e->vex ? 0 : t, a.reg);
    } else {
        asm_sse_rm(&e->s, e->vex, sse_type(type) | SSE_CVT_FROM_INT | w, t, e->vex ? 0 : t, a.reg,
                   a.disp);
    }
    if (c != NULL) {
        c->back = e->s.p;
    }
    xmm_define(e, type, i->d, t);
    return RESULT_XMM;
}
