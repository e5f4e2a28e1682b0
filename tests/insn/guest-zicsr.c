/* SPDX-License-Identifier: MIT */
/*
 * Zicsr and what registers hold: the six instructions and their x0 rules, access checks by number and privilege, and the
 * writable bits (WARL) of machine and supervisor registers.
 */
#include "tests/insn/rt.h"

static void test_instructions(void)
{
    uint64_t r;

    begin("csrrw");
    csr_write(mscratch, 0x1234);
    check_eq(csr_swap(mscratch, 0xfedcba9876543210), 0x1234);
    check_eq(csr_read(mscratch), 0xfedcba9876543210);
    asm volatile("li t4, 77\n csrrw t4, mscratch, t4\n mv %0, t4" : "=r"(r)::"t4");
    check_eq(r, 0xfedcba9876543210);
    asm volatile("csrrw x0, mscratch, x0");
    check_eq(csr_read(mscratch), 0);
    begin("csrrs");
    csr_write(mscratch, 0xf0);
    asm volatile("csrrs %0, mscratch, %1" : "=&r"(r) : "r"(0x10fUL));
    check_eq(r, 0xf0);
    check_eq(csr_read(mscratch), 0x1ff);
    asm volatile("li a0, 0x200\n csrrs a0, mscratch, a0\n mv %0, a0" : "=r"(r)::"a0");
    check_eq(r, 0x1ff);
    check_eq(csr_read(mscratch), 0x3ff);
    begin("csrrc");
    asm volatile("csrrc %0, mscratch, %1" : "=&r"(r) : "r"(0x0f0UL));
    check_eq(r, 0x3ff);
    check_eq(csr_read(mscratch), 0x30f);
    begin("csrrwi");
    asm volatile("csrrwi %0, mscratch, 21" : "=r"(r));
    check_eq(r, 0x30f);
    check_eq(csr_read(mscratch), 21);
    asm volatile("csrrwi x0, mscratch, 31");
    check_eq(csr_read(mscratch), 31);
    begin("csrrsi");
    csr_write(mscratch, 0x100);
    asm volatile("csrrsi %0, mscratch, 17" : "=r"(r));
    check_eq(r, 0x100);
    check_eq(csr_read(mscratch), 0x111);
    begin("csrrci");
    asm volatile("csrrci %0, mscratch, 16" : "=r"(r));
    check_eq(r, 0x111);
    check_eq(csr_read(mscratch), 0x101);
    csr_write(mscratch, &this_cpu()->m);
}

/* A read-only register may be read with csrrs x0 and csrrc 0, and not written by any form. */
static void test_read_only(void)
{
    uint64_t r = 5;

    begin("read_only_registers");
    trap_arm();
    asm volatile("csrrs %0, mhartid, x0" : "=r"(r));
    check_eq(r, 0);
    asm volatile("csrrci %0, mvendorid, 0\n csrrsi %0, marchid, 0\n csrrc %0, mimpid, x0"
                 : "=r"(r));
    check_no_trap();
    asm volatile("csrrw x0, mhartid, x0");
    check_trap(ILLEGAL, 0xf1401073);
    asm volatile("li t0, 0\n csrrs x0, mhartid, t0" ::: "t0"); /* writes, though it sets nothing */
    check_trap(ILLEGAL, 0xf142a073);
    asm volatile("csrrwi x0, mhartid, 0");
    check_trap(ILLEGAL, 0xf1405073);
    asm volatile("csrrsi x0, mhartid, 1");
    check_trap(ILLEGAL, 0xf140e073);
    asm volatile("csrrci x0, cycle, 1");
    check_trap(ILLEGAL, 0xc000f073);
    trap_disarm();
}

static void test_missing(void)
{
    begin("registers_that_are_not_there");
    trap_arm();
    asm volatile(".insn i 0x73, 1, x0, x0, 0x045"); /* csrw 0x045, x0 */
    check_trap(ILLEGAL, 0x04501073);
    asm volatile(".insn i 0x73, 2, x5, x0, 0x7ff" ::: "t0");
    check_trap(ILLEGAL, 0x7ff022f3);
    asm volatile("csrr t0, 0x3bf"); /* pmpaddr15 is there */
    check_no_trap();
    asm volatile("csrr t0, 0x3a1" ::: "t0"); /* odd pmpcfg is not, on RV64 */
    check_trap(ILLEGAL, 0x3a1022f3);
    asm volatile("csrr t0, 0x310" ::: "t0"); /* mstatush */
    check_trap(ILLEGAL, 0x310022f3);
    asm volatile("csrr t0, 0xc80" ::: "t0"); /* cycleh */
    check_trap(ILLEGAL, 0xc80022f3);
    trap_disarm();
}

