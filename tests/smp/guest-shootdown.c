/* SPDX-License-Identifier: MIT */
/*
 * Remote fences: hart 0 changes a page table, calls the others by IPI to fence, and after they answered no hart may use what was
 * there before: for loads, stores, code, permissions, superpages and pages that are gone. Harts work in S-mode under Sv39, all
 * with the same tables, and take the IPIs in M-mode.
 */
#include "tests/smp/smp.h"

#define FRAMES  64
#define TEST_VA 0x100000000UL
#define STOP    BIT(62)

static uint64_t frames[FRAMES][512] __attribute__((aligned(4096)));
static struct line acked; /* version that all harts must see by now */
static struct line failures, ready;
static volatile uint64_t *entry;
static uint64_t versions;

enum fence { FENCE_PAGE, FENCE_ALL, FENCE_ASID, FENCE_KINDS };
static unsigned fence_kind;

/* Runs in M-mode on the hart that was called: its ASID is hart + 1. */
static void fence_here(uint64_t hart)
{
    switch (fence_kind) {
    case FENCE_PAGE:
        sfence_page(TEST_VA);
        break;
    case FENCE_ALL:
        sfence_all();
        break;
    default:
        asm volatile("sfence.vma %0, %1" ::"r"(TEST_VA), "r"(hart + 1) : "memory");
    }
}

static void fail(void)
{
    fetch_add(&failures.v, 1);
}

/* Makes the current entry `pte` known to all: after this none uses an older one. */
static void publish(uint64_t pte, uint64_t version)
{
    *entry = pte;
    asm volatile("fence" ::: "memory");
    fence_here(0);
    ipi_all(fence_here);
    store_release(&acked.v, version);
}

static void wait_ready(void)
{
    while (load_acquire(&ready.v) < harts - 1) {
        spin_pause();
    }
}

static void (*worker)(void);
static void (*director)(void);

static uint64_t worker_entry(uint64_t arg)
{
    (void)arg;
    fetch_add(&ready.v, 1);
    worker();
    return 0;
}

static void job(uint64_t hart)
{
    if (hart == 0) {
        wait_ready();
        director();
        store_release(&acked.v, STOP);
        return;
    }
    csr_write(satp, space_satp(&smp_space, hart + 1));
    sfence_all();
    ipi_open();
    trap_arm();
    run_in(S_MODE, worker_entry, hart, 0);
    trap_disarm();
    ipi_close();
    csr_write(satp, 0);
}

static void run(const char *name, unsigned n, void (*direct)(void), void (*work)(void),
                uint64_t first_pte)
{
    for (fence_kind = 0; fence_kind < FENCE_KINDS; fence_kind++) {
        static const char *const kinds[] = {"page_", "all_", "asid_"};

        set_prefix(kinds[fence_kind]);
        begin(name);
        *entry = first_pte;
        sfence_all();
        acked.v = failures.v = ready.v = 0;
        director = direct;
        worker = work;
        smp_run(n, M_MODE, job);
        check_eq(failures.v, 0);
    }
}

/* ---- loads -------------------------------------------------------------------------------------------------------------------- */

static uint64_t *frame_of(uint64_t version)
{
    return frames[version % FRAMES];
}

static void direct_loads(void)
{
    for (uint64_t v = 1; v < versions; v++) {
        ((volatile uint64_t *)frame_of(v))[0] = v;
        publish(pte_of((uint64_t)frame_of(v), PTE_RW), v);
    }
}

static void work_loads(void)
{
    for (;;) {
        uint64_t least = load_acquire(&acked.v), seen;

        if (least == STOP) {
            return;
        }
        seen = *(volatile uint64_t *)TEST_VA;
        if (seen < least) {
            fail();
        }
    }
}

/* ---- stores -------------------------------------------------------------------------------------------------------------------- */

/* A frame that was taken away keeps what is written to it behind the workers' backs. */
static void direct_stores(void)
{
    for (uint64_t v = 1; v < versions; v++) {
        volatile uint64_t *old = frame_of(v - 1);

        publish(pte_of((uint64_t)frame_of(v), PTE_RW), v);
        for (unsigned i = 0; i < 16; i++) {
            old[i] = v;
        }
        for (unsigned spin = 0; spin < 200; spin++) {
            asm volatile("" ::: "memory");
        }
        for (unsigned i = 0; i < 16; i++) {
            if (old[i] != v) {
                fail();
            }
        }
    }
}

static void work_stores(void)
{
    uint64_t hart = hart_id();

    while (load_acquire(&acked.v) != STOP) {
        ((volatile uint64_t *)TEST_VA)[hart] = -1UL;
        asm volatile("amoor.d zero, %0, (%1)" ::"r"(-1UL), "r"(TEST_VA + 8 * (hart + 8))
                     : "memory");
    }
}

/* ---- code ------------------------------------------------------------------------------------------------------------------------ */

/* Each frame holds a function of its own: li a0, frame; ret. The pages never change: only which one is mapped. */
static void fill_code(void)
{
    for (uint64_t f = 0; f < FRAMES; f++) {
        ((volatile uint64_t *)frames[f])[0] = 0x0000806700000513 | f << 20;
    }
    asm volatile("fence.i" ::: "memory");
}

