/* SPDX-License-Identifier: MIT */
/*
 * The per-hart software MMU: address-space slots with a TLB per access regime, the slow paths of
 * loads and stores, LR/SC reservations, and the code-page protocol.
 *
 * A slot stands for one translation context (the target's 64-bit key: satp mode, root, ASID). A
 * hart keeps MMU_SLOTS of them; writing satp picks one and swaps a pointer; nothing is flushed.
 * Slot 0 is "bare" (physical addresses).
 *
 * Threads: a struct mmu belongs to its vCPU thread. Two things are touched by others, atomically:
 * write tags (withdrawn when a page becomes a code page or exclusive) and the reservation word.
 */
#ifndef SOFTMMU_TLB_H
#define SOFTMMU_TLB_H

#include "hw/host/atomic.h"
#include "softmmu/memory.h"

/* log2 of a table's entries: tables grow when they lose entries to others too often. */
#define TLB_BITS_MIN   9
#define TLB_BITS_MAX   14
#define TLB_ENTRY_BITS 5
#define MMU_SLOTS      16

/* Low bits of a tag: any of them makes the inline compare miss. */
#define TLB_INVALID BIT(11) /* nothing here */
#define TLB_SLOW    BIT(10) /* the translation is right, but not every access is a plain one */

enum mmu_access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC };

/*
 * Tags: page address, or with low bits set. Instruction fetches are not cached here: the jump
 * cache is in front of them.
 */
struct tlb_entry {
    /* by enum mmu_access; t, but tag[ACCESS_WRITE] may be invalidated by any thread */
    uint64_t tag[2];
    uint64_t addend; /* host = va + addend; RAM and ROM */
    uint64_t pa;     /* of the page */
};
_Static_assert(sizeof(struct tlb_entry) == 1 << TLB_ENTRY_BITS, "generated code scales by it");

/* A table as generated code sees it. */
struct tlb_view {
    struct tlb_entry *entry;
    uint64_t mask; /* of an entry's offset: va >> (12 - TLB_ENTRY_BITS) & mask */
};

static inline struct tlb_entry *tlb_entry_of(const struct tlb_view *v, vaddr_t va)
{
    return (struct tlb_entry *)((char *)v->entry +
                                (va >> (GUEST_PAGE_BITS - TLB_ENTRY_BITS) & v->mask));
}

/*
 * Regimes: which rights an access has. BARE_*: physical addresses (slot 0) checked by PMP for M,
 * or for S and U. Paged regimes combine the bits.
 */
enum {
    REGIME_U = 0,
    REGIME_S = 1,   /* supervisor */
    REGIME_SUM = 2, /* ... that may touch user pages */
    REGIME_MXR = 4, /* executable pages are readable */
    REGIME_PAGED_COUNT = 8,
    REGIME_BARE_M = 8,
    REGIME_BARE_SU = 9,
    REGIME_COUNT = 10,
};

/* What the target's walker found. */
struct mmu_walk {
    paddr_t pa; /* of the accessed byte */
    /* log2 of the mapping (12, 21, 30, ...): a flush by address must drop all of it */
    uint8_t page_bits;
    bool readable, writable,
        /* in this regime, after PTE and PMP; writable only if D is set or was set now */
        executable;
    bool global;
    bool partial; /* PMP splits this page: good for this access only, must not be cached */
};

/* The target's side. OPAQUE is what mmu_init got. */
struct mmu_ops {
    /*
     * Translates VA for an access of SIZE bytes that does not cross a page. 0, or the target's
     * fault code (non-zero). Walks for ACCESS set A and D by
     */
    int (*walk)(void *opaque, vaddr_t va, unsigned size, enum mmu_access access, unsigned regime,
                struct mmu_walk *out);
    /*
     * Raises the guest exception for fault CODE (or access fault 0 when the physical access
     * failed) at VA. Sets unwind.
     */
    void (*fault)(void *opaque, vaddr_t va, enum mmu_access access, int code);
    /* Any thread: make the MMU's hart leave guest code soon (its poll word). */
    void (*kick)(void *opaque);
    /* A misaligned access that cannot be done (AMO, LR, SC, or config). Raises. */
    void (*misaligned)(void *opaque, vaddr_t va, enum mmu_access access);
};

