/* SPDX-License-Identifier: MIT */
/*
 * IEEE 754 arithmetic in integers. A number is unpacked into sign, exponent and a 64-bit significand whose bit 63 is set:
 * value = sig * 2^(exp - 63). Operations compute with bits to spare, keep what falls off the low end as one sticky bit, and
 * round_pack rounds once. Each exported function is compiled once per format from the same inline body.
 *
 * IEEE 754-2019; RISC-V F and D 2.2 for what that leaves open.
 */
#include "target-riscv/softfloat.h"
#include "hw/host/bits.h"

#define INLINE static inline __attribute__((always_inline))

typedef unsigned __int128 u128;

struct layout {
    unsigned exp_bits, frac_bits;
};

static const struct layout F32 = {8, 23};
static const struct layout F64 = {11, 52};

enum kind { ZERO, FINITE, INF, QNAN, SNAN };

struct num {
    enum kind kind;
    bool sign;
    int exp;
    uint64_t sig;
};

/* ---- formats ----------------------------------------------------------------------------------------------------------------- */

INLINE int bias(struct layout l)
{
    return (1 << (l.exp_bits - 1)) - 1;
}

INLINE uint64_t exp_max(struct layout l)
{
    return BIT(l.exp_bits) - 1;
}

INLINE uint64_t pack(struct layout l, bool sign, uint64_t magnitude)
{
    return (uint64_t)sign << (l.exp_bits + l.frac_bits) | magnitude;
}

INLINE uint64_t infinity(struct layout l, bool sign)
{
    return pack(l, sign, exp_max(l) << l.frac_bits);
}

INLINE uint64_t nan_of(struct layout l)
{
    return exp_max(l) << l.frac_bits | BIT(l.frac_bits - 1);
}

INLINE uint64_t invalid(struct layout l, struct sf_env *e)
{
    e->flags |= SF_NV;
    return nan_of(l);
}

INLINE struct num unpack(struct layout l, uint64_t bits)
{
    uint64_t frac = bits & (BIT(l.frac_bits) - 1);
    uint64_t exp = (bits >> l.frac_bits) & exp_max(l);
    struct num n = {.kind = FINITE, .sign = (bits >> (l.exp_bits + l.frac_bits)) & 1};

    if (unlikely(exp == exp_max(l))) {
        n.kind = frac == 0 ? INF : frac >> (l.frac_bits - 1) ? QNAN : SNAN;
    } else if (likely(exp)) {
        n.sig = BIT(63) | frac << (63 - l.frac_bits);
        n.exp = (int)exp - bias(l);
    } else if (frac) {
        n.sig = frac << clz64(frac);
        n.exp = 64 - bias(l) - (int)l.frac_bits - (int)clz64(frac);
    } else {
        n.kind = ZERO;
    }
    return n;
}

INLINE bool is_nan(struct num n)
{
    return n.kind >= QNAN;
}

/* The result of an operation of which an operand is a NaN. */
INLINE uint64_t propagate(struct layout l, bool signaling, struct sf_env *e)
{
    return signaling ? invalid(l, e) : nan_of(l);
}

/* ---- rounding ---------------------------------------------------------------------------------------------------------------- */

/* N >> COUNT; the lowest bit of the result also stands for all that was shifted out. */
INLINE uint64_t shift_jam(uint64_t n, unsigned count)
{
    if (count >= 64) {
        return n != 0;
    }
    return n >> count | (count && n << (64 - count));
}

INLINE u128 shift_jam128(u128 n, unsigned count)
{
    if (count >= 128) {
        return n != 0;
    }
    return n >> count | (count && n << (128 - count));
}

/* Whether MAGNITUDE goes up, REST being what is cut off in units of which HALF is half of a last place. */
INLINE bool rounds_up(unsigned rm, bool sign, uint64_t magnitude, uint64_t rest, uint64_t half)
{
    switch (rm) {
    case SF_RNE:
        return rest > half || (rest == half && magnitude & 1);
    case SF_RMM:
        return rest >= half;
    case SF_RDN:
        return sign && rest;
    case SF_RUP:
        return !sign && rest;
    default:
        return false;
    }
}

