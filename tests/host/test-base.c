/* SPDX-License-Identifier: MIT */
/* The small things of hw/host: bit fields, error texts, clocks, host features. */
#include "hw/host/bits.h"
#include "hw/host/clock.h"
#include "hw/host/cpu-features.h"
#include "hw/host/err.h"
#include "tests/unit.h"
#include <errno.h>
#include <stdlib.h>

static void bit_fields_at_the_ends_of_a_word(struct unit *u)
{
    CHECK_EQ(u, BITS(63, 0), UINT64_MAX);
    CHECK_EQ(u, BITS(63, 63), BIT(63));
    CHECK_EQ(u, extract64(BIT(63) | 5, 0, 64), BIT(63) | 5);
    CHECK_EQ(u, extract64(UINT64_C(0xabc) << 52, 52, 12), 0xabc);
    CHECK_EQ(u, sextract64(BIT(11), 0, 12), -2048);
    CHECK_EQ(u, sextract64(UINT64_MAX, 0, 64), -1);
    CHECK_EQ(u, deposit64(0, 63, 1, 1), BIT(63));
    CHECK_EQ(u, deposit64(UINT64_MAX, 8, 8, 0x12), UINT64_C(0xffffffffffff12ff));
    CHECK_EQ(u, deposit64(1, 0, 64, UINT64_MAX), UINT64_MAX);
}

static void register_fields_by_mask(struct unit *u)
{
    CHECK_EQ(u, get_field(UINT64_C(0x1800), BITS(12, 11)), 3);
    CHECK_EQ(u, set_field(UINT64_MAX, BITS(12, 11), 1), ~BIT(12));
    CHECK_EQ(u, get_field(UINT64_MAX, BIT(63)), 1);
    CHECK_EQ(u, set_field(0, BITS(63, 60), 0xff), BITS(63, 60));
    CHECK_EQ(u, get_field(UINT64_MAX, UINT64_MAX), UINT64_MAX);
}

static void alignment_and_powers_of_two(struct unit *u)
{
    CHECK_EQ(u, align_up(4097, 4096), 8192);
    CHECK_EQ(u, align_up(4096, 4096), 4096);
    CHECK_EQ(u, align_down(8191, 4096), 4096);
    CHECK(u, is_pow2(1) && is_pow2(BIT(63)) && !is_pow2(0) && !is_pow2(3));
}

static void error_texts_are_cut_never_overrun(struct unit *u)
{
    struct err err;
    char big[1000];

    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    CHECK_EQ(u, err_set(&err, -EIO, "a%d: %s", 1, "why"), -EIO);
    CHECK(u, strcmp(err.text, "a1: why") == 0);
    err_prefix(&err, "%s", "where");
    CHECK(u, strcmp(err.text, "where: a1: why") == 0);
    err_set(&err, -EIO, "%s", big);
    CHECK_EQ(u, strlen(err.text), sizeof(err.text) - 1);
    err_prefix(&err, "front");
    CHECK_EQ(u, strlen(err.text), sizeof(err.text) - 1);
    CHECK(u, strncmp(err.text, "front: xxx", 10) == 0);
    err_prefix(&err, "%s", big);
    CHECK_EQ(u, strlen(err.text), sizeof(err.text) - 1);
    CHECK_EQ(u, err_set(NULL, -EPERM, "nobody reads this"), -EPERM);
    err_prefix(NULL, "nor this");
}

static void monotonic_clock_does_not_go_back(struct unit *u)
{
    int64_t last = clock_now_ns();

    for (int i = 0; i < 100000; i++) {
        int64_t now = clock_now_ns();

        CHECK(u, now >= last);
        last = now;
    }
    CHECK(u, clock_realtime_ns() > INT64_C(1500000000) * 1000000000);
}

static void host_features_are_stable_and_closed(struct unit *u)
{
    uint32_t mask = host_features();

    CHECK_EQ(u, host_features(), mask);
    CHECK(u, !(mask & HOST_AVX2) || (mask & HOST_AVX));
    CHECK(u, !(mask & HOST_AVX512VL) || (mask & HOST_AVX512F));
}

static void minus_clears_a_feature_and_what_builds_on_it(struct unit *u)
{
    uint32_t all = (1u << HOST_FEATURE_COUNT) - 1;
    uint32_t mask = all;

    CHECK_EQ(u, host_features_parse("-bmi2", &mask, NULL), 0);
    CHECK_EQ(u, mask, all & ~HOST_BMI2);
    CHECK_EQ(u, host_features_parse("-avx", &mask, NULL), 0);
    CHECK_EQ(u, mask & (HOST_AVX | HOST_AVX2 | HOST_FMA | HOST_F16C | HOST_AVX512F | HOST_AVX512BW), 0);
    CHECK(u, mask & HOST_POPCNT);
}

static void plus_sets_only_what_the_processor_has(struct unit *u)
{
    uint32_t mask = host_features();

    CHECK_EQ(u, host_features_parse("none,+popcnt,bmi2", &mask, NULL), 0);
    CHECK_EQ(u, mask, host_features() & (HOST_POPCNT | HOST_BMI2));
    CHECK_EQ(u, host_features_parse("-popcnt,all", &mask, NULL), 0);
    CHECK_EQ(u, mask, host_features());
    CHECK_EQ(u, host_features_parse("none", &mask, NULL), 0);
    CHECK_EQ(u, mask, 0);
}

static void bad_feature_lists_are_refused_and_change_nothing(struct unit *u)
{
    static const char *const bad[] = {
        "", ",", "-", "-bmi2,", "bmi", "-bmi22", "--bmi2", "-none", "-bmi2,-frobnicate",
    };
    struct err err;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint32_t mask = 0x5a;

        CHECK_EQ(u, host_features_parse(bad[i], &mask, &err), -EINVAL);
        CHECK_EQ(u, mask, 0x5a);
    }
    CHECK(u, strstr(err.text, "frobnicate"));
}

static void features_print_as_names(struct unit *u)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    host_features_print(out, HOST_BMI2 | HOST_AVX);
    fclose(out);
    CHECK(u, strcmp(text, "bmi2 avx") == 0);
    free(text);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(bit_fields_at_the_ends_of_a_word),
        UNIT(register_fields_by_mask),
        UNIT(alignment_and_powers_of_two),
        UNIT(error_texts_are_cut_never_overrun),
        UNIT(monotonic_clock_does_not_go_back),
        UNIT(host_features_are_stable_and_closed),
        UNIT(minus_clears_a_feature_and_what_builds_on_it),
        UNIT(plus_sets_only_what_the_processor_has),
        UNIT(bad_feature_lists_are_refused_and_change_nothing),
        UNIT(features_print_as_names),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
