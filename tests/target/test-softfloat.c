/* SPDX-License-Identifier: MIT */
/*
 * softfloat against the host's SSE unit (results and flags, four rounding modes), RMM and unsigned conversions against exact
 * 128-bit integers. Operands: all pairs of a table of hard ones, and random ones whose exponents meet. An argument multiplies
 * the number of random rounds.
 *
 * Where x86 differs from RISC-V the test says so: NaN payloads, infinity * 0 + NaN, conversions that do not fit.
 */
#include "hw/host/bits.h"
#include "target-riscv/softfloat.h"
#include "tests/random.h"
#include "tests/unit.h"
#include <stdlib.h>

#define CHECK_ROUNDS 400000

static unsigned frac_bits(enum sf_format f)
{
    return f == SF_F32 ? 23 : 52;
}

static unsigned exp_max(enum sf_format f)
{
    return f == SF_F32 ? 255 : 2047;
}

static uint64_t make(enum sf_format f, bool sign, uint64_t exp, uint64_t frac)
{
    return (sign ? sf_sign_bit(f) : 0) | exp << frac_bits(f) | (frac & (BIT(frac_bits(f)) - 1));
}

static bool is_nan(enum sf_format f, uint64_t a)
{
    return (a & ~sf_sign_bit(f)) > make(f, false, exp_max(f), 0);
}

/* Fractions with long runs of ones or zeros, or few bits, find the corners of rounding. */
static uint64_t hard_fraction(uint64_t *r)
{
    uint64_t n = next_random(r);

    switch (n >> 61) {
    case 0:
        return 0;
    case 1:
        return ~UINT64_C(0);
    case 2:
        return BIT(n & 63);
    case 3:
        return ~UINT64_C(0) << (n & 63);
    case 4:
        return ~UINT64_C(0) >> (n & 63);
    case 5:
        return BIT(n & 63) | BIT((n >> 6) & 63) | 1;
    default:
        return next_random(r);
    }
}

static uint64_t hard_exponent(enum sf_format f, uint64_t *r, uint64_t near)
{
    uint64_t n = next_random(r);
    unsigned max = exp_max(f);

    switch (n % 8) {
    case 0:
        return (n >> 8) % 3;
    case 1:
        return max - (n >> 8) % 3;
    case 2:
        return max / 2 + (n >> 8) % 130 - 65;
    case 3:
    case 4:
    case 5:
        return (near + (n >> 8) % 9 + max - 4) % max;
    default:
        return (n >> 8) % (max + 1);
    }
}

/* NEAR: another operand, whose exponent this one often comes close to. */
static uint64_t hard_operand(enum sf_format f, uint64_t *r, uint64_t near)
{
    uint64_t exp = (near >> frac_bits(f)) & exp_max(f);

    return make(f, next_random(r) & 1, hard_exponent(f, r, exp), hard_fraction(r));
}

/* ---- the host's unit ------------------------------------------------------------------------------------------------------- */

struct sse {
    uint32_t control; /* rounding bits for MXCSR, exceptions masked */
    uint8_t flags;    /* result, as fflags */
};

static uint32_t sse_control(unsigned rm)
{
    static const uint32_t modes[] = {[SF_RNE] = 0, [SF_RTZ] = 3, [SF_RDN] = 1, [SF_RUP] = 2};

    return 0x1f80 | modes[rm] << 13;
}

static uint8_t flags_of(uint32_t mxcsr)
{
    return (uint8_t)((mxcsr & 1 ? SF_NV : 0) | (mxcsr & 4 ? SF_DZ : 0) | (mxcsr & 8 ? SF_OF : 0) |
                     (mxcsr & 16 ? SF_UF : 0) | (mxcsr & 32 ? SF_NX : 0));
}

/* One instruction INSN with MXCSR set up, between two xmm operands A (also the result) and B. */
#define SSE_OP(name, insn, type)                                                                   \
    static type name(type a, type b, struct sse *s)                                                \
    {                                                                                              \
        uint32_t saved, in = s->control, out;                                                      \
        __asm__ volatile("stmxcsr %1\n\tldmxcsr %3\n\t" insn " %4, %0\n\tstmxcsr %2\n\tldmxcsr %1" \
                         : "+x"(a), "=m"(saved), "=m"(out)                                         \
                         : "m"(in), "x"(b));                                                       \
        s->flags = flags_of(out);                                                                  \
        return a;                                                                                  \
    }

