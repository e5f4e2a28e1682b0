/* SPDX-License-Identifier: MIT */
/*
 * Consoles (character backends): where a serial port's bytes go and come from. One front end
 * (device) per console; stdio can be shared with the monitor through the mux (Ctrl-A C; Ctrl-A X
 * quits; Ctrl-A H helps; the escape is -echr).
 */
#ifndef HW_BACKEND_CONSOLE_H
#define HW_BACKEND_CONSOLE_H

#include "hw/core/machine.h"

struct console;

struct console_frontend {
    /*
     * How many bytes the device can take now (0: input waits until console_accept_input). BQL held,
     * I/O thread.
     */
    size_t (*can_receive)(void *opaque);
    /* len <= what can_receive said. BQL held, I/O thread. */
    void (*receive)(void *opaque, const uint8_t *data, size_t len);
    /* A break was sent (Ctrl-A B). May be NULL. BQL held, I/O thread. */
    void (*line_break)(void *opaque);
    /*
     * There is room again after console_write took less than it was given. May be NULL. BQL held,
     * I/O thread.
     */
    void (*writable)(void *opaque);
    void *opaque;
};

/*
 * SPEC as for -serial: "stdio[,signal=on|off]", "null", "none" (NULL is returned with err->text
 * empty), "file:PATH[,append=on]", "pipe:PATH", "pty", "unix:PATH[,server][,wait=off]",
 * "tcp:HOST:PORT[,server][,wait=off]". A prefix "mon:" ("mon:stdio") enables the escape keys and,
 * on a terminal, hands Ctrl-C to the guest. A server waits for its first client unless wait=off.
 * From then on SIGPIPE is ignored by the process. Main thread.
 */
struct console *console_new(struct machine *m, const char *spec, struct err *err);
/* What to tell the user about it ("char device redirected to /dev/pts/5"), or NULL. */
const char *console_notice(const struct console *c);
/* Restores the terminal, flushes output. */
void console_free(struct console *c);
void console_attach(struct console *c, const struct console_frontend *fe);
/*
 * Queues bytes for output, which reach the sink within a millisecond; returns how many were taken:
 * all, unless the sink is slow and 64 KiB wait for it: then the front end's `writable` says when to
 * go on. Sinks that nobody listens to take all. Never blocks. Any thread; takes only the console's
 * lock (RANK_BACKEND).
 */
size_t console_write(struct console *c, const uint8_t *data, size_t len);
/*
 * The front end has room again after can_receive said 0. Any thread, takes no lock; cheap when no
 * input waits.
 */
void console_accept_input(struct console *c);
/*
 * What the escape keys and a shared monitor need; set by the board. All are called on the I/O
 * thread with the BQL held.
 */
struct console_mux_ops {
    void (*quit)(void *opaque); /* Ctrl-A X; NULL: shuts down with status 0 */
    void (*monitor_input)(void *opaque, const uint8_t *d,
                          size_t n);                   /* bytes while the monitor has the focus */
    void (*monitor_focus)(void *opaque, bool focused); /* Ctrl-A C */
    void *opaque;
};
/*
 * OPS is copied; may be NULL. escape_char is the control character's code (1: Ctrl-A). For "mon:"
 * consoles only.
 */
void console_set_mux(struct console *c, const struct console_mux_ops *ops, int escape_char);

#endif
