/* SPDX-License-Identifier: MIT */
/*
 * The floating-point guest: runs the rows of ops.def over blocks of operands and prints, by its parameters,
 *
 *   D row name digest          a digest of the results and flags of each row that ran
 *   L a b c result fflags      in MODE_LIST: every triple
 *   F fault id row             first: the faults that can be injected
 *   E                          last
 */
#include "tests/fp/guest.h"

static struct triple operands[BLOCK];
static struct result results[BLOCK];
static uint64_t digests[4096];

static uint64_t mix(uint64_t digest, uint64_t value)
{
    digest = (digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return digest ^ digest >> 29;
}

static void put_name(const struct row *row)
{
    put_string(row->name);
    put_string(row->rounding);
}

static void list_block(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        put_string("L");
        for (unsigned k = 0; k < 3; k++) {
            put_string(" ");
            put_hex(operands[i].v[k]);
        }
        put_string(" ");
        put_hex(results[i].value);
        put_string(" ");
        put_dec(results[i].flags);
        put_string("\n");
    }
}

static bool same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static bool row_has_name(const struct row *row, const char *text)
{
    const char *name = row->name;

    while (*name && *name == *text) {
        name++;
        text++;
    }
    return !*name && same_text(row->rounding, text);
}

static kernel_fn *kernel_of(const struct params *p, const struct row *row)
{
    return p->fault < nfaults && row_has_name(row, faults[p->fault].row) ? faults[p->fault].kernel
                                                                         : row->kernel;
}

/* Static rounding must not depend on what is in frm. */
static void run_row(const struct params *p, unsigned index, uint64_t block, unsigned n)
{
    const struct row *row = &rows[index];

    csr_write(frm, row->frm == ROUNDING_NONE ? block % 5 : row->frm);
    csr_write(fflags, 0);
    kernel_of(p, row)(operands, results, n);
    for (unsigned i = 0; i < n; i++) {
        digests[index] = mix(mix(digests[index], results[i].value), results[i].flags);
    }
    if (p->mode == MODE_LIST) {
        list_block(n);
    }
}

/* Of random blocks each instruction gets all, and each of its rows a part. */
static bool row_wants(const struct params *p, unsigned index, enum kind kind, uint64_t block)
{
    const struct row *row = &rows[index];

    return row->kind == kind && (p->row == ALL_ROWS || p->row == index) &&
           (p->space == SPACE_HARD || block % row->nvariants == row->variant);
}

static void run_kind(const struct params *p, enum kind kind)
{
    uint64_t end = p->first + p->nblocks;

    if (p->space == SPACE_HARD && end > hard_blocks(kind)) {
        end = hard_blocks(kind);
    }
    if (p->row != ALL_ROWS && rows[p->row].kind != kind) {
        return;
    }
    for (uint64_t block = p->first; block < end; block++) {
        unsigned n = p->space == SPACE_HARD ? hard_block(kind, block, operands)
                                            : random_block(kind, p->seed, block, operands);

        for (unsigned i = 0; i < nrows; i++) {
            if (row_wants(p, i, kind, block)) {
                run_row(p, i, block, n);
            }
        }
    }
}

static void print_faults(void)
{
    for (unsigned i = 0; i < nfaults; i++) {
        put_string("F ");
        put_dec(i);
        put_string(" ");
        put_string(faults[i].id);
        put_string(" ");
        put_string(faults[i].row);
        put_string("\n");
    }
}

void test_main(void)
{
    const struct params *p = (const struct params *)PARAMS_AT;

    operands_init();
    print_faults();
    for (unsigned kind = 0; kind < NKINDS; kind++) {
        run_kind(p, kind);
    }
    for (unsigned i = 0; i < nrows; i++) {
        if (p->row == ALL_ROWS || p->row == i) {
            put_string("D ");
            put_dec(i);
            put_string(" ");
            put_name(&rows[i]);
            put_string(" ");
            put_hex(digests[i]);
            put_string("\n");
        }
    }
    put_string("E\n");
    rt_exit(0);
}
