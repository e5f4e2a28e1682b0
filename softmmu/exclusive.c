/* SPDX-License-Identifier: MIT */
/*
 * LR and SC by exclusive pages: the way for pairs that the translator could not fuse.
 *
 * LR makes its page exclusive: write entries for it are withdrawn, and every store to it by any
 * hart goes through the slow path under d->excl, where it breaks the reservations of others that
 * it touches. LR reads and reserves, SC checks and stores, under the same lock, so an SC that
 * succeeds is atomic with its LR and there is no ABA. Before the page counts as exclusive, LR
 * waits until stores that had passed a withdrawn entry are done (epochs, as in code-pages.c).
 *
 * A page leaves the state after EXCLUSIVE_GRACE stores that no reservation on it wanted. A trap
 * handler's SC, or a store by the reserving hart itself, does not break that hart's reservation:
 * the ISA allows both, and constrained loops make progress because only a store by another hart
 * to the 64-byte set can make their SC fail.
 *
 * Device DMA breaks reservations after the data has been written (memory_written). It is all that
 * can break the reservation of a machine's only hart, so there no page becomes exclusive.
 * Specification: unprivileged ISA, "A" extension, LR/SC instructions.
 */
#include "softmmu/internal.h"

#include <sched.h>

#define RESERVATION_SET 64
#define EXCLUSIVE_GRACE 16

void exclusive_break(struct mmu_domain *d, paddr_t pa, uint64_t size, const struct mmu *self)
{
    paddr_t first = align_down(pa, RESERVATION_SET),
            last = align_down(pa + size - 1, RESERVATION_SET);

    for (unsigned i = 0; i < d->nmmus; i++) {
        struct mmu_reservation *resv = &d->mmus[i]->resv;
        uint64_t held = load_relaxed(&resv->pa);
        paddr_t set = align_down(held, RESERVATION_SET);

        if (held && d->mmus[i] != self && set >= first && set <= last) {
            store_relaxed(&resv->pa, 0);
        }
    }
}

static bool page_is_reserved(const struct mmu_domain *d, paddr_t pa)
{
    for (unsigned i = 0; i < d->nmmus; i++) {
        uint64_t held = load_relaxed(&d->mmus[i]->resv.pa);

        if (held && (held & GUEST_PAGE_MASK) == (pa & GUEST_PAGE_MASK)) {
            return true;
        }
    }
    return false;
}

/* Counts a store that nobody's reservation covers; may end the page's exclusive state. */
static void note_store(struct mmu_domain *d, const struct memory_region *r, paddr_t pa)
    REQUIRES(&d->excl)
{
    if (!page_is_reserved(d, pa) && ++d->excl_stores >= EXCLUSIVE_GRACE) {
        d->excl_stores = 0;
        fetch_and(page_flags(r, pa), (uint8_t)~PAGE_EXCLUSIVE);
    }
}

bool exclusive_store_begin(struct mmu *mmu, const struct mmu_ref *ref,
                           unsigned size) NO_THREAD_SAFETY
{
    struct mmu_domain *d = mmu->domain;

    if (likely(!(load_relaxed(page_flags(ref->region, ref->pa)) & PAGE_EXCLUSIVE))) {
        return false;
    }
    mutex_lock(&d->excl);
    exclusive_break(d, ref->pa, size, mmu);
    note_store(d, ref->region, ref->pa);
    return true;
}

void exclusive_store_end(struct mmu *mmu, bool exclusive) NO_THREAD_SAFETY
{
    if (unlikely(exclusive)) {
        mutex_unlock(&mmu->domain->excl);
    }
}

/* Asks the harts that are still inside from before EPOCH to come out. False: there are none. */
static bool kick_before(const struct mmu *self, uint64_t epoch)
{
    const struct mmu_domain *d = self->domain;
    bool any = false;

    for (unsigned i = 0; i < d->nmmus; i++) {
        struct mmu *other = d->mmus[i];

        if (other != self && load_acquire(&other->entered_epoch) < epoch) {
            other->ops->kick(other->opaque);
            any = true;
        }
    }
    return any;
}

/*
 * Waits until all have passed EPOCH. A hart that is just entering may have read the epoch before
 * it grew and show that later than we looked, so one kick is not enough.
 */
