/* SPDX-License-Identifier: MIT */
/*
 * A register machine in the manner of Lua's: 32-bit instructions with three operands, values that carry their type, tables
 * with an array part, calls of closures on a stack of registers, dispatch through a table of labels. Its program sieves
 * primes, then computes Fibonacci numbers by recursion. One round is one run of it.
 */
#include "../bench.h"

enum type { NIL, NUMBER, TABLE, FUNCTION };
enum op {
    MOVE,
    LOADK,
    ADD,
    SUB,
    ADDK,
    LT,
    LE,
    EQK,
    JMP,
    GETTABLE,
    SETTABLE,
    GETGLOBAL,
    CALL,
    RETURN,
    OPS
};

struct value {
    uint64_t type;
    union {
        int64_t number;
        struct table *table;
        const uint32_t *code;
    } as;
};

struct table {
    struct value *array;
    int64_t size;
};

struct frame {
    const uint32_t *pc;
    struct value *base;
};

#define SIEVE     512
#define REGISTERS 4096
#define I(o, a, b, c) \
    ((uint32_t)(o) | (uint32_t)(a) << 8 | (uint32_t)(b) << 16 | (uint32_t)(uint8_t)(c) << 24)
#define A(i) ((i) >> 8 & 255)
#define B(i) ((i) >> 16 & 255)
#define C(i) ((i) >> 24)

const uint64_t bench_rounds = 60;

static struct value registers[REGISTERS], globals[4], cells[SIEVE + 1];
static struct frame frames[256];
static struct table sieve;
static const struct value constants[] = {
    {NUMBER, {0}}, {NUMBER, {1}}, {NUMBER, {2}}, {NUMBER, {SIEVE}}, {NUMBER, {14}}};

/* function fib(n): n in r0 */
static const uint32_t fib_code[] = {
    I(LOADK, 1, 2, 0), /* r1 = 2 */
    I(LT, 0, 1, 1),    /* if r0 < r1 go on, otherwise skip */
    I(RETURN, 0, 0, 0),    I(GETGLOBAL, 2, 0, 0), I(ADDK, 3, 0, -1),
    I(CALL, 2, 3, 0), /* r2 = r2(r3) */
    I(GETGLOBAL, 4, 0, 0), I(ADDK, 5, 0, -2),     I(CALL, 4, 5, 0),
    I(ADD, 2, 2, 4),       I(RETURN, 2, 0, 0),
};

/* main: r0 table, r1 i, r2 limit, r3 count, r4 j, r5 value */
static const uint32_t main_code[] = {
    /* 0 */ I(GETGLOBAL, 0, 1, 0),
    /* 1 */ I(LOADK, 1, 2, 0),
    /* 2 */ I(LOADK, 2, 3, 0),
    /* 3 */ I(LOADK, 3, 0, 0),
    /* 4 */ I(LE, 1, 2, 0), /* while i <= limit */
    /* 5 */ I(JMP, 0, 0, 14),
    /* 6 */ I(GETTABLE, 5, 0, 1),
    /* 7 */ I(EQK, 5, 0, 0), /* not struck out */
    /* 8 */ I(JMP, 0, 0, 9),
    /* 9 */ I(ADDK, 3, 3, 1),
    /* 10 */ I(ADD, 4, 1, 1),
    /* 11 */ I(LE, 4, 2, 0), /* while j <= limit */
    /* 12 */ I(JMP, 0, 0, 5),
    /* 13 */ I(LOADK, 6, 1, 0),
    /* 14 */ I(SETTABLE, 0, 4, 6),
    /* 15 */ I(ADD, 4, 4, 1),
    /* 16 */ I(JMP, 0, 0, -6),
    /* 17 */ I(MOVE, 7, 3, 0),
    /* 18 */ I(ADDK, 1, 1, 1),
    /* 19 */ I(JMP, 0, 0, -16),
    /* 20 */ I(GETGLOBAL, 8, 0, 0),
    /* 21 */ I(LOADK, 9, 4, 0),
    /* 22 */ I(CALL, 8, 9, 0),
    /* 23 */ I(ADD, 3, 3, 8),
    /* 24 */ I(RETURN, 3, 0, 0),
};