#define SSE_FMA(name, insn, type)                                  \
    static type name(type a, type b, type c, struct sse *s)        \
    {                                                              \
        uint32_t saved, in = s->control, out;                      \
        __asm__ volatile("stmxcsr %1\n\tldmxcsr %3\n\t" insn       \
                         " %5, %4, %0\n\tstmxcsr %2\n\tldmxcsr %1" \
                         : "+x"(c), "=m"(saved), "=m"(out)         \
                         : "m"(in), "x"(a), "x"(b));               \
        s->flags = flags_of(out);                                  \
        return c;                                                  \
    }

#define SSE_TO_INT(name, insn, type)                                                               \
    static int64_t name(type a, struct sse *s)                                                     \
    {                                                                                              \
        uint32_t saved, in = s->control, out;                                                      \
        int64_t r;                                                                                 \
        __asm__ volatile("stmxcsr %1\n\tldmxcsr %3\n\t" insn " %4, %0\n\tstmxcsr %2\n\tldmxcsr %1" \
                         : "=&r"(r), "=m"(saved), "=m"(out)                                        \
                         : "m"(in), "x"(a));                                                       \
        s->flags = flags_of(out);                                                                  \
        return r;                                                                                  \
    }

#define SSE_FROM_INT(name, insn, type)                                                             \
    static type name(int64_t a, struct sse *s)                                                     \
    {                                                                                              \
        uint32_t saved, in = s->control, out;                                                      \
        type r;                                                                                    \
        __asm__ volatile("stmxcsr %1\n\tldmxcsr %3\n\t" insn " %4, %0\n\tstmxcsr %2\n\tldmxcsr %1" \
                         : "=&x"(r), "=m"(saved), "=m"(out)                                        \
                         : "m"(in), "r"(a));                                                       \
        s->flags = flags_of(out);                                                                  \
        return r;                                                                                  \
    }

SSE_OP(sse_addss, "addss", float)
SSE_OP(sse_subss, "subss", float)
SSE_OP(sse_mulss, "mulss", float)
SSE_OP(sse_divss, "divss", float)
SSE_OP(sse_sqrtss, "sqrtss", float)
SSE_OP(sse_addsd, "addsd", double)
SSE_OP(sse_subsd, "subsd", double)
SSE_OP(sse_mulsd, "mulsd", double)
SSE_OP(sse_divsd, "divsd", double)
SSE_OP(sse_sqrtsd, "sqrtsd", double)
SSE_OP(sse_cvtss2sd, "cvtss2sd", double)
SSE_OP(sse_cvtsd2ss, "cvtsd2ss", double)
SSE_FMA(sse_fmass, "vfmadd231ss", float)
SSE_FMA(sse_fmasd, "vfmadd231sd", double)
SSE_TO_INT(sse_cvtss2si, "cvtss2siq", float)
SSE_TO_INT(sse_cvtsd2si, "cvtsd2siq", double)
SSE_FROM_INT(sse_cvtsi2ss, "cvtsi2ssq", float)
SSE_FROM_INT(sse_cvtsi2sd, "cvtsi2sdq", double)

static float to_float(uint64_t bits)
{
    uint32_t b = (uint32_t)bits;
    float f;

    memcpy(&f, &b, sizeof(f));
    return f;
}

static double to_double(uint64_t bits)
{
    double d;

    memcpy(&d, &bits, sizeof(d));
    return d;
}

static uint64_t of_float(float f)
{
    uint32_t b;

    memcpy(&b, &f, sizeof(b));
    return b;
}

static uint64_t of_double(double d)
{
    uint64_t b;

    memcpy(&b, &d, sizeof(b));
    return b;
}

enum op { ADD, SUB, MUL, DIV, SQRT, OP_COUNT };
static const char *const op_names[] = {"add", "sub", "mul", "div", "sqrt", "fma"};

