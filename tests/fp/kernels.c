/* SPDX-License-Identifier: MIT */
/*
 * A loop in assembly per row of ops.def: operands from memory (so that their boxes are not known), the instruction, its flags
 * and result to memory.
 */
#include "tests/fp/guest.h"

#define STORE_f "fsd ft3, 0(a1)\n"
#define STORE_x "sd t1, 0(a1)\n"

#define KERNEL(id, out, text)                                                             \
    kernel_fn kernel_##id;                                                                \
    asm(".text\n.balign 64\n.globl kernel_" #id "\nkernel_" #id ":\n"                     \
        "1: fld ft0, 0(a0)\n fld ft1, 8(a0)\n fld ft2, 16(a0)\n ld t0, 0(a0)\n" text "\n" \
        "csrrw t5, fflags, zero\n" STORE_##out                                            \
        "sd t5, 8(a1)\n"                                                                  \
        "addi a0, a0, 24\n addi a1, a1, 16\n addi a2, a2, -1\n bnez a2, 1b\n ret\n");

#define EXACT(id, name, kind, out, text) KERNEL(id, out, text)
#define ROUNDED(id, name, kind, out, text) \
    KERNEL(id##_rne, out, text ", rne")    \
    KERNEL(id##_rtz, out, text ", rtz")    \
    KERNEL(id##_rdn, out, text ", rdn")    \
    KERNEL(id##_rup, out, text ", rup")    \
    KERNEL(id##_rmm, out, text ", rmm")    \
    KERNEL(id##_dyn, out, text ", dyn")
#define FAULT(id, row, out, text) KERNEL(fault_##id, out, text)
#include "tests/fp/ops.def"

#define STATIC(id, name, kind, mode, number) \
    {name, "/" #mode, kernel_##id##_##mode, kind, ROUNDING_NONE, number, 10},
#define DYNAMIC(id, name, kind, mode, number) \
    {name, "/dyn-" #mode, kernel_##id##_dyn, kind, number, 5 + number, 10},

const struct row rows[] = {
#define EXACT(id, name, kind, out, text) {name, "", kernel_##id, kind, ROUNDING_NONE, 0, 1},
#define ROUNDED(id, name, kind, out, text) \
    STATIC(id, name, kind, rne, 0)         \
    STATIC(id, name, kind, rtz, 1)         \
    STATIC(id, name, kind, rdn, 2)         \
    STATIC(id, name, kind, rup, 3)         \
    STATIC(id, name, kind, rmm, 4)         \
    DYNAMIC(id, name, kind, rne, 0)        \
    DYNAMIC(id, name, kind, rtz, 1)        \
    DYNAMIC(id, name, kind, rdn, 2)        \
    DYNAMIC(id, name, kind, rup, 3)        \
    DYNAMIC(id, name, kind, rmm, 4)
#include "tests/fp/ops.def"
};
const unsigned nrows = ARRAY_SIZE(rows);

const struct fault faults[] = {
#define FAULT(id, row, out, text) {#id, row, kernel_fault_##id},
#include "tests/fp/ops.def"
};
const unsigned nfaults = ARRAY_SIZE(faults);
