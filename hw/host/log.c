/* SPDX-License-Identifier: MIT */
/*
 * The log writer. One lock orders the records of all threads; a record is written and flushed under it, so records are whole
 * even when the process dies right after. The lock is the innermost of all (RANK_LOG): logging is allowed anywhere.
 *
 * Writable file-scope objects, the only ones of this folder: the mask, the lock, the stream.
 */
#include "hw/host/log.h"
#include "hw/host/thread.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

uint32_t log_mask_word;

static struct mutex log_lock = {.m = PTHREAD_MUTEX_INITIALIZER, .rank = RANK_LOG, .name = "log"};
static FILE *log_stream FILE_GUARDED_BY(&log_lock); /* NULL: stderr */

static const struct log_row {
    const char *name;
    const char *help;
} log_rows[LOG_CLASS_COUNT] = {
#define LOG_CLASS(id, name, help) {name, help},
#include "configs/log.def"
#undef LOG_CLASS
};

_Static_assert(LOG_CLASS_COUNT < 31, "log classes are bits of an int");

/* The bit of the class that is called the LEN characters at NAME; 0 when there is none. "all" is every one. */
static uint32_t class_of(const char *name, size_t len)
{
    if (len == 3 && strncmp(name, "all", 3) == 0) {
        return (UINT32_C(1) << LOG_CLASS_COUNT) - 1;
    }
    for (size_t i = 0; i < LOG_CLASS_COUNT; i++) {
        if (strlen(log_rows[i].name) == len && strncmp(log_rows[i].name, name, len) == 0) {
            return UINT32_C(1) << i;
        }
    }
    return 0;
}

int log_parse(const char *list, uint32_t *mask, struct err *err)
{
    uint32_t result = 0;

    for (const char *p = list;;) {
        size_t len = strcspn(p, ",");
        uint32_t bit = class_of(p, len);

        if (bit == 0) {
            return err_set(err, -EINVAL, "unknown log class '%.*s' (-d help lists them)",
                           (int)MIN(len, 64u), p);
        }
        result |= bit;
        if (p[len] == '\0') {
            break;
        }
        p += len + 1;
    }
    *mask = result;
    return 0;
}

void log_set_mask(uint32_t mask)
{
    store_relaxed(&log_mask_word, mask);
}

void log_help(FILE *out)
{
    for (size_t i = 0; i < LOG_CLASS_COUNT; i++) {
        fprintf(out, "%-14s %s\n", log_rows[i].name, log_rows[i].help);
    }
}

/* PATH with each %d replaced by the process id. False when it does not fit. */
static bool expand_path(char *out, size_t size, const char *path)
{
    size_t used = 0;

    while (*path != '\0') {
        bool pid = path[0] == '%' && path[1] == 'd';
        int len = pid ? snprintf(out + used, size - used, "%d", (int)getpid())
                      : snprintf(out + used, size - used, "%c", *path);

        used += (size_t)len;
        if (used >= size) {
            return false;
        }
        path += pid ? 2 : 1;
    }
    out[used] = '\0';
    return true;
}

static void replace_stream(FILE *stream)
{
    FILE *old;

    mutex_lock(&log_lock);
    old = log_stream;
    log_stream = stream;
    mutex_unlock(&log_lock);
    if (old) {
        fclose(old);
    }
}

int log_open(const char *path, struct err *err)
{
    char name[4096];
    FILE *stream;

    if (!expand_path(name, sizeof(name), path)) {
        return err_set(err, -ENAMETOOLONG, "the name of the log file is too long");
    }
    stream = fopen(name, "we");
    if (!stream) {
        return err_set(err, -errno, "cannot open log file '%s': %s", name, strerror(errno));
    }
    replace_stream(stream);
    return 0;
}

void log_close(void)
{
    replace_stream(NULL);
}

FILE *log_begin(void) NO_THREAD_SAFETY
{
    FILE *out;

    mutex_lock(&log_lock);
    out = log_stream ? log_stream : stderr;
    if (log_enabled(LOG_TID)) {
        fprintf(out, "[%ld] ", syscall(SYS_gettid));
    }
    return out;
}

void log_end(void) NO_THREAD_SAFETY
{
    fflush(log_stream ? log_stream : stderr);
    mutex_unlock(&log_lock);
}

void log_printf(uint32_t classes, const char *fmt, ...)
{
    va_list args;

    if (!log_enabled(classes)) {
        return;
    }
    va_start(args, fmt);
    vfprintf(log_begin(), fmt, args);
    log_end();
    va_end(args);
}
