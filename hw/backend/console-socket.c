/* SPDX-License-Identifier: MIT */
/*
 * Consoles on sockets: unix:PATH and tcp:HOST:PORT, as client or, with ",server", as a server of
 * one client at a time. A server waits for its first client unless "wait=off" (or "nowait").
 */
#include "hw/backend/internal.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct endpoint {
    struct sockaddr_storage addr;
    socklen_t len;
};

/* Listens on or connects to E. 0 or -errno; what was opened is in PORT. */
static int open_endpoint(struct console_port *port, const struct endpoint *e, const char *options)
{
    bool server = console_option(options, "server", false);
    bool wait = console_option(options, "wait", !console_option(options, "nowait", false));
    int one = 1;
    int fd = socket(e->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    port->closes_together = true;
    if (e->addr.ss_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    }
    if (!server) {
        if (connect(fd, (const struct sockaddr *)&e->addr, e->len) == 0) {
            return console_port_connect(port, fd);
        }
        close(fd);
        return -errno;
    }
    port->listen_fd = fd;
    if (bind(fd, (const struct sockaddr *)&e->addr, e->len) != 0 || listen(fd, 1) != 0) {
        return -errno;
    }
    if (wait) {
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        return client < 0 ? -errno : console_port_connect(port, client);
    }
    return 0;
}

/* What an earlier run left; never anything but a socket. */
static void remove_stale(const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        unlink(path);
    }
}

int console_open_unix(struct console_port *port, const char *arg, bool keys, struct err *err)
{
    struct endpoint e = {.len = sizeof(struct sockaddr_un)};
    struct sockaddr_un *un = (struct sockaddr_un *)&e.addr;
    const char *options;
    char *path = console_split(arg, &options);
    int rc = -ENAMETOOLONG;

    (void)keys;
    un->sun_family = AF_UNIX;
    if (strlen(path) < sizeof(un->sun_path)) {
        memcpy(un->sun_path, path, strlen(path) + 1);
        if (console_option(options, "server", false)) {
            remove_stale(path);
            port->unlink_path = strdup(path);
        }
        rc = open_endpoint(port, &e, options);
    }
    if (rc) {
        err_set(err, rc, "cannot open console socket unix:%s: %s", path, strerror(-rc));
    }
    free(path);
    return rc;
}

/* HOST:PORT, [HOST]:PORT or :PORT, which a server binds to any address. */
static int resolve(struct endpoint *e, char *name, bool server)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = server ? AI_PASSIVE : 0};
    struct addrinfo *found;
    char *colon = strrchr(name, ':');
    char *host = name;

    if (!colon) {
        return -EINVAL;
    }
    *colon = '\0';
    if (host[0] == '[' && colon > host && colon[-1] == ']') {
        host++;
        colon[-1] = '\0';
    }
    if (getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &found) != 0) {
        return -EADDRNOTAVAIL;
    }
    memcpy(&e->addr, found->ai_addr, found->ai_addrlen);
    e->len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int console_open_tcp(struct console_port *port, const char *arg, bool keys, struct err *err)
{
    struct endpoint e;
    const char *options;
    char *name = console_split(arg, &options);
    int rc = resolve(&e, name, console_option(options, "server", false));

    (void)keys;
    rc = rc ? rc : open_endpoint(port, &e, options);
    if (rc) {
        err_set(err, rc, "cannot open console socket tcp:%s: %s", arg, strerror(-rc));
    }
    free(name);
    return rc;
}
