/* SPDX-License-Identifier: MIT */
/*
 * The ways into and out of a TB, labels, and helper calls.
 *
 * A chained exit is a jmp or jcc whose 32-bit displacement is 4-byte aligned, so that one store
 * redirects it. Unchained it leads to a stub behind the TB: `call exit_chain` and two words of
 * data that the thunk reads (pc offset; site number and distance back to the TB's start). An exit
 * to the TB's own head is a plain jump to its poll, behind what is prepared in front of a loop.
 */
#include "hw/host/cpu-features.h"
#include "tcg/x86_64/emit.h"

/* ---- markers and labels -------------------------------------------------------------------- */

void emit_insn_start(struct emit *e, const struct ir_insn *i)
{
    e->pc_off = i->imm;
    e->marks[e->nmarks++] = (struct pcmap_entry){(uint32_t)(e->s.p - e->start), i->imm};
    for (unsigned r = 0; r < 3; r++) {
        if (ir_is_temp(e->content[r])) {
            e->content[r] = IR_NONE;
        }
    }
}

static void fixup(struct emit *e, uint8_t *at, int label)
{
    if (e->nfixups == ARRAY_SIZE(e->fixups)) {
        e->failed = true;
        return;
    }
    e->fixups[e->nfixups++] = (struct fixup){at, label};
}

int emit_label(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned kept = 0;

    (void)row;
    sync_temps(e);
    forget_all(e);
    xmm_forget_all(e);
    memset(e->in_slot, 0xff, sizeof(e->in_slot));
    for (unsigned k = 0; k < e->nfixups; k++) {
        if (e->fixups[k].label == i->imm) {
            asm_patch(e->fixups[k].at, e->s.p);
        } else {
            e->fixups[kept++] = e->fixups[k];
        }
    }
    e->nfixups = kept;
    return RESULT_DONE;
}

int emit_br(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    (void)row;
    sync_temps(e);
    fixup(e, asm_jmp_later(&e->s), i->imm);
    forget_all(e);
    return RESULT_DONE;
}

int emit_brcond(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    unsigned cc;

    (void)row;
    sync_temps(e);
    cc = emit_compare(e, width_of(i), (enum ir_cond)i->aux, i->a, i->b);
    fixup(e, asm_jcc_later(&e->s, cc), i->imm);
    return RESULT_DONE;
}

/* ---- chained exits ------------------------------------------------------------------------- */

struct cold *cold_new(struct emit *e, void (*emit)(struct emit *e, const struct cold *c),
                      uint8_t *from)
{
    struct cold *c = &e->cold[e->ncold];

    if (e->ncold + 1 < MAX_COLD) {
        e->ncold++;
    } else {
        e->failed = true;
    }
    *c = (struct cold){.emit = emit, .from = from, .pc_off = e->pc_off};
    return c;
}

static void cold_chain(struct emit *e, const struct cold *c)
{
    struct tcg_site *site = &e->out->sites[c->op];
    uint8_t *data;

    site->stub = (uint32_t)(e->s.p - e->start);
    asm_patch(c->from, e->s.p);
    asm_call(&e->s, e->x->exit_chain);
    data = e->s.p;
    asm_u32(&e->s, (uint32_t)site->pc_off);
    asm_u32(&e->s, (uint32_t)(data - e->start) << 8 | c->op);
}

/* AT: the displacement that will be patched. */
static void add_site(struct emit *e, uint8_t *at, int32_t pc_off)
{
    unsigned n = e->out->nsites;
    struct cold *c;

    if (n == ARRAY_SIZE(e->out->sites) || n > 255) {
        e->failed = true;
        return;
    }
    e->out->nsites++;
    e->out->sites[n] = (struct tcg_site){
        .patch = (uint32_t)(at - e->start),
        .pc_off = pc_off,
        .polls = pc_off <= e->pc_off,
    };
    c = cold_new(e, cold_chain, at);
    c->op = (uint16_t)n;
}

/*
 * The displacement of an instruction that has N bytes of opcode comes to lie on a 4-byte
 * boundary.
 */
static void align_patch(struct emit *e, unsigned n)
{
    asm_nop(&e->s, (unsigned)(0 - ((uintptr_t)e->s.p + n)) & 3);
}

static void chained_jump(struct emit *e, int32_t pc_off)
{
    xmm_write_late(e);
    align_patch(e, 1);
    add_site(e, asm_jmp_later(&e->s), pc_off);
}

