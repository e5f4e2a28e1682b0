/* SPDX-License-Identifier: MIT */
/*
 * The list of byte runs that boot puts into guest memory. Blobs own their bytes (a reset needs them
 * again, and the host file may have changed by then).
 */
#include "firmware/internal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int blob_add_owned(struct blob_list *l, const char *name, paddr_t pa, uint8_t *data, uint64_t size,
                   uint64_t zero, struct err *err)
{
    struct blob *b;

    if (l->n == l->room) {
        unsigned room = l->room ? l->room * 2 : 16;
        struct blob *grown = realloc(l->v, room * sizeof(*grown));

        if (!grown) {
            free(data);
            return err_set(err, -ENOMEM, "out of host memory");
        }
        l->v = grown;
        l->room = room;
    }
    b = &l->v[l->n++];
    snprintf(b->name, sizeof(b->name), "%s", name);
    b->pa = pa;
    b->data = data;
    b->size = size;
    b->zero = zero;
    return 0;
}

int blob_add(struct blob_list *l, const char *name, paddr_t pa, const void *data, uint64_t size,
             uint64_t zero, struct err *err)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy) {
        return err_set(err, -ENOMEM, "out of host memory for %llu bytes", (unsigned long long)size);
    }
    memcpy(copy, data, size);
    return blob_add_owned(l, name, pa, copy, size, zero, err);
}

void blob_list_free(struct blob_list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        free(l->v[i].data);
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
