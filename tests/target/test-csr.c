/* SPDX-License-Identifier: MIT */
/* CSRs: who may access which, what a write leaves in them, what they show. Numbers in comments: privileged ISA 1.13. */
#include "tests/target/hart-fixture.h"

/* ---- access ---------------------------------------------------------------------------------------------------------------- */

static void no_csr_opens_below_its_privilege(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "max");
    for (unsigned n = 0; n < 4096; n++) {
        for (unsigned priv = 0; priv < ((n >> 8) & 3); priv++) {
            CHECK(u, priv == 2 || !csr_opens(fx.h, n, priv, false));
        }
    }
    fixture_fini(&fx);
}

static void read_only_csrs_refuse_every_write(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "max");
    for (unsigned n = 0xc00; n < 4096; n++) {
        CHECK(u, !csr_opens(fx.h, n, PRIV_M, true));
    }
    fixture_fini(&fx);
}

static void unknown_csrs_are_illegal_and_report_the_instruction(struct unit *u)
{
    struct fixture fx;
    uint64_t v;

    fixture_init(&fx, "rv64");
    CHECK(u, !csr_try_read(fx.h, 0x7c0, &v));
    CHECK_EQ(u, fx.h->mcause, CAUSE_ILLEGAL);
    CHECK_EQ(u, fx.h->mtval, 0x7c002073);
    CHECK_EQ(u, fx.h->mepc, FIXTURE_PC);
    CHECK(u, !csr_try_read(fx.h, 0xfff, &v));
    CHECK_EQ(u, fx.h->mtval, 0xfff02073);
    fixture_fini(&fx);
}

/* Writing all ones and all zeros anywhere must leave the hart sane: each field legal, mode consistent. */
static void any_value_in_any_csr_is_survived(struct unit *u)
{
    struct fixture fx;
    uint64_t v;

    fixture_init(&fx, "max");
    for (unsigned n = 0; n < 4096; n++) {
        for (unsigned k = 0; k < 3; k++) {
            set_priv(fx.h, PRIV_M);
            csr_try_write(fx.h, n, (const uint64_t[]){~UINT64_C(0), 0, 0x5555555555555555}[k]);
            set_priv(fx.h, PRIV_M);
            csr_try_read(fx.h, n, &v);
        }
        CHECK(u, get_field(fx.h->mstatus, MSTATUS_MPP) != 2);
        CHECK(u, (fx.h->mtvec & 3) < 2 && (fx.h->stvec & 3) < 2);
    }
    fixture_fini(&fx);
}

static void csr_names_come_from_the_rows(struct unit *u)
{
    char name[32];

    CHECK(u, csr_name(0x3b3, name, sizeof(name)) && !strcmp(name, "pmpaddr3"));
    CHECK(u, csr_name(0xb03, name, sizeof(name)) && !strcmp(name, "mhpmcounter3"));
    CHECK(u, csr_name(0x3a0, name, sizeof(name)) && !strcmp(name, "pmpcfg0"));
    CHECK(u, csr_name(0x3a2, name, sizeof(name)) && !strcmp(name, "pmpcfg2"));
    CHECK(u, csr_name(0x300, name, sizeof(name)) && !strcmp(name, "mstatus"));
    CHECK(u, !csr_name(0x3a1, name, sizeof(name)));
}

/* ---- status ---------------------------------------------------------------------------------------------------------------- */

static void mpp_keeps_its_value_when_an_illegal_one_is_written(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    csr_put(fx.h, NR_MSTATUS, set_field(0, MSTATUS_MPP, PRIV_S));
    CHECK_EQ(u, get_field(csr_put(fx.h, NR_MSTATUS, set_field(0, MSTATUS_MPP, 2)), MSTATUS_MPP),
             PRIV_S);
    fixture_fini(&fx);
    fixture_init(&fx, "rv64,s=off");
    csr_put(fx.h, NR_MSTATUS, set_field(0, MSTATUS_MPP, PRIV_M));
    CHECK_EQ(u,
             get_field(csr_put(fx.h, NR_MSTATUS, set_field(0, MSTATUS_MPP, PRIV_S)), MSTATUS_MPP),
             PRIV_M);
    fixture_fini(&fx);
}

