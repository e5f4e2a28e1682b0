/* SPDX-License-Identifier: MIT */
/*
 * What an instruction is: ids, rows and decoded instructions. Everything here is derived from
 * insn32.def, insn16.def and formats.def, which are the one place where an instruction's encoding
 * stands.
 */
#ifndef TARGET_RISCV_INSN_H
#define TARGET_RISCV_INSN_H

#include "target-riscv/cpu.h"

/* Ids: one a row of insn32.def. */
enum insn_id {
#define INSN(name, ext, format, picture, flags) INSN_##name,
#include "target-riscv/insn32.def"
#undef INSN
    INSN_COUNT,
};

/* Rows: the same numbers, then one a row of insn16.def. */
enum insn_row_id {
    INSN_ROW_LAST32 = INSN_COUNT - 1,
#define ALIAS(name, ext, format, picture, meaning) INSN_ROW_##name,
#include "target-riscv/insn16.def"
#undef ALIAS
    INSN_ROW_COUNT,
};

enum insn_format {
#define FORMAT(name, places, text) FORMAT_##name,
#include "target-riscv/formats.def"
#undef FORMAT
    FORMAT_COUNT,
};

enum insn_flag {
    PURE = 1, /* only reads and writes integer registers: with rd = x0 it does nothing */
    FD = 2,   /* rd is an f register */
    FS1 = 4,  /* rs1 is one */
    FS2 = 8,
    FS3 = 16,
    FX = 32, /* may raise floating-point exceptions */
};
/* Needs mstatus.FS. */
#define INSN_NEEDS_FS (FD | FS1 | FS2 | FS3 | FX)

struct insn_row {
    const char *name;    /* with '_' for '.' */
    const char *picture; /* 32 or 16 places from the top bit, and spaces */
    uint8_t ext;         /* enum isa_ext */
    uint8_t format;      /* enum insn_format */
    uint8_t flags;       /* enum insn_flag */
    uint8_t len;         /* bytes: 4 or 2 */
    uint16_t id;         /* enum insn_id: what it means */
};
extern const struct insn_row insn_rows[INSN_ROW_COUNT];

struct insn_format_info {
    const char *places; /* '.' for each operand bit */
    const char *text;   /* see formats.def */
};
extern const struct insn_format_info insn_formats[FORMAT_COUNT];

/*
 * A decoded instruction. Fields that the format does not have are 0. imm: CSR number, fence bits,
 * aq << 1 | rl too.
 */
struct insn {
    uint8_t rd, rs1, rs2, rs3, rm;
    uint8_t len;  /* 2 or 4 */
    uint16_t id;  /* enum insn_id */
    uint16_t row; /* enum insn_row_id */
    int32_t imm;
    uint32_t raw; /* len bytes, zero-extended */
};

struct decoder;

/*
 * Length in bytes of the instruction that starts with LOW. Longer ones than 4 do not exist: they
 * count as 4, and are illegal.
 */
static inline unsigned insn_length(uint16_t low)
{
    return (low & 3) == 3 ? 4 : 2;
}

/*
 * Decodes WORD (high half: any, if the instruction has 16 bits). What is no instruction here has
 * id INSN_illegal.
 */
void decode(const struct decoder *d, uint32_t word, struct insn *i);

/* Name of decode row ROW, as the .def files have it. */
const char *riscv_decode_row_name(unsigned row);

/* PICTURE's fixed bits into *mask and their values into *match. Returns the number of places. */
unsigned insn_picture_parse(const char *picture, uint32_t *mask, uint32_t *match);

/*
 * Writes the instruction at PC (bytes BYTES, LEN of them readable) into TEXT, always terminated.
 * Returns its length, which is LEN at most.
 */
unsigned disas_insn(const struct decoder *d, uint64_t pc, const uint8_t *bytes, size_t len,
                    char *text, size_t size);

#endif
