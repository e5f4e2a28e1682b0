/* SPDX-License-Identifier: MIT */
/*
 * Entry of the bare-metal benchmarks: each hart comes up in M-mode, opens
 * memory, parks its timer far away (a pending one would cost some emulators
 * dearly), and goes to S-mode under an Sv39 identity map: hart 0 to main, the
 * others to second. The M-mode trap handler returns behind an ecall; it takes
 * hart 0's software interrupt (bench_ipi_seen becomes non-zero); and for an
 * ebreak it sets PMP entry 0 to the address in a0 and the rights in a1.
 */
#define STACK 0x10000

    .section .text.start, "ax"
    .globl _start
_start:
    csrwi mie, 8                    /* software interrupts only */
    csrr s0, mhartid
    li t0, 0x2004000
    slli t1, s0, 3
    add t0, t0, t1
    li t1, -1
    sd t1, 0(t0)
    la t0, m_trap
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr1, t0
    li t0, 0x1f00
    csrw pmpcfg0, t0
    li t0, 7
    csrw mcounteren, t0
    csrw scounteren, t0
    la sp, stacks
    li t0, STACK
    addi t1, s0, 1
    mul t0, t0, t1
    add sp, sp, t0
    la t0, bench_root
    srli t0, t0, 12
    li t1, 8 << 60
    or t0, t0, t1
    csrw satp, t0
    sfence.vma
    li t0, 0x6000 | 0x0800          /* FS dirty, MPP = S */
    csrs mstatus, t0
    li t0, 0x1000
    csrc mstatus, t0
    la t0, main
    beqz s0, 1f
    la t0, second
1:
    csrw mepc, t0
    mv a0, s0
    mret

    .balign 4
m_trap:
    csrw mscratch, t0
    csrr t0, mcause
    addi t0, t0, -9                 /* ecall from S-mode */
    bnez t0, 1f
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    csrr t0, mscratch
    mret
1:
    csrr t0, mcause
    bgez t0, 2f
    li t0, 0x2000000                /* the interrupt: take back, say so */
    sw zero, 0(t0)
    la t0, bench_ipi_seen
    sw t0, 0(t0)
    csrr t0, mscratch
    mret
2:
    addi t0, t0, -3                 /* ebreak */
    bnez t0, 3f
    csrw pmpaddr0, a0
    li t0, 0x1f00
    or t0, t0, a1
    csrw pmpcfg0, t0
    sfence.vma
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    csrr t0, mscratch
    mret
3:
    li t0, 0x100000                 /* anything else: finisher, failure, code = mcause */
    csrr t1, mcause
    slli t1, t1, 16
    li t2, 0x3333
    or t1, t1, t2
    sw t1, 0(t0)
    j .

    .section .bss
    .balign 16
stacks:
    .space STACK * 8
    .globl bench_ipi_seen
bench_ipi_seen:
    .space 8