static void sd_summarises_a_dirty_fs_in_both_views(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK(u, !(csr_put(fx.h, NR_MSTATUS, set_field(0, MSTATUS_FS, FS_CLEAN)) & MSTATUS_SD));
    CHECK(u, csr_put(fx.h, NR_MSTATUS, set_field(0, MSTATUS_FS, FS_DIRTY)) & MSTATUS_SD);
    CHECK(u, csr_get(fx.h, NR_SSTATUS) & MSTATUS_SD);
    CHECK(u, !(csr_put(fx.h, NR_MSTATUS, MSTATUS_SD) & MSTATUS_SD));
    fixture_fini(&fx);
}

static void xlen_fields_say_64_and_cannot_change(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, csr_put(fx.h, NR_MSTATUS, 0) & (MSTATUS_UXL | MSTATUS_SXL), UINT64_C(0xa00000000));
    CHECK_EQ(u, csr_put(fx.h, NR_MSTATUS, ~UINT64_C(0)) & (MSTATUS_UXL | MSTATUS_SXL),
             UINT64_C(0xa00000000));
    CHECK_EQ(u, csr_get(fx.h, NR_SSTATUS) & (MSTATUS_UXL | MSTATUS_SXL), UINT64_C(0x200000000));
    fixture_fini(&fx);
}

static void sstatus_writes_only_supervisor_fields(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    csr_put(fx.h, NR_MSTATUS, MSTATUS_MIE | MSTATUS_TVM | set_field(0, MSTATUS_MPP, PRIV_M));
    csr_put(fx.h, NR_SSTATUS, ~UINT64_C(0));
    CHECK_EQ(u, fx.h->mstatus & ~(MSTATUS_UXL | MSTATUS_SXL),
             MSTATUS_MIE | MSTATUS_TVM | MSTATUS_MPP | MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP |
                 MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR);
    csr_put(fx.h, NR_SSTATUS, 0);
    CHECK_EQ(u, fx.h->mstatus & ~(MSTATUS_UXL | MSTATUS_SXL),
             MSTATUS_MIE | MSTATUS_TVM | MSTATUS_MPP);
    fixture_fini(&fx);
}

static void fields_of_absent_modes_and_units_are_zero(struct unit *u)
{
    struct fixture fx;
    uint64_t v;

    fixture_init(&fx, "rv64i,zicsr=on");
    v = csr_put(fx.h, NR_MSTATUS, ~UINT64_C(0));
    CHECK_EQ(u, v, MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP);
    CHECK(u, !csr_opens(fx.h, NR_SSCRATCH, PRIV_M, false));
    CHECK(u, !csr_opens(fx.h, NR_MEDELEG, PRIV_M, false));
    CHECK(u, !csr_opens(fx.h, NR_MCOUNTEREN, PRIV_M, false));
    CHECK(u, !csr_opens(fx.h, NR_FCSR, PRIV_M, false));
    CHECK_EQ(u, csr_put(fx.h, NR_MIE, ~UINT64_C(0)), MIP_M);
    fixture_fini(&fx);
}

static void misa_names_the_extensions_and_is_read_only(struct unit *u)
{
    struct fixture fx;
    uint64_t want = UINT64_C(2) << 62 | BIT('I' - 'A') | BIT('M' - 'A') | BIT('A' - 'A') |
                    BIT('F' - 'A') | BIT('D' - 'A') | BIT('C' - 'A') | BIT('S' - 'A') |
                    BIT('U' - 'A');

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, csr_put(fx.h, NR_MISA, 0), want);
    fixture_fini(&fx);
}

/* ---- interrupts and delegation ----------------------------------------------------------------------------------------------------- */

static void delegation_masks_hold_what_can_be_delegated(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, csr_put(fx.h, NR_MEDELEG, ~UINT64_C(0)),
             0xb3ff); /* not ecall from M, not the reserved ones */
    CHECK_EQ(u, csr_put(fx.h, NR_MIDELEG, ~UINT64_C(0)), MIP_S);
    fixture_fini(&fx);
}

