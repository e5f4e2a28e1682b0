/* SPDX-License-Identifier: MIT */
/*
 * PMP: TOR, NA4 and NAPOT regions down to 4 bytes, permissions by kind of access, priority of the lowest entry, locks (which
 * bind M-mode), what is WARL, and accesses that only part of a region covers.
 */
#include "tests/insn/rt.h"

enum { R = 1, W = 2, X = 4, TOR = 8, NA4 = 16, NAPOT = 24, L = 128 };

static volatile uint64_t data[1024] __attribute__((aligned(8192)));

/* Entries 0 to 3; an open entry 4 behind them for S and U. */
static void set_entries(const uint64_t *addr, const uint8_t *cfg, unsigned n)
{
    uint64_t all = 0;

    csr_write(pmpcfg0, 0);
    csr_write(pmpaddr0, n > 0 ? addr[0] : 0);
    csr_write(pmpaddr1, n > 1 ? addr[1] : 0);
    csr_write(pmpaddr2, n > 2 ? addr[2] : 0);
    csr_write(pmpaddr3, n > 3 ? addr[3] : 0);
    csr_write(pmpaddr4, -1UL);
    for (unsigned i = 0; i < n; i++) {
        all |= (uint64_t)cfg[i] << 8 * i;
    }
    csr_write(pmpcfg0, all | (uint64_t)(NAPOT | R | W | X) << 32);
    asm volatile("sfence.vma" ::: "memory");
}

static uint64_t napot(const volatile void *p, uint64_t size)
{
    return (uint64_t)p >> 2 | (size / 8 - 1);
}

static uint64_t do_load(uint64_t a)
{
    uint64_t v;

    asm volatile("li %0, -1\n lw %0, 0(%1)" : "=&r"(v) : "r"(a) : "memory");
    return v;
}

static uint64_t do_load8(uint64_t a)
{
    uint64_t v;

    asm volatile("ld %0, 0(%1)" : "=&r"(v) : "r"(a) : "memory");
    return v;
}

static uint64_t do_store(uint64_t a)
{
    asm volatile("sw %1, 0(%0)" ::"r"(a), "r"(0x8067)
                 : "memory"); /* ret: the place may be called next */
    return 0;
}

static uint64_t do_amo(uint64_t a)
{
    asm volatile("amoadd.w zero, zero, (%0)" ::"r"(a) : "memory");
    return 0;
}

static uint64_t do_call(uint64_t a)
{
    struct percpu *p = this_cpu();

    asm volatile("la t0, 1f\n sd t0, 0(%0)\n jalr %1\n 1: sd zero, 0(%0)" ::"r"(&p->resume), "r"(a)
                 : "t0", "ra", "memory");
    return 0;
}

/* The cause of FN(a) in a mode, 0 for none. (Cause 0 does not come up here.) */
static uint64_t cause_in(enum priv priv, uint64_t (*fn)(uint64_t), const volatile void *a)
{
    trap_arm();
    run_in(priv, fn, (uint64_t)a, 0);
    return trap_disarm() ? this_cpu()->last.cause : 0;
}

#define CHECK_ALLOWED(a, load, store, call)                                          \
    do {                                                                             \
        check_eq(cause_in(S_MODE, do_load, a), (load) ? 0 : LOAD_ACCESS);            \
        check_eq(cause_in(S_MODE, do_store, a), (store) ? 0 : STORE_ACCESS);         \
        check_eq(cause_in(U_MODE, do_load, a), (load) ? 0 : LOAD_ACCESS);            \
        check_eq(cause_in(U_MODE, do_amo, a), (load) && (store) ? 0 : STORE_ACCESS); \
        check_eq(cause_in(S_MODE, do_call, a), (call) ? 0 : FETCH_ACCESS);           \
    } while (0)

/* Opens memory first: an entry that covers an access in part fails it in M-mode too. */
static void put_code(void)
{
    rt_reset_state();
    for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
        data[i] = 0x0000806700008067; /* ret */
    }
    asm volatile("fence.i" ::: "memory");
}

static void test_permissions(void)
{
    /* W without R is reserved. */
    static const uint8_t perms[] = {0, R, R | W, X, R | X, R | W | X};

    begin("permissions");
    for (unsigned i = 0; i < ARRAY_SIZE(perms); i++) {
        uint64_t addr = napot(data, 4096);
        uint8_t cfg = (uint8_t)(NAPOT | perms[i]);

        put_code();
        set_entries(&addr, &cfg, 1);
        CHECK_ALLOWED(&data[8], perms[i] & R, perms[i] & W, perms[i] & X);
        check_eq(cause_in(S_MODE, do_load, &data[600]), 0);
        check_eq(cause_in(M_MODE, do_load, &data[8]), 0); /* not locked: M-mode is free */
        check_eq(cause_in(M_MODE, do_store, &data[8]), 0);
    }
}

