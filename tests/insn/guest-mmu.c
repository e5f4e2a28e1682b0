/* SPDX-License-Identifier: MIT */
/*
 * Sv39, Sv48, Sv57 (those that satp takes): levels and superpages, permissions by kind of access and mode, SUM, MXR, MPRV,
 * A and D by hardware (Svadu) and by trap (Svade), malformed entries, canonical addresses, accesses across pages, ASIDs
 * and global pages, and sfence.vma with all operands.
 *
 * Code and data run from an identity map of all RAM without U (so that S-mode runs as it does without translation); the pages
 * under test are mapped at TEST_VA.
 */
#include "tests/insn/paging.h"

#define RAM     0x80000000UL
#define TEST_VA 0x100000000UL /* outside of the identity map's gigabytes */
#define USER_VA 0x40000000UL  /* U alias of RAM: low 30 bits are the same */
#define ADUE    BIT(61)

static uint64_t pool[POOL_PAGES][512] __attribute__((aligned(4096)));
static uint64_t pool2[POOL_PAGES][512] __attribute__((aligned(4096)));
static volatile uint64_t pages[4][512] __attribute__((aligned(4096)));
static struct space space;

/* ---- accesses, as functions for any mode ----------------------------------------------------------------------------------- */

static uint64_t do_load(uint64_t a)
{
    uint64_t v;

    asm volatile("li %0, -1\n ld %0, 0(%1)" : "=&r"(v) : "r"(a) : "memory");
    return v;
}

static uint64_t do_store(uint64_t a)
{
    asm volatile("sd %0, 0(%0)" ::"r"(a) : "memory");
    return 0;
}

static uint64_t do_amo(uint64_t a)
{
    asm volatile("amoor.d zero, zero, (%0)" ::"r"(a) : "memory");
    return 0;
}

static uint64_t do_lr(uint64_t a)
{
    asm volatile("lr.d zero, (%0)" ::"r"(a) : "memory");
    return 0;
}

static uint64_t do_sc(uint64_t a)
{
    uint64_t bad;

    asm volatile("sc.d %0, zero, (%1)" : "=r"(bad) : "r"(a) : "memory");
    return bad;
}

static uint64_t do_cbo_zero(uint64_t a)
{
    asm volatile("cbo.zero (%0)" ::"r"(a) : "memory");
    return 0;
}

static uint64_t do_cbo_flush(uint64_t a)
{
    asm volatile("cbo.flush (%0)" ::"r"(a) : "memory");
    return 0;
}

/* Calls `a`; a fault of the fetch comes back behind the call. The word at `resume` must be writable in this mode. */
static uint64_t do_call(uint64_t a)
{
    struct percpu *p = &rt_percpu[0];

    asm volatile("la t0, 1f\n sd t0, 0(%0)\n jalr %1\n 1: sd zero, 0(%0)" ::"r"(&p->resume), "r"(a)
                 : "t0", "ra", "memory");
    return 0;
}

#define NO_FAULT 99

static uint64_t cause_in(enum priv priv, uint64_t (*fn)(uint64_t), uint64_t a)
{
    trap_arm();
    run_in(priv, fn, a, priv == U_MODE ? USER_VA - RAM : 0);
    return trap_disarm() ? this_cpu()->last.cause : NO_FAULT;
}

/* ---- setting up --------------------------------------------------------------------------------------------------------------- */

/* The identity map with gigapages, and the U alias. */
static void map_base(struct space *s)
{
    for (uint64_t a = 0; a < 2; a++) {
        space_map(s, RAM + (a << 30), RAM + (a << 30), PTE_RWX | PTE_G, 2);
    }
    space_map(s, 0, 0, PTE_RW, 2); /* devices */
    space_map(s, USER_VA, RAM, PTE_RWX | PTE_U, 2);
}

static bool turn_on(unsigned mode)
{
    rt_reset_state();
    space_init(&space, pool, mode);
    map_base(&space);
    csr_write(menvcfg, ADUE | 0xf0);
    csr_write(senvcfg, 0xf0);
    csr_write(satp, space_satp(&space, 0));
    sfence_all();
    return csr_read(satp) >> 60 == mode;
}

static void fill(void)
{
    for (unsigned p = 0; p < 4; p++) {
        for (unsigned i = 0; i < 512; i++) {
            pages[p][i] = (uint64_t)0x1000 * (p + 1) + i;
        }
    }
}

static uint64_t pa_of(unsigned page)
{
    return (uint64_t)pages[page];
}

static void put_ret(unsigned page)
{
    pages[page][0] = 0x8067;
    asm volatile("fence.i" ::: "memory");
}

