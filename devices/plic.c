/* SPDX-License-Identifier: MIT */
/*
 * The RISC-V platform-level interrupt controller, PLIC specification 1.0.0. S is a source
 * (1..nsources), C a context; virt has two contexts a hart, machine mode first. Only aligned 4-byte
 * accesses.
 *
 * offset                 access  register
 * 0x000000 + 4 S         RW      priority, 3 bits; 0 never interrupts
 * 0x001000 + 4 (S / 32)  R       pending, bit S % 32
 * 0x002000 + 0x80 C + 4 (S / 32)  RW  enable, bit S % 32; bit 0 of source 0 is hardwired to 0
 * 0x200000 + 0x1000 C    RW      threshold, 3 bits
 * 0x200004 + 0x1000 C    R       claim: the pending, enabled source of highest priority (ties:
 *                                lowest number), 0 if none; clears its pending bit. The threshold
 *                                has no say.
 *                        W       complete: reopens the gateway of the source, if it is one that
 *                                the context has enabled
 * rest                   RW      reads 0, writes are ignored
 *
 * Gateways are level-triggered: a high line makes the source pending unless an earlier request of
 * it is not yet completed; a request stays pending when the line falls; at completion a line that
 * is still high makes it pending again. A context's output is high while some pending, enabled
 * source has a priority above the threshold.
 *
 * Lockless towards the BQL: `lock` (RANK_IRQ) holds the state together, lines and registers come
 * from any thread. Outputs are set with the lock held, and only when they change. What a register
 * shows is written atomically, and read without the lock, but for the claim, which changes it.
 *
 * Locks: c constant after init, p `lock`, r written under `lock`, atomic.
 */
#include "devices/devices.h"
#include "hw/core/machine.h"
#include "hw/host/atomic.h"
#include "hw/host/bits.h"
#include "hw/host/log.h"
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdlib.h>

#define PLIC_MAX_SOURCES  1023
#define PLIC_MAX_CONTEXTS 1024 /* what fits the 0x600000 bytes of virt */
#define SOURCE_WORDS      ((PLIC_MAX_SOURCES + 1) / 32)
#define PRIORITY_MASK     7

enum {
    PENDING_BASE = 0x1000,
    ENABLE_BASE = 0x2000,
    ENABLE_STRIDE = 0x80,
    CONTEXT_BASE = 0x200000,
    CONTEXT_STRIDE = 0x1000,
};

struct plic_target {
    const struct irq *irq;         /* c */
    uint32_t enable[SOURCE_WORDS]; /* r */
    uint8_t threshold;             /* r */
    bool output;                   /* p: what the line was last set to */
};

struct plic {
    struct mutex lock;
    unsigned nsources, nwords, ntargets; /* c: nwords holds sources 0..nsources */
    struct plic_target *targets;         /* c */
    struct irq *inputs;                  /* c: [0..nsources] */
    uint32_t level[SOURCE_WORDS];        /* p: input lines */
    uint32_t pending[SOURCE_WORDS];      /* r */
    uint32_t in_service[SOURCE_WORDS];   /* p: claimed and not completed: the gateway is closed */
    uint8_t priority[PLIC_MAX_SOURCES + 1]; /* r */
};

static bool test_source(const uint32_t *set, unsigned source)
{
    return (set[source / 32] >> (source % 32)) & 1;
}

static void put_source(uint32_t *set, unsigned source, bool value)
{
    uint32_t bit = UINT32_C(1) << (source % 32);

    store_release(&set[source / 32], value ? set[source / 32] | bit : set[source / 32] & ~bit);
}

/* Bits of word W that stand for sources that exist. */
static uint32_t source_mask(const struct plic *p, unsigned w)
{
    uint32_t mask = w == p->nsources / 32 ? (uint32_t)BITS(p->nsources % 32, 0) : UINT32_MAX;

    return w == 0 ? mask & ~UINT32_C(1) : mask;
}

/* The source that T would claim now, 0 if none. */
static unsigned best_source(const struct plic *p, const struct plic_target *t) REQUIRES(&p->lock)
{
    unsigned best = 0;

    for (unsigned w = 0; w < p->nwords; w++) {
        for (uint32_t bits = p->pending[w] & t->enable[w]; bits; bits &= bits - 1) {
            unsigned source = w * 32 + ctz64(bits);

            if (p->priority[source] > p->priority[best]) {
                best = source;
            }
        }
    }
    return best;
}

static void update_target(struct plic *p, struct plic_target *t) REQUIRES(&p->lock)
{
    /* priority[0] is always 0, which is above no threshold */
    bool output = p->priority[best_source(p, t)] > t->threshold;

    if (output != t->output) {
        t->output = output;
        irq_set(t->irq, output);
    }
}

