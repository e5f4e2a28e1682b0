/* SPDX-License-Identifier: MIT */
/*
 * Control and status registers: the rows of csr.def and their hooks. All on the hart's vCPU thread. A field of struct hart
 * holds legal values only, so that everyone else may use it without a check.
 *
 * Where the ISA leaves a choice (WARL), a write of an illegal value keeps the old one: MPP, tvec modes, CBIE, satp (all of it),
 * a pmpcfg byte with W and not R.
 * Counters: mcycle and minstret both count host cycles (host_cycles), as of a hart that retires one instruction a cycle; they can
 * be written and inhibited. The event counters and selectors are zero.
 *
 * Privileged ISA 1.13 chapters 2, 3, 12; Sstc; Svadu; Zicbom and Zicboz for envcfg.
 */
#include "target-riscv/csr.h"
#include "hw/host/log.h"
#include "target-riscv/hart.h"

enum csr_gate {
    GATE_ANY,
    GATE_FP,       /* F and mstatus.FS */
    GATE_COUNTER,  /* mcounteren and scounteren */
    GATE_HPM,      /* the same, with Zihpm */
    GATE_U,        /* U-mode exists */
    GATE_S,        /* S-mode exists */
    GATE_SATP,     /* ... and TVM */
    GATE_STIMECMP, /* Sstc, menvcfg.STCE, mcounteren.TM */
    GATE_PMP,
};

typedef uint64_t csr_read_fn(struct hart *h, unsigned number);
typedef void csr_write_fn(struct hart *h, unsigned number, uint64_t value);

struct csr_row {
    const char *name;
    uint16_t first, count;
    int32_t field; /* offset in struct hart, or -1 */
    uint8_t gate, flags;
    uint64_t writable;
    csr_read_fn *read;
    csr_write_fn *write;
};

/* ---- floating point -------------------------------------------------------------------------------------------------------- */

static void mark_fs_dirty(struct hart *h)
{
    h->mstatus |= MSTATUS_FS;
}

static uint64_t csr_read_fflags(struct hart *h, unsigned number UNUSED)
{
    return hart_fflags(h);
}

static void csr_write_fflags(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    hart_set_fcsr(h, h->frm, (uint8_t)value);
    mark_fs_dirty(h);
}

static uint64_t csr_read_frm(struct hart *h, unsigned number UNUSED)
{
    return h->frm;
}

static void csr_write_frm(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    hart_set_fcsr(h, (uint8_t)value, hart_fflags(h));
    mark_fs_dirty(h);
    hart_update_mode(h);
}

static uint64_t csr_read_fcsr(struct hart *h, unsigned number UNUSED)
{
    return (uint64_t)h->frm << 5 | hart_fflags(h);
}

static void csr_write_fcsr(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    hart_set_fcsr(h, (uint8_t)(value >> 5), (uint8_t)value);
    mark_fs_dirty(h);
    hart_update_mode(h);
}

/* ---- counters -------------------------------------------------------------------------------------------------------------- */

/* A base is "value minus clock" while the counter runs and the value itself while it is inhibited. */
static uint64_t counter_clock(const struct hart *h, uint64_t bit)
{
    return h->mcountinhibit & bit ? 0 : host_cycles();
}

static uint64_t csr_read_mcycle(struct hart *h, unsigned number UNUSED)
{
    return counter_clock(h, COUNTER_CY) + h->mcycle_base;
}

static void csr_write_mcycle(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    h->mcycle_base = value - counter_clock(h, COUNTER_CY);
}

static uint64_t csr_read_minstret(struct hart *h, unsigned number UNUSED)
{
    return counter_clock(h, COUNTER_IR) + h->minstret_base;
}

static void csr_write_minstret(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    h->minstret_base = value - counter_clock(h, COUNTER_IR);
}

static void csr_write_mcountinhibit(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    uint64_t cycle = csr_read_mcycle(h, 0);
    uint64_t instret = csr_read_minstret(h, 0);

    h->mcountinhibit = value & (COUNTER_CY | COUNTER_IR);
    csr_write_mcycle(h, 0, cycle);
    csr_write_minstret(h, 0, instret);
}

static uint64_t csr_read_time(struct hart *h, unsigned number UNUSED)
{
    return machine_time(h->machine);
}

