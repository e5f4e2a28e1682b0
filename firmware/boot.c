/* SPDX-License-Identifier: MIT */
/*
 * Places firmware, kernel, initrd, device tree and reset vector (firmware/boot.h has the rules) and
 * copies them into guest memory. The list of blobs is complete and checked before the first byte is
 * copied.
 */
#include "firmware/boot.h"
#include "firmware/internal.h"
#include "hw/host/bits.h"
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB(n)            ((uint64_t)(n) << 20)
#define PLACE_ALIGN       MIB(2)
#define INITRD_MAX_OFFSET MIB(512)

struct boot {
    struct boot_options o; /* valid during boot_new only, but for `once` */
    struct boot_layout layout;
    struct image_target target;
    struct blob_list blobs;
    struct image_info firmware, kernel;
    paddr_t initrd_start, initrd_end;
    paddr_t fdt_address;
    void *fdt;
    bool loaded;
};

static int load_firmware(struct boot *b, struct err *err)
{
    char path[1024];
    const char *file = b->o.bios;
    paddr_t base = b->layout.ram_base;
    int code;

    b->firmware = (struct image_info){.low = base, .high = base, .entry = base};
    if (file && strcmp(file, "none") == 0) {
        return 0;
    }
    if (!file || strcmp(file, "default") == 0) {
        code = firmware_find(path, sizeof(path), b->o.search_dirs, b->o.nsearch_dirs, err);
        if (code < 0) {
            return code;
        }
        file = path;
    }
    code = image_load_file(&b->blobs, "the firmware", file, base, false, &b->target, &b->firmware,
                           err);
    if (code < 0) {
        err_prefix(err, "could not load firmware '%s'", file);
    }
    return code;
}

static int load_kernel(struct boot *b, struct err *err)
{
    paddr_t place = align_up(b->firmware.high, PLACE_ALIGN);
    int code;

    if (!b->o.kernel) {
        return 0;
    }
    code = image_load_file(&b->blobs, "the kernel", b->o.kernel, place, true, &b->target,
                           &b->kernel, err);
    if (code < 0) {
        err_prefix(err, "could not load kernel '%s'", b->o.kernel);
    }
    return code;
}

static int add_initrd(struct boot *b, const struct file_view *f, struct err *err)
{
    uint64_t offset = MIN(b->layout.ram_size / 2, INITRD_MAX_OFFSET);
    int code;

    b->initrd_start = b->kernel.low + offset;
    b->initrd_end = b->initrd_start + f->size;
    code = image_check_range(&b->target, b->initrd_start, f->size, err);
    return code < 0 ? code
                    : blob_add(&b->blobs, "the initrd", b->initrd_start, f->data, f->size, 0, err);
}

static int load_initrd(struct boot *b, struct err *err)
{
    struct file_view f;
    int code;

    if (!b->o.initrd) {
        return 0;
    }
    code = file_view_open(&f, b->o.initrd, err);
    if (code == 0) {
        code = add_initrd(b, &f, err);
        file_view_close(&f);
    }
    if (code < 0) {
        err_prefix(err, "could not load ramdisk '%s'", b->o.initrd);
    }
    return code;
}

static int load_extra_data(struct boot *b, const char *name, const struct boot_extra *x,
                           struct err *err)
{
    uint8_t bytes[8];
    int code = image_check_range(&b->target, x->addr, x->data_len, err);

    store_le64(bytes, x->data);
    code = code < 0 ? code : blob_add(&b->blobs, name, x->addr, bytes, x->data_len, 0, err);
    if (code < 0) {
        err_prefix(err, "-device loader,data=");
    }
    return code;
}

static int load_extra_bytes(struct boot *b, const char *name, const struct boot_extra *x,
                            const struct file_view *f, struct err *err)
{
    struct image_info info;

    if (image_is_elf(f->data, f->size) && !x->force_raw) {
        return image_load_elf(&b->blobs, name, f->data, f->size, &b->target, &info, err);
    }
    if (!x->has_addr) {
        return err_set(err, -EINVAL, "not an ELF file: it needs addr=");
    }
    return image_load_raw(&b->blobs, name, x->addr, f->data, f->size, &b->target, &info, err);
}

static int load_extra(struct boot *b, unsigned i, const struct boot_extra *x, struct err *err)
{
    struct file_view f;
    char name[40];
    int code;

    snprintf(name, sizeof(name), "-device loader number %u", i + 1);
    if (!x->file) {
        return load_extra_data(b, name, x, err);
    }
    code = file_view_open(&f, x->file, err);
    if (code == 0) {
        code = load_extra_bytes(b, name, x, &f, err);
        file_view_close(&f);
    }
    if (code < 0) {
        err_prefix(err, "-device loader: could not load '%s'", x->file);
    }
    return code;
}

static int load_extras(struct boot *b, struct err *err)
{
    int code = 0;

    for (unsigned i = 0; code == 0 && i < b->o.nextras; i++) {
        code = load_extra(b, i, &b->o.extras[i], err);
    }
    return code;
}

