/* SPDX-License-Identifier: MIT */
/*
 * The guest runtime: console, cases, trap handlers, and work for several harts. Contracts are in rt.h.
 *
 * Only hart 0 prints, except for a hart that meets an exception nobody expects: it says so and ends the machine.
 */
#include "tests/insn/rt.h"

#define UART       ((volatile uint8_t *)0x10000000UL)
#define FINISHER   ((volatile uint32_t *)0x100000UL)
#define ECALL_EXIT 0x7e57
#define LOW_30     0x3fffffffUL
#define RAM_BASE   0x80000000UL

struct percpu rt_percpu[RT_MAX_HARTS];
static uint8_t trap_stacks[RT_MAX_HARTS][2][8192] __attribute__((aligned(16)));
static unsigned harts_up;
static unsigned harts_started, harts_done;
static unsigned runs; /* of run_on_harts() */

static const char *case_name;
static const char *case_prefix = ""; /* of the case that is open */
static const char *next_prefix = "";
static bool this_failed;
static unsigned failures;

/* ---- console ---------------------------------------------------------------------------------------------------------------- */

static void put_char(char c)
{
    while (!(UART[5] & 0x20)) {}
    UART[0] = (uint8_t)c;
}

void put_string(const char *s)
{
    while (*s) {
        put_char(*s++);
    }
}

void put_hex(uint64_t v)
{
    put_string("0x");
    for (int shift = 60; shift >= 0; shift -= 4) {
        put_char("0123456789abcdef"[(v >> shift) & 15]);
    }
}

void put_dec(uint64_t v)
{
    char digits[21];
    int n = 20;

    digits[n] = '\0';
    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    put_string(digits + n);
}

