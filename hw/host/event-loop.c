/* SPDX-License-Identifier: MIT */
/*
 * The event loop over epoll.
 *
 * Watches live in a table indexed by fd. What epoll hands back is an fd and the generation of the watch, and the table is
 * asked again for each event: a handler may remove or replace any watch, its own too, while a batch is being delivered, and
 * a stale event then finds another generation and is dropped.
 *
 * Other threads reach the loop through one atomic word, `todo`: bits say what there is to do, and TODO_ASLEEP that the loop
 * is in (or about to enter) epoll_wait. The first to set a bit while it sleeps rings the eventfd; all others pay one atomic
 * OR and no system call. The eventfd is edge-triggered, so nobody reads it.
 *
 * Locks: l the loop's lock, a atomic, t the thread in event_loop_run, c constant after create.
 */
#include "hw/host/event-loop.h"
#include "hw/host/atomic.h"
#include "hw/host/clock.h"
#include "hw/host/thread.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    TODO_ASLEEP = 1,
    TODO_POST = 2,
    TODO_TIMER = 4,
    TODO_QUIT = 8,

    BATCH = 32,
};

/* Epoll data of the eventfd; no watch has it, because fds are not negative. */
#define WAKE_DATA UINT64_MAX

struct watch {
    event_fd_fn *fn; /* NULL: no watch on this fd */
    void *opaque;
    int events;
    uint32_t generation;
};

struct post {
    struct post *next;
    event_post_fn *fn;
    void *opaque;
};

struct event_loop {
    struct mutex lock;
    int epoll_fd;             /* c */
    int wake_fd;              /* c */
    uint32_t todo;            /* a */
    struct watch *watches;    /* l */
    int nwatches;             /* l: size of the table */
    uint32_t generation;      /* l: of the newest watch */
    struct post *first_post;  /* l */
    struct post **last_post;  /* l */
    event_timer_fn *timer_fn; /* c once it runs */
    void *timer_opaque;       /* c once it runs */
    int64_t deadline_ns;      /* t */
};

static int open_fds(struct event_loop *loop)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE_DATA};

    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &ev) != 0) {
        return -errno;
    }
    return 0;
}

struct event_loop *event_loop_new(struct err *err) NO_THREAD_SAFETY
{
    struct event_loop *loop = calloc(1, sizeof(*loop));
    int ret;

    if (!loop) {
        err_set(err, -ENOMEM, "cannot make the event loop: out of memory");
        return NULL;
    }
    mutex_init(&loop->lock, RANK_EVENT_LOOP, "event loop");
    loop->last_post = &loop->first_post;
    loop->deadline_ns = INT64_MAX;
    ret = open_fds(loop);
    if (ret < 0) {
        err_set(err, ret, "cannot make the event loop: %s", strerror(-ret));
        event_loop_free(loop);
        return NULL;
    }
    return loop;
}

void event_loop_free(struct event_loop *loop) NO_THREAD_SAFETY
{
    if (!loop) {
        return;
    }
    while (loop->first_post) {
        struct post *p = loop->first_post;

        loop->first_post = p->next;
        free(p);
    }
    if (loop->epoll_fd >= 0) {
        close(loop->epoll_fd);
    }
    if (loop->wake_fd >= 0) {
        close(loop->wake_fd);
    }
    free(loop->watches);
    mutex_fini(&loop->lock);
    free(loop);
}

/* Async-signal-safe. */
static void wake(struct event_loop *loop, uint32_t what)
{
    if (fetch_or(&loop->todo, what) == TODO_ASLEEP) {
        uint64_t one = 1;
        int saved_errno = errno;
        ssize_t n UNUSED = write(loop->wake_fd, &one, sizeof(one));

        errno = saved_errno;
    }
}

static uint32_t epoll_events_of(int events)
{
    uint32_t result = 0;

    result |= events & EVENT_READ ? EPOLLIN : 0;
    result |= events & EVENT_WRITE ? EPOLLOUT : 0;
    result |= events & EVENT_HANGUP ? EPOLLRDHUP : 0;
    return result;
}

/* EPOLLHUP and EPOLLERR come unasked; a reader or writer is told too, so that its read or write meets the end or error. */
static int events_of_epoll(uint32_t epoll_events, int wanted)
{
    int result = 0;

    result |= epoll_events & EPOLLIN ? EVENT_READ : 0;
    result |= epoll_events & EPOLLOUT ? EVENT_WRITE : 0;
    result |= epoll_events & EPOLLRDHUP ? EVENT_HANGUP : 0;
    if (epoll_events & (EPOLLHUP | EPOLLERR)) {
        result |= EVENT_HANGUP | (wanted & (EVENT_READ | EVENT_WRITE));
    }
    return result;
}

static int grow_watches_locked(struct event_loop *loop, int fd) REQUIRES(&loop->lock)
{
    int n = loop->nwatches ? loop->nwatches : 16;
    struct watch *grown;

    while (n <= fd) {
        n *= 2;
    }
    if (n == loop->nwatches) {
        return 0;
    }
    grown = realloc(loop->watches, (size_t)n * sizeof(*grown));
    if (!grown) {
        return -ENOMEM;
    }
    memset(grown + loop->nwatches, 0, (size_t)(n - loop->nwatches) * sizeof(*grown));
    loop->watches = grown;
    loop->nwatches = n;
    return 0;
}

