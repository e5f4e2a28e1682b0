/* SPDX-License-Identifier: MIT */
/*
 * Pages of loops. A loop inside a TB walks through memory by registers that stay or move by
 * constants, so an access mostly finds the page of its last turn. For each such base register the
 * frame remembers a page and its host addend: an access looks only whether its address lies there,
 * which is shorter than the TLB check and not in the way of the access. A stub looks into the TLB,
 * puts another page in the frame and tries again.
 *
 * What the frame remembers may outlive its TLB entry, as a store on its way does: it dies when the
 * loop is left, which a kick brings about at the next poll, and a loop with calls (which may change
 * translations, or tell others that this hart has passed, see softmmu/exclusive.c) has none.
 *
 * No page is marked as absent: any address may be a guest's. Instead the frame has a page 1 GiB
 * ahead, where the base cannot come before the next look: it moves in small steps, and every access
 * with a page runs at every turn, since the only branch to the head is behind it.
 */
#include "tcg/x86_64/emit.h"

enum {
    FAR_AHEAD = 1 << 30,
    STEP_MAX = 1 << 20, /* of one record: all of a loop's together stay far below FAR_AHEAD */
};

/* ---- planning ------------------------------------------------------------------------------ */

static void set_irregular(struct emit *e, ir_arg g)
{
    e->irregular[g / 64] |= UINT64_C(1) << (g % 64);
}

static bool is_regular(const struct emit *e, ir_arg g)
{
    return ir_is_global(g) && !(e->irregular[g / 64] >> (g % 64) & 1);
}

static bool moves_a_little(const struct emit *e, const struct ir_insn *i)
{
    int64_t step;

    if (i->op != IR_add || ir_type_of(i) != IR_I64 || i->a != i->d || !ir_is_const(i->b)) {
        return false;
    }
    step = (int64_t)ir_const_value(e->ctx, i->b);
    return step >= -STEP_MAX && step <= STEP_MAX;
}

/* The TB's only branch to its own head, or NULL. */
static const struct ir_insn *only_back_edge(const struct emit *e)
{
    const struct ir_insn *found = NULL;

    for (unsigned k = 0; k < e->ctx->nopt; k++) {
        const struct ir_insn *i = &e->ctx->opt[k];

        if ((i->op == IR_goto_tb || i->op == IR_brcond_exit) && is_own_head(e, i->imm)) {
            if (found != NULL) {
                return NULL;
            }
            found = i;
        }
    }
    return found;
}

static bool may_have_page(const struct emit *e, const struct ir_insn *i)
{
    return (i->op == IR_ld || i->op == IR_st) && !(i->aux & MO_ALIGNED) && is_regular(e, i->a);
}

void pages_plan(struct emit *e)
{
    const struct ir_insn *end = only_back_edge(e);
    bool used = false;

    e->npages = 0;
    e->loop_end = NULL;
    memset(e->irregular, 0, sizeof(e->irregular));
    if (end == NULL || e->ctx->t->config.options.loop_pages_off) {
        return;
    }
    for (const struct ir_insn *i = e->ctx->opt; i < end; i++) {
        if (i->op == IR_label || (ir_op_info[i->op].flags & OPF_GLOBALS)) {
            return;
        }
        if (ir_is_global(i->d) && !moves_a_little(e, i)) {
            set_irregular(e, i->d);
        }
    }
    for (const struct ir_insn *i = e->ctx->opt; i < end; i++) {
        used |= may_have_page(e, i);
    }
    e->loop_end = used ? end : NULL;
}

/* ---- emission ------------------------------------------------------------------------------ */

static int32_t page_disp(unsigned page)
{
    return FRAME_PAGES + 16 * (int32_t)page;
}

/* The TLB entry for the address in RAX, into RCX. */
static void find_entry(struct x86_asm *s, const struct x86 *x, const struct tcg_layout *lay)
{
    asm_rr(s, OP_MOV_LOAD, RCX, RAX);
    asm_shift_imm(s, SHIFT_SHR, 0, RCX, 12 - lay->tlb_entry_bits);
    asm_rm(s, OP_AND, RCX, RBP, lay->tlb_mask - x->bias);
    asm_rm(s, OP_ADD | X_W, RCX, RBP, lay->tlb - x->bias);
}

/* Remembers the page where P's first access will be if the TLB has it. No branches: loops are often short. */
static void enter_page(struct emit *e, unsigned page)
{
    const struct loop_page *p = &e->page[page];
    unsigned base = pin_of(e, p->base);

    if (base == NO_PIN) {
        base = RDX;
        asm_rm(&e->s, OP_MOV_LOAD | X_W, RDX, RBP, e->x->disp_of[p->base]);
    }
    asm_rm(&e->s, OP_LEA | X_W, RAX, base, p->first);
    find_entry(&e->s, e->x, e->lay);
    asm_alu_ri(&e->s, ALU_AND, X_W, RAX, -4096);
    asm_rm(&e->s, OP_LEA | X_W, RDX, base, FAR_AHEAD);
    if (p->read) {
        asm_rm(&e->s, OP_CMP | X_W, RAX, RCX, e->lay->tlb_tag_read);
        asm_rr(&e->s, OP_CMOV | CC_NE | X_W, RAX, RDX);
    }
    if (p->write) {
        asm_rm(&e->s, OP_CMP | X_W, RAX, RCX, e->lay->tlb_tag_write);
        asm_rr(&e->s, OP_CMOV | CC_NE | X_W, RAX, RDX);
    }
    asm_rm(&e->s, OP_MOV_LOAD | X_W, RCX, RCX, e->lay->tlb_addend);
    asm_rm(&e->s, OP_MOV_STORE | X_W, RAX, RSP, page_disp(page));
    asm_rm(&e->s, OP_MOV_STORE | X_W, RCX, RSP, page_disp(page) + 8);
}

