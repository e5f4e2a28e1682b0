/* SPDX-License-Identifier: MIT */
/*
 * The engine: options, creation, and the vCPU's interface for the target (mode changes, flushes,
 * exact pc).
 */
#include "accel/internal.h"
#include "hw/host/barrier.h"
#include "hw/host/cpu-features.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

_Static_assert(MMU_ALIGNED == MO_ALIGNED, "softmmu's and tcg's access codes are the same");

/* ---- options ------------------------------------------------------------------------------- */

static int set_choice(bool *flag, const char *value, const char *off, const char *on,
                      const char *key, struct err *err)
{
    if (strcmp(value, on) && strcmp(value, off)) {
        return err_set(err, -EINVAL, "-accel tcg: %s is %s or %s, not '%s'", key, off, on, value);
    }
    *flag = !strcmp(value, on);
    return 0;
}

static int set_thread(struct accel_options *o, const char *value, struct err *err)
{
    bool single = false;
    int rc = set_choice(&single, value, "multi", "single", "thread", err);

    o->thread = !rc && single ? ACCEL_THREAD_SINGLE : ACCEL_THREAD_MULTI;
    return rc;
}

static int set_backend(struct accel_options *o, const char *value, struct err *err)
{
    return set_choice(&o->interp, value, "x86_64", "interp", "backend", err);
}

static int set_lrsc(struct accel_options *o, const char *value, struct err *err)
{
    return set_choice(&o->lrsc_exclusive, value, "fused", "exclusive", "lrsc", err);
}

static int set_chain(struct accel_options *o, const char *value, struct err *err)
{
    return set_choice(&o->chain_off, value, "on", "off", "chain", err);
}

static int set_superblock(struct accel_options *o, const char *value, struct err *err)
{
    return set_choice(&o->superblock_off, value, "on", "off", "superblock", err);
}

static int set_loop_pages(struct accel_options *o, const char *value, struct err *err)
{
    return set_choice(&o->loop_pages_off, value, "on", "off", "loop-pages", err);
}

static int set_pin(struct accel_options *o, const char *value, struct err *err)
{
    return set_choice(&o->pin_off, value, "on", "off", "pin", err);
}

static int set_fpu(struct accel_options *o, const char *value, struct err *err)
{
    return set_choice(&o->fpu_helper, value, "inline", "helper", "fpu", err);
}

/* Features are separated by ':' here, because ',' separates properties. */
static int set_host(struct accel_options *o, const char *value, struct err *err)
{
    uint32_t all = host_features(), mask = all;
    char list[128];
    int rc;

    if (snprintf(list, sizeof(list), "%s", value) >= (int)sizeof(list)) {
        return err_set(err, -EINVAL, "-accel tcg: host= is too long");
    }
    for (char *p = list; *p; p++) {
        *p = *p == ':' ? ',' : *p;
    }
    rc = host_features_parse(list, &mask, err);
    o->host_off = all & ~mask;
    return rc;
}

static int set_tb_size(struct accel_options *o, const char *value, struct err *err)
{
    char *end;
    unsigned long long mib = strtoull(value, &end, 10);

    if (*end || end == value || mib > CODE_SIZE_MAX >> 20 || mib < CODE_SIZE_MIN >> 20) {
        return err_set(err, -EINVAL, "-accel tcg: tb-size is %u to %u (MiB), not '%s'",
                       (unsigned)(CODE_SIZE_MIN >> 20), (unsigned)(CODE_SIZE_MAX >> 20), value);
    }
    o->code_size = mib << 20;
    return 0;
}

static const struct {
    const char *key;
    int (*set)(struct accel_options *o, const char *value, struct err *err);
} option_rows[] = {
    {"thread", set_thread},
    {"backend", set_backend},
    {"lrsc", set_lrsc},
    {"chain", set_chain},
    {"superblock", set_superblock},
    {"pin", set_pin},
    {"loop-pages", set_loop_pages},
    {"fpu", set_fpu},
    {"host", set_host},
    {"tb-size", set_tb_size},
};

