/* SPDX-License-Identifier: MIT */
/*
 * The disassembler against fixed texts, and against GNU objdump (where riscv64-linux-gnu-
 * binutils are installed) on random instances of every row and random words.
 */
#include "hw/host/bits.h"
#include "target-riscv/hart.h"
#include "target-riscv/insn.h"
#include "tests/unit.h"
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS_PER_ROW 40
#define RANDOM_WORDS  4000
#define NWORDS        (INSN_ROW_COUNT * WORDS_PER_ROW + RANDOM_WORDS)

static const struct cpu_config everything = {.model = "test", .ext = {UINT64_MAX, UINT64_MAX}};

static uint64_t rng(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void check_text(struct unit *u, const struct decoder *d, uint32_t word, const char *want)
{
    uint8_t bytes[4];
    char text[64];

    store_le32(bytes, word);
    disas_insn(d, 0x1000, bytes, sizeof(bytes), text, sizeof(text));
    if (strcmp(text, want) != 0 && !u->failed) {
        u->failed = true;
        printf("FAIL %s: %08x is '%s', not '%s'\n", u->name, word, text, want);
    }
}

static void texts_are_as_objdump_writes_them(struct unit *u)
{
    static const struct {
        uint32_t word;
        const char *text;
    } rows[] = {
        {0x00b50533, "add a0,a0,a1"},
        {0xfff50513, "addi a0,a0,-1"},
        {0x12345537, "lui a0,0x12345"},
        {0xfe000ee3, "beq zero,zero,ffc"},
        {0x0ff0000f, "fence iorw,iorw"},
        {0x8330000f, "fence.tso"},
        {0x30052573, "csrrs a0,mstatus,a0"},
        {0x30055073, "csrrwi zero,mstatus,10"},
        {0x0605352f, "amoadd.d.aqrl a0,zero,(a0)"},
        {0x02b57553, "fadd.d fa0,fa0,fa1"},
        {0x02b50553, "fadd.d fa0,fa0,fa1,rne"},
        {0x02a5f6c3, "fmadd.d fa3,fa1,fa0,ft0"},
        {0xe2050553, "fmv.x.d a0,fa0"},
        {0x00053507, "fld fa0,0(a0)"},
        {0x0045200f, "cbo.zero (a0)"},
        {0x08b5053b, "add.uw a0,a0,a1"},
        {0x1141, "c.addi sp,-16"},
        {0xe406, "c.sdsp ra,8(sp)"},
        {0x7579, "c.lui a0,0xffffe"},
        {0xa001, "c.j 1000"},
        {0x0000, ".2byte 0x0000"},
        {0xffffffff, ".4byte 0xffffffff"},
    };
    struct decoder *d = decoder_new(&everything);

    for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
        check_text(u, d, rows[n].word, rows[n].text);
    }
    decoder_free(d);
}

static void short_buffers_are_survived(struct unit *u)
{
    static const uint8_t bytes[4] = {0x53, 0x75, 0xb5, 0x02};
    struct decoder *d = decoder_new(&everything);
    char text[64];

    for (size_t size = 1; size <= sizeof(text); size++) {
        memset(text, 'x', sizeof(text));
        CHECK_EQ(u, disas_insn(d, 0, bytes, 4, text, size), 4);
        CHECK(u, strlen(text) < size);
    }
    CHECK_EQ(u, disas_insn(d, 0, bytes, 3, text, sizeof(text)), 2);
    CHECK_EQ(u, disas_insn(d, 0, bytes, 1, text, sizeof(text)), 1);
    decoder_free(d);
}

/* ---- objdump ---------------------------------------------------------------------------- */

static bool have_binutils(void)
{
    return system("riscv64-linux-gnu-as --version >/dev/null 2>&1") == 0 &&
           system("riscv64-linux-gnu-objdump --version >/dev/null 2>&1") == 0;
}

static uint32_t random_instance(const struct insn_row *row, uint64_t *seed)
{
    uint32_t mask, match;

    insn_picture_parse(row->picture, &mask, &match);
    match |= (uint32_t)rng(seed) & ~mask;
    return row->len == 2 ? match & 0xffff : match;
}

static void fill_words(uint32_t *words)
{
    uint64_t seed = 5;

    for (unsigned n = 0; n < NWORDS; n++) {
        if (n < INSN_ROW_COUNT * WORDS_PER_ROW) {
            words[n] = random_instance(&insn_rows[n / WORDS_PER_ROW], &seed);
        } else {
            words[n] = (uint32_t)rng(&seed);
        }
        if (insn_length((uint16_t)words[n]) == 2) {
            words[n] &= 0xffff;
        }
        if ((words[n] & 0x1f) == 0x1f) {
            words[n] &= ~4u; /* longer than 32 bits: objdump would read on */
        }
    }
}

