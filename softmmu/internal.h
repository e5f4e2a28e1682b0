/* SPDX-License-Identifier: MIT */
/*
 * What the files of softmmu/ share: the map, per-page state, and the domain (all harts' MMUs of
 * one machine).
 */
#ifndef SOFTMMU_INTERNAL_H
#define SOFTMMU_INTERNAL_H

#include "hw/core/machine.h"
#include "hw/host/bits.h"
#include "hw/host/thread.h"
#include "softmmu/tlb.h"

#define MEMORY_REGIONS_MAX 640

struct memory_map {
    struct machine *machine;
    struct mmu_domain *domain; /* set once, by mmu_domain_new */
    unsigned nregions;
    struct memory_region region[MEMORY_REGIONS_MAX]; /* sorted by base */
};

/*
 * A page's writer hint: which TLB entry may let stores pass without the slow path. 0: none.
 * WRITER_MANY: any. Else the one place, so that withdrawing a page's write entries need not
 * search all TLBs.
 */
#define WRITER_NONE      0u
#define WRITER_MANY      1u
#define WRITER_ONE       BIT(31)
#define WRITER_HARTS_MAX 512

/*
 * A TLB. It has room for 1 << TLB_BITS_MAX entries, but only the first 1 << bits are looked at and
 * initialised: the host gives memory to what is used.
 */
struct mmu_tlb {
    uint32_t bits;    /* a; written by the owner */
    unsigned nlost;   /* valid entries overwritten since the size changed */
    uint16_t log[64]; /* indices filled since the last flush, while nfilled <= 64 */
    unsigned nfilled;
    vaddr_t large_lo,
        large_hi; /* covers every mapping larger than a page that was filled; hi is inclusive */
    bool large;
    ALIGNED(CACHE_LINE) struct tlb_entry entry[1 << TLB_BITS_MAX];
};

struct dirty_page {
    const struct memory_region *region;
    uint64_t page; /* index in the region */
    /* 0, or: clean only when all other MMUs have entered guest code at this epoch or later */
    uint64_t epoch;
};

/*
 * lock: code page state changes and the dirty list. excl: reservations and all stores to
 * exclusive pages. Either may be taken alone by any thread; never both.
 */
struct mmu_domain {
    struct machine *machine; /* c */
    unsigned nmmus, max;     /* c once harts run */
    struct mmu **mmus;       /* c once harts run */
    uint64_t epoch;          /* a: counts withdrawals that hit other harts */
    struct mutex lock;
    struct dirty_page *dirty GUARDED_BY(lock);
    unsigned capacity GUARDED_BY(lock);
    unsigned ndirty; /* a: written under lock */
    struct mutex excl;
    uint64_t excl_epoch GUARDED_BY(excl); /* of the last withdrawal for a reservation */
    unsigned excl_stores
        GUARDED_BY(excl); /* stores to exclusive pages that no reservation wanted, for hysteresis */
};

/* ---- page state (code-pages.c) ------------------------------------------------------------- */

static inline uint8_t *page_flags(const struct memory_region *r, paddr_t pa)
{
    return &r->page_flags[(pa - r->base) >> GUEST_PAGE_BITS];
}

static inline uint32_t *page_writer(const struct memory_region *r, paddr_t pa)
{
    return &r->page_writer[(pa - r->base) >> GUEST_PAGE_BITS];
}

/* Where an entry is, as a writer hint. */
static inline uint32_t writer_place(unsigned mmu, unsigned slot, unsigned regime, unsigned index)
{
    return (uint32_t)(WRITER_ONE | (mmu << 22) | (slot << 18) | (regime << 14) | index);
}
_Static_assert(TLB_BITS_MAX == 14 && MMU_SLOTS <= 16 && REGIME_COUNT <= 16 &&
                   WRITER_HARTS_MAX <= 512,
               "fields of a writer hint");

/*
 * Records that PLACE (or WRITER_MANY) is about to let stores to PA pass. Before the page flags
 * are read.
 */
void page_note_writer(const struct memory_region *r, paddr_t pa, uint32_t place);
/*
 * Invalidates every write entry for the page of PA. Returns true if the TLB of an MMU other than
 * SELF (may be NULL) was or may have been among them: a store of that hart may still be on its
 * way.
 */
bool page_withdraw_writers(struct mmu_domain *d, const struct memory_region *r, paddr_t pa,
                           const struct mmu *self);
/* A store to PA is about to be done outside the fast path: marks a clean code page dirty. */
void code_page_store(struct mmu_domain *d, const struct memory_region *r, paddr_t pa);
/* True if no MMU but SELF can still be in guest code that it entered before EPOCH. */
bool mmu_domain_passed(const struct mmu_domain *d, uint64_t epoch, const struct mmu *self);

/* ---- host memory: as atomic as the guest may expect (aligned: whole) ----------------------- */

static inline uint64_t host_load(const uint8_t *host, unsigned size)
{
    uint64_t v = 0;

    if ((uintptr_t)host & (size - 1)) {
        memcpy(&v, host, size);
        return v;
    }
    switch (size) {
    case 1:
        return load_relaxed(host);
    case 2:
        return load_relaxed((const uint16_t *)host);
    case 4:
        return load_relaxed((const uint32_t *)host);
    default:
        return load_relaxed((const uint64_t *)host);
    }
}

static inline void host_store(uint8_t *host, unsigned size, uint64_t v)
{
    if ((uintptr_t)host & (size - 1)) {
        memcpy(host, &v, size);
        return;
    }
    switch (size) {
    case 1:
        store_relaxed(host, (uint8_t)v);
        break;
    case 2:
        store_relaxed((uint16_t *)host, (uint16_t)v);
        break;
    case 4:
        store_relaxed((uint32_t *)host, (uint32_t)v);
        break;
    default:
        store_relaxed((uint64_t *)host, v);
        break;
    }
}

/* ---- translation (tlb.c) ------------------------------------------------------------------- */

/* The entry of REGIME's table where VA's page is, if anywhere. */
struct tlb_entry *tlb_entry_for(struct mmu *mmu, vaddr_t va, unsigned regime);

/* A translated access inside one page. */
struct mmu_ref {
    const struct memory_region *region; /* NULL: nothing there */
    paddr_t pa;
    uint8_t *host; /* RAM, ROM */
};

/* Translates and fills the TLB. 0, a fault code, or MMU_NO_MEMORY. Does not raise. */
#define MMU_NO_MEMORY (-1)
int mmu_translate(struct mmu *mmu, vaddr_t va, unsigned size, enum mmu_access access,
                  unsigned regime, struct mmu_ref *ref);
void mmu_raise(struct mmu *mmu, vaddr_t va, enum mmu_access access, int code);

/* ---- reservations (exclusive.c) ------------------------------------------------------------ */

/* Breaks all reservations but SELF's on the 64-byte sets of PA..+SIZE. */
void exclusive_break(struct mmu_domain *d, paddr_t pa, uint64_t size, const struct mmu *self)
    REQUIRES(&d->excl);
/*
 * Around a store of SIZE bytes to REF in RAM. On an exclusive page it holds the lock and breaks
 * others' reservations. Begin's result goes to end.
 */
bool exclusive_store_begin(struct mmu *mmu, const struct mmu_ref *ref, unsigned size);
void exclusive_store_end(struct mmu *mmu, bool exclusive);

#endif
