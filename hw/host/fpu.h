/* SPDX-License-Identifier: MIT */
/*
 * The host's floating-point control word as generated code uses it: rounding mode and sticky
 * exception flags in one 32-bit word (MXCSR on x86-64), all exceptions masked, subnormals honoured.
 * These functions make and read images of it; only generated code loads and stores the register.
 * Any thread.
 */
#ifndef HW_HOST_FPU_H
#define HW_HOST_FPU_H

#include <stdint.h>

enum fpu_rounding { FPU_NEAREST, FPU_ZERO, FPU_DOWN, FPU_UP };

enum fpu_flag {
    FPU_INEXACT = 1,
    FPU_UNDERFLOW = 2,
    FPU_OVERFLOW = 4,
    FPU_DIVIDE_BY_ZERO = 8,
    FPU_INVALID = 16,
};

/* An image with ROUNDING and no flag set. */
uint32_t fpu_control(enum fpu_rounding rounding);
/* The flags (enum fpu_flag) that are set in CONTROL. */
unsigned fpu_control_flags(uint32_t control);

#endif
