/* SPDX-License-Identifier: MIT */
/*
 * The virtio-mmio transport (virtio 1.3, 4.2), modern (version 2) or legacy (version 1). One slot;
 * one without a backend reads DeviceID 0 and ignores writes. Registers are read and written in
 * aligned 4 bytes; the configuration space in 1, 2 or 4.
 *
 * offset     access  version  register
 * 0x000      R       1, 2     MagicValue "virt"
 * 0x004      R       1, 2     Version
 * 0x008      R       1, 2     DeviceID
 * 0x00c      R       1, 2     VendorID "QEMU", which some drivers insist on
 * 0x010      R       1, 2     DeviceFeatures: 32 bits, chosen by
 * 0x014      W       1, 2     DeviceFeaturesSel
 * 0x020      W       1, 2     DriverFeatures: 32 bits, chosen by
 * 0x024      W       1, 2     DriverFeaturesSel
 * 0x028      W       1        GuestPageSize
 * 0x030      W       1, 2     QueueSel: which queue the Queue* registers mean
 * 0x034      R       1, 2     QueueSizeMax, 0: no such queue
 * 0x038      W       1, 2     QueueSize
 * 0x03c      W       1        QueueAlign of the used ring
 * 0x040      RW      1        QueuePFN: page of the ring; 0 resets the device
 * 0x044      RW      2        QueueReady
 * 0x050      W       1, 2     QueueNotify: number of the queue
 * 0x060      R       1, 2     InterruptStatus: 0 used buffers, 1 configuration
 * 0x064      W       1, 2     InterruptACK
 * 0x070      RW      1, 2     Status
 * 0x080, 84  W       2        QueueDesc low, high
 * 0x090, 94  W       2        QueueDriver (available ring) low, high
 * 0x0a0, a4  W       2        QueueDevice (used ring) low, high
 * 0x0b0-bc   R       2        SHMLen, SHMBase: all ones, there is no shared memory
 * 0x0fc      R       2        ConfigGeneration
 * 0x100-     RW      1, 2     the device type's configuration space
 *
 * BQL held in every callback.
 */
#include "devices/devices.h"
#include "devices/virtio.h"
#include "hw/host/bits.h"
#include "hw/host/log.h"
#include <inttypes.h>

enum {
    REG_MAGIC = 0x000,
    REG_VERSION = 0x004,
    REG_DEVICE_ID = 0x008,
    REG_VENDOR_ID = 0x00c,
    REG_DEVICE_FEATURES = 0x010,
    REG_DEVICE_FEATURES_SEL = 0x014,
    REG_DRIVER_FEATURES = 0x020,
    REG_DRIVER_FEATURES_SEL = 0x024,
    REG_GUEST_PAGE_SIZE = 0x028,
    REG_QUEUE_SEL = 0x030,
    REG_QUEUE_SIZE_MAX = 0x034,
    REG_QUEUE_SIZE = 0x038,
    REG_QUEUE_ALIGN = 0x03c,
    REG_QUEUE_PFN = 0x040,
    REG_QUEUE_READY = 0x044,
    REG_QUEUE_NOTIFY = 0x050,
    REG_INTERRUPT_STATUS = 0x060,
    REG_INTERRUPT_ACK = 0x064,
    REG_STATUS = 0x070,
    REG_QUEUE_DESC = 0x080,
    REG_QUEUE_DRIVER = 0x090,
    REG_QUEUE_DEVICE = 0x0a0,
    REG_SHM_LEN_LOW = 0x0b0,
    REG_SHM_BASE_HIGH = 0x0bc,
    REG_CONFIG_GENERATION = 0x0fc,
    REG_CONFIG = 0x100,
};

#define VIRTIO_MAGIC     0x74726976
#define VIRTIO_VENDOR    0x554d4551
#define LEGACY_DESC_SIZE 16

struct virtio_mmio {
    struct device *dev; /* c */
    bool legacy;        /* c */
    bool present;       /* c */
    uint32_t device_features_sel, driver_features_sel;
    uint32_t queue_sel;
    uint32_t page_shift;                     /* legacy */
    uint64_t queue_align[VIRTIO_MAX_QUEUES]; /* legacy */
    uint32_t queue_pfn[VIRTIO_MAX_QUEUES];   /* legacy */
    struct virtio_device v;
};

static void raise_line(struct virtio_device *v, int queue)
{
    struct virtio_mmio *t = container_of(v, struct virtio_mmio, v);

    (void)queue;
    irq_set(t->dev->irq, v->isr != 0);
}

static struct virtqueue *selected(struct virtio_mmio *t)
{
    return virtio_queue(&t->v, t->queue_sel);
}

