/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: cause, xepc, xtval and xstatus of each, delegation to S-mode, ecall, ebreak and illegal encodings from all
 * modes, mret and sret with the status stacks, and that a trap leaves every register alone.
 */
#include "tests/insn/rt.h"

static const struct trap *last(void)
{
    return &this_cpu()->last;
}

/* ---- illegal ------------------------------------------------------------------------------------------------------------------- */

/* Encodings that no ratified extension of this machine has (nor QEMU's rv64 with H, Zfa, Zawrs off). */
static const uint32_t illegal_words[] = {
    0xffffffff, 0x0000007f, 0x0000006b, 0x00002063, 0x00003063, /* branch, funct3 2 and 3 */
    0x00007003,                                                 /* load, funct3 7 */
    0x00004023,                                                 /* store, funct3 4 */
    0x82001013,                                                 /* slli with bit 31 */
    0x80000033,                                                 /* add with funct7 0x40 */
    0x0000702f,                                                 /* AMO, funct3 7 */
    0x1010202f,                                                 /* lr.w with rs2 = 1 */
    0x38000073,                                                 /* SYSTEM */
    0x00200073,                                                 /* uret */
    0x7b200073,                                                 /* dret */
    0x00004073,                                                 /* SYSTEM, funct3 4 */
    0x105000f3,                                                 /* wfi with rd = 1 */
    0x302000f3,                                                 /* mret with rd = 1 */
    0x0000000b,                                                 /* custom-0 */
};

static void test_illegal_words(void)
{
    static uint32_t code[2] __attribute__((aligned(8)));

    begin("illegal_words");
    for (unsigned i = 0; i < ARRAY_SIZE(illegal_words); i++) {
        code[0] = illegal_words[i];
        code[1] = 0x00008067; /* ret */
        asm volatile("fence.i" ::: "memory");
        trap_arm();
        ((void (*)(void))code)();
        if (last()->count != 1 || last()->cause != ILLEGAL) {
            fail_values((int)i, "word that should be illegal", last()->cause, illegal_words[i]);
        }
        check_eq(last()->epc, (uint64_t)code);
        check_eq(last()->tval, illegal_words[i]);
    }
    trap_disarm();
}

static const uint16_t illegal_halves[] = {
    0x0000,         /* the defined illegal instruction */
    0x8000,         /* quadrant 0, funct3 4 (Zcb) */
    0x2001,         /* c.addiw x0 */
    0x6081,         /* c.lui with 0 */
    0x6101,         /* c.addi16sp with 0 */
    0x9c41, 0x9c61, /* 100 1 11 10/11 */
    0x4002,         /* c.lwsp x0 */
    0x6002,         /* c.ldsp x0 */
    0x8002,         /* c.jr x0 */
    0x0004,         /* c.addi4spn with 0 */
};

static void test_illegal_halves(void)
{
    static uint16_t code[4] __attribute__((aligned(8)));

    begin("illegal_halves");
    for (unsigned i = 0; i < ARRAY_SIZE(illegal_halves); i++) {
        code[0] = illegal_halves[i];
        code[1] = 0x8082; /* c.ret */
        asm volatile("fence.i" ::: "memory");
        trap_arm();
        ((void (*)(void))code)();
        if (last()->count != 1 || last()->cause != ILLEGAL) {
            fail_values((int)i, "half that should be illegal", last()->cause, illegal_halves[i]);
        }
        check_eq(last()->tval, illegal_halves[i]);
    }
    trap_disarm();
}

/* ---- breakpoints and environment calls ---------------------------------------------------------------------------------------- */

static uint64_t do_ecall(uint64_t arg)
{
    (void)arg;
    asm volatile("li a7, 1\n .option push\n .option norvc\n 1: ecall\n .option pop" ::
                     : "a7", "memory");
    return 0;
}

static uint64_t do_ebreak(uint64_t arg)
{
    uint64_t at;

    (void)arg;
    asm volatile(".option push\n .option norvc\n 1: ebreak\n .option pop\n la %0, 1b"
                 : "=r"(at)::"memory");
    return at;
}

static uint64_t do_c_ebreak(uint64_t arg)
{
    uint64_t at;

    (void)arg;
    asm volatile("1: .half 0x9002\n la %0, 1b" : "=r"(at)::"memory");
    return at;
}

