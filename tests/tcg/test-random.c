/* SPDX-License-Identifier: MIT */
/*
 * Random IR programs give the same registers, memory, exits and helper calls on the interpreter
 * and on every variant of the x86-64 backend. Operands are pinned and unpinned globals,
 * temporaries and constants in all mixtures, destinations often among the operands. A failure
 * prints its seed: `test-random SEED` runs that program alone.
 */
#include "hw/host/log.h"
#include "tests/tcg/harness.h"

struct gen {
    struct tcg_context *ctx;
    uint64_t rng;
    ir_arg temps[24];
    unsigned ntemps;
    bool frames; /* many accesses off the same registers */
    bool raw;    /* no folding by the builder */
};

static unsigned pick(struct gen *g, unsigned n)
{
    return (unsigned)(rng_next(&g->rng) >> 20) % n;
}

static uint64_t random_value(struct gen *g)
{
    uint64_t v = rng_next(&g->rng);

    switch (pick(g, 6)) {
    case 0:
        return v;
    case 1:
        return (uint64_t)(int32_t)v;
    case 2:
        return v & 0xff;
    case 3:
        return (uint64_t)(int8_t)v;
    default:
        return edge_values[v % ARRAY_SIZE(edge_values)];
    }
}

static ir_arg random_global(struct gen *g)
{
    /* A few of each kind, so that they meet often. */
    static const uint8_t regs[] = {1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 20, 31};

    return xreg(regs[pick(g, ARRAY_SIZE(regs))]);
}

static ir_arg random_source(struct gen *g)
{
    unsigned k = pick(g, 10);

    if (k < 2) {
        return ir_const(g->ctx, random_value(g));
    }
    if (k < 6 && g->ntemps > 0) {
        return g->temps[pick(g, g->ntemps)];
    }
    return random_global(g);
}

static ir_arg random_dest(struct gen *g)
{
    if (pick(g, 2) == 0) {
        return random_global(g);
    }
    if (g->ntemps > 0 && pick(g, 3) == 0) {
        return g->temps[pick(g, g->ntemps)];
    }
    if (g->ntemps == ARRAY_SIZE(g->temps)) {
        return g->temps[pick(g, g->ntemps)];
    }
    return ir_temp(g->ctx, IR_I64);
}

/* D becomes usable as a source once it is defined. */
static void defined(struct gen *g, ir_arg d)
{
    if (!ir_is_temp(d)) {
        return;
    }
    for (unsigned k = 0; k < g->ntemps; k++) {
        if (g->temps[k] == d) {
            return;
        }
    }
    if (g->ntemps < ARRAY_SIZE(g->temps)) {
        g->temps[g->ntemps++] = d;
    }
}

static void gen_arith(struct gen *g)
{
    enum ir_op op = (enum ir_op)(IR_add + pick(g, IR_clmulr - IR_add + 1));
    uint16_t flags = ir_op_info[op].flags;
    enum ir_type type = (flags & OPF_TYPED) && pick(g, 2) ? IR_I32 : IR_I64;
    ir_arg a = random_source(g), b = random_source(g), d;

    if (pick(g, 6) == 0) {
        b = a;
    }
    d = pick(g, 4) == 0 && !ir_is_const(a)   ? a
        : pick(g, 4) == 0 && !ir_is_const(b) ? b
                                             : random_dest(g);
    if (op == IR_addshl) {
        ir_addshl(g->ctx, d, a, b, pick(g, 4));
    } else if (g->raw) {
        ir_emit(g->ctx, op, type, d, a, flags & OPF_B ? b : IR_NONE);
    } else if (flags & OPF_B) {
        ir_op2(g->ctx, op, type, d, a, b);
    } else {
        ir_op1(g->ctx, op, type, d, a);
    }
    defined(g, d);
}

static void gen_cond(struct gen *g)
{
    enum ir_cond cond = (enum ir_cond)pick(g, 6);
    ir_arg a = random_source(g), b = random_source(g), c = random_source(g), x = random_source(g),
           d = random_dest(g);
    struct ir_insn *i;

    switch (pick(g, 4)) {
    case 0:
        ir_setcond(g->ctx, cond, d, a, b);
        break;
    case 1:
        ir_emit(g->ctx, IR_setcond, pick(g, 2) ? IR_I32 : IR_I64, d, a, b)->aux = (uint16_t)cond;
        break;
    case 2:
        ir_movcond(g->ctx, cond, d, a, b, c, x);
        break;
    default:
        i = ir_emit(g->ctx, IR_movcond, pick(g, 2) ? IR_I32 : IR_I64, d, a, b);
        i->c = c;
        i->aux = x;
        i->imm = (int32_t)cond;
        break;
    }
    defined(g, d);
}

