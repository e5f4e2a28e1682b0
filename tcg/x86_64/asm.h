/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 encoder: bytes of one instruction at a time. Opcodes are constants OP_* with their
 * prefixes as flags, operands are register numbers or [base + index*scale + disp]. All cursor
 * addresses are in the writable mapping; relative displacements are the same in the executable
 * one. Callers see to the room (struct emit checks per record).
 */
#ifndef TCG_X86_64_ASM_H
#define TCG_X86_64_ASM_H

#include "hw/host/bits.h"
#include <assert.h>

enum x86_reg {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
};

enum {
    X_0F = 0x100,
    X_0F38 = 0x200,
    X_0F3A = 0x400,
    X_66 = 0x800,
    X_F2 = 0x1000,
    X_F3 = 0x2000,
    X_W = 0x4000,    /* 64-bit operands */
    X_BREG = 0x8000, /* the reg field is a byte register: 4..7 need a REX prefix to mean spl..dil */
    X_BRM = 0x10000, /* the same for a register in the rm field */
    X_LOCK = 0x20000,
};

enum {
    /* reg op= rm; the form rm op= reg is 2 less */
    OP_ADD = 0x03,
    OP_OR = 0x0b,
    OP_AND = 0x23,
    OP_SUB = 0x2b,
    OP_SBB = 0x1b,
    OP_XOR = 0x33,
    OP_CMP = 0x3b,
    OP_STORE_FORM = -2,
    OP_TEST = 0x85,
    OP_MOV_LOAD = 0x8b,
    OP_MOV_STORE = 0x89,
    OP_MOV_STORE8 = 0x88 | X_BREG,
    OP_MOV_STORE16 = 0x89 | X_66,
    OP_MOV_IMM = 0xc7,
    OP_MOV_IMM8 = 0xc6,
    OP_LEA = 0x8d,
    OP_MOVSXD = 0x63 | X_W,
    OP_MOVZX8 = 0xb6 | X_0F | X_BRM,
    OP_MOVZX16 = 0xb7 | X_0F,
    OP_MOVSX8 = 0xbe | X_0F | X_W | X_BRM,
    OP_MOVSX16 = 0xbf | X_0F | X_W,
    OP_IMUL = 0xaf | X_0F,
    OP_IMUL_IMM = 0x69,
    OP_IMUL_IMM8 = 0x6b,
    OP_CMOV = 0x40 | X_0F,
    OP_SETCC = 0x90 | X_0F | X_BRM,
    OP_LZCNT = 0xbd | X_0F | X_F3,
    OP_TZCNT = 0xbc | X_0F | X_F3,
    OP_POPCNT = 0xb8 | X_0F | X_F3,
    OP_BSR = 0xbd | X_0F,
    OP_BSF = 0xbc | X_0F,
    OP_XADD = 0xc1 | X_0F,
    OP_CMPXCHG = 0xb1 | X_0F,
    OP_XCHG = 0x87,
    OP_GROUP3 = 0xf7,    /* /2 not /3 neg /4 mul /5 imul /6 div /7 idiv */
    OP_GROUP5 = 0xff,    /* /2 call /4 jmp */
    OP_SHIFT_IMM = 0xc1, /* /0 rol /1 ror /4 shl /5 shr /7 sar */
    OP_SHIFT_CL = 0xd3,
    OP_SHLD_IMM = 0xa4 | X_0F, /* rm, reg, imm8 */
    OP_MOVQ_TO_XMM = 0x6e | X_0F | X_66 | X_W,
    OP_MOVQ_FROM_XMM = 0x7e | X_0F | X_66 | X_W,
    OP_PXOR = 0xef | X_0F | X_66,
    OP_PCMPEQB = 0x74 | X_0F | X_66,
    OP_PUNPCKHQDQ = 0x6d | X_0F | X_66,
    OP_PCLMULQDQ = 0x44 | X_0F3A | X_66,
    /* VEX */
    OP_ANDN = 0xf2 | X_0F38,
    OP_SHLX = 0xf7 | X_0F38 | X_66,
    OP_SARX = 0xf7 | X_0F38 | X_F3,
    OP_SHRX = 0xf7 | X_0F38 | X_F2,
    OP_RORX = 0xf0 | X_0F3A | X_F2,
};

