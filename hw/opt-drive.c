/* SPDX-License-Identifier: MIT */
/*
 * Option handlers: disks and other devices. A disk is named by -drive or -blockdev, and reached by
 * the guest through a virtio-blk device: one that -device made for it, or, for -drive without
 * if=none, one that is made here.
 */
#include "hw/opt.h"
#include <errno.h>
#include <string.h>

static struct drive_option *new_drive(struct options *o, const char *what, struct err *err)
{
    if (o->ndrives == MAX_DRIVES) {
        err_set(err, -EINVAL, "%s: more than %u drives", what, MAX_DRIVES);
        return NULL;
    }
    return &o->drives[o->ndrives++];
}

static struct drive_option *find_drive(struct options *o, const char *id)
{
    for (unsigned i = 0; i < o->ndrives; i++) {
        if (o->drives[i].id && strcmp(o->drives[i].id, id) == 0) {
            return &o->drives[i];
        }
    }
    return NULL;
}

static int set_drive_id(struct options *o, struct drive_option *d, const char *what, const char *id,
                        struct err *err)
{
    if (id && find_drive(o, id)) {
        return err_set(err, -EINVAL, "%s: there are two drives named '%s'", what, id);
    }
    d->id = id;
    return 0;
}

/* How the image is accessed: the properties that -drive and -blockdev share. */
static int read_access(struct props *p, struct drive_option *d, struct err *err)
{
    static const char *const aio[] = {"threads", "native", "io_uring", NULL},
                             *const discard[] = {"ignore", "off", "unmap", "on", NULL},
                             *const locking[] = {"auto", "on", "off", NULL};
    unsigned word = 0, ignored;
    bool unused = false;
    int code = props_bool(p, "readonly", &d->read_only, err);

    code = code < 0 ? code : props_bool(p, "read-only", &d->read_only, err);
    code = code < 0 ? code : props_bool(p, "auto-read-only", &unused, err);
    code = code < 0 ? code : props_bool(p, "cache.no-flush", &d->no_flush, err);
    code = code < 0 ? code : props_bool(p, "cache.direct", &unused, err);
    code = code < 0 ? code : props_word(p, "aio", aio, &ignored, err);
    code = code < 0 ? code : props_word(p, "locking", locking, &ignored, err);
    code = code < 0 ? code : props_word(p, "file.locking", locking, &ignored, err);
    code = code < 0 ? code : props_word(p, "discard", discard, &word, err);
    d->discard = word >= 2;
    return code;
}

static int read_drive_words(struct props *p, struct drive_option *d, struct err *err)
{
    static const char *const formats[] = {"raw", NULL}, *const medias[] = {"disk", "cdrom", NULL};
    static const char *const caches[] = {"unsafe",       "none",       "writeback",
                                         "writethrough", "directsync", NULL};
    static const char *const interfaces[] = {"none", "virtio", NULL};
    unsigned format, media = 0, cache = 1, interface = 0;
    int code = props_word(p, "format", formats, &format, err);

    code = code < 0 ? code : props_word(p, "driver", formats, &format, err);
    code = code < 0 ? code : props_word(p, "media", medias, &media, err);
    code = code < 0 ? code : props_word(p, "cache", caches, &cache, err);
    if (code == 0 && props_get(p, "if")) {
        code = props_word(p, "if", interfaces, &interface, err);
        d->interface = interface == 0 ? DRIVE_NONE : DRIVE_VIRTIO;
    }
    d->read_only |= media == 1;
    d->no_flush |= cache == 0;
    return code;
}

static int read_drive_numbers(struct props *p, struct drive_option *d, struct err *err)
{
    uint64_t ignored;
    int code = props_uint(p, "index", UINT32_MAX, &ignored, err);

    code = code < 0 ? code : props_uint(p, "unit", UINT32_MAX, &ignored, err);
    code = code < 0 ? code : props_uint(p, "bus", UINT32_MAX, &ignored, err);
    return code < 0 ? code : props_bool(p, "snapshot", &d->snapshot, err);
}

int opt_drive(const struct opt_context *c, struct err *err)
{
    struct drive_option *d;
    struct props p;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, NULL, err);

    d = code < 0 ? NULL : new_drive(c->o, c->name, err);
    if (!d) {
        return -EINVAL;
    }
    code = set_drive_id(c->o, d, c->name, props_get(&p, "id"), err);
    code = code < 0 ? code : read_drive_words(&p, d, err);
    code = code < 0 ? code : read_access(&p, d, err);
    code = code < 0 ? code : read_drive_numbers(&p, d, err);
    d->serial = props_get(&p, "serial");
    d->file = props_get(&p, "file");
    d->file = d->file ? d->file : props_get(&p, "file.filename");
    code = code < 0 ? code : props_done(&p, err);
    if (code == 0 && (!d->file || !d->file[0])) {
        return err_set(err, -EINVAL, "%s: file= is missing", c->name);
    }
    return code;
}

static int read_blockdev_file(struct props *p, struct drive_option *d, unsigned driver,
                              struct err *err)
{
    static const char *const file_drivers[] = {"file", NULL};
    unsigned ignored;
    int code = props_word(p, "file.driver", file_drivers, &ignored, err);