static void test_shapes(void)
{
    uint64_t base = (uint64_t)data;

    begin("napot_of_8_bytes");
    put_code();
    {
        uint64_t addr = napot(&data[2], 8);
        uint8_t cfg = NAPOT;

        set_entries(&addr, &cfg, 1);
        CHECK_ALLOWED(&data[2], false, false, false);
        CHECK_ALLOWED((volatile uint8_t *)&data[2] + 4, false, false, false);
        CHECK_ALLOWED((volatile uint8_t *)&data[2] - 4, true, true, true);
        CHECK_ALLOWED(&data[3], true, true, true);
    }
    begin("na4");
    put_code();
    {
        uint64_t addr = (base + 20) >> 2;
        uint8_t cfg = NA4 | R;

        set_entries(&addr, &cfg, 1);
        CHECK_ALLOWED((volatile uint8_t *)data + 20, true, false, false);
        CHECK_ALLOWED((volatile uint8_t *)data + 16, true, true, true);
        CHECK_ALLOWED((volatile uint8_t *)data + 24, true, true, true);
    }
    begin("tor");
    put_code();
    {
        uint64_t addr[] = {(base + 64) >> 2, (base + 84) >> 2};
        uint8_t cfg[] = {0, TOR | X};

        set_entries(addr, cfg, 2);
        CHECK_ALLOWED((volatile uint8_t *)data + 60, true, true, true);
        CHECK_ALLOWED((volatile uint8_t *)data + 64, false, false, true);
        CHECK_ALLOWED((volatile uint8_t *)data + 80, false, false, true);
        CHECK_ALLOWED((volatile uint8_t *)data + 84, true, true, true);
    }
    begin("tor_with_an_empty_range_matches_nothing");
    {
        uint64_t addr[] = {(base + 84) >> 2, (base + 64) >> 2};
        uint8_t cfg[] = {0, TOR};

        set_entries(addr, cfg, 2);
        CHECK_ALLOWED((volatile uint8_t *)data + 72, true, true, true);
    }
    begin("tor_of_entry_0_starts_at_0");
    {
        uint64_t addr = 0x80000000 >> 2;
        uint8_t cfg = TOR | R;

        set_entries(&addr, &cfg, 1);
        check_eq(cause_in(S_MODE, do_store, (void *)0x2004000), STORE_ACCESS); /* MMIO */
        check_eq(cause_in(S_MODE, do_load, (void *)0x200bff8), 0);
        check_eq(cause_in(S_MODE, do_store, &data[0]), 0);
    }
}

static void test_priority(void)
{
    uint64_t base = (uint64_t)data;

    begin("the_lowest_entry_that_matches_decides");
    put_code();
    {
        uint64_t addr[] = {napot(data, 64), napot(data, 4096)};
        uint8_t cfg[] = {NAPOT | R | W, NAPOT};

        set_entries(addr, cfg, 2);
        check_eq(cause_in(S_MODE, do_store, data), 0);
        check_eq(cause_in(S_MODE, do_call, data), FETCH_ACCESS);
        check_eq(cause_in(S_MODE, do_load, &data[8]), LOAD_ACCESS);
    }
    begin("an_access_that_an_entry_covers_in_part_fails");
    {
        uint64_t addr[] = {(base + 8) >> 2};
        uint8_t cfg[] = {NA4 | R | W | X};

        set_entries(addr, cfg, 1);
        check_eq(cause_in(S_MODE, do_load8, data + 1), LOAD_ACCESS);
        check_eq(cause_in(S_MODE, do_load, data + 1), 0);
        check_eq(cause_in(S_MODE, do_load, (volatile uint8_t *)data + 12), 0);
    }
    rt_reset_state();
}

/* U-mode with no region open has no code: the first fetch traps, and M-mode takes it. */
static void test_no_match(void)
{
    begin("without_a_match_u_mode_fails");
    csr_write(pmpcfg0, 0);
    csr_write(pmpaddr0, napot(&data[64], 64));
    csr_write(pmpcfg0, NAPOT | R | W | X); /* what is open is not the code */
    asm volatile("sfence.vma" ::: "memory");
    csr_clear(mstatus, MSTATUS_MPP);
    asm volatile(
        "la t0, 2f\n csrw mtvec, t0\n la t0, 1f\n csrw mepc, t0\n mret\n .balign 4\n 1: nop\n .balign 4\n"
        "2: la t0, m_trap\n csrw mtvec, t0\n la t0, 1b\n sd t0, 0(%0)" ::"r"(&data[0])
        : "t0", "memory");
    check_eq(csr_read(mcause), FETCH_ACCESS);
    check_eq(csr_read(mepc), data[0]);
    check_eq(csr_read(mtval), data[0]);
    rt_reset_state();
}