/* --- legacy: one page frame number places all three parts --- */

/*
 * A driver's reset. Linux writes GuestPageSize once and resets after that: the transport's own
 * registers stay.
 */
static void reset_device(struct virtio_mmio *t)
{
    virtio_reset(&t->v);
    memset(t->queue_pfn, 0, sizeof(t->queue_pfn));
}

static void reset_transport(struct virtio_mmio *t)
{
    reset_device(t);
    t->device_features_sel = t->driver_features_sel = t->queue_sel = 0;
    t->page_shift = 0;
    memset(t->queue_align, 0, sizeof(t->queue_align));
}

static void write_queue_pfn(struct virtio_mmio *t, uint32_t pfn)
{
    struct virtqueue *q = selected(t);
    uint64_t align;

    if (pfn == 0) {
        reset_device(t);
        return;
    }
    if (!q) {
        return;
    }
    virtqueue_disable(q);
    align = t->queue_align[q->index] ? t->queue_align[q->index] : 4096;
    t->queue_pfn[q->index] = pfn;
    q->desc_pa = (uint64_t)pfn << t->page_shift;
    q->avail_pa = q->desc_pa + LEGACY_DESC_SIZE * (uint64_t)q->size;
    q->used_pa = align_up(q->avail_pa + 6 + 2 * (uint64_t)q->size, align);
    virtqueue_enable(q);
}

static void write_queue_align(struct virtio_mmio *t, uint32_t align)
{
    if (!is_pow2(align)) {
        log_guest_error("%s: QueueAlign of %" PRIu32 " is not a power of two\n", t->dev->id, align);
    } else if (selected(t)) {
        t->queue_align[t->queue_sel] = align;
    }
}

/* True if REG was one that only version 1 has. */
static bool write_legacy(struct virtio_mmio *t, uint64_t reg, uint32_t value)
{
    switch (reg) {
    case REG_GUEST_PAGE_SIZE:
        t->page_shift = is_pow2(value) ? ctz64(value) : 0;
        return true;
    case REG_QUEUE_ALIGN:
        write_queue_align(t, value);
        return true;
    case REG_QUEUE_PFN:
        write_queue_pfn(t, value);
        return true;
    }
    return false;
}

/* --- modern --- */

static void write_queue_ready(struct virtio_mmio *t, uint32_t value)
{
    struct virtqueue *q = selected(t);

    if (!q) {
        return;
    }
    if (!(value & 1)) {
        virtqueue_disable(q);
    } else if (!q->ready) {
        virtqueue_enable(q);
    }
}

static void write_address(struct virtqueue *q, uint64_t *pa, uint64_t reg, uint32_t value)
{
    if (!q->ready) {
        *pa = deposit64(*pa, reg & 4 ? 32 : 0, 32, value);
    }
}

static bool write_modern(struct virtio_mmio *t, uint64_t reg, uint32_t value)
{
    struct virtqueue *q = selected(t);

    switch (reg) {
    case REG_QUEUE_READY:
        write_queue_ready(t, value);
        return true;
    case REG_QUEUE_DESC:
    case REG_QUEUE_DESC + 4:
    case REG_QUEUE_DRIVER:
    case REG_QUEUE_DRIVER + 4:
    case REG_QUEUE_DEVICE:
    case REG_QUEUE_DEVICE + 4:
        break;
    default:
        return false;
    }
    if (q) {
        uint64_t *pas[] = {&q->desc_pa, &q->avail_pa, &q->used_pa};

        write_address(q, pas[(reg - REG_QUEUE_DESC) / 0x10], reg, value);
    }
    return true;
}

/* --- both --- */

static void write_interrupt_ack(struct virtio_mmio *t, uint32_t value)
{
    t->v.isr &= (uint8_t)~value;
    raise_line(&t->v, -1);
}

static void write_status(struct virtio_mmio *t, uint32_t value)
{
    if ((value & 0xff) == 0) {
        reset_device(t);
    } else {
        virtio_set_status(&t->v, (uint8_t)value);
    }
}

static void write_common(struct virtio_mmio *t, uint64_t reg, uint32_t value)
{
    switch (reg) {
    case REG_DEVICE_FEATURES_SEL:
        t->device_features_sel = value;
        break;
    case REG_DRIVER_FEATURES:
        virtio_set_driver_features(&t->v, t->driver_features_sel, value);
        break;
    case REG_DRIVER_FEATURES_SEL:
        t->driver_features_sel = value;
        break;
    case REG_QUEUE_SEL:
        t->queue_sel = value;
        break;
    case REG_QUEUE_SIZE:
        if (selected(t)) {
            virtqueue_set_size(selected(t), value);
        }
        break;
    case REG_QUEUE_NOTIFY:
        virtio_notify_queue(&t->v, value);
        break;
    case REG_INTERRUPT_ACK:
        write_interrupt_ack(t, value);
        break;
    case REG_STATUS:
        write_status(t, value);
        break;
    default:
        log_guest_error("%s: write of 0x%" PRIx32 " at 0x%" PRIx64
                        ", which is read-only or reserved\n",
                        t->dev->id, value, reg);
    }
}

