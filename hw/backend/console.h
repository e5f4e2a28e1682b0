/* SPDX-License-Identifier: MIT */
/*
 * Consoles (character backends): where a serial port's bytes go and come from. One front end (device) per console; stdio can
 * be shared with the monitor through the mux (Ctrl-A C; Ctrl-A X quits; Ctrl-A H helps; the escape is -echr).
 */
#ifndef HW_BACKEND_CONSOLE_H
#define HW_BACKEND_CONSOLE_H

#include "hw/core/machine.h"

struct console;

struct console_frontend {
    /* How many bytes the device can take now (0: input waits until console_accept_input). BQL held, I/O thread. */
    size_t (*can_receive)(void *opaque);
    /* len <= what can_receive said. BQL held, I/O thread. */
    void (*receive)(void *opaque, const uint8_t *data, size_t len);
    /* A break was sent (Ctrl-A B). May be NULL. */
    void (*line_break)(void *opaque);
    void *opaque;
};

/*
 * SPEC as for -serial: "stdio", "mon:stdio", "null", "none" (NULL is returned with err->text empty), "file:PATH", "pipe:PATH",
 * "pty", "unix:PATH[,server][,wait=off]", "tcp:HOST:PORT[,server][,wait=off]". mon:stdio enables the escape keys.
 */
struct console *console_new(struct machine *m, const char *spec, struct err *err);
/* Restores the terminal, flushes output. */
void console_free(struct console *c);
void console_attach(struct console *c, const struct console_frontend *fe);
/*
 * Queues bytes for output; returns how many were taken (all, unless the sink is full and blocking: then the front end retries
 * when console_writable says so; file and null always take all). Never blocks. BQL held.
 */
size_t console_write(struct console *c, const uint8_t *data, size_t len);
/* The front end has room again after can_receive said 0. BQL held. */
void console_accept_input(struct console *c);
/* What the escape keys and a shared monitor need; set by the board. */
struct console_mux_ops {
    void (*quit)(void *opaque);                                     /* Ctrl-A X */
    void (*monitor_input)(void *opaque, const uint8_t *d, size_t n); /* bytes while the monitor has the focus */
    void (*monitor_focus)(void *opaque, bool focused);              /* Ctrl-A C */
    void *opaque;
};
void console_set_mux(struct console *c, const struct console_mux_ops *ops, int escape_char);

#endif
