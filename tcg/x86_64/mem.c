/* SPDX-License-Identifier: MIT */
/*
 * Guest memory accesses: one function (emit_check) emits the TLB check of all of them. On the fast
 * path nothing is called; a miss jumps to a stub behind the TB's body that calls a shared thunk
 * (see thunks.c for its registers) and comes back.
 *
 * A tag holds the page's address, or has low bits set that make every compare fail. For normal
 * accesses the compared address is that of the last byte: a page-crossing access belongs to
 * another page than its entry's index, and misses. MO_ALIGNED keeps the alignment bits in the
 * comparison instead.
 *
 * Windows. Several accesses off the same global (a stack frame, a struct) share one check: the
 * first one checks the whole range that the group touches and leaves the host addend in rcx; the
 * others only look whether rcx is 0. When the range misses or crosses a page, the first one's stub
 * does its access alone and rcx becomes 0 (as after every slow path); the others then go to stubs
 * that check by themselves, in a thunk. A window ends where its base changes, where something else
 * wants rcx, at labels and calls.
 *
 * The window of an aligned access is no wider than itself, and shared with atomics. There a later
 * store makes the first access look for a page that may be written, though it only loads and the
 * store may never run: an LR looks for its SC. Otherwise each access's slow path raises its own
 * faults.
 */
#include "hw/host/cpu-features.h"
#include "tcg/x86_64/emit.h"

enum {
    WINDOW_SPAN = 512, /* bytes; the wider, the likelier that a page ends in it */
    WINDOW_REACH = 32, /* records to look ahead */
};

/* ---- the check ----------------------------------------------------------------------------- */

void emit_check(struct emit *e, const struct mem_check *m, uint8_t *from[2])
{
    const struct tcg_layout *lay = e->lay;
    unsigned shift = 12 - lay->tlb_entry_bits, index = m->base;
    int32_t compared = m->align_mask != 0 ? m->first : m->last;

    if (m->first != 0) {
        asm_rm(&e->s, OP_LEA, m->entry, m->base, m->first);
        index = m->entry;
    }
    if (e->x->features & HOST_BMI2) {
        asm_vex_rr(&e->s, OP_RORX, m->entry, 0, index);
        asm_u8(&e->s, shift);
    } else {
        if (index != m->entry) {
            asm_rr(&e->s, OP_MOV_LOAD, m->entry, index);
        }
        asm_shift_imm(&e->s, SHIFT_SHR, 0, m->entry, shift);
    }
    asm_rm(&e->s, OP_AND, m->entry, RBP, env_disp(e, lay->tlb_mask));
    asm_rm(&e->s, OP_ADD | X_W, m->entry, RBP, env_disp(e, lay->tlb));
    if (compared != 0) {
        asm_rm(&e->s, OP_LEA | X_W, m->temp, m->base, compared);
    } else {
        asm_mov_rr(&e->s, m->temp, m->base);
    }
    asm_alu_ri(&e->s, ALU_AND, X_W, m->temp, -4096 | (int32_t)m->align_mask);
    from[0] = from[1] = NULL;
    if (m->read) {
        asm_rm(&e->s, OP_CMP | X_W, m->temp, m->entry, lay->tlb_tag_read);
        from[0] = asm_jcc_later(&e->s, CC_NE);
    }
    if (m->write) {
        asm_rm(&e->s, OP_CMP | X_W, m->temp, m->entry, lay->tlb_tag_write);
        from[m->read] = asm_jcc_later(&e->s, CC_NE);
    }
}

void evict_for_access(struct emit *e, bool keep_window)
{
    for (unsigned r = 0; r < 3; r++) {
        if (keep_window && e->content[r] == ARG_WINDOW) {
            continue;
        }
        if (dies_here(e->insn, e->content[r])) {
            e->content[r] = IR_NONE;
        } else {
            evict(e, r);
        }
    }
}

/* ---- windows ------------------------------------------------------------------------------- */

static bool has_window(const struct emit *e)
{
    return e->content[RCX] == ARG_WINDOW;
}

static int32_t last_byte(const struct ir_insn *i)
{
    return i->imm + (1 << (i->aux & MO_SIZE)) - 1;
}

