/* SPDX-License-Identifier: MIT */
/*
 * The translator, one TB at a time, on the interpreter and on the host's backend: where
 * superblocks go and end, what is fused, that code does not depend on its address, and that no
 * bytes whatever upset it.
 */
#include "tests/target/translate-fixture.h"
#include <sys/mman.h>

enum { ZERO, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5 };

#define R(op, f3, f7, rd, rs1, rs2) \
    ((uint32_t)(f7) << 25 | (rs2) << 20 | (rs1) << 15 | (f3) << 12 | (rd) << 7 | (op))
#define I(op, f3, rd, rs1, imm) \
    ((uint32_t)(imm) << 20 | (rs1) << 15 | (f3) << 12 | (rd) << 7 | (op))
#define ADDI(rd, rs1, imm) I(0x13u, 0, rd, rs1, imm)
#define SLLI(rd, rs1, n)   I(0x13u, 1, rd, rs1, n)
#define SRLI(rd, rs1, n)   I(0x13u, 5, rd, rs1, n)
#define SRAI(rd, rs1, n)   I(0x13u, 5, rd, rs1, 0x400 | (n))
#define ADD(rd, rs1, rs2)  R(0x33u, 0, 0, rd, rs1, rs2)
#define XOR(rd, rs1, rs2)  R(0x33u, 4, 0, rd, rs1, rs2)
#define LD(rd, rs1, imm)   I(0x03u, 3, rd, rs1, imm)
#define LUI(rd, imm20)     ((uint32_t)(imm20) << 12 | (rd) << 7 | 0x37u)
#define AUIPC(rd, imm20)   ((uint32_t)(imm20) << 12 | (rd) << 7 | 0x17u)
#define JALR(rd, rs1, imm) I(0x67u, 0, rd, rs1, imm)
#define LR_W(rd, rs1)      (0x1000202fu | (rs1) << 15 | (rd) << 7)
#define SC_W(rd, rs1, rs2) (0x1800202fu | (rs2) << 20 | (rs1) << 15 | (rd) << 7)
#define ECALL              0x73u
#define BRANCH(f3, rs1, rs2, off)                                                          \
    (((uint32_t)(off) >> 12 & 1) << 31 | ((uint32_t)(off) >> 5 & 63) << 25 | (rs2) << 20 | \
     (rs1) << 15 | (f3) << 12 | ((uint32_t)(off) >> 1 & 15) << 8 |                         \
     ((uint32_t)(off) >> 11 & 1) << 7 | 0x63u)
#define BEQ(rs1, rs2, off) BRANCH(0u, rs1, rs2, off)
#define BNE(rs1, rs2, off) BRANCH(1u, rs1, rs2, off)
#define JAL(rd, off)                                                           \
    (((uint32_t)(off) >> 20 & 1) << 31 | ((uint32_t)(off) >> 1 & 1023) << 21 | \
     ((uint32_t)(off) >> 11 & 1) << 20 | ((uint32_t)(off) >> 12 & 255) << 12 | (rd) << 7 | 0x6fu)

