/* SPDX-License-Identifier: MIT */
/*
 * The program of what computes: runs the cases that gen.py made (linked with this file) and compares with its tables.
 *
 * A snippet takes operands from a struct block, runs the instruction, stores the result and what the operand registers
 * hold then, and returns through snippet_return. Loads and stores are compared with accesses of single bytes.
 */
#include "tests/insn/rt.h"

struct block {
    uint64_t saved[32];
    uint64_t a, b, c;
    uint64_t result, operand1, operand2;
    uint64_t fflags, frm;
};

enum { RD_X0 = 1, RS1_X0 = 2, RS2_X0 = 4, SAME = 8, RD_RS1 = 16, RD_RS2 = 32, CONSTANT = 64 };
enum { CASE_INT, CASE_FP, CASE_MEMORY };
enum { LOAD_SIGNED, LOAD_UNSIGNED, LOAD_BOXED, STORE };
enum { RM_DYNAMIC = 7, RM_NONE = 8 };

struct snip {
    const void *fn;
    uint64_t flags; /* of an integer snippet; RM_* or a static mode for floating point */
    uint64_t want;  /* CONSTANT */
};

struct group {
    const struct snip *snips;
    uint64_t nsnips;
    const uint64_t *wants; /* [edge a][second operand] */
    uint64_t nseconds;     /* 1: one operand */
};

struct fsnip {
    const void *fn;
    uint64_t rm;
};

struct fvector {
    uint64_t a, b, c, want;
    uint64_t rm_flags; /* rm, and the flags from bit 8 */
};

struct fgroup {
    const struct fsnip *snips;
    uint64_t nsnips;
    const struct fvector *vectors;
    uint64_t nvectors;
};

struct mem {
    const void *fn;
    int64_t offset;
    uint64_t size, kind;
    uint64_t is_x0, is_base; /* the register is x0; it is the base too */
};

struct vcase {
    const char *name;
    uint64_t kind;
    const void *rows;
    uint64_t count;
};

extern const uint64_t edges[], edges_count, vcases_count;
extern const struct vcase vcases[];
void snippet_call(const void *fn, struct block *block);

static struct block block;
static uint8_t memory[3 * 4096] __attribute__((aligned(4096)));

static void show(const char *name, uint64_t v)
{
    put_string(name);
    put_hex(v);
}

static void mismatch(const char *what, uint64_t index, uint64_t got, uint64_t want)
{
    if (!case_failed()) {
        fail_at((int)index, what);
        put_string("     ");
        show("a ", block.a);
        show(" b ", block.b);
        show(" c ", block.c);
        show(": got ", got);
        show(" want ", want);
        put_string("\n");
    }
}

/* ---- integers ------------------------------------------------------------------------------------------------------------------ */

static void run_int(const struct snip *s, uint64_t index, uint64_t a, uint64_t b, uint64_t want)
{
    uint64_t second = s->flags & SAME ? a : b;

    block.a = a;
    block.b = b;
    snippet_call(s->fn, &block);
    want = s->flags & RD_X0 ? 0 : want;
    if (block.result != want) {
        mismatch("snippet (line) result", index, block.result, want);
    }
    if (s->flags & CONSTANT) {
        return;
    }
    a = s->flags & RS1_X0 ? 0 : s->flags & RD_RS1 ? want : a;
    if (block.operand1 != a) {
        mismatch("snippet (line) first operand afterwards", index, block.operand1, a);
    }
    second = s->flags & RS2_X0 ? 0 : s->flags & RD_RS2 ? want : second;
    if (block.operand2 != second) {
        mismatch("snippet (line) second operand afterwards", index, block.operand2, second);
    }
}

/* Is this pair of edges one that the snippet can have? (Edge 0 is 0.) */
static bool possible(const struct snip *s, uint64_t i, uint64_t j)
{
    return !(s->flags & RS1_X0 && i) && !(s->flags & RS2_X0 && j) && !(s->flags & SAME && i != j);
}

static void run_group(const struct group *g)
{
    for (uint64_t n = 0; n < g->nsnips; n++) {
        const struct snip *s = &g->snips[n];

        if (s->flags & CONSTANT) {
            run_int(s, n, 0, 0, s->want);
            continue;
        }
        for (uint64_t i = 0; i < edges_count; i++) {
            for (uint64_t j = 0; j < g->nseconds; j++) {
                block.operand2 = g->nseconds == 1 ? 0 : block.operand2;
                if (g->nseconds == 1 && !(s->flags & RS1_X0 && i)) {
                    struct snip unary = *s;

                    unary.flags |= RS2_X0;
                    run_int(&unary, n, edges[i], 0, g->wants[i]);
                } else if (g->nseconds > 1 && possible(s, i, j)) {
                    run_int(s, n, edges[i], edges[j], g->wants[i * g->nseconds + j]);
                }
            }
        }
    }
}

