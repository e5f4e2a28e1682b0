/* SPDX-License-Identifier: MIT */
/*
 * The per-hart TLB: address-space slots, fills through the target's walker, flushes.
 *
 * All of it runs on the owner's thread, but for write tags, which anyone may invalidate (code-
 * pages.c); tables are published with release and never freed while harts run.
 */
#include "hw/host/log.h"
#include "softmmu/internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define NO_TAG (~UINT64_C(0))

/* ---- the domain ---------------------------------------------------------------------------- */

struct mmu_domain *mmu_domain_new(struct machine *m, unsigned max_harts)
{
    struct mmu_domain *d = calloc(1, sizeof(*d));

    assert(d);
    d->machine = m;
    d->max = max_harts;
    d->mmus = calloc(max_harts, sizeof(*d->mmus));
    assert(d->mmus);
    mutex_init(&d->lock, RANK_CODE_PAGE, "code pages");
    mutex_init(&d->excl, RANK_CODE_PAGE, "exclusive");
    m->memory->domain = d;
    return d;
}

void mmu_domain_free(struct mmu_domain *d)
{
    if (!d) {
        return;
    }
    d->machine->memory->domain = NULL;
    mutex_fini(&d->lock);
    mutex_fini(&d->excl);
    free(d->dirty);
    free(d->mmus);
    free(d);
}

const uint64_t *mmu_domain_epoch(const struct mmu_domain *d)
{
    return &d->epoch;
}

/* ---- one MMU ------------------------------------------------------------------------------- */

static void slot_renew(struct mmu *mmu, struct mmu_slot *s)
{
    s->id = mmu->next_id++;
    if (!mmu->next_id) {
        mmu->ids_wrapped = true;
        mmu->next_id = 1;
    }
}

int mmu_init(struct mmu *mmu, struct mmu_domain *d, const struct mmu_ops *ops, void *opaque,
             struct err *err)
{
    if (d->nmmus == d->max) {
        return err_set(err, -ENOSPC, "more harts than the memory system was made for (%u)", d->max);
    }
    memset(mmu, 0, sizeof(*mmu));
    mmu->ops = ops;
    mmu->opaque = opaque;
    mmu->domain = d;
    mmu->machine = d->machine;
    mmu->index = d->nmmus;
    mmu->next_id = 1;
    mmu->current = 1;
    mmu->entered_epoch = UINT64_MAX;
    mmu->slot[0].used = mmu->slot[1].used = true;
    slot_renew(mmu, &mmu->slot[0]);
    slot_renew(mmu, &mmu->slot[1]);
    d->mmus[d->nmmus++] = mmu;
    return 0;
}

void mmu_fini(struct mmu *mmu)
{
    for (unsigned s = 0; s < MMU_SLOTS; s++) {
        for (unsigned r = 0; r < REGIME_COUNT; r++) {
            free(mmu->slot[s].tlb[r]);
            mmu->slot[s].tlb[r] = NULL;
        }
    }
}

static unsigned tlb_index(vaddr_t va)
{
    return (va >> GUEST_PAGE_BITS) & (TLB_ENTRIES - 1);
}

static void entry_clear(struct tlb_entry *e)
{
    store_relaxed(&e->tag[ACCESS_READ], NO_TAG);
    store_relaxed(&e->tag[ACCESS_WRITE], NO_TAG);
}

static void table_flush(struct mmu_tlb *t)
{
    if (t->nfilled <= ARRAY_SIZE(t->log)) {
        for (unsigned i = 0; i < t->nfilled; i++) {
            entry_clear(&t->entry[t->log[i]]);
        }
    } else {
        for (unsigned i = 0; i < TLB_ENTRIES; i++) {
            entry_clear(&t->entry[i]);
        }
    }
    t->nfilled = 0;
    t->large = false;
}

static struct mmu_tlb *table_new(void)
{
    struct mmu_tlb *t = aligned_alloc(CACHE_LINE, align_up(sizeof(*t), CACHE_LINE));

    assert(t);
    memset(t, 0, sizeof(*t));
    t->nfilled = ARRAY_SIZE(t->log) + 1;
    table_flush(t);
    return t;
}

static struct mmu_slot *regime_slot(struct mmu *mmu, unsigned regime)
{
    return &mmu->slot[regime >= REGIME_PAGED_COUNT ? 0 : mmu->current];
}

static struct mmu_tlb *regime_table(struct mmu *mmu, unsigned regime)
{
    struct mmu_slot *s = regime_slot(mmu, regime);

    if (unlikely(!s->tlb[regime])) {
        store_release(&s->tlb[regime], table_new());
    }
    return s->tlb[regime];
}

struct tlb_entry *mmu_table(struct mmu *mmu, unsigned regime)
{
    return regime_table(mmu, regime)->entry;
}

uint32_t mmu_space_id(const struct mmu *mmu, unsigned regime)
{
    return mmu->slot[regime >= REGIME_PAGED_COUNT ? 0 : mmu->current].id;
}

