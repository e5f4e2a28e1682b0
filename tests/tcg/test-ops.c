/* SPDX-License-Identifier: MIT */
/*
 * Every pure op at every type gives what the op table says, for all pairs of edge values, on
 * every variant. What it should give is computed here, with 128-bit arithmetic or bit by bit, not
 * with the engine's own evaluation. Each op is tried with its operands and destination in pinned
 * registers, in memory, in temporaries, as constants, and aliased.
 */
#include "tests/tcg/harness.h"

typedef __int128 s128;
typedef unsigned __int128 u128;

/* ---- what ops mean ------------------------------------------------------------------------- */

struct pure {
    enum ir_op op;
    bool typed;
    uint64_t (*want)(unsigned w, uint64_t a, uint64_t b, unsigned n);
};

static uint64_t low(unsigned w, uint64_t v)
{
    return w == 64 ? v : v & 0xffffffff;
}

static int64_t sgn(unsigned w, uint64_t v)
{
    return w == 64 ? (int64_t)v : (int64_t)(int32_t)v;
}

#define WANT(name, expr)                                                        \
    static uint64_t want_##name(unsigned w, uint64_t a, uint64_t b, unsigned n) \
    {                                                                           \
        (void)w, (void)a, (void)b, (void)n;                                     \
        return (uint64_t)(expr);                                                \
    }

static uint64_t bits_reversed_product(uint64_t a, uint64_t b, int shift)
{
    u128 r = 0;

    for (int k = 0; k < 64; k++) {
        if (b >> k & 1) {
            r ^= (u128)a << k;
        }
    }
    return (uint64_t)(r >> shift);
}

static uint64_t leading(unsigned w, uint64_t v)
{
    unsigned n = 0;

    while (n < w && !(v >> (w - 1 - n) & 1)) {
        n++;
    }
    return n;
}

static uint64_t trailing(unsigned w, uint64_t v)
{
    unsigned n = 0;

    while (n < w && !(v >> n & 1)) {
        n++;
    }
    return n;
}

static uint64_t ones(unsigned w, uint64_t v)
{
    uint64_t n = 0;

    for (unsigned k = 0; k < w; k++) {
        n += v >> k & 1;
    }
    return n;
}

static uint64_t reversed_bytes(unsigned w, uint64_t v)
{
    uint64_t r = 0;

    for (unsigned k = 0; k < w; k += 8) {
        r = r << 8 | (v >> k & 0xff);
    }
    return r;
}

static uint64_t or_combined(uint64_t v)
{
    uint64_t r = 0;

    for (unsigned k = 0; k < 8; k++) {
        if (v & (UINT64_C(0xff) << (8 * k))) {
            r += UINT64_C(0xff) << (8 * k);
        }
    }
    return r;
}

static uint64_t divided(unsigned w, uint64_t a, uint64_t b, bool is_signed, bool remainder)
{
    s128 x = is_signed ? (s128)sgn(w, a) : (s128)(u128)low(w, a);
    s128 y = is_signed ? (s128)sgn(w, b) : (s128)(u128)low(w, b);

    if (y == 0) {
        return remainder ? (uint64_t)x : UINT64_MAX;
    }
    return (uint64_t)(remainder ? x % y : x / y);
}