static void update_all(struct plic *p) REQUIRES(&p->lock)
{
    for (unsigned i = 0; i < p->ntargets; i++) {
        update_target(p, &p->targets[i]);
    }
}

/* SOURCE's pending bit or priority changed. */
static void update_source(struct plic *p, unsigned source) REQUIRES(&p->lock)
{
    for (unsigned i = 0; i < p->ntargets; i++) {
        if (test_source(p->targets[i].enable, source)) {
            update_target(p, &p->targets[i]);
        }
    }
}

/* The gateway forwards a request when its line is high and the last one is done. */
static void run_gateway(struct plic *p, unsigned source) REQUIRES(&p->lock)
{
    if (test_source(p->level, source) && !test_source(p->in_service, source) &&
        !test_source(p->pending, source)) {
        put_source(p->pending, source, true);
        update_source(p, source);
    }
}

static void set_input(void *opaque, unsigned source, bool level)
{
    struct plic *p = opaque;

    mutex_lock(&p->lock);
    put_source(p->level, source, level);
    run_gateway(p, source);
    mutex_unlock(&p->lock);
}

const struct irq *plic_input(struct device *plic, unsigned source)
{
    struct plic *p = plic->state;

    return source >= 1 && source <= p->nsources ? &p->inputs[source] : NULL;
}

static uint32_t claim(struct plic *p, struct plic_target *t) REQUIRES(&p->lock)
{
    unsigned source = best_source(p, t);

    if (source) {
        put_source(p->pending, source, false);
        put_source(p->in_service, source, true);
        update_source(p, source);
    }
    return source;
}

static void complete(struct plic *p, struct plic_target *t, uint32_t source) REQUIRES(&p->lock)
{
    if (source < 1 || source > p->nsources || !test_source(t->enable, source)) {
        log_guest_error("plic: completion of %" PRIu32 ", which the context has not enabled\n",
                        source);
        return;
    }
    put_source(p->in_service, source, false);
    run_gateway(p, source);
}

static uint32_t claim_locking(struct plic *p, struct plic_target *t)
{
    uint32_t source;

    mutex_lock(&p->lock);
    source = claim(p, t);
    mutex_unlock(&p->lock);
    return source;
}

static uint32_t read_context(struct plic *p, uint64_t offset)
{
    uint64_t index = offset / CONTEXT_STRIDE;

    if (index < p->ntargets) {
        switch (offset % CONTEXT_STRIDE) {
        case 0:
            return load_acquire(&p->targets[index].threshold);
        case 4:
            return claim_locking(p, &p->targets[index]);
        }
    }
    return 0;
}

static uint64_t plic_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct plic *p = dev->state;
    uint64_t index;

    (void)size;
    if (offset < PENDING_BASE) {
        index = offset / 4;
        return index <= p->nsources ? load_acquire(&p->priority[index]) : 0;
    }
    if (offset < ENABLE_BASE) {
        index = (offset - PENDING_BASE) / 4;
        return index < p->nwords ? load_acquire(&p->pending[index]) : 0;
    }
    if (offset < CONTEXT_BASE) {
        unsigned w = (offset % ENABLE_STRIDE) / 4;

        index = (offset - ENABLE_BASE) / ENABLE_STRIDE;
        return index < p->ntargets && w < p->nwords ? load_acquire(&p->targets[index].enable[w])
                                                    : 0;
    }
    return read_context(p, offset - CONTEXT_BASE);
}

static void write_context(struct plic *p, uint64_t offset, uint32_t value) REQUIRES(&p->lock)
{
    uint64_t index = offset / CONTEXT_STRIDE;

    if (index < p->ntargets) {
        switch (offset % CONTEXT_STRIDE) {
        case 0:
            store_release(&p->targets[index].threshold, (uint8_t)(value & PRIORITY_MASK));
            update_target(p, &p->targets[index]);
            break;
        case 4:
            complete(p, &p->targets[index], value);
            break;
        }
    }
}

static void write_enable(struct plic *p, uint64_t offset, uint32_t value) REQUIRES(&p->lock)
{
    uint64_t index = offset / ENABLE_STRIDE;
    unsigned w = (offset % ENABLE_STRIDE) / 4;

    if (index < p->ntargets && w < p->nwords) {
        store_release(&p->targets[index].enable[w], value & source_mask(p, w));
        update_target(p, &p->targets[index]);
    }
}

