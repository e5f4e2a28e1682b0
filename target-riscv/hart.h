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
#define KEY_FRM BITS(5, 4)

/* What frm is, for KEY_FRM. OTHER: a mode that hosts have too, but not to nearest. */
enum { KEY_FRM_NEAREST, KEY_FRM_OTHER, KEY_FRM_RMM, KEY_FRM_RESERVED };

#define FS_OFF 0
#define FS_INITIAL 1
#define FS_CLEAN 2
#define FS_DIRTY 3

#define PMP_MAX 16
#define INSN_ROWS_MAX 512

struct pmp_entry {
    uint64_t lo, hi; /* t: bytes lo..hi-1; lo == hi: off. Derived from cfg and addr */
};

/* Bits of PMP permissions: R, W, X as in pmpcfg. */
enum { PMP_R = 1, PMP_W = 2, PMP_X = 4, PMP_RWX = 7 };

/* A stretch of physical addresses in which the PMP gives one answer: what was asked last. lo == hi: none. */
struct pmp_range {
    uint64_t lo, hi;
    uint8_t perms[2]; /* of S and U; of M */
};

struct hart {
    uint64_t x[32];  /* t: x[0] is always 0 */
    struct vcpu cpu; /* its hot words follow x[] */

    uint64_t f[32];  /* t: NaN-boxed */
    uint32_t fpu_control; /* t: hw/host/fpu.h; in the host's register while guest code runs */
    uint8_t fflags;  /* t: a part; hart_fflags has all */
    uint8_t frm;     /* t: 0..7 as written */
    uint8_t priv;    /* t: enum priv */

    /* Machine, then supervisor CSRs; t unless said. WARL fields hold legal values only. */
    /* FS here is exact: see gen_mark_fs. */
    uint64_t mstatus;
    uint64_t misa, medeleg, mideleg, mtvec, mscratch, mepc, mcause, mtval;
    uint64_t mcounteren, menvcfg, mcountinhibit;
    uint64_t mie;
    uint64_t mip;     /* a: software bits by CSR writes, the others by lines */
    uint64_t seip_line; /* a: the external line's part of mip.SEIP */
    uint64_t stvec, sscratch, sepc, scause, stval, scounteren, senvcfg, satp, stimecmp;
    uint64_t mcycle_base, minstret_base; /* t: what counters read minus host cycles; what they read while inhibited */

    struct pmp_entry pmp[PMP_MAX];
    uint8_t pmpcfg[PMP_MAX];
    uint64_t pmpaddr[PMP_MAX];
    unsigned npmp_active; /* entries up to the last that is on: 0 = nothing to check */

