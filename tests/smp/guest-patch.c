/* SPDX-License-Identifier: MIT */
/*
 * Code that changes while other harts run it: after hart 0 patched a function and the others answered an IPI with fence.i,
 * only the new code may run; a hart that hears of a patch through memory and fences itself sees it too; harts patch functions of
 * their own in one page at the same time; and a hart may patch itself while others run in the same page.
 */
#include "tests/smp/smp.h"

#define STOP       BIT(62)
#define RET        0x00008067u
#define LI_A0(n)   (0x00000513u | (uint32_t)(n) << 20)
#define ADDI_A0(n) (0x00050513u | (uint32_t)(n) << 20)

static uint32_t code[4][1024] __attribute__((aligned(4096)));
static struct line acked, failures, ready, arrived[RT_MAX_HARTS];
static uint64_t versions;

static void fence_i(void)
{
    asm volatile("fence.i" ::: "memory");
}

static void fence_i_here(uint64_t hart)
{
    (void)hart;
    fence_i();
}

static void fail(void)
{
    fetch_add(&failures.v, 1);
}

/* The first function that was older than it could be (or newer): what it returned, and the oldest version allowed. */
static struct line odd_seen, odd_least;

static void fail_version(uint64_t seen, uint64_t least)
{
    if (fetch_add(&failures.v, 1) == 0) {
        odd_seen.v = seen;
        odd_least.v = least;
    }
}

static void check_versions(void)
{
    if (failures.v) {
        fail_values((int)failures.v, "(line: how often) a version that ran", odd_seen.v,
                    odd_least.v);
    }
}

static uint64_t call(const void *p, uint64_t arg)
{
    return ((uint64_t(*)(uint64_t))p)(arg);
}

/* ---- remote fence.i ----------------------------------------------------------------------------------------------------------- */

static unsigned
    body; /* instructions in front of the ones that change: long bodies are several blocks */

static void put_function(uint64_t version)
{
    volatile uint32_t *p = code[0];

    p[body] = LI_A0(version & 0x7ff);
}

static uint64_t remote_worker(uint64_t arg)
{
    (void)arg;
    fetch_add(&ready.v, 1);
    for (;;) {
        uint64_t before = load_acquire(&acked.v), after, seen;

        if (before == STOP) {
            return 0;
        }
        seen = call(code[0], 0);
        after = load_acquire(&acked.v);
        after = after == STOP ? versions - 1 : after;
        if (seen < before || seen > after + 1) {
            fail_version(seen, before);
        }
    }
}

static enum priv worker_mode;

static void remote_job(uint64_t hart)
{
    if (hart == 0) {
        while (load_acquire(&ready.v) < harts - 1) {
            spin_pause();
        }
        for (uint64_t v = 1; v < versions; v++) {
            put_function(v);
            asm volatile("fence" ::: "memory");
            fence_i();
            ipi_all(fence_i_here);
            store_release(&acked.v, v);
            if (call(code[0], 0) != v) {
                fail_version(call(code[0], 0), v);
            }
        }
        store_release(&acked.v, STOP);
        return;
    }
    csr_write(satp, space_satp(&smp_space, hart + 1));
    sfence_all();
    fence_i();
    ipi_open();
    csr_set(mstatus, MSTATUS_MPIE); /* for M-mode, whose interrupts it enables */
    run_in(worker_mode, remote_worker, 0, 0);
    ipi_close();
    csr_write(satp, 0);
}

static void test_remote(unsigned n, enum priv mode, const char *name, unsigned length)
{
    volatile uint32_t *p = code[0];

    begin(name);
    body = length;
    worker_mode = mode;
    for (unsigned i = 0; i < length; i++) {
        p[i] = ADDI_A0(1);
    }
    p[length] = LI_A0(0);
    p[length + 1] = RET;
    fence_i();
    acked.v = failures.v = ready.v = 0;
    smp_run(n, M_MODE, remote_job);
    check_versions();
}

/* ---- message passing ------------------------------------------------------------------------------------------------------------ */