_Noreturn void rt_exit(unsigned status)
{
    *FINISHER = status ? 0x3333 | status << 16 : 0x5555;
    for (;;) {
        asm volatile("wfi");
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------------------- */

static void end_case(void)
{
    if (case_name && !this_failed) {
        put_string("ok ");
        put_string(case_prefix);
        put_string(case_name);
        put_char('\n');
    }
}

void begin(const char *name)
{
    end_case();
    case_name = name;
    case_prefix = next_prefix;
    this_failed = false;
}

void set_prefix(const char *prefix)
{
    next_prefix = prefix;
}

bool case_failed(void)
{
    return this_failed;
}

static bool first_failure(int line)
{
    if (this_failed) {
        return false;
    }
    this_failed = true;
    failures++;
    put_string("FAIL ");
    put_string(case_prefix);
    put_string(case_name ? case_name : "start");
    put_string(": line ");
    put_dec((uint64_t)line);
    put_string(": ");
    return true;
}

void fail_at(int line, const char *what)
{
    if (first_failure(line)) {
        put_string(what);
        put_char('\n');
    }
}

void fail_values(int line, const char *what, uint64_t got, uint64_t want)
{
    if (first_failure(line)) {
        put_string(what);
        put_string(" is ");
        put_hex(got);
        put_string(", not ");
        put_hex(want);
        put_char('\n');
    }
}

/* ---- traps --------------------------------------------------------------------------------------------------------------------- */

static struct percpu *percpu_of(const struct half *half)
{
    return &rt_percpu[half->hartid];
}

static void unexpected(const struct trap *t)
{
    static volatile unsigned once;

    if (__atomic_exchange_n(&once, 1, __ATOMIC_SEQ_CST) == 0) {
        first_failure(0);
        put_string("unexpected trap ");
        put_hex(t->cause);
        put_string(" at ");
        put_hex(t->epc);
        put_string(" with tval ");
        put_hex(t->tval);
        put_string(" hart ");
        put_dec(hart_id());
        put_char('\n');
        rt_exit(1);
    }
    for (;;) {
        asm volatile("wfi");
    }
}

static uint64_t physical(uint64_t va)
{
    return (va & LOW_30) | RAM_BASE;
}

static uint64_t behind(uint64_t epc)
{
    uint16_t first = *(const volatile uint16_t *)physical(epc);

    return epc + ((first & 3) == 3 ? 4 : 2);
}

/* The pc to go on at. */
static uint64_t exception(struct percpu *p, struct trap *t)
{
    uint64_t next = p->resume;

    if (!p->armed) {
        unexpected(t);
    }
    t->count = p->last.count + 1;
    p->last = *t;
    p->resume = 0;
    return next ? next : behind(t->epc);
}

/* False if there is a hook, which was called. */
static bool count_interrupt(struct percpu *p, const struct trap *t)
{
    unsigned cause = t->cause & 15;

    p->irq_count[cause]++;
    p->irq_mode = t->mode;
    p->irq_status = t->status;
    p->irq_epc = t->epc;
    if (p->irq_hook) {
        p->irq_hook(p, cause);
        return false;
    }
    return true;
}

/* Called by start.S. */
void rt_m_trap(struct half *half);
void rt_s_trap(struct half *half);

void rt_m_trap(struct half *half)
{
    struct percpu *p = percpu_of(half);
    struct trap t = {.cause = csr_read(mcause),
                     .epc = csr_read(mepc),
                     .tval = csr_read(mtval),
                     .status = csr_read(mstatus),
                     .mode = M_MODE};

    if (t.cause >> 63) {
        if (count_interrupt(p, &t)) {
            csr_clear(mie, BIT(t.cause & 15));
        }
    } else if ((t.cause == ECALL_U || t.cause == ECALL_S || t.cause == ECALL_M) &&
               half->x[17] == ECALL_EXIT) {
        csr_write(mepc, physical(t.epc) + 4);
        csr_set(mstatus, MSTATUS_MPP);
    } else {
        csr_write(mepc, exception(p, &t));
    }
}

void rt_s_trap(struct half *half)
{
    struct percpu *p = percpu_of((const struct half *)((const uint8_t *)half));
    struct trap t = {.cause = csr_read(scause),
                     .epc = csr_read(sepc),
                     .tval = csr_read(stval),
                     .status = csr_read(sstatus),
                     .mode = S_MODE};

    if (t.cause >> 63) {
        if (count_interrupt(p, &t)) {
            csr_clear(sie, BIT(t.cause & 15));
        }
    } else if (t.cause == ECALL_U && half->x[17] == ECALL_EXIT) {
        csr_set(sstatus, MSTATUS_SPP); /* the same ecall once more, from S-mode: to M-mode then */
    } else {
        csr_write(sepc, exception(p, &t));
    }
}

void trap_arm(void)
{
    struct percpu *p = this_cpu();

    p->last = (struct trap){0};
    p->resume = 0;
    p->armed = 1;
}

uint64_t trap_disarm(void)
{
    struct percpu *p = this_cpu();

    p->armed = 0;
    return p->last.count;
}

void check_trap_at(int line, uint64_t cause, uint64_t tval)
{
    const struct trap *t = &this_cpu()->last;

    if (t->count != 1) {
        fail_values(line, "number of traps", t->count, 1);
    } else if (t->cause != cause) {
        fail_values(line, "cause", t->cause, cause);
    } else if (t->tval != tval) {
        fail_values(line, "tval", t->tval, tval);
    }
    trap_arm();
}

void check_no_trap_at(int line)
{
    const struct trap *t = &this_cpu()->last;

    if (t->count) {
        fail_values(line, "cause of a trap that should not be", t->cause, 0);
    }
    trap_arm();
}

/* ---- start ------------------------------------------------------------------------------------------------------------------- */

void rt_reset_state(void)
{
    struct percpu *p = this_cpu();

    csr_write(mie, 0);
    csr_write(mideleg, 0);
    csr_write(medeleg, 0);
    csr_write(mtvec, m_trap);
    csr_write(stvec, s_trap);
    csr_write(mscratch, &p->m);
    csr_write(sscratch, &p->s);
    csr_write(satp, 0);
    csr_write(mstatus, MSTATUS_FS);
    csr_write(mcounteren, 7);
    csr_write(scounteren, 7);
    csr_write(pmpaddr0, -1UL);
    csr_write(pmpcfg0, 0x1f);
    asm volatile("sfence.vma" ::: "memory");
    p->irq_hook = NULL;
    p->armed = 0;
    p->resume = 0;
}

static void secondary(uint64_t hart)
{
    struct percpu *p = &rt_percpu[hart];

    for (;;) {
        unsigned run = __atomic_load_n(&runs, __ATOMIC_ACQUIRE);

        csr_write(mie, BIT(MSI));
        while (!p->job) {
            asm volatile("wfi");
            *CLINT_MSIP(hart) = 0;
        }
        csr_write(mie, 0);
        __atomic_fetch_add(&harts_started, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&runs, __ATOMIC_ACQUIRE) == run) {
            spin_pause();
        }
        p->job(hart);
        p->job = NULL;
        __atomic_fetch_add(&harts_done, 1, __ATOMIC_SEQ_CST);
    }
}

/* Called by start.S on each hart. */
void rt_start(uint64_t hart);

void rt_start(uint64_t hart)
{
    struct percpu *p = &rt_percpu[hart];

    p->m.hartid = p->s.hartid = hart;
    p->m.stack_top = (uint64_t)trap_stacks[hart][1];
    p->s.stack_top = (uint64_t)trap_stacks[hart][2];
    *CLINT_MTIMECMP(hart) = -1UL;
    rt_reset_state();
    __atomic_fetch_add(&harts_up, 1, __ATOMIC_SEQ_CST);
    if (hart != 0) {
        secondary(hart);
    }
    test_main();
    end_case();
    rt_exit(failures != 0);
}

unsigned hart_count(void)
{
    static bool waited;
    uint64_t end = *CLINT_MTIME + 500000; /* 50 ms */

    while (!waited && *CLINT_MTIME < end &&
           __atomic_load_n(&harts_up, __ATOMIC_ACQUIRE) < RT_MAX_HARTS) {
        spin_pause();
    }
    waited = true;
    return __atomic_load_n(&harts_up, __ATOMIC_ACQUIRE);
}

static void wait_for(unsigned *count, unsigned n)
{
    while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < n) {
        spin_pause();
    }
}

/* The job starts on all harts together, with no IPI of ours on its way. */
void run_on_harts(unsigned n, void (*job)(uint64_t hart))
{
    harts_started = harts_done = 0;
    for (unsigned i = 1; i < n; i++) {
        rt_percpu[i].job = job;
        asm volatile("fence" ::: "memory");
        *CLINT_MSIP(i) = 1;
    }
    wait_for(&harts_started, n - 1);
    for (unsigned i = 1; i < n; i++) {
        *CLINT_MSIP(i) = 0;
    }
    __atomic_fetch_add(&runs, 1, __ATOMIC_SEQ_CST);
    job(0);
    wait_for(&harts_done, n - 1);
}
