/* SPDX-License-Identifier: MIT */
/*
 * Disk images (block backends). Requests are asynchronous: they run on the machine's workers and
 * complete on the I/O thread with the BQL held. Raw files; sectors of 512 bytes.
 */
#ifndef HW_BACKEND_DISK_H
#define HW_BACKEND_DISK_H

#include "hw/core/machine.h"
#include <sys/uio.h>

#define DISK_SECTOR 512

struct disk;

enum disk_op { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_WRITE_ZEROES };

struct disk_request {
    struct work work;          /* the backend's */
    struct disk_request *next; /* the backend's */
    struct disk *disk;         /* the backend's */
    enum disk_op op;
    uint64_t sector;   /* first; checked by the backend against the size: -EIO beyond the end */
    uint64_t nsectors; /* of DISCARD and WRITE_ZEROES */
    bool unmap;        /* WRITE_ZEROES may deallocate */
    const struct iovec *iov; /* of READ and WRITE: guest memory, lives until done */
    unsigned iovcnt;
    int result;                            /* 0 or -errno, valid in done */
    void (*done)(struct disk_request *rq); /* I/O thread, BQL held */
};

struct disk_options {
    const char *path;
    bool read_only;
    bool snapshot;      /* writes go to a temporary file that is gone at exit */
    bool no_flush;      /* cache=unsafe */
    const char *serial; /* may be NULL */
    bool discard;       /* discard=unmap */
};

/*
 * Opens the image; takes an advisory lock (writers exclusive). NULL with ERR naming the path:
 * missing, directory, not writable, in use... A size that is no multiple of 512 counts as rounded
 * up: what is missing reads as zero, and is added when written.
 */
struct disk *disk_open(struct machine *m, const struct disk_options *o, struct err *err);
/*
 * BQL held. Waits until every submitted request has done its I/O, and calls their `done`. For
 * device reset and destroy: after it no request touches guest memory any more.
 */
void disk_drain(struct disk *d);
/*
 * Completes what is in flight (with the BQL, which the caller does not hold) and closes. The event
 * loop does not run any more. A device without requests in flight may outlive its disk, as long as
 * it submits nothing. NULL is allowed.
 */
void disk_close(struct disk *d);
uint64_t disk_sectors(const struct disk *d);
bool disk_read_only(const struct disk *d);
const char *disk_serial(const struct disk *d);
/*
 * Serves a small DISK_READ at once if the host need not wait for it, because its page cache has all
 * of it: the way through two other threads costs more than the copy. True: rq->result is valid,
 * `done` is not called. False: submit it. BQL held.
 */
bool disk_read_now(struct disk *d, struct disk_request *rq);
/*
 * BQL held. RQ, and the iovec array it names, must live until done; done is never called from
 * within.
 */
void disk_submit(struct disk *d, struct disk_request *rq);

#endif