static void test_calls(void)
{
    static const enum priv modes[] = {U_MODE, S_MODE, M_MODE};
    static const uint64_t causes[] = {ECALL_U, ECALL_S, ECALL_M};

    begin("ecall");
    trap_arm();
    for (unsigned i = 0; i < 3; i++) {
        run_in(modes[i], do_ecall, 0, 0);
        check_eq((last()->status >> 11) & 3, modes[i]);
        check_eq(last()->mode, M_MODE);
        check_trap(causes[i], 0);
    }
    begin("ebreak");
    for (unsigned i = 0; i < 3; i++) {
        uint64_t at = run_in(modes[i], do_ebreak, 0, 0);

        check_eq(last()->epc, at);
        check(last()->tval == 0 || last()->tval == at);
        check_trap(BREAKPOINT, last()->tval);
    }
    begin("c_ebreak");
    for (unsigned i = 0; i < 3; i++) {
        uint64_t at = run_in(modes[i], do_c_ebreak, 0, 0);

        check_eq(last()->epc, at);
        check_trap(BREAKPOINT, last()->tval);
    }
    trap_disarm();
}

/* ---- delegation ------------------------------------------------------------------------------------------------------------------ */

static uint64_t do_illegal(uint64_t arg)
{
    (void)arg;
    asm volatile(".word 0xffffffff" ::: "memory");
    return 7;
}

static uint64_t do_bad_load(uint64_t arg)
{
    asm volatile("lw t0, 0(%0)" ::"r"(arg) : "t0", "memory");
    return 8;
}

static void test_delegation(void)
{
    begin("delegated_exceptions_go_to_s_mode");
    csr_write(medeleg, BIT(ILLEGAL) | BIT(BREAKPOINT) | BIT(LOAD_ACCESS) | BIT(ECALL_U));
    trap_arm();
    check_eq(run_in(U_MODE, do_illegal, 0, 0), 7);
    check_eq(last()->mode, S_MODE);
    check_eq(last()->status & MSTATUS_SPP, 0);
    check_trap(ILLEGAL, 0xffffffff);
    check_eq(run_in(S_MODE, do_illegal, 0, 0), 7);
    check_eq(last()->mode, S_MODE);
    check_eq(last()->status & MSTATUS_SPP, MSTATUS_SPP);
    check_trap(ILLEGAL, 0xffffffff);
    check_eq(run_in(U_MODE, do_bad_load, 0x10, 0), 8);
    check_eq(last()->mode, S_MODE);
    check_trap(LOAD_ACCESS, 0x10);
    run_in(U_MODE, do_ecall, 0, 0);
    check_eq(last()->mode, S_MODE);
    check_trap(ECALL_U, 0);
    run_in(S_MODE, do_ecall, 0, 0);
    check_eq(last()->mode, M_MODE); /* not delegated */
    check_trap(ECALL_S, 0);
    begin("m_mode_never_delegates");
    do_illegal(0);
    check_eq(last()->mode, M_MODE);
    check_trap(ILLEGAL, 0xffffffff);
    trap_disarm();
    rt_reset_state();
}

/* ---- status stacks ------------------------------------------------------------------------------------------------------------ */

static uint64_t nothing(uint64_t arg)
{
    return arg;
}

static void test_mret(void)
{
    begin("mret");
    csr_set(mstatus, MSTATUS_MPIE | MSTATUS_MPRV);
    check_eq(run_in(S_MODE, nothing, 3, 0), 3);
    check_eq(csr_read(mstatus) & MSTATUS_MPRV, 0); /* a return to less than M clears it */
    check_eq(csr_read(mstatus) & MSTATUS_MPP, 0); /* the way back was an mret, which left U there */
    check_eq(csr_read(mstatus) & MSTATUS_MPIE, MSTATUS_MPIE);
    csr_set(mstatus, MSTATUS_MPRV);
    run_in(M_MODE, nothing, 0, 0);
    check_eq(csr_read(mstatus) & MSTATUS_MPRV, MSTATUS_MPRV); /* one to M does not */
    csr_clear(mstatus, MSTATUS_MPRV);
    check_eq(csr_read(mstatus) & MSTATUS_MIE, MSTATUS_MIE); /* MPIE was set by the mret before */
    csr_clear(mstatus, MSTATUS_MIE);
}

/* sstatus after an sret to S-mode that began with ARG set. */
static uint64_t do_sret(uint64_t arg)
{
    uint64_t r;

    csr_clear(sstatus, MSTATUS_SPP | MSTATUS_SIE | MSTATUS_SPIE);
    csr_set(sstatus, MSTATUS_SPP | arg);
    asm volatile(
        "la t0, 1f\n csrw sepc, t0\n sret\n li %0, 0\n j 2f\n .balign 4\n 1: csrr %0, sstatus\n 2:"
        : "=r"(r)::"t0", "memory");
    return r;
}

static uint64_t sret_to_user(uint64_t arg)
{
    (void)arg;
    csr_clear(sstatus, MSTATUS_SPP);
    /* In U-mode reading sstatus is illegal: the M-mode handler sees MPP = U. */
    asm volatile("la t0, 1f\n csrw sepc, t0\n sret\n .balign 4\n 1: csrr t0, sstatus" ::
                     : "t0", "memory");
    return 0;
}