static uint64_t overflow(struct layout l, bool sign, struct sf_env *e)
{
    bool away = e->rm == SF_RNE || e->rm == SF_RMM || e->rm == (sign ? SF_RDN : SF_RUP);

    e->flags |= SF_OF | SF_NX;
    return infinity(l, sign) - !away;
}

/* Below the normal range: EXP is the biased exponent, 0 or less. */
static NOINLINE uint64_t round_pack_tiny(struct layout l, bool sign, int exp, uint64_t sig,
                                         struct sf_env *e)
{
    unsigned drop = 63 - l.frac_bits;
    uint64_t half = BIT(drop - 1), rest = sig & (BIT(drop) - 1), mag = sig >> drop;
    /* Rounded with as much precision as a normal number has, does it reach the smallest normal one? */
    bool reaches =
        exp == 0 && mag + rounds_up(e->rm, sign, mag, rest, half) == BIT(l.frac_bits + 1);

    sig = shift_jam(sig, (unsigned)(1 - exp));
    rest = sig & (BIT(drop) - 1);
    mag = sig >> drop;
    if (rest) {
        e->flags |= SF_NX | (reaches ? 0 : SF_UF);
    }
    return pack(l, sign, mag + rounds_up(e->rm, sign, mag, rest, half));
}

/* SIG has bit 63; its bit 0 may be sticky. */
INLINE uint64_t round_pack(struct layout l, bool sign, int exp, uint64_t sig, struct sf_env *e)
{
    unsigned drop = 63 - l.frac_bits;
    uint64_t rest = sig & (BIT(drop) - 1), mag = sig >> drop;

    exp += bias(l);
    if (unlikely(exp <= 0)) {
        return round_pack_tiny(l, sign, exp, sig, e);
    }
    if (unlikely(exp >= (int)exp_max(l))) {
        return overflow(l, sign, e);
    }
    mag += ((uint64_t)(exp - 1) << l.frac_bits) + rounds_up(e->rm, sign, mag, rest, BIT(drop - 1));
    if (unlikely(mag >> l.frac_bits == exp_max(l))) {
        return overflow(l, sign, e);
    }
    e->flags |= rest ? SF_NX : 0;
    return pack(l, sign, mag);
}

/* A sum that is exactly zero. */
INLINE uint64_t cancelled(struct layout l, const struct sf_env *e)
{
    return pack(l, e->rm == SF_RDN, 0);
}

/* ---- add, multiply, divide, root ---------------------------------------------------------------------------------------------------- */

/* Sum of finite A and B of which A is not the smaller in magnitude. */
INLINE uint64_t add_ordered(struct layout l, struct num a, struct num b, struct sf_env *e)
{
    uint64_t shifted =
        shift_jam(b.sig >> 1, (unsigned)(a.exp - b.exp)); /* operands have low bits to spare */
    uint64_t sum = a.sign == b.sign ? (a.sig >> 1) + shifted : (a.sig >> 1) - shifted;
    unsigned lead;

    if (sum == 0) {
        return cancelled(l, e);
    }
    lead = clz64(sum);
    return round_pack(l, a.sign, a.exp + 1 - (int)lead, sum << lead, e);
}

/* One of them is not finite and non-zero. */
static uint64_t add_special(struct layout l, struct num a, struct num b, uint64_t abits,
                            uint64_t bbits, struct sf_env *e)
{
    if (is_nan(a) || is_nan(b)) {
        return propagate(l, a.kind == SNAN || b.kind == SNAN, e);
    }
    if (a.kind == INF && b.kind == INF && a.sign != b.sign) {
        return invalid(l, e);
    }
    if (a.kind == ZERO && b.kind == ZERO) {
        return a.sign == b.sign ? abits : cancelled(l, e);
    }
    return a.kind == INF || b.kind == ZERO ? abits : bbits;
}

