/* SPDX-License-Identifier: MIT */
/*
 * struct hart and what the target's own files share. Hot state first: x[] and the engine's hot words lie within one byte of
 * displacement of the base register (HART_ENV_BIAS).
 *
 * Lock letters: c constant after creation, t owner vCPU thread only, a atomic.
 */
#ifndef TARGET_RISCV_HART_H
#define TARGET_RISCV_HART_H

#include "accel/vcpu.h"
#include "hw/core/timer.h"
#include "target-riscv/cpu.h"

enum priv { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };

/* Exception causes (privileged ISA, mcause). */
enum cause {
    CAUSE_FETCH_MISALIGNED = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_U = 8,
    CAUSE_ECALL_S = 9,
    CAUSE_ECALL_M = 11,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15,
};

/* Bits of mip and mie. */
enum { IRQ_SSI = 1, IRQ_MSI = 3, IRQ_STI = 5, IRQ_MTI = 7, IRQ_SEI = 9, IRQ_MEI = 11 };

/* The mode key: what translated code depends on. FS: 0 off, 1 on, 2 dirty already (nothing to record at writes). */
#define KEY_PRIV BITS(1, 0)
#define KEY_FS BITS(3, 2)

#define FS_OFF 0
#define FS_INITIAL 1
#define FS_CLEAN 2
#define FS_DIRTY 3

#define PMP_MAX 16

struct pmp_entry {
    uint64_t lo, hi; /* t: bytes lo..hi-1; lo == hi: off. Derived from cfg and addr */
};

struct hart {
    uint64_t x[32];  /* t: x[0] is always 0 */
    struct vcpu cpu; /* its hot words follow x[] */

    uint64_t f[32];  /* t: NaN-boxed */
    uint8_t fflags;  /* t */
    uint8_t frm;     /* t: 0..7 as written */
    uint8_t priv;    /* t: enum priv */

    /* Machine, then supervisor CSRs; t unless said. WARL fields hold legal values only. */
    uint64_t mstatus; /* FS here is exact: translated code sets it to dirty before the first F write of a TB */
    uint64_t misa, medeleg, mideleg, mtvec, mscratch, mepc, mcause, mtval, mcounteren, menvcfg, mcountinhibit, mseccfg;
    uint64_t mie;
    uint64_t mip;     /* a: software bits by CSR writes, the others by lines */
    uint64_t seip_line; /* a: the external line's part of mip.SEIP */
    uint64_t stvec, sscratch, sepc, scause, stval, scounteren, senvcfg, satp, stimecmp;
    uint64_t mcycle_base, minstret_base; /* t: what counters read minus the clock */

    struct pmp_entry pmp[PMP_MAX];
    uint8_t pmpcfg[PMP_MAX];
    uint64_t pmpaddr[PMP_MAX];
    unsigned npmp_active; /* entries up to the last that is on: 0 = nothing to check */

    struct timer stimer; /* stimecmp's deadline */
    struct irq lines[12]; /* c: by cause */
    struct machine *machine;        /* c */
    const struct cpu_config *config; /* c */
    unsigned hartid;                /* c */
};

/* The base register points here, so that x[3]..x[31] and the hot words of struct vcpu fit -128..127. */
#define HART_ENV_BIAS ((int32_t)(offsetof(struct hart, x) + 19 * sizeof(uint64_t)))
_Static_assert(offsetof(struct hart, cpu) == 32 * sizeof(uint64_t), "vcpu must follow x[]");

static inline struct hart *hart_of(struct vcpu *cpu)
{
    return container_of(cpu, struct hart, cpu);
}

/* ---- traps (trap.c) -------------------------------------------------------------------------------------------------------- */

/*
 * Takes exception CAUSE with TVAL at the current instruction: vcpu_sync_pc, delegation, xepc/xcause/xtval/xstatus, pc = vector,
 * new mode; sets unwind. Helpers return right after (their value is ignored).
 */
void hart_raise(struct hart *h, enum cause cause, uint64_t tval);
/* Recomputes mode key, regimes and space from priv, mstatus, satp; calls vcpu_set_mode. After any change of those. */
void hart_update_mode(struct hart *h);
/* Looks whether an interrupt became takeable after mip, mie, mstatus or priv changed: sets the poll word of the own vCPU. */
void hart_update_irq(struct hart *h);

/* ---- CSRs (csr.c) ------------------------------------------------------------------------------------------------------------- */

enum csr_flags {
    CSR_ENDS_TB = 1, /* a write changes what translated code depends on, or what may interrupt */
    CSR_FP = 2,      /* needs FS */
    CSR_READ_PURE = 4, /* reading has no side effect and cannot trap in any privilege that may access it */
};
/* Flags of CSR NUMBER for the translator (0 for unknown ones: the helper raises). */
unsigned csr_flags(unsigned number);

/* ---- decoder and translator (decode.c, translate.c, disas.c) ------------------------------------------------------------------ */

struct decoder;
/* The decoder for a configuration's extensions; shared by its harts, constant. */
struct decoder *decoder_new(const struct cpu_config *c);
void decoder_free(struct decoder *d);
const struct decoder *hart_decoder(const struct hart *h); /* c */

void riscv_translate(struct vcpu *cpu, struct tcg_context *ctx, struct tb_source *src);
unsigned riscv_disas(struct vcpu *cpu, uint64_t pc, const uint8_t *bytes, size_t len, char *text, size_t size);

/* ---- helpers: what generated code calls ------------------------------------------------------------------------------------------ */

enum riscv_helper {
#define HELPER(name, nargs, flags) HELPER_##name,
#include "target-riscv/helpers.def"
#undef HELPER
    HELPER_COUNT,
};
extern const struct tcg_helper riscv_helpers[HELPER_COUNT];

#define HELPER_ARGS0
#define HELPER_ARGS1 uint64_t a,
#define HELPER_ARGS2 uint64_t a, uint64_t b,
#define HELPER_ARGS3 uint64_t a, uint64_t b, uint64_t c,
#define HELPER(name, nargs, flags) uint64_t helper_##name(struct hart *h, HELPER_ARGS##nargs int64_t imm);
#include "target-riscv/helpers.def"
#undef HELPER

#endif