static uint64_t host_op(enum sf_format f, enum op op, uint64_t a, uint64_t b, struct sse *s)
{
    static float (*const singles[])(float, float, struct sse *) = {sse_addss, sse_subss, sse_mulss,
                                                                   sse_divss};
    static double (*const doubles[])(double, double, struct sse *) = {sse_addsd, sse_subsd,
                                                                      sse_mulsd, sse_divsd};

    if (f == SF_F32) {
        return of_float(op == SQRT ? sse_sqrtss(0, to_float(a), s)
                                   : singles[op](to_float(a), to_float(b), s));
    }
    return of_double(op == SQRT ? sse_sqrtsd(0, to_double(a), s)
                                : doubles[op](to_double(a), to_double(b), s));
}

static uint64_t soft_op(enum sf_format f, enum op op, uint64_t a, uint64_t b, struct sf_env *e)
{
    static uint64_t (*const fns[])(enum sf_format, uint64_t, uint64_t,
                                   struct sf_env *) = {sf_add, sf_sub, sf_mul, sf_div};

    return op == SQRT ? sf_sqrt(f, a, e) : fns[op](f, a, b, e);
}

/* A NaN from the host is the canonical one from us. */
static bool same(enum sf_format f, uint64_t soft, uint64_t host)
{
    return is_nan(f, host) ? soft == sf_nan(f) : soft == host;
}

static void report(struct unit *u, const char *what, enum sf_format f, unsigned rm,
                   const uint64_t *in, const uint64_t *out)
{
    if (!u->failed) {
        printf("FAIL %s: f%d %s rm %u of %" PRIx64 " %" PRIx64 " %" PRIx64 ": %" PRIx64
               " flags %" PRIx64 ", host %" PRIx64 " flags %" PRIx64 "\n",
               u->name, f == SF_F32 ? 32 : 64, what, rm, in[0], in[1], in[2], out[0], out[1],
               out[2], out[3]);
    }
    u->failed = true;
}

static void compare_op(struct unit *u, enum sf_format f, enum op op, uint64_t a, uint64_t b)
{
    for (unsigned rm = SF_RNE; rm <= SF_RUP; rm++) {
        struct sse s = {.control = sse_control(rm)};
        struct sf_env e = {.rm = (uint8_t)rm};
        uint64_t host = host_op(f, op, a, b, &s), soft = soft_op(f, op, a, b, &e);

        if (!same(f, soft, host) || e.flags != s.flags) {
            report(u, op_names[op], f, rm, (uint64_t[]){a, b, 0},
                   (uint64_t[]){soft, e.flags, host, s.flags});
        }
    }
}

static bool zero_times_infinity(enum sf_format f, uint64_t a, uint64_t b)
{
    uint64_t inf = make(f, false, exp_max(f), 0), mask = ~sf_sign_bit(f);

    return ((a & mask) == 0 && (b & mask) == inf) || ((a & mask) == inf && (b & mask) == 0);
}

static void compare_fma(struct unit *u, enum sf_format f, uint64_t a, uint64_t b, uint64_t c)
{
    for (unsigned rm = SF_RNE; rm <= SF_RUP; rm++) {
        struct sse s = {.control = sse_control(rm)};
        struct sf_env e = {.rm = (uint8_t)rm};
        uint64_t soft = sf_fma(f, a, b, c, &e);
        uint64_t host = f == SF_F32
                            ? of_float(sse_fmass(to_float(a), to_float(b), to_float(c), &s))
                            : of_double(sse_fmasd(to_double(a), to_double(b), to_double(c), &s));

        if (zero_times_infinity(f, a, b)) {
            s.flags = SF_NV; /* x86 is silent when c is a quiet NaN */
        }
        if (!same(f, soft, host) || e.flags != s.flags) {
            report(u, "fma", f, rm, (uint64_t[]){a, b, c},
                   (uint64_t[]){soft, e.flags, host, s.flags});
        }
    }
}

/* ---- tables of hard operands --------------------------------------------------------------------------------------------------- */

#define HARD_MAX 256

static unsigned hard_table(enum sf_format f, uint64_t *t)
{
    unsigned max = exp_max(f), bias = max / 2, fb = frac_bits(f), n = 0;
    const unsigned exps[] = {0,        1,       2,        bias - fb - 1, bias - fb,
                             bias - 1, bias,    bias + 1, bias + fb,     bias + fb + 1,
                             max - 2,  max - 1, max};
    const uint64_t fracs[] = {
        0, 1, BIT(fb - 1), BIT(fb - 1) - 1, BIT(fb - 1) + 1, BIT(fb) - 1, BIT(fb) - 2, BIT(fb / 2)};

    for (unsigned i = 0; i < ARRAY_SIZE(exps); i++) {
        for (unsigned k = 0; k < ARRAY_SIZE(fracs); k++) {
            t[n++] = make(f, false, exps[i], fracs[k]);
            t[n++] = make(f, true, exps[i], fracs[k]);
        }
    }
    return n;
}

