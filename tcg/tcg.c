/* SPDX-License-Identifier: MIT */
/*
 * The front door: creation, the passes of one translation and what -d prints of them, and the way
 * to the backend.
 */
#include "hw/host/atomic.h"
#include "hw/host/cpu-features.h"
#include "hw/host/log.h"
#include "tcg/internal.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* A host that is no x86-64 has no features (nor has one from before 2004, which may interpret). */
static const struct tcg_backend *backend_for(const struct tcg_options *o)
{
    return o->interp || host_features() == 0 ? &tcg_interp_backend : &tcg_x86_64_backend;
}

struct tcg *tcg_new(const struct tcg_config *c, struct code_region *region, struct err *err)
{
    struct tcg *t = calloc(1, sizeof(*t));

    if (t == NULL) {
        err_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    t->config = *c;
    t->rx_minus_rw = region->rx - region->rw;
    t->backend = backend_for(&c->options);
    if (c->options.count_calls) {
        t->helper_calls = calloc(c->nhelpers + 1, sizeof(*t->helper_calls));
        assert(t->helper_calls);
    }
    if (t->backend->init(t, region, err) < 0) {
        tcg_free(t);
        return NULL;
    }
    return t;
}

void tcg_free(struct tcg *t)
{
    if (t != NULL) {
        t->backend->fini(t);
        free(t->helper_calls);
        free(t);
    }
}

void tcg_each_thunk(const struct tcg *t,
                    void (*fn)(void *opaque, const uint8_t *rx, size_t size, const char *name),
                    void *opaque)
{
    if (t->backend->each_thunk) {
        t->backend->each_thunk(t, fn, opaque);
    }
}

uint64_t tcg_helper_calls(const struct tcg *t, unsigned n)
{
    return t->helper_calls ? load_relaxed(&t->helper_calls[n]) : 0;
}

const char *tcg_op_name(enum ir_op op)
{
    return ir_op_info[op].name;
}

struct tcg_context *tcg_context_new(struct tcg *t)
{
    struct tcg_context *ctx = calloc(1, sizeof(*ctx));

    if (ctx == NULL) {
        return NULL;
    }
    ctx->t = t;
    ctx->backend = calloc(1, t->backend->context_size);
    if (ctx->backend == NULL) {
        free(ctx);
        return NULL;
    }
    ir_begin(ctx);
    return ctx;
}

void tcg_context_free(struct tcg_context *ctx)
{
    if (ctx != NULL) {
        free(ctx->backend);
        free(ctx);
    }
}

static void log_ir(const struct tcg_context *ctx, const char *title, const struct ir_insn *insns,
                   unsigned n)
{
    FILE *f = log_begin();

    fprintf(f, "%s\n", title);
    ir_dump(ctx, insns, n, f);
    fputc('\n', f);
    log_end();
}

static void log_code(const struct tcg_context *ctx, const struct tcg_code *out)
{
    FILE *f = log_begin();

    fprintf(f, "OUT: [size=%u]\n", out->size);
    ctx->t->backend->disas(ctx, out->rx - ctx->t->rx_minus_rw, out, f);
    fputc('\n', f);
    log_end();
}

int tcg_compile(struct tcg_context *ctx, struct code_region *region, void *tb, int32_t head_off,
                struct tcg_code *out)
{
    int ret;

    if (log_enabled(LOG_OP)) {
        log_ir(ctx, "OP:", ctx->insns, ctx->ninsns);
    }
    ir_optimise(ctx);
    if (log_enabled(LOG_OP_OPT)) {
        log_ir(ctx, "OP after optimization:", ctx->opt, ctx->nopt);
    }
    ret = ctx->t->backend->compile(ctx, region, tb, head_off, out);
    if (ret == 0 && log_enabled(LOG_OUT_ASM)) {
        log_code(ctx, out);
    }
    return ret;
}

void tcg_site_set(struct tcg *t, uint8_t *rx, const struct tcg_site *site, uint8_t *target)
{
    t->backend->site_set(t, rx, site, target);
}

struct tcg_exit tcg_exec(struct tcg *t, void *env, const uint8_t *code)
{
    return t->backend->exec(t, env, code);
}
