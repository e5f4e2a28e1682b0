/* SPDX-License-Identifier: MIT */
/*
 * A CPU with five instructions, so that the engine is tested without a real target. Each is four
 * bytes: opcode, and an operand.
 *
 *   ADDI n    x1 += n              JMP n   pc += 4 * n
 *   LOOP n    if (--x2) pc += 4*n  FENCEI
 *   REG       pc = x3              DONE    stop and wait
 */
#ifndef TESTS_ACCEL_TOY_H
#define TESTS_ACCEL_TOY_H

#include "accel/internal.h"
#include "tests/unit.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>

enum toy_op { TOY_ADDI = 1, TOY_JMP, TOY_LOOP, TOY_FENCEI, TOY_REG, TOY_DONE };

#define TOY_RAM               UINT64_C(0x80000000)
#define TOY_RAM_SIZE          (UINT64_C(4) << 20)
#define TOY_INSN(op, operand) ((uint32_t)(op) << 2 | 3 | (uint32_t)(uint16_t)(operand) << 16)

struct toy {
    uint64_t x[32];
    struct vcpu cpu;
    uint32_t done; /* a */
};

struct toy_machine {
    struct machine m;
    struct accel *accel;
    unsigned nharts;
    struct toy *hart[8];
};

enum { TOY_HELPER_DONE, TOY_HELPER_FENCEI };

static inline uint64_t toy_helper_done(struct toy *t, int64_t imm)
{
    (void)imm;
    vcpu_sync_pc(&t->cpu);
    vcpu_wait(&t->cpu);
    fetch_or(&t->cpu.poll, VCPU_POLL_IRQ); /* so that the main loop sees that it waits */
    vcpu_unwind(&t->cpu);
    store_release(&t->done, 1);
    return 0;
}

static inline uint64_t toy_helper_fencei(struct toy *t, int64_t imm)
{
    (void)imm;
    vcpu_fence_i(&t->cpu);
    return 0;
}

static inline void toy_branch(struct tcg_context *ctx, const struct tb_source *src, int32_t off,
                              int32_t to)
{
    (void)src;
    (void)off;
    if (to >= 0 && to < (int32_t)GUEST_PAGE_SIZE) {
        ir_goto_tb(ctx, to);
    } else {
        ir_goto_page(ctx, to);
    }
}

/* One instruction; false when the TB ends with it. */
static inline bool toy_insn(struct tcg_context *ctx, struct tb_source *src, int32_t off,
                            uint32_t insn)
{
    int32_t operand = (int16_t)(insn >> 16), to = off + 4 * operand;
    int label;

    switch ((enum toy_op)(insn >> 2 & 0x3f)) {
    case TOY_ADDI:
        ir_op2(ctx, IR_add, IR_I64, ir_global(1), ir_global(1),
               ir_const(ctx, (uint64_t)(int64_t)operand));
        return true;
    case TOY_JMP:
        toy_branch(ctx, src, off, to);
        return false;
    case TOY_LOOP:
        ir_op2(ctx, IR_sub, IR_I64, ir_global(2), ir_global(2), ir_const(ctx, 1));
        label = ir_new_label(ctx);
        ir_brcond(ctx, COND_EQ, ir_global(2), ir_const(ctx, 0), label);
        toy_branch(ctx, src, off, to);
        ir_label(ctx, label);
        toy_branch(ctx, src, off, off + 4);
        return false;
    case TOY_FENCEI:
        ir_call(ctx, TOY_HELPER_FENCEI, IR_NONE, IR_NONE, IR_NONE, IR_NONE, 0);
        ir_exit_loop(ctx, off + 4);
        return false;
    case TOY_REG:
        ir_goto_ptr(ctx, ir_global(3));
        return false;
    default:
        ir_call(ctx, TOY_HELPER_DONE, IR_NONE, IR_NONE, IR_NONE, IR_NONE, 0);
        ir_exit_loop(ctx, off);
        return false;
    }
}

static inline void toy_translate(struct vcpu *cpu, struct tcg_context *ctx, struct tb_source *src)
{
    int32_t off = src->pc_off;
    bool more = true;

    (void)cpu;
    for (src->ninsns = 0; more; off += 4) {
        ir_insn_start(ctx, off);
        more = toy_insn(ctx, src, off, load_le32(src->host + off));
        src->ninsns++;
        if (more && (src->ninsns == src->max_insns || off + 4 == (int32_t)GUEST_PAGE_SIZE)) {
            toy_branch(ctx, src, off, off + 4);
            more = false;
        }
    }
    src->end_off = off;
}

static inline bool toy_take_interrupt(struct vcpu *cpu)
{
    (void)cpu;
    return false;
}

/* Waits until the test sets done to 0 again. */
static inline bool toy_has_work(struct vcpu *cpu)
{
    return load_acquire(&container_of(cpu, struct toy, cpu)->done) == 0;
}

