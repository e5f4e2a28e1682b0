/* SPDX-License-Identifier: MIT */
/*
 * Page tables for the test programs: a pool of tables per program, mapped by map(), which makes the levels it needs.
 * Static inline: only programs that translate carry it.
 */
#ifndef TESTS_INSN_PAGING_H
#define TESTS_INSN_PAGING_H

#include "tests/insn/rt.h"

#define PTE_V      BIT(0)
#define PTE_R      BIT(1)
#define PTE_W      BIT(2)
#define PTE_X      BIT(3)
#define PTE_U      BIT(4)
#define PTE_G      BIT(5)
#define PTE_A      BIT(6)
#define PTE_D      BIT(7)
#define PTE_RWX    (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)
#define PTE_RW     (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D)
#define PTE_KEPT   UINT64_C(0x3ff)

#define SV39       8
#define SV48       9
#define SV57       10

#define PAGE       4096UL
#define POOL_PAGES 32

struct space {
    uint64_t (*pool)[512]; /* POOL_PAGES tables, the first is the root */
    unsigned used;
    unsigned mode; /* SV39... */
};

static inline unsigned space_levels(const struct space *s)
{
    return s->mode - SV39 + 3;
}

static inline void space_init(struct space *s, uint64_t (*pool)[512], unsigned mode)
{
    s->pool = pool;
    s->used = 1;
    s->mode = mode;
    for (unsigned i = 0; i < POOL_PAGES * 512; i++) {
        ((volatile uint64_t *)pool)[i] = 0;
    }
}

/* The entry of VA at LEVEL (0: 4 KiB), whose tables are made if they are missing. */
static inline volatile uint64_t *space_entry(struct space *s, uint64_t va, unsigned level)
{
    volatile uint64_t *table = s->pool[0];

    for (unsigned l = space_levels(s) - 1;; l--) {
        volatile uint64_t *e = &table[(va >> (12 + 9 * l)) & 511];

        if (l == level) {
            return e;
        }
        if (!(*e & PTE_V)) {
            *e = (uint64_t)s->pool[s->used++] >> 12 << 10 | PTE_V;
        }
        table = (volatile uint64_t *)(*e >> 10 << 12);
    }
}

static inline uint64_t pte_of(uint64_t pa, uint64_t flags)
{
    return pa >> 12 << 10 | flags;
}

/* A leaf of LEVEL for VA. */
static inline volatile uint64_t *space_map(struct space *s, uint64_t va, uint64_t pa,
                                           uint64_t flags, unsigned level)
{
    volatile uint64_t *e = space_entry(s, va, level);

    *e = pte_of(pa, flags);
    return e;
}

static inline uint64_t space_satp(const struct space *s, uint64_t asid)
{
    return (uint64_t)s->mode << 60 | asid << 44 | (uint64_t)s->pool[0] >> 12;
}

static inline void sfence_all(void)
{
    asm volatile("sfence.vma" ::: "memory");
}

static inline void sfence_page(uint64_t va)
{
    asm volatile("sfence.vma %0, zero" ::"r"(va) : "memory");
}

#endif
