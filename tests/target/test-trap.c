/* SPDX-License-Identifier: MIT */
/* Traps, returns, and interrupts: where they go, what they save, who may be interrupted, and that no wake-up is lost. */
#include "tests/target/hart-fixture.h"

#define VECTOR_M UINT64_C(0x80002000)
#define VECTOR_S UINT64_C(0x80003000)

static void setup(struct fixture *fx, const char *cpu)
{
    fixture_init(fx, cpu);
    csr_store(fx->h, NR_MTVEC, VECTOR_M);
    if (cpu_has(&fx->config, EXT_S)) {
        csr_store(fx->h, NR_STVEC, VECTOR_S);
    }
}

/* ---- exceptions ------------------------------------------------------------------------------------------------------------ */

static void an_exception_saves_pc_cause_tval_and_the_interrupt_stack(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    csr_store(fx.h, NR_MSTATUS, MSTATUS_MIE);
    set_priv(fx.h, PRIV_U);
    hart_raise(fx.h, CAUSE_LOAD_PAGE, 0x123456);
    CHECK_EQ(u, fx.h->cpu.pc, VECTOR_M);
    CHECK_EQ(u, fx.h->cpu.unwind, 1);
    CHECK_EQ(u, fx.h->mepc, FIXTURE_PC);
    CHECK_EQ(u, fx.h->mcause, CAUSE_LOAD_PAGE);
    CHECK_EQ(u, fx.h->mtval, 0x123456);
    CHECK_EQ(u, fx.h->priv, PRIV_M);
    CHECK_EQ(u, get_field(fx.h->mstatus, MSTATUS_MPP), PRIV_U);
    CHECK(u, fx.h->mstatus & MSTATUS_MPIE && !(fx.h->mstatus & MSTATUS_MIE));
    fixture_fini(&fx);
}

static void delegated_exceptions_go_to_s_mode_except_from_m_mode(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    csr_store(fx.h, NR_MEDELEG, BIT(CAUSE_STORE_PAGE));
    csr_store(fx.h, NR_MSTATUS, MSTATUS_SIE | set_field(0, MSTATUS_MPP, PRIV_U));
    set_priv(fx.h, PRIV_S);
    hart_raise(fx.h, CAUSE_STORE_PAGE, 7);
    CHECK_EQ(u, fx.h->cpu.pc, VECTOR_S);
    CHECK_EQ(u, fx.h->priv, PRIV_S);
    CHECK_EQ(u, fx.h->scause, CAUSE_STORE_PAGE);
    CHECK_EQ(u, fx.h->sepc, FIXTURE_PC);
    CHECK_EQ(u, fx.h->stval, 7);
    CHECK(u, fx.h->mstatus & MSTATUS_SPP && fx.h->mstatus & MSTATUS_SPIE &&
                 !(fx.h->mstatus & MSTATUS_SIE));
    CHECK_EQ(u, fx.h->mcause, 0);
    set_priv(fx.h, PRIV_U);
    hart_raise(fx.h, CAUSE_STORE_PAGE, 8);
    CHECK(u, !(fx.h->mstatus & MSTATUS_SPP));
    hart_raise(fx.h, CAUSE_ILLEGAL, 9); /* not delegated */
    CHECK_EQ(u, fx.h->cpu.pc, VECTOR_M);
    hart_raise(fx.h, CAUSE_STORE_PAGE, 10); /* in M-mode now */
    CHECK_EQ(u, fx.h->mtval, 10);
    CHECK_EQ(u, fx.h->priv, PRIV_M);
    fixture_fini(&fx);
}

