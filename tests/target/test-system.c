/* SPDX-License-Identifier: MIT */
/*
 * CSR instructions, traps and returns as translated: what is inline does what the helpers would,
 * what is illegal at a privilege raises, and whatever may change without a new mode key is looked
 * at when the code runs. On both backends.
 */
#include "tests/target/translate-fixture.h"

enum { ZERO, A0 = 10, A1 = 11, A2 = 12 };

#define CSR(op, rd, number, rs1) \
    ((uint32_t)(number) << 20 | (rs1) << 15 | (uint32_t)(op) << 12 | (rd) << 7 | 0x73u)
#define CSRRW(rd, number, rs1)  CSR(1, rd, number, rs1)
#define CSRRS(rd, number, rs1)  CSR(2, rd, number, rs1)
#define CSRRC(rd, number, rs1)  CSR(3, rd, number, rs1)
#define CSRRSI(rd, number, imm) CSR(6, rd, number, imm)
#define CSRRCI(rd, number, imm) CSR(7, rd, number, imm)
#define ECALL                   0x73u
#define MRET                    0x30200073u
#define SRET                    0x10200073u
#define FENCE_I                 0x100fu

enum {
    NR_SSTATUS = 0x100,
    NR_SCOUNTEREN = 0x106,
    NR_SSCRATCH = 0x140,
    NR_SEPC = 0x141,
    NR_SATP = 0x180,
    NR_MSTATUS = 0x300,
    NR_MEDELEG = 0x302,
    NR_MSCRATCH = 0x340,
    NR_TIME = 0xc01,
    NR_MHARTID = 0xf14,
};

static void on_both(struct unit *u, void (*test)(struct unit *u, struct bench *t))
{
    for (int interp = 1; interp >= 0; interp--) {
        struct bench *t = bench_new(interp);

        t->h.mstatus_mask = SSTATUS_WRITABLE | MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP;
        test(u, t);
        bench_free(t);
    }
}

#define CODE(t, ...)                                  \
    do {                                              \
        const uint32_t words_[] = {__VA_ARGS__};      \
        bench_code(t, 0, words_, ARRAY_SIZE(words_)); \
    } while (0)

static bool runs_illegal(struct bench *t, unsigned priv, uint32_t insn)
{
    t->src.mode_key = priv | 2 << 2;
    CODE(t, insn, ECALL);
    bench_run(t);
    return t->calls[0].helper == HELPER_raise && t->calls[0].imm == CAUSE_ILLEGAL &&
           t->calls[0].arg[0] == insn && t->ncalls == 1;
}

/* ---- CSRs ------------------------------------------------------------------------------- */

static void swap(struct unit *u, struct bench *t)
{
    CODE(t, CSRRW(A0, NR_SSCRATCH, A0), CSRRS(A1, NR_SSCRATCH, ZERO), CSRRC(A2, NR_MSCRATCH, A1),
         ECALL);
    t->h.sscratch = 7;
    t->h.mscratch = 0xff;
    t->h.x[A0] = 0x123456789abcdef1;
    bench_run(t);
    CHECK_EQ(u, t->h.x[A0], 7);
    CHECK_EQ(u, t->h.sscratch, 0x123456789abcdef1);
    CHECK_EQ(u, t->h.x[A1], 0x123456789abcdef1);
    CHECK_EQ(u, t->h.x[A2], 0xff);
    CHECK_EQ(u, t->h.mscratch, 0x0e);
    CHECK_EQ(u, t->ncalls, 1);
    CHECK_EQ(u, t->calls[0].helper, HELPER_ecall);
    CHECK_EQ(u, t->calls[0].arg[0], t->src.pc_page + 12);
}

static void plain_csrs_are_swapped_set_and_cleared_inline(struct unit *u)
{
    on_both(u, swap);
}