int emit_goto_tb(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    (void)row;
    if (is_own_head(e, i->imm)) {
        xmm_close_loop(e);
        asm_jmp(&e->s, e->loop_start);
    } else {
        chained_jump(e, i->imm);
    }
    forget_all(e);
    return RESULT_DONE;
}

/* An exit that is taken with late registers. */
static void cold_late_exit(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    e->pc_off = c->pc_off;
    chained_jump(e, c->disp);
}

/*
 * The padding goes before the comparison, so that it and the jump stay one operation for the
 * processor.
 */
static void align_compare(struct emit *e, uint8_t *compare)
{
    unsigned pad = (unsigned)(0 - ((uintptr_t)e->s.p + 2)) & 3;

    if (pad != 0) {
        size_t n = (size_t)(e->s.p - compare);

        memmove(compare + pad, compare, n);
        e->s.p = compare;
        asm_nop(&e->s, pad);
        e->s.p += n;
    }
}

int emit_brcond_exit(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    bool is_loop = is_own_head(e, i->imm);
    uint8_t *compare;
    unsigned cc;

    (void)row;
    if (is_loop) {
        xmm_close_loop(e);
    }
    compare = e->s.p;
    cc = emit_compare(e, width_of(i), (enum ir_cond)i->aux, i->a, i->b);
    if (is_loop) {
        asm_jcc(&e->s, cc, e->loop_start);
    } else if (e->nlate > 0) {
        cold_new(e, cold_late_exit, asm_jcc_later(&e->s, cc))->disp = i->imm;
    } else {
        align_compare(e, compare);
        add_site(e, asm_jcc_later(&e->s, cc), i->imm);
    }
    return RESULT_DONE;
}

/* ---- the head ------------------------------------------------------------------------------ */

static uint8_t *emit_header(struct emit *e, void *tb)
{
    struct x86_asm s = {.p = e->start - TB_POLL};

    store_le64(e->start - TB_HEADER, (uint64_t)(uintptr_t)tb);
    store_le32(e->start - TB_HEAD_OFF, (uint32_t)e->head_off);
    asm_call(&s, e->x->exit_poll);
    assert(s.p == e->start);
    return e->start - TB_POLL;
}

/* A poll with late registers. */
static void cold_poll(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    xmm_write_late(e);
    asm_jmp(&e->s, e->start - TB_POLL);
}

void emit_head(struct emit *e, void *tb)
{
    const uint8_t *poll = emit_header(e, tb);

    xmm_plan_loop(e);
    pages_plan(e);
    xmm_enter_loop(e);
    pages_enter_loop(e);
    e->loop_start = e->s.p;
    asm_alu_mi(&e->s, ALU_CMP, 0, RBP, env_disp(e, e->lay->poll), 0);
    if (e->nlate > 0) {
        cold_new(e, cold_poll, asm_jcc_later(&e->s, CC_NE));
    } else {
        asm_jcc(&e->s, CC_NE, poll);
    }
    e->out->entry = e->nloop > 0 || e->loop_end != NULL ? 0 : (uint32_t)(e->s.p - e->start);
}

/* ---- exits to addresses -------------------------------------------------------------------- */

/* Goes where the entry at rcx says, if it is for the guest address in rax and the current key. */
static void probe_entry(struct x86_asm *s, const struct x86 *x, const struct tcg_layout *lay,
                        const uint8_t *miss)
{
    asm_rm(s, OP_CMP | X_W, RAX, RCX, 0);
    asm_jcc(s, CC_NE, miss);
    asm_rm(s, OP_MOV_LOAD | X_W, RDX, RBP, lay->jc_key - x->bias);
    asm_rm(s, OP_CMP | X_W, RDX, RCX, 8);
    asm_jcc(s, CC_NE, miss);
    asm_alu_ri(s, ALU_AND, X_W, RAX, -4096);
    asm_rm(s, OP_MOV_STORE | X_W, RAX, RBP, lay->pc_page - x->bias);
    asm_rm(s, OP_GROUP5, 4, RCX, 16);
}

