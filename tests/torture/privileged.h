/* SPDX-License-Identifier: MIT
 *
 * Pieces that the privileged kinds share: changing mode, and numbers of CSRs and bits.
 */
#ifndef TESTS_TORTURE_PRIVILEGED_H
#define TESTS_TORTURE_PRIVILEGED_H

#include "tests/torture/kinds.h"

enum {
    CSR_SSTATUS = 0x100,
    CSR_SIE = 0x104,
    CSR_STVEC = 0x105,
    CSR_SCOUNTEREN = 0x106,
    CSR_SENVCFG = 0x10a,
    CSR_SSCRATCH = 0x140,
    CSR_SEPC = 0x141,
    CSR_SCAUSE = 0x142,
    CSR_STVAL = 0x143,
    CSR_SIP = 0x144,
    CSR_STIMECMP = 0x14d,
    CSR_SATP = 0x180,
    CSR_MSTATUS = 0x300,
    CSR_MISA = 0x301,
    CSR_MEDELEG = 0x302,
    CSR_MIDELEG = 0x303,
    CSR_MIE = 0x304,
    CSR_MTVEC = 0x305,
    CSR_MCOUNTEREN = 0x306,
    CSR_MENVCFG = 0x30a,
    CSR_MSCRATCH = 0x340,
    CSR_MEPC = 0x341,
    CSR_MCAUSE = 0x342,
    CSR_MTVAL = 0x343,
    CSR_MIP = 0x344,
    CSR_PMPCFG0 = 0x3a0,
    CSR_PMPADDR0 = 0x3b0,
};

enum privilege { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };

#define MSTATUS_SIE  (1ull << 1)
#define MSTATUS_MIE  (1ull << 3)
#define MSTATUS_SPIE (1ull << 5)
#define MSTATUS_MPIE (1ull << 7)
#define MSTATUS_SPP  (1ull << 8)
#define MSTATUS_MPP  (3ull << 11)
#define MSTATUS_FS   (3ull << 13)
#define MSTATUS_MPRV (1ull << 17)
#define MSTATUS_SUM  (1ull << 18)
#define MSTATUS_MXR  (1ull << 19)
#define MSTATUS_TVM  (1ull << 20)
#define MSTATUS_TW   (1ull << 21)
#define MSTATUS_TSR  (1ull << 22)
#define MENVCFG_ADUE (1ull << 61)
#define MENVCFG_STCE (1ull << 63)

/* Exceptions that a case may delegate: all but the ecall from S, which the runtime needs. */
#define DELEGABLE 0xb1feull
/* The same without fetch faults: where the case may set satp to anything, the vectors may not be mapped. */
#define DELEGABLE_SAFE 0xa1fcull
#define INTERRUPTS_S   0x222ull

#define INSN_ECALL     0x00000073u
#define INSN_EBREAK    0x00100073u
#define INSN_SRET      0x10200073u
#define INSN_MRET      0x30200073u
#define INSN_WFI       0x10500073u
#define INSN_SFENCE    0x12000073u
#define INSN_FENCE_I   0x0000100fu

/* Takes a7 and one scratch register out of random use; the latter is g->counter. */
void reserve_privileged(struct gen *g);

/* From M-mode to a mode, at the next instruction (at its virtual address when the case has one). */
void emit_enter(struct gen *g, enum privilege mode);

/* Back to M-mode, at the physical address. */
void emit_to_m(struct gen *g);

/* Random access to a random CSR, legal or not, from any mode. */
void emit_csr_access(struct gen *g);

/* stvec to the runtime's supervisor vectors, direct or vectored. */
void emit_stvec(struct gen *g);

#endif
