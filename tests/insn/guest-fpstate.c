/* SPDX-License-Identifier: MIT */
/*
 * The state around floating point: FS off, initial, clean and dirty; fcsr, frm and fflags; rounding modes that do not
 * exist; flags that accumulate.
 */
#include "tests/insn/rt.h"

#define FS_OFF     0UL
#define FS_INITIAL BIT(13)
#define FS_CLEAN   BIT(14)

static void set_fs(uint64_t fs)
{
    csr_clear(mstatus, MSTATUS_FS);
    csr_set(mstatus, fs);
}

static uint64_t fs(void)
{
    return csr_read(mstatus) & MSTATUS_FS;
}

#define ILLEGAL_INSN(text)                                  \
    do {                                                    \
        asm volatile(text ::"r"(&memory) : "memory", "t0"); \
        check_eq(this_cpu()->last.cause, ILLEGAL);          \
        check_eq(this_cpu()->last.count, 1);                \
        trap_arm();                                         \
    } while (0)

static volatile uint64_t memory = 0x3ff0000000000000;

static void test_off(void)
{
    begin("fs_off_makes_all_illegal");
    set_fs(FS_OFF);
    trap_arm();
    ILLEGAL_INSN("fadd.d f0, f0, f0");
    ILLEGAL_INSN("fadd.s f0, f0, f0");
    ILLEGAL_INSN("fld f0, 0(%0)");
    ILLEGAL_INSN("fsd f0, 0(%0)");
    ILLEGAL_INSN("flw f0, 0(%0)");
    ILLEGAL_INSN("fsw f0, 0(%0)");
    ILLEGAL_INSN("fmv.x.d t0, f0");
    ILLEGAL_INSN("fmv.d.x f0, t0");
    ILLEGAL_INSN("feq.d t0, f0, f0");
    ILLEGAL_INSN("fclass.s t0, f0");
    ILLEGAL_INSN("fmadd.d f0, f0, f0, f0");
    ILLEGAL_INSN("fcvt.d.l f0, t0");
    ILLEGAL_INSN("mv a0, %0\n .option push\n .option rvc\n c.fld fa0, 0(a0)\n .option pop");
    ILLEGAL_INSN("frcsr t0");
    ILLEGAL_INSN("fsrm t0");
    ILLEGAL_INSN("csrr t0, fflags");
    trap_disarm();
    set_fs(MSTATUS_FS);
}

#define DIRTY(text)                                         \
    do {                                                    \
        set_fs(FS_CLEAN);                                   \
        asm volatile(text ::"r"(&memory) : "memory", "t0"); \
        check_eq(fs(), MSTATUS_FS);                         \
        check(csr_read(mstatus) & MSTATUS_SD);              \
    } while (0)

static void test_dirty(void)
{
    begin("writes_make_fs_dirty");
    DIRTY("fld f0, 0(%0)");
    DIRTY("flw f1, 0(%0)");
    DIRTY("fadd.d f0, f0, f0");
    DIRTY("fmv.d.x f0, t0");
    DIRTY("fsgnj.s f0, f0, f0");
    DIRTY("csrw fcsr, zero");
    DIRTY("csrw frm, zero");
    DIRTY("csrsi fflags, 1");
    set_fs(FS_INITIAL);
    asm volatile("fcvt.d.w f0, zero");
    check_eq(fs(), MSTATUS_FS);
    begin("stores_leave_fs_clean");
    set_fs(FS_CLEAN);
    asm volatile("fsd f0, 0(%0)\n fsw f0, 0(%0)\n fmv.x.d t0, f0" ::"r"(&memory) : "t0", "memory");
    check_eq(fs(), FS_CLEAN);
    check_eq(csr_read(mstatus) & MSTATUS_SD, 0);
    set_fs(MSTATUS_FS);
}

/* A flag raised by an instruction without a floating-point result dirties the state too. */
static void test_flags_dirty(void)
{
    begin("raised_flags_make_fs_dirty");
    csr_write(fcsr, 0);
    asm volatile("fmv.d.x f0, %0" ::"r"(0x7ff0000000000001UL));
    set_fs(FS_CLEAN);
    asm volatile("flt.d t0, f0, f0" ::: "t0");
    check_eq(csr_read(fflags), 16);
    check_eq(fs(), MSTATUS_FS);
    csr_write(fcsr, 0);
}

