/* SPDX-License-Identifier: MIT */
/*
 * NS16550A serial port, after the data sheet of the PC16550D. Byte registers; a wider access
 * reaches only the register at its offset.
 *
 * offset  DLAB  access  register
 * 0       0     R       RBR: the oldest received byte
 * 0       0     W       THR: byte to send
 * 1       0     RW      IER: 0 received data, 1 THR empty, 2 line status, 3 modem status
 * 0, 1    1     RW      DLL, DLM: divisor
 * 2       x     R       IIR: 3..0 the pending interrupt of highest priority, 7..6 FIFOs are on;
 *                       reading clears THR empty, if that is what it shows
 * 2       x     W       FCR: 0 FIFOs on, 1 clear receiver, 2 clear sender, 7..6 receive trigger
 *                       1, 4, 8, 14
 * 3       x     RW      LCR: 1..0 bits, 2 stop, 3 parity, 6 break, 7 DLAB
 * 4       x     RW      MCR: 0 DTR, 1 RTS, 2 OUT1, 3 OUT2, 4 loopback
 * 5       x     R       LSR: 0 data ready, 1 overrun, 2 parity, 3 framing, 4 break, 5 THR empty,
 *                       6 all sent, 7 error in FIFO; reading clears bits 4..1
 * 6       x     R       MSR: 3..0 changes, 4 CTS, 5 DSR, 6 RI, 7 DCD; reading clears bits 3..0
 * 7       x     RW      SCR: scratch
 * rest          RW      reads 0, writes are ignored
 *
 * Interrupts by priority: line status, received data, character timeout (bytes below the trigger
 * level and nothing happened for four character times), THR empty, modem status. Bytes leave at
 * once while the console takes them; then they wait in the FIFO.
 *
 * Needs no BQL: `lock` (RANK_DEVICE) holds the state; LSR and IIR are read without it when the read
 * has no effect, because guests poll them. Locks: u `lock`, a atomic (written with `lock` held), c
 * constant after init.
 */
#include "devices/devices.h"
#include "hw/backend/console.h"
#include "hw/core/machine.h"
#include "hw/host/atomic.h"
#include "hw/host/bits.h"
#include "hw/host/clock.h"
#include <libfdt.h>

#define FIFO_SIZE 16

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR };
enum { IER_RDI = 1, IER_THRI = 2, IER_RLSI = 4, IER_MSI = 8, IER_MASK = 0x0f };
enum {
    IIR_MSI = 0x0,
    IIR_NONE = 0x1,
    IIR_THRI = 0x2,
    IIR_RDI = 0x4,
    IIR_RLSI = 0x6,
    IIR_CTI = 0xc,
    IIR_ID = 0xf,
    IIR_FIFO = 0xc0
};
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2, FCR_CLEAR_TX = 4, FCR_TRIGGER = 0xc0 };
enum { LCR_STOP = 4, LCR_PARITY = 8, LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 0x10, MCR_MASK = 0x1f };
enum {
    LSR_DR = 1,
    LSR_OE = 2,
    LSR_PE = 4,
    LSR_FE = 8,
    LSR_BI = 0x10,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80
};
enum { LSR_ERRORS = LSR_OE | LSR_PE | LSR_FE | LSR_BI, LSR_CHAR_ERRORS = LSR_PE | LSR_FE | LSR_BI };
enum {
    MSR_DCTS = 1,
    MSR_DDSR = 2,
    MSR_TERI = 4,
    MSR_DDCD = 8,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80
};
enum { MSR_DELTAS = 0x0f, MSR_LINES = 0xf0 };

static const uint8_t rx_triggers[] = {1, 4, 8, 14};

struct fifo {
    uint8_t data[FIFO_SIZE];
    uint8_t errors[FIFO_SIZE]; /* LSR_CHAR_ERRORS of each byte (receiver) */
    unsigned first, count;
};

