/* SPDX-License-Identifier: MIT */
/*
 * Making and unmaking devices from their models. The board maps them and wires their lines; this file only owns the memory.
 */
#include "hw/core/device.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static void device_release(struct device *dev)
{
    free(dev->state);
    free(dev);
}

static struct device *device_alloc(const struct device_model *model)
{
    struct device *dev = calloc(1, sizeof(*dev));

    if (dev && model->state_size) {
        dev->state = calloc(1, model->state_size);
        if (!dev->state) {
            free(dev);
            return NULL;
        }
    }
    return dev;
}

struct device *device_new(const struct device_model *model, struct machine *m, const char *id, uint64_t base,
                          const struct irq *irq, unsigned irq_number, const void *config, struct err *err)
{
    struct device *dev = device_alloc(model);

    if (!dev) {
        err_set(err, -ENOMEM, "%s: out of memory", id);
        return NULL;
    }
    dev->model = model;
    dev->machine = m;
    dev->id = id;
    dev->config = config;
    dev->base = base;
    dev->size = model->size;
    dev->irq = irq;
    dev->irq_number = irq_number;
    if (model->init && model->init(dev, err) < 0) {
        device_release(dev);
        return NULL;
    }
    return dev;
}

void device_free(struct device *dev)
{
    if (dev) {
        if (dev->model->destroy) {
            dev->model->destroy(dev);
        }
        device_release(dev);
    }
}
