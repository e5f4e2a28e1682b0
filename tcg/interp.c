/* SPDX-License-Identifier: MIT */
/*
 * The interpreter backend: the second opinion in tests, and the engine of hosts without a
 * backend. Its compiled form is the optimised records themselves, copied to the code region:
 *
 *   struct head | POLL, ENTER, records ... | a target pointer for each site | constants | pc map
 *
 * rx points at POLL, the polling entry; ENTER is the other one. Labels are turned into record
 * numbers. Globals live in env; guest memory is reached through config.load, store and amo only.
 * host_ra is the running record's address + 1.
 */
#include "hw/host/atomic.h"
#include "tcg/internal.h"
#include <assert.h>
#include <errno.h>

enum { OP_POLL = IR_OP_COUNT, OP_ENTER };
_Static_assert(OP_ENTER < 256, "record ops are bytes");

#define OWN_HEAD 0xffff /* site number of an exit to the TB's own head */

struct head {
    void *tb;
    uint32_t sites; /* offsets from rx */
    uint32_t consts;
    int32_t head_off;
    uint32_t pad[3];
};
_Static_assert(sizeof(struct head) == 32, "keeps records aligned");

/* ---- compiling ----------------------------------------------------------------------------- */

static int interp_init(struct tcg *t, struct code_region *region, struct err *err)
{
    (void)t;
    (void)region;
    (void)err;
    return 0;
}

static void interp_fini(struct tcg *t)
{
    (void)t;
}

static bool add_site(struct tcg_code *out, struct ir_insn *i, int32_t now, uint32_t sites)
{
    unsigned n = out->nsites;

    if (n == ARRAY_SIZE(out->sites)) {
        return false;
    }
    out->sites[n] =
        (struct tcg_site){.patch = sites + 8 * n, .pc_off = i->imm, .polls = i->imm <= now};
    out->nsites++;
    i->c = (ir_arg)n;
    return true;
}

static void resolve_labels(struct ir_insn *records, unsigned n)
{
    uint32_t place[IR_MAX_LABELS];

    for (unsigned k = n; k-- > 0;) {
        struct ir_insn *i = &records[k];

        if (i->op == IR_label) {
            place[i->imm] = k;
        } else if (i->op == IR_br || i->op == IR_brcond) {
            i->imm = (int32_t)place[i->imm];
        }
    }
}

static bool finish_records(struct tcg_context *ctx, struct ir_insn *records, unsigned n,
                           int32_t head_off, struct tcg_code *out, uint32_t sites)
{
    int32_t now = head_off;

    for (unsigned k = 2; k < n; k++) {
        struct ir_insn *i = &records[k];

        if (i->op == IR_insn_start) {
            now = i->imm;
        } else if (i->op == IR_goto_tb || i->op == IR_brcond_exit) {
            if (i->imm == head_off && !ctx->t->config.options.chain_off) {
                i->c = OWN_HEAD;
            } else if (!add_site(out, i, now, sites)) {
                return false;
            }
        }
        pcmap_add(ctx, k * (uint32_t)sizeof(*i) + 1, now);
    }
    return true;
}

static int interp_compile(struct tcg_context *ctx, struct code_region *region, void *tb,
                          int32_t head_off, struct tcg_code *out)
{
    uint8_t *base = (uint8_t *)align_up((uintptr_t)(region->rw + region->used), 32),
            *limit = region->rw + region->size, *end;
    struct head *head = (struct head *)(void *)base;
    struct ir_insn *records = (struct ir_insn *)(void *)(head + 1);
    unsigned n = ctx->nopt + 2;
    uint32_t sites = n * (uint32_t)sizeof(*records),
             consts = sites + 8 * (uint32_t)ARRAY_SIZE(out->sites);

    if (limit - base < (ptrdiff_t)(sizeof(*head) + consts + 8 * ctx->nconsts + 16)) {
        return -ENOSPC;
    }
    out->nsites = 0;
    ctx->npcmap = 0;
    *head = (struct head){.tb = tb, .sites = sites, .consts = consts, .head_off = head_off};
    memset((uint8_t *)records + sites, 0, consts - sites);
    records[0] = (struct ir_insn){.op = OP_POLL};
    records[1] = (struct ir_insn){.op = OP_ENTER};
    memcpy(records + 2, ctx->opt, ctx->nopt * sizeof(*records));
    resolve_labels(records, n);
    if (!finish_records(ctx, records, n, head_off, out, sites)) {
        return -ENOSPC;
    }
    memcpy((uint8_t *)records + consts, ctx->consts, 8 * (size_t)ctx->nconsts);
    out->pcmap = consts + 8 * ctx->nconsts;
    end = pcmap_write(ctx, (uint8_t *)records + out->pcmap, limit);
    if (end == NULL) {
        return -ENOSPC;
    }
    out->rx = region->rx + ((uint8_t *)records - region->rw);
    out->entry = sizeof(*records);
    out->size = (uint32_t)(end - (region->rw + region->used));
    region->used = (size_t)(end - region->rw);
    return 0;
}