struct uart {
    struct mutex lock;
    struct device *dev;                   /* c */
    struct console *console;              /* c: may be NULL */
    uint32_t clock_hz;                    /* c */
    struct timer rx_timer;                /* u: character timeout */
    struct fifo rx, tx;                   /* u */
    uint8_t lsr;                          /* a */
    uint8_t iir;                          /* a */
    uint8_t ier, fcr, lcr, mcr, msr, scr; /* u */
    uint16_t divisor;                     /* u */
    bool thr_pending;                     /* u: THR went empty and IIR has not said so yet */
    bool timeout_pending;                 /* u */
};

static void fifo_push(struct fifo *f, uint8_t byte, uint8_t errors)
{
    unsigned slot = (f->first + f->count) % FIFO_SIZE;

    f->data[slot] = byte;
    f->errors[slot] = errors;
    f->count++;
}

static uint8_t fifo_pop(struct fifo *f)
{
    uint8_t byte = f->data[f->first];

    f->first = (f->first + 1) % FIFO_SIZE;
    f->count--;
    return byte;
}

static void fifo_clear(struct fifo *f)
{
    f->first = 0;
    f->count = 0;
}

static bool fifos_on(const struct uart *u)
{
    return u->fcr & FCR_ENABLE;
}

/* Bytes that each direction holds: 1 in the mode of the 16450. */
static unsigned depth(const struct uart *u)
{
    return fifos_on(u) ? FIFO_SIZE : 1;
}

static void lsr_set(struct uart *u, uint8_t bits)
{
    store_release(&u->lsr, (uint8_t)(u->lsr | bits));
}

static void lsr_clear(struct uart *u, uint8_t bits)
{
    store_release(&u->lsr, (uint8_t)(u->lsr & ~bits));
}

static uint8_t highest_interrupt(const struct uart *u)
{
    unsigned trigger = fifos_on(u) ? rx_triggers[u->fcr >> 6] : 1;

    if ((u->ier & IER_RLSI) && (u->lsr & LSR_ERRORS)) {
        return IIR_RLSI;
    }
    if ((u->ier & IER_RDI) && u->rx.count >= trigger) {
        return IIR_RDI;
    }
    if ((u->ier & IER_RDI) && u->timeout_pending) {
        return IIR_CTI;
    }
    if ((u->ier & IER_THRI) && u->thr_pending) {
        return IIR_THRI;
    }
    if ((u->ier & IER_MSI) && (u->msr & MSR_DELTAS)) {
        return IIR_MSI;
    }
    return IIR_NONE;
}

static void update_irq(struct uart *u) REQUIRES(&u->lock)
{
    uint8_t id = highest_interrupt(u);

    store_release(&u->iir, (uint8_t)(id | (fifos_on(u) ? IIR_FIFO : 0)));
    irq_set(u->dev->irq, id != IIR_NONE);
}

/* --- receiver --- */

static int64_t character_ns(const struct uart *u)
{
    unsigned bits = 1 + 5 + (u->lcr & 3) + !!(u->lcr & LCR_PARITY) + 1 + !!(u->lcr & LCR_STOP);
    uint64_t divisor = u->divisor ? u->divisor : 1;

    return (int64_t)(bits * divisor * 16 * UINT64_C(1000000000) / u->clock_hz);
}

static void restart_timeout(struct uart *u) REQUIRES(&u->lock)
{
    int64_t deadline = INT64_MAX;

    u->timeout_pending = false;
    if (u->rx.count && fifos_on(u)) {
        deadline = clock_now_ns() + 4 * character_ns(u);
    }
    timer_mod(u->dev->machine->timers, &u->rx_timer, deadline);
}

static void timeout_due(void *opaque)
{
    struct uart *u = opaque;

    mutex_lock(&u->lock);
    u->timeout_pending = u->rx.count && fifos_on(u);
    update_irq(u);
    mutex_unlock(&u->lock);
}

/* The errors of a byte show in LSR when it becomes the oldest one. */
static void show_oldest(struct uart *u) REQUIRES(&u->lock)
{
    if (u->rx.count) {
        lsr_set(u, LSR_DR | u->rx.errors[u->rx.first]);
        u->rx.errors[u->rx.first] = 0;
    } else {
        lsr_clear(u, LSR_DR);
    }
}

