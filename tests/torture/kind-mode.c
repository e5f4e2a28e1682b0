/* SPDX-License-Identifier: MIT
 *
 * One function called again and again in all modes, with FS on and off, all of frm, MPRV, counter enables and traps of
 * virtualisation switched between the calls: translated code must not outlive the mode that it was translated for.
 */
#include "tests/torture/privileged.h"

static void emit_function_part(struct gen *g)
{
    static const uint16_t csrs[] = {0x001,       0x002,    0x003,    CSR_SSCRATCH,
                                    CSR_SSTATUS, CSR_SATP, CSR_MEPC, CSR_MTVEC};
    static const uint16_t counters[] = {0xc00, 0xc01, 0xc02};
    switch (rng_below(&g->rng, 10)) {
    case 0:
        emit_csr(g, 2, pick_rd(g), csrs[rng_below(&g->rng, 8)], 0);
        break;
    case 1:
        emit_csr(g, 2, 0, counters[rng_below(&g->rng, 3)], 0);
        break;
    case 2:
        emit(g, rng_one_in(&g->rng, 2) ? INSN_SFENCE : INSN_FENCE_I);
        break;
    case 3:
        emit_mem(g);
        break;
    case 4:
        emit_random(g, SET_FMEM);
        break;
    case 5:
        emit_int(g);
        break;
    default:
        emit_random(g, rng_one_in(&g->rng, 2) ? SET_F : SET_D);
    }
}

static void emit_setting(struct gen *g)
{
    static const uint64_t bits[] = {MSTATUS_FS,   MSTATUS_FS,  MSTATUS_TVM,
                                    MSTATUS_MPRV, MSTATUS_SUM, MSTATUS_MXR};
    unsigned t = g->counter;
    begin_group(g);
    switch (rng_below(&g->rng, 5)) {
    case 0:
    case 1:
        emit_li(g, t, bits[rng_below(&g->rng, 6)]);
        emit_csr(g, 2 + rng_below(&g->rng, 2), 0, CSR_MSTATUS, t);
        break;
    case 2:
        emit_csrw(g, rng_one_in(&g->rng, 2) ? CSR_MCOUNTEREN : CSR_SCOUNTEREN, t,
                  rng_below(&g->rng, 8));
        break;
    case 3:
        emit_csr(g, 5, 0, 0x003, rng_below(&g->rng, 32)); /* frm 0, new fflags */
        break;
    default:
        emit_csr(g, 5, 0, 0x002, rng_below(&g->rng, 8));
    }
    end_group(g);
}

void gen_mode(struct gen *g)
{
    static const enum privilege modes[] = {PRIV_U, PRIV_S, PRIV_M};
    reserve_privileged(g);
    reserve_data_pointers(g);
    unsigned link = reserve_reg(g, 0);
    unsigned count = reserve_reg(g, 0);
    unsigned n = 5 + rng_below(&g->rng, 20);
    unsigned phases = 3 + rng_below(&g->rng, 6);
    int function = new_label(g);
    int over = new_label(g);
    g->bad_rm = rng_one_in(&g->rng, 4);
    g->pinned = true;
    emit_to_label(g, 0x6f, FIX_J, over);
    place_label(g, function);
    g->pinned = false;
    for (unsigned i = 0; i < n; i++) {
        emit_function_part(g);
    }
    g->pinned = true;
    emit(g, enc_i(0x67, 0, link, 0));
    g->pinned = false;
    place_label(g, over);
    for (unsigned i = 0; i < phases; i++) {
        unsigned nsettings = rng_below(&g->rng, 4);
        int top = new_label(g);
        emit_to_m(g);
        for (unsigned j = 0; j < nsettings; j++) {
            emit_setting(g);
        }
        emit_enter(g, modes[rng_below(&g->rng, 3)]);
        g->pinned = true;
        emit_li(g, count, 1 + rng_below(&g->rng, 3));
        g->pinned = false;
        place_label(g, top);
        begin_group(g);
        emit_to_label(g, 0x6f | link << 7, FIX_J, function);
        emit(g, enc_i(0x13, count, count, -1));
        emit_to_label(g, enc_s(0x1063, count, 0, 0), FIX_B, top);
        end_group(g);
    }
}
