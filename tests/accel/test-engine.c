/* SPDX-License-Identifier: MIT */
/*
 * The engine with a toy CPU, on both backends: chaining, fence.i, recycling of code memory,
 * pausing, several vCPUs.
 */
#include "tests/accel/toy.h"

/* ThreadSanitizer sees only through the interpreter: those come first. */
static const char *const backends[] = {"backend=interp", "backend=interp,thread=single",
                                       "backend=x86_64", "backend=x86_64,thread=single",
                                       "chain=off",      "pin=off"};
#define NBACKENDS    (BUILD_TSAN ? 2u : (unsigned)ARRAY_SIZE(backends))
#define BEST_BACKEND (BUILD_TSAN ? "backend=interp" : "backend=x86_64")

#define LOOP_AT      TOY_RAM
#define FAR_AT       (TOY_RAM + 0x5000)

/* x1 += step, x2 times. */
static void put_loop(struct toy_machine *tm, uint64_t va, int step)
{
    toy_code(tm, va, TOY_INSN(TOY_ADDI, step));
    toy_code(tm, va + 4, TOY_INSN(TOY_LOOP, -1));
    toy_code(tm, va + 8, TOY_INSN(TOY_DONE, 0));
}

static void a_loop_computes_the_same_on_every_backend(struct unit *u)
{
    for (unsigned b = 0; b < NBACKENDS; b++) {
        struct toy_machine tm;

        toy_machine_init(&tm, 1, backends[b]);
        put_loop(&tm, LOOP_AT, 3);
        toy_go(&tm, 0, LOOP_AT, 10000);
        toy_wait(&tm, 0);
        CHECK_EQ(u, tm.hart[0]->x[1], 30000);
        toy_machine_fini(&tm);
    }
}

static void a_loop_over_two_tbs_stays_in_generated_code(struct unit *u)
{
    struct toy_machine tm;

    toy_machine_init(&tm, 1, BEST_BACKEND);
    toy_code(&tm, LOOP_AT, TOY_INSN(TOY_ADDI, 1));
    toy_code(&tm, LOOP_AT + 4, TOY_INSN(TOY_JMP, 4));
    toy_code(&tm, LOOP_AT + 20, TOY_INSN(TOY_LOOP, -5));
    toy_code(&tm, LOOP_AT + 24, TOY_INSN(TOY_DONE, 0));
    toy_go(&tm, 0, LOOP_AT, 100000);
    toy_wait(&tm, 0);
    CHECK_EQ(u, tm.hart[0]->x[1], 100000);
    accel_pause(tm.accel);
    CHECK(u, tm.hart[0]->cpu.engine->nexits < 1000);
    accel_resume(tm.accel);
    toy_machine_fini(&tm);
}

static void changed_code_runs_after_fence_i(struct unit *u)
{
    for (unsigned b = 0; b < NBACKENDS; b++) {
        struct toy_machine tm;

        toy_machine_init(&tm, 1, backends[b]);
        toy_code(&tm, FAR_AT, TOY_INSN(TOY_FENCEI, 0));
        toy_code(&tm, FAR_AT + 4, TOY_INSN(TOY_JMP, -(int)(FAR_AT + 4 - LOOP_AT) / 4));
        for (int step = 1; step < 20; step++) {
            put_loop(&tm, LOOP_AT, step);
            toy_go(&tm, 0, FAR_AT, 100);
            toy_wait(&tm, 0);
            CHECK_EQ(u, tm.hart[0]->x[1], 100 * step);
        }
        toy_machine_fini(&tm);
    }
}

/* COUNT blocks of ADDI 1; JMP next; then DONE. */
static void put_blocks(struct toy_machine *tm, uint64_t va, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        toy_code(tm, va + 8 * i, TOY_INSN(TOY_ADDI, 1));
        toy_code(tm, va + 8 * i + 4, TOY_INSN(TOY_JMP, 1));
    }
    toy_code(tm, va + 8 * count, TOY_INSN(TOY_DONE, 0));
}

#define BLOCKS 100000

