/* SPDX-License-Identifier: MIT */
/*
 * The per-hart jump cache: guest address and mode to host code, probed by generated code.
 *
 * Written by its owner. Other threads only set an entry's va to "empty" when its TB dies; that
 * may hit an entry that the owner has just replaced, which costs one miss. The owner, after
 * writing an entry, looks whether the TB has died meanwhile (full barrier; partner: tb_kill's
 * store of `dead` before it reads jc_place).
 */
#include "accel/internal.h"

#define JC_EMPTY (~UINT64_C(0))

static unsigned page_hash(vaddr_t va)
{
    uint64_t page = va >> GUEST_PAGE_BITS;

    return (unsigned)((page ^ page >> 12 ^ page >> 24) & 4095);
}

static void note_place(struct tb *tb, uint32_t place)
{
    uint32_t seen = load_relaxed(&tb->jc_place);

    while (seen != place && seen != JC_ANYWHERE &&
           !atomic_cas(&tb->jc_place, &seen, seen == JC_NOWHERE ? place : JC_ANYWHERE)) {}
}

void jc_insert(struct vcpu *cpu, struct tb *tb)
{
    unsigned index = jc_index(cpu->pc), bit = page_hash(cpu->pc);
    struct jc_entry *e = &cpu->jc[index];

    note_place(tb, (uint32_t)(JC_PLACE | cpu->index << 16 | index));
    store_relaxed(&e->va, JC_EMPTY);
    e->key = cpu->jc_key;
    e->code = tb->rx;
    store_relaxed(&e->tb, tb);
    store_relaxed(&e->va, cpu->pc);
    cpu->engine->jc_pages[bit / 64] |= BIT(bit % 64);
    smp_mb();
    if (load_relaxed(&tb->dead)) {
        store_relaxed(&e->va, JC_EMPTY);
    }
}

void jc_clear(struct vcpu *cpu)
{
    for (unsigned i = 0; i < JC_ENTRIES; i++) {
        store_relaxed(&cpu->jc[i].va, JC_EMPTY);
    }
    memset(cpu->engine->jc_pages, 0, sizeof(cpu->engine->jc_pages));
}

/* An instruction that crosses into the page of VA is cached under the page before. */
static bool entry_is_in_page(uint64_t entry_va, vaddr_t va)
{
    return ((entry_va ^ va) & GUEST_PAGE_MASK) == 0 || entry_va == (va & GUEST_PAGE_MASK) - 2;
}

static bool page_may_be_cached(const struct vcpu_engine *en, vaddr_t va)
{
    unsigned bit = page_hash(va);

    return en->jc_pages[bit / 64] & BIT(bit % 64);
}

void jc_flush_page(struct vcpu *cpu, vaddr_t va)
{
    struct vcpu_engine *en = cpu->engine;

    if (!page_may_be_cached(en, va) && !page_may_be_cached(en, va - GUEST_PAGE_SIZE)) {
        return;
    }
    en->njc_scans++;
    memset(en->jc_pages, 0, sizeof(en->jc_pages));
    for (unsigned i = 0; i < JC_ENTRIES; i++) {
        uint64_t entry_va = load_relaxed(&cpu->jc[i].va);
        unsigned bit = page_hash(entry_va);

        if (entry_is_in_page(entry_va, va)) {
            store_relaxed(&cpu->jc[i].va, JC_EMPTY);
        } else if (entry_va != JC_EMPTY) {
            en->jc_pages[bit / 64] |= BIT(bit % 64);
        }
    }
}

void jc_forget(struct accel *a, struct tb *tb)
{
    uint32_t place = load_seq(&tb->jc_place);

    if (place == JC_ANYWHERE) {
        a->jc_scan = true;
    } else if (place != JC_NOWHERE) {
        store_relaxed(&a->vcpus[(place >> 16) & 0x7fff]->jc[place & (JC_ENTRIES - 1)].va, JC_EMPTY);
    }
}

void jc_forget_all(struct accel *a, bool parked)
{
    for (unsigned i = 0; i < a->nvcpus; i++) {
        for (unsigned k = 0; k < JC_ENTRIES; k++) {
            struct jc_entry *e = &a->vcpus[i]->jc[k];
            struct tb *tb = load_relaxed(&e->tb);

            if (tb && load_relaxed(&tb->dead)) {
                store_relaxed(&e->va, JC_EMPTY);
                if (parked) {
                    e->tb = NULL; /* about to be freed */
                }
            }
        }
    }
    a->jc_scan = false;
}
