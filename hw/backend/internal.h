/* SPDX-License-Identifier: MIT */
/*
 * What the files of the console share: console.c moves bytes, console-kinds.c and console-socket.c
 * open ends, terminal.c owns the terminal's modes, console-mux.c knows the escape keys.
 */
#ifndef HW_BACKEND_INTERNAL_H
#define HW_BACKEND_INTERNAL_H

#include "hw/backend/console.h"

/*
 * Where a console's bytes go and come from. Each fd is owned and distinct (dup where both ends are
 * one thing).
 */
struct console_port {
    int in_fd;            /* -1: no input */
    int out_fd;           /* -1: output vanishes */
    int listen_fd;        /* -1; else a server's, for the next client when this one has gone */
    int held_fd;          /* -1; else a pty's slave, open so that the master sees no hang-ups */
    bool out_blocks;      /* not to be made non-blocking: write little, only when poll allows */
    bool closes_together; /* a connection: the end of input is the end of output */
    bool lossy;           /* nobody may be listening: drop output rather than make the guest wait */
    bool is_terminal;     /* terminal_raw was called on in_fd */
    char *notice;         /* see console_notice; malloc'd or NULL */
    char *unlink_path;    /* of a unix server, removed at close; malloc'd or NULL */
};

/*
 * Opens what SPEC names. KEYS: Ctrl-C is for the guest (mon:). 0 or -errno with ERR; -ENODEV
 * without text: "none".
 */
int console_port_open(struct console_port *port, const char *spec, bool keys, struct err *err);
void console_port_close(struct console_port *port);
/* The value of ",NAME=on|off" or ",NAME" in the options after a path; VALUE if it is not there. */
bool console_option(const char *options, const char *name, bool value);
/* ARG up to the first comma, malloc'd; *options: what follows, "" if nothing. */
char *console_split(const char *arg, const char **options);

int console_open_unix(struct console_port *port, const char *arg, bool keys, struct err *err);
int console_open_tcp(struct console_port *port, const char *arg, bool keys, struct err *err);
/* Takes a connection as both ends. 0 or -errno. */
int console_port_connect(struct console_port *port, int fd);

/*
 * Puts FD into raw mode, Ctrl-C still a signal if SIGNALS; restored by terminal_restore, at exit
 * and on fatal signals. -EBUSY: taken.
 */
int terminal_raw(int fd, bool signals);
void terminal_restore(void);

enum mux_action { MUX_NONE, MUX_QUIT, MUX_MONITOR, MUX_BREAK, MUX_HELP };

struct mux {
    bool enabled;
    bool escaped; /* the escape character was the last one */
    bool to_monitor;
    uint8_t escape;
};

/*
 * Feeds one byte. Returns what to do; *pass tells whether *byte goes on to whoever has the focus.
 */
enum mux_action mux_feed(struct mux *mux, uint8_t byte, bool *pass);
/* Calls EMIT with the help text, piece by piece. */
void mux_help(const struct mux *mux, void (*emit)(void *opaque, const char *text), void *opaque);

#endif