static void sie_and_sip_show_and_change_delegated_bits_only(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    csr_put(fx.h, NR_MIDELEG, MIP_SSIP);
    csr_put(fx.h, NR_MIE, MIP_MTIP | MIP_STIP);
    CHECK_EQ(u, csr_put(fx.h, NR_SIE, ~UINT64_C(0)), MIP_SSIP);
    CHECK_EQ(u, csr_get(fx.h, NR_MIE), MIP_MTIP | MIP_STIP | MIP_SSIP);
    csr_put(fx.h, NR_MIP, MIP_STIP | MIP_SEIP);
    CHECK_EQ(u, csr_get(fx.h, NR_SIP), 0);
    CHECK_EQ(u, csr_put(fx.h, NR_SIP, ~UINT64_C(0)), MIP_SSIP);
    CHECK_EQ(u, csr_get(fx.h, NR_MIP), MIP_S);
    csr_put(fx.h, NR_MIDELEG, MIP_S);
    CHECK_EQ(u, csr_put(fx.h, NR_SIP, 0), MIP_STIP | MIP_SEIP); /* only SSIP is writable there */
    fixture_fini(&fx);
}

static void lines_set_the_machine_bits_of_mip_and_software_cannot(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, csr_put(fx.h, NR_MIP, ~UINT64_C(0)), MIP_S);
    csr_put(fx.h, NR_MIP, 0);
    irq_set(hart_irq(fx.h, IRQ_MTI), true);
    CHECK_EQ(u, csr_put(fx.h, NR_MIP, 0), MIP_MTIP);
    irq_set(hart_irq(fx.h, IRQ_MTI), false);
    CHECK_EQ(u, csr_get(fx.h, NR_MIP), 0);
    fixture_fini(&fx);
}

/* 3.1.9: SEIP reads as software bit OR line; a set or clear instruction starts from the software bit alone. */
static void setting_mip_bits_does_not_latch_the_external_line(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    irq_set(hart_irq(fx.h, IRQ_SEI), true);
    CHECK_EQ(u, helper_csr_set(fx.h, MIP_SSIP, csr_insn(NR_MIP)), MIP_SEIP);
    irq_set(hart_irq(fx.h, IRQ_SEI), false);
    CHECK_EQ(u, csr_get(fx.h, NR_MIP), MIP_SSIP);
    helper_csr_set(fx.h, MIP_SEIP, csr_insn(NR_MIP));
    irq_set(hart_irq(fx.h, IRQ_SEI), true);
    irq_set(hart_irq(fx.h, IRQ_SEI), false);
    CHECK_EQ(u, csr_get(fx.h, NR_MIP), MIP_SSIP | MIP_SEIP);
    helper_csr_clear(fx.h, MIP_SEIP, csr_insn(NR_MIP));
    CHECK_EQ(u, csr_get(fx.h, NR_MIP), MIP_SSIP);
    fixture_fini(&fx);
}

/* ---- Sstc ------------------------------------------------------------------------------------------------------------------------ */

static void stimecmp_needs_stce_and_tm_below_machine_mode(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK(u, csr_opens(fx.h, NR_STIMECMP, PRIV_M, true));
    CHECK(u, !csr_opens(fx.h, NR_STIMECMP, PRIV_S, true));
    csr_put(fx.h, NR_MENVCFG, MENVCFG_STCE);
    CHECK(u, !csr_opens(fx.h, NR_STIMECMP, PRIV_S, true));
    csr_put(fx.h, NR_MCOUNTEREN, COUNTER_TM);
    CHECK(u, csr_opens(fx.h, NR_STIMECMP, PRIV_S, true));
    fixture_fini(&fx);
    fixture_init(&fx, "rv64,sstc=off");
    CHECK(u, !csr_opens(fx.h, NR_STIMECMP, PRIV_M, false));
    CHECK_EQ(u, csr_put(fx.h, NR_MENVCFG, MENVCFG_STCE), 0);
    fixture_fini(&fx);
}

