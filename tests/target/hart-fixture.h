/* SPDX-License-Identifier: MIT */
/*
 * One hart in a machine with 64 MiB of RAM and no devices, its vCPU thread not started: tests call what the translator would
 * have called. `unwind` tells whether a helper raised.
 */
#ifndef TESTS_TARGET_HART_FIXTURE_H
#define TESTS_TARGET_HART_FIXTURE_H

#include "target-riscv/csr.h"
#include "target-riscv/hart.h"
#include "tests/unit.h"
#include <assert.h>

#define FIXTURE_RAM      UINT64_C(0x80000000)
#define FIXTURE_RAM_SIZE (UINT64_C(64) << 20)
#define FIXTURE_PC       UINT64_C(0x80001000)

struct fixture {
    struct machine m;
    struct accel *accel;
    struct cpu_config config;
    struct hart *h;
};

static inline void fixture_init(struct fixture *fx, const char *cpu)
{
    struct accel_options o = {.nharts = 1, .interp = true, .code_size = 4 << 20};
    struct err err;
    int failed;

    memset(fx, 0, sizeof(*fx));
    failed = cpu_config_parse(&fx->config, cpu, &err) || machine_init(&fx->m, &err);
    assert(!failed);
    fx->m.memory = memory_map_new(&fx->m);
    failed = memory_add_ram(fx->m.memory, FIXTURE_RAM, FIXTURE_RAM_SIZE, MEMORY_RAM, &err);
    assert(!failed);
    fx->accel = accel_new(&fx->m, &o, &err);
    assert(fx->accel);
    fx->h = hart_new(&fx->m, fx->accel, &fx->config, 0, &err);
    assert(fx->h);
    hart_reset(fx->h, FIXTURE_PC);
    (void)failed;
}

static inline void fixture_fini(struct fixture *fx)
{
    hart_free(fx->h);
    accel_free(fx->accel);
    memory_map_free(fx->m.memory);
    fx->m.memory = NULL;
    machine_fini(&fx->m);
}

static inline void set_priv(struct hart *h, unsigned priv)
{
    h->priv = (uint8_t)priv;
    hart_update_mode(h);
}

static inline int64_t csr_insn(unsigned number)
{
    return (int32_t)(number << 20 | 0x2073);
}

/* False if it raised. */
static inline bool csr_try_read(struct hart *h, unsigned number, uint64_t *value)
{
    h->cpu.unwind = 0;
    *value = helper_csr_read(h, csr_insn(number));
    return !h->cpu.unwind;
}

static inline bool csr_try_write(struct hart *h, unsigned number, uint64_t value)
{
    h->cpu.unwind = 0;
    helper_csr_write(h, value, csr_insn(number));
    return !h->cpu.unwind;
}

/* In M-mode, without a check. */
static inline uint64_t csr_get(struct hart *h, unsigned number)
{
    return csr_load(h, number);
}

/* Writes and gives what is read back. */
static inline uint64_t csr_put(struct hart *h, unsigned number, uint64_t value)
{
    csr_store(h, number, value);
    return csr_load(h, number);
}

/* Whether CSR NUMBER can be read (and, if WRITE, written) at PRIV; the hart is in M-mode afterwards. */
static inline bool csr_opens(struct hart *h, unsigned number, unsigned priv, bool write)
{
    bool open;

    set_priv(h, priv);
    open = csr_allowed(h, number, write);
    set_priv(h, PRIV_M);
    return open;
}

enum {
    NR_FFLAGS = 1,
    NR_FRM = 2,
    NR_FCSR = 3,
    NR_SSTATUS = 0x100,
    NR_SIE = 0x104,
    NR_STVEC = 0x105,
    NR_SCOUNTEREN = 0x106,
    NR_SENVCFG = 0x10a,
    NR_SSCRATCH = 0x140,
    NR_SEPC = 0x141,
    NR_SIP = 0x144,
    NR_STIMECMP = 0x14d,
    NR_SATP = 0x180,
    NR_MSTATUS = 0x300,
    NR_MISA,
    NR_MEDELEG,
    NR_MIDELEG,
    NR_MIE,
    NR_MTVEC,
    NR_MCOUNTEREN,
    NR_MENVCFG = 0x30a,
    NR_MCOUNTINHIBIT = 0x320,
    NR_MSCRATCH = 0x340,
    NR_MEPC,
    NR_MCAUSE,
    NR_MTVAL,
    NR_MIP,
    NR_PMPCFG0 = 0x3a0,
    NR_PMPADDR0 = 0x3b0,
    NR_MCYCLE = 0xb00,
    NR_MINSTRET = 0xb02,
    NR_CYCLE = 0xc00,
    NR_TIME,
    NR_INSTRET,
    NR_MHARTID = 0xf14,
};

#endif
