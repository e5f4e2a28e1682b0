/* SPDX-License-Identifier: MIT */
/*
 * Physical memory protection: 16 entries at 4-byte grain, kept as byte ranges. The lowest entry that matches any byte of an
 * access decides; it must match all of them. Without a match M may do all and S and U nothing.
 *
 * Most questions come from page walks in one large stretch of memory: the last stretch without an end of an entry inside is
 * remembered with its answers. Whoever changes pmpcfg or pmpaddr calls pmp_update and flushes the TLB. vCPU thread only.
 *
 * Privileged ISA 1.13 section 3.7.
 */
#include "target-riscv/csr.h"
#include "target-riscv/hart.h"

enum pmp_mode { PMP_OFF, PMP_TOR, PMP_NA4, PMP_NAPOT };

#define NO_MATCH      (-1)
#define PARTIAL_MATCH (-2)

/* ---- digest ------------------------------------------------------------------------------------------------------------------ */

static struct pmp_entry napot_range(uint64_t addr)
{
    unsigned ones = ctz64(~addr); /* addr has 54 bits: never all ones */
    uint64_t lo = (addr & ~(BIT(ones + 1) - 1)) << 2;

    return (struct pmp_entry){lo, lo + (UINT64_C(8) << ones)};
}

static struct pmp_entry entry_range(const struct hart *h, unsigned i)
{
    uint64_t addr = h->pmpaddr[i];
    uint64_t below = i ? h->pmpaddr[i - 1] << 2 : 0;

    switch ((enum pmp_mode)((h->pmpcfg[i] & PMPCFG_A_MASK) >> PMPCFG_A_SHIFT)) {
    case PMP_TOR:
        if (addr << 2 > below) {
            return (struct pmp_entry){below, addr << 2};
        }
        break;
    case PMP_NA4:
        return (struct pmp_entry){addr << 2, (addr << 2) + 4};
    case PMP_NAPOT:
        return napot_range(addr);
    case PMP_OFF:
        break;
    }
    return (struct pmp_entry){0, 0};
}

void pmp_update(struct hart *h)
{
    h->npmp_active = 0;
    h->pmp_cache = (struct pmp_range){0, 0, {0, 0}};
    for (unsigned i = 0; i < h->config->npmp; i++) {
        h->pmp[i] = entry_range(h, i);
        if (h->pmp[i].lo != h->pmp[i].hi) {
            h->npmp_active = i + 1;
        }
    }
}

/* ---- check ------------------------------------------------------------------------------------------------------------------- */

/* The entry that decides on PA..PA+SIZE, or NO_MATCH, or PARTIAL_MATCH. */
static int match(const struct hart *h, paddr_t pa, uint64_t size)
{
    for (unsigned i = 0; i < h->npmp_active; i++) {
        const struct pmp_entry *e = &h->pmp[i];

        if (pa < e->hi && pa + size > e->lo) {
            return pa >= e->lo && pa + size <= e->hi ? (int)i : PARTIAL_MATCH;
        }
    }
    return NO_MATCH;
}

static unsigned entry_perms(const struct hart *h, int entry, bool machine)
{
    if (entry == PARTIAL_MATCH) {
        return 0;
    }
    if (entry == NO_MATCH) {
        return machine || h->config->npmp == 0 ? PMP_RWX : 0;
    }
    if (machine && !(h->pmpcfg[entry] & PMPCFG_L)) {
        return PMP_RWX;
    }
    return h->pmpcfg[entry] & PMP_RWX;
}

/* Remembers the stretch around PA between the nearest ends of entries. */
static void cache_around(struct hart *h, paddr_t pa)
{
    struct pmp_range r = {0, UINT64_MAX, {0, 0}};
    int entry = match(h, pa, 1);

    for (unsigned i = 0; i < h->npmp_active; i++) {
        const uint64_t ends[] = {h->pmp[i].lo, h->pmp[i].hi};

        for (unsigned k = 0; k < 2; k++) {
            if (ends[k] <= pa) {
                r.lo = MAX(r.lo, ends[k]);
            } else {
                r.hi = MIN(r.hi, ends[k]);
            }
        }
    }
    r.perms[false] = (uint8_t)entry_perms(h, entry, false);
    r.perms[true] = (uint8_t)entry_perms(h, entry, true);
    h->pmp_cache = r;
}

static bool cached(const struct hart *h, paddr_t pa, uint64_t size)
{
    return pa >= h->pmp_cache.lo && pa < h->pmp_cache.hi && size <= h->pmp_cache.hi - pa;
}

unsigned pmp_check(struct hart *h, paddr_t pa, uint64_t size, bool machine)
{
    if (unlikely(!cached(h, pa, size))) {
        cache_around(h, pa);
        if (!cached(h, pa, size)) {
            return entry_perms(h, match(h, pa, size), machine);
        }
    }
    return h->pmp_cache.perms[machine];
}

unsigned pmp_check_page(struct hart *h, paddr_t pa, unsigned size, bool machine, bool *partial)
{
    paddr_t page = pa & GUEST_PAGE_MASK;

    *partial = false;
    if (likely(cached(h, page, GUEST_PAGE_SIZE))) {
        return h->pmp_cache.perms[machine];
    }
    if (match(h, page, GUEST_PAGE_SIZE) == PARTIAL_MATCH) {
        *partial = true;
        return pmp_check(h, pa, size, machine);
    }
    return pmp_check(h, page, GUEST_PAGE_SIZE, machine);
}
