/* SPDX-License-Identifier: MIT */
/*
 * What surrounds the ops: the clock, chaining, polls, the jump cache, the map from host address to
 * guest pc, helper calls, and what the builder and the optimiser make of records. Each case runs
 * on every variant.
 */
#include "hw/host/log.h"
#include "tests/tcg/engine-case.h"
#include <pthread.h>

/* ---- clocks -------------------------------------------------------------------------------- */

/* Around f registers that may be cached, into a pinned register and one in memory. */
static void case_clock(struct unit *u, struct engine *e)
{
    struct tcg_code code;
    uint64_t before, after, cycles = host_cycles();

    begin(e, 0);
    ir_ld(e->ctx, IR_F64, freg(1), xreg(3), 0, MO_64);
    ir_emit(e->ctx, IR_time, IR_I64, xreg(1), IR_NONE, IR_NONE);
    ir_emit(e->ctx, IR_time, IR_I64, xreg(20), IR_NONE, IR_NONE);
    ir_emit(e->ctx, IR_cycles, IR_I64, xreg(2), IR_NONE, IR_NONE);
    ir_emit(e->ctx, IR_cycles, IR_I64, xreg(21), IR_NONE, IR_NONE);
    ir_st(e->ctx, IR_F64, freg(1), xreg(3), 8, MO_64);
    ir_exit_loop(e->ctx, 4);
    code = compile(u, e, NULL, -4096);
    store_le64(guest.ram, 0x4012345678abcdef);
    while (e->clock.lines && e->clock.span == 0) {
        tick_clock_read(&e->clock);
    }
    for (int turn = 0; turn < 12; turn++) {
        uint64_t *x = guest.env.x;

        for (unsigned n = 1; n < NREGS; n++) {
            x[n] = n;
        }
        x[3] = RAM_BASE;
        before = tick_clock_read(&e->clock);
        if (turn % 3 == 1) {
            e->clock.begun++; /* as if somebody was writing the line */
        } else if (turn % 3 == 2) {
            e->clock.span = MIN(e->clock.span, 1u); /* it has ended, before what was read on it */
            before -= 1000;                         /* what a line may be beside the host's clock */
        }
        run(e, &code);
        after = tick_clock_read(&e->clock);
        CHECK(u, before <= x[1] && x[1] <= x[20] && x[20] <= after);
        CHECK(u, cycles <= x[2] && x[2] <= x[21] && x[21] <= host_cycles());
        CHECK_EQ(u, load_le64(guest.ram + 8), 0x4012345678abcdef);
        for (unsigned n = 4; n < 20; n++) {
            CHECK_EQ(u, x[n], n);
        }
        store_le64(guest.ram + 8, 0);
    }
}

static void clocks_are_read_inline_or_from_c(struct unit *u)
{
    on_every_variant(u, case_clock);
}

/* ---- chaining ------------------------------------------------------------------------------ */

/* A TB at OFF that adds N to x[3], then leaves to TO; also to TO + 100 if x[4] is not 0. */
static struct tcg_code make_step(struct unit *u, struct engine *e, int32_t off, uint64_t n,
                                 int32_t to)
{
    begin(e, off);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(3), xreg(3), ir_const(e->ctx, n));
    ir_brcond_exit(e->ctx, COND_NE, xreg(4), ir_const(e->ctx, 0), to + 100);
    ir_goto_tb(e->ctx, to);
    return compile(u, e, (void *)(uintptr_t)(0x1000 + off), off);
}

