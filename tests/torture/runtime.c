/* SPDX-License-Identifier: MIT
 *
 * Guest side of the torture test: visits the slots that the batch header names, gives each case its initial
 * state, handles its traps in M-mode, digests its final state and writes the result to the UART. Runs on one
 * hart in M-mode; every case ends in runtime_trap().
 *
 * Output: "L index digest" per case (BATCH_LINES), full state before it (BATCH_VERBOSE), and at the end
 * "T digest". All numbers are hexadecimal.
 */
#include "tests/torture/guest.h"

struct state {
    uint64_t x[32];
    uint64_t f[32];
    uint64_t fcsr;   /* offset 512 */
    uint64_t vector; /* offset 520: which entry of mtvec_table was used */
    uint64_t index;
    uint64_t total;
    uint64_t log;
    uint64_t ntraps;
    uint64_t next_pad;
    uint64_t pmp_dirty;
    uint64_t storm; /* interrupts of the storm so far */
    struct case_header *hdr;
};

struct state state;

extern char mtvec_table[];
_Noreturn void run_case(const uint64_t *x, const uint64_t *f);
void save_fp(struct state *s);
_Noreturn void runtime_main(void);
void runtime_trap(struct state *s);

#define csr_read(csr)                                  \
    ({                                                 \
        uint64_t v_;                                   \
        __asm__ volatile("csrr %0, " #csr : "=r"(v_)); \
        v_;                                            \
    })
#define csr_write(csr, v) __asm__ volatile("csrw " #csr ", %0" ::"rK"(v) : "memory")
#define csr_set(csr, v)   __asm__ volatile("csrs " #csr ", %0" ::"rK"(v) : "memory")
#define csr_clear(csr, v) __asm__ volatile("csrc " #csr ", %0" ::"rK"(v) : "memory")

#define MSTATUS_MPP       0x1800ull
#define MSTATUS_FS        0x6000ull
#define MSTATUS_SD        (1ull << 63)
#define CAUSE_INTERRUPT   (1ull << 63)

static const struct {
    const char *name;
    uint64_t mask;
} csr_rows[] = {
#define ROW(name, number, mask) {#name, mask},
#include "tests/torture/csr-digest.def"
#undef ROW
};
#define NCSRS (sizeof(csr_rows) / sizeof(csr_rows[0]))

static struct batch_header *batch(void)
{
    return (struct batch_header *)GUEST_BATCH;
}

/* Output. */

static void put_char(char c)
{
    volatile uint8_t *uart = (volatile uint8_t *)GUEST_UART;
    while (!(uart[5] & 0x20)) {}
    uart[0] = c;
}

static void put_str(const char *s)
{
    for (; *s; s++) {
        put_char(*s);
    }
}

static void put_hex(uint64_t v)
{
    int shift = 60;
    while (shift > 0 && !(v >> shift)) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        put_char("0123456789abcdef"[(v >> shift) & 15]);
    }
}

static void put_pair(const char *name, uint64_t a, uint64_t b)
{
    put_str(name);
    put_char(' ');
    put_hex(a);
    put_char(' ');
    put_hex(b);
    put_char('\n');
}

/* Digest. */

static inline uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ (h >> 29);
}

static uint64_t mix_words(uint64_t h, const uint64_t *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        h = mix(h, p[i]);
    }
    return h;
}

/* FS may be marked dirty earlier than needed: only off or on is defined for us. */
static uint64_t normal_mstatus(uint64_t v)
{
    v &= ~MSTATUS_SD;
    if (v & MSTATUS_FS) {
        v |= MSTATUS_FS;
    }
    return v;
}

static void read_csrs(uint64_t *v)
{
#define ROW(name, number, mask) *v++ = csr_read(number) & (mask);
#include "tests/torture/csr-digest.def"
#undef ROW
}

/* In two halves: an access that a PMP region covers in part faults, and locked regions stay. */
static uint64_t read_word(uint64_t addr)
{
    const volatile uint32_t *p = (const volatile uint32_t *)addr;
    return p[0] | (uint64_t)p[1] << 32;
}

