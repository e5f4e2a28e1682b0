/* SPDX-License-Identifier: MIT */
/*
 * Fences, CSRs, environment calls and the privileged instructions, and the decision how the TB
 * ends after them. What the mode key tells (privilege) is checked here; what may change without
 * a new mode (TVM, TW, TSR, counter enables) when they run.
 */
#include "target-riscv/csr.h"
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
    ir_arg dropped = ir_temp(d->ctx, IR_I64);
    int same = ir_new_label(d->ctx);

    ir_call(d->ctx, HELPER_fence_i, dropped, IR_NONE, IR_NONE, IR_NONE, 0);
    ir_brcond(d->ctx, COND_EQ, dropped, imm_const(d, 0), same);
    ir_exit_loop(d->ctx, d->next_off);
    ir_label(d->ctx, same);
    gen_look_again(d); /* another hart's fence.i may have dropped this TB */
    return true;
}

/* ---- CSRs ------------------------------------------------------------------------------- */

enum csr_op { CSR_SWAP, CSR_SET, CSR_CLEAR };

/* A CSR instruction: its operand, and what the table says of the CSR. */
struct csr_insn {
    const struct insn *i;
    enum csr_op op;
    ir_arg operand;
    unsigned number;
    bool writes;
    struct csr_plan plan;
};

static void load_hart(struct dis *d, ir_arg t, size_t field)
{
    ir_env_ld(d->ctx, t, (int32_t)field, MO_64);
}

/* Around what reads or writes fcsr: a part of it is in the host's control register. */
static void gen_fp_control(struct dis *d, enum ir_op op)
{
    ir_emit(d->ctx, op, IR_I64, IR_NONE, IR_NONE, IR_NONE);
}

/* A helper checks and does it all. */
static void gen_csr_ask(struct dis *d, const struct csr_insn *c)
{
    static const uint8_t modify[] = {
        [CSR_SWAP] = HELPER_csr_swap, [CSR_SET] = HELPER_csr_set, [CSR_CLEAR] = HELPER_csr_clear};
    enum riscv_helper helper = c->writes ? modify[c->op] : HELPER_csr_read;
    ir_arg old = gpr_dest(d, c->i->rd);

    if (c->op == CSR_SWAP && c->i->rd == 0) {
        helper = HELPER_csr_write;
        old = IR_NONE;
    }
    if (c->plan.flags & CSR_FP) {
        gen_fp_control(d, IR_fp_save);
    }
    ir_call(d->ctx, helper, old, c->writes ? c->operand : IR_NONE, IR_NONE, IR_NONE,
            (int32_t)c->i->raw);
    if (c->writes && c->plan.flags & CSR_FP) {
        gen_fp_control(d, IR_fp_load);
    }
}

/* mstatus or what sstatus shows of it. FS other than in the mode key may be dirty by now. */
static void gen_status_read(struct dis *d, const struct csr_insn *c, ir_arg old)
{
    ir_arg sd;

    load_hart(d, old, offsetof(struct hart, mstatus));
    if (d->fs_dirty) {
        ir_op2(d->ctx, IR_or, IR_I64, old, old, imm_const(d, (int64_t)MSTATUS_SD));
    } else if (d->fs != 0) {
        sd = ir_temp(d->ctx, IR_I64);
        ir_op2(d->ctx, IR_and, IR_I64, sd, old, imm_const(d, (int64_t)MSTATUS_FS));
        ir_setcond(d->ctx, COND_EQ, sd, sd, imm_const(d, (int64_t)MSTATUS_FS));
        ir_op2(d->ctx, IR_shl, IR_I64, sd, sd, imm_const(d, 63));
        ir_op2(d->ctx, IR_or, IR_I64, old, old, sd);
    }
    if (~c->plan.visible) {
        ir_op2(d->ctx, IR_and, IR_I64, old, old, imm_const(d, (int64_t)c->plan.visible));
    }
}

static void gen_clock(struct dis *d, enum ir_op op, ir_arg t)
{
    ir_emit(d->ctx, op, IR_I64, t, IR_NONE, IR_NONE);
}

/* Host cycles on top of the counter's base, unless it is inhibited. */
static void gen_counter_read(struct dis *d, const struct csr_insn *c, ir_arg old)
{
    ir_arg inhibited = ir_temp(d->ctx, IR_I64), base = ir_temp(d->ctx, IR_I64);

    gen_clock(d, IR_cycles, old);
    load_hart(d, inhibited, offsetof(struct hart, mcountinhibit));
    ir_op2(d->ctx, IR_and, IR_I64, inhibited, inhibited,
           imm_const(d, INT64_C(1) << (c->number & 31)));
    ir_movcond(d->ctx, COND_EQ, old, inhibited, imm_const(d, 0), old, imm_const(d, 0));
    load_hart(d, base, (size_t)c->plan.field);
    ir_op2(d->ctx, IR_add, IR_I64, old, old, base);
}

