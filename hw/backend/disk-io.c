/* SPDX-License-Identifier: MIT */
/*
 * The blocking half of a disk: reads, writes, flushes and discards on the image and its snapshot
 * overlay. Runs on worker threads, several at a time, without locks: a write sets its sectors' bits
 * in `copied` after its data is in the overlay, and a read looks at the bits before it reads. (A
 * guest that reads what it is writing gets either, as from any disk.)
 */
#include "hw/backend/disk-internal.h"
#include "hw/host/atomic.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PIECES = 64, ZERO_CHUNK = 65536 };

/*
 * Fills OUT with the part of IOV that lies LEN bytes from SKIP on, as far as it has room. Returns
 * the number of pieces.
 */
static int iov_slice(struct iovec *out, const struct iovec *iov, unsigned iovcnt, uint64_t skip,
                     uint64_t len)
{
    int n = 0;

    for (unsigned i = 0; i < iovcnt && n < MAX_PIECES && len > 0; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
        } else {
            out[n].iov_base = (char *)iov[i].iov_base + skip;
            out[n].iov_len = MIN(iov[i].iov_len - skip, len);
            len -= out[n].iov_len;
            skip = 0;
            n++;
        }
    }
    return n;
}

static void iov_zero(const struct iovec *iov, unsigned iovcnt, uint64_t skip, uint64_t len)
{
    struct iovec piece[MAX_PIECES];
    int n;

    while (len > 0 && (n = iov_slice(piece, iov, iovcnt, skip, len)) > 0) {
        for (int i = 0; i < n; i++) {
            memset(piece[i].iov_base, 0, piece[i].iov_len);
            skip += piece[i].iov_len;
            len -= piece[i].iov_len;
        }
    }
}

/*
 * Moves LEN bytes between byte SKIP of the iovec and byte POS of FD. What lies beyond the end of
 * the file reads as zero.
 */
static int transfer(int fd, bool write, const struct iovec *iov, unsigned iovcnt, uint64_t skip,
                    uint64_t len, uint64_t pos)
{
    while (len > 0) {
        struct iovec piece[MAX_PIECES];
        int count = iov_slice(piece, iov, iovcnt, skip, len);
        ssize_t n =
            write ? pwritev(fd, piece, count, (off_t)pos) : preadv(fd, piece, count, (off_t)pos);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0 && write) {
            return -EIO;
        }
        if (n == 0) {
            iov_zero(iov, iovcnt, skip, len);
            return 0;
        }
        skip += (uint64_t)n;
        pos += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return 0;
}

static bool is_copied(const struct disk_files *f, uint64_t sector)
{
    return (load_acquire(&f->copied[sector / 32]) >> (sector % 32)) & 1;
}

static void set_copied(const struct disk_files *f, uint64_t pos, uint64_t len)
{
    uint64_t end = (pos + len) / DISK_SECTOR;

    for (uint64_t s = pos / DISK_SECTOR; s < end; s++) {
        if (s % 32 == 0 && end - s >= 32) {
            store_release(&f->copied[s / 32], UINT32_MAX);
            s += 31;
        } else {
            fetch_or(&f->copied[s / 32], UINT32_C(1) << (s % 32));
        }
    }
}

int disk_io_read(const struct disk_files *f, const struct iovec *iov, unsigned iovcnt, uint64_t pos,
                 uint64_t len)
{
    uint64_t done = 0;

    if (f->overlay_fd < 0) {
        return transfer(f->fd, false, iov, iovcnt, 0, len, pos);
    }
    while (done < len) {
        bool copied = is_copied(f, (pos + done) / DISK_SECTOR);
        uint64_t run = DISK_SECTOR;
        int rc;

        while (done + run < len && is_copied(f, (pos + done + run) / DISK_SECTOR) == copied) {
            run += DISK_SECTOR;
        }
        rc = transfer(copied ? f->overlay_fd : f->fd, false, iov, iovcnt, done, run, pos + done);
        if (rc) {
            return rc;
        }
        done += run;
    }
    return 0;
}

int disk_io_read_cached(const struct disk_files *f, const struct iovec *iov, unsigned iovcnt,
                        uint64_t pos, uint64_t len)
{
    if (f->overlay_fd >= 0 || iovcnt > MAX_PIECES) {
        return -EAGAIN;
    }
    return preadv2(f->fd, iov, (int)iovcnt, (off_t)pos, RWF_NOWAIT) == (ssize_t)len ? 0 : -EAGAIN;
}

int disk_io_write(const struct disk_files *f, const struct iovec *iov, unsigned iovcnt,
                  uint64_t pos, uint64_t len)
{
    int rc = transfer(f->overlay_fd < 0 ? f->fd : f->overlay_fd, true, iov, iovcnt, 0, len, pos);

    if (!rc && f->overlay_fd >= 0) {
        set_copied(f, pos, len);
    }
    return rc;
}

int disk_io_flush(const struct disk_files *f)
{
    if (f->no_flush || f->overlay_fd >= 0) {
        return 0;
    }
    return fdatasync(f->fd) == 0 ? 0 : -errno;
}

static int host_fallocate(int fd, int mode, uint64_t pos, uint64_t len)
{
    int rc;

    do {
        rc = fallocate(fd, mode, (off_t)pos, (off_t)len);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : -errno;
}

/* Discards are hints: a host that cannot is no error. */
int disk_io_discard(const struct disk_files *f, uint64_t pos, uint64_t len)
{
    if (f->discard && f->overlay_fd < 0 && len > 0) {
        int rc = host_fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pos, len);

        return rc == -EOPNOTSUPP || rc == -ENOSYS || rc == -ENODEV ? 0 : rc;
    }
    return 0;
}

static int write_zero_bytes(int fd, uint64_t pos, uint64_t len)
{
    static const char zeroes[ZERO_CHUNK];

    while (len > 0) {
        struct iovec iov = {.iov_base = (void *)(uintptr_t)zeroes,
                            .iov_len = MIN(len, (uint64_t)ZERO_CHUNK)};
        int rc = transfer(fd, true, &iov, 1, 0, iov.iov_len, pos);

        if (rc) {
            return rc;
        }
        pos += iov.iov_len;
        len -= iov.iov_len;
    }
    return 0;
}

/*
 * The cheapest way that the host offers; all of them leave zeroes behind, also beyond the end of
 * the file.
 */
int disk_io_write_zeroes(const struct disk_files *f, uint64_t pos, uint64_t len, bool unmap)
{
    int fd = f->overlay_fd < 0 ? f->fd : f->overlay_fd;
    int rc = -EOPNOTSUPP;

    if (len == 0) {
        return 0;
    }
    if ((unmap && f->discard) || f->overlay_fd >= 0) {
        rc = host_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pos, len);
    }
    if (rc) {
        rc = host_fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, pos, len);
    }
    if (rc) {
        rc = write_zero_bytes(fd, pos, len);
    }
    if (!rc && f->overlay_fd >= 0) {
        set_copied(f, pos, len);
    }
    return rc;
}