/* In front of the loop. */
static void cold_pages(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->npages > 0 ? e->s.p : e->loop_start);
    for (unsigned k = 0; k < e->npages; k++) {
        enter_page(e, k);
    }
    if (e->npages > 0) {
        asm_jmp(&e->s, e->loop_start);
    }
}

void pages_enter_loop(struct emit *e)
{
    if (e->loop_end != NULL) {
        cold_new(e, cold_pages, asm_jmp_later(&e->s));
    }
}

int page_for(struct emit *e, ir_arg base, const struct mem_check *m)
{
    if (e->loop_end == NULL || e->insn >= e->loop_end || !is_regular(e, base)) {
        return -1;
    }
    for (unsigned k = 0; k < e->npages; k++) {
        struct loop_page *p = &e->page[k];

        if (p->base == base && p->read == m->read && p->write == m->write) {
            return (int)k;
        }
    }
    if (e->npages == MAX_LOOP_PAGES) {
        return -1;
    }
    e->page[e->npages] = (struct loop_page){base, m->first, m->read, m->write};
    return (int)e->npages++;
}

uint8_t *page_check(struct emit *e, const struct mem_check *m, unsigned page, unsigned host)
{
    uint8_t *miss;

    if (m->first != 0) {
        asm_rm(&e->s, OP_LEA | X_W, m->temp, m->base, m->first);
    } else {
        asm_mov_rr(&e->s, m->temp, m->base);
    }
    asm_rm(&e->s, OP_SUB | X_W, m->temp, RSP, page_disp(page));
    asm_alu_ri(&e->s, ALU_CMP, X_W, m->temp, 4096 - (m->last - m->first + 1));
    miss = asm_jcc_later(&e->s, CC_A);
    asm_rm(&e->s, OP_MOV_LOAD | X_W, host, RSP, page_disp(page) + 8);
    return miss;
}

void page_miss(struct emit *e, const struct cold *c)
{
    const struct loop_page *p = &e->page[c->page];

    asm_rm(&e->s, OP_LEA | X_W, RDX, c->va, c->first);
    asm_call(&e->s, e->x->page[p->read + 2 * p->write - 1][c->page]);
    asm_jcc(&e->s, CC_NE, c->retry);
}

/* ---- the thunks ---------------------------------------------------------------------------- */

/*
 * rdx = the first byte's guest address, overwritten; all other registers stay. If the TLB has its
 * page and the frame another one: now the frame has it, and ZF is clear.
 */
uint8_t *page_thunk(struct x86_asm *s, const struct x86 *x, const struct tcg_layout *lay,
                    unsigned kind, unsigned page)
{
    int32_t at = page_disp(page) + 3 * 8; /* behind two pushes and the return address */
    uint8_t *thunk = s->p, *same, *miss[2] = {NULL, NULL};

    asm_opcode(s, 0x50 | RAX, 0, 0, 0, false);
    asm_opcode(s, 0x50 | RCX, 0, 0, 0, false);
    asm_mov_rr(s, RAX, RDX);
    find_entry(s, x, lay);
    asm_alu_ri(s, ALU_AND, X_W, RAX, -4096);
    asm_rm(s, OP_CMP | X_W, RAX, RSP, at);
    same = asm_jcc_later(s, CC_E);
    if (kind & 1) {
        asm_rm(s, OP_CMP | X_W, RAX, RCX, lay->tlb_tag_read);
        miss[0] = asm_jcc_later(s, CC_NE);
    }
    if (kind & 2) {
        asm_rm(s, OP_CMP | X_W, RAX, RCX, lay->tlb_tag_write);
        miss[1] = asm_jcc_later(s, CC_NE);
    }
    asm_rm(s, OP_MOV_STORE | X_W, RAX, RSP, at);
    asm_rm(s, OP_MOV_LOAD | X_W, RCX, RCX, lay->tlb_addend);
    asm_rm(s, OP_MOV_STORE | X_W, RCX, RSP, at + 8);
    asm_opcode(s, 0x58 | RCX, 0, 0, 0, false);
    asm_opcode(s, 0x58 | RAX, 0, 0, 0, false);
    asm_rr(s, OP_TEST | X_W, RSP, RSP);
    asm_u8(s, 0xc3);
    for (unsigned k = 0; k < 2; k++) {
        if (miss[k] != NULL) {
            asm_patch(miss[k], s->p);
        }
    }
    asm_rm(s, OP_LEA | X_W, RDX, RDX, FAR_AHEAD);
    asm_rm(s, OP_MOV_STORE | X_W, RDX, RSP, at);
    asm_patch(same, s->p);
    asm_opcode(s, 0x58 | RCX, 0, 0, 0, false);
    asm_opcode(s, 0x58 | RAX, 0, 0, 0, false);
    asm_rr(s, OP_CMP | X_W, RSP, RSP);
    asm_u8(s, 0xc3);
    return thunk;
}
