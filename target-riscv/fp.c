/* SPDX-License-Identifier: MIT */
/*
 * What floating-point IR ops mean on a hart: operands out of f registers, arithmetic by
 * softfloat.c, results NaN-boxed, flags into fflags. The interpreter does all ops here; the x86-64
 * backend the cases that its inline code leaves out. And the two halves of fflags and frm: what
 * this file accumulates, and the host's control word that inline code works with.
 *
 * RISC-V F and D 2.2: sections 20.2 (fcsr), 20.2.2 (rounding modes), 21.2 (NaN boxing).
 */
#include "hw/host/fpu.h"
#include "target-riscv/csr.h"
#include "target-riscv/hart.h"
#include "target-riscv/softfloat.h"
#include <assert.h>

#define BOX UINT64_C(0xffffffff00000000)

_Static_assert((int)FPU_INEXACT == SF_NX && (int)FPU_UNDERFLOW == SF_UF &&
                   (int)FPU_OVERFLOW == SF_OF && (int)FPU_DIVIDE_BY_ZERO == SF_DZ &&
                   (int)FPU_INVALID == SF_NV,
               "the host's flags need no translation");

/* ---- fflags and frm --------------------------------------------------------------------- */

uint8_t hart_fflags(const struct hart *h)
{
    return (uint8_t)(h->fflags | fpu_control_flags(h->fpu_control));
}

void hart_set_fcsr(struct hart *h, uint8_t frm, uint8_t fflags)
{
    static const uint8_t host[8] = {
        [SF_RNE] = FPU_NEAREST, [SF_RTZ] = FPU_ZERO, [SF_RDN] = FPU_DOWN, [SF_RUP] = FPU_UP};

    h->frm = frm & 7;
    h->fflags = fflags & 0x1f;
    h->fpu_control = fpu_control((enum fpu_rounding)host[h->frm]);
}

/* Any change of fflags is a change of the floating-point state. */
static void add_flags(struct hart *h, uint8_t flags)
{
    if (flags & ~h->fflags) {
        h->fflags |= flags;
        h->mstatus |= MSTATUS_FS;
    }
}

/* ---- operands and results --------------------------------------------------------------- */

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

/* One op: its format, operands as registers hold them, and the environment of softfloat. */
struct fp_op {
    enum sf_format format;
    const uint64_t *args;
    struct sf_env env;
};

static uint64_t operand(const struct fp_op *o, unsigned n)
{
    return unbox(o->format, o->args[n]);
}

static uint64_t binary(struct fp_op *o,
                       uint64_t (*fn)(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e))
{
    return box(o->format, fn(o->format, operand(o, 0), operand(o, 1), &o->env));
}

static uint64_t compare(struct fp_op *o,
                        bool (*fn)(enum sf_format f, uint64_t a, uint64_t b, struct sf_env *e))
{
    return fn(o->format, operand(o, 0), operand(o, 1), &o->env);
}

/* (a * b, negated if NEGATE_PRODUCT) + (c, negated if NEGATE_C). */
static uint64_t fused(struct fp_op *o, bool negate_product, bool negate_c)
{
    uint64_t sign = sf_sign_bit(o->format);

    return box(o->format, sf_fma(o->format, operand(o, 0) ^ (negate_product ? sign : 0),
                                 operand(o, 1), operand(o, 2) ^ (negate_c ? sign : 0), &o->env));
}

/* The magnitude of a with the sign of FROM, or of a too for fsgnjx. */
static uint64_t inject(const struct fp_op *o, uint64_t from)
{
    uint64_t sign = sf_sign_bit(o->format);

    return box(o->format, (operand(o, 0) & ~sign) | (from & sign));
}

static uint64_t change_format(struct fp_op *o)
{
    enum sf_format from = o->format == SF_F32 ? SF_F64 : SF_F32;

    return box(o->format, sf_convert(from, o->format, unbox(from, o->args[0]), &o->env));
}

static uint64_t from_signed(struct fp_op *o, int64_t a)
{
    return box(o->format, sf_from_i64(o->format, a, &o->env));
}

static uint64_t from_unsigned(struct fp_op *o, uint64_t a)
{
    return box(o->format, sf_from_u64(o->format, a, &o->env));
}

/* Results of 32 bits are sign-extended, the unsigned ones too. */
static uint64_t to_int(struct fp_op *o, bool is_signed, unsigned bits)
{
    uint64_t r = sf_to_int(o->format, operand(o, 0), is_signed, bits, &o->env);

    return bits == 32 ? (uint64_t)(int32_t)r : r;
}

static uint64_t evaluate(struct fp_op *o, enum ir_op op)
{
    switch (op) {
    case IR_fadd:
        return binary(o, sf_add);
    case IR_fsub:
        return binary(o, sf_sub);
    case IR_fmul:
        return binary(o, sf_mul);
    case IR_fdiv:
        return binary(o, sf_div);
    case IR_fsqrt:
        return box(o->format, sf_sqrt(o->format, operand(o, 0), &o->env));
    case IR_fmadd:
        return fused(o, false, false);
    case IR_fmsub:
        return fused(o, false, true);
    case IR_fnmsub:
        return fused(o, true, false);
    case IR_fnmadd:
        return fused(o, true, true);
    case IR_fmin:
        return binary(o, sf_min);
    case IR_fmax:
        return binary(o, sf_max);
    case IR_fsgnj:
        return inject(o, operand(o, 1));
    case IR_fsgnjn:
        return inject(o, ~operand(o, 1));
    case IR_fsgnjx:
        return inject(o, operand(o, 0) ^ operand(o, 1));
    case IR_fcvt_f:
        return change_format(o);
    case IR_fcvt_f_w:
        return from_signed(o, (int32_t)o->args[0]);
    case IR_fcvt_f_wu:
        return from_unsigned(o, (uint32_t)o->args[0]);
    case IR_fcvt_f_l:
        return from_signed(o, (int64_t)o->args[0]);
    case IR_fcvt_f_lu:
        return from_unsigned(o, o->args[0]);
    case IR_fcvt_w:
        return to_int(o, true, 32);
    case IR_fcvt_wu:
        return to_int(o, false, 32);
    case IR_fcvt_l:
        return to_int(o, true, 64);
    case IR_fcvt_lu:
        return to_int(o, false, 64);
    case IR_feq:
        return compare(o, sf_eq);
    case IR_flt:
        return compare(o, sf_lt);
    case IR_fle:
        return compare(o, sf_le);
    case IR_fclass:
        return sf_classify(o->format, operand(o, 0));
    default:
        assert(!"not a floating-point op");
        return 0;
    }
}

uint64_t riscv_fp(void *env, unsigned op, unsigned type, unsigned rm, const uint64_t args[3])
{
    struct hart *h = env;
    struct fp_op o = {
        .format = type == IR_F32 ? SF_F32 : SF_F64,
        .args = args,
        .env = {.rm = rm == IR_RM_DYNAMIC ? h->frm : (uint8_t)rm},
    };
    uint64_t r = evaluate(&o, (enum ir_op)op);

    add_flags(h, o.env.flags);
    return r;
}
