/* SPDX-License-Identifier: MIT */
/*
 * -perfmap: names of translated code for `perf report`, which reads /tmp/perf-PID.map: a line
 * "START SIZE name" for each TB and each thunk.
 *
 * The file has no notion of time: of two names for one address perf takes any. So when a code
 * region is recycled its lines go: a new file with the rest takes the place of the old one, never
 * half written where perf could see it.
 *
 * Lines are written whole (stdio's own lock) by the threads that translate, and the file is
 * replaced while all of them are parked.
 */
#include "accel/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

struct perf_map {
    FILE *file;
    char path[40], next[48];
};

/* A file of our own: not what a link of that name points to, nor one that others can write. */
static FILE *create(const char *path)
{
    FILE *f = NULL;
    int fd;

    unlink(path);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd >= 0) {
        f = fdopen(fd, "w+");
    }
    if (f) {
        setvbuf(f, NULL, _IOLBF, 0); /* perf may look at any time, also after a crash */
    }
    return f;
}

int perf_map_open(struct accel *a, struct err *err)
{
    struct perf_map *map = calloc(1, sizeof(*map));
    int rc;

    if (!map) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    snprintf(map->path, sizeof(map->path), "/tmp/perf-%d.map", (int)getpid());
    snprintf(map->next, sizeof(map->next), "%s.new", map->path);
    map->file = create(map->path);
    if (!map->file) {
        rc = -errno;
        err_set(err, rc, "-perfmap: could not create '%s': %s", map->path, strerror(errno));
        free(map);
        return rc;
    }
    a->perf_map = map;
    return 0;
}

void perf_map_close(struct accel *a)
{
    if (a->perf_map) {
        if (a->perf_map->file) {
            fclose(a->perf_map->file);
        }
        free(a->perf_map);
        a->perf_map = NULL;
    }
}

static void put_line(struct perf_map *map, const uint8_t *rx, size_t size, const char *name)
{
    if (map->file) {
        fprintf(map->file, "%" PRIxPTR " %zx %s\n", (uintptr_t)rx, size, name);
    }
}

static void put_thunk(void *opaque, const uint8_t *rx, size_t size, const char *name)
{
    char text[80];

    snprintf(text, sizeof(text), "thunk:%s", name);
    put_line(opaque, rx, size, text);
}

void perf_map_thunks(struct accel *a)
{
    tcg_each_thunk(a->tcg, put_thunk, a->perf_map);
}

void perf_map_tb(struct accel *a, const struct tb *tb, vaddr_t pc, const char *mode)
{
    char text[80];

    snprintf(text, sizeof(text), "tb:%s:0x%" PRIx64 ":key=%x", mode, pc, tb->mode_key);
    put_line(a->perf_map, tb->rx, tb->pcmap, text);
}

/* Copies the lines of code outside of [LO, HI). */
static void copy_others(FILE *from, FILE *to, uint64_t lo, uint64_t hi)
{
    char *line = NULL;
    size_t size = 0;

    rewind(from);
    while (getline(&line, &size, from) > 0) {
        uint64_t start = strtoull(line, NULL, 16);

        if (start < lo || start >= hi) {
            fputs(line, to);
        }
    }
    free(line);
}

/* If the host's disk is full the names end here: the guest goes on. */
void perf_map_drop_region(struct accel *a, const struct region *r)
{
    struct perf_map *map = a->perf_map;
    uint64_t lo = (uintptr_t)r->code.rx;
    FILE *next;

    if (!map || !map->file) {
        return;
    }
    next = create(map->next);
    if (next) {
        copy_others(map->file, next, lo, lo + r->code.size);
        rename(map->next, map->path);
    }
    fclose(map->file);
    map->file = next;
}
