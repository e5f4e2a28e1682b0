/* SPDX-License-Identifier: MIT */
/*
 * One clock for all harts: the time that a hart reads is never before one that another hart, or the CLINT, has told it.
 */
#include "tests/smp/smp.h"

static struct line latest, backwards[RT_MAX_HARTS];
static uint64_t reads;

/* The latest time that anyone has read goes from hart to hart. */
static void exchange_job(uint64_t hart)
{
    barrier();
    for (uint64_t i = 0; i < reads; i++) {
        uint64_t seen = load_acquire(&latest.v);
        uint64_t now = i % 8 == 0 ? *CLINT_MTIME : csr_read(time);

        backwards[hart].v += now < seen;
        while (seen < now && !__atomic_compare_exchange_n(&latest.v, &seen, now, 0,
                                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {}
    }
}

/* By turns: each hart waits for the time of the one before it, and reads at once. */
static void relay_job(uint64_t hart)
{
    barrier();
    for (uint64_t i = 0; i < reads / 64; i++) {
        uint64_t turn = i * harts + hart, seen;

        while ((seen = load_acquire(&latest.v)) % 64 != turn % 64) {
            spin_pause();
        }
        backwards[hart].v += csr_read(time) < seen >> 6;
        store_release(&latest.v, csr_read(time) << 6 | (turn + 1) % 64);
    }
}

static void run(const char *name, unsigned n, void (*job)(uint64_t hart))
{
    begin(name);
    latest.v = 0;
    smp_run(n, M_MODE, job);
    for (unsigned h = 0; h < n; h++) {
        check_eq(backwards[h].v, 0);
    }
}

void test_main(void)
{
    unsigned n = hart_count();

    reads = n > 2 ? 6400 : 200000;
    run("no_hart_reads_a_time_before_one_that_it_was_told", n, exchange_job);
    run("nor_when_they_take_turns", n, relay_job);
}
