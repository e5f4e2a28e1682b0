/* SPDX-License-Identifier: MIT */
/*
 * What happens before the first guest instruction: images are read, checked and placed, and copied
 * into guest memory at start and at every reset. Where things go is what QEMU's `virt` does,
 * because guests depend on it:
 *
 *   firmware   raw: at the base of RAM; ELF: its own physical addresses
 *   kernel     raw, Image: after the firmware, 2 MiB aligned (0x80200000 with OpenSBI, the base of RAM
 *              without firmware);
 *              ELF: its own physical addresses
 *   initrd     half the RAM, at most 512 MiB, above the kernel's lowest address
 *   DTB        2 MiB aligned, as near to the end of RAM as it fits
 *   MROM       reset vector with the fw_dynamic hand-off
 *
 * boot_new changes no guest memory: a bad image is refused before anything was started.
 */
#ifndef FIRMWARE_BOOT_H
#define FIRMWARE_BOOT_H

#include "hw/host/err.h"
#include "softmmu/memory.h"

struct boot;

/* -device loader: an image or a value, put into guest memory at reset. */
struct boot_extra {
    const char *file; /* NULL: data */
    bool has_addr;    /* without: the file is an ELF with its own addresses */
    bool force_raw;
    uint64_t addr;
    uint64_t data;
    unsigned data_len; /* 1..8 */
};

/* All strings are borrowed until boot_new returns. NULL where the option was not given. */
struct boot_options {
    const char *bios; /* NULL or "default", "none", or a file */
    const char *kernel;
    const char *initrd;
    const char *append;
    const char *dtb;                /* use this tree instead of FDT */
    const char *const *search_dirs; /* -L */
    unsigned nsearch_dirs;
    const struct boot_extra *extras;
    unsigned nextras;
    /* No reset will ask for the images again: they are dropped after the first boot_load. */
    bool once;
};

struct boot_layout {
    paddr_t ram_base;
    uint64_t ram_size;
    paddr_t mrom_base;
    uint64_t mrom_size;
};

/*
 * Reads and places everything. FDT is the tree that the board built (fdt_build; owned by the boot
 * from now on, freed on failure too; NULL with o->dtb). NULL with ERR when an image is missing,
 * damaged, of another architecture or too large, or when two overlap.
 */
struct boot *boot_new(const struct boot_options *o, const struct boot_layout *l,
                      const struct memory_map *map, void *fdt, struct err *err);
void boot_free(struct boot *b);

/* Copies all images into MAP, with a fresh rng-seed. Before harts run or with them stopped. */
int boot_load(struct boot *b, struct memory_map *map, struct err *err);

/* The device tree as the guest gets it, and its size. */
const void *boot_fdt(const struct boot *b, size_t *size);
/* Where harts start: the reset vector. */
paddr_t boot_reset_pc(const struct boot *b);

/* The firmware that `-bios default` means, into PATH; -ENOENT with ERR when no place has one. */
int firmware_find(char *path, size_t size, const char *const *dirs, unsigned ndirs,
                  struct err *err);

#endif
