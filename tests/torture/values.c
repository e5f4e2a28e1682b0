/* SPDX-License-Identifier: MIT
 *
 * Values that are likely to find mistakes: integer edges, and floating-point operands dense in zeros,
 * subnormals, ties, overflow and underflow limits, infinities, quiet and signalling NaNs, and wrong NaN boxes.
 */
#include "tests/torture/torture.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const uint64_t int_edges[] = {
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    63,
    64,
    127,
    128,
    255,
    256,
    0x7fff,
    0x8000,
    0xffff,
    0x10000,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xfffffffe,
    0xffffffff,
    0x100000000,
    0x7fffffffffffffff,
    0x8000000000000000,
    0x8000000000000001,
    0xffffffffffffffff,
    0xfffffffffffffffe,
    0xffffffff80000000,
    0xffffffff7fffffff,
    0xffffffff00000000,
    0x00ff00ff00ff00ff,
    0x8080808080808080,
    0x0123456789abcdef,
    0x5555555555555555,
    0xaaaaaaaaaaaaaaaa,
};

static const uint64_t double_edges[] = {
    0x0000000000000000, 0x8000000000000000, 0x0000000000000001, 0x8000000000000001,
    0x000fffffffffffff, 0x0010000000000000, 0x8010000000000000, 0x0010000000000001,
    0x7fefffffffffffff, 0xffefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000,
    0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001, 0xfff4000000000000,
    0x7ff8dead0000beef, 0x3ff0000000000000, 0xbff0000000000000, 0x3ff0000000000001,
    0x3fefffffffffffff, 0x3fe0000000000000, 0x3fdfffffffffffff, 0x3ff8000000000000,
    0x4000000000000000, 0x4004000000000000, 0x4330000000000000, 0x4330000000000001,
    0x432fffffffffffff, 0x4340000000000000, 0x43e0000000000000, 0xc3e0000000000000,
    0x43dfffffffffffff, 0x43f0000000000000, 0x43efffffffffffff, 0x41e0000000000000,
    0x41dfffffffc00000, 0x41dfffffffe00000, 0xc1e0000000000000, 0xc1e0000000100000,
    0xc1e0000000200000, 0x41efffffffe00000, 0x41f0000000000000, 0xbfe0000000000000,
    0xbfefffffffffffff, 0x47efffffe0000000, 0x47effffff0000000, 0x47efffffefffffff,
    0x3810000000000000, 0x380fffffe0000000, 0x380ffffff0000000, 0x36a0000000000000,
    0x3690000000000000, 0x3690000000000001, 0x1ff0000000000000, 0x5fe0000000000000,
    0x2000000000000000,
};

static const uint32_t single_edges[] = {
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x80800000, 0x00800001,
    0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffa00000,
    0x7fc0beef, 0x3f800000, 0xbf800000, 0x3f800001, 0x3f7fffff, 0x3f000000, 0x3effffff, 0x3fc00000,
    0x40000000, 0x40200000, 0x4b000000, 0x4b000001, 0x4affffff, 0x4f000000, 0xcf000000, 0x4effffff,
    0x4f800000, 0x4f7fffff, 0x5f000000, 0xdf000000, 0x5effffff, 0x5f800000, 0x5f7fffff, 0xbf000000,
    0xbf7fffff, 0x20000000, 0x1f800000, 0x5f000001,
};

uint64_t pick_value(struct gen *g)
{
    struct rng *r = &g->rng;
    switch (rng_below(r, 8)) {
    case 0:
    case 1:
    case 2:
        return int_edges[rng_below(r, COUNT(int_edges))];
    case 3:
        return (1ull << rng_below(r, 64)) + (uint64_t)((int)rng_below(r, 3) - 1);
    case 4:
        return (uint64_t)(int64_t)(int32_t)rng_next(r);
    case 5:
        return rng_next(r) >> rng_below(r, 64);
    case 6:
        return (uint64_t)((int)rng_below(r, 64) - 32);
    default:
        return rng_next(r);
    }
}

uint64_t pick_double(struct gen *g)
{
    struct rng *r = &g->rng;
    uint64_t v = rng_next(r);
    switch (rng_below(r, 8)) {
    case 0:
    case 1:
    case 2:
        return double_edges[rng_below(r, COUNT(double_edges))];
    case 3: /* near one: cancellation and ties */
        return (v & 0x800fffff00000000) | (uint64_t)(0x3fe + rng_below(r, 4)) << 52;
    case 4: /* few significant bits */
        return (v & 0xfff8000000000000) | (v & 3);
    case 5: /* subnormal or tiny */
        return (v & 0x801fffffffffffff) >> (rng_below(r, 2) * rng_below(r, 53));
    case 6: /* range of integers */
        return (v & 0x800fffffffffffff) | (uint64_t)(0x3fd + rng_below(r, 68)) << 52;
    default:
        return v;
    }
}

uint64_t pick_single(struct gen *g)
{
    struct rng *r = &g->rng;
    uint32_t v = (uint32_t)rng_next(r);
    switch (rng_below(r, 7)) {
    case 0:
    case 1:
    case 2:
        v = single_edges[rng_below(r, COUNT(single_edges))];
        break;
    case 3:
        v = (v & 0x807fff00) | (0x7e + rng_below(r, 4)) << 23;
        break;
    case 4:
        v = (v & 0x80ffffff) >> (rng_below(r, 2) * rng_below(r, 24));
        break;
    case 5:
        v = (v & 0x807fffff) | (0x7d + rng_below(r, 68)) << 23;
        break;
    default:
        break;
    }
    uint64_t box = rng_one_in(r, 12) ? rng_next(r) << 32 : 0xffffffff00000000;
    return box | v;
}
