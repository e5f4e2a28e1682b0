/* SPDX-License-Identifier: MIT */
/*
 * F and D helpers: f registers in and out (NaN-boxed), rounding mode from the instruction or frm, flags into fflags. The
 * arithmetic is softfloat.c's. An instruction of each kind exists for both formats, so the bodies are written once and expanded
 * at the end of the file.
 *
 * RISC-V F and D 2.2: section 20.2 (NaN boxing), 20.2.2 (rounding modes).
 */
#include "target-riscv/csr.h"
#include "target-riscv/hart.h"
#include "target-riscv/softfloat.h"

#define BOX UINT64_C(0xffffffff00000000)

/* The operand in an f register: a float that is not boxed counts as the canonical NaN. */
static uint64_t unbox(enum sf_format f, uint64_t reg)
{
    if (f == SF_F64) {
        return reg;
    }
    return likely(reg >= BOX) ? (uint32_t)reg : sf_nan(SF_F32);
}

static uint64_t box(enum sf_format f, uint64_t value)
{
    return f == SF_F64 ? value : value | BOX;
}

/* Any change of fflags is a change of the floating-point state. */
static void add_flags(struct hart *h, uint8_t flags)
{
    if (flags & ~h->fflags) {
        h->fflags |= flags;
        h->mstatus |= MSTATUS_FS;
    }
}

/* Sets the rounding mode of RAW; false, and raised, for a reserved one. */
static bool fp_enter(struct hart *h, int64_t raw, struct sf_env *e)
{
    unsigned rm = (unsigned)extract64((uint64_t)raw, 12, 3);

    *e = (struct sf_env){.rm = (uint8_t)(rm == 7 ? h->frm : rm)};
    if (likely(e->rm <= SF_RMM)) {
        return true;
    }
    hart_raise(h, CAUSE_ILLEGAL, (uint32_t)raw);
    return false;
}

/* ---- the kinds of instructions ------------------------------------------------------------------------------------------------- */

typedef uint64_t sf_binary(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);
typedef bool sf_compare(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);

static inline uint64_t arith(struct hart *h, enum sf_format f, sf_binary *fn, uint64_t a,
                             uint64_t b, int64_t raw)
{
    struct sf_env e;
    uint64_t r;

    if (!fp_enter(h, raw, &e)) {
        return 0;
    }
    r = fn(f, unbox(f, a), unbox(f, b), &e);
    add_flags(h, e.flags);
    return box(f, r);
}

static inline uint64_t root(struct hart *h, enum sf_format f, uint64_t a, int64_t raw)
{
    struct sf_env e;
    uint64_t r;

    if (!fp_enter(h, raw, &e)) {
        return 0;
    }
    r = sf_sqrt(f, unbox(f, a), &e);
    add_flags(h, e.flags);
    return box(f, r);
}

struct operands {
    uint64_t a, b, c;
};

/* (a * b, negated if NEG_PRODUCT) + (c, negated if NEG_C). */
static inline uint64_t fused(struct hart *h, enum sf_format f, struct operands o, bool neg_product,
                             bool neg_c, int64_t raw)
{
    uint64_t sign = sf_sign_bit(f), r;
    struct sf_env e;

    if (!fp_enter(h, raw, &e)) {
        return 0;
    }
    r = sf_fma(f, unbox(f, o.a) ^ (neg_product ? sign : 0), unbox(f, o.b),
               unbox(f, o.c) ^ (neg_c ? sign : 0), &e);
    add_flags(h, e.flags);
    return box(f, r);
}

static inline uint64_t pick(struct hart *h, enum sf_format f, sf_binary *fn, uint64_t a, uint64_t b)
{
    struct sf_env e = {0};
    uint64_t r = fn(f, unbox(f, a), unbox(f, b), &e);

    add_flags(h, e.flags);
    return box(f, r);
}

static inline uint64_t compare(struct hart *h, enum sf_format f, sf_compare *fn, uint64_t a,
                               uint64_t b)
{
    struct sf_env e = {0};
    bool r = fn(f, unbox(f, a), unbox(f, b), &e);

    add_flags(h, e.flags);
    return r;
}

/* Results of 32 bits are sign-extended, the unsigned ones too. */
static inline uint64_t to_int(struct hart *h, enum sf_format f, bool is_signed, unsigned bits,
                              uint64_t a, int64_t raw)
{
    struct sf_env e;
    uint64_t r;

    if (!fp_enter(h, raw, &e)) {
        return 0;
    }
    r = sf_to_int(f, unbox(f, a), is_signed, bits, &e);
    add_flags(h, e.flags);
    return bits == 32 ? (uint64_t)(int32_t)r : r;
}

