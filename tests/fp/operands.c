/* SPDX-License-Identifier: MIT */
/*
 * The operands: hard ones, all combinations of lists made of exponents, mantissas and signs that matter; and random ones, of
 * shapes that make hard cases likely. Integer arithmetic only: the same numbers on every emulator.
 *
 * One description serves both formats: bits of mantissa (P) and exponent, bias. Singles come in a NaN box unless said otherwise.
 */
#include "tests/fp/guest.h"

struct format {
    unsigned mant_bits, exp_bits;
};

static const struct format formats[2] = {{23, 8}, {52, 11}};
enum { SINGLE, DOUBLE };

#define MAX_WIDE   4096
#define MAX_PAIRS  512
#define MAX_TRIPLE 64

struct list {
    uint64_t v[MAX_WIDE];
    unsigned n;
};

/* For instructions with one, two and three operands. */
static struct list wide[2], pairs[2], triples[2], integers;

static uint64_t boxed(uint64_t value)
{
    return value | UINT64_C(0xffffffff00000000);
}

static uint64_t make(const struct format *f, uint64_t sign, uint64_t exp, uint64_t mant)
{
    uint64_t max = BIT(f->exp_bits) - 1;
    uint64_t v = (exp & max) << f->mant_bits | (mant & (BIT(f->mant_bits) - 1)) |
                 (sign & 1) << (f->mant_bits + f->exp_bits);

    return f->mant_bits == 23 ? boxed(v) : v;
}

static void add(struct list *l, unsigned max, uint64_t v)
{
    if (l->n < max) {
        l->v[l->n++] = v;
    }
}

/* ---- hard ones -------------------------------------------------------------------------------------------------------------- */

/* From the bias, where small; BOTTOM and TOP count from the ends. */
#define BOTTOM(n) (-2000 + (n))
#define TOP(n)    (2000 - (n))

static uint64_t exponent(const struct format *f, int e)
{
    int64_t max = (int64_t)BIT(f->exp_bits) - 1, bias = max / 2;

    e = e <= BOTTOM(100) ? e - BOTTOM(0)
        : e >= TOP(100)  ? (int)(max - TOP(0) + e)
                         : (int)(bias + e);
    return (uint64_t)(e < 0 ? 0 : e > max ? max : e);
}

/* Those of a double include where a single under- and overflows and is subnormal. */
static const int16_t wide_exps[] = {
    BOTTOM(0), BOTTOM(1), BOTTOM(2), BOTTOM(23), BOTTOM(52), BOTTOM(54), -151,   -150,   -149,
    -148,      -138,      -128,      -127,       -126,       -125,       -64,    -54,    -53,
    -52,       -25,       -24,       -23,        -2,         -1,         0,      1,      2,
    7,         8,         15,        16,         22,         23,         24,     29,     30,
    31,        32,        33,        51,         52,         53,         54,     61,     62,
    63,        64,        65,        126,        127,        128,        TOP(2), TOP(1), TOP(0)};
static const int16_t pair_exps[] = {BOTTOM(0), BOTTOM(1), BOTTOM(2), BOTTOM(25), BOTTOM(54),
                                    -53,       -24,       -1,        0,          1,
                                    24,        53,        TOP(1),    TOP(0)};
static const int16_t triple_exps[] = {BOTTOM(0), BOTTOM(1), -1, 0, TOP(1), TOP(0)};

/* Mantissas by number: ends, halves, and what lies around the last bit of a single in a double, and of an integer. */
enum { NMANTS = 26, PAIR_MANTS = 10, TRIPLE_MANTS = 4 };

static uint64_t mantissa(const struct format *f, unsigned which)
{
    unsigned p = f->mant_bits;
    uint64_t ones = BIT(p) - 1;
    const uint64_t mants[NMANTS] = {
        0,
        ones,
        1,
        BIT(p - 1), /* these four suffice for triples */
        BIT(p / 2),
        BIT(p / 2 - 1),
        ones - 1,
        BIT(p - 1) + 1,
        BIT(p - 1) - 1,
        3 * BIT(p - 2),
        2,
        3,
        BIT(p - 1) + BIT(p / 2),
        ones & ~(BIT(p / 2) - 1),
        BIT(28),
        BIT(28) + 1,
        BIT(28) - 1,
        3 * BIT(28),
        BIT(29) - 1,
        ones & ~(BIT(29) - 1),
        ones & ~(BIT(28) - 1),
        ones & ~BIT(28),
        ones & ~(BIT(21) - 1),
        ones & ~(BIT(20) - 1),
        BIT(20),
        BIT(21) + 1,
    };

    return mants[which];
}

static void add_all(struct list *l, unsigned max, const struct format *f, const int16_t *exps,
                    unsigned nexps, unsigned nmants)
{
    for (unsigned e = 0; e < nexps; e++) {
        for (unsigned m = 0; m < nmants; m++) {
            for (unsigned sign = 0; sign < 2; sign++) {
                add(l, max, make(f, sign, exponent(f, exps[e]), mantissa(f, m)));
            }
        }
    }
}

