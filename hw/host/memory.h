/* SPDX-License-Identifier: MIT */
/* Host memory in page multiples: guest RAM, code memory seen twice (W^X), zero-filled tables. */
#ifndef HW_HOST_MEMORY_H
#define HW_HOST_MEMORY_H

#include "hw/host/err.h"
#include <stddef.h>

/*
 * SIZE bytes (rounded up to pages) of zeroed, demand-allocated, private memory; 2 MiB aligned with transparent huge pages
 * asked for when HUGE and size >= 2 MiB. NULL with ERR when the host refuses. Nothing is charged before it is touched.
 */
void *host_mem_alloc(size_t size, bool huge, struct err *err);
void host_mem_free(void *p, size_t size);
/* Gives the pages back to the host; they read as zero afterwards. */
void host_mem_zero(void *p, size_t size);

/* Code memory: one object mapped twice. RW and RX are the same bytes; rx - rw is constant. */
struct code_memory {
    uint8_t *rw;
    uint8_t *rx;
    size_t size;
};

int code_memory_init(struct code_memory *cm, size_t size, struct err *err);
void code_memory_fini(struct code_memory *cm);

#endif
