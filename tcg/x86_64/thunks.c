/* SPDX-License-Identifier: MIT */
/*
 * Code that all TBs share, made once at the start of the first region: entry and exits, slow
 * paths, helper calls.
 *
 *   enter       C: struct tcg_exit enter(env, code): saves the caller's registers, loads the
 *               pinned ones, runs code
 *   exit_*      save the pinned registers and return {kind | site << 32, tb} in rax:rdx; exit_poll
 *               asks config.poll first and may go on
 *   probe       goes to the guest address in rax through the jump cache
 *   probe_second  goes on through the other entry of a jump-cache pair, or exits
 *   load[m]     rax = load(va in rax)            store[m]  store(va in rax, value in rdx)
 *   probe_load, probe_store: the same, but look into the TLB first
 *   amo         rax = amo(va in rax, value in rdx, expected in rcx), op << 8 | memop in FRAME_CELL0
 *   helper[n]   rax = helper(rax, rdx, rcx, FRAME_CELL0)
 *   soft[n]     rax = f(rax, rdx), which may not fault
 *   clock       rax = the time
 *
 * Slow paths return with rcx = 0 (see windows in mem.c) and rdx overwritten.
 * Slow paths and helpers write the pinned registers to their memory homes, publish their return
 * address in host_ra, and go to exit_unwind instead of returning when the unwind word is set.
 */
#include "hw/host/cpu-features.h"
#include "tcg/x86_64/emit.h"
#include <errno.h>

struct thunk {
    struct x86_asm s;
    struct x86 *x;
    const struct tcg_layout *lay;
    const struct tcg_config *config;
    uint64_t *helper_calls;
};

static const uint8_t callee_saved[] = {RBX, RBP, R12, R13, R14, R15};

static bool is_callee_saved(unsigned reg)
{
    return reg == RBX || reg >= R12;
}

static int32_t disp(const struct thunk *k, int32_t offset)
{
    return offset - k->x->bias;
}

static uint8_t *begin(struct thunk *k)
{
    k->s.p += -(uintptr_t)k->s.p & 15;
    return k->s.p;
}

static void save_pinned_from(struct thunk *k, unsigned first, bool all)
{
    for (unsigned n = first; n < k->x->npinned; n++) {
        if (all || !is_callee_saved(k->x->pinned[n])) {
            asm_rm(&k->s, OP_MOV_STORE | X_W, k->x->pinned[n], RBP, k->x->pinned_disp[n]);
        }
    }
}

static void save_pinned(struct thunk *k, bool all)
{
    save_pinned_from(k, 0, all);
}

static void load_pinned(struct thunk *k, bool all)
{
    for (unsigned n = 0; n < k->x->npinned; n++) {
        if (all || !is_callee_saved(k->x->pinned[n])) {
            asm_rm(&k->s, OP_MOV_LOAD | X_W, k->x->pinned[n], RBP, k->x->pinned_disp[n]);
        }
    }
}

static void call_c(struct thunk *k, uint64_t fn)
{
    asm_mov_imm_flags(&k->s, RAX, fn);
    asm_rr(&k->s, OP_GROUP5, 2, RAX);
}

/* rdi = env */
static void load_env(struct thunk *k)
{
    asm_rm(&k->s, OP_LEA | X_W, RDI, RBP, -k->x->bias);
}

/* ---- in and out ---------------------------------------------------------------------------- */

static void make_enter(struct thunk *k)
{
    k->x->enter = begin(k);
    for (unsigned n = 0; n < ARRAY_SIZE(callee_saved); n++) {
        asm_opcode(&k->s, 0x50 | (callee_saved[n] & 7), 0, 0, callee_saved[n], false);
    }
    asm_alu_ri(&k->s, ALU_SUB, X_W, RSP, FRAME_SIZE);
    asm_rm(&k->s, OP_LEA | X_W, RBP, RDI, k->x->bias);
    asm_rm(&k->s, OP_MOV_STORE | X_W, RSP, RBP, disp(k, k->lay->host_sp));
    asm_mov_rr(&k->s, RAX, RSI);
    if (k->lay->fpu_control != 0) {
        asm_rm(&k->s, OP_MXCSR, MXCSR_STORE, RSP, FRAME_MXCSR);
        asm_rm(&k->s, OP_MXCSR, MXCSR_LOAD, RBP, disp(k, k->lay->fpu_control));
    }
    load_pinned(k, true);
    asm_rr(&k->s, OP_GROUP5, 4, RAX);
}