/* ---- permissions ---------------------------------------------------------------------------------------------------------------- */

static void check_access(uint64_t flags, uint64_t status, enum priv priv, uint64_t va)
{
    bool user_page = flags & PTE_U;
    bool reach = priv == U_MODE ? user_page : !user_page || status & MSTATUS_SUM;
    bool fetch_reach = priv == U_MODE ? user_page : !user_page;
    bool readable = flags & PTE_R || (status & MSTATUS_MXR && flags & PTE_X);
    uint64_t want_load = reach && readable ? NO_FAULT : LOAD_PAGE;
    uint64_t want_store = reach && flags & PTE_W ? NO_FAULT : STORE_PAGE;
    uint64_t want_call = fetch_reach && flags & PTE_X ? NO_FAULT : FETCH_PAGE;

    csr_clear(mstatus, MSTATUS_SUM | MSTATUS_MXR);
    csr_set(mstatus, status);
    check_eq(cause_in(priv, do_load, va + 16), want_load);
    check_eq(cause_in(priv, do_store, va + 24), want_store);
    check_eq(cause_in(priv, do_lr, va + 16), want_load);
    check_eq(cause_in(priv, do_amo, va + 24), want_store);
    if (!(priv == S_MODE && status & MSTATUS_SUM)) {
        check_eq(cause_in(priv, do_call, va), want_call);
    }
    check_eq(cause_in(priv, do_call, va), want_call);
}

static void test_permissions(void)
{
    static const uint64_t perms[] = {PTE_R, PTE_R | PTE_W, PTE_X, PTE_R | PTE_X,
                                     PTE_R | PTE_W | PTE_X};
    static const uint64_t statuses[] = {0, MSTATUS_SUM, MSTATUS_MXR, MSTATUS_SUM | MSTATUS_MXR};

    begin("permissions");
    fill();
    put_ret(0);
    for (unsigned user = 0; user < 2; user++) {
        for (unsigned i = 0; i < ARRAY_SIZE(perms); i++) {
            uint64_t flags = perms[i] | (user ? PTE_U : 0);

            space_map(&space, TEST_VA, pa_of(0), flags | PTE_V | PTE_A | PTE_D, 0);
            sfence_all();
            for (unsigned s = 0; s < ARRAY_SIZE(statuses); s++) {
                check_access(flags, statuses[s], S_MODE, TEST_VA);
                check_access(flags, statuses[s], U_MODE, TEST_VA);
            }
        }
    }
    csr_clear(mstatus, MSTATUS_SUM | MSTATUS_MXR);
}

/* M-mode with MPRV uses the translation of MPP, and its rules. */
static uint64_t mprv_load(uint64_t va, enum priv mpp)
{
    uint64_t v = 0;

    csr_clear(mstatus, MSTATUS_MPP);
    csr_set(mstatus, (uint64_t)mpp << 11);
    trap_arm();
    asm volatile("li %0, 0\n csrs mstatus, %2\n ld %0, 0(%1)\n csrc mstatus, %2"
                 : "=&r"(v)
                 : "r"(va), "r"(MSTATUS_MPRV)
                 : "memory");
    csr_clear(mstatus, MSTATUS_MPRV);
    return trap_disarm() ? this_cpu()->last.cause : v;
}

static void test_mprv(void)
{
    begin("mprv_translates_loads_of_m_mode");
    fill();
    space_map(&space, TEST_VA, pa_of(1), PTE_RW | PTE_U, 0);
    space_map(&space, TEST_VA + PAGE, pa_of(2), PTE_RW, 0);
    sfence_all();
    check_eq(mprv_load(TEST_VA, U_MODE), 0x2000);
    check_eq(mprv_load(TEST_VA, S_MODE), LOAD_PAGE);
    check_eq(mprv_load(TEST_VA + PAGE, S_MODE), 0x3000);
    check_eq(mprv_load(TEST_VA + PAGE, U_MODE), LOAD_PAGE);
    csr_set(mstatus, MSTATUS_SUM);
    check_eq(mprv_load(TEST_VA, S_MODE), 0x2000);
    csr_clear(mstatus, MSTATUS_SUM);
    check_eq(mprv_load(pa_of(1), M_MODE), 0x2000);
}

/* ---- levels ---------------------------------------------------------------------------------------------------------------------- */