static int set_option(struct accel_options *o, char *prop, struct err *err)
{
    char *value = strchr(prop, '=');

    if (!value) {
        return err_set(err, -EINVAL, "-accel tcg: '%s' needs a value", prop);
    }
    *value++ = '\0';
    for (unsigned i = 0; i < ARRAY_SIZE(option_rows); i++) {
        if (!strcmp(option_rows[i].key, prop)) {
            return option_rows[i].set(o, value, err);
        }
    }
    return err_set(err, -EINVAL, "-accel tcg: unknown property '%s'", prop);
}

int accel_options_parse(struct accel_options *o, const char *props, struct err *err)
{
    char *copy = strdup(props), *save = NULL;
    int rc = 0;

    assert(copy);
    for (char *p = strtok_r(copy, ",", &save); p && !rc; p = strtok_r(NULL, ",", &save)) {
        rc = set_option(o, p, err);
    }
    free(copy);
    return rc;
}

const struct accel_options *accel_options(const struct accel *a)
{
    return &a->options;
}

/* ---- creation ------------------------------------------------------------------------------ */

struct accel *accel_new(struct machine *m, const struct accel_options *o, struct err *err)
{
    struct accel *a = calloc(1, sizeof(*a));

    assert(a && o->nharts > 0);
    a->machine = m;
    a->options = *o;
    mutex_init(&a->tb_lock, RANK_TB, "tb");
    mutex_init(&a->safe_lock, RANK_SAFE_WORK, "safe work");
    cond_init(&a->safe_cond);
    a->vcpus = calloc(o->nharts, sizeof(*a->vcpus));
    a->threads = calloc(o->nharts, sizeof(*a->threads));
    assert(a->vcpus && a->threads);
    a->hash = host_mem_alloc(BIT(TB_HASH_BITS) * sizeof(*a->hash), false, err);
    if (!a->hash || regions_init(a, err)) {
        accel_free(a);
        return NULL;
    }
    if (o->perf_map && perf_map_open(a, err)) {
        accel_free(a);
        return NULL;
    }
    m->harts_skip_fences = o->nharts == 1 && barrier_register();
    a->domain = mmu_domain_new(m, o->nharts);
    return a;
}

void accel_free(struct accel *a)
{
    if (!a) {
        return;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(a->pages); i++) {
        for (struct tb_page *p = a->pages[i], *next; p; p = next) {
            next = p->next;
            free(p);
        }
    }
    if (a->regions) {
        regions_fini(a);
    }
    tcg_free(a->tcg);
    perf_map_close(a);
    mmu_domain_free(a->domain);
    if (a->hash) {
        host_mem_free(a->hash, BIT(TB_HASH_BITS) * sizeof(*a->hash));
    }
    mutex_fini(&a->tb_lock);
    mutex_fini(&a->safe_lock);
    cond_fini(&a->safe_cond);
    free(a->vcpus);
    free(a->threads);
    free(a);
}

/* ---- what generated code calls for memory -------------------------------------------------- */

static struct vcpu *vcpu_of_env(void *env);

static uint64_t engine_load(void *env, uint64_t va, unsigned memop)
{
    struct vcpu *cpu = vcpu_of_env(env);
    uint64_t v = 0;

    return mmu_load(&cpu->mmu, va, memop, cpu->data_regime, &v) ? ir_extend(v, memop) : 0;
}

static void engine_store(void *env, uint64_t va, uint64_t value, unsigned memop)
{
    struct vcpu *cpu = vcpu_of_env(env);

    mmu_store(&cpu->mmu, va, memop, cpu->data_regime, value);
}

static uint64_t amo_compute(uint64_t old, const struct mmu_amo_args *args, bool *stores)
{
    if (args->op == IR_amo_sc) {
        *stores = old == ir_extend(args->expected, args->memop & MO_SIZE);
    }
    return ir_eval_amo((enum ir_op)args->op, args->memop, old, args->operand);
}

