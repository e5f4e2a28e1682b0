/* SPDX-License-Identifier: MIT */
/*
 * A hart's access to a device: fitted to what the model allows, under the BQL unless the model
 * needs none.
 *
 * Larger accesses than a model takes are split, low address first; smaller ones than it takes are
 * access faults, as are misaligned ones: a device sees only what device.h promises.
 */
#include "softmmu/internal.h"

static bool mmio_fits(const struct memory_region *r, paddr_t pa, unsigned size)
{
    uint64_t offset = pa - r->base;

    return size >= r->dev->model->min_access && !(offset & (size - 1)) && offset + size <= r->size;
}

static void bql_lock(struct machine *m, const struct device *dev) NO_THREAD_SAFETY
{
    if (!dev->model->lockless) {
        mutex_lock(&m->bql);
    }
}

static void bql_unlock(struct machine *m, const struct device *dev) NO_THREAD_SAFETY
{
    if (!dev->model->lockless) {
        mutex_unlock(&m->bql);
    }
}

bool mmio_read(struct machine *m, const struct memory_region *r, paddr_t pa, unsigned size,
               uint64_t *value)
{
    struct device *dev = r->dev;
    unsigned step = MIN(size, dev->model->max_access);
    uint64_t v = 0;

    if (!mmio_fits(r, pa, size)) {
        return false;
    }
    bql_lock(m, dev);
    for (unsigned i = 0; i < size; i += step) {
        v |= dev->model->read(dev, pa - r->base + i, step) << (8 * i);
    }
    bql_unlock(m, dev);
    *value = v & BITS(size * 8 - 1, 0);
    return true;
}

bool mmio_write(struct machine *m, const struct memory_region *r, paddr_t pa, unsigned size,
                uint64_t value)
{
    struct device *dev = r->dev;
    unsigned step = MIN(size, dev->model->max_access);

    if (!mmio_fits(r, pa, size)) {
        return false;
    }
    bql_lock(m, dev);
    for (unsigned i = 0; i < size; i += step) {
        dev->model->write(dev, pa - r->base + i, (value >> (8 * i)) & BITS(step * 8 - 1, 0), step);
    }
    bql_unlock(m, dev);
    return true;
}
