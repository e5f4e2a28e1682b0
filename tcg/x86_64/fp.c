/* SPDX-License-Identifier: MIT */
/*
 * Emitters of floating-point arithmetic, comparisons and moves: an instruction each, on the cached
 * xmm registers, with MXCSR collecting the flags and giving the rounding mode. A NaN result is
 * replaced by the canonical one. What an instruction gets wrong goes outside, to the function that
 * defines the ops (struct tcg_config's fp): a NaN from an FMA (infinity times zero and a quiet NaN
 * must raise invalid), minimum and maximum of NaNs, rounding modes other than the current one. The
 * hardware may have raised flags by then, but none that the op would not raise.
 *
 * The way outside: `call fp`, then 8 bytes of data that say which operands; the thunk keeps all
 * registers and leaves the result in FRAME_CELL0.
 */
#include "hw/host/cpu-features.h"
#include "tcg/x86_64/emit.h"

/* ---- outside ------------------------------------------------------------------------------- */

struct fp_site {
    uint16_t args[3];
    uint8_t op, type_rm; /* type | rm << 4 */
};
_Static_assert(sizeof(struct fp_site) == 8, "the thunk skips it");

static uint64_t global_value(const uint8_t *env, const struct tcg_config *c, ir_arg g)
{
    uint64_t value = 0;

    if (g != IR_NONE) {
        memcpy(&value, env + c->globals[g - IR_GLOBAL0].offset, sizeof(value));
    }
    return value;
}

uint64_t x86_fp_outside(void *env, const uint8_t *site, const struct tcg_config *c)
{
    struct fp_site s;
    uint64_t args[3];

    memcpy(&s, site, sizeof(s));
    for (unsigned k = 0; k < 3; k++) {
        args[k] = global_value(env, c, s.args[k]);
    }
    return c->fp(env, s.op, s.type_rm & 15, s.type_rm >> 4, args);
}

static void call_outside(struct emit *e, const struct ir_insn *i, unsigned dest)
{
    struct fp_site site = {
        .args = {i->a, i->b, i->c},
        .op = i->op,
        .type_rm = (uint8_t)(ir_type_of(i) | i->aux << 4),
    };

    assert(!ir_is_temp(i->a) && !ir_is_const(i->a));
    asm_call(&e->s, e->x->fp);
    memcpy(e->s.p, &site, sizeof(site));
    e->s.p += sizeof(site);
    if (dest >= DEST_XMM) {
        asm_sse_rm(&e->s, e->vex, SSE_SD | SSE_LOAD, dest - DEST_XMM, 0, RSP, FRAME_CELL0);
    } else {
        asm_rm(&e->s, OP_MOV_LOAD | X_W, dest, RSP, FRAME_CELL0);
    }
}

static void cold_fp(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    xmm_write_late(e);
    call_outside(e, c->insn, c->dest);
    asm_jmp(&e->s, c->back);
}

struct cold *fp_cold(struct emit *e, const struct ir_insn *i, unsigned cc, unsigned dest)
{
    struct cold *c = cold_new(e, cold_fp, asm_jcc_later(&e->s, cc));

    c->insn = i;
    c->dest = (uint8_t)dest;
    return c;
}

int fp_outside(struct emit *e, const struct ir_insn *i)
{
    unsigned r;

    assert(e->nlate == 0);
    if (is_float(e, i->d)) {
        r = xmm_dest(e, i->d);
        call_outside(e, i, r + DEST_XMM);
        xmm_define(e, ir_type_of(i), i->d, r);
        return RESULT_XMM;
    }
    r = i->d == IR_NONE ? scratch(e) : dst_reg(e, i->d);
    call_outside(e, i, r);
    return i->d == IR_NONE ? RESULT_DONE : (int)r;
}

/* ---- arithmetic ---------------------------------------------------------------------------- */

/*
 * A static rounding mode is set in MXCSR at the first op that wants it, and stays until something
 * wants another one or may leave the TB (fp_before). Only the guest's own mode is in fpu_control,
 * whose flags are some that MXCSR has too.
 */
