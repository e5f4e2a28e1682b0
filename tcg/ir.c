/* SPDX-License-Identifier: MIT */
/*
 * The builder: appends records to a context's buffer. The convenience layer (ir_op2 and its kin)
 * folds constants, replaces ops by cheaper ones, and remembers within a TB which globals and
 * temporaries hold a known value (a constant, or pc_page plus a constant), so that `auipc; jalr`
 * becomes a direct jump and `lui; addi` two moves. What was known is forgotten at labels and at
 * calls that may write globals.
 *
 * After an op that ends straight-line code everything up to the next label that something jumps
 * to is dropped.
 */
#include "tcg/internal.h"
#include <assert.h>

/* Operand letters and flag letters of ops.def rows, as bits; constant folded by the compiler. */
#define AT(s, n)         ((s "    ")[n])
#define HAS(s, c)        (AT(s, 0) == (c) || AT(s, 1) == (c) || AT(s, 2) == (c) || AT(s, 3) == (c))
#define FLAG(s, ch, bit) (HAS(s, ch) ? (bit) : 0)

const struct ir_op_info ir_op_info[IR_OP_COUNT] = {
#define OP(op_name, operands, letters)                                                             \
    [IR_##op_name] = {#op_name, FLAG(letters, 'T', OPF_TYPED) | FLAG(letters, 'S', OPF_SIDE) |     \
                                    FLAG(letters, 'F', OPF_FAULT) | FLAG(letters, 'E', OPF_ENDS) | \
                                    FLAG(letters, 'G', OPF_GLOBALS) |                              \
                                    FLAG(letters, 'e', OPF_AUX_ARG) | FLAG(operands, 'd', OPF_D) | \
                                    FLAG(operands, 'a', OPF_A) | FLAG(operands, 'b', OPF_B) |      \
                                    FLAG(operands, 'c', OPF_C)},
#include "tcg/ops.def"
#undef OP
};

/* ---- buffers ------------------------------------------------------------------------------- */

void ir_begin(struct tcg_context *ctx)
{
    ctx->ninsns = 0;
    ctx->nconsts = 0;
    ctx->ntemps = 0;
    ctx->nlabels = 0;
    ctx->nsites = 0;
    ctx->npcmap = 0;
    ctx->unreachable = false;
    ctx->pc_off = 0;
    ctx->generation++;
    if (ctx->generation == 0) {
        memset(ctx->known, 0, sizeof(ctx->known));
        ctx->generation = 1;
    }
}

bool ir_full(const struct tcg_context *ctx)
{
    return ctx->ninsns + IR_INSN_ROOM > IR_MAX_INSNS ||
           ctx->nconsts + IR_INSN_ROOM > IR_MAX_CONSTS ||
           ctx->nlabels + IR_INSN_ROOM / 8 > IR_MAX_LABELS ||
           ctx->nsites + IR_INSN_SITES > IR_MAX_SITES;
}

ir_arg ir_temp(struct tcg_context *ctx, enum ir_type type)
{
    (void)type; /* float temporaries are raw bits until an op computes with them */
    assert(ctx->ntemps < IR_MAX_TEMPS);
    ctx->known[IR_TEMP0 + ctx->ntemps].generation = 0;
    return (ir_arg)(IR_TEMP0 + ctx->ntemps++);
}

ir_arg ir_const(struct tcg_context *ctx, uint64_t value)
{
    if (ctx->nconsts > 0 && ctx->consts[ctx->nconsts - 1] == value) {
        return (ir_arg)(IR_CONST0 + ctx->nconsts - 1);
    }
    assert(ctx->nconsts < IR_MAX_CONSTS);
    ctx->consts[ctx->nconsts] = value;
    return (ir_arg)(IR_CONST0 + ctx->nconsts++);
}

static void forget(struct tcg_context *ctx, ir_arg d)
{
    if (d != IR_NONE) {
        ctx->known[d].generation = 0;
    }
    if (ir_is_global(d)) {
        ctx->version[d]++;
    }
}