static uint64_t mix_data(uint64_t h, const struct case_header *hdr)
{
    if (!(hdr->flags & CASE_LOCKS)) {
        return mix_words(h, (const uint64_t *)GUEST_DATA, hdr->data_size / 8);
    }
    for (uint64_t i = 0; i < hdr->data_size; i += 8) {
        h = mix(h, read_word(GUEST_DATA + i));
    }
    return h;
}

static void dump_words(const char *name, uint64_t base, uint64_t size, int all)
{
    for (uint64_t at = base; at < base + size; at += 8) {
        uint64_t v = read_word(at);
        if (all || v) {
            put_pair(name, at, v);
        }
    }
}

static void dump_state(const struct state *s, uint64_t mstatus, const uint64_t *csrs)
{
    for (int i = 1; i < 32; i++) {
        put_pair("x", i, s->x[i]);
    }
    for (int i = 0; i < 32; i++) {
        put_pair("f", i, s->f[i]);
    }
    put_pair("fcsr", 0, s->fcsr);
    put_pair("mstatus", 0, mstatus);
    for (unsigned i = 0; i < NCSRS; i++) {
        put_pair(csr_rows[i].name, 0, csrs[i]);
    }
    dump_words("mem", GUEST_DATA, s->hdr->data_size, 1);
    for (uint64_t i = 0; i < s->hdr->npokes; i++) {
        put_pair("pte", s->hdr->pokes[i].addr, *(uint64_t *)s->hdr->pokes[i].addr);
    }
    if (s->hdr->flags & CASE_CODE) {
        dump_words("code", s->hdr->code_pa, GUEST_CODE_SIZE, 0);
    }
}

static uint64_t digest(struct state *s)
{
    uint64_t csrs[NCSRS];
    *(volatile uint64_t *)GUEST_MTIMECMP = -1; /* MTIP is not part of the state */
    uint64_t mstatus = normal_mstatus(csr_read(mstatus));
    read_csrs(csrs);
    csr_set(mstatus, MSTATUS_FS);
    csr_write(pmpcfg0, 0);
    save_fp(s);
    if (batch()->mode == BATCH_VERBOSE) {
        dump_state(s, mstatus, csrs);
    }
    uint64_t h = mix(s->log, mstatus);
    h = mix_words(h, s->x + 1, 31);
    h = mix_words(h, s->f, 33);
    h = mix_words(h, csrs, NCSRS);
    h = mix_data(h, s->hdr);
    for (uint64_t i = 0; i < s->hdr->npokes; i++) {
        h = mix(h, *(uint64_t *)s->hdr->pokes[i].addr);
    }
    if (s->hdr->flags & CASE_CODE) {
        h = mix_words(h, (const uint64_t *)s->hdr->code_pa, GUEST_CODE_SIZE / 8);
    }
    return h;
}

/* Set-up of a case. */

static void reset_pmp(void)
{
    csr_write(pmpcfg0, 0);
    csr_write(pmpcfg2, 0);
#define CLEAR(n) csr_write(pmpaddr##n, 0) /* cases use entries 0 to 7 */
    CLEAR(0);
    CLEAR(1);
    CLEAR(2);
    CLEAR(3);
    CLEAR(4);
    CLEAR(5);
    CLEAR(6);
    CLEAR(7);
#undef CLEAR
    csr_write(pmpaddr15, -1);
    csr_write(pmpcfg2, 0x1full << 56);
}

static void reset_csrs(struct state *s)
{
    csr_write(mie, 0);
    csr_write(mstatus, 0);
    *(volatile uint32_t *)GUEST_MSIP = 0;
    *(volatile uint64_t *)GUEST_MTIMECMP = -1;
    csr_write(mideleg, 0);
    csr_write(medeleg, 0);
    csr_write(menvcfg, 1ull << 63);
    csr_write(0x14d, -1); /* stimecmp */
    csr_write(menvcfg, 0);
    csr_write(mip, 0);
    csr_write(satp, 0);
    csr_write(mtvec, (uint64_t)mtvec_table);
    csr_write(mepc, 0);
    csr_write(mcause, 0);
    csr_write(mtval, 0);
    csr_write(sepc, 0);
    csr_write(scause, 0);
    csr_write(stval, 0);
    csr_write(sscratch, 0);
    csr_write(stvec, 0);
    csr_write(mcounteren, 0);
    csr_write(scounteren, 0);
    csr_write(senvcfg, 0);
    csr_write(mcountinhibit, 0);
    if (s->pmp_dirty) {
        reset_pmp();
    }
    s->pmp_dirty = s->hdr->flags & CASE_PMP;
    __asm__ volatile("sfence.vma; fence.i" ::: "memory");
}