static void set_rounding(struct emit *e, unsigned rm)
{
    static const uint32_t fields[] = {
        [IR_RM_RNE] = 0, [IR_RM_RDN] = 0x2000, [IR_RM_RUP] = 0x4000, [IR_RM_RTZ] = 0x6000};
    uint8_t locked = e->locked;
    unsigned r = scratch(e);

    asm_rm(&e->s, OP_MXCSR, MXCSR_STORE, RSP, FRAME_CELL0);
    asm_rm(&e->s, OP_MOV_LOAD, r, RSP, FRAME_CELL0);
    asm_alu_ri(&e->s, ALU_AND, 0, r, ~0x6000);
    if (rm == IR_RM_DYNAMIC) {
        asm_rm(&e->s, OP_OR, r, RBP, env_disp(e, e->lay->fpu_control));
    } else if (fields[rm] != 0) {
        asm_alu_ri(&e->s, ALU_OR, 0, r, (int32_t)fields[rm]);
    }
    asm_rm(&e->s, OP_MOV_STORE, r, RSP, FRAME_CELL0);
    asm_rm(&e->s, OP_MXCSR, MXCSR_LOAD, RSP, FRAME_CELL0);
    e->rounding = (uint8_t)rm;
    e->locked = locked;
}

void fp_before(struct emit *e, const struct ir_insn *i)
{
    bool stays = i->op == IR_insn_start || i->op == IR_env_st ||
                 (i->op >= IR_mov && !(ir_op_info[i->op].flags & OPF_SIDE)) || ir_is_fp(i->op);

    if (e->rounding != IR_RM_DYNAMIC && !stays) {
        set_rounding(e, IR_RM_DYNAMIC);
    }
}

/* False: the op must be done outside. Else MXCSR has its rounding mode. */
static bool use_rounding(struct emit *e, const struct ir_insn *i)
{
    if (e->fpu_outside || i->aux == IR_RM_RMM) {
        return false;
    }
    fp_use_rounding(e, i->aux);
    return true;
}

void fp_use_rounding(struct emit *e, unsigned rm)
{
    if (e->rounding != rm) {
        set_rounding(e, rm);
    }
}

static void move(struct emit *e, unsigned t, unsigned a)
{
    if (t != a) {
        asm_sse_rr(&e->s, e->vex, SSE_MOVA, t, 0, a);
    }
}

void fp_op3(struct emit *e, unsigned op, unsigned t, unsigned a, unsigned b)
{
    unsigned d = t;

    if (e->vex) {
        asm_sse_rr(&e->s, true, op, t, a, b);
        return;
    }
    if (t == b && t != a) {
        d = 0;
    }
    move(e, d, a);
    asm_sse_rr(&e->s, false, op, d, d, b);
    move(e, t, d);
}

static void cold_nan(struct emit *e, const struct cold *c)
{
    bool wide = ir_type_of(c->insn) == IR_F64;
    size_t at = wide ? offsetof(struct fp_constants, nan64) : offsetof(struct fp_constants, nan32);

    asm_patch(c->from, e->s.p);
    asm_sse_rip(&e->s, e->vex, sse_type(ir_type_of(c->insn)) | SSE_LOAD, c->xmm[0], 0,
                fp_constant(e, at));
    asm_jmp(&e->s, c->back);
}

/* Returns the condition that T holds a NaN. */
static unsigned compare_nan(struct emit *e, enum ir_type type, unsigned t)
{
    asm_sse_rr(&e->s, e->vex, SSE_UCOMI | (type == IR_F64 ? X_66 : 0), t, 0, t);
    return CC_P;
}

int fp_finish(struct emit *e, const struct ir_insn *i, unsigned t)
{
    enum ir_type type = ir_type_of(i);
    unsigned cc = compare_nan(e, type, t);
    struct cold *c = cold_new(e, cold_nan, asm_jcc_later(&e->s, cc));

    c->insn = i;
    c->xmm[0] = (uint8_t)t;
    c->back = e->s.p;
    xmm_define(e, type, i->d, t);
    return RESULT_XMM;
}

