/* SPDX-License-Identifier: MIT */
/* Property lists, numbers and sizes of the command line, well and badly written. */
#include "hw/props.h"
#include "tests/unit.h"
#include <string.h>

static void commas_are_escaped_by_doubling(struct unit *u)
{
    struct string_pool pool = {0};
    struct props p;
    struct err err;

    CHECK_EQ(u, props_parse(&p, &pool, "-x", "file=a,,b,,,id=c=d,flag", NULL, &err), 0);
    CHECK_EQ(u, p.n, 3);
    CHECK(u, strcmp(props_get(&p, "file"), "a,b,") == 0);
    CHECK(u, strcmp(props_get(&p, "id"), "c=d") == 0);
    CHECK(u, strcmp(props_get(&p, "flag"), "") == 0);
    CHECK_EQ(u, props_done(&p, &err), 0);
    pool_free(&pool);
}

static void the_first_bare_word_is_the_implied_keys(struct unit *u)
{
    struct string_pool pool = {0};
    struct props p;
    struct err err;

    CHECK_EQ(u, props_parse(&p, &pool, "-x", "raw,other", "driver", &err), 0);
    CHECK(u, strcmp(props_get(&p, "driver"), "raw") == 0);
    CHECK(u, props_get(&p, "other") != NULL);
    CHECK_EQ(u, props_parse(&p, &pool, "-x", "id=raw", "driver", &err), 0);
    CHECK(u, props_get(&p, "driver") == NULL);
    pool_free(&pool);
}

static void the_last_of_equal_keys_wins_and_all_count_as_used(struct unit *u)
{
    struct string_pool pool = {0};
    struct props p;
    struct err err;

    CHECK_EQ(u, props_parse(&p, &pool, "-x", "a=1,a=2", NULL, &err), 0);
    CHECK(u, strcmp(props_get(&p, "a"), "2") == 0);
    CHECK_EQ(u, props_done(&p, &err), 0);
    pool_free(&pool);
}

static void what_nobody_asked_for_is_named(struct unit *u)
{
    struct string_pool pool = {0};
    struct props p;
    struct err err;

    CHECK_EQ(u, props_parse(&p, &pool, "-x", "a=1,frob=2", NULL, &err), 0);
    props_get(&p, "a");
    CHECK(u, props_done(&p, &err) < 0);
    CHECK(u, strcmp(err.text, "-x: unknown or unsupported property 'frob'") == 0);
    CHECK(u, props_parse(&p, &pool, "-x", "=3", NULL, &err) < 0);
    CHECK(u, props_parse(&p, &pool, "-x", "{\"driver\": \"x\"}", NULL, &err) < 0);
    pool_free(&pool);
}

static void too_many_properties_are_an_error(struct unit *u)
{
    struct string_pool pool = {0};
    char text[PROPS_MAX * 4 + 8] = "";
    struct props p;
    struct err err;

    for (unsigned i = 0; i < PROPS_MAX + 1; i++) {
        memcpy(text + i * 4, "a=1,", 4);
    }
    CHECK(u, props_parse(&p, &pool, "-x", text, NULL, &err) < 0);
    text[PROPS_MAX * 4] = '\0';
    CHECK_EQ(u, props_parse(&p, &pool, "-x", text, NULL, &err), 0);
    pool_free(&pool);
}

static void bad_values_say_what_they_should_be(struct unit *u)
{
    static const char *const words[] = {"one", "two", NULL};
    struct string_pool pool = {0};
    uint64_t number = 5;
    unsigned word = 9;
    bool flag = false;
    struct props p;
    struct err err;

    CHECK_EQ(u, props_parse(&p, &pool, "-x", "b=maybe,n=7,w=two,f", NULL, &err), 0);
    CHECK(u, props_bool(&p, "b", &flag, &err) < 0);
    CHECK(u, strcmp(err.text, "-x: property 'b' must be on or off, not 'maybe'") == 0);
    CHECK(u, props_uint(&p, "n", 6, &number, &err) < 0);
    CHECK_EQ(u, number, 5);
    CHECK_EQ(u, props_uint(&p, "n", 7, &number, &err), 0);
    CHECK_EQ(u, number, 7);
    CHECK_EQ(u, props_word(&p, "w", words, &word, &err), 0);
    CHECK_EQ(u, word, 1);
    CHECK(u, props_word(&p, "n", words, &word, &err) < 0);
    CHECK_EQ(u, props_bool(&p, "f", &flag, &err), 0);
    CHECK(u, flag);
    CHECK_EQ(u, props_bool(&p, "absent", &flag, &err), 0);
    pool_free(&pool);
}

static void numbers_are_whole_strings(struct unit *u)
{
    static const char *const bad[] = {
        "", " 1", "1 ", "-1", "+1", "0x", "1k", "18446744073709551616", "ten"};
    uint64_t v;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK(u, !parse_uint(bad[i], &v));
    }
    CHECK(u, parse_uint("0x80200000", &v) && v == 0x80200000);
    CHECK(u, parse_uint("18446744073709551615", &v) && v == UINT64_MAX);
    CHECK(u, parse_uint("0", &v) && v == 0);
}

static void sizes_have_units(struct unit *u)
{
    static const char *const bad[] = {"",     "M",    "-1",           "1Q",  "1MB",
                                      "0x10", "lots", "99999999999T", "1e30"};
    uint64_t v;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK(u, !parse_size(bad[i], 1 << 20, &v));
    }
    CHECK(u, parse_size("512", 1 << 20, &v) && v == UINT64_C(512) << 20);
    CHECK(u, parse_size("1.5G", 1 << 20, &v) && v == UINT64_C(1536) << 20);
    CHECK(u, parse_size("64k", 1 << 20, &v) && v == 65536);
    CHECK(u, parse_size("100B", 1 << 20, &v) && v == 100);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(commas_are_escaped_by_doubling),
        UNIT(the_first_bare_word_is_the_implied_keys),
        UNIT(the_last_of_equal_keys_wins_and_all_count_as_used),
        UNIT(what_nobody_asked_for_is_named),
        UNIT(too_many_properties_are_an_error),
        UNIT(bad_values_say_what_they_should_be),
        UNIT(numbers_are_whole_strings),
        UNIT(sizes_have_units),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
