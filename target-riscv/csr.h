/* SPDX-License-Identifier: MIT */
/* Bits of the control and status registers that more than one file needs (privileged ISA 1.13, RV64). */
#ifndef TARGET_RISCV_CSR_H
#define TARGET_RISCV_CSR_H

#include "hw/host/bits.h"

#define CSR_SSTATUS 0x100
#define CSR_TIME    0xc01

#define MSTATUS_SIE  BIT(1)
#define MSTATUS_MIE  BIT(3)
#define MSTATUS_SPIE BIT(5)
#define MSTATUS_MPIE BIT(7)
#define MSTATUS_SPP  BIT(8)
#define MSTATUS_MPP  BITS(12, 11)
#define MSTATUS_FS   BITS(14, 13)
#define MSTATUS_MPRV BIT(17)
#define MSTATUS_SUM  BIT(18)
#define MSTATUS_MXR  BIT(19)
#define MSTATUS_TVM  BIT(20)
#define MSTATUS_TW   BIT(21)
#define MSTATUS_TSR  BIT(22)
#define MSTATUS_UXL  BITS(33, 32)
#define MSTATUS_SXL  BITS(35, 34)
#define MSTATUS_SD   BIT(63)

/* What of mstatus a supervisor may write, and what else it sees. */
#define SSTATUS_WRITABLE \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)
#define SSTATUS_VISIBLE (SSTATUS_WRITABLE | MSTATUS_UXL | MSTATUS_SD)

#define MIP_SSIP        BIT(1)
#define MIP_MSIP        BIT(3)
#define MIP_STIP        BIT(5)
#define MIP_MTIP        BIT(7)
#define MIP_SEIP        BIT(9)
#define MIP_MEIP        BIT(11)
#define MIP_S           (MIP_SSIP | MIP_STIP | MIP_SEIP)
#define MIP_M           (MIP_MSIP | MIP_MTIP | MIP_MEIP)

/* Exceptions that may be delegated: those that can happen below M-mode. */
#define MEDELEG_MASK     UINT64_C(0xb3ff)

#define ENVCFG_FIOM      BIT(0)
#define ENVCFG_CBIE      BITS(5, 4)
#define ENVCFG_CBCFE     BIT(6)
#define ENVCFG_CBZE      BIT(7)
#define MENVCFG_ADUE     BIT(61)
#define MENVCFG_STCE     BIT(63)

#define COUNTER_CY       BIT(0)
#define COUNTER_TM       BIT(1)
#define COUNTER_IR       BIT(2)

#define SATP_MODE        BITS(63, 60)
#define SATP_ASID        BITS(59, 44)
#define SATP_PPN         BITS(43, 0)

#define PMPCFG_A_SHIFT   3
#define PMPCFG_A_MASK    0x18
#define PMPCFG_L         0x80
#define PMPCFG_WRITABLE  0x9f
#define PMPADDR_WRITABLE BITS(53, 0)

#endif
