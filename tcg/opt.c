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

struct live {
    uint64_t w[IR_MAX_TEMPS / 64];
};

static bool live_has(const struct live *l, ir_arg a)
{
    unsigned n = a - IR_TEMP0;

    return (l->w[n / 64] >> (n % 64) & 1) != 0;
}

static void live_add(struct live *l, ir_arg a)
{
    unsigned n = a - IR_TEMP0;

    l->w[n / 64] |= UINT64_C(1) << (n % 64);
}

static void live_remove(struct live *l, ir_arg a)
{
    unsigned n = a - IR_TEMP0;

    l->w[n / 64] &= ~(UINT64_C(1) << (n % 64));
}

/* Globals that are written before they are looked at: a bit for each ir_arg. */
struct doomed {
    uint64_t w[IR_TEMP0 / 64];
};

static bool doomed_has(const struct doomed *d, ir_arg g)
{
    return (d->w[g / 64] >> (g % 64) & 1) != 0;
}

static void doomed_add(struct doomed *d, ir_arg g)
{
    d->w[g / 64] |= UINT64_C(1) << (g % 64);
}

static void doomed_remove(struct doomed *d, ir_arg g)
{
    d->w[g / 64] &= ~(UINT64_C(1) << (g % 64));
}

static void use(struct live *l, struct ir_insn *i, ir_arg a, uint8_t dies)
{
    if (ir_is_temp(a) && !live_has(l, a)) {
        i->type |= dies;
        live_add(l, a);
    }
}

static void branch(struct live *l, const struct live *target, bool may_fall)
{
    for (unsigned k = 0; k < ARRAY_SIZE(l->w); k++) {
        l->w[k] = target->w[k] | (may_fall ? l->w[k] : 0);
    }
}

/* True if globals must be right when I starts: state is seen, or ways join or part. */
static bool is_looked_at(const struct tcg_context *ctx, const struct ir_insn *i)
{
    if (i->op == IR_call) {
        return ctx->t->config.helpers[i->aux].flags != (HELPER_NO_FAULT | HELPER_NO_GLOBALS);
    }
    return i->op < IR_mov ? i->op != IR_insn_start : (ir_op_info[i->op].flags & OPF_FAULT) != 0;
}

/* False: the record defines a global in vain. Else its uses and definitions are in D. */
static bool visit_globals(const struct tcg_context *ctx, struct doomed *d, const struct ir_insn *i)
{
    uint16_t flags = ir_op_info[i->op].flags;
    const ir_arg uses[4] = {i->a, i->b, i->c, flags & OPF_AUX_ARG ? i->aux : IR_NONE};

    if (ir_is_global(i->d)) {
        if (doomed_has(d, i->d) && !(flags & OPF_SIDE)) {
            return false;
        }
        doomed_add(d, i->d);
    }
    if (is_looked_at(ctx, i)) {
        *d = (struct doomed){{0}};
        return true;
    }
    for (unsigned k = 0; k < ARRAY_SIZE(uses); k++) {
        if (ir_is_global(uses[k])) {
            doomed_remove(d, uses[k]);
        }
    }
    return true;
}

/* False: the record is dead. */
static bool visit(struct live *l, struct live *at_label, struct ir_insn *i)
{
    uint16_t flags = ir_op_info[i->op].flags;

    if (flags & OPF_ENDS) {
        *l = (struct live){{0}};
    }
    switch (i->op) {
    case IR_insn_start:
        *l = (struct live){{0}};
        return true;
    case IR_label:
        at_label[i->imm] = *l;
        return true;
    case IR_br:
        branch(l, &at_label[i->imm], false);
        return true;
    case IR_brcond:
        branch(l, &at_label[i->imm], true);
        break;
    default:
        break;
    }
    if (ir_is_temp(i->d)) {
        if (!live_has(l, i->d)) {
            i->d = IR_NONE;
        } else {
            live_remove(l, i->d);
        }
    }
    if ((flags & OPF_D) && i->d == IR_NONE && !(flags & OPF_SIDE)) {
        return false;
    }
    /* An operand that occurs twice dies once, at the first of these. */
    use(l, i, i->a, IR_DIES_A);
    use(l, i, i->b, IR_DIES_B);
    use(l, i, i->c, IR_DIES_C);
    if (flags & OPF_AUX_ARG) {
        use(l, i, i->aux, IR_DIES_E);
    }
    return true;
}

void ir_optimise(struct tcg_context *ctx)
{
    struct live at_label[IR_MAX_LABELS];
    struct live live = {{0}};
    struct doomed doomed = {{0}};
    struct ir_insn *out = ctx->insns + ctx->ninsns;

    ctx->opt = ctx->insns;
    ctx->nopt = ctx->ninsns;
    if (ctx->plain) {
        return;
    }
    for (unsigned k = ctx->ninsns; k-- > 0;) {
        const struct ir_insn *i = &ctx->insns[k];

        if (!visit_globals(ctx, &doomed, i)) {
            continue;
        }
        /* Marks go into the copy: a wide load of what was just written in part would wait. */
        *--out = *i;
        if (!visit(&live, at_label, out)) {
            out++;
        }
    }
    ctx->opt = out;
    ctx->nopt = (unsigned)(ctx->insns + ctx->ninsns - out);
}