static void ecall_has_a_cause_for_each_mode_and_no_tval(struct unit *u)
{
    const unsigned modes[] = {PRIV_U, PRIV_S, PRIV_M},
                   causes[] = {CAUSE_ECALL_U, CAUSE_ECALL_S, CAUSE_ECALL_M};
    struct fixture fx;

    setup(&fx, "rv64");
    for (unsigned i = 0; i < 3; i++) {
        set_priv(fx.h, modes[i]);
        fx.h->mtval = 99;
        helper_ecall(fx.h, 0x80000100, 0);
        CHECK_EQ(u, fx.h->mepc, 0x80000100);
        CHECK(u, !fx.h->cpu.unwind);
        CHECK_EQ(u, fx.h->mcause, causes[i]);
        CHECK_EQ(u, fx.h->mtval, 0);
    }
    fixture_fini(&fx);
}

static void vectored_mode_moves_interrupts_but_not_exceptions(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    csr_store(fx.h, NR_MTVEC, VECTOR_M | 1);
    hart_raise(fx.h, CAUSE_ILLEGAL, 0);
    CHECK_EQ(u, fx.h->cpu.pc, VECTOR_M);
    hart_interrupt(fx.h, IRQ_MTI);
    CHECK_EQ(u, fx.h->cpu.pc, VECTOR_M + 4 * IRQ_MTI);
    CHECK_EQ(u, fx.h->mcause, BIT(63) | IRQ_MTI);
    CHECK_EQ(u, fx.h->mtval, 0);
    fixture_fini(&fx);
}

static void faults_of_accesses_have_the_cause_of_their_kind(struct unit *u)
{
    const struct {
        enum mmu_access access;
        int code;
        unsigned cause;
    } rows[] = {{ACCESS_READ, WALK_PAGE_FAULT, CAUSE_LOAD_PAGE},
                {ACCESS_WRITE, WALK_PAGE_FAULT, CAUSE_STORE_PAGE},
                {ACCESS_EXEC, WALK_PAGE_FAULT, CAUSE_FETCH_PAGE},
                {ACCESS_READ, WALK_ACCESS_FAULT, CAUSE_LOAD_ACCESS},
                {ACCESS_WRITE, WALK_ACCESS_FAULT, CAUSE_STORE_ACCESS},
                {ACCESS_EXEC, WALK_ACCESS_FAULT, CAUSE_FETCH_ACCESS},
                {ACCESS_READ, 0, CAUSE_LOAD_ACCESS},
                {ACCESS_WRITE, 0, CAUSE_STORE_ACCESS}};
    struct fixture fx;

    setup(&fx, "rv64");
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        riscv_mmu_fault(&fx.h->cpu, 0x1000 + i, rows[i].access, rows[i].code);
        CHECK_EQ(u, fx.h->mcause, rows[i].cause);
        CHECK_EQ(u, fx.h->mtval, 0x1000 + i);
    }
    riscv_mmu_misaligned(&fx.h->cpu, 3, ACCESS_READ);
    CHECK_EQ(u, fx.h->mcause, CAUSE_LOAD_MISALIGNED);
    riscv_mmu_misaligned(&fx.h->cpu, 3, ACCESS_WRITE);
    CHECK_EQ(u, fx.h->mcause, CAUSE_STORE_MISALIGNED);
    fixture_fini(&fx);
}

/* ---- returns --------------------------------------------------------------------------------------------------------------- */

static bool raised(struct hart *h, uint64_t (*helper)(struct hart *, int64_t), unsigned priv,
                   int64_t raw)
{
    set_priv(h, priv);
    h->cpu.unwind = 0;
    helper(h, raw);
    return h->cpu.unwind && h->mcause == CAUSE_ILLEGAL && h->mtval == (uint32_t)raw;
}

static void mret_restores_and_leaves_the_lowest_privilege_in_mpp(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    csr_store(fx.h, NR_MSTATUS, MSTATUS_MPIE | MSTATUS_MPRV | set_field(0, MSTATUS_MPP, PRIV_S));
    csr_store(fx.h, NR_MEPC, 0x80004002);
    helper_mret(fx.h, 0x30200073);
    CHECK_EQ(u, fx.h->cpu.pc, 0x80004002);
    CHECK_EQ(u, fx.h->priv, PRIV_S);
    CHECK(u, fx.h->mstatus & MSTATUS_MIE && fx.h->mstatus & MSTATUS_MPIE);
    CHECK(u, !(fx.h->mstatus & MSTATUS_MPRV));
    CHECK_EQ(u, get_field(fx.h->mstatus, MSTATUS_MPP), PRIV_U);
    set_priv(fx.h, PRIV_M);
    csr_store(fx.h, NR_MSTATUS, MSTATUS_MPRV | set_field(0, MSTATUS_MPP, PRIV_M));
    helper_mret(fx.h, 0x30200073);
    CHECK(u, fx.h->mstatus & MSTATUS_MPRV); /* stays when M-mode goes on */
    fixture_fini(&fx);
}