static void test_locked(void)
{
    begin("locked_entries");
    put_code();
    /* Entry 7 is locked for the rest of the run: the second half of data, read-only, for M-mode too. */
    rt_reset_state();
    csr_write(pmpaddr7, napot(&data[512], 4096));
    csr_write(pmpcfg0, (uint64_t)(L | NAPOT | R) << 56 | 0);
    asm volatile("sfence.vma" ::: "memory");
    trap_arm();
    check_eq(do_load((uint64_t)&data[600]), 0x8067);
    check_no_trap();
    do_store((uint64_t)&data[600]);
    check_trap(STORE_ACCESS, (uint64_t)&data[600]);
    do_store((uint64_t)&data[500]);
    check_no_trap();
    do_call((uint64_t)&data[600]);
    check_eq(this_cpu()->last.epc, (uint64_t)&data[600]);
    check_trap(FETCH_ACCESS, (uint64_t)&data[600]);
    csr_write(pmpcfg0, 0);
    check_eq(csr_read(pmpcfg0) >> 56, L | NAPOT | R);
    csr_write(pmpaddr7, 0);
    check_eq(csr_read(pmpaddr7), napot(&data[512], 4096));
    csr_write(pmpaddr6, 0x1234); /* only the base of a locked TOR entry is locked with it */
    check_eq(csr_read(pmpaddr6), 0x1234);
    /* A load across into the locked region: its first half is outside of it. */
    csr_write(pmpaddr0, -1UL);
    csr_write(pmpcfg0, 0);
    asm volatile("sd zero, 0(%0)" ::"r"((uint64_t)&data[512] - 4) : "memory");
    check_eq(this_cpu()->last.cause, STORE_ACCESS);
    trap_disarm();
}

static void test_warl(void)
{
    begin("pmp_registers_are_warl");
    csr_write(pmpcfg2, 0);
    csr_write(pmpaddr8, -1UL);
    check_eq(csr_read(pmpaddr8), (UINT64_C(1) << 54) - 1);
    csr_write(pmpaddr8, 0x12345);
    csr_write(pmpcfg2, 0x60 | R); /* reserved bits */
    check_eq(csr_read(pmpcfg2), R);
    begin("w_without_r_is_not_a_value_of_pmpcfg");
    csr_write(pmpcfg2, W);
    check((csr_read(pmpcfg2) & (R | W)) != W);
    begin("pmpcfg_of_several_entries");
    csr_write(pmpcfg2, (uint64_t)(NA4 | R) << 8 | (uint64_t)(TOR | X) << 56);
    check_eq(csr_read(pmpcfg2), (uint64_t)(NA4 | R) << 8 | (uint64_t)(TOR | X) << 56);
    check_eq(csr_read(pmpaddr8), 0x12345);
    csr_write(pmpcfg2, 0);
    begin("a_locked_tor_entry_locks_its_base");
    csr_write(pmpaddr14, 0x100);
    csr_write(pmpaddr15, 0x100);
    csr_write(pmpcfg2, (uint64_t)(L | TOR) << 56);
    csr_write(pmpaddr14, 0x200);
    csr_write(pmpaddr15, 0x200);
    check_eq(csr_read(pmpaddr14), 0x100);
    check_eq(csr_read(pmpaddr15), 0x100);
}

/* MPRV makes the loads and stores of M-mode those of the mode in MPP. */
static void test_mprv(void)
{
    uint64_t addr = napot(data, 4096);
    uint8_t cfg = NAPOT;

    begin("mprv_uses_the_rules_of_mpp");
    set_entries(&addr, &cfg, 1);
    trap_arm();
    csr_clear(mstatus, MSTATUS_MPP);
    asm volatile("csrs mstatus, %1\n lw t0, 0(%0)\n csrc mstatus, %1" ::"r"(data), "r"(MSTATUS_MPRV)
                 : "t0", "memory");
    check_eq(this_cpu()->last.cause, LOAD_ACCESS);
    check_eq(this_cpu()->last.count, 1);
    trap_disarm();
    csr_clear(mstatus, MSTATUS_MPRV);
    rt_reset_state();
}

/* Regions change again and again: no stale permission may stay. */
static void test_changes(void)
{
    begin("changes_take_effect_at_once");
    rt_reset_state();
    for (unsigned i = 0; i < 50; i++) {
        uint64_t addr = napot(&data[(i * 8) & 511], 64);
        uint8_t cfg = NAPOT;

        set_entries(&addr, &cfg, 1);
        check_eq(cause_in(S_MODE, do_load, &data[(i * 8) & 511]), LOAD_ACCESS);
        check_eq(cause_in(S_MODE, do_load, &data[(i * 8 + 8) & 511]), 0);
        check_eq(cause_in(S_MODE, do_load, &data[(i * 8 - 8) & 511]), 0);
    }
}

void test_main(void)
{
    test_permissions();
    test_shapes();
    test_priority();
    test_no_match();
    test_mprv();
    test_changes();
    test_warl();
    test_locked();
}
