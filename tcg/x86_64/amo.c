/* SPDX-License-Identifier: MIT */
/*
 * Atomic read-modify-writes: inline on naturally aligned memory of 4 and 8 bytes, one locked
 * instruction where there is one, else a loop around cmpxchg. All else goes to the slow path. On a
 * machine with one hart, where nothing can come between, they are loads and stores.
 *
 * The TLB check is of the write tag alone: what may be written may be read. Atomics off one
 * register, such as an LR and the SC that it is fused with, share it (mem.c, windows).
 */
#include "tcg/x86_64/emit.h"

/* The guest address in register va, and the host addend in rcx. */
struct access {
    unsigned va;
    bool indexed; /* the host address is rcx + va; else it is rcx */
    uint8_t *miss;
};

/* An instruction on the place. */
static void amo_rm(struct emit *e, unsigned op, unsigned reg, const struct access *x)
{
    if (x->indexed) {
        asm_rmx(&e->s, op, reg, RCX, x->va, 0, 0);
    } else {
        asm_rm(&e->s, op, reg, RCX, 0);
    }
}

static void check(struct emit *e, const struct ir_insn *i, struct access *x)
{
    const struct mem_check m = {
        .base = x->va,
        .entry = RCX,
        .temp = RDX,
        .align_mask = (1u << (i->aux & MO_SIZE)) - 1,
        .write = true,
    };
    uint8_t *from[2];

    emit_check(e, &m, from);
    x->miss = from[0];
    asm_rm(&e->s, OP_MOV_LOAD | X_W, RCX, RCX, e->lay->tlb_addend);
    if (!x->indexed) {
        asm_rr(&e->s, OP_ADD | X_W, RCX, x->va);
    }
}

/*
 * Everything before the access itself, which may overwrite rax and rdx. All scratch registers are
 * evicted, but a window in rcx that covers the access; operands that die may still be read there.
 */
static struct access begin_access(struct emit *e, const struct ir_insn *i)
{
    struct opd a = opd_of(e, i->a);
    bool home = a.kind == OPD_REG && a.reg >= 3, member = home && mem_in_window(e, i);
    struct access x = {.va = home ? a.reg : RAX, .indexed = home};
    struct window plan;

    evict_for_access(e, member);
    if (member) {
        asm_rr(&e->s, OP_TEST | X_W, RCX, RCX);
        x.miss = asm_jcc_later(&e->s, CC_E);
        return x;
    }
    if (!home) {
        load_opd(e, RAX, &a);
    }
    check(e, i, &x);
    if (home && mem_plan_window(e, i, &plan)) {
        e->content[RCX] = ARG_WINDOW;
        e->window = plan;
    }
    return x;
}

static void call_slow(struct emit *e, const struct cold *c)
{
    asm_rm(&e->s, OP_MOV_IMM, 0, RSP, FRAME_CELL0);
    asm_u32(&e->s, (uint32_t)c->op << 8 | c->memop);
    asm_call(&e->s, e->x->amo);
    pcmap_add(e->ctx, (uint32_t)(e->s.p - e->start), c->pc_off);
    asm_mov_rr(&e->s, c->dest, RAX);
    asm_jmp(&e->s, c->back);
}

static void cold_amo(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    asm_mov_rr(&e->s, RAX, c->va);
    load_opd(e, RDX, &c->value);
    call_slow(e, c);
}

/* What is expected may be in rax. */
static void cold_sc(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    load_opd(e, RCX, &c->value2);
    asm_mov_rr(&e->s, RAX, c->va);
    load_opd(e, RDX, &c->value);
    call_slow(e, c);
}

static struct cold *slow_amo(struct emit *e, const struct ir_insn *i, const struct access *x,
                             void (*stub)(struct emit *e, const struct cold *c), struct opd value)
{
    struct cold *c = cold_new(e, stub, x->miss);

    c->op = i->op;
    c->memop = i->aux & 15;
    c->va = (uint8_t)x->va;
    c->value = value;
    return c;
}

/* Sizes below 4 always go to the slow path, behind the check. */
static bool amo_is_inline(const struct ir_insn *i)
{
    return (i->aux & MO_SIZE) >= MO_32;
}

static void always_slow(struct emit *e, const struct cold *c)
{
    uint8_t *always = asm_jmp_later(&e->s);
    struct cold *again = cold_new(e, c->emit, always);

    *again = *c;
    again->from = always;
    again->back = e->s.p;
}

/* ---- AMO ----------------------------------------------------------------------------------- */

/* rdx = f(rax, b) */
static void compute(struct emit *e, const struct ir_insn *i, const struct x86_op *row,
                    const struct opd *b)
{
    unsigned w = width_of(i);

    if (i->op == IR_amo_swap) {
        load_opd(e, RDX, b);
        return;
    }
    asm_mov_rr(&e->s, RDX, RAX);
    if (i->op >= IR_amo_mins && i->op <= IR_amo_maxu) {
        op_opd(e, OP_CMP | w, RDX, b);
        op_opd(e, OP_CMOV | w | row->op, RDX, b);
    } else {
        alu_opd(e, row->op, w, RDX, b);
    }
}

/* Replaces the place's content by f of it and b: the old value ends in rax. */
static void amo_by_steps(struct emit *e, const struct ir_insn *i, const struct x86_op *row,
                         const struct access *x, const struct opd *b)
{
    unsigned w = width_of(i);
    uint8_t *loop;

    amo_rm(e, OP_MOV_LOAD | w, RAX, x);
    loop = e->s.p;
    compute(e, i, row, b);
    if (e->smp) {
        amo_rm(e, OP_CMPXCHG | w | X_LOCK, RDX, x);
        asm_jcc(&e->s, CC_NE, loop);
    } else {
        amo_rm(e, OP_MOV_STORE | w, RDX, x);
    }
}

