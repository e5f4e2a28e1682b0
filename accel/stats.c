/* SPDX-License-Identifier: MIT */
/*
 * The engine's counters as text (-d stats, `info jit`): the rows of counters.def, how full the
 * code memory is, and, with -d stats, the calls of helpers by name. Sums over vCPUs; values may be
 * a little behind while they run.
 */
#include "accel/internal.h"

#include <inttypes.h>

enum source { SOURCE_ENGINE, SOURCE_MMU, SOURCE_ACCEL };

#define STRUCT_ENGINE struct vcpu_engine
#define STRUCT_MMU    struct mmu
#define STRUCT_ACCEL  struct accel

/* A title has no source; a ratio has a denominator. */
static const struct row {
    const char *name;
    bool title, ratio;
    enum source source;
    size_t offset, denominator;
} rows[] = {
#define SECTION(text) {.name = text, .title = true},
#define COUNTER(from, field, text) \
    {.name = text, .source = SOURCE_##from, .offset = offsetof(STRUCT_##from, field)},
#define RATIO(text, from, numerator, below)        \
    {.name = text,                                 \
     .ratio = true,                                \
     .source = SOURCE_##from,                      \
     .offset = offsetof(STRUCT_##from, numerator), \
     .denominator = offsetof(STRUCT_##from, below)},
#include "accel/counters.def"
};

static uint64_t read_counter(const void *base, size_t offset)
{
    return load_relaxed((const uint64_t *)(const void *)((const char *)base + offset));
}

static uint64_t counter(const struct accel *a, enum source source, size_t offset)
{
    uint64_t sum = 0;

    if (source == SOURCE_ACCEL) {
        return read_counter(a, offset);
    }
    for (unsigned i = 0; i < a->nvcpus; i++) {
        const struct vcpu *cpu = a->vcpus[i];

        sum += source == SOURCE_MMU ? read_counter(&cpu->mmu, offset)
                                    : read_counter(cpu->engine, offset);
    }
    return sum;
}

static void print_count(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, "  %-50s %" PRIu64 "\n", name, value);
}

static void print_row(const struct accel *a, const struct row *row, FILE *out)
{
    uint64_t value = row->title ? 0 : counter(a, row->source, row->offset), below;

    if (row->title) {
        fprintf(out, "%s\n", row->name);
    } else if (row->ratio) {
        below = counter(a, row->source, row->denominator);
        fprintf(out, "  %-50s %.2f\n", row->name, below ? (double)value / (double)below : 0.0);
    } else {
        print_count(out, row->name, value);
    }
}

static void print_code_memory(const struct accel *a, FILE *out)
{
    uint64_t used = load_relaxed(&a->prologue.used);

    for (unsigned i = 0; i < a->nregions; i++) {
        used += load_relaxed(&a->regions[i].code.used);
    }
    fprintf(out, "code memory\n");
    print_count(out, "bytes in use", used);
    print_count(out, "bytes in all", a->prologue.size + a->nregions * a->region_size);
}

static void print_calls(const struct accel *a, FILE *out)
{
    fprintf(out, "calls of helpers\n");
    for (unsigned n = 0; n < a->desc.nhelpers; n++) {
        uint64_t calls = tcg_helper_calls(a->tcg, n);

        if (calls) {
            print_count(out, a->desc.helpers[n].name, calls);
        }
    }
    for (unsigned op = 0; op < IR_OP_COUNT; op++) {
        size_t offset = offsetof(struct vcpu_engine, fp_calls) + op * sizeof(uint64_t);
        uint64_t calls = counter(a, SOURCE_ENGINE, offset);

        if (calls) {
            print_count(out, tcg_op_name((enum ir_op)op), calls);
        }
    }
}

void accel_print_stats(struct accel *a, FILE *out)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        print_row(a, &rows[i], out);
    }
    print_code_memory(a, out);
    if (a->options.count_calls) {
        print_calls(a, out);
    }
}
