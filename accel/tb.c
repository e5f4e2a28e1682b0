/* SPDX-License-Identifier: MIT */
/*
 * The table of TBs: found by physical pc and mode key, listed by physical page, chained to each
 * other.
 *
 * A TB dies when its guest bytes changed: it leaves the table, exits chained to it go back to
 * their stubs, jump caches forget it. Its code stays where it is until the region is recycled, so
 * a hart that is just running it, or about to, comes to no harm: RISC-V lets it run old code
 * until its own fence.i.
 */
#include "accel/internal.h"

#include <assert.h>
#include <stdlib.h>

static unsigned tb_hash(paddr_t pa, uint32_t mode_key)
{
    uint64_t h = (pa >> 1) * UINT64_C(0x9e3779b97f4a7c15) ^ mode_key * UINT64_C(0xc2b2ae3d27d4eb4f);

    return (unsigned)((h ^ h >> 29) & (BIT(TB_HASH_BITS) - 1));
}

struct tb *tb_lookup(const struct accel *a, paddr_t pa, paddr_t pa2, uint32_t mode_key)
{
    struct tb *tb = load_acquire(&a->hash[tb_hash(pa, mode_key)]);

    while (tb && (tb->pa != pa || tb->mode_key != mode_key || tb->pa2 != pa2)) {
        tb = load_acquire(&tb->hash_next);
    }
    return tb;
}

/* ---- pages --------------------------------------------------------------------------------- */

static struct tb_page **page_slot(struct accel *a, paddr_t page) REQUIRES(&a->tb_lock)
{
    struct tb_page **p = &a->pages[(page >> GUEST_PAGE_BITS) & (BIT(PAGE_HASH_BITS) - 1)];

    while (*p && (*p)->page != page) {
        p = &(*p)->next;
    }
    return p;
}

/* Which of its two page lists TB is on for PAGE. */
static struct tb **page_link(struct tb *tb, paddr_t page)
{
    return &tb->page_next[(tb->pa & GUEST_PAGE_MASK) != page];
}

static void page_add(struct accel *a, paddr_t page, struct tb *tb) REQUIRES(&a->tb_lock)
{
    struct tb_page **p = page_slot(a, page);

    if (!*p) {
        *p = calloc(1, sizeof(**p));
        assert(*p);
        (*p)->page = page;
    }
    *page_link(tb, page) = (*p)->first;
    (*p)->first = tb;
}

static void page_remove(struct accel *a, paddr_t page, struct tb *tb) REQUIRES(&a->tb_lock)
{
    struct tb_page **slot = page_slot(a, page), *p = *slot;
    struct tb **t = &p->first;

    while (*t != tb) {
        t = page_link(*t, page);
    }
    *t = *page_link(tb, page);
    if (!p->first) {
        *slot = p->next;
        free(p);
    }
}

/* ---- chaining ------------------------------------------------------------------------------ */

static void link_remove(struct accel *a, struct tb_link *l) REQUIRES(&a->tb_lock)
{
    tcg_site_set(a->tcg, l->owner->rx, &l->site, NULL);
    a->nunchained++;
    *l->prev = l->next;
    if (l->next) {
        l->next->prev = l->prev;
    }
    l->target = NULL;
}

void tb_chain(struct accel *a, struct tb_link *l, struct tb *target)
{
    mutex_lock(&a->tb_lock);
    if (!l->target && !load_relaxed(&l->owner->dead) && !load_relaxed(&target->dead)) {
        l->target = target;
        l->next = target->incoming;
        l->prev = &target->incoming;
        if (l->next) {
            l->next->prev = &l->next;
        }
        target->incoming = l;
        tcg_site_set(a->tcg, l->owner->rx, &l->site,
                     target->rx + (l->site.polls ? 0 : target->entry));
    }
    mutex_unlock(&a->tb_lock);
}

/* ---- birth and death ----------------------------------------------------------------------- */

/* Both halves of a crossing instruction may lie in the same page: then it is listed there once. */
static bool has_second_page(const struct tb *tb)
{
    return tb->pa2 != NO_PAGE && tb->pa2 != (tb->pa & GUEST_PAGE_MASK);
}