static void interp_site_set(struct tcg *t, uint8_t *rx, const struct tcg_site *site,
                            uint8_t *target)
{
    store_release((uint8_t **)(void *)(rx - t->rx_minus_rw + site->patch), target);
}

/* ---- running ------------------------------------------------------------------------------- */

struct run {
    struct tcg *t;
    uint8_t *env;
    const struct tcg_layout *lay;
    const struct ir_insn *records; /* of the running TB, from its POLL */
    const uint64_t *consts;
    const struct ir_insn *next;
    struct tcg_exit exit;
    uint64_t temps[IR_MAX_TEMPS];
};

static const struct head *head_of(const struct run *r)
{
    return (const struct head *)(const void *)r->records - 1;
}

static uint64_t *env_u64(const struct run *r, int32_t offset)
{
    return (uint64_t *)(void *)(r->env + offset);
}

static uint32_t *env_u32(const struct run *r, int32_t offset)
{
    return (uint32_t *)(void *)(r->env + offset);
}

static uint64_t get(const struct run *r, ir_arg a)
{
    if (ir_is_const(a)) {
        return r->consts[a - IR_CONST0];
    }
    if (ir_is_temp(a)) {
        return r->temps[a - IR_TEMP0];
    }
    return a == IR_NONE ? 0 : *env_u64(r, r->t->config.globals[a - IR_GLOBAL0].offset);
}

static void set(struct run *r, ir_arg d, uint64_t value)
{
    if (ir_is_temp(d)) {
        r->temps[d - IR_TEMP0] = value;
    } else if (d != IR_NONE) {
        *env_u64(r, r->t->config.globals[d - IR_GLOBAL0].offset) = value;
    }
}

/* Where to go on: false means that the run ends with r->exit. */
static void enter(struct run *r, const uint8_t *code)
{
    r->next = (const struct ir_insn *)(const void *)code;
    r->records = r->next->op == OP_ENTER ? r->next - 1 : r->next;
    r->consts = (const uint64_t *)(const void *)((const uint8_t *)r->records + head_of(r)->consts);
}

static bool leave(struct run *r, enum tcg_exit_kind kind, unsigned site)
{
    r->exit = (struct tcg_exit){.kind = kind, .site = site, .tb = head_of(r)->tb};
    return false;
}

static uint64_t pc_plus(const struct run *r, int32_t pc_off)
{
    return *env_u64(r, r->lay->pc_page) + (uint64_t)(int64_t)pc_off;
}

static bool run_poll(struct run *r)
{
    if (load_relaxed(env_u32(r, r->lay->poll)) == 0) {
        return true;
    }
    *env_u64(r, r->lay->pc) = pc_plus(r, head_of(r)->head_off);
    return leave(r, TCG_EXIT_POLL, 0);
}

static bool run_chain(struct run *r, const struct ir_insn *i)
{
    /* Through the mapping that interp_site_set writes, so that ThreadSanitizer sees the pair. */
    uint8_t *const *slots = (uint8_t *const *)(const void *)((const uint8_t *)r->records +
                                                             head_of(r)->sites - r->t->rx_minus_rw);
    uint8_t *target;

    if (i->c == OWN_HEAD) {
        r->next = r->records;
        return true;
    }
    target = load_acquire(&slots[i->c]);
    if (target == NULL) {
        *env_u64(r, r->lay->pc) = pc_plus(r, i->imm);
        return leave(r, TCG_EXIT_CHAIN, i->c);
    }
    enter(r, target);
    return true;
}

struct jc_probe {
    uint64_t va, key;
    const uint8_t *code;
    void *tb;
};

