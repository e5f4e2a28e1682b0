/* SPDX-License-Identifier: MIT */
/*
 * The translator's loop: from guest code to IR, one superblock at a time. A superblock goes
 * straight on through conditional branches (taken means leaving) and follows direct jumps forward
 * inside the page; it ends at a loop's end, at what changes the translation state, at the page's
 * end, and when it is long enough. All code is position-independent: guest addresses are made by
 * ir_pc_add.
 *
 * vCPU thread. The functions for the instructions are in trans-*.c.
 */
#include "target-riscv/translate.h"
#include "hw/host/bits.h"

_Static_assert(INSN_ROW_COUNT <= INSN_ROWS_MAX, "struct hart has a bit for each row");

#define X(n, name, order)                                     \
    {                                                         \
        name, IR_I64, offsetof(struct hart, x) + (n)*8, order \
    }
#define F(n, name)                                        \
    {                                                     \
        name, IR_F64, offsetof(struct hart, f) + (n)*8, 0 \
    }

/* x1..x31, then f0..f31 as raw bits. The pin order is that of how often compiled code uses them. */
const struct tcg_global riscv_globals[] = {
    X(1, "ra", 7),    X(2, "sp", 1),    X(3, "gp", 26),  X(4, "tp", 13),  X(5, "t0", 18),
    X(6, "t1", 17),   X(7, "t2", 23),   X(8, "s0", 5),   X(9, "s1", 10),  X(10, "a0", 2),
    X(11, "a1", 6),   X(12, "a2", 8),   X(13, "a3", 9),  X(14, "a4", 4),  X(15, "a5", 3),
    X(16, "a6", 11),  X(17, "a7", 12),  X(18, "s2", 14), X(19, "s3", 15), X(20, "s4", 16),
    X(21, "s5", 19),  X(22, "s6", 22),  X(23, "s7", 24), X(24, "s8", 25), X(25, "s9", 27),
    X(26, "s10", 29), X(27, "s11", 30), X(28, "t3", 20), X(29, "t4", 21), X(30, "t5", 28),
    X(31, "t6", 31),  F(0, "ft0"),      F(1, "ft1"),     F(2, "ft2"),     F(3, "ft3"),
    F(4, "ft4"),      F(5, "ft5"),      F(6, "ft6"),     F(7, "ft7"),     F(8, "fs0"),
    F(9, "fs1"),      F(10, "fa0"),     F(11, "fa1"),    F(12, "fa2"),    F(13, "fa3"),
    F(14, "fa4"),     F(15, "fa5"),     F(16, "fa6"),    F(17, "fa7"),    F(18, "fs2"),
    F(19, "fs3"),     F(20, "fs4"),     F(21, "fs5"),    F(22, "fs6"),    F(23, "fs7"),
    F(24, "fs8"),     F(25, "fs9"),     F(26, "fs10"),   F(27, "fs11"),   F(28, "ft8"),
    F(29, "ft9"),     F(30, "ft10"),    F(31, "ft11"),
};
const unsigned riscv_nglobals = ARRAY_SIZE(riscv_globals);

typedef bool trans_fn(struct dis *d, const struct insn *i);

static trans_fn *const trans_table[INSN_COUNT] = {
#define INSN(name, ext, format, picture, flags) [INSN_##name] = trans_##name,
#include "target-riscv/insn32.def"
#undef INSN
};

/* ---- reading ---------------------------------------------------------------------------- */

static uint32_t read_unit(const uint8_t *page, int32_t off)
{
    return load_relaxed((const uint16_t *)(const void *)(page + off));
}

bool dis_peek(const struct dis *d, int32_t off, struct insn *i)
{
    uint32_t word;

    if (off < d->src->pc_off || off > d->limit_off - 2) {
        return false;
    }
    word = read_unit(d->src->host, off);
    if (insn_length((uint16_t)word) == 4) {
        if (off > d->limit_off - 4) {
            return false;
        }
        word |= read_unit(d->src->host, off + 2) << 16;
    }
    decode(d->decoder, word, i);
    return true;
}

/* The first instruction of a TB, when it crosses the page. */
static bool read_crossing(const struct dis *d, struct insn *i)
{
    if (d->src->next == NULL) {
        return false;
    }
    decode(d->decoder, read_unit(d->src->host, d->pc_off) | read_unit(d->src->next, 0) << 16, i);
    return true;
}

bool dis_has_room(const struct dis *d, unsigned n)
{
    return d->src->ninsns + n <= d->src->max_insns;
}

/* ---- shared emission -------------------------------------------------------------------- */

void gen_goto(struct dis *d, int32_t off)
{
    if (off >= 0 && off < PAGE_SIZE_GUEST) {
        ir_goto_tb(d->ctx, off);
    } else {
        ir_goto_page(d->ctx, off);
    }
    d->done = true;
}

void gen_exit_loop(struct dis *d)
{
    ir_exit_loop(d->ctx, d->next_off);
    d->done = true;
}

void gen_look_again(struct dis *d)
{
    ir_goto_page(d->ctx, d->next_off);
    d->done = true;
}