struct ir_insn *ir_emit(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d,
                        ir_arg a, ir_arg b)
{
    struct ir_insn *i = &ctx->dummy;

    if (!ctx->unreachable) {
        assert(ctx->ninsns < IR_MAX_INSNS);
        i = &ctx->insns[ctx->ninsns++];
        forget(ctx, d);
    }
    *i = (struct ir_insn){.op = (uint8_t)op, .type = (uint8_t)type, .d = d, .a = a, .b = b};
    if (ir_op_info[op].flags & OPF_ENDS) {
        ctx->unreachable = true;
    }
    return i;
}

/* ---- known values -------------------------------------------------------------------------- */

static const struct ir_known *known_value(const struct tcg_context *ctx, ir_arg a)
{
    const struct ir_known *k;

    if (a == IR_NONE || ir_is_const(a)) {
        return NULL;
    }
    k = &ctx->known[a];
    return k->generation == ctx->generation && !ctx->plain ? k : NULL;
}

/* Nothing is known about ARG but that it is a register. */
static bool is_new(const struct tcg_context *ctx, ir_arg arg)
{
    return !ir_is_const(arg) && ctx->known[arg].generation != ctx->generation;
}

static void learn(struct tcg_context *ctx, ir_arg d, enum ir_known_kind kind, uint64_t value)
{
    if (!ctx->unreachable && d != IR_NONE) {
        ctx->known[d] =
            (struct ir_known){.generation = ctx->generation, .kind = (uint8_t)kind, .value = value};
    }
}

/* Temporary D is a copy of global A: as long as A stays, users of D can read A. */
static void learn_copy(struct tcg_context *ctx, ir_arg d, ir_arg a)
{
    if (!ctx->unreachable && ir_is_temp(d) && ir_is_global(a)) {
        ctx->known[d] = (struct ir_known){.generation = ctx->generation,
                                          .kind = KNOWN_COPY,
                                          .source = a,
                                          .version = ctx->version[a]};
    }
}

/* The global that ARG is a copy of, or ARG. */
static ir_arg original(const struct tcg_context *ctx, ir_arg arg)
{
    const struct ir_known *k = ir_is_temp(arg) ? known_value(ctx, arg) : NULL;

    return k != NULL && k->kind == KNOWN_COPY && ctx->version[k->source] == k->version ? k->source
                                                                                       : arg;
}

bool ir_arg_const(const struct tcg_context *ctx, ir_arg arg, uint64_t *value)
{
    const struct ir_known *k;

    if (ir_is_const(arg)) {
        *value = ir_const_value(ctx, arg);
        return true;
    }
    k = known_value(ctx, arg);
    if (k != NULL && k->kind == KNOWN_CONST) {
        *value = k->value;
        return true;
    }
    return false;
}

bool ir_arg_pc_off(const struct tcg_context *ctx, ir_arg arg, int32_t *pc_off)
{
    const struct ir_known *k = known_value(ctx, arg);

    if (k == NULL || k->kind != KNOWN_PC) {
        return false;
    }
    *pc_off = (int32_t)k->value;
    return true;
}

/* Constants that cost a host instruction nothing: what fits a sign-extended 32-bit immediate. */
static bool is_cheap(uint64_t value)
{
    return value == (uint64_t)(int32_t)value;
}

/* ARG itself, or a constant where its value is known and cheap, or what it is a copy of. */
static ir_arg simplify(struct tcg_context *ctx, ir_arg arg)
{
    uint64_t value;

    if (ir_is_const(arg) || !ir_arg_const(ctx, arg, &value)) {
        return original(ctx, arg);
    }
    return is_cheap(value) || ir_is_temp(arg) ? ir_const(ctx, value) : arg;
}

/* ---- moves --------------------------------------------------------------------------------- */

void ir_insn_start(struct tcg_context *ctx, int32_t pc_off)
{
    ctx->pc_off = pc_off;
    ctx->ntemps = 0;
    ir_emit(ctx, IR_insn_start, IR_I64, IR_NONE, IR_NONE, IR_NONE)->imm = pc_off;
}