void x86_probe(struct x86_asm *s, const struct x86 *x, const struct tcg_layout *lay)
{
    uint32_t mask = ((1u << lay->jc_index_bits) - 1) << 1;

    /* index * 32 = (va >> 11 ^ va) & mask << 1, times 16 */
    if (x->features & HOST_BMI2) {
        asm_vex_rr(s, OP_RORX, RCX, 0, RAX);
        asm_u8(s, 11);
    } else {
        asm_rr(s, OP_MOV_LOAD, RCX, RAX);
        asm_shift_imm(s, SHIFT_SHR, 0, RCX, 11);
    }
    asm_rr(s, OP_XOR, RCX, RAX);
    asm_alu_ri(s, ALU_AND, 0, RCX, (int32_t)mask);
    asm_shift_imm(s, SHIFT_SHL, 0, RCX, 4);
    asm_rm(s, OP_ADD | X_W, RCX, RBP, lay->jc - x->bias);
    probe_entry(s, x, lay, x->probe_second);
}

void x86_probe_second(struct x86_asm *s, const struct x86 *x, const struct tcg_layout *lay)
{
    asm_alu_ri(s, ALU_XOR, X_W, RCX, 32);
    probe_entry(s, x, lay, x->exit_lookup);
}

/* Goes to the guest address in rax through the jump cache. */
static void emit_probe(struct emit *e)
{
    xmm_write_late(e);
    if (e->chain_off) {
        asm_jmp(&e->s, e->x->exit_lookup);
        return;
    }
    x86_probe(&e->s, e->x, e->lay);
    forget_all(e);
}

/* The same in a tenth of the bytes. */
static void emit_shared_probe(struct emit *e)
{
    xmm_write_late(e);
    asm_jmp(&e->s, e->chain_off ? e->x->exit_lookup : e->x->probe);
    forget_all(e);
}

static void load_pc_page_plus(struct emit *e, int32_t pc_off)
{
    forget_all(e);
    asm_rm(&e->s, OP_MOV_LOAD | X_W, RAX, RBP, env_disp(e, e->lay->pc_page));
    if (pc_off != 0) {
        asm_alu_ri(&e->s, ALU_ADD, X_W, RAX, pc_off);
    }
}

int emit_goto_page(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    (void)row;
    load_pc_page_plus(e, i->imm);
    emit_shared_probe(e);
    return RESULT_DONE;
}

int emit_goto_ptr(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct opd a = opd_of(e, i->a);

    (void)row;
    load_opd(e, RAX, &a);
    emit_probe(e);
    return RESULT_DONE;
}

int emit_goto_env_pc(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    (void)i;
    (void)row;
    asm_rm(&e->s, OP_MOV_LOAD | X_W, RAX, RBP, env_disp(e, e->lay->pc));
    emit_shared_probe(e);
    return RESULT_DONE;
}

int emit_exit_loop(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    (void)row;
    xmm_write_late(e);
    load_pc_page_plus(e, i->imm);
    asm_jmp(&e->s, e->x->exit_loop);
    return RESULT_DONE;
}

/* ---- helpers and fences -------------------------------------------------------------------- */

/* Arguments in rax, rdx, rcx and FRAME_CELL0: as many of a, b, c as the helper has, then imm. */
int emit_call(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    static const uint8_t regs[3] = {RAX, RDX, RCX};
    const struct tcg_helper *h = &e->ctx->t->config.helpers[i->aux];
    ir_arg args[3] = {i->a, i->b, i->c};

    (void)row;
    place_args(e, args, regs, h->nargs);
    if (h->nargs < 3) {
        asm_mov_imm(&e->s, regs[h->nargs], (uint64_t)(int64_t)i->imm);
    } else {
        asm_rm(&e->s, OP_MOV_IMM | X_W, 0, RSP, FRAME_CELL0);
        asm_u32(&e->s, (uint32_t)i->imm);
    }
    asm_call(&e->s, e->x->helper[i->aux]);
    xmm_forget_all(e);
    if (!(h->flags & HELPER_NO_FAULT)) {
        pcmap_add(e->ctx, (uint32_t)(e->s.p - e->start), e->pc_off);
    }
    return i->d == IR_NONE ? RESULT_DONE : RAX;
}

int emit_fence(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    (void)row;
    if (e->ctx->t->config.options.fences_off) {
        return RESULT_DONE;
    }
    if ((i->aux & FENCE_PRED_W) && (i->aux & FENCE_SUCC_R)) {
        asm_rm(&e->s, 0x83 | X_LOCK, ALU_OR, RSP, FRAME_CELL0);
        asm_u8(&e->s, 0);
    }
    return RESULT_DONE;
}
