/* SPDX-License-Identifier: MIT */
/*
 * The serial port: FIFOs, interrupts and their priorities, line and modem status, loopback, and a
 * real console behind it.
 */
#include "hw/backend/console.h"
#include "tests/devices/fixture.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };
enum { NONE = 1, THRI = 2, RDI = 4, RLSI = 6, CTI = 0xc, MSI = 0 };
enum { DR = 1, OE = 2, FE = 8, BI = 0x10, THRE = 0x20, TEMT = 0x40, FIFO_ERROR = 0x80 };
enum { LOOP = 0x10, FIFOS = 1, TRIGGER_8 = 0x80 };

static const struct ns16550a_config no_console = {.clock_hz = 3686400};

static void init(struct fixture *fx)
{
    fixture_init(fx);
    fixture_add(fx, &ns16550a_model, &no_console);
}

static unsigned in(struct fixture *fx, unsigned reg)
{
    return (unsigned)get(fx, reg, 1);
}

static void out(struct fixture *fx, unsigned reg, unsigned value)
{
    put(fx, reg, value, 1);
}

static unsigned interrupt(struct fixture *fx)
{
    return in(fx, IIR) & 0xf;
}

static void loop_back(struct fixture *fx, unsigned fcr)
{
    out(fx, FCR, fcr);
    out(fx, MCR, LOOP);
    in(fx, MSR);
}

static void after_reset_it_is_idle_and_empty(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    CHECK_EQ(u, in(&fx, LSR), THRE | TEMT);
    CHECK_EQ(u, in(&fx, IIR), NONE);
    CHECK_EQ(u, in(&fx, MSR), 0xb0);
    CHECK_EQ(u, in(&fx, DATA), 0);
    CHECK_EQ(u, get(&fx, 8, 1), 0);
    CHECK_EQ(u, get(&fx, 0xff, 1), 0);
    fixture_fini(&fx);
}

static void dlab_switches_the_divisor_in(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    out(&fx, LCR, 0x83);
    out(&fx, DATA, 0x34);
    out(&fx, IER, 0x12);
    CHECK_EQ(u, in(&fx, DATA), 0x34);
    CHECK_EQ(u, in(&fx, IER), 0x12);
    out(&fx, LCR, 3);
    CHECK_EQ(u, in(&fx, IER), 0);
    CHECK_EQ(u, in(&fx, LCR), 3);
    out(&fx, SCR, 0xa5);
    CHECK_EQ(u, in(&fx, SCR), 0xa5);
    fixture_fini(&fx);
}

static void a_16450_overrun_keeps_the_new_byte(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    loop_back(&fx, 0);
    out(&fx, DATA, 'a');
    CHECK_EQ(u, in(&fx, LSR), THRE | TEMT | DR);
    out(&fx, DATA, 'b');
    CHECK_EQ(u, in(&fx, LSR), THRE | TEMT | DR | OE);
    CHECK_EQ(u, in(&fx, LSR), THRE | TEMT | DR);
    CHECK_EQ(u, in(&fx, DATA), 'b');
    CHECK_EQ(u, in(&fx, LSR), THRE | TEMT);
    fixture_fini(&fx);
}

static void a_fifo_overrun_keeps_the_sixteen_old_bytes(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    loop_back(&fx, FIFOS);
    CHECK_EQ(u, in(&fx, IIR), 0xc0 | NONE);
    for (unsigned i = 0; i < 17; i++) {
        out(&fx, DATA, i);
    }
    CHECK_EQ(u, in(&fx, LSR), THRE | TEMT | DR | OE);
    for (unsigned i = 0; i < 16; i++) {
        CHECK_EQ(u, in(&fx, DATA), i);
    }
    CHECK_EQ(u, in(&fx, LSR), THRE | TEMT);
    fixture_fini(&fx);
}

static void receive_interrupt_comes_at_the_trigger_level(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    loop_back(&fx, FIFOS | TRIGGER_8);
    out(&fx, IER, 1);
    for (unsigned i = 0; i < 7; i++) {
        out(&fx, DATA, i);
    }
    CHECK_EQ(u, interrupt(&fx), NONE);
    CHECK_EQ(u, fx.level[0], 0);
    out(&fx, DATA, 7);
    CHECK_EQ(u, interrupt(&fx), RDI);
    CHECK_EQ(u, fx.level[0], 1);
    in(&fx, DATA);
    CHECK_EQ(u, interrupt(&fx), NONE);
    CHECK_EQ(u, fx.level[0], 0);
    fixture_fini(&fx);
}

