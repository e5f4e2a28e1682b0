/* SPDX-License-Identifier: MIT */
/*
 * Encoder of SSE instructions and their VEX forms. An opcode is a constant as in asm.h; whether it
 * comes out with legacy prefixes or as VEX is the caller's choice, the same for a whole run, so
 * that the two are never mixed. vvvv is the first source of VEX forms with three operands; a legacy
 * form has none: its callers see to reg == vvvv. X_NO_V marks forms without it.
 */
#ifndef TCG_X86_64_SSE_H
#define TCG_X86_64_SSE_H

#include "tcg/x86_64/asm.h"

enum { X_NO_V = 0x40000 };

/* Scalar ops by type: F32 or F64, as the prefix. */
enum {
    SSE_SS = X_0F | X_F3,
    SSE_SD = X_0F | X_F2,
    SSE_ADD = 0x58,
    SSE_MUL = 0x59,
    SSE_SUB = 0x5c,
    SSE_MIN = 0x5d,
    SSE_DIV = 0x5e,
    SSE_MAX = 0x5f,
    SSE_SQRT = 0x51,
    SSE_CVT_FORMAT = 0x5a,            /* from the prefix's type to the other */
    SSE_CVT_FROM_INT = 0x2a,          /* X_W: from 64 bits */
    SSE_CVT_TRUNC = 0x2c | X_NO_V,    /* X_W: to 64 bits */
    SSE_CVT_ROUND = 0x2d | X_NO_V,    /* by MXCSR */
    SSE_LOAD = 0x10 | X_NO_V,         /* from memory only */
    SSE_STORE = 0x11 | X_NO_V,        /* to memory only */
    SSE_UCOMI = 0x2e | X_0F | X_NO_V, /* X_66: F64 */
    SSE_COMI = 0x2f | X_0F | X_NO_V,  /* X_66: F64 */
    SSE_AND = 0x54 | X_0F,
    SSE_ANDN = 0x55 | X_0F, /* ~first & second */
    SSE_OR = 0x56 | X_0F,
    SSE_XOR = 0x57 | X_0F,
    SSE_MOVA = 0x28 | X_0F | X_NO_V,
    SSE_MOVD_TO = 0x6e | X_0F | X_66 | X_NO_V,   /* X_W: 64 bits */
    SSE_MOVD_FROM = 0x7e | X_0F | X_66 | X_NO_V, /* reg is the xmm register */
    SSE_CMP_SS = 0xc2 | X_0F | X_F3,
    SSE_CMP_SD = 0xc2 | X_0F | X_F2,
    SSE_ROUND_SS = 0x0a | X_0F3A | X_66,
    SSE_ROUND_SD = 0x0b | X_0F3A | X_66,
    /* FMA, VEX only; X_W: F64. 213: reg = vvvv * reg + rm; 231: reg = vvvv * rm + reg */
    FMA_213 = 0xa9 | X_0F38 | X_66,
    FMA_231 = 0xb9 | X_0F38 | X_66,
    FMA_SUB = 2,            /* - addend */
    FMA_NEG = 4,            /* -product + addend */
    FMA_NEG_SUB = 6,        /* -product - addend */
    OP_MXCSR = 0xae | X_0F, /* /2 load, /3 store */
};

enum { MXCSR_LOAD = 2, MXCSR_STORE = 3 };

static inline void asm_sse_opcode(struct x86_asm *s, bool vex, unsigned op, unsigned reg,
                                  unsigned vvvv, unsigned index, unsigned base)
{
    unsigned map = op & X_0F38 ? 2 : op & X_0F3A ? 3 : 1;
    unsigned pp = op & X_66 ? 1 : op & X_F3 ? 2 : op & X_F2 ? 3 : 0;
    unsigned v = op & X_NO_V ? 15 : ~vvvv & 15;

    if (!vex) {
        assert((op & X_NO_V) || reg == vvvv);
        asm_opcode(s, op & ~(unsigned)X_NO_V, reg, index, base, false);
        return;
    }
    if (map == 1 && !(op & X_W) && index < 8 && base < 8) {
        asm_u8(s, 0xc5);
        asm_u8(s, (reg & 8 ? 0 : 0x80) | v << 3 | pp);
    } else {
        asm_u8(s, 0xc4);
        asm_u8(s, (reg & 8 ? 0 : 0x80) | (index & 8 ? 0 : 0x40) | (base & 8 ? 0 : 0x20) | map);
        asm_u8(s, (op & X_W ? 0x80 : 0) | v << 3 | pp);
    }
    asm_u8(s, op & 0xff);
}

static inline void asm_sse_rr(struct x86_asm *s, bool vex, unsigned op, unsigned reg, unsigned vvvv,
                              unsigned rm)
{
    asm_sse_opcode(s, vex, op, reg, vvvv, 0, rm);
    asm_u8(s, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* op reg, vvvv, [base + disp] */
static inline void asm_sse_rm(struct x86_asm *s, bool vex, unsigned op, unsigned reg, unsigned vvvv,
                              unsigned base, int32_t disp)
{
    asm_sse_opcode(s, vex, op, reg, vvvv, 0, base);
    asm_modrm_mem(s, reg, base, disp);
}

/* op reg, [base + index + disp] */
static inline void asm_sse_rmx(struct x86_asm *s, bool vex, unsigned op, unsigned reg,
                               unsigned base, unsigned index, int32_t disp)
{
    unsigned mod = disp == 0 && (base & 7) != 5 ? 0 : disp == (int8_t)disp ? 1 : 2;

    asm_sse_opcode(s, vex, op | X_NO_V, reg, 0, index, base);
    asm_u8(s, mod << 6 | (reg & 7) << 3 | 4);
    asm_u8(s, (index & 7) << 3 | (base & 7));
    if (mod == 1) {
        asm_u8(s, (uint8_t)disp);
    } else if (mod == 2) {
        asm_u32(s, (uint32_t)disp);
    }
}

static inline void asm_rip_operand(struct x86_asm *s, unsigned reg, const uint8_t *target)
{
    asm_u8(s, (reg & 7) << 3 | 5);
    asm_rel32(s, target);
}

/* op reg, vvvv, [TARGET]: a constant in the thunks' region. No immediate may follow. */
static inline void asm_sse_rip(struct x86_asm *s, bool vex, unsigned op, unsigned reg,
                               unsigned vvvv, const uint8_t *target)
{
    asm_sse_opcode(s, vex, op, reg, vvvv, 0, 0);
    asm_rip_operand(s, reg, target);
}

/* The same for integer instructions. */
static inline void asm_rip(struct x86_asm *s, unsigned op, unsigned reg, const uint8_t *target)
{
    asm_opcode(s, op, reg, 0, 0, false);
    asm_rip_operand(s, reg, target);
}

#endif