WANT(mov, a)
WANT(add, a + b)
WANT(sub, a - b)
WANT(and, a &b)
WANT(or, a | b)
WANT(xor, a ^ b)
WANT(andn, a & ~b)
WANT(orn, a | ~b)
WANT(xnor, ~(a ^ b))
WANT(shl, a << (b & (w - 1)))
WANT(shr, low(w, a) >> (b & (w - 1)))
WANT(sar, sgn(w, a) >> (b & (w - 1)))
WANT(rotl, (((u128)low(w, a) << w | low(w, a)) << (b & (w - 1))) >> w)
WANT(rotr, ((u128)low(w, a) << w | low(w, a)) >> (b & (w - 1)))
WANT(addshl, b + (a << n))
WANT(mul, a *b)
WANT(mulhs, ((s128)(int64_t)a * (int64_t)b) >> 64)
WANT(mulhu, ((u128)a * b) >> 64)
WANT(mulhsu, ((s128)(int64_t)a * (s128)(u128)b) >> 64)
WANT(divs, divided(w, a, b, true, false))
WANT(divu, divided(w, a, b, false, false))
WANT(rems, divided(w, a, b, true, true))
WANT(remu, divided(w, a, b, false, true))
WANT(mins, sgn(w, a) < sgn(w, b) ? a : b)
WANT(maxs, sgn(w, a) < sgn(w, b) ? b : a)
WANT(minu, low(w, a) < low(w, b) ? a : b)
WANT(maxu, low(w, a) < low(w, b) ? b : a)
WANT(clz, leading(w, a))
WANT(ctz, trailing(w, a))
WANT(cpop, ones(w, a))
WANT(bswap, reversed_bytes(w, a))
WANT(orcb, or_combined(a))
WANT(sext8, (int8_t)a)
WANT(sext16, (int16_t)a)
WANT(sext32, (int32_t)a)
WANT(zext8, a & 0xff)
WANT(zext16, a & 0xffff)
WANT(zext32, a & 0xffffffff)
WANT(clmul, bits_reversed_product(a, b, 0))
WANT(clmulh, bits_reversed_product(a, b, 64))
WANT(clmulr, bits_reversed_product(a, b, 63))
WANT(setcond, n == COND_EQ    ? low(w, a) == low(w, b)
              : n == COND_NE  ? low(w, a) != low(w, b)
              : n == COND_LT  ? sgn(w, a) < sgn(w, b)
              : n == COND_GE  ? sgn(w, a) >= sgn(w, b)
              : n == COND_LTU ? low(w, a) < low(w, b)
                              : low(w, a) >= low(w, b))

#define PURE(name)                    \
    {                                 \
        IR_##name, false, want_##name \
    }
#define TYPED(name)                  \
    {                                \
        IR_##name, true, want_##name \
    }
static const struct pure pures[] = {
    TYPED(mov),   TYPED(add),   TYPED(sub),    TYPED(and),   TYPED(or),    TYPED(xor),
    TYPED(andn),  TYPED(orn),   TYPED(xnor),   TYPED(shl),   TYPED(shr),   TYPED(sar),
    TYPED(rotl),  TYPED(rotr),  TYPED(addshl), TYPED(mul),   PURE(mulhs),  PURE(mulhu),
    PURE(mulhsu), TYPED(divs),  TYPED(divu),   TYPED(rems),  TYPED(remu),  TYPED(mins),
    TYPED(maxs),  TYPED(minu),  TYPED(maxu),   TYPED(clz),   TYPED(ctz),   TYPED(cpop),
    TYPED(bswap), PURE(orcb),   PURE(sext8),   PURE(sext16), PURE(sext32), PURE(zext8),
    PURE(zext16), PURE(zext32), PURE(clmul),   PURE(clmulh), PURE(clmulr), TYPED(setcond),
};

/* ---- shapes -------------------------------------------------------------------------------- */

/* Where an operand is. */
enum place { PINNED, MEMORY, TEMP, CONSTANT, PLACES };

/*
 * x[3] and x[4] are pinned, x[20] and x[21] are not; a's value is at [3] or [20], b's at [4] or
 * [21].
 */
struct shape {
    enum place a, b, d;
    int alias; /* 0 none, 1 d == a, 2 d == b, 3 a == b, 4 all the same */
};

static ir_arg place_operand(struct tcg_context *ctx, enum place p, unsigned pinned, unsigned memory,
                            uint64_t value)
{
    ir_arg t;

    switch (p) {
    case PINNED:
        return xreg(pinned);
    case MEMORY:
        return xreg(memory);
    case TEMP:
        t = ir_temp(ctx, IR_I64);
        ir_emit(ctx, IR_mov, IR_I64, t, xreg(pinned), IR_NONE);
        return t;
    default:
        return ir_const(ctx, value);
    }
}

/* Emits OP at SHAPE; the result ends in x[31]. */
static void build(struct tcg_context *ctx, const struct pure *p, enum ir_type type, unsigned n,
                  const struct shape *s, uint64_t va, uint64_t vb, bool folded)
{
    bool two = (ir_op_info[p->op].flags & OPF_B) != 0;
    ir_arg a, b, d;
    struct ir_insn *i;

    ir_begin(ctx);
    ir_insn_start(ctx, 0);
    a = place_operand(ctx, s->a, 3, 20, va);
    b = s->alias >= 3 ? a : place_operand(ctx, s->b, 4, 21, vb);
    d = s->alias == 1 || s->alias == 4 ? a
        : s->alias == 2                ? b
        : s->d == PINNED               ? xreg(5)
        : s->d == MEMORY               ? xreg(22)
                                       : 0;
    if (d == 0) {
        d = ir_temp(ctx, IR_I64);
    }
    if (folded && p->op == IR_setcond) {
        ir_setcond(ctx, (enum ir_cond)n, d, a, b);
    } else if (folded && p->op == IR_addshl) {
        ir_addshl(ctx, d, a, b, n);
    } else if (folded && two) {
        ir_op2(ctx, p->op, type, d, a, b);
    } else if (folded) {
        ir_op1(ctx, p->op, type, d, a);
    } else {
        i = ir_emit(ctx, p->op, type, d, a, two ? b : IR_NONE);
        i->aux = p->op == IR_setcond ? (uint16_t)n : 0;
        i->imm = p->op == IR_addshl ? (int32_t)n : 0;
    }
    ir_mov(ctx, xreg(31), d);
    ir_exit_loop(ctx, 4);
}