static void test_sret(void)
{
    uint64_t s;

    begin("sret");
    s = run_in(S_MODE, do_sret, MSTATUS_SPIE, 0);
    check_eq(s & (MSTATUS_SPP | MSTATUS_SIE | MSTATUS_SPIE), MSTATUS_SIE | MSTATUS_SPIE);
    s = run_in(S_MODE, do_sret, MSTATUS_SIE, 0);
    check_eq(s & (MSTATUS_SPP | MSTATUS_SIE | MSTATUS_SPIE), MSTATUS_SPIE);
    s = run_in(M_MODE, do_sret, 0, 0); /* SRET in M-mode is allowed, and goes to S */
    check_eq(s & (MSTATUS_SPP | MSTATUS_SIE | MSTATUS_SPIE), MSTATUS_SPIE);
    trap_arm();
    run_in(S_MODE, sret_to_user, 0, 0);
    check_eq((last()->status >> 11) & 3, U_MODE);
    check_eq(last()->cause, ILLEGAL);
    trap_disarm();
    csr_clear(mstatus, MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP);
    begin("sret_in_m_mode_clears_mprv");
    csr_set(mstatus, MSTATUS_MPRV | MSTATUS_MPP);
    run_in(M_MODE, do_sret, 0, 0);
    check_eq(csr_read(mstatus) & MSTATUS_MPRV, 0);
}

static uint64_t do_mret(uint64_t arg)
{
    (void)arg;
    asm volatile(".word 0x30200073" ::: "memory");
    return 0;
}

static uint64_t do_sret_raw(uint64_t arg)
{
    (void)arg;
    asm volatile(".word 0x10200073" ::: "memory");
    return 0;
}

static void test_returns_below(void)
{
    begin("returns_need_their_privilege");
    trap_arm();
    run_in(S_MODE, do_mret, 0, 0);
    check_trap(ILLEGAL, 0x30200073);
    run_in(U_MODE, do_mret, 0, 0);
    check_trap(ILLEGAL, 0x30200073);
    run_in(U_MODE, do_sret_raw, 0, 0);
    check_trap(ILLEGAL, 0x10200073);
    trap_disarm();
}

/* ---- status bits that trap ------------------------------------------------------------------------------------------------------ */

static uint64_t do_satp(uint64_t arg)
{
    (void)arg;
    asm volatile("csrr t0, satp\n csrw satp, t0\n sfence.vma" ::: "t0", "memory");
    return 0;
}

static uint64_t do_wfi(uint64_t arg)
{
    (void)arg;
    asm volatile("wfi" ::: "memory");
    return 0;
}

static void test_virtualization_bits(void)
{
    begin("tvm");
    csr_set(mstatus, MSTATUS_TVM);
    trap_arm();
    run_in(S_MODE, do_satp, 0, 0);
    check_eq(last()->count, 3);
    check_eq(last()->cause, ILLEGAL);
    check_eq(last()->tval, 0x12000073);
    trap_arm();
    run_in(M_MODE, do_satp, 0, 0);
    check_no_trap();
    csr_clear(mstatus, MSTATUS_TVM);
    run_in(S_MODE, do_satp, 0, 0);
    check_no_trap();
    run_in(U_MODE, do_satp, 0, 0);
    check_eq(last()->count, 3);
    trap_arm();
    begin("tsr");
    csr_set(mstatus, MSTATUS_TSR);
    run_in(S_MODE, do_sret_raw, 0, 0);
    check_trap(ILLEGAL, 0x10200073);
    csr_clear(mstatus, MSTATUS_TSR);
    begin("tw");
    csr_set(mstatus, MSTATUS_TW);
    run_in(S_MODE, do_wfi, 0, 0);
    check_trap(ILLEGAL, 0x10500073);
    csr_clear(mstatus, MSTATUS_TW);
    begin("tw_in_u_mode");
    csr_set(mstatus, MSTATUS_TW);
    run_in(U_MODE, do_wfi, 0, 0);
    check_trap(ILLEGAL, 0x10500073);
    csr_clear(mstatus, MSTATUS_TW);
    trap_disarm();
}

/* ---- registers, alignment, unmapped memory ------------------------------------------------------------------------------------------ */

