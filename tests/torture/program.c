/* SPDX-License-Identifier: MIT
 *
 * Programs as lists of items: emission with labels, groups that are deleted together, and the layout that
 * resolves labels when a program is written to its slot. A label whose item was deleted moves to the next item
 * that lives; a target out of reach turns the jump into a no-op.
 */
#include <assert.h>
#include <string.h>

#include "tests/torture/torture.h"

#define NOP   0x13u
#define C_NOP 0x0001u

uint32_t enc_r(uint32_t match, unsigned rd, unsigned rs1, unsigned rs2)
{
    return match | rd << 7 | rs1 << 15 | rs2 << 20;
}

uint32_t enc_i(uint32_t match, unsigned rd, unsigned rs1, int imm)
{
    return match | rd << 7 | rs1 << 15 | ((uint32_t)imm & 0xfff) << 20;
}

uint32_t enc_s(uint32_t match, unsigned rs1, unsigned rs2, int imm)
{
    uint32_t u = (uint32_t)imm;
    return match | rs1 << 15 | rs2 << 20 | (u & 31) << 7 | (u >> 5 & 127) << 25;
}

static uint32_t enc_b(uint32_t word, int32_t d)
{
    uint32_t u = (uint32_t)d;
    return word | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 | (u >> 5 & 63) << 25 |
           (u >> 12 & 1) << 31;
}

static uint32_t enc_j(uint32_t word, int32_t d)
{
    uint32_t u = (uint32_t)d;
    return word | (u >> 12 & 255) << 12 | (u >> 11 & 1) << 20 | (u >> 1 & 1023) << 21 |
           (u >> 20 & 1) << 31;
}

static uint32_t enc_cb(uint32_t word, int32_t d)
{
    uint32_t u = (uint32_t)d;
    return word | (u >> 5 & 1) << 2 | (u >> 1 & 3) << 3 | (u >> 6 & 3) << 5 | (u >> 3 & 3) << 10 |
           (u >> 8 & 1) << 12;
}

static uint32_t enc_cj(uint32_t word, int32_t d)
{
    uint32_t u = (uint32_t)d;
    return word | (u >> 5 & 1) << 2 | (u >> 1 & 7) << 3 | (u >> 7 & 1) << 6 | (u >> 6 & 1) << 7 |
           (u >> 10 & 1) << 8 | (u >> 8 & 3) << 9 | (u >> 4 & 1) << 11 | (u >> 11 & 1) << 12;
}

struct item *emit(struct gen *g, uint32_t word)
{
    struct program *p = g->p;
    assert(p->nitems < MAX_ITEMS);
    if (!g->pinned && !g->one_group) {
        g->group++;
    }
    struct item *it = &p->items[p->nitems++];
    *it = (struct item){
        .word = word, .size = (word & 3) == 3 ? 4 : 2, .group = g->pinned ? 0 : g->group};
    return it;
}

void emit_to_label(struct gen *g, uint32_t word, enum fix fix, int label)
{
    struct item *it = emit(g, word);
    it->fix = (uint8_t)fix;
    it->label = (uint16_t)label;
}

void emit_align(struct gen *g, unsigned log2)
{
    struct item *it = emit(g, log2);
    it->fix = FIX_ALIGN;
    it->size = 0;
}

int new_label(struct gen *g)
{
    assert(g->p->nlabels < MAX_LABELS);
    g->p->labels[g->p->nlabels] = -1;
    return g->p->nlabels++;
}

void place_label(struct gen *g, int label)
{
    g->p->labels[label] = g->p->nitems;
}

void begin_group(struct gen *g)
{
    g->group++;
    g->one_group = true;
}

void end_group(struct gen *g)
{
    g->one_group = false;
}

void add_pad(struct gen *g)
{
    struct program *p = g->p;
    if (p->npad_labels < MAX_PADS) {
        int label = new_label(g);
        place_label(g, label);
        p->pad_labels[p->npad_labels++] = label;
    }
}

void add_poke(struct gen *g, uint64_t addr, uint64_t value)
{
    struct case_header *h = &g->p->hdr;
    assert(h->npokes < MAX_POKES);
    h->pokes[h->npokes++] = (struct poke){addr, value};
}

/* Layout. */

static uint32_t lay_out(struct program *p)
{
    uint32_t at = p->start;
    for (int i = 0; i < p->nitems; i++) {
        struct item *it = &p->items[i];
        it->offset = at;
        if (it->dead) {
            continue;
        }
        if (it->fix == FIX_ALIGN) {
            uint32_t mask = (1u << it->word) - 1;
            it->size = (uint8_t)((0 - at) & mask);
        }
        at += it->size;
    }
    return at;
}

static uint32_t label_offset(const struct program *p, int label, uint32_t end)
{
    int i = p->labels[label];
    if (i < 0 || i >= p->nitems) {
        return end;
    }
    return p->items[i].offset;
}

static bool in_reach(int32_t d, unsigned bits)
{
    return d >= -(1 << (bits - 1)) && d < (1 << (bits - 1));
}

static uint32_t resolve(const struct program *p, const struct item *it, uint32_t end)
{
    int32_t d = (int32_t)(label_offset(p, it->label, end) - it->offset);
    switch ((enum fix)it->fix) {
    case FIX_B:
        return in_reach(d, 13) ? enc_b(it->word, d) : NOP;
    case FIX_J:
        return in_reach(d, 21) ? enc_j(it->word, d) : NOP;
    case FIX_CB:
        return in_reach(d, 9) ? enc_cb(it->word, d) : C_NOP;
    case FIX_CJ:
        return in_reach(d, 12) ? enc_cj(it->word, d) : C_NOP;
    case FIX_HI:
        return it->word | (((uint32_t)d + 0x800) & ~0xfffu);
    case FIX_LO:
        return it->word | ((uint32_t)(d + 4) & 0xfff) << 20;
    default:
        return it->word;
    }
}

static void write_align(const struct item *it, uint8_t *at)
{
    for (unsigned n = 0; n < it->size; n += 2) {
        memcpy(at + n, &(uint16_t){C_NOP}, 2);
    }
}

uint32_t program_write(struct program *p, uint8_t *slot)
{
    uint32_t end = lay_out(p);
    uint8_t *code = slot + 0x1000;
    assert(end <= GUEST_CODE_SIZE);
    for (int i = 0; i < p->nitems; i++) {
        const struct item *it = &p->items[i];
        if (it->dead) {
            continue;
        }
        if (it->fix == FIX_ALIGN) {
            write_align(it, code + it->offset);
            continue;
        }
        uint32_t word = resolve(p, it, end);
        memcpy(code + it->offset, &word, it->size);
    }
    p->hdr.npads = (uint64_t)p->npad_labels;
    for (int i = 0; i < p->npad_labels; i++) {
        p->hdr.pads[i] = p->hdr.code_va + label_offset(p, p->pad_labels[i], end);
    }
    p->hdr.entry = p->hdr.code_pa + p->start;
    memcpy(slot, &p->hdr, sizeof(p->hdr));
    return end;
}
