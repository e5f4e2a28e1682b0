/* SPDX-License-Identifier: MIT
 *
 * Options of the torture test; see README.md.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/torture/runner.h"

enum option_id {
    OPT_SEED = 1,
    OPT_COUNT,
    OPT_FIRST,
    OPT_SHARD,
    OPT_KINDS,
    OPT_EMULATORS,
    OPT_JOBS,
    OPT_CASE,
    OPT_SHRINK,
    OPT_NO_SHRINK,
    OPT_BATCH,
    OPT_MANYHART,
    OPT_QEMU,
    OPT_TMP,
    OPT_KEEP,
    OPT_MAX_FAILURES,
    OPT_ROTATE,
    OPT_LINES,
    OPT_VERBOSE,
    OPT_LIST,
    OPT_HELP
};

static const struct option long_options[] = {
    {"seed", required_argument, NULL, OPT_SEED},
    {"count", required_argument, NULL, OPT_COUNT},
    {"first", required_argument, NULL, OPT_FIRST},
    {"shard", required_argument, NULL, OPT_SHARD},
    {"kinds", required_argument, NULL, OPT_KINDS},
    {"emulators", required_argument, NULL, OPT_EMULATORS},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"case", required_argument, NULL, OPT_CASE},
    {"shrink", no_argument, NULL, OPT_SHRINK},
    {"no-shrink", no_argument, NULL, OPT_NO_SHRINK},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"manyhart", required_argument, NULL, OPT_MANYHART},
    {"qemu", required_argument, NULL, OPT_QEMU},
    {"tmp", required_argument, NULL, OPT_TMP},
    {"keep", required_argument, NULL, OPT_KEEP},
    {"max-failures", required_argument, NULL, OPT_MAX_FAILURES},
    {"rotate", required_argument, NULL, OPT_ROTATE},
    {"lines", no_argument, NULL, OPT_LINES},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"list", no_argument, NULL, OPT_LIST},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: torture [--seed S] [--first I] [--count N] [--shard I/K] [--kinds LIST] [--jobs J] [--batch N]\n"
    "               [--emulators jit,interp,exclusive,jit+PROP=VALUE,qemu] [--rotate K] [--lines]\n"
    "               [--max-failures N] [--no-shrink]\n"
    "               [--case I[,J...] [--verbose] [--keep IMAGE]]\n"
    "               [--manyhart PATH] [--qemu PATH] [--tmp DIR] [--list]\n";

static int list_kinds(void)
{
    for (unsigned i = 0; i < num_kinds; i++) {
        printf("%-12s weight %2u  %s\n", kinds[i].name, kinds[i].weight, kinds[i].what);
    }
    return 0;
}

static int parse_kinds(struct options *o, const char *text)
{
    o->kinds = text;
    o->kind_mask = strcmp(text, "all") == 0 ? ~0ull : 0;
    if (o->kind_mask) {
        return 0;
    }
    char *list = strdup(text);
    for (char *save, *name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        unsigned i = 0;
        while (i < num_kinds && strcmp(kinds[i].name, name) != 0) {
            i++;
        }
        if (i == num_kinds) {
            fprintf(stderr, "torture: unknown kind '%s'; --list shows them\n", name);
            return -1;
        }
        o->kind_mask |= 1ull << i;
    }
    free(list);
    return 0;
}

static int parse_shard(struct options *o, const char *text)
{
    if (sscanf(text, "%u/%u", &o->shard, &o->nshards) != 2 || o->nshards == 0 ||
        o->shard >= o->nshards) {
        fprintf(stderr, "torture: --shard wants I/K with I from 0 to K-1\n");
        return -1;
    }
    return 0;
}

static int parse_cases(struct options *o, const char *text)
{
    while (o->nonly < MAX_SLOTS) {
        char *end;
        o->only[o->nonly++] = strtoull(text, &end, 0);
        if (*end != ',') {
            return *end ? -1 : 0;
        }
        text = end + 1;
    }
    return -1;
}

static int parse_option(struct options *o, int id, const char *arg)
{
    switch ((enum option_id)id) {
    case OPT_SEED:
        o->seed = strtoull(arg, NULL, 0);
        return 0;
    case OPT_COUNT:
        o->count = strtoull(arg, NULL, 0);
        return 0;
    case OPT_FIRST:
        o->first = strtoull(arg, NULL, 0);
        return 0;
    case OPT_SHARD:
        return parse_shard(o, arg);
    case OPT_KINDS:
        return parse_kinds(o, arg);
    case OPT_EMULATORS:
        o->emulator_list = arg;
        return 0;
    case OPT_JOBS:
        o->jobs = (unsigned)strtoul(arg, NULL, 0);
        return o->jobs ? 0 : -1;
    case OPT_CASE:
        return parse_cases(o, arg);
    case OPT_SHRINK:
    case OPT_NO_SHRINK:
        o->shrink = id == OPT_SHRINK;
        return 0;
    case OPT_BATCH:
        o->batch = (unsigned)strtoul(arg, NULL, 0);
        return o->batch && o->batch <= MAX_SLOTS ? 0 : -1;
    case OPT_MANYHART:
        o->manyhart = arg;
        return 0;
    case OPT_QEMU:
        o->qemu = arg;
        return 0;
    case OPT_TMP:
        o->tmp = arg;
        return 0;
    case OPT_KEEP:
        o->keep = arg;
        return 0;
    case OPT_MAX_FAILURES:
        o->max_failures = (unsigned)strtoul(arg, NULL, 0);
        return 0;
    case OPT_ROTATE:
        o->rotate = (unsigned)strtoul(arg, NULL, 0);
        return 0;
    case OPT_LINES:
        o->lines = true;
        return 0;
    case OPT_VERBOSE:
        o->verbose = true;
        return 0;
    case OPT_LIST:
        exit(list_kinds());
    case OPT_HELP:
        fputs(usage, stdout);
        exit(0);
    }
    return -1;
}

static const char *default_qemu(void)
{
    static const char fetched[] = "build/guest/qemu/qemu-system-riscv64";
    return access(fetched, X_OK) == 0 ? fetched : "qemu-system-riscv64";
}

int main(int argc, char **argv)
{
    struct options o = {
        .seed = 1,
        .count = 10000,
        .shrink = true,
        .nshards = 1,
        .jobs = 2,
        .batch = 256,
        .max_failures = 10,
        .kind_mask = ~0ull,
        .kinds = "all",
        .emulator_list = "jit,interp,qemu",
        .manyhart = "build/manyhart",
        .qemu = default_qemu(),
        .tmp = "/tmp",
    };
    int id;
    while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (parse_option(&o, id, optarg) < 0) {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (emulators_init(&o) < 0) {
        return 2;
    }
    return run_all(&o);
}