static void set_const(struct tcg_context *ctx, ir_arg d, uint64_t value)
{
    ir_emit(ctx, IR_mov, IR_I64, d, ir_const(ctx, value), IR_NONE);
    learn(ctx, d, KNOWN_CONST, value);
}

void ir_mov(struct tcg_context *ctx, ir_arg d, ir_arg a)
{
    uint64_t value;
    int32_t pc_off;

    a = original(ctx, a);
    if (d == a) {
        return;
    }
    if (ctx->plain) {
        ir_emit(ctx, IR_mov, IR_I64, d, a, IR_NONE);
        return;
    }
    if (ir_arg_const(ctx, a, &value) && (is_cheap(value) || !ir_is_global(a))) {
        set_const(ctx, d, value);
        return;
    }
    ir_emit(ctx, IR_mov, IR_I64, d, a, IR_NONE);
    if (ir_arg_const(ctx, a, &value)) {
        learn(ctx, d, KNOWN_CONST, value);
    } else if (ir_arg_pc_off(ctx, a, &pc_off)) {
        learn(ctx, d, KNOWN_PC, (uint64_t)(int64_t)pc_off);
    } else {
        learn_copy(ctx, d, a);
    }
}

void ir_pc_add(struct tcg_context *ctx, ir_arg d, int32_t pc_off)
{
    ir_emit(ctx, IR_pc_add, IR_I64, d, IR_NONE, IR_NONE)->imm = pc_off;
    learn(ctx, d, KNOWN_PC, (uint64_t)(int64_t)pc_off);
}

/* ---- arithmetic ---------------------------------------------------------------------------- */

static enum ir_type type_for(enum ir_op op, enum ir_type type)
{
    return ir_op_info[op].flags & OPF_TYPED ? type : IR_I64;
}

void ir_op1(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d, ir_arg a)
{
    struct ir_insn probe = {.op = (uint8_t)op, .type = (uint8_t)type_for(op, type)};
    uint64_t va, value;

    if (!ctx->plain && ir_arg_const(ctx, a, &va) && ir_eval(&probe, va, 0, &value)) {
        set_const(ctx, d, value);
    } else if (op == IR_mov && type == IR_I32) {
        ir_emit(ctx, IR_sext32, IR_I64, d, original(ctx, a), IR_NONE);
    } else {
        ir_emit(ctx, op, (enum ir_type)probe.type, d, original(ctx, a), IR_NONE);
    }
}

static bool is_commutative(enum ir_op op)
{
    switch (op) {
    case IR_add:
    case IR_and:
    case IR_or:
    case IR_xor:
    case IR_xnor:
    case IR_mul:
    case IR_mulhs:
    case IR_mulhu:
    case IR_mins:
    case IR_maxs:
    case IR_minu:
    case IR_maxu:
    case IR_clmul:
    case IR_clmulh:
    case IR_clmulr:
        return true;
    default:
        return false;
    }
}

/* d = a, in TYPE. */
static bool fold_to_move(struct tcg_context *ctx, enum ir_type type, ir_arg d, ir_arg a)
{
    if (type == IR_I32) {
        ir_op1(ctx, IR_sext32, IR_I64, d, a);
    } else {
        ir_mov(ctx, d, a);
    }
    return true;
}

static bool fold_and(struct tcg_context *ctx, enum ir_type type, ir_arg d, ir_arg a, uint64_t mask)
{
    if (type == IR_I32) {
        mask = (uint64_t)(int32_t)mask;
    }
    switch (mask) {
    case 0:
        set_const(ctx, d, 0);
        return true;
    case UINT64_MAX:
        return fold_to_move(ctx, type, d, a);
    case 0xff:
        ir_op1(ctx, IR_zext8, IR_I64, d, a);
        return true;
    case 0xffff:
        ir_op1(ctx, IR_zext16, IR_I64, d, a);
        return true;
    case 0xffffffff:
        ir_op1(ctx, IR_zext32, IR_I64, d, a);
        return true;
    default:
        return false;
    }
}