struct mmu_tlb;

/* A reservation (LR): at most one a hart. */
struct mmu_reservation {
    uint64_t pa;    /* a: 64-byte set | 1 when it stands, 0 when not */
    uint64_t value; /* t: what LR read */
    uint64_t va;    /* t */
};

struct mmu_slot {
    uint64_t key; /* the target's */
    /*
     * unique among all that was; in jump-cache keys. A new one logically drops what was cached
     * under the old
     */
    uint32_t id;
    uint32_t stamp; /* last use, for replacement */
    bool used;
    bool own_code;                     /* supervisor code ran from a page that is not global */
    struct mmu_tlb *tlb[REGIME_COUNT]; /* allocated on first use */
};

struct mmu_domain;

struct mmu {
    struct mmu_slot slot[MMU_SLOTS];
    unsigned current;       /* slot of the paged regimes */
    struct mmu_tlb *viewed; /* t: the table that *view shows */
    struct tlb_view *view;  /* c; t: kept up to date when the table changes its size */
    uint32_t clock;
    struct mmu_reservation resv; /* t, resv.pa a */
    const struct mmu_ops *ops;
    void *opaque;
    struct mmu_domain *domain;               /* c: all harts' mmus of a machine, for withdrawals */
    struct machine *machine;                 /* c */
    const struct memory_region *mmio_region; /* t: the device that was accessed last */
    unsigned index;                          /* c: in the domain */
    uint32_t next_id;                        /* t */
    uint32_t global_id;     /* t: of supervisor code in slots that ran global pages only */
    bool ids_wrapped;       /* t: the caller must empty its jump cache, and clear this */
    uint64_t entered_epoch; /* a: see mmu_enter_guest */
    /* t: statistics (accel/counters.def) */
    uint64_t nfills, nflush_all, nflush_page, nflush_slot, nslow_loads, nslow_stores, nmmio,
        nslot_new, nmarked, npartial, ncrossing, nfaults;
};

/* ---- the machine's ------------------------------------------------------------------------- */

struct mmu_domain *mmu_domain_new(struct machine *m, unsigned max_harts);
void mmu_domain_free(struct mmu_domain *d);

/* The domain's clock of withdrawals. */
const uint64_t *mmu_domain_epoch(const struct mmu_domain *d);

/* VIEW: what mmu_set_view sets, and what flushes and fills change. */
int mmu_init(struct mmu *mmu, struct mmu_domain *d, const struct mmu_ops *ops, void *opaque,
             struct tlb_view *view, struct err *err);
void mmu_fini(struct mmu *mmu);

/*
 * Around every stay in guest code. A hart that is outside has no store on its way between TLB
 * check and memory, so whoever withdraws write entries can tell when all that passed the old ones
 * are done: when each MMU has left or entered at a later epoch.
 */
static inline void mmu_enter_guest(struct mmu *mmu)
{
    store_relaxed(&mmu->entered_epoch, load_acquire(mmu_domain_epoch(mmu->domain)));
    /*
     * before TLB checks; with page_withdraw_writers, then the epoch's increment, before
     * mmu_domain_passed
     */
    smp_mb();
}

static inline void mmu_leave_guest(struct mmu *mmu)
{
    store_release(&mmu->entered_epoch, UINT64_MAX);
}

/* ---- address spaces (vCPU thread) ---------------------------------------------------------- */

/*
 * Makes the slot for KEY current, taking the least recently used if it is new. True if the jump-
 * cache id changed.
 */
bool mmu_select(struct mmu *mmu, uint64_t key);
/* Shows the table for REGIME in the current (or bare) slot in the view. After each change of either. */
void mmu_set_view(struct mmu *mmu, unsigned regime);
/*
 * Id of what instruction fetch in REGIME depends on: high half of the jump-cache key. Slots share
 * one for supervisor code as long as all of it comes from global pages.
 */
uint32_t mmu_space_id(const struct mmu *mmu, unsigned regime);

/*
 * Flushes. They drop TLB entries; the caller also updates its jump cache (accel does, see
 * vcpu_flush_*).
 */
