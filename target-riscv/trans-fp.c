/* SPDX-License-Identifier: MIT */
/*
 * F and D: an IR op each. What is decided here is the rounding mode: the mode key tells what kind
 * of mode frm has, so that reserved ones are illegal instructions and the op gets "dynamic"
 * wherever that is the same as the mode that the instruction names, or where rounding cannot
 * happen. That FS is on was checked before (insn flags); what writes an f register or may set
 * fflags makes FS dirty, behind what may trap in the instruction.
 */
#include "hw/host/bits.h"
#include "target-riscv/translate.h"

/* ---- arithmetic ------------------------------------------------------------------------- */

static bool has_rounding(enum insn_format format)
{
    return format == FORMAT_RM || format == FORMAT_R2M || format == FORMAT_R4;
}

/* False for a reserved mode, also in frm. */
static bool choose_rounding(const struct dis *d, unsigned rm, bool exact, enum ir_rounding *out)
{
    if (rm == 5 || rm == 6 || (rm == IR_RM_DYNAMIC && d->frm == KEY_FRM_RESERVED)) {
        return false;
    }
    if (exact || (rm == IR_RM_RNE && d->frm == KEY_FRM_NEAREST)) {
        *out = IR_RM_DYNAMIC;
    } else if (rm == IR_RM_DYNAMIC && d->frm == KEY_FRM_RMM) {
        *out = IR_RM_RMM;
    } else {
        *out = (enum ir_rounding)rm;
    }
    return true;
}

/* What an instruction is in the IR: a row of trans-fp.def. */
struct fp_row {
    enum ir_op op;
    enum ir_type type;
    bool exact;
};

/* The operands are as the row's flags and format say. */
static bool gen_fp(struct dis *d, const struct insn *i, struct fp_row fp)
{
    const struct insn_row *row = &insn_rows[i->id];
    ir_arg dest, args[3] = {IR_NONE, IR_NONE, IR_NONE};
    enum ir_rounding rm = IR_RM_DYNAMIC;

    if (has_rounding(row->format) && !choose_rounding(d, i->rm, fp.exact, &rm)) {
        return false;
    }
    dest = row->flags & FD ? fpr(i->rd) : gpr_dest(d, i->rd);
    args[0] = row->flags & FS1 ? fpr(i->rs1) : gpr(d, i->rs1);
    if (row->flags & FS2) {
        args[1] = fpr(i->rs2);
    }
    if (row->flags & FS3) {
        args[2] = fpr(i->rs3);
    }
    if (!(row->flags & FS1) && i->rs1 == 0) {
        ir_op1(d->ctx, IR_i2f, fp.type, dest, args[0]); /* +0 is all zeros */
    } else {
        ir_fp(d->ctx, fp.op, fp.type, dest, args, rm);
    }
    if (row->flags & (FD | FX)) {
        gen_mark_fs(d);
    }
    return true;
}

#define FP(name, op, type, exact)                                        \
    bool trans_##name(struct dis *d, const struct insn *i)               \
    {                                                                    \
        return gen_fp(d, i, (struct fp_row){IR_##op, IR_##type, exact}); \
    }
#include "target-riscv/trans-fp.def"
#undef FP

/* ---- loads and stores ------------------------------------------------------------------- */

bool trans_flw(struct dis *d, const struct insn *i)
{
    ir_ld(d->ctx, IR_F32, fpr(i->rd), gpr(d, i->rs1), i->imm, MO_32 | d->align);
    gen_mark_fs(d);
    return true;
}

bool trans_fld(struct dis *d, const struct insn *i)
{
    ir_ld(d->ctx, IR_F64, fpr(i->rd), gpr(d, i->rs1), i->imm, MO_64 | d->align);
    gen_mark_fs(d);
    return true;
}

bool trans_fsw(struct dis *d, const struct insn *i)
{
    ir_st(d->ctx, IR_F32, fpr(i->rs2), gpr(d, i->rs1), i->imm, MO_32 | d->align);
    return true;
}

bool trans_fsd(struct dis *d, const struct insn *i)
{
    ir_st(d->ctx, IR_F64, fpr(i->rs2), gpr(d, i->rs1), i->imm, MO_64 | d->align);
    return true;
}

/* ---- moves between register files ------------------------------------------------------- */

bool trans_fmv_x_w(struct dis *d, const struct insn *i)
{
    ir_arg raw = ir_temp(d->ctx, IR_I64);

    ir_op1(d->ctx, IR_f2i, IR_F32, raw, fpr(i->rs1));
    ir_op1(d->ctx, IR_sext32, IR_I64, gpr_dest(d, i->rd), raw);
    return true;
}

bool trans_fmv_x_d(struct dis *d, const struct insn *i)
{
    ir_op1(d->ctx, IR_f2i, IR_F64, gpr_dest(d, i->rd), fpr(i->rs1));
    return true;
}

bool trans_fmv_w_x(struct dis *d, const struct insn *i)
{
    ir_op1(d->ctx, IR_i2f, IR_F32, fpr(i->rd), gpr(d, i->rs1));
    gen_mark_fs(d);
    return true;
}

bool trans_fmv_d_x(struct dis *d, const struct insn *i)
{
    ir_op1(d->ctx, IR_i2f, IR_F64, fpr(i->rd), gpr(d, i->rs1));
    gen_mark_fs(d);
    return true;
}
