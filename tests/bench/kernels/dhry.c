/* SPDX-License-Identifier: MIT */
/*
 * Integer work of the kind that Dhrystone measures: records assigned and linked, strings compared and copied, small
 * procedures, a switch over an enumeration, array indexing. One round is one trip through all of them.
 */
#include "../bench.h"

enum kind { RED, GREEN, BLUE, BLACK, WHITE };

struct record {
    struct record *next;
    enum kind kind;
    int number;
    int other;
    char name[32];
};

const uint64_t bench_rounds = 200000;

static struct record first, second_record;
static int table[64], grid[16][16];
static volatile int noise = 3;

static NOINLINE int compare(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static NOINLINE void copy(char *to, const char *from)
{
    while ((*to++ = *from++)) {}
}

static NOINLINE enum kind turn(enum kind kind, int by)
{
    switch (kind) {
    case RED:
        return by > 100 ? WHITE : GREEN;
    case GREEN:
        return BLUE;
    case BLUE:
        return by & 1 ? BLACK : WHITE;
    case BLACK:
        return WHITE;
    default:
        return RED;
    }
}

static NOINLINE void assign(struct record *to, const struct record *from)
{
    struct record *next = to->next;

    *to = *from;
    to->next = next;
    to->number += 5;
    to->kind = turn(from->kind, from->number);
}

static NOINLINE int add_up(int a, int b, int *out)
{
    int sum = a + b + 2;

    *out = sum;
    table[sum & 63] = a;
    table[(sum + 1) & 63] = table[sum & 63];
    for (int i = 0; i < 2; i++) {
        grid[a & 15][(b + i) & 15] = sum;
    }
    grid[(a + 1) & 15][b & 15] += 1;
    return sum;
}

static NOINLINE int same_first(char a, char b)
{
    return a == b ? 1 : 0;
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 0;

    first.next = &second_record;
    first.kind = RED;
    first.number = 40;
    second_record.next = &first;
    copy(first.name, "a string of some length, no. 1");
    copy(second_record.name, "a string of some length, no. 2");
    for (int i = 0; i < 64; i++) {
        table[i] = 0;
    }
    for (int i = 0; i < 256; i++) {
        grid[i / 16][i % 16] = 0;
    }
    for (uint64_t i = 0; i < rounds; i++) {
        char name[32];
        int a = 2, b = noise, c = 0;

        copy(name, "a string of some length, no. 2");
        if (compare(name, first.name) > 0) {
            c = add_up(a, b, &a);
        }
        while (a < b + 5) {
            c = 5 * a - b;
            add_up(a, (int)i, &c);
            a++;
        }
        assign(first.next, &first);
        first.kind = turn(second_record.kind, c);
        for (char letter = 'a'; letter <= 'c'; letter++) {
            c += same_first(letter, name[0]);
        }
        b = b * a;
        c = c / noise;
        sum += (uint64_t)(7 * (b - c) - a) + (uint64_t)first.kind + (uint64_t)table[i & 63];
    }
    return sum + (uint64_t)grid[3][4];
}