/* auipc and what follows: pc_page + known, plus or masked by a constant. */
static bool fold_pc(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d, ir_arg a,
                    uint64_t b)
{
    int32_t off;
    int64_t sum;

    if (type != IR_I64 || !ir_arg_pc_off(ctx, a, &off)) {
        return false;
    }
    sum = off;
    if (op == IR_add && is_cheap(b)) {
        sum += (int64_t)b;
    } else if (op == IR_and && (b == UINT64_C(-2) || b == UINT64_C(-4))) {
        sum &= (int64_t)b;
    } else {
        return false;
    }
    if (sum != (int32_t)sum) {
        return false;
    }
    ir_pc_add(ctx, d, (int32_t)sum);
    return true;
}

/* OP of A, which is not pc-relative, with the constant B. True: done, in some cheaper way. */
static bool fold_constant(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d,
                          ir_arg a, uint64_t b)
{
    unsigned w = type == IR_I32 ? 32 : 64;
    uint64_t vb = w == 32 ? (uint32_t)b : b;

    switch (op) {
    case IR_sub:
        ir_op2(ctx, IR_add, type, d, a, ir_const(ctx, 0 - b));
        return true;
    case IR_andn:
        ir_op2(ctx, IR_and, type, d, a, ir_const(ctx, ~b));
        return true;
    case IR_orn:
        ir_op2(ctx, IR_or, type, d, a, ir_const(ctx, ~b));
        return true;
    case IR_xnor:
        ir_op2(ctx, IR_xor, type, d, a, ir_const(ctx, ~b));
        return true;
    case IR_and:
        return fold_and(ctx, type, d, a, b);
    case IR_add:
    case IR_or:
    case IR_xor:
        return vb == 0 && fold_to_move(ctx, type, d, a);
    case IR_shl:
    case IR_shr:
    case IR_sar:
    case IR_rotl:
    case IR_rotr:
        return (b & (w - 1)) == 0 && fold_to_move(ctx, type, d, a);
    case IR_mul:
        if (vb == 0) {
            set_const(ctx, d, 0);
            return true;
        }
        if (is_pow2(vb)) {
            ir_op2(ctx, IR_shl, type, d, a, ir_const(ctx, ctz64(vb)));
            return true;
        }
        return false;
    case IR_divu:
        if (is_pow2(vb)) {
            ir_op2(ctx, IR_shr, type, d, a, ir_const(ctx, ctz64(vb)));
            return true;
        }
        return false;
    case IR_remu:
        if (is_pow2(vb)) {
            ir_op2(ctx, IR_and, type, d, a, ir_const(ctx, vb - 1));
            return true;
        }
        return false;
    default:
        return false;
    }
}

/* OP with the constant B on the right. True: done, in some cheaper way. */
static bool fold_right(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d,
                       ir_arg a, uint64_t b)
{
    return fold_pc(ctx, op, type, d, a, b) || fold_constant(ctx, op, type, d, a, b);
}

/* Both operands are the same register. */
static bool fold_same(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d, ir_arg a)
{
    switch (op) {
    case IR_sub:
    case IR_xor:
    case IR_andn:
        set_const(ctx, d, 0);
        return true;
    case IR_orn:
    case IR_xnor:
        set_const(ctx, d, UINT64_MAX);
        return true;
    case IR_and:
    case IR_or:
    case IR_mins:
    case IR_maxs:
    case IR_minu:
    case IR_maxu:
        return fold_to_move(ctx, type, d, a);
    default:
        return false;
    }
}

static bool is_shift(enum ir_op op)
{
    return op == IR_shl || op == IR_shr || op == IR_sar || op == IR_rotl || op == IR_rotr;
}

