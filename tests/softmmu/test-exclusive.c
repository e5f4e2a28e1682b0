/* SPDX-License-Identifier: MIT */
/* LR/SC by exclusive pages. */
#include "hw/host/thread.h"
#include "tests/softmmu/fixture.h"

#include <unistd.h>

#define COUNTER (RAM_BASE + 0x40)

static uint64_t lr(struct test_hart *h, vaddr_t va)
{
    uint64_t v = 0;

    return mmu_load_reserved(&h->mmu, va, 3, REGIME_S, &v) ? v : 0xdead;
}

static bool sc(struct test_hart *h, vaddr_t va, uint64_t value)
{
    bool ok = false;

    return mmu_store_conditional(&h->mmu, va, 3, REGIME_S, value, &ok) && ok;
}

static void sc_succeeds_once(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    CHECK_EQ(u, lr(h, COUNTER), 0);
    CHECK(u, sc(h, COUNTER, 5));
    CHECK(u, !sc(h, COUNTER, 6));
    CHECK_EQ(u, lr(h, COUNTER), 5);
    fixture_fini(&fx);
}

static void another_harts_store_breaks_the_reservation_even_of_the_same_value(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, 2);
    fast_store64(&fx.hart[1], COUNTER, 7);
    CHECK_EQ(u, lr(&fx.hart[0], COUNTER), 7);
    CHECK(u, !fast_store64(&fx.hart[1], COUNTER, 7));
    CHECK(u, !sc(&fx.hart[0], COUNTER, 8));
    fixture_fini(&fx);
}

static void a_store_to_another_set_of_the_page_leaves_it(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, 2);
    lr(&fx.hart[0], COUNTER);
    fast_store64(&fx.hart[1], COUNTER + 64, 7);
    CHECK(u, sc(&fx.hart[0], COUNTER, 8));
    fixture_fini(&fx);
}

static void another_harts_sc_breaks_the_reservation(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, 2);
    lr(&fx.hart[0], COUNTER);
    lr(&fx.hart[1], COUNTER);
    CHECK(u, sc(&fx.hart[1], COUNTER, 1));
    CHECK(u, !sc(&fx.hart[0], COUNTER, 2));
    fixture_fini(&fx);
}

static void dma_breaks_the_reservation(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, 1);
    lr(&fx.hart[0], COUNTER);
    CHECK(u, memory_write(fx.m.memory, COUNTER, "x", 1));
    CHECK(u, !sc(&fx.hart[0], COUNTER, 8));
    fixture_fini(&fx);
}

static void sc_elsewhere_fails_and_gives_the_reservation_up(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    lr(h, COUNTER);
    CHECK(u, !sc(h, COUNTER + 8, 1));
    CHECK(u, !sc(h, COUNTER, 1));
    fixture_fini(&fx);
}

static void a_failing_sc_still_faults(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];
    bool ok;

    fixture_init(&fx, 1);
    fx.readonly_page = RAM_BASE;
    CHECK(u, !mmu_store_conditional(&h->mmu, COUNTER, 3, REGIME_S, 1, &ok));
    CHECK_EQ(u, h->nfaults, 1);
    CHECK_EQ(u, h->fault_access, ACCESS_WRITE);
    fixture_fini(&fx);
}

static void a_page_that_nobody_reserves_becomes_fast_again(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];
    bool fast = false;

    fixture_init(&fx, 2);
    lr(h, COUNTER);
    sc(h, COUNTER, 1);
    CHECK(u, !fast_store64(h, COUNTER, 1));
    for (unsigned i = 0; i < 100 && !fast; i++) {
        fast = fast_store64(h, COUNTER, i);
    }
    CHECK(u, fast);
    fixture_fini(&fx);
}

static void the_only_hart_s_page_stays_fast(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    fast_store64(h, COUNTER, 1);
    CHECK_EQ(u, lr(h, COUNTER), 1);
    CHECK(u, fast_store64(h, COUNTER, 2));
    CHECK(u, sc(h, COUNTER, 3));
    CHECK(u, fast_store64(h, COUNTER, 4));
    fixture_fini(&fx);
}

struct race {
    struct fixture fx;
    unsigned nthreads;
    uint32_t next;
};

static void *increment(void *opaque)
{
    struct race *r = opaque;
    struct test_hart *h = &r->fx.hart[fetch_add(&r->next, 1)];

    for (unsigned i = 0; i < 3000; i++) {
        uint64_t v;

        mmu_enter_guest(&h->mmu);
        do {
            v = lr(h, COUNTER);
        } while (!sc(h, COUNTER, v + 1));
        fast_store64(h, COUNTER + 8, i);
        mmu_leave_guest(&h->mmu);
    }
    return NULL;
}

static void increments_by_four_harts_are_all_counted(struct unit *u)
{
    static struct race r;
    struct thread t[4];

    fixture_init(&r.fx, 4);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(u, thread_create(&t[i], "hart", increment, &r), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        thread_join(&t[i]);
    }
    CHECK_EQ(u, lr(&r.fx.hart[0], COUNTER), 4 * 3000);
    fixture_fini(&r.fx);
}

static void *reserve(void *hart)
{
    lr(hart, COUNTER);
    return NULL;
}

/* The other hart shows an old epoch after the first kick too, as one that was just entering may. */
static void lr_asks_again_whoever_is_still_inside(struct unit *u)
{
    static struct fixture fx;
    struct test_hart *other = &fx.hart[1];
    struct thread t;

    fixture_init(&fx, 2);
    mmu_enter_guest(&other->mmu);
    fast_store64(other, COUNTER, 7);
    CHECK_EQ(u, thread_create(&t, "hart", reserve, &fx.hart[0]), 0);
    for (unsigned i = 0; i < 10000 && load_seq(&other->kicked) < 2; i++) {
        usleep(1000);
    }
    CHECK(u, load_seq(&other->kicked) >= 2);
    mmu_leave_guest(&other->mmu);
    thread_join(&t);
    fixture_fini(&fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(sc_succeeds_once),
        UNIT(another_harts_store_breaks_the_reservation_even_of_the_same_value),
        UNIT(a_store_to_another_set_of_the_page_leaves_it),
        UNIT(another_harts_sc_breaks_the_reservation),
        UNIT(dma_breaks_the_reservation),
        UNIT(sc_elsewhere_fails_and_gives_the_reservation_up),
        UNIT(a_failing_sc_still_faults),
        UNIT(a_page_that_nobody_reserves_becomes_fast_again),
        UNIT(the_only_hart_s_page_stays_fast),
        UNIT(lr_asks_again_whoever_is_still_inside),
        UNIT(increments_by_four_harts_are_all_counted),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
