/* SPDX-License-Identifier: MIT */
/*
 * Loads, stores, atomics and cache-block operations. A load into x0 still accesses memory, and
 * may fault.
 *
 * LR/SC: when only register work stands between an LR and an SC of the same size through the same
 * unmodified register, and both land in this TB, the pair becomes a load and an amo_sc:
 * if memory still holds what LR read, doing all of it at the moment of the SC gives the same
 * result. What LR read is still in its register then, or else in the hart's reservation, which LR
 * marks as not standing, so that an SC that is reached some other way (after a trap) fails. Every
 * other LR and SC is a helper's.
 */
#include "target-riscv/translate.h"

#define LRSC_WINDOW   64 /* bytes: a constrained loop is 16 instructions in sequence */
#define LRSC_BRANCHES 4  /* between a fused LR and its SC, at most */

/* ---- loads and stores ------------------------------------------------------------------- */

static bool gen_load(struct dis *d, const struct insn *i, unsigned memop)
{
    ir_ld(d->ctx, IR_I64, gpr_dest(d, i->rd), gpr(d, i->rs1), i->imm, memop | d->align);
    return true;
}

static bool gen_store(struct dis *d, const struct insn *i, unsigned memop)
{
    ir_st(d->ctx, IR_I64, gpr(d, i->rs2), gpr(d, i->rs1), i->imm, memop | d->align);
    return true;
}

bool trans_lb(struct dis *d, const struct insn *i)
{
    return gen_load(d, i, MO_8 | MO_SIGN);
}

bool trans_lh(struct dis *d, const struct insn *i)
{
    return gen_load(d, i, MO_16 | MO_SIGN);
}

bool trans_lw(struct dis *d, const struct insn *i)
{
    return gen_load(d, i, MO_32 | MO_SIGN);
}

bool trans_ld(struct dis *d, const struct insn *i)
{
    return gen_load(d, i, MO_64);
}

bool trans_lbu(struct dis *d, const struct insn *i)
{
    return gen_load(d, i, MO_8);
}

bool trans_lhu(struct dis *d, const struct insn *i)
{
    return gen_load(d, i, MO_16);
}

bool trans_lwu(struct dis *d, const struct insn *i)
{
    return gen_load(d, i, MO_32);
}

bool trans_sb(struct dis *d, const struct insn *i)
{
    return gen_store(d, i, MO_8);
}

bool trans_sh(struct dis *d, const struct insn *i)
{
    return gen_store(d, i, MO_16);
}

bool trans_sw(struct dis *d, const struct insn *i)
{
    return gen_store(d, i, MO_32);
}

bool trans_sd(struct dis *d, const struct insn *i)
{
    return gen_store(d, i, MO_64);
}

/* ---- AMO -------------------------------------------------------------------------------- */

/* Every AMO is a full barrier on the host: aq and rl need nothing. */
static bool gen_amo(struct dis *d, const struct insn *i, enum ir_op op, unsigned memop)
{
    ir_amo(d->ctx, op, gpr_dest(d, i->rd), gpr(d, i->rs1), gpr(d, i->rs2),
           memop | MO_SIGN | MO_ALIGNED);
    return true;
}

