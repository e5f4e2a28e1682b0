/* SPDX-License-Identifier: MIT */
/*
 * Interprocessor interrupts and sleep on 2 to 8 harts: storms of IPIs in which no message is lost, ping-pong through WFI,
 * sleepers that each wake, timers of all harts under load, and external stops of loops that never leave translated code.
 */
#include "tests/smp/smp.h"

static struct line mailbox[RT_MAX_HARTS], handled[RT_MAX_HARTS], done_count, stop;
static uint64_t rounds;

/* ---- storm ---------------------------------------------------------------------------------------------------------------------- */

/* A message is a bit in the mailbox; MSIP says that there is one. */
static void storm_hook(struct percpu *p, unsigned cause)
{
    uint64_t hart = p->m.hartid, bits;

    (void)cause;
    *CLINT_MSIP(hart) = 0;
    asm volatile("fence" ::: "memory");
    bits = __atomic_exchange_n(&mailbox[hart].v, 0, __ATOMIC_SEQ_CST);
    handled[hart].v |= bits;
}

/* Sends one message to `to` and waits until it was handled. */
static void send_and_wait(uint64_t to, uint64_t bit)
{
    __atomic_fetch_or(&mailbox[to].v, bit, __ATOMIC_SEQ_CST);
    *CLINT_MSIP(to) = 1;
    while (load_acquire(&mailbox[to].v) & bit) {
        spin_pause();
    }
}

static void storm_job(uint64_t hart)
{
    uint64_t random = hart * 31 + 5;

    this_cpu()->irq_hook = storm_hook;
    csr_write(mie, BIT(MSI));
    csr_set(mstatus, MSTATUS_MIE);
    barrier();
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t to = rt_random(&random) % harts;

        send_and_wait(to, BIT(hart)); /* to itself too */
    }
    barrier();
    ipi_close();
    *CLINT_MSIP(hart) = 0;
}

static void test_storm(unsigned n)
{
    begin("storm_of_ipis");
    for (unsigned h = 0; h < n; h++) {
        mailbox[h].v = handled[h].v = 0;
    }
    smp_run(n, M_MODE, storm_job);
    for (unsigned h = 0; h < n; h++) {
        check_eq(mailbox[h].v, 0);
    }
}

/* ---- sleep ------------------------------------------------------------------------------------------------------------------------ */

static struct line ball;

/* Sleeps until the ball is ours; every wake-up comes by an IPI, so one that is lost stops the program. */
static void ping_job(uint64_t hart)
{
    csr_write(mie, BIT(MSI));
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t mine = i * harts + hart;

        while (load_acquire(&ball.v) != mine) {
            asm volatile("wfi" ::: "memory");
            *CLINT_MSIP(hart) = 0;
            asm volatile("fence" ::: "memory");
        }
        store_release(&ball.v, mine + 1);
        asm volatile("fence" ::: "memory");
        *CLINT_MSIP((hart + 1) % harts) = 1;
    }
    csr_write(mie, 0);
}

static void test_ping(unsigned n)
{
    begin("ring_of_sleepers");
    ball.v = 0;
    smp_run(n, M_MODE, ping_job);
    check_eq(ball.v, rounds * n);
    for (unsigned h = 0; h < n; h++) {
        *CLINT_MSIP(h) = 0;
    }
}

/* The same with the interrupt taken: the check and the WFI stand apart, as in an idle loop with interrupts off. */
static struct line wakes[RT_MAX_HARTS];

static void wake_hook(struct percpu *p, unsigned cause)
{
    (void)cause;
    *CLINT_MSIP(p->m.hartid) = 0;
    asm volatile("fence" ::: "memory");
    fetch_add(&wakes[p->m.hartid].v, 1);
}

static void idle_job(uint64_t hart)
{
    this_cpu()->irq_hook = wake_hook;
    csr_write(mie, BIT(MSI));
    for (uint64_t i = 1; i <= rounds; i++) {
        if (hart == 0) {
            for (uint64_t h = 1; h < harts; h++) {
                *CLINT_MSIP(h) = 1;
            }
            for (uint64_t h = 1; h < harts; h++) {
                while (load_acquire(&wakes[h].v) < i) {
                    spin_pause();
                }
            }
            continue;
        }
        for (;;) {
            csr_clear(mstatus, MSTATUS_MIE);
            if (load_acquire(&wakes[hart].v) >= i) {
                break;
            }
            asm volatile("wfi" ::: "memory");
            csr_set(mstatus, MSTATUS_MIE); /* taken here */
        }
    }
    csr_write(mie, 0);
    this_cpu()->irq_hook = NULL;
}

static void test_idle(unsigned n)
{
    begin("idle_loops_with_interrupts_off_around_wfi");
    for (unsigned h = 0; h < n; h++) {
        wakes[h].v = 0;
    }
    smp_run(n, M_MODE, idle_job);
    for (unsigned h = 1; h < n; h++) {
        check_eq(wakes[h].v, rounds);
    }
}

/* ---- timers ----------------------------------------------------------------------------------------------------------------------- */

static struct line ticks[RT_MAX_HARTS], early[RT_MAX_HARTS], due[RT_MAX_HARTS];
#define TICKS 20

