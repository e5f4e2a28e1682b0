/* SPDX-License-Identifier: MIT */
/*
 * What the firmware folder's files share: host files, decompression, image formats. Not for other
 * folders.
 */
#ifndef FIRMWARE_INTERNAL_H
#define FIRMWARE_INTERNAL_H

#include "firmware/boot.h"

/* A host file's bytes, read-only; mapped, or read where mapping is impossible. */
struct file_view {
    const uint8_t *data;
    size_t size;
    bool mapped;
};

/* Bytes for guest memory at PA: SIZE of DATA, then ZERO bytes of zeroes. */
struct blob {
    char name[48]; /* "kernel", for messages */
    paddr_t pa;
    uint8_t *data;
    uint64_t size;
    uint64_t zero;
};

struct blob_list {
    struct blob *v;
    unsigned n, room;
};

/* What an image said about itself once it was placed. */
struct image_info {
    paddr_t low, high; /* lowest address, and the one after the highest (with zero-filled part) */
    paddr_t entry;
};

/* Where images may go. */
struct image_target {
    const struct memory_map *map;
    uint64_t max_size; /* of a decompressed image: the RAM's */
};

/*
 * The file whole. Directories, unreadable and empty files: -errno; ERR has the reason without the
 * name.
 */
int file_view_open(struct file_view *f, const char *path, struct err *err);
void file_view_close(struct file_view *f);

/* Adds a copy of SIZE bytes of DATA, to be followed by ZERO bytes of zeroes. */
int blob_add(struct blob_list *l, const char *name, paddr_t pa, const void *data, uint64_t size,
             uint64_t zero, struct err *err);
void blob_list_free(struct blob_list *l);
/* Two images (blobs of different names) that share a byte: -EINVAL, ERR names both. */
int blob_list_check_overlap(const struct blob_list *l, struct err *err);

bool image_is_elf(const uint8_t *data, size_t size);
/* Adds one blob per PT_LOAD of an ELF64 little-endian RISC-V file. */
int image_load_elf(struct blob_list *l, const char *name, const uint8_t *data, size_t size,
                   const struct image_target *t, struct image_info *info, struct err *err);
/*
 * Flat bytes (Linux Image, U-Boot, OpenSBI .bin) at PA. Refuses what is known to be for another
 * architecture.
 */
int image_load_raw(struct blob_list *l, const char *name, paddr_t pa, const uint8_t *data,
                   size_t size, const struct image_target *t, struct image_info *info,
                   struct err *err);

/*
 * Any image: opens PATH, unpacks gzip and EFI zboot, takes ELF by its addresses and everything else
 * at PA.
 */
int image_load_file(struct blob_list *l, const char *name, const char *path, paddr_t pa,
                    bool unpack, const struct image_target *t, struct image_info *info,
                    struct err *err);

/* True if DATA is gzip, or an EFI zboot image around a compressed payload. */
bool image_is_packed(const uint8_t *data, size_t size);
/*
 * Decompresses it into malloc'ed *OUT of *OUT_SIZE <= MAX bytes. -EFBIG beyond, -EINVAL for damage
 * or another method.
 */
int image_unpack(const uint8_t *data, size_t size, uint64_t max, uint8_t **out, size_t *out_size,
                 struct err *err);

/* Whether PA..+SIZE lies in one RAM (or ROM) region; -EINVAL with ERR saying why not. */
int image_check_range(const struct image_target *t, paddr_t pa, uint64_t size, struct err *err);

/* The code and data of the MROM; returns its length. See reset-vector.c. */
#define RESET_VECTOR_SIZE 88
void reset_vector_build(uint8_t rom[RESET_VECTOR_SIZE], paddr_t start, paddr_t fdt, paddr_t kernel);

/* Opens a user's DTB into a fresh buffer with room for boot_fdt_patch. */
void *boot_fdt_from_file(const char *path, struct err *err);
/* bootargs and initrd in /chosen (0,0: none). */
int boot_fdt_patch(void *fdt, const char *append, paddr_t initrd_start, paddr_t initrd_end,
                   struct err *err);
/* Overwrites /chosen/rng-seed, if there is one, with fresh random bytes. */
void boot_fdt_reseed(void *fdt);

#endif
