/* SPDX-License-Identifier: MIT */
/*
 * virtio (OASIS 1.3, and the legacy interface of 0.9.5): what a transport (virtio-mmio) and a
 * device type (virtio-blk) share. The transport embeds a struct virtio_device, turns registers into
 * calls of virtio_*, and is told about interrupts through `raise`; the device type is a const
 * struct virtio_model that works on virtqueues.
 *
 * Everything runs with the BQL held. The driver in the guest is hostile: rings, descriptors and
 * indices are copied before they are checked; whatever the specification forbids makes the device
 * ask for a reset (virtio_broken) and do nothing until it comes.
 */
#ifndef DEVICES_VIRTIO_H
#define DEVICES_VIRTIO_H

#include "hw/core/machine.h"
#include "softmmu/memory.h"
#include <sys/uio.h>

#define VIRTIO_MAX_QUEUES     64
#define VIRTIO_MAX_QUEUE_SIZE 1024
#define VIRTIO_MAX_SEGMENTS   1024 /* descriptors in one chain, indirect ones included */
#define VIRTIO_MAX_CONFIG     256

enum {
    VIRTIO_STATUS_ACKNOWLEDGE = 1,
    VIRTIO_STATUS_DRIVER = 2,
    VIRTIO_STATUS_DRIVER_OK = 4,
    VIRTIO_STATUS_FEATURES_OK = 8,
    VIRTIO_STATUS_NEEDS_RESET = 64,
    VIRTIO_STATUS_FAILED = 128,
};

enum { VIRTIO_ISR_QUEUE = 1, VIRTIO_ISR_CONFIG = 2 };

/* Feature bits that belong to no device type. */
#define VIRTIO_F_ANY_LAYOUT    BIT(27)
#define VIRTIO_F_INDIRECT_DESC BIT(28)
#define VIRTIO_F_EVENT_IDX     BIT(29)
#define VIRTIO_F_VERSION_1     BIT(32)

struct virtio_device;

struct virtqueue {
    struct virtio_device *v; /* c */
    unsigned index;          /* c */
    uint16_t max_size;       /* c; 0: the queue does not exist */
    uint16_t size;           /* chosen by the driver */
    bool ready;              /* the ring may be used */
    uint64_t desc_pa, avail_pa, used_pa;
    uint8_t *desc, *avail, *used; /* host addresses of the three parts while ready */
    uint16_t last_avail;          /* next entry of the available ring to take */
    uint16_t used_index;          /* next entry of the used ring to fill */
    uint16_t signalled;           /* used_index at the last interrupt decision */
    bool signalled_valid;
    unsigned in_flight; /* popped, not pushed */
};

/*
 * One chain of descriptors, in host memory: first what the device reads (out), then what it writes
 * (in). A device's own request struct starts with it; iov follows the struct. Guest memory behind
 * it stays valid until the machine ends.
 */
struct virtqueue_element {
    uint16_t head;
    unsigned out_count, in_count;
    struct iovec *out, *in;
    uint64_t out_bytes, in_bytes;
    paddr_t *in_pa; /* guest addresses of in[] */
    uint32_t epoch; /* of the device when it was popped */
};

struct virtio_model {
    const char *name;
    uint32_t device_id;
    size_t state_size;
    unsigned config_size; /* <= VIRTIO_MAX_CONFIG */
    /*
     * Fills the zeroed v->state from v->config, v->features and the queues (virtio_add_queue). 0,
     * or -errno with ERR.
     */
    int (*init)(struct virtio_device *v, struct err *err);
    /*
     * Stops what is under way: when it returns nothing touches guest memory. Queues are cleared
     * after it.
     */
    void (*reset)(struct virtio_device *v);
    /* The driver has put buffers into Q, or says so. Q is ready. */
    void (*notify)(struct virtio_device *v, struct virtqueue *q);
    /* Writes config_size bytes to BUF. */
    void (*config_read)(struct virtio_device *v, uint8_t *buf);
    /* SIZE (1, 2, 4) bytes at OFFSET, inside config_size. May be NULL: nothing is writable. */
    void (*config_write)(struct virtio_device *v, unsigned offset, uint32_t value, unsigned size);
    void (*destroy)(struct virtio_device *v);
};

