/* SPDX-License-Identifier: MIT */
/*
 * What the host's processor can do, as a mask of HOST_* bits (rows of configs/host-features.def), and the list that switches
 * features off so that the fallbacks are tested. On hosts other than x86-64 the mask is 0.
 */
#ifndef HW_HOST_CPU_FEATURES_H
#define HW_HOST_CPU_FEATURES_H

#include "hw/host/err.h"
#include <stdio.h>

enum host_feature {
#define HOST_FEATURE(id, name, leaf, reg, bit, xcr0) HOST_##id##_BIT,
#include "configs/host-features.def"
#undef HOST_FEATURE
    HOST_FEATURE_COUNT,
};

enum {
#define HOST_FEATURE(id, name, leaf, reg, bit, xcr0) HOST_##id = 1 << HOST_##id##_BIT,
#include "configs/host-features.def"
#undef HOST_FEATURE
};

/* Asks the processor; the caller keeps the result. A feature whose registers the system does not save is absent. Any thread. */
uint32_t host_features(void);
/*
 * Applies "-bmi2,-avx2", "none,+popcnt", ... from left to right to *MASK: -NAME clears, +NAME or NAME sets (only what the
 * processor has), `none` and `all` clear and set everything. A feature takes those that need it along: -avx also clears
 * avx2, fma, f16c and avx512. -EINVAL with ERR that names the culprit; *MASK is then unchanged.
 */
int host_features_parse(const char *list, uint32_t *mask, struct err *err);
/* Writes the names of the features in MASK, separated by spaces, without a newline. */
void host_features_print(FILE *out, uint32_t mask);

#endif
