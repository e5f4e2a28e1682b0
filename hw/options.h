/* SPDX-License-Identifier: MIT */
/*
 * The command line as a struct. The set of options is configs/options.def; their syntax is QEMU's.
 * Whatever is not supported is refused with one line that names it, before anything was opened.
 */
#ifndef HW_OPTIONS_H
#define HW_OPTIONS_H

#include "accel/accel.h"
#include "configs/limits.h"
#include "firmware/boot.h"
#include "hw/props.h"
#include "target-riscv/cpu.h"

/*
 * What -drive if= says, or that it says nothing: then a -device may take it, else it becomes a
 * virtio disk.
 */
enum drive_interface { DRIVE_UNSPECIFIED, DRIVE_NONE, DRIVE_VIRTIO };

struct drive_option {
    const char *id; /* NULL: nothing can refer to it */
    const char *file;
    const char
        *file_node; /* blockdev: the node below that has the file; resolved by options_parse */
    const char *serial;
    enum drive_interface interface;
    bool read_only, snapshot, no_flush, discard;
    bool claimed; /* a device uses it */
};

/* -device virtio-blk-device, and the disks of -drive if=virtio. */
struct blk_option {
    const char *drive_id;
    const struct drive_option *drive; /* set by options_parse */
    const char *serial;
    unsigned num_queues, queue_size; /* 0: default */
    int slot; /* virtio-mmio-bus.N; set by options_parse where the user did not */
};

struct chardev_option {
    const char *id;
    const char *spec; /* for console_new */
    bool mux;
};

struct options {
    struct string_pool pool;
    unsigned nharts;
    uint64_t ram_size;
    struct cpu_config cpu;
    struct accel_options accel;
    struct boot_options boot;
    const char *dumpdtb;
    const char *dirs[MAX_DIRS];
    struct boot_extra loaders[MAX_LOADERS];
    struct drive_option drives[MAX_DRIVES];
    unsigned ndrives;
    struct blk_option blks[VIRT_VIRTIO_SLOTS];
    unsigned nblks;
    struct chardev_option chardevs[MAX_CHARDEVS];
    unsigned nchardevs;
    const char *serials[MAX_SERIALS]; /* specs for console_new; the first is UART0's */
    unsigned nserials;
    /* Spec for console_new; NULL: none of its own (mon:stdio shares the serial port's). */
    const char *monitor;
    const char *mon_chardev;
    bool monitor_given, nographic, display_none, nodefaults;
    bool force_legacy; /* virtio-mmio */
    bool snapshot, no_reboot, no_shutdown, start_stopped;
    int escape_char;
    const char *name, *pidfile;
    const char *log_path;
    uint32_t log_mask;
};

/*
 * Fills O from ARGV. 0; 1 when an option (help, version, lists) has printed what was asked and the
 * program should end with status 0; -errno with ERR. options_free in every case.
 */
int options_parse(struct options *o, int argc, char **argv, FILE *out, struct err *err);
void options_free(struct options *o);

#endif