static void case_chain(struct unit *u, struct engine *e)
{
    struct tcg_code a = make_step(u, e, 0x10, 1, 0x20), b = make_step(u, e, 0x20, 100, 0x10);
    struct tcg_exit x = run(e, &a);

    CHECK_EQ(u, a.nsites, 2);
    CHECK(u, a.sites[0].pc_off == 0x20 + 100 && a.sites[1].pc_off == 0x20);
    CHECK(u, !a.sites[1].polls && b.sites[1].polls);
    CHECK(u, x.kind == TCG_EXIT_CHAIN && x.site == 1 && x.tb == (void *)0x1010);
    CHECK_EQ(u, guest.env.pc, guest.env.pc_page + 0x20);
    /* Chained, the exit that is reported is that of the TB that really left. */
    tcg_site_set(e->t, a.rx, &a.sites[1], b.rx + b.entry);
    guest.env.x[3] = 0;
    x = run(e, &a);
    CHECK(u, x.kind == TCG_EXIT_CHAIN && x.site == 1 && x.tb == (void *)0x1020);
    CHECK_EQ(u, guest.env.x[3], 101);
    CHECK_EQ(u, guest.env.pc, guest.env.pc_page + 0x10);
    guest.env.x[4] = 1;
    x = run(e, &a);
    CHECK(u, x.kind == TCG_EXIT_CHAIN && x.site == 0 && x.tb == (void *)0x1010);
    /* The conditional exit is chained just so. */
    tcg_site_set(e->t, a.rx, &a.sites[0], b.rx + b.entry);
    x = run(e, &a);
    CHECK(u, x.kind == TCG_EXIT_CHAIN && x.site == 0 && x.tb == (void *)0x1020);
    CHECK_EQ(u, guest.env.pc, guest.env.pc_page + 0x10 + 100);
    tcg_site_set(e->t, a.rx, &a.sites[0], NULL);
    tcg_site_set(e->t, a.rx, &a.sites[1], NULL);
    x = run(e, &a);
    CHECK(u, x.kind == TCG_EXIT_CHAIN && x.site == 0 && x.tb == (void *)0x1010);
    guest.env.x[4] = 0;
    x = run(e, &a);
    CHECK(u, x.kind == TCG_EXIT_CHAIN && x.site == 1 && x.tb == (void *)0x1010);
}

static void exits_chain_and_unchain_and_tell_who_left(struct unit *u)
{
    on_every_variant(u, case_chain);
}

static void case_far_sites_are_aligned(struct unit *u, struct engine *e)
{
    for (unsigned pad = 0; pad < 16; pad++) {
        struct tcg_code c;

        begin(e, 0);
        for (unsigned k = 0; k < pad; k++) {
            ir_op2(e->ctx, IR_add, IR_I64, xreg(1 + k % 3), xreg(1 + k % 3), xreg(5 + 2 * k % 3));
        }
        ir_brcond_exit(e->ctx, COND_LTU, xreg(3), xreg(20), 64);
        ir_goto_tb(e->ctx, 128);
        c = compile(u, e, NULL, 4000);
        for (unsigned s = 0; s < c.nsites; s++) {
            CHECK_EQ(u, ((uintptr_t)c.rx + c.sites[s].patch) % 4, 0);
        }
    }
}

static void patched_displacements_are_aligned(struct unit *u)
{
    on_every_variant(u, case_far_sites_are_aligned);
}

struct runner {
    struct engine *e;
    const struct tcg_code *code;
    uint64_t runs, bad;
    bool stop;
};

static void *run_until_stopped(void *opaque)
{
    struct runner *r = opaque;

    while (!load_relaxed(&r->stop)) {
        struct tcg_exit x;

        store_relaxed(&guest.env.poll, r->runs % 64 == 0);
        x = tcg_exec(r->e->t, &guest.env, r->code->rx);
        r->bad += x.kind != TCG_EXIT_CHAIN && x.kind != TCG_EXIT_POLL;
        r->bad += x.kind == TCG_EXIT_CHAIN && x.tb != (void *)0x1010 && x.tb != (void *)0x1020;
        store_relaxed(&r->runs, r->runs + 1);
    }
    return NULL;
}