static uint64_t rng(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Runs TEST on both backends. */
static void on_both(struct unit *u, void (*test)(struct unit *u, struct bench *t))
{
    for (int interp = 1; interp >= 0; interp--) {
        struct bench *t = bench_new(interp);

        test(u, t);
        bench_free(t);
    }
}

#define CODE(t, off, ...)                               \
    do {                                                \
        const uint32_t words_[] = {__VA_ARGS__};        \
        bench_code(t, off, words_, ARRAY_SIZE(words_)); \
    } while (0)

/* ---- registers and constants ------------------------------------------------------------ */

static void x0(struct unit *u, struct bench *t)
{
    CODE(t, 0, ADDI(ZERO, ZERO, 5), LD(ZERO, A0, 0), ADD(A1, ZERO, ZERO), ECALL);
    t->h.x[A0] = 64;
    t->h.x[A1] = 9;
    bench_run(t);
    CHECK_EQ(u, t->h.x[0], 0);
    CHECK_EQ(u, t->h.x[A1], 0);
    CHECK_EQ(u, t->nloads, 1);
    CHECK_EQ(u, t->calls[0].helper, HELPER_ecall);
}

static void x0_is_never_written_but_loads_to_it_access_memory(struct unit *u)
{
    on_both(u, x0);
}

static void wide_auipc(struct unit *u, struct bench *t)
{
    CODE(t, 0xffc, AUIPC(A0, 0x7ffff));
    bench_run(t);
    CHECK_EQ(u, t->h.x[A0], 0x10ffc + UINT64_C(0x7ffff000));
    CODE(t, 0xffc, AUIPC(A0, 0x80000));
    bench_run(t);
    CHECK_EQ(u, t->h.x[A0], 0x10ffc - UINT64_C(0x80000000));
}

static void auipc_reaches_two_gigabytes_both_ways(struct unit *u)
{
    on_both(u, wide_auipc);
}

static void two_places(struct unit *u, struct bench *t)
{
    const uint8_t *entry;

    CODE(t, 0x100, AUIPC(A0, 1), JAL(RA, 16));
    put32(t, 0x114, AUIPC(A1, 0));
    put32(t, 0x118, ADDI(A1, A1, 8));
    put32(t, 0x11c, JALR(A2, A1, 0x20));
    entry = bench_compile(t);
    for (uint64_t base = 0x10000; base < 0x200000000000; base *= 64) {
        t->src.pc_page = base;
        bench_exec(t, entry);
        CHECK_EQ(u, t->h.x[A0], base + 0x1100);
        CHECK_EQ(u, t->h.x[RA], base + 0x108);
        CHECK_EQ(u, t->h.x[A1], base + 0x11c);
        CHECK_EQ(u, t->h.x[A2], base + 0x120);
        CHECK_EQ(u, t->h.cpu.pc, base + 0x13c);
    }
}

static void code_does_not_depend_on_its_address(struct unit *u)
{
    on_both(u, two_places);
}

/* ---- superblocks ------------------------------------------------------------------------ */

static void straight_through(struct unit *u, struct bench *t)
{
    CODE(t, 0, ADDI(A0, ZERO, 1), BEQ(A1, A2, 0x40), ADDI(A0, A0, 2), BNE(A1, A3, 0x1000 - 12),
         ADDI(A0, A0, 4), JAL(ZERO, 8), 0, ADDI(A0, A0, 8), BNE(A1, A2, -4), ADDI(A0, A0, 16));
    t->h.x[A1] = t->h.x[A3] = 3;
    t->h.x[A2] = 4;
    bench_run(t);
    CHECK_EQ(u, t->src.ninsns, 8);
    CHECK_EQ(u, t->src.end_off, 36);
    CHECK_EQ(u, t->h.x[A0], 15);
    CHECK_EQ(u, t->h.cpu.pc, 0x1001c);

    t->h.x[A2] = 3;
    bench_run(t);
    CHECK_EQ(u, t->h.x[A0], 1);
    CHECK_EQ(u, t->h.cpu.pc, 0x10044);

    t->h.x[A2] = 4;
    t->h.x[A3] = 5;
    bench_run(t);
    CHECK_EQ(u, t->h.x[A0], 3);
    CHECK_EQ(u, t->h.cpu.pc, 0x11000);
}

static void superblocks_go_through_branches_that_are_not_taken(struct unit *u)
{
    on_both(u, straight_through);
}

static void no_superblock(struct unit *u, struct bench *t)
{
    t->src.superblock = false;
    CODE(t, 0, ADDI(A0, ZERO, 1), BEQ(A1, A2, 0x40), ADDI(A0, A0, 2));
    t->h.x[A1] = 1;
    bench_run(t);
    CHECK_EQ(u, t->src.ninsns, 2);
    CHECK_EQ(u, t->h.cpu.pc, 0x10008);
    CODE(t, 0, JAL(ZERO, 8), 0, ADDI(A0, A0, 8));
    bench_run(t);
    CHECK_EQ(u, t->src.ninsns, 1);
}

static void superblock_off_ends_at_every_branch(struct unit *u)
{
    on_both(u, no_superblock);
}

static void page_end(struct unit *u, struct bench *t)
{
    CODE(t, 0xff8, ADDI(A0, ZERO, 1), ADDI(A0, A0, 1));
    bench_run(t);
    CHECK_EQ(u, t->h.cpu.pc, 0x11000);
    CHECK_EQ(u, t->src.end_off, 4096);

    CODE(t, 0xff6, ADDI(A0, ZERO, 1), ADDI(A0, A0, 1));
    put16(t, 0xffe, (uint16_t)ADDI(A0, A0, 7));
    bench_run(t);
    CHECK_EQ(u, t->src.ninsns, 2);
    CHECK_EQ(u, t->h.cpu.pc, 0x10ffe);

    t->src.pc_off = 0xffe;
    store_le16(t->next, ADDI(A0, A0, 7) >> 16);
    t->src.next = t->next;
    bench_run(t);
    CHECK_EQ(u, t->src.ninsns, 1);
    CHECK_EQ(u, t->src.end_off, 4098);
    CHECK_EQ(u, t->h.x[A0], 9);
    CHECK_EQ(u, t->h.cpu.pc, 0x11002);

    t->src.next = NULL;
    bench_run(t);
    CHECK_EQ(u, t->calls[0].helper, HELPER_raise);
    CHECK_EQ(u, t->calls[0].imm, CAUSE_FETCH_ACCESS);
    CHECK_EQ(u, t->calls[0].arg[0], 0x11000);
}

static void instructions_that_cross_the_page_stand_alone(struct unit *u)
{
    on_both(u, page_end);
}

static void jumps(struct unit *u, struct bench *t)
{
    CODE(t, 0, JALR(A0, A0, 3));
    t->h.x[A0] = 0x4000;
    bench_run(t);
    CHECK_EQ(u, t->h.x[A0], 0x10004);
    CHECK_EQ(u, t->h.cpu.pc, 0x4002);
    CODE(t, 0, AUIPC(RA, 0x12), JALR(RA, RA, 0x7f));
    bench_run(t);
    CHECK_EQ(u, t->h.x[RA], 0x10008);
    CHECK_EQ(u, t->h.cpu.pc, 0x2207e);
    CODE(t, 0, JAL(RA, 0x2000));
    bench_run(t);
    CHECK_EQ(u, t->h.cpu.pc, 0x12000);
}

static void jumps_go_where_they_say(struct unit *u)
{
    on_both(u, jumps);
}

static void misaligned_targets(struct unit *u, struct bench *t)
{
    t->config.ext[EXT_C / 64] &= ~BIT(EXT_C % 64);
    CODE(t, 0, JAL(RA, 0x102));
    t->h.x[RA] = 1;
    bench_run(t);
    CHECK_EQ(u, t->calls[0].imm, CAUSE_FETCH_MISALIGNED);
    CHECK_EQ(u, t->calls[0].arg[0], 0x10102);
    CHECK_EQ(u, t->h.x[RA], 1);
    CODE(t, 0, JALR(RA, A0, 2));
    t->h.x[A0] = 0x4001;
    bench_run(t);
    CHECK_EQ(u, t->calls[0].imm, CAUSE_FETCH_MISALIGNED);
    CHECK_EQ(u, t->calls[0].arg[0], 0x4002);
    CHECK_EQ(u, t->h.x[RA], 1);
    CODE(t, 0, BEQ(A1, A2, 0x102), ECALL);
    t->h.x[A1] = t->h.x[A2] = 4;
    bench_run(t);
    CHECK_EQ(u, t->calls[0].imm, CAUSE_FETCH_MISALIGNED);
    t->h.x[A2] = 5;
    bench_run(t);
    CHECK_EQ(u, t->calls[0].helper, HELPER_ecall);
}

static void without_c_misaligned_targets_trap_when_jumped_to(struct unit *u)
{
    on_both(u, misaligned_targets);
}

/* ---- fusion ----------------------------------------------------------------------------- */

/*
 * A random instruction of the rows that only work on registers; shifts by the amounts that fuse
 * are frequent.
 */
static uint32_t random_pure(uint64_t *seed)
{
    static const uint32_t favourites[] = {SLLI(A0, A1, 32), SRLI(A0, A0, 32), SRAI(A0, A0, 32),
                                          SLLI(A0, A2, 2),  ADD(A0, A0, A1),  ADD(A0, A3, A0),
                                          SLLI(A1, A1, 48), SRLI(A1, A1, 48), SLLI(A1, A0, 56),
                                          SRAI(A1, A1, 56), SLLI(A0, A0, 1),  SRAI(A0, A0, 48)};
    uint32_t mask, match;
    unsigned row;

    if (rng(seed) % 3 == 0) {
        return favourites[rng(seed) % ARRAY_SIZE(favourites)];
    }
    do {
        row = (unsigned)(rng(seed) % INSN_COUNT);
    } while (!(insn_rows[row].flags & PURE) || insn_rows[row].id == INSN_auipc);
    insn_picture_parse(insn_rows[row].picture, &mask, &match);
    match |= (uint32_t)rng(seed) & ~mask;
    /* few registers, so that results are used */
    match = (match & ~(~mask & 0xc00)) | (~mask & 0x200 & (uint32_t)rng(seed));
    return match;
}

static void random_registers(struct bench *t, uint64_t *seed)
{
    static const uint64_t edges[] = {0,       1,          UINT64_MAX, INT64_MAX,
                                     BIT(63), 0x7fffffff, 0x80000000, 0xffffffff};

    for (unsigned r = 1; r < 32; r++) {
        uint64_t pick = rng(seed);

        t->h.x[r] =
            pick & 1 ? edges[(pick >> 1) % ARRAY_SIZE(edges)] : rng(seed) >> (pick >> 1) % 64;
    }
}

/* The program in the page, one instruction a TB. */
static void run_singly(struct bench *t, unsigned n)
{
    t->src.max_insns = 1;
    for (unsigned i = 0; i < n; i++) {
        t->src.pc_off = (int32_t)(i * 4);
        bench_run(t);
    }
    t->src.max_insns = 64;
    t->src.pc_off = 0;
}

static void superblock_equals_single(struct unit *u, struct bench *t)
{
    uint64_t seed = 11;

    for (unsigned round = 0; round < 400 && !u->failed; round++) {
        uint32_t words[30];
        uint64_t start[32], want[32];

        for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
            words[i] = random_pure(&seed);
        }
        bench_code(t, 0, words, ARRAY_SIZE(words));
        random_registers(t, &seed);
        memcpy(start, t->h.x, sizeof(start));
        run_singly(t, ARRAY_SIZE(words));
        memcpy(want, t->h.x, sizeof(want));
        memcpy(t->h.x, start, sizeof(start));
        t->src.max_insns = ARRAY_SIZE(words);
        bench_run(t);
        CHECK_EQ(u, t->src.ninsns, ARRAY_SIZE(words));
        for (unsigned r = 0; r < 32; r++) {
            CHECK_EQ(u, t->h.x[r], want[r]);
        }
    }
}

