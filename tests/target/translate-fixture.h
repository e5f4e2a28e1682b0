/* SPDX-License-Identifier: MIT */
/*
 * A hart that is only its registers, a flat memory, and helpers that record their calls: runs
 * what the translator emits for one TB, on the interpreter and on the host's backend.
 */
#ifndef TESTS_TARGET_TRANSLATE_FIXTURE_H
#define TESTS_TARGET_TRANSLATE_FIXTURE_H

#include "hw/host/bits.h"
#include "hw/host/cpu-features.h"
#include "target-riscv/csr.h"
#include "target-riscv/hart.h"
#include "target-riscv/insn.h"
#include "tests/unit.h"
#include <assert.h>
#include <stdlib.h>

#define RAM_SIZE 65536
#define FAULT_VA UINT64_C(0x100000) /* accesses from here on fault */

struct call {
    unsigned helper;
    uint64_t arg[3];
    int64_t imm;
};

/* The hart is first, because helpers get its address. */
struct bench {
    struct hart h;
    struct cpu_config config;
    struct decoder *decoder;
    struct tick_clock clock;
    struct tcg *tcg;
    struct tcg_context *ctx;
    struct code_memory cm;
    struct code_region region;
    size_t thunks_end;
    struct tlb_entry tlb[1 << TLB_BITS_MIN];
    struct jc_entry jc[JC_ENTRIES];
    uint8_t ram[RAM_SIZE];
    unsigned nloads, nstores, ncalls;
    struct call calls[16];
    uint8_t page[4096], next[4096];
    struct tb_source src;
    struct tcg_exit exit;
};

static inline uint64_t record_call(void *env, unsigned helper, uint64_t a, uint64_t b, uint64_t c,
                                   int64_t imm)
{
    struct bench *t = env;

    if (t->ncalls < ARRAY_SIZE(t->calls)) {
        t->calls[t->ncalls++] = (struct call){helper, {a, b, c}, imm};
    }
    if (helper == HELPER_raise) {
        t->h.cpu.unwind = 1;
    }
    return 0x5a5a5a5a00000000u + helper;
}

