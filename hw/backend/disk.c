/* SPDX-License-Identifier: MIT */
/*
 * Disks: raw images whose requests run on the machine's workers and complete on the I/O thread.
 *
 * A worker that has finished a request puts it on the disk's list; the first on an empty list posts
 * one call to the event loop, which takes the BQL once for all that is there by then. disk_drain
 * waits for the workers and completes the list at once.
 *
 * Locks: c constant after open, d `lock`, b BQL.
 */
#include "hw/backend/disk-internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_NOW_MAX 65536

struct disk {
    struct machine *machine; /* c */
    struct disk_files files; /* c */
    uint64_t nsectors;       /* c */
    bool read_only;          /* c */
    char *serial;            /* c: may be NULL */
    struct mutex lock;
    struct cond idle;           /* running became 0 */
    unsigned running;           /* d: submitted, I/O not done */
    struct disk_request *first; /* d: I/O done, to be completed, in order */
    struct disk_request **last; /* d */
    bool posted;                /* d: complete_posted is on its way */
};

/* --- requests --- */

static uint64_t request_bytes(const struct disk_request *rq)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < rq->iovcnt; i++) {
        bytes += rq->iov[i].iov_len;
    }
    return bytes;
}

/* Whole sectors inside the disk, and nothing that a read-only disk refuses. */
static int check_range(const struct disk *d, uint64_t sector, uint64_t bytes, bool changes)
{
    if (changes && d->read_only) {
        return -EPERM;
    }
    if (bytes % DISK_SECTOR || sector > d->nsectors || bytes / DISK_SECTOR > d->nsectors - sector) {
        return -EIO;
    }
    return 0;
}

static int run_transfer(const struct disk *d, const struct disk_request *rq)
{
    uint64_t bytes = request_bytes(rq);
    int rc = check_range(d, rq->sector, bytes, rq->op == DISK_WRITE);

    if (rc) {
        return rc;
    }
    if (rq->op == DISK_WRITE) {
        return disk_io_write(&d->files, rq->iov, rq->iovcnt, rq->sector * DISK_SECTOR, bytes);
    }
    return disk_io_read(&d->files, rq->iov, rq->iovcnt, rq->sector * DISK_SECTOR, bytes);
}

static int run_range(const struct disk *d, const struct disk_request *rq)
{
    uint64_t bytes = rq->nsectors * DISK_SECTOR;
    int rc = rq->nsectors > d->nsectors ? -EIO : check_range(d, rq->sector, bytes, true);

    if (rc) {
        return rc;
    }
    if (rq->op == DISK_DISCARD) {
        return disk_io_discard(&d->files, rq->sector * DISK_SECTOR, bytes);
    }
    return disk_io_write_zeroes(&d->files, rq->sector * DISK_SECTOR, bytes, rq->unmap);
}

static int run_request(const struct disk *d, const struct disk_request *rq)
{
    switch (rq->op) {
    case DISK_READ:
    case DISK_WRITE:
        return run_transfer(d, rq);
    case DISK_FLUSH:
        return disk_io_flush(&d->files);
    case DISK_DISCARD:
    case DISK_WRITE_ZEROES:
        return run_range(d, rq);
    }
    return -EINVAL;
}

/* BQL held. */
static void complete_all(struct disk *d)
{
    struct disk_request *rq;

    mutex_lock(&d->lock);
    rq = d->first;
    d->first = NULL;
    d->last = &d->first;
    mutex_unlock(&d->lock);
    while (rq) {
        struct disk_request *next = rq->next;

        rq->done(rq);
        rq = next;
    }
}

static void complete_posted(void *opaque)
{
    struct disk *d = opaque;

    mutex_lock(&d->lock);
    d->posted = false;
    mutex_unlock(&d->lock);
    mutex_lock(&d->machine->bql);
    complete_all(d);
    mutex_unlock(&d->machine->bql);
}

/* Worker thread. RQ belongs to whoever completes it from the moment it is on the list. */
static void run_work(struct work *w)
{
    struct disk_request *rq = container_of(w, struct disk_request, work);
    struct disk *d = rq->disk;

    rq->result = run_request(d, rq);
    rq->next = NULL;
    mutex_lock(&d->lock);
    *d->last = rq;
    d->last = &rq->next;
    if (!d->posted) {
        d->posted = true;
        event_loop_post(d->machine->loop, complete_posted, d);
    }
    d->running--;
    if (d->running == 0) {
        cond_broadcast(&d->idle);
    }
    mutex_unlock(&d->lock);
}

void disk_submit(struct disk *d, struct disk_request *rq)
{
    rq->disk = d;
    rq->work.run = run_work;
    mutex_lock(&d->lock);
    d->running++;
    mutex_unlock(&d->lock);
    worker_submit(d->machine->workers, &rq->work);
}

bool disk_read_now(struct disk *d, struct disk_request *rq)
{
    uint64_t bytes = request_bytes(rq);

    if (bytes > READ_NOW_MAX || check_range(d, rq->sector, bytes, false)) {
        return false;
    }
    rq->result =
        disk_io_read_cached(&d->files, rq->iov, rq->iovcnt, rq->sector * DISK_SECTOR, bytes);
    return rq->result == 0;
}

