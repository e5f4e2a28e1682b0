/* SPDX-License-Identifier: MIT */
/*
 * Where `-bios default` looks for OpenSBI: the directories of -L, beside this program, and where
 * distributions put it. The first file that can be read wins.
 */
#include "firmware/internal.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Names by which the fw_dynamic image goes, in a directory of -L and in our own share. */
static const char *const file_names[] = {
    "opensbi-riscv64-generic-fw_dynamic.bin",
    "fw_dynamic.bin",
};

/* Relative to the folder of the program (guest/opensbi: where `make run` puts it), then absolute. */
static const char *const own_dirs[] = {"../share/manyhart", "../share", ".", "guest/opensbi"};
static const char *const system_files[] = {
    "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
    "/usr/local/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
    "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin",
    "/usr/share/opensbi/lp64/generic/firmware/fw_dynamic.bin",
};

static bool try_dir(char *path, size_t size, const char *dir)
{
    for (size_t i = 0; i < ARRAY_SIZE(file_names); i++) {
        int n = snprintf(path, size, "%s/%s", dir, file_names[i]);

        if (n > 0 && (size_t)n < size && access(path, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

static bool try_own_dirs(char *path, size_t size)
{
    char exe[512], dir[640];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash;

    if (n <= 0) {
        return false;
    }
    exe[n] = '\0';
    slash = strrchr(exe, '/');
    if (!slash) {
        return false;
    }
    *slash = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(own_dirs); i++) {
        snprintf(dir, sizeof(dir), "%s/%s", exe, own_dirs[i]);
        if (try_dir(path, size, dir)) {
            return true;
        }
    }
    return false;
}

int firmware_find(char *path, size_t size, const char *const *dirs, unsigned ndirs, struct err *err)
{
    for (unsigned i = 0; i < ndirs; i++) {
        if (try_dir(path, size, dirs[i])) {
            return 0;
        }
    }
    if (try_own_dirs(path, size)) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(system_files); i++) {
        if (access(system_files[i], R_OK) == 0) {
            snprintf(path, size, "%s", system_files[i]);
            return 0;
        }
    }
    return err_set(
        err, -ENOENT,
        "no default firmware found: install the package `opensbi`, name a folder with -L, or use "
        "-bios FILE or -bios none");
}