/* Numbers of the group at 0x81/0x83: op rm, imm. The opcode of the register form is n * 8 + 3. */
enum { ALU_ADD = 0, ALU_OR = 1, ALU_SBB = 3, ALU_AND = 4, ALU_SUB = 5, ALU_XOR = 6, ALU_CMP = 7 };
enum { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };
enum { G3_NOT = 2, G3_NEG = 3, G3_MUL = 4, G3_IMUL = 5, G3_DIV = 6, G3_IDIV = 7 };
enum x86_cc {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G
};

struct x86_asm {
    uint8_t *p;
};

static inline void asm_u8(struct x86_asm *s, unsigned v)
{
    *s->p++ = (uint8_t)v;
}

static inline void asm_u32(struct x86_asm *s, uint32_t v)
{
    store_le32(s->p, v);
    s->p += 4;
}

static inline void asm_u64(struct x86_asm *s, uint64_t v)
{
    store_le64(s->p, v);
    s->p += 8;
}

/*
 * Within an instruction the cursor is a local: a store through it may alias struct x86_asm, and a
 * cursor that goes through memory for every byte is what translation would wait for most.
 */
static inline uint8_t *put_opcode(uint8_t *p, unsigned op, unsigned reg, unsigned index,
                                  unsigned base, bool force_rex)
{
    unsigned rex = (op & X_W ? 8u : 0) | (reg & 8) >> 1 | (index & 8) >> 2 | (base & 8) >> 3;

    if (unlikely(op & (X_LOCK | X_66 | X_F2 | X_F3))) {
        if (op & X_LOCK) {
            *p++ = 0xf0;
        }
        if (op & X_66) {
            *p++ = 0x66;
        }
        if (op & (X_F2 | X_F3)) {
            *p++ = op & X_F2 ? 0xf2 : 0xf3;
        }
    }
    *p = (uint8_t)(0x40 | rex);
    p += rex != 0 || force_rex;
    if (op & (X_0F | X_0F38 | X_0F3A)) {
        *p++ = 0x0f;
        if (op & X_0F38) {
            *p++ = 0x38;
        } else if (op & X_0F3A) {
            *p++ = 0x3a;
        }
    }
    *p++ = (uint8_t)op;
    return p;
}

/* V in as few of 0, 1 or 4 bytes as WIDTH says; all 4 are written. */
static inline uint8_t *put_imm(uint8_t *p, int32_t v, unsigned width)
{
    store_le32(p, (uint32_t)v);
    return p + width;
}

/* MODRM's mode for a displacement of 0, 1 or 4 bytes from BASE. */
static inline unsigned disp_mode(unsigned base, int32_t disp)
{
    return disp == 0 && (base & 7) != 5 ? 0 : disp == (int8_t)disp ? 1 : 2;
}

static inline uint8_t *put_disp(uint8_t *p, unsigned mode, int32_t disp)
{
    return put_imm(p, disp, mode == 2 ? 4 : mode);
}

static inline uint8_t *put_modrm_mem(uint8_t *p, unsigned reg, unsigned base, int32_t disp)
{
    unsigned mode = disp_mode(base, disp);

    *p++ = (uint8_t)(mode << 6 | (reg & 7) << 3 | (base & 7));
    if ((base & 7) == 4) {
        *p++ = 0x24;
    }
    return put_disp(p, mode, disp);
}

static inline void asm_opcode(struct x86_asm *s, unsigned op, unsigned reg, unsigned index,
                              unsigned base, bool force_rex)
{
    s->p = put_opcode(s->p, op, reg, index, base, force_rex);
}

static inline void asm_modrm_mem(struct x86_asm *s, unsigned reg, unsigned base, int32_t disp)
{
    s->p = put_modrm_mem(s->p, reg, base, disp);
}

static inline uint8_t *put_rr(uint8_t *p, unsigned op, unsigned reg, unsigned rm)
{
    bool force = ((op & X_BREG) && reg >= 4) || ((op & X_BRM) && rm >= 4);

    p = put_opcode(p, op, reg, 0, rm, force);
    *p++ = (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7));
    return p;
}

