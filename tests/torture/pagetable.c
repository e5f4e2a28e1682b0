/* SPDX-License-Identifier: MIT
 *
 * Page tables of a case, built from pokes: see pagetable.h.
 */
#include "tests/torture/pagetable.h"

#include <assert.h>

uint64_t tables_canonical(const struct tables *t, uint64_t va)
{
    unsigned shift = 64 - (12 + 9 * t->levels);
    return (uint64_t)((int64_t)(va << shift) >> shift);
}

struct poke *find_poke(struct gen *g, uint64_t addr)
{
    struct case_header *h = &g->p->hdr;
    for (unsigned i = 0; i < h->npokes; i++) {
        if (h->pokes[i].addr == addr) {
            return &h->pokes[i];
        }
    }
    return NULL;
}

static uint64_t new_table(struct tables *t)
{
    uint64_t table = t->next_table;
    t->next_table += 0x1000;
    assert(t->next_table <= GUEST_PT + GUEST_PT_SIZE);
    return table;
}

uint64_t pte_leaf(uint64_t pa, uint64_t flags)
{
    return pa >> 2 | flags;
}

uint64_t tables_map(struct gen *g, struct tables *t, uint64_t root, uint64_t va, unsigned level,
                    uint64_t pte)
{
    uint64_t table = root;
    for (unsigned l = t->levels - 1;; l--) {
        uint64_t addr = table + (va >> (12 + 9 * l) & 511) * 8;
        struct poke *poke = find_poke(g, addr);
        if (l == level) {
            if (poke) {
                poke->value = pte;
            } else {
                add_poke(g, addr, pte);
            }
            return addr;
        }
        if (!poke) {
            uint64_t next = new_table(t);
            add_poke(g, addr, next >> 2 | PTE_V);
            table = next;
        } else {
            table = poke->value << 2 & ~0xfffull;
        }
    }
}

static uint64_t random_region(struct gen *g, const struct tables *t)
{
    return tables_canonical(t, rng_next(&g->rng) >> 21 << 21);
}

static void map_common(struct gen *g, struct tables *t, uint64_t code_region)
{
    struct case_header *h = &g->p->hdr;
    uint64_t u = t->priv == PRIV_U ? PTE_U : 0;
    uint64_t flags = PTE_V | PTE_X | PTE_A | PTE_D | u | (rng_one_in(&g->rng, 2) ? PTE_R : 0);
    flags |= rng_one_in(&g->rng, 3) ? PTE_G : 0;
    h->code_va = code_region + rng_below(&g->rng, 200) * 0x1000;
    h->s_page_va = code_region + 0x100000 + rng_below(&g->rng, 200) * 0x1000;
    tables_map(g, t, t->root[0], h->code_va, 0, pte_leaf(h->code_pa, flags));
    tables_map(g, t, t->root[0], h->code_va + 0x1000, 0, pte_leaf(h->code_pa + 0x1000, flags));
    tables_map(g, t, t->root[0], h->s_page_va, 0, pte_leaf(GUEST_S_PAGE, PTE_V | PTE_X | PTE_A));
}

/* The second space points to the first one's tables for va. */
static void share_root(struct gen *g, struct tables *t, uint64_t va)
{
    unsigned index = va >> (12 + 9 * (t->levels - 1)) & 511;
    const struct poke *poke = find_poke(g, t->root[0] + index * 8);
    add_poke(g, t->root[1] + index * 8, poke->value);
}

uint64_t tables_init(struct gen *g, struct tables *t)
{
    struct rng *r = &g->rng;
    *t = (struct tables){.levels = 3 + (rng_one_in(r, 2) ? rng_below(r, 3) : 0)};
    t->mode = 5 + t->levels;
    t->next_table = GUEST_PT;
    t->priv = rng_one_in(r, 2) ? PRIV_S : PRIV_U;
    t->svadu = rng_one_in(r, 2);
    t->root[0] = new_table(t);
    t->root[1] = new_table(t);
    t->asid[0] = rng_next(r) & 0xffff;
    t->asid[1] = t->asid[0] ^ (1 + rng_below(r, 0xffff));
    uint64_t code = random_region(g, t);
    uint64_t other;
    do {
        other = random_region(g, t);
    } while ((other ^ code) >> (12 + 9 * (t->levels - 1)) == 0);
    map_common(g, t, code);
    share_root(g, t, code);
    return other;
}

/* Program parts. */

uint64_t tables_satp(const struct tables *t, int space)
{
    return t->mode << 60 | t->asid[space] << 44 | t->root[space] >> 12;
}

void emit_tables_start(struct gen *g, const struct tables *t)
{
    g->pinned = true;
    emit_stvec(g);
    emit_csrw(g, CSR_MENVCFG, g->counter, t->svadu ? MENVCFG_ADUE : 0);
    emit_csrw(g, CSR_SATP, g->counter, tables_satp(t, 0));
    g->pinned = false;
    emit_csrw(g, CSR_MEDELEG, g->counter,
              rng_one_in(&g->rng, 2) ? rng_next(&g->rng) & DELEGABLE : 0);
}

void emit_space_switch(struct gen *g, const struct tables *t)
{
    emit_csrw(g, CSR_SATP, g->counter, tables_satp(t, (int)rng_below(&g->rng, NSPACES)));
}

void emit_fence(struct gen *g, const struct tables *t, uint64_t va, int space, bool any_space)
{
    unsigned form = rng_below(&g->rng, any_space ? 2 : 4);
    unsigned rs1 = 0;
    unsigned rs2 = 0;
    if (form == 1 || form == 2) {
        rs1 = g->ptr[0];
        emit_li(g, rs1, va | rng_below(&g->rng, 0x1000));
    }
    if (form >= 2) {
        rs2 = g->ptr[1];
        emit_li(g, rs2, t->asid[space]);
    }
    emit(g, enc_r(INSN_SFENCE, 0, rs1, rs2));
}