/* LSR bit 7: an error that was not read, shown or still waiting in the FIFO. */
static void update_fifo_error(struct uart *u) REQUIRES(&u->lock)
{
    uint8_t errors = u->lsr & LSR_CHAR_ERRORS;

    for (unsigned i = 0; i < u->rx.count; i++) {
        errors |= u->rx.errors[(u->rx.first + i) % FIFO_SIZE];
    }
    if (errors && fifos_on(u)) {
        lsr_set(u, LSR_FIFO_ERROR);
    } else {
        lsr_clear(u, LSR_FIFO_ERROR);
    }
}

/*
 * On overrun a FIFO keeps what it has and loses the byte; the 16450's register takes the byte and
 * loses the old one.
 */
static void receive_byte(struct uart *u, uint8_t byte, uint8_t errors) REQUIRES(&u->lock)
{
    if (u->rx.count == depth(u)) {
        lsr_set(u, LSR_OE);
        if (fifos_on(u)) {
            return;
        }
        fifo_clear(&u->rx);
    }
    fifo_push(&u->rx, byte, errors);
    if (u->rx.count == 1) {
        show_oldest(u);
    }
    update_fifo_error(u);
}

static uint8_t read_rbr(struct uart *u) REQUIRES(&u->lock)
{
    uint8_t byte = u->rx.count ? fifo_pop(&u->rx) : 0;

    show_oldest(u);
    update_fifo_error(u);
    restart_timeout(u);
    return byte;
}

static void clear_receiver(struct uart *u) REQUIRES(&u->lock)
{
    fifo_clear(&u->rx);
    lsr_clear(u, LSR_DR | LSR_CHAR_ERRORS | LSR_FIFO_ERROR);
    restart_timeout(u);
}

/* In loopback the receiver is cut off from its pin: what the console has for us waits. */
static size_t uart_can_receive(void *opaque)
{
    struct uart *u = opaque;
    size_t room;

    mutex_lock(&u->lock);
    room = u->mcr & MCR_LOOP ? 0 : depth(u) - u->rx.count;
    mutex_unlock(&u->lock);
    return room;
}

static void uart_receive(void *opaque, const uint8_t *data, size_t len)
{
    struct uart *u = opaque;

    mutex_lock(&u->lock);
    for (size_t i = 0; i < len; i++) {
        receive_byte(u, data[i], 0);
    }
    restart_timeout(u);
    update_irq(u);
    mutex_unlock(&u->lock);
}

/* A break is received as one zero byte that carries the break and a framing error. */
static void uart_line_break(void *opaque)
{
    struct uart *u = opaque;

    mutex_lock(&u->lock);
    receive_byte(u, 0, LSR_BI | LSR_FE);
    restart_timeout(u);
    update_irq(u);
    mutex_unlock(&u->lock);
}

/* --- transmitter --- */

/* Sends what it can of the FIFO. True when it ran empty. */
static bool drain_tx(struct uart *u) REQUIRES(&u->lock)
{
    while (u->tx.count) {
        uint8_t byte = u->tx.data[u->tx.first];

        if (u->mcr & MCR_LOOP) {
            receive_byte(u, byte, 0);
            restart_timeout(u);
        } else if (u->console && console_write(u->console, &byte, 1) == 0) {
            return false;
        }
        fifo_pop(&u->tx);
    }
    return true;
}

static void transmit(struct uart *u) REQUIRES(&u->lock)
{
    if (drain_tx(u)) {
        lsr_set(u, LSR_THRE | LSR_TEMT);
        u->thr_pending = true;
    }
}

static void write_thr(struct uart *u, uint8_t byte) REQUIRES(&u->lock)
{
    if (u->tx.count == depth(u)) {
        return; /* the guest did not look at LSR: the byte is lost */
    }
    fifo_push(&u->tx, byte, 0);
    u->thr_pending = false;
    lsr_clear(u, LSR_THRE | LSR_TEMT);
    transmit(u);
}