static void gen_move(struct gen *g)
{
    ir_arg a = random_source(g), d = random_dest(g);
    static const int32_t off = offsetof(struct env, scratch);
    unsigned memop = pick(g, 8), fr = pick(g, NFREGS);

    switch (pick(g, 8)) {
    case 0:
        ir_pc_add(g->ctx, d, (int32_t)rng_next(&g->rng));
        break;
    case 1:
        ir_env_ld(g->ctx, d, off + 8 * (int32_t)pick(g, 4), memop);
        break;
    case 2:
        ir_env_st(g->ctx, a, off + 8 * (int32_t)pick(g, 4), memop & MO_SIZE);
        return;
    case 3:
        ir_emit(g->ctx, IR_f2i, pick(g, 2) ? IR_F32 : IR_F64, d, freg(fr), IR_NONE);
        break;
    case 4:
        ir_emit(g->ctx, IR_i2f, pick(g, 2) ? IR_F32 : IR_F64, freg(fr), a, IR_NONE);
        return;
    case 5:
        ir_emit(g->ctx, IR_mov, pick(g, 2) ? IR_I32 : IR_I64, d, a, IR_NONE);
        break;
    default:
        ir_mov(g->ctx, d, a);
        break;
    }
    defined(g, d);
}

/* A guest address: mostly in RAM, near page ends, sometimes far off. */
static ir_arg gen_address(struct gen *g, unsigned size, bool aligned)
{
    uint64_t va =
        RAM_BASE + pick(g, 5) * 4096u + (pick(g, 2) ? 4096 - 12 + pick(g, 20) : pick(g, 4096));
    ir_arg a;

    if (aligned && pick(g, 16) != 0) {
        va &= ~(uint64_t)(size - 1);
    }
    if (pick(g, 200) == 0) {
        va = rng_next(&g->rng);
    }
    if (pick(g, 4) == 0) {
        return ir_const(g->ctx, va);
    }
    a = random_dest(g);
    /* Hidden from the builder's constant folding by going through a raw record. */
    ir_emit(g->ctx, IR_mov, IR_I64, a, ir_const(g->ctx, va), IR_NONE);
    defined(g, a);
    return a;
}

/*
 * Accesses off a base register that stays, as to a stack frame: x6 is pinned, x21 is not. Their
 * values are those of run_program, near the ends of pages; sometimes they move.
 */
static void gen_frame_access(struct gen *g)
{
    ir_arg base = xreg(pick(g, 2) ? 6 : 21);
    int32_t off = (int32_t)pick(g, 40) * 8 - 64 + (pick(g, 8) == 0 ? (int32_t)pick(g, 8) : 0);
    unsigned memop = pick(g, 8);

    switch (pick(g, 12)) {
    case 0:
        ir_op2(g->ctx, IR_add, IR_I64, base, base, ir_const(g->ctx, 16));
        break;
    case 1:
        ir_ld(g->ctx, IR_F32, freg(pick(g, NFREGS)), base, off, MO_32);
        break;
    case 2:
        ir_st(g->ctx, IR_F64, freg(pick(g, NFREGS)), base, off, MO_64);
        break;
    case 3:
    case 4:
    case 5:
        ir_st(g->ctx, IR_I64, random_source(g), base, off, memop & MO_SIZE);
        break;
    default: {
        ir_arg d = random_dest(g);

        ir_ld(g->ctx, IR_I64, d, base, off, pick(g, 10) == 0 ? memop | MO_ALIGNED : memop);
        defined(g, d);
        break;
    }
    }
}