/* One thread runs a ring of two TBs; this one chains and unchains them all the time. */
static void case_patch_while_running(struct unit *u, struct engine *e)
{
    struct tcg_code a = make_step(u, e, 0x10, 1, 0x20), b = make_step(u, e, 0x20, 100, 0x10);
    struct runner r = {.e = e, .code = &a};
    pthread_t thread;

    pthread_create(&thread, NULL, run_until_stopped, &r);
    while (load_relaxed(&r.runs) == 0) {
        store_relaxed(&guest.env.poll, 0);
    }
    for (unsigned k = 0; k < 20000; k++) {
        tcg_site_set(e->t, a.rx, &a.sites[1], b.rx + b.entry);
        tcg_site_set(e->t, b.rx, &b.sites[1], a.rx);
        store_relaxed(&guest.env.poll, k % 16 == 0);
        tcg_site_set(e->t, b.rx, &b.sites[1], NULL);
        tcg_site_set(e->t, a.rx, &a.sites[1], NULL);
    }
    store_relaxed(&r.stop, true);
    store_relaxed(&guest.env.poll, 1);
    pthread_join(thread, NULL);
    CHECK_EQ(u, r.bad, 0);
    CHECK(u, r.runs > 0);
}

static void chaining_while_another_thread_runs_is_safe(struct unit *u)
{
    on_every_variant(u, case_patch_while_running);
}

/* ---- polls --------------------------------------------------------------------------------- */

static void *poll_soon(void *opaque)
{
    struct timespec ts = {.tv_nsec = 2000000};

    (void)opaque;
    nanosleep(&ts, NULL);
    store_release(&guest.env.poll, 1);
    return NULL;
}

/*
 * A loop to its own head, closed by goto_tb or by brcond_exit, ends when another thread sets the
 * poll word.
 */
static void case_poll(struct unit *u, struct engine *e)
{
    for (unsigned conditional = 0; conditional < 2; conditional++) {
        struct tcg_code code;
        struct tcg_exit x;
        pthread_t thread;

        guest_init(&guest);
        begin(e, 0x40);
        ir_op2(e->ctx, IR_add, IR_I64, xreg(3), xreg(3), ir_const(e->ctx, 1));
        if (conditional) {
            ir_brcond_exit(e->ctx, COND_NE, xreg(3), ir_const(e->ctx, 0), 0x40);
            ir_goto_tb(e->ctx, 0x44);
        } else {
            ir_goto_tb(e->ctx, 0x40);
        }
        code = compile(u, e, (void *)0x77, 0x40);
        CHECK_EQ(u, code.nsites, conditional);
        pthread_create(&thread, NULL, poll_soon, NULL);
        x = run(e, &code);
        pthread_join(thread, NULL);
        CHECK_EQ(u, x.kind, TCG_EXIT_POLL);
        CHECK_EQ(u, guest.env.pc, guest.env.pc_page + 0x40);
        CHECK(u, guest.env.x[3] > 0);
        /* The polling entry leaves at once, the other one does not look. */
        guest.env.x[3] = 0;
        x = tcg_exec(e->t, &guest.env, code.rx);
        CHECK(u, x.kind == TCG_EXIT_POLL && guest.env.x[3] == 0);
        x = run(e, &code);
        CHECK(u, x.kind == TCG_EXIT_POLL && guest.env.x[3] == 1);
    }
}

static void loops_leave_when_the_poll_word_is_set(struct unit *u)
{
    on_every_variant(u, case_poll);
}

/* With nochain, an exit to the own head is an exit like others, and jumps always leave. */
static void nochain_leaves_at_every_exit(struct unit *u)
{
    for (unsigned interp = 0; interp < 2; interp++) {
        struct engine e;
        struct tcg_code code;
        struct tcg_exit x;

        guest_init(&guest);
        CHECK(u, engine_init(&e, &(struct variant){
                                     "nochain",
                                     {.interp = interp, .chain_off = true, .host_features = ~0u},
                                     false}));
        begin(&e, 0);
        ir_goto_tb(e.ctx, 0);
        code = compile(u, &e, NULL, 0);
        x = run(&e, &code);
        CHECK(u, x.kind == TCG_EXIT_CHAIN && code.nsites == 1);
        begin(&e, 0);
        ir_goto_ptr(e.ctx, xreg(3));
        code = compile(u, &e, NULL, 0);
        guest.jc[0] = (struct fake_jc_entry){.va = 0, .key = 7, .code = code.rx};
        x = run(&e, &code);
        CHECK_EQ(u, x.kind, TCG_EXIT_LOOKUP);
        engine_fini(&e);
    }
}

