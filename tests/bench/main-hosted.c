/* SPDX-License-Identifier: MIT */
/*
 * The suite as a Linux program, on the host or in the guest: every kernel, by
 * the names and functions of BENCH_ROWS (made by bench.py), and the rows of
 * linux.c. Each row named is run in a process of its own, so that none finds
 * what another left behind: "begin NAME", then what main-bare.c prints.
 *
 *   suite NAME...      suite -f FILE      (names in a file, one a line)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "linux.h"

#define KERNEL(name, id)                     \
    extern const uint64_t bench_rounds_##id; \
    uint64_t bench_run_##id(uint64_t rounds);
BENCH_ROWS
#undef KERNEL

#define KERNEL(name, id) {name, bench_run_##id, 0, &bench_rounds_##id},
static const struct linux_row kernels[] = {BENCH_ROWS};
#undef KERNEL

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

#define TIMES 3

static int measure(const struct linux_row *row)
{
    uint64_t rounds = row->kernel_rounds ? *row->kernel_rounds : row->rounds;
    uint64_t least = UINT64_MAX, sum = 0, start;

    row->run(rounds / 8 + 1);
    printf("begin %s\n", row->name);
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
    start = now_ns();
    for (int i = 0; i < TIMES; i++) {
        uint64_t begin = now_ns(), took;

        sum = row->run(rounds);
        took = now_ns() - begin;
        least = took < least ? took : least;
    }
    start = now_ns() - start;
    printf("bench %s %llu %llu %llu %llu\n", row->name, (unsigned long long)least,
           (unsigned long long)rounds, (unsigned long long)sum, (unsigned long long)start);
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
    return 0;
}

static const struct linux_row *find(const struct linux_row *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static int run_named(const char *name)
{
    const struct linux_row *row = find(linux_rows, linux_row_count, name);

    if (!row) {
        row = find(kernels, sizeof(kernels) / sizeof(kernels[0]), name);
    }
    if (!row) {
        fprintf(stderr, "suite: no row %s\n", name);
        return 2;
    }
    return measure(row);
}

/* In a process of its own, of this program. */
static void run_apart(const char *name)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        execl("/proc/self/exe", "suite", "--one", name, (char *)NULL);
        _exit(127);
    }
    waitpid(child, &status, 0);
    if (status != 0) {
        printf("failed %s %d\n", name, status);
        fflush(stdout);
    }
}

static int run_file(const char *path)
{
    char line[80];
    FILE *file = fopen(path, "r");

    if (!file) {
        perror(path);
        return 1;
    }
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = 0;
        run_apart(line);
    }
    fclose(file);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--nothing") == 0) {
        return 0; /* what the row "exec" starts */
    }
    if (argc == 3 && strcmp(argv[1], "--one") == 0) {
        return run_named(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "-f") == 0) {
        return run_file(argv[2]);
    }
    for (int i = 1; i < argc; i++) {
        run_apart(argv[i]);
    }
    return 0;
}