/* Values that are no numbers stop the program: its answer is then 0. */
static NOINLINE int64_t run(const uint32_t *code)
{
    static const void *const labels[OPS] = {&&do_move, &&do_loadk,    &&do_add,      &&do_sub,
                                            &&do_addk, &&do_lt,       &&do_le,       &&do_eqk,
                                            &&do_jmp,  &&do_gettable, &&do_settable, &&do_getglobal,
                                            &&do_call, &&do_return};
    struct value *base = registers;
    struct frame *frame = frames;
    const uint32_t *pc = code;
    uint32_t i;

#define NEXT                        \
    i = *pc++;                      \
    __asm__ volatile("" : "+r"(i)); \
    goto *labels[i & 255]
#define NEED(value, kind)          \
    if ((value)->type != (kind)) { \
        return 0;                  \
    }
#define R(n) (&base[n])

    NEXT;
do_move:
    *R(A(i)) = *R(B(i));
    NEXT;
do_loadk:
    *R(A(i)) = constants[B(i)];
    NEXT;
do_add:
    NEED(R(B(i)), NUMBER)
    NEED(R(C(i)), NUMBER)
    R(A(i))->as.number = R(B(i))->as.number + R(C(i))->as.number;
    R(A(i))->type = NUMBER;
    NEXT;
do_sub:
    NEED(R(B(i)), NUMBER)
    NEED(R(C(i)), NUMBER)
    R(A(i))->as.number = R(B(i))->as.number - R(C(i))->as.number;
    R(A(i))->type = NUMBER;
    NEXT;
do_addk:
    NEED(R(B(i)), NUMBER)
    R(A(i))->as.number = R(B(i))->as.number + (int8_t)C(i);
    R(A(i))->type = NUMBER;
    NEXT;
do_lt:
    NEED(R(A(i)), NUMBER)
    NEED(R(B(i)), NUMBER)
    pc += R(A(i))->as.number < R(B(i))->as.number ? 0 : 1;
    NEXT;
do_le:
    NEED(R(A(i)), NUMBER)
    NEED(R(B(i)), NUMBER)
    pc += R(A(i))->as.number <= R(B(i))->as.number ? 1 : 0;
    NEXT;
do_eqk:
    NEED(R(A(i)), NUMBER)
    pc += R(A(i))->as.number == constants[B(i)].as.number ? 1 : 0;
    NEXT;
do_jmp:
    pc += (int8_t)C(i);
    NEXT;
do_gettable : {
    const struct table *table = R(B(i))->as.table;
    int64_t at = R(C(i))->as.number;

    NEED(R(B(i)), TABLE)
    NEED(R(C(i)), NUMBER)
    *R(A(i)) = at >= 0 && at < table->size ? table->array[at] : (struct value){NIL, {0}};
    NEXT;
}
do_settable : {
    const struct table *table = R(A(i))->as.table;
    int64_t at = R(B(i))->as.number;

    NEED(R(A(i)), TABLE)
    NEED(R(B(i)), NUMBER)
    if (at >= 0 && at < table->size) {
        table->array[at] = *R(C(i));
    }
    NEXT;
}
do_getglobal:
    *R(A(i)) = globals[B(i)];
    NEXT;
do_call:
    NEED(R(A(i)), FUNCTION)
    if (frame == &frames[255] || base > &registers[REGISTERS - 512]) {
        return 0;
    }
    frame->pc = pc;
    frame->base = base;
    frame++;
    pc = R(A(i))->as.code;
    base = R(B(i));
    NEXT;
do_return : {
    struct value result = *R(A(i));

    if (frame == frames) {
        return result.as.number;
    }
    frame--;
    pc = frame->pc;
    base = frame->base;
    *R(A(pc[-1])) = result;
    NEXT;
}
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t sum = 0;

    sieve.array = cells;
    sieve.size = SIEVE + 1;
    globals[0].type = FUNCTION;
    globals[0].as.code = fib_code;
    globals[1].type = TABLE;
    globals[1].as.table = &sieve;
    for (uint64_t i = 0; i < rounds; i++) {
        for (int k = 0; k <= SIEVE; k++) {
            cells[k].type = NUMBER;
            cells[k].as.number = 0;
        }
        sum = sum * 3 + (uint64_t)run(main_code);
    }
    return sum;
}
