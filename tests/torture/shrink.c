/* SPDX-License-Identifier: MIT
 *
 * Shrinking: deletes groups of instructions in ever smaller chunks, then zeroes initial registers, fill and
 * pads, as long as two emulators still differ on the program when it runs alone.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/torture/runner.h"

struct shrinker {
    const struct options *o;
    struct program *p;
    int a, b;
    unsigned runs;
};

static bool still_differs(struct shrinker *s)
{
    struct output a, b;
    run_programs(s->o, &s->o->emulators[s->a], &s->p, 1, BATCH_LINES, 5, &a);
    run_programs(s->o, &s->o->emulators[s->b], &s->p, 1, BATCH_LINES, 5, &b);
    s->runs++;
    bool differs = !output_same(&a, &b);
    free(a.text);
    free(b.text);
    return differs;
}

static unsigned mark_groups(struct program *p, const uint16_t *groups, unsigned n, bool dead)
{
    unsigned marked = 0;
    for (int i = 0; i < p->nitems; i++) {
        for (unsigned j = 0; j < n; j++) {
            if (p->items[i].group == groups[j]) {
                p->items[i].dead = dead;
                marked++;
            }
        }
    }
    return marked;
}

static unsigned live_groups(const struct program *p, uint16_t *groups)
{
    unsigned n = 0;
    for (int i = 0; i < p->nitems; i++) {
        uint16_t group = p->items[i].group;
        if (group && !p->items[i].dead && (n == 0 || groups[n - 1] != group)) {
            groups[n++] = group;
        }
    }
    return n;
}

static void delete_groups(struct shrinker *s)
{
    uint16_t groups[MAX_ITEMS];
    unsigned n = live_groups(s->p, groups);
    for (unsigned chunk = n; chunk >= 1; chunk = chunk > 1 ? (chunk + 1) / 2 : 0) {
        for (unsigned at = 0; at < n;) {
            unsigned len = at + chunk > n ? n - at : chunk;
            mark_groups(s->p, groups + at, len, true);
            if (still_differs(s)) {
                memmove(groups + at, groups + at + len, (n - at - len) * sizeof(groups[0]));
                n -= len;
            } else {
                mark_groups(s->p, groups + at, len, false);
                at += len;
            }
        }
    }
}

/* Tries the program with n words set to a value; puts them back if that hides the difference. */
static bool try_words(struct shrinker *s, uint64_t *words, unsigned n, uint64_t value)
{
    uint64_t saved[32];
    bool changes = false;
    memcpy(saved, words, n * sizeof(*words));
    for (unsigned i = 0; i < n; i++) {
        changes |= words[i] != value;
        words[i] = value;
    }
    if (changes && !still_differs(s)) {
        memcpy(words, saved, n * sizeof(*words));
        return false;
    }
    return true;
}

static void zero_words(struct shrinker *s, uint64_t *words, unsigned n)
{
    if (try_words(s, words, n, 0) || n == 1) {
        return;
    }
    zero_words(s, words, n / 2);
    zero_words(s, words + n / 2, n - n / 2);
}

unsigned shrink_program(const struct options *o, struct program *p, int a, int b)
{
    struct shrinker s = {o, p, a, b, 0};
    if (!still_differs(&s)) {
        return 0;
    }
    delete_groups(&s);
    zero_words(&s, &p->hdr.fill_seed, 1);
    zero_words(&s, p->hdr.x, 32);
    zero_words(&s, p->hdr.f, 32);
    zero_words(&s, &p->hdr.fcsr, 1);
    delete_groups(&s);
    return s.runs;
}