static struct guest guest;

static bool run_and_check(struct unit *u, struct engine *e, const struct tcg_code *code,
                          const struct pure *p, enum ir_type type, unsigned n,
                          const struct shape *s, uint64_t a, uint64_t b)
{
    unsigned w = type == IR_I32 ? 32 : 64;
    uint64_t want;

    if (s->alias >= 3) {
        b = a;
    }
    want = p->want(w, a, b, n);
    want = w == 32 && p->op != IR_setcond ? (uint64_t)(int32_t)want : want;
    guest.env.x[3] = guest.env.x[20] = a;
    guest.env.x[4] = guest.env.x[21] = b;
    guest.env.x[31] = 0x5a5a;
    tcg_exec(e->t, &guest.env, code->rx + code->entry);
    if (guest.env.x[31] != want) {
        printf("FAIL %s: %s: %s i%u(0x%" PRIx64 ", 0x%" PRIx64
               ") n=%u shape %d %d %d alias %d: 0x%" PRIx64 ", not 0x%" PRIx64 "\n",
               u->name, e->label, ir_op_info[p->op].name, w, a, b, n, s->a, s->b, s->d, s->alias,
               guest.env.x[31], want);
        u->failed = true;
    }
    return !u->failed;
}

static bool compile(struct unit *u, struct engine *e, struct tcg_code *code)
{
    CHECK(u, tcg_compile(e->ctx, &e->region, NULL, -4096, code) == 0);
    return !u->failed;
}

/* Constants need a TB each: a few pairs only; the rest runs one TB over all pairs. */
static void check_shape(struct unit *u, struct engine *e, const struct pure *p, enum ir_type type,
                        unsigned n, const struct shape *s)
{
    size_t mark = e->region.used;
    bool constant = s->a == CONSTANT || s->b == CONSTANT;
    /* The builder's setcond and addshl are 64 bits wide. */
    bool only_raw = (p->op == IR_setcond || p->op == IR_addshl) && type == IR_I32;
    struct tcg_code code;

    for (unsigned folded = 0; folded < (only_raw ? 1u : 2u); folded++) {
        if (!constant) {
            build(e->ctx, p, type, n, s, 0, 0, folded);
            if (!compile(u, e, &code)) {
                return;
            }
        }
        for (unsigned x = 0; x < ARRAY_SIZE(edge_values); x++) {
            for (unsigned y = 0; y < ARRAY_SIZE(edge_values); y++) {
                uint64_t a = edge_values[x], b = edge_values[y];

                if (constant) {
                    if ((x * 7 + y * 3) % 5 != 0) {
                        continue;
                    }
                    build(e->ctx, p, type, n, s, a, b, folded);
                    if (!compile(u, e, &code)) {
                        return;
                    }
                    e->region.used = mark;
                }
                if (!run_and_check(u, e, &code, p, type, n, s, a, b)) {
                    return;
                }
            }
        }
    }
    e->region.used = mark;
}

static bool makes_sense(const struct shape *s)
{
    switch (s->alias) {
    case 1:
        return s->a != CONSTANT && s->d == PINNED;
    case 2:
        return s->b != CONSTANT && s->d == PINNED;
    case 3:
        return s->b == PINNED;
    case 4:
        return s->a != CONSTANT && s->b == PINNED && s->d == PINNED;
    default:
        return true;
    }
}

static void check_op(struct unit *u, struct engine *e, const struct pure *p, enum ir_type type,
                     unsigned n)
{
    struct shape s;

    for (unsigned k = 0; k < PLACES * PLACES * 3 * 5 && !u->failed; k++) {
        s = (struct shape){.a = k % PLACES,
                           .b = k / PLACES % PLACES,
                           .d = k / PLACES / PLACES % 3,
                           .alias = (int)(k / 48)};
        if (makes_sense(&s)) {
            check_shape(u, e, p, type, n, &s);
        }
    }
}

