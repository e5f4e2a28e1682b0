/* SPDX-License-Identifier: MIT */
/* String work by bytes: splits a text into words, folds case, counts, compares and searches. One round is one text. */
#include "../bench.h"

const uint64_t bench_rounds = 3000;

static const char text[] =
    "The hart fetches, decodes and runs one Instruction after another; what it stores, other "
    "harts may load. A trap takes it to a handler, which saves registers, finds the cause, "
    "does what is to be done, and returns. Pages are walked by the hart itself: three levels "
    "for the common map, five for the largest. A fence orders what is on either side of it, "
    "and nothing else does, except for what the programmer can see through data.";

static char words[128][24];

static NOINLINE size_t length(const char *s)
{
    const char *at = s;

    while (*at) {
        at++;
    }
    return (size_t)(at - s);
}

static NOINLINE int compare(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static NOINLINE const char *search(const char *in, const char *what)
{
    for (; *in; in++) {
        size_t i = 0;

        while (what[i] && in[i] == what[i]) {
            i++;
        }
        if (!what[i]) {
            return in;
        }
    }
    return NULL;
}

static NOINLINE int split(const char *in)
{
    int count = 0, at = 0;

    for (; *in; in++) {
        char c = *in;

        if (c >= 'A' && c <= 'Z') {
            c = (char)(c + 'a' - 'A');
        }
        if (c >= 'a' && c <= 'z') {
            words[count][at++] = c;
        } else if (at) {
            words[count++][at] = 0;
            at = 0;
        }
    }
    return count;
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        int count = split(text + (i & 15));

        for (int w = 1; w < count; w++) {
            sum += length(words[w]);
            sum += compare(words[w - 1], words[w]) < 0;
        }
        sum += (uint64_t)(search(text, "programmer") - text);
    }
    return sum;
}
