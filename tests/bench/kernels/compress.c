/* SPDX-License-Identifier: MIT */
/* Compression of the LZ77 kind with a hash of three bytes, and the way back. One round is 32 KiB. */
#include "../bench.h"

#define SIZE   32768
#define HASHES 4096

const uint64_t bench_rounds = 50;

static uint8_t source[SIZE], packed[SIZE * 2], again[SIZE];
static int32_t heads[HASHES];

static void make_source(uint64_t seed)
{
    for (size_t i = 0; i < SIZE;) {
        uint64_t r = bench_random(&seed);
        size_t run = 3 + (r >> 8) % 20, back = 1 + (r >> 20) % 900;

        if ((r & 3) && back < i) {
            for (size_t k = 0; k < run && i < SIZE; k++, i++) {
                source[i] = source[i - back];
            }
        } else {
            source[i++] = (uint8_t)('a' + (r >> 40) % 26);
        }
    }
}

/* A literal is 0 and a byte; a match is its length (4 to 255) and its distance in two bytes. */
static NOINLINE size_t pack(void)
{
    size_t out = 0;

    for (int i = 0; i < HASHES; i++) {
        heads[i] = -1;
    }
    for (size_t i = 0; i < SIZE;) {
        size_t length = 0, distance = 0;

        if (i + 4 < SIZE) {
            uint32_t three =
                (uint32_t)source[i] << 16 | (uint32_t)source[i + 1] << 8 | source[i + 2];
            uint32_t slot = (three * 2654435761u) >> 20;
            int32_t at = heads[slot];

            heads[slot] = (int32_t)i;
            if (at >= 0 && i - (size_t)at < 65536) {
                distance = i - (size_t)at;
                while (length < 255 && i + length < SIZE &&
                       source[i + length] == source[(size_t)at + length]) {
                    length++;
                }
            }
        }
        if (length >= 4) {
            packed[out++] = (uint8_t)length;
            packed[out++] = (uint8_t)distance;
            packed[out++] = (uint8_t)(distance >> 8);
            i += length;
        } else {
            packed[out++] = 0;
            packed[out++] = source[i++];
        }
    }
    return out;
}

static NOINLINE size_t unpack(size_t size)
{
    size_t out = 0;

    for (size_t i = 0; i < size;) {
        size_t length = packed[i++];

        if (length == 0) {
            again[out++] = packed[i++];
        } else {
            size_t distance = packed[i] | (size_t)packed[i + 1] << 8;

            i += 2;
            for (size_t k = 0; k < length; k++, out++) {
                again[out] = again[out - distance];
            }
        }
    }
    return out;
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        size_t size;

        make_source(i + 1);
        size = pack();
        sum = sum * 31 + size + unpack(size) + again[SIZE / 3];
    }
    return sum;
}
