/* SPDX-License-Identifier: MIT */
/*
 * What surrounds the ops: the inline TLB check and its slow paths, atomics between threads,
 * chaining, polls, the jump cache, the map from host address to guest pc, helper calls, and what
 * the builder and the optimiser make of records. Each case runs on every variant.
 */
#include "hw/host/log.h"
#include "tests/tcg/harness.h"
#include <pthread.h>

static struct guest guest;

typedef void engine_case(struct unit *u, struct engine *e);

static void on_every_variant(struct unit *u, engine_case *run)
{
    for (unsigned v = 0; v < NVARIANTS && !u->failed; v++) {
        struct engine e;

        guest_init(&guest);
        memset(guest.ram, 0, sizeof(guest.ram));
        CHECK(u, engine_init(&e, &variants[v]));
        run(u, &e);
        engine_fini(&e);
        if (u->failed) {
            printf("  (on %s)\n", variants[v].name);
        }
    }
}

static struct tcg_code compile(struct unit *u, struct engine *e, void *tb, int32_t head_off)
{
    struct tcg_code code = {0};

    CHECK_EQ(u, tcg_compile(e->ctx, &e->region, tb, head_off, &code), 0);
    return code;
}

static struct tcg_exit run(struct engine *e, const struct tcg_code *code)
{
    return tcg_exec(e->t, &guest.env, code->rx + code->entry);
}

static void begin(struct engine *e, int32_t pc_off)
{
    ir_begin(e->ctx);
    ir_insn_start(e->ctx, pc_off);
}

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

/* ---- memory -------------------------------------------------------------------------------- */

/* Loads of all sizes at x[3] into x[10..16], x[20]; stores of x[4] at x[5]. */
static struct tcg_code compile_accesses(struct unit *u, struct engine *e, unsigned flags)
{
    begin(e, 0);
    for (unsigned m = 0; m < 8; m++) {
        ir_ld(e->ctx, IR_I64, xreg(m == 7 ? 20 : 10 + m), xreg(3), 0, m | flags);
    }
    ir_exit_loop(e->ctx, 4);
    return compile(u, e, NULL, -4096);
}

static void case_load_hits_after_a_fill(struct unit *u, struct engine *e)
{
    struct tcg_code code = compile_accesses(u, e, 0);
    bool interp = e->t->config.options.interp;

    for (unsigned k = 0; k < RAM_SIZE; k++) {
        guest.ram[k] = (uint8_t)(k * 37 + 129);
    }
    for (unsigned off = 0; off < 64; off++) {
        uint64_t v = load_le64(guest.ram + off);

        guest.nslow = 0;
        guest.env.x[3] = RAM_BASE + off;
        run(e, &code);
        /* Misaligned accesses inside a page are fast too. */
        CHECK_EQ(u, guest.nslow, interp ? 8 : off == 0 ? 1 : 0);
        for (unsigned m = 0; m < 8; m++) {
            CHECK_EQ(u, guest.env.x[m == 7 ? 20 : 10 + m], ir_extend(v, m));
        }
    }
}

static void loads_hit_the_tlb_after_a_fill_also_misaligned(struct unit *u)
{
    on_every_variant(u, case_load_hits_after_a_fill);
}

static void case_page_crossing(struct unit *u, struct engine *e)
{
    struct tcg_code code;
    uint64_t va = RAM_BASE + 4096 - 3;

    tlb_fill(&guest, RAM_BASE, false);
    tlb_fill(&guest, RAM_BASE, true);
    tlb_fill(&guest, RAM_BASE + 4096, false);
    tlb_fill(&guest, RAM_BASE + 4096, true);
    begin(e, 0);
    ir_st(e->ctx, IR_I64, xreg(4), xreg(3), 2, MO_32);
    ir_ld(e->ctx, IR_I64, xreg(5), xreg(3), -6, MO_64);
    ir_exit_loop(e->ctx, 4);
    code = compile(u, e, NULL, -4096);
    guest.env.x[3] = va;
    guest.env.x[4] = 0x11223344;
    run(e, &code);
    CHECK_EQ(u, load_le32(guest.ram + 4096 - 1), 0x11223344);
    CHECK_EQ(u, guest.env.x[5], load_le64(guest.ram + 4096 - 9));
    CHECK_EQ(u, guest.nslow, e->t->config.options.interp ? 2 : 1);
}