static void slot_flush(struct mmu *mmu, struct mmu_slot *s)
{
    for (unsigned r = 0; r < REGIME_COUNT; r++) {
        if (s->tlb[r]) {
            table_flush(s->tlb[r]);
        }
    }
    slot_renew(mmu, s);
    mmu->nflush_slot++;
}

bool mmu_select(struct mmu *mmu, uint64_t key)
{
    struct mmu_slot *victim = &mmu->slot[1];

    if (mmu->slot[mmu->current].key == key) {
        return false;
    }
    mmu->clock++;
    for (unsigned i = 1; i < MMU_SLOTS; i++) {
        struct mmu_slot *s = &mmu->slot[i];

        if (s->used && s->key == key) {
            s->stamp = mmu->clock;
            mmu->current = i;
            return true;
        }
        if (!s->used) {
            victim = victim->used ? s : victim;
        } else if (victim->used && mmu->clock - s->stamp > mmu->clock - victim->stamp) {
            victim = s;
        }
    }
    slot_flush(mmu, victim);
    victim->used = true;
    victim->key = key;
    victim->stamp = mmu->clock;
    mmu->current = (unsigned)(victim - mmu->slot);
    mmu->nslot_new++;
    return true;
}

/* ---- flushes ------------------------------------------------------------------------------- */

void mmu_flush_all(struct mmu *mmu)
{
    mmu->nflush_all++;
    slot_flush(mmu, &mmu->slot[0]);
    mmu_flush_paged(mmu);
}

void mmu_flush_paged(struct mmu *mmu)
{
    mmu_flush_slots(mmu, NULL, 0);
}

void mmu_flush_slots(struct mmu *mmu, bool (*match)(uint64_t key, uint64_t arg), uint64_t arg)
{
    for (unsigned i = 1; i < MMU_SLOTS; i++) {
        struct mmu_slot *s = &mmu->slot[i];

        if (s->used && (!match || match(s->key, arg))) {
            slot_flush(mmu, s);
        }
    }
}

static void table_flush_page(struct mmu_tlb *t, vaddr_t va)
{
    vaddr_t page = va & GUEST_PAGE_MASK;
    struct tlb_entry *e = &t->entry[tlb_index(va)];

    if (t->large && va >= t->large_lo && va <= t->large_hi) {
        table_flush(t);
        return;
    }
    if ((e->tag[ACCESS_READ] & GUEST_PAGE_MASK) == page ||
        (load_relaxed(&e->tag[ACCESS_WRITE]) & GUEST_PAGE_MASK) == page) {
        entry_clear(e);
    }
}

void mmu_flush_page(struct mmu *mmu, vaddr_t va, bool (*match)(uint64_t key, uint64_t arg),
                    uint64_t arg)
{
    mmu->nflush_page++;
    for (unsigned i = 1; i < MMU_SLOTS; i++) {
        struct mmu_slot *s = &mmu->slot[i];

        if (!s->used || (match && !match(s->key, arg))) {
            continue;
        }
        for (unsigned r = 0; r < REGIME_PAGED_COUNT; r++) {
            if (s->tlb[r]) {
                table_flush_page(s->tlb[r], va);
            }
        }
    }
}

/* ---- fills --------------------------------------------------------------------------------- */

static void table_log(struct mmu_tlb *t, unsigned index)
{
    if (t->nfilled < ARRAY_SIZE(t->log)) {
        t->log[t->nfilled] = (uint16_t)index;
    }
    if (t->nfilled <= ARRAY_SIZE(t->log)) {
        t->nfilled++;
    }
}

static void table_note_large(struct mmu_tlb *t, vaddr_t va, unsigned page_bits)
{
    vaddr_t lo = align_down(va, BIT(page_bits)), hi = lo + (BIT(page_bits) - 1);

    t->large_lo = t->large ? MIN(t->large_lo, lo) : lo;
    t->large_hi = t->large ? MAX(t->large_hi, hi) : hi;
    t->large = true;
}

/* May stores to this page go past the slow path now? */
static bool page_takes_stores(const struct memory_region *r, paddr_t pa)
{
    uint8_t flags = load_relaxed(page_flags(r, pa));

    return !(flags & PAGE_EXCLUSIVE) && (flags & (PAGE_CODE | PAGE_DIRTY)) != PAGE_CODE;
}

/* The F side of the protocol in code-pages.c. */
static void fill_write_ram(struct tlb_entry *e, const struct memory_region *r, paddr_t pa,
                           uint64_t page, uint32_t place)
{
    uint32_t hint;

    do {
        page_note_writer(r, pa, place);
        if (!page_takes_stores(r, pa)) {
            store_relaxed(&e->tag[ACCESS_WRITE], page | TLB_SLOW);
            return;
        }
        store_relaxed(&e->tag[ACCESS_WRITE], page);
        smp_mb(); /* with page_withdraw_writers' exchange */
        hint = load_relaxed(page_writer(r, pa));
    } while ((hint != place && hint != WRITER_MANY) || !page_takes_stores(r, pa));
}