static void a_superblock_does_what_its_instructions_do_one_by_one(struct unit *u)
{
    on_both(u, superblock_equals_single);
}

/* ---- LR/SC ------------------------------------------------------------------------------ */

static void fused_pair(struct unit *u, struct bench *t)
{
    CODE(t, 0, LR_W(A0, S0), BNE(A0, A1, 0x40), XOR(A2, A0, A3), SC_W(A4, S0, A2),
         BNE(A4, ZERO, -16));
    store_le32(t->ram + 128, 0x80000001);
    t->h.x[S0] = 128;
    t->h.x[A1] = (uint64_t)(int32_t)0x80000001;
    t->h.x[A3] = 0xff;
    t->h.x[A4] = 77;
    t->h.cpu.mmu.resv.pa = 64 | 1;
    bench_run(t);
    CHECK_EQ(u, t->ncalls, 0);
    CHECK_EQ(u, t->h.x[A0], (uint64_t)(int32_t)0x80000001);
    CHECK_EQ(u, t->h.x[A4], 0);
    CHECK_EQ(u, load_le32(t->ram + 128), 0x800000fe);
    CHECK_EQ(u, t->h.cpu.mmu.resv.pa, 0);
    CHECK_EQ(u, t->h.cpu.pc, 0x10014);
}