/* `done` may submit more. */
void disk_drain(struct disk *d)
{
    bool idle;

    do {
        mutex_lock(&d->lock);
        while (d->running) {
            cond_wait(&d->idle, &d->lock);
        }
        idle = d->first == NULL;
        mutex_unlock(&d->lock);
        complete_all(d);
    } while (!idle);
}

/* --- opening --- */

/* Regular files and block devices have a size; nothing else is an image. */
static int image_size(const char *path, int fd, uint64_t *size, struct err *err)
{
    struct stat st;
    off_t end;

    if (fstat(fd, &st) != 0) {
        return err_set(err, -errno, "cannot use disk image %s: %s", path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return err_set(err, -EISDIR, "cannot open disk image %s: it is a directory", path);
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        return err_set(err, -EINVAL,
                       "cannot open disk image %s: it is neither a file nor a block device", path);
    }
    end = lseek(fd, 0, SEEK_END);
    if (end < 0) {
        return err_set(err, -errno, "cannot find the size of disk image %s: %s", path,
                       strerror(errno));
    }
    *size = (uint64_t)end;
    return 0;
}

/* Hosts whose file system has no locks go without. */
static int lock_image(const char *path, int fd, bool exclusive, struct err *err)
{
    struct flock lock = {.l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES)) {
        return 0;
    }
    return err_set(err, -EBUSY, "disk image %s is in use already: it is locked", path);
}

static int open_image(struct disk *d, const struct disk_options *o, struct err *err)
{
    bool writes = !o->read_only && !o->snapshot;
    uint64_t size = 0;
    int rc;

    /* O_NONBLOCK: a FIFO must not hold us up before image_size refuses it. */
    d->files.fd = open(o->path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (d->files.fd < 0 && errno == EISDIR) {
        return err_set(err, -errno, "cannot open disk image %s: it is a directory", o->path);
    }
    if (d->files.fd < 0 && writes && (errno == EACCES || errno == EROFS || errno == EPERM)) {
        return err_set(err, -errno,
                       "cannot open disk image %s for writing: %s (readonly=on would do)", o->path,
                       strerror(errno));
    }
    if (d->files.fd < 0) {
        return err_set(err, -errno, "cannot open disk image %s: %s", o->path, strerror(errno));
    }
    rc = image_size(o->path, d->files.fd, &size, err);
    rc = rc ? rc : lock_image(o->path, d->files.fd, writes, err);
    d->nsectors = rc ? 0 : size / DISK_SECTOR + (size % DISK_SECTOR != 0);
    return rc;
}

/* An unlinked file in $TMPDIR or /var/tmp: gone when the process is. */
static int open_overlay(struct disk *d, struct err *err)
{
    const char *dir = getenv("TMPDIR");
    char name[4096];

    dir = dir && dir[0] ? dir : "/var/tmp";
    d->files.overlay_fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (d->files.overlay_fd < 0) {
        snprintf(name, sizeof(name), "%s/manyhart-XXXXXX", dir);
        d->files.overlay_fd = mkostemp(name, O_CLOEXEC);
        if (d->files.overlay_fd >= 0) {
            unlink(name);
        }
    }
    if (d->files.overlay_fd < 0) {
        return err_set(err, -errno, "cannot make a snapshot file in %s: %s", dir, strerror(errno));
    }
    d->files.copied = calloc(d->nsectors / 32 + 1, sizeof(*d->files.copied));
    return d->files.copied ? 0 : err_set(err, -ENOMEM, "cannot make a snapshot: out of memory");
}

struct disk *disk_open(struct machine *m, const struct disk_options *o, struct err *err)
{
    struct disk *d = calloc(1, sizeof(*d));

    if (!d) {
        err_set(err, -ENOMEM, "disk %s: out of memory", o->path);
        return NULL;
    }
    mutex_init(&d->lock, RANK_BACKEND, "disk");
    cond_init(&d->idle);
    d->machine = m;
    d->last = &d->first;
    d->read_only = o->read_only;
    d->files = (struct disk_files){
        .fd = -1, .overlay_fd = -1, .discard = o->discard, .no_flush = o->no_flush};
    d->serial = o->serial ? strdup(o->serial) : NULL;
    if (open_image(d, o, err) != 0 || (o->snapshot && open_overlay(d, err) != 0)) {
        disk_close(d);
        return NULL;
    }
    return d;
}

/* Says whether requests are under way or wait to be completed. */
static bool is_busy(struct disk *d)
{
    bool busy;

    mutex_lock(&d->lock);
    busy = d->running || d->first;
    mutex_unlock(&d->lock);
    return busy;
}

void disk_close(struct disk *d)
{
    if (!d) {
        return;
    }
    if (is_busy(d)) {
        mutex_lock(&d->machine->bql);
        disk_drain(d);
        mutex_unlock(&d->machine->bql);
    }
    if (d->files.fd >= 0) {
        close(d->files.fd);
    }
    if (d->files.overlay_fd >= 0) {
        close(d->files.overlay_fd);
    }
    free(d->files.copied);
    free(d->serial);
    cond_fini(&d->idle);
    mutex_fini(&d->lock);
    free(d);
}

uint64_t disk_sectors(const struct disk *d)
{
    return d->nsectors;
}

bool disk_read_only(const struct disk *d)
{
    return d->read_only;
}

const char *disk_serial(const struct disk *d)
{
    return d->serial;
}
