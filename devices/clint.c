/* SPDX-License-Identifier: MIT */
/*
 * CLINT: the RISC-V ACLINT (1.0-rc4) MSWI and MTIMER devices at the offsets of SiFive's core-local
 * interruptor. H is the hart's index.
 *
 * offset          access   register
 * 0x0000 + 4 H    RW 4     MSIP: bit 0 is the hart's machine software interrupt, the rest reads 0
 * 0x4000 + 8 H    RW 4, 8  MTIMECMP: the hart's machine timer interrupt is pending while mtime >=
 *                          mtimecmp; reset: all ones
 * 0xbff8          RW 4, 8  MTIME: the machine's time; a write moves it for the whole machine;
 *                          reset: what it was without such writes
 * rest            RW       reads 0, writes are ignored
 *
 * 8-byte accesses to MSIP cover two harts. The `time` CSR shadows MTIME and moves with it
 * (privileged spec 3.2.1).
 *
 * Lockless towards the BQL: called from any vCPU thread, and from the timer on the I/O thread.
 * Registers are atomic words. Whoever changes one then makes the line what the register says, under
 * the hart's lock: a line never shows a register's past, and when a write returns its line is right.
 */
#include "devices/devices.h"
#include "hw/core/machine.h"
#include "hw/host/atomic.h"
#include "hw/host/bits.h"
#include "hw/host/log.h"
#include "hw/host/thread.h"
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdlib.h>

#define CLINT_MAX_HARTS 4095

enum { MSIP_BASE = 0x0, MTIMECMP_BASE = 0x4000, MTIME = 0xbff8 };

struct clint_hart {
    struct clint *clint;        /* c */
    const struct irq *msip_irq; /* c */
    const struct irq *mtip_irq; /* c */
    uint64_t mtimecmp;          /* a */
    uint32_t msip;              /* a */
    struct timer timer;
    struct mutex lock; /* RANK_DEVICE: both lines and the timer follow the registers */
} ALIGNED(CACHE_LINE);

struct clint {
    struct machine *machine;  /* c */
    struct clint_hart *harts; /* c */
    unsigned nharts;          /* c */
    struct time_listener time_listener;
};

static void set_msip(struct clint_hart *h, uint32_t value)
{
    mutex_lock(&h->lock);
    store_release(&h->msip, value);
    irq_set(h->msip_irq, value);
    mutex_unlock(&h->lock);
}

static void publish_mtip(struct clint_hart *h)
{
    struct machine *m = h->clint->machine;
    uint64_t cmp;
    bool due;

    mutex_lock(&h->lock);
    cmp = load_seq(&h->mtimecmp);
    due = machine_time(m) >= cmp;
    irq_set(h->mtip_irq, due);
    timer_mod(m->timers, &h->timer, due ? INT64_MAX : machine_time_to_ns(m, cmp));
    mutex_unlock(&h->lock);
}

static void mtimecmp_due(void *opaque)
{
    publish_mtip(opaque);
}

static void mtime_moved(void *opaque)
{
    const struct clint *c = opaque;

    for (unsigned i = 0; i < c->nharts; i++) {
        publish_mtip(&c->harts[i]);
    }
}

static void write_msip(struct clint *c, uint64_t index, uint32_t value)
{
    if (index < c->nharts) {
        set_msip(&c->harts[index], value & 1);
    }
}

static uint32_t read_msip(const struct clint *c, uint64_t index)
{
    return index < c->nharts ? load_acquire(&c->harts[index].msip) : 0;
}

static void write_mtimecmp(struct clint_hart *h, unsigned shift, uint64_t value, unsigned size)
{
    uint64_t old = load_seq(&h->mtimecmp);

    while (!atomic_cas(&h->mtimecmp, &old, deposit64(old, shift, size * 8, value))) {}
    publish_mtip(h);
}

static uint64_t clint_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct clint *c = dev->state;
    unsigned shift = (offset & 7) * 8;
    uint64_t value;

    if (offset < MTIMECMP_BASE) {
        value = read_msip(c, offset / 4);
        return size == 8 ? value | (uint64_t)read_msip(c, offset / 4 + 1) << 32 : value;
    }
    if ((offset & ~UINT64_C(7)) == MTIME) {
        value = machine_time(c->machine);
    } else if ((offset - MTIMECMP_BASE) / 8 < c->nharts) {
        value = load_seq(&c->harts[(offset - MTIMECMP_BASE) / 8].mtimecmp);
    } else {
        return 0;
    }
    return extract64(value, shift, size * 8);
}

