/* SPDX-License-Identifier: MIT */
/*
 * The log (-d CLASSES, -D FILE): one writer, whole records, any thread. Classes are rows of configs/log.def. The mask is
 * one of the few writable file-scope objects: it is set before threads start and by the monitor (relaxed atomics).
 */
#ifndef HW_HOST_LOG_H
#define HW_HOST_LOG_H

#include "hw/host/atomic.h"
#include "hw/host/compiler.h"
#include "hw/host/err.h"
#include <stdio.h>

enum log_class {
#define LOG_CLASS(id, name, help) LOG_##id##_BIT,
#include "configs/log.def"
#undef LOG_CLASS
    LOG_CLASS_COUNT,
};

enum {
#define LOG_CLASS(id, name, help) LOG_##id = 1 << LOG_##id##_BIT,
#include "configs/log.def"
#undef LOG_CLASS
};

extern uint32_t log_mask_word;

static inline bool log_enabled(uint32_t classes)
{
    return unlikely(load_relaxed(&log_mask_word) & classes);
}

/* Parses "in_asm,int,..." (or all) into a mask. Unknown names: -EINVAL with ERR naming it. */
int log_parse(const char *list, uint32_t *mask, struct err *err);
void log_set_mask(uint32_t mask);
/* Prints the table of classes, one a line (-d help). */
void log_help(FILE *out);
/* Opens FILE for the log (default: stderr). %d in the name becomes the process id. */
int log_open(const char *path, struct err *err);
void log_close(void);

/* One record, written whole, if CLASSES are on. */
void log_printf(uint32_t classes, const char *fmt, ...) PRINTF_FMT(2, 3);
/* For records of several calls: log_begin locks and gives the stream, log_end unlocks and flushes. */
FILE *log_begin(void);
void log_end(void);

#define log_guest_error(...) log_printf(LOG_GUEST_ERROR, __VA_ARGS__)
#define log_unimp(...) log_printf(LOG_UNIMP, __VA_ARGS__)

#endif
