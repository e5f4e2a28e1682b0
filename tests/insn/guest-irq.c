/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of one hart: software, timer (CLINT and Sstc) and external bits, enables and delegation, priorities, vectored
 * entries, and WFI, which ends for what is enabled in xie whether or not it is taken.
 */
#include "tests/insn/rt.h"

#define STCE BIT(63)

static uint64_t count_of(unsigned cause)
{
    return this_cpu()->irq_count[cause];
}

static uint64_t now(void)
{
    return csr_read(time);
}

/* Waits (in the guest's time) until the condition holds; false after 2 s. */
#define WAIT(cond)                         \
    ({                                     \
        uint64_t end_ = now() + 20000000;  \
        while (!(cond) && now() < end_) {} \
        (cond);                            \
    })

static void clean(void)
{
    struct percpu *p = this_cpu();

    csr_clear(mstatus, MSTATUS_MIE | MSTATUS_SIE);
    *CLINT_MSIP(0) = 0;
    *CLINT_MTIMECMP(0) = -1UL;
    csr_clear(mip, 0x222);
    rt_reset_state();
    for (unsigned i = 0; i < 16; i++) {
        p->irq_count[i] = 0;
    }
}

static void test_software(void)
{
    begin("machine_software_interrupt");
    clean();
    *CLINT_MSIP(0) = 1;
    check(WAIT(csr_read(mip) & BIT(MSI)));
    csr_set(mstatus, MSTATUS_MIE);
    check_eq(count_of(MSI), 0); /* not enabled in mie */
    csr_write(mie, BIT(MSI));
    check_eq(count_of(MSI), 1); /* and now at once */
    check_eq(this_cpu()->irq_mode, M_MODE);
    check_eq(this_cpu()->irq_status & MSTATUS_MPIE, MSTATUS_MPIE);
    csr_write(mie, BIT(MSI));
    check_eq(count_of(MSI), 2); /* a level */
    *CLINT_MSIP(0) = 0;
    check(WAIT(!(csr_read(mip) & BIT(MSI))));
    csr_write(mie, BIT(MSI));
    check_eq(count_of(MSI), 2);
    begin("msip_comes_while_interrupts_are_on");
    for (unsigned i = 0; i < 100; i++) {
        csr_write(mie, BIT(MSI));
        *CLINT_MSIP(0) = 1;
        check(WAIT(count_of(MSI) == 3 + i));
        *CLINT_MSIP(0) = 0;
    }
}

static void test_enables(void)
{
    begin("csr_writes_let_interrupts_in_at_once");
    clean();
    csr_write(mie, BIT(SSI));
    csr_set(mip, BIT(SSI));
    check_eq(count_of(SSI), 0);
    asm volatile("csrsi mstatus, 8\n nop" ::: "memory");
    check_eq(count_of(SSI), 1); /* not delegated: taken in M-mode */
    check_eq(this_cpu()->irq_mode, M_MODE);
    csr_clear(mip, BIT(SSI));
    csr_write(mie, BIT(SSI));
    asm volatile("csrsi mip, 2\n nop" ::: "memory");
    check_eq(count_of(SSI), 2);
    csr_clear(mip, BIT(SSI));
    begin("mret_lets_interrupts_in");
    csr_clear(mstatus, MSTATUS_MIE);
    csr_set(mip, BIT(SSI));
    csr_write(mie, BIT(SSI));
    csr_set(mstatus, MSTATUS_MPIE | MSTATUS_MPP);
    asm volatile("la t0, 1f\n csrw mepc, t0\n mret\n .balign 4\n 1: nop" ::: "t0", "memory");
    check_eq(count_of(SSI), 3);
}

static uint64_t spin_once(uint64_t arg)
{
    asm volatile("nop\n nop" ::: "memory");
    return arg;
}

static uint64_t with_sie(uint64_t arg)
{
    csr_set(sstatus, MSTATUS_SIE);
    asm volatile("nop" ::: "memory");
    csr_clear(sstatus, MSTATUS_SIE);
    return arg;
}

