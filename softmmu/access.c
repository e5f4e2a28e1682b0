/* SPDX-License-Identifier: MIT */
/*
 * The slow paths of loads, stores and atomics: what the inline TLB check did not let through.
 * Each access is translated in whole before any of it is done, so that a fault leaves memory as
 * it was.
 *
 * Context: the owner's vCPU thread, no lock held.
 */
#include "softmmu/internal.h"

static uint64_t value_mask(unsigned size)
{
    return BITS(size * 8 - 1, 0);
}

/* ---- what the TLB knows already ------------------------------------------------------------ */

/* Host address of VA where accesses need no care, or NULL. */
static uint8_t *plain_host(struct mmu *mmu, vaddr_t va, enum mmu_access access, unsigned regime)
{
    const struct tlb_entry *e = tlb_entry_for(mmu, va, regime);

    return load_relaxed(&e->tag[access]) == (va & GUEST_PAGE_MASK)
               ? (uint8_t *)(uintptr_t)(va + e->addend)
               : NULL;
}

/* The device at VA with its physical address, or NULL. */
static const struct memory_region *known_mmio(struct mmu *mmu, vaddr_t va, enum mmu_access access,
                                              unsigned regime, paddr_t *pa)
{
    const struct tlb_entry *e = tlb_entry_for(mmu, va, regime);
    const struct memory_region *r = mmu->mmio_region;

    if (load_relaxed(&e->tag[access]) != ((va & GUEST_PAGE_MASK) | TLB_SLOW) || e->addend) {
        return NULL;
    }
    *pa = e->pa | (va & ~GUEST_PAGE_MASK);
    if (unlikely(!r || *pa - r->base >= r->size)) {
        r = memory_find(mmu->machine->memory, *pa);
        if (!r || r->kind != MEMORY_MMIO) {
            return NULL;
        }
        mmu->mmio_region = r;
    }
    return r;
}

/*
 * SIZE bytes of which FIRST are the last ones of the page that ends at END, the others the first
 * ones at NEXT.
 */
static uint64_t crossing_load(const uint8_t *end, const uint8_t *next, unsigned first,
                              unsigned size)
{
    uint64_t low = load_relaxed((const uint64_t *)(const void *)(end - 8)) >> (64 - 8 * first);
    uint64_t high = load_relaxed((const uint64_t *)(const void *)next) << (8 * first);

    return (low | high) & value_mask(size);
}

/* The low SIZE bytes of VALUE, 1 to 7. */
static void store_bytes(uint8_t *to, unsigned size, uint64_t value)
{
    if (size & 4) {
        memcpy(to, &value, 4);
        value >>= 32;
        to += 4;
    }
    if (size & 2) {
        memcpy(to, &value, 2);
        value >>= 16;
        to += 2;
    }
    if (size & 1) {
        memcpy(to, &value, 1);
    }
}

/* ---- loads and stores ---------------------------------------------------------------------- */

/* Bytes of the access that lie in its first page. */
static unsigned bytes_in_page(vaddr_t va, unsigned size)
{
    return (unsigned)MIN(size, GUEST_PAGE_SIZE - (va & ~GUEST_PAGE_MASK));
}

static bool misaligned_ok(struct mmu *mmu, vaddr_t va, unsigned memop, enum mmu_access access)
{
    if ((memop & MMU_ALIGNED) && (va & (MMU_SIZE(memop) - 1))) {
        mmu->ops->misaligned(mmu->opaque, va, access);
        return false;
    }
    return true;
}

/* Translates one part; raises on failure. */
static bool translate_part(struct mmu *mmu, vaddr_t va, unsigned size, enum mmu_access access,
                           unsigned regime, struct mmu_ref *ref)
{
    int rc = mmu_translate(mmu, va, size, access, regime, ref);

    if (rc) {
        mmu_raise(mmu, va, access, rc);
    }
    return !rc;
}

