/* SPDX-License-Identifier: MIT
 *
 * Traps: exceptions of every cause from every mode, delegation, direct and vectored entry, returns, privileged
 * instructions where they are not allowed; and interrupts that software raises at defined points.
 */
#include "tests/torture/privileged.h"

static const enum privilege all_modes[] = {PRIV_U, PRIV_S, PRIV_M};

static enum privilege pick_mode(struct gen *g)
{
    return all_modes[rng_below(&g->rng, 3)];
}

/* Exceptions. */

static const uint32_t illegal_words[] = {
    /* 16 bits: all zero, reserved forms of c.lui, c.addiw, c.lwsp, c.ldsp, c.jr, c.addi16sp, and Zcb's places */
    0x0000,
    0x6081,
    0x2001,
    0x4002,
    0x6002,
    0x8002,
    0x6101,
    0x8000,
    0x9c41,
    0x9c61,
    /* all ones, custom opcodes, a longer encoding */
    0xffffffff,
    0x0000007b,
    0x0000000b,
    0x0000002b,
    0x0000001f,
    /* shifts with high bits, widths and conditions that do not exist */
    0x80001013,
    0x0200101b,
    0x00007023,
    0x00007003,
    0x00002063,
    0x00003063,
    0x00001067,
    0x82000033,
    0x0000402f,
    /* lr with rs2, fp with wrong rs2 or rm, half and quad precision, vector */
    0x1010202f,
    0xc0400053,
    0x58100053,
    0xe0002053,
    0x20003053,
    0x04000053,
    0x06000053,
    0x00000057,
    /* SYSTEM: uret, dret, hfence, funct3 4 */
    0x00200073,
    0x7b200073,
    0x62000073,
    0x00004073,
};

static void emit_illegal(struct gen *g)
{
    uint32_t word =
        illegal_words[rng_below(&g->rng, sizeof(illegal_words) / sizeof(illegal_words[0]))];
    emit(g, word);
}

static const uint32_t privileged_words[] = {
    INSN_SFENCE,
    INSN_SFENCE | 5 << 15,
    INSN_SFENCE | 6 << 20,
    INSN_FENCE_I,
    0x0ff0000f,
    0x8330000f,
    0x0100000f,
    0x0040200f, /* cbo.zero (x0): faults or is not allowed */
};

static void emit_privileged(struct gen *g)
{
    emit(g, privileged_words[rng_below(&g->rng,
                                       sizeof(privileged_words) / sizeof(privileged_words[0]))]);
}

/* An access to where nothing is. */
static void emit_access_fault(struct gen *g)
{
    static const uint64_t holes[] = {
        0x0, 0x8, 0x90000000, 0x82000000, 0x100000000000, ~0ull << 12, 0x7ffffffffffff000};
    unsigned t = g->counter;
    uint64_t at = holes[rng_below(&g->rng, sizeof(holes) / sizeof(holes[0]))];
    begin_group(g);
    emit_li(g, t, at);
    switch (rng_below(&g->rng, 5)) {
    case 0: {
        const struct insn_row *row = insn_pick(&g->rng, SET_AMOD);
        emit(g, enc_r(row->match, pick_rd(g), t, pick_rs(g)));
        break;
    }
    case 1:
        emit(g, enc_i(0x67, pick_rd(g), t, 0));
        break;
    case 2:
        emit(g, enc_i(0x3003, pick_rd(g), t, 0));
        break;
    case 3:
        emit(g, enc_r(0x1000302f, pick_rd(g), t, 0));
        break;
    default:
        emit(g, enc_s(0x3023, t, pick_rs(g), 0));
    }
    end_group(g);
    add_pad(g);
}

static void emit_misaligned_atomic(struct gen *g)
{
    const struct insn_row *row = insn_pick(&g->rng, SET_AMOD);
    begin_group(g);
    emit(g, enc_i(0x13, g->ptr[0], g->base, 1 + (int)rng_below(&g->rng, 7)));
    emit(g, enc_r(row->match, pick_rd(g), g->ptr[0], pick_rs(g)));
    end_group(g);
}

static void emit_call(struct gen *g)
{
    switch (rng_below(&g->rng, 4)) {
    case 0:
        emit(g, INSN_EBREAK);
        break;
    case 1:
        emit(g, 0x9002); /* c.ebreak */
        break;
    default:
        emit(g, INSN_ECALL);
    }
}

/* Returns: sret to the next instruction from S or M, or where it is not allowed. */
static void emit_sret(struct gen *g)
{
    int label = new_label(g);
    unsigned t = g->counter;
    begin_group(g);
    emit_la(g, t, label);
    emit_csr(g, 1, 0, CSR_SEPC, t);
    emit_li(g, t, MSTATUS_SPP);
    emit_csr(g, 2 + rng_below(&g->rng, 2), 0, CSR_SSTATUS, t);
    emit(g, INSN_SRET);
    end_group(g);
    place_label(g, label);
}