static bool run_probe(struct run *r, uint64_t va)
{
    uint64_t index = ((va >> 1) ^ (va >> 12)) & ((1u << r->lay->jc_index_bits) - 1);
    uint64_t key = *env_u64(r, r->lay->jc_key);

    for (unsigned way = 0; way < 2 && !r->t->config.options.chain_off; way++) {
        struct jc_probe *jc = *(struct jc_probe **)(void *)(r->env + r->lay->jc) + (index ^ way);

        if (load_acquire(&jc->va) == va && jc->key == key) {
            *env_u64(r, r->lay->pc_page) = va & ~UINT64_C(4095);
            enter(r, jc->code);
            return true;
        }
    }
    *env_u64(r, r->lay->pc) = va;
    return leave(r, TCG_EXIT_LOOKUP, 0);
}

static void begin_call(struct run *r, const struct ir_insn *i)
{
    *env_u64(r, r->lay->host_ra) = (uint64_t)(uintptr_t)i + 1;
}

/* False: unwind. */
static bool end_call(struct run *r)
{
    *env_u64(r, r->lay->host_ra) = 0;
    if (*env_u32(r, r->lay->unwind) != 0) {
        *env_u32(r, r->lay->unwind) = 0;
        return leave(r, TCG_EXIT_LOOKUP, 0);
    }
    return true;
}

static uint64_t call_helper(const struct run *r, const struct tcg_helper *h,
                            const struct ir_insn *i)
{
    uint64_t (*fn0)(void *, int64_t);
    uint64_t (*fn1)(void *, uint64_t, int64_t);
    uint64_t (*fn2)(void *, uint64_t, uint64_t, int64_t);
    uint64_t (*fn3)(void *, uint64_t, uint64_t, uint64_t, int64_t);

    switch (h->nargs) {
    case 0:
        memcpy(&fn0, &h->fn, sizeof(fn0));
        return fn0(r->env, i->imm);
    case 1:
        memcpy(&fn1, &h->fn, sizeof(fn1));
        return fn1(r->env, get(r, i->a), i->imm);
    case 2:
        memcpy(&fn2, &h->fn, sizeof(fn2));
        return fn2(r->env, get(r, i->a), get(r, i->b), i->imm);
    default:
        memcpy(&fn3, &h->fn, sizeof(fn3));
        return fn3(r->env, get(r, i->a), get(r, i->b), get(r, i->c), i->imm);
    }
}

static bool run_call(struct run *r, const struct ir_insn *i)
{
    const struct tcg_helper *h = &r->t->config.helpers[i->aux];
    uint64_t *calls = r->t->helper_calls;
    uint64_t value;

    if (calls) {
        store_relaxed(&calls[i->aux], load_relaxed(&calls[i->aux]) + 1);
    }
    if (h->flags & HELPER_NO_FAULT) {
        set(r, i->d, call_helper(r, h, i));
        return true;
    }
    begin_call(r, i);
    value = call_helper(r, h, i);
    if (!end_call(r)) {
        return false;
    }
    set(r, i->d, value);
    return true;
}

static bool run_memory(struct run *r, const struct ir_insn *i)
{
    const struct tcg_config *c = &r->t->config;
    uint64_t va = get(r, i->a) + (uint64_t)(int64_t)i->imm, value = 0;
    unsigned memop = i->aux;

    begin_call(r, i);
    if (i->op == IR_ld) {
        value = c->load(r->env, va, memop);
    } else if (i->op == IR_st) {
        c->store(r->env, va, get(r, i->b), memop);
    } else if (i->op == IR_amo_sc) {
        value = c->amo(r->env, va, get(r, i->c), get(r, i->b), memop, i->op);
    } else {
        value = c->amo(r->env, va, get(r, i->b), 0, memop, i->op);
    }
    if (!end_call(r)) {
        return false;
    }
    if (i->op == IR_ld) {
        value |= ir_type_of(i) == IR_F32 ? UINT64_C(0xffffffff00000000) : 0;
    } else if (ir_type_of(i) == IR_I32) {
        value = (uint64_t)(int32_t)value;
    }
    set(r, i->d, value);
    return true;
}

static void run_env_ld(struct run *r, const struct ir_insn *i)
{
    uint64_t value = 0;

    memcpy(&value, r->env + i->imm, 1u << (i->aux & MO_SIZE));
    set(r, i->d, ir_extend(value, i->aux));
}

static void run_env_st(struct run *r, const struct ir_insn *i)
{
    uint64_t value = get(r, i->b);

    memcpy(r->env + i->imm, &value, 1u << (i->aux & MO_SIZE));
}

