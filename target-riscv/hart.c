/* SPDX-License-Identifier: MIT */
/*
 * Creation, reset and dump of a hart. Creation and destruction on the main thread; reset and dump with the vCPU stopped (a dump
 * may also look at a running one, and then shows what it happens to see).
 */
#include "target-riscv/hart.h"
#include "hw/host/log.h"
#include "target-riscv/csr.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void riscv_dump(struct vcpu *cpu, FILE *out, bool with_fpu)
{
    hart_dump(hart_of(cpu), out, with_fpu);
}

static const char *riscv_mode_name(uint32_t mode_key)
{
    static const char *const names[] = {"U", "S", "H", "M"};

    return names[extract64(mode_key, 0, 2)];
}

static const struct cpu_ops riscv_cpu_ops = {
    .translate = riscv_translate,
    .take_interrupt = riscv_take_interrupt,
    .has_work = riscv_has_work,
    .fetch_fault = riscv_fetch_fault,
    .disas = riscv_disas,
    .dump = riscv_dump,
    .mode_name = riscv_mode_name,
};

/* mmu_ops->kick. Any thread. */
static void riscv_mmu_kick(void *opaque)
{
    vcpu_kick(opaque, VCPU_POLL_LEAVE);
}

static const struct mmu_ops riscv_mmu_ops = {
    .walk = riscv_walk,
    .fault = riscv_mmu_fault,
    .misaligned = riscv_mmu_misaligned,
    .kick = riscv_mmu_kick,
};

/* ---- what the configuration fixes ------------------------------------------------------------------------------------------------ */

static uint64_t misa_of(const struct cpu_config *c)
{
    static const struct {
        enum isa_ext ext;
        char letter;
    } letters[] = {{EXT_I, 'I'}, {EXT_M, 'M'}, {EXT_A, 'A'}, {EXT_F, 'F'},
                   {EXT_D, 'D'}, {EXT_C, 'C'}, {EXT_S, 'S'}, {EXT_U, 'U'}};
    uint64_t misa = UINT64_C(2) << 62;

    for (unsigned i = 0; i < ARRAY_SIZE(letters); i++) {
        misa |= cpu_has(c, letters[i].ext) ? BIT(letters[i].letter - 'A') : 0;
    }
    return misa;
}

static uint64_t mstatus_writable(const struct cpu_config *c)
{
    uint64_t mask = MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP;

    if (cpu_has(c, EXT_F)) {
        mask |= MSTATUS_FS;
    }
    if (cpu_has(c, EXT_U)) {
        mask |= MSTATUS_MPRV | MSTATUS_TW;
    }
    if (cpu_has(c, EXT_S)) {
        mask |= MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR | MSTATUS_TVM |
                MSTATUS_TSR;
    }
    return mask;
}

static uint64_t menvcfg_writable(const struct cpu_config *c)
{
    uint64_t mask = ENVCFG_FIOM;

    mask |= cpu_has(c, EXT_ZICBOM) ? ENVCFG_CBIE | ENVCFG_CBCFE : 0;
    mask |= cpu_has(c, EXT_ZICBOZ) ? ENVCFG_CBZE : 0;
    mask |= cpu_has(c, EXT_SSTC) ? MENVCFG_STCE : 0;
    mask |= cpu_has(c, EXT_SVADU) ? MENVCFG_ADUE : 0;
    return mask;
}

/* ---- creation ------------------------------------------------------------------------------------------------------------------ */

/* Harts of one configuration share the decoder of the first. */
static int give_decoder(struct hart *h, const struct accel *a, struct err *err)
{
    for (unsigned i = 0; i < accel_vcpu_count(a); i++) {
        const struct hart *other = hart_of(accel_vcpu(a, i));

        if (other != h && other->config == h->config) {
            h->decoder = other->decoder;
            return 0;
        }
    }
    h->own_decoder = decoder_new(h->config);
    h->decoder = h->own_decoder;
    return h->decoder ? 0 : err_set(err, -ENOMEM, "hart %u: no memory for the decoder", h->hartid);
}

const struct decoder *hart_decoder(const struct hart *h)
{
    return h->decoder;
}

static int attach(struct hart *h, struct accel *a, struct err *err)
{
    const struct cpu_model_desc desc = {
        .ops = &riscv_cpu_ops,
        .mmu_ops = &riscv_mmu_ops,
        .globals = riscv_globals,
        .nglobals = riscv_nglobals,
        .helpers = riscv_helpers,
        .nhelpers = HELPER_COUNT,
        .fp = riscv_fp,
        .fpu_control = offsetof(struct hart, fpu_control),
        .vcpu_offset = offsetof(struct hart, cpu),
        .env_bias = HART_ENV_BIAS,
    };

    return vcpu_init(&h->cpu, a, &desc, err);
}

struct hart *hart_new(struct machine *m, struct accel *a, const struct cpu_config *c,
                      unsigned hartid, struct err *err)
{
    struct hart *h = aligned_alloc(CACHE_LINE, align_up(sizeof(*h), CACHE_LINE));

    if (!h) {
        err_set(err, -ENOMEM, "hart %u: no memory", hartid);
        return NULL;
    }
    memset(h, 0, sizeof(*h));
    h->machine = m;
    h->config = c;
    h->hartid = hartid;
    hart_set_fcsr(h, 0, 0);
    h->misa = misa_of(c);
    h->mstatus_mask = mstatus_writable(c);
    h->menvcfg_mask = menvcfg_writable(c);
    if (give_decoder(h, a, err) || attach(h, a, err)) {
        decoder_free(h->own_decoder);
        free(h);
        return NULL;
    }
    hart_irq_init(h);
    return h;
}

void hart_free(struct hart *h)
{
    if (!h) {
        return;
    }
    hart_irq_fini(h);
    vcpu_fini(&h->cpu);
    decoder_free(h->own_decoder);
    free(h);
}