static void stip_follows_stimecmp_and_is_read_only_with_stce(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, csr_put(fx.h, NR_MIP, MIP_STIP), MIP_STIP); /* without STCE it is software's */
    csr_put(fx.h, NR_MENVCFG, MENVCFG_STCE);
    CHECK_EQ(u, csr_get(fx.h, NR_MIP), 0);
    csr_put(fx.h, NR_STIMECMP, 0);
    CHECK_EQ(u, csr_put(fx.h, NR_MIP, 0), MIP_STIP);
    csr_put(fx.h, NR_STIMECMP, UINT64_MAX);
    CHECK_EQ(u, csr_put(fx.h, NR_MIP, MIP_STIP), 0);
    csr_put(fx.h, NR_STIMECMP, 0);
    csr_put(fx.h, NR_MENVCFG, 0);
    CHECK_EQ(u, csr_get(fx.h, NR_MIP), 0);
    fixture_fini(&fx);
}

static void stip_rises_when_time_passes_stimecmp_without_anyone_writing(struct unit *u)
{
    struct fixture fx;
    uint64_t due;

    fixture_init(&fx, "rv64");
    csr_put(fx.h, NR_MENVCFG, MENVCFG_STCE);
    due = csr_get(fx.h, NR_TIME) + 20000; /* 2 ms */
    csr_put(fx.h, NR_STIMECMP, due);
    CHECK_EQ(u, csr_get(fx.h, NR_MIP), 0);
    while (csr_get(fx.h, NR_TIME) < due) {}
    CHECK_EQ(u, csr_get(fx.h, NR_MIP), MIP_STIP);
    fixture_fini(&fx);
}

/* ---- trap set-up ------------------------------------------------------------------------------------------------------------------- */

static void reserved_vector_modes_leave_tvec_alone(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, csr_put(fx.h, NR_MTVEC, 0x80000101), 0x80000101);
    CHECK_EQ(u, csr_put(fx.h, NR_MTVEC, 0x90000002), 0x80000101);
    CHECK_EQ(u, csr_put(fx.h, NR_STVEC, 0x90000003), 0);
    CHECK_EQ(u, csr_put(fx.h, NR_STVEC, 0x90000004), 0x90000004);
    fixture_fini(&fx);
}

static void epc_has_the_alignment_of_instructions(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, csr_put(fx.h, NR_MEPC, 0x1007), 0x1006);
    CHECK_EQ(u, csr_put(fx.h, NR_SEPC, 0x1007), 0x1006);
    fixture_fini(&fx);
    fixture_init(&fx, "rv64,c=off");
    CHECK_EQ(u, csr_put(fx.h, NR_MEPC, 0x1007), 0x1004);
    CHECK_EQ(u, csr_put(fx.h, NR_SEPC, 0x1007), 0x1004);
    fixture_fini(&fx);
}

static void satp_ignores_writes_with_modes_that_are_not_there(struct unit *u)
{
    const uint64_t sv39 = UINT64_C(8) << 60 | UINT64_C(0xffff) << 44 | 0x80000,
                   sv48 = UINT64_C(9) << 60 | 1;
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, csr_put(fx.h, NR_SATP, sv39), sv39);
    CHECK_EQ(u, csr_put(fx.h, NR_SATP, sv48), sv39);
    CHECK_EQ(u, csr_put(fx.h, NR_SATP, UINT64_C(1) << 60), sv39);
    CHECK_EQ(u, csr_put(fx.h, NR_SATP, UINT64_C(11) << 60), sv39);
    CHECK_EQ(u, csr_put(fx.h, NR_SATP, 0), 0);
    fixture_fini(&fx);
    fixture_init(&fx, "rv64,sv48=on");
    CHECK_EQ(u, csr_put(fx.h, NR_SATP, sv48), sv48);
    fixture_fini(&fx);
    fixture_init(&fx, "rv64,mmu=off");
    CHECK_EQ(u, csr_put(fx.h, NR_SATP, sv39), 0);
    fixture_fini(&fx);
}

