/* SPDX-License-Identifier: MIT */
/*
 * A machine with 1 MiB of RAM, a ROM and one device, and MMUs whose walker is a small table: what
 * softmmu needs to be tested alone.
 */
#ifndef TESTS_SOFTMMU_FIXTURE_H
#define TESTS_SOFTMMU_FIXTURE_H

#include "hw/core/machine.h"
#include "softmmu/tlb.h"
#include "tests/unit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define RAM_BASE   UINT64_C(0x80000000)
#define RAM_SIZE   (UINT64_C(1) << 20)
#define ROM_BASE   UINT64_C(0x1000)
#define DEV_BASE   UINT64_C(0x10000000)
#define MAX_HARTS  8
#define FAULT_CODE 13

struct fixture;

struct test_hart {
    struct mmu mmu;
    struct tlb_view view;
    struct fixture *fx;
    unsigned nfaults, nmisaligned, nwalks;
    int code;
    vaddr_t fault_va;
    enum mmu_access fault_access;
    uint32_t kicked;
};

struct fixture {
    struct machine m;
    struct device dev;
    uint64_t dev_value;
    unsigned dev_size;
    unsigned nharts;
    struct test_hart hart[MAX_HARTS];
    /* the walker: identity, but for what these say */
    bool folded;           /* RAM appears again and again from RAM_BASE on */
    vaddr_t denied_page;   /* faults */
    vaddr_t readonly_page; /* not writable */
    vaddr_t partial_page;
    unsigned page_bits;
    bool global;
};

static inline uint64_t fixture_dev_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct fixture *fx = dev->state;

    fx->dev_size = size;
    return fx->dev_value + offset;
}

static inline void fixture_dev_write(struct device *dev, uint64_t offset, uint64_t value,
                                     unsigned size)
{
    struct fixture *fx = dev->state;

    (void)offset;
    fx->dev_value = value;
    fx->dev_size = size;
}

static inline int fixture_walk(void *opaque, vaddr_t va, unsigned size, enum mmu_access access,
                               unsigned regime, struct mmu_walk *w)
{
    struct test_hart *h = opaque;
    struct fixture *fx = h->fx;
    vaddr_t page = va & GUEST_PAGE_MASK;

    (void)size;
    (void)regime;
    h->nwalks++;
    if (page == fx->denied_page || (access == ACCESS_WRITE && page == fx->readonly_page)) {
        return FAULT_CODE;
    }
    *w = (struct mmu_walk){.pa = fx->folded ? RAM_BASE + (va - RAM_BASE) % RAM_SIZE : va,
                           .page_bits = (uint8_t)fx->page_bits,
                           .readable = true,
                           .executable = true,
                           .writable = page != fx->readonly_page,
                           .partial = page == fx->partial_page,
                           .global = fx->global};
    return 0;
}

static inline void fixture_fault(void *opaque, vaddr_t va, enum mmu_access access, int code)
{
    struct test_hart *h = opaque;

    h->nfaults++;
    h->fault_va = va;
    h->fault_access = access;
    h->code = code;
}

static inline void fixture_misaligned(void *opaque, vaddr_t va, enum mmu_access access)
{
    struct test_hart *h = opaque;

    (void)va;
    (void)access;
    h->nmisaligned++;
}

static inline void fixture_kick(void *opaque)
{
    struct test_hart *h = opaque;

    fetch_add(&h->kicked, 1);
}

static const struct mmu_ops fixture_ops = {.walk = fixture_walk,
                                           .fault = fixture_fault,
                                           .misaligned = fixture_misaligned,
                                           .kick = fixture_kick};

static const struct device_model fixture_device = {.name = "test",
                                                   .size = 0x100,
                                                   .min_access = 2,
                                                   .max_access = 4,
                                                   .read = fixture_dev_read,
                                                   .write = fixture_dev_write};

static inline void fixture_init(struct fixture *fx, unsigned nharts)
{
    struct err err;
    struct mmu_domain *d;

    memset(fx, 0, sizeof(*fx));
    mutex_init(&fx->m.bql, RANK_BQL, "bql");
    fx->denied_page = fx->readonly_page = fx->partial_page = ~UINT64_C(0);
    fx->page_bits = GUEST_PAGE_BITS;
    fx->m.memory = memory_map_new(&fx->m);
    assert(!memory_add_ram(fx->m.memory, RAM_BASE, RAM_SIZE, MEMORY_RAM, &err));
    assert(!memory_add_ram(fx->m.memory, ROM_BASE, 0x1000, MEMORY_ROM, &err));
    fx->dev = (struct device){
        .model = &fixture_device, .machine = &fx->m, .base = DEV_BASE, .size = 0x100, .state = fx};
    memory_add_device(fx->m.memory, &fx->dev);
    d = mmu_domain_new(&fx->m, MAX_HARTS);
    fx->nharts = nharts;
    for (unsigned i = 0; i < nharts; i++) {
        fx->hart[i].fx = fx;
        assert(!mmu_init(&fx->hart[i].mmu, d, &fixture_ops, &fx->hart[i], &fx->hart[i].view, &err));
    }
}

static inline void fixture_fini(struct fixture *fx)
{
    struct mmu_domain *d = fx->hart[0].mmu.domain;

    for (unsigned i = 0; i < fx->nharts; i++) {
        mmu_fini(&fx->hart[i].mmu);
    }
    mmu_domain_free(d);
    memory_map_free(fx->m.memory);
    mutex_fini(&fx->m.bql);
}

/*
 * What generated code does for a store: the inline check, then the slow path. True if the fast
 * path took it.
 */
static inline bool fast_store64(struct test_hart *h, vaddr_t va, uint64_t value)
{
    struct tlb_entry *e;

    mmu_set_view(&h->mmu, REGIME_S);
    e = tlb_entry_of(&h->view, va);
    if (load_relaxed(&e->tag[ACCESS_WRITE]) == (va & GUEST_PAGE_MASK)) {
        store_relaxed((uint64_t *)(uintptr_t)(va + e->addend), value);
        return true;
    }
    (void)mmu_store(&h->mmu, va, 3, REGIME_S, value);
    return false;
}

#endif
