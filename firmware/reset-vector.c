/* SPDX-License-Identifier: MIT */
/*
 * The MROM: where every hart starts. It sets up the registers that firmware expects and jumps to
 * it:
 *
 *   a0  hart id          (mhartid)
 *   a1  address of the DTB
 *   a2  address of struct fw_dynamic_info (OpenSBI include/sbi/fw_dynamic.h, version 2), which
 *       follows the code here
 *
 *   offset  contents
 *   0       code, 6 instructions (t0 holds the base of the ROM)
 *   32      start address
 *   40      DTB address
 *   48      fw_dynamic_info: magic, version, next address, next mode, options, boot hart
 */
#include "firmware/internal.h"
#include "hw/host/bits.h"
#include <string.h>

enum { OFFSET_START = 32, OFFSET_FDT = 40, OFFSET_INFO = 40 + 8 };

#define FW_DYNAMIC_MAGIC       UINT64_C(0x4942534f) /* "OSBI" */
#define FW_DYNAMIC_VERSION     2
#define FW_DYNAMIC_NEXT_MODE_S 1

enum { REG_T0 = 5, REG_A0 = 10, REG_A1 = 11, REG_A2 = 12 };

#define I_TYPE(imm, rs1, funct3, rd, opcode) \
    ((uint32_t)(imm) << 20 | (rs1) << 15 | (funct3) << 12 | (rd) << 7 | (opcode))
#define AUIPC(rd, imm20)   ((uint32_t)(imm20) << 12 | (rd) << 7 | 0x17)
#define ADDI(rd, rs1, imm) I_TYPE(imm, rs1, 0, rd, 0x13)
#define LD(rd, rs1, imm)   I_TYPE(imm, rs1, 3, rd, 0x03)
#define CSRR(rd, csr)      I_TYPE(csr, 0, 2, rd, 0x73)
#define JR(rs1)            I_TYPE(0, rs1, 0, 0, 0x67)
#define CSR_MHARTID        0xf14

void reset_vector_build(uint8_t rom[RESET_VECTOR_SIZE], paddr_t start, paddr_t fdt, paddr_t kernel)
{
    static const uint32_t code[] = {
        AUIPC(REG_T0, 0),
        CSRR(REG_A0, CSR_MHARTID),
        LD(REG_A1, REG_T0, OFFSET_FDT),
        ADDI(REG_A2, REG_T0, OFFSET_INFO),
        LD(REG_T0, REG_T0, OFFSET_START),
        JR(REG_T0),
    };
    uint64_t info[] = {FW_DYNAMIC_MAGIC, FW_DYNAMIC_VERSION, kernel, FW_DYNAMIC_NEXT_MODE_S, 0};

    _Static_assert(sizeof(code) <= OFFSET_START, "the code must end before its data");
    _Static_assert(OFFSET_INFO + sizeof(info) <= RESET_VECTOR_SIZE,
                   "the ROM image holds the hand-off");
    memset(rom, 0, RESET_VECTOR_SIZE);
    memcpy(rom, code, sizeof(code));
    store_le64(rom + OFFSET_START, start);
    store_le64(rom + OFFSET_FDT, fdt);
    memcpy(rom + OFFSET_INFO, info, sizeof(info));
}