static void clear_transmitter(struct uart *u) REQUIRES(&u->lock)
{
    if (u->tx.count) {
        fifo_clear(&u->tx);
        transmit(u);
    }
}

static void uart_writable(void *opaque)
{
    struct uart *u = opaque;

    mutex_lock(&u->lock);
    if (u->tx.count) {
        transmit(u);
        update_irq(u);
    }
    mutex_unlock(&u->lock);
}

/* --- modem lines --- */

/* In loopback the four outputs drive the four inputs; otherwise a modem is always ready. */
static uint8_t modem_lines(const struct uart *u)
{
    if (!(u->mcr & MCR_LOOP)) {
        return MSR_CTS | MSR_DSR | MSR_DCD;
    }
    return (u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
           (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

/* Each line's change is four bits below it; of RI only the falling edge counts. */
static void update_modem(struct uart *u) REQUIRES(&u->lock)
{
    uint8_t lines = modem_lines(u);
    uint8_t changed = (lines ^ u->msr) & MSR_LINES;

    if (lines & MSR_RI) {
        changed &= (uint8_t)~MSR_RI;
    }
    u->msr = (uint8_t)(lines | (u->msr & MSR_DELTAS) | changed >> 4);
}

/* --- registers --- */

static void write_ier(struct uart *u, uint8_t value) REQUIRES(&u->lock)
{
    uint8_t enabled = value & ~u->ier;

    u->ier = value & IER_MASK;
    if ((enabled & IER_THRI) && (u->lsr & LSR_THRE)) {
        u->thr_pending = true;
    }
}

static void write_fcr(struct uart *u, uint8_t value) REQUIRES(&u->lock)
{
    bool switched = (value ^ u->fcr) & FCR_ENABLE;

    if (switched || (value & (FCR_ENABLE | FCR_CLEAR_RX)) == (FCR_ENABLE | FCR_CLEAR_RX)) {
        clear_receiver(u);
    }
    if (switched || (value & (FCR_ENABLE | FCR_CLEAR_TX)) == (FCR_ENABLE | FCR_CLEAR_TX)) {
        clear_transmitter(u);
    }
    /* the other bits can only be programmed together with the enable */
    u->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | FCR_TRIGGER) : 0;
}

static uint8_t read_iir(struct uart *u) REQUIRES(&u->lock)
{
    uint8_t value = u->iir;

    if ((value & IIR_ID) == IIR_THRI) {
        u->thr_pending = false;
    }
    return value;
}

static uint8_t read_lsr(struct uart *u) REQUIRES(&u->lock)
{
    uint8_t value = u->lsr;

    lsr_clear(u, LSR_ERRORS);
    update_fifo_error(u);
    return value;
}

static uint8_t read_msr(struct uart *u) REQUIRES(&u->lock)
{
    uint8_t value = u->msr;

    u->msr &= MSR_LINES;
    return value;
}

static uint8_t read_locked(struct uart *u, uint64_t reg) REQUIRES(&u->lock)
{
    bool dlab = u->lcr & LCR_DLAB;

    switch (reg) {
    case REG_DATA:
        return dlab ? (uint8_t)u->divisor : read_rbr(u);
    case REG_IER:
        return dlab ? (uint8_t)(u->divisor >> 8) : u->ier;
    case REG_IIR_FCR:
        return read_iir(u);
    case REG_LCR:
        return u->lcr;
    case REG_MCR:
        return u->mcr;
    case REG_LSR:
        return read_lsr(u);
    case REG_MSR:
        return read_msr(u);
    case REG_SCR:
        return u->scr;
    }
    return 0;
}

static void write_locked(struct uart *u, uint64_t reg, uint8_t value) REQUIRES(&u->lock)
{
    bool dlab = u->lcr & LCR_DLAB;

    switch (reg) {
    case REG_DATA:
        if (dlab) {
            u->divisor = (uint16_t)((u->divisor & 0xff00) | value);
        } else {
            write_thr(u, value);
        }
        break;
    case REG_IER:
        if (dlab) {
            u->divisor = (uint16_t)((u->divisor & 0xff) | value << 8);
        } else {
            write_ier(u, value);
        }
        break;
    case REG_IIR_FCR:
        write_fcr(u, value);
        break;
    case REG_LCR:
        u->lcr = value;
        break;
    case REG_MCR:
        u->mcr = value & MCR_MASK;
        update_modem(u);
        break;
    case REG_SCR:
        u->scr = value;
        break;
    }
}

/* True, with *VALUE, when a read of REG changes nothing and needs no lock. */
static bool read_lockless(struct uart *u, uint64_t reg, uint8_t *value)
{
    if (reg == REG_LSR) {
        *value = load_acquire(&u->lsr);
        return !(*value & LSR_ERRORS);
    }
    if (reg == REG_IIR_FCR) {
        *value = load_acquire(&u->iir);
        return (*value & IIR_ID) != IIR_THRI;
    }
    return false;
}

/* What these registers do may make room for input. */
static void poll_input(struct uart *u, uint64_t reg)
{
    if (u->console && (reg == REG_DATA || reg == REG_IIR_FCR || reg == REG_MCR)) {
        console_accept_input(u->console);
    }
}

static uint64_t uart_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct uart *u = dev->state;
    uint8_t value;

    (void)size;
    if (read_lockless(u, offset, &value)) {
        return value;
    }
    mutex_lock(&u->lock);
    value = read_locked(u, offset);
    update_irq(u);
    mutex_unlock(&u->lock);
    poll_input(u, offset);
    return value;
}

static void uart_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct uart *u = dev->state;

    (void)size;
    mutex_lock(&u->lock);
    write_locked(u, offset, (uint8_t)value);
    update_irq(u);
    mutex_unlock(&u->lock);
    poll_input(u, offset);
}