static void sret_restores_and_clears_mprv(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    csr_store(fx.h, NR_MSTATUS, MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_MPRV);
    csr_store(fx.h, NR_SEPC, 0x80004000);
    helper_sret(fx.h, 0x10200073); /* from M-mode */
    CHECK_EQ(u, fx.h->cpu.pc, 0x80004000);
    CHECK_EQ(u, fx.h->priv, PRIV_S);
    CHECK(u, fx.h->mstatus & MSTATUS_SIE && fx.h->mstatus & MSTATUS_SPIE);
    CHECK(u, !(fx.h->mstatus & (MSTATUS_SPP | MSTATUS_MPRV)));
    helper_sret(fx.h, 0x10200073);
    CHECK_EQ(u, fx.h->priv, PRIV_U);
    fixture_fini(&fx);
}

static bool sfence_raises(struct hart *h, unsigned priv)
{
    set_priv(h, priv);
    h->cpu.unwind = 0;
    helper_sfence_vma(h, 0, 0, 0x12000073);
    return h->cpu.unwind;
}

static void sfence_vma_is_for_supervisors_unless_tvm(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    CHECK(u, sfence_raises(fx.h, PRIV_U));
    CHECK(u, !sfence_raises(fx.h, PRIV_S));
    set_priv(fx.h, PRIV_M);
    csr_store(fx.h, NR_MSTATUS, MSTATUS_TVM);
    CHECK(u, sfence_raises(fx.h, PRIV_S));
    CHECK(u, !sfence_raises(fx.h, PRIV_M));
    fixture_fini(&fx);
}

static void wfi_waits_but_not_in_user_mode_nor_under_tw(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    CHECK(u, raised(fx.h, helper_wfi, PRIV_U, 0x10500073));
    CHECK(u, !fx.h->cpu.waiting);
    CHECK(u, !raised(fx.h, helper_wfi, PRIV_S, 0x10500073));
    CHECK(u, fx.h->cpu.waiting);
    set_priv(fx.h, PRIV_M);
    csr_store(fx.h, NR_MSTATUS, MSTATUS_TW);
    CHECK(u, raised(fx.h, helper_wfi, PRIV_S, 0x10500073));
    CHECK(u, !raised(fx.h, helper_wfi, PRIV_M, 0x10500073));
    fixture_fini(&fx);
    setup(&fx, "rv64,s=off");
    CHECK(u, !raised(fx.h, helper_wfi, PRIV_U, 0x10500073));
    fixture_fini(&fx);
}

/* ---- mode ------------------------------------------------------------------------------------------------------------------ */

