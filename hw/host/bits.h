/* SPDX-License-Identifier: MIT */
/* Bit fields, alignment, powers of two, and unaligned little-endian loads and stores. Pure functions. */
#ifndef HW_HOST_BITS_H
#define HW_HOST_BITS_H

#include "hw/host/compiler.h"
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))
/* Bits lo..hi, inclusive, set. */
#define BITS(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

/* LEN bits of VALUE from bit START; 1 <= len <= 64 - start. */
static inline uint64_t extract64(uint64_t value, unsigned start, unsigned len)
{
    return (value >> start) & (~UINT64_C(0) >> (64 - len));
}

static inline int64_t sextract64(uint64_t value, unsigned start, unsigned len)
{
    return (int64_t)(value << (64 - len - start)) >> (64 - len);
}

static inline uint64_t deposit64(uint64_t value, unsigned start, unsigned len, uint64_t field)
{
    uint64_t mask = (~UINT64_C(0) >> (64 - len)) << start;

    return (value & ~mask) | ((field << start) & mask);
}

/* Field access by mask, as the specification draws registers. MASK must be contiguous and non-zero. */
static inline uint64_t get_field(uint64_t reg, uint64_t mask)
{
    return (reg & mask) / (mask & ~(mask << 1));
}

static inline uint64_t set_field(uint64_t reg, uint64_t mask, uint64_t value)
{
    return (reg & ~mask) | ((value * (mask & ~(mask << 1))) & mask);
}

static inline bool is_pow2(uint64_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/* ALIGN must be a power of two. */
static inline uint64_t align_down(uint64_t x, uint64_t align)
{
    return x & ~(align - 1);
}

static inline uint64_t align_up(uint64_t x, uint64_t align)
{
    return (x + align - 1) & ~(align - 1);
}

/* x must not be 0. */
static inline unsigned ctz64(uint64_t x)
{
    return (unsigned)__builtin_ctzll(x);
}

static inline unsigned clz64(uint64_t x)
{
    return (unsigned)__builtin_clzll(x);
}

static inline uint16_t load_le16(const void *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t load_le32(const void *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint64_t load_le64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline void store_le16(void *p, uint16_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline void store_le32(void *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline void store_le64(void *p, uint64_t v)
{
    memcpy(p, &v, sizeof(v));
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the host must be little-endian");

#endif