void mmu_flush_all(struct mmu *mmu);   /* every slot, also bare (PMP changed) */
void mmu_flush_paged(struct mmu *mmu); /* every paged slot: sfence.vma x0, x0 */
/* Slots for which MATCH(key, arg) holds. */
void mmu_flush_slots(struct mmu *mmu, bool (*match)(uint64_t key, uint64_t arg), uint64_t arg);
/* One address in all matching paged slots (MATCH NULL: all). */
void mmu_flush_page(struct mmu *mmu, vaddr_t va, bool (*match)(uint64_t key, uint64_t arg),
                    uint64_t arg);

/* ---- accesses (vCPU thread; they may raise: see struct mmu_ops) ---------------------------- */

/* MEMOP, here: log2 of the size, | MMU_ALIGNED when a misaligned access must fault. */
#define MMU_SIZE(memop) (1u << ((memop)&3))
#define MMU_ALIGNED     8u

/*
 * Load and store of MMU_SIZE(memop) bytes at VA in REGIME: TLB, then walk, MMIO, page-crossing
 * parts. False: an exception was raised. Loads give the value zero-extended.
 */
bool mmu_load(struct mmu *mmu, vaddr_t va, unsigned memop, unsigned regime, uint64_t *value);
bool mmu_store(struct mmu *mmu, vaddr_t va, unsigned memop, unsigned regime, uint64_t value);
struct mmu_amo_args {
    unsigned op; /* the caller's */
    unsigned memop;
    uint64_t operand, expected;
};
/*
 * The new value, from the old one (zero-extended); sets *stores to false when nothing is to be
 * written.
 */
typedef uint64_t mmu_amo_fn(uint64_t old, const struct mmu_amo_args *args, bool *stores);
/*
 * Atomic read-modify-write: FN computes the new value from the old one. Naturally aligned, RAM
 * only (else access fault for writes). A fault is a store fault.
 */
bool mmu_amo(struct mmu *mmu, vaddr_t va, unsigned regime, mmu_amo_fn *fn,
             const struct mmu_amo_args *args, uint64_t *old);
/*
 * Probes VA for ACCESS of SIZE bytes inside one page without doing it; *host is NULL for MMIO.
 * False: raised. For cache-block operations; after writing through *host the caller calls
 * memory_written.
 */
bool mmu_probe(struct mmu *mmu, vaddr_t va, unsigned size, enum mmu_access access, unsigned regime,
               void **host, paddr_t *pa);
/* Where instructions are. */
struct mmu_fetch {
    paddr_t pa;
    const uint8_t *host; /* of the page */
    uint8_t page_bits;   /* log2 of the mapping */
    bool cacheable;      /* not if PMP splits the page: good for this instruction only */
};
/*
 * Instruction fetch at VA. 0, or the target's fault code, or -1 where there is no RAM or ROM. May
 * change mmu_space_id.
 */
int mmu_fetch(struct mmu *mmu, vaddr_t va, unsigned regime, struct mmu_fetch *f);

/* LR and SC by exclusive flags. */
bool mmu_load_reserved(struct mmu *mmu, vaddr_t va, unsigned memop, unsigned regime,
                       uint64_t *value);
/* *ok: SC succeeded. False: raised. */
bool mmu_store_conditional(struct mmu *mmu, vaddr_t va, unsigned memop, unsigned regime,
                           uint64_t value, bool *ok);
void mmu_reservation_clear(struct mmu *mmu);

/* ---- code pages (softmmu/code-pages.c) ----------------------------------------------------- */

/*
 * Marks PA's page as code and withdraws all write entries for it. To be called before the bytes
 * are read for translation.
 */
void code_page_protect(struct mmu_domain *d, paddr_t pa, struct mmu *self);
/*
 * True when some code page may have been written since the last code_pages_collect. Cheap; any
 * thread.
 */
bool code_pages_dirty(const struct mmu_domain *d);
/*
 * True while PA's page is a code page. A translator checks it again after it has published a TB
 * (see code-pages.c).
 */
bool code_page_is_protected(const struct mmu_domain *d, paddr_t pa);
/*
 * Calls FN for each page that is dirty, with its physical address; FN compares and drops TBs and
 * returns true if TBs remain there (the page then stays a code page, protected again). Serialised
 * inside. fence.i.
 */
void code_pages_collect(struct mmu_domain *d, struct mmu *self,
                        bool (*fn)(void *opaque, paddr_t pa), void *opaque);

#endif