/* op reg, rm */
static inline void asm_rr(struct x86_asm *s, unsigned op, unsigned reg, unsigned rm)
{
    s->p = put_rr(s->p, op, reg, rm);
}

static inline uint8_t *put_rm(uint8_t *p, unsigned op, unsigned reg, unsigned base, int32_t disp)
{
    p = put_opcode(p, op, reg, 0, base, (op & X_BREG) && reg >= 4);
    return put_modrm_mem(p, reg, base, disp);
}

/* op reg, [base + disp] */
static inline void asm_rm(struct x86_asm *s, unsigned op, unsigned reg, unsigned base, int32_t disp)
{
    s->p = put_rm(s->p, op, reg, base, disp);
}

/* op reg, [base + (index << scale) + disp]; index is not rsp */
static inline void asm_rmx(struct x86_asm *s, unsigned op, unsigned reg, unsigned base,
                           unsigned index, unsigned scale, int32_t disp)
{
    unsigned mode = disp_mode(base, disp);
    uint8_t *p = put_opcode(s->p, op, reg, index, base, (op & X_BREG) && reg >= 4);

    *p++ = (uint8_t)(mode << 6 | (reg & 7) << 3 | 4);
    *p++ = (uint8_t)(scale << 6 | (index & 7) << 3 | (base & 7));
    s->p = put_disp(p, mode, disp);
}

static inline void asm_vex_opcode(struct x86_asm *s, unsigned op, unsigned reg, unsigned vvvv,
                                  unsigned base)
{
    unsigned map = op & X_0F38 ? 2 : 3;
    unsigned pp = op & X_66 ? 1 : op & X_F3 ? 2 : op & X_F2 ? 3 : 0;

    asm_u8(s, 0xc4);
    asm_u8(s, (reg & 8 ? 0 : 0x80) | 0x40 | (base & 8 ? 0 : 0x20) | map);
    asm_u8(s, (op & X_W ? 0x80 : 0) | (~vvvv & 15) << 3 | pp);
    asm_u8(s, op & 0xff);
}