static void page_crossing_accesses_take_the_slow_path(struct unit *u)
{
    on_every_variant(u, case_page_crossing);
}

/* ---- loops --------------------------------------------------------------------------------- */

enum { LOOP_TURNS = 700, TARGET_PAGE = 8 };

/* The TLB swaps pages by pairs; what it does not let through goes where the slow paths go. */
static uint8_t *loop_at(const struct engine *e, uint64_t va, unsigned size)
{
    bool slow = e->t->config.options.interp || (va & 4095) + size > 4096;

    return guest.ram + ((va - RAM_BASE) ^ (slow ? 0 : 4096));
}

static void swap_pages(void)
{
    for (unsigned page = 0; page < RAM_SIZE / 4096; page++) {
        uint64_t va = RAM_BASE + page * UINT64_C(4096);

        guest.tlb[(va >> 12) & (ARRAY_SIZE(guest.tlb) - 1)] = (struct fake_tlb_entry){
            .tag_read = va,
            .tag_write = va,
            .addend = (uint64_t)(uintptr_t)guest.ram + (page ^ 1) * UINT64_C(4096) - va,
        };
    }
}

/* x[4] += [x[3]], [x[20]] = x[4], [x[3] + 8] += 1, until x[6] is 0. */
static struct tcg_code compile_loop(struct unit *u, struct engine *e, int64_t step)
{
    ir_arg t;

    begin(e, 0x40);
    t = ir_temp(e->ctx, IR_I64);
    ir_ld(e->ctx, IR_I64, t, xreg(3), 0, MO_64);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(4), xreg(4), t);
    ir_insn_start(e->ctx, 0x44);
    ir_st(e->ctx, IR_I64, xreg(4), xreg(20), 0, MO_64);
    ir_insn_start(e->ctx, 0x48);
    t = ir_temp(e->ctx, IR_I64);
    ir_ld(e->ctx, IR_I64, t, xreg(3), 8, MO_32);
    ir_op2(e->ctx, IR_add, IR_I64, t, t, ir_const(e->ctx, 1));
    ir_st(e->ctx, IR_I64, t, xreg(3), 8, MO_32);
    ir_insn_start(e->ctx, 0x4c);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(3), xreg(3), ir_const(e->ctx, (uint64_t)step));
    ir_op2(e->ctx, IR_add, IR_I64, xreg(20), xreg(20), ir_const(e->ctx, 8));
    ir_op2(e->ctx, IR_add, IR_I64, xreg(6), xreg(6), ir_const(e->ctx, UINT64_MAX));
    ir_brcond_exit(e->ctx, COND_NE, xreg(6), ir_const(e->ctx, 0), 0x40);
    ir_exit_loop(e->ctx, 0x50);
    return compile(u, e, (void *)0x77, 0x40);
}

static void case_loop(struct unit *u, struct engine *e)
{
    static const int64_t steps[] = {8, 12, 40, -8, -36, 0};

    for (unsigned k = 0; k < ARRAY_SIZE(steps) && !u->failed; k++) {
        struct tcg_code code = compile_loop(u, e, steps[k]);
        uint64_t from = RAM_BASE + (steps[k] < 0 ? TARGET_PAGE * 4096 - 64 : 16);
        uint64_t sum = 0;

        guest_init(&guest);
        swap_pages();
        memset(guest.ram, 1, sizeof(guest.ram));
        guest.env.x[3] = from;
        guest.env.x[4] = 0;
        guest.env.x[6] = LOOP_TURNS;
        guest.env.x[20] = RAM_BASE + TARGET_PAGE * 4096;
        CHECK_EQ(u, run(e, &code).kind, TCG_EXIT_LOOP);
        CHECK_EQ(u, guest.env.x[3], from + (uint64_t)(LOOP_TURNS * steps[k]));
        for (uint64_t turn = LOOP_TURNS; turn-- > 0;) {
            uint8_t *p = loop_at(e, from + turn * (uint64_t)steps[k] + 8, 4);

            store_le32(p, load_le32(p) - 1); /* undone from the last turn to the first */
            sum += load_le64(loop_at(e, from + turn * (uint64_t)steps[k], 8));
        }
        CHECK_EQ(u, guest.env.x[4], sum);
        CHECK_EQ(u, load_le64(loop_at(e, RAM_BASE + TARGET_PAGE * 4096 + 8 * (LOOP_TURNS - 1), 8)),
                 sum);
    }
}