    struct timer stimer; /* stimecmp's deadline */
    uint32_t stimer_due; /* a: the deadline passed or time was moved: mip.STIP is to be computed again */
    struct time_listener time_listener;
    struct pmp_range pmp_cache; /* t: empty after a PMP change */
    uint64_t mode_satp;  /* t: satp at the last vcpu_set_mode */
    const struct memory_region *pte_region; /* t: where the last PTE was found */
    uint64_t mstatus_mask, menvcfg_mask; /* c: writable bits with this configuration */
    const struct decoder *decoder; /* c: shared by harts of one configuration */
    struct decoder *own_decoder;   /* c: the same, in the hart that frees it */
    uint64_t rows_seen[INSN_ROWS_MAX / 64]; /* t: a bit for each decode row that was translated */
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

/* ---- floating point (fp.c) ------------------------------------------------------------------------------------------------------- */

/* What was accumulated, here and by inline code. Inside generated code: behind IR_fp_save. */
uint8_t hart_fflags(const struct hart *h);
/* Sets both. Inside generated code: between IR_fp_save and IR_fp_load. The mode key is the caller's business. */
void hart_set_fcsr(struct hart *h, uint8_t frm, uint8_t fflags);
/* See struct tcg_config. */
uint64_t riscv_fp(void *env, unsigned op, unsigned type, unsigned rm, const uint64_t args[3]);

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
/* As hart_raise with the instruction's address in cpu.pc already; no unwind: the caller goes on at cpu.pc. */
void hart_trap(struct hart *h, enum cause cause, uint64_t tval);
/* Takes interrupt CAUSE: as hart_raise, without unwind; outside generated code. */
void hart_interrupt(struct hart *h, unsigned cause);
/* mret and sret without their checks: pc, privilege, mstatus. */
void hart_mret(struct hart *h);
void hart_sret(struct hart *h);
/* cpu_ops->fetch_fault, mmu_ops->fault and ->misaligned. */
void riscv_fetch_fault(struct vcpu *cpu, vaddr_t va, int code);
void riscv_mmu_fault(void *opaque, vaddr_t va, enum mmu_access access, int code);
void riscv_mmu_misaligned(void *opaque, vaddr_t va, enum mmu_access access);

/* ---- interrupts (irq.c) ------------------------------------------------------------------------------------------------------- */

/* Lines and the stimecmp timer of a new hart; undone by hart_irq_fini. */
void hart_irq_init(struct hart *h);
void hart_irq_fini(struct hart *h);
/* mip as software sees it: with the external line's SEIP, and STIP as of now. vCPU thread. */
uint64_t hart_mip(struct hart *h);
/* Sets mie, in an order that loses no interrupt; looks at poll. vCPU thread. */
void hart_set_mie(struct hart *h, uint64_t value);
/* Computes STIP again and arms the timer, after stimecmp or menvcfg.STCE changed. vCPU thread. */
void hart_update_stimer(struct hart *h);
/* cpu_ops. */
bool riscv_take_interrupt(struct vcpu *cpu);
bool riscv_has_work(struct vcpu *cpu);

/* ---- physical memory protection (pmp.c) ------------------------------------------------------------------------------------------ */

/* Computes entries from pmpcfg and pmpaddr after they changed. Does not flush. */
void pmp_update(struct hart *h);
/*
 * Permissions (PMP_R | ...) of an access to SIZE bytes at PA as MACHINE mode, or as S or U; 0 where entries forbid it or
 * match it in part only.
 */
unsigned pmp_check(struct hart *h, paddr_t pa, uint64_t size, bool machine);
/* The same for PA's whole page; *partial: the answer is not the same all over the page, and holds for PA..+SIZE only. */
unsigned pmp_check_page(struct hart *h, paddr_t pa, unsigned size, bool machine, bool *partial);

/* ---- page walk (walk.c) ----------------------------------------------------------------------------------------------------------- */

/* Fault codes of riscv_walk. */
enum { WALK_PAGE_FAULT = 1, WALK_ACCESS_FAULT = 2 };

/* mmu_ops->walk: see softmmu/tlb.h. */
int riscv_walk(void *opaque, vaddr_t va, unsigned size, enum mmu_access access, unsigned regime,
               struct mmu_walk *out);
/* Where VA leads in the current data regime, without side effects and whatever its permissions: monitor, gdb. */
bool hart_translate(struct hart *h, vaddr_t va, paddr_t *pa);

/* ---- CSRs (csr.c) ------------------------------------------------------------------------------------------------------------- */

enum csr_flags {
    CSR_ENDS_TB = 1, /* a write changes what translated code depends on, or what may interrupt */
    CSR_FP = 2,      /* needs FS */
    CSR_READ_PURE = 4, /* reading has no side effect and cannot trap in any privilege that may access it */
    CSR_RAW_MODIFY = 8, /* set and clear start from the field, not from what is read (mip.SEIP) */
    CSR_STATUS = 16,     /* a view of mstatus, with SD */
    CSR_EPC = 32,        /* writable but for the bits that IALIGN keeps zero */
    CSR_COUNTER = 64,    /* reads as the field plus, unless mcountinhibit stops it, host cycles */
};
/* What a CSR instruction comes to, as far as it can be told when it is translated for a privilege. */
enum csr_way {
    CSR_SHUT,       /* illegal */
    CSR_OPEN,       /* legal */
    CSR_IF_ENABLED, /* legal if mcounteren and, in U-mode, scounteren enable bit NUMBER & 31 */
    CSR_ASK,        /* csr_allowed must be asked when it runs */
};
struct csr_plan {
    enum csr_way way;
    unsigned flags;
    bool plain_read, plain_write; /* the field, without hooks */
    int32_t field;                /* offset in struct hart, or -1: zero, and writes are ignored */
    uint64_t writable;            /* of a plain write */
    uint64_t visible;             /* what a CSR_STATUS shows */
};
struct csr_plan csr_plan(const struct cpu_config *c, unsigned number, unsigned priv, bool write);
/* Flags of CSR NUMBER for the translator (0 for unknown ones: the helper raises). */
unsigned csr_flags(unsigned number);
/*
 * One CSR instruction on NUMBER by the guest at its privilege: false when it is illegal (nothing done). WRITE tells whether it
 * would write. csr_load gives the value, csr_store writes it; neither checks again.
 */
bool csr_allowed(struct hart *h, unsigned number, bool write);
uint64_t csr_load(struct hart *h, unsigned number);
void csr_store(struct hart *h, unsigned number, uint64_t value);
/* Name of NUMBER ("pmpaddr3") into BUF; false for unknown ones. */
bool csr_name(unsigned number, char *buf, size_t size);

/* ---- decoder and translator (decode.c, translate.c, disas.c) ------------------------------------------------------------------ */

struct decoder;
/* The decoder for a configuration's extensions; shared by its harts, constant. */
struct decoder *decoder_new(const struct cpu_config *c);
void decoder_free(struct decoder *d);
const struct decoder *hart_decoder(const struct hart *h); /* c */
/* The IR's globals (translate.c). */
extern const struct tcg_global riscv_globals[];
extern const unsigned riscv_nglobals;

void riscv_translate(struct vcpu *cpu, struct tcg_context *ctx, struct tb_source *src);
unsigned riscv_disas(struct vcpu *cpu, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                     size_t size);

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
#define HELPER(name, nargs, flags) \
    uint64_t helper_##name(struct hart *h, HELPER_ARGS##nargs int64_t imm);
#include "target-riscv/helpers.def"
#undef HELPER

#endif
