/* SPDX-License-Identifier: MIT */
/*
 * Operands and the three scratch registers. Allocation is local to a guest instruction for
 * temporaries; copies of globals stay in scratch registers across instructions until something
 * else wants the register.
 */
#include "tcg/x86_64/emit.h"

static int32_t slot_disp(ir_arg temp)
{
    return FRAME_SLOTS + 8 * (temp - IR_TEMP0);
}

static bool has_slot(const struct emit *e, ir_arg temp)
{
    unsigned n = temp - IR_TEMP0;

    return (e->in_slot[n / 64] >> (n % 64) & 1) != 0;
}

static void set_slot(struct emit *e, ir_arg temp, bool valid)
{
    unsigned n = temp - IR_TEMP0;

    if (valid) {
        e->in_slot[n / 64] |= UINT64_C(1) << (n % 64);
    } else {
        e->in_slot[n / 64] &= ~(UINT64_C(1) << (n % 64));
    }
}

struct opd opd_of(struct emit *e, ir_arg arg)
{
    if (ir_is_const(arg)) {
        return (struct opd){.kind = OPD_IMM, .imm = ir_const_value(e->ctx, arg)};
    }
    if (pin_of(e, arg) != NO_PIN) {
        return (struct opd){.kind = OPD_REG, .reg = (uint8_t)pin_of(e, arg)};
    }
    for (unsigned r = 0; r < 3; r++) {
        if (e->content[r] == arg) {
            e->locked |= (uint8_t)(1u << r);
            return (struct opd){.kind = OPD_REG, .reg = (uint8_t)r};
        }
    }
    if (ir_is_global(arg)) {
        return (struct opd){.kind = OPD_MEM, .reg = RBP, .disp = e->x->disp_of[arg]};
    }
    assert(ir_is_temp(arg) && has_slot(e, arg));
    return (struct opd){.kind = OPD_MEM, .reg = RSP, .disp = slot_disp(arg)};
}

static void spill(struct emit *e, unsigned reg)
{
    ir_arg c = e->content[reg];

    if (ir_is_temp(c) && !has_slot(e, c)) {
        asm_rm(&e->s, OP_MOV_STORE | X_W, reg, RSP, slot_disp(c));
        set_slot(e, c, true);
    }
}

void evict(struct emit *e, unsigned reg)
{
    spill(e, reg);
    e->content[reg] = IR_NONE;
}

bool dies_here(const struct ir_insn *i, ir_arg arg)
{
    return ((i->type & IR_DIES_A) && i->a == arg) || ((i->type & IR_DIES_B) && i->b == arg) ||
           ((i->type & IR_DIES_C) && i->c == arg) || ((i->type & IR_DIES_E) && i->aux == arg);
}

void evict_all(struct emit *e)
{
    for (unsigned r = 0; r < 3; r++) {
        if (!dies_here(e->insn, e->content[r])) {
            spill(e, r);
        }
        e->content[r] = IR_NONE;
    }
}

void sync_temps(struct emit *e)
{
    for (unsigned r = 0; r < 3; r++) {
        if (e->insn == NULL || !dies_here(e->insn, e->content[r])) {
            spill(e, r);
        }
    }
}

void forget_content(struct emit *e, ir_arg arg)
{
    for (unsigned r = 0; r < 3; r++) {
        if (e->content[r] == arg) {
            e->content[r] = IR_NONE;
        }
    }
}

void forget_all(struct emit *e)
{
    memset(e->content, 0, sizeof(e->content));
}

/* What a scratch register's content is worth: the least is given up first. */
static unsigned content_rank(ir_arg content)
{
    return content == IR_NONE ? 0 : content == ARG_WINDOW ? 3 : ir_is_temp(content) ? 2 : 1;
}

unsigned scratch(struct emit *e)
{
    static const uint8_t order[3] = {RAX, RDX, RCX};
    unsigned best = 0, best_rank = 4;

    for (unsigned k = 0; k < 3; k++) {
        unsigned r = order[k], rank = content_rank(e->content[r]);

        if (!(e->locked >> r & 1) && rank < best_rank) {
            best = r;
            best_rank = rank;
        }
    }
    assert(best_rank < 4);
    evict(e, best);
    e->locked |= (uint8_t)(1u << best);
    return best;
}

unsigned dst_reg(struct emit *e, ir_arg d)
{
    unsigned pin = pin_of(e, d);

    return pin != NO_PIN ? pin : scratch(e);
}

bool may_overwrite(const struct emit *e, ir_arg arg, const struct opd *o)
{
    return o->kind == OPD_REG && o->reg < 3 && (ir_is_global(arg) || dies_here(e->insn, arg));
}

static void load_memory(struct emit *e, unsigned reg, const struct opd *o)
{
    if (o->kind == OPD_REG) {
        asm_mov_rr(&e->s, reg, o->reg);
    } else {
        asm_rm(&e->s, OP_MOV_LOAD | X_W, reg, o->reg, o->disp);
    }
}

void load_opd(struct emit *e, unsigned reg, const struct opd *o)
{
    if (o->kind == OPD_IMM) {
        asm_mov_imm(&e->s, reg, o->imm);
    } else {
        load_memory(e, reg, o);
    }
}

void load_opd_flags(struct emit *e, unsigned reg, const struct opd *o)
{
    if (o->kind == OPD_IMM) {
        asm_mov_imm_flags(&e->s, reg, o->imm);
    } else {
        load_memory(e, reg, o);
    }
}