void ir_op2(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d, ir_arg a, ir_arg b)
{
    struct ir_insn probe = {.op = (uint8_t)op, .type = (uint8_t)type_for(op, type)};
    uint64_t va = 0, vb = 0, value;
    bool ca, cb;

    type = (enum ir_type)probe.type;
    if (ctx->plain || (a != b && is_new(ctx, a) && is_new(ctx, b))) {
        ir_emit(ctx, op, type, d, a, b);
        return;
    }
    if (ir_is_const(b) && is_new(ctx, a)) {
        if (!fold_constant(ctx, op, type, d, a, ir_const_value(ctx, b))) {
            ir_emit(ctx, op, type, d, a, b);
        }
        return;
    }
    ca = ir_arg_const(ctx, a, &va);
    cb = ir_arg_const(ctx, b, &vb);
    if (ca && cb && ir_eval(&probe, va, vb, &value)) {
        set_const(ctx, d, value);
        return;
    }
    a = original(ctx, a);
    b = original(ctx, b);
    if (ca && is_commutative(op)) {
        ir_op2(ctx, op, type, d, b, a);
        return;
    }
    if (ca && va == 0 && is_shift(op)) {
        set_const(ctx, d, 0);
        return;
    }
    if (cb && fold_right(ctx, op, type, d, a, vb)) {
        return;
    }
    if (a == b && fold_same(ctx, op, type, d, a)) {
        return;
    }
    ir_emit(ctx, op, type, d, simplify(ctx, a), simplify(ctx, b));
}

void ir_addshl(struct tcg_context *ctx, ir_arg d, ir_arg a, ir_arg b, unsigned shift)
{
    uint64_t va, vb = 0;
    bool cb = ir_arg_const(ctx, b, &vb);

    if (ctx->plain) {
        ir_emit(ctx, IR_addshl, IR_I64, d, a, b)->imm = (int32_t)shift;
    } else if (shift == 0) {
        ir_op2(ctx, IR_add, IR_I64, d, a, b);
    } else if (ir_arg_const(ctx, a, &va)) {
        ir_op2(ctx, IR_add, IR_I64, d, b, ir_const(ctx, va << shift));
    } else if (cb && vb == 0) {
        ir_op2(ctx, IR_shl, IR_I64, d, a, ir_const(ctx, shift));
    } else {
        ir_emit(ctx, IR_addshl, IR_I64, d, original(ctx, a), simplify(ctx, b))->imm =
            (int32_t)shift;
    }
}

/* ---- conditions ---------------------------------------------------------------------------- */

/* COND_NEVER or COND_ALWAYS where the operands decide it, else COND. */
static enum ir_cond fold_cond(const struct tcg_context *ctx, enum ir_cond cond, ir_arg a, ir_arg b)
{
    uint64_t va = 0, vb = 0;
    bool ca = ir_arg_const(ctx, a, &va), cb = ir_arg_const(ctx, b, &vb);

    if (cond >= COND_NEVER || ctx->plain) {
        return cond;
    }
    if (ca && cb) {
        return ir_eval_cond(cond, IR_I64, va, vb) ? COND_ALWAYS : COND_NEVER;
    }
    if (a == b) {
        return ir_eval_cond(cond, IR_I64, 0, 0) ? COND_ALWAYS : COND_NEVER;
    }
    if (cb && vb == 0 && (cond == COND_LTU || cond == COND_GEU)) {
        return cond == COND_LTU ? COND_NEVER : COND_ALWAYS;
    }
    return cond;
}

void ir_setcond(struct tcg_context *ctx, enum ir_cond cond, ir_arg d, ir_arg a, ir_arg b)
{
    cond = fold_cond(ctx, cond, a, b);
    if (cond >= COND_NEVER) {
        set_const(ctx, d, cond == COND_ALWAYS);
        return;
    }
    ir_emit(ctx, IR_setcond, IR_I64, d, simplify(ctx, a), simplify(ctx, b))->aux = (uint16_t)cond;
}

void ir_movcond(struct tcg_context *ctx, enum ir_cond cond, ir_arg d, ir_arg a, ir_arg b, ir_arg c,
                ir_arg e)
{
    struct ir_insn *i;

    cond = fold_cond(ctx, cond, a, b);
    if (cond >= COND_NEVER || (c == e && !ctx->plain)) {
        ir_mov(ctx, d, cond == COND_NEVER ? e : c);
        return;
    }
    a = simplify(ctx, a);
    b = simplify(ctx, b);
    c = simplify(ctx, c);
    e = simplify(ctx, e);
    i = ir_emit(ctx, IR_movcond, IR_I64, d, a, b);
    i->c = c;
    i->aux = e;
    i->imm = (int32_t)cond;
}