static void test_delegation(void)
{
    begin("delegated_interrupts");
    clean();
    csr_write(mideleg, 0x222);
    csr_set(mip, BIT(SSI));
    csr_write(mie, BIT(SSI));
    csr_set(mstatus, MSTATUS_MIE);
    asm volatile("nop" ::: "memory");
    check_eq(count_of(SSI), 0); /* never in M-mode */
    run_in(S_MODE, spin_once, 0, 0);
    check_eq(count_of(SSI), 0); /* sstatus.SIE is off */
    run_in(S_MODE, with_sie, 0, 0);
    check_eq(count_of(SSI), 1);
    check_eq(this_cpu()->irq_mode, S_MODE);
    check_eq(this_cpu()->irq_status & (MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_SIE),
             MSTATUS_SPP | MSTATUS_SPIE);
    csr_write(mie, BIT(SSI));
    csr_clear(mstatus, MSTATUS_SIE);
    run_in(U_MODE, spin_once, 0, 0);
    check_eq(count_of(SSI), 2); /* U-mode is below S: SIE does not count */
    check_eq(this_cpu()->irq_status & MSTATUS_SPP, 0);
    begin("machine_interrupts_reach_lower_modes_with_mie_off");
    clean();
    csr_write(mideleg, 0x222);
    csr_write(mie, BIT(MSI));
    *CLINT_MSIP(0) = 1;
    check(WAIT(csr_read(mip) & BIT(MSI)));
    check_eq(count_of(MSI), 0);
    run_in(S_MODE, spin_once, 0, 0);
    check_eq(count_of(MSI), 1);
    check_eq((this_cpu()->irq_status >> 11) & 3, S_MODE);
    csr_write(mie, BIT(MSI));
    csr_clear(mstatus, MSTATUS_MIE);
    run_in(U_MODE, spin_once, 0, 0);
    check_eq(count_of(MSI), 2);
    clean();
}

/* ---- priorities ------------------------------------------------------------------------------------------------------------- */

static unsigned order[8], taken;

static void note_order(struct percpu *p, unsigned cause)
{
    (void)p;
    order[taken++ & 7] = cause;
    csr_clear(mie, BIT(cause));
}

static void test_priority(void)
{
    static const unsigned want[] = {MSI, MTI, SEI, SSI, STI};

    begin("priorities");
    clean();
    this_cpu()->irq_hook = note_order;
    taken = 0;
    *CLINT_MSIP(0) = 1;
    *CLINT_MTIMECMP(0) = 0;
    csr_set(mip, 0x222);
    check(WAIT((csr_read(mip) & 0x2aa) == 0x2aa));
    csr_write(mie, 0xaaa);
    csr_set(mstatus, MSTATUS_MIE);
    asm volatile("nop" ::: "memory");
    check_eq(taken, 5);
    for (unsigned i = 0; i < 5; i++) {
        check_eq(order[i], want[i]);
    }
    clean();
}

/* ---- vectors ------------------------------------------------------------------------------------------------------------------ */

void vector_table(void);
asm(".balign 256\n .globl vector_table\n vector_table:\n"
    ".option push\n .option norvc\n"
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n j vector_\\n\n .endr\n .option pop\n"
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n"
    "vector_\\n: csrrw t0, mscratch, t0\n sd t1, 512(t0)\n li t1, 1 << \\n\n csrc mie, t1\n"
    "ld t1, vector_hits\n addi t1, t1, \\n + 100\n sd t1, vector_hits, t2\n"
    "ld t1, 512(t0)\n csrrw t0, mscratch, t0\n mret\n .endr");
uint64_t vector_hits;

static void test_vectored(void)
{
    static uint8_t scratch[1024] __attribute__((aligned(8)));

    begin("vectored_interrupts");
    clean();
    csr_write(mtvec, (uint64_t)vector_table | 1);
    csr_write(mscratch, scratch);
    csr_set(mip, BIT(SSI));
    csr_write(mie, BIT(SSI));
    asm volatile("csrsi mstatus, 8\n nop\n csrci mstatus, 8" ::: "t2", "memory");
    check_eq(*(volatile uint64_t *)&vector_hits, 101);
    csr_clear(mip, BIT(SSI));
    csr_set(mip, BIT(SEI));
    csr_write(mie, BIT(SEI));
    asm volatile("csrsi mstatus, 8\n nop\n csrci mstatus, 8" ::: "t2", "memory");
    check_eq(*(volatile uint64_t *)&vector_hits, 210);
    clean();
}

