/* SPDX-License-Identifier: MIT */
/*
 * One backward pass: drops definitions that nobody can see, clears the destination of ops that
 * must run anyway, and marks each temporary's last use.
 *
 * A temporary's definition is dead when nothing reads it. A global's is dead when it is written
 * again before anything reads it and before any place from which the guest's state can be seen:
 * what may fault, helpers, exits. (So the first half of lui and addi goes, once the builder has
 * folded the second.)
 *
 * Branches go forward inside one guest instruction, so when the pass meets a branch it has seen
 * its label, and which temporaries were live there. Records are compacted towards the end of the
 * buffer.
 */
#include "tcg/internal.h"

_Static_assert(IR_MAX_TEMPS <= 64, "a bit for each temporary of an instruction");

struct pass {
    const struct tcg_context *ctx;
    uint64_t live;                  /* temporaries that are read later, by number */
    uint64_t doomed[IR_TEMP0 / 64]; /* globals written before they are looked at, by ir_arg */
    uint64_t *at_label;             /* what is live at the labels that were met */
};

static inline uint64_t temp_bit(ir_arg a)
{
    return BIT(a - IR_TEMP0);
}

/* True if globals must be right when I starts: state is seen, or ways join or part. */
static inline bool is_looked_at(const struct pass *p, const struct ir_insn *i, unsigned flags)
{
    if (i->op == IR_call) {
        return p->ctx->t->config.helpers[i->aux].flags != (HELPER_NO_FAULT | HELPER_NO_GLOBALS);
    }
    return i->op < IR_mov || (flags & OPF_FAULT) != 0;
}

/* False: nobody sees the definition of I's destination. Before this record it is not alive. */
static inline bool define(struct pass *p, struct ir_insn *i, unsigned flags)
{
    if (ir_is_global(i->d)) {
        uint64_t *word = &p->doomed[i->d / 64], bit = BIT(i->d % 64);
        bool seen = !(*word & bit);

        *word |= bit;
        return seen || (flags & OPF_SIDE) != 0;
    }
    if (ir_is_temp(i->d)) {
        if (!(p->live & temp_bit(i->d))) {
            i->d = IR_NONE;
        } else {
            p->live &= ~temp_bit(i->d);
        }
    }
    return i->d != IR_NONE || !(flags & OPF_D) || (flags & OPF_SIDE) != 0;
}

/* The bit DIES if this is the last use of temporary A. */
static inline unsigned use(struct pass *p, ir_arg a, unsigned dies)
{
    if (a < IR_TEMP0) {
        p->doomed[a / 64] &= ~BIT(a % 64);
    } else if (ir_is_temp(a) && !(p->live & temp_bit(a))) {
        p->live |= temp_bit(a);
        return dies;
    }
    return 0;
}

/* False: the record is dead. I is a copy. */
static inline bool visit(struct pass *p, struct ir_insn *i)
{
    unsigned flags = ir_op_info[i->op].flags, dies;

    if (flags & OPF_ENDS) {
        p->live = 0;
    }
    if (!define(p, i, flags)) {
        return false;
    }
    if (is_looked_at(p, i, flags)) {
        memset(p->doomed, 0, sizeof(p->doomed));
    }
    if (i->op == IR_label) {
        p->at_label[i->imm] = p->live;
    } else if (i->op == IR_br || i->op == IR_brcond) {
        p->live |= p->at_label[i->imm];
    }
    /* An operand that occurs twice dies once, at the first of these. */
    dies = use(p, i->a, IR_DIES_A);
    dies |= use(p, i->b, IR_DIES_B);
    dies |= use(p, i->c, IR_DIES_C);
    if (flags & OPF_AUX_ARG) {
        dies |= use(p, i->aux, IR_DIES_E);
    }
    i->type |= (uint8_t)dies;
    return true;
}

void ir_optimise(struct tcg_context *ctx)
{
    uint64_t at_label[IR_MAX_LABELS];
    struct pass p = {.ctx = ctx, .at_label = at_label};
    struct ir_insn *out = ctx->insns + ctx->ninsns;

    ctx->opt = ctx->insns;
    ctx->nopt = ctx->ninsns;
    if (ctx->plain) {
        return;
    }
    for (unsigned k = ctx->ninsns; k-- > 0;) {
        /* Marks go into the copy: a wide load of what was just written in part would wait. */
        *--out = ctx->insns[k];
        if (out->op == IR_insn_start) {
            p.live = 0;
        } else if (!visit(&p, out)) {
            out++;
        }
    }
    ctx->opt = out;
    ctx->nopt = (unsigned)(ctx->insns + ctx->ninsns - out);
}