static void fill_data(const struct case_header *hdr)
{
    uint64_t *p = (uint64_t *)GUEST_DATA;
    uint64_t r = hdr->fill_seed;
    for (uint64_t i = 0; i < hdr->data_size / 8; i++) {
        r ^= r << 13;
        r ^= r >> 7;
        r ^= r << 17;
        p[i] = (r & 1) ? hdr->edges[(r >> 1) & 31] : r;
    }
}

_Noreturn static void finish(struct state *s)
{
    put_str("T ");
    put_hex(s->total);
    put_char('\n');
    *(volatile uint32_t *)GUEST_FINISHER = 0x5555;
    for (;;) {}
}

_Noreturn static void start_case(struct state *s)
{
    if (s->index == batch()->ncases) {
        finish(s);
    }
    struct case_header *hdr =
        (struct case_header *)(GUEST_SLOTS + batch()->slots[s->index] * GUEST_SLOT_SIZE);
    s->hdr = hdr;
    s->log = 0;
    s->ntraps = 0;
    s->next_pad = 0;
    s->storm = 0;
    reset_csrs(s);
    for (uint64_t i = 0; i < hdr->npokes; i++) {
        *(uint64_t *)hdr->pokes[i].addr = hdr->pokes[i].value;
    }
    fill_data(hdr);
    if (batch()->mode == BATCH_VERBOSE) {
        put_pair("case", batch()->slots[s->index], hdr->entry);
    }
    csr_write(mepc, hdr->entry);
    csr_write(mstatus, MSTATUS_MPP | MSTATUS_FS);
    csr_write(0x003, hdr->fcsr); /* fcsr */
    run_case(hdr->x, hdr->f);
}

_Noreturn static void end_case(struct state *s)
{
    uint64_t h = digest(s);
    s->total = mix(s->total, h);
    if (batch()->mode != BATCH_TOTAL) {
        put_pair("L", batch()->slots[s->index], h);
    }
    for (uint64_t i = 0; i < s->hdr->npokes; i++) {
        *(uint64_t *)s->hdr->pokes[i].addr = 0; /* page tables start as zero */
    }
    s->index++;
    start_case(s);
}

/* Traps. */

static void log_trap(struct state *s, const char *name, const uint64_t *v)
{
    s->log = mix_words(s->log, v, 5);
    if (batch()->mode != BATCH_VERBOSE) {
        return;
    }
    put_str(name);
    for (int i = 0; i < 5; i++) {
        put_char(' ');
        put_hex(v[i]);
    }
    put_char('\n');
}

/* Where execution continues after an exception at pc: behind the instruction, or at the next pad if that
 * cannot be known. */
static uint64_t after(struct state *s, uint64_t cause, uint64_t pc)
{
    const struct case_header *hdr = s->hdr;
    uint64_t offset = pc - hdr->code_va;
    if (offset >= GUEST_CODE_SIZE) {
        offset = pc - hdr->code_pa;
    }
    int fetch = cause == 0 || cause == 1 || cause == 12;
    if (fetch && hdr->fetch_link) {
        return s->x[hdr->fetch_link];
    }
    if (fetch || offset >= GUEST_CODE_SIZE) {
        if (s->next_pad >= hdr->npads) {
            end_case(s);
        }
        return hdr->pads[s->next_pad++];
    }
    uint16_t low = *(const uint16_t *)(hdr->code_pa + offset);
    return pc + ((low & 3) == 3 ? 4 : 2);
}

