/* SPDX-License-Identifier: MIT */
/*
 * Instructions that only read and write integer registers: I, M, Zba, Zbb, Zbc, Zbs. Most are one
 * IR op, a row of trans-alu.def. The builder folds constants, so that lui and auipc pairs need
 * nothing here; pairs of shifts do. rd is never x0.
 */
#include "hw/host/bits.h"
#include "target-riscv/translate.h"

static bool gen_RR(struct dis *d, const struct insn *i, enum ir_op op, enum ir_type type)
{
    ir_op2(d->ctx, op, type, gpr_dest(d, i->rd), gpr(d, i->rs1), gpr(d, i->rs2));
    return true;
}

static bool gen_RI(struct dis *d, const struct insn *i, enum ir_op op, enum ir_type type)
{
    ir_op2(d->ctx, op, type, gpr_dest(d, i->rd), gpr(d, i->rs1), imm_const(d, i->imm));
    return true;
}

static bool gen_R1(struct dis *d, const struct insn *i, enum ir_op op, enum ir_type type)
{
    ir_op1(d->ctx, op, type, gpr_dest(d, i->rd), gpr(d, i->rs1));
    return true;
}

#define ALU(name, op, type, shape)                         \
    bool trans_##name(struct dis *d, const struct insn *i) \
    {                                                      \
        return gen_##shape(d, i, IR_##op, IR_##type);      \
    }
#include "target-riscv/trans-alu.def"
#undef ALU

/* ---- constants -------------------------------------------------------------------------- */

bool trans_lui(struct dis *d, const struct insn *i)
{
    ir_mov(d->ctx, gpr_dest(d, i->rd), imm_const(d, i->imm));
    return true;
}

/*
 * pc + imm may lie 2 GiB away, from a page offset of up to 4095: then the sum has to be made in
 * 64 bits.
 */
bool trans_auipc(struct dis *d, const struct insn *i)
{
    ir_arg rd = gpr_dest(d, i->rd);
    int32_t off;

    if (__builtin_add_overflow(d->pc_off, i->imm, &off)) {
        ir_pc_add(d->ctx, rd, d->pc_off);
        ir_op2(d->ctx, IR_add, IR_I64, rd, rd, imm_const(d, i->imm));
    } else {
        ir_pc_add(d->ctx, rd, off);
    }
    return true;
}

/* ---- comparisons ------------------------------------------------------------------------ */

bool trans_slt(struct dis *d, const struct insn *i)
{
    ir_setcond(d->ctx, COND_LT, gpr_dest(d, i->rd), gpr(d, i->rs1), gpr(d, i->rs2));
    return true;
}

bool trans_sltu(struct dis *d, const struct insn *i)
{
    ir_setcond(d->ctx, COND_LTU, gpr_dest(d, i->rd), gpr(d, i->rs1), gpr(d, i->rs2));
    return true;
}

bool trans_slti(struct dis *d, const struct insn *i)
{
    ir_setcond(d->ctx, COND_LT, gpr_dest(d, i->rd), gpr(d, i->rs1), imm_const(d, i->imm));
    return true;
}

bool trans_sltiu(struct dis *d, const struct insn *i)
{
    ir_setcond(d->ctx, COND_LTU, gpr_dest(d, i->rd), gpr(d, i->rs1), imm_const(d, i->imm));
    return true;
}

/* ---- shifts, and the pairs that stand for something shorter ----------------------------- */

/*
 * What slli by N and a right shift of the result by N too do; IR_insn_start: nothing that is one
 * op.
 */
static enum ir_op extension_op(unsigned n, bool is_signed)
{
    switch (n) {
    case 32:
        return is_signed ? IR_sext32 : IR_zext32;
    case 48:
        return is_signed ? IR_sext16 : IR_zext16;
    case 56:
        return is_signed ? IR_sext8 : IR_zext8;
    default:
        return IR_insn_start;
    }
}

/*
 * The instruction behind I, if it overwrites I's rd and the TB may hold it. Nothing can see the
 * state between the two.
 */
static bool peek_overwriter(struct dis *d, const struct insn *i, struct insn *next)
{
    return dis_has_room(d, 1) && dis_peek(d, d->next_off, next) && next->rd == i->rd;
}

/* Takes NEXT, which the code just emitted covers too, into the TB. */
static void swallow(struct dis *d, const struct insn *next)
{
    d->next_off += next->len;
    d->src->end_off = MAX(d->src->end_off, d->next_off);
    d->src->ninsns++;
    dis_see_row(d, next);
}

/* slli rd, rs1, N; srli or srai rd, rd, N. */
static bool fuse_extension(struct dis *d, const struct insn *i, const struct insn *next)
{
    enum ir_op op;

    if ((next->id != INSN_srli && next->id != INSN_srai) || next->rs1 != i->rd ||
        next->imm != i->imm) {
        return false;
    }
    op = extension_op((unsigned)i->imm, next->id == INSN_srai);
    if (op == IR_insn_start) {
        return false;
    }
    ir_op1(d->ctx, op, IR_I64, gpr_dest(d, i->rd), gpr(d, i->rs1));
    return true;
}

