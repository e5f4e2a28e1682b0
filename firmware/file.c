/* SPDX-License-Identifier: MIT */
/*
 * Host files as bytes. Regular files are mapped, so that a kernel with 300 MB of debug information
 * costs only the pages that are looked at; pipes and the like are read, up to a limit. Views are
 * short-lived: images are copied out of them.
 */
#include "firmware/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STREAM_MAX  (UINT64_C(1) << 30) /* bytes taken from something that is not a regular file */
#define STREAM_STEP (UINT64_C(1) << 16)

static int read_stream(struct file_view *f, int fd, struct err *err)
{
    uint8_t *buf = NULL;
    size_t size = 0, room = 0;

    for (;;) {
        ssize_t got;

        if (size == room) {
            uint8_t *grown = room < STREAM_MAX ? realloc(buf, room ? room * 2 : STREAM_STEP) : NULL;

            if (!grown) {
                free(buf);
                return err_set(err, -EFBIG, "too large to be read from a stream");
            }
            buf = grown;
            room = room ? room * 2 : STREAM_STEP;
        }
        got = read(fd, buf + size, room - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            int code = -errno;

            free(buf);
            return err_set(err, code, "%s", strerror(-code));
        }
        if (got == 0) {
            break;
        }
        size += (size_t)got;
    }
    f->data = buf;
    f->size = size;
    f->mapped = false;
    return 0;
}

static int map_or_read(struct file_view *f, int fd, struct err *err)
{
    struct stat st;
    void *p;

    if (fstat(fd, &st) < 0) {
        int code = -errno;

        return err_set(err, code, "%s", strerror(-code));
    }
    if (S_ISDIR(st.st_mode)) {
        return err_set(err, -EISDIR, "%s", strerror(EISDIR));
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        return read_stream(f, fd, err);
    }
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        return read_stream(f, fd, err);
    }
    f->data = p;
    f->size = (size_t)st.st_size;
    f->mapped = true;
    return 0;
}

int file_view_open(struct file_view *f, const char *path, struct err *err)
{
    int fd, code;

    memset(f, 0, sizeof(*f));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        code = -errno;
        return err_set(err, code, "%s", strerror(-code));
    }
    code = map_or_read(f, fd, err);
    close(fd);
    if (code == 0 && f->size == 0) {
        file_view_close(f);
        return err_set(err, -EINVAL, "the file is empty");
    }
    return code;
}

void file_view_close(struct file_view *f)
{
    if (f->mapped) {
        munmap((void *)f->data, f->size);
    } else {
        free((void *)f->data);
    }
    memset(f, 0, sizeof(*f));
}