static bool is_atomic(const struct ir_insn *i)
{
    return i->op >= IR_amo_swap && i->op <= IR_amo_sc;
}

static bool covers(const struct window *w, const struct ir_insn *i)
{
    int32_t off = i->imm - w->first;
    bool aligned = (off & ((1 << (i->aux & MO_SIZE)) - 1)) == 0;

    return i->a == w->base && off >= 0 && last_byte(i) <= w->last &&
           (!(i->aux & MO_ALIGNED) || (w->aligned && aligned));
}

bool mem_in_window(const struct emit *e, const struct ir_insn *i)
{
    const struct window *w = &e->window;

    return has_window(e) && covers(w, i) && (i->op == IR_ld ? w->read : w->write);
}

/* Ops whose emitters want rcx, or that leave this stretch of code. */
static bool ends_window(const struct emit *e, const struct ir_insn *i)
{
    switch (i->op) {
    case IR_shl:
    case IR_shr:
    case IR_sar:
        return !(e->x->features & HOST_BMI2) && !ir_is_const(i->b);
    case IR_rotl:
    case IR_rotr:
        return !ir_is_const(i->b);
    case IR_mulhs:
    case IR_mulhu:
    case IR_mulhsu:
    case IR_divs:
    case IR_divu:
    case IR_rems:
    case IR_remu:
    case IR_clmul:
    case IR_clmulh:
    case IR_clmulr:
    case IR_cpop:
        return true;
    default:
        return i->op < IR_mov || (ir_op_info[i->op].flags & (OPF_FAULT | OPF_GLOBALS)) != 0;
    }
}

/* Widens W to cover the access I too. False: too wide, or of a kind that may never run. */
static bool widen(struct window *w, const struct ir_insn *i, bool behind_exit)
{
    int32_t first = MIN(w->first, i->imm), last = MAX(w->last, last_byte(i));
    bool store = i->op == IR_st;

    if (last - first >= WINDOW_SPAN || (behind_exit && !(store ? w->write : w->read))) {
        return false;
    }
    w->first = first;
    w->last = last;
    w->read |= !store;
    w->write |= store;
    return true;
}

/* K, off W's base, joins in. */
static bool join(struct window *w, const struct ir_insn *k, bool behind_exit)
{
    if (!w->aligned) {
        return !is_atomic(k) && !(k->aux & MO_ALIGNED) && widen(w, k, behind_exit);
    }
    if (!covers(w, k)) {
        return false;
    }
    w->read |= k->op == IR_ld;
    w->write |= k->op != IR_ld;
    return true;
}

bool mem_plan_window(const struct emit *e, const struct ir_insn *i, struct window *w)
{
    const struct ir_insn *end = e->ctx->opt + e->ctx->nopt;
    unsigned members = 0;
    bool behind_exit = false;

    if (!ir_is_global(i->a) || (is_atomic(i) && (i->aux & MO_SIZE) < MO_32)) {
        return false;
    }
    *w = (struct window){i->a,
                         i->imm,
                         last_byte(i),
                         .read = i->op != IR_st,
                         .write = i->op != IR_ld,
                         .aligned = (i->aux & MO_ALIGNED) != 0};
    end = MIN(end, i + WINDOW_REACH);
    for (const struct ir_insn *k = i + 1; k < end && k[-1].d != w->base; k++) {
        if (k->op == IR_insn_start) {
            continue;
        }
        if (k->op == IR_brcond_exit) {
            behind_exit = true;
        } else if (k->op == IR_ld || k->op == IR_st || is_atomic(k)) {
            if (k->a == w->base ? !join(w, k, behind_exit)
                                : is_atomic(k) || pin_of(e, k->a) == NO_PIN) {
                break;
            }
            members += k->a == w->base;
        } else if (ends_window(e, k)) {
            break;
        }
    }
    return members > 0;
}

/* ---- loads and stores ---------------------------------------------------------------------- */

/* Registers of one access: host address = host + base + disp. */
struct access {
    unsigned base, host;
    unsigned value; /* a scratch register for the value to be stored */
    int32_t disp;
    struct cold *cold;
};

