/* SPDX-License-Identifier: MIT */
/*
 * What the tests of tcg/ share: a small guest (31 integer registers, 4 float ones, 64 KiB of
 * memory behind a fake TLB), its slow paths and helpers, and an engine made for a set of options.
 * Everything is static: each test is one program.
 */
#ifndef TESTS_TCG_HARNESS_H
#define TESTS_TCG_HARNESS_H

#include "hw/host/atomic.h"
#include "hw/host/bits.h"
#include "hw/host/cpu-features.h"
#include "hw/host/memory.h"
#include "tcg/internal.h"
#include "tests/unit.h"
#include <errno.h>
#include <stdlib.h>

#define NREGS    32 /* x[0] is not a global */
#define NFREGS   4
#define NPINNED  11
#define FGLOBAL0 31 /* index of f0 */
#define NGLOBALS (31 + NFREGS)
#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE 0x10000u
#define TLB_BITS 6
#define JC_BITS  5

struct fake_tlb_entry {
    uint64_t tag_read, tag_write, pad, addend;
};

struct fake_jc_entry {
    uint64_t va, key;
    const uint8_t *code;
    void *tb;
};

struct guest;

struct env {
    struct guest *g;
    uint64_t x[NREGS];
    uint32_t poll, unwind;
    struct fake_tlb_entry *tlb;
    uint64_t tlb_mask;
    struct fake_jc_entry *jc;
    uint64_t jc_key, pc_page, pc, host_ra, host_sp;
    uint64_t f[NFREGS];
    uint64_t scratch[4]; /* for env_ld and env_st */
};

struct guest {
    struct env env;
    struct fake_tlb_entry tlb[1 << TLB_BITS];
    struct fake_jc_entry jc[1 << JC_BITS];
    bool fill;        /* slow paths fill the TLB */
    unsigned nslow;   /* slow paths taken */
    uint64_t last_ra; /* host_ra of the last slow path or faulting helper */
    uint64_t seen;    /* hash of what helpers saw */
    uint64_t poll_to; /* where polls go on, 0: they leave */
    ALIGNED(4096) uint8_t ram[RAM_SIZE];
};

struct engine {
    struct tcg *t;
    struct tcg_context *ctx;
    struct code_memory cm;
    struct code_region region;
    struct tcg_global globals[NGLOBALS];
    char names[NGLOBALS][8];
    struct tick_clock clock;
    const char *label; /* for failure messages */
};

/*
 * Every variant that must give the same results: the interpreter, the backend whole, and with
 * each thing switched off.
 */
struct variant {
    const char *name;
    struct tcg_options options;
    bool plain; /* the builder folds nothing and the optimiser drops nothing */
};
#define ALL_FEATURES 0xffffffffu
static const struct variant variants[] = {
    {"interp plain", {.interp = true, .smp = true, .host_features = ALL_FEATURES}, true},
    {"interp", {.interp = true, .smp = true, .host_features = ALL_FEATURES}, false},
    {"x86_64", {.smp = true, .host_features = ALL_FEATURES}, false},
    {"x86_64 pin=off", {.pin_off = true, .smp = true, .host_features = ALL_FEATURES}, false},
    {"x86_64 loop-pages=off",
     {.loop_pages_off = true, .smp = true, .host_features = ALL_FEATURES},
     false},
    {"x86_64 smp=1", {.host_features = ALL_FEATURES}, false},
    {"x86_64 host=none", {.smp = true}, false},
    {"x86_64 host=-bmi1", {.smp = true, .host_features = ALL_FEATURES & ~HOST_BMI1}, false},
    {"x86_64 host=-bmi2", {.smp = true, .host_features = ALL_FEATURES & ~HOST_BMI2}, false},
    {"x86_64 host=-lzcnt", {.smp = true, .host_features = ALL_FEATURES & ~HOST_LZCNT}, false},
    {"x86_64 host=-popcnt", {.smp = true, .host_features = ALL_FEATURES & ~HOST_POPCNT}, false},
    {"x86_64 host=-pclmul", {.smp = true, .host_features = ALL_FEATURES & ~HOST_PCLMUL}, false},
    {"x86_64 host=none pin=off", {.pin_off = true, .smp = true}, false},
};
#define NVARIANTS ARRAY_SIZE(variants)

/* ---- polls --------------------------------------------------------------------------------- */

static inline bool poll_inside(void *arg)
{
    struct env *env = arg;

    if (env->g->poll_to == 0) {
        return false;
    }
    env->g->seen = env->pc;
    env->poll = 0;
    env->pc = env->g->poll_to;
    return true;
}

/* ---- slow paths ---------------------------------------------------------------------------- */

static inline uint8_t *ram_at(struct guest *g, uint64_t va, unsigned size)
{
    return va >= RAM_BASE && va - RAM_BASE <= RAM_SIZE - size ? g->ram + (va - RAM_BASE) : NULL;
}

static inline void tlb_clear(struct guest *g)
{
    for (unsigned k = 0; k < ARRAY_SIZE(g->tlb); k++) {
        g->tlb[k] = (struct fake_tlb_entry){.tag_read = BIT(11), .tag_write = BIT(11)};
    }
}

