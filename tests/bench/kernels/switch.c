/* SPDX-License-Identifier: MIT */
/* A bytecode interpreter with a switch, which sums primes by trial division. One round is one run of its program. */
#include "../bench.h"

enum op { SET, MOVE, ADD, MOD, INC, JZ, JLT, JMP, END };

struct code {
    uint8_t op, a, b, to;
};

const uint64_t bench_rounds = 30;

/* r0 candidate, r1 divisor, r2 remainder, r3 sum, r4 limit */
static const struct code program[] = {
    /* 0 */ {SET, 0, 2, 0},
    /* 1 */ {SET, 3, 0, 0},
    /* 2 */ {SET, 1, 2, 0},
    /* 3 */ {JLT, 1, 0, 5},
    /* 4 */ {JMP, 0, 0, 10},
    /* 5 */ {MOVE, 2, 0, 0},
    /* 6 */ {MOD, 2, 1, 0},
    /* 7 */ {JZ, 2, 0, 11},
    /* 8 */ {INC, 1, 0, 0},
    /* 9 */ {JMP, 0, 0, 3},
    /* 10 */ {ADD, 3, 0, 0},
    /* 11 */ {INC, 0, 0, 0},
    /* 12 */ {JLT, 0, 4, 2},
    /* 13 */ {END, 0, 0, 0},
};

static NOINLINE uint64_t interpret(const struct code *code, uint64_t limit)
{
    uint64_t r[8] = {0}, steps = 0;

    r[4] = limit;
    for (const struct code *pc = code;;) {
        const struct code *at = pc++;

        steps++;
        switch (at->op) {
        case SET:
            r[at->a] = at->b;
            break;
        case MOVE:
            r[at->a] = r[at->b];
            break;
        case ADD:
            r[at->a] += r[at->b];
            break;
        case MOD:
            r[at->a] %= r[at->b];
            break;
        case INC:
            r[at->a]++;
            break;
        case JZ:
            if (r[at->a] == 0) {
                pc = code + at->to;
            }
            break;
        case JLT:
            if (r[at->a] < r[at->b]) {
                pc = code + at->to;
            }
            break;
        case JMP:
            pc = code + at->to;
            break;
        default:
            return r[3] + steps;
        }
    }
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        sum += interpret(program, 300 + (i & 15));
    }
    return sum;
}