static void leave(struct thunk *k)
{
    if (k->lay->fpu_control != 0) {
        asm_rm(&k->s, OP_MXCSR, MXCSR_STORE, RBP, disp(k, k->lay->fpu_control));
        asm_rm(&k->s, OP_MXCSR, MXCSR_LOAD, RSP, FRAME_MXCSR);
    }
    asm_alu_ri(&k->s, ALU_ADD, X_W, RSP, FRAME_SIZE);
    for (unsigned n = ARRAY_SIZE(callee_saved); n-- > 0;) {
        asm_opcode(&k->s, 0x58 | (callee_saved[n] & 7), 0, 0, callee_saved[n], false);
    }
    asm_u8(&k->s, 0xc3);
}

/* pc = pc_page + rcx */
static void set_pc(struct thunk *k)
{
    asm_rm(&k->s, OP_ADD | X_W, RCX, RBP, disp(k, k->lay->pc_page));
    asm_rm(&k->s, OP_MOV_STORE | X_W, RCX, RBP, disp(k, k->lay->pc));
}

/* Called with data behind the call: pc offset; distance to the TB's start << 8 | site. */
static void make_exit_chain(struct thunk *k)
{
    k->x->exit_chain = begin(k);
    asm_u8(&k->s, 0x58); /* pop rax */
    asm_rm(&k->s, OP_MOVSXD, RCX, RAX, 0);
    set_pc(k);
    asm_rm(&k->s, OP_MOV_LOAD, RCX, RAX, 4);
    asm_mov_rr(&k->s, RDX, RAX);
    asm_rr(&k->s, OP_MOVZX8, RAX, RCX);
    asm_shift_imm(&k->s, SHIFT_SHR, 0, RCX, 8);
    asm_rr(&k->s, OP_SUB | X_W, RDX, RCX);
    asm_rm(&k->s, OP_MOV_LOAD | X_W, RDX, RDX, -TB_HEADER);
    asm_shift_imm(&k->s, SHIFT_SHL, X_W, RAX, 32);
    _Static_assert(TCG_EXIT_CHAIN == 0, "the low half of rax");
    save_pinned(k, true);
    leave(k);
}

/* Jumped to with the guest pc in rax. */
static uint8_t *make_exit_with_pc(struct thunk *k, enum tcg_exit_kind kind)
{
    uint8_t *at = begin(k);

    asm_rm(&k->s, OP_MOV_STORE | X_W, RAX, RBP, disp(k, k->lay->pc));
    asm_mov_imm(&k->s, RAX, kind);
    asm_rr(&k->s, OP_XOR, RDX, RDX);
    save_pinned(k, true);
    leave(k);
    return at;
}

/* Goes on at env's pc, through the jump cache (by a polling entry). */
static void go_on(struct thunk *k)
{
    load_pinned(k, true);
    asm_rm(&k->s, OP_MOV_LOAD | X_W, RAX, RBP, disp(k, k->lay->pc));
    asm_jmp(&k->s, k->config->options.chain_off ? k->x->exit_lookup : k->x->probe);
}

/* Called from a TB's header. Leaves only if config.poll wants that. */
static void make_exit_poll(struct thunk *k)
{
    uint8_t *leaves;

    k->x->exit_poll = begin(k);
    asm_u8(&k->s, 0x58); /* pop rax: the TB's start */
    asm_rm(&k->s, OP_MOVSXD, RCX, RAX, -TB_HEAD_OFF);
    set_pc(k);
    save_pinned(k, true);
    load_env(k);
    call_c(k, (uint64_t)(uintptr_t)k->config->poll);
    asm_rr(&k->s, OP_MOVZX8, RAX, RAX);
    asm_rr(&k->s, OP_TEST, RAX, RAX);
    leaves = asm_jcc_later(&k->s, CC_E);
    go_on(k);
    asm_patch(leaves, k->s.p);
    asm_mov_imm(&k->s, RAX, TCG_EXIT_POLL);
    asm_rr(&k->s, OP_XOR, RDX, RDX);
    leave(k);
}