INLINE uint64_t add(struct layout l, uint64_t abits, uint64_t bbits, struct sf_env *e)
{
    struct num a = unpack(l, abits), b = unpack(l, bbits);

    if (unlikely(a.kind != FINITE || b.kind != FINITE)) {
        return add_special(l, a, b, abits, bbits, e);
    }
    if (a.exp > b.exp || (a.exp == b.exp && a.sig >= b.sig)) {
        return add_ordered(l, a, b, e);
    }
    return add_ordered(l, b, a, e);
}

static uint64_t mul_special(struct layout l, struct num a, struct num b, struct sf_env *e)
{
    if (is_nan(a) || is_nan(b)) {
        return propagate(l, a.kind == SNAN || b.kind == SNAN, e);
    }
    if (a.kind == INF || b.kind == INF) {
        return a.kind == ZERO || b.kind == ZERO ? invalid(l, e) : infinity(l, a.sign != b.sign);
    }
    return pack(l, a.sign != b.sign, 0);
}

INLINE uint64_t mul(struct layout l, uint64_t abits, uint64_t bbits, struct sf_env *e)
{
    struct num a = unpack(l, abits), b = unpack(l, bbits);
    uint64_t sig;
    u128 product;
    int exp;

    if (unlikely(a.kind != FINITE || b.kind != FINITE)) {
        return mul_special(l, a, b, e);
    }
    product = (u128)a.sig * b.sig;
    sig = (uint64_t)(product >> 64) | ((uint64_t)product != 0);
    exp = a.exp + b.exp + 1;
    if (!(sig >> 63)) {
        sig <<= 1;
        exp--;
    }
    return round_pack(l, a.sign != b.sign, exp, sig, e);
}

static uint64_t div_special(struct layout l, struct num a, struct num b, struct sf_env *e)
{
    bool sign = a.sign != b.sign;

    if (is_nan(a) || is_nan(b)) {
        return propagate(l, a.kind == SNAN || b.kind == SNAN, e);
    }
    if (a.kind == b.kind) {
        return invalid(l, e); /* inf / inf, 0 / 0 */
    }
    if (a.kind == INF) {
        return infinity(l, sign);
    }
    if (b.kind == ZERO) {
        e->flags |= SF_DZ;
        return infinity(l, sign);
    }
    return pack(l, sign, 0);
}

INLINE uint64_t divide(struct layout l, uint64_t abits, uint64_t bbits, struct sf_env *e)
{
    struct num a = unpack(l, abits), b = unpack(l, bbits);
    uint64_t q;
    u128 dividend;
    int exp;

    if (unlikely(a.kind != FINITE || b.kind != FINITE)) {
        return div_special(l, a, b, e);
    }
    dividend = (u128)a.sig << 63;
    q = (uint64_t)(dividend / b.sig);
    q |= (u128)q * b.sig != dividend;
    exp = a.exp - b.exp;
    if (!(q >> 63)) {
        q <<= 1;
        exp--;
    }
    return round_pack(l, a.sign != b.sign, exp, q, e);
}

/* Near the square root of V, which is at least 2^62: three Newton steps from the tangent at 9/4 * 2^62. */
static uint64_t root64(uint64_t v)
{
    uint64_t x = (v >> 31) / 3 + (UINT64_C(3) << 29);

    for (unsigned i = 0; i < 3; i++) {
        x = (x + v / x) / 2;
    }
    return x;
}

/* Floor of the square root of N, which is at least 2^126. */
static uint64_t root128(u128 n)
{
    uint64_t x = MIN(root64((uint64_t)(n >> 64)) + 1, UINT32_MAX) << 32 | UINT32_MAX;
    uint64_t q = (uint64_t)(n / x); /* x is not below the root, so q is not above it */

    x = q + (x - q) / 2;
    while ((u128)x * x > n) {
        x--;
    }
    while (x != UINT64_MAX && (u128)(x + 1) * (x + 1) <= n) {
        x++;
    }
    return x;
}