static int unwatch_locked(struct event_loop *loop, int fd) REQUIRES(&loop->lock)
{
    if (fd >= loop->nwatches || !loop->watches[fd].fn) {
        return -ENOENT;
    }
    loop->watches[fd].fn = NULL;
    /* The caller may have closed the fd before, which took it out of epoll as well. */
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    return 0;
}

static int watch_locked(struct event_loop *loop, int fd, const struct watch *w) REQUIRES(&loop->lock)
{
    struct epoll_event ev = {.events = epoll_events_of(w->events)};
    int ret = grow_watches_locked(loop, fd);

    if (ret < 0) {
        return ret;
    }
    loop->generation++;
    ev.data.u64 = (uint64_t)loop->generation << 32 | (uint32_t)fd;
    ret = epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &ev);
    if (ret != 0 && errno == ENOENT) {
        ret = epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
    }
    if (ret != 0) {
        ret = -errno;
        loop->watches[fd].fn = NULL;
        return ret;
    }
    loop->watches[fd] = *w;
    loop->watches[fd].generation = loop->generation;
    return 0;
}

int event_loop_watch(struct event_loop *loop, int fd, int events, event_fd_fn *fn, void *opaque)
{
    struct watch w = {.fn = fn, .opaque = opaque, .events = events};
    int ret;

    if (fd < 0) {
        return -EBADF;
    }
    mutex_lock(&loop->lock);
    ret = events ? watch_locked(loop, fd, &w) : unwatch_locked(loop, fd);
    mutex_unlock(&loop->lock);
    return ret;
}

void event_loop_post(struct event_loop *loop, event_post_fn *fn, void *opaque)
{
    struct post *p = malloc(sizeof(*p));

    if (!p) {
        abort(); /* a lost completion would hang the guest, and 24 bytes are what is missing */
    }
    *p = (struct post){.fn = fn, .opaque = opaque};
    mutex_lock(&loop->lock);
    *loop->last_post = p;
    loop->last_post = &p->next;
    mutex_unlock(&loop->lock);
    wake(loop, TODO_POST);
}

void event_loop_set_timer(struct event_loop *loop, event_timer_fn *fn, void *opaque)
{
    loop->timer_fn = fn;
    loop->timer_opaque = opaque;
    wake(loop, TODO_TIMER);
}

void event_loop_rearm(struct event_loop *loop)
{
    wake(loop, TODO_TIMER);
}

void event_loop_quit(struct event_loop *loop)
{
    wake(loop, TODO_QUIT);
}

static void deliver(struct event_loop *loop, const struct epoll_event *ev)
{
    int fd = (int)(uint32_t)ev->data.u64;
    struct watch w = {0};

    if (ev->data.u64 == WAKE_DATA) {
        return;
    }
    mutex_lock(&loop->lock);
    if (fd < loop->nwatches && loop->watches[fd].generation == ev->data.u64 >> 32) {
        w = loop->watches[fd];
    }
    mutex_unlock(&loop->lock);
    if (w.fn) {
        w.fn(w.opaque, fd, events_of_epoll(ev->events, w.events));
    }
}

/* Takes what is queued now; what these post comes with the next round, so that fds are not starved. */
static void run_posts(struct event_loop *loop)
{
    struct post *p;

    mutex_lock(&loop->lock);
    p = loop->first_post;
    loop->first_post = NULL;
    loop->last_post = &loop->first_post;
    mutex_unlock(&loop->lock);
    while (p) {
        struct post *next = p->next;

        p->fn(p->opaque);
        free(p);
        p = next;
    }
}

static void run_timers(struct event_loop *loop)
{
    loop->deadline_ns = loop->timer_fn ? loop->timer_fn(loop->timer_opaque) : INT64_MAX;
}

/* Waits until the deadline. Hosts without epoll_pwait2 get whole milliseconds, rounded up. */
static int wait_events(struct event_loop *loop, struct epoll_event *events)
{
    int64_t left_ns;
    struct timespec ts;
    int n;

    if (loop->deadline_ns == INT64_MAX) {
        return epoll_wait(loop->epoll_fd, events, BATCH, -1);
    }
    left_ns = MAX(loop->deadline_ns - clock_now_ns(), INT64_C(0));
    ts = (struct timespec){.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
    n = epoll_pwait2(loop->epoll_fd, events, BATCH, &ts, NULL);
    if (n < 0 && errno == ENOSYS) {
        n = epoll_wait(loop->epoll_fd, events, BATCH, (int)MIN(left_ns / 1000000 + 1, INT64_C(3600000)));
    }
    return n;
}

/* One sleep at most, then the events. Returns the bits of `todo` that were set meanwhile. */
static uint32_t poll_events(struct event_loop *loop)
{
    struct epoll_event events[BATCH];
    uint32_t none = 0;
    uint32_t bits;
    int n = 0;

    if (atomic_cas(&loop->todo, &none, (uint32_t)TODO_ASLEEP)) {
        n = wait_events(loop, events);
    }
    bits = atomic_xchg(&loop->todo, 0);
    for (int i = 0; i < n; i++) {
        deliver(loop, &events[i]);
    }
    return bits;
}

void event_loop_run(struct event_loop *loop)
{
    for (;;) {
        uint32_t bits = poll_events(loop);

        if (bits & TODO_POST) {
            run_posts(loop);
        }
        if ((bits & TODO_TIMER) || loop->deadline_ns <= clock_now_ns()) {
            run_timers(loop);
        }
        if (bits & TODO_QUIT) {
            return;
        }
    }
}
