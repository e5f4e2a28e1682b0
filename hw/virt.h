/* SPDX-License-Identifier: MIT */
/*
 * The `virt` board and its life: built from options and configs/virt.def (virt.c), run by the
 * control loop on the main thread (run.c). Only the main thread touches this struct, except where
 * vCPU threads reach the embedded machine.
 */
#ifndef HW_VIRT_H
#define HW_VIRT_H

#include "devices/devices.h"
#include "firmware/boot.h"
#include "hw/core/machine.h"
#include "hw/options.h"

enum virt_device {
#define DEVICE(id, model, base, irq, config) VIRT_##id,
#include "configs/virt.def"
    VIRT_DEVICE_COUNT,
};

struct monitor;
struct disk;
struct console;

struct virt {
    struct machine machine;
    const struct options *o; /* c */
    struct accel *accel;
    struct hart **harts; /* c: o->nharts of them */
    struct boot *boot;
    struct device *devices[VIRT_DEVICE_COUNT]; /* c; the machine owns them */
    struct console *serials[MAX_SERIALS];      /* NULL: none */
    struct console *monitor_console;           /* NULL: none of its own */
    struct monitor *monitor;
    struct disk *disks[VIRT_VIRTIO_SLOTS]; /* by slot of o->blks */

    /* Configurations of the devices; they live as long as these. */
    const struct irq **hart_lines; /* msip, then mtip, of each hart */
    uint32_t *intc_phandles;       /* of each hart */
    struct plic_context *contexts; /* two for each hart */
    struct clint_config clint;
    struct plic_config plic;
    struct sifive_test_config finisher;
    struct ns16550a_config uart;
    struct virtio_mmio_config virtio[VIRT_VIRTIO_SLOTS];
    struct virtio_blk_config blk[VIRT_VIRTIO_SLOTS];

    bool started; /* the vCPU threads run */
    bool stopped; /* by the user, or by a guest's shutdown under -no-shutdown */
    int signal_fd;
    struct err failure; /* why virt_run ended badly; empty otherwise */
};

/*
 * Builds the whole machine and loads its images; nothing runs yet. NULL with ERR. O must outlive
 * it.
 */
struct virt *virt_new(const struct options *o, struct err *err);
/* After virt_run, or instead of it. */
void virt_free(struct virt *v);

/*
 * Runs the guest until it shuts down, a signal ends it or the user quits. Returns its exit status,
 * or -errno with ERR. The signals of virt_block_signals must be blocked.
 */
int virt_run(struct virt *v, struct err *err);
/* Before any thread is created. */
void virt_block_signals(void);

/* The following are for the monitor: main thread, BQL not held. */
void virt_stop(struct virt *v);
int virt_cont(struct virt *v, struct err *err);
/* Ends virt_run with status 0. */
void virt_quit(struct virt *v);
/* Registers of all harts; they are stopped meanwhile. */
void virt_dump_harts(struct virt *v, FILE *out);

#endif