static uint64_t engine_amo(void *env, uint64_t va, uint64_t value, uint64_t expected,
                           unsigned memop, unsigned op)
{
    struct vcpu *cpu = vcpu_of_env(env);
    struct mmu_amo_args args = {.op = op, .memop = memop, .operand = value, .expected = expected};
    uint64_t old;

    if (!mmu_amo(&cpu->mmu, va, cpu->data_regime, amo_compute, &args, &old)) {
        return 0;
    }
    if (op == IR_amo_sc) {
        return old != ir_extend(expected, memop & MO_SIZE);
    }
    return ir_extend(old, memop | MO_SIGN);
}

/* ---- counted floating point ----------------------------------------------------------------- */

/* The target's fp, where calls are counted by name. */
static uint64_t engine_fp(void *env, unsigned op, unsigned type, unsigned rm,
                          const uint64_t args[3])
{
    struct vcpu *cpu = vcpu_of_env(env);

    cpu->engine->fp_calls[op]++;
    return cpu->accel->desc.fp(env, op, type, rm, args);
}

/* ---- vCPUs --------------------------------------------------------------------------------- */

/* The target places struct vcpu at one offset for all harts; generated code only knows env. */
#define VCPU_FROM_ENV(env) ((struct vcpu *)((char *)(env) + 32 * sizeof(uint64_t)))

static struct vcpu *vcpu_of_env(void *env)
{
    return VCPU_FROM_ENV(env);
}

static bool engine_poll(void *env)
{
    return vcpu_poll_inside(vcpu_of_env(env));
}

#define VCPU_FIELD(d, field) ((d)->vcpu_offset + (int32_t)offsetof(struct vcpu, field))

struct tcg_layout vcpu_layout(const struct cpu_model_desc *d)
{
    return (struct tcg_layout){
        .env_bias = d->env_bias,
        .poll = VCPU_FIELD(d, poll),
        .unwind = VCPU_FIELD(d, unwind),
        .pc = VCPU_FIELD(d, pc),
        .pc_page = VCPU_FIELD(d, pc_page),
        .host_ra = VCPU_FIELD(d, host_ra),
        .host_sp = VCPU_FIELD(d, host_sp),
        .fpu_control = d->fpu_control,
        .tlb = VCPU_FIELD(d, tlb.entry),
        .tlb_mask = VCPU_FIELD(d, tlb.mask),
        .jc = VCPU_FIELD(d, jc),
        .jc_key = VCPU_FIELD(d, jc_key),
        .tlb_entry_bits = TLB_ENTRY_BITS,
        .tlb_tag_read = offsetof(struct tlb_entry, tag[ACCESS_READ]),
        .tlb_tag_write = offsetof(struct tlb_entry, tag[ACCESS_WRITE]),
        .tlb_addend = offsetof(struct tlb_entry, addend),
        .jc_index_bits = JC_INDEX_BITS,
    };
}

static int engine_make_tcg(struct accel *a, const struct cpu_model_desc *d, struct err *err)
{
    struct tcg_config c = {
        .options = {.interp = a->options.interp,
                    .pin_off = a->options.pin_off,
                    .chain_off = a->options.chain_off,
                    .loop_pages_off = a->options.loop_pages_off,
                    .fpu_helper = a->options.fpu_helper,
                    .fences_off = a->machine->harts_skip_fences,
                    .smp = a->options.nharts > 1,
                    .count_calls = a->options.count_calls,
                    .host_features = host_features() & ~a->options.host_off},
        .layout = vcpu_layout(d),
        .globals = d->globals,
        .nglobals = d->nglobals,
        .helpers = d->helpers,
        .nhelpers = d->nhelpers,
        .load = engine_load,
        .store = engine_store,
        .amo = engine_amo,
        .fp = d->fp && a->options.count_calls ? engine_fp : d->fp,
        .clock = &a->machine->clock,
        .poll = engine_poll,
    };

    a->desc = *d;
    a->tcg = tcg_new(&c, &a->prologue, err);
    if (a->tcg && a->perf_map) {
        perf_map_thunks(a);
    }
    return a->tcg ? 0 : -ENOMEM;
}

