/* SPDX-License-Identifier: MIT */
/*
 * Emitters of moves and integer arithmetic. Each serves the rows of x86_ops that name it. The
 * destination may be any of the operands: a pinned destination is written only when no later step
 * reads it as an operand.
 */
#include "hw/host/cpu-features.h"
#include "tcg/x86_64/emit.h"

/* ---- moves --------------------------------------------------------------------------------- */

int emit_mov(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd a = opd_of(e, i->a);
    unsigned r;

    (void)row;
    if (ir_type_of(i) == IR_I32) {
        r = dst_with(e, i, i->a, &a);
        return (int)r | RESULT_SEXT;
    }
    if (pin_of(e, i->d) != NO_PIN) {
        load_opd(e, pin_of(e, i->d), &a);
        return RESULT_DONE;
    }
    if (ir_is_global(i->d)) {
        int32_t disp = e->x->disp_of[i->d];

        if (a.kind == OPD_IMM && a.imm == (uint64_t)(int32_t)a.imm) {
            forget_content(e, i->d);
            asm_rm(&e->s, OP_MOV_IMM | X_W, 0, RBP, disp);
            asm_u32(&e->s, (uint32_t)a.imm);
            return RESULT_DONE;
        }
        if (a.kind == OPD_REG && !may_overwrite(e, i->a, &a)) {
            forget_content(e, i->d);
            asm_rm(&e->s, OP_MOV_STORE | X_W, a.reg, RBP, disp);
            return RESULT_DONE;
        }
    }
    if (may_overwrite(e, i->a, &a)) {
        return a.reg;
    }
    r = scratch(e);
    load_opd(e, r, &a);
    return (int)r;
}

int emit_pc_add(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned r = dst_reg(e, i->d);

    (void)row;
    asm_rm(&e->s, OP_MOV_LOAD | X_W, r, RBP, env_disp(e, e->lay->pc_page));
    if (i->imm != 0) {
        asm_alu_ri(&e->s, ALU_ADD, X_W, r, i->imm);
    }
    return (int)r;
}

int emit_clock(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    (void)row;
    evict_all(e);
    if (i->op == IR_time) {
        asm_call(&e->s, e->x->clock);
    } else {
        asm_rdtsc(&e->s);
    }
    return RAX;
}

int emit_env_ld(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned r = dst_reg(e, i->d);

    (void)row;
    asm_rm(&e->s, x86_load_ops[i->aux & 7], r, RBP, env_disp(e, i->imm));
    return (int)r;
}

int emit_env_st(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    static const uint32_t imm_ops[4] = {OP_MOV_IMM8, OP_MOV_IMM | X_66, OP_MOV_IMM,
                                        OP_MOV_IMM | X_W};
    unsigned size = i->aux & MO_SIZE;
    struct opd b = opd_of(e, i->b);
    int32_t disp = env_disp(e, i->imm);

    (void)row;
    if (b.kind != OPD_IMM || (size == MO_64 && b.imm != (uint64_t)(int32_t)b.imm)) {
        asm_rm(&e->s, x86_store_ops[size], reg_of(e, i->b), RBP, disp);
        return RESULT_DONE;
    }
    asm_rm(&e->s, imm_ops[size], 0, RBP, disp);
    if (size == MO_8) {
        asm_u8(&e->s, (uint8_t)b.imm);
    } else if (size == MO_16) {
        asm_u8(&e->s, (uint8_t)b.imm);
        asm_u8(&e->s, (uint8_t)(b.imm >> 8));
    } else {
        asm_u32(&e->s, (uint32_t)b.imm);
    }
    return RESULT_DONE;
}

unsigned dst_with(struct emit *e, const struct ir_insn *i, ir_arg arg, const struct opd *a)
{
    unsigned r = pin_of(e, i->d);

    if (r == NO_PIN) {
        r = may_overwrite(e, arg, a) ? a->reg : scratch(e);
    }
    load_opd(e, r, a);
    return r;
}

unsigned dst_from(struct emit *e, const struct ir_insn *i, ir_arg arg, const struct opd *a)
{
    unsigned r = pin_of(e, i->d);

    if (r == NO_PIN) {
        r = may_overwrite(e, arg, a) ? a->reg : scratch(e);
    }
    return r;
}

/* ---- two-operand arithmetic ---------------------------------------------------------------- */

/* add d, a, b as lea where that saves a move. */
static bool emit_lea(struct emit *e, unsigned w, unsigned r, const struct opd *a,
                     const struct opd *b)
{
    if (a->kind != OPD_REG || a->reg == r) {
        return false;
    }
    if (b->kind == OPD_IMM) {
        asm_rm(&e->s, OP_LEA | w, r, a->reg, (int32_t)b->imm);
        return true;
    }
    if (b->kind == OPD_REG && b->reg != r) {
        bool swap = (a->reg & 7) == RBP; /* rbp and r13 as base need a displacement byte */

        asm_rmx(&e->s, OP_LEA | w, r, swap ? b->reg : a->reg, swap ? a->reg : b->reg, 0, 0);
        return true;
    }
    return false;
}

