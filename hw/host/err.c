/* SPDX-License-Identifier: MIT */
/*
 * Error texts. They are cut at the size of struct err, never overrun, and a NULL err is allowed: the caller only wants
 * the code. No state, any thread.
 */
#include "hw/host/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list args;

    if (err) {
        va_start(args, fmt);
        vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
    }
    return code;
}

void err_prefix(struct err *err, const char *fmt, ...)
{
    struct err old;
    va_list args;
    size_t room;
    int len;

    if (!err) {
        return;
    }
    old = *err;
    va_start(args, fmt);
    len = vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len + 3 > sizeof(err->text)) {
        return;
    }
    memcpy(err->text + len, ": ", 2);
    room = sizeof(err->text) - (size_t)len - 3;
    old.text[room] = '\0';
    memcpy(err->text + len + 2, old.text, strlen(old.text) + 1);
}