static void run_movcond(struct run *r, const struct ir_insn *i)
{
    bool taken = ir_eval_cond((enum ir_cond)i->imm, ir_type_of(i), get(r, i->a), get(r, i->b));
    uint64_t value = get(r, taken ? i->c : i->aux);

    set(r, i->d, ir_type_of(i) == IR_I32 ? (uint64_t)(int32_t)value : value);
}

static void run_pure(struct run *r, const struct ir_insn *i)
{
    uint64_t value = 0;
    bool known = ir_eval(i, get(r, i->a), get(r, i->b), &value);

    assert(known);
    (void)known;
    set(r, i->d, value);
}

static void run_fp(struct run *r, const struct ir_insn *i)
{
    uint64_t args[3] = {get(r, i->a), get(r, i->b), get(r, i->c)};

    set(r, i->d, r->t->config.fp(r->env, i->op, ir_type_of(i), i->aux, args));
}

static bool condition(const struct run *r, const struct ir_insn *i)
{
    return ir_eval_cond((enum ir_cond)i->aux, ir_type_of(i), get(r, i->a), get(r, i->b));
}

/* One record; r->next is already behind it. False: the run ends. */
static bool step(struct run *r, const struct ir_insn *i)
{
    switch (i->op) {
    case OP_POLL:
        return run_poll(r);
    case OP_ENTER:
    case IR_insn_start:
    case IR_label:
        return true;
    case IR_br:
        r->next = r->records + i->imm;
        return true;
    case IR_brcond:
        if (condition(r, i)) {
            r->next = r->records + i->imm;
        }
        return true;
    case IR_brcond_exit:
        return condition(r, i) ? run_chain(r, i) : true;
    case IR_goto_tb:
        return run_chain(r, i);
    case IR_goto_page:
        return run_probe(r, pc_plus(r, i->imm));
    case IR_goto_ptr:
        return run_probe(r, get(r, i->a));
    case IR_goto_env_pc:
        return run_probe(r, *env_u64(r, r->lay->pc));
    case IR_exit_loop:
        *env_u64(r, r->lay->pc) = pc_plus(r, i->imm);
        return leave(r, TCG_EXIT_LOOP, 0);
    case IR_pc_add:
        set(r, i->d, pc_plus(r, i->imm));
        return true;
    case IR_env_ld:
        run_env_ld(r, i);
        return true;
    case IR_env_st:
        run_env_st(r, i);
        return true;
    case IR_time:
        set(r, i->d, tick_clock_read(r->t->config.clock));
        return true;
    case IR_cycles:
        set(r, i->d, host_cycles());
        return true;
    case IR_f2i:
        set(r, i->d, ir_type_of(i) == IR_F32 ? (uint32_t)get(r, i->a) : get(r, i->a));
        return true;
    case IR_i2f:
        set(r, i->d, get(r, i->a) | (ir_type_of(i) == IR_F32 ? UINT64_C(0xffffffff00000000) : 0));
        return true;
    case IR_movcond:
        run_movcond(r, i);
        return true;
    case IR_fence:
        smp_mb(); /* partner: the same op on another hart */
        return true;
    case IR_call:
        return run_call(r, i);
    case IR_fp_save:
    case IR_fp_load:
        return true;
    default:
        if (ir_op_info[i->op].flags & OPF_FAULT) {
            return run_memory(r, i);
        }
        if (ir_is_fp(i->op)) {
            run_fp(r, i);
            return true;
        }
        run_pure(r, i);
        return true;
    }
}

static struct tcg_exit interp_exec(struct tcg *t, void *env, const uint8_t *code)
{
    struct run r = {.t = t, .env = env, .lay = &t->config.layout};

    enter(&r, code);
    while (step(&r, r.next++)) {}
    return r.exit;
}

static void interp_disas(const struct tcg_context *ctx, const uint8_t *code,
                         const struct tcg_code *out, FILE *f)
{
    (void)code;
    (void)out;
    ir_dump(ctx, ctx->opt, ctx->nopt, f);
}

const struct tcg_backend tcg_interp_backend = {
    .name = "interp",
    .init = interp_init,
    .fini = interp_fini,
    .context_size = 1,
    .compile = interp_compile,
    .site_set = interp_site_set,
    .exec = interp_exec,
    .disas = interp_disas,
};
