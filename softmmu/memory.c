/* SPDX-License-Identifier: MIT */
/*
 * The guest physical memory map: building it, finding a region, and transfers by loaders and
 * devices.
 *
 * The array of regions is sorted by base and constant once harts run: lookups are a binary search
 * without a lock.
 */
#include "hw/host/memory.h"
#include "softmmu/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct memory_map *memory_map_new(struct machine *m)
{
    struct memory_map *map = calloc(1, sizeof(*map));

    assert(map);
    map->machine = m;
    return map;
}

void memory_map_free(struct memory_map *map)
{
    if (!map) {
        return;
    }
    for (unsigned i = 0; i < map->nregions; i++) {
        struct memory_region *r = &map->region[i];

        if (r->kind != MEMORY_MMIO) {
            uint64_t npages = r->size >> GUEST_PAGE_BITS;

            host_mem_free(r->host, r->size);
            host_mem_free(r->page_flags, npages);
            host_mem_free(r->page_writer, npages * sizeof(uint32_t));
        }
    }
    free(map);
}

static void region_insert(struct memory_map *map, const struct memory_region *r)
{
    unsigned i = map->nregions;

    assert(r->size > 0 && r->base + r->size - 1 >= r->base);
    assert(map->nregions < MEMORY_REGIONS_MAX);
    while (i > 0 && map->region[i - 1].base > r->base) {
        map->region[i] = map->region[i - 1];
        i--;
    }
    map->region[i] = *r;
    map->nregions++;
    assert(i == 0 || map->region[i - 1].base + map->region[i - 1].size <= r->base);
    assert(i + 1 == map->nregions || r->base + r->size <= map->region[i + 1].base);
}

int memory_add_ram(struct memory_map *map, paddr_t base, uint64_t size, enum memory_kind kind,
                   struct err *err)
{
    uint64_t npages = size >> GUEST_PAGE_BITS;
    struct memory_region r = {.base = base, .size = size, .kind = kind};

    assert(kind != MEMORY_MMIO && !((base | size) & ~GUEST_PAGE_MASK));
    r.host = host_mem_alloc(size, true, err);
    if (!r.host) {
        return -ENOMEM;
    }
    r.page_flags = host_mem_alloc(npages, false, err);
    r.page_writer = host_mem_alloc(npages * sizeof(uint32_t), false, err);
    if (!r.page_flags || !r.page_writer) {
        host_mem_free(r.host, size);
        return -ENOMEM;
    }
    region_insert(map, &r);
    return 0;
}

void memory_add_device(struct memory_map *map, struct device *dev)
{
    region_insert(map, &(struct memory_region){
                           .base = dev->base, .size = dev->size, .kind = MEMORY_MMIO, .dev = dev});
}

const struct memory_region *memory_find(const struct memory_map *map, paddr_t pa)
{
    unsigned lo = 0, hi = map->nregions;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        const struct memory_region *r = &map->region[mid];

        if (pa < r->base) {
            hi = mid;
        } else if (pa - r->base >= r->size) {
            lo = mid + 1;
        } else {
            return r;
        }
    }
    return NULL;
}

unsigned memory_region_count(const struct memory_map *map)
{
    return map->nregions;
}

const struct memory_region *memory_region_at(const struct memory_map *map, unsigned i)
{
    return &map->region[i];
}

/*
 * Host pointer of PA in memory of KIND or better (RAM serves all), and how much of SIZE is
 * contiguous there.
 */
static uint8_t *memory_span(const struct memory_map *map, paddr_t pa, uint64_t size, bool rom_too,
                            uint64_t *len)
{
    const struct memory_region *r = memory_find(map, pa);

    if (!r || r->kind == MEMORY_MMIO || (r->kind == MEMORY_ROM && !rom_too)) {
        return NULL;
    }
    *len = MIN(size, r->size - (pa - r->base));
    return r->host + (pa - r->base);
}

/*
 * Guest memory is shared with running harts, so it is copied by relaxed accesses, whole words
 * where both sides are aligned: a hart may see a transfer half done, as on a real bus, but never
 * half a word.
 */