struct virtio_device {
    const struct virtio_model *model; /* c */
    struct machine *machine;          /* c */
    const void *config;               /* c: the model's configuration */
    const char *id;                   /* c: for messages */
    void *state;                      /* c: the model's own struct */
    bool legacy;                      /* c: the driver sees the legacy interface */
    /*
     * The interrupt status may have changed: the transport sets its line(s). QUEUE: which queue, or
     * -1 for config changes.
     */
    void (*raise)(struct virtio_device *v, int queue); /* c */
    uint64_t features;                                 /* c: offered */
    uint64_t driver_features;                          /* accepted */
    uint32_t config_generation;
    uint32_t epoch; /* counts resets */
    uint8_t status;
    uint8_t isr;
    bool broken;      /* what the driver did made sense no more: wait for a reset */
    unsigned nqueues; /* c */
    struct virtqueue queues[VIRTIO_MAX_QUEUES];
};

/* --- for transports --- */

/* V->machine, config, id, legacy and raise are set. 0 or -errno with ERR. */
int virtio_init(struct virtio_device *v, const struct virtio_model *model, struct err *err);
void virtio_destroy(struct virtio_device *v);
void virtio_reset(struct virtio_device *v);
/* A write of the status register; 0 resets. */
void virtio_set_status(struct virtio_device *v, uint8_t status);
uint64_t virtio_offered_features(const struct virtio_device *v);
/*
 * One of the four (only 0 and 1 have bits) 32-bit words of the driver's features. Ignored once they
 * are settled.
 */
void virtio_set_driver_features(struct virtio_device *v, uint32_t word, uint32_t value);
/* NULL if there is no queue INDEX. */
struct virtqueue *virtio_queue(struct virtio_device *v, uint32_t index);
/* A driver's choice of ring size: ignored unless a power of two within max_size. */
void virtqueue_set_size(struct virtqueue *q, uint32_t size);
/*
 * Takes the ring into use at desc_pa, avail_pa, used_pa. Addresses that are no RAM or not aligned:
 * virtio_broken.
 */
void virtqueue_enable(struct virtqueue *q);
void virtqueue_disable(struct virtqueue *q);
/* The driver rang. Does nothing when the driver may not ring yet or the device is broken. */
void virtio_notify_queue(struct virtio_device *v, uint32_t index);
uint32_t virtio_config_read(struct virtio_device *v, uint64_t offset, unsigned size);
void virtio_config_write(struct virtio_device *v, uint64_t offset, uint32_t value, unsigned size);

/* --- for device types --- */

/*
 * The next queue, of at most MAX_SIZE entries (a power of two up to VIRTIO_MAX_QUEUE_SIZE). In init
 * only.
 */
void virtio_add_queue(struct virtio_device *v, unsigned max_size);
bool virtio_has(const struct virtio_device *v, uint64_t feature);
/* Logs WHY as the guest's error, sets NEEDS_RESET and tells the driver. */
void virtio_broken(struct virtio_device *v, const char *why);
/* The device changed its configuration space. */
void virtio_config_changed(struct virtio_device *v);
/*
 * Takes the next available chain as a malloc'd object of SIZE bytes, whose start is a struct
 * virtqueue_element (the rest is zero); NULL if there is none or the device is broken. The caller
 * frees it after virtqueue_push.
 */
void *virtqueue_pop(struct virtqueue *q, size_t size);
/*
 * Gives E back with WRITTEN bytes at the start of its `in` part. The ring is left alone if the
 * device was reset since.
 */
void virtqueue_push(struct virtqueue *q, const struct virtqueue_element *e, uint32_t written);
/* After one or more pushes: interrupts the driver if it wants that. */
void virtqueue_signal(struct virtqueue *q);
/*
 * Suppresses or asks for the driver's notifications. Enabling returns true if buffers came
 * meanwhile: then look again.
 */
void virtqueue_disable_notify(struct virtqueue *q);
bool virtqueue_enable_notify(struct virtqueue *q);

/* Copies up to LEN bytes from the start of IOV. Returns how many there were. */
size_t iov_copy_from(const struct iovec *iov, unsigned count, void *buf, size_t len);
size_t iov_copy_to(const struct iovec *iov, unsigned count, const void *buf, size_t len);
/* Shortens *IOV / *COUNT by LEN bytes at the front; there must be as many. */
void iov_drop_front(struct iovec **iov, unsigned *count, size_t len);

#endif
