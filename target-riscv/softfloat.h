/* SPDX-License-Identifier: MIT */
/*
 * IEEE 754 arithmetic in integers, with RISC-V's choices: NaN results are the canonical NaN, tininess is detected after
 * rounding, conversions saturate. Generic over formats; a value is the format's bits in the low end of a uint64_t.
 * Pure functions: flags are ORed into the environment that is passed.
 */
#ifndef TARGET_RISCV_SOFTFLOAT_H
#define TARGET_RISCV_SOFTFLOAT_H

#include "hw/host/compiler.h"

enum sf_format { SF_F32, SF_F64 };

/* As frm encodes them. */
enum sf_rounding { SF_RNE, SF_RTZ, SF_RDN, SF_RUP, SF_RMM };

/* As fflags encodes them. */
enum sf_flags { SF_NX = 1, SF_UF = 2, SF_OF = 4, SF_DZ = 8, SF_NV = 16 };

struct sf_env {
    uint8_t rm;    /* enum sf_rounding */
    uint8_t flags; /* enum sf_flags, accumulated */
};

uint64_t sf_add(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);
uint64_t sf_sub(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);
uint64_t sf_mul(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);
uint64_t sf_div(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);
uint64_t sf_sqrt(enum sf_format f, uint64_t a, struct sf_env *e);
/* a * b + c, rounded once. */
uint64_t sf_fma(enum sf_format f, uint64_t a, uint64_t b, uint64_t c, struct sf_env *e);
/* minimumNumber and maximumNumber: a number beats a NaN, -0 is below +0. */
uint64_t sf_min(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);
uint64_t sf_max(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);
/* Comparisons. eq is quiet; lt and le raise NV for any NaN. */
bool sf_eq(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);
bool sf_lt(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);
bool sf_le(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e);
/* fclass: one of ten bits. */
unsigned sf_classify(enum sf_format f, uint64_t a);
/* To an integer of BITS (32, 64); what does not fit raises NV and saturates, NaN as +infinity. Not sign-extended. */
uint64_t sf_to_int(enum sf_format f, uint64_t a, bool is_signed, unsigned bits, struct sf_env *e);
uint64_t sf_from_i64(enum sf_format f, int64_t value, struct sf_env *e);
uint64_t sf_from_u64(enum sf_format f, uint64_t value, struct sf_env *e);
uint64_t sf_convert(enum sf_format from, enum sf_format to, uint64_t a, struct sf_env *e);

/* The sign bit and the canonical NaN of a format. */
static inline uint64_t sf_sign_bit(enum sf_format f)
{
    return UINT64_C(1) << (f == SF_F32 ? 31 : 63);
}

static inline uint64_t sf_nan(enum sf_format f)
{
    return f == SF_F32 ? UINT64_C(0x7fc00000) : UINT64_C(0x7ff8000000000000);
}

#endif
