/* SPDX-License-Identifier: MIT
 *
 * Page tables: Sv39, Sv48 and Sv57 with random permissions, superpages, misaligned superpages, reserved bits,
 * A and D under Svade and Svadu, SUM and MXR, MPRV from M-mode, two address spaces with their own ASIDs, changes
 * of entries followed by each form of sfence.vma that covers them.
 *
 * A case runs at one virtual address in S or in U, alternating with M-mode where it changes things. Both spaces
 * map the code and the supervisor vectors alike, and have windows of pages over the data with entries of their
 * own. Pages of the window may be executable, but nothing jumps there except to page 7, which never is.
 */
#include <assert.h>

#include "tests/torture/privileged.h"

#define PTE_V        1u
#define PTE_R        2u
#define PTE_W        4u
#define PTE_X        8u
#define PTE_U        16u
#define PTE_G        32u
#define PTE_A        64u
#define PTE_D        128u

#define WINDOW_PAGES 8
#define NSPACES      2

struct vm {
    unsigned levels;
    uint64_t mode; /* of satp */
    uint64_t next_table;
    uint64_t root[NSPACES];
    uint64_t asid[NSPACES];
    uint64_t window;                     /* virtual address of the windows */
    uint64_t pte[NSPACES][WINDOW_PAGES]; /* physical addresses of their entries */
    uint64_t mega;                       /* virtual address that a level 1 entry maps */
    uint64_t mega_pte[NSPACES];
    uint64_t giga;
    int space; /* that the program has set at this point */
    enum privilege priv;
    bool svadu;
};

/* Building tables. */

static uint64_t canonical(const struct vm *vm, uint64_t va)
{
    unsigned shift = 64 - (12 + 9 * vm->levels);
    return (uint64_t)((int64_t)(va << shift) >> shift);
}

static struct poke *find_poke(struct gen *g, uint64_t addr)
{
    struct case_header *h = &g->p->hdr;
    for (unsigned i = 0; i < h->npokes; i++) {
        if (h->pokes[i].addr == addr) {
            return &h->pokes[i];
        }
    }
    return NULL;
}

static uint64_t new_table(struct vm *vm)
{
    uint64_t table = vm->next_table;
    vm->next_table += 0x1000;
    assert(vm->next_table <= GUEST_PT + GUEST_PT_SIZE);
    return table;
}

/* Sets the entry for va at a level of the tables under root; returns the entry's physical address. */
static uint64_t map(struct gen *g, struct vm *vm, uint64_t root, uint64_t va, unsigned level,
                    uint64_t pte)
{
    uint64_t table = root;
    for (unsigned l = vm->levels - 1;; l--) {
        uint64_t addr = table + (va >> (12 + 9 * l) & 511) * 8;
        struct poke *poke = find_poke(g, addr);
        if (l == level) {
            if (poke) {
                poke->value = pte;
            } else {
                add_poke(g, addr, pte);
            }
            return addr;
        }
        if (!poke) {
            uint64_t next = new_table(vm);
            add_poke(g, addr, next >> 2 | PTE_V);
            table = next;
        } else {
            table = poke->value << 2 & ~0xfffull;
        }
    }
}

static uint64_t leaf(uint64_t pa, uint64_t flags)
{
    return pa >> 2 | flags;
}

/* Flags of a data page; only some can be executed. */
static uint64_t random_flags(struct gen *g, const struct vm *vm, bool allow_x)
{
    static const uint8_t rwx[] = {
        PTE_R | PTE_W, PTE_R | PTE_W, PTE_R | PTE_W,         PTE_R | PTE_W, PTE_R, PTE_R,
        PTE_W,         PTE_R | PTE_X, PTE_R | PTE_W | PTE_X, PTE_X,         PTE_X, PTE_W | PTE_X,
    };
    struct rng *r = &g->rng;
    uint64_t flags = rwx[rng_below(r, allow_x ? 12 : 7)];
    flags |= rng_one_in(r, 20) ? 0 : PTE_V;
    flags |= (vm->priv == PRIV_U) != rng_one_in(r, 5) ? PTE_U : 0;
    flags |= rng_one_in(r, 5) ? 0 : PTE_A;
    flags |= rng_one_in(r, 4) ? 0 : PTE_D;
    if (vm->svadu && !(flags & PTE_W)) {
        flags |= PTE_A; /* whether an AMO that is not permitted to write sets A is open */
    }
    flags |= (uint64_t)rng_below(r, 4) << 8;
    flags |= rng_one_in(r, 40) ? 1ull << (54 + rng_below(r, 10)) : 0;
    return flags;
}

/* Seldom where no memory is. Not if an AMO could read but not write, for QEMU reads first and reports that; and not
 * where accesses cross pages, for whether the first half's bus error or the second half's page fault wins is open. */
