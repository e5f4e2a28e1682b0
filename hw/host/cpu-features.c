/* SPDX-License-Identifier: MIT */
/*
 * Host features by CPUID and XGETBV. Features build on others (AVX2 without AVX makes no sense to a code generator), so a
 * mask is always closed: what lacks its base is dropped, both after detection and after the user's list.
 */
#include "hw/host/cpu-features.h"
#include "hw/host/bits.h"
#include <errno.h>

enum cpuid_register { REG_EAX, REG_EBX, REG_ECX, REG_EDX };

static const struct feature_row {
    const char *name;
    uint32_t leaf;
    enum cpuid_register reg;
    unsigned bit;
    uint32_t xcr0;
} feature_rows[HOST_FEATURE_COUNT] = {
#define HOST_FEATURE(id, name, leaf, reg, bit, xcr0) {name, leaf, REG_##reg, bit, xcr0},
#include "configs/host-features.def"
#undef HOST_FEATURE
};

_Static_assert(HOST_FEATURE_COUNT < 31, "host features are bits of an int");

/* `feature` is dropped when not all of `base` is there. Bases come before what builds on them. */
static const struct {
    uint32_t feature;
    uint32_t base;
} feature_bases[] = {
    {HOST_AVX, HOST_SSE4_2},
    {HOST_F16C, HOST_AVX},
    {HOST_FMA, HOST_AVX},
    {HOST_AVX2, HOST_AVX},
    {HOST_VAES, HOST_AVX},
    {HOST_VPCLMUL, HOST_AVX | HOST_PCLMUL},
    {HOST_AVX512F, HOST_AVX2 | HOST_FMA},
    {HOST_AVX512VL, HOST_AVX512F},
    {HOST_AVX512DQ, HOST_AVX512F},
    {HOST_AVX512BW, HOST_AVX512F},
    {HOST_AVX512VBMI, HOST_AVX512BW},
};

static uint32_t close_mask(uint32_t mask)
{
    for (size_t i = 0; i < ARRAY_SIZE(feature_bases); i++) {
        if ((mask & feature_bases[i].base) != feature_bases[i].base) {
            mask &= ~feature_bases[i].feature;
        }
    }
    return mask;
}

#if defined(__x86_64__)
#include <cpuid.h>

/* XCR0, or 0 when the system does not use XSAVE. */
static uint32_t read_xcr0(void)
{
    uint32_t regs[4] = {0};
    uint32_t lo, hi;

    if (!__get_cpuid(1, &regs[0], &regs[1], &regs[2], &regs[3]) || !(regs[REG_ECX] & BIT(27))) {
        return 0;
    }
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return lo;
}

static bool row_present(const struct feature_row *row, uint32_t xcr0)
{
    uint32_t regs[4] = {0};

    if (!__get_cpuid_count(row->leaf, 0, &regs[0], &regs[1], &regs[2], &regs[3])) {
        return false;
    }
    return (regs[row->reg] & BIT(row->bit)) && (xcr0 & row->xcr0) == row->xcr0;
}
#else
static uint32_t read_xcr0(void)
{
    return 0;
}

static bool row_present(const struct feature_row *row UNUSED, uint32_t xcr0 UNUSED)
{
    return false;
}
#endif

uint32_t host_features(void)
{
    uint32_t xcr0 = read_xcr0();
    uint32_t mask = 0;

    for (size_t i = 0; i < HOST_FEATURE_COUNT; i++) {
        if (row_present(&feature_rows[i], xcr0)) {
            mask |= UINT32_C(1) << i;
        }
    }
    return close_mask(mask);
}

/* The bits that the LEN characters at NAME stand for; 0 when nothing is called so. */
static uint32_t feature_of(const char *name, size_t len)
{
    for (size_t i = 0; i < HOST_FEATURE_COUNT; i++) {
        if (strlen(feature_rows[i].name) == len && strncmp(feature_rows[i].name, name, len) == 0) {
            return UINT32_C(1) << i;
        }
    }
    return 0;
}

/* Applies one item of the list to *MASK. False when it means nothing. */
static bool apply_item(const char *item, size_t len, uint32_t present, uint32_t *mask)
{
    bool sign = len > 0 && (*item == '-' || *item == '+');
    uint32_t bit = feature_of(item + sign, len - sign);

    if (len == 4 && strncmp(item, "none", 4) == 0) {
        *mask = 0;
    } else if (len == 3 && strncmp(item, "all", 3) == 0) {
        *mask = present;
    } else if (bit == 0) {
        return false;
    } else if (*item == '-') {
        *mask &= ~bit;
    } else {
        *mask |= bit & present;
    }
    return true;
}

int host_features_parse(const char *list, uint32_t *mask, struct err *err)
{
    uint32_t present = host_features();
    uint32_t result = *mask;

    for (const char *p = list;;) {
        size_t len = strcspn(p, ",");

        if (!apply_item(p, len, present, &result)) {
            return err_set(err, -EINVAL, "unknown host feature '%.*s'", (int)MIN(len, 64u), p);
        }
        if (p[len] == '\0') {
            break;
        }
        p += len + 1;
    }
    *mask = close_mask(result);
    return 0;
}

void host_features_print(FILE *out, uint32_t mask)
{
    const char *separator = "";

    for (size_t i = 0; i < HOST_FEATURE_COUNT; i++) {
        if (mask & (UINT32_C(1) << i)) {
            fprintf(out, "%s%s", separator, feature_rows[i].name);
            separator = " ";
        }
    }
}