static ir_arg gen_csr_read(struct dis *d, const struct csr_insn *c)
{
    ir_arg old = ir_temp(d->ctx, IR_I64);

    if (c->plan.flags & CSR_STATUS) {
        gen_status_read(d, c, old);
    } else if (c->plan.flags & CSR_COUNTER) {
        gen_counter_read(d, c, old);
    } else if (c->number == CSR_TIME) {
        gen_clock(d, IR_time, old);
    } else if (!c->plan.plain_read) {
        ir_call(d->ctx, HELPER_csr_get, old, IR_NONE, IR_NONE, IR_NONE, (int32_t)c->number);
    } else if (c->plan.field >= 0) {
        load_hart(d, old, (size_t)c->plan.field);
    } else {
        return imm_const(d, 0);
    }
    return old;
}

static void gen_plain_write(struct dis *d, const struct csr_insn *c, ir_arg value)
{
    uint64_t writable = c->plan.writable;
    ir_arg t, kept;

    if (writable == 0) {
        return;
    }
    if (~writable) {
        t = ir_temp(d->ctx, IR_I64);
        ir_op2(d->ctx, IR_and, IR_I64, t, value, imm_const(d, (int64_t)writable));
        value = t;
        if (!(c->plan.flags & CSR_EPC)) {
            kept = ir_temp(d->ctx, IR_I64);
            load_hart(d, kept, (size_t)c->plan.field);
            ir_op2(d->ctx, IR_and, IR_I64, kept, kept, imm_const(d, (int64_t)~writable));
            ir_op2(d->ctx, IR_or, IR_I64, t, t, kept);
        }
    }
    ir_env_st(d->ctx, value, c->plan.field, MO_64);
}

static ir_arg gen_new_value(struct dis *d, const struct csr_insn *c, ir_arg old)
{
    ir_arg t;

    if (c->op == CSR_SWAP) {
        return c->operand;
    }
    t = ir_temp(d->ctx, IR_I64);
    ir_op2(d->ctx, c->op == CSR_SET ? IR_or : IR_andn, IR_I64, t, old, c->operand);
    return t;
}

/*
 * Which bits of mstatus a set or clear of C changes, if these are known and change neither the
 * mode nor an access regime; else 0.
 */
static uint64_t quiet_status_bits(const struct dis *d, const struct csr_insn *c)
{
    const uint64_t quiet = MSTATUS_SIE | MSTATUS_MIE | MSTATUS_SPIE | MSTATUS_MPIE | MSTATUS_SPP;
    uint64_t mask;

    if (!(c->plan.flags & CSR_STATUS) || c->op == CSR_SWAP ||
        !ir_arg_const(d->ctx, c->operand, &mask)) {
        return 0;
    }
    mask &= d->hart->mstatus_mask & (c->number == CSR_SSTATUS ? SSTATUS_WRITABLE : ~UINT64_C(0));
    return mask & ~quiet ? 0 : mask;
}

/* Enables may have been set: the poll word is, if something is pending and enabled by mie. */
static void gen_irq_check(struct dis *d)
{
    ir_arg t = ir_temp(d->ctx, IR_I64), more = ir_temp(d->ctx, IR_I64);
    int quiet = ir_new_label(d->ctx);

    load_hart(d, t, offsetof(struct hart, mip));
    load_hart(d, more, offsetof(struct hart, seip_line));
    ir_op2(d->ctx, IR_or, IR_I64, t, t, more);
    load_hart(d, more, offsetof(struct hart, mie));
    ir_op2(d->ctx, IR_and, IR_I64, t, t, more);
    ir_env_ld(d->ctx, more, (int32_t)offsetof(struct hart, stimer_due), MO_32);
    ir_op2(d->ctx, IR_or, IR_I64, t, t, more);
    ir_brcond(d->ctx, COND_EQ, t, imm_const(d, 0), quiet);
    ir_call(d->ctx, HELPER_irq_check, IR_NONE, IR_NONE, IR_NONE, IR_NONE, 0);
    ir_goto_page(d->ctx, d->next_off);
    ir_label(d->ctx, quiet);
}

static void gen_quiet_status(struct dis *d, const struct csr_insn *c, uint64_t mask)
{
    ir_arg t = ir_temp(d->ctx, IR_I64);

    load_hart(d, t, offsetof(struct hart, mstatus));
    ir_op2(d->ctx, c->op == CSR_SET ? IR_or : IR_andn, IR_I64, t, t, imm_const(d, (int64_t)mask));
    ir_env_st(d->ctx, t, offsetof(struct hart, mstatus), MO_64);
}

/* The access is legal. */
static void gen_csr_open(struct dis *d, const struct csr_insn *c)
{
    uint64_t quiet = c->writes ? quiet_status_bits(d, c) : 0;
    bool modifies = c->writes && c->op != CSR_SWAP && !quiet;
    ir_arg old = IR_NONE, value;

    if (c->i->rd != 0 || modifies) {
        old = gen_csr_read(d, c);
    }
    if (quiet) {
        gen_quiet_status(d, c, quiet);
    } else if (c->writes) {
        value = gen_new_value(d, c, old);
        if (c->plan.plain_write) {
            gen_plain_write(d, c, value);
        } else {
            ir_call(d->ctx, HELPER_csr_put, IR_NONE, value, IR_NONE, IR_NONE, (int32_t)c->number);
        }
    }
    if (c->i->rd != 0) {
        ir_mov(d->ctx, gpr_dest(d, c->i->rd), old);
    }
    if (!c->writes || !(c->plan.flags & CSR_ENDS_TB)) {
        return;
    }
    if (!quiet) {
        gen_look_again(d);
    } else if (c->op == CSR_SET) {
        gen_irq_check(d);
    }
}