static void tvm_takes_satp_away_from_the_supervisor(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK(u, csr_opens(fx.h, NR_SATP, PRIV_S, true));
    csr_put(fx.h, NR_MSTATUS, MSTATUS_TVM);
    CHECK(u, !csr_opens(fx.h, NR_SATP, PRIV_S, false));
    CHECK(u, csr_opens(fx.h, NR_SATP, PRIV_M, true));
    fixture_fini(&fx);
}

static void envcfg_has_no_reserved_cbie_and_only_enabled_features(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, csr_put(fx.h, NR_MENVCFG, ~UINT64_C(0)),
             ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE | MENVCFG_ADUE | MENVCFG_STCE);
    CHECK_EQ(u, csr_put(fx.h, NR_MENVCFG, 2 << 4), ENVCFG_CBIE);
    CHECK_EQ(u, csr_put(fx.h, NR_SENVCFG, ~UINT64_C(0)),
             ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE);
    fixture_fini(&fx);
    fixture_init(&fx, "rv64,zicbom=off,zicboz=off,sstc=off,svadu=off");
    CHECK_EQ(u, csr_put(fx.h, NR_MENVCFG, ~UINT64_C(0)), ENVCFG_FIOM);
    fixture_fini(&fx);
}

static void hardware_a_d_updates_are_on_at_reset_unless_svade_is_there(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK(u, csr_get(fx.h, NR_MENVCFG) & MENVCFG_ADUE);
    fixture_fini(&fx);
    fixture_init(&fx, "rv64,svade=on");
    CHECK(u, !(csr_get(fx.h, NR_MENVCFG) & MENVCFG_ADUE));
    fixture_fini(&fx);
}

/* ---- counters ---------------------------------------------------------------------------------------------------------------------- */

static void counters_open_by_mcounteren_then_scounteren(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    for (unsigned i = 0; i < 32; i++) {
        CHECK(u, csr_opens(fx.h, NR_CYCLE + i, PRIV_M, false));
        CHECK(u, !csr_opens(fx.h, NR_CYCLE + i, PRIV_S, false));
        csr_put(fx.h, NR_MCOUNTEREN, BIT(i));
        CHECK(u, csr_opens(fx.h, NR_CYCLE + i, PRIV_S, false));
        CHECK(u, !csr_opens(fx.h, NR_CYCLE + i, PRIV_U, false));
        csr_put(fx.h, NR_SCOUNTEREN, BIT(i));
        CHECK(u, csr_opens(fx.h, NR_CYCLE + i, PRIV_U, false));
        csr_put(fx.h, NR_MCOUNTEREN, 0);
        CHECK(u, !csr_opens(fx.h, NR_CYCLE + i, PRIV_U, false));
        csr_put(fx.h, NR_SCOUNTEREN, 0);
    }
    fixture_fini(&fx);
}

static void event_counters_are_zero_and_stay_so(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    for (unsigned i = 3; i < 32; i++) {
        CHECK_EQ(u, csr_put(fx.h, 0xb00 + i, ~UINT64_C(0)), 0);
        CHECK_EQ(u, csr_put(fx.h, 0x320 + i, ~UINT64_C(0)), 0);
        CHECK_EQ(u, csr_get(fx.h, 0xc00 + i), 0);
    }
    fixture_fini(&fx);
}

static void cycle_and_instret_count_from_what_is_written(struct unit *u)
{
    const unsigned numbers[] = {NR_MCYCLE, NR_MINSTRET};
    struct fixture fx;

    fixture_init(&fx, "rv64");
    for (unsigned i = 0; i < 2; i++) {
        uint64_t first = csr_put(fx.h, numbers[i], 1000000), next = csr_get(fx.h, numbers[i]);

        CHECK(u, first >= 1000000 && first < 1000000000);
        CHECK(u, next >= first);
        CHECK(u,
              csr_get(fx.h, numbers[i] + 0x100) >= next); /* the user's view is the same counter */
    }
    fixture_fini(&fx);
}

