/* SPDX-License-Identifier: MIT */
/* The log: class names, the mask, whole records of many threads, file names with %d. */
#include "hw/host/log.h"
#include "hw/host/thread.h"
#include "tests/unit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4, RECORDS = 500, LINES = 5 };

static void temp_name(char *out, size_t size, const char *suffix)
{
    const char *dir = getenv("TMPDIR");

    snprintf(out, size, "%s/mh-log-test-%s", dir ? dir : "/tmp", suffix);
}

static void class_lists_are_parsed_to_masks(struct unit *u)
{
    uint32_t mask = 0;

    CHECK_EQ(u, log_parse("in_asm", &mask, NULL), 0);
    CHECK_EQ(u, mask, LOG_IN_ASM);
    CHECK_EQ(u, log_parse("int,guest_errors,op", &mask, NULL), 0);
    CHECK_EQ(u, mask, LOG_INT | LOG_GUEST_ERROR | LOG_OP);
    CHECK_EQ(u, log_parse("all", &mask, NULL), 0);
    CHECK_EQ(u, mask, (1u << LOG_CLASS_COUNT) - 1);
}

static void unknown_and_empty_class_names_are_refused_by_name(struct unit *u)
{
    static const char *const bad[] = {"", "in_asm,", ",op", "op,,int", "in_as", "in_asmx", "bogus"};
    struct err err;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint32_t mask = 12345;

        CHECK_EQ(u, log_parse(bad[i], &mask, &err), -EINVAL);
        CHECK_EQ(u, mask, 12345);
    }
    CHECK(u, strstr(err.text, "'bogus'"));
}

static void help_lists_every_class_on_a_line(struct unit *u)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int lines = 0;

    log_help(out);
    fclose(out);
    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
    }
    CHECK_EQ(u, lines, LOG_CLASS_COUNT);
    CHECK(u, strstr(text, "out_asm"));
    free(text);
}

static void only_enabled_classes_are_written_and_pid_replaces_percent_d(struct unit *u)
{
    char pattern[256], name[300], line[100] = "", suffix[40];
    FILE *in;

    temp_name(pattern, sizeof(pattern), "%d-100%");
    snprintf(suffix, sizeof(suffix), "%d-100%%", (int)getpid());
    temp_name(name, sizeof(name), suffix);
    CHECK_EQ(u, log_open(pattern, NULL), 0);
    log_set_mask(LOG_INT);
    log_printf(LOG_EXEC, "not this\n");
    log_printf(LOG_INT | LOG_EXEC, "this %d\n", 7);
    log_unimp("nor this\n");
    log_set_mask(0);
    log_close();
    in = fopen(name, "r");
    CHECK(u, in);
    if (in) {
        CHECK(u, fgets(line, sizeof(line), in) && strcmp(line, "this 7\n") == 0);
        CHECK(u, !fgets(line, sizeof(line), in));
        fclose(in);
    }
    unlink(name);
}

static void a_log_file_that_cannot_be_opened_is_named(struct unit *u)
{
    struct err err;

    CHECK_EQ(u, log_open("/nonexistent/dir/x.log", &err), -ENOENT);
    CHECK(u, strstr(err.text, "/nonexistent/dir/x.log"));
}

static void *record_main(void *arg)
{
    long id = (long)arg;

    for (int i = 0; i < RECORDS; i++) {
        FILE *out = log_begin();

        for (int line = 0; line < LINES; line++) {
            fprintf(out, "%ld %d %d\n", id, i, line);
        }
        log_end();
        log_printf(LOG_INT, "%ld single\n", id);
    }
    return NULL;
}

/* Reads the log back: lines of one record follow each other. Returns the number of records, -1 for a torn one. */
static int count_whole_records(FILE *in, bool with_tid)
{
    char line[100], single[20];
    int records = 0;
    int want_line = 0;
    long owner = -1;

    while (fgets(line, sizeof(line), in)) {
        char *text = line;
        int number, index;
        long id, tid;

        if (with_tid && want_line == 0) {
            if (sscanf(line, "[%ld] ", &tid) != 1) {
                return -1;
            }
            text = strchr(line, ' ') + 1;
        }
        if (sscanf(text, "%ld %d %d", &id, &number, &index) == 3) {
            if (index != want_line || (index != 0 && id != owner)) {
                return -1;
            }
            owner = id;
            want_line = (index + 1) % LINES;
            records += want_line == 0;
        } else if (want_line != 0 || sscanf(text, "%ld %10s", &id, single) != 2) {
            return -1;
        } else {
            records++;
        }
    }
    return records;
}

static void check_concurrent_records(struct unit *u, uint32_t mask)
{
    struct thread threads[THREADS];
    char name[256], suffix[40];
    FILE *in;

    snprintf(suffix, sizeof(suffix), "many-%d", (int)getpid());
    temp_name(name, sizeof(name), suffix);
    CHECK_EQ(u, log_open(name, NULL), 0);
    log_set_mask(mask);
    for (long i = 0; i < THREADS; i++) {
        thread_create(&threads[i], "record", record_main, (void *)i);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
    }
    log_set_mask(0);
    log_close();
    in = fopen(name, "r");
    CHECK(u, in);
    if (in) {
        CHECK_EQ(u, count_whole_records(in, mask & LOG_TID), THREADS * RECORDS * 2);
        fclose(in);
    }
    unlink(name);
}

static void records_of_many_threads_stay_whole(struct unit *u)
{
    check_concurrent_records(u, LOG_INT);
}

static void tid_starts_each_record(struct unit *u)
{
    check_concurrent_records(u, LOG_INT | LOG_TID);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(class_lists_are_parsed_to_masks),
        UNIT(unknown_and_empty_class_names_are_refused_by_name),
        UNIT(help_lists_every_class_on_a_line),
        UNIT(only_enabled_classes_are_written_and_pid_replaces_percent_d),
        UNIT(a_log_file_that_cannot_be_opened_is_named),
        UNIT(records_of_many_threads_stay_whole),
        UNIT(tid_starts_each_record),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
