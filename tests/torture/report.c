/* SPDX-License-Identifier: MIT
 *
 * Reports of differences: how to reproduce, the program's disassembly, its initial state, the traps that were
 * taken, and the lines of the final state that differ.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/torture/runner.h"

static void print_words(const struct program *p, const uint8_t *slot)
{
    for (int i = 0; i < p->nitems; i++) {
        const struct item *it = &p->items[i];
        if (it->dead || it->size == 0) {
            continue;
        }
        uint32_t word = 0;
        memcpy(&word, slot + 0x1000 + it->offset, it->size > 4 ? 4 : it->size);
        printf("    %8llx: %0*x\n", (unsigned long long)(p->hdr.code_pa + it->offset), it->size * 2,
               word);
    }
}

/* Through objdump if there is one, else in hexadecimal. */
static void print_code(const struct options *o, struct program *p)
{
    uint8_t *slot = calloc(1, GUEST_SLOT_SIZE);
    char path[512];
    char command[1200];
    uint32_t end = program_write(p, slot);
    snprintf(path, sizeof(path), "%s/dis-%d", o->tmp, (int)getpid());
    FILE *f = fopen(path, "wb");
    if (f) {
        fwrite(slot + 0x1000 + p->start, 1, end - p->start, f);
        fclose(f);
    }
    snprintf(
        command, sizeof(command),
        "riscv64-linux-gnu-objdump -D -z -b binary -m riscv:rv64 -M numeric,no-aliases --adjust-vma=%#llx %s "
        "2>/dev/null | sed -n 's/^ *\\([0-9a-f]*:\\)/    \\1/p'",
        (unsigned long long)(p->hdr.code_va + p->start), path);
    fflush(stdout);
    FILE *pipe = popen(command, "r");
    char line[256];
    int lines = 0;
    while (pipe && fgets(line, sizeof(line), pipe)) {
        fputs(line, stdout);
        lines++;
    }
    if (pipe) {
        pclose(pipe);
    }
    if (!lines) {
        print_words(p, slot);
    }
    unlink(path);
    free(slot);
}

static void print_initial(const struct program *p)
{
    const struct case_header *h = &p->hdr;
    printf("  initial:");
    for (int i = 1; i < 32; i++) {
        if (h->x[i]) {
            printf(" x%d=%llx", i, (unsigned long long)h->x[i]);
        }
    }
    for (int i = 0; i < 32; i++) {
        if (h->f[i]) {
            printf(" f%d=%llx", i, (unsigned long long)h->f[i]);
        }
    }
    printf(" fcsr=%llx%s\n", (unsigned long long)h->fcsr, h->fill_seed ? " memory=random" : "");
    for (unsigned i = 0; i < h->npokes; i++) {
        printf("  poke [%llx] = %llx\n", (unsigned long long)h->pokes[i].addr,
               (unsigned long long)h->pokes[i].value);
    }
}

static char *next_line(char **at)
{
    char *line = *at;
    char *end = strchr(line, '\n');
    if (!*line) {
        return NULL;
    }
    *at = end ? end + 1 : line + strlen(line);
    if (end) {
        *end = 0;
    }
    return line;
}

static bool is_trap(const char *line)
{
    return line && (strncmp(line, "trap ", 5) == 0 || strncmp(line, "strap ", 6) == 0);
}

/* The outputs side by side: traps, then every line that differs. */
static void print_differences(const char *name_a, char *a, const char *name_b, char *b)
{
    int shown = 0;
    char *la = next_line(&a);
    char *lb = next_line(&b);
    printf("  (trap lines: cause epc tval mstatus vector)\n");
    while ((la || lb) && shown < 60) {
        /* A trap that only one of them took. */
        bool only_a = is_trap(la) && !is_trap(lb);
        bool only_b = is_trap(lb) && !is_trap(la);
        bool same = la && lb && strcmp(la, lb) == 0;
        if (same && is_trap(la)) {
            printf("  %-8s %s\n", "both", la);
        } else if (!same) {
            if (!only_b) {
                printf("  %-8s %s\n", name_a, la ? la : "(nothing)");
            }
            if (!only_a) {
                printf("  %-8s %s\n", name_b, lb ? lb : "(nothing)");
            }
            shown++;
        }
        la = only_b ? la : next_line(&a);
        lb = only_a ? lb : next_line(&b);
    }
}

static void print_reproduction(const struct options *o, const struct program *p)
{
    printf("  reproduce: torture --seed %llu --kinds %s --case %llu --emulators %s\n",
           (unsigned long long)o->seed, o->kinds, (unsigned long long)p->id, o->emulator_list);
}

void report_failure(const struct options *o, struct program *p, int a, int b)
{
    struct output out[MAX_EMULATORS];
    for (int i = 0; i < o->nemulators; i++) {
        run_programs(o, &o->emulators[i], &p, 1, BATCH_VERBOSE, 10, &out[i]);
    }
    printf("FAIL case %llu of seed %llu, kind %s: %s and %s differ\n", (unsigned long long)p->id,
           (unsigned long long)o->seed, p->kind->name, o->emulators[a].name, o->emulators[b].name);
    print_reproduction(o, p);
    for (int i = 0; i < o->nemulators; i++) {
        if (i != a && i != b) {
            bool like_a = output_same(&out[i], &out[a]);
            bool like_b = output_same(&out[i], &out[b]);
            printf("  %s agrees with %s\n", o->emulators[i].name,
                   like_a   ? o->emulators[a].name
                   : like_b ? o->emulators[b].name
                            : "neither");
        }
        if (out[i].status != 0) {
            printf("  %s ended with status %d (-1: time-out)\n", o->emulators[i].name,
                   out[i].status);
        }
    }
    print_initial(p);
    print_code(o, p);
    print_differences(o->emulators[a].name, out[a].text, o->emulators[b].name, out[b].text);
    fflush(stdout);
    for (int i = 0; i < o->nemulators; i++) {
        free(out[i].text);
    }
}