int vcpu_init(struct vcpu *cpu, struct accel *a, const struct cpu_model_desc *desc, struct err *err)
{
    int rc;

    assert(a->nvcpus < a->options.nharts && desc->vcpu_offset == 32 * sizeof(uint64_t));
    if (!a->tcg) {
        rc = engine_make_tcg(a, desc, err);
        if (rc) {
            return rc;
        }
    }
    cpu->accel = a;
    cpu->ops = desc->ops;
    cpu->index = a->nvcpus;
    cpu->engine = calloc(1, sizeof(*cpu->engine));
    assert(cpu->engine);
    cpu->engine->ctx = tcg_context_new(a->tcg);
    cpu->jc = host_mem_alloc(JC_ENTRIES * sizeof(*cpu->jc), false, err);
    if (!cpu->jc) {
        return -ENOMEM;
    }
    jc_clear(cpu);
    rc = mmu_init(&cpu->mmu, a->domain, desc->mmu_ops, cpu, &cpu->tlb, err);
    if (!rc) {
        a->vcpus[a->nvcpus++] = cpu;
    }
    return rc;
}

void vcpu_fini(struct vcpu *cpu)
{
    if (!cpu->engine) {
        return;
    }
    mmu_fini(&cpu->mmu);
    tcg_context_free(cpu->engine->ctx);
    if (cpu->jc) {
        host_mem_free(cpu->jc, JC_ENTRIES * sizeof(*cpu->jc));
    }
    free(cpu->engine);
    cpu->engine = NULL;
}

unsigned accel_vcpu_count(const struct accel *a)
{
    return a->nvcpus;
}

struct vcpu *accel_vcpu(const struct accel *a, unsigned index)
{
    return a->vcpus[index];
}

/* ---- for the target's helpers -------------------------------------------------------------- */

void vcpu_sync_pc(struct vcpu *cpu)
{
    struct tb *tb;

    if (cpu->host_ra) {
        tb = tb_of_host(cpu->accel, cpu->host_ra);
        cpu->pc = cpu->pc_page + (uint64_t)(int64_t)tcg_pc_lookup(cpu->accel->tcg, tb->rx,
                                                                  tb->pcmap, cpu->host_ra);
        cpu->host_ra = 0;
    }
}

void vcpu_update_key(struct vcpu *cpu)
{
    if (unlikely(cpu->mmu.ids_wrapped)) {
        cpu->mmu.ids_wrapped = false;
        jc_clear(cpu);
    }
    cpu->jc_key = cpu->mode_key | (uint64_t)mmu_space_id(&cpu->mmu, cpu->fetch_regime) << 32;
}

void vcpu_set_mode(struct vcpu *cpu, uint32_t mode_key, unsigned data_regime, unsigned fetch_regime,
                   uint64_t space_key)
{
    cpu->mode_key = mode_key;
    cpu->data_regime = data_regime;
    cpu->fetch_regime = fetch_regime;
    if (data_regime < REGIME_PAGED_COUNT || fetch_regime < REGIME_PAGED_COUNT) {
        mmu_select(&cpu->mmu, space_key);
    }
    mmu_set_view(&cpu->mmu, data_regime);
    vcpu_update_key(cpu);
}

void vcpu_flush_all(struct vcpu *cpu)
{
    mmu_flush_all(&cpu->mmu);
    vcpu_update_key(cpu);
}

void vcpu_flush_paged(struct vcpu *cpu)
{
    mmu_flush_paged(&cpu->mmu);
    vcpu_update_key(cpu);
}

void vcpu_flush_slots(struct vcpu *cpu, bool (*match)(uint64_t key, uint64_t arg), uint64_t arg)
{
    mmu_flush_slots(&cpu->mmu, match, arg);
    vcpu_update_key(cpu);
}

void vcpu_flush_page(struct vcpu *cpu, vaddr_t va, bool (*match)(uint64_t key, uint64_t arg),
                     uint64_t arg)
{
    mmu_flush_page(&cpu->mmu, va, match, arg);
    jc_flush_page(cpu, va);
}

bool vcpu_fence_i(struct vcpu *cpu)
{
    cpu->engine->nfencei++;
    if (likely(!code_pages_dirty(cpu->accel->domain))) {
        return false;
    }
    code_pages_collect(cpu->accel->domain, &cpu->mmu, tb_check_page, cpu->accel);
    return true;
}
