/* SPDX-License-Identifier: MIT
 *
 * Control flow: forward branches, counted loops, calls (nested, with any link register), returns, indirect
 * jumps and jump tables. Only counted loops jump backwards, so every program ends.
 */
#include "tests/torture/kinds.h"

#define MAX_PENDING 8

/* Labels of forward branches that wait for their place. */
struct pending {
    int label[MAX_PENDING];
    int left[MAX_PENDING];
    int n;
};

static void tick(struct gen *g, struct pending *q, bool all)
{
    for (int i = 0; i < q->n;) {
        if (all || --q->left[i] <= 0) {
            place_label(g, q->label[i]);
            q->n--;
            q->label[i] = q->label[q->n];
            q->left[i] = q->left[q->n];
        } else {
            i++;
        }
    }
}

static int forward_label(struct gen *g, struct pending *q, unsigned distance)
{
    if (q->n == MAX_PENDING || g->p->nlabels > MAX_LABELS - 40) {
        return -1;
    }
    int label = new_label(g);
    q->label[q->n] = label;
    q->left[q->n++] = 1 + (int)rng_below(&g->rng, distance);
    return label;
}

static void emit_branch(struct gen *g, struct pending *q)
{
    unsigned how = rng_below(&g->rng, 8);
    int label = forward_label(g, q, 12);
    if (label < 0) {
        return;
    }
    if (how == 0) {
        emit_to_label(g, 0xa001, FIX_CJ, label);
    } else if (how == 1) {
        emit_to_label(g, 0x6f | pick_rd(g) << 7, FIX_J, label);
    } else if (how < 4) {
        emit_to_label(g, (how == 2 ? 0xc001 : 0xe001) | rng_below(&g->rng, 8) << 7, FIX_CB, label);
    } else {
        uint32_t match = insn_pick(&g->rng, SET_BRANCH)->match;
        emit_to_label(g, enc_s(match, pick_rs(g), pick_rs(g), 0), FIX_B, label);
    }
}

static void emit_indirect(struct gen *g, struct pending *q)
{
    unsigned t = pick_rd(g);
    int label = t ? forward_label(g, q, 8) : -1;
    if (label < 0) {
        return;
    }
    begin_group(g);
    emit_la(g, t, label);
    switch (rng_below(&g->rng, 4)) {
    case 0:
        emit(g, 0x8002 | t << 7); /* c.jr */
        break;
    case 1:
        emit(g, enc_i(0x67, pick_rd(g), t, (int)rng_below(&g->rng, 2))); /* bit 0 is ignored */
        break;
    case 2:
        emit(g, enc_i(0x13, t, t, -100));
        emit(g, enc_i(0x67, pick_rd(g), t, 100));
        break;
    default:
        emit(g, enc_i(0x67, t, t, 0));
    }
    end_group(g);
}

/* Jump through a register into one of four 8-byte slots. */
static void emit_table(struct gen *g)
{
    unsigned t = pick_rd(g);
    unsigned u = pick_rd(g);
    if (!t || !u || t == u || g->p->nlabels > MAX_LABELS - 40) {
        return;
    }
    int table = new_label(g);
    int out = new_label(g);
    begin_group(g);
    emit(g, enc_i(0x7013, u, pick_rs(g), 3));
    emit(g, enc_i(0x1013, u, u, 3));
    emit_la(g, t, table);
    emit(g, enc_r(0x33, t, t, u));
    emit(g, enc_i(0x67, 0, t, 0));
    place_label(g, table);
    for (int i = 0; i < 4; i++) {
        emit_random(g, SET_I);
        emit_to_label(g, 0x6f, FIX_J, out);
    }
    place_label(g, out);
    end_group(g);
}

static void emit_body(struct gen *g, unsigned n, unsigned depth);

static void emit_loop(struct gen *g, unsigned depth)
{
    uint32_t before = g->reserved;
    unsigned counter = reserve_reg(g, 0);
    int top = new_label(g);
    emit_li(g, counter, 1 + rng_below(&g->rng, depth ? 6 : 30));
    g->p->items[g->p->nitems - 1].group = 0; /* the counter must start low */
    place_label(g, top);
    emit_body(g, 2 + rng_below(&g->rng, 10), depth + 1);
    begin_group(g);
    emit(g, enc_i(0x13, counter, counter, -1));
    emit_to_label(g, enc_s(0x1063, counter, 0, 0), FIX_B, top);
    end_group(g);
    g->reserved = before;
}

/* A call to a function behind the caller's way, with a link register of its own. */
static void emit_call(struct gen *g, unsigned depth)
{
    uint32_t before = g->reserved;
    unsigned link = rng_one_in(&g->rng, 2) && !(g->reserved & 2) ? 1 : reserve_reg(g, 0);
    g->reserved |= 1u << link;
    int function = new_label(g);
    int over = new_label(g);
    emit_to_label(g, 0x6f, FIX_J, over);
    g->p->items[g->p->nitems - 1].group = 0;
    place_label(g, function);
    emit_body(g, 2 + rng_below(&g->rng, 6), depth + 1);
    if (rng_one_in(&g->rng, 2)) {
        emit(g, 0x8002 | link << 7);
    } else {
        emit(g, enc_i(0x67, 0, link, 0));
    }
    g->p->items[g->p->nitems - 1].group = 0;
    place_label(g, over);
    unsigned ncalls = 1 + rng_below(&g->rng, 3);
    for (unsigned i = 0; i < ncalls; i++) {
        begin_group(g);
        if (rng_one_in(&g->rng, 3)) {
            emit_la(g, link, function);
            if (link == 1 && rng_one_in(&g->rng, 2)) {
                emit(g, 0x9082); /* c.jalr ra */
            } else {
                emit(g, enc_i(0x67, link, link, 0));
            }
        } else {
            emit_to_label(g, 0x6f | link << 7, FIX_J, function);
        }
        end_group(g);
        emit_int(g);
    }
    g->reserved = before;
}

static void emit_body(struct gen *g, unsigned n, unsigned depth)
{
    struct pending q = {.n = 0};
    for (unsigned i = 0; i < n; i++) {
        tick(g, &q, false);
        unsigned what = rng_below(&g->rng, 16);
        bool room = depth < 3 && g->p->nlabels < MAX_LABELS - 60 && g->p->nitems < 500;
        if (what < 4) {
            emit_branch(g, &q);
        } else if (what == 4) {
            emit_indirect(g, &q);
        } else if (what == 5) {
            emit_table(g);
        } else if (what == 6 && room) {
            tick(g, &q, true); /* no jump into a loop: it would find any counter */
            emit_loop(g, depth);
        } else if (what == 7 && room) {
            tick(g, &q, true);
            emit_call(g, depth);
        } else if (what == 8 && g->base) {
            emit_mem(g);
        } else {
            emit_int(g);
        }
    }
    tick(g, &q, true);
}

void gen_flow(struct gen *g)
{
    if (rng_one_in(&g->rng, 3)) {
        reserve_data_pointers(g);
    }
    emit_body(g, 20 + rng_below(&g->rng, 60), 0);
}

void emit_flow(struct gen *g, unsigned n)
{
    emit_body(g, n, 1);
}
