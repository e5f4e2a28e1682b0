/* SPDX-License-Identifier: MIT */
/*
 * What each integer op means, as C: one switch, used by the builder to fold constants and by the
 * interpreter to run. Pure functions.
 */
#include "tcg/internal.h"

bool ir_eval_cond(enum ir_cond cond, enum ir_type type, uint64_t a, uint64_t b)
{
    if (type == IR_I32) {
        a = (uint64_t)(int32_t)a;
        b = (uint64_t)(int32_t)b;
    }
    switch (cond) {
    case COND_EQ:
        return a == b;
    case COND_NE:
        return a != b;
    case COND_LT:
        return (int64_t)a < (int64_t)b;
    case COND_GE:
        return (int64_t)a >= (int64_t)b;
    case COND_LTU:
        return a < b;
    case COND_GEU:
        return a >= b;
    case COND_NEVER:
        return false;
    case COND_ALWAYS:
        break;
    }
    return true;
}

uint64_t ir_extend(uint64_t value, unsigned memop)
{
    unsigned bits = 8u << (memop & MO_SIZE);

    if (bits == 64) {
        return value;
    }
    return memop & MO_SIGN ? (uint64_t)sextract64(value, 0, bits) : extract64(value, 0, bits);
}

uint64_t ir_eval_amo(enum ir_op op, unsigned memop, uint64_t old, uint64_t operand)
{
    uint64_t su = ir_extend(old, memop & MO_SIZE), ou = ir_extend(operand, memop & MO_SIZE);
    int64_t ss = (int64_t)ir_extend(old, memop | MO_SIGN),
            os = (int64_t)ir_extend(operand, memop | MO_SIGN);

    switch (op) {
    case IR_amo_add:
        return old + operand;
    case IR_amo_and:
        return old & operand;
    case IR_amo_or:
        return old | operand;
    case IR_amo_xor:
        return old ^ operand;
    case IR_amo_mins:
        return ss < os ? old : operand;
    case IR_amo_maxs:
        return ss > os ? old : operand;
    case IR_amo_minu:
        return su < ou ? old : operand;
    case IR_amo_maxu:
        return su > ou ? old : operand;
    default:
        return operand;
    }
}

static uint64_t clmul_low(uint64_t a, uint64_t b)
{
    uint64_t r = 0;

    for (unsigned i = 0; i < 64; i++) {
        r ^= (b >> i & 1) != 0 ? a << i : 0;
    }
    return r;
}

static uint64_t clmul_high(uint64_t a, uint64_t b)
{
    uint64_t r = 0;

    for (unsigned i = 1; i < 64; i++) {
        r ^= (b >> i & 1) != 0 ? a >> (64 - i) : 0;
    }
    return r;
}

static uint64_t mul_high(uint64_t a, uint64_t b, bool a_signed, bool b_signed)
{
    uint64_t high = (uint64_t)(((unsigned __int128)a * b) >> 64);

    high -= a_signed && (int64_t)a < 0 ? b : 0;
    high -= b_signed && (int64_t)b < 0 ? a : 0;
    return high;
}

static uint64_t orc_b(uint64_t a)
{
    uint64_t r = 0;

    for (unsigned i = 0; i < 64; i += 8) {
        r |= (a >> i & 0xff) != 0 ? UINT64_C(0xff) << i : 0;
    }
    return r;
}

/* Operands of I32 come sign-extended, so signed and bitwise ops are the same for both widths. */
static bool eval_divide(enum ir_op op, bool wide, uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t ua = wide ? a : (uint32_t)a, ub = wide ? b : (uint32_t)b;
    int64_t sa = (int64_t)a, sb = (int64_t)b;

    switch (op) {
    case IR_divs:
        *out = sb == 0 ? UINT64_MAX : sb == -1 ? 0 - a : (uint64_t)(sa / sb);
        return true;
    case IR_divu:
        *out = ub == 0 ? UINT64_MAX : ua / ub;
        return true;
    case IR_rems:
        *out = sb == 0 ? a : sb == -1 ? 0 : (uint64_t)(sa % sb);
        return true;
    case IR_remu:
        *out = ub == 0 ? a : ua % ub;
        return true;
    default:
        return false;
    }
}

