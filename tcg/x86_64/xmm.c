/* SPDX-License-Identifier: MIT */
/*
 * f registers in xmm registers. Memory is always right: a definition is written through at once,
 * so whatever leaves the TB or calls C needs to save nothing, and forgetting a register is free.
 * Reads find the register, so a chain of operations never waits for memory.
 *
 * NaN-boxing: an F32 operand counts as the canonical NaN unless the high half of its f register is
 * all ones. What an F32 operation of this TB defined is; anything else is looked at once, at its
 * first use as an F32; cold code replaces the value where the check fails.
 */
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
        if (e->xmm.locked >> r & 1) {
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
    unsigned r = found >= 0 ? lock(e, (unsigned)found) : take(e);
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
    bool usable = r >= 0 && (e->xmm.kind[r] == XMM_RAW ||
                             (type == IR_F32 && e->xmm.kind[r] == XMM_SINGLE));

    return usable ? r : -1;
}

unsigned xmm_dest(struct emit *e, ir_arg g)
{
    int r = find(e, g);

    assert(is_float(e, g));
    return r >= 0 ? lock(e, (unsigned)r) : take(e);
}

void xmm_define(struct emit *e, enum ir_type type, ir_arg g, unsigned reg)
{
    int old = find(e, g);
    int32_t disp = e->x->disp_of[g];

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