static void test_levels(void)
{
    unsigned levels = space_levels(&space);

    begin("leaves_at_all_levels");
    fill();
    for (unsigned level = 0; level < levels; level++) {
        /* A place of its own for each level; the physical page stands where the superpage puts it. */
        uint64_t size = UINT64_C(1) << (12 + 9 * level);
        uint64_t va = level < 3 ? TEST_VA + (UINT64_C(8) << 30) * (level + 1)
                                : (uint64_t)(level - 1) << 40 | (level == 4 ? BIT(49) : 0);
        uint64_t pa = pa_of(3) & ~(size - 1);

        va &= ~(size - 1);
        if (level == levels - 1 && level > 2) {
            va = BIT(12 + 9 * level + 7);
        }
        if (level > 2) {
            pa = 0; /* a superpage of 512 GiB or more that starts at 0 */
        }
        space_map(&space, va, pa, PTE_RWX, level);
        sfence_all();
        check_eq(cause_in(S_MODE, do_load, va + (pa_of(3) - pa) + 8), NO_FAULT);
        check_eq(run_in(S_MODE, do_load, va + (pa_of(3) - pa) + 8, 0), 0x4001);
    }
}

static void test_misaligned_superpages(void)
{
    begin("misaligned_superpages_fault");
    for (unsigned level = 1; level < space_levels(&space); level++) {
        uint64_t va = TEST_VA + (UINT64_C(64) << 30);

        if (level >= 3) {
            break;
        }
        space_map(&space, va, RAM + PAGE, PTE_RWX, level);
        sfence_all();
        check_eq(cause_in(S_MODE, do_load, va), LOAD_PAGE);
        check_eq(cause_in(S_MODE, do_store, va), STORE_PAGE);
        *space_entry(&space, va, level) = 0;
    }
}

static void test_malformed(void)
{
    static const uint64_t bad[] = {
        0,
        PTE_R | PTE_A | PTE_D,         /* not valid */
        PTE_V | PTE_W | PTE_A | PTE_D, /* W without R */
        PTE_V | PTE_W | PTE_X | PTE_A | PTE_D,
        PTE_V,            /* a pointer at the last level */
        PTE_RW | BIT(54), /* reserved bits */
        PTE_RW | BIT(60),
        PTE_RW | BIT(61), /* Svpbmt, which is off */
        PTE_RW | BIT(63), /* Svnapot, which is off */
    };

    begin("malformed_entries_fault");
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        *space_entry(&space, TEST_VA, 0) = pte_of(pa_of(0), bad[i]);
        sfence_all();
        check_eq(cause_in(S_MODE, do_load, TEST_VA + 5), LOAD_PAGE);
        check_eq(this_cpu()->last.tval, TEST_VA + 5);
        check_eq(cause_in(S_MODE, do_store, TEST_VA + 8), STORE_PAGE);
        check_eq(cause_in(S_MODE, do_call, TEST_VA), FETCH_PAGE);
        check_eq(this_cpu()->last.epc, TEST_VA);
        check_eq(this_cpu()->last.tval, TEST_VA);
    }
    begin("pointers_with_reserved_bits_fault");
    {
        volatile uint64_t *e = space_entry(&space, TEST_VA, 1);
        uint64_t good = *e;
        static const uint64_t flags[] = {PTE_A, PTE_D, PTE_U};

        space_map(&space, TEST_VA, pa_of(0), PTE_RW, 0);
        for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
            *e = good | flags[i];
            sfence_all();
            check_eq(cause_in(S_MODE, do_load, TEST_VA), LOAD_PAGE);
        }
        *e = good;
        sfence_all();
        check_eq(cause_in(S_MODE, do_load, TEST_VA), NO_FAULT);
    }
    begin("tables_outside_of_memory_give_access_faults");
    {
        volatile uint64_t *e = space_entry(&space, TEST_VA, 1);
        uint64_t good = *e;

        *e = pte_of(0x0000100000000000, PTE_V);
        sfence_all();
        check_eq(cause_in(S_MODE, do_load, TEST_VA), LOAD_ACCESS);
        check_eq(cause_in(S_MODE, do_store, TEST_VA), STORE_ACCESS);
        check_eq(cause_in(S_MODE, do_call, TEST_VA), FETCH_ACCESS);
        *e = good;
        space_map(&space, TEST_VA, 0, PTE_RWX, 0); /* a page without memory */
        sfence_all();
        check_eq(cause_in(S_MODE, do_load, TEST_VA + 8), LOAD_ACCESS);
        check_eq(this_cpu()->last.tval, TEST_VA + 8);
        check_eq(cause_in(S_MODE, do_call, TEST_VA), FETCH_ACCESS);
    }
}

