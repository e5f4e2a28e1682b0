/* SPDX-License-Identifier: MIT */
/*
 * Consoles: every kind opens, carries bytes both ways and closes; escape keys; the terminal's modes
 * come back.
 */
#include "hw/backend/console.h"
#include "hw/host/clock.h"
#include "tests/unit.h"
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

struct fixture {
    struct machine m;
    struct timer stop;
    struct console *c;
    char dir[32];
    char got[256]; /* what the front end received */
    size_t ngot, room;
    unsigned breaks, quits, focus;
    char monitor[64];
    size_t nmonitor;
};

static void stop(void *opaque)
{
    struct fixture *fx = opaque;

    event_loop_quit(fx->m.loop);
}

static size_t can_receive(void *opaque)
{
    struct fixture *fx = opaque;

    return fx->room;
}

static void receive(void *opaque, const uint8_t *data, size_t len)
{
    struct fixture *fx = opaque;

    memcpy(fx->got + fx->ngot, data, len);
    fx->ngot += len;
    fx->room -= len;
}

static void line_break(void *opaque)
{
    struct fixture *fx = opaque;

    fx->breaks++;
}

static void quit(void *opaque)
{
    struct fixture *fx = opaque;

    fx->quits++;
}

static void monitor_input(void *opaque, const uint8_t *data, size_t len)
{
    struct fixture *fx = opaque;

    memcpy(fx->monitor + fx->nmonitor, data, len);
    fx->nmonitor += len;
}

static void monitor_focus(void *opaque, bool focused)
{
    struct fixture *fx = opaque;

    fx->focus = fx->focus * 10 + 1 + focused;
}

static void init(struct fixture *fx)
{
    struct err err;

    memset(fx, 0, sizeof(*fx));
    if (machine_init(&fx->m, &err) != 0) {
        abort();
    }
    timer_init(&fx->stop, stop, fx);
    snprintf(fx->dir, sizeof(fx->dir), "%s", "/tmp/mh-console-XXXXXX");
    if (!mkdtemp(fx->dir)) {
        abort();
    }
    fx->room = 100;
}

/* FMT's %s becomes the directory. */
static void open_console(struct unit *u, struct fixture *fx, const char *fmt)
{
    const struct console_frontend fe = {
        .can_receive = can_receive, .receive = receive, .line_break = line_break, .opaque = fx};
    char spec[128];
    struct err err = {{0}};

    snprintf(spec, sizeof(spec), fmt, fx->dir);
    fx->c = console_new(&fx->m, spec, &err);
    CHECK(u, fx->c != NULL);
    if (fx->c) {
        console_attach(fx->c, &fe);
    }
}

static void fini(struct fixture *fx)
{
    char command[64];

    console_free(fx->c);
    machine_fini(&fx->m);
    snprintf(command, sizeof(command), "rm -rf %s", fx->dir);
    if (system(command) != 0) {
        abort();
    }
}

static void run(struct fixture *fx, unsigned ms)
{
    timer_mod(fx->m.timers, &fx->stop, clock_now_ns() + (int64_t)ms * 1000000);
    event_loop_run(fx->m.loop);
}

static void print(struct fixture *fx, const char *text)
{
    console_write(fx->c, (const uint8_t *)text, strlen(text));
}

static void wrong_specs_are_refused(struct unit *u)
{
    static const char *const specs[] = {"",
                                        "stdi",
                                        "stdiox",
                                        "nul",
                                        "file:/nonexistent/x",
                                        "pipe:/nonexistent/x",
                                        "bogus:1",
                                        "unix:/nonexistent/x",
                                        "tcp:1",
                                        "tcp:127.0.0.1:1",
                                        "mon:",
                                        "mon:bogus"};
    struct fixture fx;

    init(&fx);
    for (unsigned i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct err err = {{0}};

        CHECK(u, console_new(&fx.m, specs[i], &err) == NULL);
        CHECK(u, err.text[0] != '\0');
    }
    fini(&fx);
}

static void none_is_no_console_and_no_error(struct unit *u)
{
    struct fixture fx;
    struct err err = {"x"};

    init(&fx);
    CHECK(u, console_new(&fx.m, "none", &err) == NULL);
    CHECK(u, err.text[0] == '\0');
    open_console(u, &fx, "null");
    CHECK_EQ(u, console_write(fx.c, (const uint8_t *)"abc", 3), 3);
    fini(&fx);
}