static void swap_opds(struct opd *a, struct opd *b)
{
    struct opd t = *a;

    *a = *b;
    *b = t;
}

/* d = a op b for a pinned d. */
static int alu_pinned(struct emit *e, const struct ir_insn *i, const struct x86_op *row,
                      struct opd a, struct opd b)
{
    unsigned w = width_of(i), r = pin_of(e, i->d);

    if (is_reg(&b, r) && !is_reg(&a, r)) {
        if (!row->commutes) { /* sub */
            asm_rr(&e->s, OP_GROUP3 | w, G3_NEG, r);
            if (a.kind != OPD_IMM || a.imm != 0) {
                alu_opd(e, ALU_ADD, w, r, &a);
            }
            return result(i, r);
        }
        swap_opds(&a, &b);
    }
    if (is_reg(&a, r)) {
        alu_opd(e, row->op, w, r, &b);
    } else if (row->op != ALU_ADD || !emit_lea(e, w, r, &a, &b)) {
        if (row->op == ALU_SUB && a.kind == OPD_IMM && a.imm == 0) {
            load_opd(e, r, &b);
            asm_rr(&e->s, OP_GROUP3 | w, G3_NEG, r);
            return result(i, r);
        }
        load_opd(e, r, &a);
        alu_opd(e, row->op, w, r, &b);
    }
    return result(i, r);
}

/* d = a op b into a scratch register. */
static int alu_scratch(struct emit *e, const struct ir_insn *i, const struct x86_op *row,
                       struct opd a, struct opd b)
{
    unsigned w = width_of(i), r;

    if (may_overwrite(e, i->a, &a)) {
        alu_opd(e, row->op, w, a.reg, &b);
        return result(i, a.reg);
    }
    if (row->commutes && may_overwrite(e, i->b, &b)) {
        alu_opd(e, row->op, w, b.reg, &a);
        return result(i, b.reg);
    }
    r = scratch(e);
    if (row->op != ALU_ADD || !emit_lea(e, w, r, &a, &b)) {
        load_opd(e, r, &a);
        alu_opd(e, row->op, w, r, &b);
    }
    return result(i, r);
}

enum { COPY_REACH = 6 }; /* records that a copy in a scratch register is likely to outlast */

/* True if a record not far behind I reads I's destination: it should not wait for memory. */
static bool is_read_soon(const struct emit *e, const struct ir_insn *i)
{
    const struct ir_insn *end = e->ctx->opt + e->ctx->nopt;

    end = MIN(end, i + 1 + COPY_REACH);
    for (const struct ir_insn *k = i + 1; k < end; k++) {
        if (k->a == i->d || k->b == i->d || k->c == i->d) {
            return true;
        }
        if (k->d == i->d) {
            return false;
        }
    }
    return false;
}

int emit_alu(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned w = width_of(i);
    struct opd a = opd_imm32(e, i->a, w), b = opd_imm32(e, i->b, w);

    if (pin_of(e, i->d) != NO_PIN) {
        return alu_pinned(e, i, row, a, b);
    }
    if (w && ir_is_global(i->d) && i->d == i->a && a.kind == OPD_MEM && b.kind != OPD_MEM &&
        !is_read_soon(e, i)) {
        if (b.kind == OPD_IMM) {
            asm_alu_mi(&e->s, row->op, w, a.reg, a.disp, (int32_t)b.imm);
        } else {
            asm_rm(&e->s, (row->op * 8 + 3 + OP_STORE_FORM) | w, b.reg, a.reg, a.disp);
        }
        return RESULT_DONE;
    }
    return alu_scratch(e, i, row, a, b);
}

/*
 * a op ~b: andn where the host has it, else through a scratch register. Row: op is the plain ALU
 * number.
 */
int emit_not_alu(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned w = width_of(i), r;
    struct opd a = opd_imm32(e, i->a, w), b = opd_of(e, i->b);

    if (row->needs != 0 && (e->x->features & row->needs) && a.kind != OPD_IMM) {
        unsigned inverted = reg_of(e, i->b);

        r = dst_reg(e, i->d);
        vex_opd(e, row->op2 | w, r, inverted, &a);
        return result(i, r);
    }
    r = may_overwrite(e, i->b, &b) && !is_reg(&a, b.reg) ? b.reg : scratch(e);
    load_opd(e, r, &b);
    asm_rr(&e->s, OP_GROUP3 | w, G3_NOT, r);
    alu_opd(e, row->op, w, r, &a);
    return result(i, r);
}

