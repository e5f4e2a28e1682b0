/* SPDX-License-Identifier: MIT */
/*
 * The monitor: a command line for the person at the machine, on a console of its own or behind the
 * escape keys of the serial port's. Commands are rows of configs/monitor.def. Bytes arrive with the
 * BQL held; commands run later, on the main thread, without it.
 */
#ifndef HW_MONITOR_H
#define HW_MONITOR_H

#include "hw/virt.h"

struct monitor;

/*
 * SHARED: C is a "mon:" console of the serial port. Otherwise the monitor becomes C's front end. C
 * outlives it.
 */
struct monitor *monitor_new(struct virt *v, struct console *c, bool shared, struct err *err);
void monitor_free(struct monitor *mon);

/* For commands: who they work on, and output (\n becomes what a terminal wants). */
struct virt *monitor_virt(struct monitor *mon);
void monitor_printf(struct monitor *mon, const char *fmt, ...) PRINTF_FMT(2, 3);
void monitor_write(struct monitor *mon, const char *text, size_t len);

/* Runs one line, as typed. */
void monitor_command(struct monitor *mon, const char *line);

#endif