/* The base register for the address operand A: its home, or rax. */
static unsigned base_for(struct emit *e, const struct opd *a)
{
    if (a->kind == OPD_REG && a->reg >= 3) {
        return a->reg;
    }
    load_opd(e, RAX, a);
    return RAX;
}

/* Everything before the access itself. The value of a store is in no scratch register then. */
static struct access begin_access(struct emit *e, const struct ir_insn *i,
                                  void (*stub)(struct emit *e, const struct cold *c))
{
    bool member = mem_in_window(e, i), leader;
    struct window plan;
    struct mem_check m;
    struct access x = {.disp = i->imm};
    struct opd a = opd_of(e, i->a), b;
    uint8_t *from[2] = {NULL, NULL}, *retry = NULL;
    int page = -1;

    if (i->op == IR_st) {
        b = opd_of(e, i->b);
        if (b.kind == OPD_REG && b.reg < 3) {
            evict(e, b.reg);
        }
    }
    leader = !member && mem_plan_window(e, i, &plan);
    evict_for_access(e, !leader && a.kind == OPD_REG && a.reg >= 3 ? true : member);
    x.base = base_for(e, &a);
    if (member) {
        asm_rr(&e->s, OP_TEST | X_W, RCX, RCX);
        from[0] = asm_jcc_later(&e->s, CC_E);
        x.host = RCX;
        x.value = RDX;
    } else {
        m = (struct mem_check){
            .base = x.base,
            .entry = RDX,
            .temp = x.base == RAX ? RCX : RAX,
            .first = leader ? plan.first : i->imm,
            .last = leader ? plan.last : last_byte(i),
            .align_mask = i->aux & MO_ALIGNED ? (1u << (i->aux & MO_SIZE)) - 1 : 0,
            .read = leader ? plan.read : i->op == IR_ld,
            .write = leader ? plan.write : i->op == IR_st,
        };
        x.host = leader ? RCX : RDX;
        x.value = leader ? RDX : m.temp;
        page = m.align_mask ? -1 : page_for(e, i->a, &m);
        if (page >= 0) {
            retry = e->s.p;
            from[0] = page_check(e, &m, (unsigned)page, x.host);
        } else {
            emit_check(e, &m, from);
            asm_rm(&e->s, OP_MOV_LOAD | X_W, x.host, RDX, e->lay->tlb_addend);
        }
    }
    if (leader) {
        e->content[RCX] = ARG_WINDOW;
        e->window = plan;
    }
    x.cold = cold_new(e, stub, from[0]);
    x.cold->from2 = from[1];
    x.cold->va = (uint8_t)x.base;
    x.cold->disp = x.disp;
    x.cold->probes = (member || leader) && !(i->aux & MO_ALIGNED);
    if (page >= 0) {
        x.cold->has_page = true;
        x.cold->page = (uint8_t)page;
        x.cold->first = m.first;
        x.cold->retry = retry;
    }
    x.cold->memop = (uint16_t)((i->aux & 15) | (xmm_any(e) ? SLOW_XMM : 0));
    return x;
}

/* In a stub: rax = the guest address. */
static void begin_stub(struct emit *e, const struct cold *c)
{
    asm_patch(c->from, e->s.p);
    if (c->from2 != NULL) {
        asm_patch(c->from2, e->s.p);
    }
    if (c->has_page) {
        page_miss(e, c);
    }
    xmm_write_late(e);
    if (c->disp != 0) {
        asm_rm(&e->s, OP_LEA | X_W, RAX, c->va, c->disp);
    } else {
        asm_mov_rr(&e->s, RAX, c->va);
    }
}

static void call_slow(struct emit *e, const struct cold *c, const uint8_t *thunk)
{
    asm_call(&e->s, thunk);
    pcmap_add(e->ctx, (uint32_t)(e->s.p - e->start), c->pc_off);
}

static void cold_ld(struct emit *e, const struct cold *c)
{
    begin_stub(e, c);
    call_slow(e, c, (c->probes ? e->x->probe_load : e->x->load)[c->memop]);
    if (c->dest >= DEST_XMM) {
        asm_sse_rr(&e->s, e->vex, SSE_MOVD_TO | X_W, c->dest - DEST_XMM, 0, RAX);
    } else {
        asm_mov_rr(&e->s, c->dest, RAX);
    }
    asm_jmp(&e->s, c->back);
}