int emit_addshl(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd b = opd_imm32(e, i->b, X_W);
    unsigned a = reg_of(e, i->a), shift = (unsigned)i->imm & 3, w = width_of(i), base, r;

    (void)row;
    if (b.kind == OPD_IMM) {
        /* No base: [index * scale + disp32]. */
        r = dst_reg(e, i->d);
        asm_opcode(&e->s, OP_LEA | w, r, a, 0, false);
        asm_u8(&e->s, (r & 7) << 3 | 4);
        asm_u8(&e->s, shift << 6 | (a & 7) << 3 | 5);
        asm_u32(&e->s, (uint32_t)b.imm);
        return result(i, r);
    }
    base = b.kind == OPD_REG ? b.reg : reg_of(e, i->b);
    r = dst_reg(e, i->d);
    asm_rmx(&e->s, OP_LEA | w, r, base, a, shift, 0);
    return result(i, r);
}

/* ---- shifts -------------------------------------------------------------------------------- */

/* d = a SHIFT rcx, for hosts without BMI2 and for rotates. */
static int shift_by_cl(struct emit *e, const struct ir_insn *i, unsigned shift)
{
    struct opd a, b = opd_of(e, i->b);
    unsigned r;

    if (!is_reg(&b, RCX)) {
        evict(e, RCX);
        load_opd(e, RCX, &b);
    }
    e->locked = 1u << RCX;
    a = opd_of(e, i->a);
    r = !is_reg(&a, RCX) && may_overwrite(e, i->a, &a) ? a.reg : scratch(e);
    load_opd(e, r, &a);
    asm_rr(&e->s, OP_SHIFT_CL | width_of(i), shift, r);
    return result(i, r);
}

int emit_shift(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd a = opd_of(e, i->a), b = opd_of(e, i->b);
    unsigned w = width_of(i), r, count;

    if (b.kind == OPD_IMM) {
        unsigned n = (unsigned)b.imm & (w ? 63 : 31);

        r = dst_with(e, i, i->a, &a);
        if (n != 0) {
            asm_shift_imm(&e->s, row->op, w, r, n);
        }
        return result(i, r);
    }
    if (!(e->x->features & row->needs)) {
        return shift_by_cl(e, i, row->op);
    }
    if (a.kind == OPD_IMM) {
        a = (struct opd){.kind = OPD_REG, .reg = (uint8_t)reg_of(e, i->a)};
    }
    count = reg_of(e, i->b);
    r = dst_from(e, i, i->a, &a);
    vex_opd(e, row->op2 | w, r, count, &a);
    return result(i, r);
}

int emit_rotate(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd a = opd_of(e, i->a), b = opd_of(e, i->b);
    unsigned w = width_of(i), r, n;

    if (b.kind != OPD_IMM) {
        return shift_by_cl(e, i, row->op);
    }
    n = (unsigned)b.imm & (w ? 63 : 31);
    if (a.kind == OPD_IMM || !(e->x->features & row->needs) || n == 0) {
        r = dst_with(e, i, i->a, &a);
        if (n != 0) {
            asm_shift_imm(&e->s, row->op, w, r, n);
        }
        return result(i, r);
    }
    r = dst_from(e, i, i->a, &a);
    vex_opd(e, OP_RORX | w, r, 0, &a);
    asm_u8(&e->s, row->op == SHIFT_ROR ? n : (w ? 64 : 32) - n);
    return result(i, r);
}

/* ---- multiplication and division ----------------------------------------------------------- */

int emit_mul(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned w = width_of(i), r;
    struct opd a = opd_imm32(e, i->a, w), b = opd_imm32(e, i->b, w);

    (void)row;
    if (a.kind == OPD_IMM && b.kind != OPD_IMM) {
        swap_opds(&a, &b);
    } else if (a.kind == OPD_IMM) {
        a = (struct opd){.kind = OPD_REG, .reg = (uint8_t)reg_of(e, i->a)};
    }
    if (b.kind == OPD_IMM) {
        bool small = (int32_t)b.imm == (int8_t)b.imm;

        r = dst_reg(e, i->d);
        op_opd(e, (small ? OP_IMUL_IMM8 : OP_IMUL_IMM) | w, r, &a);
        if (small) {
            asm_u8(&e->s, (uint8_t)b.imm);
        } else {
            asm_u32(&e->s, (uint32_t)b.imm);
        }
        return result(i, r);
    }
    r = pin_of(e, i->d);
    if (r == NO_PIN) {
        r = may_overwrite(e, i->a, &a) ? a.reg : scratch(e);
    }
    if (is_reg(&b, r)) {
        swap_opds(&a, &b);
    }
    load_opd(e, r, &a);
    op_opd(e, OP_IMUL | w, r, &b);
    return result(i, r);
}

