/* SPDX-License-Identifier: MIT */
/*
 * The event loop: delivery, removal while events are being delivered, posts and quits from other threads, the deadline.
 */
#include "hw/host/atomic.h"
#include "hw/host/clock.h"
#include "hw/host/event-loop.h"
#include "hw/host/thread.h"
#include "tests/unit.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS 1000000

struct fixture {
    struct event_loop *loop;
    int pair[2]; /* what is written to [1] can be read at [0] */
    int other[2];
    int calls;
    int events;
    int64_t deadline_ns;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){.loop = event_loop_new(NULL), .deadline_ns = INT64_MAX};
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f->pair);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f->other);
}

static void teardown(struct fixture *f)
{
    event_loop_free(f->loop);
    for (int i = 0; i < 2; i++) {
        close(f->pair[i]);
        close(f->other[i]);
    }
}

static void put_byte(int fd)
{
    char c = 'x';
    ssize_t n UNUSED = write(fd, &c, 1);
}

static void quit_post(void *opaque)
{
    event_loop_quit(opaque);
}

static void on_read_quit(void *opaque, int fd, int events)
{
    struct fixture *f = opaque;
    char buf[16];
    ssize_t n UNUSED = read(fd, buf, sizeof(buf));

    f->calls++;
    f->events |= events;
    event_loop_quit(f->loop);
}

static void readable_fd_calls_its_handler(struct unit *u)
{
    struct fixture f;

    setup(&f);
    CHECK_EQ(u, event_loop_watch(f.loop, f.pair[0], EVENT_READ, on_read_quit, &f), 0);
    put_byte(f.pair[1]);
    event_loop_run(f.loop);
    CHECK_EQ(u, f.calls, 1);
    CHECK_EQ(u, f.events, EVENT_READ);
    teardown(&f);
}

static void changed_watch_asks_for_writes_too(struct unit *u)
{
    struct fixture f;

    setup(&f);
    event_loop_watch(f.loop, f.pair[0], EVENT_READ, on_read_quit, &f);
    CHECK_EQ(u, event_loop_watch(f.loop, f.pair[0], EVENT_WRITE, on_read_quit, &f), 0);
    event_loop_run(f.loop);
    CHECK_EQ(u, f.events, EVENT_WRITE);
    teardown(&f);
}

static void hangup_of_the_peer_reaches_a_reader(struct unit *u)
{
    struct fixture f;

    setup(&f);
    event_loop_watch(f.loop, f.pair[0], EVENT_READ, on_read_quit, &f);
    shutdown(f.pair[1], SHUT_RDWR);
    event_loop_run(f.loop);
    CHECK(u, f.events & EVENT_READ);
    CHECK(u, f.events & EVENT_HANGUP);
    teardown(&f);
}

static void regular_file_is_refused_with_eperm(struct unit *u)
{
    struct fixture f;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    setup(&f);
    CHECK_EQ(u, event_loop_watch(f.loop, fd, EVENT_READ, on_read_quit, &f), -EPERM);
    CHECK_EQ(u, event_loop_watch(f.loop, fd, 0, NULL, NULL), -ENOENT);
    CHECK_EQ(u, event_loop_watch(f.loop, -1, EVENT_READ, on_read_quit, &f), -EBADF);
    close(fd);
    teardown(&f);
}

static void on_read_remove_both(void *opaque, int fd UNUSED, int events UNUSED)
{
    struct fixture *f = opaque;

    f->calls++;
    event_loop_watch(f->loop, f->pair[0], 0, NULL, NULL);
    event_loop_watch(f->loop, f->other[0], 0, NULL, NULL);
    event_loop_post(f->loop, quit_post, f->loop);
}

static void handler_that_removes_the_other_watch_silences_it_in_the_same_batch(struct unit *u)
{
    struct fixture f;

    setup(&f);
    event_loop_watch(f.loop, f.pair[0], EVENT_READ, on_read_remove_both, &f);
    event_loop_watch(f.loop, f.other[0], EVENT_READ, on_read_remove_both, &f);
    put_byte(f.pair[1]);
    put_byte(f.other[1]);
    event_loop_run(f.loop);
    CHECK_EQ(u, f.calls, 1);
    teardown(&f);
}

static void on_read_reuse_fd(void *opaque, int fd UNUSED, int events UNUSED)
{
    struct fixture *f = opaque;
    int fresh[2];

    f->calls++;
    for (int i = 0; i < 2; i++) {
        int stale = i == 0 ? f->pair[0] : f->other[0];

        event_loop_watch(f->loop, stale, 0, NULL, NULL);
        socketpair(AF_UNIX, SOCK_STREAM, 0, fresh);
        dup2(fresh[0], stale); /* same number, another file, nothing to read */
        event_loop_watch(f->loop, stale, EVENT_READ, on_read_quit, f);
        close(fresh[0]);
        dup2(fresh[1], 200 + i);
        close(fresh[1]);
    }
    event_loop_post(f->loop, quit_post, f->loop);
}

static void stale_event_is_not_given_to_a_new_watch_of_the_same_fd(struct unit *u)
{
    struct fixture f;

    setup(&f);
    event_loop_watch(f.loop, f.pair[0], EVENT_READ, on_read_reuse_fd, &f);
    event_loop_watch(f.loop, f.other[0], EVENT_READ, on_read_reuse_fd, &f);
    put_byte(f.pair[1]);
    put_byte(f.other[1]);
    event_loop_run(f.loop);
    CHECK_EQ(u, f.calls, 1);
    close(200);
    close(201);
    teardown(&f);
}

enum { POSTERS = 4, POSTS = 5000 };

