/* SPDX-License-Identifier: MIT
 *
 * Timer interrupts at random moments of loops full of everything: the handler sets the timer again and logs nothing, so
 * the final state must be the same wherever the interrupts fell. State that is not precise when one is taken shows.
 */
#include "tests/torture/privileged.h"

static void emit_lrsc_add(struct gen *g)
{
    unsigned p = g->ptr[0];
    unsigned old = pick_rd(g);
    unsigned tmp = pick_rd(g);
    if (!tmp || !old || tmp == old) {
        return;
    }
    int again = new_label(g);
    begin_group(g);
    emit(g, enc_i(0x13, p, g->base, 8 * ((int)rng_below(&g->rng, 64) - 32)));
    place_label(g, again);
    emit(g, enc_r(0x1000302f, old, p, 0));
    emit(g, enc_r(0x33, tmp, old, pick_rs(g)));
    emit(g, enc_r(0x1800302f, tmp, p, tmp));
    emit_to_label(g, enc_s(0x1063, tmp, 0, 0), FIX_B, again);
    end_group(g);
}

static void emit_aligned_amo(struct gen *g)
{
    unsigned p = g->ptr[0];
    const struct insn_row *row = insn_pick(&g->rng, rng_one_in(&g->rng, 2) ? SET_AMOD : SET_AMOW);
    begin_group(g);
    emit(g, enc_i(0x13, p, g->base, 8 * ((int)rng_below(&g->rng, 64) - 32)));
    emit(g, enc_r(row->match, pick_rd(g), p, pick_rs(g)));
    end_group(g);
}

static void emit_part(struct gen *g)
{
    switch (rng_below(&g->rng, 12)) {
    case 0:
        emit_lrsc_add(g);
        break;
    case 1:
        emit_aligned_amo(g);
        break;
    case 2:
    case 3:
        if (g->p->nitems < 400) {
            emit_flow(g, 3 + rng_below(&g->rng, 6));
        }
        break;
    case 4:
        emit_ptr_move(g);
        break;
    case 5:
    case 6:
        emit_mem(g);
        break;
    case 7:
    case 8:
        emit_random(g, rng_one_in(&g->rng, 2) ? SET_F : SET_D);
        break;
    case 9:
        emit(g, INSN_ECALL);
        break;
    default:
        emit_int(g);
    }
}

void gen_storm(struct gen *g)
{
    static const enum privilege modes[] = {PRIV_U, PRIV_S, PRIV_M, PRIV_M};
    reserve_privileged(g);
    reserve_data_pointers(g);
    unsigned count = reserve_reg(g, 0);
    unsigned n = 5 + rng_below(&g->rng, 20);
    int top = new_label(g);
    g->p->hdr.flags |= CASE_STORM;
    g->pinned = true;
    emit_stvec(g);
    emit_csrw(g, CSR_MIE, g->counter, 0x80);
    emit_li(g, g->counter, GUEST_MTIMECMP);
    emit(g, enc_s(0x3023, g->counter, 0, 0));
    emit_csrw(g, CSR_MSTATUS, g->counter, MSTATUS_FS | MSTATUS_MPIE);
    emit_enter(g, modes[rng_below(&g->rng, 4)]);
    emit_li(g, count, 4 + rng_below(&g->rng, 12));
    g->pinned = false;
    place_label(g, top);
    for (unsigned i = 0; i < n; i++) {
        emit_part(g);
    }
    int out = new_label(g);
    begin_group(g);
    emit(g, enc_i(0x13, count, count, -1));
    emit_to_label(g, 0x63 | count << 15, FIX_B, out);
    emit_to_label(g, 0x6f, FIX_J, top); /* may be far */
    place_label(g, out);
    end_group(g);
}