static void regimes_follow_privilege_satp_mprv_sum_and_mxr(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    CHECK_EQ(u, fx.h->cpu.data_regime, REGIME_BARE_M);
    set_priv(fx.h, PRIV_S);
    CHECK_EQ(u, fx.h->cpu.data_regime, REGIME_BARE_SU);
    CHECK_EQ(u, fx.h->cpu.fetch_regime, REGIME_BARE_SU);
    csr_store(fx.h, NR_SATP, UINT64_C(8) << 60 | 0x80010);
    CHECK_EQ(u, fx.h->cpu.data_regime, REGIME_S);
    csr_store(fx.h, NR_SSTATUS, MSTATUS_SUM | MSTATUS_MXR);
    CHECK_EQ(u, fx.h->cpu.data_regime, REGIME_S | REGIME_SUM | REGIME_MXR);
    CHECK_EQ(u, fx.h->cpu.fetch_regime, REGIME_S);
    set_priv(fx.h, PRIV_U);
    CHECK_EQ(u, fx.h->cpu.data_regime, REGIME_U | REGIME_MXR);
    CHECK_EQ(u, fx.h->cpu.fetch_regime, REGIME_U);
    set_priv(fx.h, PRIV_M);
    CHECK_EQ(u, fx.h->cpu.data_regime, REGIME_BARE_M);
    csr_store(fx.h, NR_MSTATUS, MSTATUS_MPRV | set_field(0, MSTATUS_MPP, PRIV_S));
    CHECK_EQ(u, fx.h->cpu.data_regime, REGIME_S);
    CHECK_EQ(u, fx.h->cpu.fetch_regime, REGIME_BARE_M);
    fixture_fini(&fx);
}

static void the_mode_key_tells_privilege_and_fs(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    for (unsigned fs = 0; fs < 4; fs++) {
        csr_store(fx.h, NR_MSTATUS, set_field(0, MSTATUS_FS, fs));
        CHECK_EQ(u, get_field(fx.h->cpu.mode_key, KEY_FS),
                 fs == FS_OFF     ? 0
                 : fs == FS_DIRTY ? 2
                                  : 1);
        CHECK_EQ(u, get_field(fx.h->cpu.mode_key, KEY_PRIV), PRIV_M);
    }
    fixture_fini(&fx);
}

/* ---- interrupts ------------------------------------------------------------------------------------------------------------ */

static void interrupts_are_taken_in_the_order_of_the_specification(struct unit *u)
{
    const unsigned order[] = {IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI};
    struct fixture fx;

    setup(&fx, "rv64");
    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        irq_set(hart_irq(fx.h, order[i]), true);
    }
    csr_store(fx.h, NR_MIE, ~UINT64_C(0));
    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        set_priv(fx.h, PRIV_U);
        CHECK(u, riscv_take_interrupt(&fx.h->cpu));
        CHECK_EQ(u, fx.h->mcause, BIT(63) | order[i]);
        irq_set(hart_irq(fx.h, order[i]), false);
    }
    set_priv(fx.h, PRIV_U);
    CHECK(u, !riscv_take_interrupt(&fx.h->cpu));
    fixture_fini(&fx);
}

static void global_enables_hold_back_only_their_own_mode(struct unit *u)
{
    const struct {
        unsigned priv;
        uint64_t enable;
        bool delegated, taken;
    } rows[] = {
        {PRIV_M, 0, false, false},          {PRIV_M, MSTATUS_MIE, false, true},
        {PRIV_S, 0, false, true},           {PRIV_U, 0, false, true},
        {PRIV_M, MSTATUS_MIE, true, false}, {PRIV_S, 0, true, false},
        {PRIV_S, MSTATUS_SIE, true, true},  {PRIV_U, 0, true, true},
        {PRIV_M, MSTATUS_SIE, true, false},
    };
    struct fixture fx;

    setup(&fx, "rv64");
    csr_store(fx.h, NR_MIE, MIP_SSIP);
    csr_store(fx.h, NR_MIP, MIP_SSIP);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        set_priv(fx.h, PRIV_M);
        csr_store(fx.h, NR_MIDELEG, rows[i].delegated ? MIP_SSIP : 0);
        csr_store(fx.h, NR_MSTATUS, rows[i].enable);
        set_priv(fx.h, rows[i].priv);
        CHECK_EQ(u, riscv_take_interrupt(&fx.h->cpu), rows[i].taken);
        CHECK(u, !rows[i].taken || fx.h->priv == (rows[i].delegated ? PRIV_S : PRIV_M));
    }
    fixture_fini(&fx);
}

