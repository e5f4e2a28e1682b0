/* SPDX-License-Identifier: MIT */
/*
 * Code pages: how a store to translated code is noticed at the next fence.i, at no cost to other
 * stores.
 *
 * RISC-V orders stores before instruction fetches only at fence.i, so a page needs watching only
 * from one fence.i to the next:
 *   protect   PAGE_CODE is set, then all TLB write entries for the page are withdrawn, then PAGE_READY is set; only now may a
 *             translator read the bytes.
 *   store     the first store misses the fast path, marks the page PAGE_DIRTY, puts it on the list and gets its entry back.
 *   collect   (fence.i) for each page on the list: PAGE_DIRTY off, entries withdrawn, TBs compared with the bytes.
 *
 * Against races between a TLB fill for write (F) and a withdrawal (W):
 *   F: writer hint = place; entry valid; full barrier; hint still there and flags still allow it? else entry invalid, again
 *   W: flags change; hint exchanged for NONE (full barrier); the entry at the old hint invalidated
 * Either W sees F's hint and invalidates its entry, or F sees W's change and does.
 *
 * A hart may have passed its TLB check and not yet have stored when W happens. So when W hit
 * another hart's entry, the page stays on the list (dirty, compared at each fence.i) until every
 * other hart has left guest code or entered it anew (epochs, see mmu_enter_guest). Order of the
 * lock: RANK_CODE_PAGE, before accel's TB locks.
 */
#include "softmmu/internal.h"

#include <assert.h>
#include <stdlib.h>

void page_note_writer(const struct memory_region *r, paddr_t pa, uint32_t place)
{
    uint32_t *w = page_writer(r, pa);
    uint32_t seen = load_relaxed(w);

    while (seen != place && seen != WRITER_MANY) {
        if (atomic_cas(w, &seen, seen == WRITER_NONE ? place : WRITER_MANY)) {
            return;
        }
    }
}

static void entry_withdraw(struct tlb_entry *e)
{
    store_relaxed(&e->tag[ACCESS_WRITE], ~UINT64_C(0));
}

static void withdraw_one(struct mmu_domain *d, uint32_t place)
{
    struct mmu *mmu = d->mmus[(place >> 22) & (WRITER_HARTS_MAX - 1)];
    struct mmu_tlb *t = load_acquire(&mmu->slot[(place >> 18) & 15].tlb[(place >> 14) & 15]);

    if (t) {
        entry_withdraw(&t->entry[place & (BIT(TLB_BITS_MAX) - 1)]);
    }
}

static void withdraw_from_table(struct mmu_tlb *t, paddr_t page)
{
    unsigned n = 1u << load_acquire(&t->bits);

    for (unsigned i = 0; i < n; i++) {
        struct tlb_entry *e = &t->entry[i];

        if (load_relaxed(&e->pa) == page) {
            entry_withdraw(e);
        }
    }
}

static void withdraw_all(struct mmu_domain *d, paddr_t page)
{
    for (unsigned i = 0; i < d->nmmus; i++) {
        for (unsigned s = 0; s < MMU_SLOTS; s++) {
            for (unsigned regime = 0; regime < REGIME_COUNT; regime++) {
                struct mmu_tlb *t = load_acquire(&d->mmus[i]->slot[s].tlb[regime]);

                if (t) {
                    withdraw_from_table(t, page);
                }
            }
        }
    }
}

bool page_withdraw_writers(struct mmu_domain *d, const struct memory_region *r, paddr_t pa,
                           const struct mmu *self)
{
    uint32_t hint = atomic_xchg(page_writer(r, pa), WRITER_NONE);

    if (hint == WRITER_NONE) {
        return false;
    }
    if (hint == WRITER_MANY) {
        withdraw_all(d, pa & GUEST_PAGE_MASK);
        return d->nmmus > 1 || !self;
    }
    withdraw_one(d, hint);
    return !self || ((hint >> 22) & (WRITER_HARTS_MAX - 1)) != self->index;
}

bool mmu_domain_passed(const struct mmu_domain *d, uint64_t epoch, const struct mmu *self)
{
    for (unsigned i = 0; i < d->nmmus; i++) {
        if (d->mmus[i] != self && load_acquire(&d->mmus[i]->entered_epoch) < epoch) {
            return false;
        }
    }
    return true;
}