/* ---- timers ------------------------------------------------------------------------------------------------------------------- */

static void test_timer(void)
{
    uint64_t at;

    begin("machine_timer");
    clean();
    check_eq(csr_read(mip) & BIT(MTI), 0);
    csr_write(mie, BIT(MTI));
    csr_set(mstatus, MSTATUS_MIE);
    at = now() + 20000; /* 2 ms */
    *CLINT_MTIMECMP(0) = at;
    check_eq(count_of(MTI), 0);
    check(WAIT(count_of(MTI) == 1));
    check(now() >= at);
    check(csr_read(mip) & BIT(MTI));
    *CLINT_MTIMECMP(0) = -1UL;
    check(WAIT(!(csr_read(mip) & BIT(MTI))));
    begin("machine_timer_again_and_again");
    for (unsigned i = 0; i < 50; i++) {
        at = now() + 1000 + i * 37;
        *CLINT_MTIMECMP(0) = at;
        check(WAIT(!(csr_read(mip) & BIT(MTI)) || now() >= at));
        csr_write(mie, BIT(MTI));
        check(WAIT(count_of(MTI) == 2 + i));
        check(now() >= at);
    }
    begin("timer_in_a_loop_without_calls");
    at = count_of(MTI);
    *CLINT_MTIMECMP(0) = now() + 20000;
    csr_write(mie, BIT(MTI));
    asm volatile("1: ld t0, (%0)\n beq t0, %1, 1b" ::"r"(&this_cpu()->irq_count[MTI]), "r"(at)
                 : "t0", "memory");
    check_eq(count_of(MTI), at + 1);
    begin("timer_in_a_loop_on_itself");
    this_cpu()->resume = 0;
    *CLINT_MTIMECMP(0) = now() + 20000;
    asm volatile("la t0, 2f\n csrw mtvec, t0\n csrw mie, %0\n csrsi mstatus, 8\n"
                 "1: j 1b\n .balign 4\n 2:\n la t0, m_trap\n csrw mtvec, t0" ::"r"(BIT(MTI))
                 : "t0", "memory");
    check_eq(csr_read(mcause), BIT(63) | MTI);
    clean();
}

static void test_sstc(void)
{
    uint64_t at;

    begin("stimecmp");
    clean();
    csr_write(menvcfg, STCE);
    csr_write(stimecmp, -1UL);
    check_eq(csr_read(menvcfg) & STCE, STCE);
    check_eq(csr_read(mip) & BIT(STI), 0);
    csr_write(stimecmp, 0);
    check(WAIT(csr_read(mip) & BIT(STI)));
    csr_clear(mip, BIT(STI)); /* read-only now */
    check(csr_read(mip) & BIT(STI));
    csr_write(stimecmp, -1UL);
    check(WAIT(!(csr_read(mip) & BIT(STI))));
    csr_write(mideleg, BIT(STI));
    csr_write(mie, BIT(STI));
    for (unsigned i = 0; i < 20; i++) {
        at = now() + 2000;
        csr_write(stimecmp, at);
        csr_write(mie, BIT(STI));
        while (count_of(STI) == i && now() < at + 10000000) {
            run_in(S_MODE, with_sie, 0, 0);
        }
        check_eq(count_of(STI), i + 1);
        check(now() >= at);
        check_eq(this_cpu()->irq_mode, S_MODE);
    }
    csr_write(stimecmp, -1UL);
}

