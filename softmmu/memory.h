/* SPDX-License-Identifier: MIT */
/*
 * The guest physical address space: a flat, sorted, read-mostly map of RAM, ROM and devices, and
 * how devices (DMA) and loaders reach it. Built before harts run; constant afterwards (so lookups
 * take no lock).
 */
#ifndef SOFTMMU_MEMORY_H
#define SOFTMMU_MEMORY_H

#include "hw/core/device.h"
#include "hw/host/err.h"

typedef uint64_t paddr_t;
typedef uint64_t vaddr_t;

#define GUEST_PAGE_BITS 12
#define GUEST_PAGE_SIZE (UINT64_C(1) << GUEST_PAGE_BITS)
#define GUEST_PAGE_MASK (~(GUEST_PAGE_SIZE - 1))

enum memory_kind { MEMORY_RAM, MEMORY_ROM, MEMORY_MMIO };

/* Page flags of RAM and ROM pages (softmmu/code-pages.c has the protocol). */
enum {
    PAGE_CODE = 1,      /* TBs were, or are being, translated from this page */
    PAGE_READY = 2,     /* ... and its write entries have been withdrawn once */
    PAGE_DIRTY = 4,     /* ... and it may have been written since the TBs were last compared */
    PAGE_EXCLUSIVE = 8, /* reserved by an LR: stores take the slow path */
};

struct memory_region {
    paddr_t base;
    uint64_t size;
    enum memory_kind kind;
    uint8_t *host;       /* RAM, ROM: host address of base */
    uint8_t *page_flags; /* RAM, ROM: PAGE_*, one atomic byte a page */
    /* RAM, ROM: where write entries for the page may be (softmmu/internal.h), atomic */
    uint32_t *page_writer;
    struct device *dev; /* MMIO */
};

struct memory_map;

struct memory_map *memory_map_new(struct machine *m);
void memory_map_free(struct memory_map *map);

/*
 * Adds SIZE bytes (page multiple) of zeroed host memory as RAM or ROM. Host memory is demand-
 * allocated, on huge pages.
 */
int memory_add_ram(struct memory_map *map, paddr_t base, uint64_t size, enum memory_kind kind,
                   struct err *err);
/*
 * Maps dev->base..+dev->size (any size; byte-exact bounds). Overlap with another region is an
 * assertion.
 */
void memory_add_device(struct memory_map *map, struct device *dev);

/* The region that holds PA, or NULL. Any thread. */
const struct memory_region *memory_find(const struct memory_map *map, paddr_t pa);
/* Number of regions and the i-th, in address order (for -d page and the FDT). */
unsigned memory_region_count(const struct memory_map *map);
const struct memory_region *memory_region_at(const struct memory_map *map, unsigned i);

/*
 * DMA and loaders. They reach RAM (reads also ROM); false, with nothing transferred beyond the
 * hole, where the range leaves it. Writes mark code pages dirty and break LR reservations. Any
 * thread.
 */
bool memory_read(const struct memory_map *map, paddr_t pa, void *buf, uint64_t size) WARN_UNUSED;
/* True if SIZE bytes at PA, inside one region of RAM or ROM, are BUF's. Any thread. */
bool memory_equal(const struct memory_map *map, paddr_t pa, const void *buf, uint64_t size);
bool memory_write(struct memory_map *map, paddr_t pa, const void *buf, uint64_t size) WARN_UNUSED;
/* As memory_write, and also into ROM: for loaders, before harts run or with them stopped. */
bool memory_load(struct memory_map *map, paddr_t pa, const void *buf, uint64_t size) WARN_UNUSED;
/*
 * Host pointer for direct I/O on PA; *size is shortened to what is contiguous in the region. NULL
 * where there is no RAM. After writing through it the device calls memory_written for what it
 * wrote.
 */
void *memory_host(struct memory_map *map, paddr_t pa, uint64_t *size);
void memory_written(struct memory_map *map, paddr_t pa, uint64_t size);
/* All RAM to zero (ROM stays): system reset does not need it, tests do. vCPUs stopped. */
void memory_clear_ram(struct memory_map *map);

/*
 * One access by a hart to a device region: size checks and splitting by the model's limits, the
 * BQL unless lockless. False: access fault. vCPU thread, BQL not held.
 */
bool mmio_read(struct machine *m, const struct memory_region *r, paddr_t pa, unsigned size,
               uint64_t *value);
bool mmio_write(struct machine *m, const struct memory_region *r, paddr_t pa, unsigned size,
                uint64_t value);

#endif