/* B is outside scratch registers. */
static void amo_body(struct emit *e, const struct ir_insn *i, const struct x86_op *row,
                     const struct access *x, const struct opd *b)
{
    unsigned w = width_of(i);

    if (i->d == IR_NONE && i->op >= IR_amo_add && i->op <= IR_amo_xor) {
        load_opd(e, RDX, b);
        amo_rm(e, (row->op * 8 + 3 + OP_STORE_FORM) | w | (e->smp ? X_LOCK : 0), RDX, x);
    } else if (e->smp && i->op == IR_amo_swap) {
        load_opd(e, RAX, b);
        amo_rm(e, OP_XCHG | w, RAX, x);
    } else if (e->smp && i->op == IR_amo_add) {
        load_opd(e, RAX, b);
        amo_rm(e, OP_XADD | w | X_LOCK, RAX, x);
    } else {
        amo_by_steps(e, i, row, x, b);
    }
}

static struct opd constant_in_cell(struct emit *e, struct opd o)
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

/* ARG in its home, in memory, or a constant; it is in no scratch register any more. */
static struct opd outside_scratch(struct emit *e, ir_arg arg)
{
    struct opd o = opd_of(e, arg);

    if (o.kind == OPD_REG && o.reg < 3) {
        evict(e, o.reg);
        o = opd_of(e, arg);
    }
    return o;
}

int emit_amo(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd b = constant_in_cell(e, outside_scratch(e, i->b));
    struct access x = begin_access(e, i);
    struct cold *c = slow_amo(e, i, &x, cold_amo, b);

    xmm_forget_all(e);
    c->dest = RAX;
    if (amo_is_inline(i)) {
        amo_body(e, i, row, &x, &b);
    } else {
        always_slow(e, c);
    }
    c->back = e->s.p;
    return i->d == IR_NONE ? RESULT_DONE : result(i, RAX);
}

/* ---- SC ------------------------------------------------------------------------------------ */

static void cold_sc_fails(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    asm_mov_imm(&e->s, c->dest, 1);
    asm_jmp(&e->s, c->back);
}

/* One hart: R = 0, or 1 by cold code. */
static void sc_alone(struct emit *e, const struct ir_insn *i, const struct access *x, unsigned r,
                     const struct opd *expected, const struct opd *desired)
{
    unsigned w = width_of(i), value = RDX;
    struct cold *fails;

    load_opd(e, RAX, expected);
    amo_rm(e, OP_CMP | w, RAX, x);
    fails = cold_new(e, cold_sc_fails, asm_jcc_later(&e->s, CC_NE));
    fails->dest = (uint8_t)r;
    if (desired->kind == OPD_REG) {
        value = desired->reg;
    } else {
        load_opd(e, RDX, desired);
    }
    amo_rm(e, OP_MOV_STORE | w, value, x);
    asm_mov_imm(&e->s, r, 0);
    fails->back = e->s.p;
}

static void sc_locked(struct emit *e, const struct ir_insn *i, const struct access *x, unsigned r,
                      const struct opd *expected, const struct opd *desired)
{
    unsigned value = RDX;

    load_opd(e, RAX, expected);
    if (desired->kind == OPD_REG) {
        value = desired->reg;
    } else {
        load_opd(e, RDX, desired);
    }
    amo_rm(e, OP_CMPXCHG | width_of(i) | X_LOCK, value, x);
    asm_rr(&e->s, OP_SETCC | CC_NE, 0, RAX);
    asm_rr(&e->s, OP_MOVZX8, r, RAX);
}

/*
 * Where the operands are: not in scratch registers, or expected in rax and desired in rdx, which
 * the check overwrites. (The check of an address that is not in its home overwrites rax too.)
 */
static void place_operands(struct emit *e, const struct ir_insn *i, struct opd *expected,
                           struct opd *desired)
{
    bool home = pin_of(e, i->a) != NO_PIN, member = home && mem_in_window(e, i);
    struct opd rax = {.kind = OPD_REG, .reg = RAX}, rdx = {.kind = OPD_REG, .reg = RDX};

    *desired = member ? opd_of(e, i->c) : outside_scratch(e, i->c);
    *expected = home ? opd_of(e, i->b) : outside_scratch(e, i->b);
    if (is_reg(desired, RAX) && is_reg(expected, RDX)) {
        ir_arg was = e->content[RAX];

        asm_rr(&e->s, OP_XCHG | X_W, RAX, RDX);
        e->content[RAX] = e->content[RDX];
        e->content[RDX] = was;
        *expected = rax;
        *desired = rdx;
        return;
    }
    if (is_reg(desired, RAX)) {
        evict(e, RDX);
        asm_mov_rr(&e->s, RDX, RAX);
        *desired = rdx;
    }
    if (expected->kind == OPD_REG && expected->reg < 3 && expected->reg != RAX) {
        evict(e, RAX);
        asm_mov_rr(&e->s, RAX, expected->reg);
        *expected = rax;
    }
}

int emit_sc(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned r = i->d != IR_NONE && pin_of(e, i->d) != NO_PIN ? pin_of(e, i->d) : RAX;
    struct opd expected, desired;
    struct access x;
    struct cold *c;

    (void)row;
    place_operands(e, i, &expected, &desired);
    x = begin_access(e, i);
    xmm_forget_all(e);
    c = slow_amo(e, i, &x, cold_sc, desired);
    c->value2 = expected;
    c->dest = (uint8_t)r;
    if (amo_is_inline(i)) {
        (e->smp ? sc_locked : sc_alone)(e, i, &x, r, &expected, &desired);
    } else {
        always_slow(e, c);
    }
    c->back = e->s.p;
    return i->d == IR_NONE ? RESULT_DONE : (int)r;
}