int emit_fp_binary(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type type = ir_type_of(i);
    unsigned a, b, t;

    if (!use_rounding(e, i)) {
        return fp_outside(e, i);
    }
    a = xmm_of(e, type, i->a);
    b = xmm_of(e, type, i->b);
    t = xmm_dest(e, i->d);
    fp_op3(e, sse_type(type) | row->op, t, a, b);
    return fp_finish(e, i, t);
}

int emit_fsqrt(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type type = ir_type_of(i);
    unsigned a, t;

    (void)row;
    if (!use_rounding(e, i)) {
        return fp_outside(e, i);
    }
    a = xmm_of(e, type, i->a);
    t = xmm_dest(e, i->d);
    asm_sse_rr(&e->s, e->vex, sse_type(type) | SSE_SQRT, t, e->vex ? a : t, a);
    return fp_finish(e, i, t);
}

/* The destination is one of the operands: the addend, a factor, or a copy of the addend. */
int emit_fma(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type type = ir_type_of(i);
    unsigned a, b, c, t, w = type == IR_F64 ? X_W : 0;
    struct cold *nan;

    if (!e->vex || !(e->x->features & HOST_FMA) || !use_rounding(e, i)) {
        return fp_outside(e, i);
    }
    a = xmm_of(e, type, i->a);
    b = xmm_of(e, type, i->b);
    c = xmm_of(e, type, i->c);
    t = xmm_dest(e, i->d);
    if (t == a && t != c) {
        asm_sse_rr(&e->s, true, (FMA_213 + row->op) | w, t, b, c);
    } else if (t == b && t != c) {
        asm_sse_rr(&e->s, true, (FMA_213 + row->op) | w, t, a, c);
    } else {
        move(e, t, c);
        asm_sse_rr(&e->s, true, (FMA_231 + row->op) | w, t, a, b);
    }
    nan = fp_cold(e, i, compare_nan(e, type, t), t + DEST_XMM);
    nan->back = e->s.p;
    xmm_define(e, type, i->d, t);
    return RESULT_XMM;
}

int emit_fcvt_f(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type from = ir_type_of(i) == IR_F32 ? IR_F64 : IR_F32;
    unsigned a, t;

    (void)row;
    if (!use_rounding(e, i)) {
        return fp_outside(e, i);
    }
    a = xmm_of(e, from, i->a);
    t = xmm_dest(e, i->d);
    asm_sse_rr(&e->s, e->vex, sse_type(from) | SSE_CVT_FORMAT, t, e->vex ? a : t, a);
    return fp_finish(e, i, t);
}

/* ---- minimum, maximum, comparisons --------------------------------------------------------- */

/* Equal operands differ in the sign of zero at most: or gives -0, and gives +0. */
static void cold_equal(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    fp_op3(e, c->op | X_0F, c->xmm[0], c->xmm[1], c->xmm[2]);
    asm_jmp(&e->s, c->back);
}

int emit_fminmax(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type type = ir_type_of(i);
    unsigned a, b, t;
    struct cold *nan, *equal;

    if (e->fpu_outside) {
        return fp_outside(e, i);
    }
    a = xmm_of(e, type, i->a);
    b = xmm_of(e, type, i->b);
    t = xmm_dest(e, i->d);
    asm_sse_rr(&e->s, e->vex, SSE_UCOMI | (type == IR_F64 ? X_66 : 0), a, 0, b);
    nan = fp_cold(e, i, CC_P, t + DEST_XMM);
    equal = cold_new(e, cold_equal, asm_jcc_later(&e->s, CC_E));
    equal->op = row->op2 & 0xff;
    equal->xmm[0] = (uint8_t)t;
    equal->xmm[1] = (uint8_t)a;
    equal->xmm[2] = (uint8_t)b;
    fp_op3(e, sse_type(type) | row->op, t, a, b);
    nan->back = equal->back = e->s.p;
    xmm_define(e, type, i->d, t);
    return RESULT_XMM;
}