/* ---- labels and exits ---------------------------------------------------------------------- */

int ir_new_label(struct tcg_context *ctx)
{
    assert(ctx->nlabels < IR_MAX_LABELS);
    ctx->label_refs[ctx->nlabels] = 0;
    return (int)ctx->nlabels++;
}

void ir_label(struct tcg_context *ctx, int label)
{
    if (ctx->label_refs[label] == 0) {
        return; /* nothing reachable jumps here */
    }
    ctx->unreachable = false;
    ctx->generation++;
    ir_emit(ctx, IR_label, IR_I64, IR_NONE, IR_NONE, IR_NONE)->imm = label;
}

static void refer(struct tcg_context *ctx, int label)
{
    if (!ctx->unreachable) {
        ctx->label_refs[label]++;
    }
}

void ir_br(struct tcg_context *ctx, int label)
{
    refer(ctx, label);
    ir_emit(ctx, IR_br, IR_I64, IR_NONE, IR_NONE, IR_NONE)->imm = label;
}

void ir_brcond(struct tcg_context *ctx, enum ir_cond cond, ir_arg a, ir_arg b, int label)
{
    struct ir_insn *i;

    cond = fold_cond(ctx, cond, a, b);
    if (cond == COND_ALWAYS) {
        ir_br(ctx, label);
    } else if (cond != COND_NEVER) {
        refer(ctx, label);
        i = ir_emit(ctx, IR_brcond, IR_I64, IR_NONE, simplify(ctx, a), simplify(ctx, b));
        i->aux = (uint16_t)cond;
        i->imm = label;
    }
}

static void count_site(struct tcg_context *ctx)
{
    if (!ctx->unreachable) {
        ctx->nsites++;
    }
}

void ir_brcond_exit(struct tcg_context *ctx, enum ir_cond cond, ir_arg a, ir_arg b, int32_t pc_off)
{
    struct ir_insn *i;

    cond = fold_cond(ctx, cond, a, b);
    if (cond == COND_ALWAYS) {
        ir_goto_tb(ctx, pc_off);
    } else if (cond != COND_NEVER) {
        count_site(ctx);
        i = ir_emit(ctx, IR_brcond_exit, IR_I64, IR_NONE, simplify(ctx, a), simplify(ctx, b));
        i->aux = (uint16_t)cond;
        i->imm = pc_off;
    }
}

void ir_goto_tb(struct tcg_context *ctx, int32_t pc_off)
{
    count_site(ctx);
    ir_emit(ctx, IR_goto_tb, IR_I64, IR_NONE, IR_NONE, IR_NONE)->imm = pc_off;
}

void ir_goto_page(struct tcg_context *ctx, int32_t pc_off)
{
    ir_emit(ctx, IR_goto_page, IR_I64, IR_NONE, IR_NONE, IR_NONE)->imm = pc_off;
}

void ir_goto_ptr(struct tcg_context *ctx, ir_arg a)
{
    int32_t pc_off;

    if (!ir_arg_pc_off(ctx, a, &pc_off)) {
        ir_emit(ctx, IR_goto_ptr, IR_I64, IR_NONE, simplify(ctx, a), IR_NONE);
    } else if (pc_off >= 0 && pc_off < 4096) {
        ir_goto_tb(ctx, pc_off);
    } else {
        ir_goto_page(ctx, pc_off);
    }
}

void ir_goto_env_pc(struct tcg_context *ctx)
{
    ir_emit(ctx, IR_goto_env_pc, IR_I64, IR_NONE, IR_NONE, IR_NONE);
}

void ir_exit_loop(struct tcg_context *ctx, int32_t pc_off)
{
    ir_emit(ctx, IR_exit_loop, IR_I64, IR_NONE, IR_NONE, IR_NONE)->imm = pc_off;
}