unsigned reg_of(struct emit *e, ir_arg arg)
{
    struct opd o = opd_of(e, arg);
    unsigned r;

    if (o.kind == OPD_REG) {
        return o.reg;
    }
    r = scratch(e);
    load_opd(e, r, &o);
    e->content[r] = ir_is_const(arg) ? IR_NONE : arg;
    return r;
}

struct opd opd_imm32(struct emit *e, ir_arg arg, unsigned w)
{
    struct opd o = opd_of(e, arg);

    if (o.kind != OPD_IMM) {
        return o;
    }
    if (!w) {
        o.imm = (uint64_t)(int32_t)o.imm;
    }
    if (o.imm != (uint64_t)(int32_t)o.imm) {
        return (struct opd){.kind = OPD_REG, .reg = (uint8_t)reg_of(e, arg)};
    }
    return o;
}

void op_opd(struct emit *e, unsigned op, unsigned reg, const struct opd *o)
{
    assert(o->kind != OPD_IMM);
    if (o->kind == OPD_REG) {
        asm_rr(&e->s, op, reg, o->reg);
    } else {
        asm_rm(&e->s, op, reg, o->reg, o->disp);
    }
}

void vex_opd(struct emit *e, unsigned op, unsigned reg, unsigned vvvv, const struct opd *o)
{
    assert(o->kind != OPD_IMM);
    if (o->kind == OPD_REG) {
        asm_vex_rr(&e->s, op, reg, vvvv, o->reg);
    } else {
        asm_vex_rm(&e->s, op, reg, vvvv, o->reg, o->disp);
    }
}

void alu_opd(struct emit *e, unsigned alu, unsigned w, unsigned reg, const struct opd *o)
{
    if (o->kind == OPD_IMM) {
        asm_alu_ri(&e->s, alu, w, reg, (int32_t)o->imm);
    } else {
        op_opd(e, (alu * 8 + 3) | w, reg, o);
    }
}

void place_args(struct emit *e, const ir_arg *args, const uint8_t *regs, unsigned n)
{
    struct opd src[4];
    unsigned pending = (1u << n) - 1;

    for (unsigned k = 0; k < n; k++) {
        src[k] = opd_of(e, args[k]);
    }
    evict_all(e);
    while (pending != 0) {
        bool moved = false;

        for (unsigned k = 0; k < n; k++) {
            bool blocked = false;

            for (unsigned m = 0; m < n; m++) {
                blocked = blocked || (m != k && (pending >> m & 1) && is_reg(&src[m], regs[k]));
            }
            if (!(pending >> k & 1) || blocked) {
                continue;
            }
            load_opd(e, regs[k], &src[k]);
            pending &= ~(1u << k);
            moved = true;
        }
        if (!moved) {
            /* A cycle: swap the first pending one into place. */
            unsigned k = ctz64(pending), from = src[k].reg;

            asm_rr(&e->s, OP_XCHG | X_W, regs[k], from);
            for (unsigned m = 0; m < n; m++) {
                if (is_reg(&src[m], regs[k])) {
                    src[m].reg = (uint8_t)from;
                } else if (is_reg(&src[m], from)) {
                    src[m].reg = regs[k];
                }
            }
        }
    }
}

static void release(struct emit *e, ir_arg arg)
{
    if (ir_is_temp(arg)) {
        forget_content(e, arg);
    }
}

static void release_dying(struct emit *e, const struct ir_insn *i)
{
    if (i->type & IR_DIES_A) {
        release(e, i->a);
    }
    if (i->type & IR_DIES_B) {
        release(e, i->b);
    }
    if (i->type & IR_DIES_C) {
        release(e, i->c);
    }
    if (i->type & IR_DIES_E) {
        release(e, i->aux);
    }
}

void finish_record(struct emit *e, const struct ir_insn *i, int res)
{
    unsigned r = (unsigned)res & 15, pin;

    if (i->type & (IR_DIES_A | IR_DIES_B | IR_DIES_C | IR_DIES_E)) {
        release_dying(e, i);
    }
    if (i->d != IR_NONE && e->content[RCX] == ARG_WINDOW && i->d == e->window.base) {
        e->content[RCX] = IR_NONE;
    }
    if (is_float(e, i->d) && res != RESULT_XMM) {
        xmm_forget(e, i->d);
    }
    if (res == RESULT_DONE || res == RESULT_XMM || i->d == IR_NONE) {
        return;
    }
    pin = pin_of(e, i->d);
    if (pin != NO_PIN) {
        if (r < 3) {
            e->content[r] = IR_NONE; /* it may have been computed over an operand's copy */
        }
        if (res & RESULT_SEXT) {
            asm_rr(&e->s, OP_MOVSXD, pin, r);
        } else {
            asm_mov_rr(&e->s, pin, r);
        }
        return;
    }
    assert(r < 3);
    if (res & RESULT_SEXT) {
        asm_rr(&e->s, OP_MOVSXD, r, r);
    }
    forget_content(e, i->d);
    e->content[r] = i->d;
    if (ir_is_temp(i->d)) {
        set_slot(e, i->d, false);
    } else {
        asm_rm(&e->s, OP_MOV_STORE | X_W, r, RBP, e->x->disp_of[i->d]);
    }
}