static void write_locked(struct plic *p, uint64_t offset, uint32_t value) REQUIRES(&p->lock)
{
    if (offset < PENDING_BASE) {
        unsigned source = (unsigned)offset / 4;

        if (source >= 1 && source <= p->nsources) {
            store_release(&p->priority[source], (uint8_t)(value & PRIORITY_MASK));
            update_source(p, source);
        }
    } else if (offset < ENABLE_BASE) {
        log_guest_error("plic: write to pending bits, which are read-only\n");
    } else if (offset < CONTEXT_BASE) {
        write_enable(p, offset - ENABLE_BASE, value);
    } else {
        write_context(p, offset - CONTEXT_BASE, value);
    }
}

static void plic_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct plic *p = dev->state;

    (void)size;
    mutex_lock(&p->lock);
    write_locked(p, offset, (uint32_t)value);
    mutex_unlock(&p->lock);
}

/*
 * Everything to 0, but for the input lines, which belong to their drivers: each driver's reset
 * lowers its own. Gateways are not run, so that a line which is only lowered after this leaves no
 * request behind.
 */
static void plic_reset(struct device *dev)
{
    struct plic *p = dev->state;

    mutex_lock(&p->lock);
    memset(p->pending, 0, sizeof(p->pending));
    memset(p->in_service, 0, sizeof(p->in_service));
    memset(p->priority, 0, sizeof(p->priority));
    for (unsigned i = 0; i < p->ntargets; i++) {
        memset(p->targets[i].enable, 0, sizeof(p->targets[i].enable));
        p->targets[i].threshold = 0;
    }
    update_all(p);
    mutex_unlock(&p->lock);
}

static int plic_init(struct device *dev, struct err *err)
{
    const struct plic_config *config = dev->config;
    struct plic *p = dev->state;

    mutex_init(&p->lock, RANK_IRQ, "plic");
    if (config->nsources < 1 || config->nsources > PLIC_MAX_SOURCES ||
        config->ncontexts > PLIC_MAX_CONTEXTS) {
        return err_set(err, -EINVAL,
                       "plic: %u sources and %u contexts, but it has at most %d and %d",
                       config->nsources, config->ncontexts, PLIC_MAX_SOURCES, PLIC_MAX_CONTEXTS);
    }
    p->nsources = config->nsources;
    p->nwords = config->nsources / 32 + 1;
    p->ntargets = config->ncontexts;
    p->targets = calloc(p->ntargets ? p->ntargets : 1, sizeof(*p->targets));
    p->inputs = calloc(p->nsources + 1, sizeof(*p->inputs));
    if (!p->targets || !p->inputs) {
        return err_set(err, -ENOMEM, "plic: out of memory");
    }
    for (unsigned i = 0; i < p->ntargets; i++) {
        p->targets[i].irq = config->contexts[i].irq;
    }
    for (unsigned source = 1; source <= p->nsources; source++) {
        p->inputs[source] = (struct irq){.set = set_input, .opaque = p, .line = source};
    }
    return 0;
}

static void plic_destroy(struct device *dev)
{
    struct plic *p = dev->state;

    free(p->targets);
    free(p->inputs);
    mutex_fini(&p->lock);
}

static int plic_fdt(struct device *dev, void *fdt, int node)
{
    const struct plic_config *config = dev->config;
    int rc = fdt_setprop_u32(fdt, node, "phandle", config->phandle);

    rc = rc ? rc : fdt_setprop_u32(fdt, node, "riscv,ndev", config->nsources);
    rc = rc ? rc : fdt_setprop_empty(fdt, node, "interrupt-controller");
    rc = rc ? rc : fdt_setprop_u32(fdt, node, "#interrupt-cells", 1);
    rc = rc ? rc : fdt_setprop_u32(fdt, node, "#address-cells", 0);
    rc = rc ? rc : fdt_setprop(fdt, node, "interrupts-extended", NULL, 0);
    for (unsigned i = 0; !rc && i < config->ncontexts; i++) {
        rc = fdt_appendprop_u32(fdt, node, "interrupts-extended", config->contexts[i].intc_phandle);
        rc = rc ? rc
                : fdt_appendprop_u32(fdt, node, "interrupts-extended", config->contexts[i].cause);
    }
    return rc;
}

const struct device_model plic_model = {
    .name = "plic",
    .compatible = "sifive,plic-1.0.0\0riscv,plic0\0",
    .node = "interrupt-controller",
    .size = 0x600000,
    .min_access = 4,
    .max_access = 4,
    .state_size = sizeof(struct plic),
    .lockless = true,
    .init = plic_init,
    .reset = plic_reset,
    .read = plic_read,
    .write = plic_write,
    .fdt = plic_fdt,
    .destroy = plic_destroy,
};
