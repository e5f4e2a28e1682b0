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
#include "tests/torture/pagetable.h"

#define WINDOW_PAGES 8

struct vm {
    struct tables t;
    uint64_t window;                     /* virtual address of the windows */
    uint64_t pte[NSPACES][WINDOW_PAGES]; /* physical addresses of their entries */
    uint64_t mega;                       /* virtual address that a level 1 entry maps */
    uint64_t mega_pte[NSPACES];
    uint64_t giga;
};

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
    flags |= (vm->t.priv == PRIV_U) != rng_one_in(r, 5) ? PTE_U : 0;
    flags |= rng_one_in(r, 5) ? 0 : PTE_A;
    flags |= rng_one_in(r, 4) ? 0 : PTE_D;
    flags |= (uint64_t)rng_below(r, 4) << 8;
    flags |= rng_one_in(r, 40) ? 1ull << (54 + rng_below(r, 10)) : 0;
    return flags;
}

/* Seldom where no memory is; not where accesses cross pages, for whether the first half's bus error or the second
 * half's page fault wins is open. */
static uint64_t random_page(struct gen *g, const struct vm *vm)
{
    uint64_t pa = GUEST_DATA + rng_below(&g->rng, GUEST_DATA_PAGES) * 0x1000;
    return rng_one_in(&g->rng, 40) && vm->t.svadu ? 0x90000000 + pa : pa;
}

static uint64_t random_leaf(struct gen *g, const struct vm *vm, unsigned page)
{
    return pte_leaf(random_page(g, vm), random_flags(g, vm, page != WINDOW_PAGES - 1));
}

/* A level 1 entry over the data, sometimes misaligned. */
static uint64_t random_mega(struct gen *g, const struct vm *vm)
{
    uint64_t pa = 0x80200000 + (rng_one_in(&g->rng, 10) ? 0x1000ull << rng_below(&g->rng, 9) : 0);
    return pte_leaf(pa, random_flags(g, vm, true) | (rng_one_in(&g->rng, 3) ? PTE_G : 0));
}

static void vm_init(struct gen *g, struct vm *vm)
{
    struct rng *r = &g->rng;
    *vm = (struct vm){.window = 0};
    vm->window = tables_init(g, &vm->t);
    unsigned top = 12 + 9 * (vm->t.levels - 1);
    vm->mega = vm->window ^ 0x200000;
    vm->window += rng_below(r, 500) * 0x1000;
    for (int s = 0; s < NSPACES; s++) {
        for (unsigned i = 0; i < WINDOW_PAGES; i++) {
            vm->pte[s][i] = tables_map(g, &vm->t, vm->t.root[s], vm->window + i * 0x1000, 0,
                                       random_leaf(g, vm, i));
        }
    }
    uint64_t mega = random_mega(g, vm);
    for (int s = 0; s < NSPACES; s++) {
        vm->mega_pte[s] = tables_map(g, &vm->t, vm->t.root[s], vm->mega, 1, mega);
    }
    vm->giga = tables_canonical(&vm->t, ((vm->window >> 30) ^ 1) << 30);
    for (int s = 0; vm->t.levels > 3 && s < NSPACES; s++) {
        tables_map(
            g, &vm->t, vm->t.root[s], vm->giga, 2,
            pte_leaf(0x80000000 + (rng_one_in(r, 8) ? 0x200000 : 0),
                     PTE_V | PTE_R | PTE_W | PTE_A | PTE_D | (vm->t.priv == PRIV_U ? PTE_U : 0)));
    }
    /* Seldom, bits that are reserved in a pointer to a table. */
    if (rng_one_in(r, 30)) {
        struct poke *poke = find_poke(g, vm->t.root[1] + (vm->window >> top & 511) * 8);
        poke->value |= rng_one_in(r, 2) ? 1ull << (54 + rng_below(r, 10)) : 16u << rng_below(r, 4);
    }
}

/* Program parts. */