void gen_raise(struct dis *d, enum cause cause, ir_arg tval)
{
    ir_call(d->ctx, HELPER_raise, IR_NONE, tval, IR_NONE, IR_NONE, (int32_t)cause);
}

/*
 * The exception of the last instruction of a TB: the helper unwinds, so that what follows it
 * never runs.
 */
static void gen_last_raise(struct dis *d, enum cause cause, ir_arg tval)
{
    gen_raise(d, cause, tval);
    ir_goto_env_pc(d->ctx);
    d->done = true;
}

void gen_mark_fs(struct dis *d)
{
    if (d->fs_dirty) {
        return;
    }
    ir_call(d->ctx, HELPER_fs_dirty, IR_NONE, IR_NONE, IR_NONE, IR_NONE, 0);
    gen_look_again(d);
}

/* The rest of the instruction lies where there is nothing to fetch. */
static void gen_no_next_page(struct dis *d)
{
    ir_arg va = ir_temp(d->ctx, IR_I64);

    ir_pc_add(d->ctx, va, PAGE_SIZE_GUEST);
    gen_last_raise(d, CAUSE_FETCH_ACCESS, va);
}

bool trans_illegal(struct dis *d, const struct insn *i)
{
    gen_last_raise(d, CAUSE_ILLEGAL, imm_const(d, i->raw));
    return true;
}

/* ---- the loop --------------------------------------------------------------------------- */

void dis_see_row(struct dis *d, const struct insn *i)
{
    uint64_t *word = &d->hart->rows_seen[i->row / 64];

    store_relaxed(word, *word | BIT(i->row % 64));
}

static void translate_insn(struct dis *d, const struct insn *i)
{
    unsigned flags = insn_rows[i->id].flags;

    ir_insn_start(d->ctx, d->pc_off);
    d->src->ninsns++;
    d->next_off = d->pc_off + i->len;
    d->src->end_off = MAX(d->src->end_off, d->next_off);
    dis_see_row(d, i);
    if ((flags & PURE) && i->rd == 0) {
        return;
    }
    if (((flags & INSN_NEEDS_FS) && d->fs == 0) || !trans_table[i->id](d, i)) {
        trans_illegal(d, i);
    }
}

/* The next instruction, or the end of the TB before it. */
static void translate_next(struct dis *d)
{
    struct insn i;
    bool first = d->src->ninsns == 0;

    if (dis_peek(d, d->pc_off, &i)) {
        translate_insn(d, &i);
    } else if (!first) {
        gen_goto(d, d->pc_off);
        return;
    } else if (read_crossing(d, &i)) {
        translate_insn(d, &i);
    } else {
        ir_insn_start(d->ctx, d->pc_off);
        d->src->ninsns = 1;
        d->src->end_off = PAGE_SIZE_GUEST;
        gen_no_next_page(d);
        return;
    }
    if (!d->done) {
        d->pc_off = d->next_off;
        if (!dis_has_room(d, 1) || d->pc_off >= PAGE_SIZE_GUEST ||
            (ir_full(d->ctx) && d->pc_off > d->sc_off)) {
            gen_goto(d, d->pc_off);
        }
    }
}

void riscv_translate(struct vcpu *cpu, struct tcg_context *ctx, struct tb_source *src)
{
    struct hart *h = hart_of(cpu);
    struct dis d = {
        .ctx = ctx,
        .src = src,
        .hart = h,
        .decoder = hart_decoder(h),
        .config = h->config,
        .pc_off = src->pc_off,
        .limit_off = MIN(PAGE_SIZE_GUEST, src->pc_off + 4 * (int32_t)src->max_insns),
        .sc_off = -1,
        .align = h->config->misaligned_fault ? MO_ALIGNED : 0,
        .priv = (uint8_t)get_field(src->mode_key, KEY_PRIV),
        .fs = (uint8_t)get_field(src->mode_key, KEY_FS),
        .frm = (uint8_t)get_field(src->mode_key, KEY_FRM),
    };

    d.fs_dirty = d.fs == 2;
    src->ninsns = 0;
    src->end_off = src->pc_off;
    while (!d.done) {
        translate_next(&d);
    }
}

/* ---- statistics ------------------------------------------------------------------------- */

static bool row_was_seen(struct hart *const *harts, unsigned n, unsigned row)
{
    for (unsigned h = 0; h < n; h++) {
        if (load_relaxed(&harts[h]->rows_seen[row / 64]) & BIT(row % 64)) {
            return true;
        }
    }
    return false;
}

static void print_rows(struct hart *const *harts, unsigned n, bool seen, FILE *out)
{
    for (unsigned row = 0; row < INSN_ROW_COUNT; row++) {
        if (row_was_seen(harts, n, row) == seen) {
            fprintf(out, " %s", riscv_decode_row_name(row));
        }
    }
    fputc('\n', out);
}

void hart_print_rows(struct hart *const *harts, unsigned n, FILE *out)
{
    fputs("decode rows translated:", out);
    print_rows(harts, n, true, out);
    fputs("decode rows not translated:", out);
    print_rows(harts, n, false, out);
}
