/* SPDX-License-Identifier: MIT */
/*
 * The per-hart TLB: address-space slots, fills through the target's walker, flushes.
 *
 * All of it runs on the owner's thread, but for write tags, which anyone may invalidate (code-
 * pages.c); tables are published with release and never freed while harts run.
 */
#include "hw/host/log.h"
#include "hw/host/memory.h"
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

    assert(d && max_harts <= WRITER_HARTS_MAX);
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

/*
 * An id that nothing has. When they run out all start anew: what was cached under the old ones
 * must go then (ids_wrapped).
 */
static uint32_t new_id(struct mmu *mmu)
{
    if (unlikely(!mmu->next_id)) {
        mmu->ids_wrapped = true;
        mmu->next_id = 1;
        mmu->global_id = mmu->next_id++;
        for (unsigned i = 0; i < MMU_SLOTS; i++) {
            mmu->slot[i].id = mmu->next_id++;
        }
    }
    return mmu->next_id++;
}

static void slot_renew(struct mmu *mmu, struct mmu_slot *s)
{
    s->id = new_id(mmu);
    s->own_code = false;
}

int mmu_init(struct mmu *mmu, struct mmu_domain *d, const struct mmu_ops *ops, void *opaque,
             struct tlb_view *view, struct err *err)
{
    if (d->nmmus == d->max) {
        return err_set(err, -ENOSPC, "more harts than the memory system was made for (%u)", d->max);
    }
    memset(mmu, 0, sizeof(*mmu));
    mmu->ops = ops;
    mmu->opaque = opaque;
    mmu->view = view;
    mmu->domain = d;
    mmu->machine = d->machine;
    mmu->index = d->nmmus;
    mmu->next_id = 1;
    mmu->global_id = new_id(mmu);
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
            if (mmu->slot[s].tlb[r]) {
                host_mem_free(mmu->slot[s].tlb[r], sizeof(struct mmu_tlb));
                mmu->slot[s].tlb[r] = NULL;
            }
        }
    }
}

/* ---- tables -------------------------------------------------------------------------------- */

static unsigned tlb_index(const struct mmu_tlb *t, vaddr_t va)
{
    return (va >> GUEST_PAGE_BITS) & ((1u << t->bits) - 1);
}

static void entry_clear(struct tlb_entry *e)
{
    store_relaxed(&e->tag[ACCESS_READ], NO_TAG);
    store_relaxed(&e->tag[ACCESS_WRITE], NO_TAG);
}

static void table_clear(struct mmu_tlb *t, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        entry_clear(&t->entry[i]);
    }
}

/* Entries from 1 << BITS on are never reached, and cleared before they are again. */
static void table_resize(struct mmu *mmu, struct mmu_tlb *t, unsigned bits)
{
    if (bits > t->bits) {
        table_clear(t, 1u << t->bits, 1u << bits);
    }
    store_release(&t->bits, bits);
    t->nlost = 0;
    if (mmu->viewed == t) {
        mmu->view->mask = (uint64_t)((1u << bits) - 1) << TLB_ENTRY_BITS;
    }
}

static void table_flush(struct mmu *mmu, struct mmu_tlb *t)
{
    if (t->nfilled <= ARRAY_SIZE(t->log)) {
        for (unsigned i = 0; i < t->nfilled; i++) {
            entry_clear(&t->entry[t->log[i]]);
        }
    } else {
        table_resize(mmu, t, TLB_BITS_MIN);
        table_clear(t, 0, 1u << TLB_BITS_MIN);
    }
    t->nfilled = 0;
    t->large = false;
}

static struct mmu_tlb *table_new(void)
{
    struct err err;
    struct mmu_tlb *t = host_mem_alloc(sizeof(*t), false, &err);

    assert(t);
    t->bits = TLB_BITS_MIN;
    table_clear(t, 0, 1u << TLB_BITS_MIN);
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

struct tlb_entry *tlb_entry_for(struct mmu *mmu, vaddr_t va, unsigned regime)
{
    struct mmu_tlb *t = regime_table(mmu, regime);