static void direct_code(void)
{
    for (uint64_t v = 1; v < versions; v++) {
        publish(pte_of((uint64_t)frame_of(v), PTE_RWX), v);
    }
}

static void work_code(void)
{
    asm volatile("fence.i" ::: "memory");
    for (;;) {
        uint64_t before = load_acquire(&acked.v), after, f;

        if (before == STOP) {
            return;
        }
        f = ((uint64_t(*)(void))TEST_VA)();
        after = load_acquire(&acked.v);
        after = after == STOP ? versions - 1 : after;
        /* One of the versions from `before` to one beyond `after`. */
        if (after - before < FRAMES - 2 && (f - before) % FRAMES > after + 1 - before) {
            fail();
        }
    }
}

/* ---- permissions, and pages that are gone ---------------------------------------------------------------------------------------- */

/* Odd versions: the page is read-only (or not there); then its contents must stay as they are. */
static uint64_t denied_flags;

static void direct_denied(void)
{
    volatile uint64_t *frame = frames[0];

    for (uint64_t v = 1; v < versions; v++) {
        publish(pte_of((uint64_t)frame, v & 1 ? denied_flags : PTE_RW), v);
        if (v & 1) {
            for (unsigned i = 0; i < 16; i++) {
                frame[i] = v;
            }
            for (unsigned spin = 0; spin < 200; spin++) {
                asm volatile("" ::: "memory");
            }
            for (unsigned i = 0; i < 16; i++) {
                if (frame[i] != v) {
                    fail();
                }
            }
        }
    }
}

/* ---- a superpage that is split ---------------------------------------------------------------------------------------------------- */

#define BIG_VA 0x140000000UL
static uint64_t small_table[512] __attribute__((aligned(4096)));
static volatile uint64_t *big_entry;

static void fence_all_here(uint64_t hart)
{
    (void)hart;
    sfence_all();
}

/* A megapage over the frames alternates with a table that maps its pages in another order. */
static void direct_split(void)
{
    uint64_t base = (uint64_t)frames & -(PAGE * 512);

    for (uint64_t v = 1; v < versions; v++) {
        *big_entry = v & 1 ? pte_of((uint64_t)small_table, PTE_V) : pte_of(base, PTE_RW);
        asm volatile("fence" ::: "memory");
        ipi_all(fence_all_here);
        store_release(&acked.v, v);
    }
}

static uint64_t split_offset;

static void work_split(void)
{
    for (;;) {
        uint64_t before = load_acquire(&acked.v), after, seen;

        if (before == STOP) {
            return;
        }
        seen = *(volatile uint64_t *)(BIG_VA + split_offset);
        after = load_acquire(&acked.v);
        /* Frame 0 shows 1000 through the megapage, frame 1 shows 1001 through the table. */
        if (before == after && before && seen != 1000 + (before & 1)) {
            /* The director may already be on the way to the next version: look again. */
            if (*big_entry == (before & 1 ? pte_of((uint64_t)small_table, PTE_V)
                                          : pte_of((uint64_t)frames & -(PAGE * 512), PTE_RW)) &&
                load_acquire(&acked.v) == before && seen != 1000 + (before & 1)) {
                fail();
            }
        }
    }
}

static void prepare_split(void)
{
    uint64_t base = (uint64_t)frames & -(PAGE * 512);

    for (uint64_t i = 0; i < 512; i++) {
        ((volatile uint64_t *)small_table)[i] = pte_of(base + i * PAGE, PTE_RW);
    }
    split_offset = (uint64_t)frames[0] - base;
    ((volatile uint64_t *)small_table)[split_offset / PAGE] = pte_of((uint64_t)frames[1], PTE_RW);
    ((volatile uint64_t *)frames[0])[0] = 1000;
    ((volatile uint64_t *)frames[1])[0] = 1001;
    big_entry = space_map(&smp_space, BIG_VA, base, PTE_RW, 1);
}

void test_main(void)
{
    unsigned n = hart_count();
    uint64_t first = pte_of((uint64_t)frames[0], PTE_RW);

    versions = n > 4 ? 10 : n > 2 ? 25 : 150;
    smp_map_identity();
    entry = space_map(&smp_space, TEST_VA, (uint64_t)frames[0], PTE_RW, 0);
    run("no_load_through_an_old_translation", n, direct_loads, work_loads, first);
    run("no_store_through_an_old_translation", n, direct_stores, work_stores, first);
    denied_flags = PTE_RW & ~PTE_W;
    run("no_store_after_w_was_taken_away", n, direct_denied, work_stores, first);
    denied_flags = 0;
    run("no_store_to_a_page_that_is_gone", n, direct_denied, work_stores, first);
    fill_code();
    run("no_code_through_an_old_translation", n, direct_code, work_code,
        pte_of((uint64_t)frames[0], PTE_RWX));
    prepare_split();
    run("no_load_through_a_superpage_that_was_split", n, direct_split, work_split, first);
}
