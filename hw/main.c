/* SPDX-License-Identifier: MIT */
/*
 * The program: options, then the board, then its exit status. The only place that prints errors of
 * the host or the user, one line each, and ends with status 1 for them.
 */
#include "hw/host/log.h"
#include "hw/virt.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_whole(const char *path, const void *data, size_t size, struct err *err)
{
    FILE *f = fopen(path, "we");
    int code = f ? 0 : -errno;

    if (f && fwrite(data, 1, size, f) != size) {
        code = -errno;
    }
    if (f && fclose(f) != 0 && code == 0) {
        code = -errno;
    }
    return code == 0 ? 0 : err_set(err, code, "could not write '%s': %s", path, strerror(-code));
}

static int dump_fdt(const struct virt *v, const char *path, struct err *err)
{
    size_t size;
    const void *fdt = boot_fdt(v->boot, &size);
    int code = write_whole(path, fdt, size, err);

    if (code == 0) {
        fprintf(stderr, "manyhart: info: dtb dumped to %s. Exiting.\n", path);
    }
    return code;
}

static int write_pidfile(const char *path, struct err *err)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    return write_whole(path, text, (size_t)n, err);
}

static int run_board(const struct options *o, struct virt *v, struct err *err)
{
    int code;

    if (o->dumpdtb) {
        return dump_fdt(v, o->dumpdtb, err);
    }
    code = o->pidfile ? write_pidfile(o->pidfile, err) : 0;
    if (code < 0) {
        return code;
    }
    code = virt_run(v, err);
    if (o->pidfile) {
        unlink(o->pidfile);
    }
    return code;
}

/* Exit status of the guest, or -errno with ERR. */
static int run(const struct options *o, struct err *err)
{
    struct virt *v;
    int code = o->log_path ? log_open(o->log_path, err) : 0;

    if (code < 0) {
        return code;
    }
    log_set_mask(o->log_mask);
    virt_block_signals();
    v = virt_new(o, err);
    if (!v) {
        return -EINVAL;
    }
    code = run_board(o, v, err);
    virt_free(v);
    log_close();
    return code;
}

int main(int argc, char **argv)
{
    struct options o;
    struct err err = {{0}};
    int code = options_parse(&o, argc, argv, stdout, &err);

    if (code == 0) {
        code = run(&o, &err);
    } else if (code > 0) {
        code = 0;
    }
    options_free(&o);
    if (code < 0) {
        fprintf(stderr, "manyhart: %s\n", err.text);
        return EXIT_FAILURE;
    }
    return code;
}
