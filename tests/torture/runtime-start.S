/* SPDX-License-Identifier: MIT
 *
 * Guest side of the torture test, the part that cannot be C: reset, entry into a case, the M-mode trap entry
 * with its vector table, and the page of supervisor trap vectors. mscratch points to struct state whenever a
 * case runs; the layout of its first fields is known here (x at 0, f at 256, fcsr at 512, vector at 520).
 */
    .section .text.start, "ax"
    .globl _start
_start:
    csrr t0, mhartid
    bnez t0, park
    la sp, stack_top
    la t0, mtvec_table
    csrw mtvec, t0
    la t0, state
    csrw mscratch, t0
    tail runtime_main
park:
    wfi
    j park

/* void run_case(const uint64_t *x, const uint64_t *f): loads every register and enters the case through mepc;
 * never returns: the trap entry switches back to the runtime's stack. */
    .globl run_case
run_case:
    .option push
    .option arch, +f, +d
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, \n*8(a1)
    .endr
    .option pop
    mv x31, a0
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    ld x\n, \n*8(x31)
    .endr
    ld x31, 248(x31)
    mret

/* void save_fp(struct state *): needs mstatus.FS on. */
    .globl save_fp
save_fp:
    .option push
    .option arch, +f, +d
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, 256+\n*8(a0)
    .endr
    frcsr t0
    sd t0, 512(a0)
    .option pop
    ret

    .balign 256
    .globl mtvec_table
mtvec_table:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    .option push
    .option norvc
    j vector_\n
    .option pop
    .endr

    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
vector_\n:
    csrrw x31, mscratch, x31
    sd x1, 8(x31)
    li x1, \n
    j trap_common
    .endr

trap_common:
    sd x1, 520(x31)
    .irp n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    sd x\n, \n*8(x31)
    .endr
    csrr x1, mscratch
    sd x1, 248(x31)
    csrw mscratch, x31
    mv a0, x31
    la sp, stack_top
    call runtime_trap
    /* Back into the case. */
    csrr x31, mscratch
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    ld x\n, \n*8(x31)
    .endr
    ld x31, 248(x31)
    mret

/* Supervisor vectors: each entry calls the M-mode handler, which logs the S-mode trap, repairs sepc or the
 * interrupt, and continues at the sret. No register is needed. */
    .section .spage, "ax"
    .option norvc
    .rept 32
    ecall
    .endr
    sret
