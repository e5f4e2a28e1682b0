/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 backend's front: register plan, the one forward pass that emits a TB, chaining,
 * execution.
 *
 * A TB in memory: its header (emit.h); code (start: polling entry); parts out of line; the pc map.
 * Start is 8-byte aligned.
 */
#include "hw/host/atomic.h"
#include "hw/host/cpu-features.h"
#include "tcg/x86_64/emit.h"
#include <errno.h>
#include <stdlib.h>

/* ---- creation ------------------------------------------------------------------------------ */

/* Gives host registers to globals by pin_order. */
static void plan_registers(struct tcg *t, struct x86 *x)
{
    static const uint8_t regs[MAX_PINNED] = {RBX, RSI, RDI, R8, R9, R10, R11, R14, R15, R12, R13};
    const struct tcg_config *c = &t->config;
    bool taken[IR_MAX_GLOBALS] = {false};

    memset(x->pin_of, NO_PIN, sizeof(x->pin_of));
    for (unsigned g = 0; g < c->nglobals; g++) {
        x->disp_of[IR_GLOBAL0 + g] = c->globals[g].offset - x->bias;
    }
    while (!c->options.pin_off && x->npinned < MAX_PINNED) {
        int best = -1;

        for (unsigned g = 0; g < c->nglobals; g++) {
            const struct tcg_global *gl = &c->globals[g];

            if (gl->type == IR_I64 && gl->pin_order != 0 && !taken[g] &&
                (best < 0 || gl->pin_order < c->globals[best].pin_order)) {
                best = (int)g;
            }
        }
        if (best < 0) {
            return;
        }
        taken[best] = true;
        x->pin_of[IR_GLOBAL0 + best] = regs[x->npinned];
        x->pinned[x->npinned] = regs[x->npinned];
        x->pinned_disp[x->npinned] = x->disp_of[IR_GLOBAL0 + best];
        x->npinned++;
    }
}

static int x86_init(struct tcg *t, struct code_region *region, struct err *err)
{
    struct x86 *x = calloc(1, sizeof(*x));

    if (x == NULL) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    t->backend_data = x;
    x->helper = calloc(t->config.nhelpers + 1, sizeof(*x->helper));
    if (x->helper == NULL) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    x->features = host_features() & t->config.options.host_features;
    x->bias = t->config.layout.env_bias;
    plan_registers(t, x);
    return x86_thunks(t, x, region, err);
}

static void x86_fini(struct tcg *t)
{
    struct x86 *x = t->backend_data;

    if (x != NULL) {
        free(x->helper);
        free(x);
    }
}

/* ---- compiling ----------------------------------------------------------------------------- */

static void emit_init(struct emit *e, struct tcg_context *ctx, struct code_region *region,
                      int32_t head_off, struct tcg_code *out)
{
    uintptr_t p = (uintptr_t)(region->rw + region->used) + TB_HEADER;

    e->start = (uint8_t *)align_up(p, 8);
    e->s.p = e->start;
    e->limit = region->rw + region->size;
    e->ctx = ctx;
    e->x = ctx->t->backend_data;
    e->lay = &ctx->t->config.layout;
    e->out = out;
    e->insn = NULL;
    e->pc_off = head_off;
    e->head_off = head_off;
    e->chain_off = ctx->t->config.options.chain_off;
    e->smp = ctx->t->config.options.smp;
    e->failed = false;
    e->vex = (e->x->features & HOST_AVX) != 0;
    e->fpu_outside = ctx->t->config.options.fpu_helper || e->lay->fpu_control == 0;
    xmm_forget_all(e);
    e->xmm.locked = 0;
    e->rounding = IR_RM_DYNAMIC;
    e->ncold = 0;
    e->nfixups = 0;
    e->nmarks = 0;
    forget_all(e);
    memset(e->in_slot, 0, sizeof(e->in_slot));
}

static bool has_room(const struct emit *e)
{
    return e->limit - e->s.p > ROOM && !e->failed;
}

