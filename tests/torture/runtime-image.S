/* SPDX-License-Identifier: MIT
 *
 * The guest runtime as data of the host program.
 */
    .section .rodata
    .globl runtime_image
    .globl runtime_image_end
runtime_image:
    .incbin RUNTIME_BIN
runtime_image_end:
    .section .note.GNU-stack, "", @progbits