#define STUB_ARGS0 0, 0, 0
#define STUB_ARGS1 a, 0, 0
#define STUB_ARGS2 a, b, 0
#define STUB_ARGS3 a, b, c
#define HELPER(name, nargs, flags)                                              \
    static uint64_t stub_##name(struct hart *h, HELPER_ARGS##nargs int64_t imm) \
    {                                                                           \
        return record_call(h, HELPER_##name, STUB_ARGS##nargs, imm);            \
    }
#include "target-riscv/helpers.def"
#undef HELPER

static const struct tcg_helper stub_helpers[HELPER_COUNT] = {
#define HELPER(helper_name, count, bits) \
    [HELPER_##helper_name] = {#helper_name, (void *)stub_##helper_name, count, bits},
#include "target-riscv/helpers.def"
#undef HELPER
};

/* Where VA is, or NULL with the access counted as a fault. */
static inline uint8_t *flat(struct bench *t, uint64_t va)
{
    if (va >= FAULT_VA) {
        t->h.cpu.unwind = 1;
        return NULL;
    }
    return &t->ram[va % (RAM_SIZE - 8)];
}

static inline uint64_t flat_load(void *env, uint64_t va, unsigned memop)
{
    struct bench *t = env;
    const uint8_t *p = flat(t, va);
    unsigned bits = 8u << (memop & MO_SIZE);
    uint64_t v = p ? load_le64(p) : 0;

    t->nloads++;
    return memop & MO_SIGN ? (uint64_t)sextract64(v, 0, bits) : extract64(v, 0, bits);
}

static inline void flat_store(void *env, uint64_t va, uint64_t value, unsigned memop)
{
    struct bench *t = env;
    uint8_t *p = flat(t, va);

    t->nstores++;
    if (p) {
        memcpy(p, &value, 1u << (memop & MO_SIZE));
    }
}

/* Only what LR/SC fusion needs. */
static inline uint64_t flat_amo(void *env, uint64_t va, uint64_t value, uint64_t expected,
                                unsigned memop, unsigned op)
{
    uint64_t old = flat_load(env, va, memop | MO_SIGN);
    unsigned bits = 8u << (memop & MO_SIZE);

    if (op != IR_amo_sc || (uint64_t)sextract64(expected, 0, bits) != old) {
        return 1;
    }
    flat_store(env, va, value, memop);
    return 0;
}

static inline bool poll_leaves(void *env)
{
    (void)env;
    return false;
}

static inline void bench_tcg(struct bench *t, struct tcg_options options)
{
    const struct cpu_model_desc desc = {
        .env_bias = HART_ENV_BIAS,
        .vcpu_offset = offsetof(struct hart, cpu),
        .fpu_control = offsetof(struct hart, fpu_control),
    };
    struct tcg_config c = {
        .options = options,
        .layout = vcpu_layout(&desc),
        .globals = riscv_globals,
        .nglobals = riscv_nglobals,
        .helpers = stub_helpers,
        .nhelpers = HELPER_COUNT,
        .load = flat_load,
        .store = flat_store,
        .amo = flat_amo,
        .fp = riscv_fp,
        .clock = &t->clock,
        .poll = poll_leaves,
    };
    struct err err;
    int failed = code_memory_init(&t->cm, 1 << 20, &err);

    assert(!failed);
    (void)failed;
    t->region = (struct code_region){.rw = t->cm.rw, .rx = t->cm.rx, .size = t->cm.size};
    t->tcg = tcg_new(&c, &t->region, &err);
    assert(t->tcg != NULL);
    t->thunks_end = t->region.used;
    t->ctx = tcg_context_new(t->tcg);
}

static inline struct bench *bench_new(bool interp)
{
    struct bench *t = aligned_alloc(64, align_up(sizeof(*t), 64));

    assert(t != NULL);
    memset(t, 0, sizeof(*t));
    t->config = (struct cpu_config){.model = "test", .ext = {UINT64_MAX, UINT64_MAX}};
    t->decoder = decoder_new(&t->config);
    t->h.config = &t->config;
    t->h.decoder = t->decoder;
    hart_set_fcsr(&t->h, 0, 0);
    t->h.cpu.tlb = (struct tlb_view){t->tlb, sizeof(t->tlb) - sizeof(t->tlb[0])};
    t->h.cpu.jc = t->jc;
    for (unsigned n = 0; n < ARRAY_SIZE(t->tlb); n++) {
        t->tlb[n].tag[0] = t->tlb[n].tag[1] = TLB_INVALID;
    }
    for (unsigned n = 0; n < JC_ENTRIES; n++) {
        t->jc[n].va = UINT64_MAX;
    }
    tick_clock_init(&t->clock, 10000000, tick_clock_usable());
    bench_tcg(
        t, (struct tcg_options){.interp = interp, .smp = true, .host_features = host_features()});
    t->src = (struct tb_source){.pc_page = 0x10000,
                                .host = t->page,
                                .max_insns = 64,
                                .superblock = true,
                                .fuse_lrsc = true,
                                .mode_key = PRIV_M | 2 << 2};
    return t;
}

static inline void bench_free(struct bench *t)
{
    tcg_context_free(t->ctx);
    tcg_free(t->tcg);
    code_memory_fini(&t->cm);
    decoder_free(t->decoder);
    tick_clock_fini(&t->clock);
    free(t);
}

static inline void put16(struct bench *t, unsigned off, uint16_t half)
{
    store_le16(t->page + off, half);
}

static inline void put32(struct bench *t, unsigned off, uint32_t word)
{
    store_le32(t->page + off, word);
}

static inline void bench_code(struct bench *t, unsigned off, const uint32_t *words, unsigned n)
{
    memset(t->page, 0, sizeof(t->page));
    for (unsigned i = 0; i < n; i++) {
        put32(t, off + i * 4, words[i]);
    }
    t->src.pc_off = (int32_t)off;
}

/* Translates and compiles src; the code's entry. */
static inline const uint8_t *bench_compile(struct bench *t)
{
    struct tcg_code code;
    int rc;

    if (t->region.used > t->region.size - 65536) {
        t->region.used = t->thunks_end; /* nothing that was compiled before is needed any more */
    }
    ir_begin(t->ctx);
    riscv_translate(&t->h.cpu, t->ctx, &t->src);
    rc = tcg_compile(t->ctx, &t->region, t, t->src.pc_off, &code);
    assert(rc == 0);
    (void)rc;
    return code.rx + code.entry;
}

/* Runs the code at ENTRY once, at src's pc_page. */
static inline void bench_exec(struct bench *t, const uint8_t *entry)
{
    t->ncalls = t->nloads = t->nstores = 0;
    t->h.cpu.unwind = 0;
    t->h.cpu.poll = 1; /* so that a loop leaves */
    t->h.cpu.pc_page = t->src.pc_page;
    t->h.cpu.pc = t->src.pc_page + (uint64_t)t->src.pc_off;
    t->exit = tcg_exec(t->tcg, &t->h, entry);
}

static inline void bench_run(struct bench *t)
{
    bench_exec(t, bench_compile(t));
}

#endif
