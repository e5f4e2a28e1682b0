/* SPDX-License-Identifier: MIT */
/*
 * A small virtio-mmio driver for one slot with a disk behind it: what the guest would do, from the
 * test.
 */
#ifndef TESTS_DEVICES_VIRTIO_DRIVER_H
#define TESTS_DEVICES_VIRTIO_DRIVER_H

#include "hw/backend/disk.h"
#include "hw/host/bits.h"
#include "tests/devices/fixture.h"
#include <fcntl.h>
#include <unistd.h>

enum {
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    LEGACY_PAGE_SIZE = 0x028,
    QUEUE_SEL = 0x030,
    QUEUE_SIZE_MAX = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_ALIGN = 0x03c,
    QUEUE_PFN = 0x040,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC = 0x080,
    QUEUE_DRIVER = 0x090,
    QUEUE_DEVICE = 0x0a0,
    SHM_LEN = 0x0b0,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, NEEDS_RESET = 64 };
enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2, S_NONE = 0xff };

#define F_EVENT_IDX  BIT(29)
#define F_INDIRECT   BIT(28)
#define F_VERSION_1  BIT(32)
#define F_FLUSH      BIT(9)

#define RING_SIZE    8
#define DESC_PA      (RAM_BASE + 0x1000)
#define AVAIL_PA     (RAM_BASE + 0x2000)
#define USED_PA      (RAM_BASE + 0x3000)
#define HEADER_PA    (RAM_BASE + 0x4000)
#define STATUS_PA    (RAM_BASE + 0x4100)
#define INDIRECT_PA  (RAM_BASE + 0x5000)
#define DATA_PA      (RAM_BASE + 0x10000)
#define DISK_SECTORS 64

struct driver {
    struct fixture fx;
    struct disk *disk;
    struct virtio_blk_config blk;
    struct virtio_mmio_config mmio;
    char image[32];
    uint16_t avail, used; /* our copies of the indices */
    unsigned next_desc;
};

static inline void driver_image(struct driver *d, uint64_t size)
{
    int fd;

    snprintf(d->image, sizeof(d->image), "%s", "/tmp/mh-disk-XXXXXX");
    fd = mkstemp(d->image);
    if (fd < 0) {
        abort();
    }
    for (uint64_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(i / DISK_SECTOR + i);

        if (write(fd, &byte, 1) != 1) {
            abort();
        }
    }
    close(fd);
}

/* What sector SECTOR of driver_image has at byte I. */
static inline uint8_t image_byte(uint64_t sector, unsigned i)
{
    return (uint8_t)(sector + sector * DISK_SECTOR + i);
}

static inline void driver_init(struct driver *d, bool legacy, struct disk_options options,
                               unsigned num_queues)
{
    struct err err = {{0}};

    memset(d, 0, sizeof(*d));
    fixture_init(&d->fx);
    driver_image(d, DISK_SECTORS * DISK_SECTOR);
    options.path = d->image;
    options.discard = true;
    d->disk = disk_open(&d->fx.m, &options, &err);
    if (!d->disk) {
        printf("%s\n", err.text);
        abort();
    }
    d->blk = (struct virtio_blk_config){
        .disk = d->disk, .serial = "SERIAL-0123456789-ABCDEF", .num_queues = num_queues};
    d->mmio = (struct virtio_mmio_config){
        .backend = &virtio_blk_model, .backend_config = &d->blk, .force_legacy = legacy};
    fixture_add(&d->fx, &virtio_mmio_model, &d->mmio);
}

static inline void driver_fini(struct driver *d)
{
    struct memory_map *map = d->fx.m.memory;

    disk_close(d->disk);
    device_free(d->fx.dev);
    machine_fini(&d->fx.m);
    memory_map_free(map);
    unlink(d->image);
}

static inline uint32_t rd(struct driver *d, uint64_t reg)
{
    return (uint32_t)get(&d->fx, reg, 4);
}

static inline void wr(struct driver *d, uint64_t reg, uint32_t value)
{
    put(&d->fx, reg, value, 4);
}

static inline void ram_write(struct driver *d, paddr_t pa, const void *p, uint64_t size)
{
    if (!memory_write(d->fx.m.memory, pa, p, size)) {
        abort();
    }
}