static inline void tlb_fill(struct guest *g, uint64_t va, bool write)
{
    struct fake_tlb_entry *e = &g->tlb[(va >> 12) & (ARRAY_SIZE(g->tlb) - 1)];
    uint64_t page = va & ~UINT64_C(4095);

    if ((e->tag_read & ~UINT64_C(4095)) != page) {
        *e = (struct fake_tlb_entry){.tag_read = BIT(11), .tag_write = BIT(11)};
    }
    *(write ? &e->tag_write : &e->tag_read) = page;
    e->addend = (uint64_t)(uintptr_t)g->ram - RAM_BASE;
}

/* NULL: raised. */
static inline uint8_t *slow_access(struct env *env, uint64_t va, unsigned memop, bool write)
{
    struct guest *g = env->g;
    unsigned size = 1u << (memop & MO_SIZE);
    uint8_t *p = ram_at(g, va, size);

    g->nslow++;
    g->last_ra = env->host_ra;
    if (p == NULL || ((memop & MO_ALIGNED) && (va & (size - 1)))) {
        env->unwind = 1;
        env->pc = 0xdead0000;
        return NULL;
    }
    if (g->fill && (va & 4095) + size <= 4096) {
        tlb_fill(g, va, write);
    }
    return p;
}

static inline uint64_t slow_load(void *env, uint64_t va, unsigned memop)
{
    const uint8_t *p = slow_access(env, va, memop, false);
    uint64_t value = 0;

    if (p == NULL) {
        return 0xbad;
    }
    memcpy(&value, p, 1u << (memop & MO_SIZE));
    return ir_extend(value, memop);
}

static inline void slow_store(void *env, uint64_t va, uint64_t value, unsigned memop)
{
    uint8_t *p = slow_access(env, va, memop, true);

    if (p != NULL) {
        memcpy(p, &value, 1u << (memop & MO_SIZE));
    }
}

static inline uint64_t slow_amo(void *env, uint64_t va, uint64_t value, uint64_t expected,
                                unsigned memop, unsigned op)
{
    unsigned size = 1u << (memop & MO_SIZE);
    uint8_t *p = slow_access(env, va, memop, true);
    uint64_t old = 0, fresh;

    if (p == NULL) {
        return 0xbad;
    }
    memcpy(&old, p, size);
    if (op == IR_amo_sc) {
        if (ir_extend(old, memop & MO_SIZE) != ir_extend(expected, memop & MO_SIZE)) {
            return 1;
        }
        memcpy(p, &value, size);
        return 0;
    }
    fresh = ir_eval_amo((enum ir_op)op, memop, old, value);
    memcpy(p, &fresh, size);
    return ir_extend(old, memop);
}

/* ---- helpers ------------------------------------------------------------------------------- */

static inline uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

/* Sees all registers, changes one that is pinned and one that is not. */
static inline uint64_t helper_globals(void *opaque, uint64_t a, uint64_t b, int64_t imm)
{
    struct env *env = opaque;
    uint64_t h = mix(mix(mix(env->g->seen, a), b), (uint64_t)imm);

    for (unsigned k = 1; k < NREGS; k++) {
        h = mix(h, env->x[k]);
    }
    env->g->seen = h;
    env->g->last_ra = env->host_ra;
    env->x[2] += 3;
    env->x[20] ^= a;
    return h;
}

static inline uint64_t helper_three(void *opaque, uint64_t a, uint64_t b, uint64_t c, int64_t imm)
{
    (void)opaque;
    return a + 3 * b + 5 * c + 7 * (uint64_t)imm;
}

static inline uint64_t helper_none(void *opaque, int64_t imm)
{
    struct env *env = opaque;

    env->g->seen = mix(env->g->seen, (uint64_t)imm);
    return (uint64_t)imm * 11;
}

/* Raises when a is odd. */
static inline uint64_t helper_raise(void *opaque, uint64_t a, int64_t imm)
{
    struct env *env = opaque;

    env->g->last_ra = env->host_ra;
    if (a & 1) {
        env->unwind = 1;
        env->pc = 0xdead1000;
    }
    return a + (uint64_t)imm;
}

