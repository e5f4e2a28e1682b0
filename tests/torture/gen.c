/* SPDX-License-Identifier: MIT
 *
 * What all kinds of random code share: the rows, the roles of registers (data pointers and counters that random
 * code must not write), encoding a row with random operands, and the frame of a case.
 */
#include <assert.h>
#include <string.h>

#include "tests/torture/torture.h"

#define F3(f3, op)       ((uint32_t)(f3) << 12 | (op))
#define F7(f7, f3, op)   ((uint32_t)(f7) << 25 | F3(f3, op))
#define F12(f12, f3, op) ((uint32_t)(f12) << 20 | F3(f3, op))

static const struct insn_row rows[] = {
#define ROW(name, format, match, set) {#name, FMT_##format, SET_##set, match},
#include "tests/torture/insn.def"
#undef ROW
};
#define NROWS ((int)(sizeof(rows) / sizeof(rows[0])))

const struct insn_row *insn_pick(struct rng *r, enum insn_set set)
{
    int first = 0;
    while (rows[first].set != set) {
        first++;
    }
    int end = first;
    while (end < NROWS && rows[end].set == set) {
        end++;
    }
    return &rows[first + (int)rng_below(r, (uint32_t)(end - first))];
}

/* Registers. */

static bool is_reserved(const struct gen *g, unsigned reg)
{
    return g->reserved >> reg & 1;
}

unsigned pick_rd(struct gen *g)
{
    for (;;) {
        unsigned r =
            rng_one_in(&g->rng, 4) ? rng_below(&g->rng, 32) : g->hot[rng_below(&g->rng, NUM_HOT)];
        if (!is_reserved(g, r)) {
            return r;
        }
    }
}

unsigned pick_rs(struct gen *g)
{
    return rng_one_in(&g->rng, 4) ? rng_below(&g->rng, 32) : g->hot[rng_below(&g->rng, NUM_HOT)];
}

unsigned reserve_reg(struct gen *g, uint32_t avoid)
{
    for (;;) {
        unsigned r = 1 + rng_below(&g->rng, 31);
        if (!is_reserved(g, r) && !(avoid >> r & 1)) {
            g->reserved |= 1u << r;
            return r;
        }
    }
}

/* x2 and one of x8..x15 are always pointers, so that compressed loads and stores find them. */
void reserve_data_pointers(struct gen *g)
{
    uint32_t compressed = 0xff00;
    g->base = (uint8_t)reserve_reg(g, 1u << 2 | compressed);
    g->ptr[0] = 2;
    g->reserved |= 1u << 2;
    g->ptr[1] = (uint8_t)reserve_reg(g, ~compressed);
    g->ptr[2] = (uint8_t)reserve_reg(g, compressed);
    uint64_t middle = GUEST_DATA + 0x1000;
    g->p->hdr.x[g->base] = middle;
    for (int i = 0; i < 3; i++) {
        g->p->hdr.x[g->ptr[i]] = middle + rng_below(&g->rng, 0x800) - 0x400;
    }
}

static unsigned pick_ptr(struct gen *g)
{
    return rng_one_in(&g->rng, 4) ? g->base : g->ptr[rng_below(&g->rng, 3)];
}

int pick_offset(struct gen *g)
{
    int v = (int)rng_below(&g->rng, 4096) - 2048;
    switch (rng_below(&g->rng, 4)) {
    case 0:
        return v;
    case 1:
        return v & ~7;
    case 2:
        return v / 64;
    default:
        return (v / 64) & ~7;
    }
}

/* Constants. */

void emit_li(struct gen *g, unsigned rd, uint64_t value)
{
    bool outer = g->one_group;
    if (!outer) {
        begin_group(g);
    }
    int64_t v = (int64_t)value;
    if (v == (int32_t)v) {
        int32_t lo = (int32_t)((uint32_t)v << 20) >> 20;
        uint32_t hi = ((uint32_t)v - (uint32_t)lo) & 0xfffff000;
        if (hi) {
            emit(g, 0x37 | rd << 7 | hi);
            emit(g, enc_i(0x1b, rd, rd, lo)); /* addiw */
        } else {
            emit(g, enc_i(0x13, rd, 0, lo));
        }
    } else {
        int64_t lo = (int64_t)(value << 52) >> 52;
        uint64_t rest = value - (uint64_t)lo;
        unsigned shift = 12;
        while (!(rest >> shift & 1)) {
            shift++;
        }
        emit_li(g, rd, (uint64_t)((int64_t)rest >> shift));
        emit(g, enc_i(F3(1, 0x13), rd, rd, (int)shift));
        emit(g, enc_i(0x13, rd, rd, (int)lo));
    }
    if (!outer) {
        end_group(g);
    }
}

