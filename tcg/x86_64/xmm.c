/* SPDX-License-Identifier: MIT */
/*
 * f registers in xmm registers. Memory is always right: a definition is written through at once,
 * so whatever leaves the TB or calls C needs to save nothing, and forgetting a register is free.
 * Reads find the register, so a chain of operations never waits for memory.
 *
 * NaN-boxing: an F32 operand counts as the canonical NaN unless the high half of its f register is
 * all ones. What an F32 operation of this TB defined is; anything else is looked at once, at its
 * first use as an F32; cold code replaces the value where the check fails.
 *
 * Loops. Registers do not survive a TB's end, but a TB that branches to its own head keeps those
 * that it reads first in fixed xmm registers, so that a sum that runs through the loop does not
 * wait for memory either.
 *
 * Late registers. If all that such a TB does to f registers is arithmetic, moves, loads and stores
 * of F64, and it has no more of them than there are xmm registers, each has a fixed one, and most
 * of those that it writes are late: their memory is written only on ways out of the fast path that
 * let it be seen (slow paths of loads and stores, which may fault; operations done outside; polls;
 * exits), all of which know which they are, as they are the same everywhere in the TB. Not late is
 * what an FMA both reads and writes: its operands, if the result is a NaN, are read from memory.
 */
#include "hw/host/cpu-features.h"
#include "tcg/x86_64/emit.h"

static bool is_boxed(const struct emit *e, ir_arg g)
{
    return (e->xmm.boxed[g / 64] >> (g % 64) & 1) != 0;
}

static void set_boxed(struct emit *e, ir_arg g, bool boxed)
{
    uint64_t bit = UINT64_C(1) << (g % 64);

    e->xmm.boxed[g / 64] = boxed ? e->xmm.boxed[g / 64] | bit : e->xmm.boxed[g / 64] & ~bit;
}

static int find(const struct emit *e, ir_arg g)
{
    for (unsigned r = FIRST_XMM; r < 16; r++) {
        if (e->xmm.content[r] == g) {
            return (int)r;
        }
    }
    return -1;
}

static unsigned lock(struct emit *e, unsigned r)
{
    e->xmm.locked |= (uint16_t)(1u << r);
    e->xmm.used[r] = ++e->xmm.clock;
    return r;
}

/* An empty register, or the one that was used longest ago. */
static unsigned take(struct emit *e)
{
    unsigned best = 0;

    for (unsigned r = FIRST_XMM; r < 16; r++) {
        if ((e->xmm.locked | e->xmm.fixed) >> r & 1) {
            continue;
        }
        if (e->xmm.content[r] == IR_NONE) {
            best = r;
            break;
        }
        if (best == 0 || e->xmm.used[r] < e->xmm.used[best]) {
            best = r;
        }
    }
    assert(best != 0);
    e->xmm.content[best] = IR_NONE;
    return lock(e, best);
}

/* Where G comes to lie that is nowhere yet. */
static unsigned place(struct emit *e, ir_arg g)
{
    for (unsigned k = 0; k < e->nloop; k++) {
        if (e->loop[k].g == g) {
            return lock(e, e->loop[k].xmm);
        }
    }
    return take(e);
}

static void cold_unbox(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    asm_sse_rip(&e->s, e->vex, SSE_SS | SSE_LOAD, c->dest, 0,
                fp_constant(e, offsetof(struct fp_constants, nan32)));
    asm_jmp(&e->s, c->back);
}

/* R has the low half of G: makes an F32 operand of it. */
static void unbox(struct emit *e, ir_arg g, unsigned r)
{
    struct cold *c;

    if (is_boxed(e, g)) {
        e->xmm.kind[r] = XMM_SINGLE;
        return;
    }
    asm_alu_mi(&e->s, ALU_CMP, 0, RBP, e->x->disp_of[g] + 4, -1);
    c = cold_new(e, cold_unbox, asm_jcc_later(&e->s, CC_NE));
    c->dest = (uint8_t)r;
    c->back = e->s.p;
    e->xmm.kind[r] = XMM_UNBOXED;
}

unsigned xmm_of(struct emit *e, enum ir_type type, ir_arg g)
{
    int found = find(e, g);
    unsigned r = found >= 0 ? lock(e, (unsigned)found) : place(e, g);
    bool raw = found >= 0 && e->xmm.kind[r] == XMM_RAW;

    assert(is_float(e, g));
    if (type == IR_F32) {
        if (found >= 0 && !raw) {
            return r;
        }
        if (found < 0) {
            asm_sse_rm(&e->s, e->vex, SSE_SS | SSE_LOAD, r, 0, RBP, e->x->disp_of[g]);
        }
        unbox(e, g, r);
    } else if (!raw) {
        asm_sse_rm(&e->s, e->vex, SSE_SD | SSE_LOAD, r, 0, RBP, e->x->disp_of[g]);
        e->xmm.kind[r] = XMM_RAW;
    }
    e->xmm.content[r] = g;
    return r;
}

