/* SPDX-License-Identifier: MIT */
/*
 * The device tree at boot: a user's own file (-dtb), what the command line adds to /chosen, and the
 * random seed that a kernel takes from it. Building the board's tree is fdt.c.
 */
#include "firmware/fdt.h"
#include "firmware/internal.h"
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define DTB_MAX    (UINT64_C(16) << 20)
#define PATCH_ROOM 4096 /* for what boot_fdt_patch adds, besides the command line */

static int open_checked(const struct file_view *f, void **fdt, struct err *err)
{
    size_t room;
    int rc;

    if (f->size > DTB_MAX) {
        return err_set(err, -EFBIG, "larger than a device tree may be");
    }
    rc = fdt_check_full(f->data, f->size);
    if (rc < 0) {
        return err_set(err, -EINVAL, "not a valid device tree blob (%s)", fdt_strerror(rc));
    }
    room = fdt_totalsize(f->data) + PATCH_ROOM + FDT_APPEND_MAX;
    *fdt = malloc(room);
    if (!*fdt) {
        return err_set(err, -ENOMEM, "out of host memory");
    }
    rc = fdt_open_into(f->data, *fdt, (int)room);
    if (rc < 0) {
        free(*fdt);
        return err_set(err, -EINVAL, "not a usable device tree blob (%s)", fdt_strerror(rc));
    }
    return 0;
}

void *boot_fdt_from_file(const char *path, struct err *err)
{
    struct file_view f;
    void *fdt = NULL;
    int code = file_view_open(&f, path, err);

    if (code == 0) {
        code = open_checked(&f, &fdt, err);
        file_view_close(&f);
    }
    if (code < 0) {
        err_prefix(err, "could not load device tree '%s'", path);
        return NULL;
    }
    return fdt;
}

static int chosen_node(void *fdt)
{
    int node = fdt_path_offset(fdt, "/chosen");

    return node == -FDT_ERR_NOTFOUND ? fdt_add_subnode(fdt, 0, "chosen") : node;
}

static int patch(void *fdt, const char *append, paddr_t initrd_start, paddr_t initrd_end)
{
    int node = chosen_node(fdt), rc = node < 0 ? node : 0;

    if (rc == 0 && append && append[0]) {
        rc = fdt_setprop_string(fdt, node, "bootargs", append);
    }
    if (rc == 0 && initrd_end > initrd_start) {
        rc = fdt_setprop_u64(fdt, node, "linux,initrd-start", initrd_start);
        rc = rc ? rc : fdt_setprop_u64(fdt, node, "linux,initrd-end", initrd_end);
    }
    return rc;
}

int boot_fdt_patch(void *fdt, const char *append, paddr_t initrd_start, paddr_t initrd_end,
                   struct err *err)
{
    int rc;

    if (append && strlen(append) >= FDT_APPEND_MAX) {
        return err_set(err, -E2BIG, "-append: the kernel command line is longer than %u bytes",
                       FDT_APPEND_MAX - 1);
    }
    rc = patch(fdt, append, initrd_start, initrd_end);
    if (rc == 0) {
        rc = fdt_pack(fdt);
    }
    if (rc < 0) {
        return err_set(err, -EINVAL, "the device tree has no place for /chosen (%s)",
                       fdt_strerror(rc));
    }
    return 0;
}

void boot_fdt_reseed(void *fdt)
{
    uint8_t seed[FDT_RNG_SEED_SIZE];
    int node = fdt_path_offset(fdt, "/chosen"), len;
    const void *old = node < 0 ? NULL : fdt_getprop(fdt, node, "rng-seed", &len);

    if (!old || len <= 0) {
        return;
    }
    for (int done = 0; done < len; done += (int)sizeof(seed)) {
        if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
            return;
        }
        memcpy((uint8_t *)old + done, seed, MIN((size_t)(len - done), sizeof(seed)));
    }
}
