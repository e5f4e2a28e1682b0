/* SPDX-License-Identifier: MIT */
/*
 * The user's terminal in raw mode, and back: at terminal_restore, at exit, and when a fatal signal
 * ends the process.
 *
 * `saved` is a writable file-scope object, which this house avoids: a signal handler and an exit
 * handler get no argument, and a terminal left raw is worse than the exception. It is written
 * before the handlers are installed, and read-only after that but for its flag.
 */
#include "hw/backend/internal.h"
#include "hw/host/atomic.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct {
    struct termios modes;
    int fd;
    int active; /* a: 1 while the terminal is raw */
    bool handlers;
} saved;

static const int fatal_signals[] = {SIGSEGV, SIGBUS,  SIGILL, SIGFPE,
                                    SIGABRT, SIGTERM, SIGINT, SIGHUP};

/* Async-signal-safe. */
void terminal_restore(void)
{
    if (atomic_xchg(&saved.active, 0)) {
        tcsetattr(saved.fd, TCSANOW, &saved.modes);
    }
}

/*
 * Installed with SA_RESETHAND: raising the signal again ends the process as if we had not looked.
 */
static void on_fatal_signal(int sig)
{
    terminal_restore();
    raise(sig);
}

/* Signals that someone else handles are left to them. */
static void install_handlers(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++) {
        struct sigaction old;
        struct sigaction new = {.sa_handler = on_fatal_signal,
                                .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};

        if (sigaction(fatal_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
            sigaction(fatal_signals[i], &new, NULL);
        }
    }
    atexit(terminal_restore);
}

static void make_raw(struct termios *t, bool signals)
{
    t->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    t->c_oflag |= OPOST;
    t->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    t->c_lflag = signals ? t->c_lflag | ISIG : t->c_lflag & ~(tcflag_t)ISIG;
    t->c_cflag = (t->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    t->c_cc[VMIN] = 1;
    t->c_cc[VTIME] = 0;
}

int terminal_raw(int fd, bool signals)
{
    struct termios t;

    if (load_relaxed(&saved.active)) {
        return -EBUSY;
    }
    /*
     * In the background the kernel would stop us; a job that is brought to the foreground later
     * stays cooked. A terminal that does not control us (tcgetpgrp fails) stops nobody.
     */
    if (tcgetattr(fd, &t) != 0 || (tcgetpgrp(fd) >= 0 && tcgetpgrp(fd) != getpgrp())) {
        return 0;
    }
    saved.modes = t;
    saved.fd = fd;
    if (!saved.handlers) {
        saved.handlers = true;
        install_handlers();
    }
    store_seq(&saved.active, 1);
    make_raw(&t, signals);
    return tcsetattr(fd, TCSANOW, &t) == 0 ? 0 : -errno;
}
