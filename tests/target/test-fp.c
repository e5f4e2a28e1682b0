/* SPDX-License-Identifier: MIT */
/*
 * F and D instructions as they are translated, against the function that defines them: results and
 * fflags of every instruction, in every static rounding mode and with every frm, on the host's
 * backend with all its features, with fewer, and with everything outside. Operands: all pairs of a
 * table of hard ones, and random ones of every size, some of them not NaN-boxed. An argument
 * multiplies the number of random operand sets (500 makes 10 million for each variant).
 */
#include "tests/random.h"
#include "tests/target/translate-fixture.h"
#include <string.h>

enum { RANDOM_SETS = 300, BOX_EVERY = 16 };

static unsigned long factor = 1;

/* ---- operands --------------------------------------------------------------------------- */

static const uint64_t hard64[] = {
    0,
    1,
    0x000fffffffffffff,
    0x0010000000000000,
    0x0010000000000001,
    0x1fffffffffffffff,
    0x3ca0000000000000,
    0x3fdfffffffffffff,
    0x3fe0000000000000,
    0x3fe0000000000001,
    0x3fefffffffffffff,
    0x3ff0000000000000,
    0x3ff0000000000001,
    0x3ff8000000000000,
    0x4004000000000000,
    0x41dfffffffc00000, /* 2^31 - 1, and around */
    0x41dfffffffe00000,
    0x41dfffffffffffff,
    0x41e0000000000000,
    0x41e0000000100000,
    0x41e0000000200000,
    0x41efffffffe00000, /* 2^32 - 1 */
    0x41efffffffe00001,
    0x41effffffff00000,
    0x41efffffffffffff,
    0x41f0000000000000,
    0x4330000000000001,
    0x43dfffffffffffff, /* below 2^63 */
    0x43e0000000000000,
    0x43efffffffffffff, /* below 2^64 */
    0x43f0000000000000,
    0x47efffffe0000000, /* the largest F32, and around */
    0x47efffffefffffff,
    0x47effffff0000000,
    0x3810000000000000, /* the smallest normal F32, and around */
    0x380fffffffffffff,
    0x380fffffdfffffff,
    0x36a0000000000000,
    0x3690000000000000,
    0x7fefffffffffffff,
    0x7ff0000000000000,
    0x7ff0000000000001, /* signalling */
    0x7ff7ffffffffffff,
    0x7ff8000000000000,
    0x7fffffffffffffff,
};

static const uint32_t hard32[] = {
    0,          1,          0x007fffff, 0x00800000, 0x00800001, 0x0fffffff, 0x33800000, 0x3effffff,
    0x3f000000, 0x3f000001, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3fc00000, 0x40200000, 0x4b000001,
    0x4effffff, 0x4f000000, 0x4f000001, 0x4f7fffff, 0x4f800000, 0x5effffff, 0x5f000000, 0x5f7fffff,
    0x5f800000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fbfffff, 0x7fc00000, 0x7fffffff,
};

static const uint64_t hard_ints[] = {
    0,
    1,
    UINT64_MAX,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0xffffffff80000000,
    0x0000000001000001,
    0x0020000000000001,
    0x003fffffffffffff,
    0x7fffffffffffffff,
    0x8000000000000000,
    0x8000000000000001,
    0x7ffffffffffffdff,
    0x7ffffffffffffe00,
    0xfffffffffffffbff,
    0xfffffffffffffc00,
    0xffffff7fffffffff,
};

static uint64_t box(uint32_t value)
{
    return value | UINT64_C(0xffffffff00000000);
}

/* Hard value N, positive and negative ones in turn. */
static uint64_t hard(bool single, unsigned n)
{
    if (single) {
        return box(hard32[n / 2 % ARRAY_SIZE(hard32)] | (n & 1 ? 0x80000000u : 0));
    }
    return hard64[n / 2 % ARRAY_SIZE(hard64)] | (n & 1 ? BIT(63) : 0);
}

static unsigned nhard(bool single)
{
    return 2 * (unsigned)(single ? ARRAY_SIZE(hard32) : ARRAY_SIZE(hard64));
}

/* Random bits, hard values, and values near 1 whose sums and products meet. */
static uint64_t random_float(uint64_t *r, bool single)
{
    uint64_t n = next_random(r), bits = next_random(r);

    switch (n & 3) {
    case 0:
        return hard(single, (unsigned)(bits >> 8));
    case 1:
        bits &= n & 4 ? ~UINT64_C(0) << (n >> 8 & 31) : ~UINT64_C(0);
        break;
    default:
        if (single) {
            bits = (bits & 0x807fffffu) | (uint64_t)(127 - 16 + (n >> 8 & 31)) << 23;
        } else {
            bits = (bits & UINT64_C(0x800fffffffffffff)) | (uint64_t)(1023 - 32 + (n >> 8 & 63))
                                                               << 52;
        }
    }
    if (!single) {
        return bits;
    }
    return n >> 32 & (BOX_EVERY - 1) ? box((uint32_t)bits) : bits;
}

