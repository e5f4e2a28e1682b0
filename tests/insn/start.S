/* SPDX-License-Identifier: MIT
 *
 * The part of the guest runtime that cannot be C: reset, trap entries of M and S mode, going to a lower privilege
 * and back, and the frame around a snippet of generated code. Contracts are in rt.h.
 *
 * mscratch points to the hart's struct percpu in M-mode traps, sscratch to its S half; tp is the hart's number.
 * Offsets into struct percpu: x at 0, hartid at 256, M trap stack at 264; the S half has the same layout.
 */
#define STACK_SIZE 0x4000
#define ECALL_EXIT 0x7e57

    .section .text.start, "ax"
    .globl _start
_start:
    csrw mie, zero
    csrr tp, mhartid
    li t0, RT_MAX_HARTS
    bgeu tp, t0, park
    la sp, stacks
    li t0, STACK_SIZE
    addi t1, tp, 1
    mul t0, t0, t1
    add sp, sp, t0
    mv a0, tp
    call rt_start
park:
    wfi
    j park

    .text
    .macro trap_entry mode, handler
    .balign 4
    .globl \mode\()_trap
\mode\()_trap:
    csrrw t6, \mode\()scratch, t6
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    sd x\n, \n*8(t6)
    .endr
    csrr t5, \mode\()scratch
    sd t5, 248(t6)
    csrw \mode\()scratch, t6
    ld tp, 256(t6)
    ld sp, 264(t6)
    mv a0, t6
    call \handler
    csrr t6, \mode\()scratch
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    ld x\n, \n*8(t6)
    .endr
    ld t6, 248(t6)
    \mode\()ret
    .endm
    trap_entry m, rt_m_trap
    trap_entry s, rt_s_trap

/* uint64_t run_in(unsigned priv, uint64_t (*fn)(uint64_t), uint64_t arg, uint64_t va_offset) */
    .globl run_in
run_in:
    addi sp, sp, -16
    sd ra, 0(sp)
    sd s0, 8(sp)
    mv s0, a3
    li t0, 0x1800
    csrc mstatus, t0
    slli a0, a0, 11
    csrs mstatus, a0
    la t0, 1f
    add t0, t0, s0
    csrw mepc, t0
    add sp, sp, s0
    add a1, a1, s0
    mv a0, a2
    mret
1:
    jalr a1
    li a7, ECALL_EXIT
    ecall                       /* back in M-mode, at the physical address */
    sub sp, sp, s0
    ld ra, 0(sp)
    ld s0, 8(sp)
    addi sp, sp, 16
    ret

/* void snippet_call(const void *fn, struct block *block): the snippet ends at snippet_return, with a0 = block. */
    .globl snippet_call
snippet_call:
    .irp n, 1,2,3,4,8,9,18,19,20,21,22,23,24,25,26,27
    sd x\n, \n*8(a1)
    .endr
    mv t0, a0
    mv a0, a1
    jr t0
    .globl snippet_return
snippet_return:
    .irp n, 1,2,3,4,8,9,18,19,20,21,22,23,24,25,26,27
    ld x\n, \n*8(a0)
    .endr
    ret

    .section .bss
    .balign 16
stacks:
    .space STACK_SIZE * RT_MAX_HARTS
