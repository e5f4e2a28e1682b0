/* SPDX-License-Identifier: MIT
 *
 * The run: cases are generated in batches, a batch is one image, each emulator runs it and prints one digest.
 * Where digests differ the batch runs again with a line per case, the cases whose lines differ run alone, are
 * shrunk and reported. Jobs are forked processes that take every jobs-th batch and share only the counters.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/torture/runner.h"

#define BATCH_TIMEOUT_S 120
#define SOLO_TIMEOUT_S  10

struct counters {
    uint64_t cases;
    uint64_t failures;
    uint64_t emulator_ns[MAX_EMULATORS];
    uint64_t emulator_cases[MAX_EMULATORS];
    uint64_t emulator_failures[MAX_EMULATORS]; /* cases in which it is the first that differs */
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void run_programs(const struct options *o, const struct emulator *e,
                  struct program *const *programs, unsigned n, enum batch_mode mode,
                  unsigned timeout_s, struct output *out)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/image-%d.bin", o->tmp, (int)getpid());
    if (image_write(path, programs, n, mode) < 0) {
        perror(path);
        exit(1);
    }
    emulator_run(e, path, timeout_s, out);
    unlink(path);
}

static bool is_skipped(const struct options *o, int emulator)
{
    return o->skipped >> emulator & 1;
}

/* Emulators with properties take turns: bits of those that sit batch number BATCH out. */
static uint64_t skipped_in(const struct options *o, uint64_t batch)
{
    uint64_t skipped = 0, n = 0, turn = 0;
    for (int i = 0; i < o->nemulators; i++) {
        n += strchr(o->emulators[i].name, '+') != NULL;
    }
    for (int i = 0; i < o->nemulators && o->rotate && o->rotate < n; i++) {
        if (strchr(o->emulators[i].name, '+')) {
            uint64_t place = (turn++ + n - batch * o->rotate % n) % n;
            skipped |= (uint64_t)(place >= o->rotate) << i;
        }
    }
    return skipped;
}

/* Runs the programs on all emulators; returns an emulator that differs from the first, or 0. */
static int compare(const struct options *o, struct program *const *programs, unsigned n,
                   enum batch_mode mode, unsigned timeout_s, struct output *out,
                   struct counters *counters)
{
    char path[512];
    int differs = 0;
    snprintf(path, sizeof(path), "%s/image-%d.bin", o->tmp, (int)getpid());
    if (image_write(path, programs, n, mode) < 0) {
        perror(path);
        exit(1);
    }
    for (int i = 0; i < o->nemulators; i++) {
        uint64_t start = now_ns();
        out[i] = (struct output){.text = NULL};
        if (is_skipped(o, i)) {
            continue;
        }
        emulator_run(&o->emulators[i], path, timeout_s, &out[i]);
        __atomic_fetch_add(&counters->emulator_ns[i], now_ns() - start, __ATOMIC_RELAXED);
        if (i && !differs && !output_same(&out[0], &out[i])) {
            differs = i;
        }
    }
    unlink(path);
    return differs;
}

/* A single emulator that agrees with itself may still have failed. */
static bool is_healthy(const struct output *out)
{
    return out->status == 0 && strstr(out->text, "T ");
}

static void free_outputs(const struct options *o, struct output *out)
{
    for (int i = 0; i < o->nemulators; i++) {
        free(out[i].text);
    }
}

static bool too_many(const struct options *o, const struct counters *c)
{
    return __atomic_load_n(&c->failures, __ATOMIC_RELAXED) >= o->max_failures;
}

static void handle_solo(const struct options *o, struct program *p, struct counters *counters,
                        bool *reproduced)
{
    struct output out[MAX_EMULATORS];
    int b = compare(o, &p, 1, BATCH_LINES, SOLO_TIMEOUT_S, out, counters);
    bool sick = !is_healthy(&out[0]);
    free_outputs(o, out);
    if (!b && !sick) {
        return;
    }
    *reproduced = true;
    __atomic_fetch_add(&counters->failures, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&counters->emulator_failures[b], 1, __ATOMIC_RELAXED);
    if (!b) {
        printf("FAIL case %llu of seed %llu, kind %s: no emulator finishes it\n",
               (unsigned long long)p->id, (unsigned long long)o->seed, p->kind->name);
        return;
    }
    if (o->shrink) {
        shrink_program(o, p, 0, b);
    }
    report_failure(o, p, 0, b);
}

/* Whether the outputs have different lines for a slot (or one lacks it). */
static bool line_differs(const struct options *o, const struct output *out, unsigned slot)
{
    char key[32];
    char lines[MAX_EMULATORS][64];
    snprintf(key, sizeof(key), "L %x ", slot);
    for (int i = 0; i < o->nemulators; i++) {
        if (is_skipped(o, i)) {
            continue;
        }
        const char *at = strstr(out[i].text, key);
        snprintf(lines[i], sizeof(lines[i]), "%.*s", at ? (int)strcspn(at, "\r\n") : 0,
                 at ? at : "");
        if (strcmp(lines[0], lines[i]) != 0) {
            return true;
        }
    }
    return !lines[0][0];
}