static inline uint64_t from_signed(struct hart *h, enum sf_format f, int64_t a, int64_t raw)
{
    struct sf_env e;
    uint64_t r;

    if (!fp_enter(h, raw, &e)) {
        return 0;
    }
    r = sf_from_i64(f, a, &e);
    add_flags(h, e.flags);
    return box(f, r);
}

static inline uint64_t from_unsigned(struct hart *h, enum sf_format f, uint64_t a, int64_t raw)
{
    struct sf_env e;
    uint64_t r;

    if (!fp_enter(h, raw, &e)) {
        return 0;
    }
    r = sf_from_u64(f, a, &e);
    add_flags(h, e.flags);
    return box(f, r);
}

static inline uint64_t change_format(struct hart *h, enum sf_format from, enum sf_format to,
                                     uint64_t a, int64_t raw)
{
    struct sf_env e;
    uint64_t r;

    if (!fp_enter(h, raw, &e)) {
        return 0;
    }
    r = sf_convert(from, to, unbox(from, a), &e);
    add_flags(h, e.flags);
    return box(to, r);
}

/* ---- the helpers: HELPER1 to HELPER3 give name, body --------------------------------------------------------------------------------- */

#define HELPER1(name, body)                                                       \
    uint64_t helper_##name(struct hart *h UNUSED, uint64_t a, int64_t imm UNUSED) \
    {                                                                             \
        return body;                                                              \
    }
#define HELPER2(name, body)                                                            \
    uint64_t helper_##name(struct hart *h, uint64_t a, uint64_t b, int64_t imm UNUSED) \
    {                                                                                  \
        return body;                                                                   \
    }
#define HELPER3(name, body)                                                                 \
    uint64_t helper_##name(struct hart *h, uint64_t a, uint64_t b, uint64_t c, int64_t imm) \
    {                                                                                       \
        return body;                                                                        \
    }

/* All of one format: S is the letter in the names. */
#define FORMAT_HELPERS(s, f)                                                         \
    HELPER2(fadd_##s, arith(h, f, sf_add, a, b, imm))                                \
    HELPER2(fsub_##s, arith(h, f, sf_sub, a, b, imm))                                \
    HELPER2(fmul_##s, arith(h, f, sf_mul, a, b, imm))                                \
    HELPER2(fdiv_##s, arith(h, f, sf_div, a, b, imm))                                \
    HELPER1(fsqrt_##s, root(h, f, a, imm))                                           \
    HELPER3(fmadd_##s, fused(h, f, ((struct operands){a, b, c}), false, false, imm)) \
    HELPER3(fmsub_##s, fused(h, f, ((struct operands){a, b, c}), false, true, imm))  \
    HELPER3(fnmsub_##s, fused(h, f, ((struct operands){a, b, c}), true, false, imm)) \
    HELPER3(fnmadd_##s, fused(h, f, ((struct operands){a, b, c}), true, true, imm))  \
    HELPER2(fmin_##s, pick(h, f, sf_min, a, b))                                      \
    HELPER2(fmax_##s, pick(h, f, sf_max, a, b))                                      \
    HELPER2(feq_##s, compare(h, f, sf_eq, a, b))                                     \
    HELPER2(flt_##s, compare(h, f, sf_lt, a, b))                                     \
    HELPER2(fle_##s, compare(h, f, sf_le, a, b))                                     \
    HELPER1(fclass_##s, sf_classify(f, unbox(f, a)))                                 \
    HELPER1(fcvt_w_##s, to_int(h, f, true, 32, a, imm))                              \
    HELPER1(fcvt_wu_##s, to_int(h, f, false, 32, a, imm))                            \
    HELPER1(fcvt_l_##s, to_int(h, f, true, 64, a, imm))                              \
    HELPER1(fcvt_lu_##s, to_int(h, f, false, 64, a, imm))                            \
    HELPER1(fcvt_##s##_w, from_signed(h, f, (int32_t)a, imm))                        \
    HELPER1(fcvt_##s##_wu, from_unsigned(h, f, (uint32_t)a, imm))                    \
    HELPER1(fcvt_##s##_l, from_signed(h, f, (int64_t)a, imm))                        \
    HELPER1(fcvt_##s##_lu, from_unsigned(h, f, a, imm))

FORMAT_HELPERS(s, SF_F32)
FORMAT_HELPERS(d, SF_F64)
HELPER1(fcvt_s_d, change_format(h, SF_F64, SF_F32, a, imm))
HELPER1(fcvt_d_s, change_format(h, SF_F32, SF_F64, a, imm))