static void test_fcsr(void)
{
    uint64_t r;

    begin("fcsr_frm_fflags");
    csr_write(fcsr, -1UL);
    check_eq(csr_read(fcsr), 0xff);
    check_eq(csr_read(frm), 7);
    check_eq(csr_read(fflags), 31);
    csr_write(frm, 0x72);
    check_eq(csr_read(fcsr), 2 << 5 | 31);
    csr_write(fflags, 0x25);
    check_eq(csr_read(fcsr), 2 << 5 | 5);
    check_eq(csr_swap(fcsr, 0), 2 << 5 | 5);
    asm volatile("fsrmi %0, 3" : "=r"(r));
    check_eq(r, 0);
    asm volatile("fsflagsi %0, 9" : "=r"(r));
    check_eq(csr_read(fcsr), 3 << 5 | 9);
    csr_write(fcsr, 0);
}

static void test_rounding_modes(void)
{
    uint64_t one = 0x3ff0000000000000, r;

    begin("reserved_rounding_modes_are_illegal");
    asm volatile("fmv.d.x f0, %0\n fmv.d.x f1, zero" ::"r"(one));
    trap_arm();
    for (uint64_t mode = 5; mode <= 7; mode++) {
        csr_write(frm, mode);
        ILLEGAL_INSN("fadd.d f1, f0, f0");
        ILLEGAL_INSN("fcvt.w.d t0, f0");
        ILLEGAL_INSN("fsqrt.s f1, f0");
        asm volatile("fadd.d f2, f0, f0, rtz\n fmin.d f3, f0, f0\n feq.d t0, f0, f0" ::
                         : "t0"); /* these do not use it */
        check_no_trap();
    }
    csr_write(fcsr, 0);
    asm volatile("fmv.x.d %0, f1" : "=r"(r));
    check_eq(r, 0);
    asm volatile(".word 0x020050d3"); /* fadd.d f1, f0, f0 with rm = 5 */
    check_trap(ILLEGAL, 0x020050d3);
    asm volatile(".word 0x020060d3");
    check_trap(ILLEGAL, 0x020060d3);
    trap_disarm();
    begin("frm_changes_take_effect_at_once");
    asm volatile("fmv.d.x f0, %0\n fmv.d.x f1, %1" ::"r"(one),
                 "r"(0x3ca0000000000000UL)); /* 1 and 2^-53 */
    asm volatile(
        "fsrmi 0\n fadd.d f2, f0, f1\n fsrmi 3\n fadd.d f3, f0, f1\n fsrmi 2\n fadd.d f4, f0, f1\n"
        "fsrmi 4\n fadd.d f5, f0, f1\n fsrmi 0\n fmv.x.d %0, f2"
        : "=r"(r));
    check_eq(r, one);
    asm volatile("fmv.x.d %0, f3" : "=r"(r));
    check_eq(r, one + 1);
    asm volatile("fmv.x.d %0, f4" : "=r"(r));
    check_eq(r, one);
    asm volatile("fmv.x.d %0, f5" : "=r"(r));
    check_eq(r, one + 1);
}

static void test_accumulate(void)
{
    begin("flags_accumulate");
    csr_write(fcsr, 0);
    asm volatile(
        "fmv.d.x f0, %0\n fmv.d.x f1, zero\n fdiv.d f2, f0, f1" ::"r"(0x3ff0000000000000UL));
    check_eq(csr_read(fflags), 8);
    asm volatile("fdiv.d f2, f1, f1");
    check_eq(csr_read(fflags), 24);
    asm volatile("fmv.d.x f3, %0\n fadd.d f2, f3, f3" ::"r"(0x7fefffffffffffffUL));
    check_eq(csr_read(fflags), 16 | 8 | 4 | 1);
    asm volatile("fmul.d f2, f4, f4" ::: "memory");
    asm volatile("fmv.d.x f3, %0\n fmul.d f2, f3, f3" ::"r"(0x0010000000000001UL));
    check_eq(csr_read(fflags), 31);
    asm volatile("fadd.d f2, f0, f0");
    check_eq(csr_read(fflags), 31);
    csr_write(fflags, 0);
    asm volatile("fadd.d f2, f0, f0");
    check_eq(csr_read(fflags), 0);
}

enum { NVALUES = 16, STOP_NEVER = 100 };

struct loop {
    uint64_t x, twice, square, sum; /* f0 to f3 */
};