static void every_pure_op_is_right_on(struct unit *u, unsigned variant)
{
    struct engine e;

    guest_init(&guest);
    CHECK(u, engine_init(&e, &variants[variant]));
    for (unsigned k = 0; k < ARRAY_SIZE(pures) && !u->failed; k++) {
        const struct pure *p = &pures[k];
        unsigned count = p->op == IR_setcond ? COND_NEVER : p->op == IR_addshl ? 4 : 1;

        for (unsigned n = 0; n < count && !u->failed; n++) {
            check_op(u, &e, p, IR_I64, n);
            if (p->typed && !u->failed) {
                check_op(u, &e, p, IR_I32, n);
            }
        }
    }
    engine_fini(&e);
}

static void pure_ops_are_right_on_the_interpreter(struct unit *u)
{
    every_pure_op_is_right_on(u, 0);
    every_pure_op_is_right_on(u, 1);
}

static void pure_ops_are_right_on_x86_64(struct unit *u)
{
    every_pure_op_is_right_on(u, 2);
}

static void pure_ops_are_right_without_pinning(struct unit *u)
{
    every_pure_op_is_right_on(u, 3);
}

static void pure_ops_are_right_without_host_features(struct unit *u)
{
    every_pure_op_is_right_on(u, 5);
}

static void pure_ops_are_right_without_each_host_feature(struct unit *u)
{
    for (unsigned v = 6; v < NVARIANTS && !u->failed; v++) {
        every_pure_op_is_right_on(u, v);
    }
}

/* movcond has four operands: all conditions, types, and mixtures of places. */
static void movcond_on(struct unit *u, unsigned variant)
{
    struct engine e;
    struct tcg_code code;
    uint64_t rng = 99;

    guest_init(&guest);
    CHECK(u, engine_init(&e, &variants[variant]));
    for (unsigned k = 0; k < 4000 && !u->failed; k++) {
        static const uint8_t regs[] = {3, 4, 5, 20, 21, 22};
        ir_arg args[5];
        uint64_t v[4];
        enum ir_cond cond = (enum ir_cond)(k % 6);
        enum ir_type type = k / 6 % 2 ? IR_I32 : IR_I64;
        struct ir_insn *i;
        bool taken;
        uint64_t want;

        for (unsigned m = 1; m < NREGS; m++) {
            guest.env.x[m] = edge_values[rng_next(&rng) % ARRAY_SIZE(edge_values)];
        }
        ir_begin(e.ctx);
        ir_insn_start(e.ctx, 0);
        for (unsigned m = 0; m < 5; m++) {
            unsigned r = regs[rng_next(&rng) % ARRAY_SIZE(regs)], how = rng_next(&rng) % 4;

            args[m] = xreg(r);
            if (m < 4) {
                v[m] = guest.env.x[r];
                if (how == 0) {
                    args[m] = ir_const(e.ctx, v[m]);
                } else if (how == 1) {
                    args[m] = ir_temp(e.ctx, IR_I64);
                    ir_emit(e.ctx, IR_mov, IR_I64, args[m], xreg(r), IR_NONE);
                }
            }
        }
        i = ir_emit(e.ctx, IR_movcond, type, args[4], args[0], args[1]);
        i->c = args[2];
        i->aux = args[3];
        i->imm = (int32_t)cond;
        ir_emit(e.ctx, IR_mov, IR_I64, xreg(31), args[4], IR_NONE);
        ir_exit_loop(e.ctx, 4);
        CHECK(u, tcg_compile(e.ctx, &e.region, NULL, -4096, &code) == 0);
        tcg_exec(e.t, &guest.env, code.rx + code.entry);
        taken = want_setcond(type == IR_I32 ? 32 : 64, v[0], v[1], cond);
        want = type == IR_I32 ? (uint64_t)(int32_t)v[taken ? 2 : 3] : v[taken ? 2 : 3];
        CHECK_EQ(u, guest.env.x[31], want);
    }
    engine_fini(&e);
}

static void movcond_is_right_everywhere(struct unit *u)
{
    for (unsigned v = 0; v < NVARIANTS && !u->failed; v++) {
        movcond_on(u, v);
    }
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(pure_ops_are_right_on_the_interpreter),
        UNIT(pure_ops_are_right_on_x86_64),
        UNIT(pure_ops_are_right_without_pinning),
        UNIT(pure_ops_are_right_without_host_features),
        UNIT(pure_ops_are_right_without_each_host_feature),
        UNIT(movcond_is_right_everywhere),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