static bool differ_together(const struct options *o, struct program *const *programs, unsigned n,
                            struct counters *counters)
{
    struct output out[MAX_EMULATORS];
    int b = compare(o, programs, n, BATCH_LINES, SOLO_TIMEOUT_S, out, counters);
    free_outputs(o, out);
    return b != 0;
}

/* Removes programs from a batch as long as its outputs differ; returns how many are left at the start. */
static unsigned reduce_batch(const struct options *o, struct program **programs, unsigned n,
                             struct counters *counters)
{
    struct program *kept[MAX_SLOTS];
    for (unsigned chunk = (n + 1) / 2; chunk >= 1; chunk = chunk > 1 ? (chunk + 1) / 2 : 0) {
        for (unsigned at = 0; at < n;) {
            unsigned end = at + chunk < n ? at + chunk : n;
            unsigned left = 0;
            for (unsigned i = 0; i < n; i++) {
                if (i < at || i >= end) {
                    kept[left++] = programs[i];
                }
            }
            if (left && differ_together(o, kept, left, counters)) {
                memcpy(programs, kept, left * sizeof(kept[0]));
                n = left;
            } else {
                at = end;
            }
        }
    }
    return n;
}

static void report_outputs(const struct options *o, const char *pass, const struct output *out)
{
    for (int i = 0; i < o->nemulators; i++) {
        if (is_skipped(o, i)) {
            continue;
        }
        printf("  %s, %s: status %d, %zu bytes of output, ends with: %s\n", pass,
               o->emulators[i].name, out[i].status, out[i].len,
               out[i].len > 60 ? out[i].text + out[i].len - 60 : out[i].text);
    }
}

/* Reports programs that differ only one after the other. FIRST is what made the batch suspect, AGAIN the run with a line
 * per case. */
static void report_together(const struct options *o, struct program *const *programs, unsigned n,
                            const struct output *first, const struct output *again,
                            struct counters *counters)
{
    struct program *few[MAX_SLOTS];
    memcpy(few, programs, n * sizeof(few[0]));
    if (o->shrink && differ_together(o, programs, n, counters)) {
        n = reduce_batch(o, few, n, counters);
    }
    printf("FAIL cases of seed %llu: no case differs alone, but %u together do\n",
           (unsigned long long)o->seed, n);
    printf("  reproduce: torture --seed %llu --kinds %s --emulators %s --case ",
           (unsigned long long)o->seed, o->kinds, o->emulator_list);
    for (unsigned i = 0; i < n; i++) {
        printf("%s%llu", i ? "," : "", (unsigned long long)few[i]->id);
    }
    printf("\n");
    report_outputs(o, "digest", first);
    report_outputs(o, "lines", again);
}

/* The emulator whose output of a batch is not that of the first, or the first. */
static int first_to_differ(const struct options *o, const struct output *out)
{
    for (int i = 1; i < o->nemulators; i++) {
        if (!is_skipped(o, i) && !output_same(&out[0], &out[i])) {
            return i;
        }
    }
    return 0;
}

static void handle_batch(const struct options *o, struct program *const *programs, unsigned n,
                         const struct output *first, struct counters *counters)
{
    struct output out[MAX_EMULATORS];
    bool reproduced = false;
    unsigned suspects = 0;
    compare(o, programs, n, BATCH_LINES, BATCH_TIMEOUT_S, out, counters);
    for (unsigned i = 0; i < n && suspects < 8 && !too_many(o, counters); i++) {
        if (line_differs(o, out, programs[i]->slot)) {
            suspects++;
            handle_solo(o, programs[i], counters, &reproduced);
        }
    }
    if (!reproduced && !too_many(o, counters)) {
        int b = first_to_differ(o, first);
        __atomic_fetch_add(&counters->failures, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&counters->emulator_failures[b], 1, __ATOMIC_RELAXED);
        report_together(o, programs, n, first, out, counters);
    }
    fflush(stdout);
    free_outputs(o, out);
}

/* Moves cases that leave locks behind to the end; returns how many programs can run as one image. */
static unsigned locks_last(struct program **programs, unsigned n)
{
    unsigned end = n;
    for (unsigned i = 0; i < end;) {
        if (programs[i]->hdr.flags & CASE_LOCKS) {
            struct program *p = programs[i];
            programs[i] = programs[--end];
            programs[end] = p;
        } else {
            i++;
        }
    }
    return end < n ? end + 1 : n;
}

static void run_image(const struct options *o, struct program *const *programs, unsigned n,
                      struct counters *counters)
{
    struct output out[MAX_EMULATORS];
    if (o->keep) {
        image_write(o->keep, programs, n, BATCH_LINES);
    }
    int differs = compare(o, programs, n, BATCH_TOTAL, BATCH_TIMEOUT_S, out, counters);
    if (differs || !is_healthy(&out[0])) {
        handle_batch(o, programs, n, out, counters);
    }
    free_outputs(o, out);
    __atomic_fetch_add(&counters->cases, n, __ATOMIC_RELAXED);
    for (int i = 0; i < o->nemulators; i++) {
        __atomic_fetch_add(&counters->emulator_cases[i], is_skipped(o, i) ? 0 : n,
                           __ATOMIC_RELAXED);
    }
}

