/* SPDX-License-Identifier: MIT */
/*
 * Fences, CSRs, environment calls and the privileged instructions: mostly helpers, and the
 * decision how the TB ends after them. Their checks (privilege, TVM, TW, TSR, ...) are made when
 * they run, by the helper.
 */
#include "target-riscv/translate.h"

/* ---- fences ----------------------------------------------------------------------------- */

/* Device input and output are ordered as reads and writes are. */
static unsigned fence_set(unsigned iorw)
{
    return ((iorw & 10) ? FENCE_PRED_R : 0) | ((iorw & 5) ? FENCE_PRED_W : 0);
}

bool trans_fence(struct dis *d, const struct insn *i)
{
    ir_fence(d->ctx, fence_set((unsigned)i->imm >> 4) | fence_set((unsigned)i->imm & 15) << 2);
    return true;
}

/* Orders all but stores before loads: nothing to do on a host with total store order. */
bool trans_fence_tso(struct dis *d, const struct insn *i UNUSED)
{
    ir_fence(d->ctx, FENCE_PRED_R | FENCE_SUCC_R | FENCE_SUCC_W);
    return true;
}

bool trans_pause(struct dis *d UNUSED, const struct insn *i UNUSED)
{
    return true;
}

bool trans_fence_i(struct dis *d, const struct insn *i UNUSED)
{
    ir_call(d->ctx, HELPER_fence_i, IR_NONE, IR_NONE, IR_NONE, IR_NONE, 0);
    gen_exit_loop(d);
    return true;
}

/* ---- CSRs ------------------------------------------------------------------------------- */

/* Around what reads or writes fcsr: a part of it is in the host's control register. */
static void gen_fp_control(struct dis *d, enum ir_op op)
{
    ir_emit(d->ctx, op, IR_I64, IR_NONE, IR_NONE, IR_NONE);
}

/* Calls HELPER with the CSR's new value or mask; WRITES tells whether the CSR may change. */
static bool gen_csr(struct dis *d, const struct insn *i, enum riscv_helper helper, ir_arg operand,
                    bool writes)
{
    ir_arg old = helper == HELPER_csr_write ? IR_NONE : gpr_dest(d, i->rd);

    unsigned flags = csr_flags((unsigned)i->imm);

    if (flags & CSR_FP) {
        gen_fp_control(d, IR_fp_save);
    }
    ir_call(d->ctx, helper, old, operand, IR_NONE, IR_NONE, (int32_t)i->raw);
    if (writes && (flags & CSR_FP)) {
        gen_fp_control(d, IR_fp_load);
    }
    if (writes && (flags & CSR_ENDS_TB)) {
        gen_look_again(d);
    }
    return true;
}

static bool gen_csr_swap(struct dis *d, const struct insn *i, ir_arg operand)
{
    return gen_csr(d, i, i->rd == 0 ? HELPER_csr_write : HELPER_csr_swap, operand, true);
}

/* Set and clear with rs1 = x0, or a zero immediate, do not write at all. */
static bool gen_csr_modify(struct dis *d, const struct insn *i, enum riscv_helper helper,
                           ir_arg mask)
{
    if (i->rs1 == 0) {
        return gen_csr(d, i, HELPER_csr_read, IR_NONE, false);
    }
    return gen_csr(d, i, helper, mask, true);
}

bool trans_csrrw(struct dis *d, const struct insn *i)
{
    return gen_csr_swap(d, i, gpr(d, i->rs1));
}

bool trans_csrrs(struct dis *d, const struct insn *i)
{
    return gen_csr_modify(d, i, HELPER_csr_set, gpr(d, i->rs1));
}

bool trans_csrrc(struct dis *d, const struct insn *i)
{
    return gen_csr_modify(d, i, HELPER_csr_clear, gpr(d, i->rs1));
}

bool trans_csrrwi(struct dis *d, const struct insn *i)
{
    return gen_csr_swap(d, i, imm_const(d, i->rs1));
}

bool trans_csrrsi(struct dis *d, const struct insn *i)
{
    return gen_csr_modify(d, i, HELPER_csr_set, imm_const(d, i->rs1));
}

bool trans_csrrci(struct dis *d, const struct insn *i)
{
    return gen_csr_modify(d, i, HELPER_csr_clear, imm_const(d, i->rs1));
}

/* ---- traps and privilege ---------------------------------------------------------------- */

/* A helper that sets the pc, by a trap or a return. */
static bool gen_leave(struct dis *d, const struct insn *i, enum riscv_helper helper)
{
    ir_call(d->ctx, helper, IR_NONE, IR_NONE, IR_NONE, IR_NONE, (int32_t)i->raw);
    ir_goto_env_pc(d->ctx);
    d->done = true;
    return true;
}

bool trans_ecall(struct dis *d, const struct insn *i)
{
    return gen_leave(d, i, HELPER_ecall);
}

bool trans_mret(struct dis *d, const struct insn *i)
{
    return gen_leave(d, i, HELPER_mret);
}

bool trans_sret(struct dis *d, const struct insn *i)
{
    return gen_leave(d, i, HELPER_sret);
}

bool trans_ebreak(struct dis *d, const struct insn *i UNUSED)
{
    ir_arg pc = ir_temp(d->ctx, IR_I64);

    ir_pc_add(d->ctx, pc, d->pc_off);
    gen_raise(d, CAUSE_BREAKPOINT, pc);
    ir_goto_env_pc(d->ctx);
    d->done = true;
    return true;
}

bool trans_wfi(struct dis *d, const struct insn *i)
{
    ir_call(d->ctx, HELPER_wfi, IR_NONE, IR_NONE, IR_NONE, IR_NONE, (int32_t)i->raw);
    gen_exit_loop(d);
    return true;
}

bool trans_sfence_vma(struct dis *d, const struct insn *i)
{
    ir_call(d->ctx, HELPER_sfence_vma, IR_NONE, gpr(d, i->rs1), gpr(d, i->rs2), IR_NONE,
            (int32_t)i->raw);
    gen_look_again(d);
    return true;
}
