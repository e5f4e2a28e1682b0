/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk (virtio 1.3, 5.2): a disk for any virtio transport.
 *
 * configuration space, little-endian
 * offset size field
 * 0      8    capacity in sectors of 512 bytes
 * 12     4    seg_max: data segments in a request
 * 16     4    geometry: cylinders (2), heads (1), sectors (1)
 * 20     4    blk_size: 512
 * 24     8    topology: all 0, one physical block is one logical one
 * 32     1    writeback: 1 cache, 0 write-through; writable
 * 34     2    num_queues
 * 36     12   discard: most sectors, segments (1), alignment in sectors (1)
 * 48     9    write zeroes: most sectors, segments (1), may unmap (1)
 *
 * A request is a chain: 16 bytes {le32 type, le32 reserved, le64 sector}, data, and a last byte to
 * be written, the status. However the driver has cut this into descriptors, we see bytes (which is
 * what VIRTIO_F_VERSION_1 and ANY_LAYOUT ask for).
 *
 * The BQL is held in every function. Data goes between the disk's workers and guest memory without
 * a copy; completions come on the I/O thread. A reset waits for what is under way. While the cache
 * is write-through, a write is followed by a flush before its request completes.
 */
#include "devices/devices.h"
#include "devices/virtio.h"
#include "hw/backend/disk.h"
#include "hw/host/bits.h"
#include "hw/host/log.h"
#include <errno.h>
#include <stdlib.h>

enum { VIRTIO_ID_BLOCK = 2 };

#define BLK_F_SEG_MAX      BIT(2)
#define BLK_F_GEOMETRY     BIT(4)
#define BLK_F_RO           BIT(5)
#define BLK_F_BLK_SIZE     BIT(6)
#define BLK_F_FLUSH        BIT(9)
#define BLK_F_TOPOLOGY     BIT(10)
#define BLK_F_CONFIG_WCE   BIT(11)
#define BLK_F_MQ           BIT(12)
#define BLK_F_DISCARD      BIT(13)
#define BLK_F_WRITE_ZEROES BIT(14)

enum {
    BLK_T_IN = 0,
    BLK_T_OUT = 1,
    BLK_T_FLUSH = 4,
    BLK_T_GET_ID = 8,
    BLK_T_DISCARD = 11,
    BLK_T_WRITE_ZEROES = 13,
};
#define BLK_T_BARRIER UINT32_C(0x80000000) /* legacy, no meaning */

enum { BLK_S_OK = 0, BLK_S_IOERR = 1, BLK_S_UNSUPP = 2 };
enum { HEADER_SIZE = 16, RANGE_SIZE = 16, ID_SIZE = 20, RANGE_UNMAP = 1 };
enum { CONFIG_SIZE = 60, CONFIG_WRITEBACK = 32, MAX_RANGE_SECTORS = 0x3fffff };
enum { GEOMETRY_HEADS = 16, GEOMETRY_SECTORS = 63, GEOMETRY_MAX_CYLINDERS = 16383 };

struct blk {
    struct virtio_device *v; /* c */
    struct disk *disk;       /* c */
    const char *serial;      /* c: may be NULL */
    uint32_t seg_max;        /* c */
    bool writeback;          /* what the driver set */
    bool closing;            /* completions only free */
    unsigned in_flight;      /* requests at the disk */
};

struct blk_request {
    struct virtqueue_element e; /* first */
    struct blk *b;
    struct virtqueue *q;
    uint8_t *status; /* the last byte of e.in, which e.in then excludes */
    paddr_t status_pa;
    struct disk_request rq;
    bool flush_after; /* a write that is not done before a flush is */
};

/* --- configuration space --- */

static uint16_t cylinders(uint64_t sectors)
{
    uint64_t n = sectors / (GEOMETRY_HEADS * GEOMETRY_SECTORS);

    return (uint16_t)MAX(MIN(n, (uint64_t)GEOMETRY_MAX_CYLINDERS), UINT64_C(2));
}

static void blk_config_read(struct virtio_device *v, uint8_t *buf)
{
    struct blk *b = v->state;

    store_le64(buf + 0, disk_sectors(b->disk));
    store_le32(buf + 12, b->seg_max);
    store_le16(buf + 16, cylinders(disk_sectors(b->disk)));
    buf[18] = GEOMETRY_HEADS;
    buf[19] = GEOMETRY_SECTORS;
    store_le32(buf + 20, DISK_SECTOR);
    buf[CONFIG_WRITEBACK] = b->writeback;
    store_le16(buf + 34, (uint16_t)v->nqueues);
    store_le32(buf + 36, MAX_RANGE_SECTORS);
    store_le32(buf + 40, 1);
    store_le32(buf + 44, 1);
    store_le32(buf + 48, MAX_RANGE_SECTORS);
    store_le32(buf + 52, 1);
    buf[56] = 1;
}