/* A counter: illegal where it is not enabled. */
static void gen_counter(struct dis *d, const struct csr_insn *c)
{
    ir_arg t = ir_temp(d->ctx, IR_I64), more;
    int on = ir_new_label(d->ctx);

    load_hart(d, t, offsetof(struct hart, mcounteren));
    if (d->priv == PRIV_U && cpu_has(d->config, EXT_S)) {
        more = ir_temp(d->ctx, IR_I64);
        load_hart(d, more, offsetof(struct hart, scounteren));
        ir_op2(d->ctx, IR_and, IR_I64, t, t, more);
    }
    ir_op2(d->ctx, IR_and, IR_I64, t, t, imm_const(d, INT64_C(1) << (c->number & 31)));
    ir_brcond(d->ctx, COND_NE, t, imm_const(d, 0), on);
    gen_raise(d, CAUSE_ILLEGAL, imm_const(d, c->i->raw));
    ir_goto_env_pc(d->ctx);
    ir_label(d->ctx, on);
    gen_csr_open(d, c);
}

static bool gen_csr(struct dis *d, const struct insn *i, enum csr_op op, ir_arg operand)
{
    struct csr_insn c = {.i = i,
                         .op = op,
                         .operand = operand,
                         .number = (unsigned)i->imm & 0xfff,
                         .writes = op == CSR_SWAP || i->rs1 != 0};

    c.plan = csr_plan(d->config, c.number, d->priv, c.writes);
    switch (c.plan.way) {
    case CSR_SHUT:
        return false;
    case CSR_OPEN:
        gen_csr_open(d, &c);
        break;
    case CSR_IF_ENABLED:
        gen_counter(d, &c);
        break;
    case CSR_ASK:
        gen_csr_ask(d, &c);
        if (c.writes && c.plan.flags & CSR_ENDS_TB) {
            gen_look_again(d);
        }
        break;
    }
    return true;
}

bool trans_csrrw(struct dis *d, const struct insn *i)
{
    return gen_csr(d, i, CSR_SWAP, gpr(d, i->rs1));
}

bool trans_csrrs(struct dis *d, const struct insn *i)
{
    return gen_csr(d, i, CSR_SET, gpr(d, i->rs1));
}

bool trans_csrrc(struct dis *d, const struct insn *i)
{
    return gen_csr(d, i, CSR_CLEAR, gpr(d, i->rs1));
}

bool trans_csrrwi(struct dis *d, const struct insn *i)
{
    return gen_csr(d, i, CSR_SWAP, imm_const(d, i->rs1));
}

bool trans_csrrsi(struct dis *d, const struct insn *i)
{
    return gen_csr(d, i, CSR_SET, imm_const(d, i->rs1));
}

bool trans_csrrci(struct dis *d, const struct insn *i)
{
    return gen_csr(d, i, CSR_CLEAR, imm_const(d, i->rs1));
}

/* ---- traps and privilege ---------------------------------------------------------------- */

/* A helper sets the pc, by a trap or a return. */
static bool gen_leave(struct dis *d, enum riscv_helper helper, ir_arg a)
{
    ir_call(d->ctx, helper, IR_NONE, a, IR_NONE, IR_NONE, 0);
    ir_goto_env_pc(d->ctx);
    d->done = true;
    return true;
}

bool trans_ecall(struct dis *d, const struct insn *i UNUSED)
{
    ir_arg pc = ir_temp(d->ctx, IR_I64);

    ir_pc_add(d->ctx, pc, d->pc_off);
    return gen_leave(d, HELPER_ecall, pc);
}

bool trans_mret(struct dis *d, const struct insn *i UNUSED)
{
    return d->priv == PRIV_M && gen_leave(d, HELPER_mret, IR_NONE);
}

/* In S-mode TSR makes it illegal. */
bool trans_sret(struct dis *d, const struct insn *i)
{
    ir_arg t;
    int legal;

    if (d->priv < PRIV_S || !cpu_has(d->config, EXT_S)) {
        return false;
    }
    if (d->priv == PRIV_S) {
        t = ir_temp(d->ctx, IR_I64);
        legal = ir_new_label(d->ctx);
        load_hart(d, t, offsetof(struct hart, mstatus));
        ir_op2(d->ctx, IR_and, IR_I64, t, t, imm_const(d, (int64_t)MSTATUS_TSR));
        ir_brcond(d->ctx, COND_EQ, t, imm_const(d, 0), legal);
        gen_raise(d, CAUSE_ILLEGAL, imm_const(d, i->raw));
        ir_goto_env_pc(d->ctx);
        ir_label(d->ctx, legal);
    }
    return gen_leave(d, HELPER_sret, IR_NONE);
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
