/* SPDX-License-Identifier: MIT */
/*
 * The kinds of consoles, as rows of one table: each opens file descriptors for the two directions,
 * and console.c does the rest. Sockets are in console-socket.c. Main thread, before the guest runs.
 */
#include "hw/backend/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

typedef int open_fn(struct console_port *port, const char *arg, bool keys, struct err *err);

struct console_kind {
    const char *prefix; /* ends in ':' when an argument follows */
    open_fn *open;
};

char *console_split(const char *arg, const char **options)
{
    size_t len = strcspn(arg, ",");

    *options = arg + len;
    return strndup(arg, len);
}

bool console_option(const char *options, const char *name, bool value)
{
    size_t len = strlen(name);

    for (const char *p = options; *p == ','; p += strcspn(p, ",")) {
        p++;
        if (strncmp(p, name, len) == 0 && (p[len] == '\0' || p[len] == ',')) {
            value = true;
        } else if (strncmp(p, name, len) == 0 && p[len] == '=') {
            value = strncmp(p + len + 1, "off", 3) != 0;
        }
    }
    return value;
}

static int open_null(struct console_port *port, const char *arg, bool keys, struct err *err)
{
    (void)port;
    (void)arg;
    (void)keys;
    (void)err;
    return 0;
}

static int open_none(struct console_port *port, const char *arg, bool keys, struct err *err)
{
    (void)port;
    (void)arg;
    (void)keys;
    err->text[0] = '\0';
    return -ENODEV;
}

/*
 * A non-blocking description of our own for FD, so that neither the shell's nor another process's
 * is changed. What cannot be opened again (sockets, another user's terminal) stays as it is.
 */
static int reopen_nonblocking(int fd, int flags, bool *blocks)
{
    char path[32];
    struct stat st = {0};
    int own = -1;

    if (fstat(fd, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode))) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    *blocks = own < 0 && !S_ISREG(st.st_mode);
    return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int open_stdio(struct console_port *port, const char *arg, bool keys, struct err *err)
{
    int rc = 0;

    port->in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    port->out_fd = reopen_nonblocking(STDOUT_FILENO, O_WRONLY, &port->out_blocks);
    if (port->in_fd >= 0 && isatty(port->in_fd)) {
        rc = terminal_raw(port->in_fd, console_option(arg, "signal", !keys));
        port->is_terminal = rc == 0;
    }
    return rc ? err_set(err, rc, "stdio is used by another console already") : 0;
}

static int open_file(struct console_port *port, const char *arg, bool keys, struct err *err)
{
    const char *options;
    char *path = console_split(arg, &options);
    int flags = console_option(options, "append", false) ? O_APPEND : O_TRUNC;
    int rc = 0;

    (void)keys;
    port->out_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | flags, 0666);
    if (port->out_fd < 0) {
        rc = err_set(err, -errno, "cannot open %s for the console: %s", path, strerror(errno));
    } else {
        struct stat st;

        port->out_blocks = fstat(port->out_fd, &st) == 0 && !S_ISREG(st.st_mode);
    }
    free(path);
    return rc;
}

/*
 * PATH.in and PATH.out if they exist, else PATH both ways. Opened for both directions, so that no
 * end is ever missing.
 */
static int open_pipe(struct console_port *port, const char *arg, bool keys, struct err *err)
{
    const char *options;
    char *path = console_split(arg, &options);
    char name[4096];
    const int flags = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int rc = 0;

    (void)keys;
    snprintf(name, sizeof(name), "%s.in", path);
    port->in_fd = open(name, flags);
    snprintf(name, sizeof(name), "%s.out", path);
    port->out_fd = open(name, flags);
    if (port->in_fd < 0 || port->out_fd < 0) {
        int fd = open(path, flags);

        rc = fd < 0 ? -errno : console_port_connect(port, fd);
    }
    if (rc) {
        err_set(err, rc, "cannot open pipe %s: %s", path, strerror(-rc));
    }
    free(path);
    return rc;
}

/* We hold the slave open as well: the master then sees no hang-ups while no one is connected. */
static int open_pty(struct console_port *port, const char *arg, bool keys, struct err *err)
{
    struct termios t;
    char name[64];
    int master, slave, rc;

    (void)arg;
    (void)keys;
    if (openpty(&master, &slave, NULL, NULL, NULL) != 0 ||
        ptsname_r(master, name, sizeof(name)) != 0) {
        return err_set(err, -errno, "cannot make a pty: %s", strerror(errno));
    }
    if (tcgetattr(slave, &t) == 0) {
        cfmakeraw(&t);
        tcsetattr(slave, TCSAFLUSH, &t);
    }
    fcntl(slave, F_SETFD, FD_CLOEXEC);
    port->held_fd = slave;
    port->lossy = true;
    rc = console_port_connect(port, master);
    if (rc || asprintf(&port->notice, "char device redirected to %s", name) < 0) {
        port->notice = NULL;
    }
    return rc ? err_set(err, rc, "cannot make a pty: %s", strerror(-rc)) : 0;
}

static const struct console_kind console_kinds[] = {
    {"stdio", open_stdio},        {"null", open_null},        {"none", open_none},
    {"file:", open_file},         {"pipe:", open_pipe},       {"pty", open_pty},
    {"unix:", console_open_unix}, {"tcp:", console_open_tcp},
};

/* An argument follows a prefix with a colon; options or nothing follow one without. */
static bool kind_matches(const struct console_kind *k, const char *spec)
{
    size_t len = strlen(k->prefix);

    return strncmp(spec, k->prefix, len) == 0 &&
           (k->prefix[len - 1] == ':' || spec[len] == '\0' || spec[len] == ',');
}

int console_port_open(struct console_port *port, const char *spec, bool keys, struct err *err)
{
    *port = (struct console_port){.in_fd = -1, .out_fd = -1, .listen_fd = -1, .held_fd = -1};
    for (size_t i = 0; i < ARRAY_SIZE(console_kinds); i++) {
        if (kind_matches(&console_kinds[i], spec)) {
            int rc = console_kinds[i].open(port, spec + strlen(console_kinds[i].prefix), keys, err);

            if (rc) {
                console_port_close(port);
            }
            return rc;
        }
    }
    return err_set(
        err, -EINVAL,
        "'%s' is not a console: stdio, mon:stdio, null, none, file:, pipe:, pty, unix:, tcp:",
        spec);
}

int console_port_connect(struct console_port *port, int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    port->in_fd = fd;
    port->out_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return port->out_fd < 0 ? -errno : 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void console_port_close(struct console_port *port)
{
    if (port->is_terminal) {
        terminal_restore();
        port->is_terminal = false;
    }
    if (port->unlink_path && port->listen_fd >= 0) {
        unlink(port->unlink_path);
    }
    close_fd(&port->in_fd);
    close_fd(&port->out_fd);
    close_fd(&port->listen_fd);
    close_fd(&port->held_fd);
    free(port->unlink_path);
    free(port->notice);
    port->unlink_path = NULL;
    port->notice = NULL;
}