static inline void asm_vex_rr(struct x86_asm *s, unsigned op, unsigned reg, unsigned vvvv,
                              unsigned rm)
{
    asm_vex_opcode(s, op, reg, vvvv, rm);
    asm_u8(s, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void asm_vex_rm(struct x86_asm *s, unsigned op, unsigned reg, unsigned vvvv,
                              unsigned base, int32_t disp)
{
    asm_vex_opcode(s, op, reg, vvvv, base);
    asm_modrm_mem(s, reg, base, disp);
}

static inline void asm_mov_rr(struct x86_asm *s, unsigned d, unsigned a)
{
    if (d != a) {
        asm_rr(s, OP_MOV_LOAD | X_W, d, a);
    }
}

/* The shortest move that keeps flags. */
static inline void asm_mov_imm_flags(struct x86_asm *s, unsigned d, uint64_t v)
{
    if (v == (uint32_t)v) {
        asm_opcode(s, 0xb8 | (d & 7), 0, 0, d, false);
        asm_u32(s, (uint32_t)v);
    } else if (v == (uint64_t)(int32_t)v) {
        asm_rr(s, OP_MOV_IMM | X_W, 0, d);
        asm_u32(s, (uint32_t)v);
    } else {
        asm_opcode(s, 0xb8 | (d & 7) | X_W, 0, 0, d, false);
        asm_u64(s, v);
    }
}

/* The shortest move; flags are lost. */
static inline void asm_mov_imm(struct x86_asm *s, unsigned d, uint64_t v)
{
    if (v == 0) {
        asm_rr(s, OP_XOR, d, d);
    } else {
        asm_mov_imm_flags(s, d, v);
    }
}

/* add, or, and, sub, xor, cmp of a register with an immediate */
static inline void asm_alu_ri(struct x86_asm *s, unsigned alu, unsigned w, unsigned d, int32_t imm)
{
    bool small = imm == (int8_t)imm;

    if (d == RAX && !small) {
        asm_opcode(s, (alu * 8 + 5) | w, 0, 0, 0, false);
        asm_u32(s, (uint32_t)imm);
        return;
    }
    s->p = put_imm(put_rr(s->p, (small ? 0x83 : 0x81) | w, alu, d), imm, small ? 1 : 4);
}

static inline void asm_alu_mi(struct x86_asm *s, unsigned alu, unsigned w, unsigned base,
                              int32_t disp, int32_t imm)
{
    bool small = imm == (int8_t)imm;

    s->p = put_imm(put_rm(s->p, (small ? 0x83 : 0x81) | w, alu, base, disp), imm, small ? 1 : 4);
}

static inline void asm_shift_imm(struct x86_asm *s, unsigned shift, unsigned w, unsigned d,
                                 unsigned n)
{
    asm_rr(s, OP_SHIFT_IMM | w, shift, d);
    asm_u8(s, n);
}

/* Puts the displacement from behind AT's 4 bytes to TARGET there. */
static inline void asm_patch(uint8_t *at, const uint8_t *target)
{
    ptrdiff_t d = target - (at + 4);

    assert(d == (int32_t)d);
    store_le32(at, (uint32_t)d);
}

static inline void asm_rel32(struct x86_asm *s, const uint8_t *target)
{
    s->p += 4;
    asm_patch(s->p - 4, target);
}

static inline void asm_call(struct x86_asm *s, const uint8_t *target)
{
    asm_u8(s, 0xe8);
    asm_rel32(s, target);
}

static inline void asm_jmp(struct x86_asm *s, const uint8_t *target)
{
    ptrdiff_t d = target - (s->p + 2);

    if (d == (int8_t)d) {
        asm_u8(s, 0xeb);
        asm_u8(s, (uint8_t)d);
    } else {
        asm_u8(s, 0xe9);
        asm_rel32(s, target);
    }
}

static inline void asm_jcc(struct x86_asm *s, unsigned cc, const uint8_t *target)
{
    ptrdiff_t d = target - (s->p + 2);

    if (d == (int8_t)d) {
        asm_u8(s, 0x70 | cc);
        asm_u8(s, (uint8_t)d);
    } else {
        asm_u8(s, 0x0f);
        asm_u8(s, 0x80 | cc);
        asm_rel32(s, target);
    }
}

/* jcc / jmp to a place that is not known yet: returns where its 32-bit displacement is. */
static inline uint8_t *asm_jcc_later(struct x86_asm *s, unsigned cc)
{
    asm_u8(s, 0x0f);
    asm_u8(s, 0x80 | cc);
    asm_u32(s, 0);
    return s->p - 4;
}

static inline uint8_t *asm_jmp_later(struct x86_asm *s)
{
    asm_u8(s, 0xe9);
    asm_u32(s, 0);
    return s->p - 4;
}

static inline uint8_t *asm_jcc8_later(struct x86_asm *s, unsigned cc)
{
    asm_u8(s, 0x70 | cc);
    asm_u8(s, 0);
    return s->p - 1;
}

static inline void asm_here8(struct x86_asm *s, uint8_t *at)
{
    ptrdiff_t d = s->p - (at + 1);

    assert(d == (int8_t)d);
    *at = (uint8_t)d;
}

/* N bytes (0..3 at a time) that do nothing. */
static inline void asm_nop(struct x86_asm *s, unsigned n)
{
    static const uint8_t nops[4][3] = {{0}, {0x90}, {0x66, 0x90}, {0x0f, 0x1f, 0x00}};

    memcpy(s->p, nops[n], n);
    s->p += n;
}

/* rax = the time-stamp counter; overwrites rdx. */
static inline void asm_rdtsc(struct x86_asm *s)
{
    asm_u8(s, 0x0f);
    asm_u8(s, 0x31);
    asm_shift_imm(s, SHIFT_SHL, X_W, RDX, 32);
    asm_rr(s, OP_OR | X_W, RAX, RDX);
}

/* Waits until all instructions before it are done. */
static inline void asm_lfence(struct x86_asm *s)
{
    asm_u8(s, 0x0f);
    asm_u8(s, 0xae);
    asm_u8(s, 0xe8);
}

#endif