INLINE uint64_t square_root(struct layout l, uint64_t bits, struct sf_env *e)
{
    struct num a = unpack(l, bits);
    uint64_t root;
    u128 n;

    if (is_nan(a)) {
        return propagate(l, a.kind == SNAN, e);
    }
    if (a.kind == ZERO || (a.kind == INF && !a.sign)) {
        return bits;
    }
    if (a.sign) {
        return invalid(l, e);
    }
    n = (u128)a.sig << (a.exp & 1 ? 64 : 63);
    root = root128(n);
    root |= (u128)root * root != n;
    return round_pack(l, false, (a.exp - (a.exp & 1)) / 2, root, e);
}

/* ---- fused multiply-add --------------------------------------------------------------------------------------------------------- */

/* A finite number with a 128-bit significand: value = sig * 2^(exp - 127), bit 127 set. */
struct wide {
    bool sign;
    int exp;
    u128 sig;
};

INLINE unsigned clz128(u128 n)
{
    uint64_t high = (uint64_t)(n >> 64);

    return high ? clz64(high) : 64 + clz64((uint64_t)n);
}

INLINE uint64_t wide_add(struct layout l, struct wide a, struct wide b, struct sf_env *e)
{
    u128 shifted = shift_jam128(b.sig >> 1, (unsigned)(a.exp - b.exp)); /* as in add_ordered */
    u128 sum = a.sign == b.sign ? (a.sig >> 1) + shifted : (a.sig >> 1) - shifted;
    unsigned lead;

    if (sum == 0) {
        return cancelled(l, e);
    }
    lead = clz128(sum);
    sum <<= lead;
    return round_pack(l, a.sign, a.exp + 1 - (int)lead,
                      (uint64_t)(sum >> 64) | ((uint64_t)sum != 0), e);
}

/* A product that is not finite and non-zero, or a C that is not. */
static uint64_t fma_special(struct layout l, struct num a, struct num b, struct num c,
                            uint64_t cbits, struct sf_env *e)
{
    bool sign = a.sign != b.sign;
    bool zero_times_inf = (a.kind == INF && b.kind == ZERO) || (a.kind == ZERO && b.kind == INF);

    if (zero_times_inf || a.kind == SNAN || b.kind == SNAN || c.kind == SNAN) {
        return invalid(l, e);
    }
    if (is_nan(a) || is_nan(b) || is_nan(c)) {
        return nan_of(l);
    }
    if (a.kind == INF || b.kind == INF) {
        return c.kind == INF && c.sign != sign ? invalid(l, e) : infinity(l, sign);
    }
    if (c.kind != ZERO) {
        return cbits; /* infinite, or the product is zero */
    }
    return sign == c.sign ? cbits : cancelled(l, e);
}

INLINE struct wide wide_product(struct num a, struct num b)
{
    struct wide p = {a.sign != b.sign, a.exp + b.exp + 1, (u128)a.sig * b.sig};

    if (!(p.sig >> 127)) {
        p.sig <<= 1;
        p.exp--;
    }
    return p;
}

INLINE uint64_t fused(struct layout l, uint64_t abits, uint64_t bbits, uint64_t cbits,
                      struct sf_env *e)
{
    struct num a = unpack(l, abits), b = unpack(l, bbits), c = unpack(l, cbits);
    struct wide p, w;

    if (unlikely(a.kind != FINITE || b.kind != FINITE || c.kind > FINITE)) {
        return fma_special(l, a, b, c, cbits, e);
    }
    p = wide_product(a, b);
    if (c.kind == ZERO) {
        return round_pack(l, p.sign, p.exp, (uint64_t)(p.sig >> 64) | ((uint64_t)p.sig != 0), e);
    }
    w = (struct wide){c.sign, c.exp, (u128)c.sig << 64};
    if (p.exp > w.exp || (p.exp == w.exp && p.sig >= w.sig)) {
        return wide_add(l, p, w, e);
    }
    return wide_add(l, w, p, e);
}

/* ---- comparisons ------------------------------------------------------------------------------------------------------------------ */

/* Order of two numbers as integers: -0 and +0 differ. */
INLINE int64_t total_key(struct layout l, uint64_t bits)
{
    uint64_t sign = BIT(l.exp_bits + l.frac_bits);

    return bits & sign ? -(int64_t)(bits & (sign - 1)) - 1 : (int64_t)bits;
}