/* ---- the jump cache ------------------------------------------------------------------------ */

static struct fake_jc_entry *jc_entry(uint64_t va, unsigned way)
{
    return &guest.jc[(((va >> 1) ^ (va >> 12)) & (ARRAY_SIZE(guest.jc) - 1)) ^ way];
}

static void case_jump_cache(struct unit *u, struct engine *e)
{
    struct tcg_code target, jumps[3];
    uint64_t rng = 4;

    begin(e, 0x10);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(5), xreg(5), ir_const(e->ctx, 1));
    ir_exit_loop(e->ctx, 0x14);
    target = compile(u, e, NULL, -4096);
    begin(e, 0);
    ir_goto_ptr(e->ctx, xreg(3));
    jumps[0] = compile(u, e, NULL, -4096);
    begin(e, 0);
    ir_goto_page(e->ctx, 0x12346);
    jumps[1] = compile(u, e, NULL, -4096);
    begin(e, 0);
    ir_env_st(e->ctx, xreg(20), offsetof(struct env, pc), MO_64);
    ir_goto_env_pc(e->ctx);
    jumps[2] = compile(u, e, NULL, -4096);
    for (unsigned k = 0; k < 300; k++) {
        unsigned how = k % 3, why = k / 3 % 3, way = k / 9 % 2;
        uint64_t page = rng_next(&rng) & ~UINT64_C(4095),
                 va = how == 1 ? page + 0x12346 : rng_next(&rng) & ~UINT64_C(1);
        struct fake_jc_entry *j = jc_entry(va, way);
        struct tcg_exit x;

        *j = (struct fake_jc_entry){.va = why == 1 ? va + BIT(20 + k % 40) : va,
                                    .key = why == 2 ? 8 : 7,
                                    .code = target.rx};
        guest.env.pc_page = page;
        guest.env.x[3] = guest.env.x[20] = va;
        guest.env.x[5] = 0;
        x = run(e, &jumps[how]);
        CHECK_EQ(u, x.kind, why == 0 ? TCG_EXIT_LOOP : TCG_EXIT_LOOKUP);
        CHECK_EQ(u, guest.env.pc, why == 0 ? (va & ~UINT64_C(4095)) + 0x14 : va);
        CHECK_EQ(u, guest.env.x[5], why == 0);
        j->va = UINT64_MAX;
    }
}

/* A loop is polled; what config.poll leaves in env's pc goes on there without leaving, if the cache has it. */
static void case_poll_inside(struct unit *u, struct engine *e)
{
    struct tcg_code target, loop;

    begin(e, 0x10);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(20), xreg(3), xreg(20));
    ir_exit_loop(e->ctx, 0x14);
    target = compile(u, e, NULL, -4096);
    begin(e, 0x40);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(3), xreg(3), ir_const(e->ctx, 1));
    ir_goto_tb(e->ctx, 0x40);
    loop = compile(u, e, (void *)0x77, 0x40);
    for (unsigned known = 0; known < 2; known++) {
        const uint64_t va = 0x345010;
        struct tcg_exit x;

        *jc_entry(va, 0) =
            (struct fake_jc_entry){.va = known ? va : UINT64_MAX, .key = 7, .code = target.rx};
        guest.env.pc_page = 0x10000;
        guest.env.x[3] = 7;
        guest.env.x[20] = 100;
        guest.env.poll = 1;
        guest.poll_to = va;
        x = run(e, &loop);
        if (e->t->config.options.interp) {
            CHECK_EQ(u, x.kind, TCG_EXIT_POLL);
            continue;
        }
        CHECK_EQ(u, guest.seen, 0x10040);
        CHECK_EQ(u, guest.env.poll, 0);
        CHECK_EQ(u, x.kind, known ? TCG_EXIT_LOOP : TCG_EXIT_LOOKUP);
        CHECK_EQ(u, guest.env.pc, known ? va + 4 : va);
        CHECK_EQ(u, guest.env.x[3], 8);
        CHECK_EQ(u, guest.env.x[20], known ? 108 : 100);
    }
    guest.poll_to = 0;
}