    d->file = props_get(p, driver == 0 ? "filename" : "file.filename");
    d->file_node = driver == 1 ? props_get(p, "file") : NULL;
    if (code == 0 && !d->file && !d->file_node) {
        return err_set(err, -EINVAL, "%s: %s= is missing", p->what,
                       driver == 0 ? "filename" : "file");
    }
    return code;
}

int opt_blockdev(const struct opt_context *c, struct err *err)
{
    static const char *const drivers[] = {"file", "raw", NULL};
    struct drive_option *d;
    struct props p;
    unsigned driver = 2;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, "driver", err);

    code = code < 0 ? code : props_word(&p, "driver", drivers, &driver, err);
    d = code < 0 ? NULL : new_drive(c->o, c->name, err);
    if (!d) {
        return -EINVAL;
    }
    if (driver == 2 || !props_get(&p, "node-name")) {
        return err_set(err, -EINVAL, "%s: driver= or node-name= is missing", c->name);
    }
    d->interface = DRIVE_NONE;
    code = set_drive_id(c->o, d, c->name, props_get(&p, "node-name"), err);
    code = code < 0 ? code : read_blockdev_file(&p, d, driver, err);
    code = code < 0 ? code : read_access(&p, d, err);
    return code < 0 ? code : props_done(&p, err);
}

static struct blk_option *new_blk(struct options *o, struct err *err)
{
    struct blk_option *b = &o->blks[o->nblks];

    if (o->nblks == VIRT_VIRTIO_SLOTS) {
        err_set(err, -EINVAL, "no virtio-mmio slot is left: there are %u", VIRT_VIRTIO_SLOTS);
        return NULL;
    }
    o->nblks++;
    b->slot = -1;
    return b;
}

static int read_bus(struct props *p, struct blk_option *b, struct err *err)
{
    static const char prefix[] = "virtio-mmio-bus.";
    const char *bus = props_get(p, "bus");
    uint64_t n;

    if (!bus) {
        return 0;
    }
    if (strncmp(bus, prefix, strlen(prefix)) != 0 || !parse_uint(bus + strlen(prefix), &n) ||
        n >= VIRT_VIRTIO_SLOTS) {
        return err_set(err, -EINVAL,
                       "%s: there is no bus '%s' (there are virtio-mmio-bus.0 to .%u)", p->what,
                       bus, VIRT_VIRTIO_SLOTS - 1);
    }
    b->slot = (int)n;
    return 0;
}

static int device_blk(struct options *o, struct props *p, struct err *err)
{
    struct blk_option *b = new_blk(o, err);
    uint64_t queues = 0, size = 0, ignored;
    int code;

    if (!b) {
        return -EINVAL;
    }
    props_get(p, "id");
    b->drive_id = props_get(p, "drive");
    b->serial = props_get(p, "serial");
    code = props_uint(p, "num-queues", 64, &queues, err);
    code = code < 0 ? code : props_uint(p, "queue-size", 1024, &size, err);
    code = code < 0 ? code : props_uint(p, "bootindex", INT32_MAX, &ignored, err);
    code = code < 0 ? code : read_bus(p, b, err);
    b->num_queues = (unsigned)queues;
    b->queue_size = (unsigned)size;
    if (code == 0 && !b->drive_id) {
        return err_set(err, -EINVAL, "%s: drive= is missing", p->what);
    }
    if (code == 0 && size && (size < 2 || (size & (size - 1)) != 0)) {
        return err_set(err, -EINVAL, "%s: queue-size must be a power of two from 2 to 1024",
                       p->what);
    }
    return code;
}

static int loader_data(struct boot_extra *x, struct props *p, struct err *err)
{
    uint64_t len = 0;
    int code = props_uint(p, "data-len", 8, &len, err);

    code = code < 0 ? code : props_uint(p, "data", UINT64_MAX, &x->data, err);
    x->data_len = (unsigned)len;
    if (code == 0 && (!props_get(p, "data") || len == 0 || !x->has_addr)) {
        return err_set(err, -EINVAL, "%s: needs file=, or data= with data-len= and addr=", p->what);
    }
    return code;
}

static int device_loader(struct options *o, struct props *p, struct err *err)
{
    struct boot_extra *x = &o->loaders[o->boot.nextras];
    bool big_endian = false;
    int code;

    if (o->boot.nextras == MAX_LOADERS) {
        return err_set(err, -EINVAL, "%s: more than %u loaders", p->what, MAX_LOADERS);
    }
    o->boot.nextras++;
    props_get(p, "id");
    x->file = props_get(p, "file");
    x->has_addr = props_get(p, "addr") != NULL;
    code = props_uint(p, "addr", UINT64_MAX, &x->addr, err);
    code = code < 0 ? code : props_bool(p, "force-raw", &x->force_raw, err);
    code = code < 0 ? code : props_bool(p, "data-be", &big_endian, err);
    if (code == 0 && big_endian) {
        return err_set(err, -EINVAL, "%s: data-be=on is not supported", p->what);
    }
    return code < 0 || x->file ? code : loader_data(x, p, err);
}