static void test_canonical(void)
{
    unsigned bits = 12 + 9 * space_levels(&space);
    uint64_t low = BIT(bits - 1), beyond = BIT(bits);

    begin("addresses_that_are_not_canonical_fault");
    check_eq(cause_in(S_MODE, do_load, low), LOAD_PAGE);
    check_eq(cause_in(S_MODE, do_load, beyond + RAM), LOAD_PAGE);
    check_eq(this_cpu()->last.tval, beyond + RAM);
    check_eq(cause_in(S_MODE, do_store, BIT(63) + RAM), STORE_PAGE);
    check_eq(cause_in(S_MODE, do_call, BIT(62) + RAM), FETCH_PAGE);
    check_eq(this_cpu()->last.tval, BIT(62) + RAM);
    begin("the_upper_half_is_mapped_as_the_lower");
    fill();
    space_map(&space, -PAGE, pa_of(1), PTE_RW, 0);
    space_map(&space, -low, pa_of(2), PTE_RW, 0);
    sfence_all();
    check_eq(run_in(S_MODE, do_load, -PAGE, 0), 0x2000);
    check_eq(run_in(S_MODE, do_load, -low, 0), 0x3000);
    check_eq(run_in(S_MODE, do_load, -8UL, 0), 0x21ff);
    /* An access that runs over the end of the address space, into address 0. */
    check_eq(cause_in(S_MODE, do_load, -low - 8), LOAD_PAGE);
}

/* ---- accessed and dirty ------------------------------------------------------------------------------------------------------- */

static void test_svadu(void)
{
    volatile uint64_t *e;

    begin("a_and_d_are_set_by_hardware");
    csr_set(menvcfg, ADUE);
    if (!(csr_read(menvcfg) & ADUE)) {
        return; /* no Svadu */
    }
    fill();
    put_ret(0);
    e = space_map(&space, TEST_VA, pa_of(0), PTE_V | PTE_R | PTE_W | PTE_X, 0);
    sfence_all();
    check_eq(cause_in(S_MODE, do_load, TEST_VA), NO_FAULT);
    check_eq(*e & (PTE_A | PTE_D), PTE_A);
    check_eq(cause_in(S_MODE, do_store, TEST_VA + 8), NO_FAULT); /* after a read filled the TLB */
    check_eq(*e & (PTE_A | PTE_D), PTE_A | PTE_D);
    *e &= ~(PTE_A | PTE_D);
    sfence_page(TEST_VA);
    check_eq(cause_in(S_MODE, do_call, TEST_VA), NO_FAULT);
    check_eq(*e & (PTE_A | PTE_D), PTE_A);
    *e &= ~(PTE_A | PTE_D);
    sfence_page(TEST_VA);
    check_eq(cause_in(S_MODE, do_amo, TEST_VA + 8), NO_FAULT);
    check_eq(*e & (PTE_A | PTE_D), PTE_A | PTE_D);
    *e = (*e & ~(PTE_A | PTE_D | PTE_W));
    sfence_page(TEST_VA);
    check_eq(cause_in(S_MODE, do_store, TEST_VA + 8), STORE_PAGE);
    check_eq(*e & PTE_D, 0); /* an access that is refused leaves D alone */
}

static void test_svade(void)
{
    volatile uint64_t *e;

    begin("without_adue_a_and_d_fault");
    csr_clear(menvcfg, ADUE);
    check_eq(csr_read(menvcfg) & ADUE, 0);
    sfence_all();
    fill();
    put_ret(0);
    e = space_map(&space, TEST_VA, pa_of(0), PTE_V | PTE_R | PTE_W | PTE_X, 0);
    sfence_all();
    check_eq(cause_in(S_MODE, do_load, TEST_VA), LOAD_PAGE);
    check_eq(cause_in(S_MODE, do_store, TEST_VA), STORE_PAGE);
    check_eq(cause_in(S_MODE, do_call, TEST_VA), FETCH_PAGE);
    check_eq(*e & (PTE_A | PTE_D), 0);
    *e |= PTE_A;
    sfence_all();
    check_eq(cause_in(S_MODE, do_load, TEST_VA), NO_FAULT);
    check_eq(cause_in(S_MODE, do_store, TEST_VA + 8), STORE_PAGE);
    check_eq(cause_in(S_MODE, do_sc, TEST_VA + 8), STORE_PAGE);
    check_eq(cause_in(S_MODE, do_call, TEST_VA), NO_FAULT);
    *e |= PTE_D;
    sfence_all();
    check_eq(cause_in(S_MODE, do_store, TEST_VA + 8), NO_FAULT);
    csr_set(menvcfg, ADUE);
    sfence_all();
}

