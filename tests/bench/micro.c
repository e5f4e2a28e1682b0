/* SPDX-License-Identifier: MIT */
/*
 * The micro suite: one row per operation of the hart, in S-mode under Sv39.
 * A row is a function that does the operation N times (times `each`). It is
 * repeated until it takes SPAN_NS, then TIMES times more; the least counts.
 * Prints "begin NAME" and "bench NAME PICOSECONDS-PER-OP NANOSECONDS-IN-ALL".
 *
 * MICRO_ONLY, if defined, names the rows to run: " name name ". With
 * BENCH_HARTS the rows of two harts are run instead of the others.
 *
 * Memory: 128 MiB from DATA are mapped a second time in pages of 4 KiB at
 * PAGES; code that the rows make is at CODE, within the identity map.
 */
#include "bare.h"
#include "bench.h"

#ifndef BENCH_HARTS
#define BENCH_HARTS 1
#endif
#ifndef MICRO_ONLY
#define MICRO_ONLY NULL
#endif

#define SPAN_NS    4000000
#define TIMES      8
#define MOST       (1u << 30)
#define DATA       0x84000000ull
#define DATA_MIB   128
#define CODE       0x8c000000ull
#define PAGES      0x400000000ull
#define PTE(pa)    ((pa) >> 12 << 10)
#define PTE_LEAF   0xcf
#define PTE_TABLE  0x01

#define ASM        __asm__ volatile
#define X4(text)   text text text text
#define X16(text)  X4(X4(text))
#define LOOP(each) for (uint64_t i = 0; i < n; i += (each))

struct micro {
    const char *name;
    void (*run)(uint64_t n);
    int harts;     /* 2: only with a second hart at work; otherwise only without */
    uint64_t most; /* times that it can be done */
};

extern volatile uint32_t bench_ipi_seen;

static uint64_t middle[512] __attribute__((aligned(4096)));
static uint64_t leaves[DATA_MIB / 2][512] __attribute__((aligned(4096)));
static uint64_t cells[512] __attribute__((aligned(4096)));
static double left[1024] __attribute__((aligned(64))), right[1024] __attribute__((aligned(64)));

/* PAGES: the third level of one more gigapage slot of the root. */
static void map_pages(void)
{
    bench_root[PAGES >> 30] = PTE((uint64_t)(uintptr_t)middle) | PTE_TABLE;
    for (uint64_t m = 0; m < DATA_MIB / 2; m++) {
        middle[m] = PTE((uint64_t)(uintptr_t)leaves[m]) | PTE_TABLE;
        for (uint64_t p = 0; p < 512; p++) {
            leaves[m][p] = PTE(DATA + (m << 21) + (p << 12)) | PTE_LEAF;
        }
    }
    ASM("sfence.vma" ::: "memory");
}

/* --- integer and memory ------------------------------------------------------------------- */

static void alu_dependent(uint64_t n)
{
    uint64_t a = 1, b = 3;

    LOOP(64)
    {
        ASM(X16("add %0,%0,%1\n xor %0,%0,%1\n slli %0,%0,1\n sub %0,%0,%1\n") : "+r"(a) : "r"(b));
    }
}

static void alu_loop(uint64_t n)
{
    uint64_t a = 0, b = 1, c = n / 6 + 1;

    ASM("1: add %1,%1,%2\n xor %2,%2,%1\n srli t0,%1,3\n add %2,%2,t0\n addi %0,%0,-1\n bnez %0,1b"
        : "+r"(c), "+r"(a), "+r"(b)::"t0");
}

static void mul(uint64_t n)
{
    uint64_t a = 12345, b = 7;

    LOOP(16)
    {
        ASM(X16("mul %0,%0,%1\n") : "+r"(a) : "r"(b));
    }
}

static void divu(uint64_t n)
{
    uint64_t a, b = 7;

    LOOP(16)
    {
        a = ~0ull;
        ASM(X16("divu %0,%0,%1\n") : "+r"(a) : "r"(b));
    }
}

