/* SPDX-License-Identifier: MIT
 *
 * What the generator (host program) and the runtime (guest program) agree on: the guest's memory map, the
 * batch header, the header of one case, and the magic numbers that ask the runtime for a service.
 *
 * An image is a flat binary for 0x80000000: runtime, batch header, then one slot per case. A slot is a page
 * with the case's header and pokes, then two pages of code. A slot's address depends on its number only, so a
 * case runs at the same addresses alone as within its batch.
 */
#ifndef TESTS_TORTURE_GUEST_H
#define TESTS_TORTURE_GUEST_H

#include <stdint.h>

#define GUEST_BASE       0x80000000ull
#define GUEST_BATCH      0x80010000ull /* struct batch_header */
#define GUEST_PT         0x80100000ull /* page tables of the current case */
#define GUEST_PT_SIZE    0x10000ull    /* kinds may use the pages behind it as well */
#define GUEST_DATA       0x80300000ull /* data pages of the current case */
#define GUEST_DATA_PAGES 4
#define GUEST_SLOTS      0x80400000ull /* struct case_header, then code, per case */
#define GUEST_SLOT_SIZE  0x3000ull
#define GUEST_CODE_SIZE  0x2000ull     /* code pages of a slot */
#define GUEST_S_PAGE     0x80008000ull /* supervisor trap vectors, a page that cases may map */
#define GUEST_UART       0x10000000ull
#define GUEST_FINISHER   0x100000ull
#define GUEST_MSIP       0x2000000ull
#define GUEST_MTIMECMP   0x2004000ull
#define GUEST_MTIME      0x200bff8ull

#define MAX_SLOTS        512
#define MAX_PADS         8
#define MAX_POKES        190
#define MAX_STORM        40 /* interrupts of a storm */
#define MAX_TRAPS        200

/* Instruction word that ends a case from any mode: an illegal custom-3 encoding, reported through mtval. */
#define MAGIC_FINISH 0x5eaf007bu
/* Values of a7 that give a meaning to an ecall. */
#define MAGIC_A7_TO_M   (-1365) /* continue after the ecall in M-mode */
#define MAGIC_A7_FINISH (-1366) /* end the case */

enum case_flags {
    CASE_CODE = 1,   /* digest the code pages (they are data as well) */
    CASE_PMP = 2,    /* the case changes PMP registers: put them back afterwards */
    CASE_ASYNC = 4,  /* the point where interrupts are taken is not defined: do not log it */
    CASE_STORM = 16, /* timer interrupts come again and again, and are not logged */
    CASE_LOCKS = 8   /* leaves locked PMP entries behind: nothing can run after it */
};

enum batch_mode {
    BATCH_TOTAL,  /* one digest of everything */
    BATCH_LINES,  /* and one line per case */
    BATCH_VERBOSE /* and the whole state at the end of each case, and each trap */
};

struct batch_header {
    uint64_t ncases;
    uint64_t mode;
    uint16_t slots[MAX_SLOTS];
};

/* A word that is set before the case and zeroed after it: page-table entries. Digested. */
struct poke {
    uint64_t addr;
    uint64_t value;
};

struct case_header {
    uint64_t entry;     /* physical address of the first instruction, entered in M-mode */
    uint64_t code_pa;   /* the two code pages */
    uint64_t code_va;   /* where the case maps them; code_pa without translation */
    uint64_t s_page_va; /* where the case maps GUEST_S_PAGE */
    uint64_t flags;
    uint64_t fill_seed; /* 0: data starts as zero */
    uint64_t data_size; /* bytes filled and digested at GUEST_DATA */
    uint64_t fcsr;
    uint64_t fetch_link; /* if not 0, fetch faults continue at the address in this x register */
    uint64_t npads;
    uint64_t pads[MAX_PADS]; /* where fetch faults continue, one after the other */
    uint64_t npokes;
    uint64_t x[32];
    uint64_t f[32];
    uint64_t edges[32]; /* interesting values for the data fill */
    struct poke pokes[MAX_POKES];
};

#endif
