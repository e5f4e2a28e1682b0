/* SPDX-License-Identifier: MIT */
/*
 * The guest runtime of the bare-metal test programs (tests/insn, tests/smp): console, checks, traps, privilege, CSRs.
 *
 * A program defines test_main(), which hart 0 runs in M-mode with traps going to M-mode, all memory open to S and U by
 * PMP entry 0, timers parked, FS and the counters on. The others sleep until run_on_harts() gives them work.
 *
 * Cases: begin("name") opens one (and closes the one before); check_*() fail it; the end of test_main() closes the
 * last one and ends the machine through the finisher, with status 0, or 1 if anything failed.
 */
#ifndef TESTS_INSN_RT_H
#define TESTS_INSN_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RT_STRING_(x) #x
#define RT_STRING(x)  RT_STRING_(x)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)        (UINT64_C(1) << (n))

enum priv { U_MODE = 0, S_MODE = 1, M_MODE = 3 };

enum {
    FETCH_MISALIGNED,
    FETCH_ACCESS,
    ILLEGAL,
    BREAKPOINT,
    LOAD_MISALIGNED,
    LOAD_ACCESS,
    STORE_MISALIGNED,
    STORE_ACCESS,
    ECALL_U,
    ECALL_S,
    ECALL_M = 11,
    FETCH_PAGE,
    LOAD_PAGE,
    STORE_PAGE = 15
};
enum { SSI = 1, MSI = 3, STI = 5, MTI = 7, SEI = 9, MEI = 11 };

#define MSTATUS_SIE          BIT(1)
#define MSTATUS_MIE          BIT(3)
#define MSTATUS_SPIE         BIT(5)
#define MSTATUS_MPIE         BIT(7)
#define MSTATUS_SPP          BIT(8)
#define MSTATUS_MPP          (UINT64_C(3) << 11)
#define MSTATUS_FS           (UINT64_C(3) << 13)
#define MSTATUS_MPRV         BIT(17)
#define MSTATUS_SUM          BIT(18)
#define MSTATUS_MXR          BIT(19)
#define MSTATUS_TVM          BIT(20)
#define MSTATUS_TW           BIT(21)
#define MSTATUS_TSR          BIT(22)
#define MSTATUS_SD           BIT(63)

#define CLINT_MSIP(hart)     ((volatile uint32_t *)(0x2000000UL + 4 * (hart)))
#define CLINT_MTIMECMP(hart) ((volatile uint64_t *)(0x2004000UL + 8 * (hart)))
#define CLINT_MTIME          ((volatile uint64_t *)0x200bff8UL)

#define csr_read(csr)                                                      \
    ({                                                                     \
        uint64_t value_;                                                   \
        asm volatile("csrr %0, " RT_STRING(csr) : "=r"(value_)::"memory"); \
        value_;                                                            \
    })
#define csr_write(csr, v) \
    asm volatile("csrw " RT_STRING(csr) ", %0" ::"rK"((uint64_t)(v)) : "memory")
#define csr_set(csr, v) asm volatile("csrs " RT_STRING(csr) ", %0" ::"rK"((uint64_t)(v)) : "memory")
#define csr_clear(csr, v) \
    asm volatile("csrc " RT_STRING(csr) ", %0" ::"rK"((uint64_t)(v)) : "memory")
#define csr_swap(csr, v)                                \
    ({                                                  \
        uint64_t value_;                                \
        asm volatile("csrrw %0, " RT_STRING(csr) ", %1" \
                     : "=r"(value_)                     \
                     : "r"((uint64_t)(v))               \
                     : "memory");                       \
        value_;                                         \
    })

/* What a trap handler found; `mode` is the mode whose handler ran. */
struct trap {
    uint64_t count;
    uint64_t cause, epc, tval, status;
    uint64_t mode;
};

/* One half per handler's mode; start.S knows the first three fields. */
struct half {
    uint64_t x[32];
    uint64_t hartid;
    uint64_t stack_top;
};

struct percpu {
    struct half m;
    struct half s;
    struct trap last; /* the latest exception since trap_arm() */
    uint64_t armed;   /* exceptions are recorded and skipped: not armed, they end the program */
    uint64_t resume;  /* where to go on after the next exception, 0: behind the instruction */
    uint64_t irq_count[16];
    uint64_t irq_mode;   /* mode whose handler took the latest interrupt */
    uint64_t irq_status; /* its xstatus */
    uint64_t irq_epc;
    /* Called for interrupts in place of counting and masking them; runs in the handler's mode. */
    void (*irq_hook)(struct percpu *p, unsigned cause);
    void (*volatile job)(uint64_t hart);
};

extern struct percpu rt_percpu[RT_MAX_HARTS];

static inline uint64_t hart_id(void)
{
    uint64_t id;

    asm volatile("mv %0, tp" : "=r"(id));
    return id;
}

static inline struct percpu *this_cpu(void)
{
    return &rt_percpu[hart_id()];
}

/* ---- console and checks (hart 0 only) --------------------------------------------------------------------------------------- */

void put_string(const char *s);
void put_hex(uint64_t v);
void put_dec(uint64_t v);

void begin(const char *name);
/* Goes before the names of cases from here on; "" at first. */
void set_prefix(const char *prefix);
bool case_failed(void);
/* Fails the case; further failures of a case are not printed. */
void fail_at(int line, const char *what);
void fail_values(int line, const char *what, uint64_t got, uint64_t want);
#define check(cond)                   \
    do {                              \
        if (!(cond)) {                \
            fail_at(__LINE__, #cond); \
        }                             \
    } while (0)
#define check_eq(got, want)                                        \
    do {                                                           \
        uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want); \
        if (got_ != want_) {                                       \
            fail_values(__LINE__, #got, got_, want_);              \
        }                                                          \
    } while (0)

void test_main(void);

/* Ends the machine at once. */
_Noreturn void rt_exit(unsigned status);

/* ---- traps and privilege ------------------------------------------------------------------------------------------------------ */

void m_trap(void);
void s_trap(void);

/* From here exceptions of this hart are recorded and skipped. */
void trap_arm(void);
/* Number of exceptions since trap_arm(); they end the program again. */
uint64_t trap_disarm(void);

/* Checks that one exception came since trap_arm(), and which; tval is compared too. Arms again. */
void check_trap_at(int line, uint64_t cause, uint64_t tval);
void check_no_trap_at(int line);
#define check_trap(cause, tval) check_trap_at(__LINE__, cause, tval)
#define check_no_trap()         check_no_trap_at(__LINE__)

/*
 * Calls FN(arg) in a lower mode (or M), at its address + va_offset, on the same stack at + va_offset, and returns its result.
 * Comes back with an ecall (a7 = 0x7e57), from an address whose low 30 bits are those of the physical one.
 */
uint64_t run_in(enum priv priv, uint64_t (*fn)(uint64_t), uint64_t arg, uint64_t va_offset);

/* Runs job(hart) on harts 0 (the caller) to n - 1, and returns when all are done. */
void run_on_harts(unsigned n, void (*job)(uint64_t hart));
/* Harts that came up (waits for up to RT_MAX_HARTS for a moment the first time). */
unsigned hart_count(void);

/* Puts back what start has set: mstatus, delegation, stvec, satp, mie, PMP. */
void rt_reset_state(void);

/* ---- small things -------------------------------------------------------------------------------------------------------------- */

static inline uint64_t rt_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline void spin_pause(void)
{
    asm volatile(".word 0x0100000f" ::: "memory");
}

#endif