/* ---- pages side by side --------------------------------------------------------------------------------------------------------- */

static void test_crossing(void)
{
    uint64_t edge = TEST_VA + PAGE;

    begin("accesses_across_pages");
    fill();
    space_map(&space, TEST_VA, pa_of(3), PTE_RW, 0);
    space_map(&space, edge, pa_of(1), PTE_RW, 0); /* not beside the other in memory */
    sfence_all();
    pages[3][511] = 0x1122334455667788;
    pages[1][0] = 0x99aabbccddeeff00;
    check_eq(run_in(S_MODE, do_load, edge - 3, 0), 0xbbccddeeff001122 << 8 | 0x33);
    run_in(S_MODE, do_store, edge - 5, 0);
    check_eq(pages[3][511] >> 24, (edge - 5) & 0xffffffffff);
    check_eq(pages[1][0] & 0xffffff, (edge - 5) >> 40);
    begin("a_fault_in_the_second_page_tells_its_address_and_stores_nothing");
    *space_entry(&space, edge, 0) = 0;
    sfence_all();
    pages[3][511] = 0x1122334455667788;
    check_eq(cause_in(S_MODE, do_load, edge - 3), LOAD_PAGE);
    check(this_cpu()->last.tval == edge || this_cpu()->last.tval == edge - 3);
    check_eq(cause_in(S_MODE, do_store, edge - 3), STORE_PAGE);
    check_eq(pages[3][511], 0x1122334455667788);
    begin("a_fault_in_the_first_page");
    space_map(&space, edge, pa_of(1), PTE_RW, 0);
    *space_entry(&space, TEST_VA, 0) = 0;
    sfence_all();
    check_eq(cause_in(S_MODE, do_store, edge - 3), STORE_PAGE);
    check_eq(this_cpu()->last.tval, edge - 3);
    begin("an_instruction_across_a_page_that_is_not_there");
    space_map(&space, TEST_VA, pa_of(3), PTE_RWX, 0);
    *space_entry(&space, edge, 0) = 0;
    sfence_all();
    pages[3][511] = 0x0513UL << 48; /* the first half of addi a0, a0, ... */
    asm volatile("fence.i" ::: "memory");
    check_eq(cause_in(S_MODE, do_call, edge - 2), FETCH_PAGE);
    check_eq(this_cpu()->last.epc, edge - 2);
    check_eq(this_cpu()->last.tval, edge);
    begin("an_instruction_across_two_mappings");
    space_map(&space, edge, pa_of(1), PTE_RWX, 0);
    sfence_all();
    pages[1][0] = 0x000080670015; /* ... 1; ret */
    asm volatile("fence.i" ::: "memory");
    {
        uint64_t (*fn)(uint64_t) = (uint64_t(*)(uint64_t))(edge - 2);

        check_eq(run_in(S_MODE, fn, 41, 0), 42);
        /* Another second page for the same first one. */
        space_map(&space, edge, pa_of(2), PTE_RWX, 0);
        pages[2][0] = 0x000080670025;
        asm volatile("fence.i" ::: "memory");
        sfence_all();
        check_eq(run_in(S_MODE, fn, 41, 0), 43);
    }
}

/* ---- ASIDs and fences ------------------------------------------------------------------------------------------------------------ */

static void fence_va(uint64_t va)
{
    sfence_page(va);
}

static void fence_asid(uint64_t asid)
{
    asm volatile("sfence.vma zero, %0" ::"r"(asid) : "memory");
}

static void fence_va_asid(uint64_t va, uint64_t asid)
{
    asm volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory");
}

static uint64_t load(uint64_t va)
{
    return run_in(S_MODE, do_load, va, 0);
}