/* What LR read is in no register any more: in the last one, x0 never had it. */
static void fused_pair_without_value(struct unit *u, struct bench *t)
{
    CODE(t, 0, LR_W(A0, S0), XOR(A0, A0, A3), SC_W(A4, S0, A0), LR_W(ZERO, S0), SC_W(A5, S0, A3),
         BNE(A5, ZERO, -20));
    store_le32(t->ram + 128, 0x80000001);
    t->h.x[S0] = 128;
    t->h.x[A3] = 0xff;
    t->h.x[A4] = t->h.x[A5] = 77;
    bench_run(t);
    CHECK_EQ(u, t->ncalls, 0);
    CHECK_EQ(u, t->h.x[A4], 0);
    CHECK_EQ(u, t->h.x[A5], 0);
    CHECK_EQ(u, load_le32(t->ram + 128), 0xff);
}

static void pairs_with_register_work_between_are_fused(struct unit *u)
{
    on_both(u, fused_pair);
    on_both(u, fused_pair_without_value);
}

static void expect_helpers(struct unit *u, struct bench *t)
{
    t->h.x[S0] = 128;
    bench_run(t);
    CHECK(u, t->ncalls > 0);
    CHECK_EQ(u, t->calls[0].helper, HELPER_lr);
    CHECK_EQ(u, t->calls[0].arg[0], 128);
}

