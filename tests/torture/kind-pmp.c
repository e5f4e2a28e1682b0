/* SPDX-License-Identifier: MIT
 *
 * PMP: NA4, NAPOT and TOR regions at 4-byte grain over the data pages, in entries 0 to 7 with every priority,
 * accesses of all sizes around their edges from S, U and M with MPRV, fetches, and locked entries. Entry 15 is
 * the runtime's: it permits everything. Regions over the data never permit execution, so fetching there faults.
 * Locked entries stay until reset, so such a case is the last of its image; they permit reading, for the digest.
 */
#include "tests/torture/privileged.h"

#define NENTRIES  8
#define CFG_R     1u
#define CFG_W     2u
#define CFG_TOR   (1u << 3)
#define CFG_NA4   (2u << 3)
#define CFG_NAPOT (3u << 3)
#define CFG_L     0x80u
#define DATA_SIZE (GUEST_DATA_PAGES * 0x1000u)

struct pmp {
    uint64_t cfg;            /* pmpcfg0 */
    uint64_t addr[NENTRIES]; /* pmpaddr */
    uint32_t edges[2 * NENTRIES];
    bool locks;
};

static uint64_t pick_data_address(struct gen *g)
{
    uint64_t at = rng_below(&g->rng, DATA_SIZE);
    at = rng_one_in(&g->rng, 3) ? at & ~0xfffull : at; /* regions that begin with a page */
    return GUEST_DATA + (at & ~3ull);
}

/* A NAPOT region of 8 to 4096 bytes in the data. */
static uint64_t pick_napot(struct gen *g, struct pmp *pmp, unsigned i)
{
    unsigned log2 = 3 + rng_below(&g->rng, 10);
    uint64_t base = pick_data_address(g) & ~((1ull << log2) - 1);
    pmp->edges[2 * i] = (uint32_t)base;
    pmp->edges[2 * i + 1] = (uint32_t)(base + (1u << log2));
    return base >> 2 | ((1ull << (log2 - 3)) - 1);
}

static void pick_region(struct gen *g, struct pmp *pmp, unsigned i)
{
    static const uint8_t rights[] = {0, CFG_R, CFG_R | CFG_W, CFG_R | CFG_W};
    uint64_t cfg = rights[rng_below(&g->rng, 4)];
    unsigned kind = rng_below(&g->rng, i == 0 ? 3 : 4); /* TOR of entry 0 would begin at 0 */
    if (kind == 3) {
        pmp->addr[i - 1] = pick_data_address(g) >> 2;
        pmp->addr[i] = pmp->addr[i - 1] +
                       (rng_one_in(&g->rng, 2) ? rng_below(&g->rng, 16) : rng_below(&g->rng, 512));
        pmp->edges[2 * i] = (uint32_t)(pmp->addr[i - 1] << 2);
        pmp->edges[2 * i + 1] = (uint32_t)(pmp->addr[i] << 2);
        pmp->cfg &= ~(0xffull << (8 * (i - 1))); /* the entry below only lends its address */
        cfg |= CFG_TOR;
    } else if (kind == 2) {
        pmp->addr[i] = pick_data_address(g) >> 2;
        pmp->edges[2 * i] = (uint32_t)(pmp->addr[i] << 2);
        pmp->edges[2 * i + 1] = pmp->edges[2 * i] + 4;
        cfg |= CFG_NA4;
    } else if (kind == 1) {
        pmp->addr[i] = pick_napot(g, pmp, i);
        cfg |= CFG_NAPOT;
    } else {
        cfg = 0;
    }
    /* A TOR entry above takes this address as its start: never let it begin below the data. */
    if (i + 1 < NENTRIES && (pmp->cfg >> (8 * (i + 1)) & 0x18) == CFG_TOR) {
        pmp->cfg &= ~(0xffull << (8 * (i + 1)));
    }
    if (pmp->locks && cfg && rng_one_in(&g->rng, 2)) {
        cfg |= CFG_L | CFG_R;
    }
    pmp->cfg = (pmp->cfg & ~(0xffull << (8 * i))) | cfg << (8 * i);
}

/* Writes entry i, then the fence that the ISA asks for. */
static void emit_region(struct gen *g, struct pmp *pmp)
{
    unsigned i = rng_below(&g->rng, NENTRIES);
    pick_region(g, pmp, i);
    begin_group(g);
    emit_csrw(g, CSR_PMPCFG0, g->counter, pmp->cfg & ~(0xffffull << (i ? 8 * (i - 1) : 0)));
    if (i) {
        emit_csrw(g, CSR_PMPADDR0 + i - 1, g->counter, pmp->addr[i - 1]);
    }
    emit_csrw(g, CSR_PMPADDR0 + i, g->counter, pmp->addr[i]);
    emit_csrw(g, CSR_PMPCFG0, g->counter, pmp->cfg);
    emit(g, INSN_SFENCE);
    end_group(g);
    if (rng_one_in(&g->rng, 4)) {
        emit_csr(g, 2, pick_rd(g), rng_one_in(&g->rng, 2) ? CSR_PMPCFG0 : CSR_PMPADDR0 + i, 0);
    }
}