/*
 * Pinned registers are in memory already, and pc is set: generated code goes on there if the jump
 * cache knows it (by a polling entry).
 */
static void make_exit_unwind(struct thunk *k)
{
    k->x->exit_unwind = begin(k);
    asm_rm(&k->s, OP_MOV_LOAD | X_W, RSP, RBP, disp(k, k->lay->host_sp));
    asm_rr(&k->s, OP_XOR, RDX, RDX);
    asm_rm(&k->s, OP_MOV_STORE | X_W, RDX, RBP, disp(k, k->lay->host_ra));
    asm_rm(&k->s, OP_MOV_STORE, RDX, RBP, disp(k, k->lay->unwind));
    go_on(k);
}

/* ---- calls that may fault ------------------------------------------------------------------ */

/*
 * host_ra = the return address of the thunk's caller; overwrites RSI. The stack is aligned for a
 * call afterwards.
 */
static void publish_return(struct thunk *k, unsigned reg)
{
    asm_rm(&k->s, OP_MOV_LOAD | X_W, reg, RSP, 0);
    asm_rm(&k->s, OP_MOV_STORE | X_W, reg, RBP, disp(k, k->lay->host_ra));
    asm_alu_ri(&k->s, ALU_SUB, X_W, RSP, 8);
}

static void check_unwind(struct thunk *k)
{
    asm_alu_mi(&k->s, ALU_CMP, 0, RBP, disp(k, k->lay->unwind), 0);
    asm_jcc(&k->s, CC_NE, k->x->exit_unwind);
    asm_rm(&k->s, OP_MOV_IMM | X_W, 0, RBP, disp(k, k->lay->host_ra));
    asm_u32(&k->s, 0);
}

static void finish(struct thunk *k)
{
    asm_alu_ri(&k->s, ALU_ADD, X_W, RSP, 8);
    load_pinned(k, false);
    asm_rr(&k->s, OP_XOR, RCX, RCX);
    asm_u8(&k->s, 0xc3);
}

/* The cached xmm registers to or from their cells; the frame is DEPTH bytes above rsp. */
static void move_xmm(struct thunk *k, unsigned op, int32_t depth)
{
    bool vex = (k->x->features & HOST_AVX) != 0;

    for (unsigned r = FIRST_XMM; r < 16; r++) {
        asm_sse_rm(&k->s, vex, SSE_SD | op, r, 0, RSP,
                   depth + FRAME_XMM + 8 * (int32_t)(r - FIRST_XMM));
    }
}

/* memop in edx for loads, in ecx for stores. */
static uint8_t *make_slow(struct thunk *k, bool is_store, bool xmm)
{
    uint8_t *at = begin(k);

    save_pinned(k, true);
    publish_return(k, RSI);
    if (xmm) {
        move_xmm(k, SSE_STORE, 16);
    }
    asm_mov_rr(&k->s, RSI, RAX);
    load_env(k);
    call_c(k,
           is_store ? (uint64_t)(uintptr_t)k->config->store : (uint64_t)(uintptr_t)k->config->load);
    check_unwind(k);
    if (xmm) {
        move_xmm(k, SSE_LOAD, 16);
    }
    finish(k);
    return at;
}

static void make_slow_all(struct thunk *k)
{
    uint8_t *load = make_slow(k, false, false), *store = make_slow(k, true, false);

    for (unsigned memop = 0; memop < ARRAY_SIZE(k->x->load); memop++) {
        if (memop == SLOW_XMM) {
            load = make_slow(k, false, true);
            store = make_slow(k, true, true);
        }
        k->x->load[memop] = k->s.p;
        asm_mov_imm_flags(&k->s, RDX, memop & 15);
        asm_jmp(&k->s, load);
        k->x->store[memop] = k->s.p;
        asm_mov_imm_flags(&k->s, RCX, memop & 15);
        asm_jmp(&k->s, store);
    }
}