static void polls_go_on_inside_when_they_can(struct unit *u)
{
    on_every_variant(u, case_poll_inside);
}

static void jumps_probe_the_jump_cache_by_address_and_key(struct unit *u)
{
    on_every_variant(u, case_jump_cache);
}

/* ---- guest pcs ----------------------------------------------------------------------------- */

enum { NFAULTS = 100 };

/* Instruction k faults if x[3] is k: a load, a store, an AMO or a helper. */
static void gen_fault(struct engine *e, unsigned k)
{
    ir_arg bad = ir_temp(e->ctx, IR_I64), t = ir_temp(e->ctx, IR_I64);

    ir_setcond(e->ctx, COND_EQ, bad, xreg(3), ir_const(e->ctx, k));
    switch (k % 4) {
    case 0:
        ir_op2(e->ctx, IR_shl, IR_I64, t, bad, ir_const(e->ctx, 40));
        ir_op2(e->ctx, IR_add, IR_I64, t, t, xreg(4));
        ir_ld(e->ctx, IR_I64, xreg(6), t, 0, MO_32);
        break;
    case 1:
        ir_op2(e->ctx, IR_shl, IR_I64, t, bad, ir_const(e->ctx, 40));
        ir_op2(e->ctx, IR_add, IR_I64, t, t, xreg(4));
        ir_st(e->ctx, IR_I64, xreg(6), t, 0, MO_16);
        break;
    case 2:
        ir_op2(e->ctx, IR_add, IR_I64, t, bad, xreg(4));
        ir_amo(e->ctx, IR_amo_swap, xreg(6), t, xreg(7), MO_64 | MO_ALIGNED);
        break;
    default:
        ir_call(e->ctx, H_RAISE, xreg(6), bad, IR_NONE, IR_NONE, 0);
        break;
    }
}

static void case_pcs(struct unit *u, struct engine *e)
{
    struct tcg_code code;

    for (unsigned fill = 0; fill < 2; fill++) {
        begin(e, 0);
        for (unsigned k = 0; k < NFAULTS; k++) {
            ir_insn_start(e->ctx, (int32_t)(1000 + 2 * k + 100 * (k % 3)));
            gen_fault(e, k);
        }
        ir_exit_loop(e->ctx, 0);
        code = compile(u, e, NULL, -4096);
        guest.fill = fill;
        for (unsigned k = 0; k < NFAULTS; k++) {
            struct tcg_exit x;

            guest.env.x[3] = k;
            guest.env.x[4] = RAM_BASE + 512;
            x = run(e, &code);
            CHECK_EQ(u, x.kind, TCG_EXIT_LOOKUP);
            CHECK(u, guest.env.pc >= 0xdead0000);
            CHECK_EQ(u, tcg_pc_lookup(e->t, code.rx, code.pcmap, guest.last_ra),
                     1000 + 2 * k + 100 * (k % 3));
        }
    }
}

static void every_faulting_site_knows_its_guest_pc(struct unit *u)
{
    on_every_variant(u, case_pcs);
}

/* ---- builder, optimiser, limits ------------------------------------------------------------ */

static unsigned count_op(const struct engine *e, enum ir_op op)
{
    unsigned n = 0;

    for (unsigned k = 0; k < e->ctx->ninsns; k++) {
        n += e->ctx->insns[k].op == op;
    }
    return n;
}