static void blk_config_write(struct virtio_device *v, unsigned offset, uint32_t value,
                             unsigned size)
{
    struct blk *b = v->state;

    if (offset == CONFIG_WRITEBACK && size == 1 && virtio_has(v, BLK_F_CONFIG_WCE)) {
        b->writeback = value & 1;
    } else {
        log_guest_error("%s: write to a read-only part of the configuration\n", v->id);
    }
}

/*
 * 5.2.6.2: a driver that can neither flush nor choose expects a write to be stable when it is done.
 */
static bool write_through(const struct blk *b)
{
    if (virtio_has(b->v, BLK_F_CONFIG_WCE)) {
        return !b->writeback;
    }
    return !virtio_has(b->v, BLK_F_FLUSH);
}

/* --- completion --- */

/* Gives R back, all of its `in` part counted as written, as drivers are used to. Frees R. */
static void finish(struct blk_request *r, uint8_t status)
{
    if (!r->b->closing) {
        *r->status = status;
        memory_written(r->b->v->machine->memory, r->status_pa, 1);
        virtqueue_push(r->q, &r->e, (uint32_t)r->e.in_bytes + 1);
        virtqueue_signal(r->q);
    }
    free(r);
}

static void submit(struct blk_request *r, enum disk_op op, uint64_t sector);

static void io_done(struct disk_request *rq)
{
    struct blk_request *r = container_of(rq, struct blk_request, rq);

    r->b->in_flight--;
    if (rq->result == 0 && r->flush_after) {
        r->flush_after = false;
        submit(r, DISK_FLUSH, 0);
        return;
    }
    finish(r, rq->result == 0 ? BLK_S_OK : BLK_S_IOERR);
}

/* --- requests --- */

static void submit(struct blk_request *r, enum disk_op op, uint64_t sector)
{
    r->rq.op = op;
    r->rq.sector = sector;
    r->rq.done = io_done;
    if (op == DISK_READ && disk_read_now(r->b->disk, &r->rq)) {
        finish(r, BLK_S_OK);
        return;
    }
    r->b->in_flight++;
    disk_submit(r->b->disk, &r->rq);
}

static void start_transfer(struct blk_request *r, bool write, uint64_t sector)
{
    r->rq.iov = write ? r->e.out : r->e.in;
    r->rq.iovcnt = write ? r->e.out_count : r->e.in_count;
    r->flush_after = write && write_through(r->b);
    submit(r, write ? DISK_WRITE : DISK_READ, sector);
}

static void start_get_id(struct blk_request *r)
{
    char id[ID_SIZE] = {0};

    if (r->b->serial) {
        memcpy(id, r->b->serial, strnlen(r->b->serial, sizeof(id)));
    }
    iov_copy_to(r->e.in, r->e.in_count, id, sizeof(id));
    finish(r, BLK_S_OK);
}

/* 5.2.6.2: one range; an unknown flag, or unmap on a discard, is not supported. */
static void start_range(struct blk_request *r, enum disk_op op)
{
    uint8_t range[RANGE_SIZE];
    uint32_t sectors, flags;

    if (r->e.out_bytes != RANGE_SIZE) {
        finish(r, r->e.out_bytes % RANGE_SIZE ? BLK_S_IOERR : BLK_S_UNSUPP);
        return;
    }
    iov_copy_from(r->e.out, r->e.out_count, range, sizeof(range));
    sectors = load_le32(range + 8);
    flags = load_le32(range + 12);
    if ((flags & ~(uint32_t)RANGE_UNMAP) || (flags && op == DISK_DISCARD)) {
        finish(r, BLK_S_UNSUPP);
    } else if (sectors > MAX_RANGE_SECTORS || disk_read_only(r->b->disk)) {
        finish(r, BLK_S_IOERR);
    } else {
        r->rq.nsectors = sectors;
        r->rq.unmap = flags & RANGE_UNMAP;
        r->flush_after = op == DISK_WRITE_ZEROES && write_through(r->b);
        submit(r, op, load_le64(range));
    }
}