/*
 * The TLB check that the stubs of windows leave to a thunk: rax = va; rcx = the entry on a hit, rdx
 * is overwritten.
 */
static void probe(struct thunk *k, unsigned memop, bool is_store, const uint8_t *miss)
{
    const struct tcg_layout *lay = k->lay;
    unsigned size = 1u << (memop & MO_SIZE);

    asm_rr(&k->s, OP_MOV_LOAD, RCX, RAX);
    asm_shift_imm(&k->s, SHIFT_SHR, 0, RCX, 12 - lay->tlb_entry_bits);
    asm_rm(&k->s, OP_AND, RCX, RBP, disp(k, lay->tlb_mask));
    asm_rm(&k->s, OP_ADD | X_W, RCX, RBP, disp(k, lay->tlb));
    asm_rm(&k->s, OP_LEA | X_W, RDX, RAX, (int32_t)size - 1);
    asm_alu_ri(&k->s, ALU_AND, X_W, RDX, -4096);
    asm_rm(&k->s, OP_CMP | X_W, RDX, RCX, is_store ? lay->tlb_tag_write : lay->tlb_tag_read);
    asm_jcc(&k->s, CC_NE, miss);
    asm_rm(&k->s, OP_MOV_LOAD | X_W, RCX, RCX, lay->tlb_addend);
}

static void make_probes(struct thunk *k)
{
    for (unsigned memop = 0; memop < ARRAY_SIZE(k->x->probe_load); memop++) {
        uint8_t *miss;

        if (memop & MO_ALIGNED) {
            continue;
        }

        k->x->probe_load[memop] = begin(k);
        probe(k, memop, false, k->x->load[memop]);
        asm_rmx(&k->s, x86_load_ops[memop & 7], RAX, RCX, RAX, 0, 0);
        asm_rr(&k->s, OP_XOR, RCX, RCX);
        asm_u8(&k->s, 0xc3);

        miss = begin(k);
        asm_rm(&k->s, OP_MOV_LOAD | X_W, RDX, RSP, FRAME_CELL1 + 8);
        asm_jmp(&k->s, k->x->store[memop]);
        k->x->probe_store[memop] = begin(k);
        asm_rm(&k->s, OP_MOV_STORE | X_W, RDX, RSP, FRAME_CELL1 + 8);
        probe(k, memop, true, miss);
        asm_rm(&k->s, OP_MOV_LOAD | X_W, RDX, RSP, FRAME_CELL1 + 8);
        asm_rmx(&k->s, x86_store_ops[memop & MO_SIZE], RDX, RCX, RAX, 0, 0);
        asm_rr(&k->s, OP_XOR, RCX, RCX);
        asm_u8(&k->s, 0xc3);
    }
}

static void make_pages(struct thunk *k)
{
    for (unsigned kind = 1; kind <= 3; kind++) {
        for (unsigned page = 0; page < MAX_LOOP_PAGES; page++) {
            begin(k);
            k->x->page[kind - 1][page] = page_thunk(&k->s, k->x, k->lay, kind, page);
        }
    }
}

static void make_amo(struct thunk *k)
{
    k->x->amo = begin(k);
    save_pinned(k, true);
    publish_return(k, RSI);
    asm_mov_rr(&k->s, RSI, RAX);
    asm_rm(&k->s, OP_MOV_LOAD, R9, RSP, FRAME_CELL0 + 16);
    asm_rr(&k->s, OP_MOVZX8, R8, R9);
    asm_shift_imm(&k->s, SHIFT_SHR, 0, R9, 8);
    load_env(k);
    call_c(k, (uint64_t)(uintptr_t)k->config->amo);
    check_unwind(k);
    finish(k);
}