/* ---- reset ----------------------------------------------------------------------------------------------------------------------- */

static void reset_csrs(struct hart *h)
{
    const struct cpu_config *c = h->config;

    h->mstatus = (cpu_has(c, EXT_U) ? set_field(0, MSTATUS_UXL, 2) : 0) |
                 (cpu_has(c, EXT_S) ? set_field(0, MSTATUS_SXL, 2) : 0) |
                 set_field(0, MSTATUS_MPP, cpu_has(c, EXT_U) ? PRIV_U : PRIV_M);
    h->medeleg = h->mideleg = h->mtvec = h->mscratch = h->mepc = h->mcause = h->mtval = 0;
    h->mcounteren = h->mcountinhibit = h->mcycle_base = h->minstret_base = 0;
    h->stvec = h->sscratch = h->sepc = h->scause = h->stval = h->scounteren = h->senvcfg = h->satp =
        0;
    h->menvcfg = cpu_has(c, EXT_SVADU) && !cpu_has(c, EXT_SVADE) ? MENVCFG_ADUE : 0;
    hart_set_fcsr(h, 0, 0);
    memset(h->pmpcfg, 0, sizeof(h->pmpcfg));
    memset(h->pmpaddr, 0, sizeof(h->pmpaddr));
}

/* What lines drive stays: their devices reset them. */
static void reset_interrupts(struct hart *h)
{
    store_seq(&h->mie, 0);
    fetch_and(&h->mip, ~MIP_S);
    h->stimecmp = UINT64_MAX;
    store_seq(&h->stimer_due, 0);
    timer_del(h->machine->timers, &h->stimer);
}

void hart_reset(struct hart *h, uint64_t reset_pc)
{
    memset(h->x, 0, sizeof(h->x));
    memset(h->f, 0, sizeof(h->f));
    h->priv = PRIV_M;
    reset_csrs(h);
    reset_interrupts(h);
    h->cpu.pc = reset_pc;
    h->cpu.unwind = 0;
    h->cpu.waiting = false;
    pmp_update(h);
    mmu_reservation_clear(&h->cpu.mmu);
    vcpu_flush_all(&h->cpu);
    h->mode_satp = ~h->satp; /* whatever it was before: set it */
    hart_update_mode(h);
    if (log_enabled(LOG_CPU_RESET)) {
        FILE *out = log_begin();

        fprintf(out, "CPU Reset (hart %u)\n", h->hartid);
        hart_dump(h, out, false);
        log_end();
    }
}

/* ---- dump ------------------------------------------------------------------------------------------------------------------------ */

static const char *const x_names[32] = {
    "x0/zero", "x1/ra",  "x2/sp",   "x3/gp",   "x4/tp",  "x5/t0",  "x6/t1",  "x7/t2",
    "x8/s0",   "x9/s1",  "x10/a0",  "x11/a1",  "x12/a2", "x13/a3", "x14/a4", "x15/a5",
    "x16/a6",  "x17/a7", "x18/s2",  "x19/s3",  "x20/s4", "x21/s5", "x22/s6", "x23/s7",
    "x24/s8",  "x25/s9", "x26/s10", "x27/s11", "x28/t3", "x29/t4", "x30/t5", "x31/t6"};

static const char *const f_names[32] = {
    "f0/ft0",  "f1/ft1",  "f2/ft2",   "f3/ft3",   "f4/ft4",  "f5/ft5",  "f6/ft6",   "f7/ft7",
    "f8/fs0",  "f9/fs1",  "f10/fa0",  "f11/fa1",  "f12/fa2", "f13/fa3", "f14/fa4",  "f15/fa5",
    "f16/fa6", "f17/fa7", "f18/fs2",  "f19/fs3",  "f20/fs4", "f21/fs5", "f22/fs6",  "f23/fs7",
    "f24/fs8", "f25/fs9", "f26/fs10", "f27/fs11", "f28/ft8", "f29/ft9", "f30/ft10", "f31/ft11"};

static void dump_one(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, " %-8s %016llx\n", name, (unsigned long long)value);
}

static void dump_block(FILE *out, const char *const *names, const uint64_t *values)
{
    for (unsigned i = 0; i < 32; i++) {
        fprintf(out, " %-8s %016llx%s", names[i], (unsigned long long)values[i],
                i % 4 == 3 ? "\n" : "");
    }
}

static void dump_csrs(const struct hart *h, FILE *out)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"mhartid", h->hartid},
        {"mstatus", h->mstatus | (get_field(h->mstatus, MSTATUS_FS) == FS_DIRTY ? MSTATUS_SD : 0)},
        {"mip", load_relaxed(&h->mip) | load_relaxed(&h->seip_line)},
        {"mie", h->mie},
        {"mideleg", h->mideleg},
        {"medeleg", h->medeleg},
        {"mtvec", h->mtvec},
        {"stvec", h->stvec},
        {"mepc", h->mepc},
        {"sepc", h->sepc},
        {"mcause", h->mcause},
        {"scause", h->scause},
        {"mtval", h->mtval},
        {"stval", h->stval},
        {"mscratch", h->mscratch},
        {"sscratch", h->sscratch},
        {"satp", h->satp},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        dump_one(out, rows[i].name, rows[i].value);
    }
}

void hart_dump(struct hart *h, FILE *out, bool with_fpu)
{
    dump_one(out, "pc", h->cpu.pc);
    dump_one(out, "priv", h->priv);
    dump_csrs(h, out);
    dump_block(out, x_names, h->x);
    if (with_fpu) {
        dump_one(out, "fcsr", (uint64_t)h->frm << 5 | hart_fflags(h));
        dump_block(out, f_names, h->f);
    }
}