/* ---- memory and helpers -------------------------------------------------------------------- */

static ir_arg simplify_address(struct tcg_context *ctx, ir_arg addr)
{
    return ir_is_temp(addr) ? simplify(ctx, addr) : addr;
}

void ir_ld(struct tcg_context *ctx, enum ir_type type, ir_arg d, ir_arg addr, int32_t off,
           unsigned memop)
{
    struct ir_insn *i = ir_emit(ctx, IR_ld, type, d, simplify_address(ctx, addr), IR_NONE);

    i->imm = off;
    i->aux = (uint16_t)memop;
}

void ir_st(struct tcg_context *ctx, enum ir_type type, ir_arg value, ir_arg addr, int32_t off,
           unsigned memop)
{
    ir_arg b = simplify(ctx, value);
    struct ir_insn *i = ir_emit(ctx, IR_st, type, IR_NONE, simplify_address(ctx, addr), b);

    i->imm = off;
    i->aux = (uint16_t)memop;
}

static enum ir_type amo_type(unsigned memop)
{
    return (memop & MO_SIZE) == MO_64 ? IR_I64 : IR_I32;
}

void ir_amo(struct tcg_context *ctx, enum ir_op op, ir_arg d, ir_arg addr, ir_arg value,
            unsigned memop)
{
    ir_arg b = simplify(ctx, value);

    ir_emit(ctx, op, amo_type(memop), d, simplify_address(ctx, addr), b)->aux = (uint16_t)memop;
}

void ir_sc(struct tcg_context *ctx, ir_arg d, ir_arg addr, ir_arg expected, ir_arg value,
           unsigned memop)
{
    ir_arg b = simplify(ctx, expected), c = simplify(ctx, value);
    struct ir_insn *i =
        ir_emit(ctx, IR_amo_sc, amo_type(memop), d, simplify_address(ctx, addr), b);

    i->c = c;
    i->aux = (uint16_t)memop;
}

void ir_env_ld(struct tcg_context *ctx, ir_arg d, int32_t offset, unsigned memop)
{
    struct ir_insn *i = ir_emit(ctx, IR_env_ld, IR_I64, d, IR_NONE, IR_NONE);

    i->imm = offset;
    i->aux = (uint16_t)memop;
}

void ir_env_st(struct tcg_context *ctx, ir_arg value, int32_t offset, unsigned memop)
{
    struct ir_insn *i = ir_emit(ctx, IR_env_st, IR_I64, IR_NONE, IR_NONE, simplify(ctx, value));

    i->imm = offset;
    i->aux = (uint16_t)memop;
}

void ir_fence(struct tcg_context *ctx, unsigned mask)
{
    if ((mask & FENCE_PRED_W) && (mask & FENCE_SUCC_R)) {
        ir_emit(ctx, IR_fence, IR_I64, IR_NONE, IR_NONE, IR_NONE)->aux = (uint16_t)mask;
    }
}

void ir_fp(struct tcg_context *ctx, enum ir_op op, enum ir_type type, ir_arg d,
           const ir_arg args[3], enum ir_rounding rm)
{
    struct ir_insn *i = ir_emit(ctx, op, type, d, args[0], args[1]);

    assert(ir_is_fp(op));
    i->c = args[2];
    i->aux = (uint16_t)rm;
}

void ir_call(struct tcg_context *ctx, unsigned helper, ir_arg d, ir_arg a, ir_arg b, ir_arg c,
             int32_t imm)
{
    ir_arg sa = simplify(ctx, a), sb = simplify(ctx, b), sc = simplify(ctx, c);
    struct ir_insn *i;

    i = ir_emit(ctx, IR_call, IR_I64, d, sa, sb);
    i->c = sc;
    i->aux = (uint16_t)helper;
    i->imm = imm;
    if (!(ctx->t->config.helpers[helper].flags & HELPER_NO_GLOBALS) && !ctx->unreachable) {
        ctx->generation++;
    }
}