static void emit_set_up(struct gen *g)
{
    unsigned t = g->counter;
    switch (rng_below(&g->rng, 6)) {
    case 0:
        emit_csrw(g, CSR_MEDELEG, t,
                  rng_next(&g->rng) & (g->delegate_all ? DELEGABLE : DELEGABLE_SAFE));
        break;
    case 1:
        emit_stvec(g);
        break;
    case 2: /* vectored or direct M-mode entry: the runtime's table serves both */
        emit_csr(g, 6 + rng_below(&g->rng, 2), pick_rd(g), CSR_MTVEC, 1);
        break;
    case 3:
        emit_csrw(g, CSR_MCOUNTEREN, t, rng_below(&g->rng, 8));
        emit_csrw(g, CSR_SCOUNTEREN, t, rng_below(&g->rng, 8));
        break;
    default: {
        static const uint64_t bits[] = {MSTATUS_TVM, MSTATUS_TW,  MSTATUS_TSR,
                                        MSTATUS_FS,  MSTATUS_SUM, MSTATUS_MXR};
        unsigned i = rng_below(&g->rng, 6);
        begin_group(g);
        emit_li(g, t, bits[i]);
        emit_csr(g, 2 + rng_below(&g->rng, 2), 0, CSR_MSTATUS, t);
        end_group(g);
    }
    }
}

void gen_trap(struct gen *g)
{
    static void (*const parts[])(struct gen *) = {
        emit_illegal, emit_privileged, emit_access_fault, emit_misaligned_atomic,
        emit_call,    emit_call,       emit_sret,         emit_int,
        emit_mem,     emit_csr_access, /* stays last */
    };
    unsigned nparts = sizeof(parts) / sizeof(parts[0]);
    g->delegate_all = rng_one_in(&g->rng, 2);
    nparts -= g->delegate_all ? 1 : 0;
    reserve_privileged(g);
    reserve_data_pointers(g);
    g->pinned = true;
    emit_stvec(g);
    g->pinned = false;
    unsigned phases = 2 + rng_below(&g->rng, 5);
    for (unsigned i = 0; i < phases; i++) {
        unsigned nset = rng_below(&g->rng, 4);
        unsigned n = 3 + rng_below(&g->rng, 12);
        emit_to_m(g);
        emit_csrw(g, CSR_SATP, g->counter, 0); /* csr accesses may have set it */
        emit_stvec(g);
        for (unsigned j = 0; j < nset; j++) {
            emit_set_up(g);
        }
        emit_enter(g, pick_mode(g));
        for (unsigned j = 0; j < n; j++) {
            parts[rng_below(&g->rng, nparts)](g);
        }
    }
}

/* Interrupts. */

/* Raised, enabled and taken by CSR writes alone: the ISA defines the instruction that is interrupted. */
static void emit_csr_interrupt(struct gen *g)
{
    unsigned t = g->counter;
    uint64_t bits = rng_one_in(&g->rng, 4) ? rng_next(&g->rng) & INTERRUPTS_S : g->interrupt;
    switch (rng_below(&g->rng, 6)) {
    case 0:
        emit_li(g, t, bits);
        emit_csr(g, 2, pick_rd(g), CSR_MIP, t);
        break;
    case 1:
        emit_li(g, t, bits & g->interrupt);
        emit_csr(g, 1 + rng_below(&g->rng, 3), pick_rd(g), CSR_MIE, t);
        break;
    case 2:
        emit_csr(g, 5 + rng_below(&g->rng, 3), pick_rd(g), CSR_SIP, 2);
        break;
    case 3:
        emit_li(g, t, bits & g->interrupt);
        emit_csr(g, 1 + rng_below(&g->rng, 3), pick_rd(g), CSR_SIE, t);
        break;
    case 4:
        emit_csr(g, 6 + rng_below(&g->rng, 2), pick_rd(g), CSR_SSTATUS, 2);
        break;
    default:
        emit_csr(g, 6 + rng_below(&g->rng, 2), pick_rd(g), CSR_MSTATUS,
                 rng_one_in(&g->rng, 2) ? 8 : 2);
    }
}

/* WFI with something pending and enabled in mie, so that it must return. In U-mode it is illegal. */
static void emit_wfi(struct gen *g)
{
    unsigned t = g->counter;
    emit_to_m(g);
    g->p->items[g->p->nitems - 1].group = 0; /* never wait for what is not pending */
    g->p->items[g->p->nitems - 2].group = 0;
    g->pinned = true;
    emit_csr(g, 7, 0, CSR_MSTATUS, 8);
    emit_li(g, t, g->interrupt);
    emit_csr(g, 2, 0, CSR_MIE, t);
    emit_csr(g, 2, 0, CSR_MIP, t);
    emit(g, INSN_WFI);
    g->pinned = false;
}

