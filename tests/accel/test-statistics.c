/* SPDX-License-Identifier: MIT */
/*
 * What the engine tells about itself: counters as text, and the names of its code for perf.
 */
#include "tests/accel/toy.h"

#include <inttypes.h>
#include <unistd.h>

static const char *const backends[] = {"backend=interp", "backend=x86_64"};
#define NBACKENDS (BUILD_TSAN ? 1u : 2u)

/* COUNT blocks of ADDI 1; JMP next; then DONE. */
static void put_blocks(struct toy_machine *tm, uint64_t va, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        toy_code(tm, va + 8 * i, TOY_INSN(TOY_ADDI, 1));
        toy_code(tm, va + 8 * i + 4, TOY_INSN(TOY_JMP, 1));
    }
    toy_code(tm, va + 8 * count, TOY_INSN(TOY_DONE, 0));
}

/* ---- counters ------------------------------------------------------------------------------ */

/* The text with all vCPUs paused; to be freed. */
static char *stats_text(struct toy_machine *tm)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert(out);
    accel_pause(tm->accel);
    accel_print_stats(tm->accel, out);
    accel_resume(tm->accel);
    fclose(out);
    return text;
}

/* The number behind NAME, or -1. */
static double stat_of(const char *text, const char *name)
{
    char key[80];
    const char *line;

    snprintf(key, sizeof(key), "\n  %s ", name);
    line = strstr(text, key);
    return line ? strtod(line + strlen(key), NULL) : -1;
}

static void counters_have_what_happened(struct unit *u)
{
    for (unsigned b = 0; b < NBACKENDS; b++) {
        struct toy_machine tm;
        char *text;

        toy_machine_init(&tm, 1, backends[b]);
        put_blocks(&tm, TOY_RAM, 10);
        for (unsigned round = 0; round < 3; round++) {
            toy_go(&tm, 0, TOY_RAM, 1);
            toy_wait(&tm, 0);
        }
        text = stats_text(&tm);
        CHECK_EQ(u, (long)stat_of(text, "TBs translated"), 11);
        CHECK_EQ(u, (long)stat_of(text, "TBs alive"), 11);
        CHECK_EQ(u, (long)stat_of(text, "TBs dropped"), 0);
        CHECK_EQ(u, (long)stat_of(text, "guest instructions translated"), 21);
        CHECK_EQ(u, (long)stat_of(text, "guest bytes translated"), 84);
        CHECK_EQ(u, (long)stat_of(text, "exits chained"), 10);
        CHECK(u, stat_of(text, "exits that were not chained") >= 10);
        CHECK(u, stat_of(text, "sleeps") >= 1);
        CHECK(u, stat_of(text, "host bytes per guest byte") > 0);
        CHECK(u, stat_of(text, "ns per translated guest instruction") > 0);
        CHECK(u, stat_of(text, "bytes in use") > 0);
        CHECK(u, stat_of(text, "bytes in use") <= stat_of(text, "bytes in all"));
        CHECK(u, strstr(text, "calls of helpers") == NULL);
        free(text);
        toy_machine_fini(&tm);
    }
}

static void dropped_tbs_and_chains_are_counted(struct unit *u)
{
    struct toy_machine tm;
    char *text;

    toy_machine_init(&tm, 1, backends[NBACKENDS - 1]);
    for (int step = 1; step <= 5; step++) {
        toy_code(&tm, TOY_RAM, TOY_INSN(TOY_FENCEI, 0));
        toy_code(&tm, TOY_RAM + 4, TOY_INSN(TOY_JMP, 1023));
        put_blocks(&tm, TOY_RAM + 0x1000, 2);
        toy_code(&tm, TOY_RAM + 0x1000, TOY_INSN(TOY_ADDI, step));
        toy_go(&tm, 0, TOY_RAM, 1);
        toy_wait(&tm, 0);
        CHECK_EQ(u, tm.hart[0]->x[1], step + 1);
    }
    text = stats_text(&tm);
    CHECK_EQ(u, (long)stat_of(text, "fence.i"), 5);
    CHECK_EQ(u, (long)stat_of(text, "TBs dropped"), 4);
    CHECK_EQ(u, (long)stat_of(text, "exits unchained"), 4);
    free(text);
    toy_machine_fini(&tm);
}

static void helper_calls_are_counted_by_name_when_asked(struct unit *u)
{
    for (unsigned b = 0; b < NBACKENDS; b++) {
        struct toy_machine tm;
        char *text;

        toy_machine_init_options(&tm, &(struct accel_options){.nharts = 1, .count_calls = true},
                                 backends[b]);
        toy_code(&tm, TOY_RAM, TOY_INSN(TOY_FENCEI, 0));
        toy_code(&tm, TOY_RAM + 4, TOY_INSN(TOY_LOOP, -1));
        toy_code(&tm, TOY_RAM + 8, TOY_INSN(TOY_DONE, 0));
        toy_go(&tm, 0, TOY_RAM, 1000);
        toy_wait(&tm, 0);
        text = stats_text(&tm);
        CHECK_EQ(u, (long)stat_of(text, "fencei"), 1000);
        CHECK_EQ(u, (long)stat_of(text, "done"), 1);
        free(text);
        toy_machine_fini(&tm);
    }
}

/* ---- names for perf ------------------------------------------------------------------------ */

