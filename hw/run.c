/* SPDX-License-Identifier: MIT */
/*
 * The control loop of the board, on the main thread: starts the harts, waits in the event loop, and
 * carries out what the guest (finisher), the user (signals, monitor) or the keyboard asked for:
 * reset, shutdown, stop and go on.
 *
 * Everything here runs on the main thread without the BQL, and takes it where device state is
 * touched. Requests of other threads arrive as words in struct machine and a posted call of
 * handle_request.
 */
#include "hw/backend/console.h"
#include "hw/host/atomic.h"
#include "hw/host/event-loop.h"
#include "hw/host/log.h"
#include "hw/virt.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void our_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGQUIT);
}

void virt_block_signals(void)
{
    sigset_t set;

    our_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Harts out of guest code, whatever the user wanted of them. */
static void pause_harts(struct virt *v)
{
    if (v->started && !v->stopped) {
        accel_pause(v->accel);
    }
}

static int resume_harts(struct virt *v, struct err *err)
{
    if (v->stopped) {
        return 0;
    }
    if (v->started) {
        accel_resume(v->accel);
        return 0;
    }
    v->started = true;
    return accel_start(v->accel, err);
}

void virt_stop(struct virt *v)
{
    pause_harts(v);
    v->stopped = true;
}

int virt_cont(struct virt *v, struct err *err)
{
    if (!v->stopped) {
        return 0;
    }
    v->stopped = false;
    return resume_harts(v, err);
}

void virt_quit(struct virt *v)
{
    event_loop_quit(v->machine.loop);
}

void virt_dump_harts(struct virt *v, FILE *out)
{
    struct err err;

    pause_harts(v);
    for (unsigned i = 0; i < v->o->nharts; i++) {
        fprintf(out, "hart %u\n", i);
        hart_dump(v->harts[i], out, true);
    }
    fflush(out);
    if (v->started) {
        resume_harts(v, &err);
    }
}

/* Devices and harts to power-on state, images into memory. Harts are stopped. */
static int reset_all(struct virt *v, struct err *err)
{
    struct machine *m = &v->machine;
    int code;

    mutex_lock(&m->bql);
    for (struct device *d = m->devices; d; d = d->next) {
        if (d->model->reset) {
            d->model->reset(d);
        }
    }
    code = boot_load(v->boot, m->memory, err);
    mutex_unlock(&m->bql);
    for (unsigned i = 0; i < v->o->nharts; i++) {
        hart_reset(v->harts[i], boot_reset_pc(v->boot));
    }
    return code;
}

static void fail(struct virt *v, const struct err *err)
{
    v->failure = *err;
    event_loop_quit(v->machine.loop);
}

static void do_reset(struct virt *v)
{
    int request = MACHINE_RESET;
    struct err err;

    pause_harts(v);
    /* From here a new request of the guest or the user is a new reset, or a shutdown. */
    atomic_cas(&v->machine.request, &request, MACHINE_RUNNING);
    if (reset_all(v, &err) < 0 || (v->started && resume_harts(v, &err) < 0)) {
        fail(v, &err);
    }
}

static void do_shutdown(struct virt *v)
{
    struct machine *m = &v->machine;

    if (!v->o->no_shutdown) {
        event_loop_quit(m->loop);
        return;
    }
    virt_stop(v);
    store_release(&m->request, MACHINE_RUNNING);
    store_release(&m->shutdown_taken, 0);
}

static void handle_request(void *opaque)
{
    struct virt *v = opaque;

    switch (load_acquire(&v->machine.request)) {
    case MACHINE_RESET:
        do_reset(v);
        break;
    case MACHINE_SHUTDOWN:
        do_shutdown(v);
        break;
    default:
        break;
    }
}

static void notify(struct machine *m)
{
    event_loop_post(m->loop, handle_request, container_of(m, struct virt, machine));
}

static void sender_name(uint32_t pid, char *name, size_t size)
{
    char path[64];
    FILE *f;

    name[0] = '\0';
    snprintf(path, sizeof(path), "/proc/%u/comm", pid);
    f = fopen(path, "re");
    if (f) {
        if (fgets(name, (int)size, f)) {
            name[strcspn(name, "\n")] = '\0';
        }
        fclose(f);
    }
}

static void terminate(struct virt *v, const struct signalfd_siginfo *si)
{
    char name[64];

    if (si->ssi_code == SI_USER && si->ssi_pid) {
        sender_name(si->ssi_pid, name, sizeof(name));
        fprintf(stderr, "manyhart: terminating on signal %u from pid %u (%s)\n", si->ssi_signo,
                si->ssi_pid, name[0] ? name : "unknown process");
    } else {
        fprintf(stderr, "manyhart: terminating on signal %u\n", si->ssi_signo);
    }
    event_loop_quit(v->machine.loop);
}

static void handle_signal(void *opaque, int fd, int events)
{
    struct virt *v = opaque;
    struct signalfd_siginfo si;

    (void)events;
    if (read(fd, &si, sizeof(si)) != (ssize_t)sizeof(si)) {
        return;
    }
    if (si.ssi_signo == SIGQUIT) {
        virt_dump_harts(v, stderr);
    } else {
        terminate(v, &si);
    }
}

static int watch_signals(struct virt *v, struct err *err)
{
    sigset_t set;
    int code;

    our_signals(&set);
    v->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (v->signal_fd < 0) {
        code = -errno;
        return err_set(err, code, "signalfd: %s", strerror(-code));
    }
    return event_loop_watch(v->machine.loop, v->signal_fd, EVENT_READ, handle_signal, v);
}

static int start(struct virt *v, struct err *err)
{
    int code = watch_signals(v, err);

    v->machine.notify = notify;
    code = code < 0 ? code : reset_all(v, err);
    v->stopped = v->o->start_stopped;
    return code < 0 ? code : resume_harts(v, err);
}

static void stop(struct virt *v)
{
    if (v->started) {
        accel_stop(v->accel);
    }
    if (log_enabled(LOG_STATS)) {
        FILE *out = log_begin();

        accel_print_stats(v->accel, out);
        hart_print_rows(v->harts, v->o->nharts, out);
        log_end();
    }
    if (v->signal_fd >= 0) {
        event_loop_watch(v->machine.loop, v->signal_fd, 0, NULL, NULL);
        close(v->signal_fd);
    }
}

int virt_run(struct virt *v, struct err *err)
{
    int code = start(v, err);

    if (code == 0) {
        event_loop_run(v->machine.loop);
    }
    stop(v);
    if (code < 0) {
        return code;
    }
    if (v->failure.text[0]) {
        *err = v->failure;
        return -EIO;
    }
    return load_acquire(&v->machine.request) == MACHINE_SHUTDOWN
               ? load_relaxed(&v->machine.exit_status)
               : 0;
}