/* ---- status ---------------------------------------------------------------------------------------------------------------- */

static uint64_t csr_read_mstatus(struct hart *h, unsigned number UNUSED)
{
    bool dirty = get_field(h->mstatus, MSTATUS_FS) == FS_DIRTY;

    return h->mstatus | (dirty ? MSTATUS_SD : 0);
}

static uint64_t csr_read_sstatus(struct hart *h, unsigned number)
{
    return csr_read_mstatus(h, number) & SSTATUS_VISIBLE;
}

static bool priv_exists(const struct hart *h, uint64_t priv)
{
    return priv == PRIV_M || (priv == PRIV_S && cpu_has(h->config, EXT_S)) ||
           (priv == PRIV_U && cpu_has(h->config, EXT_U));
}

static void set_mstatus(struct hart *h, uint64_t value, uint64_t mask)
{
    if (!priv_exists(h, get_field(value, MSTATUS_MPP))) {
        mask &= ~MSTATUS_MPP;
    }
    h->mstatus = (h->mstatus & ~mask) | (value & mask);
    hart_update_mode(h);
    hart_update_irq(h);
}

static void csr_write_mstatus(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    set_mstatus(h, value, h->mstatus_mask);
}

static void csr_write_sstatus(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    set_mstatus(h, value, h->mstatus_mask & SSTATUS_WRITABLE);
}

static uint64_t csr_read_mhartid(struct hart *h, unsigned number UNUSED)
{
    return h->hartid;
}

/* ---- interrupts ------------------------------------------------------------------------------------------------------------ */

static uint64_t supported_interrupts(const struct hart *h)
{
    return MIP_M | (cpu_has(h->config, EXT_S) ? MIP_S : 0);
}

static void csr_write_mideleg(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    h->mideleg = value & MIP_S;
    hart_update_irq(h);
}

static void csr_write_mie(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    hart_set_mie(h, value & supported_interrupts(h));
}

static uint64_t csr_read_sie(struct hart *h, unsigned number UNUSED)
{
    return h->mie & h->mideleg;
}

static void csr_write_sie(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    hart_set_mie(h, (h->mie & ~h->mideleg) | (value & h->mideleg));
}

static uint64_t csr_read_mip(struct hart *h, unsigned number UNUSED)
{
    return hart_mip(h);
}

static uint64_t csr_read_sip(struct hart *h, unsigned number UNUSED)
{
    return hart_mip(h) & h->mideleg;
}

/* Sets the bits MASK of the pending word to VALUE, leaving what lines drive at the same time alone. */
static void set_mip(struct hart *h, uint64_t value, uint64_t mask)
{
    fetch_and(&h->mip, ~mask | value);
    fetch_or(&h->mip, value & mask);
    hart_update_irq(h);
}

static void csr_write_mip(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    uint64_t mask = supported_interrupts(h) & MIP_S;

    if (h->menvcfg & MENVCFG_STCE) {
        mask &= ~MIP_STIP;
    }
    set_mip(h, value, mask);
}

static void csr_write_sip(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    set_mip(h, value, MIP_SSIP & h->mideleg);
}

static void csr_write_stimecmp(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    store_relaxed(&h->stimecmp, value);
    hart_update_stimer(h);
}

/* ---- trap setup ------------------------------------------------------------------------------------------------------------ */

static void set_tvec(uint64_t *tvec, uint64_t value)
{
    if ((value & 3) < 2) {
        *tvec = value;
    }
}

static void csr_write_mtvec(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    set_tvec(&h->mtvec, value);
}

static void csr_write_stvec(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    set_tvec(&h->stvec, value);
}

static uint64_t epc_mask(const struct cpu_config *c)
{
    return cpu_has(c, EXT_C) ? ~UINT64_C(1) : ~UINT64_C(3);
}

/* CBIE 2 is reserved. */
static uint64_t envcfg_writable(uint64_t mask, uint64_t value)
{
    return get_field(value, ENVCFG_CBIE) == 2 ? mask & ~ENVCFG_CBIE : mask;
}

static void csr_write_menvcfg(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    uint64_t old = h->menvcfg;
    uint64_t mask = envcfg_writable(h->menvcfg_mask, value);

    h->menvcfg = (old & ~mask) | (value & mask);
    if ((old ^ h->menvcfg) & MENVCFG_STCE) {
        hart_update_stimer(h);
    }
}