static void clear_interrupt(uint64_t code)
{
    if (code == 3) {
        *(volatile uint32_t *)GUEST_MSIP = 0;
    } else if (code == 7) {
        *(volatile uint64_t *)GUEST_MTIMECMP = -1;
    } else if (code == 5 && (csr_read(menvcfg) >> 63)) {
        csr_write(0x14d, -1);
    } else if (code == 1 || code == 5 || code == 9) {
        csr_clear(mip, 1ull << code);
    } else {
        csr_write(mie, 0);
    }
}

static int wants_m(const struct state *s, uint64_t cause)
{
    return cause >= 8 && cause <= 11 && s->x[17] == (uint64_t)MAGIC_A7_TO_M;
}

/* Continues in M-mode behind the ecall at epc. */
static void go_to_m(struct state *s, uint64_t epc)
{
    uint64_t offset = epc - s->hdr->code_va;
    csr_set(mstatus, MSTATUS_MPP);
    csr_write(mepc, (offset < GUEST_CODE_SIZE ? s->hdr->code_pa + offset : epc) + 4);
}

/* The supervisor vectors called: log their trap, repair it, and return through their sret. */
static void supervisor_trap(struct state *s, uint64_t vector)
{
    uint64_t cause = csr_read(scause);
    uint64_t epc = csr_read(sepc);
    int is_async = (cause & CAUSE_INTERRUPT) && (s->hdr->flags & CASE_ASYNC);
    uint64_t v[5] = {cause, is_async ? 0 : epc, csr_read(stval), normal_mstatus(csr_read(sstatus)),
                     vector};
    log_trap(s, "strap", v);
    if (cause & CAUSE_INTERRUPT) {
        clear_interrupt(cause & 63);
    } else if (cause == 2 && csr_read(stval) == MAGIC_FINISH) {
        end_case(s);
    } else if (wants_m(s, cause)) {
        go_to_m(s, epc);
        return;
    } else {
        csr_write(sepc, after(s, cause, epc));
    }
    csr_write(mepc, s->hdr->s_page_va + 128);
}

static int is_finish(const struct state *s, uint64_t cause)
{
    if (s->ntraps > MAX_TRAPS) {
        return 1;
    }
    if (cause == 2) {
        return csr_read(mtval) == MAGIC_FINISH;
    }
    return (cause >= 8 && cause <= 11) && s->x[17] == (uint64_t)MAGIC_A7_FINISH;
}

/* The next interrupt of a storm comes a little later. */
static void storm_on(struct state *s)
{
    uint64_t delay = (s->storm * 7 + s->hdr->fill_seed) % 23;
    uint64_t next = *(volatile uint64_t *)GUEST_MTIME + delay;
    *(volatile uint64_t *)GUEST_MTIMECMP = s->storm++ < MAX_STORM ? next : ~0ull;
}

void runtime_trap(struct state *s)
{
    uint64_t cause = csr_read(mcause);
    uint64_t epc = csr_read(mepc);
    uint64_t page_offset = epc - s->hdr->s_page_va;
    if (cause == (CAUSE_INTERRUPT | 7) && (s->hdr->flags & CASE_STORM)) {
        storm_on(s);
        return;
    }
    s->ntraps++;
    if (cause == 9 && page_offset < 128 && s->ntraps <= MAX_TRAPS) {
        supervisor_trap(s, page_offset);
        return;
    }
    int is_async = (cause & CAUSE_INTERRUPT) && (s->hdr->flags & CASE_ASYNC);
    uint64_t v[5] = {cause, is_async ? 0 : epc, csr_read(mtval), normal_mstatus(csr_read(mstatus)),
                     s->vector};
    log_trap(s, "trap", v);
    if (cause & CAUSE_INTERRUPT) {
        clear_interrupt(cause & 63);
        return;
    }
    if (is_finish(s, cause)) {
        end_case(s);
    }
    if (wants_m(s, cause)) {
        go_to_m(s, epc);
        return;
    }
    csr_write(mepc, after(s, cause, epc));
}

void runtime_main(void)
{
    struct state *s = &state;
    s->pmp_dirty = 1;
    start_case(s);
}