static unsigned rounds = CHECK_ROUNDS;

static void sweep_ops(struct unit *u, enum sf_format f)
{
    uint64_t t[HARD_MAX];
    unsigned n = hard_table(f, t);
    uint64_t r = 1;

    for (unsigned op = 0; op < OP_COUNT; op++) {
        for (unsigned i = 0; i < n * n; i++) {
            compare_op(u, f, op, t[i / n], t[i % n]);
        }
        for (unsigned i = 0; i < rounds; i++) {
            uint64_t a = hard_operand(f, &r, 0);

            compare_op(u, f, op, a, hard_operand(f, &r, a));
        }
    }
}

static void f32_arithmetic_agrees_with_sse_in_results_and_flags(struct unit *u)
{
    sweep_ops(u, SF_F32);
}

static void f64_arithmetic_agrees_with_sse_in_results_and_flags(struct unit *u)
{
    sweep_ops(u, SF_F64);
}

/* C near the product, so that cancellation happens. */
static uint64_t near_product(enum sf_format f, uint64_t *r, uint64_t a, uint64_t b)
{
    struct sf_env e = {0};
    uint64_t p = sf_mul(f, a, b, &e);

    switch (next_random(r) % 4) {
    case 0:
        return p ^ sf_sign_bit(f);
    case 1:
        return (p ^ sf_sign_bit(f)) + next_random(r) % 5 - 2;
    default:
        return hard_operand(f, r, p);
    }
}

static void sweep_fma(struct unit *u, enum sf_format f)
{
    uint64_t t[HARD_MAX];
    unsigned n = hard_table(f, t);
    uint64_t r = 2;

    if (!__builtin_cpu_supports("fma")) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < n; k++) {
            for (unsigned m = (i + k) % 5; m < n; m += 5) {
                compare_fma(u, f, t[i], t[k], t[m]);
            }
        }
    }
    for (unsigned i = 0; i < 2 * rounds; i++) {
        uint64_t a = hard_operand(f, &r, 0), b = hard_operand(f, &r, a);

        compare_fma(u, f, a, b, near_product(f, &r, a, b));
    }
}

static void f32_fma_rounds_once_like_the_host(struct unit *u)
{
    sweep_fma(u, SF_F32);
}

static void f64_fma_rounds_once_like_the_host(struct unit *u)
{
    sweep_fma(u, SF_F64);
}

static void infinity_times_zero_plus_quiet_nan_is_invalid(struct unit *u)
{
    struct sf_env e = {0};

    CHECK_EQ(u, sf_fma(SF_F64, make(SF_F64, false, 2047, 0), 0, sf_nan(SF_F64), &e),
             sf_nan(SF_F64));
    CHECK_EQ(u, e.flags, SF_NV);
}

/* ---- RMM: exact sums and products in 128 bits -------------------------------------------------------------------------------------- */

typedef unsigned __int128 u128;

/* MAG * 2^EXP to F with ties away, by repeated halving: slow, and nothing like the code under test. Normal results only. */
static bool exact_rmm(enum sf_format f, bool sign, u128 mag, int exp, uint64_t *out)
{
    unsigned fb = frac_bits(f);
    int bias = (int)exp_max(f) / 2;
    bool half = false;

    if (mag == 0) {
        return false;
    }
    while (mag >> (fb + 1)) {
        half = mag & 1;
        mag >>= 1;
        exp++;
    }
    if (half && ++mag >> (fb + 1)) {
        mag >>= 1;
        exp++;
    }
    while (!(mag >> fb)) {
        mag <<= 1;
        exp--;
    }
    exp += (int)fb + bias;
    if (exp <= 0 || exp >= (int)exp_max(f)) {
        return false;
    }
    *out = make(f, sign, (uint64_t)exp, (uint64_t)mag);
    return true;
}

struct exact {
    bool sign;
    uint64_t mag;
    int exp;
};

