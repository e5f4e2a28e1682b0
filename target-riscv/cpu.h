/* SPDX-License-Identifier: MIT */
/*
 * The hart as the board sees it: CPU models and their properties, creation, interrupt lines, the
 * facts that the FDT needs. What the target's own files share is target-riscv/hart.h.
 */
#ifndef TARGET_RISCV_CPU_H
#define TARGET_RISCV_CPU_H

#include "accel/accel.h"
#include "hw/core/irq.h"
#include "hw/core/machine.h"
#include <stdio.h>

enum isa_ext {
#define ISA_EXT(id, name, version, requires) EXT_##id,
#include "configs/isa.def"
#undef ISA_EXT
    EXT_COUNT,
};
_Static_assert(EXT_COUNT <= 128, "struct cpu_config has room for 128 extensions");

enum satp_mode { SATP_BARE = 0, SATP_SV39 = 8, SATP_SV48 = 9, SATP_SV57 = 10 };

/* What -cpu asked for. Constant after the machine is created; shared by all harts. */
struct cpu_config {
    const char *model; /* row of configs/cpu-models.def */
    uint64_t ext[2];   /* bitmap of enum isa_ext */
    enum satp_mode max_satp;
    unsigned npmp;         /* 0, 16 */
    bool misaligned_fault; /* misaligned=off: raise instead of doing */
};

static inline bool cpu_has(const struct cpu_config *c, enum isa_ext e)
{
    return (c->ext[e / 64] >> (e % 64)) & 1;
}

/*
 * Parses "MODEL[,prop=on|off|true|false|VALUE]...". Unknown model or property, bad value, or an
 * extension whose requirements are off: -EINVAL, ERR names it.
 */
int cpu_config_parse(struct cpu_config *c, const char *spec, struct err *err);
/* Prints the models, one a line (-cpu help). */
void cpu_models_print(FILE *out);

/*
 * FDT strings: "riscv,isa" ("rv64imafdc_zicsr..."), and "riscv,isa-extensions" as a NUL-separated
 * list. Return the length with all NULs, or -ENOSPC.
 */
int cpu_isa_string(const struct cpu_config *c, char *buf, size_t size);
int cpu_isa_extensions(const struct cpu_config *c, char *buf, size_t size);
/* "riscv,sv39" and its like, for mmu-type; "riscv,none" without an MMU. */
const char *cpu_mmu_type(const struct cpu_config *c);

struct hart;

/*
 * Creates hart HARTID and its vCPU in A. C must outlive it. NULL with ERR. Main thread, before
 * accel_start.
 */
struct hart *hart_new(struct machine *m, struct accel *a, const struct cpu_config *c,
                      unsigned hartid, struct err *err);
void hart_free(struct hart *h);
/* To the reset state: M-mode, pc = RESET_PC. vCPU stopped. */
void hart_reset(struct hart *h, uint64_t reset_pc);
/*
 * The input line for interrupt CAUSE (1, 3, 5, 7, 9, 11: bit of mip). Setting it is safe from any
 * thread, with or without the BQL; it kicks the hart when the interrupt can be taken.
 */
const struct irq *hart_irq(struct hart *h, unsigned cause);
/*
 * Registers as QEMU's `info registers` names them (pc, x, privileged CSRs, f if asked). vCPU
 * stopped, or best effort.
 */
void hart_dump(struct hart *h, FILE *out, bool with_fpu);
/*
 * Prints, in one line each, the names of the decode rows that some of the N harts have
 * translated, and of those that none has: for tests that want every row run (-d stats). Any
 * thread; exact when the vCPUs are stopped.
 */
void hart_print_rows(struct hart *const *harts, unsigned n, FILE *out);

#endif
