/* SPDX-License-Identifier: MIT */
/*
 * Guest memory from generated code: the inline TLB check and its slow paths, loops that remember
 * pages or keep f registers, atomics between threads, LR/SC. Each case runs on every variant.
 */
#include "tests/tcg/engine-case.h"
#include <pthread.h>

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
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
