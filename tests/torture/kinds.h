/* SPDX-License-Identifier: MIT
 *
 * The generators of all kinds (see kinds.def), and the parts that kinds borrow from each other.
 */
#ifndef TESTS_TORTURE_KINDS_H
#define TESTS_TORTURE_KINDS_H

#include "tests/torture/torture.h"

#define KIND(name, weight, what) void gen_##name(struct gen *g);
#include "tests/torture/kinds.def"
#undef KIND

/* n pieces of random control flow. */
void emit_flow(struct gen *g, unsigned n);

#endif