/* B where mul can use it while rax and rdx are overwritten: a pinned register, memory, or rcx. */
static struct opd outside_rax_rdx(struct emit *e, ir_arg arg)
{
    struct opd b = opd_of(e, arg);

    if (is_reg(&b, RAX) || is_reg(&b, RDX)) {
        evict(e, b.reg);
        b = opd_of(e, arg);
    }
    return b;
}

/* rdx:rax = a * b. */
int emit_mulh(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd b = outside_rax_rdx(e, i->b), a = opd_of(e, i->a);

    evict(e, RAX);
    load_opd(e, RAX, &a);
    evict(e, RDX);
    if (b.kind == OPD_IMM) {
        load_opd(e, RDX, &b);
        b = (struct opd){.kind = OPD_REG, .reg = RDX};
    }
    op_opd(e, OP_GROUP3 | X_W, row->op, &b);
    return RDX;
}

/* Signed a times unsigned b: the unsigned product's high half, less b if a is negative. */
int emit_mulhsu(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd b = outside_rax_rdx(e, i->b), a;

    (void)row;
    if (is_reg(&b, RCX)) {
        evict(e, RCX);
        b = opd_of(e, i->b);
    }
    a = opd_of(e, i->a);
    evict(e, RCX);
    evict(e, RAX);
    evict(e, RDX);
    load_opd(e, RAX, &a);
    if (b.kind == OPD_IMM) {
        load_opd(e, RCX, &b);
        asm_rm(&e->s, OP_MOV_STORE | X_W, RCX, RSP, FRAME_CELL1);
        b = (struct opd){.kind = OPD_MEM, .reg = RSP, .disp = FRAME_CELL1};
    }
    asm_mov_rr(&e->s, RCX, RAX);
    asm_shift_imm(&e->s, SHIFT_SAR, X_W, RCX, 63);
    op_opd(e, OP_AND | X_W, RCX, &b);
    op_opd(e, OP_GROUP3 | X_W, G3_MUL, &b);
    asm_rr(&e->s, OP_SUB | X_W, RDX, RCX);
    return RDX;
}

static void load_minus_one(struct emit *e, unsigned reg)
{
    asm_alu_ri(&e->s, ALU_OR, X_W, reg, -1);
}

/* Division by 0 or -1 (signed), by 0 (unsigned): rax has a, rcx b. */
static void cold_div(struct emit *e, const struct cold *c)
{
    unsigned w = c->wide ? X_W : 0;
    bool is_signed = c->op == IR_divs || c->op == IR_rems;
    uint8_t *zero;

    asm_patch(c->from, e->s.p);
    if (is_signed) {
        asm_rr(&e->s, OP_TEST | w, RCX, RCX);
        zero = asm_jcc8_later(&e->s, CC_E);
        asm_rr(&e->s, OP_GROUP3 | w, G3_NEG, RAX);
        asm_rr(&e->s, OP_XOR, RDX, RDX);
        asm_jmp(&e->s, c->back);
        asm_here8(&e->s, zero);
    }
    asm_mov_rr(&e->s, RDX, RAX);
    load_minus_one(e, RAX);
    asm_jmp(&e->s, c->back);
}

/* Row: op is G3_DIV or G3_IDIV. Quotient in rax, remainder in rdx. */
int emit_div(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    static const uint8_t regs[2] = {RAX, RCX};
    ir_arg args[2] = {i->a, i->b};
    unsigned w = width_of(i);
    bool quotient = i->op == IR_divs || i->op == IR_divu;
    struct cold *c;
    uint64_t divisor;

    place_args(e, args, regs, 2);
    divisor = ir_is_const(i->b) ? ir_const_value(e->ctx, i->b) : 0;
    divisor = w ? divisor : (uint64_t)(int32_t)divisor;
    c = NULL;
    if (row->op == G3_IDIV) {
        if (divisor + 1 <= 1) {
            asm_rm(&e->s, OP_LEA | w, RDX, RCX, 1);
            asm_alu_ri(&e->s, ALU_CMP, w, RDX, 1);
            c = cold_new(e, cold_div, asm_jcc_later(&e->s, CC_BE));
        }
        asm_opcode(&e->s, 0x99 | w, 0, 0, 0, false); /* cqo, cdq */
    } else {
        if (divisor == 0) {
            asm_rr(&e->s, OP_TEST | w, RCX, RCX);
            c = cold_new(e, cold_div, asm_jcc_later(&e->s, CC_E));
        }
        asm_rr(&e->s, OP_XOR, RDX, RDX);
    }
    asm_rr(&e->s, OP_GROUP3 | w, row->op, RCX);
    if (c != NULL) {
        c->op = i->op;
        c->wide = w != 0;
        c->back = e->s.p;
    }
    return result(i, quotient ? RAX : RDX);
}