static void bytes_below_the_trigger_time_out(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    loop_back(&fx, FIFOS | TRIGGER_8);
    out(&fx, IER, 1);
    out(&fx, DATA, 'x');
    out(&fx, DATA, 'y');
    fixture_run(&fx, 5);
    CHECK_EQ(u, interrupt(&fx), CTI);
    CHECK_EQ(u, fx.level[0], 1);
    in(&fx, DATA);
    CHECK_EQ(u, interrupt(&fx), NONE);
    fixture_run(&fx, 5);
    CHECK_EQ(u, interrupt(&fx), CTI);
    in(&fx, DATA);
    fixture_run(&fx, 5);
    CHECK_EQ(u, interrupt(&fx), NONE);
    fixture_fini(&fx);
}

static void thr_empty_is_told_once_and_again_after_each_write(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    out(&fx, IER, 2);
    CHECK_EQ(u, fx.level[0], 1);
    CHECK_EQ(u, interrupt(&fx), THRI);
    CHECK_EQ(u, fx.level[0], 0);
    CHECK_EQ(u, interrupt(&fx), NONE);
    out(&fx, DATA, 'a');
    CHECK_EQ(u, fx.level[0], 1);
    CHECK_EQ(u, interrupt(&fx), THRI);
    out(&fx, IER, 0);
    out(&fx, IER, 2);
    CHECK_EQ(u, interrupt(&fx), THRI);
    fixture_fini(&fx);
}

static void interrupts_are_told_by_priority(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    loop_back(&fx, 0);
    out(&fx, IER, 0xf);
    out(&fx, DATA, 'a');
    out(&fx, DATA, 'b'); /* overrun */
    out(&fx, MCR, LOOP | 2);
    CHECK_EQ(u, interrupt(&fx), RLSI);
    in(&fx, LSR);
    CHECK_EQ(u, interrupt(&fx), RDI);
    in(&fx, DATA);
    CHECK_EQ(u, interrupt(&fx), THRI);
    CHECK_EQ(u, interrupt(&fx), MSI);
    CHECK_EQ(u, fx.level[0], 1);
    CHECK_EQ(u, in(&fx, MSR), 0x11);
    CHECK_EQ(u, interrupt(&fx), NONE);
    CHECK_EQ(u, fx.level[0], 0);
    fixture_fini(&fx);
}

static void loopback_connects_the_modem_lines(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    out(&fx, MCR, LOOP | 0xa);
    CHECK_EQ(u, in(&fx, MSR) & 0xf0, 0x90);
    CHECK_EQ(u, in(&fx, MSR), 0x90);
    out(&fx, MCR, LOOP | 0x4);
    CHECK_EQ(u, in(&fx, MSR), 0x49); /* CTS and DCD fell; RI rose, which is no event */
    out(&fx, MCR, LOOP);
    CHECK_EQ(u, in(&fx, MSR), 0x04); /* RI fell */
    out(&fx, MCR, 0xe0);
    CHECK_EQ(u, in(&fx, MCR), 0);
    CHECK_EQ(u, in(&fx, MSR) & 0xf0, 0xb0);
    fixture_fini(&fx);
}

static void fcr_clears_fifos_and_obeys_its_enable_bit(struct unit *u)
{
    struct fixture fx;

    init(&fx);
    loop_back(&fx, FIFOS);
    out(&fx, DATA, 'a');
    out(&fx, FCR, FIFOS | 2);
    CHECK_EQ(u, in(&fx, LSR), THRE | TEMT);
    out(&fx, DATA, 'a');
    out(&fx, FCR, 0xc6); /* enable bit off: 16450 mode, which also empties */
    CHECK_EQ(u, in(&fx, LSR), THRE | TEMT);
    CHECK_EQ(u, in(&fx, IIR), NONE);
    fixture_fini(&fx);
}

/* --- with a console --- */

struct piped {
    struct fixture fx;
    char dir[32], in_name[64], out_name[64];
    int in_fd, out_fd; /* the user's ends */
    struct console *console;
    struct ns16550a_config config;
};

static void init_piped(struct piped *p, const char *prefix)
{
    char spec[64];
    struct err err;

    fixture_init(&p->fx);
    snprintf(p->dir, sizeof(p->dir), "%s", "/tmp/mh-uart-XXXXXX");
    if (!mkdtemp(p->dir)) {
        abort();
    }
    snprintf(p->in_name, sizeof(p->in_name), "%s/c.in", p->dir);
    snprintf(p->out_name, sizeof(p->out_name), "%s/c.out", p->dir);
    snprintf(spec, sizeof(spec), "%spipe:%s/c", prefix, p->dir);
    if (mkfifo(p->in_name, 0600) != 0 || mkfifo(p->out_name, 0600) != 0) {
        abort();
    }
    p->console = console_new(&p->fx.m, spec, &err);
    p->in_fd = open(p->in_name, O_RDWR | O_NONBLOCK);
    p->out_fd = open(p->out_name, O_RDWR | O_NONBLOCK);
    p->config = (struct ns16550a_config){.console = p->console, .clock_hz = 3686400};
    fixture_add(&p->fx, &ns16550a_model, &p->config);
}

