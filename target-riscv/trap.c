/* SPDX-License-Identifier: MIT */
/*
 * Traps: entry (delegation, vectors, the xstatus stacks), return, and what follows a change of privilege: the mode key, the
 * access regimes, the address space. All on the hart's vCPU thread.
 *
 * Privileged ISA 1.13: sections 3.1.6 (mstatus), 3.1.7-8 (vectors, delegation), 3.3.2 (mret, sret), 3.1.16 (mtval).
 */
#include "hw/host/log.h"
#include "target-riscv/csr.h"
#include "target-riscv/hart.h"

/* ---- names for the log ------------------------------------------------------------------------------------------------------ */

static const char *const exception_names[] = {
    [CAUSE_FETCH_MISALIGNED] = "misaligned_fetch",
    [CAUSE_FETCH_ACCESS] = "fault_fetch",
    [CAUSE_ILLEGAL] = "illegal_instruction",
    [CAUSE_BREAKPOINT] = "breakpoint",
    [CAUSE_LOAD_MISALIGNED] = "misaligned_load",
    [CAUSE_LOAD_ACCESS] = "fault_load",
    [CAUSE_STORE_MISALIGNED] = "misaligned_store",
    [CAUSE_STORE_ACCESS] = "fault_store",
    [CAUSE_ECALL_U] = "user_ecall",
    [CAUSE_ECALL_S] = "supervisor_ecall",
    [CAUSE_ECALL_M] = "machine_ecall",
    [CAUSE_FETCH_PAGE] = "exec_page_fault",
    [CAUSE_LOAD_PAGE] = "load_page_fault",
    [CAUSE_STORE_PAGE] = "store_page_fault",
};

static const char *const interrupt_names[] = {
    [IRQ_SSI] = "s_software", [IRQ_MSI] = "m_software", [IRQ_STI] = "s_timer",
    [IRQ_MTI] = "m_timer",    [IRQ_SEI] = "s_external", [IRQ_MEI] = "m_external",
};

static const char *cause_name(unsigned cause, bool interrupt)
{
    const char *name = NULL;

    if (interrupt) {
        name = cause < ARRAY_SIZE(interrupt_names) ? interrupt_names[cause] : NULL;
    } else {
        name = cause < ARRAY_SIZE(exception_names) ? exception_names[cause] : NULL;
    }
    return name ? name : "unknown";
}

/* ---- mode ------------------------------------------------------------------------------------------------------------------- */

static unsigned fs_key(const struct hart *h)
{
    uint64_t fs = get_field(h->mstatus, MSTATUS_FS);

    if (fs == FS_OFF) {
        return 0;
    }
    return fs == FS_DIRTY ? 2 : 1;
}

static unsigned data_regime(const struct hart *h)
{
    unsigned priv = h->priv;
    unsigned regime;

    if (h->mstatus & MSTATUS_MPRV && priv == PRIV_M) {
        priv = (unsigned)get_field(h->mstatus, MSTATUS_MPP);
    }
    if (priv == PRIV_M) {
        return REGIME_BARE_M;
    }
    if (!(h->satp & SATP_MODE)) {
        return REGIME_BARE_SU;
    }
    regime = h->mstatus & MSTATUS_MXR ? REGIME_MXR : 0;
    if (priv == PRIV_S) {
        regime |= REGIME_S | (h->mstatus & MSTATUS_SUM ? REGIME_SUM : 0);
    }
    return regime;
}

static unsigned fetch_regime(const struct hart *h)
{
    if (h->priv == PRIV_M) {
        return REGIME_BARE_M;
    }
    if (!(h->satp & SATP_MODE)) {
        return REGIME_BARE_SU;
    }
    return h->priv == PRIV_S ? REGIME_S : REGIME_U;
}

static unsigned frm_key(const struct hart *h)
{
    static const uint8_t keys[8] = {KEY_FRM_NEAREST,  KEY_FRM_OTHER,   KEY_FRM_OTHER,
                                    KEY_FRM_OTHER,    KEY_FRM_RMM,     KEY_FRM_RESERVED,
                                    KEY_FRM_RESERVED, KEY_FRM_RESERVED};

    return keys[h->frm];
}

static void compute_mode(struct hart *h)
{
    struct vcpu *cpu = &h->cpu;
    uint32_t key = (uint32_t)(set_field(0, KEY_PRIV, h->priv) | set_field(0, KEY_FS, fs_key(h)) |
                              set_field(0, KEY_FRM, frm_key(h)));
    unsigned data = data_regime(h);
    unsigned fetch = fetch_regime(h);

    if (key == cpu->mode_key && data == cpu->data_regime && fetch == cpu->fetch_regime &&
        h->satp == h->mode_satp) {
        return;
    }
    h->mode_satp = h->satp;
    vcpu_set_mode(cpu, key, data, fetch, h->satp);
}

/* All that the mode depends on but satp, in one word that is never 0: priv and frm lie below the bits of mstatus. */
static uint64_t mode_inputs(const struct hart *h)
{
    uint64_t bits = MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR | MSTATUS_MPRV;

    _Static_assert(MSTATUS_MPP > 1 << 7, "room for priv, frm and a 1");
    bits |= h->mstatus & MSTATUS_MPRV ? MSTATUS_MPP : 0;
    return (h->mstatus & bits) | 1 << 6 | (unsigned)h->frm << 2 | h->priv;
}

void hart_update_mode(struct hart *h)
{
    uint64_t inputs = mode_inputs(h);

    if (inputs != h->mode_inputs || h->satp != h->mode_satp) {
        h->mode_inputs = inputs;
        compute_mode(h);
    }
}