static void dirty_add(struct mmu_domain *d, const struct memory_region *r, paddr_t pa,
                      uint64_t epoch) REQUIRES(&d->lock)
{
    unsigned n = d->ndirty;

    if (n == d->capacity) {
        d->capacity = MAX(64, d->capacity * 2);
        d->dirty = realloc(d->dirty, d->capacity * sizeof(*d->dirty));
        assert(d->dirty);
    }
    d->dirty[n] = (struct dirty_page){r, (pa - r->base) >> GUEST_PAGE_BITS, epoch};
    /* In this order: whoever stores because the page is dirty finds the list not empty at its fence.i. */
    store_release(&d->ndirty, n + 1);
    fetch_or(page_flags(r, pa), PAGE_DIRTY);
}

/*
 * Withdraws; if another hart's store may be on its way, returns the epoch that it must have
 * passed, else 0.
 */
static uint64_t withdraw_epoch(struct mmu_domain *d, const struct memory_region *r, paddr_t pa,
                               const struct mmu *self)
{
    return page_withdraw_writers(d, r, pa, self) ? fetch_add(&d->epoch, 1) + 1 : 0;
}

void code_page_protect(struct mmu_domain *d, paddr_t pa, struct mmu *self)
{
    const struct memory_region *r = memory_find(d->machine->memory, pa);
    uint8_t *flags = page_flags(r, pa);
    uint64_t epoch;

    if (load_acquire(flags) & PAGE_READY) {
        return;
    }
    mutex_lock(&d->lock);
    if (!(load_relaxed(flags) & PAGE_READY)) {
        fetch_or(flags, PAGE_CODE);
        epoch = withdraw_epoch(d, r, pa, self);
        if (epoch) {
            dirty_add(d, r, pa, epoch);
        }
        fetch_or(flags, PAGE_READY);
    }
    mutex_unlock(&d->lock);
}

bool code_page_is_protected(const struct mmu_domain *d, paddr_t pa)
{
    return load_acquire(page_flags(memory_find(d->machine->memory, pa), pa)) & PAGE_READY;
}

void code_page_store(struct mmu_domain *d, const struct memory_region *r, paddr_t pa)
{
    uint8_t *flags = page_flags(r, pa);

    if ((load_relaxed(flags) & (PAGE_CODE | PAGE_DIRTY)) != PAGE_CODE) {
        return;
    }
    mutex_lock(&d->lock);
    if ((load_relaxed(flags) & (PAGE_CODE | PAGE_DIRTY)) == PAGE_CODE) {
        dirty_add(d, r, pa, 0);
    }
    mutex_unlock(&d->lock);
}

bool code_pages_dirty(const struct mmu_domain *d)
{
    return load_acquire(&d->ndirty) != 0;
}

/* One page of the list. True if it must stay on it. */
static bool collect_page(struct mmu_domain *d, struct dirty_page *p, struct mmu *self,
                         bool (*fn)(void *opaque, paddr_t pa), void *opaque) REQUIRES(&d->lock)
{
    const struct memory_region *r = p->region;
    paddr_t pa = r->base + (p->page << GUEST_PAGE_BITS);
    uint8_t *flags = page_flags(r, pa);
    uint64_t epoch;
    bool settled;

    fetch_and(flags, (uint8_t)~PAGE_DIRTY);
    epoch = withdraw_epoch(d, r, pa, self);
    p->epoch = epoch ? epoch : p->epoch;
    settled = !p->epoch ||
              mmu_domain_passed(d, p->epoch,
                                self); /* before the bytes are compared, or it proves nothing */
    if (!fn(opaque, pa) && settled) {
        /*
         * No TB is left. A translator may be publishing one just now: it looks at PAGE_READY
         * after that (full barrier), we look for TBs again after clearing it, so one of us sees
         * the other.
         */
        fetch_and(flags, (uint8_t) ~(PAGE_CODE | PAGE_READY));
        if (!fn(opaque, pa)) {
            return false;
        }
        fetch_or(flags, PAGE_CODE | PAGE_READY | PAGE_DIRTY);
        return true;
    }
    if (!settled) {
        fetch_or(flags, PAGE_DIRTY);
    }
    return !settled;
}

void code_pages_collect(struct mmu_domain *d, struct mmu *self,
                        bool (*fn)(void *opaque, paddr_t pa), void *opaque)
{
    unsigned kept = 0;

    mutex_lock(&d->lock);
    for (unsigned i = 0; i < d->ndirty; i++) {
        struct dirty_page p = d->dirty[i];

        if (collect_page(d, &p, self, fn, opaque)) {
            d->dirty[kept++] = p;
        }
    }
    store_release(&d->ndirty, kept);
    mutex_unlock(&d->lock);
}