void gen_irq(struct gen *g)
{
    g->delegate_all = true;
    reserve_privileged(g);
    reserve_data_pointers(g);
    g->pinned = true;
    emit_stvec(g);
    g->pinned = false;
    unsigned phases = 2 + rng_below(&g->rng, 4);
    for (unsigned i = 0; i < phases; i++) {
        unsigned n = 5 + rng_below(&g->rng, 14);
        emit_to_m(g);
        emit_set_up(g);
        emit_csrw(g, CSR_MIDELEG, g->counter, rng_next(&g->rng) & INTERRUPTS_S);
        emit_csrw(g, CSR_MIE, g->counter, rng_one_in(&g->rng, 2) ? g->interrupt : 0);
        emit_csrw(g, CSR_MSTATUS, g->counter,
                  MSTATUS_FS | (rng_next(&g->rng) & (MSTATUS_MPIE | MSTATUS_SIE)));
        if (rng_one_in(&g->rng, 3)) {
            emit_wfi(g);
        }
        emit_enter(g, pick_mode(g));
        for (unsigned j = 0; j < n; j++) {
            switch (rng_below(&g->rng, 6)) {
            case 0:
                emit_int(g);
                break;
            case 1:
                emit_mem(g);
                break;
            case 2:
                emit_call(g);
                break;
            default:
                emit_csr_interrupt(g);
            }
        }
    }
}

/* Device interrupts: software raises one, then polls until the handler has cleared its cause. */

static void emit_poll_msip(struct gen *g, unsigned t, unsigned u)
{
    int again = new_label(g);
    emit_li(g, t, GUEST_MSIP);
    emit(g, enc_i(0x13, u, 0, 1));
    emit(g, enc_s(0x2023, t, u, 0));
    place_label(g, again);
    emit(g, enc_i(0x2003, u, t, 0));
    emit_to_label(g, enc_s(0x1063, u, 0, 0), FIX_B, again);
}

static void emit_poll_mtimecmp(struct gen *g, unsigned t, unsigned u)
{
    int again = new_label(g);
    unsigned delay = rng_below(&g->rng, 3) * 20;
    emit_li(g, t, GUEST_MTIME);
    emit(g, enc_i(0x3003, u, t, 0));
    emit(g, enc_i(0x13, u, u, (int)delay));
    emit_li(g, t, GUEST_MTIMECMP);
    emit(g, enc_s(0x3023, t, u, 0));
    place_label(g, again);
    emit(g, enc_i(0x3003, u, t, 0));
    emit(g, enc_i(0x13, u, u, 1));
    emit_to_label(g, enc_s(0x1063, u, 0, 0), FIX_B, again);
}

static void emit_poll_stimecmp(struct gen *g, unsigned t, unsigned u)
{
    int again = new_label(g);
    emit_csrw(g, CSR_STIMECMP, t, 0);
    place_label(g, again);
    emit_csr(g, 2, u, CSR_STIMECMP, 0);
    emit(g, enc_i(0x13, u, u, 1));
    emit_to_label(g, enc_s(0x1063, u, 0, 0), FIX_B, again);
}

void gen_timer(struct gen *g)
{
    static void (*const polls[])(struct gen *, unsigned, unsigned) = {
        emit_poll_msip,
        emit_poll_mtimecmp,
        emit_poll_stimecmp,
    };
    reserve_privileged(g);
    reserve_data_pointers(g);
    unsigned u = reserve_reg(g, 0);
    g->p->hdr.flags |= CASE_ASYNC;
    g->pinned = true;
    emit_stvec(g);
    emit_csrw(g, CSR_MENVCFG, g->counter, MENVCFG_STCE);
    emit_csrw(g, CSR_MCOUNTEREN, g->counter, 7);
    emit_csrw(g, CSR_MIDELEG, g->counter, rng_one_in(&g->rng, 2) ? INTERRUPTS_S : 0);
    emit_csrw(g, CSR_MIE, g->counter, 0xaaa);
    g->pinned = false;
    unsigned n = 3 + rng_below(&g->rng, 4);
    for (unsigned i = 0; i < n; i++) {
        unsigned which = rng_below(&g->rng, 3);
        bool vectored = rng_one_in(&g->rng, 2);
        emit_to_m(g);
        emit_csr(g, vectored ? 6 : 7, 0, CSR_MTVEC, 1);
        /* Enabled, and below M or not delegated, so that the poll ends; deleting a part must not change that. */
        g->pinned = true;
        emit_to_m(g);
        emit_csr(g, 6, 0, CSR_MSTATUS, 8 | 2);
        if (which == 2) {
            emit_enter(g, PRIV_S);
            emit_csr(g, 6, 0, CSR_SSTATUS, 2);
        }
        g->pinned = false;
        begin_group(g);
        polls[which](g, g->counter, u);
        end_group(g);
        emit_int(g);
        emit_mem(g);
    }
}
