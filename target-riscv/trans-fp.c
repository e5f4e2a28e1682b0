/* SPDX-License-Identifier: MIT */
/*
 * F and D. Loads, stores, moves and sign injection are inline on the raw 64 bits of f registers,
 * which hold singles NaN-boxed; what computes goes through gen_fp, the one place where inline
 * code for it will come in. That FS is on was checked before (insn flags); what writes an f
 * register or may set fflags makes FS dirty, behind what may trap in the instruction.
 */
#include "hw/host/bits.h"
#include "target-riscv/translate.h"

#define BOX             BITS(63, 32)
#define CANONICAL_NAN_S 0x7fc00000u

/* ---- arithmetic ------------------------------------------------------------------------- */

/* How many f or x registers a format reads. */
static unsigned nsources(enum insn_format format)
{
    switch (format) {
    case FORMAT_R4:
        return 3;
    case FORMAT_RM:
    case FORMAT_R:
        return 2;
    default:
        return 1;
    }
}

static ir_arg fp_source(struct dis *d, unsigned is_f, unsigned n)
{
    return is_f ? fpr(n) : gpr(d, n);
}

/* The operands are as the row's flags and format say. Rounding modes 5 and 6 are reserved. */
static bool gen_fp(struct dis *d, const struct insn *i, enum riscv_helper helper)
{
    const struct insn_row *row = &insn_rows[i->id];
    unsigned n = nsources(row->format);
    ir_arg a, b = IR_NONE, c = IR_NONE;

    if (i->rm == 5 || i->rm == 6) {
        return false;
    }
    a = fp_source(d, row->flags & FS1, i->rs1);
    if (n >= 2) {
        b = fpr(i->rs2);
    }
    if (n >= 3) {
        c = fpr(i->rs3);
    }
    ir_call(d->ctx, helper, row->flags & FD ? fpr(i->rd) : gpr_dest(d, i->rd), a, b, c,
            (int32_t)i->raw);
    if (row->flags & (FD | FX)) {
        gen_mark_fs(d);
    }
    return true;
}