static void loops_find_the_page_of_every_turn(struct unit *u)
{
    on_every_variant(u, case_loop);
}

/* Nothing is in the TLB: whatever the step, no turn may believe that it has a page. */
static void case_loop_without_pages(struct unit *u, struct engine *e)
{
    for (unsigned bits = 12; bits < 64; bits++) {
        struct tcg_code code = compile_loop(u, e, (int64_t)(UINT64_C(1) << bits));

        guest_init(&guest);
        guest.fill = false;
        guest.env.x[3] = RAM_BASE;
        guest.env.x[6] = 100;
        guest.env.x[20] = RAM_BASE;
        CHECK_EQ(u, run(e, &code).kind, TCG_EXIT_LOOKUP);
        CHECK_EQ(u, guest.env.x[3], RAM_BASE + (bits < 16 ? RAM_SIZE : UINT64_C(1) << bits));
    }
}

static void loops_remember_nothing_that_the_tlb_did_not_have(struct unit *u)
{
    on_every_variant(u, case_loop_without_pages);
}

static void case_aligned(struct unit *u, struct engine *e)
{
    struct tcg_code code;
    struct tcg_exit exit;

    tlb_fill(&guest, RAM_BASE, false);
    begin(e, 0);
    ir_ld(e->ctx, IR_I64, xreg(5), xreg(3), 0, MO_64 | MO_ALIGNED);
    ir_exit_loop(e->ctx, 4);
    code = compile(u, e, NULL, -4096);
    for (unsigned off = 0; off < 16; off++) {
        guest.env.x[3] = RAM_BASE + 64 + off;
        guest.env.x[5] = 77;
        guest.env.pc = 0;
        exit = run(e, &code);
        CHECK_EQ(u, exit.kind, off % 8 == 0 ? TCG_EXIT_LOOP : TCG_EXIT_LOOKUP);
        CHECK_EQ(u, guest.env.pc, off % 8 == 0 ? guest.env.pc_page + 4 : 0xdead0000);
        CHECK_EQ(u, guest.env.x[5], off % 8 == 0 ? 0 : 77);
    }
}

static void aligned_accesses_fault_when_misaligned_inside_a_page(struct unit *u)
{
    on_every_variant(u, case_aligned);
}

/* Tags with low bits set, or of another page at the same index, never match. */
static void case_tags(struct unit *u, struct engine *e)
{
    struct tcg_code code;
    struct fake_tlb_entry *entry = &guest.tlb[(RAM_BASE >> 12) & (ARRAY_SIZE(guest.tlb) - 1)];

    begin(e, 0);
    ir_ld(e->ctx, IR_I64, xreg(5), xreg(3), 0, MO_64);
    ir_st(e->ctx, IR_I64, xreg(4), xreg(3), 8, MO_8);
    ir_exit_loop(e->ctx, 4);
    code = compile(u, e, NULL, -4096);
    guest.fill = false;
    guest.env.x[3] = RAM_BASE + 128;
    for (unsigned bit = 0; bit < 64; bit++) {
        entry->tag_read = RAM_BASE ^ BIT(bit);
        entry->tag_write = RAM_BASE ^ BIT(bit);
        entry->addend = 0; /* would crash if used */
        guest.nslow = 0;
        run(e, &code);
        CHECK_EQ(u, guest.nslow, 2);
    }
}

static void a_tag_that_differs_in_any_bit_misses(struct unit *u)
{
    on_every_variant(u, case_tags);
}