const uint32_t x86_load_ops[8] = {OP_MOVZX8, OP_MOVZX16, OP_MOV_LOAD, OP_MOV_LOAD | X_W,
                                  OP_MOVSX8, OP_MOVSX16, OP_MOVSXD,   OP_MOV_LOAD | X_W};
const uint32_t x86_store_ops[4] = {OP_MOV_STORE8, OP_MOV_STORE16, OP_MOV_STORE, OP_MOV_STORE | X_W};

static int load_float(struct emit *e, const struct ir_insn *i, const struct access *x)
{
    enum ir_type type = ir_type_of(i);
    unsigned t = xmm_dest(e, i->d);

    asm_sse_rmx(&e->s, e->vex, sse_type(type) | SSE_LOAD, t, x->host, x->base, x->disp);
    x->cold->dest = (uint8_t)(t + DEST_XMM);
    x->cold->back = e->s.p;
    xmm_define(e, type, i->d, t);
    return RESULT_XMM;
}

int emit_ld(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct access x = begin_access(e, i, cold_ld);
    unsigned r = i->d != IR_NONE && pin_of(e, i->d) != NO_PIN ? pin_of(e, i->d) : RAX;

    (void)row;
    if (is_float(e, i->d) && (i->aux & MO_SIZE) == (ir_type_of(i) == IR_F32 ? MO_32 : MO_64)) {
        return load_float(e, i, &x);
    }
    asm_rmx(&e->s, x86_load_ops[i->aux & 7], r, x.host, x.base, 0, x.disp);
    x.cold->dest = (uint8_t)r;
    x.cold->back = e->s.p;
    if (ir_type_of(i) == IR_F32) {
        asm_mov_imm(&e->s, RDX, UINT64_C(0xffffffff00000000));
        asm_rr(&e->s, OP_OR | X_W, r, RDX);
    }
    return (int)r;
}

static void cold_st(struct emit *e, const struct cold *c)
{
    begin_stub(e, c);
    load_opd(e, RDX, &c->value);
    call_slow(e, c, (c->probes ? e->x->probe_store : e->x->store)[c->memop]);
    asm_jmp(&e->s, c->back);
}

static void store_value(struct emit *e, unsigned size, const struct opd *b, const struct access *x)
{
    static const uint32_t imm_ops[4] = {OP_MOV_IMM8, OP_MOV_IMM | X_66, OP_MOV_IMM,
                                        OP_MOV_IMM | X_W};
    unsigned reg = b->reg;

    if (b->kind == OPD_IMM && (size != MO_64 || b->imm == (uint64_t)(int32_t)b->imm)) {
        asm_rmx(&e->s, imm_ops[size], 0, x->host, x->base, 0, x->disp);
        for (unsigned k = 0; k < (size == MO_64 ? 4u : 1u << size); k++) {
            asm_u8(&e->s, (uint8_t)(b->imm >> (8 * k)));
        }
        return;
    }
    if (b->kind != OPD_REG) {
        load_opd(e, x->value, b);
        reg = x->value;
    }
    asm_rmx(&e->s, x86_store_ops[size], reg, x->host, x->base, 0, x->disp);
}

int emit_st(struct emit *e, const struct ir_insn *i, const struct x86_op *row)
{
    struct access x = begin_access(e, i, cold_st);

    (void)row;
    x.cold->value = opd_of(e, i->b);
    if (is_float(e, i->b)) {
        int xmm = xmm_cached(e, (i->aux & MO_SIZE) == MO_64 ? IR_F64 : IR_F32, i->b);

        if (xmm >= 0 && (i->aux & MO_SIZE) >= MO_32) {
            asm_sse_rmx(&e->s, e->vex, ((i->aux & MO_SIZE) == MO_64 ? SSE_SD : SSE_SS) | SSE_STORE,
                        (unsigned)xmm, x.host, x.base, x.disp);
            x.cold->back = e->s.p;
            return RESULT_DONE;
        }
    }
    store_value(e, i->aux & MO_SIZE, &x.cold->value, &x);
    x.cold->back = e->s.p;
    return RESULT_DONE;
}