static void tick_hook(struct percpu *p, unsigned cause)
{
    uint64_t hart = p->m.hartid, time = csr_read(time);

    (void)cause;
    early[hart].v += time < due[hart].v;
    ticks[hart].v++;
    due[hart].v = ticks[hart].v < TICKS ? time + 3000 + hart * 111 : -1UL;
    *CLINT_MTIMECMP(hart) = due[hart].v;
}

/* Half of the harts work and half sleep. */
static void timer_job(uint64_t hart)
{
    uint64_t work = 1;

    this_cpu()->irq_hook = tick_hook;
    due[hart].v = csr_read(time) + 1000;
    *CLINT_MTIMECMP(hart) = due[hart].v;
    csr_write(mie, BIT(MTI));
    csr_set(mstatus, MSTATUS_MIE);
    while (*(volatile uint64_t *)&ticks[hart].v < TICKS) {
        if (hart & 1) {
            asm volatile("wfi" ::: "memory");
        } else {
            asm volatile("li t0, 1000\n 1: mul %0, %0, %0\n addi t0, t0, -1\n bnez t0, 1b"
                         : "+r"(work)::"t0");
        }
    }
    ipi_close();
}

static void test_timers(unsigned n)
{
    begin("timers_of_all_harts_under_load");
    for (unsigned h = 0; h < n; h++) {
        ticks[h].v = early[h].v = 0;
    }
    smp_run(n, M_MODE, timer_job);
    for (unsigned h = 0; h < n; h++) {
        check_eq(ticks[h].v, TICKS);
        check_eq(early[h].v, 0);
        *CLINT_MTIMECMP(h) = -1UL;
    }
}

/* A hart sets the timer of another, which sleeps. */
static void remote_timer_job(uint64_t hart)
{
    csr_write(mie, BIT(MTI));
    for (uint64_t i = 0; i < 20; i++) {
        barrier();
        if (hart == 0) {
            for (uint64_t h = 1; h < harts; h++) {
                *CLINT_MTIMECMP(h) = csr_read(time) + 500 * h;
            }
        } else {
            while (!(csr_read(mip) & BIT(MTI))) {
                asm volatile("wfi" ::: "memory");
            }
            *CLINT_MTIMECMP(hart) = -1UL;
        }
        barrier();
    }
    csr_write(mie, 0);
    if (hart == 0) {
        fetch_add(&done_count.v, 1);
    }
}

static void test_remote_timers(unsigned n)
{
    begin("a_timer_that_another_hart_set_wakes_a_sleeper");
    done_count.v = 0;
    smp_run(n, M_MODE, remote_timer_job);
    check_eq(done_count.v, 1);
}

/* ---- loops ------------------------------------------------------------------------------------------------------------------------ */

static void stop_hook(struct percpu *p, unsigned cause)
{
    uint64_t hart = p->m.hartid;

    (void)cause;
    *CLINT_MSIP(hart) = 0;
    csr_write(mepc, p->m.x[8]); /* s0: behind the loop */
}

/* Others run `1: j 1b`, a loop of two blocks, or one of loads, until an IPI takes them out. */
static void loop_job(uint64_t hart)
{
    this_cpu()->irq_hook = stop_hook;
    csr_write(mie, BIT(MSI));
    for (uint64_t i = 0; i < 30; i++) {
        csr_clear(mstatus, MSTATUS_MIE);
        barrier();
        if (hart == 0) {
            for (uint64_t h = 1; h < harts; h++) {
                *CLINT_MSIP(h) = 1;
            }
        } else if (i % 3 == 0) {
            asm volatile("la s0, 2f\n csrsi mstatus, 8\n 1: j 1b\n .balign 4\n 2:" ::
                             : "s0", "memory");
        } else if (i % 3 == 1) {
            asm volatile(
                "la s0, 2f\n csrsi mstatus, 8\n"
                "1: addi t0, t0, 1\n andi t1, t0, 1\n beqz t1, 1b\n j 1b\n .balign 4\n 2:" ::
                    : "s0", "t0", "t1", "memory");
        } else {
            asm volatile(
                "la s0, 2f\n csrsi mstatus, 8\n la t1, 1f\n 1: ld t0, (%0)\n jr t1\n .balign 4\n 2:" ::
                    "r"(&stop.v)
                : "s0", "t0", "t1", "memory");
        }
        barrier();
    }
    csr_clear(mstatus, MSTATUS_MIE);
    csr_write(mie, 0);
    this_cpu()->irq_hook = NULL;
    *CLINT_MSIP(hart) = 0;
    fetch_add(&done_count.v, 1);
}

static void test_loops(unsigned n)
{
    begin("ipis_end_loops_that_nothing_else_ends");
    done_count.v = 0;
    smp_run(n, M_MODE, loop_job);
    check_eq(done_count.v, n);
}

void test_main(void)
{
    unsigned n = hart_count();

    smp_map_identity();
    rounds = n > 2 ? 60 : 1000;
    test_storm(n);
    test_ping(n);
    test_idle(n);
    test_timers(n);
    test_remote_timers(n);
    test_loops(n);
}
