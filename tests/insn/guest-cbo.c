/* SPDX-License-Identifier: MIT */
/*
 * Zicbom, Zicboz, Zicbop: cbo.zero clears its 64-byte block and nothing beside it; the others change no data; menvcfg and
 * senvcfg gate them; a fault of cbo.zero is that of a store; prefetches never fault.
 */
#include "tests/insn/rt.h"

#define CBIE  (3UL << 4)
#define CBCFE BIT(6)
#define CBZE  BIT(7)

static volatile uint8_t data[4096] __attribute__((aligned(4096)));

static void fill(void)
{
    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7 + 1);
    }
}

static bool intact(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        if (data[i] != (uint8_t)(i * 7 + 1)) {
            return false;
        }
    }
    return true;
}

static void test_zero(void)
{
    begin("cbo_zero");
    for (unsigned at = 128; at < 192; at += 7) { /* any address in the block */
        fill();
        asm volatile("cbo.zero (%0)" ::"r"(&data[at]) : "memory");
        check(intact(0, 128) && intact(192, 4096));
        for (unsigned i = 128; i < 192; i++) {
            check_eq(data[i], 0);
        }
    }
    asm volatile("cbo.zero (%0)" ::"r"(&data[4095]) : "memory");
    check_eq(data[4095] | data[4032], 0);
}

static void test_management(void)
{
    fill();
    begin("cbo_clean");
    asm volatile("cbo.clean (%0)" ::"r"(&data[65]) : "memory");
    check(intact(0, 4096));
    begin("cbo_flush");
    asm volatile("cbo.flush (%0)" ::"r"(&data[65]) : "memory");
    check(intact(0, 4096));
    begin("cbo_inval");
    asm volatile("cbo.inval (%0)" ::"r"(&data[65]) : "memory");
    check(intact(0, 4096));
}

static void test_prefetch(void)
{
    begin("prefetch_i");
    trap_arm();
    asm volatile("prefetch.i 0(%0)\n prefetch.i 32(zero)\n prefetch.i -2048(%1)" ::"r"(data),
                 "r"(-1UL));
    check_no_trap();
    begin("prefetch_r");
    asm volatile("prefetch.r 0(%0)\n prefetch.r 32(zero)\n prefetch.r -2048(%1)" ::"r"(data),
                 "r"(-1UL));
    check_no_trap();
    begin("prefetch_w");
    asm volatile("prefetch.w 0(%0)\n prefetch.w 32(zero)\n prefetch.w -2048(%1)" ::"r"(data),
                 "r"(-1UL));
    check_no_trap();
    trap_disarm();
}

static uint64_t all_four(uint64_t arg)
{
    asm volatile("cbo.zero (%0)" ::"r"(arg) : "memory");
    asm volatile("cbo.clean (%0)" ::"r"(arg) : "memory");
    asm volatile("cbo.flush (%0)" ::"r"(arg) : "memory");
    asm volatile("cbo.inval (%0)" ::"r"(arg) : "memory");
    return 0;
}

static uint64_t traps_of(enum priv priv)
{
    trap_arm();
    run_in(priv, all_four, (uint64_t)data, 0);
    return trap_disarm();
}

static void test_gates(void)
{
    begin("menvcfg_and_senvcfg_gate_them");
    csr_write(menvcfg, 0);
    csr_write(senvcfg, CBIE | CBCFE | CBZE);
    check_eq(traps_of(M_MODE), 0);
    check_eq(traps_of(S_MODE), 4);
    check_eq(this_cpu()->last.cause, ILLEGAL);
    check_eq(traps_of(U_MODE), 4);
    csr_write(menvcfg, CBZE);
    check_eq(traps_of(S_MODE), 3);
    check_eq(traps_of(U_MODE), 3);
    csr_write(menvcfg, CBCFE);
    check_eq(traps_of(S_MODE), 2);
    csr_write(menvcfg, CBIE);
    check_eq(traps_of(S_MODE), 3);
    csr_write(menvcfg, BIT(4)); /* cbo.inval flushes */
    check_eq(traps_of(S_MODE), 3);
    csr_write(menvcfg, CBIE | CBCFE | CBZE);
    check_eq(traps_of(S_MODE), 0);
    check_eq(traps_of(U_MODE), 0);
    csr_write(senvcfg, 0);
    check_eq(traps_of(S_MODE), 0);
    check_eq(traps_of(U_MODE), 4);
    csr_write(senvcfg, CBZE);
    check_eq(traps_of(U_MODE), 3);
}

static void test_faults(void)
{
    begin("cbo_zero_faults_as_a_store");
    trap_arm();
    asm volatile("cbo.zero (%0)" ::"r"(0x47UL) : "memory");
    check_eq(this_cpu()->last.cause, STORE_ACCESS);
    check_eq(this_cpu()->last.tval | 63, 0x7f); /* rs1 by the specification; QEMU gives the block */
    trap_disarm();
}

void test_main(void)
{
    csr_write(menvcfg, CBIE | CBCFE | CBZE);
    test_zero();
    test_management();
    test_prefetch();
    test_gates();
    test_faults();
}