/* ---- entry ------------------------------------------------------------------------------------------------------------------ */

static void log_trap(const struct hart *h, unsigned cause, bool interrupt, uint64_t tval)
{
    log_printf(LOG_INT,
               "trap: hart:%u, async:%d, cause:%u, epc:0x%016llx, tval:0x%016llx, desc=%s\n",
               h->hartid, interrupt, cause, (unsigned long long)h->cpu.pc, (unsigned long long)tval,
               cause_name(cause, interrupt));
}

static uint64_t vector(uint64_t tvec, unsigned cause, bool interrupt)
{
    return (tvec & ~UINT64_C(3)) + (interrupt && tvec & 1 ? 4 * cause : 0);
}

static void enter_s(struct hart *h, unsigned cause, bool interrupt, uint64_t tval)
{
    uint64_t s = h->mstatus;

    s = set_field(s, MSTATUS_SPIE, get_field(s, MSTATUS_SIE));
    s = set_field(s, MSTATUS_SPP, h->priv);
    h->mstatus = s & ~MSTATUS_SIE;
    h->sepc = h->cpu.pc;
    h->scause = cause | (interrupt ? BIT(63) : 0);
    h->stval = tval;
    h->priv = PRIV_S;
    h->cpu.pc = vector(h->stvec, cause, interrupt);
}

static void enter_m(struct hart *h, unsigned cause, bool interrupt, uint64_t tval)
{
    uint64_t s = h->mstatus;

    s = set_field(s, MSTATUS_MPIE, get_field(s, MSTATUS_MIE));
    s = set_field(s, MSTATUS_MPP, h->priv);
    h->mstatus = s & ~MSTATUS_MIE;
    h->mepc = h->cpu.pc;
    h->mcause = cause | (interrupt ? BIT(63) : 0);
    h->mtval = tval;
    h->priv = PRIV_M;
    h->cpu.pc = vector(h->mtvec, cause, interrupt);
}

/* cpu.pc is exact. */
static void trap_enter(struct hart *h, unsigned cause, bool interrupt, uint64_t tval)
{
    uint64_t delegated = interrupt ? h->mideleg : h->medeleg;

    if (log_enabled(LOG_INT)) {
        log_trap(h, cause, interrupt, tval);
    }
    if (h->priv <= PRIV_S && (delegated >> cause) & 1) {
        enter_s(h, cause, interrupt, tval);
    } else {
        enter_m(h, cause, interrupt, tval);
    }
    hart_update_mode(h);
    hart_update_irq(h);
}

void hart_raise(struct hart *h, enum cause cause, uint64_t tval)
{
    vcpu_sync_pc(&h->cpu);
    trap_enter(h, cause, false, tval);
    vcpu_unwind(&h->cpu);
}

void hart_trap(struct hart *h, enum cause cause, uint64_t tval)
{
    trap_enter(h, cause, false, tval);
}

void hart_interrupt(struct hart *h, unsigned cause)
{
    trap_enter(h, cause, true, 0);
}

/* ---- return ----------------------------------------------------------------------------------------------------------------- */

static void leave_to(struct hart *h, unsigned priv, uint64_t pc)
{
    if (priv != PRIV_M) {
        h->mstatus &= ~MSTATUS_MPRV;
    }
    h->priv = (uint8_t)priv;
    h->cpu.pc = pc;
    hart_update_mode(h);
    hart_update_irq(h);
}

void hart_mret(struct hart *h)
{
    uint64_t s = h->mstatus;
    unsigned priv = (unsigned)get_field(s, MSTATUS_MPP);

    s = set_field(s, MSTATUS_MIE, get_field(s, MSTATUS_MPIE)) | MSTATUS_MPIE;
    h->mstatus = set_field(s, MSTATUS_MPP, cpu_has(h->config, EXT_U) ? PRIV_U : PRIV_M);
    leave_to(h, priv, h->mepc);
}

void hart_sret(struct hart *h)
{
    uint64_t s = h->mstatus;
    unsigned priv = (unsigned)get_field(s, MSTATUS_SPP);

    s = set_field(s, MSTATUS_SIE, get_field(s, MSTATUS_SPIE)) | MSTATUS_SPIE;
    h->mstatus = s & ~MSTATUS_SPP;
    leave_to(h, priv, h->sepc);
}

/* ---- faults of accesses ------------------------------------------------------------------------------------------------------- */

void riscv_mmu_fault(void *opaque, vaddr_t va, enum mmu_access access, int code)
{
    static const uint8_t page[] = {[ACCESS_READ] = CAUSE_LOAD_PAGE,
                                   [ACCESS_WRITE] = CAUSE_STORE_PAGE,
                                   [ACCESS_EXEC] = CAUSE_FETCH_PAGE};
    static const uint8_t physical[] = {[ACCESS_READ] = CAUSE_LOAD_ACCESS,
                                       [ACCESS_WRITE] = CAUSE_STORE_ACCESS,
                                       [ACCESS_EXEC] = CAUSE_FETCH_ACCESS};
    struct hart *h = hart_of(opaque);

    hart_raise(h, (enum cause)(code == WALK_PAGE_FAULT ? page : physical)[access], va);
}

void riscv_mmu_misaligned(void *opaque, vaddr_t va, enum mmu_access access)
{
    hart_raise(hart_of(opaque),
               access == ACCESS_READ ? CAUSE_LOAD_MISALIGNED : CAUSE_STORE_MISALIGNED, va);
}

void riscv_fetch_fault(struct vcpu *cpu, vaddr_t va, int code)
{
    riscv_mmu_fault(cpu, va, ACCESS_EXEC, code);
}
