/* SPDX-License-Identifier: MIT */
/*
 * What the programs for several harts share: barriers, jobs in M-mode or in S-mode under Sv39, interprocessor interrupts that
 * call a function, waits that end.
 *
 * Iterations bound every loop, so that a program takes a few seconds at most, also when eight harts share two cores.
 */
#ifndef TESTS_SMP_SMP_H
#define TESTS_SMP_SMP_H

#include "tests/insn/paging.h"

#define load_acquire(p)     __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define fetch_add(p, v)     __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)

struct line {
    volatile uint64_t v;
    uint64_t pad[15];
} __attribute__((aligned(128)));

/* Harts of this run; the job; translation for S-mode. */
static unsigned harts;
static void (*smp_job)(uint64_t hart);
static uint64_t smp_pool[POOL_PAGES][512] __attribute__((aligned(4096)));
static struct space smp_space;
static struct line barrier_count, barrier_round;

static inline void barrier(void)
{
    uint64_t round = load_acquire(&barrier_round.v);

    if (fetch_add(&barrier_count.v, 1) == harts - 1) {
        store_release(&barrier_count.v, 0);
        store_release(&barrier_round.v, round + 1);
        return;
    }
    while (load_acquire(&barrier_round.v) == round) {
        spin_pause();
    }
}

/* ---- modes -------------------------------------------------------------------------------------------------------------------- */

static inline uint64_t smp_s_entry(uint64_t hart)
{
    smp_job(hart);
    return 0;
}

static inline void smp_s_job(uint64_t hart)
{
    csr_write(satp, space_satp(&smp_space, hart + 1));
    sfence_all();
    run_in(S_MODE, smp_s_entry, hart, 0);
    csr_write(satp, 0);
}

/* The identity map: RAM and devices. */
static inline void smp_map_identity(void)
{
    space_init(&smp_space, smp_pool, SV39);
    space_map(&smp_space, 0, 0, PTE_RW | PTE_G, 2);
    space_map(&smp_space, 0x80000000, 0x80000000, PTE_RWX | PTE_G, 2);
}

/* Runs JOB(hart) on N harts in M-mode, or in S-mode under Sv39. */
static inline void smp_run(unsigned n, enum priv mode, void (*job)(uint64_t hart))
{
    harts = n;
    smp_job = job;
    run_on_harts(n, mode == S_MODE ? smp_s_job : job);
}

/* ---- interprocessor calls ------------------------------------------------------------------------------------------------------ */

/* Acknowledged calls of each hart. */
static struct line ipi_acks[RT_MAX_HARTS];
static void (*volatile ipi_call)(uint64_t hart);

/* An irq_hook: runs the call in M-mode. */
static inline void ipi_hook(struct percpu *p, unsigned cause)
{
    uint64_t hart = p->m.hartid;

    if (cause == MSI) {
        *CLINT_MSIP(hart) = 0;
        asm volatile("fence" ::: "memory");
        ipi_call(hart);
        fetch_add(&ipi_acks[hart].v, 1);
    }
}

/* In M-mode, before and after work that wants to receive. */
static inline void ipi_open(void)
{
    this_cpu()->irq_hook = ipi_hook;
    csr_write(mie, BIT(MSI));
    csr_set(mstatus, MSTATUS_MIE);
}

static inline void ipi_close(void)
{
    csr_clear(mstatus, MSTATUS_MIE);
    csr_write(mie, 0);
    this_cpu()->irq_hook = NULL;
}

/* Calls FN on all harts but this one, and waits for all of them. One caller at a time. */
static inline void ipi_all(void (*fn)(uint64_t hart))
{
    uint64_t want[RT_MAX_HARTS], me = hart_id();

    ipi_call = fn;
    asm volatile("fence" ::: "memory");
    for (uint64_t h = 0; h < harts; h++) {
        want[h] = load_acquire(&ipi_acks[h].v) + 1;
        if (h != me) {
            *CLINT_MSIP(h) = 1;
        }
    }
    for (uint64_t h = 0; h < harts; h++) {
        while (h != me && load_acquire(&ipi_acks[h].v) != want[h]) {
            spin_pause();
        }
    }
}

#endif