static void full_code_memory_is_recycled(struct unit *u)
{
    struct toy_machine tm;

    toy_machine_init(&tm, 1, BUILD_TSAN ? "tb-size=4,backend=interp" : "tb-size=4");
    put_blocks(&tm, TOY_RAM, BLOCKS);
    for (unsigned round = 0; round < 3; round++) {
        toy_go(&tm, 0, TOY_RAM, 1);
        toy_wait(&tm, 0);
        CHECK_EQ(u, tm.hart[0]->x[1], BLOCKS);
    }
    CHECK(u, load_relaxed(&tm.accel->drops) > 0);
    toy_machine_fini(&tm);
}

static void harts_translate_and_recycle_together(struct unit *u)
{
    for (unsigned b = 0; b < NBACKENDS; b++) {
        struct toy_machine tm;
        char accel[64];

        snprintf(accel, sizeof(accel), "%s,tb-size=4", backends[b]);
        toy_machine_init(&tm, 4, accel);
        put_blocks(&tm, TOY_RAM, BLOCKS / 4);
        for (unsigned i = 0; i < 4; i++) {
            toy_go(&tm, i, TOY_RAM + 8 * i, 1);
        }
        for (unsigned i = 0; i < 4; i++) {
            toy_wait(&tm, i);
            CHECK_EQ(u, tm.hart[i]->x[1], BLOCKS / 4 - i);
        }
        toy_machine_fini(&tm);
    }
}

/*
 * Hart 1 loops over code whose step hart 0's side changes; after its own fence.i it must run the
 * newest.
 */
static void fence_i_on_one_hart_while_another_runs_the_code(struct unit *u)
{
    for (unsigned b = 0; b < NBACKENDS; b++) {
        struct toy_machine tm;

        toy_machine_init(&tm, 2, backends[b]);
        toy_code(&tm, FAR_AT, TOY_INSN(TOY_FENCEI, 0));
        toy_code(&tm, FAR_AT + 4, TOY_INSN(TOY_JMP, -(int)(FAR_AT + 4 - LOOP_AT) / 4));
        put_loop(&tm, LOOP_AT, 0);
        toy_go(&tm, 1, LOOP_AT, 3000000);
        for (int step = 1; step < 50; step++) {
            toy_code(&tm, LOOP_AT, TOY_INSN(TOY_ADDI, step));
            toy_go(&tm, 0, FAR_AT, 10);
            toy_wait(&tm, 0);
            CHECK_EQ(u, tm.hart[0]->x[1], 10 * step);
        }
        toy_wait(&tm, 1);
        toy_machine_fini(&tm);
    }
}

static void a_paused_machine_stands_still(struct unit *u)
{
    struct toy_machine tm;
    uint64_t before;

    toy_machine_init(&tm, 2, BEST_BACKEND);
    put_loop(&tm, LOOP_AT, 1);
    toy_go(&tm, 0, LOOP_AT, 50000000);
    toy_go(&tm, 1, LOOP_AT, 50000000);
    accel_pause(tm.accel);
    before = tm.hart[0]->x[2] + tm.hart[1]->x[2];
    for (unsigned i = 0; i < 1000; i++) {
        sched_yield();
    }
    CHECK_EQ(u, tm.hart[0]->x[2] + tm.hart[1]->x[2], before);
    accel_resume(tm.accel);
    toy_machine_fini(&tm);
}

static void bad_accelerator_properties_are_refused_by_name(struct unit *u)
{
    static const char *const bad[] = {"thread=some", "nosuch=on",    "chain",      "tb-size=0",
                                      "tb-size=9x",  "host=-nosuch", "backend=arm"};

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct accel_options o = {0};
        struct err err = {""};
        char key[16];

        snprintf(key, sizeof(key), "%.*s", (int)strcspn(bad[i], "="), bad[i]);
        CHECK(u, accel_options_parse(&o, bad[i], &err) < 0);
        CHECK(u, err.text[0] && (strstr(err.text, key) || strstr(err.text, "nosuch")));
    }
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(a_loop_computes_the_same_on_every_backend),
        UNIT(a_loop_over_two_tbs_stays_in_generated_code),
        UNIT(changed_code_runs_after_fence_i),
        UNIT(full_code_memory_is_recycled),
        UNIT(harts_translate_and_recycle_together),
        UNIT(fence_i_on_one_hart_while_another_runs_the_code),
        UNIT(a_paused_machine_stands_still),
        UNIT(bad_accelerator_properties_are_refused_by_name),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