/* The function is in rbx, which the caller's thunk has saved to its home. */
static uint8_t *make_helper_call(struct thunk *k, unsigned flags)
{
    bool globals = !(flags & HELPER_NO_GLOBALS), fault = !(flags & HELPER_NO_FAULT);
    uint8_t *at = begin(k);

    save_pinned_from(k, 1, globals || fault); /* pinned[0] is rbx */
    asm_rm(&k->s, OP_MOV_LOAD | X_W, R8, RSP, FRAME_CELL0 + 8);
    if (fault) {
        publish_return(k, RSI);
    } else {
        asm_alu_ri(&k->s, ALU_SUB, X_W, RSP, 8);
    }
    asm_mov_rr(&k->s, RSI, RAX);
    load_env(k);
    asm_rr(&k->s, OP_GROUP5, 2, RBX);
    if (fault) {
        check_unwind(k);
    }
    asm_alu_ri(&k->s, ALU_ADD, X_W, RSP, 8);
    load_pinned(k, globals);
    if (!globals && k->x->npinned > 0) {
        asm_rm(&k->s, OP_MOV_LOAD | X_W, k->x->pinned[0], RBP, k->x->pinned_disp[0]);
    }
    asm_u8(&k->s, 0xc3);
    return at;
}

static void make_helpers(struct thunk *k)
{
    uint8_t *common[4];

    for (unsigned flags = 0; flags < 4; flags++) {
        common[flags] = make_helper_call(k, flags);
    }
    for (unsigned n = 0; n < k->config->nhelpers; n++) {
        k->x->helper[n] = k->s.p;
        if (k->x->npinned > 0) {
            asm_rm(&k->s, OP_MOV_STORE | X_W, RBX, RBP, k->x->pinned_disp[0]);
        }
        if (k->helper_calls) {
            asm_mov_imm_flags(&k->s, RBX, (uint64_t)(uintptr_t)&k->helper_calls[n]);
            asm_alu_mi(&k->s, ALU_ADD, X_W, RBX, 0, 1);
        }
        asm_mov_imm_flags(&k->s, RBX, (uint64_t)(uintptr_t)k->config->helpers[n].fn);
        asm_jmp(&k->s, common[k->config->helpers[n].flags & 3]);
    }
}

/* ---- the clock ----------------------------------------------------------------------------- */

#define CLOCK_FIELD(name) ((int32_t)offsetof(struct tick_clock, name))

/* tick_clock_read_line: rax = the clock. Returns, or goes on below. */
static void clock_line(struct thunk *k)
{
    uint8_t *beyond, *written;

    asm_mov_imm(&k->s, RCX, (uint64_t)(uintptr_t)k->config->clock);
    asm_rm(&k->s, OP_MOV_LOAD, RAX, RCX, CLOCK_FIELD(ended));
    asm_u8(&k->s, 0x50); /* push rax */
    if (k->config->options.smp) {
        asm_lfence(&k->s);
    }
    asm_rdtsc(&k->s);
    asm_rm(&k->s, OP_SUB | X_W, RAX, RCX, CLOCK_FIELD(anchor));
    asm_rm(&k->s, OP_CMP | X_W, RAX, RCX, CLOCK_FIELD(span));
    beyond = asm_jcc8_later(&k->s, CC_AE);
    asm_rm(&k->s, OP_GROUP3 | X_W, G3_MUL, RCX, CLOCK_FIELD(rate));
    asm_rm(&k->s, OP_ADD | X_W, RDX, RCX, CLOCK_FIELD(base));
    asm_mov_rr(&k->s, RAX, RDX);
    asm_u8(&k->s, 0x5a); /* pop rdx */
    asm_rm(&k->s, OP_CMP, RDX, RCX, CLOCK_FIELD(begun));
    written = asm_jcc8_later(&k->s, CC_NE);
    asm_u8(&k->s, 0xc3);
    asm_here8(&k->s, beyond);
    asm_u8(&k->s, 0x5a);
    asm_here8(&k->s, written);
}