    return &t->entry[tlb_index(t, va)];
}

void mmu_set_view(struct mmu *mmu, unsigned regime)
{
    struct mmu_tlb *t = regime_table(mmu, regime);

    mmu->viewed = t;
    mmu->view->entry = t->entry;
    mmu->view->mask = (uint64_t)((1u << t->bits) - 1) << TLB_ENTRY_BITS;
}

uint32_t mmu_space_id(const struct mmu *mmu, unsigned regime)
{
    const struct mmu_slot *s = &mmu->slot[regime >= REGIME_PAGED_COUNT ? 0 : mmu->current];

    return regime == REGIME_S && !s->own_code ? mmu->global_id : s->id;
}

static void slot_flush(struct mmu *mmu, struct mmu_slot *s)
{
    for (unsigned r = 0; r < REGIME_COUNT; r++) {
        if (s->tlb[r]) {
            table_flush(mmu, s->tlb[r]);
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
    if (!match) {
        mmu->global_id = new_id(mmu); /* of one space, a flush leaves global pages alone */
    }
    for (unsigned i = 1; i < MMU_SLOTS; i++) {
        struct mmu_slot *s = &mmu->slot[i];

        if (s->used && (!match || match(s->key, arg))) {
            slot_flush(mmu, s);
        }
    }
}

static void table_flush_page(struct mmu *mmu, struct mmu_tlb *t, vaddr_t va)
{
    vaddr_t page = va & GUEST_PAGE_MASK;
    struct tlb_entry *e = &t->entry[tlb_index(t, va)];

    if (t->large && va >= t->large_lo && va <= t->large_hi) {
        table_flush(mmu, t);
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
                table_flush_page(mmu, s->tlb[r], va);
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
static uint32_t place_of(struct mmu *mmu, unsigned regime, unsigned index)
{
    return writer_place(mmu->index, (unsigned)(regime_slot(mmu, regime) - mmu->slot), regime,
                        index);
}

static bool entry_has_other(const struct tlb_entry *e, uint64_t page)
{
    uint64_t read = e->tag[ACCESS_READ], write = load_relaxed(&e->tag[ACCESS_WRITE]);

    return (read != NO_TAG && (read & GUEST_PAGE_MASK) != page) ||
           (write != NO_TAG && (write & GUEST_PAGE_MASK) != page);
}

/* The entry to fill for PAGE; if fills have overwritten half a table's worth of others, in a table twice as large. */
static unsigned place_for_fill(struct mmu *mmu, struct mmu_tlb *t, uint64_t page)
{
    unsigned index = tlb_index(t, page);

    if (entry_has_other(&t->entry[index], page) && ++t->nlost > 1u << (t->bits - 1) &&
        t->bits < TLB_BITS_MAX) {
        table_resize(mmu, t, t->bits + 1);
        index = tlb_index(t, page);
    }
    return index;
}

static void fill(struct mmu *mmu, vaddr_t va, unsigned regime, const struct mmu_walk *w,
                 const struct memory_region *r)
{
    struct mmu_tlb *t = regime_table(mmu, regime);
    uint64_t page = va & GUEST_PAGE_MASK;
    unsigned index = place_for_fill(mmu, t, page);
    struct tlb_entry *e = &t->entry[index];
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
            fill_write_ram(e, r, w->pa, page, place_of(mmu, regime, index));
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
    struct mmu_tlb *t = regime_table(mmu, regime);
    struct tlb_entry *e = &t->entry[tlb_index(t, va)];
    uint32_t place = place_of(mmu, regime, tlb_index(t, va));
    const struct memory_region *r;
    struct mmu_walk w = {0};
    paddr_t pa;
    int rc;

    if ((load_relaxed(&e->tag[access]) & ~TLB_SLOW) == (va & GUEST_PAGE_MASK)) {
        mmu->nmarked++;
        pa = e->pa | (va & ~GUEST_PAGE_MASK);
        rc = ref_set(mmu, ref, pa, memory_find(mmu->machine->memory, pa), access, place);
        if (!rc && access == ACCESS_WRITE && ref->region->kind == MEMORY_RAM &&
            (load_relaxed(&e->tag[ACCESS_WRITE]) & TLB_SLOW)) {
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

int mmu_fetch(struct mmu *mmu, vaddr_t va, unsigned regime, struct mmu_fetch *f)
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
    f->pa = w.pa;
    f->host = r->host + ((w.pa & GUEST_PAGE_MASK) - r->base);
    f->page_bits = w.page_bits;
    f->cacheable = !w.partial;
    if (regime == REGIME_S && !w.global) {
        mmu->slot[mmu->current].own_code = true;
    }
    return 0;
}