static inline void toy_fetch_fault(struct vcpu *cpu, vaddr_t va, int code)
{
    (void)cpu;
    (void)va;
    (void)code;
    abort();
}

static inline int toy_walk(void *opaque, vaddr_t va, unsigned size, enum mmu_access access,
                           unsigned regime, struct mmu_walk *w)
{
    (void)opaque;
    (void)size;
    (void)access;
    (void)regime;
    *w = (struct mmu_walk){
        .pa = va, .page_bits = 12, .readable = true, .writable = true, .executable = true};
    return 0;
}

static inline void toy_kick(void *opaque)
{
    vcpu_kick(opaque, VCPU_POLL_LEAVE);
}

static inline const char *toy_mode_name(uint32_t mode_key)
{
    (void)mode_key;
    return "toy";
}

static const struct cpu_ops toy_ops = {.translate = toy_translate,
                                       .take_interrupt = toy_take_interrupt,
                                       .has_work = toy_has_work,
                                       .fetch_fault = toy_fetch_fault,
                                       .mode_name = toy_mode_name};
static const struct mmu_ops toy_mmu_ops = {.walk = toy_walk, .kick = toy_kick};
static const struct tcg_global toy_globals[] = {
    {"x0", IR_I64, 0, 0}, {"x1", IR_I64, 8, 1}, {"x2", IR_I64, 16, 2}, {"x3", IR_I64, 24, 0}};
static const struct tcg_helper toy_helpers[] = {
    [TOY_HELPER_DONE] = {"done", (void *)toy_helper_done, 0, 0},
    [TOY_HELPER_FENCEI] = {"fencei", (void *)toy_helper_fencei, 0, HELPER_NO_GLOBALS},
};
static const struct cpu_model_desc toy_desc = {.ops = &toy_ops,
                                               .mmu_ops = &toy_mmu_ops,
                                               .globals = toy_globals,
                                               .nglobals = 4,
                                               .helpers = toy_helpers,
                                               .nhelpers = 2,
                                               .vcpu_offset = offsetof(struct toy, cpu),
                                               .env_bias = 128};

/* ACCEL is parsed on top of FIRST. */
static inline void toy_machine_init_options(struct toy_machine *tm,
                                            const struct accel_options *first, const char *accel)
{
    struct accel_options o = *first;
    unsigned nharts = o.nharts;
    struct err err;

    memset(tm, 0, sizeof(*tm));
    tm->nharts = nharts;
    assert(!machine_init(&tm->m, &err));
    tm->m.memory = memory_map_new(&tm->m);
    assert(!memory_add_ram(tm->m.memory, TOY_RAM, TOY_RAM_SIZE, MEMORY_RAM, &err));
    assert(!accel_options_parse(&o, accel, &err));
    tm->accel = accel_new(&tm->m, &o, &err);
    assert(tm->accel);
    for (unsigned i = 0; i < nharts; i++) {
        tm->hart[i] = calloc(1, sizeof(*tm->hart[i]));
        assert(tm->hart[i] && !vcpu_init(&tm->hart[i]->cpu, tm->accel, &toy_desc, &err));
        vcpu_set_mode(&tm->hart[i]->cpu, 0, REGIME_BARE_M, REGIME_BARE_M, 0);
        tm->hart[i]->cpu.waiting = true;
        tm->hart[i]->done = 1;
    }
    assert(!accel_start(tm->accel, &err));
}

static inline void toy_machine_init(struct toy_machine *tm, unsigned nharts, const char *accel)
{
    toy_machine_init_options(tm, &(struct accel_options){.nharts = nharts}, accel);
}

static inline void toy_machine_fini(struct toy_machine *tm)
{
    accel_stop(tm->accel);
    for (unsigned i = 0; i < tm->nharts; i++) {
        vcpu_fini(&tm->hart[i]->cpu);
        free(tm->hart[i]);
    }
    accel_free(tm->accel);
    memory_map_free(tm->m.memory);
    tm->m.memory = NULL;
    machine_fini(&tm->m);
}

static inline void toy_code(struct toy_machine *tm, uint64_t va, uint32_t insn)
{
    assert(memory_write(tm->m.memory, va, &insn, 4));
}

/* Starts hart I at VA with x2 = N; it must be waiting. */
static inline void toy_go(struct toy_machine *tm, unsigned i, uint64_t va, uint64_t n)
{
    accel_pause(tm->accel);
    tm->hart[i]->cpu.pc = va;
    tm->hart[i]->x[1] = 0;
    tm->hart[i]->x[2] = n;
    store_release(&tm->hart[i]->done, 0);
    accel_resume(tm->accel);
    vcpu_kick(&tm->hart[i]->cpu, VCPU_POLL_IRQ);
}

static inline void toy_wait(struct toy_machine *tm, unsigned i)
{
    while (!load_acquire(&tm->hart[i]->done)) {
        sched_yield();
    }
}

#endif