INLINE bool both_zero(struct layout l, uint64_t a, uint64_t b)
{
    return ((a | b) & (BIT(l.exp_bits + l.frac_bits) - 1)) == 0;
}

INLINE bool bits_nan(struct layout l, uint64_t bits)
{
    return (bits & (BIT(l.exp_bits + l.frac_bits) - 1)) > exp_max(l) << l.frac_bits;
}

INLINE bool bits_snan(struct layout l, uint64_t bits)
{
    return bits_nan(l, bits) && !(bits & BIT(l.frac_bits - 1));
}

INLINE uint64_t min_max(struct layout l, uint64_t a, uint64_t b, bool max, struct sf_env *e)
{
    if (bits_snan(l, a) || bits_snan(l, b)) {
        e->flags |= SF_NV;
    }
    if (bits_nan(l, a)) {
        return bits_nan(l, b) ? nan_of(l) : b;
    }
    if (bits_nan(l, b)) {
        return a;
    }
    return (total_key(l, a) < total_key(l, b)) != max ? a : b;
}

INLINE bool equal(struct layout l, uint64_t a, uint64_t b, struct sf_env *e)
{
    if (bits_nan(l, a) || bits_nan(l, b)) {
        e->flags |= bits_snan(l, a) || bits_snan(l, b) ? SF_NV : 0;
        return false;
    }
    return a == b || both_zero(l, a, b);
}

INLINE bool less(struct layout l, uint64_t a, uint64_t b, bool or_equal, struct sf_env *e)
{
    if (bits_nan(l, a) || bits_nan(l, b)) {
        e->flags |= SF_NV;
        return false;
    }
    if (a == b || both_zero(l, a, b)) {
        return or_equal;
    }
    return total_key(l, a) < total_key(l, b);
}

INLINE unsigned classify(struct layout l, uint64_t bits)
{
    struct num n = unpack(l, bits);
    bool subnormal = n.kind == FINITE && n.exp < 1 - bias(l);

    switch (n.kind) {
    case INF:
        return n.sign ? 1 << 0 : 1 << 7;
    case ZERO:
        return n.sign ? 1 << 3 : 1 << 4;
    case SNAN:
        return 1 << 8;
    case QNAN:
        return 1 << 9;
    case FINITE:
        break;
    }
    if (subnormal) {
        return n.sign ? 1 << 2 : 1 << 5;
    }
    return n.sign ? 1 << 1 : 1 << 6;
}

/* ---- conversions ------------------------------------------------------------------------------------------------------------------ */

/* The integer nearest to an infinity, as a two's complement pattern; also the largest magnitude that fits. */
INLINE uint64_t saturated(bool negative, bool is_signed, unsigned bits)
{
    if (is_signed) {
        return negative ? BIT(bits - 1) : BIT(bits - 1) - 1;
    }
    return negative ? 0 : BITS(bits - 1, 0);
}

/* Splits |N|, below 2^64, into its integer part and its fraction in units of 2^-64 (sticky). */
INLINE uint64_t split(struct num n, uint64_t *fraction)
{
    if (n.exp < 0) {
        *fraction = shift_jam(n.sig, (unsigned)(-1 - n.exp));
        return 0;
    }
    *fraction = n.exp == 63 ? 0 : n.sig << (n.exp + 1);
    return n.sig >> (63 - n.exp);
}

INLINE uint64_t to_int(struct layout l, uint64_t a, bool is_signed, unsigned bits, struct sf_env *e)
{
    struct num n = unpack(l, a);
    uint64_t magnitude, fraction;
    bool up;

    if (n.kind == ZERO) {
        return 0;
    }
    if (n.kind != FINITE || n.exp > 63) {
        e->flags |= SF_NV;
        return saturated(n.sign && !is_nan(n), is_signed, bits);
    }
    magnitude = split(n, &fraction);
    up = rounds_up(e->rm, n.sign, magnitude, fraction, BIT(63));
    magnitude += up;
    if ((up && magnitude == 0) || magnitude > saturated(n.sign, is_signed, bits)) {
        e->flags |= SF_NV;
        return saturated(n.sign, is_signed, bits);
    }
    e->flags |= fraction ? SF_NX : 0;
    return (n.sign ? -magnitude : magnitude) & BITS(bits - 1, 0);
}

