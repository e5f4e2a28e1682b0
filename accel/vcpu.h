/* SPDX-License-Identifier: MIT */
/*
 * The engine as the target sees it: struct vcpu, which the target embeds in its hart right behind
 * the integer registers, the operations that the target gives (struct cpu_ops), and what it may
 * ask for.
 *
 * Lock letters: c constant after creation, t owner vCPU thread only, a atomic.
 */
#ifndef ACCEL_VCPU_H
#define ACCEL_VCPU_H

#include "accel/accel.h"
#include "hw/host/atomic.h"
#include "hw/host/thread.h"
#include "softmmu/tlb.h"
#include "tcg/tcg.h"

#define JC_INDEX_BITS 14
#define JC_ENTRIES    (1u << JC_INDEX_BITS)

/*
 * Jump cache: where code for a guest address is: in the entry of its hash or the one beside (index
 * ^ 1). va = -1: empty. Other threads may only set va to -1.
 */
struct jc_entry {
    uint64_t va;         /* a */
    uint64_t key;        /* t: mode key | space id << 32 */
    const uint8_t *code; /* t: the polling entry */
    struct tb *tb;       /* t */
};
_Static_assert(sizeof(struct jc_entry) == 32, "generated code scales by it");

/* Bits of the poll word. */
enum {
    VCPU_POLL_IRQ = 1,    /* look at interrupts */
    VCPU_POLL_WORK = 2,   /* safe work or pause is asked for */
    VCPU_POLL_SLICE = 4,  /* thread=single: the next hart's turn */
    VCPU_POLL_EXIT = 8,   /* end the thread */
    VCPU_POLL_LEAVE = 16, /* come out of generated code: softmmu waits for it */
};

struct vcpu {
    /* hot: generated code reaches these with one byte of displacement */
    uint32_t poll;       /* a: VCPU_POLL_* */
    uint32_t unwind;     /* t: a helper raised: not back to the TB */
    struct tlb_view tlb; /* t: of the current data regime */
    struct jc_entry *jc; /* c */
    uint64_t jc_key;     /* t: mode key, space id << 32 */
    uint64_t pc_page;    /* t: page of the running TB */
    uint64_t pc;         /* t: exact only outside generated code: see vcpu_sync_pc */
    uint64_t host_ra;    /* t */
    uint64_t host_sp;    /* t */

    uint32_t data_regime;  /* t: of loads and stores (MPRV applied) */
    uint32_t fetch_regime; /* t */
    uint32_t mode_key;     /* t: what translation depends on; the target's bits */
    bool waiting;          /* t: wfi: sleep until cpu_ops->has_work */
    struct mmu mmu;        /* t, see tlb.h */

    struct accel *accel;        /* c */
    const struct cpu_ops *ops;  /* c */
    unsigned index;             /* c: 0..nharts-1 */
    struct vcpu_engine *engine; /* c: the engine's own (context, code region, statistics) */
};

/* Where translation reads guest code from. */
struct tb_source {
    /* Guest address of the page: only for what -d prints; code is position-independent. */
    uint64_t pc_page;
    int32_t pc_off;      /* first instruction, from pc_page: 0..4094 */
    const uint8_t *host; /* a private copy of the page's bytes, from pc_off on */
    const uint8_t *next; /* the following page's, if the first instruction crosses; else NULL */
    uint32_t mode_key;
    unsigned max_insns;
    bool superblock; /* go on through not-taken branches and direct jumps forward */
    bool fuse_lrsc;
    /* results */
    int32_t end_off; /* behind the last byte of guest code that the TB depends on */
    unsigned ninsns;
};

/* What the engine needs from the target. All on the vCPU's thread. */
struct cpu_ops {
    /*
     * Builds IR for src: insn_start before each instruction; ends with a goto_*, exit_loop or a
     * call that never returns. Stops before an instruction that crosses the page, unless it is the
     * first (then it is the only one). Never reads beyond the page.
     */
    void (*translate)(struct vcpu *cpu, struct tcg_context *ctx, struct tb_source *src);
    /*
     * Takes the highest interrupt that can be taken now, if any: sets pc and mode. True if it
     * did.
     */
    bool (*take_interrupt)(struct vcpu *cpu);
    /*
     * True if a hart in wfi must wake: an enabled interrupt is pending, whatever the global
     * enable says.
     */
    bool (*has_work)(struct vcpu *cpu);
    /* Raises the exception for a failed instruction fetch at VA: CODE from mmu_fetch. */
    void (*fetch_fault)(struct vcpu *cpu, vaddr_t va, int code);
    /* One instruction of guest code as text for in_asm: returns its length. */
    unsigned (*disas)(struct vcpu *cpu, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                      size_t size);
    void (*dump)(struct vcpu *cpu, FILE *out, bool with_fpu);
    /* A short word for the privilege mode of a mode key, for -perfmap. Any thread. */
    const char *(*mode_name)(uint32_t mode_key);
};

