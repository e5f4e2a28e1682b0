/* SPDX-License-Identifier: MIT */
/*
 * The per-hart jump cache: guest address and mode to host code, probed by generated code.
 *
 * Two entries side by side are a pair: generated code looks into the one that an address's hash
 * names, and a thunk into the other. What is replaced in the first moves to the other.
 *
 * Entries of one page are on one list (with those of other pages of its hash), so that dropping
 * a page costs what is there.
 *
 * Written by its owner. Other threads only set an entry's va to "empty" when its TB dies; that
 * may hit an entry that the owner has just replaced, which costs one miss. The owner, after
 * writing an entry, looks whether the TB has died meanwhile (full barrier; partner: tb_kill's
 * store of `dead` before it reads jc_place).
 */
#include "accel/internal.h"

#define JC_EMPTY (~UINT64_C(0))
#define JC_NONE  UINT16_MAX /* end of a list */

/* ---- entries by page ----------------------------------------------------------------------- */

static unsigned page_hash(vaddr_t va)
{
    uint64_t page = va >> GUEST_PAGE_BITS;

    return (unsigned)((page ^ page >> 10 ^ page >> 20) & (JC_PAGE_LISTS - 1));
}

static void list_remove(struct jc_lists *l, unsigned index)
{
    struct jc_node *n = &l->node[index];

    if (n->list == JC_NONE) {
        return;
    }
    if (n->prev == JC_NONE) {
        l->first[n->list] = n->next;
    } else {
        l->node[n->prev].next = n->next;
    }
    if (n->next != JC_NONE) {
        l->node[n->next].prev = n->prev;
    }
    n->list = JC_NONE;
}

static void list_add(struct jc_lists *l, unsigned index, unsigned list)
{
    struct jc_node *n = &l->node[index];

    list_remove(l, index);
    *n = (struct jc_node){.list = (uint16_t)list, .prev = JC_NONE, .next = l->first[list]};
    if (n->next != JC_NONE) {
        l->node[n->next].prev = (uint16_t)index;
    }
    l->first[list] = (uint16_t)index;
}

/* ---- entries ------------------------------------------------------------------------------- */

static void note_place(struct tb *tb, uint32_t place)
{
    uint32_t seen = load_relaxed(&tb->jc_place);

    while (seen != place && seen != JC_ANYWHERE &&
           !atomic_cas(&tb->jc_place, &seen, seen == JC_NOWHERE ? place : JC_ANYWHERE)) {}
}

static void note_large(struct jc_lists *l, vaddr_t va, unsigned page_bits)
{
    struct jc_large *large = &l->large[va >> 63];
    vaddr_t lo = align_down(va, BIT(page_bits)), hi = lo + (BIT(page_bits) - 1);

    large->lo = large->any ? MIN(large->lo, lo) : lo;
    large->hi = large->any ? MAX(large->hi, hi) : hi;
    large->any = true;
}

struct tb *jc_find(const struct vcpu *cpu)
{
    unsigned index = jc_index(cpu->pc);

    for (unsigned way = 0; way < 2; way++) {
        const struct jc_entry *e = &cpu->jc[index ^ way];

        if (load_relaxed(&e->va) == cpu->pc && e->key == cpu->jc_key) {
            return load_relaxed(&e->tb);
        }
    }
    return NULL;
}

/* TB must be alive when the full barrier that follows is over, or the entry be emptied. */
static void entry_set(struct vcpu *cpu, unsigned index, vaddr_t va, uint64_t key, struct tb *tb)
{
    struct jc_entry *e = &cpu->jc[index];

    store_relaxed(&e->va, JC_EMPTY);
    e->key = key;
    e->code = tb->rx;
    store_relaxed(&e->tb, tb);
    store_relaxed(&e->va, va);
    list_add(&cpu->engine->jc_lists, index, page_hash(va));
}

void jc_insert(struct vcpu *cpu, struct tb *tb, unsigned page_bits)
{
    unsigned index = jc_index(cpu->pc);
    struct jc_entry *e = &cpu->jc[index], *beside = &cpu->jc[index ^ 1];
    struct jc_lists *l = &cpu->engine->jc_lists;
    vaddr_t old = load_relaxed(&e->va);

    note_place(tb, JC_PLACE | (index & ~1u));
    if (old != JC_EMPTY) {
        entry_set(cpu, index ^ 1, old, e->key, e->tb);
    }
    entry_set(cpu, index, cpu->pc, cpu->jc_key, tb);
    if (page_bits > GUEST_PAGE_BITS) {
        note_large(l, cpu->pc, page_bits);
        note_large(l, cpu->pc + 2, page_bits); /* an instruction may cross into another mapping */
    }
    smp_mb();
    if (load_relaxed(&tb->dead)) {
        store_relaxed(&e->va, JC_EMPTY);
    }
    if (old != JC_EMPTY && load_relaxed(&beside->tb->dead)) {
        store_relaxed(&beside->va, JC_EMPTY);
    }
}

void jc_clear(struct vcpu *cpu)
{
    struct jc_lists *l = &cpu->engine->jc_lists;

    for (unsigned i = 0; i < JC_ENTRIES; i++) {
        store_relaxed(&cpu->jc[i].va, JC_EMPTY);
        l->node[i].list = JC_NONE;
    }
    for (unsigned i = 0; i < JC_PAGE_LISTS; i++) {
        l->first[i] = JC_NONE;
    }
    memset(l->large, 0, sizeof(l->large));
}

static void drop(struct vcpu *cpu, unsigned index)
{
    store_relaxed(&cpu->jc[index].va, JC_EMPTY);
    list_remove(&cpu->engine->jc_lists, index);
}

void jc_flush_page(struct vcpu *cpu, vaddr_t va)
{
    struct jc_lists *l = &cpu->engine->jc_lists;
    const struct jc_large *large = &l->large[va >> 63];
    vaddr_t page = va & GUEST_PAGE_MASK;

    if (large->any && va >= large->lo && va <= large->hi) {
        jc_clear(cpu); /* the mapping's other pages too, and how large it was is not known */
        return;
    }
    for (unsigned i = l->first[page_hash(va)], next; i != JC_NONE; i = next) {
        next = l->node[i].next;
        if ((load_relaxed(&cpu->jc[i].va) & GUEST_PAGE_MASK) == page) {
            drop(cpu, i);
        }
    }
    /* An instruction that crosses into the page is cached under the page before. */
    for (unsigned way = 0; way < 2; way++) {
        unsigned i = jc_index(page - 2) ^ way;

        if (load_relaxed(&cpu->jc[i].va) == page - 2) {
            drop(cpu, i);
        }
    }
}

void jc_forget(struct accel *a, struct tb *tb)
{
    uint32_t place = load_seq(&tb->jc_place);

    if (place == JC_ANYWHERE) {
        a->jc_scan = true;
    } else if (place != JC_NOWHERE) {
        for (unsigned i = 0; i < a->nvcpus; i++) {
            struct jc_entry *pair = &a->vcpus[i]->jc[place & (JC_ENTRIES - 1)];

            store_relaxed(&pair[0].va, JC_EMPTY);
            store_relaxed(&pair[1].va, JC_EMPTY);
        }
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