/* A normal operand of the middle of the range. */
static struct exact exact_operand(enum sf_format f, uint64_t *r, uint64_t *bits)
{
    unsigned fb = frac_bits(f), bias = exp_max(f) / 2;
    uint64_t exp = bias + next_random(r) % 41 - 20, frac = hard_fraction(r) & (BIT(fb) - 1);
    bool sign = next_random(r) & 1;

    *bits = make(f, sign, exp, frac);
    return (struct exact){sign, BIT(fb) | frac, (int)exp - (int)bias - (int)fb};
}

static void check_rmm_mul(struct unit *u, enum sf_format f, uint64_t *r)
{
    uint64_t a, b, want;
    struct exact x = exact_operand(f, r, &a), y = exact_operand(f, r, &b);
    struct sf_env e = {.rm = SF_RMM};
    uint64_t got = sf_mul(f, a, b, &e);

    if (exact_rmm(f, x.sign != y.sign, (u128)x.mag * y.mag, x.exp + y.exp, &want)) {
        CHECK_EQ(u, got, want);
    }
}

static void check_rmm_add(struct unit *u, enum sf_format f, uint64_t *r)
{
    uint64_t a, b, want;
    struct exact x = exact_operand(f, r, &a), y = exact_operand(f, r, &b);
    int low = MIN(x.exp, y.exp);
    __int128 sum = ((__int128)x.mag << (x.exp - low)) * (x.sign ? -1 : 1);
    struct sf_env e = {.rm = SF_RMM};
    uint64_t got = sf_add(f, a, b, &e);

    sum += ((__int128)y.mag << (y.exp - low)) * (y.sign ? -1 : 1);
    if (exact_rmm(f, sum < 0, sum < 0 ? -(u128)sum : (u128)sum, low, &want)) {
        CHECK_EQ(u, got, want);
    }
}

/* f32 only: the sum of a product and a third operand fits in 128 bits. */
static void check_rmm_fma(struct unit *u, uint64_t *r)
{
    uint64_t a, b, c, want;
    struct exact x = exact_operand(SF_F32, r, &a), y = exact_operand(SF_F32, r, &b),
                 z = exact_operand(SF_F32, r, &c);
    int low = MIN(x.exp + y.exp, z.exp);
    u128 product = (u128)((u128)x.mag * y.mag) << (x.exp + y.exp - low);
    __int128 sum = (__int128)product * (x.sign != y.sign ? -1 : 1);
    struct sf_env e = {.rm = SF_RMM};
    uint64_t got = sf_fma(SF_F32, a, b, c, &e);

    sum += ((__int128)z.mag << (z.exp - low)) * (z.sign ? -1 : 1);
    if (exact_rmm(SF_F32, sum < 0, sum < 0 ? -(u128)sum : (u128)sum, low, &want)) {
        CHECK_EQ(u, got, want);
    }
}

static void ties_go_away_from_zero_in_rmm(struct unit *u)
{
    uint64_t r = 3;

    for (unsigned i = 0; i < rounds; i++) {
        check_rmm_mul(u, SF_F32, &r);
        check_rmm_mul(u, SF_F64, &r);
        check_rmm_add(u, SF_F32, &r);
        check_rmm_add(u, SF_F64, &r);
        check_rmm_fma(u, &r);
    }
}

/* A quotient or root of normal size is never a tie: RMM must be what RNE is. */
static void quotients_and_roots_round_in_rmm_as_in_rne(struct unit *u)
{
    uint64_t r = 4;

    for (unsigned i = 0; i < rounds; i++) {
        enum sf_format f = i & 1;
        struct sf_env rne = {.rm = SF_RNE}, rmm = {.rm = SF_RMM};
        uint64_t a, b;

        exact_operand(f, &r, &a);
        exact_operand(f, &r, &b);
        CHECK_EQ(u, sf_div(f, a, b, &rmm), sf_div(f, a, b, &rne));
        CHECK_EQ(u, sf_sqrt(f, a, &rmm), sf_sqrt(f, a, &rne));
        CHECK_EQ(u, rmm.flags, rne.flags);
    }
}