int xmm_cached(const struct emit *e, enum ir_type type, ir_arg g)
{
    int r = find(e, g);
    bool usable =
        r >= 0 && (e->xmm.kind[r] == XMM_RAW || (type == IR_F32 && e->xmm.kind[r] == XMM_SINGLE));

    return usable ? r : -1;
}

unsigned xmm_dest(struct emit *e, ir_arg g)
{
    int r = find(e, g);

    assert(is_float(e, g));
    return r >= 0 ? lock(e, (unsigned)r) : place(e, g);
}

static bool is_late(const struct emit *e, ir_arg g)
{
    for (unsigned k = 0; k < e->nlate; k++) {
        if (e->loop[k].g == g) {
            return e->loop[k].late;
        }
    }
    return false;
}

void xmm_define(struct emit *e, enum ir_type type, ir_arg g, unsigned reg)
{
    int old = find(e, g);
    int32_t disp = e->x->disp_of[g];

    if (is_late(e, g)) {
        assert(type == IR_F64 && (unsigned)old == reg);
        return;
    }

    if (old >= 0) {
        e->xmm.content[old] = IR_NONE;
    }
    forget_content(e, g);
    asm_sse_rm(&e->s, e->vex, sse_type(type) | SSE_STORE, reg, 0, RBP, disp);
    if (type == IR_F32 && !is_boxed(e, g)) {
        asm_rm(&e->s, OP_MOV_IMM, 0, RBP, disp + 4);
        asm_u32(&e->s, UINT32_MAX);
    }
    set_boxed(e, g, type == IR_F32);
    e->xmm.content[reg] = g;
    e->xmm.kind[reg] = type == IR_F32 ? XMM_SINGLE : XMM_RAW;
}

void xmm_forget(struct emit *e, ir_arg g)
{
    int r = find(e, g);

    if (r >= 0) {
        e->xmm.content[r] = IR_NONE;
    }
    set_boxed(e, g, false);
}

void xmm_forget_all(struct emit *e)
{
    memset(e->xmm.content, 0, sizeof(e->xmm.content));
    memset(e->xmm.boxed, 0, sizeof(e->xmm.boxed));
}

bool xmm_any(const struct emit *e)
{
    for (unsigned r = FIRST_XMM; r < 16; r++) {
        if (e->xmm.content[r] != IR_NONE) {
            return true;
        }
    }
    return false;
}

/* ---- loops --------------------------------------------------------------------------------- */

static bool is_loop(const struct emit *e)
{
    for (unsigned k = 0; k < e->ctx->nopt; k++) {
        const struct ir_insn *i = &e->ctx->opt[k];

        if ((i->op == IR_goto_tb || i->op == IR_brcond_exit) && is_own_head(e, i->imm)) {
            return true;
        }
    }
    return false;
}

/* Types in which a record reads its float operands. */
static enum ir_type read_type(const struct ir_insn *i)
{
    if (i->op == IR_fcvt_f) {
        return ir_type_of(i) == IR_F32 ? IR_F64 : IR_F32;
    }
    return ir_type_of(i);
}

struct seen {
    uint64_t w[IR_TEMP0 / 64]; /* by ir_arg: read or written in the TB */
};

static bool see(struct seen *s, ir_arg g)
{
    uint64_t bit = UINT64_C(1) << (g % 64);
    bool first = !(s->w[g / 64] & bit);

    s->w[g / 64] |= bit;
    return first;
}

static void plan_reads(struct emit *e, struct seen *s, const struct ir_insn *i)
{
    const ir_arg args[3] = {i->a, i->b, i->c};

    for (unsigned k = 0; k < 3 && e->nloop < MAX_LOOP_READS; k++) {
        if (is_float(e, args[k]) && see(s, args[k])) {
            unsigned xmm = FIRST_XMM + e->nloop;

            e->loop[e->nloop++] =
                (struct loop_register){args[k], (uint8_t)read_type(i), (uint8_t)xmm, false};
            e->xmm.fixed |= (uint16_t)(1u << xmm);
        }
    }
}

