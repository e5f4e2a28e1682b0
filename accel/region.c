/* SPDX-License-Identifier: MIT */
/*
 * Code memory: one reservation, cut into regions. A vCPU fills one region at a time, so
 * translation needs no lock; when all are full, the one that was filled longest ago is recycled
 * while every other vCPU is parked.
 */
#include "accel/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define REGION_SIZE_MAX (UINT64_C(4) << 20)
#define PROLOGUE_SIZE   (UINT64_C(64) << 10)
#define TB_CODE_MIN     48 /* bytes: bounds how many TBs fit a region */

/* Room for descriptions, in sizes of the code; and for one of them, which has its links and guest code. */
#define DESCRIPTION_RATIO 2
#define TB_ALIGN          32 /* what a lookup reads of a TB is in one cache line */
#define DESCRIPTION_MAX                                                                       \
    (sizeof(struct tb) + ARRAY_SIZE(((struct tcg_code *)0)->sites) * sizeof(struct tb_link) + \
     TB_MAX_INSNS * 4 + 3 * TB_ALIGN)

/* At least two regions a vCPU thread, so that recycling one leaves the others alone. */
static size_t choose_region_size(const struct accel *a, size_t total)
{
    size_t size = REGION_SIZE_MAX;

    while (size > (256 << 10) && total / size < 2 * (size_t)a->options.nharts) {
        size /= 2;
    }
    return size;
}

static int region_init(struct accel *a, struct region *r, size_t offset, struct err *err)
{
    r->code = (struct code_region){
        .rw = a->memory.rw + offset, .rx = a->memory.rx + offset, .size = a->region_size};
    r->max = (unsigned)(a->region_size / TB_CODE_MIN);
    r->tbs = host_mem_alloc(r->max * sizeof(*r->tbs), false, err);
    r->describing = host_mem_alloc(DESCRIPTION_RATIO * a->region_size, false, err);
    return r->tbs && r->describing ? 0 : -ENOMEM;
}

int regions_init(struct accel *a, struct err *err)
{
    size_t total = a->options.code_size ? a->options.code_size : CODE_SIZE_DEFAULT;
    int rc = code_memory_init(&a->memory, total + PROLOGUE_SIZE, err);

    if (rc) {
        return rc;
    }
    a->prologue =
        (struct code_region){.rw = a->memory.rw, .rx = a->memory.rx, .size = PROLOGUE_SIZE};
    a->region_size = choose_region_size(a, total);
    a->nregions = (unsigned)(total / a->region_size);
    a->regions = calloc(a->nregions, sizeof(*a->regions));
    assert(a->regions);
    for (unsigned i = 0; i < a->nregions && !rc; i++) {
        rc = region_init(a, &a->regions[i], PROLOGUE_SIZE + i * a->region_size, err);
    }
    return rc;
}

void regions_fini(struct accel *a)
{
    for (unsigned i = 0; i < a->nregions; i++) {
        struct region *r = &a->regions[i];

        host_mem_free(r->tbs, r->max * sizeof(*r->tbs));
        host_mem_free(r->describing, DESCRIPTION_RATIO * a->region_size);
    }
    free(a->regions);
    code_memory_fini(&a->memory);
}

/* An empty region, or NULL. */
static struct region *region_take_free(struct accel *a)
{
    struct region *found = NULL;

    mutex_lock(&a->safe_lock);
    for (unsigned i = 0; i < a->nregions && !found; i++) {
        if (!a->regions[i].taken) {
            found = &a->regions[i];
            found->taken = true;
        }
    }
    mutex_unlock(&a->safe_lock);
    return found;
}

static bool region_is_in_use(const struct accel *a, const struct region *r)
{
    for (unsigned i = 0; i < a->nvcpus; i++) {
        if (a->vcpus[i]->engine->region == r) {
            return true;
        }
    }
    return false;
}

static struct region *region_recycle(struct vcpu *cpu)
{
    struct accel *a = cpu->accel;
    struct region *oldest = NULL;

    exclusive_begin(cpu);
    for (unsigned i = 0; i < a->nregions; i++) {
        struct region *r = &a->regions[i];

        if (!region_is_in_use(a, r) && (!oldest || r->filled_at < oldest->filled_at)) {
            oldest = r;
        }
    }
    assert(oldest);
    tb_drop_region(a, oldest);
    exclusive_end(cpu);
    return oldest;
}

void region_next(struct vcpu *cpu)
{
    struct accel *a = cpu->accel;
    struct region *full = cpu->engine->region, *r;

    if (full) {
        mutex_lock(&a->safe_lock);
        full->filled_at = ++a->fill_clock;
        mutex_unlock(&a->safe_lock);
    }
    cpu->engine->region = NULL;
    r = region_take_free(a);
    cpu->engine->region = r ? r : region_recycle(cpu);
}

bool region_has_room(const struct accel *a, const struct region *r)
{
    return r && r->ntbs < r->max &&
           r->ndescribing + DESCRIPTION_MAX <= DESCRIPTION_RATIO * a->region_size;
}

void *region_alloc(struct region *r, size_t size)
{
    void *p = r->describing + r->ndescribing;

    r->ndescribing += align_up(size, TB_ALIGN);
    return p;
}