/* ---- creation (main thread, before accel_start) -------------------------------------------- */

/*
 * What is the same for all harts, given once: the IR's globals and helpers. env is the start of
 * the hart.
 */
struct cpu_model_desc {
    const struct cpu_ops *ops;
    const struct mmu_ops *mmu_ops; /* opaque: the struct vcpu */
    const struct tcg_global *globals;
    unsigned nglobals;
    const struct tcg_helper *helpers;
    unsigned nhelpers;
    /* What floating-point ops mean, and where the control word is: see tcg/tcg.h. */
    uint64_t (*fp)(void *env, unsigned op, unsigned type, unsigned rm, const uint64_t args[3]);
    int32_t fpu_control;
    int32_t vcpu_offset; /* of struct vcpu in the hart: env = (char *)cpu - vcpu_offset */
    int32_t env_bias;    /* see tcg_layout */
};
/* Where generated code for the vCPUs of D finds things. */
struct tcg_layout vcpu_layout(const struct cpu_model_desc *d);
/* Initialises the embedded CPU and adds it to A. DESC's tables are constant. */
int vcpu_init(struct vcpu *cpu, struct accel *a, const struct cpu_model_desc *desc,
              struct err *err);
void vcpu_fini(struct vcpu *cpu);

/* ---- asked for by the target, on the vCPU's own thread ------------------------------------- */

/*
 * Makes cpu->pc exact inside a helper or slow path: the address of the guest instruction that
 * called. (From host_ra; no effect outside generated code.)
 */
void vcpu_sync_pc(struct vcpu *cpu);
/*
 * After a helper changed pc and must not return to the TB (traps): sets unwind. cpu->pc is what
 * comes next, through the jump cache if it is there: only the poll word is looked at on the way.
 */
static inline void vcpu_unwind(struct vcpu *cpu)
{
    cpu->unwind = 1;
}
/*
 * The translation state changed: new mode key, regimes, or address space (KEY as for mmu_select;
 * ignored while both regimes are bare). Cheap: swaps pointers. The TB must end after the
 * instruction (exit_loop, goto_env_pc, unwind), because the running code was made for the old
 * mode.
 */
void vcpu_set_mode(struct vcpu *cpu, uint32_t mode_key, unsigned data_regime, unsigned fetch_regime,
                   uint64_t space_key);
/* sfence.vma and PMP changes: TLB and jump cache. MATCH and ARG as mmu_flush_slots. */
void vcpu_flush_all(struct vcpu *cpu);
void vcpu_flush_paged(struct vcpu *cpu);
void vcpu_flush_slots(struct vcpu *cpu, bool (*match)(uint64_t key, uint64_t arg), uint64_t arg);
void vcpu_flush_page(struct vcpu *cpu, vaddr_t va, bool (*match)(uint64_t key, uint64_t arg),
                     uint64_t arg);
/* fence.i: drops the TBs whose bytes changed. False: there was nothing to do here; but another hart
 * may have dropped the running TB: find the next one again. */
bool vcpu_fence_i(struct vcpu *cpu);
/*
 * wfi: the main loop will sleep until has_work. The TB must end after it with exit_loop.
 */
static inline void vcpu_wait(struct vcpu *cpu)
{
    cpu->waiting = true;
}

/* ---- any thread ---------------------------------------------------------------------------- */

/* Sets BITS in the poll word and wakes the vCPU if it sleeps. */
void vcpu_kick(struct vcpu *cpu, uint32_t bits);
unsigned accel_vcpu_count(const struct accel *a);
struct vcpu *accel_vcpu(const struct accel *a, unsigned index);
const struct accel_options *accel_options(const struct accel *a);

#endif