static bool emit_body(struct emit *e)
{
    const struct tcg_context *ctx = e->ctx;

    for (unsigned k = 0; k < ctx->nopt; k++) {
        const struct ir_insn *i = &ctx->opt[k];
        const struct x86_op *row = &x86_ops[i->op];

        if (!has_room(e)) {
            return false;
        }
        if (i->op == IR_insn_start) {
            emit_insn_start(e, i);
            continue;
        }
        e->insn = i;
        e->locked = 0;
        e->xmm.locked = 0;
        if (e->rounding != IR_RM_DYNAMIC) {
            fp_before(e, i);
        }
        finish_record(e, i, row->emit(e, i, row));
    }
    assert(e->nfixups == 0);
    return true;
}

static bool emit_cold(struct emit *e)
{
    for (unsigned k = 0; k < e->ncold; k++) {
        if (!has_room(e)) {
            return false;
        }
        e->cold[k].emit(e, &e->cold[k]);
    }
    return true;
}

static int x86_compile(struct tcg_context *ctx, struct code_region *region, void *tb,
                       int32_t head_off, struct tcg_code *out)
{
    struct emit *e = ctx->backend;
    uint8_t *map, *end;

    out->nsites = 0;
    ctx->npcmap = 0;
    emit_init(e, ctx, region, head_off, out);
    if (!has_room(e)) {
        return -ENOSPC;
    }
    emit_head(e, tb);
    if (!emit_body(e)) {
        return -ENOSPC;
    }
    e->cold_start = (uint32_t)(e->s.p - e->start);
    if (!emit_cold(e)) {
        return -ENOSPC;
    }
    map = e->s.p;
    end = pcmap_write(ctx, map, e->limit);
    if (end == NULL) {
        return -ENOSPC;
    }
    out->rx = region->rx + (e->start - region->rw);
    out->size = (uint32_t)(end - (region->rw + region->used));
    out->pcmap = (uint32_t)(map - e->start);
    region->used = (size_t)(end - region->rw);
    return 0;
}

/* ---- chaining and running ------------------------------------------------------------------ */

static void x86_site_set(struct tcg *t, uint8_t *rx, const struct tcg_site *site, uint8_t *target)
{
    uint8_t *at = rx + site->patch;
    int64_t d = (target != NULL ? target : rx + site->stub) - (at + 4);

    assert(d == (int32_t)d && ((uintptr_t)at & 3) == 0);
    store_release((int32_t *)(void *)(at - t->rx_minus_rw), (int32_t)d);
}

static struct tcg_exit x86_exec(struct tcg *t, void *env, const uint8_t *code)
{
    const struct x86 *x = t->backend_data;
    struct tcg_exit (*enter)(void *env, const uint8_t *code);
    const uint8_t *at = x->enter + t->rx_minus_rw;

    memcpy(&enter, &at, sizeof(enter));
    return enter(env, code);
}

/* Bytes in hexadecimal by their address, a line for each guest instruction or 32 bytes. */
static void x86_disas(const struct tcg_context *ctx, const uint8_t *code,
                      const struct tcg_code *out, FILE *f)
{
    const struct emit *e = ctx->backend;
    unsigned mark = 0, column = 0;

    for (uint32_t k = 0; k < out->pcmap; k++, column++) {
        if (k == e->cold_start) {
            fputs("\n -- out of line", f);
        }
        for (; mark < e->nmarks && e->marks[mark].end == k; mark++) {
            fprintf(f, "\n -- guest +0x%x", (unsigned)e->marks[mark].pc_off);
            column = 0;
        }
        if (column % 32 == 0 || k == e->cold_start) {
            fprintf(f, "\n%p:", (const void *)(out->rx + k));
            column = 0;
        }
        fprintf(f, " %02x", code[k]);
    }
    fputc('\n', f);
}

const struct tcg_backend tcg_x86_64_backend = {
    .name = "x86_64",
    .init = x86_init,
    .fini = x86_fini,
    .context_size = sizeof(struct emit),
    .compile = x86_compile,
    .site_set = x86_site_set,
    .exec = x86_exec,
    .each_thunk = x86_each_thunk,
    .disas = x86_disas,
};