/* No IPI: the flag tells, and the hart that reads it fences for itself. */
static void message_job(uint64_t hart)
{
    barrier();
    for (uint64_t v = 1; v < versions; v++) {
        if (hart == 0) {
            put_function(v);
            store_release(&acked.v, v);
            for (uint64_t h = 1; h < harts; h++) {
                while (load_acquire(&arrived[h].v) != v) {
                    spin_pause();
                }
            }
            continue;
        }
        while (load_acquire(&acked.v) != v) {
            if (call(code[0], 0) < v - 1) { /* keeps it translated; either version may run here */
                fail_version(0, v - 1);
            }
        }
        fence_i();
        if (call(code[0], 0) != v) {
            fail_version(call(code[0], 0), v);
        }
        store_release(&arrived[hart].v, v);
    }
}

static void test_message(unsigned n, enum priv mode)
{
    volatile uint32_t *p = code[0];

    begin("patch_told_by_a_flag_and_fenced_by_its_reader");
    body = 0;
    p[0] = LI_A0(0);
    p[1] = RET;
    fence_i();
    acked.v = failures.v = 0;
    for (unsigned h = 0; h < RT_MAX_HARTS; h++) {
        arrived[h].v = 0;
    }
    smp_run(n, mode, message_job);
    check_versions();
}

/* ---- neighbours ------------------------------------------------------------------------------------------------------------------- */

/* Each hart has a function in the same page, and patches only that. */
static void neighbour_job(uint64_t hart)
{
    volatile uint32_t *mine = &code[1][hart * 16];

    mine[1] = RET;
    barrier();
    for (uint32_t v = 0; v < 20 * versions; v++) {
        mine[0] = LI_A0((v + (uint32_t)hart * 100) & 0x7ff);
        fence_i();
        if (call((const void *)mine, 0) != ((v + hart * 100) & 0x7ff)) {
            fail();
        }
    }
}

static void test_neighbours(unsigned n, enum priv mode)
{
    begin("all_harts_patch_functions_of_one_page");
    failures.v = 0;
    smp_run(n, mode, neighbour_job);
    check_eq(failures.v, 0);
}

/* Hart 0 patches itself; the others run constant code in the same page, and write data beside it. */
static void beside_job(uint64_t hart)
{
    volatile uint32_t *mine = &code[2][hart * 16];
    volatile uint64_t *data = (volatile uint64_t *)&code[2][512 + hart * 16];

    mine[0] = LI_A0(hart);
    mine[1] = RET;
    fence_i();
    barrier();
    for (uint32_t v = 0; v < versions; v++) {
        if (hart == 0) {
            mine[0] = LI_A0(v & 0x7ff);
            fence_i();
        }
        *data = v;
        if (call((const void *)mine, 0) != (hart ? hart : (v & 0x7ff)) || *data != v) {
            fail();
        }
    }
}

static void test_beside(unsigned n, enum priv mode)
{
    begin("others_run_and_write_in_a_page_that_one_patches");
    failures.v = 0;
    smp_run(n, mode, beside_job);
    check_eq(failures.v, 0);
}

/* All harts translate the same new code at the same time. */
static void rush_job(uint64_t hart)
{
    for (uint64_t v = 1; v < versions / 8; v++) {
        if (hart == 0) {
            for (unsigned i = 0; i < 64; i++) {
                ((volatile uint32_t *)code[3])[i] = ADDI_A0(v & 15);
            }
            ((volatile uint32_t *)code[3])[64] = RET;
        }
        barrier();
        fence_i();
        for (unsigned i = 0; i < 64; i += 7) {
            if (call(&code[3][i], 0) != (64 - i) * (v & 15)) {
                fail();
            }
        }
        barrier();
    }
}

static void test_rush(unsigned n, enum priv mode)
{
    begin("all_harts_run_new_code_at_once");
    failures.v = 0;
    smp_run(n, mode, rush_job);
    check_eq(failures.v, 0);
}

void test_main(void)
{
    unsigned n = hart_count();

    smp_map_identity();
    versions = n > 2 ? 40 : 300;
    for (unsigned m = 0; m < 2; m++) {
        enum priv mode = m ? S_MODE : M_MODE;

        set_prefix(m ? "s_" : "m_");
        test_remote(n, mode, "no_old_code_after_a_remote_fence_i", 0);
        test_remote(n, mode, "no_old_code_in_long_functions", 200);
        test_message(n, mode);
        test_neighbours(n, mode);
        test_beside(n, mode);
        test_rush(n, mode);
    }
}