static void uart_reset(struct device *dev)
{
    struct uart *u = dev->state;

    mutex_lock(&u->lock);
    u->ier = u->fcr = u->lcr = u->mcr = u->scr = 0;
    u->divisor = 0;
    u->msr = modem_lines(u);
    fifo_clear(&u->rx);
    fifo_clear(&u->tx);
    store_release(&u->lsr, (uint8_t)(LSR_THRE | LSR_TEMT));
    u->thr_pending = false;
    restart_timeout(u);
    update_irq(u);
    mutex_unlock(&u->lock);
    if (u->console) {
        console_accept_input(u->console);
    }
}

static int uart_init(struct device *dev, struct err *err)
{
    const struct ns16550a_config *config = dev->config;
    struct uart *u = dev->state;
    const struct console_frontend fe = {
        .can_receive = uart_can_receive,
        .receive = uart_receive,
        .line_break = uart_line_break,
        .writable = uart_writable,
        .opaque = u,
    };

    (void)err;
    mutex_init(&u->lock, RANK_DEVICE, "ns16550a");
    u->dev = dev;
    u->console = config->console;
    u->clock_hz = config->clock_hz ? config->clock_hz : 3686400;
    u->lsr = LSR_THRE | LSR_TEMT;
    u->iir = IIR_NONE;
    u->msr = modem_lines(u);
    timer_init(&u->rx_timer, timeout_due, u);
    if (u->console) {
        console_attach(u->console, &fe);
    }
    return 0;
}

static void uart_destroy(struct device *dev)
{
    struct uart *u = dev->state;

    timer_del(dev->machine->timers, &u->rx_timer);
    mutex_fini(&u->lock);
}

static int uart_fdt(struct device *dev, void *fdt, int node)
{
    struct uart *u = dev->state;

    return fdt_setprop_u32(fdt, node, "clock-frequency", u->clock_hz);
}

const struct device_model ns16550a_model = {
    .name = "ns16550a",
    .compatible = "ns16550a\0",
    .node = "serial",
    .size = 0x100,
    .min_access = 1,
    .max_access = 8,
    .state_size = sizeof(struct uart),
    .lockless = true,
    .init = uart_init,
    .reset = uart_reset,
    .read = uart_read,
    .write = uart_write,
    .fdt = uart_fdt,
    .destroy = uart_destroy,
};
