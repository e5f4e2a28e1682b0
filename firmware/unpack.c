/* SPDX-License-Identifier: MIT */
/*
 * Decompression of kernels: gzip files (Image.gz) and EFI zboot images (vmlinuz: a PE file that
 * carries the compressed Image, Linux drivers/firmware/efi/libstub/zboot-header.S). The output is
 * capped, so a decompression bomb costs no more than the guest's RAM.
 */
#include "firmware/internal.h"
#include "hw/host/bits.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FIRST_ROOM        (UINT64_C(8) << 20)
#define INFLATE_GZIP_ONLY (16 + MAX_WBITS)

/* EFI zboot header. */
enum {
    ZBOOT_MAGIC_OFFSET = 4,
    ZBOOT_PAYLOAD_OFFSET = 8,
    ZBOOT_PAYLOAD_SIZE = 12,
    ZBOOT_METHOD = 24,
    ZBOOT_METHOD_SIZE = 32,
    ZBOOT_HEADER_SIZE = 64,
};

static bool is_gzip(const uint8_t *data, size_t size)
{
    return size >= 3 && data[0] == 0x1f && data[1] == 0x8b && data[2] == 8;
}

static bool is_zboot(const uint8_t *data, size_t size)
{
    return size >= ZBOOT_HEADER_SIZE && memcmp(data, "MZ", 2) == 0 &&
           memcmp(data + ZBOOT_MAGIC_OFFSET, "zimg", 4) == 0;
}

bool image_is_packed(const uint8_t *data, size_t size)
{
    return is_gzip(data, size) || is_zboot(data, size);
}

/* Doubles the output buffer, up to MAX. */
static bool grow(uint8_t **out, size_t *room, uint64_t max)
{
    uint64_t want = *room ? MIN((uint64_t)*room * 2, max) : MIN(FIRST_ROOM, max);
    uint8_t *grown = want > *room ? realloc(*out, want) : NULL;

    if (!grown) {
        return false;
    }
    *out = grown;
    *room = want;
    return true;
}

/* Runs the inflater to the end of its first member. */
static int inflate_all(z_stream *z, uint64_t max, uint8_t **out, size_t *size, struct err *err)
{
    size_t room = 0, done = 0;
    int status = Z_OK;

    *out = NULL;
    while (status != Z_STREAM_END) {
        if (done == room && !grow(out, &room, max)) {
            return err_set(err, -EFBIG, "the decompressed image is larger than %llu bytes",
                           (unsigned long long)max);
        }
        z->next_out = *out + done;
        z->avail_out = (uInt)MIN(room - done, (size_t)1 << 30);
        status = inflate(z, Z_NO_FLUSH);
        done = (size_t)(z->next_out - *out);
        if (status == Z_BUF_ERROR && z->avail_in == 0) {
            return err_set(err, -EINVAL, "truncated gzip data");
        }
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
            return err_set(err, -EINVAL, "damaged gzip data: %s",
                           z->msg ? z->msg : "checksum or format");
        }
        if (status == Z_OK && z->avail_in == 0 && z->avail_out != 0) {
            return err_set(err, -EINVAL, "truncated gzip data");
        }
    }
    *size = done;
    return 0;
}

static int gunzip(const uint8_t *data, size_t size, uint64_t max, uint8_t **out, size_t *out_size,
                  struct err *err)
{
    z_stream z = {0};
    int code;

    if (size > UINT32_MAX) {
        return err_set(err, -EFBIG, "gzip data of more than 4 GiB");
    }
    if (inflateInit2(&z, INFLATE_GZIP_ONLY) != Z_OK) {
        return err_set(err, -ENOMEM, "out of host memory");
    }
    z.next_in = (Bytef *)data;
    z.avail_in = (uInt)size;
    code = inflate_all(&z, max, out, out_size, err);
    inflateEnd(&z);
    if (code < 0) {
        free(*out);
        *out = NULL;
        return code;
    }
    if (*out_size == 0) {
        free(*out);
        *out = NULL;
        return err_set(err, -EINVAL, "gzip data of nothing");
    }
    return 0;
}

static int unpack_zboot(const uint8_t *data, size_t size, uint64_t max, uint8_t **out,
                        size_t *out_size, struct err *err)
{
    uint32_t offset = load_le32(data + ZBOOT_PAYLOAD_OFFSET),
             len = load_le32(data + ZBOOT_PAYLOAD_SIZE);
    const char *method = (const char *)data + ZBOOT_METHOD;

    if (offset > size || len > size - offset) {
        return err_set(err, -EINVAL, "truncated EFI zboot image: the payload is beyond its end");
    }
    if (strncmp(method, "gzip", ZBOOT_METHOD_SIZE) != 0) {
        return err_set(err, -EINVAL,
                       "EFI zboot image with an unsupported compression (only gzip is)");
    }
    return gunzip(data + offset, len, max, out, out_size, err);
}

int image_unpack(const uint8_t *data, size_t size, uint64_t max, uint8_t **out, size_t *out_size,
                 struct err *err)
{
    if (is_zboot(data, size)) {
        return unpack_zboot(data, size, max, out, out_size, err);
    }
    return gunzip(data, size, max, out, out_size, err);
}