static void gen_memory(struct gen *g)
{
    unsigned memop = pick(g, 8), size = 1u << (memop & MO_SIZE);
    int32_t off = pick(g, 2) ? 0 : (int32_t)pick(g, 33) - 16;
    bool aligned = pick(g, 4) == 0;
    ir_arg d = random_dest(g), v = random_source(g), a;

    if (aligned) {
        memop |= MO_ALIGNED;
        off &= -8;
    }
    a = gen_address(g, size, aligned);
    switch (pick(g, 6)) {
    case 0:
    case 1:
        ir_ld(g->ctx, IR_I64, d, a, off, memop);
        defined(g, d);
        break;
    case 2:
        ir_ld(g->ctx, (memop & MO_SIZE) == MO_32 ? IR_F32 : IR_F64, freg(pick(g, NFREGS)), a, off,
              (memop & MO_SIZE) == MO_32 ? MO_32 : MO_64);
        break;
    case 3:
        ir_st(g->ctx, IR_F64, freg(pick(g, NFREGS)), a, off, memop & MO_SIZE);
        break;
    default:
        ir_st(g->ctx, IR_I64, v, a, off, memop & ~(unsigned)MO_SIGN);
        break;
    }
}

static void gen_amo(struct gen *g)
{
    unsigned memop = pick(g, 4) | MO_SIGN | MO_ALIGNED,
             op = IR_amo_swap + pick(g, IR_amo_sc - IR_amo_swap + 1);
    ir_arg d = pick(g, 4) == 0 ? IR_NONE : random_dest(g), v = random_source(g),
           x = random_source(g);
    ir_arg a = gen_address(g, 1u << (memop & MO_SIZE), true);

    if (op == IR_amo_sc) {
        ir_sc(g->ctx, d, a, x, v, memop);
    } else {
        ir_amo(g->ctx, (enum ir_op)op, d, a, v, memop);
    }
    defined(g, d);
}

static void gen_call(struct gen *g)
{
    unsigned h = pick(g, H_COUNT);
    ir_arg a = random_source(g), b = random_source(g), c = random_source(g);
    ir_arg d = pick(g, 4) == 0 ? IR_NONE : random_dest(g);

    if (h == H_RAISE && pick(g, 4) != 0) {
        a = ir_const(g->ctx, 42);
    }
    ir_call(g->ctx, h, d, a, b, c, (int32_t)rng_next(&g->rng) >> pick(g, 31));
    defined(g, d);
}

static void gen_straight(struct gen *g)
{
    switch (pick(g, g->frames ? 20 : 12)) {
    case 0:
        gen_memory(g);
        break;
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
    case 19:
        gen_frame_access(g);
        break;
    case 1:
        gen_move(g);
        break;
    case 2:
        gen_cond(g);
        break;
    case 3:
        if (pick(g, 3) == 0) {
            gen_call(g);
        }
        break;
    case 4:
        if (pick(g, 3) == 0) {
            gen_amo(g);
        } else {
            ir_fence(g->ctx, pick(g, 16));
        }
        break;
    default:
        gen_arith(g);
        break;
    }
}

/*
 * A forward branch over some records; temporaries first defined inside are not used behind the
 * label.
 */
static void gen_branch(struct gen *g)
{
    int over = ir_new_label(g->ctx), end = ir_new_label(g->ctx);
    unsigned outer = g->ntemps, two_sided = pick(g, 2);

    ir_brcond(g->ctx, (enum ir_cond)pick(g, 6), random_source(g), random_source(g), over);
    for (unsigned k = pick(g, 4); k-- > 0;) {
        gen_straight(g);
    }
    g->ntemps = outer;
    if (two_sided) {
        ir_br(g->ctx, end);
    }
    ir_label(g->ctx, over);
    if (two_sided) {
        for (unsigned k = pick(g, 4); k-- > 0;) {
            gen_straight(g);
        }
        g->ntemps = outer;
        ir_label(g->ctx, end);
    }
}

static void gen_end(struct gen *g, int32_t pc_off)
{
    switch (pick(g, 6)) {
    case 0:
        ir_goto_tb(g->ctx, pc_off + 4);
        break;
    case 1:
        ir_goto_page(g->ctx, 4096 + pc_off);
        break;
    case 2:
        ir_goto_ptr(g->ctx, random_source(g));
        break;
    case 3:
        ir_env_st(g->ctx, random_source(g), offsetof(struct env, pc), MO_64);
        ir_goto_env_pc(g->ctx);
        break;
    default:
        ir_exit_loop(g->ctx, pc_off);
        break;
    }
}

