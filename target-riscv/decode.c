/* SPDX-License-Identifier: MIT */
/*
 * The decoder: pictures of the rows become mask and match, rows whose extension is off are left
 * out, and each row is filed under every bucket that it can match: 16-bit instructions by
 * quadrant and funct3, 32-bit ones by opcode and funct3, and buckets with many rows once more by
 * the top five bits. In a bucket the rows with the most fixed bits come first, and the first
 * match counts.
 *
 * A decoder is constant after decoder_new; any thread may use it.
 */
#include "hw/host/bits.h"
#include "target-riscv/hart.h"
#include "target-riscv/insn.h"
#include <assert.h>
#include <stdlib.h>

#define TOP_BUCKETS (256 + 32) /* opcode[6:2] | funct3 << 5; then quadrant | funct3 << 2 */
#define SPLIT_ABOVE 4          /* rows in a bucket */
#define SPLIT_WAYS  32

const struct insn_row insn_rows[INSN_ROW_COUNT] = {
#define INSN(row_name, ext_id, fmt, pic, flag_bits) \
    [INSN_##row_name] = {#row_name, pic, EXT_##ext_id, FORMAT_##fmt, flag_bits, 4, INSN_##row_name},
#include "target-riscv/insn32.def"
#undef INSN
#define ALIAS(row_name, ext_id, fmt, pic, meaning) \
    [INSN_ROW_##row_name] = {#row_name, pic, EXT_##ext_id, FORMAT_##fmt, 0, 2, INSN_##meaning},
#include "target-riscv/insn16.def"
#undef ALIAS
};

const struct insn_format_info insn_formats[FORMAT_COUNT] = {
#define FORMAT(name, operand_places, disas) [FORMAT_##name] = {operand_places, disas},
#include "target-riscv/formats.def"
#undef FORMAT
};

struct entry {
    uint32_t mask, match;
    uint16_t row, id;
    uint8_t format;
};

/* Entries first..first+count-1; or, when split, first is the bucket that stands for top bits 0. */
struct bucket {
    uint16_t first;
    uint8_t count;
    bool split;
};

struct decoder {
    unsigned nentries, max_entries;
    unsigned nbuckets;
    struct entry *entries;
    struct bucket buckets[TOP_BUCKETS + SPLIT_WAYS * 64];
};

const char *riscv_decode_row_name(unsigned row)
{
    return insn_rows[row].name;
}

/* ---- operands --------------------------------------------------------------------------- */

static inline int32_t field(uint32_t w, unsigned start, unsigned len)
{
    return (int32_t)((w >> start) & ((1u << len) - 1));
}

static inline int32_t sfield(uint32_t w, unsigned start, unsigned len)
{
    return (int32_t)(w << (32 - len - start)) >> (32 - len);
}

static inline uint8_t reg(uint32_t w, unsigned start)
{
    return (w >> start) & 31;
}

/* The registers that three bits can name. */
static inline uint8_t creg(uint32_t w, unsigned start)
{
    return 8 + ((w >> start) & 7);
}

static inline int32_t imm_s(uint32_t w)
{
    return sfield(w, 25, 7) * 32 | field(w, 7, 5);
}

static inline int32_t imm_b(uint32_t w)
{
    return sfield(w, 31, 1) * 4096 | field(w, 7, 1) << 11 | field(w, 25, 6) << 5 |
           field(w, 8, 4) << 1;
}

static inline int32_t imm_j(uint32_t w)
{
    return sfield(w, 31, 1) * 1048576 | field(w, 12, 8) << 12 | field(w, 20, 1) << 11 |
           field(w, 21, 10) << 1;
}

static inline int32_t imm_ci(uint32_t w)
{
    return sfield(w, 12, 1) * 32 | field(w, 2, 5);
}

static inline int32_t shamt_ci(uint32_t w)
{
    return field(w, 12, 1) << 5 | field(w, 2, 5);
}

static inline int32_t imm_c16sp(uint32_t w)
{
    return sfield(w, 12, 1) * 512 | field(w, 3, 2) << 7 | field(w, 5, 1) << 6 |
           field(w, 2, 1) << 5 | field(w, 6, 1) << 4;
}

static inline int32_t imm_c4spn(uint32_t w)
{
    return field(w, 7, 4) << 6 | field(w, 11, 2) << 4 | field(w, 5, 1) << 3 | field(w, 6, 1) << 2;
}

static inline int32_t imm_clw(uint32_t w)
{
    return field(w, 5, 1) << 6 | field(w, 10, 3) << 3 | field(w, 6, 1) << 2;
}

static inline int32_t imm_cld(uint32_t w)
{
    return field(w, 5, 2) << 6 | field(w, 10, 3) << 3;
}

static inline int32_t imm_clwsp(uint32_t w)
{
    return field(w, 2, 2) << 6 | field(w, 12, 1) << 5 | field(w, 4, 3) << 2;
}

static inline int32_t imm_cldsp(uint32_t w)
{
    return field(w, 2, 3) << 6 | field(w, 12, 1) << 5 | field(w, 5, 2) << 3;
}

static inline int32_t imm_cb(uint32_t w)
{
    return sfield(w, 12, 1) * 256 | field(w, 5, 2) << 6 | field(w, 2, 1) << 5 |
           field(w, 10, 2) << 3 | field(w, 3, 2) << 1;
}

static inline int32_t imm_cj(uint32_t w)
{
    return sfield(w, 12, 1) * 2048 | field(w, 8, 1) << 10 | field(w, 9, 2) << 8 |
           field(w, 6, 1) << 7 | field(w, 7, 1) << 6 | field(w, 2, 1) << 5 | field(w, 11, 1) << 4 |
           field(w, 3, 3) << 1;
}

static inline void set_regs(struct insn *i, uint8_t rd, uint8_t rs1, uint8_t rs2)
{
    i->rd = rd;
    i->rs1 = rs1;
    i->rs2 = rs2;
}

/* Operands of the 32-bit formats. */
static inline void operands32(struct insn *i, enum insn_format format, uint32_t w)
{
    switch (format) {
    case FORMAT_R4:
        i->rs3 = reg(w, 27);
        /* fall through */
    case FORMAT_RM:
        i->rm = (uint8_t)field(w, 12, 3);
        /* fall through */
    case FORMAT_R:
        set_regs(i, reg(w, 7), reg(w, 15), reg(w, 20));
        break;
    case FORMAT_R2M:
        i->rm = (uint8_t)field(w, 12, 3);
        /* fall through */
    case FORMAT_R2:
        set_regs(i, reg(w, 7), reg(w, 15), 0);
        break;
    case FORMAT_I:
    case FORMAT_LD:
        set_regs(i, reg(w, 7), reg(w, 15), 0);
        i->imm = sfield(w, 20, 12);
        break;
    case FORMAT_CSR:
    case FORMAT_CSRI:
        set_regs(i, reg(w, 7), reg(w, 15), 0);
        i->imm = field(w, 20, 12);
        break;
    case FORMAT_SH6:
        set_regs(i, reg(w, 7), reg(w, 15), 0);
        i->imm = field(w, 20, 6);
        break;
    case FORMAT_SH5:
        set_regs(i, reg(w, 7), reg(w, 15), 0);
        i->imm = field(w, 20, 5);
        break;
    case FORMAT_S:
        set_regs(i, 0, reg(w, 15), reg(w, 20));
        i->imm = imm_s(w);
        break;
    case FORMAT_B:
        set_regs(i, 0, reg(w, 15), reg(w, 20));
        i->imm = imm_b(w);
        break;
    case FORMAT_U:
        i->rd = reg(w, 7);
        i->imm = (int32_t)(w & 0xfffff000);
        break;
    case FORMAT_J:
        i->rd = reg(w, 7);
        i->imm = imm_j(w);
        break;
    case FORMAT_AMO:
    case FORMAT_LR:
        set_regs(i, reg(w, 7), reg(w, 15), reg(w, 20));
        i->imm = field(w, 25, 2);
        break;
    case FORMAT_FENCE:
        i->imm = field(w, 20, 8);
        break;
    case FORMAT_SFENCE:
        set_regs(i, 0, reg(w, 15), reg(w, 20));
        break;
    case FORMAT_CBO:
        i->rs1 = reg(w, 15);
        break;
    case FORMAT_PREFETCH:
        i->rs1 = reg(w, 15);
        i->imm = sfield(w, 25, 7) * 32;
        break;
    default:
        break;
    }
}

/* Operands of the 16-bit formats. False: the encoding is reserved. */
static inline bool operands16(struct insn *i, enum insn_format format, uint32_t w)
{
    switch (format) {
    case FORMAT_C_R:
        set_regs(i, reg(w, 7), reg(w, 7), reg(w, 2));
        return true;
    case FORMAT_C_MV:
        set_regs(i, reg(w, 7), 0, reg(w, 2));
        return true;
    case FORMAT_C_JR:
        set_regs(i, 0, reg(w, 7), 0);
        return i->rs1 != 0;
    case FORMAT_C_JALR:
        set_regs(i, 1, reg(w, 7), 0);
        return true;
    case FORMAT_C_I:
        set_regs(i, reg(w, 7), reg(w, 7), 0);
        i->imm = imm_ci(w);
        return true;
    case FORMAT_C_IW:
        set_regs(i, reg(w, 7), reg(w, 7), 0);
        i->imm = imm_ci(w);
        return i->rd != 0;
    case FORMAT_C_LI:
        set_regs(i, reg(w, 7), 0, 0);
        i->imm = imm_ci(w);
        return true;
    case FORMAT_C_LUI:
        set_regs(i, reg(w, 7), 0, 0);
        i->imm = imm_ci(w) * 4096;
        return i->imm != 0;
    case FORMAT_C_16SP:
        set_regs(i, 2, 2, 0);
        i->imm = imm_c16sp(w);
        return i->imm != 0;
    case FORMAT_C_4SPN:
        set_regs(i, creg(w, 2), 2, 0);
        i->imm = imm_c4spn(w);
        return i->imm != 0;
    case FORMAT_C_SLLI:
        set_regs(i, reg(w, 7), reg(w, 7), 0);
        i->imm = shamt_ci(w);
        return true;
    case FORMAT_C_SHIFT:
        set_regs(i, creg(w, 7), creg(w, 7), 0);
        i->imm = shamt_ci(w);
        return true;
    case FORMAT_C_ANDI:
        set_regs(i, creg(w, 7), creg(w, 7), 0);
        i->imm = imm_ci(w);
        return true;
    case FORMAT_C_A:
        set_regs(i, creg(w, 7), creg(w, 7), creg(w, 2));
        return true;
    case FORMAT_C_LW:
        set_regs(i, creg(w, 2), creg(w, 7), 0);
        i->imm = imm_clw(w);
        return true;
    case FORMAT_C_LDD:
        set_regs(i, creg(w, 2), creg(w, 7), 0);
        i->imm = imm_cld(w);
        return true;
    case FORMAT_C_SW:
        set_regs(i, 0, creg(w, 7), creg(w, 2));
        i->imm = imm_clw(w);
        return true;
    case FORMAT_C_SDD:
        set_regs(i, 0, creg(w, 7), creg(w, 2));
        i->imm = imm_cld(w);
        return true;
    case FORMAT_C_LWSP:
        set_regs(i, reg(w, 7), 2, 0);
        i->imm = imm_clwsp(w);
        return i->rd != 0;
    case FORMAT_C_LDSP:
        set_regs(i, reg(w, 7), 2, 0);
        i->imm = imm_cldsp(w);
        return i->rd != 0;
    case FORMAT_C_FLDSP:
        set_regs(i, reg(w, 7), 2, 0);
        i->imm = imm_cldsp(w);
        return true;
    case FORMAT_C_SWSP:
        set_regs(i, 0, 2, reg(w, 2));
        i->imm = field(w, 7, 2) << 6 | field(w, 9, 4) << 2;
        return true;
    case FORMAT_C_SDSP:
        set_regs(i, 0, 2, reg(w, 2));
        i->imm = field(w, 7, 3) << 6 | field(w, 10, 3) << 3;
        return true;
    case FORMAT_C_B:
        set_regs(i, 0, creg(w, 7), 0);
        i->imm = imm_cb(w);
        return true;
    case FORMAT_C_J:
        i->imm = imm_cj(w);
        return true;
    default:
        return true;
    }
}

/* ---- decoding --------------------------------------------------------------------------- */

static inline const struct entry *find(const struct decoder *d, const struct bucket *b, uint32_t w)
{
    const struct entry *e = &d->entries[b->first];

    for (unsigned n = b->count; n > 0; n--, e++) {
        if ((w & e->mask) == e->match) {
            return e;
        }
    }
    return NULL;
}

static inline unsigned bucket32(uint32_t w)
{
    return ((w >> 2) & 31) | ((w >> 12) & 7) << 5;
}

static inline unsigned bucket16(uint32_t w)
{
    return 256 + ((w & 3) | ((w >> 13) & 7) << 2);
}

void decode(const struct decoder *d, uint32_t word, struct insn *i)
{
    const struct entry *e;
    const struct bucket *b;

    *i = (struct insn){
        .len = (uint8_t)insn_length((uint16_t)word), .id = INSN_illegal, .row = INSN_illegal};
    if (i->len == 2) {
        i->raw = word & 0xffff;
        e = find(d, &d->buckets[bucket16(word)], i->raw);
        if (e != NULL && operands16(i, e->format, i->raw)) {
            i->id = e->id;
            i->row = e->row;
        }
        return;
    }
    i->raw = word;
    b = &d->buckets[bucket32(word)];
    if (b->split) {
        b = &d->buckets[b->first + (word >> 27)];
    }
    e = find(d, b, word);
    if (e != NULL) {
        i->id = e->id;
        i->row = e->row;
        operands32(i, e->format, word);
    }
}

/* ---- building --------------------------------------------------------------------------- */

unsigned insn_picture_parse(const char *picture, uint32_t *mask, uint32_t *match)
{
    unsigned places = 0;

    *mask = 0;
    *match = 0;
    for (const char *p = picture; *p != '\0'; p++) {
        if (*p == ' ') {
            continue;
        }
        places++;
        *mask = *mask << 1 | (*p == '0' || *p == '1');
        *match = *match << 1 | (*p == '1');
    }
    return places;
}

static bool row_is_on(const struct cpu_config *c, const struct insn_row *row)
{
    return cpu_has(c, row->ext) && cpu_has(c, insn_rows[row->id].ext);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int nx = __builtin_popcount(x->mask), ny = __builtin_popcount(y->mask);

    return nx != ny ? ny - nx : (int)x->row - (int)y->row;
}

/* All rows that C has, the most specific first. */
static unsigned collect_rows(const struct cpu_config *c, struct entry *out)
{
    unsigned n = 0;

    for (unsigned r = 0; r < INSN_ROW_COUNT; r++) {
        const struct insn_row *row = &insn_rows[r];

        if (row_is_on(c, row)) {
            struct entry *e = &out[n++];

            *e = (struct entry){.row = (uint16_t)r, .id = row->id, .format = row->format};
            insn_picture_parse(row->picture, &e->mask, &e->match);
        }
    }
    qsort(out, n, sizeof(*out), compare_entries);
    return n;
}

/*
 * Appends to the decoder's entries those of IN (N of them) that can match a word with KEY in the
 * bits of KEY_MASK.
 */
static struct bucket add_bucket(struct decoder *d, const struct entry *in, unsigned n,
                                uint32_t key_mask, uint32_t key)
{
    struct bucket b = {.first = (uint16_t)d->nentries};

    for (unsigned i = 0; i < n; i++) {
        if (((in[i].match ^ key) & in[i].mask & key_mask) == 0) {
            assert(d->nentries < d->max_entries);
            d->entries[d->nentries++] = in[i];
            b.count++;
        }
    }
    return b;
}

static void split_bucket(struct decoder *d, struct bucket *b)
{
    struct entry rows[INSN_ROW_COUNT];
    unsigned n = b->count, first = d->nbuckets;

    memcpy(rows, &d->entries[b->first], n * sizeof(*rows));
    d->nentries = b->first;
    assert(first + SPLIT_WAYS <= ARRAY_SIZE(d->buckets));
    d->nbuckets += SPLIT_WAYS;
    for (uint32_t top = 0; top < SPLIT_WAYS; top++) {
        d->buckets[first + top] = add_bucket(d, rows, n, BITS(31, 27), top << 27);
    }
    *b = (struct bucket){.first = (uint16_t)first, .split = true};
}

static void build_buckets(struct decoder *d, const struct entry *rows, unsigned n)
{
    struct entry one_opcode[INSN_ROW_COUNT];

    for (uint32_t quadrant = 0; quadrant < 3; quadrant++) {
        for (uint32_t funct3 = 0; funct3 < 8; funct3++) {
            uint32_t key = quadrant | funct3 << 13;

            d->buckets[bucket16(key)] = add_bucket(d, rows, n, 0xffff0000 | 0xe003, key);
        }
    }
    for (uint32_t opcode = 3; opcode < 128; opcode += 4) {
        struct bucket all = add_bucket(d, rows, n, 0x7f, opcode);

        d->nentries = all.first;
        memcpy(one_opcode, &d->entries[all.first], all.count * sizeof(*one_opcode));
        for (uint32_t funct3 = 0; funct3 < 8; funct3++) {
            uint32_t key = opcode | funct3 << 12;
            struct bucket *b = &d->buckets[bucket32(key)];

            *b = add_bucket(d, one_opcode, all.count, 0x707f, key);
            if (b->count > SPLIT_ABOVE) {
                split_bucket(d, b);
            }
        }
    }
}

struct decoder *decoder_new(const struct cpu_config *c)
{
    struct decoder *d = calloc(1, sizeof(*d));
    struct entry rows[INSN_ROW_COUNT];

    if (d == NULL) {
        return NULL;
    }
    d->max_entries = 8192;
    d->entries = malloc(d->max_entries * sizeof(*d->entries));
    if (d->entries == NULL) {
        free(d);
        return NULL;
    }
    d->nbuckets = TOP_BUCKETS;
    build_buckets(d, rows, collect_rows(c, rows));
    return d;
}

void decoder_free(struct decoder *d)
{
    if (d != NULL) {
        free(d->entries);
        free(d);
    }
}