static void test_sfence(void)
{
    volatile uint64_t *e;

    begin("sfence_vma_of_all");
    fill();
    e = space_map(&space, TEST_VA, pa_of(0), PTE_RW, 0);
    sfence_all();
    check_eq(load(TEST_VA), 0x1000);
    *e = pte_of(pa_of(1), PTE_RW);
    sfence_all();
    check_eq(load(TEST_VA), 0x2000);
    begin("sfence_vma_of_a_page");
    *e = pte_of(pa_of(2), PTE_RW);
    fence_va(TEST_VA + 123);
    check_eq(load(TEST_VA), 0x3000);
    begin("sfence_vma_of_an_asid");
    *e = pte_of(pa_of(3), PTE_RW);
    fence_asid(0);
    check_eq(load(TEST_VA), 0x4000);
    begin("sfence_vma_of_a_page_of_an_asid");
    *e = pte_of(pa_of(0), PTE_RW);
    fence_va_asid(TEST_VA, 0);
    check_eq(load(TEST_VA), 0x1000);
    begin("sfence_vma_of_a_page_in_a_superpage");
    {
        uint64_t va = TEST_VA + (UINT64_C(3) << 30), off = pa_of(2) - RAM;
        volatile uint64_t *big = space_map(&space, va, RAM, PTE_RW, 2);

        sfence_all();
        check_eq(load(va + off), 0x3000);
        check_eq(load(va + off + PAGE), 0x4000);
        *big = 0;
        fence_va(va + off); /* the whole leaf goes, not only this page of it */
        check_eq(cause_in(S_MODE, do_load, va + off), LOAD_PAGE);
        check_eq(cause_in(S_MODE, do_load, va + off + PAGE), LOAD_PAGE);
    }
    begin("permissions_that_were_taken_away");
    *e = pte_of(pa_of(0), PTE_RW);
    fence_va(TEST_VA);
    check_eq(cause_in(S_MODE, do_store, TEST_VA), NO_FAULT);
    *e &= ~PTE_W;
    fence_va(TEST_VA);
    check_eq(cause_in(S_MODE, do_store, TEST_VA), STORE_PAGE);
    check_eq(cause_in(S_MODE, do_load, TEST_VA), NO_FAULT);
}

static void test_asids(void)
{
    static struct space other;
    uint64_t a, b;

    begin("asids_keep_translations_apart");
    fill();
    space_init(&other, pool2, space.mode);
    map_base(&other);
    space_map(&space, TEST_VA, pa_of(0), PTE_RW, 0);
    space_map(&other, TEST_VA, pa_of(1), PTE_RW, 0);
    a = space_satp(&space, 1);
    b = space_satp(&other, 2);
    sfence_all();
    for (unsigned i = 0; i < 200; i++) {
        csr_write(satp, a);
        check_eq(load(TEST_VA), 0x1000);
        csr_write(satp, b);
        check_eq(load(TEST_VA), 0x2000);
    }
    begin("a_fence_of_one_asid_while_another_runs");
    csr_write(satp, b);
    space_map(&space, TEST_VA, pa_of(2), PTE_RW, 0);
    fence_asid(1);
    check_eq(load(TEST_VA), 0x2000);
    csr_write(satp, a);
    check_eq(load(TEST_VA), 0x3000);
    space_map(&other, TEST_VA, pa_of(3), PTE_RW, 0);
    fence_va_asid(TEST_VA, 2);
    check_eq(load(TEST_VA), 0x3000);
    csr_write(satp, b);
    check_eq(load(TEST_VA), 0x4000);
    begin("an_asid_given_to_another_space_after_a_fence");
    csr_write(satp, space_satp(&other, 1));
    fence_asid(1);
    check_eq(load(TEST_VA), 0x4000);
    begin("many_spaces_in_turn");
    for (unsigned i = 0; i < 300; i++) {
        uint64_t asid = i % 37 + 3;
        bool first = (i % 37) & 1;

        csr_write(satp, space_satp(first ? &space : &other, asid));
        check_eq(load(TEST_VA), first ? 0x3000 : 0x4000);
    }
    begin("global_pages_go_with_a_fence_of_all");
    space_map(&space, TEST_VA + PAGE, pa_of(0), PTE_RW | PTE_G, 0);
    csr_write(satp, a);
    sfence_all();
    check_eq(load(TEST_VA + PAGE), 0x1000);
    space_map(&space, TEST_VA + PAGE, pa_of(1), PTE_RW | PTE_G, 0);
    fence_va(TEST_VA + PAGE); /* rs2 = x0: global ones too */
    check_eq(load(TEST_VA + PAGE), 0x2000);
    space_map(&space, TEST_VA + PAGE, pa_of(2), PTE_RW | PTE_G, 0);
    sfence_all();
    check_eq(load(TEST_VA + PAGE), 0x3000);
    csr_write(satp, space_satp(&space, 0));
    sfence_all();
}

/* ---- code ------------------------------------------------------------------------------------------------------------------------ */

static uint64_t do_call_value(uint64_t a)
{
    return ((uint64_t(*)(void))a)();
}

static uint64_t run_code(uint64_t satp_value, uint64_t va)
{
    csr_write(satp, satp_value);
    return run_in(S_MODE, do_call_value, va, 0);
}

