/* SPDX-License-Identifier: MIT */
/*
 * The page walk: Sv39, Sv48, Sv57 on host pointers, with the PMP check of every access that it makes. No lock, no allocation.
 * A and D bits are set by compare-and-swap (Svadu with menvcfg.ADUE) or ask for a page fault (Svade); another hart may change
 * the PTE at any time, and then the walk starts anew.
 *
 * Privileged ISA 1.13 section 12.3.2 (the steps), 12.4-12.6; PTE bits 63:54 are reserved without Svnapot and Svpbmt.
 */
#include "hw/host/log.h"
#include "target-riscv/csr.h"
#include "target-riscv/hart.h"

#define PTE_V        BIT(0)
#define PTE_R        BIT(1)
#define PTE_W        BIT(2)
#define PTE_X        BIT(3)
#define PTE_U        BIT(4)
#define PTE_G        BIT(5)
#define PTE_A        BIT(6)
#define PTE_D        BIT(7)
#define PTE_PPN      BITS(53, 10)
#define PTE_RESERVED BITS(63, 54)
#define PTE_SIZE     8
#define LEVEL_BITS   9

/* What a step of the walk says beside the fault codes. */
#define WALK_DONE  0
#define WALK_AGAIN (-1)

struct walk {
    struct hart *h;
    vaddr_t va;
    enum mmu_access access;
    unsigned regime;
    uint64_t *pte_host; /* where the leaf was found */
    paddr_t pte_pa;
    uint64_t pte;
    unsigned page_bits; /* of the leaf's mapping */
    bool global;        /* a PTE on the way said so */
};

static unsigned levels_of(uint64_t satp)
{
    return (unsigned)get_field(satp, SATP_MODE) - SATP_SV39 + 3;
}

static bool canonical(vaddr_t va, unsigned levels)
{
    unsigned bits = GUEST_PAGE_BITS + LEVEL_BITS * levels;

    return (vaddr_t)sextract64(va, 0, bits) == va;
}

/* Host address of the PTE at PA, or NULL where there is no memory. */
static uint64_t *pte_pointer(struct hart *h, paddr_t pa)
{
    const struct memory_region *r = h->pte_region;

    if (unlikely(!r || pa - r->base >= r->size)) {
        r = memory_find(h->machine->memory, pa);
        if (!r || r->kind == MEMORY_MMIO) {
            return NULL;
        }
        h->pte_region = r;
    }
    return (uint64_t *)(r->host + (pa - r->base));
}

/* Goes down to the leaf. 0 or a fault code. */
static int find_leaf(struct walk *w)
{
    struct hart *h = w->h;
    unsigned levels = levels_of(h->satp);
    paddr_t table = (h->satp & SATP_PPN) << GUEST_PAGE_BITS;
    unsigned shift = GUEST_PAGE_BITS + LEVEL_BITS * (levels - 1);

    if (!canonical(w->va, levels)) {
        return WALK_PAGE_FAULT;
    }
    w->global = false;
    for (;; shift -= LEVEL_BITS) {
        uint64_t pte;

        w->pte_pa = table + extract64(w->va, shift, LEVEL_BITS) * PTE_SIZE;
        w->pte_host = pte_pointer(h, w->pte_pa);
        if (unlikely(!w->pte_host || !(pmp_check(h, w->pte_pa, PTE_SIZE, false) & PMP_R))) {
            return WALK_ACCESS_FAULT;
        }
        pte = load_acquire(w->pte_host);
        if (unlikely(!(pte & PTE_V) || pte & PTE_RESERVED || (pte & (PTE_R | PTE_W)) == PTE_W)) {
            return WALK_PAGE_FAULT;
        }
        w->global |= (pte & PTE_G) != 0;
        table = (pte & PTE_PPN) << 2;
        if (pte & (PTE_R | PTE_X)) {
            w->pte = pte;
            w->page_bits = shift;
            return table & (BIT(shift) - 1) ? WALK_PAGE_FAULT : WALK_DONE;
        }
        if (unlikely(shift == GUEST_PAGE_BITS || pte & (PTE_U | PTE_A | PTE_D))) {
            return WALK_PAGE_FAULT;
        }
    }
}

/* What the leaf lets REGIME do, as PMP_R | PMP_W | PMP_X, leaving A and D aside. */
static unsigned leaf_perms(uint64_t pte, unsigned regime)
{
    unsigned perms = (unsigned)(pte >> 1) & PMP_RWX;

    _Static_assert(PTE_R >> 1 == PMP_R && PTE_W >> 1 == PMP_W && PTE_X >> 1 == PMP_X,
                   "same order of bits");
    if (regime & REGIME_MXR && pte & PTE_X) {
        perms |= PMP_R;
    }
    if (!(regime & REGIME_S)) {
        return pte & PTE_U ? perms : 0;
    }
    if (!(pte & PTE_U)) {
        return perms;
    }
    return regime & REGIME_SUM ? perms & ~(unsigned)PMP_X : 0;
}

static const uint8_t access_perm[] = {
    [ACCESS_READ] = PMP_R, [ACCESS_WRITE] = PMP_W, [ACCESS_EXEC] = PMP_X};