/* ---- one instruction -------------------------------------------------------------------- */

struct row {
    const char *name;
    enum insn_id id;
    enum ir_op op;
    enum ir_type type;
    bool exact;
};

static const struct row rows[] = {
#define FP(name, op, type, exact) {#name, INSN_##name, IR_##op, IR_##type, exact},
#include "target-riscv/trans-fp.def"
#undef FP
};

enum { RD = 1, RS1 = 10, RS2 = 11, RS3 = 12 };

/* Registers of the instruction under test; equal ones make other code. */
struct shape {
    unsigned rd, rs1, rs2, rs3;
};
static const struct shape shapes[] = {
    {RD, RS1, RS2, RS3}, {RS1, RS1, RS2, RS3}, {RS2, RS1, RS2, RS3}, {RS3, RS1, RS2, RS3},
    {RD, RS1, RS1, RS1}, {RS1, RS1, RS1, RS1}, {RS2, RS1, RS2, RS2}, {RS1, RS1, RS2, RS1},
};

static const struct insn_row *row_of(const struct row *r)
{
    return &insn_rows[r->id];
}

static bool has_rm(const struct row *r)
{
    enum insn_format f = row_of(r)->format;

    return f == FORMAT_RM || f == FORMAT_R2M || f == FORMAT_R4;
}

/* The fixed bits of a picture. */
static uint32_t fixed_bits(const char *picture)
{
    uint32_t word = 0;

    for (; *picture; picture++) {
        if (*picture != ' ') {
            word = word << 1 | (*picture == '1');
        }
    }
    return word;
}

static uint32_t encode(const struct row *r, const struct shape *s, unsigned rm)
{
    const struct insn_row *row = row_of(r);
    uint32_t word = fixed_bits(row->picture) | s->rd << 7 | s->rs1 << 15;

    if (row->flags & FS2) {
        word |= s->rs2 << 20;
    }
    if (row->flags & FS3) {
        word |= s->rs3 << 27;
    }
    return has_rm(r) ? word | rm << 12 : word;
}

struct run {
    struct unit *u;
    struct bench *t;
    struct hart *want; /* what the definition says */
    const struct row *row;
    const struct shape *shape;
    const uint8_t *code;
    unsigned rm;
    const char *variant;
};

static void report(const struct run *r, const uint64_t args[3], uint64_t got, uint64_t want)
{
    if (r->u->failed) {
        return;
    }
    r->u->failed = true;
    printf("FAIL %s: %s %s rm %u frm %u rd f%u (%016" PRIx64 " %016" PRIx64 " %016" PRIx64
           "): %016" PRIx64 " flags %02x, not %016" PRIx64 " flags %02x\n",
           r->u->name, r->variant, r->row->name, r->rm, r->t->h.frm, r->shape->rd, args[0], args[1],
           args[2], got, hart_fflags(&r->t->h), want, hart_fflags(r->want));
}

static void check(const struct run *r, const uint64_t values[3])
{
    const struct shape *s = r->shape;
    struct hart *h = &r->t->h;
    uint64_t args[3], got, want;
    uint8_t frm = h->frm;

    hart_set_fcsr(h, frm, 0);
    hart_set_fcsr(r->want, frm, 0);
    h->f[RS1] = values[0];
    h->f[RS2] = values[1];
    h->f[RS3] = values[2];
    h->x[RS1] = values[0];
    args[0] = h->f[s->rs1];
    args[1] = h->f[s->rs2];
    args[2] = h->f[s->rs3];
    want =
        riscv_fp(r->want, r->row->op, r->row->type, has_rm(r->row) ? r->rm : IR_RM_DYNAMIC, args);
    bench_exec(r->t, r->code);
    got = row_of(r->row)->flags & FD ? h->f[s->rd] : h->x[s->rd];
    if (got != want || hart_fflags(h) != hart_fflags(r->want)) {
        report(r, args, got, want);
    }
}

static bool source_is_single(const struct row *r)
{
    return (r->type == IR_F32) != (r->op == IR_fcvt_f);
}