static void a_file_gets_everything_also_what_was_queued_at_the_end(struct unit *u)
{
    struct fixture fx;
    char path[64], buf[16] = {0};
    int fd;

    init(&fx);
    snprintf(path, sizeof(path), "%s/out", fx.dir);
    open_console(u, &fx, "file:%s/out");
    print(&fx, "abc");
    run(&fx, 3);
    print(&fx, "def");
    console_free(fx.c);
    open_console(u, &fx, "file:%s/out,append=on");
    print(&fx, "ghi");
    console_free(fx.c);
    fx.c = NULL;
    fd = open(path, O_RDONLY);
    CHECK_EQ(u, read(fd, buf, sizeof(buf)), 9);
    CHECK(u, strcmp(buf, "abcdefghi") == 0);
    close(fd);
    fini(&fx);
}

static int connect_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    return connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0 ? fd : -1;
}

static void a_unix_server_takes_one_client_after_the_other(struct unit *u)
{
    struct fixture fx;
    char path[64];

    init(&fx);
    snprintf(path, sizeof(path), "%s/sock", fx.dir);
    open_console(u, &fx, "unix:%s/sock,server=on,wait=off");
    for (unsigned i = 0; i < 3; i++) {
        char buf[16] = {0};
        int fd;

        print(&fx, "lost"); /* nobody listens */
        run(&fx, 3);
        fd = connect_unix(path);
        CHECK(u, fd >= 0);
        run(&fx, 3);
        print(&fx, "hello");
        CHECK_EQ(u, write(fd, "xy", 2), 2);
        run(&fx, 5);
        CHECK_EQ(u, read(fd, buf, sizeof(buf)), 5);
        CHECK(u, strcmp(buf, "hello") == 0);
        CHECK_EQ(u, fx.ngot, 2 * (i + 1));
        close(fd);
        run(&fx, 3);
    }
    fini(&fx);
    CHECK(u, access(path, F_OK) != 0);
}

static void a_pty_carries_bytes_both_ways(struct unit *u)
{
    struct fixture fx;
    char buf[16] = {0};
    const char *name;
    int fd;

    init(&fx);
    open_console(u, &fx, "pty");
    name = strchr(console_notice(fx.c), '/');
    fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    CHECK(u, fd >= 0);
    print(&fx, "hello\n");
    run(&fx, 5);
    CHECK_EQ(u, read(fd, buf, sizeof(buf)), 6);
    CHECK(u, strcmp(buf, "hello\n") == 0);
    CHECK_EQ(u, write(fd, "in", 2), 2);
    run(&fx, 5);
    CHECK_EQ(u, fx.ngot, 2);
    close(fd);
    for (unsigned i = 0; i < 300; i++) { /* nobody reads: the guest is not held up */
        static const uint8_t zeroes[1024];

        CHECK_EQ(u, console_write(fx.c, zeroes, sizeof(zeroes)), sizeof(zeroes));
    }
    run(&fx, 5);
    fini(&fx);
}

static int open_pipes(struct fixture *fx, const char *which)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/p.%s", fx->dir, which);
    return mkfifo(path, 0600) == 0 ? open(path, O_RDWR | O_NONBLOCK) : -1;
}

static void escape_keys_do_what_help_says(struct unit *u)
{
    const struct console_mux_ops ops = {
        .quit = quit, .monitor_input = monitor_input, .monitor_focus = monitor_focus};
    struct console_mux_ops with = ops;
    struct fixture fx;
    char buf[512] = {0};
    int in, out;

    init(&fx);
    with.opaque = &fx;
    in = open_pipes(&fx, "in");
    out = open_pipes(&fx, "out");
    open_console(u, &fx, "mon:pipe:%s/p");
    console_set_mux(fx.c, &with, 1);
    CHECK_EQ(u, write(in, "a\1b\1\1\1zc\1cmonitor\1Cd\1x\1h", 24), 24);
    run(&fx, 10);
    CHECK(u, memcmp(fx.got, "a\1cd", 4) == 0 && fx.ngot == 4);
    CHECK_EQ(u, fx.breaks, 1);
    CHECK_EQ(u, fx.quits, 1);
    CHECK_EQ(u, fx.focus, 21);
    CHECK(u, strcmp(fx.monitor, "monitor") == 0);
    CHECK(u, read(out, buf, sizeof(buf) - 1) > 0);
    CHECK(u, strstr(buf, "C-a x") && strstr(buf, "C-a h") && strstr(buf, "C-a c"));
    console_set_mux(fx.c, NULL, 20);
    CHECK_EQ(u, write(in, "\1\24x", 3), 3);
    run(&fx, 5);
    CHECK_EQ(u, fx.quits, 2);
    CHECK_EQ(u, fx.got[4], 1);
    fini(&fx);
    close(in);
    close(out);
}