static bool tb_bytes_changed(struct accel *a, const struct tb *tb)
{
    const struct memory_map *map = a->machine->memory;
    unsigned first = (unsigned)MIN(tb->size, GUEST_PAGE_SIZE - tb->head_off);

    return !memory_equal(map, tb->pa, tb->bytes, first) ||
           (tb->pa2 != NO_PAGE && !memory_equal(map, tb->pa2, tb->bytes + first, tb->size - first));
}

struct tb *tb_insert(struct accel *a, struct tb *tb)
{
    struct tb **head = &a->hash[tb_hash(tb->pa, tb->mode_key)], *other;

    mutex_lock(&a->tb_lock);
    other = tb_lookup(a, tb->pa, tb->pa2, tb->mode_key);
    if (!other && tb_bytes_changed(a, tb)) {
        mutex_unlock(&a->tb_lock);
        return NULL; /* some fence.i may have looked at this page already, without it */
    }
    if (!other) {
        tb->hash_next = *head;
        store_release(head, tb);
        page_add(a, tb->pa & GUEST_PAGE_MASK, tb);
        if (has_second_page(tb)) {
            page_add(a, tb->pa2, tb);
        }
        a->ntbs++;
    }
    mutex_unlock(&a->tb_lock);
    return other ? other : tb;
}

static void tb_kill(struct accel *a, struct tb *tb) REQUIRES(&a->tb_lock)
{
    struct tb **p = &a->hash[tb_hash(tb->pa, tb->mode_key)];

    store_seq(&tb->dead, true);
    while (*p != tb) {
        p = &(*p)->hash_next;
    }
    store_release(p, tb->hash_next);
    while (tb->incoming) {
        link_remove(a, tb->incoming);
    }
    for (unsigned i = 0; i < tb->nlinks; i++) {
        if (tb->links[i].target) {
            link_remove(a, &tb->links[i]);
        }
    }
    page_remove(a, tb->pa & GUEST_PAGE_MASK, tb);
    if (has_second_page(tb)) {
        page_remove(a, tb->pa2, tb);
    }
    jc_forget(a, tb);
    a->ntbs--;
    a->nkilled++;
}

bool tb_check_page(void *accel, paddr_t pa)
{
    struct accel *a = accel;
    struct tb_page *p;
    struct tb *tb, *next;
    bool remain;

    mutex_lock(&a->tb_lock);
    p = *page_slot(a, pa);
    for (tb = p ? p->first : NULL; tb; tb = next) {
        next = *page_link(tb, pa);
        if (tb_bytes_changed(a, tb)) {
            tb_kill(a, tb);
        }
    }
    if (a->jc_scan) {
        jc_forget_all(a, false);
    }
    remain = *page_slot(a, pa) != NULL;
    mutex_unlock(&a->tb_lock);
    return remain;
}

/* ---- by host address ----------------------------------------------------------------------- */

static struct region *region_of_host(const struct accel *a, uint64_t host)
{
    uint64_t base = (uintptr_t)a->regions[0].code.rx;

    return host >= base && (host - base) / a->region_size < a->nregions
               ? &a->regions[(host - base) / a->region_size]
               : NULL;
}

struct tb *tb_of_host(const struct accel *a, uint64_t host)
{
    const struct region *r = region_of_host(a, host);
    unsigned lo = 0, hi = r ? load_acquire(&r->ntbs) : 0;

    while (hi - lo > 1) {
        unsigned mid = (lo + hi) / 2;

        if ((uintptr_t)r->tbs[mid]->rx <= host) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return hi ? r->tbs[lo] : NULL;
}

void tb_drop_region(struct accel *a, struct region *r)
{
    mutex_lock(&a->tb_lock);
    for (unsigned i = 0; i < r->ntbs; i++) {
        if (!r->tbs[i]->dead) {
            tb_kill(a, r->tbs[i]);
        }
    }
    jc_forget_all(a, true);
    mutex_unlock(&a->tb_lock);
    perf_map_drop_region(a, r);
    store_release(&r->ntbs, 0);
    r->code.used = 0;
    r->ndescribing = 0;
    fetch_add(&a->drops, 1);
}