static void unfused_pairs(struct unit *u, struct bench *t)
{
    CODE(t, 0, LR_W(A0, S0), LD(A1, S0, 0), SC_W(A4, S0, A2), ECALL); /* a load */
    expect_helpers(u, t);
    CODE(t, 0, LR_W(A0, S0), ADDI(S0, S0, 0), SC_W(A4, S0, A2), ECALL); /* the address changes */
    expect_helpers(u, t);
    CODE(t, 0, LR_W(S0, S0), SC_W(A4, S0, A2), ECALL);
    expect_helpers(u, t);
    CODE(t, 0, LR_W(A0, S0), SC_W(A4, S0, A2) | 1 << 12, ECALL); /* other size */
    expect_helpers(u, t);
    CODE(t, 0, LR_W(A0, S0), BEQ(A0, A1, 8), ADDI(A2, A2, 1), SC_W(A4, S0, A2),
         ECALL); /* a way around to the SC */
    expect_helpers(u, t);
    CODE(t, 0, LR_W(A0, S0), BEQ(A0, A1, 12), SC_W(A4, S0, A2), ECALL, SC_W(A4, S0, A3),
         ECALL); /* two SCs */
    expect_helpers(u, t);
    /* so many exits before it that the SC might not be in the TB */
    CODE(t, 0, BEQ(A1, A3, 0x80), BEQ(A1, A3, 0x80), BEQ(A1, A3, 0x80), BEQ(A1, A3, 0x80),
         BEQ(A1, A3, 0x80), BEQ(A1, A3, 0x80), BEQ(A1, A3, 0x80), BEQ(A1, A3, 0x80),
         BEQ(A1, A3, 0x80), LR_W(A0, S0), BNE(A0, A1, 0x40), SC_W(A4, S0, A2), ECALL);
    t->h.x[A3] = 1;
    expect_helpers(u, t);
    t->src.fuse_lrsc = false;
    CODE(t, 0, LR_W(A0, S0), SC_W(A4, S0, A2), ECALL);
    expect_helpers(u, t);
    CHECK_EQ(u, t->calls[1].helper, HELPER_sc);
}