static void csr_write_senvcfg(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    uint64_t mask = envcfg_writable(h->menvcfg_mask & ~(MENVCFG_ADUE | MENVCFG_STCE), value);

    h->senvcfg = (h->senvcfg & ~mask) | (value & mask);
}

static bool satp_mode_supported(const struct hart *h, uint64_t mode)
{
    return mode == SATP_BARE || (mode >= SATP_SV39 && mode <= (uint64_t)h->config->max_satp);
}

static void csr_write_satp(struct hart *h, unsigned number UNUSED, uint64_t value)
{
    if (h->config->max_satp == SATP_BARE || !satp_mode_supported(h, get_field(value, SATP_MODE))) {
        return;
    }
    h->satp = value;
    hart_update_mode(h);
}

/* ---- PMP ------------------------------------------------------------------------------------------------------------------- */

static uint64_t csr_read_pmpcfg(struct hart *h, unsigned number)
{
    return load_le64(&h->pmpcfg[(number - 0x3a0) * 4]);
}

static void write_pmpcfg_byte(uint8_t *cfg, uint8_t value)
{
    value &= PMPCFG_WRITABLE;
    if (*cfg & PMPCFG_L || (value & (PMP_R | PMP_W)) == PMP_W) {
        return;
    }
    *cfg = value;
}

static void csr_write_pmpcfg(struct hart *h, unsigned number, uint64_t value)
{
    uint8_t *cfg = &h->pmpcfg[(number - 0x3a0) * 4];

    for (unsigned i = 0; i < 8; i++) {
        write_pmpcfg_byte(&cfg[i], (uint8_t)(value >> (8 * i)));
    }
    pmp_update(h);
    vcpu_flush_all(&h->cpu);
}

static uint64_t csr_read_pmpaddr(struct hart *h, unsigned number)
{
    return h->pmpaddr[number - 0x3b0];
}

/* An entry's address is also locked by a locked TOR entry above it, whose lower end it is. */
static bool pmpaddr_locked(const struct hart *h, unsigned i)
{
    uint8_t above = i + 1 < PMP_MAX ? h->pmpcfg[i + 1] : 0;

    return h->pmpcfg[i] & PMPCFG_L ||
           (above & PMPCFG_L && (above & PMPCFG_A_MASK) == 1 << PMPCFG_A_SHIFT);
}

static void csr_write_pmpaddr(struct hart *h, unsigned number, uint64_t value)
{
    unsigned i = number - 0x3b0;

    if (pmpaddr_locked(h, i)) {
        return;
    }
    h->pmpaddr[i] = value & PMPADDR_WRITABLE;
    pmp_update(h);
    vcpu_flush_all(&h->cpu);
}

/* ---- the table ------------------------------------------------------------------------------------------------------------- */

enum {
#define CSR(number, count, name, field, writable, gate, flags, read, write) ROW_##name,
#include "target-riscv/csr.def"
#undef CSR
    ROW_COUNT,
};
_Static_assert(ROW_COUNT < 255, "row indexes are bytes");

