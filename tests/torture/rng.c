/* SPDX-License-Identifier: MIT
 *
 * Random numbers for the generator: splitmix64, reproducible on every host.
 */
#include "tests/torture/torture.h"

uint64_t rng_next(struct rng *r)
{
    uint64_t z = (r->s += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

bool rng_one_in(struct rng *r, uint32_t n)
{
    return rng_below(r, n) == 0;
}

uint64_t rng_mix(uint64_t a, uint64_t b)
{
    struct rng r = {a * 0xd1342543de82ef95ull + b};
    rng_next(&r);
    return rng_next(&r);
}
