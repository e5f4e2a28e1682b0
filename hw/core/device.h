/* SPDX-License-Identifier: MIT */
/*
 * The device framework. A device is one file that exports a const struct device_model; the board (configs/virt.def) gives
 * it one row. device_new allocates the state, the board maps its MMIO range and wires its lines.
 *
 * The bus guarantees: accesses within [0, size) with min_access <= length <= max_access, naturally aligned, little-endian
 * values; the BQL held around every callback unless the model says `lockless` (then read/write come concurrently from any
 * vCPU thread without it); no call after destroy.
 * The author guarantees: any offset or value from the guest is survived; guest structures are copied before they are
 * checked; other devices are reached only through irq_set().
 */
#ifndef HW_CORE_DEVICE_H
#define HW_CORE_DEVICE_H

#include "hw/core/irq.h"
#include "hw/host/err.h"

struct machine;
struct device;

struct device_model {
    const char *name;       /* as in -device and in messages */
    const char *compatible; /* FDT compatible list, NUL-separated, ended by an empty string ("a\0b\0"); NULL: writes no node */
    const char *node;       /* FDT node name before the @ */
    uint64_t size;          /* of the MMIO range; 0: the device computes it in init (dev->size) */
    unsigned min_access, max_access; /* bytes, powers of two, <= 8 */
    size_t state_size;
    bool lockless;
    /* Fills the zeroed state from dev->config. Returns 0, or -errno with ERR. No guest runs yet. */
    int (*init)(struct device *dev, struct err *err);
    void (*reset)(struct device *dev); /* to power-on state; BQL held, vCPUs stopped */
    uint64_t (*read)(struct device *dev, uint64_t offset, unsigned size);
    void (*write)(struct device *dev, uint64_t offset, uint64_t value, unsigned size);
    /*
     * Adds this device's own properties to its node at offset NODE of FDT, after reg, compatible, interrupts and
     * interrupt-parent were written by the board. Returns 0 or a libfdt error. May be NULL.
     */
    int (*fdt)(struct device *dev, void *fdt, int node);
    void (*destroy)(struct device *dev);
};

struct device {
    const struct device_model *model; /* c */
    struct machine *machine;          /* c */
    const char *id;                   /* c, for messages; owned by the creator */
    const void *config;               /* c: model-specific parameters, lives as long as the device */
    uint64_t base, size;              /* c: where the board mapped it */
    const struct irq *irq;            /* c: first output line; more through config */
    unsigned irq_number;              /* c: interrupt source number for FDT, 0 = none */
    void *state;                      /* the model's own struct */
    struct device *next;              /* c: the machine's list, in board order */
};

/* Allocates and initialises. NULL with ERR on failure. Main thread, before harts run. */
struct device *device_new(const struct device_model *model, struct machine *m, const char *id, uint64_t base,
                          const struct irq *irq, unsigned irq_number, const void *config, struct err *err);
void device_free(struct device *dev);

#endif