static uint64_t random_page(struct gen *g, const struct vm *vm, uint64_t flags)
{
    uint64_t pa = GUEST_DATA + rng_below(&g->rng, GUEST_DATA_PAGES) * 0x1000;
    return rng_one_in(&g->rng, 40) && vm->svadu && (flags & PTE_W) ? 0x90000000 + pa : pa;
}

static uint64_t random_leaf(struct gen *g, const struct vm *vm, unsigned page)
{
    uint64_t flags = random_flags(g, vm, page != WINDOW_PAGES - 1);
    uint64_t pa = random_page(g, vm, flags);
    if (pa >= GUEST_DATA + GUEST_DATA_PAGES * 0x1000) {
        flags |= PTE_A | PTE_D; /* what a failing AMO sets is open */
    }
    return leaf(pa, flags);
}

/* A level 1 entry over the data, sometimes misaligned. */
static uint64_t random_mega(struct gen *g, const struct vm *vm)
{
    uint64_t pa = 0x80200000 + (rng_one_in(&g->rng, 10) ? 0x1000ull << rng_below(&g->rng, 9) : 0);
    return leaf(pa, random_flags(g, vm, true) | (rng_one_in(&g->rng, 3) ? PTE_G : 0));
}

static uint64_t random_region(struct gen *g, const struct vm *vm, unsigned log2)
{
    return canonical(vm, rng_next(&g->rng) >> log2 << log2);
}

static void map_common(struct gen *g, struct vm *vm, uint64_t code_region)
{
    struct case_header *h = &g->p->hdr;
    uint64_t u = vm->priv == PRIV_U ? PTE_U : 0;
    uint64_t flags = PTE_V | PTE_X | PTE_A | PTE_D | u | (rng_one_in(&g->rng, 2) ? PTE_R : 0);
    flags |= rng_one_in(&g->rng, 3) ? PTE_G : 0;
    h->code_va = code_region + rng_below(&g->rng, 200) * 0x1000;
    h->s_page_va = code_region + 0x100000 + rng_below(&g->rng, 200) * 0x1000;
    map(g, vm, vm->root[0], h->code_va, 0, leaf(h->code_pa, flags));
    map(g, vm, vm->root[0], h->code_va + 0x1000, 0, leaf(h->code_pa + 0x1000, flags));
    map(g, vm, vm->root[0], h->s_page_va, 0, leaf(GUEST_S_PAGE, PTE_V | PTE_X | PTE_A));
}

/* The second space starts with the first one's root entries, and gets windows of its own. */
static void share_root(struct gen *g, struct vm *vm, uint64_t va)
{
    unsigned index = va >> (12 + 9 * (vm->levels - 1)) & 511;
    const struct poke *poke = find_poke(g, vm->root[0] + index * 8);
    add_poke(g, vm->root[1] + index * 8, poke->value);
}

static void vm_init(struct gen *g, struct vm *vm)
{
    struct rng *r = &g->rng;
    *vm = (struct vm){.levels = 3 + (rng_one_in(r, 2) ? rng_below(r, 3) : 0)};
    vm->mode = 5 + vm->levels;
    vm->next_table = GUEST_PT;
    vm->priv = rng_one_in(r, 2) ? PRIV_S : PRIV_U;
    vm->svadu = rng_one_in(r, 2);
    vm->root[0] = new_table(vm);
    vm->root[1] = new_table(vm);
    vm->asid[0] = rng_next(r) & 0xffff;
    vm->asid[1] = vm->asid[0] ^ (1 + rng_below(r, 0xffff));
    unsigned top = 12 + 9 * (vm->levels - 1);
    uint64_t code = random_region(g, vm, 21);
    do {
        vm->window = random_region(g, vm, 21);
    } while ((vm->window ^ code) >> top == 0);
    map_common(g, vm, code);
    share_root(g, vm, code);
    vm->mega = vm->window ^ 0x200000;
    vm->window += rng_below(r, 500) * 0x1000;
    for (int s = 0; s < NSPACES; s++) {
        for (unsigned i = 0; i < WINDOW_PAGES; i++) {
            vm->pte[s][i] =
                map(g, vm, vm->root[s], vm->window + i * 0x1000, 0, random_leaf(g, vm, i));
        }
    }
    uint64_t mega = random_mega(g, vm);
    for (int s = 0; s < NSPACES; s++) {
        vm->mega_pte[s] = map(g, vm, vm->root[s], vm->mega, 1, mega);
    }
    vm->giga = canonical(vm, ((vm->window >> 30) ^ 1) << 30);
    for (int s = 0; vm->levels > 3 && s < NSPACES; s++) {
        map(g, vm, vm->root[s], vm->giga, 2,
            leaf(0x80000000 + (rng_one_in(r, 8) ? 0x200000 : 0),
                 PTE_V | PTE_R | PTE_W | PTE_A | PTE_D | (vm->priv == PRIV_U ? PTE_U : 0)));
    }
    /* Seldom, bits that are reserved in a pointer to a table. */
    if (rng_one_in(r, 30)) {
        struct poke *poke = find_poke(g, vm->root[1] + (vm->window >> top & 511) * 8);
        poke->value |= rng_one_in(r, 2) ? 1ull << (54 + rng_below(r, 10)) : 16u << rng_below(r, 4);
    }
}