static uint32_t read_features(const struct virtio_mmio *t)
{
    return t->device_features_sel < 2
               ? (uint32_t)(virtio_offered_features(&t->v) >> (32 * t->device_features_sel))
               : 0;
}

static uint32_t read_versioned(struct virtio_mmio *t, uint64_t reg)
{
    struct virtqueue *q = selected(t);

    if (t->legacy) {
        return reg == REG_QUEUE_PFN && q ? t->queue_pfn[q->index] : 0;
    }
    if (reg >= REG_SHM_LEN_LOW && reg <= REG_SHM_BASE_HIGH) {
        return UINT32_MAX;
    }
    if (reg == REG_QUEUE_READY) {
        return q ? q->ready : 0;
    }
    return reg == REG_CONFIG_GENERATION ? t->v.config_generation : 0;
}

static uint32_t read_register(struct virtio_mmio *t, uint64_t reg)
{
    struct virtqueue *q = selected(t);

    switch (reg) {
    case REG_MAGIC:
        return VIRTIO_MAGIC;
    case REG_VERSION:
        return t->legacy ? 1 : 2;
    case REG_VENDOR_ID:
        return VIRTIO_VENDOR;
    }
    if (!t->present) {
        return 0;
    }
    switch (reg) {
    case REG_DEVICE_ID:
        return t->v.model->device_id;
    case REG_DEVICE_FEATURES:
        return read_features(t);
    case REG_QUEUE_SIZE_MAX:
        return q ? q->max_size : 0;
    case REG_INTERRUPT_STATUS:
        return t->v.isr;
    case REG_STATUS:
        return t->v.status;
    }
    return read_versioned(t, reg);
}

static uint64_t virtio_mmio_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct virtio_mmio *t = dev->state;

    if (offset >= REG_CONFIG) {
        return t->present ? virtio_config_read(&t->v, offset - REG_CONFIG, size) : 0;
    }
    if (size != 4) {
        log_guest_error("%s: register 0x%" PRIx64 " read by %u bytes\n", dev->id, offset, size);
        return 0;
    }
    return read_register(t, offset);
}

static void virtio_mmio_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct virtio_mmio *t = dev->state;

    if (!t->present) {
        return;
    }
    if (offset >= REG_CONFIG) {
        virtio_config_write(&t->v, offset - REG_CONFIG, (uint32_t)value, size);
    } else if (size != 4) {
        log_guest_error("%s: register 0x%" PRIx64 " written by %u bytes\n", dev->id, offset, size);
    } else if (!(t->legacy ? write_legacy : write_modern)(t, offset, (uint32_t)value)) {
        write_common(t, offset, (uint32_t)value);
    }
}

static void virtio_mmio_reset(struct device *dev)
{
    struct virtio_mmio *t = dev->state;

    if (t->present) {
        reset_transport(t);
    }
}

static int virtio_mmio_init(struct device *dev, struct err *err)
{
    const struct virtio_mmio_config *config = dev->config;
    struct virtio_mmio *t = dev->state;

    t->dev = dev;
    t->legacy = config && config->force_legacy;
    t->present = config && config->backend;
    if (!t->present) {
        return 0;
    }
    t->v.machine = dev->machine;
    t->v.config = config->backend_config;
    t->v.id = dev->id;
    t->v.legacy = t->legacy;
    t->v.raise = raise_line;
    return virtio_init(&t->v, config->backend, err);
}

static void virtio_mmio_destroy(struct device *dev)
{
    struct virtio_mmio *t = dev->state;

    if (t->present) {
        virtio_destroy(&t->v);
    }
}

const struct device_model virtio_mmio_model = {
    .name = "virtio-mmio",
    .compatible = "virtio,mmio\0",
    .node = "virtio_mmio",
    .size = 0x1000,
    .min_access = 1,
    .max_access = 4,
    .state_size = sizeof(struct virtio_mmio),
    .init = virtio_mmio_init,
    .reset = virtio_mmio_reset,
    .read = virtio_mmio_read,
    .write = virtio_mmio_write,
    .destroy = virtio_mmio_destroy,
};
