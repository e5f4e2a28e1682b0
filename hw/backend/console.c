/* SPDX-License-Identifier: MIT */
/*
 * The console: moves bytes between a front end and the file descriptors that a kind opened.
 *
 * Output: console_write, from any thread, only queues; the I/O thread alone writes, at the latest
 * FLUSH_DELAY_NS later, so that a guest which prints byte by byte costs one system call for many
 * bytes. When the sink does not take more, the I/O thread waits for it, and the front end is held
 * up once the queue is full (or bytes are dropped if the sink is lossy).
 *
 * Input: the I/O thread reads when there is room in the input queue, so that a guest which does not
 * read leaves the bytes where they are. With escape keys on a terminal it reads even then, and
 * drops what does not fit: Ctrl-A X must reach a guest that hangs.
 *
 * Locks: c constant after create, o `lock`, i I/O thread only, a atomic.
 */
#include "hw/backend/internal.h"
#include "hw/host/atomic.h"
#include "hw/host/clock.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_SIZE         65536
#define BLOCKING_CHUNK   256
#define IN_SIZE          4096
#define FLUSH_DELAY_NS   300000
#define CLOSE_TIMEOUT_MS 2000

struct console {
    struct machine *machine;        /* c */
    struct console_frontend fe;     /* c after attach */
    struct console_mux_ops mux_ops; /* c after set_mux */
    struct mutex lock;
    struct timer flush_timer;    /* o */
    bool flush_armed;            /* o: the timer is on, or the I/O thread waits for the sink */
    bool writer_waits;           /* o: console_write took less than it was given */
    bool connected;              /* o: port.out_fd is open */
    uint32_t out_head, out_tail; /* o: free running; bytes tail..head are queued */
    uint8_t out[OUT_SIZE];       /* o for [head, tail + OUT_SIZE), i for the rest */
    struct console_port port;    /* i */
    struct mux mux;              /* i */
    bool in_watched;             /* i */
    bool in_unpollable;          /* i: a file: always ready, read by posts */
    bool in_posted;              /* i: such a post is on its way */
    uint32_t in_head, in_tail;   /* i */
    uint8_t in[IN_SIZE];         /* i */
    uint32_t starved;            /* a: input waits for console_accept_input */
};

static void watch_input(struct console *c);
static void disconnect(struct console *c);

/* --- output --- */

static void flush_output(struct console *c);

static void out_ready(void *opaque, int fd, int events)
{
    struct console *c = opaque;

    (void)events;
    event_loop_watch(c->machine->loop, fd, 0, NULL, NULL);
    flush_output(c);
}

static void flush_due(void *opaque)
{
    flush_output(opaque);
}

/*
 * Writes up to LEN bytes without waiting. The number written, or -errno; -EAGAIN: wait for the
 * sink.
 */
