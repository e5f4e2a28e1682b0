/* SPDX-License-Identifier: MIT */
/*
 * The I/O thread's event loop over epoll: file descriptors, one timer deadline, and work posted from other threads.
 * Handlers run on the thread that calls event_loop_run, without any lock held; a handler that touches devices takes the BQL.
 */
#ifndef HW_HOST_EVENT_LOOP_H
#define HW_HOST_EVENT_LOOP_H

#include "hw/host/err.h"

struct event_loop;

enum { EVENT_READ = 1, EVENT_WRITE = 2, EVENT_HANGUP = 4 };

typedef void event_fd_fn(void *opaque, int fd, int events);
typedef void event_post_fn(void *opaque);
/* Runs what is due and returns the next deadline (clock_now_ns), or INT64_MAX. */
typedef int64_t event_timer_fn(void *opaque);

struct event_loop *event_loop_new(struct err *err);
void event_loop_free(struct event_loop *loop);

/*
 * Adds, changes (same fd again) or removes (events 0) a watch. Any thread. FDs that epoll refuses (files): -EPERM; removing
 * what is not watched: -ENOENT. Handlers may change any watch, their own too: after a removal on the loop's thread FN is not
 * called again. A removal by another thread does not wait for a handler that is running.
 * Remove a watch before closing its fd. Hangup and error are told even if only reads or writes were asked for.
 */
int event_loop_watch(struct event_loop *loop, int fd, int events, event_fd_fn *fn, void *opaque);
/* Runs FN(OPAQUE) once on the loop's thread, soon. Any thread; never blocks on the loop. */
void event_loop_post(struct event_loop *loop, event_post_fn *fn, void *opaque);
/* The one timer source (hw/core/timer.c). Set before run. */
void event_loop_set_timer(struct event_loop *loop, event_timer_fn *fn, void *opaque);
/* Any thread: asks the loop to call the timer source again, because its first deadline moved. */
void event_loop_rearm(struct event_loop *loop);
/* Runs until event_loop_quit, also one that was called before; what was posted before it has then run. */
void event_loop_run(struct event_loop *loop);
/* Any thread, also from a signal handler. */
void event_loop_quit(struct event_loop *loop);

#endif