#define F(x) ((int32_t)offsetof(struct hart, x))
#define NONE (-1)
#define ALL  (~UINT64_C(0))
static const struct csr_row csr_rows[ROW_COUNT] = {
#define CSR(number, count, name, field, writable, gate, flags, read, write) \
    {#name, number, count, field, GATE_##gate, flags, writable, read, write},
#include "target-riscv/csr.def"
#undef CSR
};
#undef F
#undef NONE
#undef ALL

/* Row + 1 by CSR number; 0: there is no such CSR. */
static const uint8_t csr_index[4096] = {
#define CSR(number, count, name, field, writable, gate, flags, read, write) \
    [(number)...(number) + (count)-1] = ROW_##name + 1,
#include "target-riscv/csr.def"
#undef CSR
};

static const struct csr_row *csr_find(unsigned number)
{
    unsigned i = csr_index[number & 0xfff];

    return i ? &csr_rows[i - 1] : NULL;
}

static uint64_t *csr_field(struct hart *h, const struct csr_row *row)
{
    return (uint64_t *)((char *)h + row->field);
}

/* The bits that a plain write changes. */
static uint64_t row_writable(const struct csr_row *row, const struct cpu_config *c)
{
    return row->flags & CSR_EPC ? epc_mask(c) : row->writable;
}

/* ---- gates ----------------------------------------------------------------------------------------------------------------- */

static bool counter_enabled(const struct hart *h, unsigned number)
{
    uint64_t bit = BIT(number & 31);

    if (h->priv == PRIV_M) {
        return true;
    }
    if (!(h->mcounteren & bit)) {
        return false;
    }
    return h->priv == PRIV_S || !cpu_has(h->config, EXT_S) || (h->scounteren & bit);
}

static bool stimecmp_enabled(const struct hart *h)
{
    if (!cpu_has(h->config, EXT_SSTC)) {
        return false;
    }
    return h->priv == PRIV_M || (h->menvcfg & MENVCFG_STCE && h->mcounteren & COUNTER_TM);
}

static bool gate_open(const struct hart *h, const struct csr_row *row, unsigned number)
{
    switch ((enum csr_gate)row->gate) {
    case GATE_ANY:
        return true;
    case GATE_FP:
        return cpu_has(h->config, EXT_F) && h->mstatus & MSTATUS_FS;
    case GATE_COUNTER:
        return cpu_has(h->config, EXT_ZICNTR) && counter_enabled(h, number);
    case GATE_HPM:
        return cpu_has(h->config, EXT_ZIHPM) && counter_enabled(h, number);
    case GATE_U:
        return cpu_has(h->config, EXT_U);
    case GATE_S:
        return cpu_has(h->config, EXT_S);
    case GATE_SATP:
        return cpu_has(h->config, EXT_S) && !(h->priv == PRIV_S && h->mstatus & MSTATUS_TVM);
    case GATE_STIMECMP:
        return stimecmp_enabled(h);
    case GATE_PMP:
        return h->config->npmp > 0;
    }
    return false;
}

bool csr_allowed(struct hart *h, unsigned number, bool write)
{
    const struct csr_row *row = csr_find(number);

    if (!row || h->priv < ((number >> 8) & 3) || (write && number >> 10 == 3)) {
        return false;
    }
    return gate_open(h, row, number);
}

/* What is known of the gate where code is translated for PRIV: what may change meanwhile is asked when it runs. */
static enum csr_way gate_at(const struct cpu_config *c, const struct csr_row *row, unsigned priv)
{
    bool exists = true, fixed = true;

    switch ((enum csr_gate)row->gate) {
    case GATE_ANY:
        break;
    case GATE_FP:
        exists = cpu_has(c, EXT_F);
        fixed = false;
        break;
    case GATE_COUNTER:
        exists = cpu_has(c, EXT_ZICNTR);
        fixed = priv == PRIV_M;
        break;
    case GATE_HPM:
        exists = cpu_has(c, EXT_ZIHPM);
        fixed = priv == PRIV_M;
        break;
    case GATE_U:
        exists = cpu_has(c, EXT_U);
        break;
    case GATE_S:
        exists = cpu_has(c, EXT_S);
        break;
    case GATE_SATP:
        exists = cpu_has(c, EXT_S);
        fixed = priv == PRIV_M;
        break;
    case GATE_STIMECMP:
        exists = cpu_has(c, EXT_SSTC);
        fixed = priv == PRIV_M;
        break;
    case GATE_PMP:
        exists = c->npmp > 0;
        break;
    }
    if (!exists) {
        return CSR_SHUT;
    }
    if (fixed) {
        return CSR_OPEN;
    }
    return row->gate == GATE_COUNTER ? CSR_IF_ENABLED : CSR_ASK;
}

struct csr_plan csr_plan(const struct cpu_config *c, unsigned number, unsigned priv, bool write)
{
    const struct csr_row *row = csr_find(number);
    struct csr_plan p = {.way = CSR_SHUT};

    if (!row || priv < ((number >> 8) & 3) || (write && number >> 10 == 3)) {
        return p;
    }
    p.way = gate_at(c, row, priv);
    if (p.way != CSR_SHUT && row->flags & CSR_RAW_MODIFY) {
        p.way = CSR_ASK;
    }
    p.flags = row->flags;
    p.field = row->field;
    p.plain_read = !row->read;
    p.plain_write = !row->write;
    p.writable = row->field >= 0 ? row_writable(row, c) : 0;
    p.visible = number == CSR_SSTATUS ? SSTATUS_VISIBLE : ~UINT64_C(0);
    return p;
}

/* ---- access ---------------------------------------------------------------------------------------------------------------- */

unsigned csr_flags(unsigned number)
{
    const struct csr_row *row = csr_find(number);

    return row ? row->flags : 0;
}

uint64_t csr_load(struct hart *h, unsigned number)
{
    const struct csr_row *row = csr_find(number);

    if (row->read) {
        return row->read(h, number);
    }
    return row->field >= 0 ? *csr_field(h, row) : 0;
}

void csr_store(struct hart *h, unsigned number, uint64_t value)
{
    const struct csr_row *row = csr_find(number);

    if (row->write) {
        row->write(h, number, value);
    } else if (row->field >= 0) {
        uint64_t writable = row_writable(row, h->config);
        uint64_t *field = csr_field(h, row);

        *field = (*field & ~writable) | (value & writable);
    }
}

bool csr_name(unsigned number, char *buf, size_t size)
{
    const struct csr_row *row = csr_find(number);
    unsigned base;

    if (!row) {
        return false;
    }
    if (row->count == 1) {
        snprintf(buf, size, "%s%s", row->name, number == 0x3a0 ? "0" : "");
        return true;
    }
    base = row->count == 29 ? 3 : 0;
    if (row->first == 0x3c0) {
        snprintf(buf, size, "pmpaddr%u", number - 0x3b0);
    } else {
        snprintf(buf, size, "%s%u", row->name, number - row->first + base);
    }
    return true;
}

/* ---- helpers of generated code ------------------------------------------------------------------------------------------------ */

static unsigned csr_of(int64_t imm)
{
    return (uint32_t)imm >> 20;
}

/* IMM: the raw instruction. False, and raised, when the access is illegal. */
static bool csr_enter(struct hart *h, int64_t imm, bool write)
{
    if (likely(csr_allowed(h, csr_of(imm), write))) {
        return true;
    }
    hart_raise(h, CAUSE_ILLEGAL, (uint32_t)imm);
    return false;
}

/* What set and clear start from. */
static uint64_t csr_modify_base(struct hart *h, unsigned number, uint64_t read)
{
    const struct csr_row *row = csr_find(number);

    return row->flags & CSR_RAW_MODIFY ? load_relaxed(csr_field(h, row)) : read;
}

uint64_t helper_csr_read(struct hart *h, int64_t imm)
{
    return csr_enter(h, imm, false) ? csr_load(h, csr_of(imm)) : 0;
}

uint64_t helper_csr_write(struct hart *h, uint64_t a, int64_t imm)
{
    if (csr_enter(h, imm, true)) {
        csr_store(h, csr_of(imm), a);
    }
    return 0;
}

uint64_t helper_csr_swap(struct hart *h, uint64_t a, int64_t imm)
{
    uint64_t old;

    if (!csr_enter(h, imm, true)) {
        return 0;
    }
    old = csr_load(h, csr_of(imm));
    csr_store(h, csr_of(imm), a);
    return old;
}

uint64_t helper_csr_set(struct hart *h, uint64_t a, int64_t imm)
{
    uint64_t old;

    if (!csr_enter(h, imm, true)) {
        return 0;
    }
    old = csr_load(h, csr_of(imm));
    csr_store(h, csr_of(imm), csr_modify_base(h, csr_of(imm), old) | a);
    return old;
}

uint64_t helper_csr_clear(struct hart *h, uint64_t a, int64_t imm)
{
    uint64_t old;

    if (!csr_enter(h, imm, true)) {
        return 0;
    }
    old = csr_load(h, csr_of(imm));
    csr_store(h, csr_of(imm), csr_modify_base(h, csr_of(imm), old) & ~a);
    return old;
}

/* Where translated code knows that the access is legal: NUMBER is the CSR's. */
uint64_t helper_csr_get(struct hart *h, int64_t number)
{
    return csr_load(h, (unsigned)number);
}

uint64_t helper_csr_put(struct hart *h, uint64_t a, int64_t number)
{
    csr_store(h, (unsigned)number, a);
    return 0;
}
