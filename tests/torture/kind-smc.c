/* SPDX-License-Identifier: MIT
 *
 * Self-modifying code: instructions patched in loops, functions rewritten in the data pages, data that lies
 * between instructions. fence.i stands between every store and the execution of what it stored; without it the
 * ISA defines nothing.
 */
#include "tests/torture/privileged.h"

/* A random instruction that can stand anywhere: 4 bytes, or two of 2. */
static uint32_t random_word(struct gen *g)
{
    struct program *p = g->p;
    int n = p->nitems;
    uint32_t word;
    switch (rng_below(&g->rng, 6)) {
    case 0:
        return 0x0080006f; /* jal x0, over the next one */
    case 1:
        emit_random(g, SET_C);
        emit_random(g, SET_C);
        word = p->items[n].word | p->items[n + 1].word << 16;
        break;
    default:
        emit_random(g, rng_one_in(&g->rng, 3) ? SET_B : SET_I);
        word = p->items[n].word;
    }
    p->nitems = n;
    return word;
}

/* A loop that toggles one of its own instructions. */
static void emit_patched_loop(struct gen *g)
{
    uint32_t before = g->reserved;
    unsigned count = reserve_reg(g, 0);
    unsigned t = reserve_reg(g, 0);
    unsigned u = reserve_reg(g, 0);
    unsigned v = reserve_reg(g, 0);
    uint32_t first = random_word(g);
    uint32_t second = random_word(g);
    int top = new_label(g);
    int site = new_label(g);
    begin_group(g);
    emit_li(g, count, 2 + rng_below(&g->rng, 6));
    emit_la(g, t, site);
    emit_li(g, v, first ^ second);
    place_label(g, top);
    emit_random(g, SET_I);
    place_label(g, site);
    struct item *it = emit(g, first);
    it->size = 4; /* may be two of 2 bytes */
    emit_random(g, SET_I);
    emit(g, enc_i(0x2003, u, t, 0));
    emit(g, enc_r(0x4033, u, u, v));
    emit(g, enc_s(0x2023, t, u, 0));
    emit(g, INSN_FENCE_I);
    emit(g, enc_i(0x13, count, count, -1));
    emit_to_label(g, enc_s(0x1063, count, 0, 0), FIX_B, top);
    end_group(g);
    g->reserved = before;
}

/* Code that is patched further on, run before and after. */
static void emit_patched_function(struct gen *g)
{
    uint32_t before = g->reserved;
    unsigned link = reserve_reg(g, 0);
    unsigned t = reserve_reg(g, 0);
    unsigned u = reserve_reg(g, 0);
    int function = new_label(g);
    int site = new_label(g);
    int over = new_label(g);
    begin_group(g);
    emit_to_label(g, 0x6f, FIX_J, over);
    place_label(g, function);
    emit_random(g, SET_I);
    place_label(g, site);
    emit(g, random_word(g))->size = 4;
    emit_random(g, SET_I);
    emit(g, enc_i(0x67, 0, link, 0));
    place_label(g, over);
    unsigned n = 1 + rng_below(&g->rng, 3);
    for (unsigned i = 0; i < n; i++) {
        emit_to_label(g, 0x6f | link << 7, FIX_J, function);
        emit_la(g, t, site);
        emit_li(g, u, random_word(g));
        emit(g, enc_s(0x2023, t, u, 0));
        emit(g, INSN_FENCE_I);
        emit_to_label(g, 0x6f | link << 7, FIX_J, function);
    }
    end_group(g);
    g->reserved = before;
}

/* A function written word by word into the data, called, and maybe written over by the next part. */
static void emit_written_function(struct gen *g)
{
    uint32_t before = g->reserved;
    unsigned link = reserve_reg(g, 0);
    unsigned t = reserve_reg(g, 0);
    unsigned u = reserve_reg(g, 0);
    unsigned n = 1 + rng_below(&g->rng, 5);
    /* The last slots lie across the page boundary in the middle of the data. */
    uint64_t at = GUEST_DATA + 0xfc0 + rng_below(&g->rng, 3) * 0x1e;
    begin_group(g);
    emit_li(g, t, at);
    for (unsigned i = 0; i < n; i++) {
        uint32_t word;
        do {
            word = random_word(g);
        } while (word == 0x0080006f);
        emit_li(g, u, word);
        emit(g, enc_s(0x2023, t, u, (int)(4 * i)));
    }
    emit_li(g, u, enc_i(0x67, 0, link, 0));
    emit(g, enc_s(0x2023, t, u, (int)(4 * n)));
    emit(g, INSN_FENCE_I);
    unsigned calls = 1 + rng_below(&g->rng, 2);
    for (unsigned i = 0; i < calls; i++) {
        emit(g, enc_i(0x67, link, t, 0));
    }
    end_group(g);
    g->reserved = before;
}

/* Data among the instructions: no fence.i is needed, for nothing executes it. */
static void emit_island(struct gen *g)
{
    uint32_t before = g->reserved;
    unsigned t = reserve_reg(g, 0);
    int island = new_label(g);
    int over = new_label(g);
    unsigned n = 1 + rng_below(&g->rng, 4);
    begin_group(g);
    emit_to_label(g, 0x6f, FIX_J, over);
    place_label(g, island);
    for (int i = 0; i < 4; i++) {
        emit(g, (uint32_t)rng_next(&g->rng))->size = 4;
    }
    place_label(g, over);
    emit_la(g, t, island);
    for (unsigned i = 0; i < n; i++) {
        emit(g, enc_s(0x3023, t, pick_rs(g), (int)rng_below(&g->rng, 9)));
        emit(g, enc_i(0x3003, pick_rd(g), t, (int)rng_below(&g->rng, 9)));
    }
    end_group(g);
    g->reserved = before;
}

void gen_smc(struct gen *g)
{
    static void (*const parts[])(struct gen *) = {
        emit_patched_loop,     emit_patched_function, emit_written_function,
        emit_written_function, emit_island,           emit_int,
    };
    g->p->hdr.flags |= CASE_CODE;
    unsigned n = 3 + rng_below(&g->rng, 8);
    for (unsigned i = 0; i < n; i++) {
        parts[rng_below(&g->rng, sizeof(parts) / sizeof(parts[0]))](g);
        if (rng_one_in(&g->rng, 2)) {
            emit_int(g);
        }
    }
}