static void masked(struct unit *u, struct bench *t)
{
    CODE(t, CSRRW(ZERO, NR_SCOUNTEREN, A0), CSRRW(ZERO, NR_SEPC, A0), CSRRW(ZERO, NR_MEDELEG, A0),
         ECALL);
    t->h.x[A0] = UINT64_MAX;
    t->h.medeleg = 0;
    bench_run(t);
    CHECK_EQ(u, t->h.scounteren, UINT32_MAX);
    CHECK_EQ(u, t->h.sepc, UINT64_MAX - 1);
    CHECK_EQ(u, t->h.medeleg, MEDELEG_MASK);
    CHECK_EQ(u, t->ncalls, 1);
    t->config.ext[EXT_C / 64] &= ~BIT(EXT_C % 64);
    bench_run(t);
    CHECK_EQ(u, t->h.sepc, UINT64_MAX - 3);
}

static void plain_writes_keep_to_the_writable_bits(struct unit *u)
{
    on_both(u, masked);
}

static void shut(struct unit *u, struct bench *t)
{
    CHECK(u, runs_illegal(t, PRIV_U, CSRRS(A0, NR_SSCRATCH, ZERO)));
    CHECK(u, runs_illegal(t, PRIV_S, CSRRS(A0, NR_MSCRATCH, ZERO)));
    CHECK(u, !runs_illegal(t, PRIV_S, CSRRS(A0, NR_SSCRATCH, ZERO)));
    CHECK(u, runs_illegal(t, PRIV_M, CSRRW(ZERO, NR_MHARTID, A0)));
    CHECK(u, runs_illegal(t, PRIV_M, CSRRS(A0, NR_MHARTID, A0)));
    CHECK(u, !runs_illegal(t, PRIV_M, CSRRS(A0, NR_MHARTID, ZERO)));
    CHECK(u, runs_illegal(t, PRIV_M, CSRRS(A0, 0x7c0, ZERO)));
    CHECK(u, runs_illegal(t, PRIV_M, CSRRS(A0, 0xfff, ZERO)));
}

static void what_the_privilege_or_the_number_forbids_is_illegal(struct unit *u)
{
    on_both(u, shut);
}

static void asked(struct unit *u, struct bench *t)
{
    t->src.mode_key = PRIV_S;
    CODE(t, CSRRS(A0, NR_SATP, ZERO), ECALL);
    bench_run(t);
    CHECK_EQ(u, t->calls[0].helper, HELPER_csr_read);
}

static void satp_asks_for_tvm_when_it_runs(struct unit *u)
{
    on_both(u, asked);
}

static bool time_opens(struct bench *t, unsigned priv, uint64_t mcounteren, uint64_t scounteren)
{
    uint64_t before = tick_clock_read(&t->clock);

    t->h.mcounteren = mcounteren;
    t->h.scounteren = scounteren;
    return !runs_illegal(t, priv, CSRRS(A0, NR_TIME, ZERO)) && t->h.x[A0] >= before &&
           t->h.x[A0] <= tick_clock_read(&t->clock);
}

static void counters(struct unit *u, struct bench *t)
{
    CHECK(u, time_opens(t, PRIV_M, 0, 0));
    CHECK(u, !time_opens(t, PRIV_S, 5, 7));
    CHECK(u, time_opens(t, PRIV_S, 2, 0));
    CHECK(u, !time_opens(t, PRIV_U, 2, 5));
    CHECK(u, !time_opens(t, PRIV_U, 0, 2));
    CHECK(u, time_opens(t, PRIV_U, 2, 2));
    CHECK(u, runs_illegal(t, PRIV_M, CSRRS(A0, NR_TIME, A0)));
}

/* NUMBER reads as host cycles plus *BASE, or *BASE alone while BIT of mcountinhibit is set. No helper is called for it. */
static void cycles(struct unit *u, struct bench *t, unsigned number, uint64_t *base)
{
    uint64_t before = host_cycles();

    CODE(t, CSRRS(A0, number, ZERO), CSRRS(A1, number, ZERO), ECALL);
    *base = UINT64_C(1) << 60;
    bench_run(t);
    CHECK(u, t->h.x[A0] - *base >= before && t->h.x[A1] >= t->h.x[A0]);
    CHECK(u, t->h.x[A1] - *base <= host_cycles());
    t->h.mcountinhibit = UINT64_C(1) << (number & 31);
    bench_run(t);
    CHECK_EQ(u, t->h.x[A0], *base);
    t->h.mcountinhibit = (COUNTER_CY | COUNTER_IR) & ~t->h.mcountinhibit;
    bench_run(t);
    CHECK(u, t->h.x[A0] - *base >= before);
    t->h.mcountinhibit = 0;
    CHECK_EQ(u, t->ncalls, 1);
}

