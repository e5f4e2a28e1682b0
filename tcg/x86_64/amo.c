/* SPDX-License-Identifier: MIT */
/*
 * Atomic read-modify-writes: inline on naturally aligned memory of 4 and 8 bytes, one locked
 * instruction where there is one, else a loop around cmpxchg. All else goes to the slow path. On a
 * machine with one hart the lock prefix is left out.
 */
#include "tcg/x86_64/emit.h"

/* The guest address in register va, rcx = the TLB entry; all scratch registers are evicted. */
struct access {
    unsigned va;
    uint8_t *miss;
};

/* VALUE and VALUE2 (or IR_NONE) are in no scratch register afterwards. */
static struct access begin_access(struct emit *e, const struct ir_insn *i, ir_arg value,
                                  ir_arg value2)
{
    struct opd a = opd_of(e, i->a);
    struct access x = {.va = RAX};
    struct mem_check m;
    uint8_t *from[2];

    for (unsigned r = 0; r < 3; r++) {
        if (e->content[r] != IR_NONE && (e->content[r] == value || e->content[r] == value2)) {
            evict(e, r);
        }
    }
    evict_all(e);
    if (a.kind == OPD_REG && a.reg >= 3) {
        x.va = a.reg;
    } else {
        load_opd(e, RAX, &a);
    }
    m = (struct mem_check){
        .base = x.va,
        .entry = RCX,
        .temp = RDX,
        .align_mask = (1u << (i->aux & MO_SIZE)) - 1,
        .write = true,
    };
    emit_check(e, &m, from);
    x.miss = from[0];
    return x;
}

static void call_slow(struct emit *e, const struct cold *c, const uint8_t *thunk)
{
    asm_call(&e->s, thunk);
    pcmap_add(e->ctx, (uint32_t)(e->s.p - e->start), c->pc_off);
}

static void cold_amo(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    asm_mov_rr(&e->s, RAX, c->va);
    load_opd(e, RDX, &c->value);
    if (c->op == IR_amo_cas) {
        load_opd(e, RCX, &c->value2);
    }
    asm_rm(&e->s, OP_MOV_IMM, 0, RSP, FRAME_CELL0);
    asm_u32(&e->s, (uint32_t)c->op << 8 | c->memop);
    call_slow(e, c, e->x->amo);
    asm_jmp(&e->s, c->back);
}

static unsigned lock_flag(const struct emit *e)
{
    return e->smp ? X_LOCK : 0;
}

/* A loop that replaces [rcx] by f([rcx], b): the old value ends in rax. */
static void amo_loop(struct emit *e, const struct ir_insn *i, const struct x86_op *row,
                     const struct opd *b)
{
    bool minmax = i->op >= IR_amo_mins && i->op <= IR_amo_maxu;
    unsigned w = width_of(i);
    uint8_t *loop;

    asm_rm(&e->s, OP_MOV_LOAD | w, RAX, RCX, 0);
    loop = e->s.p;
    asm_mov_rr(&e->s, RDX, RAX);
    if (minmax) {
        op_opd(e, OP_CMP | w, RDX, b);
        op_opd(e, OP_CMOV | w | row->op, RDX, b);
    } else {
        alu_opd(e, row->op, w, RDX, b);
    }
    asm_rm(&e->s, OP_CMPXCHG | w | lock_flag(e), RDX, RCX, 0);
    asm_jcc(&e->s, CC_NE, loop);
}

/* One instruction where there is one; [rcx] is the place. B is outside scratch registers. */
static void amo_body(struct emit *e, const struct ir_insn *i, const struct x86_op *row,
                     struct opd *b)
{
    unsigned w = width_of(i);

    if (i->op == IR_amo_swap || i->op == IR_amo_add) {
        load_opd(e, RAX, b);
        if (i->op == IR_amo_add) {
            asm_rm(&e->s, OP_XADD | w | lock_flag(e), RAX, RCX, 0);
        } else {
            asm_rm(&e->s, OP_XCHG | w, RAX, RCX, 0);
        }
        return;
    }
    if (i->d == IR_NONE && i->op >= IR_amo_and && i->op <= IR_amo_xor) {
        load_opd(e, RDX, b);
        asm_rm(&e->s, (row->op * 8 + 3 + OP_STORE_FORM) | w | lock_flag(e), RDX, RCX, 0);
        return;
    }
    amo_loop(e, i, row, b);
}

/* rcx = host address. */
static void amo_address(struct emit *e, const struct access *x)
{
    asm_rm(&e->s, OP_MOV_LOAD | X_W, RCX, RCX, e->lay->tlb_addend);
    asm_rr(&e->s, OP_ADD | X_W, RCX, x->va);
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

static struct cold *amo_cold(struct emit *e, const struct ir_insn *i, const struct access *x,
                             struct opd b)
{
    struct cold *c = cold_new(e, cold_amo, x->miss);

    c->op = i->op;
    c->memop = i->aux & 15;
    c->va = (uint8_t)x->va;
    c->value = b;
    return c;
}

/* Sizes below 4 always go to the slow path. */
static bool amo_is_inline(const struct ir_insn *i)
{
    return (i->aux & MO_SIZE) >= MO_32;
}

static int amo_result(const struct ir_insn *i)
{
    return i->d == IR_NONE ? RESULT_DONE : result(i, RAX);
}

int emit_amo(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd b = opd_of(e, i->b);
    struct access x;
    struct cold *c;

    xmm_forget_all(e);
    if (b.kind == OPD_IMM) {
        b = constant_in_cell(e, b);
    }
    x = begin_access(e, i, i->b, IR_NONE);
    if (b.kind != OPD_MEM || b.reg != RSP || b.disp != FRAME_CELL1) {
        b = opd_of(e, i->b);
    }
    c = amo_cold(e, i, &x, b);
    if (amo_is_inline(i)) {
        amo_address(e, &x);
        amo_body(e, i, row, &b);
    } else {
        uint8_t *always = asm_jmp_later(&e->s);
        struct cold *again = cold_new(e, c->emit, always);

        *again = *c;
        again->from = always;
        again->back = e->s.p;
    }
    c->back = e->s.p;
    return amo_result(i);
}

/* d = old; if old == b, memory = c. */
int emit_amo_cas(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct access x = begin_access(e, i, i->b, i->c);
    struct opd expected = opd_of(e, i->b), desired = opd_of(e, i->c);
    struct cold *c = amo_cold(e, i, &x, desired);

    (void)row;
    xmm_forget_all(e);
    c->value2 = expected;
    if (amo_is_inline(i)) {
        amo_address(e, &x);
        load_opd(e, RAX, &expected);
        load_opd(e, RDX, &desired);
        asm_rm(&e->s, OP_CMPXCHG | width_of(i) | lock_flag(e), RDX, RCX, 0);
    } else {
        uint8_t *always = asm_jmp_later(&e->s);
        struct cold *again = cold_new(e, c->emit, always);

        *again = *c;
        again->from = always;
        again->back = e->s.p;
    }
    c->back = e->s.p;
    return amo_result(i);
}