static void test_registers_survive(void)
{
    uint64_t sum;

    begin("a_trap_changes_no_register");
    trap_arm();
    asm volatile(
        "li t0, 1\n li t1, 2\n li t2, 3\n li a0, 4\n li a1, 5\n"
        "li a2, 6\n li a3, 7\n li a4, 8\n li a5, 9\n li a6, 10\n"
        "li t3, 11\n li t4, 12\n li t5, 13\n li t6, 14\n li s2, 15\n li s3, 16\n li s11, 17\n"
        "lw t0, 0(zero)\n"
        "add t1, t1, t0\n add t2, t2, t1\n add a0, a0, t2\n"
        "add a1, a1, a0\n add a2, a2, a1\n add a3, a3, a2\n"
        "add a4, a4, a3\n add a5, a5, a4\n add a6, a6, a5\n"
        "add t3, t3, a6\n add t4, t4, t3\n add t5, t5, t4\n"
        "add t6, t6, t5\n add s2, s2, t6\n add s3, s3, s2\n add %0, s11, s3"
        : "=r"(sum)::"t0", "t1", "t2", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "t3", "t4", "t5",
          "t6", "s2", "s3", "s11", "memory");
    check_eq(sum, 153);
    check_trap(LOAD_ACCESS, 0);
    trap_disarm();
}

static void test_access_faults(void)
{
    struct percpu *p = this_cpu();

    begin("access_faults");
    trap_arm();
    asm volatile("lb t0, 3(zero)" ::: "t0");
    check_trap(LOAD_ACCESS, 3);
    asm volatile("sd zero, 8(zero)" ::: "memory");
    check_trap(STORE_ACCESS, 8);
    asm volatile("flw f0, 4(zero)" ::: "memory");
    check_trap(LOAD_ACCESS, 4);
    asm volatile("fsd f0, 16(zero)" ::: "memory");
    check_trap(STORE_ACCESS, 16);
    asm volatile("ld t0, 0(%0)" ::"r"(UINT64_C(1) << 60) : "t0");
    check_trap(LOAD_ACCESS, UINT64_C(1) << 60);
    begin("fetch_access_fault");
    asm volatile("la t0, 1f\n sd t0, 0(%0)\n jr zero\n 1:" ::"r"(&p->resume)
                 : "t0", "ra", "memory");
    check_eq(last()->epc, 0);
    check_trap(FETCH_ACCESS, 0);
    asm volatile("la t0, 1f\n sd t0, 0(%0)\n li t1, 0x1234567890\n jr t1\n 1:" ::"r"(&p->resume)
                 : "t0", "t1", "ra", "memory");
    check_eq(last()->epc, 0x1234567890);
    check_trap(FETCH_ACCESS, 0x1234567890);
    trap_disarm();
}

static void test_misaligned_data(void)
{
    static volatile uint64_t words[1026] __attribute__((aligned(4096)));
    uint64_t v;

    begin("misaligned_data_just_works");
    for (unsigned at = 4080; at < 4100; at++) {
        volatile uint8_t *p = (volatile uint8_t *)words + at;

        asm volatile("sd %1, 0(%2)\n ld %0, 0(%2)"
                     : "=&r"(v)
                     : "r"(0x1122334455667700 + at), "r"(p)
                     : "memory");
        check_eq(v, 0x1122334455667700 + at);
        check_eq(p[7], 0x11);
    }
}

/* mcause, mepc and mtval of a fault in the middle of a long block, again and again. */
static void test_precise(void)
{
    begin("precise_state_at_faults_in_a_block");
    for (unsigned i = 0; i < 300; i++) {
        uint64_t a = i, at;

        trap_arm();
        asm volatile("addi %0, %0, 1\n slli t0, %0, 3\n add t0, t0, %0\n"
                     ".option push\n .option norvc\n 1: lw t1, 4(zero)\n .option pop\n"
                     "addi %0, %0, 1\n add %0, %0, t0\n la %1, 1b"
                     : "+r"(a), "=r"(at)::"t0", "t1", "memory");
        check_eq(a, i + 2 + 9 * (i + 1));
        check_eq(last()->epc, at);
        check_trap(LOAD_ACCESS, 4);
    }
    trap_disarm();
}

static void vectored_entry(void) __attribute__((naked, aligned(256)));
static void vectored_entry(void)
{
    asm volatile(".option push\n .option norvc\n j m_trap\n .option pop");
}

static void test_vectored_exceptions(void)
{
    begin("exceptions_go_to_the_base_of_a_vectored_mtvec");
    csr_write(mtvec, (uint64_t)vectored_entry | 1);
    trap_arm();
    asm volatile(".word 0xffffffff");
    check_trap(ILLEGAL, 0xffffffff);
    trap_disarm();
    csr_write(mtvec, m_trap);
}

void test_main(void)
{
    test_illegal_words();
    test_illegal_halves();
    test_calls();
    test_delegation();
    test_mret();
    test_sret();
    test_returns_below();
    test_virtualization_bits();
    test_registers_survive();
    test_access_faults();
    test_misaligned_data();
    test_precise();
    test_vectored_exceptions();
}
