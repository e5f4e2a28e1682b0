/* SPDX-License-Identifier: MIT */
/*
 * The lock order checks of debug builds. thread.c is compiled into this program with them on, whatever the build mode, and
 * takes the place of the library's. Each case runs in a child, which dies or does not, and says why on its stderr.
 */
#define MH_DEBUG 1
#include "hw/host/thread.c"
#include "tests/unit.h"
#include <string.h>
#include <sys/wait.h>

struct locks {
    struct mutex bql, tb, tb2, log;
};

static void locks_init(struct locks *l)
{
    mutex_init(&l->bql, RANK_BQL, "the-bql");
    mutex_init(&l->tb, RANK_TB, "the-tb");
    mutex_init(&l->tb2, RANK_TB, "another-tb");
    mutex_init(&l->log, RANK_LOG, "the-log");
}

/* Runs BODY in a child; true if it was aborted, with its words in TEXT. */
static bool dies(void (*body)(struct locks *l), char *text, size_t size)
{
    size_t used = 0;
    int status, fds[2];
    ssize_t n;
    pid_t pid;

    if (pipe(fds) != 0) {
        return false;
    }
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        struct locks l;

        dup2(fds[1], 2);
        locks_init(&l);
        body(&l);
        _exit(0);
    }
    close(fds[1]);
    while ((n = read(fds[0], text + used, size - 1 - used)) > 0) {
        used += (size_t)n;
    }
    text[used] = '\0';
    close(fds[0]);
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void in_order(struct locks *l) NO_THREAD_SAFETY
{
    for (int i = 0; i < 3; i++) {
        mutex_lock(&l->bql);
        mutex_lock(&l->tb);
        mutex_lock_nested(&l->tb2);
        mutex_lock(&l->log);
        mutex_assert_held(&l->bql);
        mutex_unlock(&l->bql); /* releases may come in any order */
        mutex_unlock(&l->log);
        mutex_unlock(&l->tb);
        mutex_unlock(&l->tb2);
        mutex_assert_none_held();
    }
}

static void out_of_order(struct locks *l) NO_THREAD_SAFETY
{
    mutex_lock(&l->tb);
    mutex_lock(&l->bql);
}

static void after_release_of_outer(struct locks *l) NO_THREAD_SAFETY
{
    mutex_lock(&l->bql);
    mutex_lock(&l->log);
    mutex_unlock(&l->bql);
    mutex_lock(&l->tb);
}

static void equal_ranks(struct locks *l) NO_THREAD_SAFETY
{
    mutex_lock(&l->tb);
    mutex_lock(&l->tb2);
}

static void twice(struct locks *l) NO_THREAD_SAFETY
{
    mutex_lock(&l->tb);
    mutex_lock_nested(&l->tb);
}

static void not_held(struct locks *l) NO_THREAD_SAFETY
{
    mutex_unlock(&l->tb);
}

static void assert_held_without(struct locks *l) NO_THREAD_SAFETY
{
    mutex_lock(&l->bql);
    mutex_assert_held(&l->tb);
}

static void assert_none_with(struct locks *l) NO_THREAD_SAFETY
{
    mutex_lock(&l->bql);
    mutex_assert_none_held();
}

static void locks_taken_in_order_are_accepted(struct unit *u)
{
    char text[512];

    CHECK(u, !dies(in_order, text, sizeof(text)));
    CHECK_EQ(u, strlen(text), 0);
}

static void taking_an_outer_lock_inside_dies_with_both_names(struct unit *u)
{
    char text[512];

    CHECK(u, dies(out_of_order, text, sizeof(text)));
    CHECK(u, strstr(text, "the-bql") && strstr(text, "the-tb"));
}

static void order_is_checked_against_all_that_is_held_not_the_last_taken(struct unit *u)
{
    char text[512];

    CHECK(u, dies(after_release_of_outer, text, sizeof(text)));
    CHECK(u, strstr(text, "the-log"));
}

static void equal_ranks_need_the_nested_form(struct unit *u)
{
    char text[512];

    CHECK(u, dies(equal_ranks, text, sizeof(text)));
}

static void taking_a_lock_twice_dies_instead_of_hanging(struct unit *u)
{
    char text[512];

    CHECK(u, dies(twice, text, sizeof(text)));
    CHECK(u, strstr(text, "again"));
}

static void releasing_what_is_not_held_dies(struct unit *u)
{
    char text[512];

    CHECK(u, dies(not_held, text, sizeof(text)));
}

static void held_and_none_held_assertions_die_when_false(struct unit *u)
{
    char text[512];

    CHECK(u, dies(assert_held_without, text, sizeof(text)));
    CHECK(u, dies(assert_none_with, text, sizeof(text)));
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(locks_taken_in_order_are_accepted),
        UNIT(taking_an_outer_lock_inside_dies_with_both_names),
        UNIT(order_is_checked_against_all_that_is_held_not_the_last_taken),
        UNIT(equal_ranks_need_the_nested_form),
        UNIT(taking_a_lock_twice_dies_instead_of_hanging),
        UNIT(releasing_what_is_not_held_dies),
        UNIT(held_and_none_held_assertions_die_when_false),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