struct poster {
    struct thread thread;
    struct event_loop *loop;
    int seen;      /* loop thread */
    bool disorder; /* loop thread */
    int *total;    /* loop thread */
};

struct numbered {
    struct poster *from;
    int number;
};

static struct numbered *numbered_new(struct poster *from, int number)
{
    struct numbered *n = malloc(sizeof(*n));

    *n = (struct numbered){from, number};
    return n;
}

static void on_numbered(void *opaque)
{
    struct numbered *n = opaque;
    struct poster *p = n->from;

    p->disorder |= n->number != p->seen;
    p->seen++;
    if (++*p->total == POSTERS * POSTS) {
        event_loop_quit(p->loop);
    }
    free(n);
}

static void *poster_main(void *arg)
{
    struct poster *p = arg;

    for (int i = 0; i < POSTS; i++) {
        event_loop_post(p->loop, on_numbered, numbered_new(p, i));
    }
    return NULL;
}

static void posts_of_many_threads_each_run_once_and_in_order(struct unit *u)
{
    struct poster posters[POSTERS] = {0};
    struct fixture f;
    int total = 0;

    setup(&f);
    for (int i = 0; i < POSTERS; i++) {
        posters[i].loop = f.loop;
        posters[i].total = &total;
        thread_create(&posters[i].thread, "poster", poster_main, &posters[i]);
    }
    event_loop_run(f.loop);
    for (int i = 0; i < POSTERS; i++) {
        thread_join(&posters[i].thread);
        CHECK_EQ(u, posters[i].seen, POSTS);
        CHECK(u, !posters[i].disorder);
    }
    teardown(&f);
}

static void quit_before_run_is_not_lost(struct unit *u)
{
    struct fixture f;

    setup(&f);
    event_loop_quit(f.loop);
    event_loop_run(f.loop);
    CHECK(u, true);
    teardown(&f);
}

static int64_t on_deadline(void *opaque)
{
    struct fixture *f = opaque;

    f->calls++;
    if (f->deadline_ns <= clock_now_ns()) {
        event_loop_quit(f->loop);
        return INT64_MAX;
    }
    return f->deadline_ns;
}

static void deadline_wakes_the_loop_not_too_early_and_without_spinning(struct unit *u)
{
    struct fixture f;

    setup(&f);
    f.deadline_ns = clock_now_ns() + 30 * MS;
    event_loop_set_timer(f.loop, on_deadline, &f);
    event_loop_run(f.loop);
    CHECK(u, clock_now_ns() >= f.deadline_ns);
    CHECK(u, f.calls >= 2 && f.calls < 10);
    teardown(&f);
}

static void *rearm_main(void *arg)
{
    struct fixture *f = arg;

    usleep(20000);
    store_release(&f->deadline_ns, 0);
    event_loop_rearm(f->loop);
    return NULL;
}

static int64_t on_moved_deadline(void *opaque)
{
    struct fixture *f = opaque;
    int64_t deadline_ns = load_acquire(&f->deadline_ns);

    if (deadline_ns == 0) {
        event_loop_quit(f->loop);
    }
    return deadline_ns;
}

static void rearm_from_another_thread_ends_a_long_sleep(struct unit *u)
{
    struct thread t;
    struct fixture f;
    int64_t start = clock_now_ns();

    setup(&f);
    f.deadline_ns = start + INT64_C(100000) * MS;
    event_loop_set_timer(f.loop, on_moved_deadline, &f);
    thread_create(&t, "rearm", rearm_main, &f);
    event_loop_run(f.loop);
    thread_join(&t);
    CHECK(u, clock_now_ns() - start < INT64_C(50000) * MS);
    teardown(&f);
}

/* The loop that the signal handler ends: what a handler can reach must be at file scope. */
static struct event_loop *signal_loop;

static void on_signal(int sig UNUSED)
{
    event_loop_quit(signal_loop);
}

static void *kill_main(void *arg UNUSED)
{
    usleep(20000);
    kill(getpid(), SIGUSR1);
    return NULL;
}

static void quit_from_a_signal_handler_ends_a_sleep_without_deadline(struct unit *u)
{
    struct thread t;
    struct fixture f;

    setup(&f);
    signal_loop = f.loop;
    signal(SIGUSR1, on_signal);
    thread_create(&t, "kill", kill_main, NULL);
    event_loop_run(f.loop);
    thread_join(&t);
    signal(SIGUSR1, SIG_DFL);
    CHECK(u, true);
    teardown(&f);
}

static void free_drops_posts_that_never_ran(struct unit *u)
{
    struct fixture f;

    setup(&f);
    event_loop_post(f.loop, quit_post, f.loop);
    event_loop_post(f.loop, quit_post, f.loop);
    teardown(&f);
    CHECK(u, true); /* the address sanitizer is what fails here */
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(readable_fd_calls_its_handler),
        UNIT(changed_watch_asks_for_writes_too),
        UNIT(hangup_of_the_peer_reaches_a_reader),
        UNIT(regular_file_is_refused_with_eperm),
        UNIT(handler_that_removes_the_other_watch_silences_it_in_the_same_batch),
        UNIT(stale_event_is_not_given_to_a_new_watch_of_the_same_fd),
        UNIT(posts_of_many_threads_each_run_once_and_in_order),
        UNIT(quit_before_run_is_not_lost),
        UNIT(deadline_wakes_the_loop_not_too_early_and_without_spinning),
        UNIT(rearm_from_another_thread_ends_a_long_sleep),
        UNIT(quit_from_a_signal_handler_ends_a_sleep_without_deadline),
        UNIT(free_drops_posts_that_never_ran),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
