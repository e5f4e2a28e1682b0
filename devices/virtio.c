/* SPDX-License-Identifier: MIT */
/*
 * The virtio device as drivers see it through any transport (virtio 1.3, chapters 2 and 3): status,
 * feature negotiation, configuration space, interrupts. The rings are in virtqueue.c. BQL held in
 * every function.
 */
#include "devices/virtio.h"
#include "hw/host/bits.h"
#include "hw/host/log.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int virtio_init(struct virtio_device *v, const struct virtio_model *model, struct err *err)
{
    assert(model->config_size <= VIRTIO_MAX_CONFIG);
    v->model = model;
    v->state = calloc(1, model->state_size ? model->state_size : 1);
    if (!v->state) {
        return err_set(err, -ENOMEM, "%s: out of memory", model->name);
    }
    v->features =
        VIRTIO_F_ANY_LAYOUT | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1;
    if (model->init(v, err) != 0) {
        free(v->state);
        v->state = NULL;
        return -EINVAL;
    }
    if (v->legacy) {
        v->features &= (uint32_t)~0;
    } else {
        v->features &= ~VIRTIO_F_ANY_LAYOUT; /* what VERSION_1 implies */
    }
    return 0;
}

void virtio_destroy(struct virtio_device *v)
{
    if (v->state && v->model->destroy) {
        v->model->destroy(v);
    }
    free(v->state);
    v->state = NULL;
}

void virtio_add_queue(struct virtio_device *v, unsigned max_size)
{
    struct virtqueue *q = &v->queues[v->nqueues];

    assert(v->nqueues < VIRTIO_MAX_QUEUES && is_pow2(max_size) &&
           max_size <= VIRTIO_MAX_QUEUE_SIZE);
    *q = (struct virtqueue){
        .v = v, .index = v->nqueues, .max_size = (uint16_t)max_size, .size = (uint16_t)max_size};
    v->nqueues++;
}

struct virtqueue *virtio_queue(struct virtio_device *v, uint32_t index)
{
    return index < v->nqueues ? &v->queues[index] : NULL;
}

bool virtio_has(const struct virtio_device *v, uint64_t feature)
{
    return v->driver_features & feature;
}

static void set_isr(struct virtio_device *v, uint8_t bits, int queue)
{
    v->isr |= bits;
    v->raise(v, queue);
}

void virtio_config_changed(struct virtio_device *v)
{
    v->config_generation++;
    if (v->status & VIRTIO_STATUS_DRIVER_OK) {
        set_isr(v, VIRTIO_ISR_CONFIG, -1);
    }
}

/* Legacy drivers do not know NEEDS_RESET: for them the device only stops. */
void virtio_broken(struct virtio_device *v, const char *why)
{
    log_guest_error("%s: %s; the device waits for a reset\n", v->id, why);
    v->broken = true;
    if (!v->legacy) {
        v->status |= VIRTIO_STATUS_NEEDS_RESET;
        virtio_config_changed(v);
    }
}

void virtio_reset(struct virtio_device *v)
{
    v->epoch++; /* first: what completes from here on must not touch the rings */
    if (v->model->reset) {
        v->model->reset(v);
    }
    for (unsigned i = 0; i < v->nqueues; i++) {
        struct virtqueue *q = &v->queues[i];

        *q = (struct virtqueue){.v = v, .index = i, .max_size = q->max_size, .size = q->max_size};
    }
    v->driver_features = 0;
    v->status = 0;
    v->isr = 0;
    v->broken = false;
    v->raise(v, -1);
}

/*
 * 2.2: what was not offered must not be accepted, and a modern driver must know that the device is
 * modern.
 */
static bool features_acceptable(const struct virtio_device *v)
{
    if (v->driver_features & ~v->features) {
        return false;
    }
    return v->legacy || (v->driver_features & VIRTIO_F_VERSION_1);
}

void virtio_set_status(struct virtio_device *v, uint8_t status)
{
    uint8_t added = status & ~v->status;

    if (status == 0) {
        virtio_reset(v);
        return;
    }
    if ((added & VIRTIO_STATUS_FEATURES_OK) && !features_acceptable(v)) {
        status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
    }
    if (!v->legacy && (added & VIRTIO_STATUS_DRIVER_OK) && !(status & VIRTIO_STATUS_FEATURES_OK)) {
        log_guest_error("%s: DRIVER_OK without FEATURES_OK\n", v->id);
        status &= (uint8_t)~VIRTIO_STATUS_DRIVER_OK;
    }
    v->status = status | (v->status & VIRTIO_STATUS_NEEDS_RESET);
}

uint64_t virtio_offered_features(const struct virtio_device *v)
{
    return v->features;
}

/* A legacy driver has no FEATURES_OK: it is held to what was offered, until DRIVER_OK. */
void virtio_set_driver_features(struct virtio_device *v, uint32_t word, uint32_t value)
{
    uint8_t settled = v->legacy ? VIRTIO_STATUS_DRIVER_OK : VIRTIO_STATUS_FEATURES_OK;

    if (v->status & settled) {
        log_guest_error("%s: features written after they were settled\n", v->id);
        return;
    }
    if (word < 2) {
        v->driver_features = deposit64(v->driver_features, word * 32, 32, value);
    }
    if (v->legacy) {
        v->driver_features &= v->features;
    }
}

/* 2.1.2: no buffers are used before DRIVER_OK. Legacy drivers were never told so. */
void virtio_notify_queue(struct virtio_device *v, uint32_t index)
{
    struct virtqueue *q = virtio_queue(v, index);

    if (!q || !q->ready || v->broken || (!v->legacy && !(v->status & VIRTIO_STATUS_DRIVER_OK))) {
        return;
    }
    v->model->notify(v, q);
}

uint32_t virtio_config_read(struct virtio_device *v, uint64_t offset, unsigned size)
{
    uint8_t buf[VIRTIO_MAX_CONFIG] = {0};
    uint32_t value = 0;

    if (offset >= v->model->config_size || size > v->model->config_size - offset) {
        return 0;
    }
    v->model->config_read(v, buf);
    memcpy(&value, buf + offset, size);
    return value;
}

void virtio_config_write(struct virtio_device *v, uint64_t offset, uint32_t value, unsigned size)
{
    if (v->model->config_write && offset < v->model->config_size &&
        size <= v->model->config_size - offset) {
        v->model->config_write(v, (unsigned)offset, value, size);
    }
}
