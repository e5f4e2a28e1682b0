/* SPDX-License-Identifier: MIT */
/*
 * The list of byte runs that boot puts into guest memory. Blobs own their bytes (a reset needs them
 * again, and the host file may have changed by then).
 */
#include "firmware/internal.h"
#include "hw/host/memory.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Large images go on huge pages: a kernel would be thousands of page faults otherwise. */
#define LARGE_SIZE (UINT64_C(2) << 20)

static uint8_t *alloc_bytes(uint64_t size, struct err *err)
{
    uint8_t *p;

    if (size >= LARGE_SIZE) {
        return host_mem_alloc(size, true, err);
    }
    p = malloc(size ? size : 1);
    if (!p) {
        err_set(err, -ENOMEM, "out of host memory");
    }
    return p;
}

static void free_bytes(uint8_t *p, uint64_t size)
{
    if (size >= LARGE_SIZE) {
        host_mem_free(p, size);
    } else {
        free(p);
    }
}

static struct blob *new_blob(struct blob_list *l, struct err *err)
{
    unsigned room = l->room ? l->room * 2 : 16;
    struct blob *grown;

    if (l->n == l->room) {
        grown = realloc(l->v, room * sizeof(*grown));
        if (!grown) {
            err_set(err, -ENOMEM, "out of host memory");
            return NULL;
        }
        l->v = grown;
        l->room = room;
    }
    return &l->v[l->n];
}

int blob_add(struct blob_list *l, const char *name, paddr_t pa, const void *data, uint64_t size,
             uint64_t zero, struct err *err)
{
    struct blob *b = new_blob(l, err);
    uint8_t *copy = b ? alloc_bytes(size, err) : NULL;

    if (!copy) {
        return -ENOMEM;
    }
    memcpy(copy, data, size);
    snprintf(b->name, sizeof(b->name), "%s", name);
    b->pa = pa;
    b->data = copy;
    b->size = size;
    b->zero = zero;
    l->n++;
    return 0;
}

void blob_list_free(struct blob_list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        free_bytes(l->v[i].data, l->v[i].size);
    }
    free(l->v);
    memset(l, 0, sizeof(*l));
}

static uint64_t blob_end(const struct blob *b)
{
    return b->pa + b->size + b->zero;
}

static int check_pair(const struct blob *a, const struct blob *b, struct err *err)
{
    if (a->pa >= blob_end(b) || b->pa >= blob_end(a) || strcmp(a->name, b->name) == 0) {
        return 0;
    }
    return err_set(err, -EINVAL, "%s (0x%llx-0x%llx) overlaps %s (0x%llx-0x%llx)", b->name,
                   (unsigned long long)b->pa, (unsigned long long)blob_end(b) - 1, a->name,
                   (unsigned long long)a->pa, (unsigned long long)blob_end(a) - 1);
}

int blob_list_check_overlap(const struct blob_list *l, struct err *err)
{
    for (unsigned i = 0; i < l->n; i++) {
        for (unsigned j = i + 1; j < l->n; j++) {
            int code = check_pair(&l->v[i], &l->v[j], err);

            if (code < 0) {
                return code;
            }
        }
    }
    return 0;
}