static void case_unwind(struct unit *u, struct engine *e)
{
    struct tcg_code code;
    struct tcg_exit exit;

    begin(e, 0);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(3), xreg(3), ir_const(e->ctx, 1));
    ir_op2(e->ctx, IR_add, IR_I64, xreg(20), xreg(20), ir_const(e->ctx, 2));
    ir_insn_start(e->ctx, 4);
    ir_ld(e->ctx, IR_I64, xreg(3), xreg(3), 0, MO_64);
    ir_insn_start(e->ctx, 8);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(3), xreg(3), ir_const(e->ctx, 1));
    ir_exit_loop(e->ctx, 12);
    code = compile(u, e, NULL, -4096);
    guest.env.x[3] = 0x1000;
    guest.env.x[20] = 5;
    exit = run(e, &code);
    CHECK_EQ(u, exit.kind, TCG_EXIT_LOOKUP);
    CHECK_EQ(u, guest.env.pc, 0xdead0000);
    CHECK_EQ(u, guest.env.x[3], 0x1001);
    CHECK_EQ(u, guest.env.x[20], 7);
    CHECK_EQ(u, guest.env.host_ra, 0);
    CHECK_EQ(u, guest.env.unwind, 0);
    CHECK_EQ(u, tcg_pc_lookup(e->t, code.rx, code.pcmap, guest.last_ra), 4);
}

static void a_fault_leaves_registers_as_before_the_instruction(struct unit *u)
{
    on_every_variant(u, case_unwind);
}

static void case_floats(struct unit *u, struct engine *e)
{
    struct tcg_code code;

    store_le64(guest.ram, UINT64_C(0x1122334455667788));
    begin(e, 0);
    ir_ld(e->ctx, IR_F32, freg(0), xreg(3), 0, MO_32);
    ir_ld(e->ctx, IR_F64, freg(1), xreg(3), 0, MO_64);
    ir_op1(e->ctx, IR_f2i, IR_F32, xreg(5), freg(1));
    ir_op1(e->ctx, IR_i2f, IR_F32, freg(2), xreg(3));
    ir_op1(e->ctx, IR_i2f, IR_F64, freg(3), xreg(3));
    ir_st(e->ctx, IR_F32, freg(0), xreg(3), 8, MO_32);
    ir_st(e->ctx, IR_F64, freg(1), xreg(3), 16, MO_64);
    ir_exit_loop(e->ctx, 4);
    code = compile(u, e, NULL, -4096);
    guest.env.x[3] = RAM_BASE;
    run(e, &code);
    CHECK_EQ(u, guest.env.f[0], UINT64_C(0xffffffff55667788));
    CHECK_EQ(u, guest.env.f[1], UINT64_C(0x1122334455667788));
    CHECK_EQ(u, guest.env.x[5], 0x55667788);
    CHECK_EQ(u, guest.env.f[2], UINT64_C(0xffffffff40000000));
    CHECK_EQ(u, guest.env.f[3], RAM_BASE);
    CHECK_EQ(u, load_le64(guest.ram + 8), 0x55667788);
    CHECK_EQ(u, load_le64(guest.ram + 16), UINT64_C(0x1122334455667788));
}

static void float_moves_keep_raw_bits_and_box_singles(struct unit *u)
{
    on_every_variant(u, case_floats);
}

/* ---- atomics between threads --------------------------------------------------------------- */

enum { NTHREADS = 3, NROUNDS = 20000 };

struct worker {
    struct engine *e;
    const struct tcg_code *code;
    struct guest *g;
    pthread_t thread;
};

static void *work(void *opaque)
{
    struct worker *w = opaque;

    for (unsigned k = 0; k < NROUNDS; k++) {
        tcg_exec(w->e->t, &w->g->env, w->code->rx + w->code->entry);
    }
    return NULL;
}

/*
 * Threads share the first guest's memory: one adds, one flips bits by xor twice, one increments
 * by compare-and-swap; no update is lost. Without lock prefixes (smp=1) and in the interpreter,
 * whose slow path here is not atomic, there is nothing to prove.
 */