static void load_same_page(uint64_t n)
{
    LOOP(16)
    {
        ASM(X4("ld t0,0(%0)\n ld t1,8(%0)\n ld t2,72(%0)\n ld t3,256(%0)\n")::"r"(cells)
            : "t0", "t1", "t2", "t3");
    }
}

static void store_same_page(uint64_t n)
{
    LOOP(16)
    {
        ASM(X4("sd t0,0(%0)\n sd t1,8(%0)\n sd t2,72(%0)\n sd t3,256(%0)\n")::"r"(left) : "memory");
    }
}

static void load_misaligned(uint64_t n)
{
    LOOP(16)
    {
        ASM(X16("ld t0,3(%0)\n")::"r"(cells) : "t0");
    }
}

static void load_cross_page(uint64_t n)
{
    LOOP(16)
    {
        ASM(X16("ld t0,-4(%0)\n")::"r"(PAGES + 8192) : "t0");
    }
}

static void chase_in_page(uint64_t n)
{
    uint64_t *at = cells;

    for (int i = 0; i < 512; i++) {
        cells[i] = (uint64_t)(uintptr_t)&cells[(i + 9) & 511];
    }
    LOOP(16)
    {
        ASM(X16("ld %0,0(%0)\n") : "+r"(at));
    }
}

static void random_pages(uint64_t n, uint64_t mib)
{
    uint64_t seed = 99991, mask = mib * 256 - 1;

    LOOP(1)
    {
        uint64_t page = bench_random(&seed) & mask;

        ASM("ld t0,0(%0)" ::"r"(PAGES + (page << 12) + (page * 64 & 4032)) : "t0");
    }
}

static void random_pages_1m(uint64_t n)
{
    random_pages(n, 1);
}

static void random_pages_4m(uint64_t n)
{
    random_pages(n, 4);
}

static void random_pages_16m(uint64_t n)
{
    random_pages(n, 16);
}

static void random_pages_64m(uint64_t n)
{
    random_pages(n, 64);
}

static void copy_words(uint64_t n)
{
    LOOP(1024)
    {
        uint64_t from = (uintptr_t)left, to = (uintptr_t)right, end = from + sizeof(left);

        ASM("1: ld t0,0(%0)\n sd t0,0(%1)\n addi %0,%0,8\n addi %1,%1,8\n bne %0,%2,1b"
            : "+r"(from), "+r"(to)
            : "r"(end)
            : "t0", "memory");
    }
}

static void copy_bytes(uint64_t n)
{
    LOOP(8192)
    {
        uint64_t from = (uintptr_t)left, to = (uintptr_t)right, end = from + sizeof(left);

        ASM("1: lbu t0,0(%0)\n sb t0,0(%1)\n addi %0,%0,1\n addi %1,%1,1\n bne %0,%2,1b"
            : "+r"(from), "+r"(to)
            : "r"(end)
            : "t0", "memory");
    }
}

/* --- control flow ------------------------------------------------------------------------- */

static NOINLINE __attribute__((aligned(4096))) uint64_t far_leaf(uint64_t x)
{
    ASM("" : "+r"(x));
    return x + 1;
}

static NOINLINE __attribute__((aligned(4096))) void call_far(uint64_t n)
{
    uint64_t x = 0;

    LOOP(4)
    {
        x = far_leaf(far_leaf(far_leaf(far_leaf(x))));
    }
    ASM("" ::"r"(x));
}

static void call_near(uint64_t n)
{
    LOOP(16)
    {
        ASM(X16("jal 9f\n") "j 8f\n9: addi a0,a0,1\n ret\n8:" ::: "ra", "a0");
    }
}

