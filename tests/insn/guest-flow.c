/* SPDX-License-Identifier: MIT */
/*
 * Control flow: jal and jalr with their links, targets and register overlaps, far and page-crossing code, loops, indirect
 * jumps through tables, and the fences, which change nothing that one hart can see.
 */
#include "tests/insn/rt.h"

/* jal forward and backward, with any link register; returns how far the link lies behind the jump. */
static void test_jal(void)
{
    uint64_t link, here, went;

    begin("jal");
    asm volatile("1: jal %0, 2f\n li %2, 0\n j 3f\n 2: li %2, 1\n 3: la %1, 1b"
                 : "=&r"(link), "=&r"(here), "=&r"(went));
    check_eq(link - here, 4);
    check_eq(went, 1);
    asm volatile("j 2f\n 1: li %2, 2\n j 3f\n 2: jal %0, 1b\n 3: la %1, 2b"
                 : "=&r"(link), "=&r"(here), "=&r"(went));
    check_eq(link - here, 4);
    check_eq(went, 2);
    asm volatile("jal zero, 1f\n li %0, 9\n 1: li %0, 3" : "=&r"(went));
    check_eq(went, 3);
    asm volatile("1: jal t4, 2f\n 2: mv %0, t4\n la %1, 2b" : "=&r"(link), "=&r"(here)::"t4");
    check_eq(link, here);
    asm volatile("1: jal ra, 2f\n nop\n 2: mv %0, ra\n la %1, 1b" : "=&r"(link), "=&r"(here)::"ra");
    check_eq(link - here, 4);
}

static void test_jal_far(void)
{
    uint64_t trail = 0;

    begin("jal_far");
    asm volatile(".option push\n .option norvc\n"
                 "j 2f\n 1: addi %0, %0, 1\n j 3f\n"
                 ".space 0xfff00, 0\n"
                 "2: addi %0, %0, 16\n j 1b\n"
                 "3: addi %0, %0, 256\n"
                 ".option pop"
                 : "+r"(trail));
    check_eq(trail, 256 + 16 + 1);
}

static void test_jalr(void)
{
    uint64_t link, here, went;

    begin("jalr");
    asm volatile("la t0, 2f\n 1: jalr %0, 0(t0)\n li %2, 0\n j 3f\n 2: li %2, 1\n 3: la %1, 1b\n"
                 : "=&r"(link), "=&r"(here), "=&r"(went)::"t0");
    check(link - here == 4 || link - here == 2); /* the assembler may compress it */
    check_eq(went, 1);
    /* rd is rs1: the target is read first. */
    asm volatile(
        ".option push\n .option norvc\n la t4, 2f\n 1: jalr t4, 0(t4)\n li %2, 0\n j 3f\n 2: li %2, 1\n"
        "3: la %1, 1b\n mv %0, t4\n .option pop"
        : "=&r"(link), "=&r"(here), "=&r"(went)::"t4");
    check_eq(link - here, 4);
    check_eq(went, 1);
    asm volatile("la ra, 2f\n .option push\n .option norvc\n"
                 "1: jalr ra, 0(ra)\n li %1, 0\n j 3f\n 2: li %1, 1\n 3: mv %0, ra\n .option pop"
                 : "=&r"(link), "=&r"(went)::"ra");
    check_eq(went, 1);
    /* Bit 0 of the target is cleared; offsets are signed. */
    asm volatile("la t0, 2f\n addi t0, t0, 2047\n jalr zero, -2046(t0)\n"
                 "li %0, 0\n j 3f\n .balign 4\n 2: li %0, 1\n 3:"
                 : "=&r"(went)::"t0");
    check_eq(went, 1);
    asm volatile(
        "la t0, 2f - 2047\n jalr zero, 2047(t0)\n li %0, 0\n j 3f\n .balign 4\n 2: li %0, 1\n 3:"
        : "=&r"(went)::"t0");
    check_eq(went, 1);
}