static void cycle_counters(struct unit *u, struct bench *t)
{
    cycles(u, t, 0xb00, &t->h.mcycle_base);
    cycles(u, t, 0xb02, &t->h.minstret_base);
    cycles(u, t, 0xc00, &t->h.mcycle_base);
    cycles(u, t, 0xc02, &t->h.minstret_base);
}

static void cycle_counters_count_host_cycles_unless_inhibited(struct unit *u)
{
    on_both(u, cycle_counters);
}

static void counters_look_at_the_enables_when_they_run(struct unit *u)
{
    on_both(u, counters);
}

/* ---- mstatus ---------------------------------------------------------------------------- */

static void status_view(struct unit *u, struct bench *t)
{
    uint64_t fs[] = {FS_INITIAL, FS_CLEAN, FS_DIRTY};

    CODE(t, CSRRS(A0, NR_SSTATUS, ZERO), CSRRS(A1, NR_MSTATUS, ZERO), ECALL);
    for (unsigned i = 0; i < ARRAY_SIZE(fs); i++) {
        for (unsigned key = 1; key <= (fs[i] == FS_DIRTY ? 2 : 1); key++) {
            uint64_t sd = fs[i] == FS_DIRTY ? MSTATUS_SD : 0;

            t->src.mode_key = PRIV_M | key << 2;
            t->h.mstatus = set_field(MSTATUS_MIE | MSTATUS_SUM, MSTATUS_FS, fs[i]);
            bench_run(t);
            CHECK_EQ(u, t->h.x[A0], set_field(MSTATUS_SUM, MSTATUS_FS, fs[i]) | sd);
            CHECK_EQ(u, t->h.x[A1], t->h.mstatus | sd);
        }
    }
    CHECK_EQ(u, t->ncalls, 1);
}

static void status_reads_show_sd_as_fs_is_now(struct unit *u)
{
    on_both(u, status_view);
}

static void sie(struct unit *u, struct bench *t)
{
    t->src.mode_key = PRIV_S;
    CODE(t, CSRRCI(A0, NR_SSTATUS, 10), ECALL); /* MIE is not a supervisor's */
    t->h.mstatus = MSTATUS_SIE | MSTATUS_MIE | MSTATUS_SPP;
    bench_run(t);
    CHECK_EQ(u, t->h.x[A0], MSTATUS_SIE | MSTATUS_SPP);
    CHECK_EQ(u, t->h.mstatus, MSTATUS_MIE | MSTATUS_SPP);
    CHECK_EQ(u, t->ncalls, 1);
    CODE(t, CSRRSI(ZERO, NR_SSTATUS, 2), ECALL);
    t->h.mie = MIP_SSIP;
    t->h.mip = MIP_MTIP;
    bench_run(t);
    CHECK_EQ(u, t->h.mstatus, MSTATUS_SIE | MSTATUS_MIE | MSTATUS_SPP);
    CHECK_EQ(u, t->calls[0].helper, HELPER_ecall); /* nothing pending is enabled: on it goes */
}

static void clearing_or_setting_sie_with_nothing_pending_stays_in_the_tb(struct unit *u)
{
    on_both(u, sie);
}