/* Overwrites every register that the C ABI lets it. */
static inline uint64_t helper_clobber(void *opaque, uint64_t a, int64_t imm)
{
    (void)opaque;
#if defined(__x86_64__)
    __asm__ volatile(
        "mov $-1, %%ecx\n mov $-2, %%edx\n mov $-3, %%esi\n mov $-4, %%edi\n mov $-5, %%r8\n"
        "mov $-6, %%r9\n mov $-7, %%r10\n mov $-8, %%r11\n"
        :
        :
        : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
#endif
    return a ^ (uint64_t)imm;
}

enum { H_GLOBALS, H_THREE, H_NONE, H_RAISE, H_CLOBBER, H_COUNT };
static const struct tcg_helper test_helpers[H_COUNT] = {
    [H_GLOBALS] = {"globals", (void *)helper_globals, 2, 0},
    [H_THREE] = {"three", (void *)helper_three, 3, HELPER_NO_FAULT | HELPER_NO_GLOBALS},
    [H_NONE] = {"none", (void *)helper_none, 0, HELPER_NO_FAULT},
    [H_RAISE] = {"raise", (void *)helper_raise, 1, 0},
    [H_CLOBBER] = {"clobber", (void *)helper_clobber, 1, HELPER_NO_GLOBALS},
};

/* ---- engines ------------------------------------------------------------------------------- */

static inline struct tcg_config test_config(struct engine *e, struct tcg_options options)
{
    struct tcg_config c = {
        .options = options,
        .layout =
            {
                .env_bias = offsetof(struct env, x) + 128,
                .poll = offsetof(struct env, poll),
                .unwind = offsetof(struct env, unwind),
                .pc = offsetof(struct env, pc),
                .pc_page = offsetof(struct env, pc_page),
                .host_ra = offsetof(struct env, host_ra),
                .host_sp = offsetof(struct env, host_sp),
                .tlb = offsetof(struct env, tlb),
                .tlb_mask = offsetof(struct env, tlb_mask),
                .jc = offsetof(struct env, jc),
                .jc_key = offsetof(struct env, jc_key),
                .tlb_entry_bits = 5,
                .tlb_tag_read = offsetof(struct fake_tlb_entry, tag_read),
                .tlb_tag_write = offsetof(struct fake_tlb_entry, tag_write),
                .tlb_addend = offsetof(struct fake_tlb_entry, addend),
                .jc_index_bits = JC_BITS,
            },
        .globals = e->globals,
        .nglobals = NGLOBALS,
        .helpers = test_helpers,
        .nhelpers = H_COUNT,
        .load = slow_load,
        .store = slow_store,
        .amo = slow_amo,
        .clock = &e->clock,
        .poll = poll_inside,
    };

    for (unsigned k = 0; k < NGLOBALS; k++) {
        bool is_float = k >= FGLOBAL0;
        unsigned n = is_float ? k - FGLOBAL0 : k + 1;

        snprintf(e->names[k], sizeof(e->names[k]), "%c%u", is_float ? 'f' : 'x', n & 63);
        e->globals[k] = (struct tcg_global){
            .name = e->names[k],
            .type = is_float ? IR_F64 : IR_I64,
            .offset = (int32_t)(is_float ? offsetof(struct env, f) + 8 * n
                                         : offsetof(struct env, x) + 8 * n),
            .pin_order = (uint8_t)(!is_float && n <= NPINNED ? n : 0),
        };
    }
    return c;
}

static inline bool engine_init(struct engine *e, const struct variant *v)
{
    struct tcg_config c = test_config(e, v->options);
    struct err err;

    e->label = v->name;
    tick_clock_init(&e->clock, 10000000, tick_clock_usable());
    if (code_memory_init(&e->cm, 8u << 20, &err) < 0) {
        printf("FAIL engine: %s\n", err.text);
        return false;
    }
    e->region = (struct code_region){.rw = e->cm.rw, .rx = e->cm.rx, .size = e->cm.size};
    e->t = tcg_new(&c, &e->region, &err);
    if (e->t == NULL) {
        printf("FAIL engine: %s\n", err.text);
        return false;
    }
    e->ctx = tcg_context_new(e->t);
    e->ctx->plain = v->plain;
    return true;
}

static inline void engine_fini(struct engine *e)
{
    tcg_context_free(e->ctx);
    tcg_free(e->t);
    code_memory_fini(&e->cm);
    tick_clock_fini(&e->clock);
}

static inline void guest_init(struct guest *g)
{
    memset(g, 0, offsetof(struct guest, ram));
    tlb_clear(g);
    for (unsigned k = 0; k < ARRAY_SIZE(g->jc); k++) {
        g->jc[k].va = UINT64_MAX;
    }
    g->env.g = g;
    g->env.tlb = g->tlb;
    g->env.tlb_mask = sizeof(g->tlb) - sizeof(g->tlb[0]);
    g->env.jc = g->jc;
    g->env.jc_key = 7;
    g->env.pc_page = 0x10000;
    g->fill = true;
}

/* x register N as an operand. */
static inline ir_arg xreg(unsigned n)
{
    return ir_global(n - 1);
}

static inline ir_arg freg(unsigned n)
{
    return ir_global(FGLOBAL0 + n);
}

static inline uint64_t rng_next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static const uint64_t edge_values[] = {
    0,
    1,
    2,
    UINT64_MAX,
    UINT64_MAX - 1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    UINT64_C(0x7fffffffffffffff),
    UINT64_C(0x8000000000000000),
    UINT64_C(0xffffffff80000000),
    UINT64_C(0xffffffff7fffffff),
    31,
    32,
    63,
    64,
    UINT64_C(0x0123456789abcdef),
    UINT64_C(0xfedcba9876543210),
    UINT64_C(0x00ff00ff00000080),
};

#endif