INLINE uint64_t from_int(struct layout l, bool sign, uint64_t magnitude, struct sf_env *e)
{
    unsigned lead;

    if (magnitude == 0) {
        return 0;
    }
    lead = clz64(magnitude);
    return round_pack(l, sign, 63 - (int)lead, magnitude << lead, e);
}

INLINE uint64_t convert(struct layout from, struct layout to, uint64_t a, struct sf_env *e)
{
    struct num n = unpack(from, a);

    switch (n.kind) {
    case FINITE:
        return round_pack(to, n.sign, n.exp, n.sig, e);
    case ZERO:
        return pack(to, n.sign, 0);
    case INF:
        return infinity(to, n.sign);
    case QNAN:
    case SNAN:
        break;
    }
    return propagate(to, n.kind == SNAN, e);
}

/* ---- the doors: one body per format ------------------------------------------------------------------------------------------------- */

uint64_t sf_add(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e)
{
    return f == SF_F32 ? add(F32, a, b, e) : add(F64, a, b, e);
}

uint64_t sf_sub(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e)
{
    return sf_add(f, a, b ^ sf_sign_bit(f), e);
}

uint64_t sf_mul(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e)
{
    return f == SF_F32 ? mul(F32, a, b, e) : mul(F64, a, b, e);
}

uint64_t sf_div(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e)
{
    return f == SF_F32 ? divide(F32, a, b, e) : divide(F64, a, b, e);
}

uint64_t sf_sqrt(enum sf_format f, uint64_t a, struct sf_env *e)
{
    return f == SF_F32 ? square_root(F32, a, e) : square_root(F64, a, e);
}

uint64_t sf_fma(enum sf_format f, uint64_t a, uint64_t b, uint64_t c, struct sf_env *e)
{
    return f == SF_F32 ? fused(F32, a, b, c, e) : fused(F64, a, b, c, e);
}

uint64_t sf_min(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e)
{
    return f == SF_F32 ? min_max(F32, a, b, false, e) : min_max(F64, a, b, false, e);
}

uint64_t sf_max(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e)
{
    return f == SF_F32 ? min_max(F32, a, b, true, e) : min_max(F64, a, b, true, e);
}

bool sf_eq(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e)
{
    return f == SF_F32 ? equal(F32, a, b, e) : equal(F64, a, b, e);
}

bool sf_lt(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e)
{
    return f == SF_F32 ? less(F32, a, b, false, e) : less(F64, a, b, false, e);
}

bool sf_le(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e)
{
    return f == SF_F32 ? less(F32, a, b, true, e) : less(F64, a, b, true, e);
}

unsigned sf_classify(enum sf_format f, uint64_t a)
{
    return f == SF_F32 ? classify(F32, a) : classify(F64, a);
}

uint64_t sf_to_int(enum sf_format f, uint64_t a, bool is_signed, unsigned bits, struct sf_env *e)
{
    return f == SF_F32 ? to_int(F32, a, is_signed, bits, e) : to_int(F64, a, is_signed, bits, e);
}

uint64_t sf_from_u64(enum sf_format f, uint64_t value, struct sf_env *e)
{
    return f == SF_F32 ? from_int(F32, false, value, e) : from_int(F64, false, value, e);
}

uint64_t sf_from_i64(enum sf_format f, int64_t value, struct sf_env *e)
{
    bool sign = value < 0;
    uint64_t magnitude = sign ? -(uint64_t)value : (uint64_t)value;

    return f == SF_F32 ? from_int(F32, sign, magnitude, e) : from_int(F64, sign, magnitude, e);
}

uint64_t sf_convert(enum sf_format from, enum sf_format to, uint64_t a, struct sf_env *e)
{
    struct layout source = from == SF_F32 ? F32 : F64;

    return to == SF_F32 ? convert(source, F32, a, e) : convert(source, F64, a, e);
}