static uint64_t pick_va(struct gen *g, const struct vm *vm)
{
    struct rng *r = &g->rng;
    uint64_t offset = rng_one_in(r, 3) ? 0xff8 : rng_next(r) & 0xff8;
    uint64_t data = GUEST_DATA - 0x80200000 + rng_below(r, GUEST_DATA_PAGES) * 0x1000;
    /* Not across pages where A and D, or PMP regions, of the two parts matter: that is open. */
    bool may_cross = !vm->t.svadu && !(g->p->hdr.flags & CASE_PMP);
    offset |= may_cross && rng_one_in(r, 2) ? rng_below(r, 8) : 0;
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
    if (rng_one_in(r, 16)) {
        emit(g, enc_r(rng_one_in(r, 2) ? 0x1000302f : 0x1000202f, pick_rd(g), p, 0)); /* lr */
        return;
    }
    emit_access_row(g, insn_pick(r, sets[rng_below(r, 6)]), p);
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
    emit_fence(g, &vm->t, is_mega ? vm->mega + 0x100000 : vm->window + i * 0x1000, space, is_mega);
    end_group(g);
}

/* PMP over a page of the window's tables (then walks fault), of the data, or 8 bytes of it. What a walk may not read
 * it may not write either: whether A and D need both is not what we ask. */
static void emit_pmp(struct gen *g, const struct vm *vm)
{
    struct rng *r = &g->rng;
    unsigned i = rng_below(r, 4);
    uint64_t first = GUEST_PT + (vm->t.levels + 1) * 0x1000;
    uint64_t ntables = (vm->t.next_table - first) / 0x1000;
    bool is_table = rng_one_in(r, 2);
    uint64_t page = is_table ? first + rng_below(r, (uint32_t)ntables) * 0x1000
                             : GUEST_DATA + rng_below(r, GUEST_DATA_PAGES) * 0x1000;
    uint64_t napot = rng_one_in(r, 3) ? (page + (rng_next(r) & 0xff8)) >> 2 : page >> 2 | 511;
    uint64_t rights = is_table ? 3 * rng_below(r, 2) : (uint64_t[]){0, 1, 3}[rng_below(r, 3)];
    begin_group(g);
    emit_csrw(g, CSR_PMPADDR0 + i, g->ptr[0], napot);
    emit_li(g, g->ptr[0], 0xffull << (8 * i));
    emit_csr(g, 3, 0, CSR_PMPCFG0, g->ptr[0]);
    if (!rng_one_in(r, 4)) {
        emit_li(g, g->ptr[0], (0x18 | rights) << (8 * i));
        emit_csr(g, 2, 0, CSR_PMPCFG0, g->ptr[0]);
    }
    emit(g, INSN_SFENCE);
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
        emit_space_switch(
            g, &vm->t); /* in U: illegal, and the space stays; pick_va does not depend on it */
        break;
    case 3:
        emit(g, enc_r(INSN_SFENCE, 0, rng_one_in(&g->rng, 2) ? g->ptr[0] : 0,
                      rng_one_in(&g->rng, 2) ? g->ptr[1] : 0));
        break;
    case 4:
        if (rng_one_in(&g->rng, 2) && g->p->nitems < 700) {
            emit_flow(g, 4 + rng_below(&g->rng, 8));
        } else {
            emit_int(g);
        }
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
        emit_space_switch(g, &vm->t);
        break;
    case 1:
        emit_flag(g, CSR_MSTATUS);
        break;
    case 2:
        emit_mprv(g, vm);
        break;
    case 3:
        if (g->p->hdr.flags & CASE_PMP) {
            emit_pmp(g, vm);
            break;
        }
        /* fall through */
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
    g->p->hdr.flags |= rng_one_in(&g->rng, 4) ? CASE_PMP : 0;
    vm_init(g, &vm);
    emit_tables_start(g, &vm.t);
    unsigned phases = 2 + rng_below(&g->rng, 4);
    for (unsigned i = 0; i < phases; i++) {
        unsigned nupper = rng_below(&g->rng, 4);
        unsigned nlower = 4 + rng_below(&g->rng, 14);
        emit_to_m(g);
        for (unsigned j = 0; j < nupper; j++) {
            emit_upper_part(g, &vm);
        }
        emit_enter(g, vm.t.priv);
        for (unsigned j = 0; j < nlower; j++) {
            emit_lower_part(g, &vm);
        }
    }
}