void emit_la(struct gen *g, unsigned rd, int label)
{
    bool outer = g->one_group;
    if (!outer) {
        begin_group(g);
    }
    emit_to_label(g, 0x17 | rd << 7, FIX_HI, label);
    emit_to_label(g, enc_i(0x13, rd, rd, 0), FIX_LO, label);
    if (!outer) {
        end_group(g);
    }
}

void emit_csr(struct gen *g, unsigned op, unsigned rd, unsigned csr, unsigned rs1)
{
    emit(g, F3(op, 0x73) | rd << 7 | rs1 << 15 | csr << 20);
}

void emit_csrw(struct gen *g, unsigned csr, unsigned tmp, uint64_t value)
{
    bool outer = g->one_group;
    if (!outer) {
        begin_group(g);
    }
    emit_li(g, tmp, value);
    emit_csr(g, 1, 0, csr, tmp);
    if (!outer) {
        end_group(g);
    }
}

/* Random operands. */

static unsigned pick_rm(struct gen *g)
{
    if (g->bad_rm && rng_one_in(&g->rng, 30)) {
        return 5 + rng_below(&g->rng, 2);
    }
    return rng_one_in(&g->rng, 2) ? 7 : rng_below(&g->rng, 5);
}

static unsigned pick_f(struct gen *g)
{
    return rng_one_in(&g->rng, 3) ? rng_below(&g->rng, 32) : rng_below(&g->rng, 8);
}

/* A register of x8..x15 that may be written, or -1. */
static int pick_rd_c(struct gen *g)
{
    unsigned r = 8 + rng_below(&g->rng, 8);
    return is_reserved(g, r) ? -1 : (int)r;
}

static uint32_t imm6(struct gen *g)
{
    uint32_t v = rng_below(&g->rng, 64);
    return (v & 31) << 2 | (v >> 5) << 12;
}

static uint32_t imm6_nonzero(struct gen *g)
{
    uint32_t v;
    do {
        v = imm6(g);
    } while (!v);
    return v;
}

static bool emit_alu16(struct gen *g, const struct insn_row *row)
{
    uint32_t m = row->match;
    unsigned rd = pick_rd(g);
    int rdc = pick_rd_c(g);
    switch (row->format) {
    case FMT_CADDI4SPN: {
        uint32_t imm = (1 + rng_below(&g->rng, 255)) << 5;
        return rdc >= 0 && emit(g, m | imm | (uint32_t)(rdc - 8) << 2);
    }
    case FMT_CI:
        return rd && emit(g, m | rd << 7 | imm6(g));
    case FMT_CLUI:
        return rd && rd != 2 && emit(g, m | rd << 7 | imm6_nonzero(g));
    case FMT_CSLLI:
        return rd && emit(g, m | rd << 7 | imm6_nonzero(g));
    case FMT_CSHIFT:
        return rdc >= 0 && emit(g, m | (uint32_t)(rdc - 8) << 7 | imm6_nonzero(g));
    case FMT_CANDI:
        return rdc >= 0 && emit(g, m | (uint32_t)(rdc - 8) << 7 | imm6(g));
    case FMT_CA:
        return rdc >= 0 && emit(g, m | (uint32_t)(rdc - 8) << 7 | rng_below(&g->rng, 8) << 2);
    case FMT_CR:
        return rd && emit(g, m | rd << 7 | (1 + rng_below(&g->rng, 31)) << 2);
    default:
        assert(0);
        return false;
    }
}

static bool emit_mem16(struct gen *g, const struct insn_row *row)
{
    uint32_t m = row->match;
    uint32_t base = (uint32_t)(g->ptr[1] - 8) << 7;
    bool is_store = m & 0x8000;
    bool is_fp = (m & 0x6000) == 0x2000;
    uint32_t imm = rng_below(&g->rng, 64);
    unsigned reg3 = rng_below(&g->rng, 8);
    if (!is_store && !is_fp && is_reserved(g, reg3 + 8)) {
        return false;
    }
    unsigned reg = is_store || is_fp ? rng_below(&g->rng, 32) : pick_rd(g);
    switch (row->format) {
    case FMT_CLW:
    case FMT_CLD:
        return emit(g, m | base | reg3 << 2 | (imm & 3) << 5 | (imm >> 2 & 7) << 10);
    case FMT_CLWSP:
    case FMT_CLDSP:
        return (is_fp || reg) && emit(g, m | reg << 7 | (imm & 31) << 2 | (imm >> 5) << 12);
    default: /* store to stack */
        return emit(g, m | reg << 2 | imm << 7);
    }
}