/* Page p: li a0, p + 1; ret. And behind it the same with p + 11, so that a page has several entries. */
static void put_code(void)
{
    for (unsigned p = 0; p < 4; p++) {
        for (unsigned i = 0; i < 2; i++) {
            pages[p][i] = 0x8067UL << 32 | (p + 1 + 10 * i) << 20 | 0x513;
        }
    }
    asm volatile("fence.i" ::: "memory");
}

/*
 * What was translated or cached for one space or address must not run in another. Spaces 1 and 2 map one address each to a page of its
 * own, and the next to a global page.
 */
static void test_code(void)
{
    static struct space other;
    static const uint64_t va = TEST_VA, global = TEST_VA + PAGE;
    volatile uint64_t *mine, *theirs;
    uint64_t a, b;

    begin("code_of_spaces_stays_apart");
    put_code();
    space_init(&other, pool2, space.mode);
    map_base(&other);
    mine = space_map(&space, va, pa_of(0), PTE_RWX, 0);
    theirs = space_map(&other, va, pa_of(1), PTE_RWX, 0);
    space_map(&space, global, pa_of(2), PTE_RWX | PTE_G, 0);
    space_map(&other, global, pa_of(2), PTE_RWX | PTE_G, 0);
    a = space_satp(&space, 1);
    b = space_satp(&other, 2);
    sfence_all();
    for (unsigned i = 0; i < 20; i++) {
        check_eq(run_code(a, global), 3); /* at first neither has run code of its own */
        check_eq(run_code(b, global + 8), 13);
        check_eq(run_code(a, va), 1);
        check_eq(run_code(b, global), 3); /* at first only the other has */
        check_eq(run_code(b, va), 2);
        check_eq(run_code(b, va + 8), 12);
        check_eq(run_code(a, va + 8), 11);
    }
    begin("code_goes_with_a_fence_of_its_address");
    space_map(&space, global, pa_of(3), PTE_RWX | PTE_G, 0);
    space_map(&other, global, pa_of(3), PTE_RWX | PTE_G, 0);
    *mine = pte_of(pa_of(2), PTE_RWX);
    *theirs = pte_of(pa_of(0), PTE_RWX);
    fence_va(global + 100);
    check_eq(run_code(a, global), 4);
    check_eq(run_code(b, global), 4);
    check_eq(run_code(b, global + 8), 14);
    fence_va(va);
    check_eq(run_code(a, va), 3);
    check_eq(run_code(b, va), 1);
    check_eq(run_code(b, va + 8), 11);
    begin("code_goes_with_a_fence_of_all");
    space_map(&space, global, pa_of(2), PTE_RWX | PTE_G, 0);
    space_map(&other, global, pa_of(2), PTE_RWX | PTE_G, 0);
    *mine = pte_of(pa_of(0), PTE_RWX);
    *theirs = pte_of(pa_of(1), PTE_RWX);
    sfence_all();
    check_eq(run_code(b, global), 3);
    check_eq(run_code(a, global + 8), 13);
    check_eq(run_code(a, va), 1);
    check_eq(run_code(b, va), 2);
    begin("code_goes_with_a_fence_of_its_asid");
    *mine = pte_of(pa_of(3), PTE_RWX);
    fence_asid(1);
    check_eq(run_code(b, va), 2);
    check_eq(run_code(a, va), 4);
    *theirs = pte_of(pa_of(0), PTE_RWX);
    fence_va_asid(va, 2);
    check_eq(run_code(b, va), 1);
    check_eq(run_code(a, va + 8), 14);
    begin("code_that_is_global_before_and_after_other_code");
    space_map(&space, global, pa_of(1), PTE_RWX | PTE_G, 0);
    space_map(&other, global, pa_of(1), PTE_RWX | PTE_G, 0);
    sfence_all();
    check_eq(run_code(a, global), 2); /* under the id that spaces share */
    check_eq(run_code(a, va), 4);
    space_map(&space, global, pa_of(0), PTE_RWX | PTE_G, 0);
    space_map(&other, global, pa_of(0), PTE_RWX | PTE_G, 0);
    fence_va(global); /* in the space's own, and in what it shared before */
    check_eq(run_code(b, global), 1);
    check_eq(run_code(a, global), 1);
    begin("code_in_a_superpage_goes_with_a_fence_of_any_of_its_pages");
    {
        uint64_t big_va = TEST_VA + (UINT64_C(3) << 30), off = pa_of(2) - RAM;
        volatile uint64_t *big = space_map(&space, big_va, RAM, PTE_RWX, 2);

        sfence_all();
        check_eq(run_code(a, big_va + off), 3);
        check_eq(run_code(a, big_va + off + PAGE), 4);
        *big = 0;
        fence_va(big_va + off + 5 * PAGE);
        check_eq(cause_in(S_MODE, do_call, big_va + off), FETCH_PAGE);
        check_eq(cause_in(S_MODE, do_call, big_va + off + PAGE), FETCH_PAGE);
    }
    csr_write(satp, space_satp(&space, 0));
    sfence_all();
}