static void case_builder(struct unit *u, struct engine *e)
{
    uint64_t v;
    int32_t off;

    if (e->ctx->plain) {
        return;
    }
    begin(e, 0);
    ir_mov(e->ctx, xreg(3), ir_const(e->ctx, 0x12345000));
    ir_insn_start(e->ctx, 4);
    ir_op2(e->ctx, IR_add, IR_I32, xreg(3), xreg(3), ir_const(e->ctx, 0x678));
    CHECK(u, ir_arg_const(e->ctx, xreg(3), &v) && v == 0x12345678);
    CHECK_EQ(u, count_op(e, IR_add), 0);
    ir_insn_start(e->ctx, 8);
    ir_pc_add(e->ctx, xreg(1), 8 + 0x2000);
    CHECK(u, ir_arg_pc_off(e->ctx, xreg(1), &off) && off == 0x2008);
    ir_insn_start(e->ctx, 12);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(1), xreg(1), ir_const(e->ctx, UINT64_C(-0x1ff0)));
    ir_op2(e->ctx, IR_and, IR_I64, xreg(1), xreg(1), ir_const(e->ctx, UINT64_C(-2)));
    ir_goto_ptr(e->ctx, xreg(1));
    CHECK(u, count_op(e, IR_goto_ptr) == 0 && count_op(e, IR_goto_tb) == 1);
    CHECK_EQ(u, e->ctx->insns[e->ctx->ninsns - 1].imm, 0x18);
    /* What cannot run is dropped. */
    ir_mov(e->ctx, xreg(1), xreg(2));
    CHECK_EQ(u, e->ctx->insns[e->ctx->ninsns - 1].op, IR_goto_tb);
    /* Helpers may write globals; labels join ways. */
    begin(e, 0);
    ir_mov(e->ctx, xreg(3), ir_const(e->ctx, 5));
    ir_call(e->ctx, H_THREE, xreg(4), xreg(3), xreg(3), xreg(3), 0);
    CHECK(u, ir_arg_const(e->ctx, xreg(3), &v));
    ir_call(e->ctx, H_GLOBALS, xreg(4), xreg(3), xreg(3), IR_NONE, 0);
    CHECK(u, !ir_arg_const(e->ctx, xreg(3), &v));
}

static void the_builder_folds_constants_and_pc_relative_jumps(struct unit *u)
{
    on_every_variant(u, case_builder);
}

static void case_optimiser(struct unit *u, struct engine *e)
{
    ir_arg t, s;

    if (e->ctx->plain) {
        return;
    }
    begin(e, 0);
    t = ir_temp(e->ctx, IR_I64);
    s = ir_temp(e->ctx, IR_I64);
    ir_op2(e->ctx, IR_add, IR_I64, t, xreg(3), xreg(4));
    ir_op2(e->ctx, IR_mul, IR_I64, s, t, xreg(4));
    ir_ld(e->ctx, IR_I64, t, xreg(3), 0, MO_8);
    ir_exit_loop(e->ctx, 4);
    ir_optimise(e->ctx);
    CHECK_EQ(u, e->ctx->nopt, 3);
    CHECK(u, e->ctx->opt[1].op == IR_ld && e->ctx->opt[1].d == IR_NONE);
    /* A global that is written again before anything can look at it. */
    begin(e, 0);
    ir_mov(e->ctx, xreg(3), ir_const(e->ctx, 0x1000));
    ir_insn_start(e->ctx, 4);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(3), xreg(3), ir_const(e->ctx, 4));
    ir_insn_start(e->ctx, 8);
    ir_ld(e->ctx, IR_I64, xreg(4), xreg(3), 0, MO_8);
    ir_insn_start(e->ctx, 12);
    ir_mov(e->ctx, xreg(4), xreg(5));
    ir_exit_loop(e->ctx, 16);
    ir_optimise(e->ctx);
    CHECK_EQ(u, e->ctx->nopt, 4 + 4);
}

static void dead_temporaries_vanish_but_their_faults_stay(struct unit *u)
{
    on_every_variant(u, case_optimiser);
}

static void case_nospace(struct unit *u, struct engine *e)
{
    struct code_region small = e->region;
    struct tcg_code code;
    unsigned refused = 0;

    /* Sizes around the edge: either it fits and runs, or nothing has changed. */
    for (size_t room = 0; room < 6000; room += 8) {
        small.used = e->region.used;
        small.size = small.used + room;
        begin(e, 0);
        for (unsigned k = 0; k < 20; k++) {
            ir_ld(e->ctx, IR_I64, xreg(3), xreg(3), 0, MO_64);
        }
        ir_exit_loop(e->ctx, 4);
        if (tcg_compile(e->ctx, &small, NULL, -4096, &code) == -ENOSPC) {
            refused++;
            CHECK_EQ(u, small.used, e->region.used);
        } else {
            CHECK(u, small.used <= small.size);
        }
    }
    CHECK(u, refused > 10 && refused < 700);
}