static void other_pairs_go_through_the_helpers(struct unit *u)
{
    on_both(u, unfused_pairs);
}

/* ---- F ---------------------------------------------------------------------------------- */

#define FLD(rd, rs1, imm)            I(0x07u, 3, rd, rs1, imm)
#define FADD_D(rd, rs1, rs2, rm)     R(0x53u, rm, 1, rd, rs1, rs2)
#define FSGNJ(fmt, rm, rd, rs1, rs2) R(0x53u, rm, 0x10 | (fmt), rd, rs1, rs2)

static void fs_states(struct unit *u, struct bench *t)
{
    t->src.mode_key = PRIV_M;
    CODE(t, 0, FLD(1, S0, 0), ECALL);
    bench_run(t);
    CHECK_EQ(u, t->calls[0].helper, HELPER_raise);
    CHECK_EQ(u, t->calls[0].imm, CAUSE_ILLEGAL);
    CHECK_EQ(u, t->calls[0].arg[0], FLD(1, S0, 0));

    t->src.mode_key = PRIV_M | 1 << 2;
    t->h.mstatus = (uint64_t)FS_CLEAN << 13;
    t->h.x[S0] = FAULT_VA;
    bench_run(t);
    CHECK_EQ(u, t->ncalls, 0);
    t->h.x[S0] = 64;
    bench_run(t);
    CHECK_EQ(u, t->calls[0].helper, HELPER_fs_dirty);
    CHECK_EQ(u, t->exit.kind, TCG_EXIT_LOOKUP); /* the rest in another mode */

    CODE(t, 0, FADD_D(1, 2, 3, 5u), ECALL);
    bench_run(t);
    CHECK_EQ(u, t->calls[0].helper, HELPER_raise);
    CODE(t, 0, FADD_D(1, 2, 3, 7u), ECALL);
    t->h.f[2] = 0x3ff0000000000000;
    t->h.f[3] = 0x3ca0000000000000; /* half a unit in the last place */
    bench_run(t);
    CHECK_EQ(u, t->h.f[1], 0x3ff0000000000000);
    CHECK_EQ(u, hart_fflags(&t->h), 1);
    t->src.mode_key |= KEY_FRM; /* a reserved mode */
    bench_run(t);
    CHECK_EQ(u, t->calls[0].helper, HELPER_raise);
}

static void fs_gates_and_is_made_dirty_behind_what_traps(struct unit *u)
{
    on_both(u, fs_states);
}

static void sign_injection(struct unit *u, struct bench *t)
{
    const uint64_t box = UINT64_C(0xffffffff00000000), values[] = {
                                                           0,
                                                           BIT(63),
                                                           box | 0x80000000u,
                                                           box | 0x3f800000,
                                                           box | 0xff812345,
                                                           0x3f800000,
                                                           BIT(63) | 123,
                                                           0x7fffffff80000001,
                                                       };

    for (unsigned op = 0; op < 3; op++) {
        for (unsigned n = 0; n < ARRAY_SIZE(values) * ARRAY_SIZE(values); n++) {
            uint64_t a = values[n % ARRAY_SIZE(values)], b = values[n / ARRAY_SIZE(values)];
            uint32_t sa = a >= box ? (uint32_t)a : 0x7fc00000,
                     sb = b >= box ? (uint32_t)b : 0x7fc00000;
            uint64_t sign = op == 0 ? b : op == 1 ? ~b : a ^ b;
            uint32_t sign_s = op == 0 ? sb : op == 1 ? ~sb : sa ^ sb;

            CODE(t, 0, FSGNJ(0, op, 1, 2, 3), FSGNJ(1, op, 4, 2, 3), FSGNJ(0, op, 5, 2, 2), ECALL);
            t->h.f[2] = a;
            t->h.f[3] = b;
            bench_run(t);
            CHECK_EQ(u, t->h.f[1], box | (sa & 0x7fffffff) | (sign_s & 0x80000000u));
            CHECK_EQ(u, t->h.f[4], (a & ~BIT(63)) | (sign & BIT(63)));
            CHECK_EQ(u, t->h.f[5],
                     box | (op == 0   ? sa
                            : op == 1 ? sa ^ 0x80000000u
                                      : sa & 0x7fffffff));
        }
    }
}