static ssize_t write_some(const struct console_port *port, const uint8_t *data, size_t len)
{
    ssize_t n;

    if (port->out_blocks) {
        struct pollfd p = {.fd = port->out_fd, .events = POLLOUT};

        if (poll(&p, 1, 0) <= 0) {
            return -EAGAIN;
        }
        len = MIN(len, (size_t)BLOCKING_CHUNK);
    }
    do {
        n = write(port->out_fd, data, len);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* The longest contiguous piece of the queue. */
static size_t out_piece(struct console *c, const uint8_t **data)
{
    uint32_t start = c->out_tail % OUT_SIZE;
    size_t len;

    mutex_lock(&c->lock);
    len = MIN(c->out_head - c->out_tail, OUT_SIZE - start);
    mutex_unlock(&c->lock);
    *data = c->out + start;
    return len;
}

/*
 * Takes LEN bytes off the queue. True when nothing is left and the next console_write must arm the
 * timer again.
 */
static bool out_advance(struct console *c, size_t len)
{
    bool empty;

    mutex_lock(&c->lock);
    c->out_tail += (uint32_t)len;
    empty = c->out_tail == c->out_head;
    if (empty) {
        c->flush_armed = false;
    }
    mutex_unlock(&c->lock);
    return empty;
}

static void tell_writer(struct console *c)
{
    bool tell;

    mutex_lock(&c->lock);
    tell = c->writer_waits && c->out_head - c->out_tail <= OUT_SIZE / 2;
    if (tell) {
        c->writer_waits = false;
    }
    mutex_unlock(&c->lock);
    if (tell && c->fe.writable) {
        mutex_lock(&c->machine->bql);
        c->fe.writable(c->fe.opaque);
        mutex_unlock(&c->machine->bql);
    }
}

/* I/O thread, no lock held. */
static void flush_output(struct console *c)
{
    const uint8_t *data;
    size_t len;
    bool empty;

    do {
        ssize_t n;

        len = out_piece(c, &data);
        n = c->port.out_fd < 0 ? (ssize_t)len : write_some(&c->port, data, len);
        if (n == -EAGAIN &&
            event_loop_watch(c->machine->loop, c->port.out_fd, EVENT_WRITE, out_ready, c) == 0) {
            break;
        }
        /* Any other error: nobody will ever read it. */
        empty = out_advance(c, n < 0 ? len : (size_t)n);
    } while (!empty);
    tell_writer(c);
}

static void arm_flush_locked(struct console *c) REQUIRES(&c->lock)
{
    if (!c->flush_armed) {
        c->flush_armed = true;
        timer_mod(c->machine->timers, &c->flush_timer, clock_now_ns() + FLUSH_DELAY_NS);
    }
}

/* LEN must fit. */
static void queue_output_locked(struct console *c, const uint8_t *data, size_t len)
    REQUIRES(&c->lock)
{
    uint32_t start = c->out_head % OUT_SIZE;
    size_t first = MIN(len, (size_t)(OUT_SIZE - start));

    memcpy(c->out + start, data, first);
    memcpy(c->out, data + first, len - first);
    c->out_head += (uint32_t)len;
}

size_t console_write(struct console *c, const uint8_t *data, size_t len)
{
    size_t taken;

    mutex_lock(&c->lock);
    if (!c->connected || len == 0) {
        mutex_unlock(&c->lock);
        return len;
    }
    taken = MIN(len, (size_t)(OUT_SIZE - (c->out_head - c->out_tail)));
    queue_output_locked(c, data, taken);
    arm_flush_locked(c);
    if (taken < len) {
        c->writer_waits = !c->port.lossy;
        taken = c->port.lossy ? len : taken;
    }
    mutex_unlock(&c->lock);
    return taken;
}

static void emit_text(void *opaque, const char *text)
{
    console_write(opaque, (const uint8_t *)text, strlen(text));
}

/* --- input --- */

static uint32_t in_room(const struct console *c)
{
    return IN_SIZE - (c->in_head - c->in_tail);
}

static size_t frontend_room(const struct console *c)
{
    return c->fe.can_receive ? c->fe.can_receive(c->fe.opaque) : IN_SIZE;
}

/* Hands queued input to the front end as far as it takes it. BQL held. */
static void deliver_input(struct console *c)
{
    size_t room, n;

    while (c->in_head != c->in_tail) {
        /* Said before the question, so that room which appears after it finds us waiting. */
        store_seq(&c->starved, 1);
        room = frontend_room(c);
        if (room == 0) {
            return;
        }
        store_seq(&c->starved, 0);
        n = MIN(MIN(room, (size_t)(c->in_head - c->in_tail)),
                (size_t)(IN_SIZE - c->in_tail % IN_SIZE));
        if (c->fe.receive) {
            c->fe.receive(c->fe.opaque, c->in + c->in_tail % IN_SIZE, n);
        }
        c->in_tail += (uint32_t)n;
    }
    store_seq(&c->starved, 0);
}

static void toggle_monitor(struct console *c)
{
    if (c->mux_ops.monitor_focus) {
        c->mux.to_monitor = !c->mux.to_monitor;
        c->mux_ops.monitor_focus(c->mux_ops.opaque, c->mux.to_monitor);
    }
}

static void do_action(struct console *c, enum mux_action action)
{
    switch (action) {
    case MUX_NONE:
        break;
    case MUX_QUIT:
        if (c->mux_ops.quit) {
            c->mux_ops.quit(c->mux_ops.opaque);
        } else {
            machine_request_shutdown(c->machine, 0);
        }
        break;
    case MUX_MONITOR:
        toggle_monitor(c);
        break;
    case MUX_BREAK:
        if (c->fe.line_break) {
            c->fe.line_break(c->fe.opaque);
        }
        break;
    case MUX_HELP:
        mux_help(&c->mux, emit_text, c);
        break;
    }
}

static void pass_byte(struct console *c, uint8_t byte)
{
    if (c->mux.to_monitor && c->mux_ops.monitor_input) {
        c->mux_ops.monitor_input(c->mux_ops.opaque, &byte, 1);
    } else if (in_room(c) > 0) {
        c->in[c->in_head++ % IN_SIZE] = byte;
    }
}

static void take_input(struct console *c, const uint8_t *data, size_t len)
{
    mutex_lock(&c->machine->bql);
    for (size_t i = 0; i < len; i++) {
        bool pass;
        enum mux_action action = mux_feed(&c->mux, data[i], &pass);

        if (pass) {
            pass_byte(c, data[i]);
        }
        if (action != MUX_NONE) {
            deliver_input(c); /* what was typed before comes before */
            do_action(c, action);
        }
    }
    deliver_input(c);
    mutex_unlock(&c->machine->bql);
}

static bool reads_when_full(const struct console *c)
{
    return c->mux.enabled && c->port.is_terminal;
}

/* Reads once. False when the input has ended. */
static bool read_input(struct console *c)
{
    uint8_t buf[1024];
    size_t want = reads_when_full(c) ? sizeof(buf) : MIN(sizeof(buf), (size_t)in_room(c));
    ssize_t n;

    if (want == 0) {
        return true;
    }
    n = read(c->port.in_fd, buf, want);
    if (n > 0) {
        take_input(c, buf, (size_t)n);
    }
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void in_ready(void *opaque, int fd, int events)
{
    struct console *c = opaque;

    (void)fd;
    (void)events;
    if (!read_input(c)) {
        disconnect(c);
    } else {
        watch_input(c);
    }
}

static void in_posted(void *opaque)
{
    struct console *c = opaque;

    c->in_posted = false;
    if (c->port.in_fd >= 0) {
        in_ready(c, c->port.in_fd, EVENT_READ);
    }
}

/* Watches the input exactly while there is room for it. */
static void watch_input(struct console *c)
{
    bool want = c->port.in_fd >= 0 && (in_room(c) > 0 || reads_when_full(c));

    if (c->in_unpollable) {
        if (want && !c->in_posted) {
            c->in_posted = true;
            event_loop_post(c->machine->loop, in_posted, c);
        }
    } else if (want != c->in_watched && c->port.in_fd >= 0) {
        c->in_watched = want;
        if (event_loop_watch(c->machine->loop, c->port.in_fd, want ? EVENT_READ : 0, in_ready, c) ==
            -EPERM) {
            c->in_watched = false;
            c->in_unpollable = true;
            watch_input(c);
        }
    }
}

static void resume_input(void *opaque)
{
    struct console *c = opaque;

    mutex_lock(&c->machine->bql);
    deliver_input(c);
    mutex_unlock(&c->machine->bql);
    watch_input(c);
}

void console_accept_input(struct console *c)
{
    if (load_seq(&c->starved) && atomic_xchg(&c->starved, 0)) {
        event_loop_post(c->machine->loop, resume_input, c);
    }
}

/* --- connections --- */

static void set_connected(struct console *c, bool connected)
{
    mutex_lock(&c->lock);
    c->connected = connected;
    mutex_unlock(&c->lock);
}

static void client_came(void *opaque, int fd, int events)
{
    struct console *c = opaque;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    (void)events;
    if (client < 0) {
        return;
    }
    event_loop_watch(c->machine->loop, fd, 0, NULL, NULL);
    if (console_port_connect(&c->port, client) == 0) {
        set_connected(c, true);
    }
    watch_input(c);
}

static void close_end(struct console *c, int *fd)
{
    if (*fd >= 0) {
        event_loop_watch(c->machine->loop, *fd, 0, NULL, NULL);
        close(*fd);
        *fd = -1;
    }
}

/*
 * The input ended. A socket is closed, and a server waits for the next client; others only stop
 * reading.
 */
static void disconnect(struct console *c)
{
    bool is_socket = c->port.closes_together;

    if (c->port.is_terminal) {
        terminal_restore(); /* the descriptor that it would use is closed next */
        c->port.is_terminal = false;
    }
    close_end(c, &c->port.in_fd);
    c->in_watched = false;
    if (is_socket) {
        set_connected(c, false);
        close_end(c, &c->port.out_fd);
        flush_output(c);
    }
    if (c->port.listen_fd >= 0) {
        event_loop_watch(c->machine->loop, c->port.listen_fd, EVENT_READ, client_came, c);
    }
}

/* --- life --- */

struct console *console_new(struct machine *m, const char *spec, struct err *err)
{
    struct console *c = calloc(1, sizeof(*c));
    bool keys = strncmp(spec, "mon:", 4) == 0;

    if (!c) {
        err_set(err, -ENOMEM, "console %s: out of memory", spec);
        return NULL;
    }
    if (console_port_open(&c->port, spec + (keys ? 4 : 0), keys, err) != 0) {
        free(c);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    c->machine = m;
    c->mux = (struct mux){.enabled = keys, .escape = 1};
    c->connected = c->port.out_fd >= 0;
    mutex_init(&c->lock, RANK_BACKEND, "console");
    timer_init(&c->flush_timer, flush_due, c);
    if (c->port.in_fd < 0 && c->port.listen_fd >= 0) {
        event_loop_watch(m->loop, c->port.listen_fd, EVENT_READ, client_came, c);
    }
    return c;
}

const char *console_notice(const struct console *c)
{
    return c->port.notice;
}

/* What is queued still gets out, if the sink takes it in time. */
static void drain_output(struct console *c)
{
    int64_t end_ns = clock_now_ns() + CLOSE_TIMEOUT_MS * INT64_C(1000000);
    const uint8_t *data;
    size_t len;

    while (c->port.out_fd >= 0 && (len = out_piece(c, &data)) > 0 && clock_now_ns() < end_ns) {
        ssize_t n = write_some(&c->port, data, len);

        if (n == -EAGAIN) {
            struct pollfd p = {.fd = c->port.out_fd, .events = POLLOUT};

            if (c->port.lossy) {
                return;
            }
            poll(&p, 1, CLOSE_TIMEOUT_MS / 10);
        } else {
            out_advance(c, n < 0 ? len : (size_t)n);
        }
    }
}

void console_free(struct console *c)
{
    struct event_loop *loop;

    if (!c) {
        return;
    }
    loop = c->machine->loop;
    timer_del(c->machine->timers, &c->flush_timer);
    drain_output(c);
    close_end(c, &c->port.out_fd);
    if (c->port.in_fd >= 0) {
        event_loop_watch(loop, c->port.in_fd, 0, NULL, NULL);
    }
    if (c->port.listen_fd >= 0) {
        event_loop_watch(loop, c->port.listen_fd, 0, NULL, NULL);
    }
    console_port_close(&c->port);
    mutex_fini(&c->lock);
    free(c);
}

void console_attach(struct console *c, const struct console_frontend *fe)
{
    c->fe = *fe;
    watch_input(c);
}

void console_set_mux(struct console *c, const struct console_mux_ops *ops, int escape_char)
{
    if (ops) {
        c->mux_ops = *ops;
    }
    c->mux.escape = (uint8_t)escape_char;
    watch_input(c);
}