static void make_clock(struct thunk *k)
{
    k->x->clock = begin(k);
    if (k->x->features & HOST_INVARIANT_TSC) {
        clock_line(k);
    }
    save_pinned(k, false);
    asm_alu_ri(&k->s, ALU_SUB, X_W, RSP, 8);
    move_xmm(k, SSE_STORE, 16);
    asm_mov_imm(&k->s, RDI, (uint64_t)(uintptr_t)k->config->clock);
    call_c(k, (uint64_t)(uintptr_t)tick_clock_read_slow);
    move_xmm(k, SSE_LOAD, 16);
    finish(k);
}

/* ---- instructions that the host lacks ------------------------------------------------------ */

static uint64_t soft_eval(enum ir_op op, uint64_t a, uint64_t b)
{
    struct ir_insn i = {.op = (uint8_t)op, .type = IR_I64};
    uint64_t r = 0;

    ir_eval(&i, a, b, &r);
    return r;
}

static uint64_t soft_cpop(uint64_t a, uint64_t b)
{
    return soft_eval(IR_cpop, a, b);
}

static uint64_t soft_clmul(uint64_t a, uint64_t b)
{
    return soft_eval(IR_clmul, a, b);
}

static uint64_t soft_clmulh(uint64_t a, uint64_t b)
{
    return soft_eval(IR_clmulh, a, b);
}

static uint64_t soft_clmulr(uint64_t a, uint64_t b)
{
    return soft_eval(IR_clmulr, a, b);
}

static void make_soft(struct thunk *k)
{
    static uint64_t (*const fns[SOFT_COUNT])(uint64_t a, uint64_t b) = {
        [SOFT_CPOP] = soft_cpop,
        [SOFT_CLMUL] = soft_clmul,
        [SOFT_CLMULH] = soft_clmulh,
        [SOFT_CLMULR] = soft_clmulr,
    };

    for (unsigned n = 0; n < SOFT_COUNT; n++) {
        k->x->soft[n] = begin(k);
        save_pinned(k, false);
        asm_alu_ri(&k->s, ALU_SUB, X_W, RSP, 8);
        asm_mov_rr(&k->s, RDI, RAX);
        asm_mov_rr(&k->s, RSI, RDX);
        call_c(k, (uint64_t)(uintptr_t)fns[n]);
        finish(k);
    }
}

/* ---- floating point ------------------------------------------------------------------------ */

/* Called with data behind the call (fp.c); keeps all registers but the scratch xmm ones. */
static void make_fp(struct thunk *k)
{
    static const uint8_t scratch_regs[3] = {RAX, RCX, RDX};

    k->x->fp = begin(k);
    save_pinned(k, true);
    for (unsigned n = 0; n < 3; n++) {
        asm_opcode(&k->s, 0x50 | scratch_regs[n], 0, 0, 0, false);
    }
    move_xmm(k, SSE_STORE, 32);
    asm_rm(&k->s, OP_MOV_LOAD | X_W, RSI, RSP, 24);
    load_env(k);
    asm_mov_imm(&k->s, RDX, (uint64_t)(uintptr_t)k->config);
    call_c(k, (uint64_t)(uintptr_t)x86_fp_outside);
    asm_rm(&k->s, OP_MOV_STORE | X_W, RAX, RSP, 32 + FRAME_CELL0);
    move_xmm(k, SSE_LOAD, 32);
    load_pinned(k, false);
    for (unsigned n = 3; n-- > 0;) {
        asm_opcode(&k->s, 0x58 | scratch_regs[n], 0, 0, 0, false);
    }
    asm_alu_mi(&k->s, ALU_ADD, X_W, RSP, 0, 8);
    asm_u8(&k->s, 0xc3);
}