static void fini_piped(struct piped *p)
{
    console_free(p->console);
    close(p->in_fd);
    close(p->out_fd);
    unlink(p->in_name);
    unlink(p->out_name);
    rmdir(p->dir);
    fixture_fini(&p->fx);
}

static void what_is_sent_arrives_at_the_console(struct unit *u)
{
    struct piped p;
    char buf[16] = {0};

    init_piped(&p, "");
    for (const char *c = "hello"; *c; c++) {
        out(&p.fx, DATA, (unsigned char)*c);
    }
    fixture_run(&p.fx, 5);
    CHECK_EQ(u, read(p.out_fd, buf, sizeof(buf)), 5);
    CHECK(u, strcmp(buf, "hello") == 0);
    fini_piped(&p);
}

/* More than the FIFO: the rest waits in the console and comes as the guest reads. */
static void input_waits_until_there_is_room(struct unit *u)
{
    struct piped p;
    unsigned got = 0;

    init_piped(&p, "");
    out(&p.fx, FCR, FIFOS);
    for (unsigned i = 0; i < 200; i++) {
        uint8_t byte = (uint8_t)i;

        CHECK_EQ(u, write(p.in_fd, &byte, 1), 1);
    }
    for (unsigned tries = 0; got < 200 && tries < 100; tries++) {
        fixture_run(&p.fx, 1);
        while (in(&p.fx, LSR) & DR) {
            CHECK_EQ(u, in(&p.fx, DATA), got);
            got++;
        }
        CHECK_EQ(u, in(&p.fx, LSR) & OE, 0);
    }
    CHECK_EQ(u, got, 200);
    fini_piped(&p);
}

static void a_break_is_a_zero_byte_with_its_error(struct unit *u)
{
    struct piped p;

    init_piped(&p, "mon:");
    out(&p.fx, FCR, FIFOS);
    out(&p.fx, IER, 4);
    CHECK_EQ(u, write(p.in_fd, "x\1b", 3), 3);
    fixture_run(&p.fx, 5);
    CHECK_EQ(u, in(&p.fx, LSR) & (DR | BI | FIFO_ERROR), DR | FIFO_ERROR);
    CHECK_EQ(u, in(&p.fx, DATA), 'x');
    CHECK_EQ(u, interrupt(&p.fx), RLSI);
    CHECK_EQ(u, in(&p.fx, LSR), THRE | TEMT | DR | BI | FE | FIFO_ERROR);
    CHECK_EQ(u, in(&p.fx, LSR), THRE | TEMT | DR);
    CHECK_EQ(u, in(&p.fx, DATA), 0);
    CHECK_EQ(u, in(&p.fx, LSR), THRE | TEMT);
    fini_piped(&p);
}

/*
 * Nobody reads: the console takes 64 KiB, the pipe 64 KiB, then the FIFO fills and THRE says so;
 * nothing that was taken is lost.
 */
static void a_console_that_does_not_take_more_holds_the_guest_up(struct unit *u)
{
    struct piped p;
    unsigned sent = 0, got = 0;
    uint8_t buf[4096];
    ssize_t n;

    init_piped(&p, "");
    out(&p.fx, FCR, FIFOS);
    while (sent < 500000 && (in(&p.fx, LSR) & THRE)) {
        out(&p.fx, DATA, sent % 251);
        sent++;
        if (sent % 8192 == 0) {
            fixture_run(&p.fx, 2);
        }
    }
    CHECK(u, sent > 65536 && sent < 500000);
    for (unsigned tries = 0; tries < 200; tries++) {
        fixture_run(&p.fx, 1);
        while ((n = read(p.out_fd, buf, sizeof(buf))) > 0) {
            for (ssize_t i = 0; i < n; i++) {
                CHECK_EQ(u, buf[i], (got + (unsigned)i) % 251);
            }
            got += (unsigned)n;
        }
    }
    CHECK_EQ(u, got, sent);
    CHECK_EQ(u, in(&p.fx, LSR), THRE | TEMT);
    fini_piped(&p);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(after_reset_it_is_idle_and_empty),
        UNIT(dlab_switches_the_divisor_in),
        UNIT(a_16450_overrun_keeps_the_new_byte),
        UNIT(a_fifo_overrun_keeps_the_sixteen_old_bytes),
        UNIT(receive_interrupt_comes_at_the_trigger_level),
        UNIT(bytes_below_the_trigger_time_out),
        UNIT(thr_empty_is_told_once_and_again_after_each_write),
        UNIT(interrupts_are_told_by_priority),
        UNIT(loopback_connects_the_modem_lines),
        UNIT(fcr_clears_fifos_and_obeys_its_enable_bit),
        UNIT(what_is_sent_arrives_at_the_console),
        UNIT(input_waits_until_there_is_room),
        UNIT(a_break_is_a_zero_byte_with_its_error),
        UNIT(a_console_that_does_not_take_more_holds_the_guest_up),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