static void run_batch(const struct options *o, struct program **programs, uint64_t first,
                      unsigned n, struct counters *counters)
{
    for (unsigned i = 0; i < n; i++) {
        generate_case(programs[i], o->seed, first + i, o->kind_mask);
    }
    for (unsigned done = 0; done < n;) {
        unsigned together = locks_last(programs + done, n - done);
        run_image(o, programs + done, together, counters);
        done += together;
    }
}

static void run_job(struct options *o, unsigned job, struct counters *counters)
{
    struct program **programs = malloc(o->batch * sizeof(*programs));
    for (unsigned i = 0; i < o->batch; i++) {
        programs[i] = malloc(sizeof(struct program));
    }
    uint64_t end = o->first + o->count;
    for (uint64_t batch = 0; o->first + batch * o->batch < end && !too_many(o, counters); batch++) {
        uint64_t first = o->first + batch * o->batch;
        unsigned n = end - first < o->batch ? (unsigned)(end - first) : o->batch;
        if (batch % o->nshards == o->shard && batch / o->nshards % o->jobs == job) {
            o->skipped = skipped_in(o, batch / o->nshards);
            run_batch(o, programs, first, n, counters);
        }
    }
    for (unsigned i = 0; i < o->batch; i++) {
        free(programs[i]);
    }
    free(programs);
}

static int run_one_case(const struct options *o, struct counters *counters)
{
    struct program *p = malloc(sizeof(*p));
    bool reproduced = false;
    generate_case(p, o->seed, o->only[0], o->kind_mask);
    if (o->keep) {
        image_write(o->keep, &p, 1, BATCH_VERBOSE);
    }
    if (o->verbose) {
        report_failure(o, p, 0, o->nemulators - 1);
    } else {
        handle_solo(o, p, counters, &reproduced);
    }
    printf("torture: case %llu (%s): %s\n", (unsigned long long)p->id, p->kind->name,
           reproduced ? "differs" : "agrees");
    free(p);
    return reproduced;
}

/* The cases one after the other in one image. */
static int run_some_cases(const struct options *o, struct counters *counters)
{
    struct program *programs[MAX_SLOTS];
    for (unsigned i = 0; i < o->nonly; i++) {
        programs[i] = malloc(sizeof(struct program));
        generate_case(programs[i], o->seed, o->only[i], o->kind_mask);
    }
    if (o->keep) {
        image_write(o->keep, programs, o->nonly, o->verbose ? BATCH_VERBOSE : BATCH_LINES);
    }
    bool differ = differ_together(o, programs, o->nonly, counters);
    printf("torture: %u cases together: %s\n", o->nonly, differ ? "differ" : "agree");
    for (unsigned i = 0; i < o->nonly; i++) {
        free(programs[i]);
    }
    return differ;
}

/* For the sums of other scripts: the first emulator is what the others are compared with. */
static void print_lines(const struct options *o, const struct counters *c)
{
    for (int i = 0; i < o->nemulators; i++) {
        const char *verdict = c->emulator_failures[i] ? "FAIL" : "ok";
        printf("%s torture/%s: %llu programs, %llu differ, %.1f s\n", verdict, o->emulators[i].name,
               (unsigned long long)c->emulator_cases[i],
               (unsigned long long)c->emulator_failures[i], (double)c->emulator_ns[i] / 1e9);
    }
}

static void print_times(const struct options *o, const struct counters *c)
{
    printf(" (");
    for (int i = 0; i < o->nemulators; i++) {
        printf("%s%s %.1f s", i ? ", " : "", o->emulators[i].name, (double)c->emulator_ns[i] / 1e9);
    }
    printf(")");
}

static void summary(const struct options *o, const struct counters *c, uint64_t start)
{
    if (o->lines) {
        print_lines(o, c);
    }
    printf("torture: %llu programs, %llu failed, %.1f s", (unsigned long long)c->cases,
           (unsigned long long)c->failures, (double)(now_ns() - start) / 1e9);
    if (!o->lines) {
        print_times(o, c);
    }
    printf("\n");
}

int run_all(struct options *o)
{
    struct counters *counters =
        mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t start = now_ns();
    if (o->nonly) {
        return o->nonly == 1 ? run_one_case(o, counters) : run_some_cases(o, counters);
    }
    fflush(stdout);
    for (unsigned job = 0; job < o->jobs; job++) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            run_job(o, job, counters);
            fflush(stdout);
            _exit(0);
        }
    }
    bool died = false;
    int status;
    while (wait(&status) > 0) {
        died |= status != 0;
    }
    summary(o, counters, start);
    return died || counters->failures ? 1 : 0;
}