static NOINLINE uint64_t fibonacci(uint64_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static void call_fibonacci(uint64_t n)
{
    LOOP(21891) /* calls of fibonacci(20) */
    {
        uint64_t of = 20;

        ASM("" : "+r"(of));
        of = fibonacci(of);
        ASM("" ::"r"(of));
    }
}

static void indirect_1(uint64_t n)
{
    LOOP(16)
    {
        ASM(X16("jalr %0\n")::"r"(far_leaf) : "ra", "a0");
    }
}

static void indirect_16(uint64_t n)
{
    /* sixteen functions of 16 bytes each, called one after the other */
    LOOP(16)
    {
        ASM("la t0,7f\n" X16(
                "jalr t0\n addi t0,t0,16\n") "j 8f\n.balign 64\n7:\n"
                                             ".rept 16\n.balign 16\n addi a0,a0,1\n ret\n.endr\n8:" ::
                                                 : "ra", "a0", "t0");
    }
}

static NOINLINE uint64_t interpret(const uint8_t *code, uint64_t n)
{
    uint64_t acc = 0;

    for (uint64_t pc = 0; pc < n; pc++) {
        switch (code[pc & 255]) {
        case 0:
            acc += 5;
            break;
        case 1:
            acc ^= 0x3c;
            break;
        case 2:
            acc = acc << 1 | acc >> 63;
            break;
        case 3:
            acc -= 9;
            break;
        case 4:
            acc |= 2;
            break;
        case 5:
            acc *= 5;
            break;
        case 6:
            acc = ~acc;
            break;
        case 7:
            acc >>= 1;
            break;
        case 8:
            acc += pc;
            break;
        default:
            acc ^= acc >> 5;
            break;
        }
    }
    return acc;
}

static void bytecode(uint64_t n)
{
    static uint8_t code[256];
    uint64_t seed = 4711, sum;

    for (int i = 0; i < 256; i++) {
        code[i] = (uint8_t)(bench_random(&seed) % 10);
    }
    sum = interpret(code, n);
    ASM("" ::"r"(sum));
}

/* --- floating point ----------------------------------------------------------------------- */

#define FP_CHAIN(name, type, start, with, text)     \
    static void name(uint64_t n)                    \
    {                                               \
        type b = (with);                            \
                                                    \
        LOOP(16)                                    \
        {                                           \
            type a = (start);                       \
                                                    \
            ASM(X16(text "\n") : "+f"(a) : "f"(b)); \
        }                                           \
    }

#define FP_TO_INTEGER(name, text)                                                 \
    static void name(uint64_t n)                                                  \
    {                                                                             \
        double a = 2.5, b = 3.5;                                                  \
        uint64_t x;                                                               \
                                                                                  \
        LOOP(16)                                                                  \
        {                                                                         \
            ASM(X16(text "\n add t0,t0,%0\n") : "=r"(x) : "f"(a), "f"(b) : "t0"); \
        }                                                                         \
    }

FP_CHAIN(fadd_d, double, 1.0, 1.0000001, "fadd.d %0,%0,%1")
FP_CHAIN(fmul_d, double, 1.0, 1.0000001, "fmul.d %0,%0,%1")
FP_CHAIN(fmadd_d, double, 1.0, 1.0000001, "fmadd.d %0,%1,%1,%0")
FP_CHAIN(fdiv_d, double, 1e30, 1.0000001, "fdiv.d %0,%0,%1")
FP_CHAIN(fsqrt_d, double, 12345.0, 1.0, "fsqrt.d %0,%0")
FP_CHAIN(fadd_s, float, 1.0f, 1.5f, "fadd.s %0,%0,%1")
FP_CHAIN(fmadd_s, float, 1.0f, 1.0001f, "fmadd.s %0,%1,%1,%0")
FP_CHAIN(fmin_d, double, 1.0, 0.5, "fmin.d %0,%0,%1")
FP_CHAIN(fsgnj_d, double, 1.0, 0.5, "fsgnjx.d %0,%0,%1")
FP_CHAIN(fadd_d_rtz, double, 1.0, 1.0000001, "fadd.d %0,%0,%1,rtz")
FP_TO_INTEGER(flt_d, "flt.d %0,%1,%2")
FP_TO_INTEGER(fcvt_l_d, "fcvt.l.d %0,%1,rtz")
FP_TO_INTEGER(fmv_x_d, "fmv.x.d %0,%1")
FP_TO_INTEGER(fclass_d, "fclass.d %0,%1")

static void fcvt_l_d_chain(uint64_t n)
{
    double a = 2.5;

    LOOP(16)
    {
        ASM(X16("fcvt.l.d t0,%0,rtz\n fcvt.d.l %0,t0\n") : "+f"(a)::"t0");
    }
}

static void fcvt_d_l(uint64_t n)
{
    double a;

    LOOP(16)
    {
        ASM(X16("fcvt.d.l %0,%1\n") : "=f"(a) : "r"(i));
    }
}

static void fcvt_s_d(uint64_t n)
{
    double a = 1.5;

    LOOP(16)
    {
        ASM(X16("fcvt.s.d %0,%0\n fcvt.d.s %0,%0\n") : "+f"(a));
    }
}

static void fadd_clean_flags(uint64_t n)
{
    double a = 1.0, b = 1.0000001;

    LOOP(16)
    {
        ASM("csrwi fflags,0\n" X16("fadd.d %0,%0,%1\n") : "+f"(a) : "f"(b));
    }
}

static void daxpy(uint64_t n)
{
    for (int k = 0; k < 1024; k++) {
        left[k] = k * 0.5;
        right[k] = 1.0;
    }
    LOOP(1024)
    {
        for (int k = 0; k < 1024; k++) {
            right[k] += 1.000001 * left[k];
        }
        ASM("" ::: "memory");
    }
}

/* --- the hart's own ----------------------------------------------------------------------- */

/* Results are used, where they can be: what nobody reads need not be computed. */
#define PLAIN(name, text)                                           \
    static void name(uint64_t n)                                    \
    {                                                               \
        LOOP(16)                                                    \
        {                                                           \
            ASM(X16(text "\n")::"r"(cells) : "t0", "t1", "memory"); \
        }                                                           \
    }

PLAIN(csr_read, "csrr t0,sscratch\n add t1,t1,t0")
PLAIN(csr_write, "csrrw t0,sscratch,t0")
PLAIN(csr_sie, "csrrci t0,sstatus,2\n csrrsi zero,sstatus,0")
PLAIN(rdtime, "rdtime t0")
PLAIN(rdcycle, "rdcycle t0")
PLAIN(rdinstret, "rdinstret t0")
PLAIN(fence_rw_rw, "fence rw,rw")
PLAIN(fence_r_rw, "fence r,rw")
PLAIN(ecall, "ecall")
PLAIN(fence_i, "fence.i")
PLAIN(amoadd_d, "amoadd.d t0,t1,(%0)")
PLAIN(amoswap_w, "amoswap.w.aq t0,t1,(%0)")
PLAIN(amomax_w, "amomax.w t0,t1,(%0)")
PLAIN(lr_sc, "lr.d t0,(%0)\n addi t0,t0,1\n sc.d t1,t0,(%0)")

static void mmio_uart(uint64_t n)
{
    LOOP(16)
    {
        ASM(X16("lbu t0,5(%0)\n")::"r"(0x10000000ul) : "t0");
    }
}

static void mmio_clint(uint64_t n)
{
    LOOP(16)
    {
        ASM(X16("ld t0,0(%0)\n")::"r"(0x2004000ul) : "t0");
    }
}

static void mmio_plic(uint64_t n)
{
    LOOP(16)
    {
        ASM(X16("lw t0,4(%0)\n")::"r"(0xc000000ul) : "t0");
    }
}

static void self_ipi(uint64_t n)
{
    LOOP(1)
    {
        bench_ipi_seen = 0;
        *(volatile uint32_t *)0x2000000 = 1;
        while (!bench_ipi_seen) {}
    }
}

static void sfence_page(uint64_t n)
{
    LOOP(4)
    {
        ASM(X4("sfence.vma %0,zero\n ld t0,0(%0)\n")::"r"(PAGES + 4096) : "t0", "memory");
    }
}

static void sfence_all(uint64_t n)
{
    LOOP(4)
    {
        ASM(X4("sfence.vma\n ld t0,0(%0)\n")::"r"(PAGES + 4096) : "t0", "memory");
    }
}

static inline uint64_t satp_of(uint64_t asid)
{
    return 8ull << 60 | asid << 44 | (uint64_t)(uintptr_t)bench_root >> 12;
}

static void satp_switch_32(uint64_t n)
{
    LOOP(1)
    {
        ASM("csrw satp,%0" ::"r"(satp_of(1 + (i & 1))) : "memory");
        for (uint64_t page = 0; page < 32; page++) {
            ASM("ld t0,0(%0)" ::"r"(PAGES + page * 4096) : "t0");
        }
    }
}

static void satp_switch(uint64_t n)
{
    LOOP(2)
    {
        ASM("csrw satp,%0\n csrw satp,%1" ::"r"(satp_of(1)), "r"(satp_of(2)) : "memory");
    }
}

static void fill_pages(uint64_t n)
{
    LOOP(4096)
    {
        ASM("sfence.vma" ::: "memory");
        for (uint64_t page = 0; page < 4096; page++) {
            ASM("ld t0,0(%0)" ::"r"(PAGES + page * 4096) : "t0");
        }
    }
}

/* Entry 0 of the PMP forbids 64 bytes in the middle of a page; the rest of that page is read. */
static void pmp(uint64_t address, uint64_t rights)
{
    register uint64_t a0 __asm__("a0") = address, a1 __asm__("a1") = rights;

    ASM(".option push\n.option norvc\n ebreak\n.option pop" ::"r"(a0), "r"(a1) : "memory");
}

static void load_pmp_split(uint64_t n)
{
    pmp((DATA + 8192 + 2048) >> 2 | 7, 0x18);
    LOOP(16)
    {
        ASM(X16("ld t0,0(%0)\n")::"r"(PAGES + 8192) : "t0");
    }
    pmp(0, 0);
}

/* --- code that changes -------------------------------------------------------------------- */

#define ADDI_A0(value) (0x00050513u | (uint32_t)(value) << 20)
#define RET            0x00008067u

typedef uint64_t code_fn(uint64_t x);

static void patch_run(uint64_t n)
{
    volatile uint32_t *code = (volatile uint32_t *)CODE;

    LOOP(1)
    {
        code[0] = ADDI_A0(i & 1023);
        code[1] = RET;
        ASM("fence.i" ::: "memory");
        ((code_fn *)CODE)(i);
    }
}

static void store_code_page(uint64_t n)
{
    volatile uint32_t *code = (volatile uint32_t *)CODE;

    code[0] = ADDI_A0(1);
    code[1] = RET;
    ASM("fence.i" ::: "memory");
    LOOP(16)
    {
        ((code_fn *)CODE)(i);
        ASM(X16("sd t0,2040(%0)\n")::"r"(CODE) : "memory");
    }
}

/* Functions of arithmetic, loads, stores and branches, none run before in this form: 64 instructions each. */
static void cold_code(uint64_t n)
{
    static const uint32_t kinds[8] = {
        0x00150513, /* addi a0,a0,1 */
        0x00b50533, /* add a0,a0,a1 */
        0x0005b703, /* ld a4,0(a1) */
        0x00e54533, /* xor a0,a0,a4 */
        0x00151613, /* slli a2,a0,1 */
        0x00c5b423, /* sd a2,8(a1) */
        0x40a60633, /* sub a2,a2,a0 */
        0x00001463, /* bnez zero,+8 */
    };
    static uint64_t stores[2], turn;
    uint32_t *code = (uint32_t *)CODE;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = i & 63;

        code[i] = at == 63 ? RET : at & 7 ? kinds[i & 7] : ADDI_A0(((i >> 3) + turn) & 2047);
    }
    turn += 77;
    ASM("fence.i" ::: "memory");
    bench_begin();
    for (uint64_t f = 0; f + 64 <= n; f += 64) {
        ASM("mv a1,%1\n jalr %0" ::"r"(code + f), "r"(stores)
            : "ra", "a0", "a1", "a2", "a4", "memory");
    }
}

