/* SPDX-License-Identifier: MIT
 *
 * Code that moves: a window of four virtual pages of small functions, which map different physical pages in two
 * address spaces and as entries change. Functions return, jump straight into the next page, or run into it with an
 * instruction that lies across the boundary: what a translator chained, or remembered about the next page, must not
 * survive a remap. A fetch fault goes on at the link register. The functions are pokes behind the page tables.
 */
#include <string.h>

#include "tests/torture/pagetable.h"

#define WINDOW_PAGES   4
#define FUNCTION_PAGES 4
#define FUNCTION_BASE  (GUEST_PT + GUEST_PT_SIZE) /* physical */

#define COUNTERS       0xf0000000u /* registers of loop counters: no function writes them */

struct remap {
    struct tables t;
    uint64_t window;
    uint64_t pte[NSPACES][WINDOW_PAGES];
    unsigned link;
};

/* An integer instruction of 4 bytes. */
static uint32_t int_word(struct gen *g)
{
    struct program *p = g->p;
    int n = p->nitems;
    emit_random(g, rng_one_in(&g->rng, 3) ? SET_B : SET_I);
    p->nitems = n;
    return p->items[n].word;
}

static void poke_words(struct gen *g, uint64_t at, const void *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t v;
        memcpy(&v, (const char *)words + 8 * i, 8);
        add_poke(g, at + 8 * i, v);
    }
}

/* Offset 0: c.li (also the end of an instruction that began before the page), two instructions, return.
 * Offset 0x800: two instructions, jump to the same place of the next page, or return.
 * Offset 0xff0: three instructions, c.nop, the first half of another. */
static void make_page(struct gen *g, const struct remap *m, uint64_t pa)
{
    uint16_t head[8];
    uint32_t middle[4];
    uint32_t tail[4];
    uint32_t ret = enc_i(0x67, 0, m->link, 0);
    uint32_t words[3] = {int_word(g), int_word(g), ret};
    unsigned rd = 1 + rng_below(&g->rng, 31);
    while (g->reserved >> rd & 1) {
        rd = 1 + rng_below(&g->rng, 31);
    }
    head[0] = (uint16_t)(0x4001 | rd << 7 | rng_below(&g->rng, 32) << 2);
    memcpy(head + 1, words, sizeof(words));
    head[7] = 0x0001;
    middle[0] = int_word(g);
    middle[1] = int_word(g);
    middle[2] = rng_one_in(&g->rng, 2) ? 0x0000106f /* jal x0, 0x1000 */ : ret;
    middle[3] = ret;
    for (int i = 0; i < 3; i++) {
        tail[i] = int_word(g);
    }
    /* addi with a random destination: the other half gives most of rs1 and the immediate. */
    tail[3] = 0x0001 | (0x0013 | rd << 7) << 16;
    poke_words(g, pa, head, 2);
    poke_words(g, pa + 0x800, middle, 2);
    poke_words(g, pa + 0xff0, tail, 2);
}

static uint64_t random_pte(struct gen *g, const struct remap *m)
{
    struct rng *r = &g->rng;
    uint64_t flags = PTE_X | PTE_R | PTE_V | PTE_A | PTE_D | (m->t.priv == PRIV_U ? PTE_U : 0);
    if (rng_one_in(r, 10)) {
        flags ^= 1u << rng_below(r, 5);
        flags |= flags & PTE_W ? PTE_R : 0;
    }
    flags ^= rng_one_in(r, 8) ? PTE_A : 0;
    return pte_leaf(FUNCTION_BASE + rng_below(r, FUNCTION_PAGES) * 0x1000, flags);
}

static void remap_init(struct gen *g, struct remap *m)
{
    m->window = tables_init(g, &m->t) + rng_below(&g->rng, 500) * 0x1000;
    for (int s = 0; s < NSPACES; s++) {
        for (unsigned i = 0; i < WINDOW_PAGES; i++) {
            m->pte[s][i] =
                tables_map(g, &m->t, m->t.root[s], m->window + i * 0x1000, 0, random_pte(g, m));
        }
    }
    for (unsigned i = 0; i < FUNCTION_PAGES; i++) {
        make_page(g, m, FUNCTION_BASE + i * 0x1000);
    }
}

static void emit_call(struct gen *g, const struct remap *m)
{
    static const uint16_t offsets[] = {0, 2, 0x800, 0x800, 0xff0, 0xff0, 0xffc};
    uint64_t va = m->window + rng_below(&g->rng, WINDOW_PAGES) * 0x1000;
    begin_group(g);
    emit_li(g, g->ptr[0], va + offsets[rng_below(&g->rng, 7)]);
    emit(g, enc_i(0x67, m->link, g->ptr[0], 0));
    end_group(g);
}

/* The same calls several times: what the first round cached, the next uses. */
static void emit_call_loop(struct gen *g, const struct remap *m)
{
    uint32_t before = g->reserved;
    unsigned count = reserve_reg(g, ~COUNTERS);
    unsigned n = 1 + rng_below(&g->rng, 3);
    int top = new_label(g);
    g->pinned = true;
    emit_li(g, count, 2 + rng_below(&g->rng, 4));
    g->pinned = false;
    place_label(g, top);
    for (unsigned i = 0; i < n; i++) {
        emit_call(g, m);
        if (m->t.priv == PRIV_S && rng_one_in(&g->rng, 2)) {
            emit_space_switch(g, &m->t);
        }
    }
    begin_group(g);
    emit(g, enc_i(0x13, count, count, -1));
    emit_to_label(g, enc_s(0x1063, count, 0, 0), FIX_B, top);
    end_group(g);
    g->reserved = before;
}

static void emit_change(struct gen *g, const struct remap *m)
{
    int space = (int)rng_below(&g->rng, NSPACES);
    unsigned i = rng_below(&g->rng, WINDOW_PAGES);
    begin_group(g);
    emit_li(g, g->ptr[1], random_pte(g, m));
    emit_li(g, g->ptr[0], m->pte[space][i]);
    emit(g, enc_s(0x3023, g->ptr[0], g->ptr[1], 0));
    emit_fence(g, &m->t, m->window + i * 0x1000, space, false);
    end_group(g);
}

void gen_remap(struct gen *g)
{
    struct remap m = {.link = 0};
    reserve_privileged(g);
    g->ptr[0] = (uint8_t)reserve_reg(g, COUNTERS);
    g->ptr[1] = (uint8_t)reserve_reg(g, COUNTERS);
    m.link = reserve_reg(g, COUNTERS);
    g->reserved |= COUNTERS; /* while the functions are made */
    g->p->hdr.fetch_link = m.link;
    remap_init(g, &m);
    g->reserved &= ~COUNTERS | 1u << g->counter;
    emit_tables_start(g, &m.t);
    unsigned phases = 2 + rng_below(&g->rng, 5);
    for (unsigned i = 0; i < phases; i++) {
        unsigned nchanges = rng_below(&g->rng, 3);
        unsigned n = 2 + rng_below(&g->rng, 5);
        emit_to_m(g);
        for (unsigned j = 0; j < nchanges; j++) {
            emit_change(g, &m);
        }
        if (rng_one_in(&g->rng, 2)) {
            emit_space_switch(g, &m.t);
        }
        emit_enter(g, m.t.priv);
        for (unsigned j = 0; j < n; j++) {
            switch (rng_below(&g->rng, 4)) {
            case 0:
                emit_call_loop(g, &m);
                break;
            case 1:
                emit_int(g);
                break;
            default:
                emit_call(g, &m);
            }
        }
    }
}