static bool emit_fp(struct gen *g, const struct insn_row *row)
{
    uint32_t m = row->match;
    unsigned rm = pick_rm(g) << 12;
    switch (row->format) {
    case FMT_FR:
        return emit(g, enc_r(m, pick_f(g), pick_f(g), pick_f(g)));
    case FMT_FRM:
        return emit(g, enc_r(m | rm, pick_f(g), pick_f(g), pick_f(g)));
    case FMT_FR4:
        return emit(g, enc_r(m | rm | pick_f(g) << 27, pick_f(g), pick_f(g), pick_f(g)));
    case FMT_F1RM:
        return emit(g, enc_r(m | rm, pick_f(g), pick_f(g), 0));
    case FMT_FCMP:
        return emit(g, enc_r(m, pick_rd(g), pick_f(g), pick_f(g)));
    case FMT_FX1:
        return emit(g, enc_r(m, pick_rd(g), pick_f(g), 0));
    case FMT_FX1RM:
        return emit(g, enc_r(m | rm, pick_rd(g), pick_f(g), 0));
    case FMT_XF1:
        return emit(g, enc_r(m, pick_f(g), pick_rs(g), 0));
    case FMT_XF1RM:
        return emit(g, enc_r(m | rm, pick_f(g), pick_rs(g), 0));
    default:
        return emit_alu16(g, row);
    }
}

/* Encodes a row with random operands and emits it; false if the operands did not fit (nothing was emitted). */
bool emit_row(struct gen *g, const struct insn_row *row)
{
    uint32_t m = row->match;
    uint32_t r = (uint32_t)rng_next(&g->rng);
    int imm = rng_one_in(&g->rng, 4) ? (int)(pick_value(g) & 0xfff) : (int)(r & 0xfff);
    switch (row->format) {
    case FMT_R:
        return emit(g, enc_r(m, pick_rd(g), pick_rs(g), pick_rs(g)));
    case FMT_R1:
        return emit(g, enc_r(m, pick_rd(g), pick_rs(g), 0));
    case FMT_I:
        return emit(g, enc_i(m, pick_rd(g), pick_rs(g), imm));
    case FMT_SH6:
        return emit(g, enc_r(m, pick_rd(g), pick_rs(g), 0) | (r & 63) << 20);
    case FMT_SH5:
        return emit(g, enc_r(m, pick_rd(g), pick_rs(g), 0) | (r & 31) << 20);
    case FMT_U:
        return emit(g, m | pick_rd(g) << 7 | (r & 0xfffff000));
    case FMT_LOAD:
        return emit(g, enc_i(m, pick_rd(g), pick_ptr(g), pick_offset(g)));
    case FMT_FLOAD:
        return emit(g, enc_i(m, pick_f(g), pick_ptr(g), pick_offset(g)));
    case FMT_STORE:
        return emit(g, enc_s(m, pick_ptr(g), pick_rs(g), pick_offset(g)));
    case FMT_FSTORE:
        return emit(g, enc_s(m, pick_ptr(g), pick_f(g), pick_offset(g)));
    case FMT_AMO:
        return emit(g, enc_r(m | (r & 3) << 25, pick_rd(g), pick_ptr(g), pick_rs(g)));
    case FMT_CLW:
    case FMT_CLD:
    case FMT_CLWSP:
    case FMT_CLDSP:
    case FMT_CSWSP:
    case FMT_CSDSP:
        return emit_mem16(g, row);
    default:
        return emit_fp(g, row);
    }
}

void emit_random(struct gen *g, enum insn_set set)
{
    while (!emit_row(g, insn_pick(&g->rng, set))) {}
}

