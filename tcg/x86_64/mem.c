/* SPDX-License-Identifier: MIT */
/*
 * Guest memory accesses: one function (emit_check) emits the TLB check of all of them. On the
 * fast path nothing is called; a miss jumps to a stub behind the TB's body that calls a shared
 * thunk (see thunks.c for its registers) and comes back.
 *
 * A tag holds the page's address, or has low bits set that make every compare fail. For normal
 * accesses the compared address is that of the last byte: a page-crossing access belongs to
 * another page than its entry's index, and misses. MO_ALIGNED keeps the alignment bits in the
 * comparison instead.
 */
#include "hw/host/cpu-features.h"
#include "tcg/x86_64/emit.h"

/* The guest address in a register, and the displacement that jumps to the slow path. */
struct access {
    unsigned va;
    uint8_t *miss;
};

/*
 * rcx = the TLB entry; rdx is overwritten. All scratch registers are evicted; VALUE (or IR_NONE)
 * is in no scratch register.
 */
static struct access emit_check(struct emit *e, const struct ir_insn *i, int32_t tag, ir_arg value,
                                ir_arg value2)
{
    const struct tcg_layout *lay = e->lay;
    unsigned size = 1u << (i->aux & MO_SIZE), shift = 12 - lay->tlb_entry_bits;
    uint32_t mask = ((1u << lay->tlb_index_bits) - 1) << lay->tlb_entry_bits;
    struct access x = {.va = RAX};
    struct opd a;

    for (unsigned r = 0; r < 3; r++) {
        if (e->content[r] != IR_NONE && (e->content[r] == value || e->content[r] == value2)) {
            ir_arg arg = e->content[r];
            struct opd o;

            evict(e, r);
            o = opd_of(e, arg);
            if (arg == i->a && o.kind != OPD_REG) {
                e->content[r] = arg; /* the address may still be read here */
            }
        }
    }
    a = opd_of(e, i->a);
    evict_all(e);
    if (a.kind == OPD_REG && a.reg >= 3 && i->imm == 0) {
        x.va = a.reg;
    } else if (a.kind == OPD_REG && i->imm != 0) {
        asm_rm(&e->s, OP_LEA | X_W, RAX, a.reg, i->imm);
    } else if (a.kind == OPD_IMM) {
        asm_mov_imm(&e->s, RAX, a.imm + (uint64_t)(int64_t)i->imm);
    } else {
        load_opd(e, RAX, &a);
        if (i->imm != 0) {
            asm_alu_ri(&e->s, ALU_ADD, X_W, RAX, i->imm);
        }
    }
    if (e->x->features & HOST_BMI2) {
        asm_vex_rr(&e->s, OP_RORX, RCX, 0, x.va);
        asm_u8(&e->s, shift);
    } else {
        asm_rr(&e->s, OP_MOV_LOAD, RCX, x.va);
        asm_shift_imm(&e->s, SHIFT_SHR, 0, RCX, shift);
    }
    asm_alu_ri(&e->s, ALU_AND, 0, RCX, (int32_t)mask);
    asm_rm(&e->s, OP_ADD | X_W, RCX, RBP, env_disp(e, lay->tlb));
    if (size == 1 || (i->aux & MO_ALIGNED)) {
        asm_mov_rr(&e->s, RDX, x.va);
        asm_alu_ri(&e->s, ALU_AND, X_W, RDX, -4096 | (int32_t)(size - 1));
    } else {
        asm_rm(&e->s, OP_LEA | X_W, RDX, x.va, (int32_t)size - 1);
        asm_alu_ri(&e->s, ALU_AND, X_W, RDX, -4096);
    }
    asm_rm(&e->s, OP_CMP | X_W, RDX, RCX, tag);
    x.miss = asm_jcc_later(&e->s, CC_NE);
    return x;
}

static void call_slow(struct emit *e, const struct cold *c, const uint8_t *thunk)
{
    asm_call(&e->s, thunk);
    pcmap_add(e->ctx, (uint32_t)(e->s.p - e->start), c->pc_off);
}