static FILE *objdump(const char *dir, const uint32_t *words)
{
    char command[1024], path[256];
    FILE *s;

    snprintf(path, sizeof(path), "%s/w.s", dir);
    s = fopen(path, "w");
    if (s == NULL) {
        return NULL;
    }
    for (unsigned n = 0; n < NWORDS; n++) {
        fprintf(s, insn_length((uint16_t)words[n]) == 2 ? ".insn 0x%04x\n" : ".insn 0x%08x\n",
                words[n]);
    }
    fclose(s);
    snprintf(command, sizeof(command),
             "cd %s && riscv64-linux-gnu-as "
             "-march=rv64imafdc_zicsr_zifencei_zba_zbb_zbc_zbs_zicbom_zicbop_zicboz -o w.o w.s && "
             "riscv64-linux-gnu-objdump -d -M no-aliases w.o",
             dir);
    return popen(command, "r");
}

/*
 * "  10:\t02b57553          \tfadd.d\tfa0,fa0,fa1 # 0 <sym>" to "fadd.d fa0,fa0,fa1". False for
 * other lines.
 */
static bool parse_line(char *line, uint64_t *pc, char *text, size_t size)
{
    char *end, *p = line;
    size_t len;

    *pc = strtoull(p, &end, 16);
    if (end == p || *end != ':') {
        return false;
    }
    p = strchr(end + 2, '\t');
    if (p == NULL) {
        return false;
    }
    snprintf(text, size, "%s", p + 1);
    text[strcspn(text, "#<\n")] = '\0';
    for (p = text; *p != '\0'; p++) {
        *p = *p == '\t' ? ' ' : *p;
    }
    len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1])) {
        text[--len] = '\0';
    }
    return true;
}

/* Where objdump and we differ on purpose. */
static bool may_differ(const struct insn *i, const char *theirs)
{
    const struct insn_row *row = &insn_rows[i->row];

    if (i->id == INSN_illegal) {
        return theirs[0] == '.' || strcmp(theirs, "c.unimp") == 0 || strncmp(theirs, "0x", 2) == 0;
    }
    return row->format == FORMAT_CSR ||
           row->format == FORMAT_CSRI || /* who knows which CSR names */
           i->rm == 5 || i->rm == 6 ||   /* reserved: illegal when translated */
           (row->len == 2 && strstr(theirs, "64 ") != NULL &&
            i->imm == 0) || /* the RV128 name of a hint */
           i->id == INSN_pause ||
           strcmp(theirs, "unimp") == 0;
}

/*
 * Fields that the ISA says to ignore, and objdump 2.40 wants to be zero; and the rounding mode of
 * conversions that are exact.
 */
static bool objdump_is_stricter(const struct insn *i)
{
    const struct insn_row *row = &insn_rows[i->row];

    return row->format == FORMAT_FENCE || row->format == FORMAT_FENCEI || i->id == INSN_fcvt_d_s ||
           i->id == INSN_fcvt_d_w || i->id == INSN_fcvt_d_wu;
}

static void compare_line(struct unit *u, const struct decoder *d, uint32_t word, uint64_t pc,
                         const char *theirs, unsigned *ndiffer)
{
    uint8_t bytes[4];
    struct insn i;
    char ours[128];

    store_le32(bytes, word);
    decode(d, word, &i);
    disas_insn(d, pc, bytes, sizeof(bytes), ours, sizeof(ours));
    if (strcmp(ours, theirs) != 0 && !may_differ(&i, theirs) && !objdump_is_stricter(&i)) {
        u->failed = true;
        if ((*ndiffer)++ < 20) {
            printf("FAIL %s: %08x is '%s', objdump says '%s'\n", u->name, word, ours, theirs);
        }
    }
}

static void objdump_agrees_on_random_instances_of_every_row(struct unit *u)
{
    static uint32_t words[NWORDS];
    char dir[] = "/tmp/test-disas-XXXXXX", line[512], theirs[512], command[64];
    struct decoder *d = decoder_new(&everything);
    unsigned n = 0, ndiffer = 0;
    uint64_t pc;
    FILE *f;

    if (!have_binutils() || mkdtemp(dir) == NULL) {
        printf("# skipped: no riscv64-linux-gnu binutils\n");
        decoder_free(d);
        return;
    }
    fill_words(words);
    f = objdump(dir, words);
    CHECK(u, f != NULL);
    while (f != NULL && n < NWORDS && fgets(line, sizeof(line), f) != NULL) {
        if (parse_line(line, &pc, theirs, sizeof(theirs))) {
            compare_line(u, d, words[n++], pc, theirs, &ndiffer);
        }
    }
    if (f != NULL) {
        pclose(f);
    }
    CHECK_EQ(u, n, NWORDS);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    if (system(command) != 0) {
        printf("# could not remove %s\n", dir);
    }
    decoder_free(d);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(texts_are_as_objdump_writes_them),
        UNIT(short_buffers_are_survived),
        UNIT(objdump_agrees_on_random_instances_of_every_row),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