static void copy_from_guest(uint8_t *to, const uint8_t *host, uint64_t len)
{
    uint64_t i = 0;

    if (!((uintptr_t)host & 7)) {
        for (; i + 8 <= len; i += 8) {
            store_le64(to + i, load_relaxed((const uint64_t *)(host + i)));
        }
    }
    for (; i < len; i++) {
        to[i] = load_relaxed(host + i);
    }
}

static void copy_to_guest(uint8_t *host, const uint8_t *from, uint64_t len)
{
    uint64_t i = 0;

    if (!((uintptr_t)host & 7)) {
        for (; i + 8 <= len; i += 8) {
            store_relaxed((uint64_t *)(host + i), load_le64(from + i));
        }
    }
    if (!((uintptr_t)host & 3) && i + 4 <= len) {
        store_relaxed((uint32_t *)(host + i), load_le32(from + i));
        i += 4;
    }
    for (; i < len; i++) {
        store_relaxed(host + i, from[i]);
    }
}

bool memory_read(const struct memory_map *map, paddr_t pa, void *buf, uint64_t size)
{
    uint8_t *to = buf;
    uint64_t len;

    for (; size; size -= len, pa += len, to += len) {
        const uint8_t *host = memory_span(map, pa, size, true, &len);

        if (!host) {
            return false;
        }
        copy_from_guest(to, host, len);
    }
    return true;
}

bool memory_equal(const struct memory_map *map, paddr_t pa, const void *buf, uint64_t size)
{
    const uint8_t *with = buf, *host;
    uint64_t len, i = 0;

    host = memory_span(map, pa, size, true, &len);
    if (!host || len < size) {
        return false;
    }
    for (; ((uintptr_t)(host + i) & 7) && i < size; i++) {
        if (load_relaxed(host + i) != with[i]) {
            return false;
        }
    }
    for (; i + 8 <= size; i += 8) {
        if (load_relaxed((const uint64_t *)(const void *)(host + i)) != load_le64(with + i)) {
            return false;
        }
    }
    for (; i < size; i++) {
        if (load_relaxed(host + i) != with[i]) {
            return false;
        }
    }
    return true;
}

static bool memory_put(struct memory_map *map, paddr_t pa, const void *buf, uint64_t size,
                       bool rom_too)
{
    const uint8_t *from = buf;
    uint64_t len;

    for (; size; size -= len, pa += len, from += len) {
        uint8_t *host = memory_span(map, pa, size, rom_too, &len);

        if (!host) {
            return false;
        }
        copy_to_guest(host, from, len);
        memory_written(map, pa, len);
    }
    return true;
}

bool memory_write(struct memory_map *map, paddr_t pa, const void *buf, uint64_t size)
{
    return memory_put(map, pa, buf, size, false);
}

bool memory_load(struct memory_map *map, paddr_t pa, const void *buf, uint64_t size)
{
    return memory_put(map, pa, buf, size, true);
}

void *memory_host(struct memory_map *map, paddr_t pa, uint64_t *size)
{
    return memory_span(map, pa, *size, false, size);
}

void memory_written(struct memory_map *map, paddr_t pa, uint64_t size)
{
    const struct memory_region *r = memory_find(map, pa);
    struct mmu_domain *d = map->domain;
    paddr_t end = pa + size;

    if (!d || !r || !size) {
        return;
    }
    smp_mb(); /* with mmu_load_reserved's: it reads the new data, or its reservation is seen */
    for (paddr_t page = pa & GUEST_PAGE_MASK; page < end; page += GUEST_PAGE_SIZE) {
        uint8_t flags = load_relaxed(page_flags(r, page));

        if (flags & PAGE_CODE) {
            code_page_store(d, r, page);
        }
        if ((flags & PAGE_EXCLUSIVE) || d->nmmus == 1) {
            mutex_lock(&d->excl);
            exclusive_break(d, MAX(page, pa), MIN(end, page + GUEST_PAGE_SIZE) - MAX(page, pa),
                            NULL);
            mutex_unlock(&d->excl);
        }
    }
}

void memory_clear_ram(struct memory_map *map)
{
    for (unsigned i = 0; i < map->nregions; i++) {
        if (map->region[i].kind == MEMORY_RAM) {
            host_mem_zero(map->region[i].host, map->region[i].size);
            memory_written(map, map->region[i].base, map->region[i].size);
        }
    }
}