static uint64_t touch_supervisor(uint64_t arg)
{
    (void)arg;
    csr_write(sscratch, 0x55);
    return csr_read(sscratch);
}

static uint64_t touch_machine(uint64_t arg)
{
    (void)arg;
    asm volatile(
        "csrr t0, mscratch\n csrw mscratch, t0\n csrr t0, mhartid\n csrr t0, mstatus\n mret" ::
            : "t0");
    return 0;
}

static uint64_t touch_both(uint64_t arg)
{
    (void)arg;
    asm volatile(
        "csrr t0, sscratch\n csrr t0, sstatus\n csrw sepc, t0\n csrr t0, mcause\n csrr t0, satp" ::
            : "t0");
    return 0;
}

static void test_privilege(void)
{
    begin("privilege_of_registers");
    trap_arm();
    check_eq(run_in(S_MODE, touch_supervisor, 0, 0), 0x55);
    check_no_trap();
    run_in(S_MODE, touch_machine, 0, 0);
    check_eq(this_cpu()->last.count, 5);
    check_eq(this_cpu()->last.cause, ILLEGAL);
    trap_arm();
    run_in(U_MODE, touch_both, 0, 0);
    check_eq(this_cpu()->last.count, 5);
    trap_disarm();
    csr_write(sscratch, &this_cpu()->s);
}

struct warl {
    const char *name;
    uint64_t (*swap)(uint64_t v);
    uint64_t value, want, care; /* what is read back after writing `value`, of the bits in `care` */
};

#define SWAP(csr)                          \
    static uint64_t swap_##csr(uint64_t v) \
    {                                      \
        uint64_t old = csr_read(csr), now; \
        csr_write(csr, v);                 \
        now = csr_read(csr);               \
        csr_write(csr, old);               \
        return now;                        \
    }
SWAP(mtvec)
SWAP(stvec)
SWAP(mepc)
SWAP(sepc)
SWAP(medeleg)
SWAP(mideleg)
SWAP(mie)
SWAP(sie)
SWAP(mstatus)
SWAP(sstatus)
SWAP(mcounteren)
SWAP(scounteren)
SWAP(mcause)
SWAP(scause)
SWAP(mtval)
SWAP(stval)
SWAP(misa)
SWAP(mcountinhibit)
SWAP(mhpmevent3)
SWAP(mhpmcounter3)
SWAP(satp)

#define ROW(csr, value, want, care)         \
    {                                       \
#csr, swap_##csr, value, want, care \
    }
static const struct warl warls[] = {
    ROW(mtvec, 0x80001000, 0x80001000, -1UL),
    ROW(mtvec, 0x80001001, 0x80001001, -1UL),
    ROW(stvec, 0x80001001, 0x80001001, -1UL),
    ROW(mepc, 0x8000000000000003, 0x8000000000000002, -1UL),
    ROW(sepc, 0xffffffffffffffff, 0xfffffffffffffffe, -1UL),
    ROW(medeleg, -1UL, 0, BIT(ECALL_M)),
    ROW(medeleg, -1UL,
        BIT(ILLEGAL) | BIT(ECALL_U) | BIT(LOAD_PAGE) | BIT(STORE_PAGE) | BIT(FETCH_PAGE) |
            BIT(BREAKPOINT),
        BIT(ILLEGAL) | BIT(ECALL_U) | BIT(LOAD_PAGE) | BIT(STORE_PAGE) | BIT(FETCH_PAGE) |
            BIT(BREAKPOINT)),
    ROW(mideleg, -1UL, 0x222, 0xaaa),
    ROW(mie, -1UL, 0xaaa, 0xffff & ~BIT(13)),
    ROW(mie, 0, 0, -1UL),
    ROW(sie, -1UL, 0, 0xfff), /* nothing delegated */
    ROW(mstatus, MSTATUS_MPP | MSTATUS_FS, MSTATUS_MPP | MSTATUS_FS | MSTATUS_SD,
        MSTATUS_MPP | MSTATUS_FS | MSTATUS_SD),
    ROW(mstatus, 0, 0x0000000a00000000, 0xffffffff007fffff | 0xf00000000),
    ROW(mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | MSTATUS_MXR | MSTATUS_SUM | MSTATUS_MPRV,
        MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | MSTATUS_MXR | MSTATUS_SUM | MSTATUS_MPRV,
        0x7e0000),
    ROW(mstatus, 0x2000, 0x2000, 0x8000000000006000), /* FS initial: no SD */
    ROW(sstatus, MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR | MSTATUS_FS,
        MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR | MSTATUS_FS |
            MSTATUS_SD | 0x200000000,
        ~UINT64_C(0x1800600) & ~BIT(23) & ~BIT(24)),
    ROW(sstatus, MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_TVM, 0,
        MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_TVM),
    ROW(mcounteren, 7, 7, 7),
    ROW(mcounteren, 0, 0, -1UL),
    ROW(scounteren, 7, 7, 7),
    ROW(mcause, BIT(63) | 7, BIT(63) | 7, -1UL),
    ROW(scause, 15, 15, -1UL),
    ROW(mtval, 0xdeadbeefcafef00d, 0xdeadbeefcafef00d, -1UL),
    ROW(stval, 0xdeadbeefcafef00d, 0xdeadbeefcafef00d, -1UL),
    ROW(misa, -1UL, 0x8000000000141105 | BIT('F' - 'A') | BIT('D' - 'A'),
        0xc000000000000000 | BIT(0) | BIT(2) | BIT(3) | BIT(5) | BIT(8) | BIT(12) | BIT(18) |
            BIT(20)),
    ROW(mcountinhibit, 2, 0, 2), /* time has no bit */
    ROW(satp, UINT64_C(8) << 60 | 0x80000, UINT64_C(8) << 60 | 0x80000, -1UL),
    ROW(satp, UINT64_C(5) << 60 | 0x80000, 0,
        -1UL), /* a mode that does not exist: no field changes */
    ROW(satp, UINT64_C(15) << 60 | 0x12345, 0, -1UL),
};