static void a_full_region_is_reported_and_untouched(struct unit *u)
{
    on_every_variant(u, case_nospace);
}

/* The longest TBs that ir_full admits compile. */
static void case_full(struct unit *u, struct engine *e)
{
    struct tcg_code code;
    unsigned n;

    ir_begin(e->ctx);
    for (n = 0; !ir_full(e->ctx); n++) {
        ir_insn_start(e->ctx, (int32_t)(n * 2 % 4096));
        ir_ld(e->ctx, IR_I64, xreg(1 + n % 30), xreg(3), (int32_t)n, MO_16);
        ir_call(e->ctx, H_RAISE, xreg(5), ir_const(e->ctx, 2 * n), IR_NONE, IR_NONE, 1);
        ir_amo(e->ctx, IR_amo_maxu, xreg(7), xreg(3), ir_const(e->ctx, n), MO_64);
    }
    ir_exit_loop(e->ctx, 4);
    code = compile(u, e, NULL, -4096);
    CHECK(u, n > 100 && code.size > 0);
    ir_begin(e->ctx);
    for (n = 0; !ir_full(e->ctx); n++) {
        ir_insn_start(e->ctx, (int32_t)(n * 2 % 4096));
        ir_brcond_exit(e->ctx, COND_EQ, xreg(3), xreg(4), (int32_t)(n * 8 % 4096));
    }
    ir_exit_loop(e->ctx, 4);
    code = compile(u, e, NULL, -4096);
    CHECK(u, n > 100 && code.nsites == n);
}

static void the_longest_blocks_compile(struct unit *u)
{
    on_every_variant(u, case_full);
}

/* -d op,op_opt,out_asm print something for every op without falling over. */
static void case_dump(struct unit *u, struct engine *e)
{
    struct tcg_code code;

    log_set_mask(LOG_OP | LOG_OP_OPT | LOG_OUT_ASM);
    CHECK_EQ(u, log_open("/dev/null", NULL), 0);
    begin(e, 0);
    ir_op2(e->ctx, IR_add, IR_I32, xreg(3), xreg(4), xreg(20));
    ir_movcond(e->ctx, COND_LTU, xreg(3), xreg(4), ir_const(e->ctx, 7), xreg(5), xreg(6));
    ir_call(e->ctx, H_THREE, xreg(4), xreg(3), xreg(3), xreg(3), 0);
    ir_ld(e->ctx, IR_F32, freg(1), xreg(3), 4, MO_32);
    ir_brcond_exit(e->ctx, COND_EQ, xreg(3), xreg(4), 64);
    ir_goto_page(e->ctx, 4096);
    code = compile(u, e, NULL, -4096);
    CHECK(u, code.size > 0);
    log_set_mask(0);
    log_close();
}

static void logging_prints_ir_and_code(struct unit *u)
{
    on_every_variant(u, case_dump);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(clocks_are_read_inline_or_from_c),
        UNIT(exits_chain_and_unchain_and_tell_who_left),
        UNIT(patched_displacements_are_aligned),
        UNIT(chaining_while_another_thread_runs_is_safe),
        UNIT(loops_leave_when_the_poll_word_is_set),
        UNIT(polls_go_on_inside_when_they_can),
        UNIT(nochain_leaves_at_every_exit),
        UNIT(jumps_probe_the_jump_cache_by_address_and_key),
        UNIT(every_faulting_site_knows_its_guest_pc),
        UNIT(the_builder_folds_constants_and_pc_relative_jumps),
        UNIT(dead_temporaries_vanish_but_their_faults_stay),
        UNIT(a_full_region_is_reported_and_untouched),
        UNIT(the_longest_blocks_compile),
        UNIT(logging_prints_ir_and_code),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