static void quit_without_anyone_shuts_the_machine_down(struct unit *u)
{
    struct fixture fx;
    int in, out;

    init(&fx);
    in = open_pipes(&fx, "in");
    out = open_pipes(&fx, "out");
    open_console(u, &fx, "mon:pipe:%s/p");
    CHECK_EQ(u, write(in, "\1x", 2), 2);
    run(&fx, 5);
    CHECK_EQ(u, fx.m.request, MACHINE_SHUTDOWN);
    CHECK_EQ(u, fx.m.exit_status, 0);
    fini(&fx);
    close(in);
    close(out);
}

static void input_waits_for_a_front_end_that_is_full(struct unit *u)
{
    struct fixture fx;
    int in, out;

    init(&fx);
    in = open_pipes(&fx, "in");
    out = open_pipes(&fx, "out");
    fx.room = 2;
    open_console(u, &fx, "pipe:%s/p");
    CHECK_EQ(u, write(in, "abcdef", 6), 6);
    run(&fx, 5);
    CHECK_EQ(u, fx.ngot, 2);
    fx.room = 3;
    console_accept_input(fx.c);
    run(&fx, 5);
    CHECK_EQ(u, fx.ngot, 5);
    fx.room = 100;
    console_accept_input(fx.c);
    console_accept_input(fx.c);
    run(&fx, 5);
    CHECK(u, memcmp(fx.got, "abcdef", 6) == 0 && fx.ngot == 6);
    fini(&fx);
    close(in);
    close(out);
}

/*
 * In a child whose stdin and stdout are a pty; it ends when GO is closed at its other side, and HOW:
 * by console_free, exit, or a fatal signal.
 */
static void child_with_terminal(int how, int go)
{
    struct fixture fx;
    struct unit u = {.name = "child"};
    char byte;

    init(&fx);
    open_console(&u, &fx, "mon:stdio");
    print(&fx, "up\n");
    run(&fx, 20);
    CHECK_EQ(&u, read(go, &byte, 1), 0);
    switch (how) {
    case 0:
        fini(&fx);
        _exit(u.failed);
    case 1:
        rmdir(fx.dir);
        exit(0);
    default:
        rmdir(fx.dir);
        raise(how);
    }
}

static void check_terminal(struct unit *u, int how)
{
    struct termios before, during, after;
    int master, slave, status, go[2];
    char buf[64];
    pid_t pid;

    CHECK_EQ(u, openpty(&master, &slave, NULL, NULL, NULL), 0);
    CHECK_EQ(u, tcgetattr(slave, &before), 0);
    CHECK_EQ(u, pipe(go), 0);
    pid = fork();
    if (pid == 0) {
        close(master);
        close(go[1]);
        login_tty(dup(slave));
        child_with_terminal(how, go[0]);
        _exit(2);
    }
    CHECK(u, read(master, buf, sizeof(buf)) > 0); /* it is up, so it is raw */
    tcgetattr(slave, &during);
    close(go[0]);
    close(go[1]);
    waitpid(pid, &status, 0);
    tcgetattr(slave, &after);
    CHECK(u, !(during.c_lflag & (ECHO | ICANON | ISIG)));
    CHECK(u, (after.c_lflag & (ECHO | ICANON | ISIG)) == (before.c_lflag & (ECHO | ICANON | ISIG)));
    CHECK_EQ(u, after.c_iflag, before.c_iflag);
    if (how > 1) {
        CHECK(u, WIFSIGNALED(status) && WTERMSIG(status) == how);
    } else {
        CHECK_EQ(u, status, 0);
    }
    close(master);
    close(slave);
}

static void the_terminal_is_restored_however_we_end(struct unit *u)
{
    fflush(stdout);
    check_terminal(u, 0);
    check_terminal(u, 1);
    check_terminal(u, SIGTERM);
    check_terminal(u, SIGINT);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(wrong_specs_are_refused),
        UNIT(none_is_no_console_and_no_error),
        UNIT(a_file_gets_everything_also_what_was_queued_at_the_end),
        UNIT(a_unix_server_takes_one_client_after_the_other),
        UNIT(a_pty_carries_bytes_both_ways),
        UNIT(escape_keys_do_what_help_says),
        UNIT(quit_without_anyone_shuts_the_machine_down),
        UNIT(input_waits_for_a_front_end_that_is_full),
        UNIT(the_terminal_is_restored_however_we_end),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
