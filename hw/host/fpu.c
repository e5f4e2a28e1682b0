/* SPDX-License-Identifier: MIT */
/*
 * MXCSR: flags IE DE ZE OE UE PE in bits 0 to 5, their masks in 7 to 12, rounding in 13 and 14
 * (Intel SDM volume 1, 10.2.3). Hosts without a backend never run code that looks at the word.
 */
#include "hw/host/fpu.h"

enum { MXCSR_MASKS = 0x1f80, MXCSR_ROUNDING_SHIFT = 13 };

uint32_t fpu_control(enum fpu_rounding rounding)
{
    static const uint8_t field[] = {
        [FPU_NEAREST] = 0, [FPU_DOWN] = 1, [FPU_UP] = 2, [FPU_ZERO] = 3};

    return MXCSR_MASKS | (uint32_t)field[rounding] << MXCSR_ROUNDING_SHIFT;
}

unsigned fpu_control_flags(uint32_t control)
{
    return (control & 0x01 ? FPU_INVALID : 0) | (control & 0x04 ? FPU_DIVIDE_BY_ZERO : 0) |
           (control & 0x08 ? FPU_OVERFLOW : 0) | (control & 0x10 ? FPU_UNDERFLOW : 0) |
           (control & 0x20 ? FPU_INEXACT : 0);
}