struct name {
    uint64_t start, size, pc; /* pc: of a TB, else 0 */
};

static int by_start(const void *a, const void *b)
{
    const struct name *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

static void map_path(char path[64])
{
    snprintf(path, 64, "/tmp/perf-%d.map", (int)getpid());
}

/* The lines of the map by address; NULL if one is not as it should be, or there is no map. */
static struct name *read_map(size_t *n)
{
    struct name *names = NULL;
    char path[64], line[200];
    FILE *f;

    map_path(path);
    f = fopen(path, "re");
    *n = 0;
    while (f && fgets(line, sizeof(line), f)) {
        struct name name = {0};
        int at = 0;

        if (sscanf(line, "%" SCNx64 " %" SCNx64 " %n", &name.start, &name.size, &at) != 2 ||
            (strncmp(line + at, "thunk:", 6) && strncmp(line + at, "tb:toy:0x", 9))) {
            fclose(f);
            free(names);
            return NULL;
        }
        name.pc = line[at + 1] == 'b' ? strtoull(line + at + 7, NULL, 16) : 0;
        names = realloc(names, (*n + 1) * sizeof(*names));
        assert(names);
        names[(*n)++] = name;
    }
    if (f) {
        fclose(f);
        qsort(names, *n, sizeof(*names), by_start);
    }
    return names;
}

/* Every TB of region R has its name. */
static void check_region(struct unit *u, const struct region *r, const struct name *names, size_t n)
{
    unsigned missing = 0;

    for (unsigned i = 0; i < r->ntbs; i++) {
        const struct name key = {.start = (uintptr_t)r->tbs[i]->rx};
        const struct name *found = bsearch(&key, names, n, sizeof(*names), by_start);

        missing += !found || found->size != r->tbs[i]->pcmap || found->pc != r->tbs[i]->pa;
    }
    CHECK_EQ(u, missing, 0);
}

/* Names that belong to no TB that there is would be those of code that was recycled. */
static void check_map(struct unit *u, const struct accel *a)
{
    size_t n, ntbs = 0, named = 0;
    struct name *names = read_map(&n);
    unsigned overlaps = 0;

    CHECK(u, names != NULL);
    for (size_t i = 1; i < n; i++) {
        overlaps += names[i - 1].start + names[i - 1].size > names[i].start;
    }
    CHECK_EQ(u, overlaps, 0);
    for (unsigned i = 0; i < a->nregions; i++) {
        check_region(u, &a->regions[i], names, n);
        ntbs += a->regions[i].ntbs;
    }
    for (size_t i = 0; i < n; i++) {
        named += names[i].pc != 0;
    }
    CHECK_EQ(u, named, ntbs);
    CHECK(u, BUILD_TSAN || n > ntbs);
    free(names);
}

#define BLOCKS 100000

static void perf_finds_every_tb_and_no_recycled_one(struct unit *u)
{
    struct toy_machine tm;
    char path[64];

    toy_machine_init_options(&tm, &(struct accel_options){.nharts = 2, .perf_map = true},
                             BUILD_TSAN ? "tb-size=4,backend=interp" : "tb-size=4");
    put_blocks(&tm, TOY_RAM, BLOCKS);
    for (unsigned round = 0; round < 2; round++) {
        toy_go(&tm, 0, TOY_RAM, 1);
        toy_go(&tm, 1, TOY_RAM + 8, 1);
        toy_wait(&tm, 0);
        toy_wait(&tm, 1);
        accel_pause(tm.accel);
        check_map(u, tm.accel);
        accel_resume(tm.accel);
    }
    CHECK(u, load_relaxed(&tm.accel->drops) > 0);
    toy_machine_fini(&tm);
    map_path(path);
    CHECK(u, unlink(path) == 0);
}

static void perf_map_is_made_only_when_asked(struct unit *u)
{
    struct toy_machine tm;
    char path[64];

    toy_machine_init(&tm, 1, backends[NBACKENDS - 1]);
    put_blocks(&tm, TOY_RAM, 2);
    toy_go(&tm, 0, TOY_RAM, 1);
    toy_wait(&tm, 0);
    toy_machine_fini(&tm);
    map_path(path);
    CHECK(u, access(path, F_OK) != 0);
}

/* Somebody may have put a link of that name into /tmp. */
static void perf_map_follows_no_link(struct unit *u)
{
    struct toy_machine tm;
    char path[64], target[64];
    FILE *f;

    map_path(path);
    snprintf(target, sizeof(target), "/tmp/perf-target-%d", (int)getpid());
    f = fopen(target, "we");
    assert(f);
    fputs("mine", f);
    fclose(f);
    CHECK(u, symlink(target, path) == 0);
    toy_machine_init_options(&tm, &(struct accel_options){.nharts = 1, .perf_map = true},
                             backends[NBACKENDS - 1]);
    toy_machine_fini(&tm);
    f = fopen(target, "re");
    CHECK(u, f && fgetc(f) == 'm');
    if (f) {
        fclose(f);
    }
    CHECK(u, unlink(path) == 0 && unlink(target) == 0);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(counters_have_what_happened),
        UNIT(dropped_tbs_and_chains_are_counted),
        UNIT(helper_calls_are_counted_by_name_when_asked),
        UNIT(perf_finds_every_tb_and_no_recycled_one),
        UNIT(perf_map_is_made_only_when_asked),
        UNIT(perf_map_follows_no_link),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
