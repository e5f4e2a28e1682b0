/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues (virtio 1.3, 2.7): three parts in guest memory, which the driver may scribble on
 * at any time. N is the size.
 *
 * descriptor table   16 N      {le64 address, le32 length, le16 flags, le16 next}
 * available ring     6 + 2 N   {le16 flags, le16 index, le16 ring[N], le16 used_event}
 * used ring          6 + 8 N   {le16 flags, le16 index, {le32 id, le32 length} ring[N], le16
 *                              avail_event}
 *
 * The driver publishes by a store of avail.index, which we load with acquire; we publish by a
 * release store of used.index. Where each side writes its own word and then reads the other's
 * (suppression of notifications and interrupts) both have a full barrier
 * (on a one-hart machine ours is for both: machine_barrier). Nothing is read twice: a
 * descriptor is copied, then checked, then used.
 */
#include "devices/virtio.h"
#include "hw/host/atomic.h"
#include "hw/host/bits.h"
#include <stdlib.h>

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };
enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };
enum { RING_INDEX = 2, RING_ENTRIES = 4, DESC_SIZE = 16, USED_SIZE = 8 };

struct descriptor {
    uint64_t pa;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

/* --- words in the rings --- */

static uint16_t ring_load(const uint8_t *p)
{
    return load_acquire((const uint16_t *)(const void *)p);
}

static void ring_store(struct virtqueue *q, uint64_t offset, uint16_t value)
{
    store_release((uint16_t *)(void *)(q->used + offset), value);
    memory_written(q->v->machine->memory, q->used_pa + offset, sizeof(value));
}

static uint64_t avail_bytes(const struct virtqueue *q)
{
    return 6 + 2 * (uint64_t)q->size;
}

static uint64_t used_bytes(const struct virtqueue *q)
{
    return 6 + 8 * (uint64_t)q->size;
}

static uint16_t used_event(const struct virtqueue *q)
{
    return ring_load(q->avail + RING_ENTRIES + 2 * q->size);
}

static void set_avail_event(struct virtqueue *q, uint16_t value)
{
    ring_store(q, RING_ENTRIES + USED_SIZE * (uint64_t)q->size, value);
}

/* --- enabling --- */

static uint8_t *map_part(struct virtqueue *q, uint64_t pa, uint64_t size, unsigned align)
{
    uint64_t contiguous = size;
    uint8_t *host = pa % align ? NULL : memory_host(q->v->machine->memory, pa, &contiguous);

    return contiguous >= size ? host : NULL;
}

void virtqueue_set_size(struct virtqueue *q, uint32_t size)
{
    if (is_pow2(size) && size <= q->max_size && !q->ready) {
        q->size = (uint16_t)size;
    }
}

void virtqueue_enable(struct virtqueue *q)
{
    q->desc = map_part(q, q->desc_pa, DESC_SIZE * (uint64_t)q->size, 16);
    q->avail = map_part(q, q->avail_pa, avail_bytes(q), 2);
    q->used = map_part(q, q->used_pa, used_bytes(q), 4);
    if (!q->desc || !q->avail || !q->used) {
        virtio_broken(q->v, "a ring is not aligned or not in RAM");
        return;
    }
    q->last_avail = 0;
    q->used_index = 0;
    q->signalled = 0;
    q->signalled_valid = false;
    q->ready = true;
}

void virtqueue_disable(struct virtqueue *q)
{
    q->ready = false;
}

/* --- walking a chain --- */

struct walk {
    struct virtqueue *q;
    unsigned out_count, in_count;
    unsigned npieces;
    uint64_t out_bytes, in_bytes;
    struct iovec iov[VIRTIO_MAX_SEGMENTS];
    paddr_t pa[VIRTIO_MAX_SEGMENTS];
};

/* Each byte is read once: the guest may change it at any time. An indirect table may lie anywhere. */
static uint64_t read_word_once(const uint8_t *p)
{
    uint64_t v = 0;

    if (((uintptr_t)p & 7) == 0) {
        return load_relaxed((const uint64_t *)(const void *)p);
    }
    for (unsigned i = 0; i < 8; i++) {
        v |= (uint64_t)load_relaxed(p + i) << (8 * i);
    }
    return v;
}

static struct descriptor copy_descriptor(const uint8_t *p)
{
    uint64_t rest = read_word_once(p + 8);

