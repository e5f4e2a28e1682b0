/* SPDX-License-Identifier: MIT */
/* Memory copy: 1 MiB to and fro in 8-byte words, eight at a time. One round is one copy. */
#include "../bench.h"

#define WORDS (1024 * 1024 / 8)

const uint64_t bench_rounds = 100;

static uint64_t here[WORDS], there[WORDS];

static NOINLINE void copy(uint64_t *to, const uint64_t *from, size_t words)
{
    for (size_t i = 0; i < words; i += 8) {
        uint64_t a = from[i], b = from[i + 1], c = from[i + 2], d = from[i + 3];
        uint64_t e = from[i + 4], f = from[i + 5], g = from[i + 6], h = from[i + 7];

        to[i] = a;
        to[i + 1] = b;
        to[i + 2] = c;
        to[i + 3] = d;
        to[i + 4] = e;
        to[i + 5] = f;
        to[i + 6] = g;
        to[i + 7] = h;
    }
}

uint64_t bench_run(uint64_t rounds)
{
    for (size_t i = 0; i < WORDS; i++) {
        here[i] = i;
    }
    for (uint64_t i = 0; i < rounds; i++) {
        copy(i & 1 ? here : there, i & 1 ? there : here, WORDS);
        here[i % WORDS] += i;
    }
    return here[1] + there[rounds / 2] + here[WORDS - 1];
}