static void make_constants(struct thunk *k)
{
    static const struct fp_constants constants = {
        .sign = {{UINT64_C(0x80000000)}, {UINT64_C(1) << 63}},
        .magnitude = {{UINT64_C(0x7fffffff)}, {~(UINT64_C(1) << 63)}},
        .unsigned32 = UINT64_C(0x41efffffffe00000),
        .positive63 = UINT64_C(0x43dfffffffffffff),
        .signed32_doubled = UINT64_C(0x41dfffffffc00000) * 2,
        .signed64_doubled = UINT64_C(0x43dfffffffffffff) * 2,
        .class_limits = {1, UINT64_C(1) << 53, UINT64_C(0x7ff) << 53, (UINT64_C(0x7ff) << 53) + 1,
                         UINT64_C(0xfff) << 52},
        .classes = {1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 9, 1 << 3, 1 << 2, 1 << 1, 1 << 0,
                    1 << 8, 1 << 9},
        .nan32 = 0x7fc00000,
        .nan64 = UINT64_C(0x7ff8000000000000),
    };

    k->x->constants = begin(k);
    memcpy(k->s.p, &constants, sizeof(constants));
    k->s.p += sizeof(constants);
}

/* ---- all of them --------------------------------------------------------------------------- */

static void make_exit_lookup(struct thunk *k)
{
    k->x->exit_lookup = make_exit_with_pc(k, TCG_EXIT_LOOKUP);
}

static void make_exit_loop(struct thunk *k)
{
    k->x->exit_loop = make_exit_with_pc(k, TCG_EXIT_LOOP);
}

static void make_probe_second(struct thunk *k)
{
    k->x->probe_second = begin(k);
    x86_probe_second(&k->s, k->x, k->lay);
}

static void make_probe(struct thunk *k)
{
    k->x->probe = begin(k);
    x86_probe(&k->s, k->x, k->lay);
}

/* Later rows use earlier ones. Names are what perf shows. */
static const struct {
    const char *name;
    void (*make)(struct thunk *k);
} groups[THUNK_GROUPS] = {
    {"exit_chain", make_exit_chain},
    {"exit_lookup", make_exit_lookup},
    {"exit_loop", make_exit_loop},
    {"probe_second", make_probe_second},
    {"probe", make_probe},
    {"exit_poll", make_exit_poll},
    {"exit_unwind", make_exit_unwind},
    {"enter", make_enter},
    {"slow_path", make_slow_all},
    {"probe_memory", make_probes},
    {"loop_page", make_pages},
    {"amo", make_amo},
    {"helper_call", make_helpers},
    {"soft", make_soft},
    {"clock", make_clock},
    {"fp", make_fp},
    {"constants", make_constants},
};

int x86_thunks(struct tcg *t, struct x86 *x, struct code_region *region, struct err *err)
{
    struct thunk k = {
        .x = x, .lay = &t->config.layout, .config = &t->config, .helper_calls = t->helper_calls};
    size_t room = 28672 + 48 * (size_t)t->config.nhelpers;

    if (region->used + room > region->size) {
        return err_set(err, -ENOSPC, "the code region is too small for the engine's own code");
    }
    k.s.p = region->rw + region->used;
    for (unsigned n = 0; n < THUNK_GROUPS; n++) {
        x->group[n] = begin(&k);
        groups[n].make(&k);
    }
    x->group[THUNK_GROUPS] = k.s.p;
    region->used = (size_t)(k.s.p - region->rw);
    assert(region->used <= region->size);
    return 0;
}

/* The group of helper calls begins with what they share. */
void x86_each_thunk(const struct tcg *t,
                    void (*fn)(void *opaque, const uint8_t *rx, size_t size, const char *name),
                    void *opaque)
{
    const struct x86 *x = t->backend_data;

    for (unsigned n = 0; n < THUNK_GROUPS; n++) {
        bool helpers = groups[n].make == make_helpers && t->config.nhelpers > 0;
        const uint8_t *end = helpers ? x->helper[0] : x->group[n + 1];

        fn(opaque, x->group[n] + t->rx_minus_rw, (size_t)(end - x->group[n]), groups[n].name);
        for (unsigned h = 0; helpers && h < t->config.nhelpers; h++) {
            end = h + 1 < t->config.nhelpers ? x->helper[h + 1] : x->group[n + 1];
            fn(opaque, x->helper[h] + t->rx_minus_rw, (size_t)(end - x->helper[h]),
               t->config.helpers[h].name);
        }
    }
}