static void sie_pending(struct unit *u, struct bench *t)
{
    uint64_t *where[] = {&t->h.mip, &t->h.seip_line};

    t->src.mode_key = PRIV_S;
    CODE(t, CSRRSI(A0, NR_SSTATUS, 2), ECALL);
    t->h.mie = MIP_SEIP;
    for (unsigned i = 0; i < 3; i++) {
        t->h.mip = t->h.seip_line = t->h.stimer_due = 0;
        if (i < 2) {
            *where[i] = MIP_SEIP;
        } else {
            t->h.stimer_due = 1;
        }
        t->h.mstatus = MSTATUS_SPP;
        bench_run(t);
        CHECK_EQ(u, t->h.mstatus, MSTATUS_SPP | MSTATUS_SIE);
        CHECK_EQ(u, t->h.x[A0], MSTATUS_SPP);
        CHECK_EQ(u, t->ncalls, 1);
        CHECK_EQ(u, t->calls[0].helper, HELPER_irq_check);
        CHECK_EQ(u, t->h.cpu.pc, t->src.pc_page + 4);
    }
}

static void setting_sie_with_an_interrupt_pending_checks_and_leaves(struct unit *u)
{
    on_both(u, sie_pending);
}

static void mode_bits(struct unit *u, struct bench *t)
{
    t->src.mode_key = PRIV_S;
    CODE(t, CSRRS(ZERO, NR_SSTATUS, A0), ECALL);
    t->h.x[A0] = MSTATUS_SUM;
    t->h.mstatus = MSTATUS_SPP;
    bench_run(t);
    CHECK_EQ(u, t->ncalls, 1);
    CHECK_EQ(u, t->calls[0].helper, HELPER_csr_put);
    CHECK_EQ(u, t->calls[0].arg[0], MSTATUS_SUM | MSTATUS_SPP);
    CHECK_EQ(u, t->h.cpu.pc, t->src.pc_page + 4);
}

static void bits_that_change_the_mode_end_the_tb(struct unit *u)
{
    on_both(u, mode_bits);
}

/* ---- returns and fence.i ---------------------------------------------------------------- */

static void returns(struct unit *u, struct bench *t)
{
    CHECK(u, runs_illegal(t, PRIV_U, MRET));
    CHECK(u, runs_illegal(t, PRIV_S, MRET));
    CHECK(u, !runs_illegal(t, PRIV_M, MRET));
    CHECK(u, runs_illegal(t, PRIV_U, SRET));
    t->h.mstatus = MSTATUS_TSR;
    CHECK(u, runs_illegal(t, PRIV_S, SRET));
    CHECK(u, !runs_illegal(t, PRIV_M, SRET));
    t->h.mstatus = 0;
    CHECK(u, !runs_illegal(t, PRIV_S, SRET));
    CHECK_EQ(u, t->calls[0].helper, HELPER_sret);
}

static void returns_are_illegal_below_their_privilege_and_under_tsr(struct unit *u)
{
    on_both(u, returns);
}

static void fence_i(struct unit *u, struct bench *t)
{
    CODE(t, FENCE_I, ECALL);
    bench_run(t); /* the stub reports that something was dropped */
    CHECK_EQ(u, t->ncalls, 1);
    CHECK_EQ(u, t->calls[0].helper, HELPER_fence_i);
    CHECK_EQ(u, t->exit.kind, TCG_EXIT_LOOP);
    CHECK_EQ(u, t->h.cpu.pc, t->src.pc_page + 4);
}

static void a_fence_i_that_drops_code_leaves(struct unit *u)
{
    on_both(u, fence_i);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(plain_csrs_are_swapped_set_and_cleared_inline),
        UNIT(plain_writes_keep_to_the_writable_bits),
        UNIT(what_the_privilege_or_the_number_forbids_is_illegal),
        UNIT(satp_asks_for_tvm_when_it_runs),
        UNIT(counters_look_at_the_enables_when_they_run),
        UNIT(cycle_counters_count_host_cycles_unless_inhibited),
        UNIT(status_reads_show_sd_as_fs_is_now),
        UNIT(clearing_or_setting_sie_with_nothing_pending_stays_in_the_tb),
        UNIT(setting_sie_with_an_interrupt_pending_checks_and_leaves),
        UNIT(bits_that_change_the_mode_end_the_tb),
        UNIT(returns_are_illegal_below_their_privilege_and_under_tsr),
        UNIT(a_fence_i_that_drops_code_leaves),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
