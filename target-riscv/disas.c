/* SPDX-License-Identifier: MIT */
/*
 * The disassembler: the row gives the name, its format the operands (the text column of
 * formats.def), in the syntax of GNU objdump with ABI names and no pseudo-instructions.
 */
#include "hw/host/bits.h"
#include "target-riscv/hart.h"
#include "target-riscv/insn.h"
#include <stdarg.h>
#include <stdlib.h>

static const char *const x_names[32] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

static const char *const f_names[32] = {
    "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1",  "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4",  "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};

static const char *const rm_names[8] = {",rne", ",rtz",     ",rdn",     ",rup",
                                        ",rmm", ",unknown", ",unknown", ""};
static const char *const aqrl_names[4] = {"", ".rl", ".aq", ".aqrl"};

/* Text under construction. */
struct text {
    char *buf;
    size_t size, len;
};

static void PRINTF_FMT(2, 3) put(struct text *t, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, args);
    va_end(args);
    t->len = MIN(t->len + (size_t)MAX(n, 0), t->size - 1);
}

static void put_name(struct text *t, const char *name)
{
    for (; *name != '\0'; name++) {
        put(t, "%c", *name == '_' ? '.' : *name);
    }
}

static void put_csr(struct text *t, unsigned number)
{
    char name[32];

    if (csr_name(number, name, sizeof(name))) {
        put(t, "%s", name);
    } else {
        put(t, "0x%x", number);
    }
}

static void put_fence_set(struct text *t, unsigned set)
{
    if (set == 0) {
        put(t, "unknown");
    }
    for (unsigned bit = 0; bit < 4; bit++) {
        if (set & (8u >> bit)) {
            put(t, "%c", "iorw"[bit]);
        }
    }
}

static const char *reg_name(unsigned flags, unsigned f_flag, unsigned n)
{
    return flags & f_flag ? f_names[n] : x_names[n];
}

static void put_operand(struct text *t, const struct insn *i, uint64_t pc, char c)
{
    unsigned flags = insn_rows[i->id].flags;

    switch (c) {
    case 'd':
        put(t, "%s", reg_name(flags, FD, i->rd));
        break;
    case 's':
        put(t, "%s", reg_name(flags, FS1, i->rs1));
        break;
    case 't':
        put(t, "%s", reg_name(flags, FS2, i->rs2));
        break;
    case 'r':
        put(t, "%s", reg_name(flags, FS3, i->rs3));
        break;
    case 'i':
        put(t, "%d", i->imm);
        break;
    case 'x':
        put(t, "0x%x", (unsigned)i->imm);
        break;
    case 'u':
        put(t, "0x%x", ((uint32_t)i->imm >> 12) & 0xfffff);
        break;
    case 'b':
        put(t, "%llx", (unsigned long long)(pc + (uint64_t)(int64_t)i->imm));
        break;
    case 'o':
        put(t, "%d(%s)", i->imm, x_names[i->rs1]);
        break;
    case 'a':
        put(t, "(%s)", x_names[i->rs1]);
        break;
    case 'm':
        put(t, "%s", rm_names[i->rm]);
        break;
    case 'c':
        put_csr(t, (unsigned)i->imm);
        break;
    case 'z':
        put(t, "%u", i->rs1);
        break;
    case 'p':
        put_fence_set(t, (unsigned)i->imm >> 4);
        break;
    case 'q':
        put_fence_set(t, (unsigned)i->imm & 15);
        break;
    default:
        put(t, "%c", c);
        break;
    }
}

static void put_insn(struct text *t, const struct insn *i, uint64_t pc)
{
    const char *text = insn_formats[insn_rows[i->row].format].text;

    put_name(t, insn_rows[i->row].name);
    if (*text == 'A') {
        put(t, "%s", aqrl_names[i->imm & 3]);
        text++;
    }
    if (*text != '\0') {
        put(t, " ");
    }
    for (; *text != '\0'; text++) {
        put_operand(t, i, pc, *text);
    }
}

unsigned disas_insn(const struct decoder *d, uint64_t pc, const uint8_t *bytes, size_t len,
                    char *text, size_t size)
{
    struct text t = {.buf = text, .size = size};
    struct insn i;
    uint32_t word;

    text[0] = '\0';
    if (len < 2) {
        put(&t, ".byte 0x%02x", bytes[0]);
        return 1;
    }
    word = load_le16(bytes);
    if (insn_length((uint16_t)word) == 4) {
        if (len < 4) {
            put(&t, ".2byte 0x%04x", word);
            return 2;
        }
        word = load_le32(bytes);
    }
    decode(d, word, &i);
    if (i.id == INSN_illegal) {
        put(&t, i.len == 2 ? ".2byte 0x%04x" : ".4byte 0x%08x", i.raw);
    } else {
        put_insn(&t, &i, pc);
    }
    return i.len;
}

unsigned riscv_disas(struct vcpu *cpu, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                     size_t size)
{
    return disas_insn(hart_decoder(hart_of(cpu)), pc, bytes, len, text, size);
}