/* --- two harts ---------------------------------------------------------------------------- */

static volatile uint64_t shared[64] __attribute__((aligned(512)));

void bench_second(void)
{
    for (;;) {
        ASM("amoadd.d zero,%1,(%0)" ::"r"(&shared[0]), "r"(1ul) : "memory");
    }
}

#define SHARED(name, word, text)                                                      \
    static void name(uint64_t n)                                                      \
    {                                                                                 \
        LOOP(16)                                                                      \
        {                                                                             \
            ASM(X16(text "\n")::"r"(&shared[word]), "r"(1ul) : "t0", "t1", "memory"); \
        }                                                                             \
    }

SHARED(amo_shared, 0, "amoadd.d zero,%1,(%0)")
SHARED(amo_own, 32, "amoadd.d zero,%1,(%0)")
SHARED(lr_sc_own, 32, "lr.d t0,(%0)\n addi t0,t0,1\n sc.d t1,t0,(%0)")
SHARED(lr_sc_shared, 0, "1: lr.d t0,(%0)\n addi t0,t0,1\n sc.d t1,t0,(%0)\n bnez t1,1b")
SHARED(sfence_2_harts, 32, "sfence.vma")

/* --- running ------------------------------------------------------------------------------ */

static const struct micro rows[] = {
    {"alu-dependent", alu_dependent, 1, MOST},
    {"alu-loop", alu_loop, 1, MOST},
    {"mul", mul, 1, MOST},
    {"divu", divu, 1, MOST},
    {"load", load_same_page, 1, MOST},
    {"store", store_same_page, 1, MOST},
    {"load-misaligned", load_misaligned, 1, MOST},
    {"load-cross-page", load_cross_page, 1, MOST},
    {"chase-in-page", chase_in_page, 1, MOST},
    {"random-pages-1m", random_pages_1m, 1, MOST},
    {"random-pages-4m", random_pages_4m, 1, MOST},
    {"random-pages-16m", random_pages_16m, 1, MOST},
    {"random-pages-64m", random_pages_64m, 1, MOST},
    {"copy-words", copy_words, 1, MOST},
    {"copy-bytes", copy_bytes, 1, MOST},
    {"call-near", call_near, 1, MOST},
    {"call-far", call_far, 1, MOST},
    {"call-fibonacci", call_fibonacci, 1, MOST},
    {"indirect-1", indirect_1, 1, MOST},
    {"indirect-16", indirect_16, 1, MOST},
    {"bytecode", bytecode, 1, MOST},
    {"fadd.d", fadd_d, 1, MOST},
    {"fmul.d", fmul_d, 1, MOST},
    {"fmadd.d", fmadd_d, 1, MOST},
    {"fdiv.d", fdiv_d, 1, MOST},
    {"fsqrt.d", fsqrt_d, 1, MOST},
    {"fadd.s", fadd_s, 1, MOST},
    {"fmadd.s", fmadd_s, 1, MOST},
    {"fmin.d", fmin_d, 1, MOST},
    {"fsgnjx.d", fsgnj_d, 1, MOST},
    {"fadd.d-rtz", fadd_d_rtz, 1, MOST},
    {"flt.d", flt_d, 1, MOST},
    {"fcvt.l.d", fcvt_l_d, 1, MOST},
    {"fcvt.l.d-chain", fcvt_l_d_chain, 1, MOST},
    {"fcvt.d.l", fcvt_d_l, 1, MOST},
    {"fcvt.s.d-chain", fcvt_s_d, 1, MOST},
    {"fmv.x.d", fmv_x_d, 1, MOST},
    {"fclass.d", fclass_d, 1, MOST},
    {"fadd.d-clean-flags", fadd_clean_flags, 1, MOST},
    {"daxpy", daxpy, 1, MOST},
    {"csrr", csr_read, 1, MOST},
    {"csrw", csr_write, 1, MOST},
    {"csr-sie", csr_sie, 1, MOST},
    {"rdtime", rdtime, 1, MOST},
    {"rdcycle", rdcycle, 1, MOST},
    {"rdinstret", rdinstret, 1, MOST},
    {"fence-rw-rw", fence_rw_rw, 1, MOST},
    {"fence-r-rw", fence_r_rw, 1, MOST},
    {"ecall", ecall, 1, MOST},
    {"self-ipi", self_ipi, 1, MOST},
    {"mmio-uart", mmio_uart, 1, MOST},
    {"mmio-clint", mmio_clint, 1, MOST},
    {"mmio-plic", mmio_plic, 1, MOST},
    {"amoadd.d", amoadd_d, 1, MOST},
    {"amoswap.w", amoswap_w, 1, MOST},
    {"amomax.w", amomax_w, 1, MOST},
    {"lr-sc", lr_sc, 1, MOST},
    {"sfence-page", sfence_page, 1, MOST},
    {"sfence-all", sfence_all, 1, MOST},
    {"satp-switch-32", satp_switch_32, 1, MOST},
    {"satp-switch", satp_switch, 1, MOST},
    {"tlb-fill", fill_pages, 1, MOST},
    {"pmp-split-load", load_pmp_split, 1, MOST},
    {"fence.i", fence_i, 1, MOST},
    {"patch-fence.i-run", patch_run, 1, MOST},
    {"store-code-page", store_code_page, 1, MOST},
    {"cold-code", cold_code, 1, 1 << 19},
    {"2-harts-amo-shared", amo_shared, 2, MOST},
    {"2-harts-amo-own", amo_own, 2, MOST},
    {"2-harts-lr-sc-shared", lr_sc_shared, 2, MOST},
    {"2-harts-lr-sc-own", lr_sc_own, 2, MOST},
    {"2-harts-sfence", sfence_2_harts, 2, MOST},
};