static bool load_part(struct mmu *mmu, vaddr_t va, unsigned size, const struct mmu_ref *ref,
                      uint64_t *value)
{
    if (ref->host) {
        *value = 0;
        if (is_pow2(size)) {
            *value = host_load(ref->host, size);
        } else {
            memcpy(value, ref->host, size);
        }
        return true;
    }
    mmu->nmmio++;
    if (is_pow2(size) && mmio_read(mmu->machine, ref->region, ref->pa, size, value)) {
        return true;
    }
    mmu_raise(mmu, va, ACCESS_READ, MMU_NO_MEMORY);
    return false;
}

/* A load that crosses into another page. */
static bool load_crossing(struct mmu *mmu, vaddr_t va, unsigned first, unsigned size,
                          unsigned regime, uint64_t *value)
{
    const uint8_t *host = plain_host(mmu, va, ACCESS_READ, regime);
    const uint8_t *next = plain_host(mmu, va + first, ACCESS_READ, regime);
    struct mmu_ref ref, ref2;
    uint64_t rest;

    mmu->ncrossing++;
    if (likely(host && next)) {
        *value = crossing_load(host + first, next, first, size);
        return true;
    }
    if (!translate_part(mmu, va, first, ACCESS_READ, regime, &ref) ||
        !translate_part(mmu, va + first, size - first, ACCESS_READ, regime, &ref2) ||
        !load_part(mmu, va, first, &ref, value) ||
        !load_part(mmu, va + first, size - first, &ref2, &rest)) {
        return false;
    }
    *value |= rest << (8 * first);
    return true;
}

bool mmu_load(struct mmu *mmu, vaddr_t va, unsigned memop, unsigned regime, uint64_t *value)
{
    unsigned size = MMU_SIZE(memop), first = bytes_in_page(va, size);
    const struct memory_region *r;
    struct mmu_ref ref;
    paddr_t pa;

    mmu->nslow_loads++;
    if (!misaligned_ok(mmu, va, memop, ACCESS_READ)) {
        return false;
    }
    if (first != size) {
        return load_crossing(mmu, va, first, size, regime, value);
    }
    r = known_mmio(mmu, va, ACCESS_READ, regime, &pa);
    if (r && mmio_read(mmu->machine, r, pa, size, value)) {
        mmu->nmmio++;
        return true;
    }
    return translate_part(mmu, va, size, ACCESS_READ, regime, &ref) &&
           load_part(mmu, va, size, &ref, value);
}

static void ram_store(struct mmu *mmu, const struct mmu_ref *ref, unsigned size, uint64_t value)
{
    bool exclusive = exclusive_store_begin(mmu, ref, size);

    if (is_pow2(size)) {
        host_store(ref->host, size, value);
    } else {
        memcpy(ref->host, &value, size);
    }
    exclusive_store_end(mmu, exclusive);
}

/* ROM swallows stores, as on the board that we stand in for. */
static bool store_part(struct mmu *mmu, vaddr_t va, unsigned size, const struct mmu_ref *ref,
                       uint64_t value)
{
    if (ref->region->kind == MEMORY_RAM) {
        ram_store(mmu, ref, size, value);
        return true;
    }
    if (ref->region->kind == MEMORY_ROM) {
        return true;
    }
    mmu->nmmio++;
    if (is_pow2(size) && mmio_write(mmu->machine, ref->region, ref->pa, size, value)) {
        return true;
    }
    mmu_raise(mmu, va, ACCESS_WRITE, MMU_NO_MEMORY);
    return false;
}

/* A store that crosses into another page: both are translated before either is written. */
static bool store_crossing(struct mmu *mmu, vaddr_t va, unsigned first, unsigned size,
                           unsigned regime, uint64_t value)
{
    uint8_t *host = plain_host(mmu, va, ACCESS_WRITE, regime);
    uint8_t *next = plain_host(mmu, va + first, ACCESS_WRITE, regime);
    struct mmu_ref ref, ref2;

    mmu->ncrossing++;
    if (likely(host && next)) {
        store_bytes(host, first, value);
        store_bytes(next, size - first, value >> (8 * first));
        return true;
    }
    return translate_part(mmu, va, first, ACCESS_WRITE, regime, &ref) &&
           translate_part(mmu, va + first, size - first, ACCESS_WRITE, regime, &ref2) &&
           store_part(mmu, va, first, &ref, value) &&
           store_part(mmu, va + first, size - first, &ref2, value >> (8 * first));
}