/*
 * Where this MMU caches VA: also stands for a store on the slow path, which no entry lets
 * through.
 */
static uint32_t place_of(struct mmu *mmu, vaddr_t va, unsigned regime)
{
    return writer_place(mmu->index, (unsigned)(regime_slot(mmu, regime) - mmu->slot), regime,
                        tlb_index(va));
}

static void fill(struct mmu *mmu, vaddr_t va, unsigned regime, const struct mmu_walk *w,
                 const struct memory_region *r)
{
    struct mmu_tlb *t = regime_table(mmu, regime);
    unsigned index = tlb_index(va);
    struct tlb_entry *e = &t->entry[index];
    uint64_t page = va & GUEST_PAGE_MASK;
    uint64_t slow = r->kind == MEMORY_MMIO ? TLB_SLOW : 0;

    mmu->nfills++;
    entry_clear(e);
    store_relaxed(&e->pa, w->pa & GUEST_PAGE_MASK);
    e->addend = (uintptr_t)(r->host ? r->host + (e->pa - r->base) - page : NULL);
    table_log(t, index);
    if (w->page_bits > GUEST_PAGE_BITS) {
        table_note_large(t, va, w->page_bits);
    }
    if (w->readable) {
        store_relaxed(&e->tag[ACCESS_READ], page | slow);
    }
    if (w->writable) {
        if (r->kind == MEMORY_RAM) {
            fill_write_ram(e, r, w->pa, page, place_of(mmu, va, regime));
        } else {
            store_relaxed(&e->tag[ACCESS_WRITE], page | TLB_SLOW);
        }
    }
}

static int ref_set(struct mmu *mmu, struct mmu_ref *ref, paddr_t pa, const struct memory_region *r,
                   enum mmu_access access, uint32_t place)
{
    if (!r) {
        return MMU_NO_MEMORY;
    }
    ref->region = r;
    ref->pa = pa;
    ref->host = r->host ? r->host + (pa - r->base) : NULL;
    if (access == ACCESS_WRITE && r->kind == MEMORY_RAM) {
        page_note_writer(r, pa, place);
        code_page_store(mmu->domain, r, pa);
    }
    return 0;
}

int mmu_translate(struct mmu *mmu, vaddr_t va, unsigned size, enum mmu_access access,
                  unsigned regime, struct mmu_ref *ref)
{
    struct tlb_entry *e = &mmu_table(mmu, regime)[tlb_index(va)];
    uint32_t place = place_of(mmu, va, regime);
    const struct memory_region *r;
    struct mmu_walk w = {0};
    paddr_t pa;
    int rc;

    if ((load_relaxed(&e->tag[access]) & ~TLB_SLOW) == (va & GUEST_PAGE_MASK)) {
        mmu->nmarked++;
        pa = e->pa | (va & ~GUEST_PAGE_MASK);
        rc = ref_set(mmu, ref, pa, memory_find(mmu->machine->memory, pa), access, place);
        if (!rc && access == ACCESS_WRITE && ref->region->kind == MEMORY_RAM) {
            fill_write_ram(e, ref->region, pa, va & GUEST_PAGE_MASK,
                           place); /* what made it slow may have passed */
        }
        return rc;
    }
    rc = mmu->ops->walk(mmu->opaque, va, size, access, regime, &w);
    if (rc) {
        return rc;
    }
    r = memory_find(mmu->machine->memory, w.pa);
    rc = ref_set(mmu, ref, w.pa, r, access, place);
    mmu->npartial += w.partial;
    if (!rc && !w.partial) {
        fill(mmu, va, regime, &w, r);
    }
    if (log_enabled(LOG_MMU)) {
        log_printf(LOG_MMU,
                   "fill hart %u va %016" PRIx64 " pa %016" PRIx64 " access %d regime %u bits %u%s",
                   mmu->index, va, w.pa, access, regime, w.page_bits, w.partial ? " partial" : "");
    }
    return rc;
}

void mmu_raise(struct mmu *mmu, vaddr_t va, enum mmu_access access, int code)
{
    mmu->nfaults++;
    mmu->ops->fault(mmu->opaque, va, access, code == MMU_NO_MEMORY ? 0 : code);
}

int mmu_fetch(struct mmu *mmu, vaddr_t va, unsigned regime, paddr_t *pa, const uint8_t **host,
              bool *cacheable)
{
    struct mmu_walk w = {0};
    const struct memory_region *r;
    int rc = mmu->ops->walk(mmu->opaque, va, 2, ACCESS_EXEC, regime, &w);

    if (rc) {
        return rc;
    }
    r = memory_find(mmu->machine->memory, w.pa);
    if (!r || r->kind == MEMORY_MMIO) {
        return MMU_NO_MEMORY;
    }
    *pa = w.pa;
    *host = r->host + ((w.pa & GUEST_PAGE_MASK) - r->base);
    *cacheable = !w.partial;
    return 0;
}
