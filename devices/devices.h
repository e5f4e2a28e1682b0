/* SPDX-License-Identifier: MIT */
/*
 * The front door of devices/: every model with its configuration. The board fills a config, which
 * lives as long as the device, and passes it to device_new; models that say "no config" take NULL.
 * phandle fields are read only when the FDT is written, so they may be filled in after device_new.
 */
#ifndef DEVICES_DEVICES_H
#define DEVICES_DEVICES_H

#include "hw/core/device.h"

struct console;
struct disk;

/*
 * --- sifive-test: power off and reset (the FDT "syscon"). Config may be NULL: then no phandle and
 * no /poweroff, /reboot.
 */
struct sifive_test_config {
    uint32_t phandle;
};
extern const struct device_model sifive_test_model;
/*
 * Adds the /poweroff and /reboot nodes that refer to DEV's phandle to the root. Shifts node
 * offsets. 0 or a libfdt error.
 */
int sifive_test_fdt_syscon(const struct device *dev, void *fdt);

/* --- goldfish-rtc: wall-clock time in nanoseconds with one alarm. No config. */
extern const struct device_model goldfish_rtc_model;

/* --- clint: ACLINT MSWI and MTIMER at the offsets of the SiFive CLINT. */
struct clint_config {
    unsigned nharts;
    const struct irq *const *msip; /* nharts lines: machine software interrupts (cause 3) */
    const struct irq *const *mtip; /* nharts lines: machine timer interrupts (cause 7) */
    const uint32_t *intc_phandles; /* nharts phandles of the cpus' interrupt-controller nodes */
};
extern const struct device_model clint_model;

/* --- plic: the platform-level interrupt controller. */
struct plic_context {
    const struct irq *irq; /* the hart's external interrupt line */
    uint32_t intc_phandle; /* of its cpu's interrupt-controller node */
    uint32_t cause;        /* 11: machine, 9: supervisor */
};
struct plic_config {
    unsigned nsources;  /* 1..1023: sources are numbered 1..nsources; virt: 95 */
    unsigned ncontexts; /* virt: 2 per hart, machine first */
    const struct plic_context *contexts;
    uint32_t phandle;
};
extern const struct device_model plic_model;
/* The input line of SOURCE (1..nsources). Any thread; level-triggered. */
const struct irq *plic_input(struct device *plic, unsigned source);

/* --- ns16550a: serial port with 16-byte FIFOs. */
struct ns16550a_config {
    struct console *console; /* NULL: output vanishes, no input */
    uint32_t clock_hz;       /* virt: 3686400 */
};
extern const struct device_model ns16550a_model;

/* --- virtio-mmio: one transport slot. Without config or backend it is empty (DeviceID 0). */
struct virtio_model; /* devices/virtio.h */
struct virtio_mmio_config {
    const struct virtio_model *backend;
    const void *backend_config;
    bool force_legacy; /* the register layout of virtio 0.9.5 (QEMU's default) */
};
extern const struct device_model virtio_mmio_model;

/* --- virtio-blk: a backend for a transport. */
struct virtio_blk_config {
    struct disk *disk;
    const char *serial;  /* up to 20 bytes; NULL: the disk's own, or none */
    unsigned num_queues; /* 1..64; 0: 1 */
    unsigned queue_size; /* power of two, 2..1024; 0: 256 */
};
extern const struct virtio_model virtio_blk_model;

#endif
