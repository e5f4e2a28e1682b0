/* SPDX-License-Identifier: MIT */
/*
 * The decode tables and the decoder: rows are well-formed, buckets find what a search of all rows
 * finds, extensions gate their rows, and each compressed instruction means what the specification
 * says.
 */
#include "hw/host/bits.h"
#include "hw/host/clock.h"
#include "target-riscv/hart.h"
#include "target-riscv/insn.h"
#include "tests/unit.h"
#include <stdlib.h>

static const struct cpu_config everything = {.model = "test", .ext = {UINT64_MAX, UINT64_MAX}};

static uint64_t rng(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint32_t dots(const char *picture)
{
    uint32_t bits = 0;

    for (; *picture != '\0'; picture++) {
        if (*picture != ' ') {
            bits = bits << 1 | (*picture == '.');
        }
    }
    return bits;
}

static void report_row(struct unit *u, unsigned row, const char *what)
{
    if (!u->failed) {
        u->failed = true;
        printf("FAIL %s: %s: %s\n", u->name, insn_rows[row].name, what);
    }
}

/* ---- rows ------------------------------------------------------------------------------- */

static void pictures_have_exactly_the_places_of_their_length(struct unit *u)
{
    for (unsigned r = 0; r < INSN_ROW_COUNT; r++) {
        const struct insn_row *row = &insn_rows[r];
        uint32_t mask, match;

        if (strspn(row->picture, "01. ") != strlen(row->picture)) {
            report_row(u, r, "strange character");
        }
        if (insn_picture_parse(row->picture, &mask, &match) != row->len * 8u) {
            report_row(u, r, "wrong number of places");
        }
        if ((mask & 3) != 3 || ((match & 3) == 3) != (row->len == 4)) {
            report_row(u, r, "length bits");
        }
    }
}

static void dots_are_the_operands_of_the_format(struct unit *u)
{
    for (unsigned r = 0; r < INSN_ROW_COUNT; r++) {
        if (dots(insn_rows[r].picture) != dots(insn_formats[insn_rows[r].format].places)) {
            report_row(u, r, "dots are not its format's");
        }
    }
}

static void rows_that_can_both_match_are_nested(struct unit *u)
{
    for (unsigned a = 0; a < INSN_ROW_COUNT; a++) {
        for (unsigned b = 0; b < a; b++) {
            uint32_t mask_a, match_a, mask_b, match_b;

            insn_picture_parse(insn_rows[a].picture, &mask_a, &match_a);
            insn_picture_parse(insn_rows[b].picture, &mask_b, &match_b);
            if (insn_rows[a].len != insn_rows[b].len ||
                ((match_a ^ match_b) & mask_a & mask_b) != 0) {
                continue;
            }
            if (mask_a == mask_b || ((mask_a & mask_b) != mask_a && (mask_a & mask_b) != mask_b)) {
                report_row(u, a, insn_rows[b].name);
            }
        }
    }
}

static void names_are_unique(struct unit *u)
{
    for (unsigned a = 0; a < INSN_ROW_COUNT; a++) {
        for (unsigned b = 0; b < a; b++) {
            if (strcmp(insn_rows[a].name, insn_rows[b].name) == 0) {
                report_row(u, a, "twice");
            }
        }
    }
}

/* ---- decoding --------------------------------------------------------------------------- */

/* What the decoder should find, by looking at every row. */
static unsigned search(const struct cpu_config *c, uint32_t word)
{
    unsigned best = INSN_illegal, len = insn_length((uint16_t)word), best_bits = 0;

    for (unsigned r = 0; r < INSN_ROW_COUNT; r++) {
        uint32_t mask, match;

        insn_picture_parse(insn_rows[r].picture, &mask, &match);
        if (insn_rows[r].len == len && (word & mask) == match &&
            (unsigned)__builtin_popcount(mask) > best_bits && cpu_has(c, insn_rows[r].ext) &&
            cpu_has(c, insn_rows[insn_rows[r].id].ext)) {
            best = r;
            best_bits = (unsigned)__builtin_popcount(mask);
        }
    }
    return best;
}

static uint32_t random_word(uint64_t *seed, const struct insn_row *row)
{
    uint32_t mask, match;

    insn_picture_parse(row->picture, &mask, &match);
    return match | ((uint32_t)rng(seed) & dots(row->picture));
}

static void buckets_find_what_a_search_of_all_rows_finds(struct unit *u)
{
    struct decoder *d = decoder_new(&everything);
    uint64_t seed = 1;

    for (unsigned n = 0; n < 60000 && !u->failed; n++) {
        uint32_t word = n % 2 ? (uint32_t)rng(&seed) | 3
                              : random_word(&seed, &insn_rows[n / 2 % INSN_ROW_COUNT]);
        struct insn i;

        word ^= n % 8 == 0 ? 1u << (2 + n / 8 % 30) : 0;
        decode(d, word, &i);
        if (i.len == 4 || i.row != INSN_illegal) {
            CHECK_EQ(u, i.row, search(&everything, word));
        }
        CHECK_EQ(u, i.id, insn_rows[i.row].id);
        CHECK_EQ(u, i.raw, i.len == 4 ? word : word & 0xffff);
    }
    decoder_free(d);
}

static void rows_of_an_extension_that_is_off_are_illegal(struct unit *u)
{
    uint64_t seed = 2;

    for (unsigned e = 0; e < EXT_COUNT; e++) {
        struct cpu_config c = everything;
        struct decoder *d;

        c.ext[e / 64] &= ~BIT(e % 64);
        d = decoder_new(&c);
        for (unsigned r = 0; r < INSN_ROW_COUNT; r++) {
            struct insn i;

            decode(d, random_word(&seed, &insn_rows[r]), &i);
            if (i.id != INSN_illegal && (insn_rows[i.row].ext == e || insn_rows[i.id].ext == e)) {
                report_row(u, r, "decoded although its extension is off");
            }
        }
        decoder_free(d);
    }
}

static void every_row_can_be_decoded(struct unit *u)
{
    struct decoder *d = decoder_new(&everything);
    uint64_t seed = 3;

    for (unsigned r = 0; r < INSN_ROW_COUNT; r++) {
        bool found = false;

        for (unsigned n = 0; n < 100 && !found; n++) {
            struct insn i;

            decode(d, random_word(&seed, &insn_rows[r]), &i);
            found = i.row == r;
        }
        if (!found) {
            report_row(u, r, "never found");
        }
    }
    decoder_free(d);
}

/* ---- compressed ------------------------------------------------------------------------- */

/* Pairs that GNU as gave: a compressed instruction, and the 32-bit one that it stands for. */
static const struct {
    uint16_t compressed;
    uint32_t meaning;
} pairs[] = {
#include "tests/target/compressed-pairs.def"
};

static void check_pair(struct unit *u, const struct decoder *d, uint16_t compressed,
                       uint32_t meaning)
{
    struct insn a, b;

    decode(d, compressed, &a);
    decode(d, meaning, &b);
    if (a.id != b.id || a.rd != b.rd || a.rs1 != b.rs1 || a.rs2 != b.rs2 || a.imm != b.imm ||
        a.len != 2) {
        if (!u->failed) {
            u->failed = true;
            printf("FAIL %s: %04x does not mean %08x\n", u->name, compressed, meaning);
        }
    }
}

static void every_compressed_row_equals_its_32_bit_meaning(struct unit *u)
{
    struct decoder *d = decoder_new(&everything);
    bool seen[INSN_ROW_COUNT] = {false};

    for (unsigned n = 0; n < ARRAY_SIZE(pairs); n++) {
        struct insn i;

        check_pair(u, d, pairs[n].compressed, pairs[n].meaning);
        decode(d, pairs[n].compressed, &i);
        seen[i.row] = true;
    }
    for (unsigned r = INSN_COUNT; r < INSN_ROW_COUNT; r++) {
        if (!seen[r]) {
            report_row(u, r, "has no pair");
        }
    }
    decoder_free(d);
}

static void reserved_compressed_encodings_are_illegal(struct unit *u)
{
    static const uint16_t reserved[] = {
        0x0000,         /* defined illegal */
        0x0004,         /* c.addi4spn with 0 */
        0x8000,         /* quadrant 0, funct3 100 */
        0x2001,         /* c.addiw x0 */
        0x6101,         /* c.addi16sp 0 */
        0x6081,         /* c.lui 0 */
        0x9c41, 0x9c61, /* quadrant 1, 100 1 11 1x */
        0x4002,         /* c.lwsp x0 */
        0x6002,         /* c.ldsp x0 */
        0x8002,         /* c.jr x0 */
    };
    struct decoder *d = decoder_new(&everything);

    for (unsigned n = 0; n < ARRAY_SIZE(reserved); n++) {
        struct insn i;

        decode(d, reserved[n], &i);
        CHECK_EQ(u, i.id, INSN_illegal);
    }
    decoder_free(d);
}

/* ---- time ------------------------------------------------------------------------------- */

static void decoding_takes_tens_of_nanoseconds(struct unit *u)
{
    struct decoder *d = decoder_new(&everything);
    static uint32_t words[4096];
    uint64_t seed = 4, sum = 0;
    int64_t start, best = INT64_MAX;

    for (unsigned n = 0; n < ARRAY_SIZE(words); n++) {
        words[n] = random_word(&seed, &insn_rows[rng(&seed) % INSN_ROW_COUNT]);
    }
    for (unsigned round = 0; round < 20; round++) {
        start = clock_now_ns();
        for (unsigned n = 0; n < ARRAY_SIZE(words); n++) {
            struct insn i;

            decode(d, words[n], &i);
            sum += i.id;
        }
        best = MIN(best, clock_now_ns() - start);
    }
    CHECK(u, sum != 0);
    printf("# %.1f ns a decode\n", (double)best / ARRAY_SIZE(words));
    CHECK(u, best / (int64_t)ARRAY_SIZE(words) < 500);
    start = clock_now_ns();
    decoder_free(decoder_new(&everything));
    printf("# %.0f us to build a decoder\n", (double)(clock_now_ns() - start) / 1000);
    decoder_free(d);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(pictures_have_exactly_the_places_of_their_length),
        UNIT(dots_are_the_operands_of_the_format),
        UNIT(rows_that_can_both_match_are_nested),
        UNIT(names_are_unique),
        UNIT(every_row_can_be_decoded),
        UNIT(buckets_find_what_a_search_of_all_rows_finds),
        UNIT(rows_of_an_extension_that_is_off_are_illegal),
        UNIT(every_compressed_row_equals_its_32_bit_meaning),
        UNIT(reserved_compressed_encodings_are_illegal),
        UNIT(decoding_takes_tens_of_nanoseconds),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
