/* SPDX-License-Identifier: MIT */
/*
 * Errors that the host or the user caused. A function that can fail so takes a `struct err *` last, fills it with one clear
 * line that names the thing (no newline, no program name), and returns a negative errno or NULL. Only hw/main.c prints it.
 */
#ifndef HW_HOST_ERR_H
#define HW_HOST_ERR_H

#include "hw/host/compiler.h"

struct err {
    char text[512];
};

/* Fills ERR and returns CODE (a negative errno), so that callers can write `return err_set(err, -EINVAL, "...")`. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_FMT(3, 4);
/* Puts "PREFIX: " before the text that is there. */
void err_prefix(struct err *err, const char *fmt, ...) PRINTF_FMT(2, 3);

#endif