/* Builds the program of SEED into CTX. */
static void gen_program(struct tcg_context *ctx, uint64_t seed)
{
    struct gen g = {.ctx = ctx, .rng = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15)};
    unsigned ninsns = 1 + pick(&g, 12);
    int32_t pc_off = (int32_t)pick(&g, 64) * 2;

    g.raw = pick(&g, 3) == 0;
    g.frames = pick(&g, 3) == 0;
    ir_begin(ctx);
    for (unsigned n = 0; n < ninsns; n++, pc_off += 4) {
        g.ntemps = 0;
        ir_insn_start(ctx, pc_off);
        for (unsigned k = pick(&g, 8); k-- > 0;) {
            if (pick(&g, 8) == 0) {
                gen_branch(&g);
            } else {
                gen_straight(&g);
            }
        }
        if (pick(&g, 6) == 0) {
            ir_brcond_exit(ctx, (enum ir_cond)pick(&g, 6), random_source(&g), random_source(&g),
                           (int32_t)pick(&g, 2048) * 2);
        }
    }
    gen_end(&g, pc_off);
}

/* ---- running ------------------------------------------------------------------------------- */

struct outcome {
    struct guest g;
    struct tcg_exit exit;
    int32_t fault_pc; /* of the last slow path or helper that may fault */
};

static bool op_seen[IR_OP_COUNT]; /* compiled for some program */

static void run_program(struct engine *e, uint64_t seed, struct outcome *o)
{
    struct tcg_code code;
    uint64_t rng = seed * 77 + 5;
    int ret;

    guest_init(&o->g);
    for (unsigned k = 1; k < NREGS; k++) {
        o->g.env.x[k] = rng_next(&rng) % 3 ? edge_values[rng_next(&rng) % ARRAY_SIZE(edge_values)]
                                           : rng_next(&rng);
    }
    o->g.env.x[6] = RAM_BASE + 4096 * (rng_next(&rng) % 4) + 4096 - rng_next(&rng) % 512;
    o->g.env.x[21] = RAM_BASE + 4096 * (rng_next(&rng) % 4) + 4096 - 8 * (rng_next(&rng) % 128);
    if (rng_next(&rng) % 4 == 0) {
        tlb_fill(&o->g, o->g.env.x[6], false);
        tlb_fill(&o->g, o->g.env.x[6], true);
        tlb_fill(&o->g, o->g.env.x[21], false);
    }
    for (unsigned k = 0; k < NFREGS; k++) {
        o->g.env.f[k] = rng_next(&rng);
        o->g.env.scratch[k] = rng_next(&rng);
    }
    for (unsigned k = 0; k < RAM_SIZE; k += 8) {
        store_le64(o->g.ram + k, rng_next(&rng));
    }
    gen_program(e->ctx, seed);
    ret = tcg_compile(e->ctx, &e->region, (void *)(uintptr_t)seed, 0x100000, &code);
    if (ret < 0) {
        printf("FAIL seed %" PRIu64 ", %s: tcg_compile: %d\n", seed, e->label, ret);
        exit(1);
    }
    for (unsigned k = 0; k < e->ctx->nopt; k++) {
        op_seen[e->ctx->opt[k].op] = true;
    }
    o->exit = tcg_exec(e->t, &o->g.env, code.rx + code.entry);
    o->fault_pc = o->g.last_ra == 0 ? -1 : tcg_pc_lookup(e->t, code.rx, code.pcmap, o->g.last_ra);
}

static bool same_u64(const char *what, unsigned n, uint64_t got, uint64_t want, const char *label,
                     uint64_t seed)
{
    if (got == want) {
        return true;
    }
    printf("FAIL seed %" PRIu64 ", %s: %s[%u] is 0x%" PRIx64 ", the interpreter has 0x%" PRIx64
           "\n",
           seed, label, what, n, got, want);
    return false;
}