/* Not in a box: what an instruction on singles takes for the canonical NaN; moves and stores do not care. */
static void add_unboxed(struct list *l, unsigned max)
{
    static const uint64_t values[] = {
        UINT64_C(0x000000003f800000),          UINT64_C(0xfffffffe3f800000),
        UINT64_C(0x7fffffffbf800000),          UINT64_C(0xffffff7f00000000),
        UINT64_C(0x7ff0000000000000),          UINT64_C(0x00000000ff800001),
        UINT64_C(0xffffffff7f800001) ^ BIT(32)};

    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        add(l, max, values[i]);
    }
}

/* Around powers of two, and half-way between neighbours in both formats. */
static void add_integers(struct list *l)
{
    for (unsigned k = 0; k < 64; k++) {
        for (int delta = -2; delta <= 2; delta++) {
            add(l, MAX_WIDE, BIT(k) + (uint64_t)delta);
            add(l, MAX_WIDE, 0 - BIT(k) + (uint64_t)delta);
            for (unsigned f = 0; f < 2; f++) {
                if (k > formats[f].mant_bits) {
                    uint64_t half = BIT(k - formats[f].mant_bits - 1);

                    add(l, MAX_WIDE, BIT(k) + half + (uint64_t)delta);
                    add(l, MAX_WIDE, BIT(k) + 3 * half + (uint64_t)delta);
                    add(l, MAX_WIDE, 0 - (BIT(k) + half) + (uint64_t)delta);
                    add(l, MAX_WIDE, 2 * BIT(k) - half + (uint64_t)delta);
                }
            }
        }
    }
}

void operands_init(void)
{
    for (unsigned f = 0; f < 2; f++) {
        add_all(&wide[f], MAX_WIDE, &formats[f], wide_exps, ARRAY_SIZE(wide_exps), NMANTS);
        add_all(&pairs[f], MAX_PAIRS, &formats[f], pair_exps, ARRAY_SIZE(pair_exps), PAIR_MANTS);
        add_all(&triples[f], MAX_TRIPLE, &formats[f], triple_exps, ARRAY_SIZE(triple_exps),
                TRIPLE_MANTS);
    }
    add_unboxed(&wide[SINGLE], MAX_WIDE);
    add_unboxed(&pairs[SINGLE], MAX_PAIRS);
    add_unboxed(&triples[SINGLE], triples[SINGLE].n + 2);
    add_integers(&integers);
}

static const struct list *list_of(enum kind kind, unsigned *noperands)
{
    unsigned f = kind >= D1 ? DOUBLE : SINGLE;
    const struct list *const lists[3] = {&wide[f], &pairs[f], &triples[f]};

    *noperands = kind == I1 ? 1 : kind % 3 + 1;
    return kind == I1 ? &integers : lists[*noperands - 1];
}

static uint64_t hard_count(enum kind kind)
{
    unsigned noperands;
    uint64_t n = list_of(kind, &noperands)->n;

    return noperands == 1 ? n : noperands == 2 ? n * n : n * n * n;
}

uint64_t hard_blocks(enum kind kind)
{
    return (hard_count(kind) + BLOCK - 1) / BLOCK;
}

unsigned hard_block(enum kind kind, uint64_t block, struct triple *t)
{
    unsigned noperands;
    const struct list *l = list_of(kind, &noperands);
    uint64_t first = block * BLOCK, count = hard_count(kind);
    unsigned n = count - first < BLOCK ? (unsigned)(count - first) : BLOCK;

    for (unsigned i = 0; i < n; i++) {
        uint64_t index = first + i;

        t[i] = (struct triple){{0}};
        for (unsigned k = 0; k < noperands; k++) {
            t[i].v[k] = l->v[index % l->n];
            index /= l->n;
        }
    }
    return n;
}

/* ---- random ones ------------------------------------------------------------------------------------------------------------ */

static uint64_t pick(uint64_t *state, unsigned n)
{
    return (rt_random(state) >> 20) % n;
}

static uint64_t random_mantissa(const struct format *f, uint64_t *state)
{
    uint64_t r = rt_random(state);

    switch (pick(state, 4)) {
    case 0: /* few bits */
        return BIT(r % f->mant_bits) ^ BIT((r >> 8) % f->mant_bits);
    case 1: /* zeros at its end */
        return r & ~(BIT((r >> 56) % f->mant_bits) - 1);
    case 2:
        return mantissa(f, (unsigned)pick(state, NMANTS));
    default:
        return r;
    }
}

static uint64_t random_value(const struct format *f, uint64_t *state)
{
    const struct list *l = &wide[f->mant_bits == 52];
    uint64_t r = rt_random(state), bias = BIT(f->exp_bits - 1) - 1;

    switch (pick(state, 8)) {
    case 0:
        return make(f, r, r >> 1, r >> 12); /* any bits */
    case 1:
        return l->v[pick(state, l->n)];
    case 2:
        return make(f, r, r >> 1, random_mantissa(f, state));
    case 3: /* few bits before and behind the point */
        return make(f, r, bias - 4 + pick(state, 80), random_mantissa(f, state));
    case 4: /* subnormal */
        return make(f, r, 0, random_mantissa(f, state));
    default:
        return make(f, r, bias - f->mant_bits + pick(state, 2 * f->mant_bits),
                    random_mantissa(f, state));
    }
}