/* Less-than is greater-than with operands swapped, whose carry is clear for numbers only. */
int emit_fcompare(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type type = ir_type_of(i);
    unsigned a, b, r;

    if (e->fpu_outside) {
        return fp_outside(e, i);
    }
    a = xmm_of(e, type, i->a);
    b = xmm_of(e, type, i->b);
    r = i->d == IR_NONE ? scratch(e) : dst_reg(e, i->d);
    if (i->op == IR_feq) {
        move(e, 0, e->vex ? 0 : a);
        asm_sse_rr(&e->s, e->vex, type == IR_F32 ? SSE_CMP_SS : SSE_CMP_SD, 0, e->vex ? a : 0, b);
        asm_u8(&e->s, 0);
        asm_sse_rr(&e->s, e->vex, SSE_MOVD_FROM, 0, 0, r);
        asm_alu_ri(&e->s, ALU_AND, 0, r, 1);
    } else {
        asm_rr(&e->s, OP_XOR, r, r);
        asm_sse_rr(&e->s, e->vex, SSE_COMI | (type == IR_F64 ? X_66 : 0), b, 0, a);
        asm_rr(&e->s, OP_SETCC | row->op, 0, r);
    }
    return i->d == IR_NONE ? RESULT_DONE : (int)r;
}

/*
 * Not a normal number. t = the magnitude, doubled, is compared with where zeros, subnormals,
 * normals, infinities and signalling NaNs end; 0 to 5 of the limits, and 6 for the sign, index the
 * table of answers.
 */
static void cold_class(struct emit *e, const struct cold *c)
{
    static const uint64_t limits32[5] = {1, 0x01000000, 0xff000000, 0xff000001, 0xff800000};
    unsigned r = c->dest, t = c->va, w = c->wide ? X_W : 0;

    asm_patch(c->from, e->s.p);
    asm_sse_rr(&e->s, e->vex, SSE_MOVD_FROM | w, c->xmm[0], 0, t);
    asm_rr(&e->s, OP_ADD | w, t, t);
    asm_alu_ri(&e->s, ALU_AND, 0, r, 6);
    asm_alu_ri(&e->s, ALU_ADD, 0, r, 5);
    for (unsigned k = 0; k < 5; k++) {
        if (w) {
            size_t at = offsetof(struct fp_constants, class_limits) + 8 * k;

            asm_rip(&e->s, OP_CMP | X_W, t, fp_constant(e, at));
        } else {
            asm_rr(&e->s, 0x81, ALU_CMP, t);
            asm_u32(&e->s, (uint32_t)limits32[k]);
        }
        asm_alu_ri(&e->s, ALU_SBB, 0, r, 0);
    }
    asm_rip(&e->s, OP_LEA | X_W, t, fp_constant(e, offsetof(struct fp_constants, classes)));
    asm_rmx(&e->s, OP_MOVZX16, r, t, r, 1, 0);
    asm_jmp(&e->s, c->back);
}

/* Normal numbers, by their exponent: bit 1 or, positive, bit 6. */
int emit_fclass(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    bool wide = ir_type_of(i) == IR_F64;
    unsigned w = wide ? X_W : 0, a, r, t;
    struct cold *c;

    (void)row;
    if (e->fpu_outside) {
        return fp_outside(e, i);
    }
    a = xmm_of(e, ir_type_of(i), i->a);
    r = dst_reg(e, i->d);
    t = scratch(e);
    asm_sse_rr(&e->s, e->vex, SSE_MOVD_FROM | w, a, 0, t);
    asm_rr(&e->s, OP_ADD | w, t, t);
    asm_rr(&e->s, OP_SBB, r, r);
    asm_shift_imm(&e->s, SHIFT_SHR, w, t, wide ? 53 : 24);
    asm_alu_ri(&e->s, ALU_SUB, 0, t, 1);
    asm_alu_ri(&e->s, ALU_CMP, 0, t, wide ? 0x7fe : 0xfe);
    c = cold_new(e, cold_class, asm_jcc_later(&e->s, CC_AE));
    c->dest = (uint8_t)r;
    c->va = (uint8_t)t;
    c->xmm[0] = (uint8_t)a;
    c->wide = wide;
    asm_alu_ri(&e->s, ALU_AND, 0, r, 1 << 1 ^ 1 << 6);
    asm_alu_ri(&e->s, ALU_XOR, 0, r, 1 << 6);
    c->back = e->s.p;
    return (int)r;
}

