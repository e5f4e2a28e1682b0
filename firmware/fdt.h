/* SPDX-License-Identifier: MIT */
/*
 * The board's device tree, through libfdt: root, /chosen, /aliases, /cpus, /memory, /soc with one
 * node per device, poweroff and reboot. A device's own properties come from its model's fdt hook.
 * Node for node what QEMU's `virt` gives for these devices, in the same order.
 *
 * Phandles, as QEMU hands them out: hart i has 2 * (nharts - i) - 1, its interrupt controller the
 * number after that, the platform interrupt controller (PLIC) 2 * nharts + 1, the finisher (syscon)
 * 2 * nharts + 2.
 */
#ifndef FIRMWARE_FDT_H
#define FIRMWARE_FDT_H

#include "hw/core/machine.h"
#include "hw/host/err.h"

#define FDT_APPEND_MAX    65536 /* bytes of a kernel command line, with its NUL */
#define FDT_RNG_SEED_SIZE 32

/* What one hart is, as the tree says it. All harts are alike. */
struct fdt_cpus {
    unsigned nharts;
    uint32_t timebase_hz;
    const char *isa;            /* riscv,isa */
    const char *isa_base;       /* riscv,isa-base */
    const char *isa_extensions; /* riscv,isa-extensions: NUL-separated */
    int isa_extensions_len;
    const char *mmu_type;
    /* Block sizes in bytes; 0: the hart has no such instructions. */
    unsigned cbom_size, cbop_size, cboz_size;
};

struct fdt_board {
    const char *model, *compatible;
    struct fdt_cpus cpus;
    uint64_t ram_base, ram_size;
    /* In board order; those whose model has a `compatible` get a node. */
    const struct device *devices;
    const struct device *console; /* stdout-path and serial0; may be NULL */
    const struct device *finisher;
    /*
     * Writes /poweroff and /reboot that refer to FINISHER; returns 0 or a libfdt error. May be
     * NULL.
     */
    int (*power_nodes)(const struct device *finisher, void *fdt);
};

/*
 * Phandles of hart HARTID's interrupt controller, of the irqchip, and of the finisher: the board
 * puts them into the configs.
 */
uint32_t fdt_phandle_intc(unsigned nharts, unsigned hartid);
uint32_t fdt_phandle_irqchip(unsigned nharts);
uint32_t fdt_phandle_finisher(unsigned nharts);

/* A malloc'ed tree with room for more (boot_new packs it). NULL with ERR. */
void *fdt_build(const struct fdt_board *b, struct err *err);

#endif