static uint64_t exp_of(const struct format *f, uint64_t v)
{
    return v >> f->mant_bits & (BIT(f->exp_bits) - 1);
}

static uint64_t sign_of(const struct format *f, uint64_t v)
{
    return v >> (f->mant_bits + f->exp_bits) & 1;
}

/* One that meets A: near it; or the product or the quotient is at the lower or upper end. */
static uint64_t random_partner(const struct format *f, uint64_t a, uint64_t *state)
{
    uint64_t r = rt_random(state), e = exp_of(f, a), bias = BIT(f->exp_bits - 1) - 1;
    uint64_t near = pick(state, 2 * f->mant_bits) - f->mant_bits;

    switch (pick(state, 8)) {
    case 0:
        return make(f, r, e + (near & 1), random_mantissa(f, state));
    case 1:
        return make(f, r, e, a + pick(state, 5) - 2);
    case 2:
        return make(f, r, e + near, random_mantissa(f, state));
    case 3:
        return make(f, r, bias - e + near / 2, random_mantissa(f, state));
    case 4:
        return make(f, r, e + bias + near / 2, random_mantissa(f, state));
    default:
        return random_value(f, state);
    }
}

/* The exact product of the significands, top bit at 127; *SHIFTED if it is 2 or more. */
static void product(const struct format *f, uint64_t a, uint64_t b, uint64_t *hi, uint64_t *lo,
                    bool *shifted)
{
    unsigned p = f->mant_bits;
    uint64_t ma = ((a & (BIT(p) - 1)) | BIT(p)) << (63 - p), mb = ((b & (BIT(p) - 1)) | BIT(p))
                                                                  << (63 - p);

    asm("mulhu %0, %1, %2" : "=r"(*hi) : "r"(ma), "r"(mb));
    *lo = ma * mb;
    *shifted = *hi >> 63;
    if (!*shifted) {
        *hi = *hi << 1 | *lo >> 63;
        *lo <<= 1;
    }
}

/* One that meets A * B: the exact product's neighbours with the other sign, so that all but the last bits cancel; or far below. */
static uint64_t random_addend(const struct format *f, uint64_t a, uint64_t b, uint64_t *state)
{
    uint64_t r = rt_random(state), bias = BIT(f->exp_bits - 1) - 1, hi, lo, e;
    unsigned p = f->mant_bits;
    bool shifted;

    product(f, a, b, &hi, &lo, &shifted);
    e = exp_of(f, a) + exp_of(f, b) - bias + shifted;
    switch (pick(state, 6)) {
    case 0:
    case 1:
        return make(f, sign_of(f, a) ^ sign_of(f, b) ^ (r & 7 ? 1 : 0), e,
                    (hi >> (63 - p)) + pick(state, 5) - 2);
    case 2:
        return make(f, r, e - pick(state, 2 * p + 4), random_mantissa(f, state));
    case 3:
        return make(f, r, e + pick(state, p + 4), random_mantissa(f, state));
    default:
        return random_value(f, state);
    }
}

static uint64_t random_integer(uint64_t *state)
{
    uint64_t r = rt_random(state);

    switch (pick(state, 4)) {
    case 0:
        return integers.v[pick(state, integers.n)];
    case 1:
        return r >> pick(state, 64);
    case 2: /* few bits: half-way cases */
        return (BIT(r & 63) + BIT(r >> 6 & 63)) * (r >> 12 & 1 ? 1 : UINT64_MAX) + (r >> 13 & 1);
    default:
        return r;
    }
}

static void unbox_some(struct triple *t, unsigned noperands, uint64_t *state)
{
    if (pick(state, 32) == 0) {
        t->v[pick(state, noperands)] &= rt_random(state);
    }
}

unsigned random_block(enum kind kind, uint64_t seed, uint64_t block, struct triple *t)
{
    const struct format *f = &formats[kind >= D1 ? DOUBLE : SINGLE];
    unsigned noperands = kind == I1 ? 1 : kind % 3 + 1;
    uint64_t state = (seed * NKINDS + kind + 1) * UINT64_C(0x9e3779b97f4a7c15) ^
                     (block + 1) * UINT64_C(0xc2b2ae3d27d4eb4f);

    state |= !state;
    rt_random(&state);
    for (unsigned i = 0; i < BLOCK; i++) {
        uint64_t a = kind == I1 ? random_integer(&state) : random_value(f, &state);

        t[i] = (struct triple){{a, 0, 0}};
        if (noperands > 1) {
            t[i].v[1] = random_partner(f, a, &state);
        }
        if (noperands > 2) {
            t[i].v[2] = random_addend(f, a, t[i].v[1], &state);
        }
        if (kind < D1) {
            unbox_some(&t[i], noperands, &state);
        }
    }
    return BLOCK;
}
