/* SPDX-License-Identifier: MIT
 *
 * Page tables of a case, built from pokes: two address spaces with their own root and ASID, which share what maps
 * the case's code and the supervisor vectors.
 */
#ifndef TESTS_TORTURE_PAGETABLE_H
#define TESTS_TORTURE_PAGETABLE_H

#include "tests/torture/privileged.h"

#define PTE_V   1u
#define PTE_R   2u
#define PTE_W   4u
#define PTE_X   8u
#define PTE_U   16u
#define PTE_G   32u
#define PTE_A   64u
#define PTE_D   128u

#define NSPACES 2

struct tables {
    unsigned levels;
    uint64_t mode; /* of satp */
    uint64_t next_table;
    uint64_t root[NSPACES];
    uint64_t asid[NSPACES];
    enum privilege priv; /* of the code */
    bool svadu;
};

/* Random mode, ASIDs and privilege; maps the case's code and the supervisor vectors at random addresses in both
 * spaces. Returns a 2 MiB region (its virtual address) that is free and has no root entry yet. */
uint64_t tables_init(struct gen *g, struct tables *t);

/* Sets the entry for va at a level of the tables under root; returns the entry's physical address. */
uint64_t tables_map(struct gen *g, struct tables *t, uint64_t root, uint64_t va, unsigned level,
                    uint64_t pte);

uint64_t pte_leaf(uint64_t pa, uint64_t flags);

/* Makes a virtual address canonical for the mode. */
uint64_t tables_canonical(const struct tables *t, uint64_t va);

struct poke *find_poke(struct gen *g, uint64_t addr);

uint64_t tables_satp(const struct tables *t, int space);

/* The start of a case: vectors, Svadu or not, the first space. */
void emit_tables_start(struct gen *g, const struct tables *t);

/* To either space, without a fence. */
void emit_space_switch(struct gen *g, const struct tables *t);

/* One of the forms of sfence.vma that cover a changed leaf for va; in any_space, of several spaces or global. Uses
 * ptr[0] and ptr[1]. */
void emit_fence(struct gen *g, const struct tables *t, uint64_t va, int space, bool any_space);

#endif
