/* SPDX-License-Identifier: MIT
 *
 * Images: the runtime (assembled at build time, linked in as data), the batch header and the slots.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/torture/runner.h"

extern const char runtime_image[];
extern const char runtime_image_end[];

static int write_file(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    if (!f) {
        return -1;
    }
    size_t n = fwrite(data, 1, size, f);
    return fclose(f) == 0 && n == size ? 0 : -1;
}

int image_write(const char *path, struct program *const *programs, unsigned n, enum batch_mode mode)
{
    unsigned last = 0;
    for (unsigned i = 0; i < n; i++) {
        last = programs[i]->slot > last ? programs[i]->slot : last;
    }
    size_t size = GUEST_SLOTS - GUEST_BASE + (last + 1) * GUEST_SLOT_SIZE;
    uint8_t *image = calloc(1, size);
    if (!image) {
        return -1;
    }
    memcpy(image, runtime_image, (size_t)(runtime_image_end - runtime_image));
    struct batch_header *batch = (struct batch_header *)(image + (GUEST_BATCH - GUEST_BASE));
    batch->ncases = n;
    batch->mode = mode;
    for (unsigned i = 0; i < n; i++) {
        batch->slots[i] = (uint16_t)programs[i]->slot;
        program_write(programs[i],
                      image + (GUEST_SLOTS - GUEST_BASE) + programs[i]->slot * GUEST_SLOT_SIZE);
    }
    int ret = write_file(path, image, size);
    free(image);
    return ret;
}

/* Whether this is xor with any operands. */
static bool is_xor(uint32_t word)
{
    return (word & 0xfe00707f) == 0x00004033;
}

static void inject(uint8_t *image, size_t size)
{
    for (size_t at = GUEST_SLOTS - GUEST_BASE; at + 4 <= size; at += 2) {
        uint32_t word;
        memcpy(&word, image + at, 4);
        bool in_code = (at - (GUEST_SLOTS - GUEST_BASE)) % GUEST_SLOT_SIZE >= 0x1000;
        if (in_code && is_xor(word)) {
            word |= 0x2000; /* or */
            memcpy(image + at, &word, 4);
        }
    }
}

int image_inject_fault(const char *path, const char *to)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        return -1;
    }
    fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f);
    rewind(f);
    uint8_t *image = malloc(size);
    size_t n = image ? fread(image, 1, size, f) : 0;
    fclose(f);
    inject(image, n);
    int ret = write_file(to, image, n);
    free(image);
    return ret;
}