bool mmu_store(struct mmu *mmu, vaddr_t va, unsigned memop, unsigned regime, uint64_t value)
{
    unsigned size = MMU_SIZE(memop), first = bytes_in_page(va, size);
    const struct memory_region *r;
    struct mmu_ref ref;
    paddr_t pa;

    mmu->nslow_stores++;
    value &= value_mask(size);
    if (!misaligned_ok(mmu, va, memop, ACCESS_WRITE)) {
        return false;
    }
    if (first != size) {
        return store_crossing(mmu, va, first, size, regime, value);
    }
    r = known_mmio(mmu, va, ACCESS_WRITE, regime, &pa);
    if (r && mmio_write(mmu->machine, r, pa, size, value)) {
        mmu->nmmio++;
        return true;
    }
    return translate_part(mmu, va, size, ACCESS_WRITE, regime, &ref) &&
           store_part(mmu, va, size, &ref, value);
}

/* One compare-and-swap of SIZE bytes; *old is updated on failure. */
static bool host_cas(uint8_t *host, unsigned size, uint64_t *old, uint64_t value)
{
    uint64_t mask = value_mask(size);
    uint8_t o8 = (uint8_t)*old;
    uint16_t o16 = (uint16_t)*old;
    uint32_t o32 = (uint32_t)*old;
    bool done;

    switch (size) {
    case 1:
        done = atomic_cas(host, &o8, (uint8_t)value);
        *old = o8;
        break;
    case 2:
        done = atomic_cas((uint16_t *)host, &o16, (uint16_t)value);
        *old = o16;
        break;
    case 4:
        done = atomic_cas((uint32_t *)host, &o32, (uint32_t)value);
        *old = o32;
        break;
    default:
        return atomic_cas((uint64_t *)host, old, value & mask);
    }
    return done;
}

static uint64_t ram_amo(const struct mmu_ref *ref, unsigned size, mmu_amo_fn *fn,
                        const struct mmu_amo_args *args)
{
    uint64_t old = host_load(ref->host, size), value;
    bool stores;

    do {
        stores = true;
        value = fn(old, args, &stores);
    } while (stores && !host_cas(ref->host, size, &old, value));
    return old;
}

bool mmu_amo(struct mmu *mmu, vaddr_t va, unsigned regime, mmu_amo_fn *fn,
             const struct mmu_amo_args *args, uint64_t *old)
{
    unsigned size = MMU_SIZE(args->memop);
    struct mmu_ref ref;
    bool exclusive;

    mmu->nslow_stores++;
    if (va & (size - 1)) {
        mmu->ops->misaligned(mmu->opaque, va, ACCESS_WRITE);
        return false;
    }
    if (!translate_part(mmu, va, size, ACCESS_WRITE, regime, &ref)) {
        return false;
    }
    if (ref.region->kind != MEMORY_RAM) {
        mmu_raise(mmu, va, ACCESS_WRITE, MMU_NO_MEMORY);
        return false;
    }
    exclusive = exclusive_store_begin(mmu, &ref, size);
    *old = ram_amo(&ref, size, fn, args);
    exclusive_store_end(mmu, exclusive);
    return true;
}

bool mmu_probe(struct mmu *mmu, vaddr_t va, unsigned size, enum mmu_access access, unsigned regime,
               void **host, paddr_t *pa)
{
    struct mmu_ref ref;

    if (!translate_part(mmu, va, size, access, regime, &ref)) {
        return false;
    }
    *host = ref.host;
    *pa = ref.pa;
    return true;
}