/* An indirect jump whose target changes each time, as interpreters of bytecode have. */
static void test_jump_table(void)
{
    uint64_t sum = 0, state = 12345, want = 0;

    begin("jump_table");
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t which = rt_random(&state) % 8;

        asm volatile(
            ".option push\n .option norvc\n"
            "la t0, 1f\n slli t1, %1, 4\n add t0, t0, t1\n jr t0\n"
            ".balign 16\n 1:\n"
            ".set k, 0\n .rept 8\n addi %0, %0, 1 << k\n j 2f\n nop\n nop\n .set k, k + 1\n .endr\n"
            "2:\n .option pop"
            : "+r"(sum)
            : "r"(which)
            : "t0", "t1");
        want += 1UL << which;
    }
    check_eq(sum, want);
}

static void test_loops(void)
{
    uint64_t a, n;

    begin("loops");
    /* A loop to its own head, one with an exit in the middle, and one in another. */
    asm volatile("li %0, 0\n li %1, 1000\n 1: add %0, %0, %1\n addi %1, %1, -1\n bnez %1, 1b"
                 : "=&r"(a), "=&r"(n));
    check_eq(a, 500500);
    asm volatile(
        "li %0, 0\n li %1, 0\n 1: addi %1, %1, 1\n li t0, 777\n beq %1, t0, 2f\n add %0, %0, %1\n j 1b\n 2:"
        : "=&r"(a), "=&r"(n)::"t0");
    check_eq(a, 776 * 777 / 2);
    asm volatile(
        "li %0, 0\n li %1, 50\n 1: li t0, 30\n 2: add %0, %0, t0\n addi t0, t0, -1\n bgtz t0, 2b\n"
        "addi %1, %1, -1\n bgtz %1, 1b"
        : "=&r"(a), "=&r"(n)::"t0");
    check_eq(a, 50 * 465);
    /* The condition's registers are overwritten in the branch's own block. */
    asm volatile(
        "li %0, 0\n li %1, 10\n 1: mv t0, %1\n addi %1, %1, -1\n add %0, %0, t0\n bne t0, zero, 1b"
        : "=&r"(a), "=&r"(n)::"t0");
    check_eq(a, 55);
}

/* Straight code of more than a page: blocks end at limits that no branch gives. */
static void test_long_code(void)
{
    uint64_t a = 0;

    begin("straight_code_over_pages");
    for (unsigned i = 0; i < 3; i++) {
        asm volatile(".rept 3000\n addi %0, %0, 3\n .endr" : "+r"(a));
    }
    check_eq(a, 27000);
}

static uint64_t fib(uint64_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void test_calls(void)
{
    begin("calls_and_returns");
    check_eq(fib(18), 2584);
}

/* A 32-bit instruction in the last and first two bytes of two pages. */
static void test_cross_page_insn(void)
{
    static uint16_t code[4096 * 2] __attribute__((aligned(4096)));
    uint64_t (*fn)(uint64_t) = (uint64_t(*)(uint64_t)) & code[2046];

    begin("instruction_across_pages");
    code[2046] = 0x0505; /* c.addi a0, 1 */
    code[2047] = 0x0513; /* addi a0, a0, 0x123: low half */
    code[2048] = 0x1235;
    code[2049] = 0x8082; /* ret */
    asm volatile("fence.i" ::: "memory");
    for (unsigned i = 0; i < 5; i++) {
        check_eq(fn(i), i + 0x124);
    }
    /* Change the half in the second page only. */
    code[2048] = 0x7ff5;
    asm volatile("fence.i" ::: "memory");
    check_eq(fn(1), 0x801);
}

static void test_fences(void)
{
    uint64_t a = 5;

    begin("fence");
    asm volatile(
        "fence\n fence r, w\n fence w, r\n fence rw, rw\n fence i, o\n fence iorw, iorw\n addi %0, %0, 1"
        : "+r"(a));
    check_eq(a, 6);
    /* Reserved fields and fm are ignored: they act as a normal fence. */
    asm volatile(".word 0x0ff5078f\n .word 0x7ff0000f\n .word 0x0000000f\n addi %0, %0, 1"
                 : "+r"(a));
    check_eq(a, 7);
    begin("fence_tso");
    asm volatile("fence.tso\n addi %0, %0, 1" : "+r"(a));
    check_eq(a, 8);
    begin("pause");
    asm volatile(".word 0x0100000f\n addi %0, %0, 1" : "+r"(a));
    check_eq(a, 9);
}

void test_main(void)
{
    test_jal();
    test_jal_far();
    test_jalr();
    test_jump_table();
    test_loops();
    test_long_code();
    test_calls();
    test_cross_page_insn();
    test_fences();
}
