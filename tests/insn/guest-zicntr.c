/* SPDX-License-Identifier: MIT */
/*
 * Zicntr and Zihpm: counters that count, can be written and inhibited in M-mode, and are open below it as mcounteren and
 * scounteren say.
 */
#include "tests/insn/rt.h"

static void work(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        asm volatile("" ::: "memory");
    }
}

static void test_count(void)
{
    uint64_t cycles = csr_read(cycle), instructions = csr_read(instret), time = csr_read(time);

    begin("counters_count");
    work();
    check(csr_read(cycle) > cycles);
    check(csr_read(instret) > instructions);
    while (csr_read(time) == time) {}
    check(csr_read(time) > time);
    begin("time_is_the_clint");
    for (unsigned i = 0; i < 100; i++) {
        uint64_t before = *CLINT_MTIME, now = csr_read(time), after = *CLINT_MTIME;

        check(before <= now && now <= after);
    }
    begin("time_never_goes_back");
    time = csr_read(time);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now = csr_read(time);

        check(now >= time);
        time = now;
    }
}

static void test_write(void)
{
    uint64_t v;

    begin("mcycle_and_minstret_can_be_written");
    csr_write(mcycle, 0x123456789abc0000);
    v = csr_read(mcycle);
    check(v >= 0x123456789abc0000 && v < 0x123456799abc0000);
    csr_write(minstret, 0x7000000000000000);
    v = csr_read(minstret);
    check(v >= 0x7000000000000000 && v < 0x7000000100000000);
    csr_write(mcycle, 0);
    csr_write(minstret, 0);
    begin("mcountinhibit_stops_them");
    csr_write(mcountinhibit, 5);
    if (csr_read(mcountinhibit) == 5) { /* may be hard-wired to zero */
        uint64_t c = csr_read(mcycle), i = csr_read(minstret);

        work();
        check_eq(csr_read(mcycle), c);
        check_eq(csr_read(minstret), i);
        csr_write(mcycle, 42);
        work();
        check_eq(csr_read(mcycle), 42);
    }
    csr_write(mcountinhibit, 0);
    v = csr_read(mcycle);
    work();
    check(csr_read(mcycle) > v);
}

static uint64_t read_three(uint64_t arg)
{
    (void)arg;
    asm volatile("rdcycle t0\n rdtime t0\n rdinstret t0" ::: "t0");
    return 0;
}

static uint64_t traps_of(enum priv priv)
{
    trap_arm();
    run_in(priv, read_three, 0, 0);
    return trap_disarm();
}

static void test_enables(void)
{
    begin("mcounteren_and_scounteren");
    csr_write(mcounteren, 0);
    csr_write(scounteren, 7);
    check_eq(traps_of(S_MODE), 3);
    check_eq(traps_of(U_MODE), 3);
    check_eq(traps_of(M_MODE), 0);
    csr_write(mcounteren, 2);
    check_eq(traps_of(S_MODE), 2);
    check_eq(traps_of(U_MODE), 2);
    csr_write(mcounteren, 7);
    csr_write(scounteren, 0);
    check_eq(traps_of(S_MODE), 0);
    check_eq(traps_of(U_MODE), 3);
    csr_write(scounteren, 5);
    check_eq(traps_of(U_MODE), 1);
    check_eq(this_cpu()->last.cause, ILLEGAL);
    check_eq(this_cpu()->last.tval, 0xc01022f3);
    csr_write(scounteren, 7);
    check_eq(traps_of(U_MODE), 0);
}

static uint64_t read_hpm(uint64_t arg)
{
    uint64_t v;

    (void)arg;
    asm volatile("csrr %0, hpmcounter7" : "=r"(v));
    return v;
}

static void test_hpm(void)
{
    begin("hpm_counters_are_zero_and_gated");
    check_eq(csr_read(hpmcounter3), 0);
    check_eq(csr_read(hpmcounter31), 0);
    csr_write(mcounteren, 7);
    trap_arm();
    run_in(S_MODE, read_hpm, 0, 0);
    check_eq(trap_disarm(), 1);
}

void test_main(void)
{
    test_count();
    test_write();
    test_enables();
    test_hpm();
    rt_reset_state();
}