/* Program parts. */

static uint64_t pick_va(struct gen *g, const struct vm *vm)
{
    struct rng *r = &g->rng;
    uint64_t offset = rng_one_in(r, 3) ? 0xff8 : rng_next(r) & 0xff8;
    uint64_t data = GUEST_DATA - 0x80200000 + rng_below(r, GUEST_DATA_PAGES) * 0x1000;
    if (!vm->svadu && rng_one_in(r, 2)) {
        offset |= rng_below(
            r, 8); /* whose A and D a faulting access sets when it crosses a page is not defined */
    }
    switch (rng_below(r, 16)) {
    case 0:
    case 1:
    case 2:
        return vm->mega + data + offset;
    case 3:
        return vm->giga + 0x200000 + data + offset;
    case 4:
        return vm->window + WINDOW_PAGES * 0x1000 + offset; /* behind the window */
    case 5:
        return rng_next(r) & ~7ull; /* hardly canonical */
    case 6:
        return g->p->hdr.s_page_va; /* code: reading depends on MXR and SUM */
    default:
        return vm->window + rng_below(r, WINDOW_PAGES) * 0x1000 + offset;
    }
}

static void emit_one_access(struct gen *g, unsigned p)
{
    static const uint8_t sets[] = {SET_MEM, SET_MEM, SET_MEM, SET_FMEM, SET_AMOD, SET_AMOW};
    struct rng *r = &g->rng;
    const struct insn_row *row = insn_pick(r, sets[rng_below(r, 6)]);
    switch (row->format) {
    case FMT_LOAD:
    case FMT_FLOAD:
        emit(g, enc_i(row->match, row->format == FMT_LOAD ? pick_rd(g) : rng_below(r, 32), p, 0));
        break;
    case FMT_AMO:
        emit(g, enc_r(row->match, pick_rd(g), p, pick_rs(g)));
        break;
    default:
        emit(g, enc_s(row->match, p, pick_rs(g), 0));
    }
}

static void emit_access(struct gen *g, const struct vm *vm)
{
    unsigned n = 1 + rng_below(&g->rng, 4);
    unsigned p = g->ptr[rng_below(&g->rng, 2)];
    emit_li(g, p, pick_va(g, vm));
    for (unsigned i = 0; i < n; i++) {
        emit_one_access(g, p);
    }
}

/* To where nothing can be fetched. */
static void emit_bad_jump(struct gen *g, const struct vm *vm)
{
    uint64_t va = vm->window + (WINDOW_PAGES - 1 + rng_below(&g->rng, 2)) * 0x1000;
    begin_group(g);
    emit_li(g, g->ptr[0], rng_one_in(&g->rng, 4) ? rng_next(&g->rng) | 1ull << 62 : va);
    emit(g, enc_i(0x67, pick_rd(g), g->ptr[0], 0));
    end_group(g);
    add_pad(g);
}

static uint64_t satp_value(const struct vm *vm, int space)
{
    return vm->mode << 60 | vm->asid[space] << 44 | vm->root[space] >> 12;
}

static void emit_switch(struct gen *g, struct vm *vm)
{
    vm->space = (int)rng_below(&g->rng, NSPACES);
    emit_csrw(g, CSR_SATP, g->counter, satp_value(vm, vm->space));
}

/* The forms of sfence.vma that cover a changed leaf that is not global. */
static void emit_fence(struct gen *g, const struct vm *vm, uint64_t va, int space, bool any_space)
{
    unsigned form = rng_below(&g->rng, any_space ? 2 : 4);
    unsigned rs1 = 0;
    unsigned rs2 = 0;
    if (form == 1 || form == 2) {
        rs1 = g->ptr[0];
        emit_li(g, rs1, va | rng_below(&g->rng, 0x1000));
    }
    if (form >= 2) {
        rs2 = g->ptr[1];
        emit_li(g, rs2, vm->asid[space]);
    }
    emit(g, enc_r(INSN_SFENCE, 0, rs1, rs2));
}