static bool eval_shift(enum ir_op op, bool wide, uint64_t a, uint64_t b, uint64_t *out)
{
    unsigned w = wide ? 64 : 32, n = (unsigned)b & (w - 1);
    uint64_t ua = wide ? a : (uint32_t)a;

    switch (op) {
    case IR_shl:
        *out = a << n;
        return true;
    case IR_shr:
        *out = ua >> n;
        return true;
    case IR_sar:
        *out = (uint64_t)((int64_t)a >> n);
        return true;
    case IR_rotl:
        *out = n == 0 ? ua : (ua << n) | (ua >> (w - n));
        return true;
    case IR_rotr:
        *out = n == 0 ? ua : (ua >> n) | (ua << (w - n));
        return true;
    default:
        return false;
    }
}

static bool eval_bits(enum ir_op op, bool wide, uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t ua = wide ? a : (uint32_t)a;

    switch (op) {
    case IR_clz:
        *out = ua == 0 ? (wide ? 64 : 32) : clz64(ua) - (wide ? 0 : 32);
        return true;
    case IR_ctz:
        *out = ua == 0 ? (wide ? 64 : 32) : ctz64(ua);
        return true;
    case IR_cpop:
        *out = (uint64_t)__builtin_popcountll(ua);
        return true;
    case IR_bswap:
        *out = wide ? __builtin_bswap64(a) : __builtin_bswap32((uint32_t)a);
        return true;
    case IR_orcb:
        *out = orc_b(a);
        return true;
    case IR_clmul:
        *out = clmul_low(a, b);
        return true;
    case IR_clmulh:
        *out = clmul_high(a, b);
        return true;
    case IR_clmulr:
        *out = clmul_high(a, b) << 1 | clmul_low(a, b) >> 63;
        return true;
    default:
        return false;
    }
}

static bool eval_move(enum ir_op op, uint64_t a, uint64_t *out)
{
    switch (op) {
    case IR_mov:
        *out = a;
        return true;
    case IR_sext8:
        *out = (uint64_t)(int8_t)a;
        return true;
    case IR_sext16:
        *out = (uint64_t)(int16_t)a;
        return true;
    case IR_sext32:
        *out = (uint64_t)(int32_t)a;
        return true;
    case IR_zext8:
        *out = (uint8_t)a;
        return true;
    case IR_zext16:
        *out = (uint16_t)a;
        return true;
    case IR_zext32:
        *out = (uint32_t)a;
        return true;
    default:
        return false;
    }
}

static bool eval_arith(const struct ir_insn *i, bool wide, uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t ua = wide ? a : (uint32_t)a, ub = wide ? b : (uint32_t)b;

    switch (i->op) {
    case IR_add:
        *out = a + b;
        return true;
    case IR_sub:
        *out = a - b;
        return true;
    case IR_and:
        *out = a & b;
        return true;
    case IR_or:
        *out = a | b;
        return true;
    case IR_xor:
        *out = a ^ b;
        return true;
    case IR_andn:
        *out = a & ~b;
        return true;
    case IR_orn:
        *out = a | ~b;
        return true;
    case IR_xnor:
        *out = ~(a ^ b);
        return true;
    case IR_addshl:
        *out = b + (a << (i->imm & 3));
        return true;
    case IR_mul:
        *out = a * b;
        return true;
    case IR_mulhs:
        *out = mul_high(a, b, true, true);
        return true;
    case IR_mulhu:
        *out = mul_high(a, b, false, false);
        return true;
    case IR_mulhsu:
        *out = mul_high(a, b, true, false);
        return true;
    case IR_mins:
        *out = (int64_t)a < (int64_t)b ? a : b;
        return true;
    case IR_maxs:
        *out = (int64_t)a > (int64_t)b ? a : b;
        return true;
    case IR_minu:
        *out = ua < ub ? a : b;
        return true;
    case IR_maxu:
        *out = ua > ub ? a : b;
        return true;
    default:
        return false;
    }
}

bool ir_eval(const struct ir_insn *i, uint64_t a, uint64_t b, uint64_t *out)
{
    enum ir_type type = ir_type_of(i);
    bool wide = type != IR_I32;
    bool done;

    if (i->op == IR_setcond) {
        *out = ir_eval_cond((enum ir_cond)i->aux, type, a, b);
        return true;
    }
    if (!wide) {
        a = (uint64_t)(int32_t)a;
        b = (uint64_t)(int32_t)b;
    }
    done = eval_arith(i, wide, a, b, out) || eval_move((enum ir_op)i->op, a, out) ||
           eval_shift((enum ir_op)i->op, wide, a, b, out) ||
           eval_bits((enum ir_op)i->op, wide, a, b, out) ||
           eval_divide((enum ir_op)i->op, wide, a, b, out);
    if (done && !wide) {
        *out = (uint64_t)(int32_t)*out;
    }
    return done;
}