static void overflow_and_underflow_in_rmm_are_those_of_rne(struct unit *u)
{
    struct sf_env e = {.rm = SF_RMM};

    CHECK_EQ(u, sf_mul(SF_F32, 0x7f7fffff, 0x40000000, &e), 0x7f800000);
    CHECK_EQ(u, e.flags, SF_OF | SF_NX);
    e.flags = 0;
    CHECK_EQ(u, sf_mul(SF_F32, 0x00000001, 0x3f000000, &e), 1); /* half of the smallest: away */
    CHECK_EQ(u, e.flags, SF_UF | SF_NX);
}

/* ---- conversions ------------------------------------------------------------------------------------------------------------------------ */

static void compare_convert(struct unit *u, uint64_t a)
{
    for (unsigned rm = SF_RNE; rm <= SF_RUP; rm++) {
        struct sse s = {.control = sse_control(rm)};
        struct sf_env e = {.rm = (uint8_t)rm};
        uint64_t soft = sf_convert(SF_F64, SF_F32, a, &e);
        uint64_t host = (uint32_t)of_double(sse_cvtsd2ss(0, to_double(a), &s));

        if (!same(SF_F32, soft, host) || e.flags != s.flags) {
            report(u, "f64 to", SF_F32, rm, (uint64_t[]){a, 0, 0},
                   (uint64_t[]){soft, e.flags, host, s.flags});
        }
        e.flags = 0;
        soft = sf_convert(SF_F32, SF_F64, (uint32_t)a, &e);
        host = of_double(sse_cvtss2sd(0, to_double((uint32_t)a), &s));
        if (!same(SF_F64, soft, host) || e.flags != s.flags) {
            report(u, "f32 to", SF_F64, rm, (uint64_t[]){(uint32_t)a, 0, 0},
                   (uint64_t[]){soft, e.flags, host, s.flags});
        }
    }
}

static void formats_convert_like_the_host(struct unit *u)
{
    uint64_t r = 5;

    for (unsigned i = 0; i < 2 * rounds; i++) {
        uint64_t a = hard_operand(SF_F64, &r, 0);

        if (i & 1) { /* around the range of f32 */
            a = make(SF_F64, a >> 63, 1023 - 160 + next_random(&r) % 300, hard_fraction(&r));
        }
        compare_convert(u, a);
        compare_convert(u, hard_operand(SF_F32, &r, 0));
    }
}

static int64_t host_to_int(enum sf_format f, uint64_t a, struct sse *s)
{
    return f == SF_F32 ? sse_cvtss2si(to_float(a), s) : sse_cvtsd2si(to_double(a), s);
}

/* An operand with a magnitude around those of integers. */
static uint64_t int_sized(enum sf_format f, uint64_t *r)
{
    unsigned bias = exp_max(f) / 2;

    return make(f, next_random(r) & 1, bias - 3 + next_random(r) % 70, hard_fraction(r));
}

static void check_signed(struct unit *u, enum sf_format f, uint64_t a, unsigned rm)
{
    struct sse s = {.control = sse_control(rm)};
    struct sf_env e = {.rm = (uint8_t)rm};
    int64_t host = host_to_int(f, a, &s);
    uint64_t soft = sf_to_int(f, a, true, 64, &e);
    bool negative = a & sf_sign_bit(f) && !is_nan(f, a);

    CHECK_EQ(u, e.flags, s.flags);
    CHECK_EQ(u, soft, s.flags & SF_NV ? (negative ? INT64_MIN : INT64_MAX) : host);
    e.flags = 0;
    soft = sf_to_int(f, a, true, 32, &e);
    if (s.flags & SF_NV || host != (int32_t)host) {
        CHECK_EQ(u, soft, negative ? 0x80000000 : 0x7fffffff);
        CHECK_EQ(u, e.flags, SF_NV);
    } else {
        CHECK_EQ(u, soft, (uint32_t)host);
        CHECK_EQ(u, e.flags, s.flags);
    }
    e.flags = 0;
    soft = sf_to_int(f, a, false, 32, &e);
    if (s.flags & SF_NV || host != (uint32_t)host) {
        CHECK_EQ(u, soft, negative ? 0 : 0xffffffff);
        CHECK_EQ(u, e.flags, SF_NV);
    } else {
        CHECK_EQ(u, soft, host);
        CHECK_EQ(u, e.flags, s.flags);
    }
}