static void wait_until_passed(struct mmu *mmu, uint64_t epoch)
{
    mmu_leave_guest(mmu); /* this hart has no store on its way: whoever waits for it need not */
    while (kick_before(mmu, epoch)) {
        sched_yield();
    }
    mmu_enter_guest(mmu);
}

/* Returns with d->excl held and the page exclusive. */
static void page_make_exclusive(struct mmu *mmu, const struct memory_region *r,
                                paddr_t pa) NO_THREAD_SAFETY
{
    struct mmu_domain *d = mmu->domain;
    uint8_t *flags = page_flags(r, pa);
    uint64_t epoch;

    mutex_lock(&d->excl);
    for (;;) {
        if (!(load_relaxed(flags) & PAGE_EXCLUSIVE)) {
            fetch_or(flags, PAGE_EXCLUSIVE);
            if (page_withdraw_writers(d, r, pa, mmu)) {
                d->excl_epoch = fetch_add(&d->epoch, 1) + 1;
            }
        }
        epoch = d->excl_epoch;
        if (mmu_domain_passed(d, epoch, mmu)) {
            return;
        }
        mutex_unlock(&d->excl);
        wait_until_passed(mmu, epoch);
        mutex_lock(&d->excl);
    }
}

static bool aligned_ref(struct mmu *mmu, vaddr_t va, unsigned memop, enum mmu_access access,
                        unsigned regime, struct mmu_ref *ref)
{
    int rc;

    if (va & (MMU_SIZE(memop) - 1)) {
        mmu->ops->misaligned(mmu->opaque, va, access);
        return false;
    }
    rc = mmu_translate(mmu, va, MMU_SIZE(memop), access, regime, ref);
    if (!rc && ref->region->kind != MEMORY_RAM) {
        rc = MMU_NO_MEMORY;
    }
    if (rc) {
        mmu_raise(mmu, va, access, rc);
    }
    return !rc;
}

bool mmu_load_reserved(struct mmu *mmu, vaddr_t va, unsigned memop, unsigned regime,
                       uint64_t *value) NO_THREAD_SAFETY
{
    struct mmu_ref ref;

    if (!aligned_ref(mmu, va, memop, ACCESS_READ, regime, &ref)) {
        return false;
    }
    if (mmu->domain->nmmus == 1) {
        store_relaxed(&mmu->resv.pa, ref.pa | 1);
        smp_mb(); /* with memory_written's */
        *value = host_load(ref.host, MMU_SIZE(memop));
        return true;
    }
    page_make_exclusive(mmu, ref.region, ref.pa);
    store_relaxed(&mmu->resv.pa, ref.pa | 1);
    *value = host_load(ref.host, MMU_SIZE(memop));
    mutex_unlock(&mmu->domain->excl);
    return true;
}

/* Stores if the reservation stands, and gives it up. */
static bool store_reserved(struct mmu *mmu, const struct mmu_ref *ref, unsigned size,
                           uint64_t value)
{
    bool ok = load_relaxed(&mmu->resv.pa) == (ref->pa | 1);

    store_relaxed(&mmu->resv.pa, 0);
    if (ok) {
        host_store(ref->host, size, value);
    }
    return ok;
}

bool mmu_store_conditional(struct mmu *mmu, vaddr_t va, unsigned memop, unsigned regime,
                           uint64_t value, bool *ok)
{
    struct mmu_domain *d = mmu->domain;
    struct mmu_ref ref;

    if (!aligned_ref(mmu, va, memop, ACCESS_WRITE, regime, &ref)) {
        return false;
    }
    if (d->nmmus == 1) {
        *ok = store_reserved(mmu, &ref, MMU_SIZE(memop), value);
        return true;
    }
    mutex_lock(&d->excl);
    *ok = store_reserved(mmu, &ref, MMU_SIZE(memop), value);
    if (*ok) {
        exclusive_break(d, ref.pa, MMU_SIZE(memop), mmu);
    }
    mutex_unlock(&d->excl);
    return true;
}

void mmu_reservation_clear(struct mmu *mmu)
{
    store_relaxed(&mmu->resv.pa, 0);
}