static void test_warl(void)
{
    begin("warl_fields");
    for (unsigned i = 0; i < ARRAY_SIZE(warls); i++) {
        const struct warl *w = &warls[i];
        uint64_t got = w->swap(w->value) & w->care;

        if (got != (w->want & w->care)) {
            fail_values((int)i, w->name, got, w->want & w->care);
        }
    }
    begin("mpp_never_holds_the_reserved_mode");
    csr_write(mstatus, UINT64_C(2) << 11);
    check(((csr_read(mstatus) >> 11) & 3) != 2);
    csr_write(mstatus, MSTATUS_FS);
    begin("hpm_counters_and_events_exist");
    trap_arm();
    swap_mhpmevent3(1);
    swap_mhpmcounter3(1);
    asm volatile(
        "csrr t0, mhpmcounter31\n csrr t0, mhpmevent31\n csrr t0, hpmcounter3\n csrr t0, hpmcounter31" ::
            : "t0");
    check_no_trap();
    trap_disarm();
}

/* sstatus, sie, sip are windows of the machine's registers. */
static void test_windows(void)
{
    begin("sstatus_is_a_window");
    csr_set(mstatus, MSTATUS_SUM | MSTATUS_SPP);
    check_eq(csr_read(sstatus) & (MSTATUS_SUM | MSTATUS_SPP), MSTATUS_SUM | MSTATUS_SPP);
    csr_clear(sstatus, MSTATUS_SUM);
    check_eq(csr_read(mstatus) & MSTATUS_SUM, 0);
    check_eq(csr_read(mstatus) & MSTATUS_SPP, MSTATUS_SPP);
    csr_clear(sstatus, MSTATUS_SPP);
    begin("sie_and_sip_show_what_is_delegated");
    csr_write(mie, 0x222);
    check_eq(csr_read(sie), 0);
    csr_write(mideleg, BIT(SSI));
    check_eq(csr_read(sie), BIT(SSI));
    csr_write(sie, 0);
    check_eq(csr_read(mie), 0x220);
    csr_set(mip, BIT(SSI) | BIT(STI) | BIT(SEI));
    check_eq(csr_read(sip), BIT(SSI));
    csr_write(mideleg, 0x222);
    check_eq(csr_read(sip) & 0x222, csr_read(mip) & 0x222);
    csr_clear(sip, BIT(SSI)); /* the only bit that sip can change */
    check_eq(csr_read(mip) & BIT(SSI), 0);
    csr_clear(sip, BIT(SEI));
    check_eq(csr_read(mip) & BIT(SEI), BIT(SEI));
    csr_clear(mip, BIT(STI) | BIT(SEI));
    check_eq(csr_read(mip) & 0x222, 0);
    rt_reset_state();
}

void test_main(void)
{
    test_instructions();
    test_read_only();
    test_missing();
    test_privilege();
    test_warl();
    test_windows();
}