static void to_integers_like_the_host_and_saturating(struct unit *u)
{
    uint64_t r = 6;

    for (unsigned i = 0; i < 2 * rounds; i++) {
        enum sf_format f = i & 1;
        uint64_t a = i & 2 ? int_sized(f, &r) : hard_operand(f, &r, 0);

        check_signed(u, f, a, (i >> 2) % 4);
    }
}

/* Values of 2^63 and up are integers: their conversion is a shift. */
static void large_values_to_unsigned_are_exact(struct unit *u)
{
    uint64_t r = 7;

    for (unsigned i = 0; i < rounds; i++) {
        enum sf_format f = i & 1;
        uint64_t frac = hard_fraction(&r) & (BIT(frac_bits(f)) - 1);
        struct sf_env e = {.rm = (uint8_t)(i % 5)};

        CHECK_EQ(u, sf_to_int(f, make(f, false, exp_max(f) / 2 + 63, frac), false, 64, &e),
                 BIT(63) | frac << (63 - frac_bits(f)));
        CHECK_EQ(u, e.flags, 0);
        CHECK_EQ(u, sf_to_int(f, make(f, false, exp_max(f) / 2 + 64, frac), false, 64, &e),
                 UINT64_MAX);
        CHECK_EQ(u, e.flags, SF_NV);
    }
}

static void negative_fractions_to_unsigned_are_inexact_not_invalid(struct unit *u)
{
    struct sf_env e = {.rm = SF_RTZ};

    CHECK_EQ(u, sf_to_int(SF_F32, 0xbf400000, false, 64, &e), 0); /* -0.75 */
    CHECK_EQ(u, e.flags, SF_NX);
    e = (struct sf_env){.rm = SF_RMM};
    CHECK_EQ(u, sf_to_int(SF_F32, 0xbf000000, false, 64, &e), 0); /* -0.5 rounds to -1 */
    CHECK_EQ(u, e.flags, SF_NV);
    e = (struct sf_env){.rm = SF_RNE};
    CHECK_EQ(u, sf_to_int(SF_F32, sf_nan(SF_F32), false, 32, &e), 0xffffffff);
    CHECK_EQ(u, sf_to_int(SF_F32, 0xff800000, true, 32, &e), 0x80000000);
}

static void check_from_int(struct unit *u, uint64_t value, unsigned rm)
{
    struct sse s = {.control = sse_control(rm)};
    struct sf_env e = {.rm = (uint8_t)rm};

    CHECK_EQ(u, sf_from_i64(SF_F32, (int64_t)value, &e),
             of_float(sse_cvtsi2ss((int64_t)value, &s)));
    CHECK_EQ(u, e.flags, s.flags);
    e.flags = 0;
    CHECK_EQ(u, sf_from_i64(SF_F64, (int64_t)value, &e),
             of_double(sse_cvtsi2sd((int64_t)value, &s)));
    CHECK_EQ(u, e.flags, s.flags);
    e.flags = 0;
    if ((int64_t)value >= 0) {
        CHECK_EQ(u, sf_from_u64(SF_F64, value, &e), of_double(sse_cvtsi2sd((int64_t)value, &s)));
        return;
    }
    /* Halved with a sticky bit it is a signed number, and half of the result. */
    CHECK_EQ(u, sf_from_u64(SF_F64, value, &e),
             of_double(sse_cvtsi2sd((int64_t)(value >> 1 | (value & 1)), &s)) + BIT(52));
    CHECK_EQ(u, e.flags, s.flags);
}

static void from_integers_like_the_host(struct unit *u)
{
    uint64_t r = 8;

    check_from_int(u, 0, SF_RDN);
    for (unsigned i = 0; i < rounds; i++) {
        check_from_int(u, hard_fraction(&r) >> (next_random(&r) & 63), i % 4);
        check_from_int(u, hard_fraction(&r), i % 4);
    }
}

/* ---- comparisons ------------------------------------------------------------------------------------------------------------------------ */