static int place_fdt(struct boot *b, struct err *err)
{
    uint64_t size = fdt_totalsize(b->fdt), ram = b->layout.ram_size;

    if (size > ram) {
        return err_set(err, -EFBIG, "the device tree (%llu bytes) does not fit into RAM",
                       (unsigned long long)size);
    }
    b->fdt_address = align_down(b->layout.ram_base + ram - size, MIN(PLACE_ALIGN, ram));
    return blob_add(&b->blobs, "the device tree", b->fdt_address, b->fdt, size, 0, err);
}

static int add_fdt(struct boot *b, struct err *err)
{
    int code;

    if (b->o.dtb) {
        b->fdt = boot_fdt_from_file(b->o.dtb, err);
        if (!b->fdt) {
            return -EINVAL;
        }
    }
    code = boot_fdt_patch(b->fdt, b->o.append, b->initrd_start, b->initrd_end, err);
    return code < 0 ? code : place_fdt(b, err);
}

/*
 * Firmware's entry. Without firmware the base of RAM, even where the kernel is an ELF file with
 * another entry (QEMU's rule, on which programs rely), unless the kernel left the base empty.
 */
static paddr_t start_address(const struct boot *b)
{
    bool firmware = b->firmware.high > b->firmware.low;

    if (firmware || !b->o.kernel || b->kernel.low <= b->layout.ram_base) {
        return b->firmware.entry;
    }
    return b->kernel.entry;
}

static int add_reset_vector(struct boot *b, struct err *err)
{
    uint8_t rom[RESET_VECTOR_SIZE];

    reset_vector_build(rom, start_address(b), b->fdt_address, b->o.kernel ? b->kernel.low : 0);
    return blob_add(&b->blobs, "the reset vector", b->layout.mrom_base, rom, sizeof(rom), 0, err);
}

static int prepare(struct boot *b, struct err *err)
{
    int code = load_firmware(b, err);

    code = code < 0 ? code : load_kernel(b, err);
    code = code < 0 ? code : load_initrd(b, err);
    code = code < 0 ? code : load_extras(b, err);
    code = code < 0 ? code : add_fdt(b, err);
    code = code < 0 ? code : add_reset_vector(b, err);
    return code < 0 ? code : blob_list_check_overlap(&b->blobs, err);
}

struct boot *boot_new(const struct boot_options *o, const struct boot_layout *l,
                      const struct memory_map *map, void *fdt, struct err *err)
{
    struct boot *b = calloc(1, sizeof(*b));

    if (!b) {
        free(fdt);
        err_set(err, -ENOMEM, "out of host memory");
        return NULL;
    }
    b->o = *o;
    b->layout = *l;
    b->target = (struct image_target){.map = map, .max_size = l->ram_size};
    b->fdt = fdt;
    if (prepare(b, err) < 0) {
        boot_free(b);
        return NULL;
    }
    return b;
}

void boot_free(struct boot *b)
{
    if (b) {
        blob_list_free(&b->blobs);
        free(b->fdt);
        free(b);
    }
}

/* RAM is zero at start: only a reset has something to clear behind the bytes of an ELF segment. */
static bool clear_tail(const struct boot *b, struct memory_map *map, const struct blob *blob)
{
    uint64_t left = b->loaded ? blob->zero : 0, pa = blob->pa + blob->size;

    while (left > 0) {
        static const uint8_t zeroes[4096];
        uint64_t n = MIN(left, sizeof(zeroes));

        if (!memory_load(map, pa, zeroes, n)) {
            return false;
        }
        left -= n;
        pa += n;
    }
    return true;
}

static int load_blob(const struct boot *b, struct memory_map *map, const struct blob *blob,
                     struct err *err)
{
    if (!memory_load(map, blob->pa, blob->data, blob->size) || !clear_tail(b, map, blob)) {
        return err_set(err, -EFAULT, "%s does not fit at 0x%llx", blob->name,
                       (unsigned long long)blob->pa);
    }
    return 0;
}

static int reload_fdt(struct boot *b, struct memory_map *map, struct err *err)
{
    boot_fdt_reseed(b->fdt);
    if (!memory_load(map, b->fdt_address, b->fdt, fdt_totalsize(b->fdt))) {
        return err_set(err, -EFAULT, "the device tree does not fit at 0x%llx",
                       (unsigned long long)b->fdt_address);
    }
    return 0;
}

int boot_load(struct boot *b, struct memory_map *map, struct err *err)
{
    int code = 0;

    for (unsigned i = 0; code == 0 && i < b->blobs.n; i++) {
        code = load_blob(b, map, &b->blobs.v[i], err);
    }
    if (code == 0 && b->loaded) {
        code = reload_fdt(b, map, err);
    }
    b->loaded = true;
    if (b->o.once) {
        blob_list_free(&b->blobs);
    }
    return code;
}

const void *boot_fdt(const struct boot *b, size_t *size)
{
    *size = fdt_totalsize(b->fdt);
    return b->fdt;
}

paddr_t boot_reset_pc(const struct boot *b)
{
    return b->layout.mrom_base;
}
