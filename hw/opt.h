/* SPDX-License-Identifier: MIT */
/*
 * What the option handlers (hw/opt-*.c) share. Each handles one option: 0, OPT_EXIT, or -errno with
 * ERR.
 */
#ifndef HW_OPT_H
#define HW_OPT_H

#include "hw/options.h"

/* The option printed what was asked for; the program ends with status 0. */
#define OPT_EXIT 1

struct opt_context {
    struct options *o;
    const char *name; /* "-drive", as the user wrote it */
    const char *arg;  /* NULL if the option takes none */
    FILE *out;        /* for help */
};

typedef int opt_handler(const struct opt_context *c, struct err *err);

#define OPTION(name, argument, help, handler) opt_handler opt_##handler;
#include "configs/options.def"
#undef OPTION

/* True for "help" and "?". */
bool opt_is_help(const char *arg);

/* After all options: pairs drives with devices and gives these their slots. */
int opt_resolve_drives(struct options *o, struct err *err);
/* After all options: what the serial port and the monitor are. */
int opt_resolve_consoles(struct options *o, struct err *err);

#endif