static void test_moved_time(void)
{
    const uint64_t far = 1UL << 50;
    uint64_t base = now();

    begin("mtime_moves_the_time_csr");
    clean();
    csr_write(menvcfg, STCE);
    csr_write(stimecmp, -1UL);
    *CLINT_MTIME = far;
    check(now() >= far && now() < far + 600000000);
    *CLINT_MTIME = base;
    check(now() >= base && now() < far);
    begin("mtime_moves_both_comparisons");
    *CLINT_MTIMECMP(0) = far;
    csr_write(stimecmp, far);
    check_eq(csr_read(mip) & (BIT(MTI) | BIT(STI)), 0);
    *CLINT_MTIME = far;
    check(WAIT((csr_read(mip) & (BIT(MTI) | BIT(STI))) == (BIT(MTI) | BIT(STI))));
    *CLINT_MTIME = base;
    check(WAIT((csr_read(mip) & (BIT(MTI) | BIT(STI))) == 0));
    begin("mtime_moves_the_deadlines_that_wfi_waits_for");
    for (unsigned i = 0; i < 4; i++) {
        csr_write(mie, i & 1 ? BIT(MTI) : BIT(STI));
        *CLINT_MTIME = far - 20000; /* 2 ms */
        while (!(csr_read(mip) & csr_read(mie))) {
            asm volatile("wfi" ::: "memory");
        }
        check(now() >= far);
        *CLINT_MTIME = base;
    }
    csr_write(stimecmp, -1UL);
    clean();
}

static uint64_t touch_stimecmp(uint64_t arg)
{
    (void)arg;
    asm volatile("csrr t0, 0x14d\n csrw 0x14d, t0" ::: "t0");
    return 0;
}

static void test_sstc_gates(void)
{
    begin("stimecmp_is_gated_by_menvcfg_and_mcounteren");
    clean();
    csr_write(menvcfg, STCE);
    csr_write(mcounteren, 7);
    trap_arm();
    run_in(S_MODE, touch_stimecmp, 0, 0);
    check_no_trap();
    csr_write(mcounteren, 5);
    run_in(S_MODE, touch_stimecmp, 0, 0);
    check_eq(this_cpu()->last.count, 2);
    csr_write(mcounteren, 7);
    csr_write(menvcfg, 0);
    trap_arm();
    run_in(S_MODE, touch_stimecmp, 0, 0);
    check_eq(this_cpu()->last.count, 2);
    check_eq(this_cpu()->last.cause, ILLEGAL);
    trap_arm();
    run_in(U_MODE, touch_stimecmp, 0, 0);
    check_eq(this_cpu()->last.count, 2);
    trap_disarm();
    csr_set(mip, BIT(STI)); /* without STCE it is a plain bit */
    check(csr_read(mip) & BIT(STI));
    csr_clear(mip, BIT(STI));
    check_eq(csr_read(mip) & BIT(STI), 0);
}

/* ---- WFI ------------------------------------------------------------------------------------------------------------------------ */

static void test_wfi(void)
{
    uint64_t at;

    begin("wfi_ends_for_a_pending_interrupt_that_is_not_taken");
    clean();
    csr_write(mie, BIT(MTI));
    for (unsigned i = 0; i < 20; i++) {
        at = now() + 3000;
        *CLINT_MTIMECMP(0) = at;
        while (!(csr_read(mip) & BIT(MTI))) {
            asm volatile("wfi" ::: "memory");
        }
        check(now() >= at);
        check(now() < at + 5000000);
        check_eq(count_of(MTI), 0);
        *CLINT_MTIMECMP(0) = -1UL;
        check(WAIT(!(csr_read(mip) & BIT(MTI))));
    }
    begin("wfi_ends_for_an_interrupt_that_is_taken_behind_it");
    csr_set(mstatus, MSTATUS_MIE);
    for (unsigned i = 0; i < 20; i++) {
        at = now() + 3000;
        *CLINT_MTIMECMP(0) = at;
        check(WAIT(!(csr_read(mip) & BIT(MTI)) || now() >= at));
        csr_write(mie, BIT(MTI));
        while (count_of(MTI) == i) {
            asm volatile("wfi" ::: "memory");
        }
        check(now() >= at && now() < at + 5000000);
    }
    begin("wfi_with_something_pending_does_not_sleep");
    clean();
    *CLINT_MSIP(0) = 1;
    check(WAIT(csr_read(mip) & BIT(MSI)));
    csr_write(mie, BIT(MSI));
    for (unsigned i = 0; i < 1000; i++) {
        asm volatile("wfi" ::: "memory");
    }
    check_eq(count_of(MSI), 0);
    clean();
}

void test_main(void)
{
    test_software();
    test_enables();
    test_delegation();
    test_priority();
    test_vectored();
    test_timer();
    test_sstc();
    test_moved_time();
    test_sstc_gates();
    test_wfi();
}
