/* SPDX-License-Identifier: MIT */
/*
 * Privileged operations, one per build, chosen by BENCH_OP: what the hart does other than plain instructions. For the
 * bare machine only (S-mode, Sv39). One round is one operation.
 */
#include "../bench.h"

#define OP_CSR    1 /* csrr sscratch */
#define OP_TIME   2 /* rdtime */
#define OP_ECALL  3 /* ecall to M-mode and mret */
#define OP_MMIO   4 /* UART line status read */
#define OP_SFENCE 5 /* sfence.vma of one page and a touch */
#define OP_SATP   6 /* switch of ASID and 32 pages touched */
#define OP_FENCEI 7 /* patch an instruction, fence.i, run it */

const uint64_t bench_rounds = BENCH_OP <= OP_TIME ? 3000000 : BENCH_OP <= OP_MMIO ? 300000 : 50000;

#if BENCH_OP == OP_SATP || BENCH_OP == OP_SFENCE
static volatile uint64_t pages[32][512] __attribute__((aligned(4096)));
#endif

#if BENCH_OP == OP_FENCEI
static uint32_t patch[2]
    __attribute__((aligned(64))) = {0x00000513, 0x00008067}; /* li a0, n; ret */
#endif

static inline uint64_t one(uint64_t i)
{
    uint64_t value = 0;

    (void)i;
#if BENCH_OP == OP_CSR
    __asm__ volatile("csrr %0, sscratch" : "=r"(value));
    value = 0;
#elif BENCH_OP == OP_TIME
    __asm__ volatile("rdtime %0" : "=r"(value));
    value = 0;
#elif BENCH_OP == OP_ECALL
    __asm__ volatile("ecall" ::: "memory");
#elif BENCH_OP == OP_MMIO
    value = *(volatile uint8_t *)0x10000005 & 1;
#elif BENCH_OP == OP_SFENCE
    __asm__ volatile("sfence.vma %0" ::"r"(&pages[i & 31]) : "memory");
    value = pages[i & 31][0];
#elif BENCH_OP == OP_SATP
    uint64_t satp;

    __asm__ volatile("csrr %0, satp" : "=r"(satp));
    satp ^= 1ull << 44;
    __asm__ volatile("csrw satp, %0" ::"r"(satp) : "memory");
    for (int page = 0; page < 32; page++) {
        value += pages[page][0];
    }
#elif BENCH_OP == OP_FENCEI
    patch[0] = 0x00000513 | (uint32_t)(i & 1023) << 20;
    __asm__ volatile("fence.i" ::: "memory");
    value = ((uint64_t(*)(void))(uintptr_t)patch)();
#endif
    return value;
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        sum += one(i);
    }
    return sum;
}