/* slli rd, rs1, 1..3; add rd, rd, other: the sh?add of those who lack it. */
static bool fuse_shift_add(struct dis *d, const struct insn *i, const struct insn *next)
{
    unsigned other = next->rs1 == i->rd ? next->rs2 : next->rs1;

    if (next->id != INSN_add || i->imm < 1 || i->imm > 3 ||
        (next->rs1 != i->rd && next->rs2 != i->rd) || other == i->rd) {
        return false;
    }
    ir_addshl(d->ctx, gpr_dest(d, i->rd), gpr(d, i->rs1), gpr(d, other), (unsigned)i->imm);
    return true;
}

bool trans_slli(struct dis *d, const struct insn *i)
{
    struct insn next;

    if (peek_overwriter(d, i, &next) &&
        (fuse_extension(d, i, &next) || fuse_shift_add(d, i, &next))) {
        swallow(d, &next);
        return true;
    }
    return gen_RI(d, i, IR_shl, IR_I64);
}

/* ---- Zba -------------------------------------------------------------------------------- */

static bool gen_shift_add(struct dis *d, const struct insn *i, unsigned shift)
{
    ir_addshl(d->ctx, gpr_dest(d, i->rd), gpr(d, i->rs1), gpr(d, i->rs2), shift);
    return true;
}

static bool gen_shift_add_uw(struct dis *d, const struct insn *i, unsigned shift)
{
    ir_arg index = ir_temp(d->ctx, IR_I64);

    ir_op1(d->ctx, IR_zext32, IR_I64, index, gpr(d, i->rs1));
    ir_addshl(d->ctx, gpr_dest(d, i->rd), index, gpr(d, i->rs2), shift);
    return true;
}

bool trans_sh1add(struct dis *d, const struct insn *i)
{
    return gen_shift_add(d, i, 1);
}

bool trans_sh2add(struct dis *d, const struct insn *i)
{
    return gen_shift_add(d, i, 2);
}

bool trans_sh3add(struct dis *d, const struct insn *i)
{
    return gen_shift_add(d, i, 3);
}

bool trans_add_uw(struct dis *d, const struct insn *i)
{
    return gen_shift_add_uw(d, i, 0);
}

bool trans_sh1add_uw(struct dis *d, const struct insn *i)
{
    return gen_shift_add_uw(d, i, 1);
}

bool trans_sh2add_uw(struct dis *d, const struct insn *i)
{
    return gen_shift_add_uw(d, i, 2);
}

bool trans_sh3add_uw(struct dis *d, const struct insn *i)
{
    return gen_shift_add_uw(d, i, 3);
}

bool trans_slli_uw(struct dis *d, const struct insn *i)
{
    ir_arg word = ir_temp(d->ctx, IR_I64);

    ir_op1(d->ctx, IR_zext32, IR_I64, word, gpr(d, i->rs1));
    ir_op2(d->ctx, IR_shl, IR_I64, gpr_dest(d, i->rd), word, imm_const(d, i->imm));
    return true;
}

/* ---- Zbs -------------------------------------------------------------------------------- */

/* rd = rs1 OP (1 << INDEX). */
static bool gen_single_bit(struct dis *d, const struct insn *i, enum ir_op op, ir_arg index)
{
    ir_arg bit = ir_temp(d->ctx, IR_I64);

    ir_op2(d->ctx, IR_shl, IR_I64, bit, imm_const(d, 1), index);
    ir_op2(d->ctx, op, IR_I64, gpr_dest(d, i->rd), gpr(d, i->rs1), bit);
    return true;
}

static bool gen_extract_bit(struct dis *d, const struct insn *i, ir_arg index)
{
    ir_arg shifted = ir_temp(d->ctx, IR_I64);

    ir_op2(d->ctx, IR_shr, IR_I64, shifted, gpr(d, i->rs1), index);
    ir_op2(d->ctx, IR_and, IR_I64, gpr_dest(d, i->rd), shifted, imm_const(d, 1));
    return true;
}

bool trans_bclr(struct dis *d, const struct insn *i)
{
    return gen_single_bit(d, i, IR_andn, gpr(d, i->rs2));
}

bool trans_bclri(struct dis *d, const struct insn *i)
{
    return gen_single_bit(d, i, IR_andn, imm_const(d, i->imm));
}

bool trans_binv(struct dis *d, const struct insn *i)
{
    return gen_single_bit(d, i, IR_xor, gpr(d, i->rs2));
}

bool trans_binvi(struct dis *d, const struct insn *i)
{
    return gen_single_bit(d, i, IR_xor, imm_const(d, i->imm));
}

bool trans_bset(struct dis *d, const struct insn *i)
{
    return gen_single_bit(d, i, IR_or, gpr(d, i->rs2));
}

bool trans_bseti(struct dis *d, const struct insn *i)
{
    return gen_single_bit(d, i, IR_or, imm_const(d, i->imm));
}

bool trans_bext(struct dis *d, const struct insn *i)
{
    return gen_extract_bit(d, i, gpr(d, i->rs2));
}

bool trans_bexti(struct dis *d, const struct insn *i)
{
    return gen_extract_bit(d, i, imm_const(d, i->imm));
}
