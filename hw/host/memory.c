/* SPDX-License-Identifier: MIT */
/*
 * Host memory by mmap. Everything is MAP_NORESERVE: tables and guest RAM are far larger than what is touched. Huge pages are
 * asked for by madvise and a host without them is no error.
 *
 * Code memory is a memfd mapped twice, writable and executable, never both (W^X). The two views lie in one reservation, so
 * that the distance between them, and from any code to any other code, fits in 32 bits.
 */
#include "hw/host/memory.h"
#include "hw/host/bits.h"
#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE (UINT64_C(2) << 20)
#define CODE_REACH (UINT64_C(2) << 30)

static size_t page_round(size_t size)
{
    return align_up(size, (size_t)sysconf(_SC_PAGESIZE));
}

static void *map_anonymous(size_t size, int prot)
{
    return mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* Maps SIZE bytes at a 2 MiB boundary, by mapping more and giving the ends back. */
static void *map_huge_aligned(size_t size, int prot)
{
    uint8_t *p = map_anonymous(size + HUGE_PAGE, prot);
    uint8_t *start;

    if (p == MAP_FAILED) {
        return p;
    }
    start = p + (align_up((uintptr_t)p, HUGE_PAGE) - (uintptr_t)p);
    if (start > p) {
        munmap(p, (size_t)(start - p));
    }
    munmap(start + size, (size_t)(p + HUGE_PAGE - start));
    return start;
}

void *host_mem_alloc(size_t size, bool huge, struct err *err)
{
    void *p;

    assert(size > 0);
    if (size > SIZE_MAX / 4) {
        err_set(err, -ENOMEM, "cannot allocate 0x%zx bytes", size);
        return NULL;
    }
    size = page_round(size);
    huge = huge && size >= HUGE_PAGE;
    p = huge ? map_huge_aligned(size, PROT_READ | PROT_WRITE) : map_anonymous(size, PROT_READ | PROT_WRITE);
    if (p == MAP_FAILED) {
        err_set(err, -errno, "cannot allocate %zu MiB: %s", size >> 20, strerror(errno));
        return NULL;
    }
    if (huge) {
        madvise(p, size, MADV_HUGEPAGE);
    }
    return p;
}

void host_mem_free(void *p, size_t size)
{
    if (p) {
        munmap(p, page_round(size));
    }
}

void host_mem_zero(void *p, size_t size)
{
    size = page_round(size);
    if (madvise(p, size, MADV_DONTNEED) != 0) {
        memset(p, 0, size);
    }
}

/*
 * Maps the two views into the reservation at BASE. Returns 0 or -errno. Shared memory without a name: perf looks for the names of
 * code (-perfmap) only in memory that seems anonymous, which a memfd does not. mremap of length 0 maps the same pages again.
 */
static int map_views(struct code_memory *cm, uint8_t *base)
{
    int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

    cm->rx = base;
    cm->rw = base + cm->size;
    if (mmap(cm->rw, cm->size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ||
        mremap(cm->rw, 0, cm->size, MREMAP_MAYMOVE | MREMAP_FIXED, cm->rx) == MAP_FAILED ||
        mprotect(cm->rx, cm->size, PROT_READ | PROT_EXEC) != 0) {
        return -errno;
    }
    madvise(cm->rx, 2 * cm->size, MADV_HUGEPAGE);
    return 0;
}

int code_memory_init(struct code_memory *cm, size_t size, struct err *err)
{
    void *base;
    int ret;

    memset(cm, 0, sizeof(*cm));
    if (size == 0 || size > CODE_REACH / 2 - HUGE_PAGE) {
        return err_set(err, -EINVAL, "code memory of %zu MiB is not possible (1 to %d MiB are)", size >> 20,
                       (int)((CODE_REACH / 2 - HUGE_PAGE) >> 20));
    }
    cm->size = align_up(size, HUGE_PAGE);
    base = map_huge_aligned(2 * cm->size, PROT_NONE);
    if (base == MAP_FAILED) {
        ret = err_set(err, -errno, "cannot reserve code memory: %s", strerror(errno));
        code_memory_fini(cm);
        return ret;
    }
    ret = map_views(cm, base);
    if (ret < 0) {
        err_set(err, ret, "cannot map code memory: %s", strerror(-ret));
        code_memory_fini(cm);
    }
    return ret;
}

void code_memory_fini(struct code_memory *cm)
{
    if (cm->rx) {
        munmap(cm->rx, 2 * cm->size);
    }
    memset(cm, 0, sizeof(*cm));
}