/* Changes an entry, in M-mode. */
static void emit_change(struct gen *g, const struct vm *vm)
{
    int space = (int)rng_below(&g->rng, NSPACES);
    unsigned i = rng_below(&g->rng, WINDOW_PAGES);
    bool is_mega = rng_one_in(&g->rng, 6);
    uint64_t pte = is_mega ? random_mega(g, vm) : random_leaf(g, vm, i);
    begin_group(g);
    emit_li(g, g->ptr[1], pte);
    for (int s = 0; s < NSPACES; s++) {
        if (is_mega || s == space) {
            emit_li(g, g->ptr[0], is_mega ? vm->mega_pte[s] : vm->pte[s][i]);
            emit(g, enc_s(0x3023, g->ptr[0], g->ptr[1], 0));
        }
    }
    emit_fence(g, vm, is_mega ? vm->mega + 0x100000 : vm->window + i * 0x1000, space, is_mega);
    end_group(g);
}

static void emit_flag(struct gen *g, unsigned csr)
{
    emit_li(g, g->counter, rng_one_in(&g->rng, 2) ? MSTATUS_SUM : MSTATUS_MXR);
    emit_csr(g, 2 + rng_below(&g->rng, 2), 0, csr, g->counter);
}

/* Loads and stores of M-mode with the rights and the addresses of a lower one. */
static void emit_mprv(struct gen *g, const struct vm *vm)
{
    unsigned n = 1 + rng_below(&g->rng, 3);
    begin_group(g);
    emit_li(g, g->counter, MSTATUS_MPP);
    emit_csr(g, 3, 0, CSR_MSTATUS, g->counter);
    emit_li(g, g->counter, MSTATUS_MPRV | (rng_one_in(&g->rng, 2) ? (uint64_t)PRIV_S << 11 : 0));
    emit_csr(g, 2, 0, CSR_MSTATUS, g->counter);
    for (unsigned i = 0; i < n; i++) {
        emit_li(g, g->ptr[0], pick_va(g, vm));
        emit_one_access(g, g->ptr[0]);
    }
    emit_li(g, g->counter, MSTATUS_MPRV);
    emit_csr(g, 3, 0, CSR_MSTATUS, g->counter);
    end_group(g);
}

static void emit_lower_part(struct gen *g, struct vm *vm)
{
    switch (rng_below(&g->rng, 12)) {
    case 0:
        emit_flag(g, CSR_SSTATUS);
        break;
    case 1:
        emit_bad_jump(g, vm);
        break;
    case 2:
        emit_switch(g, vm); /* in U: illegal, and the space stays; pick_va does not depend on it */
        break;
    case 3:
        emit(g, enc_r(INSN_SFENCE, 0, rng_one_in(&g->rng, 2) ? g->ptr[0] : 0,
                      rng_one_in(&g->rng, 2) ? g->ptr[1] : 0));
        break;
    case 4:
        emit_int(g);
        break;
    case 5:
        emit(g, INSN_ECALL);
        break;
    default:
        emit_access(g, vm);
    }
}

static void emit_upper_part(struct gen *g, struct vm *vm)
{
    switch (rng_below(&g->rng, 6)) {
    case 0:
        emit_switch(g, vm);
        break;
    case 1:
        emit_flag(g, CSR_MSTATUS);
        break;
    case 2:
        emit_mprv(g, vm);
        break;
    default:
        emit_change(g, vm);
    }
}

void gen_vm(struct gen *g)
{
    struct vm vm;
    g->p->hdr.data_size = GUEST_DATA_PAGES * 0x1000;
    reserve_privileged(g);
    g->ptr[0] = (uint8_t)reserve_reg(g, 0);
    g->ptr[1] = (uint8_t)reserve_reg(g, 0);
    vm_init(g, &vm);
    g->pinned = true;
    emit_stvec(g);
    emit_csrw(g, CSR_MENVCFG, g->counter, vm.svadu ? MENVCFG_ADUE : 0);
    emit_csrw(g, CSR_SATP, g->counter, satp_value(&vm, 0));
    g->pinned = false;
    emit_csrw(g, CSR_MEDELEG, g->counter,
              rng_one_in(&g->rng, 2) ? rng_next(&g->rng) & DELEGABLE : 0);
    unsigned phases = 2 + rng_below(&g->rng, 4);
    for (unsigned i = 0; i < phases; i++) {
        unsigned nupper = rng_below(&g->rng, 4);
        unsigned nlower = 4 + rng_below(&g->rng, 14);
        emit_to_m(g);
        for (unsigned j = 0; j < nupper; j++) {
            emit_upper_part(g, &vm);
        }
        emit_enter(g, vm.priv);
        for (unsigned j = 0; j < nlower; j++) {
            emit_lower_part(g, &vm);
        }
    }
}