/* ---- floating point --------------------------------------------------------------------------------------------------------- */

static void run_fp(const struct fsnip *s, uint64_t index, const struct fvector *v)
{
    uint64_t rm = v->rm_flags & 0xff, flags = v->rm_flags >> 8;

    block.a = v->a;
    block.b = v->b;
    block.c = v->c;
    /* A static mode must win over frm. */
    block.frm = s->rm == RM_DYNAMIC ? rm : (rm + 1) % 5;
    snippet_call(s->fn, &block);
    if (block.result != v->want) {
        mismatch("snippet (line) result", index, block.result, v->want);
    }
    if (block.fflags != flags) {
        mismatch("snippet (line) flags", index, block.fflags, flags);
    }
}

static void run_fgroup(const struct fgroup *g)
{
    for (uint64_t n = 0; n < g->nsnips; n++) {
        for (uint64_t i = 0; i < g->nvectors; i++) {
            uint64_t rm = g->vectors[i].rm_flags & 0xff;

            if (g->snips[n].rm == rm || g->snips[n].rm == RM_DYNAMIC) {
                run_fp(&g->snips[n], n, &g->vectors[i]);
            }
        }
    }
}

/* ---- loads and stores --------------------------------------------------------------------------------------------------------- */

static uint8_t pattern(uint64_t i)
{
    return (uint8_t)(i * 0x9d + (i >> 3) * 0x1b + 0x35);
}

static void fill(void)
{
    for (uint64_t i = 0; i < sizeof(memory); i++) {
        ((volatile uint8_t *)memory)[i] = pattern(i);
    }
}

static uint64_t wanted_load(const struct mem *m, uint64_t at)
{
    uint64_t v = 0;

    for (uint64_t i = 0; i < m->size; i++) {
        v |= (uint64_t)pattern(at + i) << 8 * i;
    }
    if (m->kind == LOAD_SIGNED && m->size < 8 && v >> (8 * m->size - 1)) {
        v |= -1UL << 8 * m->size;
    }
    if (m->kind == LOAD_BOXED) {
        v |= 0xffffffffUL << 32;
    }
    return m->is_x0 ? 0 : v;
}

static void check_bytes(const struct mem *m, uint64_t index, uint64_t at, uint64_t value)
{
    for (uint64_t i = at - 16; i < at + 24; i++) {
        uint8_t want = i - at < m->size ? (uint8_t)(value >> 8 * (i - at)) : pattern(i);
        uint8_t got = ((volatile uint8_t *)memory)[i];

        if (got != want) {
            block.c = i - at;
            mismatch("snippet (line) byte in memory", index, got, want);
        }
        ((volatile uint8_t *)memory)[i] = pattern(i);
    }
}

static void run_mem(const struct mem *m, uint64_t index)
{
    static const uint64_t places[] = {64,   65,   66,   67,   68,   69,   70,   71,   72,   120,
                                      121,  123,  125,  126,  127,  128,  2048, 4088, 4089, 4090,
                                      4091, 4092, 4093, 4094, 4095, 4096, 4097, 8190, 8191, 8192};

    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        uint64_t value = m->is_x0 ? 0 : 0xf1e2d3c4b5a69788UL + i * 0x0101010101010101UL;

        block.a = (uint64_t)memory + places[i] - (uint64_t)m->offset;
        block.b = value;
        snippet_call(m->fn, &block);
        if (m->kind == STORE) {
            check_bytes(m, index, places[i], value);
        } else if (block.result != wanted_load(m, places[i])) {
            mismatch("snippet (line) result", index, block.result, wanted_load(m, places[i]));
        }
    }
}

static void run_case(const struct vcase *c)
{
    for (uint64_t i = 0; i < c->count; i++) {
        switch (c->kind) {
        case CASE_INT:
            run_group((const struct group *)c->rows + i);
            break;
        case CASE_FP:
            run_fgroup((const struct fgroup *)c->rows + i);
            break;
        default:
            run_mem((const struct mem *)c->rows + i, i);
        }
    }
}

void test_main(void)
{
    fill();
    for (uint64_t i = 0; i < vcases_count; i++) {
        begin(vcases[i].name);
        run_case(&vcases[i]);
    }
}