void emit_access_row(struct gen *g, const struct insn_row *row, unsigned p)
{
    switch (row->format) {
    case FMT_LOAD:
    case FMT_FLOAD:
        emit(g, enc_i(row->match, row->format == FMT_LOAD ? pick_rd(g) : rng_below(&g->rng, 32), p,
                      0));
        break;
    case FMT_AMO:
        emit(g, enc_r(row->match, pick_rd(g), p, pick_rs(g)));
        break;
    default:
        emit(g, enc_s(row->match, p, pick_rs(g), 0));
    }
}

void emit_int(struct gen *g)
{
    static const uint8_t sets[] = {SET_I, SET_I, SET_I, SET_M, SET_B, SET_B, SET_C};
    emit_random(g, sets[rng_below(&g->rng, sizeof(sets))]);
}

void emit_mem(struct gen *g)
{
    static const uint8_t sets[] = {SET_MEM, SET_MEM, SET_MEM, SET_FMEM, SET_CMEM};
    emit_random(g, sets[rng_below(&g->rng, sizeof(sets))]);
}

/* Sets a pointer to somewhere near the middle of the data, by constant or by a masked register. */
void emit_ptr_move(struct gen *g)
{
    unsigned p = g->ptr[rng_below(&g->rng, 3)];
    int offset = (int)rng_below(&g->rng, 2048) - 1024;
    begin_group(g);
    switch (rng_below(&g->rng, 3)) {
    case 0:
        emit(g, enc_i(0x13, p, g->base, offset));
        break;
    case 1:
        emit(g, enc_i(0x13, p, g->base, offset & ~15));
        break;
    default:
        emit(g, enc_i(F3(7, 0x13), p, pick_rs(g), rng_one_in(&g->rng, 2) ? 0x3ff : 0x3f8));
        emit(g, enc_r(0x33, p, p, g->base));
    }
    end_group(g);
}

/* The frame of a case. */

static void init_registers(struct gen *g)
{
    struct case_header *h = &g->p->hdr;
    for (int i = 1; i < 32; i++) {
        h->x[i] = pick_value(g);
    }
    for (int i = 0; i < 32; i++) {
        h->f[i] = rng_one_in(&g->rng, 2) ? pick_double(g) : pick_single(g);
        h->edges[i] = rng_one_in(&g->rng, 2) ? pick_value(g) : pick_double(g);
    }
    for (int i = 0; i < NUM_HOT; i++) {
        g->hot[i] = (uint8_t)(1 + rng_below(&g->rng, 31));
    }
    h->fcsr = rng_below(&g->rng, 5) << 5 | (rng_one_in(&g->rng, 3) ? rng_below(&g->rng, 32) : 0);
    h->fill_seed = rng_next(&g->rng) | 1;
}

/* Mostly in the middle of a page; sometimes so that the code crosses into the next one. */
static uint32_t pick_start(struct gen *g)
{
    uint32_t start =
        rng_one_in(&g->rng, 4) ? 0x1000 - rng_below(&g->rng, 0x100) : rng_below(&g->rng, 0x400);
    return start & ~1u;
}

static const struct kind *pick_kind(struct rng *r, uint64_t kind_mask)
{
    uint32_t total = 0;
    for (unsigned i = 0; i < num_kinds; i++) {
        total += kind_mask >> i & 1 ? kinds[i].weight : 0;
    }
    uint32_t at = rng_below(r, total);
    for (unsigned i = 0;; i++) {
        uint32_t w = kind_mask >> i & 1 ? kinds[i].weight : 0;
        if (at < w) {
            return &kinds[i];
        }
        at -= w;
    }
}

void generate_case(struct program *p, uint64_t seed, uint64_t id, uint64_t kind_mask)
{
    memset(p, 0, sizeof(*p));
    p->id = id;
    p->seed = rng_mix(seed, id);
    p->slot = (unsigned)(id % MAX_SLOTS);
    struct gen g = {.rng = {p->seed}, .p = p};
    p->kind = pick_kind(&g.rng, kind_mask);
    p->hdr.code_pa = GUEST_SLOTS + p->slot * GUEST_SLOT_SIZE + 0x1000;
    p->hdr.code_va = p->hdr.code_pa;
    p->hdr.s_page_va = GUEST_S_PAGE;
    p->hdr.data_size = 0x2000;
    init_registers(&g);
    p->start = pick_start(&g);
    g.interrupt = 1ull << (1 + 4 * rng_below(&g.rng, 3));
    p->kind->generate(&g);
    g.pinned = true;
    add_pad(&g);
    emit(&g, MAGIC_FINISH);
}