static inline void ram_read(struct driver *d, paddr_t pa, void *p, uint64_t size)
{
    if (!memory_read(d->fx.m.memory, pa, p, size)) {
        abort();
    }
}

static inline void ram_put16(struct driver *d, paddr_t pa, uint16_t v)
{
    ram_write(d, pa, &v, sizeof(v));
}

static inline uint16_t ram_get16(struct driver *d, paddr_t pa)
{
    uint16_t v;

    ram_read(d, pa, &v, sizeof(v));
    return v;
}

static inline uint8_t ram_get8(struct driver *d, paddr_t pa)
{
    uint8_t v;

    ram_read(d, pa, &v, sizeof(v));
    return v;
}

static inline void put_desc(struct driver *d, paddr_t table, unsigned i, uint64_t pa, uint32_t len,
                            unsigned flags, unsigned next)
{
    uint8_t buf[16];

    store_le64(buf, pa);
    store_le32(buf + 8, len);
    store_le16(buf + 12, (uint16_t)flags);
    store_le16(buf + 14, (uint16_t)next);
    ram_write(d, table + 16 * (uint64_t)i, buf, sizeof(buf));
}

static inline void put_address(struct driver *d, uint64_t reg, paddr_t pa)
{
    wr(d, reg, (uint32_t)pa);
    wr(d, reg + 4, (uint32_t)(pa >> 32));
}

/* Modern start with FEATURES, of which VERSION_1 is implied. */
static inline void driver_start(struct driver *d, uint64_t features)
{
    features |= F_VERSION_1;
    wr(d, STATUS, 0);
    wr(d, STATUS, ACKNOWLEDGE | DRIVER);
    for (unsigned word = 0; word < 2; word++) {
        wr(d, DRIVER_FEATURES_SEL, word);
        wr(d, DRIVER_FEATURES, (uint32_t)(features >> (32 * word)));
    }
    wr(d, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    wr(d, QUEUE_SEL, 0);
    wr(d, QUEUE_SIZE, RING_SIZE);
    put_address(d, QUEUE_DESC, DESC_PA);
    put_address(d, QUEUE_DRIVER, AVAIL_PA);
    put_address(d, QUEUE_DEVICE, USED_PA);
    wr(d, QUEUE_READY, 1);
    wr(d, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    d->avail = d->used = 0;
    memset(memory_host(d->fx.m.memory, DESC_PA, &(uint64_t){0x3000}), 0, 0x3000);
}

static inline void publish(struct driver *d, paddr_t avail_pa, uint16_t head)
{
    ram_put16(d, avail_pa + 4 + 2 * (d->avail % RING_SIZE), head);
    d->avail++;
    ram_put16(d, avail_pa + 2, d->avail);
}

/* A request in three descriptors 0..2: header, LEN bytes at DATA_PA if any, status. */
static inline void put_request(struct driver *d, paddr_t table, uint32_t type, uint64_t sector,
                               uint32_t len, bool device_writes)
{
    uint8_t header[16] = {0};
    uint8_t none = S_NONE;

    store_le32(header, type);
    store_le64(header + 8, sector);
    ram_write(d, HEADER_PA, header, sizeof(header));
    ram_write(d, STATUS_PA, &none, 1);
    put_desc(d, table, 0, HEADER_PA, 16, D_NEXT, len ? 1 : 2);
    put_desc(d, table, 1, DATA_PA, len, D_NEXT | (device_writes ? D_WRITE : 0), 2);
    put_desc(d, table, 2, STATUS_PA, 1, D_WRITE, 0);
}

/* Lets the disk's workers and the event loop finish. */
static inline void settle(struct driver *d)
{
    mutex_lock(&d->fx.m.bql);
    disk_drain(d->disk);
    mutex_unlock(&d->fx.m.bql);
}

/* The request's status byte when it has completed, S_NONE if it has not. */
static inline unsigned do_request(struct driver *d, uint32_t type, uint64_t sector, uint32_t len,
                                  bool device_writes)
{
    put_request(d, DESC_PA, type, sector, len, device_writes);
    publish(d, AVAIL_PA, 0);
    wr(d, QUEUE_NOTIFY, 0);
    settle(d);
    return ram_get16(d, USED_PA + 2) == d->avail ? ram_get8(d, STATUS_PA) : S_NONE;
}

#endif