/* True if the record I leaves late registers alone, or uses them as F64, inside. */
static bool allows_late(const struct emit *e, const struct ir_insn *i)
{
    bool floats = is_float(e, i->a) || is_float(e, i->b) || is_float(e, i->d);

    switch (i->op) {
    case IR_insn_start:
    case IR_brcond_exit:
    case IR_goto_tb:
    case IR_goto_page:
    case IR_goto_ptr:
    case IR_exit_loop:
        return true;
    case IR_ld:
    case IR_st:
        return !floats || ((i->aux & MO_SIZE) == MO_64 && ir_type_of(i) == IR_F64);
    case IR_i2f:
    case IR_f2i:
        return ir_type_of(i) == IR_F64;
    case IR_fcvt_f:
    case IR_fp_save:
    case IR_fp_load:
        return false;
    default:
        break;
    }
    if (ir_is_fp(i->op)) {
        return ir_type_of(i) == IR_F64 && i->aux != IR_RM_RMM;
    }
    return i->op >= IR_mov && !floats && !(ir_op_info[i->op].flags & OPF_SIDE);
}

/* G's place among the loop's registers, of which it becomes one; false if there is none left. */
static bool plan_register(struct emit *e, ir_arg g, struct loop_register **out)
{
    unsigned k = 0, xmm;

    while (k < e->nloop && e->loop[k].g != g) {
        k++;
    }
    if (k == MAX_LOOP_REGISTERS) {
        return false;
    }
    if (k == e->nloop) {
        xmm = FIRST_XMM + e->nloop++;
        e->loop[k] = (struct loop_register){g, IR_F64, (uint8_t)xmm, false};
        e->xmm.fixed |= (uint16_t)(1u << xmm);
    }
    *out = &e->loop[k];
    return true;
}

/* Adds the f registers of I. Which are late is known when all records have been seen. */
static bool plan_late(struct emit *e, const struct ir_insn *i, struct seen *not_late)
{
    const ir_arg args[4] = {i->a, i->b, i->c, i->d};
    bool fma = i->op >= IR_fmadd && i->op <= IR_fnmadd;
    struct loop_register *r;

    for (unsigned k = 0; k < 4; k++) {
        if (!is_float(e, args[k])) {
            continue;
        }
        if (!plan_register(e, args[k], &r)) {
            return false;
        }
        r->late |= k == 3;
        if (fma && k < 3 && args[k] == i->d) {
            see(not_late, i->d);
        }
    }
    return true;
}

/* False: there can be no late registers. */
static bool plan_loop_late(struct emit *e)
{
    struct seen not_late = {{0}};
    bool any = false;

    if (!e->vex || !(e->x->features & HOST_FMA) || !(e->x->features & HOST_SSE4_1)) {
        return false;
    }
    for (unsigned k = 0; k < e->ctx->nopt; k++) {
        const struct ir_insn *i = &e->ctx->opt[k];

        if (!allows_late(e, i) || !plan_late(e, i, &not_late)) {
            return false;
        }
    }
    for (unsigned k = 0; k < e->nloop; k++) {
        e->loop[k].late = e->loop[k].late && see(&not_late, e->loop[k].g);
        any |= e->loop[k].late;
    }
    e->nlate = any ? e->nloop : 0;
    return any;
}

void xmm_write_late(struct emit *e)
{
    for (unsigned k = 0; k < e->nlate; k++) {
        if (e->loop[k].late) {
            asm_sse_rm(&e->s, e->vex, SSE_SD | SSE_STORE, e->loop[k].xmm, 0, RBP,
                       e->x->disp_of[e->loop[k].g]);
        }
    }
}

void xmm_plan_loop(struct emit *e)
{
    struct seen seen = {{0}};

    e->nloop = e->nlate = 0;
    e->xmm.fixed = 0;
    if (e->fpu_outside || !is_loop(e) || plan_loop_late(e)) {
        return;
    }
    e->nloop = 0;
    e->xmm.fixed = 0;
    for (unsigned k = 0; k < e->ctx->nopt; k++) {
        const struct ir_insn *i = &e->ctx->opt[k];

        if (ir_is_fp(i->op)) {
            plan_reads(e, &seen, i);
        }
        if (is_float(e, i->d)) {
            see(&seen, i->d);
        }
    }
}

void xmm_close_loop(struct emit *e)
{
    for (unsigned k = 0; k < e->nloop; k++) {
        xmm_of(e, (enum ir_type)e->loop[k].type, e->loop[k].g);
    }
}

void xmm_enter_loop(struct emit *e)
{
    xmm_close_loop(e);
    memset(e->xmm.boxed, 0, sizeof(e->xmm.boxed));
}