static void check_compare(struct unit *u, uint64_t a, uint64_t b)
{
    struct sf_env eq = {0}, lt = {0}, le = {0};
    double x = to_double(a), y = to_double(b);
    bool nan = is_nan(SF_F64, a) || is_nan(SF_F64, b);
    bool snan = (is_nan(SF_F64, a) && !(a & BIT(51))) || (is_nan(SF_F64, b) && !(b & BIT(51)));

    CHECK_EQ(u, sf_eq(SF_F64, a, b, &eq), !nan && x == y);
    CHECK_EQ(u, sf_lt(SF_F64, a, b, &lt), !nan && x < y);
    CHECK_EQ(u, sf_le(SF_F64, a, b, &le), !nan && x <= y);
    CHECK_EQ(u, eq.flags, snan ? SF_NV : 0);
    CHECK_EQ(u, lt.flags, nan ? SF_NV : 0);
    CHECK_EQ(u, le.flags, nan ? SF_NV : 0);
}

static void comparisons_order_numbers_and_signal_nans(struct unit *u)
{
    uint64_t t[HARD_MAX];
    unsigned n = hard_table(SF_F64, t);

    for (unsigned i = 0; i < n * n; i++) {
        check_compare(u, t[i / n], t[i % n]);
    }
}

static void min_and_max_prefer_numbers_and_order_zeros(struct unit *u)
{
    const uint64_t one = 0x3f800000, qnan = 0x7fc00001, snan = 0x7f800001, minus0 = 0x80000000;
    struct sf_env e = {0};

    CHECK_EQ(u, sf_min(SF_F32, minus0, 0, &e), minus0);
    CHECK_EQ(u, sf_min(SF_F32, 0, minus0, &e), minus0);
    CHECK_EQ(u, sf_max(SF_F32, minus0, 0, &e), 0);
    CHECK_EQ(u, sf_max(SF_F32, qnan, one, &e), one);
    CHECK_EQ(u, sf_min(SF_F32, one, qnan, &e), one);
    CHECK_EQ(u, sf_min(SF_F32, qnan, qnan, &e), sf_nan(SF_F32));
    CHECK_EQ(u, sf_min(SF_F32, 0xc0000000, one, &e), 0xc0000000);
    CHECK_EQ(u, sf_max(SF_F32, 0xc0000000, 0xbf800000, &e), 0xbf800000);
    CHECK_EQ(u, e.flags, 0);
    CHECK_EQ(u, sf_min(SF_F32, snan, one, &e), one);
    CHECK_EQ(u, e.flags, SF_NV);
}

static void classes_are_the_ten_of_fclass(struct unit *u)
{
    const struct {
        uint64_t bits;
        unsigned bit;
    } rows[] = {{0xff800000, 0}, {0xbf800000, 1}, {0x80000001, 2}, {0x80000000, 3},
                {0x00000000, 4}, {0x007fffff, 5}, {0x00800000, 6}, {0x7f800000, 7},
                {0x7f800001, 8}, {0x7fc00000, 9}};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        CHECK_EQ(u, sf_classify(SF_F32, rows[i].bits), 1u << rows[i].bit);
    }
    CHECK_EQ(u, sf_classify(SF_F64, 1), 1 << 5);
    CHECK_EQ(u, sf_classify(SF_F64, BIT(52)), 1 << 6);
}

int main(int argc, char **argv)
{
    static const struct unit_case cases[] = {
        UNIT(f32_arithmetic_agrees_with_sse_in_results_and_flags),
        UNIT(f64_arithmetic_agrees_with_sse_in_results_and_flags),
        UNIT(f32_fma_rounds_once_like_the_host),
        UNIT(f64_fma_rounds_once_like_the_host),
        UNIT(infinity_times_zero_plus_quiet_nan_is_invalid),
        UNIT(ties_go_away_from_zero_in_rmm),
        UNIT(quotients_and_roots_round_in_rmm_as_in_rne),
        UNIT(overflow_and_underflow_in_rmm_are_those_of_rne),
        UNIT(formats_convert_like_the_host),
        UNIT(to_integers_like_the_host_and_saturating),
        UNIT(large_values_to_unsigned_are_exact),
        UNIT(negative_fractions_to_unsigned_are_inexact_not_invalid),
        UNIT(from_integers_like_the_host),
        UNIT(comparisons_order_numbers_and_signal_nans),
        UNIT(min_and_max_prefer_numbers_and_order_zeros),
        UNIT(classes_are_the_ten_of_fclass),
    };

    if (argc > 1) {
        rounds *= (unsigned)strtoul(argv[1], NULL, 10);
    }
    return unit_run(cases, ARRAY_SIZE(cases));
}