static void inhibited_counters_stand_still_and_go_on(struct unit *u)
{
    struct fixture fx;
    uint64_t v;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, csr_put(fx.h, NR_MCOUNTINHIBIT, ~UINT64_C(0)), COUNTER_CY | COUNTER_IR);
    v = csr_get(fx.h, NR_MCYCLE);
    CHECK_EQ(u, csr_get(fx.h, NR_MCYCLE), v);
    CHECK_EQ(u, csr_put(fx.h, NR_MINSTRET, 42), 42);
    csr_put(fx.h, NR_MCOUNTINHIBIT, 0);
    CHECK(u, csr_get(fx.h, NR_MCYCLE) >= v && csr_get(fx.h, NR_MCYCLE) < v + 1000000000);
    CHECK(u, csr_get(fx.h, NR_MINSTRET) >= 42 && csr_get(fx.h, NR_MINSTRET) < 1000000000);
    fixture_fini(&fx);
}

/* ---- floating point ------------------------------------------------------------------------------------------------------------------ */

static void fcsr_is_frm_and_fflags_and_needs_fs(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK(u, !csr_opens(fx.h, NR_FCSR, PRIV_M, false));
    csr_put(fx.h, NR_MSTATUS, set_field(0, MSTATUS_FS, FS_INITIAL));
    CHECK(u, csr_opens(fx.h, NR_FCSR, PRIV_U, true));
    CHECK_EQ(u, csr_put(fx.h, NR_FCSR, ~UINT64_C(0)), 0xff);
    CHECK_EQ(u, csr_get(fx.h, NR_FRM), 7);
    CHECK_EQ(u, csr_get(fx.h, NR_FFLAGS), 0x1f);
    CHECK_EQ(u, csr_put(fx.h, NR_FRM, 2), 2);
    CHECK_EQ(u, csr_get(fx.h, NR_FCSR), 0x5f);
    CHECK_EQ(u, get_field(fx.h->mstatus, MSTATUS_FS), FS_DIRTY);
    fixture_fini(&fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(no_csr_opens_below_its_privilege),
        UNIT(read_only_csrs_refuse_every_write),
        UNIT(unknown_csrs_are_illegal_and_report_the_instruction),
        UNIT(any_value_in_any_csr_is_survived),
        UNIT(csr_names_come_from_the_rows),
        UNIT(mpp_keeps_its_value_when_an_illegal_one_is_written),
        UNIT(sd_summarises_a_dirty_fs_in_both_views),
        UNIT(xlen_fields_say_64_and_cannot_change),
        UNIT(sstatus_writes_only_supervisor_fields),
        UNIT(fields_of_absent_modes_and_units_are_zero),
        UNIT(misa_names_the_extensions_and_is_read_only),
        UNIT(delegation_masks_hold_what_can_be_delegated),
        UNIT(sie_and_sip_show_and_change_delegated_bits_only),
        UNIT(lines_set_the_machine_bits_of_mip_and_software_cannot),
        UNIT(setting_mip_bits_does_not_latch_the_external_line),
        UNIT(stimecmp_needs_stce_and_tm_below_machine_mode),
        UNIT(stip_follows_stimecmp_and_is_read_only_with_stce),
        UNIT(stip_rises_when_time_passes_stimecmp_without_anyone_writing),
        UNIT(reserved_vector_modes_leave_tvec_alone),
        UNIT(epc_has_the_alignment_of_instructions),
        UNIT(satp_ignores_writes_with_modes_that_are_not_there),
        UNIT(tvm_takes_satp_away_from_the_supervisor),
        UNIT(envcfg_has_no_reserved_cbie_and_only_enabled_features),
        UNIT(hardware_a_d_updates_are_on_at_reset_unless_svade_is_there),
        UNIT(counters_open_by_mcounteren_then_scounteren),
        UNIT(event_counters_are_zero_and_stay_so),
        UNIT(cycle_and_instret_count_from_what_is_written),
        UNIT(inhibited_counters_stand_still_and_go_on),
        UNIT(fcsr_is_frm_and_fflags_and_needs_fs),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
