/* SPDX-License-Identifier: MIT */
/*
 * Integer work of the kind that CoreMark measures: a linked list searched, reversed and merge-sorted, a small integer
 * matrix multiplied, a state machine that scans numbers, and a CRC over everything. One round is one trip through all.
 */
#include "../bench.h"

#define ITEMS 96
#define SIDE  12

struct item {
    struct item *next;
    int16_t key, data;
};

const uint64_t bench_rounds = 600;

static struct item items[ITEMS];
static int16_t left[SIDE][SIDE], right[SIDE][SIDE];
static int32_t product[SIDE][SIDE];
static const char input[] =
    "5012,1234.500,-874,+122,0x7f,1.2e5,T0.3e-1F,-.123,11T2,99999,-110.700e+1,5,z";

static NOINLINE uint16_t crc16(uint16_t crc, uint16_t value)
{
    for (int i = 0; i < 16; i++) {
        unsigned bit = (crc ^ value) & 1;

        value >>= 1;
        crc >>= 1;
        if (bit) {
            crc ^= 0xa001;
        }
    }
    return crc;
}

static NOINLINE struct item *list_make(uint64_t seed)
{
    for (int i = 0; i < ITEMS; i++) {
        items[i].next = i + 1 < ITEMS ? &items[i + 1] : NULL;
        items[i].key = (int16_t)(bench_random(&seed) & 0x7fff);
        items[i].data = (int16_t)i;
    }
    return items;
}

static NOINLINE struct item *list_find(struct item *list, int16_t data)
{
    while (list && list->data != data) {
        list = list->next;
    }
    return list;
}

static NOINLINE struct item *list_reverse(struct item *list)
{
    struct item *out = NULL;

    while (list) {
        struct item *next = list->next;

        list->next = out;
        out = list;
        list = next;
    }
    return out;
}

typedef int compare_fn(const struct item *a, const struct item *b);

static int by_key(const struct item *a, const struct item *b)
{
    return a->key - b->key;
}

static int by_data(const struct item *a, const struct item *b)
{
    return a->data - b->data;
}

/* Merge sort from the bottom up. */
static NOINLINE struct item *list_sort(struct item *list, compare_fn *compare)
{
    for (int width = 1;; width *= 2) {
        struct item *rest = list, *head = NULL, **tail = &head;
        int merges = 0;

        while (rest) {
            struct item *a = rest, *b = rest;
            int na = 0, nb = width;

            merges++;
            while (b && na < width) {
                na++;
                b = b->next;
            }
            while (na > 0 || (nb > 0 && b)) {
                struct item *take;

                if (na > 0 && (nb == 0 || !b || compare(a, b) <= 0)) {
                    take = a;
                    a = a->next;
                    na--;
                } else {
                    take = b;
                    b = b->next;
                    nb--;
                }
                *tail = take;
                tail = &take->next;
            }
            rest = b;
        }
        *tail = NULL;
        list = head;
        if (merges <= 1) {
            return list;
        }
    }
}

static NOINLINE int32_t matrix_work(int16_t seed)
{
    int32_t sum = 0;

    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            left[i][j] = (int16_t)(seed + i * j);
            right[i][j] = (int16_t)(seed - i + 3 * j);
        }
    }
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int32_t cell = 0;

            for (int k = 0; k < SIDE; k++) {
                cell += (int32_t)left[i][k] * right[k][j];
            }
            product[i][j] = cell;
            sum += (cell >> 2) & 0x3f;
        }
    }
    return sum;
}

enum state { START, SIGN, WHOLE, POINT, EXPONENT, HEX, BAD, STATES };

static NOINLINE enum state next_state(enum state state, char c)
{
    int digit = c >= '0' && c <= '9';

    switch (state) {
    case START:
        return digit ? WHOLE : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : BAD;
    case SIGN:
        return digit ? WHOLE : c == '.' ? POINT : BAD;
    case WHOLE:
        return digit ? WHOLE : c == '.' ? POINT : c == 'e' ? EXPONENT : c == 'x' ? HEX : BAD;
    case POINT:
        return digit ? POINT : c == 'e' ? EXPONENT : BAD;
    case EXPONENT:
        return digit || c == '+' || c == '-' ? EXPONENT : BAD;
    case HEX:
        return digit || (c >= 'a' && c <= 'f') ? HEX : BAD;
    default:
        return BAD;
    }
}

static NOINLINE uint16_t scan(uint16_t crc)
{
    uint32_t counts[STATES] = {0};
    enum state state = START;

    for (const char *c = input; *c; c++) {
        if (*c == ',') {
            counts[state]++;
            state = START;
        } else {
            state = next_state(state, *c);
        }
    }
    for (int i = 0; i < STATES; i++) {
        crc = crc16(crc, (uint16_t)counts[i]);
    }
    return crc;
}

uint64_t bench_run(uint64_t rounds)
{
    uint16_t crc = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        struct item *list = list_make(i + 1);

        for (int16_t j = 0; j < 8; j++) {
            struct item *found = list_find(list, (int16_t)(j * 12));

            crc = crc16(crc, (uint16_t)(found ? found->key : 0));
            list = list_reverse(list);
        }
        list = list_sort(list, by_key);
        crc = crc16(crc, (uint16_t)list->data);
        list = list_sort(list, by_data);
        for (struct item *at = list; at; at = at->next) {
            crc = crc16(crc, (uint16_t)at->key);
        }
        crc = crc16(crc, (uint16_t)matrix_work((int16_t)i));
        crc = scan(crc);
    }
    return crc;
}
