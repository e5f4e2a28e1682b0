/* SPDX-License-Identifier: MIT */
/* A case of the engine's tests: it runs on every variant, with a guest of its own. */
#ifndef TESTS_TCG_ENGINE_CASE_H
#define TESTS_TCG_ENGINE_CASE_H

#include "tests/tcg/harness.h"

static struct guest guest;

typedef void engine_case(struct unit *u, struct engine *e);

static inline void on_every_variant(struct unit *u, engine_case *run)
{
    for (unsigned v = 0; v < NVARIANTS && !u->failed; v++) {
        struct engine e;

        guest_init(&guest);
        memset(guest.ram, 0, sizeof(guest.ram));
        CHECK(u, engine_init(&e, &variants[v]));
        run(u, &e);
        engine_fini(&e);
        if (u->failed) {
            printf("  (on %s)\n", variants[v].name);
        }
    }
}

static inline struct tcg_code compile(struct unit *u, struct engine *e, void *tb, int32_t head_off)
{
    struct tcg_code code = {0};

    CHECK_EQ(u, tcg_compile(e->ctx, &e->region, tb, head_off, &code), 0);
    return code;
}

static inline struct tcg_exit run(struct engine *e, const struct tcg_code *code)
{
    return tcg_exec(e->t, &guest.env, code->rx + code->entry);
}

static inline void begin(struct engine *e, int32_t pc_off)
{
    ir_begin(e->ctx);
    ir_insn_start(e->ctx, pc_off);
}
#endif