static void wfi_wakes_for_enabled_interrupts_whatever_the_global_enable(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    irq_set(hart_irq(fx.h, IRQ_MTI), true);
    CHECK(u, !riscv_has_work(&fx.h->cpu));
    csr_store(fx.h, NR_MIE, MIP_MTIP);
    CHECK(u, riscv_has_work(&fx.h->cpu));
    CHECK(u, !riscv_take_interrupt(&fx.h->cpu));
    fixture_fini(&fx);
}

static bool polled(struct hart *h)
{
    return fetch_and(&h->cpu.poll, ~VCPU_POLL_IRQ) & VCPU_POLL_IRQ;
}

static void a_pending_interrupt_that_is_masked_costs_no_poll(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    polled(fx.h);
    irq_set(hart_irq(fx.h, IRQ_MTI), true);
    csr_store(fx.h, NR_MSTATUS, MSTATUS_MIE);
    CHECK(u, !polled(fx.h));
    csr_store(fx.h, NR_MSTATUS, 0);
    csr_store(fx.h, NR_MIE, MIP_MTIP);
    CHECK(u, !polled(fx.h)); /* not takeable either */
    csr_store(fx.h, NR_MSTATUS, MSTATUS_MIE);
    CHECK(u, polled(fx.h));
    fixture_fini(&fx);
}

static void every_way_to_enable_a_pending_interrupt_asks_for_a_poll(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    irq_set(hart_irq(fx.h, IRQ_SEI), true);
    csr_store(fx.h, NR_MIDELEG, MIP_SEIP);
    csr_store(fx.h, NR_MIE, MIP_SEIP);
    csr_store(fx.h, NR_MSTATUS, set_field(MSTATUS_SPIE, MSTATUS_MPP, PRIV_S));
    CHECK(u, !polled(fx.h));
    helper_mret(fx.h, 0);
    CHECK(u, !polled(fx.h)); /* S-mode, SIE off */
    csr_store(fx.h, NR_SSTATUS, MSTATUS_SIE);
    CHECK(u, polled(fx.h));
    csr_store(fx.h, NR_SSTATUS, MSTATUS_SPIE);
    CHECK(u, !polled(fx.h));
    helper_sret(fx.h, 0);
    CHECK(u, polled(fx.h)); /* U-mode */
    fixture_fini(&fx);
}

static void a_trap_into_machine_mode_with_its_interrupts_pending_is_not_polled(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    csr_store(fx.h, NR_MIE, MIP_MTIP);
    csr_store(fx.h, NR_MSTATUS, MSTATUS_MIE);
    hart_raise(fx.h, CAUSE_ILLEGAL, 0);
    irq_set(hart_irq(fx.h, IRQ_MTI), true);
    polled(fx.h);
    CHECK(u, !riscv_take_interrupt(&fx.h->cpu)); /* MIE was cleared */
    csr_store(fx.h, NR_MSTATUS, fx.h->mstatus | MSTATUS_MPP);
    helper_mret(fx.h, 0);
    CHECK(u, polled(fx.h));
    CHECK(u, riscv_take_interrupt(&fx.h->cpu));
    fixture_fini(&fx);
}

/* ---- no lost wake-up: the line's thread against the hart's ------------------------------------------------------------------------ */

#define RACES 30000

struct race {
    struct hart *h;
    uint32_t round; /* a: the line's thread sets the line for round N when it reads N */
    uint32_t done;  /* a */
};

static void *race_thread(void *opaque)
{
    struct race *r = opaque;

    for (uint32_t i = 1; i <= RACES; i++) {
        while (load_acquire(&r->round) != i) {}
        irq_set(hart_irq(r->h, i & 1 ? IRQ_MTI : IRQ_SEI), true);
        store_release(&r->done, i);
    }
    return NULL;
}