static uint64_t began;

void bench_begin(void)
{
    began = bare_time();
}

/* Once; bench_begin leaves out what came before it. */
static uint64_t once(const struct micro *row, uint64_t n)
{
    began = bare_time();
    row->run(n);
    return (bare_time() - began) * BARE_TICK_NS;
}

/* The least of several times, which other programs of the machine disturb least. */
static uint64_t timed(const struct micro *row, uint64_t n, int times)
{
    uint64_t least = ~0ull;

    for (int i = 0; i < times; i++) {
        uint64_t took = once(row, n);

        least = took < least ? took : least;
    }
    return least;
}

/* Whether the list (NULL: of all), words with a space before and after, has the row's name. */
static int listed(const char *list, const char *name)
{
    if (!list) {
        return 1;
    }
    for (; *list; list++) {
        if (*list == ' ') {
            size_t i = 0;

            while (name[i] && list[1 + i] == name[i]) {
                i++;
            }
            if (!name[i] && list[1 + i] == ' ') {
                return 1;
            }
        }
    }
    return 0;
}

static void measure(const struct micro *row)
{
    uint64_t n = 4096, least, all;

    while (n < row->most && timed(row, n, 2) < SPAN_NS) {
        n *= 2;
    }
    bare_print("begin ", row->name, "\n", NULL);
    all = bare_time();
    least = timed(row, n, TIMES);
    all = (bare_time() - all) * BARE_TICK_NS;
    bare_print("bench ", row->name, " ", NULL);
    bare_number(least * 1000 / n);
    bare_print(" ", NULL);
    bare_number(all);
    bare_print("\n", NULL);
}

void bench_main(void)
{
    map_pages();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].harts == BENCH_HARTS && listed(MICRO_ONLY, rows[i].name)) {
            measure(&rows[i]);
        }
    }
}