static bool hardware_ad(const struct hart *h)
{
    if (cpu_has(h->config, EXT_SVADU)) {
        return h->menvcfg & MENVCFG_ADUE;
    }
    return !cpu_has(h->config, EXT_SVADE);
}

/* Sets the bits NEED in the leaf. WALK_AGAIN: somebody changed it meanwhile. */
static int set_ad(struct walk *w, uint64_t need)
{
    struct hart *h = w->h;
    uint64_t expected = w->pte;

    if (!hardware_ad(h)) {
        return WALK_PAGE_FAULT;
    }
    if (h->pte_region->kind != MEMORY_RAM || !(pmp_check(h, w->pte_pa, PTE_SIZE, false) & PMP_W)) {
        return WALK_ACCESS_FAULT;
    }
    if (!atomic_cas(w->pte_host, &expected, w->pte | need)) {
        return WALK_AGAIN;
    }
    memory_written(h->machine->memory, w->pte_pa, PTE_SIZE);
    w->pte |= need;
    return WALK_DONE;
}

static int walk_once(struct walk *w)
{
    int code = find_leaf(w);
    uint64_t need;

    if (code) {
        return code;
    }
    if (!(leaf_perms(w->pte, w->regime) & access_perm[w->access])) {
        return WALK_PAGE_FAULT;
    }
    need = (PTE_A | (w->access == ACCESS_WRITE ? PTE_D : 0)) & ~w->pte;
    return unlikely(need) ? set_ad(w, need) : WALK_DONE;
}

/* The last step: the PMP's say on the page itself. PERMS is what the page table allows. */
static int finish(struct hart *h, unsigned size, enum mmu_access access, bool machine,
                  unsigned perms, struct mmu_walk *out)
{
    perms &= pmp_check_page(h, out->pa, size, machine, &out->partial);
    if (!(perms & access_perm[access])) {
        return WALK_ACCESS_FAULT;
    }
    out->readable = perms & PMP_R;
    out->writable = perms & PMP_W;
    out->executable = perms & PMP_X;
    return WALK_DONE;
}

static paddr_t leaf_address(const struct walk *w)
{
    return (w->pte & PTE_PPN) << 2 | (w->va & (BIT(w->page_bits) - 1));
}

static int walk_paged(struct hart *h, vaddr_t va, unsigned size, enum mmu_access access,
                      unsigned regime, struct mmu_walk *out)
{
    struct walk w = {.h = h, .va = va, .access = access, .regime = regime};
    unsigned perms;
    int code;

    do {
        code = walk_once(&w);
    } while (code == WALK_AGAIN);
    if (code) {
        return code;
    }
    out->pa = leaf_address(&w);
    out->page_bits = (uint8_t)w.page_bits;
    out->global = w.global;
    perms = leaf_perms(w.pte, regime);
    return finish(h, size, access, false, w.pte & PTE_D ? perms : perms & ~(unsigned)PMP_W, out);
}

static void log_walk(const struct hart *h, vaddr_t va, enum mmu_access access, unsigned regime,
                     int code, const struct mmu_walk *out)
{
    static const char kinds[] = {[ACCESS_READ] = 'r', [ACCESS_WRITE] = 'w', [ACCESS_EXEC] = 'x'};

    if (code) {
        log_printf(LOG_MMU, "mmu: hart %u regime %u %c va 0x%016llx: %s fault\n", h->hartid, regime,
                   kinds[access], (unsigned long long)va,
                   code == WALK_PAGE_FAULT ? "page" : "access");
        return;
    }
    log_printf(
        LOG_MMU, "mmu: hart %u regime %u %c va 0x%016llx: pa 0x%014llx %c%c%c%s%s size 2^%u\n",
        h->hartid, regime, kinds[access], (unsigned long long)va, (unsigned long long)out->pa,
        out->readable ? 'r' : '-', out->writable ? 'w' : '-', out->executable ? 'x' : '-',
        out->global ? " global" : "", out->partial ? " partial" : "", out->page_bits);
}

int riscv_walk(void *opaque, vaddr_t va, unsigned size, enum mmu_access access, unsigned regime,
               struct mmu_walk *out)
{
    struct hart *h = hart_of(opaque);
    int code;

    if (regime >= REGIME_BARE_M) {
        out->pa = va;
        out->page_bits = GUEST_PAGE_BITS;
        out->global = false;
        code = finish(h, size, access, regime == REGIME_BARE_M, PMP_RWX, out);
    } else {
        code = walk_paged(h, va, size, access, regime, out);
    }
    if (log_enabled(LOG_MMU)) {
        log_walk(h, va, access, regime, code, out);
    }
    return code;
}

bool hart_translate(struct hart *h, vaddr_t va, paddr_t *pa)
{
    struct walk w = {.h = h, .va = va};

    if (h->cpu.data_regime >= REGIME_BARE_M) {
        *pa = va;
        return true;
    }
    if (find_leaf(&w)) {
        return false;
    }
    *pa = leaf_address(&w);
    return true;
}