static void case_atomics(struct unit *u, struct engine *e)
{
    struct worker w[NTHREADS];
    struct tcg_code code;
    uint64_t sums[3];
    int retry;

    if (e->t->config.options.interp || !e->t->config.options.smp) {
        return;
    }
    begin(e, 0);
    ir_amo(e->ctx, IR_amo_add, xreg(5), xreg(3), ir_const(e->ctx, 3), MO_32 | MO_SIGN | MO_ALIGNED);
    ir_insn_start(e->ctx, 4);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(6), xreg(3), ir_const(e->ctx, 8));
    ir_amo(e->ctx, IR_amo_xor, xreg(5), xreg(6), xreg(4), MO_64 | MO_ALIGNED);
    ir_amo(e->ctx, IR_amo_xor, IR_NONE, xreg(6), xreg(4), MO_64 | MO_ALIGNED);
    ir_insn_start(e->ctx, 8);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(6), xreg(3), ir_const(e->ctx, 16));
    ir_amo(e->ctx, IR_amo_maxu, xreg(5), xreg(6), xreg(20), MO_64 | MO_ALIGNED);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(20), xreg(20), ir_const(e->ctx, 1));
    ir_insn_start(e->ctx, 12);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(6), xreg(3), ir_const(e->ctx, 24));
    ir_ld(e->ctx, IR_I64, xreg(7), xreg(6), 0, MO_64);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(8), xreg(7), ir_const(e->ctx, 1));
    ir_sc(e->ctx, xreg(9), xreg(6), xreg(7), xreg(8), MO_64 | MO_ALIGNED);
    retry = ir_new_label(e->ctx);
    ir_brcond(e->ctx, COND_NE, xreg(9), ir_const(e->ctx, 0), retry);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(21), xreg(21), ir_const(e->ctx, 1)); /* successes */
    ir_label(e->ctx, retry);
    ir_exit_loop(e->ctx, 16);
    code = compile(u, e, NULL, -4096);
    for (unsigned k = 0; k < NTHREADS; k++) {
        w[k] =
            (struct worker){.e = e, .code = &code, .g = aligned_alloc(4096, sizeof(struct guest))};
        guest_init(w[k].g);
        w[k].g->env.x[3] = RAM_BASE;
        w[k].g->env.x[4] = UINT64_C(0x0101010101010101) << k;
        tlb_fill(w[k].g, RAM_BASE, false);
        tlb_fill(w[k].g, RAM_BASE, true);
        w[k].g->tlb[(RAM_BASE >> 12) & (ARRAY_SIZE(guest.tlb) - 1)].addend =
            (uint64_t)(uintptr_t)guest.ram - RAM_BASE;
    }
    memset(guest.ram, 0, 64);
    for (unsigned k = 0; k < NTHREADS; k++) {
        pthread_create(&w[k].thread, NULL, work, &w[k]);
    }
    memset(sums, 0, sizeof(sums));
    for (unsigned k = 0; k < NTHREADS; k++) {
        pthread_join(w[k].thread, NULL);
        sums[0] += w[k].g->env.x[21];
        sums[1] += w[k].g->nslow;
        free(w[k].g);
    }
    CHECK_EQ(u, load_le32(guest.ram), 3 * NTHREADS * NROUNDS);
    CHECK_EQ(u, load_le64(guest.ram + 8), 0);
    CHECK_EQ(u, load_le64(guest.ram + 16), NROUNDS - 1);
    CHECK_EQ(u, load_le64(guest.ram + 24), sums[0]);
    CHECK_EQ(u, sums[1], 0);
}