static void sign_injection_checks_boxes(struct unit *u)
{
    on_both(u, sign_injection);
}

/* ---- hostile bytes ---------------------------------------------------------------------- */

/* Mostly instances of rows, some noise. */
static void fill_page(uint8_t *page, uint64_t *seed)
{
    for (unsigned off = 0; off < 4096;) {
        const struct insn_row *row = &insn_rows[rng(seed) % INSN_ROW_COUNT];
        uint32_t mask, match, noise = (uint32_t)rng(seed);

        insn_picture_parse(row->picture, &mask, &match);
        match = rng(seed) % 16 ? match | (noise & ~mask) : noise;
        store_le16(page + off, (uint16_t)match);
        if (row->len == 4 && off + 2 < 4096) {
            store_le16(page + off + 2, (uint16_t)(match >> 16));
        }
        off += row->len;
    }
}

/* A page with nothing mapped behind it. */
static uint8_t *guarded_page(void)
{
    uint8_t *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert(p != MAP_FAILED);
    mprotect(p + 4096, 4096, PROT_NONE);
    return p;
}

static void hostile(struct unit *u, struct bench *t)
{
    uint8_t *page = guarded_page(), *next = guarded_page();
    uint64_t seed = 13;

    t->src.host = page;
    for (unsigned n = 0; n < 20000 && !u->failed; n++) {
        if (n % 64 == 0) {
            fill_page(page, &seed);
        }
        t->src.pc_off =
            n % 4 ? (int32_t)(rng(&seed) % 2048 * 2) : 4096 - 2 * (int32_t)(1 + n / 4 % 8);
        t->src.next = rng(&seed) % 2 && t->src.pc_off == 4094 ? next : NULL;
        t->src.max_insns = n % 5 ? 96 : 1 + n % 7;
        t->src.superblock = n % 3 != 0;
        t->src.mode_key = (uint32_t)(rng(&seed) % 3) << 2;
        bench_compile(t);
        CHECK(u, t->src.ninsns >= 1 && t->src.ninsns <= t->src.max_insns);
        CHECK(u, t->src.end_off > t->src.pc_off &&
                     t->src.end_off <= t->src.pc_off + 4 * (int32_t)t->src.max_insns);
        CHECK(u, t->src.end_off <= 4096 + (t->src.next != NULL ? 2 : 0));
    }
    t->src.host = t->page;
    munmap(page, 8192);
    munmap(next, 8192);
}

static void no_bytes_upset_the_translator(struct unit *u)
{
    on_both(u, hostile);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(x0_is_never_written_but_loads_to_it_access_memory),
        UNIT(auipc_reaches_two_gigabytes_both_ways),
        UNIT(code_does_not_depend_on_its_address),
        UNIT(superblocks_go_through_branches_that_are_not_taken),
        UNIT(superblock_off_ends_at_every_branch),
        UNIT(instructions_that_cross_the_page_stand_alone),
        UNIT(jumps_go_where_they_say),
        UNIT(without_c_misaligned_targets_trap_when_jumped_to),
        UNIT(a_superblock_does_what_its_instructions_do_one_by_one),
        UNIT(pairs_with_register_work_between_are_fused),
        UNIT(other_pairs_go_through_the_helpers),
        UNIT(fs_gates_and_is_made_dirty_behind_what_traps),
        UNIT(sign_injection_checks_boxes),
        UNIT(no_bytes_upset_the_translator),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