/* Line and mie (or mstatus) change at the same time: afterwards the poll word must be set. */
static void a_line_and_an_enable_at_the_same_time_always_meet(struct unit *u)
{
    struct fixture fx;
    struct race r = {0};
    struct thread t;

    setup(&fx, "rv64");
    r.h = fx.h;
    thread_create(&t, "line", race_thread, &r);
    for (uint32_t i = 1; i <= RACES; i++) {
        uint64_t bit = i & 1 ? MIP_MTIP : MIP_SEIP;

        csr_store(fx.h, NR_MSTATUS, i & 2 ? MSTATUS_MIE : 0);
        csr_store(fx.h, NR_MIE, i & 2 ? 0 : bit);
        polled(fx.h);
        store_release(&r.round, i);
        if (i & 4) {
            (void)machine_time(&fx.m);
        }
        csr_store(fx.h, NR_MSTATUS, MSTATUS_MIE);
        csr_store(fx.h, NR_MIE, bit);
        while (load_acquire(&r.done) != i) {}
        CHECK(u, polled(fx.h));
        irq_set(hart_irq(fx.h, i & 1 ? IRQ_MTI : IRQ_SEI), false);
    }
    thread_join(&t);
    fixture_fini(&fx);
}

static void *loop_thread(void *opaque)
{
    event_loop_run(((struct machine *)opaque)->loop);
    return NULL;
}

/* A timer that was replaced while it fired may kick once for nothing: a poll counts when there is something to take. */
static bool wait_for_poll(struct hart *h)
{
    uint64_t end = machine_time(h->machine) + 20000000; /* 2 s */

    while (machine_time(h->machine) < end) {
        if (polled(h) && riscv_has_work(&h->cpu)) {
            return true;
        }
    }
    return false;
}

/* Also when stimecmp is replaced while the timer of the old one fires. */
static void the_stimecmp_timer_kicks_and_stip_is_never_stale(struct unit *u)
{
    struct fixture fx;
    struct thread t;

    setup(&fx, "rv64");
    thread_create(&t, "loop", loop_thread, &fx.m);
    csr_store(fx.h, NR_MENVCFG, MENVCFG_STCE);
    csr_store(fx.h, NR_MIE, MIP_STIP);
    csr_store(fx.h, NR_MSTATUS, MSTATUS_MIE);
    for (unsigned i = 0; i < 200; i++) {
        csr_store(fx.h, NR_STIMECMP, machine_time(&fx.m) + 500);
        if (i & 1) {
            CHECK(u, wait_for_poll(fx.h));
            CHECK(u, csr_load(fx.h, NR_MIP) & MIP_STIP);
        }
        csr_store(fx.h, NR_STIMECMP, UINT64_MAX - 1);
        CHECK(u, !(csr_load(fx.h, NR_MIP) & MIP_STIP));
    }
    for (unsigned i = 0; i < 200; i++) {
        csr_store(fx.h, NR_STIMECMP, machine_time(&fx.m) + 300 + i);
        for (uint64_t end = machine_time(&fx.m) + 400; machine_time(&fx.m) < end;) {}
        csr_store(fx.h, NR_STIMECMP, machine_time(&fx.m) + 100000000);
        hart_update_irq(fx.h);
        CHECK(u, !(load_seq(&fx.h->mip) & MIP_STIP));
    }
    event_loop_quit(fx.m.loop);
    thread_join(&t);
    fixture_fini(&fx);
}

