/* SPDX-License-Identifier: MIT
 *
 * Kinds of unprivileged code: integer mixes, control flow, loads and stores, compressed mixes, atomics and
 * floating point. All run in M-mode without translation.
 */
#include "tests/torture/kinds.h"

/* Integer. */

void gen_int(struct gen *g)
{
    unsigned n = 20 + rng_below(&g->rng, 120);
    for (unsigned i = 0; i < n; i++) {
        emit_int(g);
    }
}

void gen_compressed(struct gen *g)
{
    reserve_data_pointers(g);
    unsigned n = 30 + rng_below(&g->rng, 150);
    for (unsigned i = 0; i < n; i++) {
        if (rng_one_in(&g->rng, 3)) {
            emit_random(g, SET_CMEM);
        } else {
            emit_random(g, rng_one_in(&g->rng, 5) ? SET_I : SET_C);
        }
        if (rng_one_in(&g->rng, 20)) {
            emit_ptr_move(g);
        }
    }
}

/* Memory. */

/* cbo.inval, clean, flush, zero, and prefetches, on a block of the data. */
static void emit_cache_block(struct gen *g)
{
    static const uint32_t words[] = {0x0000200f, 0x0010200f, 0x0020200f, 0x0040200f,
                                     0x00006013, 0x00106013, 0x00306013};
    unsigned p = rng_one_in(&g->rng, 2) ? g->base : g->ptr[rng_below(&g->rng, 3)];
    emit(g, words[rng_below(&g->rng, 7)] | p << 15);
}

void gen_mem(struct gen *g)
{
    reserve_data_pointers(g);
    unsigned n = 30 + rng_below(&g->rng, 120);
    for (unsigned i = 0; i < n; i++) {
        switch (rng_below(&g->rng, 8)) {
        case 0:
            emit_ptr_move(g);
            break;
        case 1:
        case 2:
            emit_int(g);
            break;
        default:
            emit_mem(g);
        }
        if (rng_one_in(&g->rng, 40)) {
            emit_cache_block(g);
        }
    }
}

/* An access that crosses the page boundary in the middle of the data, or lies against it. */
static void emit_crossing(struct gen *g)
{
    unsigned p = g->ptr[0];
    int offset = (int)rng_below(&g->rng, 18) - 9;
    begin_group(g);
    emit(g, enc_i(0x13, p, g->base, offset));
    struct item *it = emit(g, 0x13);
    const struct insn_row *row = insn_pick(&g->rng, rng_one_in(&g->rng, 4) ? SET_FMEM : SET_MEM);
    uint32_t word = row->match | p << 15;
    bool is_load = row->format == FMT_LOAD || row->format == FMT_FLOAD;
    it->word = is_load ? word | pick_rd(g) << 7 : word | pick_rs(g) << 20;
    end_group(g);
}

void gen_misaligned(struct gen *g)
{
    reserve_data_pointers(g);
    unsigned n = 20 + rng_below(&g->rng, 60);
    for (unsigned i = 0; i < n; i++) {
        if (rng_one_in(&g->rng, 2)) {
            emit_crossing(g);
        } else {
            emit_mem(g);
        }
        if (rng_one_in(&g->rng, 5)) {
            emit_int(g);
        }
    }
}

/* Atomics. */

static void emit_aligned_ptr(struct gen *g, unsigned p, unsigned log2)
{
    int offset = ((int)rng_below(&g->rng, 256) - 128) & -(1 << log2);
    emit(g, enc_i(0x13, p, g->base, offset));
}

static void emit_amo(struct gen *g)
{
    bool is_d = rng_one_in(&g->rng, 2);
    unsigned p = g->ptr[rng_below(&g->rng, 3)];
    const struct insn_row *row = insn_pick(&g->rng, is_d ? SET_AMOD : SET_AMOW);
    begin_group(g);
    if (!rng_one_in(&g->rng, 12)) {
        emit_aligned_ptr(g, p, is_d ? 3 : 2);
    }
    emit(g, enc_r(row->match | rng_below(&g->rng, 4) << 25, pick_rd(g), p, pick_rs(g)));
    end_group(g);
}

#define LR 0x1000202fu
#define SC 0x1800202fu

/* LR, some register work, SC to the same address: must succeed on one hart. */
static void emit_lrsc(struct gen *g)
{
    uint32_t size = rng_one_in(&g->rng, 2) ? 0x1000 : 0;
    unsigned p = g->ptr[rng_below(&g->rng, 3)];
    unsigned n = rng_below(&g->rng, 6);
    begin_group(g);
    emit_aligned_ptr(g, p, 3);
    emit(g, enc_r(LR | size | rng_below(&g->rng, 4) << 25, pick_rd(g), p, 0));
    for (unsigned i = 0; i < n; i++) {
        emit_random(g, SET_I);
    }
    emit(g, enc_r(SC | size | rng_below(&g->rng, 4) << 25, pick_rd(g), p, pick_rs(g)));
    end_group(g);
}