static bool same_outcome(const struct outcome *got, const struct outcome *want, const char *label,
                         uint64_t seed, bool against_plain)
{
    bool same = true;

    for (unsigned k = 1; k < NREGS; k++) {
        same = same && same_u64("x", k, got->g.env.x[k], want->g.env.x[k], label, seed);
    }
    for (unsigned k = 0; k < NFREGS; k++) {
        same = same && same_u64("f", k, got->g.env.f[k], want->g.env.f[k], label, seed);
        same =
            same && same_u64("env", k, got->g.env.scratch[k], want->g.env.scratch[k], label, seed);
    }
    for (unsigned k = 0; same && k < RAM_SIZE; k += 8) {
        same =
            same_u64("ram", k, load_le64(got->g.ram + k), load_le64(want->g.ram + k), label, seed);
    }
    same = same && same_u64("pc", 0, got->g.env.pc, want->g.env.pc, label, seed);
    if (against_plain) {
        /* Folding turns jumps into exits that can be chained, and numbers exits anew. */
        same =
            same && same_u64("exit kind", 0, got->exit.kind | 1, want->exit.kind | 1, label, seed);
    } else {
        same = same && same_u64("exit kind", 0, got->exit.kind, want->exit.kind, label, seed);
        same = same && same_u64("exit site", 0, got->exit.site, want->exit.site, label, seed);
    }
    same = same && same_u64("helper hash", 0, got->g.seen, want->g.seen, label, seed);
    same = same && same_u64("unwind", 0, got->g.env.unwind, want->g.env.unwind, label, seed);
    same = same && same_u64("host_ra", 0, got->g.env.host_ra, want->g.env.host_ra, label, seed);
    if (got->exit.kind == TCG_EXIT_CHAIN) {
        same = same && same_u64("tb", 0, (uintptr_t)got->exit.tb, seed, label, seed);
    }
    if (got->exit.kind == TCG_EXIT_LOOKUP && got->g.env.pc >= 0xdead0000 &&
        got->g.env.pc <= 0xdead1000) {
        same = same && same_u64("fault pc", 0, (uint64_t)got->fault_pc, (uint64_t)want->fault_pc,
                                label, seed);
    }
    return same;
}

static struct engine engines[NVARIANTS];
static struct outcome plain, reference, outcome;

static bool run_seed(uint64_t seed)
{
    for (unsigned v = 0; v < NVARIANTS; v++) {
        struct outcome *o = v == 0 ? &plain : v == 1 ? &reference : &outcome;

        if (engines[v].region.size - engines[v].region.used < 65536) {
            engine_fini(&engines[v]);
            if (!engine_init(&engines[v], &variants[v])) {
                return false;
            }
        }
        run_program(&engines[v], seed, o);
        if (v == 1 && !same_outcome(&reference, &plain, variants[v].name, seed, true)) {
            return false;
        }
        if (v > 1 && !same_outcome(&outcome, &reference, variants[v].name, seed, false)) {
            return false;
        }
    }
    return true;
}

static uint64_t first_seed, nseeds;

static void random_programs_agree_on_all_variants(struct unit *u)
{
    for (unsigned v = 0; v < NVARIANTS; v++) {
        CHECK(u, engine_init(&engines[v], &variants[v]));
    }
    for (uint64_t seed = first_seed; seed < first_seed + nseeds && !u->failed; seed++) {
        CHECK(u, run_seed(seed));
    }
    for (unsigned v = 0; v < NVARIANTS; v++) {
        engine_fini(&engines[v]);
    }
}

/* Floating-point arithmetic has tests of its own. */
static bool is_float_arithmetic(const char *name)
{
    return name[0] == 'f' && strcmp(name, "fence") != 0 && strcmp(name, "f2i") != 0;
}

static void random_programs_contained_every_op(struct unit *u)
{
    if (nseeds < 1000) {
        return;
    }
    for (unsigned op = 0; op < IR_OP_COUNT; op++) {
        bool differs = op == IR_time || op == IR_cycles; /* from run to run */

        if (!op_seen[op] && !differs && !is_float_arithmetic(ir_op_info[op].name)) {
            printf("FAIL %s: no program had %s\n", u->name, ir_op_info[op].name);
            u->failed = true;
        }
    }
}

int main(int argc, char **argv)
{
    static const struct unit_case cases[] = {UNIT(random_programs_agree_on_all_variants),
                                             UNIT(random_programs_contained_every_op)};

    first_seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    if (argc == 2) {
        log_set_mask(LOG_OP_OPT | LOG_OUT_ASM);
    }
    nseeds = argc > 2 ? strtoull(argv[2], NULL, 0) : argc > 1 ? 1 : 3000;
    return unit_run(cases, ARRAY_SIZE(cases));
}