/* The guest moves its time, from any thread: STIP, the time CSR and the deadline follow. */
static void stimecmp_and_the_time_csr_follow_a_time_that_is_moved(struct unit *u)
{
    const uint64_t far = UINT64_C(1) << 50;
    struct fixture fx;
    struct thread t;

    setup(&fx, "rv64");
    thread_create(&t, "loop", loop_thread, &fx.m);
    csr_store(fx.h, NR_MENVCFG, MENVCFG_STCE);
    csr_store(fx.h, NR_STIMECMP, far);
    csr_store(fx.h, NR_MIE, MIP_STIP);
    csr_store(fx.h, NR_MSTATUS, MSTATUS_MIE);
    CHECK(u, !polled(fx.h));
    machine_set_time(&fx.m, far, UINT64_MAX);
    CHECK(u, polled(fx.h)); /* at once, with no timer between */
    CHECK(u, csr_load(fx.h, NR_TIME) >= far);
    CHECK(u, riscv_has_work(&fx.h->cpu));
    CHECK(u, csr_load(fx.h, NR_MIP) & MIP_STIP);
    machine_set_time(&fx.m, 0, UINT64_MAX);
    CHECK(u, csr_load(fx.h, NR_TIME) < far);
    hart_update_irq(fx.h);
    CHECK(u, !(load_seq(&fx.h->mip) & MIP_STIP));
    polled(fx.h);
    machine_set_time(&fx.m, far - 50000, UINT64_MAX); /* 5 ms: the timer of old would take years */
    CHECK(u, wait_for_poll(fx.h));
    CHECK(u, csr_load(fx.h, NR_TIME) >= far);
    csr_store(fx.h, NR_MIE, 0);
    machine_set_time(&fx.m, 0, UINT64_MAX);
    machine_set_time(&fx.m, far - 50000, UINT64_MAX); /* moved while STIP is disabled */
    polled(fx.h);
    csr_store(fx.h, NR_MIE, MIP_STIP);
    CHECK(u, wait_for_poll(fx.h));
    event_loop_quit(fx.m.loop);
    thread_join(&t);
    fixture_fini(&fx);
}

static void reset_keeps_what_lines_drive_and_clears_the_rest(struct unit *u)
{
    struct fixture fx;

    setup(&fx, "rv64");
    irq_set(hart_irq(fx.h, IRQ_MTI), true);
    csr_store(fx.h, NR_MIP, MIP_SSIP);
    csr_store(fx.h, NR_MIE, MIP_MTIP);
    csr_store(fx.h, NR_SATP, UINT64_C(8) << 60);
    set_priv(fx.h, PRIV_U);
    fx.h->x[5] = 5;
    hart_reset(fx.h, 0x1000);
    CHECK_EQ(u, csr_load(fx.h, NR_MIP), MIP_MTIP);
    CHECK_EQ(u, fx.h->mie | fx.h->satp | fx.h->x[5], 0);
    CHECK_EQ(u, fx.h->cpu.pc, 0x1000);
    CHECK_EQ(u, fx.h->priv, PRIV_M);
    CHECK_EQ(u, fx.h->cpu.data_regime, REGIME_BARE_M);
    CHECK_EQ(u, get_field(fx.h->cpu.mode_key, KEY_PRIV), PRIV_M);
    fixture_fini(&fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(an_exception_saves_pc_cause_tval_and_the_interrupt_stack),
        UNIT(delegated_exceptions_go_to_s_mode_except_from_m_mode),
        UNIT(ecall_has_a_cause_for_each_mode_and_no_tval),
        UNIT(vectored_mode_moves_interrupts_but_not_exceptions),
        UNIT(faults_of_accesses_have_the_cause_of_their_kind),
        UNIT(mret_restores_and_leaves_the_lowest_privilege_in_mpp),
        UNIT(sret_restores_and_clears_mprv),
        UNIT(sfence_vma_is_for_supervisors_unless_tvm),
        UNIT(wfi_waits_but_not_in_user_mode_nor_under_tw),
        UNIT(regimes_follow_privilege_satp_mprv_sum_and_mxr),
        UNIT(the_mode_key_tells_privilege_and_fs),
        UNIT(interrupts_are_taken_in_the_order_of_the_specification),
        UNIT(global_enables_hold_back_only_their_own_mode),
        UNIT(wfi_wakes_for_enabled_interrupts_whatever_the_global_enable),
        UNIT(a_pending_interrupt_that_is_masked_costs_no_poll),
        UNIT(every_way_to_enable_a_pending_interrupt_asks_for_a_poll),
        UNIT(a_trap_into_machine_mode_with_its_interrupts_pending_is_not_polled),
        UNIT(a_line_and_an_enable_at_the_same_time_always_meet),
        UNIT(the_stimecmp_timer_kicks_and_stip_is_never_stale),
        UNIT(stimecmp_and_the_time_csr_follow_a_time_that_is_moved),
        UNIT(reset_keeps_what_lines_drive_and_clears_the_rest),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