static void check_hard(const struct run *r)
{
    bool single = source_is_single(r->row), binary = row_of(r->row)->flags & FS2;
    unsigned n = nhard(single), nb = binary ? n : 1;

    if (!(row_of(r->row)->flags & FS1)) {
        for (unsigned a = 0; a < ARRAY_SIZE(hard_ints); a++) {
            check(r, (uint64_t[3]){hard_ints[a]});
        }
        return;
    }
    for (unsigned a = 0; a < n; a++) {
        for (unsigned b = 0; b < nb; b++) {
            check(r, (uint64_t[3]){hard(single, a), hard(single, b), hard(single, a * 7 + b * 3)});
        }
    }
}

static void check_random(const struct run *r, uint64_t *random, unsigned long n)
{
    bool single = source_is_single(r->row), ints = !(row_of(r->row)->flags & FS1);

    for (unsigned long k = 0; k < n; k++) {
        uint64_t values[3];

        for (unsigned j = 0; j < 3; j++) {
            values[j] = random_float(random, single);
        }
        if (ints) {
            values[0] = next_random(random);
            values[0] = (uint64_t)((int64_t)values[0] >> (values[1] & 63));
        }
        check(r, values);
    }
}

/* The instruction with rounding mode RM while frm is FRM, in all shapes. */
static void check_mode(struct run *r, uint64_t *random, unsigned rm, uint8_t frm, bool all)
{
    static const uint32_t keys[] = {KEY_FRM_NEAREST, KEY_FRM_OTHER, KEY_FRM_OTHER, KEY_FRM_OTHER,
                                    KEY_FRM_RMM};

    r->rm = rm;
    hart_set_fcsr(&r->t->h, frm, 0);
    r->t->src.mode_key = (uint32_t)(PRIV_M | 2 << 2 | set_field(0, KEY_FRM, keys[frm]));
    for (unsigned k = 0; k < (all ? ARRAY_SIZE(shapes) : 1); k++) {
        const uint32_t words[2] = {encode(r->row, &shapes[k], rm), 0x00000073};

        r->shape = &shapes[k];
        bench_code(r->t, 0, words, 2);
        r->code = bench_compile(r->t);
        if (k == 0) {
            check_hard(r);
        }
        check_random(r, random, k == 0 ? RANDOM_SETS * factor / 10 : 30);
    }
}

static void check_row(struct run *r, uint64_t *random)
{
    for (uint8_t frm = 0; frm < 5; frm++) {
        check_mode(r, random, IR_RM_DYNAMIC, frm, frm == 0);
        if (has_rm(r->row) && frm < 2) {
            for (unsigned rm = 0; rm < 5; rm++) {
                check_mode(r, random, rm, frm, false);
            }
        }
    }
}

static void check_variant(struct unit *u, const char *name, struct tcg_options options)
{
    struct bench *t = bench_new(false);
    struct run r = {.u = u, .t = t, .variant = name, .want = calloc(1, sizeof(*r.want))};
    uint64_t random = 1;

    assert(r.want != NULL);
    tcg_context_free(t->ctx);
    tcg_free(t->tcg);
    code_memory_fini(&t->cm);
    options.smp = true;
    bench_tcg(t, options);
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        r.row = &rows[k];
        check_row(&r, &random);
    }
    free(r.want);
    bench_free(t);
}

/* ---- cases ------------------------------------------------------------------------------ */

static void inline_code_agrees_with_the_definition(struct unit *u)
{
    check_variant(u, "all features", (struct tcg_options){.host_features = host_features()});
}

static void code_without_fma_agrees(struct unit *u)
{
    check_variant(u, "-fma",
                  (struct tcg_options){.host_features = host_features() & ~(uint32_t)HOST_FMA});
}

static void code_without_avx_agrees(struct unit *u)
{
    uint32_t avx = HOST_AVX | HOST_FMA | HOST_AVX2;

    check_variant(u, "-avx", (struct tcg_options){.host_features = host_features() & ~avx});
}

static void sse2_code_agrees(struct unit *u)
{
    check_variant(u, "host=none", (struct tcg_options){.host_features = 0});
}

static void code_with_unpinned_registers_agrees(struct unit *u)
{
    check_variant(u, "pin=off",
                  (struct tcg_options){.pin_off = true, .host_features = host_features()});
}

static void calls_to_the_definition_agree(struct unit *u)
{
    check_variant(u, "fpu=helper",
                  (struct tcg_options){.fpu_helper = true, .host_features = host_features()});
}

int main(int argc, char **argv)
{
    static const struct unit_case cases[] = {
        UNIT(inline_code_agrees_with_the_definition),
        UNIT(code_without_fma_agrees),
        UNIT(code_without_avx_agrees),
        UNIT(sse2_code_agrees),
        UNIT(code_with_unpinned_registers_agrees),
        UNIT(calls_to_the_definition_agree),
    };

    factor = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
    return unit_run(cases, ARRAY_SIZE(cases));
}