/* A retry loop around the pair, as compilers write it. */
static void emit_lrsc_loop(struct gen *g)
{
    uint32_t size = rng_one_in(&g->rng, 2) ? 0x1000 : 0;
    unsigned p = g->ptr[rng_below(&g->rng, 3)];
    unsigned old = pick_rd(g);
    unsigned tmp = pick_rd(g);
    if (!tmp || !old || tmp == old) {
        return;
    }
    int again = new_label(g);
    int out = new_label(g);
    begin_group(g);
    emit_aligned_ptr(g, p, 3);
    place_label(g, again);
    emit(g, enc_r(LR | size, old, p, 0));
    if (rng_one_in(&g->rng, 3)) {
        emit_to_label(g, enc_s(0x1063, old, pick_rs(g), 0), FIX_B, out);
    }
    emit(g, enc_r(0x33, tmp, old, pick_rs(g)));
    emit(g, enc_r(SC | size, tmp, p, tmp));
    emit_to_label(g, enc_s(0x1063, tmp, 0, 0), FIX_B, again);
    place_label(g, out);
    end_group(g);
}

/* SC that must fail: without a reservation (an SC always ends one), or twice. A misaligned LR
 * faults; a misaligned SC is left out, for QEMU looks at the reservation before the address. */
static void emit_broken_pair(struct gen *g)
{
    uint32_t size = rng_one_in(&g->rng, 2) ? 0x1000 : 0;
    unsigned p = g->ptr[rng_below(&g->rng, 3)];
    begin_group(g);
    switch (rng_below(&g->rng, 3)) {
    case 0:
        emit_aligned_ptr(g, p, 3);
        emit(g, enc_r(LR | size, pick_rd(g), p, 0));
        emit(g, enc_r(SC | size, pick_rd(g), p, pick_rs(g)));
        emit(g, enc_r(SC | size, pick_rd(g), p, pick_rs(g)));
        break;
    case 1: /* another address: 2 KiB away is another reservation set */
        emit_aligned_ptr(g, p, 3);
        emit(g, enc_r(LR | size, pick_rd(g), p, 0));
        emit(g, enc_i(0x13, p, p, 1024));
        emit(g, enc_r(SC | size, pick_rd(g), p, pick_rs(g)));
        emit(g, enc_i(0x13, p, p, -1024));
        emit(g, enc_r(SC | size, pick_rd(g), p, pick_rs(g)));
        break;
    default:
        emit(g, enc_i(0x13, p, g->base, 1 + 2 * (int)rng_below(&g->rng, 30)));
        emit(g, enc_r(LR | size, pick_rd(g), p, 0));
    }
    end_group(g);
}

void gen_atomic(struct gen *g)
{
    static void (*const parts[])(struct gen *) = {
        emit_amo,       emit_amo,         emit_amo, emit_lrsc,
        emit_lrsc_loop, emit_broken_pair, emit_int, emit_mem,
    };
    reserve_data_pointers(g);
    unsigned n = 15 + rng_below(&g->rng, 50);
    for (unsigned i = 0; i < n; i++) {
        parts[rng_below(&g->rng, sizeof(parts) / sizeof(parts[0]))](g);
    }
}

/* Floating point. */

#define CSR_FFLAGS 1u
#define CSR_FRM    2u
#define CSR_FCSR   3u

static void emit_fp_csr(struct gen *g)
{
    switch (rng_below(&g->rng, 5)) {
    case 0: /* fsrmi, seldom an invalid mode */
        emit_csr(g, 5, pick_rd(g), CSR_FRM, rng_below(&g->rng, rng_one_in(&g->rng, 5) ? 8 : 5));
        break;
    case 1: /* fsflagsi */
        emit_csr(g, 5, pick_rd(g), CSR_FFLAGS, rng_below(&g->rng, 2) ? 0 : rng_below(&g->rng, 32));
        break;
    case 2:
        emit_csr(g, 2, pick_rd(g), CSR_FCSR, 0);
        break;
    case 3:
        emit_csr(g, 2, pick_rd(g), CSR_FFLAGS, 0);
        break;
    default:
        emit_csrw(g, CSR_FCSR, pick_rd(g), rng_below(&g->rng, 5) << 5);
    }
}

static void emit_fp_constant(struct gen *g)
{
    unsigned t = pick_rd(g);
    bool is_d = rng_one_in(&g->rng, 2);
    if (!t) {
        return;
    }
    begin_group(g);
    emit_li(g, t, is_d ? pick_double(g) : pick_single(g));
    emit(g, enc_r(is_d || rng_one_in(&g->rng, 3) ? 0xf2000053 : 0xf0000053, rng_below(&g->rng, 8),
                  t, 0));
    end_group(g);
}

void gen_fp(struct gen *g)
{
    enum insn_set first = rng_one_in(&g->rng, 2) ? SET_F : SET_D;
    g->bad_rm = rng_one_in(&g->rng, 4);
    reserve_data_pointers(g);
    unsigned n = 30 + rng_below(&g->rng, 120);
    for (unsigned i = 0; i < n; i++) {
        switch (rng_below(&g->rng, 12)) {
        case 0:
            emit_fp_csr(g);
            break;
        case 1:
            emit_fp_constant(g);
            break;
        case 2:
            emit_random(g, SET_FMEM);
            break;
        case 3:
            emit_random(g, first == SET_F ? SET_D : SET_F);
            break;
        case 4:
            emit_int(g);
            break;
        default:
            emit_random(g, first);
        }
    }
}