#define FP(name)                                           \
    bool trans_##name(struct dis *d, const struct insn *i) \
    {                                                      \
        return gen_fp(d, i, HELPER_##name);                \
    }
#include "target-riscv/trans-fp.def"
#undef FP

/* ---- loads and stores ------------------------------------------------------------------- */

bool trans_flw(struct dis *d, const struct insn *i)
{
    ir_arg value = ir_temp(d->ctx, IR_I64);

    ir_ld(d->ctx, IR_I64, value, gpr(d, i->rs1), i->imm, MO_32 | d->align);
    ir_op2(d->ctx, IR_or, IR_I64, fpr(i->rd), value, ir_const(d->ctx, BOX));
    gen_mark_fs(d);
    return true;
}

bool trans_fld(struct dis *d, const struct insn *i)
{
    ir_ld(d->ctx, IR_I64, fpr(i->rd), gpr(d, i->rs1), i->imm, MO_64 | d->align);
    gen_mark_fs(d);
    return true;
}

bool trans_fsw(struct dis *d, const struct insn *i)
{
    ir_st(d->ctx, IR_I64, fpr(i->rs2), gpr(d, i->rs1), i->imm, MO_32 | d->align);
    return true;
}

bool trans_fsd(struct dis *d, const struct insn *i)
{
    ir_st(d->ctx, IR_I64, fpr(i->rs2), gpr(d, i->rs1), i->imm, MO_64 | d->align);
    return true;
}

/* ---- moves between register files ------------------------------------------------------- */

bool trans_fmv_x_w(struct dis *d, const struct insn *i)
{
    ir_op1(d->ctx, IR_sext32, IR_I64, gpr_dest(d, i->rd), fpr(i->rs1));
    return true;
}

bool trans_fmv_x_d(struct dis *d, const struct insn *i)
{
    ir_mov(d->ctx, gpr_dest(d, i->rd), fpr(i->rs1));
    return true;
}

bool trans_fmv_w_x(struct dis *d, const struct insn *i)
{
    ir_op2(d->ctx, IR_or, IR_I64, fpr(i->rd), gpr(d, i->rs1), ir_const(d->ctx, BOX));
    gen_mark_fs(d);
    return true;
}

bool trans_fmv_d_x(struct dis *d, const struct insn *i)
{
    ir_mov(d->ctx, fpr(i->rd), gpr(d, i->rs1));
    gen_mark_fs(d);
    return true;
}

/* ---- sign injection --------------------------------------------------------------------- */

enum sign_from { SIGN_COPY, SIGN_NEGATE, SIGN_XOR };

/* d = A with the sign bit (SIGN) taken from B. */
static void gen_inject(struct dis *d, enum sign_from from, ir_arg out, ir_arg a, ir_arg b,
                       uint64_t sign)
{
    ir_arg rest = ir_temp(d->ctx, IR_I64), bit = ir_temp(d->ctx, IR_I64),
           s = ir_const(d->ctx, sign);

    ir_op2(d->ctx, from == SIGN_NEGATE ? IR_andn : IR_and, IR_I64, bit, s, b);
    if (from == SIGN_XOR) {
        ir_op2(d->ctx, IR_xor, IR_I64, out, a, bit);
        return;
    }
    ir_op2(d->ctx, IR_andn, IR_I64, rest, a, s);
    ir_op2(d->ctx, IR_or, IR_I64, out, rest, bit);
}

/*
 * The single in f register N, or the canonical NaN if that is not properly boxed, in the low
 * half.
 */
static ir_arg gen_unbox(struct dis *d, unsigned n)
{
    ir_arg high = ir_temp(d->ctx, IR_I64), value = ir_temp(d->ctx, IR_I64);

    ir_op2(d->ctx, IR_sar, IR_I64, high, fpr(n), imm_const(d, 32));
    ir_movcond(d->ctx, COND_EQ, value, high, imm_const(d, -1), fpr(n),
               ir_const(d->ctx, BOX | CANONICAL_NAN_S));
    return value;
}

static bool gen_sign_s(struct dis *d, const struct insn *i, enum sign_from from)
{
    ir_arg a = gen_unbox(d, i->rs1), b = i->rs2 == i->rs1 ? a : gen_unbox(d, i->rs2);

    if (from == SIGN_COPY && i->rs1 == i->rs2) {
        ir_mov(d->ctx, fpr(i->rd), a);
    } else {
        gen_inject(d, from, fpr(i->rd), a, b, BIT(31));
    }
    gen_mark_fs(d);
    return true;
}

static bool gen_sign_d(struct dis *d, const struct insn *i, enum sign_from from)
{
    if (from == SIGN_COPY && i->rs1 == i->rs2) {
        ir_mov(d->ctx, fpr(i->rd), fpr(i->rs1));
    } else {
        gen_inject(d, from, fpr(i->rd), fpr(i->rs1), fpr(i->rs2), BIT(63));
    }
    gen_mark_fs(d);
    return true;
}

bool trans_fsgnj_s(struct dis *d, const struct insn *i)
{
    return gen_sign_s(d, i, SIGN_COPY);
}

bool trans_fsgnjn_s(struct dis *d, const struct insn *i)
{
    return gen_sign_s(d, i, SIGN_NEGATE);
}

bool trans_fsgnjx_s(struct dis *d, const struct insn *i)
{
    return gen_sign_s(d, i, SIGN_XOR);
}

bool trans_fsgnj_d(struct dis *d, const struct insn *i)
{
    return gen_sign_d(d, i, SIGN_COPY);
}

bool trans_fsgnjn_d(struct dis *d, const struct insn *i)
{
    return gen_sign_d(d, i, SIGN_NEGATE);
}

bool trans_fsgnjx_d(struct dis *d, const struct insn *i)
{
    return gen_sign_d(d, i, SIGN_XOR);
}
