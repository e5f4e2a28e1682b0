/* SPDX-License-Identifier: MIT */
/* What disk.c (requests) and disk-io.c (what workers do with the files) share. */
#ifndef HW_BACKEND_DISK_INTERNAL_H
#define HW_BACKEND_DISK_INTERNAL_H

#include "hw/backend/disk.h"

/*
 * The files behind a disk. Constant after open, but for the bits of `copied`; used by workers
 * without locks.
 */
struct disk_files {
    int fd;           /* the image */
    int overlay_fd;   /* -1; with snapshot an unlinked file, whose sectors hide the image's */
    uint32_t *copied; /* a: one bit a sector: it is in the overlay */
    bool discard;     /* give space back */
    bool no_flush;
};

/*
 * 0 or -errno. LEN bytes from or to the iovec, at byte POS of the disk; POS and LEN are multiples
 * of a sector.
 */
int disk_io_read(const struct disk_files *f, const struct iovec *iov, unsigned iovcnt, uint64_t pos,
                 uint64_t len);
int disk_io_write(const struct disk_files *f, const struct iovec *iov, unsigned iovcnt,
                  uint64_t pos, uint64_t len);
/*
 * As disk_io_read, if it can be had without waiting and without an overlay; else -EAGAIN, and the
 * iovec may be half filled.
 */
int disk_io_read_cached(const struct disk_files *f, const struct iovec *iov, unsigned iovcnt,
                        uint64_t pos, uint64_t len);
int disk_io_flush(const struct disk_files *f);
int disk_io_discard(const struct disk_files *f, uint64_t pos, uint64_t len);
int disk_io_write_zeroes(const struct disk_files *f, uint64_t pos, uint64_t len, bool unmap);

#endif
