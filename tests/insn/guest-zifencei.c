/* SPDX-License-Identifier: MIT */
/*
 * fence.i: code that this hart wrote runs as written after it, however often and from whatever page, and data beside code
 * stays data.
 */
#include "tests/insn/rt.h"

#define INSN_RET        0x00008067u
#define INSN_LI_A0(n)   (0x00000513u | (uint32_t)(n) << 20)
#define INSN_ADDI_A0(n) (0x00050513u | (uint32_t)(n) << 20)

static uint32_t code[4][1024] __attribute__((aligned(4096)));
typedef uint64_t (*code_fn)(uint64_t);

static void fence_i(void)
{
    asm volatile("fence.i" ::: "memory");
}

static uint64_t run(unsigned page, unsigned at, uint64_t arg)
{
    return ((code_fn) & ((volatile uint32_t(*)[1024])code)[page][at])(arg);
}

static void test_patch(void)
{
    begin("fence_i");
    for (uint32_t i = 0; i < 500; i++) {
        code[0][0] = INSN_LI_A0(i);
        code[0][1] = INSN_RET;
        fence_i();
        check_eq(run(0, 0, 0), i);
    }
}

static void test_many_pages(void)
{
    begin("patches_in_many_pages");
    for (uint32_t i = 0; i < 200; i++) {
        for (unsigned p = 0; p < 4; p++) {
            code[p][i] = INSN_LI_A0(i + p);
            code[p][i + 1] = INSN_RET;
        }
        fence_i();
        for (unsigned p = 0; p < 4; p++) {
            check_eq(run(p, i, 0), i + p);
        }
    }
}

static void test_middle_of_block(void)
{
    begin("patch_in_the_middle_of_a_block");
    for (unsigned i = 0; i < 40; i++) {
        code[1][i] = INSN_ADDI_A0(1);
    }
    code[1][40] = INSN_RET;
    fence_i();
    check_eq(run(1, 0, 0), 40);
    for (unsigned i = 0; i < 40; i++) {
        code[1][i] = INSN_ADDI_A0(2);
        fence_i();
        check_eq(run(1, 0, 0), 40 + i + 1);
        check_eq(run(1, i, 0), 2 + (39 - i)); /* the patched one and those behind it */
    }
}

/* The store, the fence and the patched instruction stand in a row: the fence must end what was translated before it. */
static void test_patch_ahead(void)
{
    uint64_t result;

    begin("patch_just_ahead");
    for (uint32_t n = 1; n < 50; n++) {
        asm volatile(".option push\n .option norvc\n"
                     "la t0, 1f\n sw %1, 0(t0)\n fence.i\n 1: li a0, 0\n mv %0, a0\n .option pop"
                     : "=r"(result)
                     : "r"(INSN_LI_A0(n))
                     : "t0", "a0", "memory");
        check_eq(result, n);
    }
}

static void test_data_in_code_page(void)
{
    volatile uint64_t *data = (volatile uint64_t *)&code[2][512];

    begin("data_in_a_page_of_code");
    code[2][0] = INSN_ADDI_A0(7);
    code[2][1] = INSN_RET;
    fence_i();
    for (uint64_t i = 0; i < 2000; i++) {
        data[i % 64] = i * 3;
        check_eq(run(2, 0, i), i + 7);
        check_eq(data[i % 64], i * 3);
        if (i % 100 == 0) {
            fence_i();
        }
    }
}

/* Stores of all sizes and kinds mark the page; the stale code may run until the fence, not after it. */
static void test_kinds_of_stores(void)
{
    uint64_t pair = INSN_LI_A0(5) | (uint64_t)INSN_RET << 32;

    begin("stores_of_all_kinds_reach_code");
    code[3][0] = INSN_LI_A0(1);
    code[3][1] = INSN_RET;
    fence_i();
    check_eq(run(3, 0, 0), 1);
    ((volatile uint8_t *)code[3])[2] = 0x20; /* li a0, 2 */
    fence_i();
    check_eq(run(3, 0, 0), 2);
    ((volatile uint16_t *)code[3])[1] = 0x0030;
    fence_i();
    check_eq(run(3, 0, 0), 3);
    asm volatile("amoswap.w zero, %0, (%1)" ::"r"(INSN_LI_A0(4)), "r"(code[3]) : "memory");
    fence_i();
    check_eq(run(3, 0, 0), 4);
    asm volatile("fmv.d.x fa0, %0\n fsd fa0, (%1)" ::"r"(pair), "r"(code[3]) : "memory");
    fence_i();
    check_eq(run(3, 0, 0), 5);
    asm volatile("1: lr.w t0, (%1)\n sc.w t0, %0, (%1)\n bnez t0, 1b" ::"r"(INSN_LI_A0(6)),
                 "r"(code[3])
                 : "t0", "memory");
    fence_i();
    check_eq(run(3, 0, 0), 6);
    asm volatile("cbo.zero (%0)" ::"r"(code[3]) : "memory");
    code[3][0] = INSN_LI_A0(7);
    code[3][1] = INSN_RET;
    fence_i();
    check_eq(run(3, 0, 0), 7);
    *(volatile uint64_t *)((uint8_t *)code[3] - 4) = (uint64_t)INSN_LI_A0(8)
                                                     << 32; /* across the page's start */
    fence_i();
    check_eq(run(3, 0, 0), 8);
    asm volatile(".insn i 0x0f, 1, a0, a1, 0x7ff" ::: "memory"); /* reserved fields are ignored */
    check_eq(run(3, 0, 0), 8);
}

void test_main(void)
{
    csr_write(menvcfg, 0xf0);
    test_patch();
    test_many_pages();
    test_middle_of_block();
    test_patch_ahead();
    test_data_in_code_page();
    test_kinds_of_stores();
}
