/* SPDX-License-Identifier: MIT
 *
 * The table of kinds.
 */
#include "tests/torture/kinds.h"

const struct kind kinds[] = {
#define KIND(name, weight, what) {#name, weight, gen_##name, what},
#include "tests/torture/kinds.def"
#undef KIND
};
const unsigned num_kinds = sizeof(kinds) / sizeof(kinds[0]);