static uint64_t pick_address(struct gen *g, const struct pmp *pmp)
{
    uint64_t at = pmp->edges[rng_below(&g->rng, 2 * NENTRIES)];
    if (!at || rng_one_in(&g->rng, 4)) {
        at = GUEST_DATA + rng_below(&g->rng, DATA_SIZE);
    }
    at += rng_below(&g->rng, 24) - 12ull;
    return at;
}

/* Aligned: the parts of a misaligned access may be checked one by one. */
static void emit_access(struct gen *g, const struct pmp *pmp)
{
    static const uint8_t sets[] = {SET_MEM, SET_MEM, SET_MEM, SET_FMEM, SET_AMOD, SET_AMOW};
    unsigned p = g->ptr[0];
    const struct insn_row *row = insn_pick(&g->rng, sets[rng_below(&g->rng, 6)]);
    begin_group(g);
    uint64_t size = 1u << (row->match >> 12 & 3);
    emit_li(g, p, pick_address(g, pmp) & ~(size - 1));
    emit_access_row(g, row, p);
    end_group(g);
}

static void emit_mprv_access(struct gen *g, const struct pmp *pmp)
{
    begin_group(g);
    emit_li(g, g->counter, MSTATUS_MPP);
    emit_csr(g, 3, 0, CSR_MSTATUS, g->counter);
    emit_li(g, g->counter,
            MSTATUS_MPRV | (uint64_t)(rng_one_in(&g->rng, 2) ? PRIV_S : PRIV_U) << 11);
    emit_csr(g, 2, 0, CSR_MSTATUS, g->counter);
    end_group(g);
    emit_access(g, pmp);
    emit_csrw(g, CSR_MSTATUS, g->counter, MSTATUS_FS);
}

/* Entry 7 denies execution of the last 64 bytes of the data, whatever entries below say. */
static void emit_no_execute(struct gen *g, struct pmp *pmp)
{
    uint64_t base = GUEST_DATA + DATA_SIZE - 64;
    pmp->addr[7] = base >> 2 | 7;
    pmp->cfg = (uint64_t)(CFG_NAPOT | CFG_R) << 56;
    pmp->edges[14] = (uint32_t)base;
    emit_csrw(g, CSR_PMPADDR0 + 7, g->counter, pmp->addr[7]);
    emit_csrw(g, CSR_PMPCFG0, g->counter, pmp->cfg);
    emit(g, INSN_SFENCE);
}

static void emit_fetch(struct gen *g)
{
    begin_group(g);
    emit_li(g, g->ptr[0], GUEST_DATA + DATA_SIZE - 64 + (rng_below(&g->rng, 62) & ~1u));
    emit(g, enc_i(0x67, pick_rd(g), g->ptr[0], 0));
    end_group(g);
    add_pad(g);
}

static void generate(struct gen *g, bool locks)
{
    struct pmp pmp = {.locks = locks};
    g->p->hdr.flags |= CASE_PMP | (locks ? CASE_LOCKS : 0);
    g->p->hdr.data_size = DATA_SIZE;
    reserve_privileged(g);
    g->ptr[0] = (uint8_t)reserve_reg(g, 0);
    unsigned phases = 2 + rng_below(&g->rng, 4);
    for (unsigned i = 0; i < phases; i++) {
        unsigned nregions = 1 + rng_below(&g->rng, 4);
        unsigned naccesses = 4 + rng_below(&g->rng, 14);
        bool may_fetch = i == 0 && !locks;
        emit_to_m(g);
        if (may_fetch) {
            g->pinned = true;
            emit_no_execute(g, &pmp);
            g->pinned = false;
        }
        for (unsigned j = 0; j < nregions && !may_fetch; j++) {
            emit_region(g, &pmp);
        }
        for (unsigned j = 0; j < 2; j++) {
            emit_mprv_access(g, &pmp);
            emit_access(g, &pmp);
        }
        emit_enter(g, rng_one_in(&g->rng, 2) ? PRIV_S : PRIV_U);
        for (unsigned j = 0; j < naccesses; j++) {
            emit_access(g, &pmp);
        }
        if (may_fetch) {
            emit_fetch(g);
        }
    }
}

void gen_pmp(struct gen *g)
{
    generate(g, false);
}

void gen_pmplock(struct gen *g)
{
    generate(g, true);
}