static void clint_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct clint *c = dev->state;
    unsigned shift = (offset & 7) * 8;

    if (offset < MTIMECMP_BASE) {
        write_msip(c, offset / 4, (uint32_t)value);
        if (size == 8) {
            write_msip(c, offset / 4 + 1, (uint32_t)(value >> 32));
        }
    } else if ((offset & ~UINT64_C(7)) == MTIME) {
        machine_set_time(c->machine, value << shift, deposit64(0, shift, size * 8, UINT64_MAX));
    } else if ((offset - MTIMECMP_BASE) / 8 < c->nharts) {
        write_mtimecmp(&c->harts[(offset - MTIMECMP_BASE) / 8], shift, value, size);
    } else {
        log_guest_error("clint: write of 0x%" PRIx64 " at 0x%" PRIx64 ", where no register is\n",
                        value, offset);
    }
}

static void clint_reset(struct device *dev)
{
    struct clint *c = dev->state;

    for (unsigned i = 0; i < c->nharts; i++) {
        store_seq(&c->harts[i].mtimecmp, UINT64_MAX);
        set_msip(&c->harts[i], 0);
    }
    machine_reset_time(c->machine); /* and mtime_moved brings the timers' lines */
}

static int clint_init(struct device *dev, struct err *err)
{
    const struct clint_config *config = dev->config;
    struct clint *c = dev->state;

    if (config->nharts == 0 || config->nharts > CLINT_MAX_HARTS) {
        return err_set(err, -EINVAL, "clint: %u harts, but it serves 1 to %d", config->nharts,
                       CLINT_MAX_HARTS);
    }
    c->machine = dev->machine;
    c->nharts = config->nharts;
    c->harts = aligned_alloc(CACHE_LINE, c->nharts * sizeof(*c->harts));
    if (!c->harts) {
        return err_set(err, -ENOMEM, "clint: out of memory");
    }
    memset(c->harts, 0, c->nharts * sizeof(*c->harts));
    for (unsigned i = 0; i < c->nharts; i++) {
        struct clint_hart *h = &c->harts[i];

        h->clint = c;
        h->msip_irq = config->msip[i];
        h->mtip_irq = config->mtip[i];
        h->mtimecmp = UINT64_MAX;
        timer_init(&h->timer, mtimecmp_due, h);
        mutex_init(&h->lock, RANK_DEVICE, "clint");
    }
    c->time_listener = (struct time_listener){.moved = mtime_moved, .opaque = c};
    machine_add_time_listener(c->machine, &c->time_listener);
    return 0;
}

static void clint_destroy(struct device *dev)
{
    struct clint *c = dev->state;

    machine_remove_time_listener(c->machine, &c->time_listener);
    for (unsigned i = 0; i < c->nharts; i++) {
        timer_del(c->machine->timers, &c->harts[i].timer);
        mutex_fini(&c->harts[i].lock);
    }
    free(c->harts);
}

static int clint_fdt(struct device *dev, void *fdt, int node)
{
    const struct clint_config *config = dev->config;
    int rc = fdt_setprop(fdt, node, "interrupts-extended", NULL, 0);

    for (unsigned i = 0; !rc && i < config->nharts; i++) {
        const uint32_t cells[] = {config->intc_phandles[i], 3, config->intc_phandles[i], 7};

        for (unsigned k = 0; !rc && k < ARRAY_SIZE(cells); k++) {
            rc = fdt_appendprop_u32(fdt, node, "interrupts-extended", cells[k]);
        }
    }
    return rc;
}

const struct device_model clint_model = {
    .name = "clint",
    .compatible = "sifive,clint0\0riscv,clint0\0",
    .node = "clint",
    .size = 0x10000,
    .min_access = 4,
    .max_access = 8,
    .state_size = sizeof(struct clint),
    .lockless = true,
    .init = clint_init,
    .reset = clint_reset,
    .read = clint_read,
    .write = clint_write,
    .fdt = clint_fdt,
    .destroy = clint_destroy,
};