static const struct device_row {
    const char *name, *help;
    int (*make)(struct options *o, struct props *p, struct err *err);
} device_rows[] = {
    {"virtio-blk-device",
     "disk: drive=ID, serial=, num-queues=, queue-size=, bus=virtio-mmio-bus.N", device_blk},
    {"loader", "puts a file or a value into memory: file=, addr=, force-raw=, data=, data-len=",
     device_loader},
};

static int print_devices(FILE *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(device_rows); i++) {
        fprintf(out, "name \"%s\", %s\n", device_rows[i].name, device_rows[i].help);
    }
    return OPT_EXIT;
}

static int make_device(const struct opt_context *c, const char *driver, struct props *p,
                       struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(device_rows); i++) {
        if (strcmp(device_rows[i].name, driver) == 0) {
            int code;

            p->what = pool_printf(&c->o->pool, "%s %s", c->name, driver);
            code = device_rows[i].make(c->o, p, err);
            return code < 0 ? code : props_done(p, err);
        }
    }
    return err_set(err, -EINVAL, "%s: unknown or unsupported device '%s'", c->name, driver);
}

int opt_device(const struct opt_context *c, struct err *err)
{
    struct props p;
    const char *driver;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, "driver", err);

    if (code < 0) {
        return code;
    }
    driver = props_get(&p, "driver");
    if (!driver || !driver[0]) {
        return err_set(err, -EINVAL, "%s: the name of the device is missing", c->name);
    }
    if (opt_is_help(driver) || props_get(&p, "help")) {
        return print_devices(c->out);
    }
    return make_device(c, driver, &p, err);
}

int opt_global(const struct opt_context *c, struct err *err)
{
    static const char key[] = "virtio-mmio.force-legacy";
    struct props p;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, NULL, err);

    code = code < 0 ? code : props_bool(&p, key, &c->o->force_legacy, err);
    return code < 0 ? code : props_done(&p, err);
}

/* A raw node of -blockdev gets the file of the node that it names. */
static int resolve_file_node(struct options *o, struct drive_option *d, struct err *err)
{
    struct drive_option *below;

    if (!d->file_node) {
        return 0;
    }
    below = find_drive(o, d->file_node);
    if (!below || !below->file) {
        return err_set(err, -EINVAL, "-blockdev: there is no file node '%s'", d->file_node);
    }
    d->file = below->file;
    d->read_only |= below->read_only;
    d->no_flush |= below->no_flush;
    below->claimed = true;
    return 0;
}

static int claim_drive(struct options *o, struct blk_option *b, struct err *err)
{
    struct drive_option *d = find_drive(o, b->drive_id);

    if (!d) {
        return err_set(err, -EINVAL, "-device virtio-blk-device: there is no drive '%s'",
                       b->drive_id);
    }
    if (d->claimed || d->interface == DRIVE_VIRTIO) {
        return err_set(
            err, -EINVAL, "-device virtio-blk-device: drive '%s' is already in use%s", b->drive_id,
            d->claimed ? "" : " (if=virtio has made a device for it; did you mean if=none?)");
    }
    d->claimed = true;
    b->drive = d;
    return 0;
}

/* Disks for the drives that ask for one, or that nobody took. */
static int add_implied_blks(struct options *o, struct err *err)
{
    for (unsigned i = 0; i < o->ndrives; i++) {
        struct drive_option *d = &o->drives[i];
        struct blk_option *b;

        if (d->claimed || d->interface == DRIVE_NONE) {
            continue;
        }
        b = new_blk(o, err);
        if (!b) {
            return -EINVAL;
        }
        b->drive = d;
        d->claimed = true;
    }
    return 0;
}

/*
 * The user's slots first; the others from the highest down, as QEMU does, so that the first disk is
 * the kernel's first.
 */
static int assign_slots(struct options *o, struct err *err)
{
    bool taken[VIRT_VIRTIO_SLOTS] = {false};
    int next = VIRT_VIRTIO_SLOTS - 1;

    for (unsigned i = 0; i < o->nblks; i++) {
        int slot = o->blks[i].slot;

        if (slot >= 0 && taken[slot]) {
            return err_set(err, -EINVAL,
                           "-device virtio-blk-device: virtio-mmio-bus.%d is already in use", slot);
        }
        if (slot >= 0) {
            taken[slot] = true;
        }
    }
    for (unsigned i = 0; i < o->nblks; i++) {
        while (o->blks[i].slot < 0 && taken[next]) {
            next--;
        }
        if (o->blks[i].slot < 0) {
            o->blks[i].slot = next;
            taken[next] = true;
        }
    }
    return 0;
}

int opt_resolve_drives(struct options *o, struct err *err)
{
    int code = 0;

    for (unsigned i = 0; code == 0 && i < o->ndrives; i++) {
        code = resolve_file_node(o, &o->drives[i], err);
        o->drives[i].snapshot |= o->snapshot;
    }
    for (unsigned i = 0; code == 0 && i < o->nblks; i++) {
        code = claim_drive(o, &o->blks[i], err);
    }
    code = code < 0 ? code : add_implied_blks(o, err);
    return code < 0 ? code : assign_slots(o, err);
}