/* ---- sign injection and moves -------------------------------------------------------------- */

static const uint8_t *mask(const struct emit *e, enum ir_type type, bool sign)
{
    size_t at =
        sign ? offsetof(struct fp_constants, sign) : offsetof(struct fp_constants, magnitude);

    return fp_constant(e, at + (type == IR_F64 ? 16 : 0));
}

/* t = a OP mask */
static void op_mask(struct emit *e, unsigned op, unsigned t, unsigned a, const uint8_t *m)
{
    move(e, t, e->vex ? t : a);
    asm_sse_rip(&e->s, e->vex, op, t, e->vex ? a : t, m);
}

/* Operands differ: xmm0 = the sign to be set or changed. */
static void inject(struct emit *e, const struct ir_insn *i, unsigned t, unsigned a, unsigned b)
{
    enum ir_type type = ir_type_of(i);

    op_mask(e, i->op == IR_fsgnjn ? SSE_ANDN : SSE_AND, 0, b, mask(e, type, true));
    if (i->op == IR_fsgnjx) {
        fp_op3(e, SSE_XOR, t, a, 0);
        return;
    }
    op_mask(e, SSE_AND, 1, a, mask(e, type, false));
    fp_op3(e, SSE_OR, t, 1, 0);
}

int emit_fsgnj(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type type = ir_type_of(i);
    unsigned a, b, t;

    (void)row;
    if (e->fpu_outside) {
        return fp_outside(e, i);
    }
    a = xmm_of(e, type, i->a);
    b = xmm_of(e, type, i->b);
    t = xmm_dest(e, i->d);
    if (a != b) {
        inject(e, i, t, a, b);
    } else if (i->op == IR_fsgnj) {
        move(e, t, a);
    } else {
        op_mask(e, i->op == IR_fsgnjn ? SSE_XOR : SSE_AND, t, a, mask(e, type, i->op == IR_fsgnjn));
    }
    xmm_define(e, type, i->d, t);
    return RESULT_XMM;
}

int emit_i2f(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type type = ir_type_of(i);
    unsigned w = type == IR_F32 ? 0 : X_W, t = xmm_dest(e, i->d);
    struct opd a = opd_of(e, i->a);

    (void)row;
    if (a.kind == OPD_IMM && a.imm == 0) {
        asm_sse_rr(&e->s, e->vex, SSE_XOR, t, t, t);
    } else if (a.kind == OPD_MEM) {
        asm_sse_rm(&e->s, e->vex, sse_type(type) | SSE_LOAD, t, 0, a.reg, a.disp);
    } else {
        asm_sse_rr(&e->s, e->vex, SSE_MOVD_TO | w, t, 0, reg_of(e, i->a));
    }
    xmm_define(e, type, i->d, t);
    return RESULT_XMM;
}

int emit_f2i(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    enum ir_type type = ir_type_of(i);
    unsigned w = type == IR_F32 ? 0 : X_W, r = dst_reg(e, i->d);
    int a = xmm_cached(e, type, i->a);

    (void)row;
    if (a >= 0) {
        asm_sse_rr(&e->s, e->vex, SSE_MOVD_FROM | w, (unsigned)a, 0, r);
    } else {
        asm_rm(&e->s, OP_MOV_LOAD | w, r, RBP, e->x->disp_of[i->a]);
    }
    return (int)r;
}

int emit_fp_control(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    (void)i;
    if (e->lay->fpu_control != 0) {
        asm_rm(&e->s, OP_MXCSR, row->op, RBP, env_disp(e, e->lay->fpu_control));
    }
    return RESULT_DONE;
}
