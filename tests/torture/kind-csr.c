/* SPDX-License-Identifier: MIT
 *
 * CSR accesses in all Zicsr forms from all modes, and the mode changes that the privileged kinds share.
 */
#include "tests/torture/privileged.h"

static const struct csr_row {
    const char *name;
    uint16_t number;
    uint64_t rw_mask;
    uint64_t bits_mask;
    int values;
} csr_rows[] = {
#define ROW(name, number, rw, bits, values) {#name, number, rw, bits, values},
#include "tests/torture/csr-access.def"
#undef ROW
};
#define NROWS (sizeof(csr_rows) / sizeof(csr_rows[0]))

void reserve_privileged(struct gen *g)
{
    g->reserved |= 1u << 17;
    g->counter = (uint8_t)reserve_reg(g, 1u << 2 | 0xff00);
}

void emit_enter(struct gen *g, enum privilege mode)
{
    unsigned t = g->counter;
    const struct case_header *h = &g->p->hdr;
    int label = new_label(g);
    begin_group(g);
    emit_la(g, t, label);
    if (mode != PRIV_M && h->code_va != h->code_pa) {
        unsigned u = 17;
        emit_li(g, u, h->code_va - h->code_pa);
        emit(g, enc_r(0x33, t, t, u));
    }
    emit_csr(g, 1, 0, CSR_MEPC, t);
    emit_li(g, t, MSTATUS_MPP);
    emit_csr(g, 3, 0, CSR_MSTATUS, t);
    if (mode != PRIV_U) {
        emit_li(g, t, (uint64_t)mode << 11);
        emit_csr(g, 2, 0, CSR_MSTATUS, t);
    }
    emit(g, INSN_MRET);
    end_group(g);
    place_label(g, label);
}

void emit_to_m(struct gen *g)
{
    begin_group(g);
    emit(g, enc_i(0x13, 17, 0, MAGIC_A7_TO_M));
    emit(g, INSN_ECALL);
    end_group(g);
}

void emit_stvec(struct gen *g)
{
    emit_csrw(g, CSR_STVEC, g->counter, g->p->hdr.s_page_va | rng_below(&g->rng, 2));
}

/* Only one supervisor interrupt is ever enabled in a case: without AIA, QEMU does not order them by priority. */
static uint64_t limit_interrupts(const struct gen *g, const struct csr_row *row, uint64_t v)
{
    bool is_enable = row->number == CSR_MIE || row->number == CSR_SIE;
    return is_enable ? v & (~INTERRUPTS_S | g->interrupt) : v;
}

/* A value that all implementations take the same way. */
static uint64_t csr_value(struct gen *g, const struct csr_row *row, uint64_t mask)
{
    uint64_t v = (rng_one_in(&g->rng, 2) ? rng_next(&g->rng) : pick_value(g)) & mask;
    if (row->number == CSR_SATP) {
        static const uint8_t modes[] = {0, 8, 8, 9, 10};
        uint64_t mode = modes[rng_below(&g->rng, 5)];
        uint64_t root = (GUEST_PT >> 12) +
                        (v & 15); /* in memory: QEMU reports a walk outside as a page fault */
        return mode ? (v & 0x0ffff00000000000) | mode << 60 | root : 0;
    }
    if (row->number == CSR_MSTATUS || row->number == CSR_SSTATUS) {
        v = (v & MSTATUS_FS) ? v | MSTATUS_FS : v;
        v = (v & MSTATUS_MPP) == 2ull << 11 ? v & ~MSTATUS_MPP : v;
    }
    if (row->number == CSR_MENVCFG || row->number == CSR_SENVCFG) {
        v = (v & 0x30) == 0x20 ? v & ~0x30ull : v;
    }
    return limit_interrupts(g, row, v);
}

/* Writing with csrrs or csrrc immediate: the operand must fit the mask as well. */
static void emit_csr_imm(struct gen *g, const struct csr_row *row, unsigned rd)
{
    unsigned op = 5 + rng_below(&g->rng, 3);
    unsigned imm = rng_below(&g->rng, 32);
    uint64_t mask = op == 5 ? row->rw_mask : row->bits_mask;
    if ((imm & ~limit_interrupts(g, row, mask)) || row->number == CSR_SATP) {
        imm = 0;
        op = row->values == 1 && row->number != CSR_SATP ? op : 6 + rng_below(&g->rng, 2);
    }
    if (op == 5 && (row->number == CSR_MSTATUS || row->number == CSR_SSTATUS)) {
        op = 6; /* FS would go off without a way back */
    }
    emit_csr(g, op, rd, row->number, imm);
}

void emit_csr_access(struct gen *g)
{
    const struct csr_row *row = &csr_rows[rng_below(&g->rng, NROWS)];
    unsigned rd = row->values == 2 ? 0 : pick_rd(g);
    bool is_missing = row->values == 0 && row->number != CSR_MTVEC && row->number != CSR_MISA &&
                      row->number != CSR_MSCRATCH && (row->number < 0x3a0 || row->number > 0x3bf);
    begin_group(g);
    if (is_missing && rng_one_in(&g->rng, 2)) {
        emit_csr(g, 1 + rng_below(&g->rng, 3), rd, row->number, pick_rs(g));
    } else if (row->values != 1) {
        emit_csr(g, 2 + rng_below(&g->rng, 2) + 4 * rng_below(&g->rng, 2), rd, row->number, 0);
    } else if (rng_one_in(&g->rng, 4)) {
        emit_csr_imm(g, row, rd);
    } else if (rng_one_in(&g->rng, 4)) {
        emit_csr(g, 2 + rng_below(&g->rng, 2), rd, row->number, 0);
    } else {
        unsigned op = 1 + rng_below(&g->rng, 3);
        emit_li(g, g->counter, csr_value(g, row, op == 1 ? row->rw_mask : row->bits_mask));
        emit_csr(g, op, rd, row->number, g->counter);
    }
    end_group(g);
}

/* stvec stays valid: a trap that is delegated to nowhere would never come back. */
void gen_csr(struct gen *g)
{
    reserve_privileged(g);
    g->pinned = true;
    emit_stvec(g);
    g->pinned = false;
    unsigned n = 20 + rng_below(&g->rng, 60);
    for (unsigned i = 0; i < n; i++) {
        switch (rng_below(&g->rng, 12)) {
        case 0:
            emit_to_m(g);
            emit_csrw(g, CSR_SATP, g->counter, 0);
            emit_enter(g, (enum privilege[]){PRIV_U, PRIV_S, PRIV_M}[rng_below(&g->rng, 3)]);
            break;
        case 1:
            emit_int(g);
            break;
        case 2:
            emit_random(g, SET_D);
            break;
        default:
            emit_csr_access(g);
        }
    }
    emit_to_m(g);
}