static void start_request(struct blk_request *r, uint32_t type, uint64_t sector)
{
    switch (type & ~BLK_T_BARRIER) {
    case BLK_T_IN:
        start_transfer(r, false, sector);
        break;
    case BLK_T_OUT:
        start_transfer(r, true, sector);
        break;
    case BLK_T_FLUSH:
        submit(r, DISK_FLUSH, 0);
        break;
    case BLK_T_GET_ID:
        start_get_id(r);
        break;
    case BLK_T_DISCARD:
        start_range(r, DISK_DISCARD);
        break;
    case BLK_T_WRITE_ZEROES:
        start_range(r, DISK_WRITE_ZEROES);
        break;
    default:
        finish(r, BLK_S_UNSUPP);
    }
}

/* Takes header and status off the chain; what is left of out and in is data. */
static bool take_envelope(struct blk_request *r, uint8_t *header)
{
    struct virtqueue_element *e = &r->e;
    struct iovec *last;

    if (iov_copy_from(e->out, e->out_count, header, HEADER_SIZE) < HEADER_SIZE || e->in_bytes < 1) {
        return false;
    }
    iov_drop_front(&e->out, &e->out_count, HEADER_SIZE);
    e->out_bytes -= HEADER_SIZE;
    last = &e->in[e->in_count - 1];
    last->iov_len--;
    e->in_bytes--;
    r->status = (uint8_t *)last->iov_base + last->iov_len;
    r->status_pa = e->in_pa[e->in_count - 1] + last->iov_len;
    return true;
}

static void blk_notify(struct virtio_device *v, struct virtqueue *q)
{
    struct blk_request *r;

    do {
        virtqueue_disable_notify(q);
        while ((r = virtqueue_pop(q, sizeof(*r))) != NULL) {
            uint8_t header[HEADER_SIZE];

            r->b = v->state;
            r->q = q;
            if (!take_envelope(r, header)) {
                virtio_broken(v, "a request without header or status");
                free(r);
                return;
            }
            start_request(r, load_le32(header), load_le64(header + 8));
        }
    } while (virtqueue_enable_notify(q));
}

/* --- life --- */

static void blk_reset(struct virtio_device *v)
{
    struct blk *b = v->state;

    if (b->in_flight) {
        disk_drain(b->disk);
    }
    b->writeback = true;
}

static int blk_init(struct virtio_device *v, struct err *err)
{
    const struct virtio_blk_config *config = v->config;
    unsigned num_queues = config->num_queues ? config->num_queues : 1;
    unsigned queue_size = config->queue_size ? config->queue_size : 256;
    struct blk *b = v->state;

    if (num_queues > VIRTIO_MAX_QUEUES) {
        return err_set(err, -EINVAL, "%s: num-queues must be between 1 and %d", v->id,
                       VIRTIO_MAX_QUEUES);
    }
    if (!is_pow2(queue_size) || queue_size < 4 || queue_size > VIRTIO_MAX_QUEUE_SIZE) {
        return err_set(err, -EINVAL, "%s: queue-size must be a power of two between 4 and %d",
                       v->id, VIRTIO_MAX_QUEUE_SIZE);
    }
    b->v = v;
    b->disk = config->disk;
    b->serial = config->serial ? config->serial : disk_serial(config->disk);
    b->seg_max = queue_size - 2;
    b->writeback = true;
    for (unsigned i = 0; i < num_queues; i++) {
        virtio_add_queue(v, queue_size);
    }
    v->features |= BLK_F_SEG_MAX | BLK_F_GEOMETRY | BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_TOPOLOGY |
                   BLK_F_CONFIG_WCE | BLK_F_DISCARD | BLK_F_WRITE_ZEROES;
    v->features |= num_queues > 1 ? BLK_F_MQ : 0;
    v->features |= disk_read_only(b->disk) ? BLK_F_RO : 0;
    return 0;
}

static void blk_destroy(struct virtio_device *v)
{
    struct blk *b = v->state;

    b->closing = true;
    if (b->in_flight) {
        disk_drain(b->disk);
    }
}

const struct virtio_model virtio_blk_model = {
    .name = "virtio-blk-device",
    .device_id = VIRTIO_ID_BLOCK,
    .state_size = sizeof(struct blk),
    .config_size = CONFIG_SIZE,
    .init = blk_init,
    .reset = blk_reset,
    .notify = blk_notify,
    .config_read = blk_config_read,
    .config_write = blk_config_write,
    .destroy = blk_destroy,
};