static void cold_ld(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    asm_mov_rr(&e->s, RAX, c->va);
    call_slow(e, c, e->x->load[c->memop]);
    asm_mov_rr(&e->s, c->dest, RAX);
    asm_jmp(&e->s, c->back);
}

int emit_ld(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    static const uint32_t ops[8] = {OP_MOVZX8, OP_MOVZX16, OP_MOV_LOAD, OP_MOV_LOAD | X_W,
                                    OP_MOVSX8, OP_MOVSX16, OP_MOVSXD,   OP_MOV_LOAD | X_W};
    struct access x = emit_check(e, i, e->lay->tlb_tag_read, IR_NONE, IR_NONE);
    struct cold *c = cold_new(e, cold_ld, x.miss);
    unsigned r = i->d != IR_NONE && pin_of(e, i->d) != NO_PIN ? pin_of(e, i->d) : RAX;

    (void)row;
    asm_rm(&e->s, OP_MOV_LOAD | X_W, RCX, RCX, e->lay->tlb_addend);
    asm_rmx(&e->s, ops[i->aux & 7], r, RCX, x.va, 0, 0);
    c->va = (uint8_t)x.va;
    c->dest = (uint8_t)r;
    c->memop = i->aux & 15;
    c->back = e->s.p;
    if (ir_type_of(i) == IR_F32) {
        asm_mov_imm(&e->s, RCX, UINT64_C(0xffffffff00000000));
        asm_rr(&e->s, OP_OR | X_W, r, RCX);
    }
    return (int)r;
}

static void cold_st(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    asm_mov_rr(&e->s, RAX, c->va);
    load_opd(e, RDX, &c->value);
    call_slow(e, c, e->x->store[c->memop]);
    asm_jmp(&e->s, c->back);
}

static void store_value(struct emit *e, unsigned size, const struct opd *b, unsigned va)
{
    static const uint32_t ops[4] = {OP_MOV_STORE8, OP_MOV_STORE16, OP_MOV_STORE,
                                    OP_MOV_STORE | X_W};
    static const uint32_t imm_ops[4] = {OP_MOV_IMM8, OP_MOV_IMM | X_66, OP_MOV_IMM,
                                        OP_MOV_IMM | X_W};
    unsigned reg = b->reg;

    if (b->kind == OPD_IMM && (size != MO_64 || b->imm == (uint64_t)(int32_t)b->imm)) {
        asm_rmx(&e->s, imm_ops[size], 0, RCX, va, 0, 0);
        for (unsigned k = 0; k < (size == MO_64 ? 4u : 1u << size); k++) {
            asm_u8(&e->s, (uint8_t)(b->imm >> (8 * k)));
        }
        return;
    }
    if (b->kind != OPD_REG) {
        load_opd(e, RDX, b);
        reg = RDX;
    }
    asm_rmx(&e->s, ops[size], reg, RCX, va, 0, 0);
}

int emit_st(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct access x = emit_check(e, i, e->lay->tlb_tag_write, i->b, IR_NONE);
    struct cold *c = cold_new(e, cold_st, x.miss);

    (void)row;
    c->value = opd_of(e, i->b);
    c->va = (uint8_t)x.va;
    c->memop = i->aux & 15;
    asm_rm(&e->s, OP_MOV_LOAD | X_W, RCX, RCX, e->lay->tlb_addend);
    store_value(e, i->aux & MO_SIZE, &c->value, x.va);
    c->back = e->s.p;
    return RESULT_DONE;
}

/* ---- atomics ------------------------------------------------------------------------------- */

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

    if (b.kind == OPD_IMM) {
        b = constant_in_cell(e, b);
    }
    x = emit_check(e, i, e->lay->tlb_tag_write, i->b, IR_NONE);
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
    struct access x = emit_check(e, i, e->lay->tlb_tag_write, i->b, i->c);
    struct opd expected = opd_of(e, i->b), desired = opd_of(e, i->c);
    struct cold *c = amo_cold(e, i, &x, desired);

    (void)row;
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