static uint64_t double_of(int64_t n)
{
    uint64_t bits;

    asm volatile("fcvt.d.l f0, %1\n fmv.x.d %0, f0" : "=r"(bits) : "r"(n));
    return bits;
}

/*
 * x becomes what at[0] points at, unless that faults; leaves in the middle if it is f4. f5 = x - x
 * is a NaN for infinities.
 */
#define TURN                                                                                       \
    "ld t0, 0(%[at])\n addi %[at], %[at], 8\n fld f0, 0(t0)\n fadd.d f1, f0, f0\n"                 \
    "feq.d t1, f0, f4\n bnez t1, 2f\n fmul.d f2, f1, f0\n fsub.d f5, f0, f0\n fadd.d f1, f1, f5\n" \
    "fmadd.d f3, f0, f1, f3\n fsd f1, 8(t0)\n"
#define BEFORE                                                                     \
    "fmv.d.x f4, %[stop]\n fld f0, 0(%[l])\n fld f1, 8(%[l])\n fld f2, 16(%[l])\n" \
    "fld f3, 24(%[l])\n"
#define AFTER "fsd f0, 0(%[l])\n fsd f1, 8(%[l])\n fsd f2, 16(%[l])\n fsd f3, 24(%[l])\n"

/* NVALUES turns as a loop to its own head. */
static void run_loop(struct loop *l, uint64_t *const *at, uint64_t stop)
{
    uint64_t n = NVALUES;

    asm volatile(BEFORE "1: " TURN "addi %[n], %[n], -1\n bnez %[n], 1b\n 2: " AFTER
                 : [at] "+r"(at), [n] "+r"(n)
                 : [l] "r"(l), [stop] "r"(stop)
                 : "t0", "t1", "memory");
}

/* The same, a turn at a time; for the fence, no translator keeps f registers through the loop. */
static void run_turns(struct loop *l, uint64_t *const *at, uint64_t stop)
{
    for (uint64_t left = 0, n = NVALUES; n > 0 && !left; n--) {
        asm volatile("fence\n" BEFORE "li %[left], 1\n" TURN "li %[left], 0\n 2: " AFTER
                     : [at] "+r"(at), [left] "=&r"(left)
                     : [l] "r"(l), [stop] "r"(stop)
                     : "t0", "t1", "memory");
    }
}

static void check_loop(uint64_t *const *place, uint64_t stop)
{
    struct loop got = {double_of(1), double_of(2), double_of(3), double_of(4)}, want = got;

    run_loop(&got, place, stop);
    run_turns(&want, place, stop);
    check_eq(got.x, want.x);
    check_eq(got.twice, want.twice);
    check_eq(got.square, want.square);
    check_eq(got.sum, want.sum);
}

/* Whatever ends a turn of a loop, all f registers are as the turn left them. */
static void test_loops(void)
{
    static uint64_t value[NVALUES][2], *place[NVALUES];
    static const uint64_t special[] = {0x7ff0000000000000, 0xfff0000000000000, 0x7ff0000000000123,
                                       0xfff8000000000123, 0x8000000000000000, 1};

    begin("fp_registers_when_loops_are_left");
    for (unsigned i = 0; i < NVALUES; i++) {
        value[i][0] = double_of(i + 1);
        place[i] = value[i];
    }
    for (unsigned i = 0; i <= NVALUES; i++) {
        check_loop(place, double_of(i));
    }
    for (unsigned i = 0; i < NVALUES; i++) {
        place[i] = (uint64_t *)0;
        trap_arm();
        check_loop(place, double_of(STOP_NEVER));
        check_eq(this_cpu()->last.count, 4); /* a load and a store, by loop and by turns */
        check_eq(this_cpu()->last.cause, STORE_ACCESS);
        trap_disarm();
        place[i] = value[i];
    }
    begin("fp_loops_with_special_values");
    for (unsigned i = 0; i < NVALUES; i++) {
        for (unsigned k = 0; k < ARRAY_SIZE(special); k++) {
            value[i][0] = special[k];
            check_loop(place, double_of(STOP_NEVER));
        }
        value[i][0] = double_of(i + 1);
    }
}

void test_main(void)
{
    test_off();
    test_dirty();
    test_flags_dirty();
    test_fcsr();
    test_rounding_modes();
    test_accumulate();
    test_loops();
}