/* satp is written and takes effect in S-mode itself, on identity-mapped code. */
static uint64_t switch_in_s(uint64_t arg)
{
    uint64_t off, on;

    csr_write(satp, 0);
    off = *(volatile uint64_t *)pa_of(1);
    csr_write(satp, arg);
    on = *(volatile uint64_t *)TEST_VA;
    return off << 32 | on;
}

static void test_satp_in_s(void)
{
    begin("satp_takes_effect_at_once");
    fill();
    space_map(&space, TEST_VA, pa_of(2), PTE_RW, 0);
    sfence_all();
    for (unsigned i = 0; i < 20; i++) {
        check_eq(run_in(S_MODE, switch_in_s, space_satp(&space, 0), 0), 0x2000UL << 32 | 0x3000);
    }
}

/* ---- what else faults ------------------------------------------------------------------------------------------------------------ */

static void test_kinds(void)
{
    begin("page_faults_of_atomics_and_cache_blocks");
    *space_entry(&space, TEST_VA, 0) = 0;
    sfence_all();
    check_eq(cause_in(S_MODE, do_lr, TEST_VA + 8), LOAD_PAGE);
    check_eq(cause_in(S_MODE, do_sc, TEST_VA + 8), STORE_PAGE);
    check_eq(cause_in(S_MODE, do_amo, TEST_VA + 8), STORE_PAGE);
    check_eq(this_cpu()->last.tval, TEST_VA + 8);
    check_eq(cause_in(S_MODE, do_cbo_zero, TEST_VA + 8), STORE_PAGE);
    check_eq(cause_in(S_MODE, do_cbo_flush, TEST_VA + 8), STORE_PAGE);
    begin("page_faults_can_be_delegated");
    csr_write(medeleg, BIT(LOAD_PAGE) | BIT(STORE_PAGE) | BIT(FETCH_PAGE));
    check_eq(cause_in(S_MODE, do_load, TEST_VA + 9), LOAD_PAGE);
    check_eq(this_cpu()->last.mode, S_MODE);
    check_eq(this_cpu()->last.tval, TEST_VA + 9);
    check_eq(cause_in(S_MODE, do_call, TEST_VA + 4), FETCH_PAGE);
    check_eq(this_cpu()->last.mode, S_MODE);
    csr_write(medeleg, 0);
    begin("pmp_applies_behind_translation_and_to_tables");
    fill();
    space_map(&space, TEST_VA, pa_of(0), PTE_RWX, 0);
    csr_write(pmpcfg0, 0);
    csr_write(pmpaddr0, pa_of(0) >> 2 | 511);
    csr_write(pmpaddr1, -1UL);
    csr_write(pmpcfg0, 0x1f18);
    sfence_all();
    check_eq(cause_in(S_MODE, do_load, TEST_VA), LOAD_ACCESS);
    check_eq(cause_in(S_MODE, do_store, TEST_VA), STORE_ACCESS);
    csr_write(pmpaddr0,
              ((uint64_t)space_entry(&space, TEST_VA, 0) & -PAGE) >> 2 | 511); /* its table */
    sfence_all();
    check_eq(cause_in(S_MODE, do_load, TEST_VA), LOAD_ACCESS);
    check_eq(cause_in(S_MODE, do_store, TEST_VA), STORE_ACCESS);
    csr_write(pmpcfg0, 0);
    csr_write(pmpaddr0, -1UL);
    csr_write(pmpcfg0, 0x1f);
    sfence_all();
    check_eq(cause_in(S_MODE, do_load, TEST_VA), NO_FAULT);
}

static void run_mode(unsigned mode)
{
    static const char *const prefixes[] = {"sv39_", "sv48_", "sv57_"};

    if (!turn_on(mode)) {
        return; /* who runs this asks for the modes that the machine has */
    }
    set_prefix(prefixes[mode - SV39]);
    test_permissions();
    test_mprv();
    test_levels();
    test_misaligned_superpages();
    test_malformed();
    test_canonical();
    test_svadu();
    test_svade();
    test_crossing();
    test_sfence();
    test_asids();
    test_code();
    test_satp_in_s();
    test_kinds();
}

void test_main(void)
{
    run_mode(SV39);
    run_mode(SV48);
    run_mode(SV57);
    rt_reset_state();
}