    return (struct descriptor){.pa = read_word_once(p),
                               .len = (uint32_t)rest,
                               .flags = (uint16_t)(rest >> 32),
                               .next = (uint16_t)(rest >> 48)};
}

/* Adds the host memory of one descriptor. NULL, or what is wrong. */
static const char *add_segment(struct walk *w, const struct descriptor *d)
{
    uint64_t done = 0;

    while (done < d->len) {
        uint64_t size = d->len - done;
        void *host;

        if (w->npieces == VIRTIO_MAX_SEGMENTS) {
            return "a chain has too many descriptors";
        }
        host = d->pa + done < d->pa ? NULL
                                    : memory_host(w->q->v->machine->memory, d->pa + done, &size);
        if (!host || size == 0) {
            return "a buffer is not in RAM";
        }
        size = MIN(size, d->len - done);
        w->iov[w->npieces] = (struct iovec){.iov_base = host, .iov_len = size};
        w->pa[w->npieces] = d->pa + done;
        w->npieces++;
        done += size;
    }
    return NULL;
}

/* Device-readable descriptors come before device-writable ones. */
static const char *add_descriptor(struct walk *w, const struct descriptor *d)
{
    bool writes = d->flags & DESC_WRITE;
    unsigned before = w->npieces;
    const char *why;

    if (!writes && w->in_bytes) {
        return "a readable descriptor follows a writable one";
    }
    why = add_segment(w, d);
    if (why) {
        return why;
    }
    if (writes) {
        w->in_count += w->npieces - before;
        w->in_bytes += d->len;
    } else {
        w->out_count += w->npieces - before;
        w->out_bytes += d->len;
    }
    return w->out_bytes + w->in_bytes > UINT32_MAX ? "a chain is longer than 4 GiB" : NULL;
}

/*
 * N descriptors at TABLE, from entry I. A chain that visits more entries than there are goes in
 * circles.
 */
static const char *walk_table(struct walk *w, const uint8_t *table, unsigned n, unsigned i,
                              bool indirect);

static const char *walk_indirect(struct walk *w, const struct descriptor *d)
{
    uint64_t size = d->len;
    const uint8_t *table;

    if (!virtio_has(w->q->v, VIRTIO_F_INDIRECT_DESC)) {
        return "an indirect descriptor, which was not negotiated";
    }
    if (d->flags & DESC_NEXT) {
        return "an indirect descriptor with a next one";
    }
    if (d->len == 0 || d->len % DESC_SIZE) {
        return "an indirect table of a bad size";
    }
    table = memory_host(w->q->v->machine->memory, d->pa, &size);
    if (!table || size < d->len) {
        return "an indirect table that is not in RAM";
    }
    return walk_table(w, table, d->len / DESC_SIZE, 0, true);
}

static const char *walk_table(struct walk *w, const uint8_t *table, unsigned n, unsigned i,
                              bool indirect)
{
    for (unsigned visited = 0; visited < MIN(n, (unsigned)VIRTIO_MAX_SEGMENTS); visited++) {
        struct descriptor d = copy_descriptor(table + DESC_SIZE * (size_t)i);
        const char *why;

        if (d.flags & DESC_INDIRECT) {
            return indirect ? "an indirect table in an indirect table" : walk_indirect(w, &d);
        }
        why = add_descriptor(w, &d);
        if (why || !(d.flags & DESC_NEXT)) {
            return why;
        }
        if (d.next >= n) {
            return "a descriptor's next one is outside the table";
        }
        i = d.next;
    }
    return "a chain of descriptors is a loop or too long";
}

/* --- pop and push --- */

static void *new_element(const struct walk *w, size_t size, uint16_t head)
{
    size_t iov_at = align_up(size, sizeof(void *));
    size_t pa_at = iov_at + w->npieces * sizeof(struct iovec);
    char *object = malloc(pa_at + w->npieces * sizeof(paddr_t));
    struct virtqueue_element *e = (struct virtqueue_element *)(void *)object;

    if (!object) {
        return NULL;
    }
    memset(object, 0, size);
    memcpy(object + iov_at, w->iov, w->npieces * sizeof(struct iovec));
    memcpy(object + pa_at, w->pa, w->npieces * sizeof(paddr_t));
    e->head = head;
    e->out_count = w->out_count;
    e->in_count = w->in_count;
    e->out_bytes = w->out_bytes;
    e->in_bytes = w->in_bytes;
    e->out = (struct iovec *)(void *)(object + iov_at);
    e->in = e->out + w->out_count;
    e->in_pa = (paddr_t *)(void *)(object + pa_at) + w->out_count;
    e->epoch = w->q->v->epoch;
    return object;
}

/* The head of the next chain; false if there is none. */
static bool next_head(struct virtqueue *q, uint16_t *head)
{
    uint16_t avail = (uint16_t)(ring_load(q->avail + RING_INDEX) - q->last_avail);

    if (avail == 0) {
        return false;
    }
    if (avail > q->size) {
        virtio_broken(q->v, "the available index is out of range");
        return false;
    }
    if (q->in_flight >= q->size) {
        virtio_broken(q->v, "more chains are in use than the ring has entries");
        return false;
    }
    *head = ring_load(q->avail + RING_ENTRIES + 2 * (q->last_avail % q->size));
    if (*head >= q->size) {
        virtio_broken(q->v, "the head of a chain is out of range");
        return false;
    }
    return true;
}

void *virtqueue_pop(struct virtqueue *q, size_t size)
{
    struct walk w;
    const char *why;
    uint16_t head;
    void *object;

    if (!q->ready || q->v->broken || !next_head(q, &head)) {
        return NULL;
    }
    w.q = q;
    w.out_count = w.in_count = w.npieces = 0;
    w.out_bytes = w.in_bytes = 0;
    why = walk_table(&w, q->desc, q->size, head, false);
    if (why) {
        virtio_broken(q->v, why);
        return NULL;
    }
    object = new_element(&w, size, head);
    if (object) {
        q->last_avail++;
        q->in_flight++;
    }
    return object;
}

static void mark_written(struct virtqueue *q, const struct virtqueue_element *e, uint32_t written)
{
    uint64_t left = MIN((uint64_t)written, e->in_bytes);

    for (unsigned i = 0; i < e->in_count && left > 0; i++) {
        uint64_t n = MIN(left, (uint64_t)e->in[i].iov_len);

        memory_written(q->v->machine->memory, e->in_pa[i], n);
        left -= n;
    }
}

void virtqueue_push(struct virtqueue *q, const struct virtqueue_element *e, uint32_t written)
{
    uint64_t offset = RING_ENTRIES + USED_SIZE * (uint64_t)(q->used_index % q->size);
    uint64_t entry = e->head | (uint64_t)written << 32;

    mark_written(q, e, written);
    if (e->epoch != q->v->epoch) {
        return;
    }
    q->in_flight -= q->in_flight > 0;
    if (!q->ready || q->v->broken) {
        return;
    }
    memcpy(q->used + offset, &entry, sizeof(entry));
    memory_written(q->v->machine->memory, q->used_pa + offset, sizeof(entry));
    q->used_index++;
    ring_store(q, RING_INDEX, q->used_index);
    if ((uint16_t)(q->used_index - q->signalled) == 0) {
        q->signalled_valid = false; /* the index went round without a decision */
    }
}

/* 2.7.7.1: did the index pass EVENT on its way from OLD to NEW? */
static bool passed_event(uint16_t event, uint16_t new, uint16_t old)
{
    return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

static bool driver_wants_interrupt(struct virtqueue *q)
{
    bool valid = q->signalled_valid;
    uint16_t old = q->signalled;

    /* used.index before used_event or flags; pairs with the driver's barrier after writing those */
    machine_barrier(q->v->machine);
    if (!virtio_has(q->v, VIRTIO_F_EVENT_IDX)) {
        return !(ring_load(q->avail) & AVAIL_NO_INTERRUPT);
    }
    q->signalled = q->used_index;
    q->signalled_valid = true;
    return !valid || passed_event(used_event(q), q->used_index, old);
}

void virtqueue_signal(struct virtqueue *q)
{
    if (q->ready && !q->v->broken && driver_wants_interrupt(q)) {
        q->v->isr |= VIRTIO_ISR_QUEUE;
        q->v->raise(q->v, (int)q->index);
    }
}

/*
 * With event indices a driver notifies only for the entry that we asked for, so there is nothing to
 * suppress.
 */
void virtqueue_disable_notify(struct virtqueue *q)
{
    if (q->ready && !virtio_has(q->v, VIRTIO_F_EVENT_IDX)) {
        ring_store(q, 0, USED_NO_NOTIFY);
    }
}

bool virtqueue_enable_notify(struct virtqueue *q)
{
    if (!q->ready || q->v->broken) {
        return false;
    }
    if (virtio_has(q->v, VIRTIO_F_EVENT_IDX)) {
        set_avail_event(q, q->last_avail);
    } else {
        ring_store(q, 0, 0);
    }
    /* our request before avail.index; pairs with the driver's barrier between those two */
    machine_barrier(q->v->machine);
    return ring_load(q->avail + RING_INDEX) != q->last_avail;
}

/* --- iovecs --- */

size_t iov_copy_from(const struct iovec *iov, unsigned count, void *buf, size_t len)
{
    size_t done = 0;

    for (unsigned i = 0; i < count && done < len; i++) {
        size_t n = MIN(iov[i].iov_len, len - done);

        memcpy((char *)buf + done, iov[i].iov_base, n);
        done += n;
    }
    return done;
}

size_t iov_copy_to(const struct iovec *iov, unsigned count, const void *buf, size_t len)
{
    size_t done = 0;

    for (unsigned i = 0; i < count && done < len; i++) {
        size_t n = MIN(iov[i].iov_len, len - done);

        memcpy(iov[i].iov_base, (const char *)buf + done, n);
        done += n;
    }
    return done;
}

void iov_drop_front(struct iovec **iov, unsigned *count, size_t len)
{
    while (*count > 0 && len >= (*iov)->iov_len) {
        len -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + len;
        (*iov)->iov_len -= len;
    }
}