#define AMO(name, op)                                          \
    bool trans_##name##_w(struct dis *d, const struct insn *i) \
    {                                                          \
        return gen_amo(d, i, IR_##op, MO_32);                  \
    }                                                          \
    bool trans_##name##_d(struct dis *d, const struct insn *i) \
    {                                                          \
        return gen_amo(d, i, IR_##op, MO_64);                  \
    }
AMO(amoswap, amo_swap)
AMO(amoadd, amo_add)
AMO(amoxor, amo_xor)
AMO(amoand, amo_and)
AMO(amoor, amo_or)
AMO(amomin, amo_mins)
AMO(amomax, amo_maxs)
AMO(amominu, amo_minu)
AMO(amomaxu, amo_maxu)
#undef AMO

/* ---- LR and SC -------------------------------------------------------------------------- */

/* What stands between an LR and its SC. */
struct between {
    const struct insn *lr;
    bool overwrites_value; /* the register that LR wrote */
    unsigned nbranches;
    int32_t first_target; /* the lowest target of the branches, all of them forward */
};

/* Whether NEXT, at OFF, may stand between a fused LR and its SC. */
static bool is_register_work(const struct insn *next, int32_t off, struct between *between)
{
    if (insn_rows[next->id].flags & PURE) {
        between->overwrites_value |= next->rd == between->lr->rd;
        return next->rd != between->lr->rs1 || next->rd == 0;
    }
    if (insn_rows[next->id].format == FORMAT_B && next->imm > 0) {
        between->first_target = MIN(between->first_target, off + next->imm);
        return ++between->nbranches <= LRSC_BRANCHES;
    }
    return false;
}

/*
 * True if the code from OFF to END has, or may have, an SC before another LR: one that would need
 * the reservation that a fused LR does not make.
 */
static bool has_other_sc(const struct dis *d, int32_t off, int32_t end)
{
    struct insn next;

    for (; off < end; off += next.len) {
        if (!dis_peek(d, off, &next) || next.id == INSN_sc_w || next.id == INSN_sc_d) {
            return true;
        }
        if (next.id == INSN_lr_w || next.id == INSN_lr_d) {
            return false;
        }
    }
    return false;
}

/*
 * Where the SC with id SC is that I, an LR, can be fused with, or -1. The TB must be sure to hold
 * the SC too: a loop that found it elsewhere each time would never end. Sets d->lr_value.
 */
static int32_t find_sc(struct dis *d, const struct insn *i, enum insn_id sc)
{
    int32_t off = d->next_off, end = d->pc_off + LRSC_WINDOW;
    struct between between = {.lr = i, .first_target = INT32_MAX};
    struct insn next;

    if (!d->src->fuse_lrsc || !d->src->superblock || i->rd == i->rs1 || ir_full(d->ctx) ||
        d->nexits + LRSC_BRANCHES >= MAX_EXITS) {
        return -1;
    }
    for (unsigned n = 1; off < end && dis_has_room(d, n) && dis_peek(d, off, &next); n++) {
        if (next.id == sc && next.rs1 == i->rs1) {
            d->lr_value = between.overwrites_value ? 0 : i->rd;
            return between.first_target > off && !has_other_sc(d, off + next.len, end) ? off : -1;
        }
        if (!is_register_work(&next, off, &between)) {
            return -1;
        }
        off += next.len;
    }
    return -1;
}

/* lr.rl waits for the stores before it, which a load on the host does not. */
static void gen_release(struct dis *d, const struct insn *i)
{
    if (i->imm & 1) {
        ir_fence(d->ctx, FENCE_FULL);
    }
}

static void gen_fused_lr(struct dis *d, const struct insn *i, unsigned memop)
{
    ir_arg value = gpr_dest(d, i->rd);

    ir_ld(d->ctx, IR_I64, value, gpr(d, i->rs1), 0, memop);
    if (d->lr_value == 0) {
        ir_env_st(d->ctx, value, offsetof(struct hart, cpu.mmu.resv.value), MO_64);
    }
    ir_env_st(d->ctx, imm_const(d, 0), offsetof(struct hart, cpu.mmu.resv.pa), MO_64);
}

static bool gen_lr(struct dis *d, const struct insn *i, unsigned memop, enum insn_id sc)
{
    gen_release(d, i);
    d->sc_off = find_sc(d, i, sc);
    if (d->sc_off >= 0) {
        gen_fused_lr(d, i, memop);
    } else {
        ir_call(d->ctx, HELPER_lr, gpr_dest(d, i->rd), gpr(d, i->rs1), IR_NONE, IR_NONE,
                (int32_t)memop);
    }
    return true;
}

static void gen_fused_sc(struct dis *d, const struct insn *i, unsigned memop)
{
    ir_arg expected = d->lr_value == 0 ? ir_temp(d->ctx, IR_I64) : gpr(d, d->lr_value);

    if (d->lr_value == 0) {
        ir_env_ld(d->ctx, expected, offsetof(struct hart, cpu.mmu.resv.value), MO_64);
    }
    ir_sc(d->ctx, gpr_dest(d, i->rd), gpr(d, i->rs1), expected, gpr(d, i->rs2), memop);
}

static bool gen_sc(struct dis *d, const struct insn *i, unsigned memop)
{
    if (d->sc_off == d->pc_off) {
        gen_fused_sc(d, i, memop);
    } else {
        ir_call(d->ctx, HELPER_sc, gpr_dest(d, i->rd), gpr(d, i->rs1), gpr(d, i->rs2), IR_NONE,
                (int32_t)memop);
    }
    return true;
}

bool trans_lr_w(struct dis *d, const struct insn *i)
{
    return gen_lr(d, i, MO_32 | MO_SIGN | MO_ALIGNED, INSN_sc_w);
}

bool trans_lr_d(struct dis *d, const struct insn *i)
{
    return gen_lr(d, i, MO_64 | MO_SIGN | MO_ALIGNED, INSN_sc_d);
}

bool trans_sc_w(struct dis *d, const struct insn *i)
{
    return gen_sc(d, i, MO_32 | MO_SIGN | MO_ALIGNED);
}

bool trans_sc_d(struct dis *d, const struct insn *i)
{
    return gen_sc(d, i, MO_64 | MO_SIGN | MO_ALIGNED);
}

/* ---- cache blocks ----------------------------------------------------------------------- */

static bool gen_cbo(struct dis *d, const struct insn *i, enum riscv_helper helper)
{
    ir_call(d->ctx, helper, IR_NONE, gpr(d, i->rs1), IR_NONE, IR_NONE, (int32_t)i->raw);
    return true;
}

bool trans_cbo_inval(struct dis *d, const struct insn *i)
{
    return gen_cbo(d, i, HELPER_cbo_inval);
}

bool trans_cbo_clean(struct dis *d, const struct insn *i)
{
    return gen_cbo(d, i, HELPER_cbo_clean);
}

bool trans_cbo_flush(struct dis *d, const struct insn *i)
{
    return gen_cbo(d, i, HELPER_cbo_flush);
}

bool trans_cbo_zero(struct dis *d, const struct insn *i)
{
    return gen_cbo(d, i, HELPER_cbo_zero);
}

/* Prefetches are hints. */
bool trans_prefetch_i(struct dis *d UNUSED, const struct insn *i UNUSED)
{
    return true;
}

bool trans_prefetch_r(struct dis *d UNUSED, const struct insn *i UNUSED)
{
    return true;
}

bool trans_prefetch_w(struct dis *d UNUSED, const struct insn *i UNUSED)
{
    return true;
}