static void atomics_of_threads_lose_no_update(struct unit *u)
{
    on_every_variant(u, case_atomics);
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

/* ---- LR/SC ----------------------------------------------------------------------------------- */

/* x5 = LR; if x5 is x3, leave; x7 = SC of x5 + 1; x8 = AMO add of x3; x9 = SC of 0 that fails. */
static struct tcg_code compile_pair(struct unit *u, struct engine *e)
{
    begin(e, 0);
    ir_ld(e->ctx, IR_I64, xreg(5), xreg(10), 0, MO_64 | MO_ALIGNED);
    ir_insn_start(e->ctx, 4);
    ir_brcond_exit(e->ctx, COND_EQ, xreg(5), xreg(3), 64);
    ir_insn_start(e->ctx, 8);
    ir_op2(e->ctx, IR_add, IR_I64, xreg(6), xreg(5), ir_const(e->ctx, 1));
    ir_insn_start(e->ctx, 12);
    ir_sc(e->ctx, xreg(7), xreg(10), xreg(5), xreg(6), MO_64 | MO_ALIGNED);
    ir_insn_start(e->ctx, 16);
    ir_amo(e->ctx, IR_amo_add, xreg(8), xreg(10), xreg(3), MO_64 | MO_ALIGNED);
    ir_insn_start(e->ctx, 20);
    ir_sc(e->ctx, xreg(9), xreg(10), xreg(5), ir_const(e->ctx, 0), MO_64 | MO_ALIGNED);
    ir_exit_loop(e->ctx, 24);
    return compile(u, e, NULL, -4096);
}

static struct tcg_exit run_pair(struct engine *e, const struct tcg_code *code, uint64_t va)
{
    static const uint64_t fresh = 100;

    memcpy(guest.ram + 64, &fresh, sizeof(fresh));
    memset(guest.env.x, 0, sizeof(guest.env.x));
    guest.env.x[3] = 5;
    guest.env.x[10] = va;
    guest.nslow = 0;
    return run(e, code);
}

/* With a valid entry nothing is slow; without one, each access is done, or faults, by itself. */
static void case_pair(struct unit *u, struct engine *e)
{
    static const uint64_t tags[3] = {RAM_BASE, BIT(11), RAM_BASE + 4096};
    struct tcg_code code = compile_pair(u, e);
    struct tcg_exit x;
    uint64_t word;

    for (unsigned k = 0; k < 3; k++) {
        tlb_fill(&guest, RAM_BASE, true);
        tlb_fill(&guest, RAM_BASE, false);
        guest.tlb[(RAM_BASE >> 12) & (ARRAY_SIZE(guest.tlb) - 1)].tag_write = tags[k];
        guest.fill = false;
        x = run_pair(e, &code, RAM_BASE + 64);
        memcpy(&word, guest.ram + 64, sizeof(word));
        CHECK_EQ(u, x.kind, TCG_EXIT_LOOP);
        CHECK_EQ(u, word, 106);
        CHECK_EQ(u, guest.env.x[5], 100);
        CHECK_EQ(u, guest.env.x[7], 0);
        CHECK_EQ(u, guest.env.x[8], 101);
        CHECK_EQ(u, guest.env.x[9], 1);
        CHECK_EQ(u, guest.nslow, k != 0 || e->t->config.options.interp ? 4 : 0);
    }
    for (unsigned off = 1; off < 8; off++) {
        x = run_pair(e, &code, RAM_BASE + 64 + off);
        CHECK_EQ(u, x.kind, TCG_EXIT_LOOKUP);
        CHECK_EQ(u, tcg_pc_lookup(e->t, code.rx, code.pcmap, guest.last_ra), 0);
        CHECK_EQ(u, guest.env.x[5], 0);
    }
}

static void a_pair_shares_its_check_and_each_access_has_its_slow_path(struct unit *u)
{
    on_every_variant(u, case_pair);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(clocks_are_read_inline_or_from_c),
        UNIT(loads_hit_the_tlb_after_a_fill_also_misaligned),
        UNIT(page_crossing_accesses_take_the_slow_path),
        UNIT(loops_find_the_page_of_every_turn),
        UNIT(loops_remember_nothing_that_the_tlb_did_not_have),
        UNIT(aligned_accesses_fault_when_misaligned_inside_a_page),
        UNIT(a_tag_that_differs_in_any_bit_misses),
        UNIT(a_fault_leaves_registers_as_before_the_instruction),
        UNIT(float_moves_keep_raw_bits_and_box_singles),
        UNIT(atomics_of_threads_lose_no_update),
        UNIT(a_pair_shares_its_check_and_each_access_has_its_slow_path),
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
