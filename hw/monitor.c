/* SPDX-License-Identifier: MIT */
/*
 * The monitor's line: input queue, editing (erase character, erase line, end), prompt, output. What
 * commands do is in monitor-commands.c.
 *
 * Input comes from the console with the BQL held (receive_*), is queued, and handled by a posted
 * call on the same thread without the lock, because commands pause the harts.
 */
#include "hw/monitor.h"
#include "hw/backend/console.h"
#include "hw/host/event-loop.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 256
#define QUEUE_SIZE   1024
#define PROMPT       "(qemu) " /* what scripts that drive a monitor wait for */

enum {
    KEY_CTRL_C = 3,
    KEY_BACKSPACE = 8,
    KEY_CTRL_U = 21,
    KEY_DELETE = 127,
};

struct monitor {
    struct virt *v;
    struct console *console;
    uint8_t queue[QUEUE_SIZE];
    size_t nqueued;
    char line[LINE_MAX_LEN];
    size_t len;
    bool greeted;
    uint8_t previous; /* to take \r\n as one end of line */
};

struct virt *monitor_virt(struct monitor *mon)
{
    return mon->v;
}

void monitor_write(struct monitor *mon, const char *text, size_t len)
{
    for (size_t start = 0; start < len;) {
        const char *newline = memchr(text + start, '\n', len - start);
        size_t end = newline ? (size_t)(newline - text) : len;

        console_write(mon->console, (const uint8_t *)text + start, end - start);
        if (newline) {
            console_write(mon->console, (const uint8_t *)"\r\n", 2);
        }
        start = end + 1;
    }
}

void monitor_printf(struct monitor *mon, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n > 0) {
        monitor_write(mon, text, MIN((size_t)n, sizeof(text) - 1));
    }
}

static void prompt(struct monitor *mon)
{
    monitor_write(mon, PROMPT, strlen(PROMPT));
}

static void greet(struct monitor *mon)
{
    if (!mon->greeted) {
        monitor_printf(mon, "manyhart %s monitor - type 'help' for more information\n", MH_VERSION);
        mon->greeted = true;
    }
    prompt(mon);
}

static void end_line(struct monitor *mon)
{
    mon->line[mon->len] = '\0';
    mon->len = 0;
    monitor_write(mon, "\n", 1);
    monitor_command(mon, mon->line);
    prompt(mon);
}

static void erase(struct monitor *mon, size_t n)
{
    for (; n > 0 && mon->len > 0; n--, mon->len--) {
        monitor_write(mon, "\b \b", 3);
    }
}

static void take_key(struct monitor *mon, uint8_t key)
{
    switch (key) {
    case '\r':
    case '\n':
        if (key == '\r' || mon->previous != '\r') {
            end_line(mon);
        }
        break;
    case KEY_BACKSPACE:
    case KEY_DELETE:
        erase(mon, 1);
        break;
    case KEY_CTRL_U:
    case KEY_CTRL_C:
        erase(mon, mon->len);
        break;
    default:
        if (key >= ' ' && key < KEY_DELETE && mon->len < LINE_MAX_LEN - 1) {
            char echo = (char)key;

            mon->line[mon->len++] = echo;
            monitor_write(mon, &echo, 1);
        }
        break;
    }
    mon->previous = key;
}

static void run_queue(void *opaque)
{
    struct monitor *mon = opaque;
    uint8_t keys[QUEUE_SIZE];
    size_t n;

    mutex_lock(&mon->v->machine.bql);
    n = mon->nqueued;
    memcpy(keys, mon->queue, n);
    mon->nqueued = 0;
    mutex_unlock(&mon->v->machine.bql);
    for (size_t i = 0; i < n; i++) {
        take_key(mon, keys[i]);
    }
    console_accept_input(mon->console);
}

/* BQL held. What does not fit is dropped: nobody types that fast. */
static void queue_input(void *opaque, const uint8_t *data, size_t len)
{
    struct monitor *mon = opaque;
    size_t n = MIN(len, QUEUE_SIZE - mon->nqueued);

    if (mon->nqueued == 0 && n > 0) {
        event_loop_post(mon->v->machine.loop, run_queue, mon);
    }
    memcpy(mon->queue + mon->nqueued, data, n);
    mon->nqueued += n;
}

static size_t queue_room(void *opaque)
{
    struct monitor *mon = opaque;

    return QUEUE_SIZE - mon->nqueued;
}

static void focus(void *opaque, bool focused)
{
    struct monitor *mon = opaque;

    if (focused) {
        greet(mon);
    } else {
        mon->len = 0;
    }
}

static void quit(void *opaque)
{
    struct monitor *mon = opaque;

    monitor_printf(mon, "\nmanyhart: terminated\n");
    virt_quit(mon->v);
}

static void attach(struct monitor *mon, bool shared)
{
    struct console_mux_ops ops = {
        .quit = quit, .monitor_input = queue_input, .monitor_focus = focus, .opaque = mon};
    struct console_frontend fe = {.can_receive = queue_room, .receive = queue_input, .opaque = mon};

    console_set_mux(mon->console, &ops, mon->v->o->escape_char);
    if (!shared) {
        console_attach(mon->console, &fe);
        greet(mon);
    }
}

struct monitor *monitor_new(struct virt *v, struct console *c, bool shared, struct err *err)
{
    struct monitor *mon = calloc(1, sizeof(*mon));

    if (!mon) {
        err_set(err, -ENOMEM, "out of host memory");
        return NULL;
    }
    mon->v = v;
    mon->console = c;
    attach(mon, shared);
    return mon;
}

void monitor_free(struct monitor *mon)
{
    free(mon);
}
