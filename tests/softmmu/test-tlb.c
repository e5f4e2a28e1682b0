/* SPDX-License-Identifier: MIT */
/* Tables that grow when pages push each other out, and shrink when they are flushed. */
#include "tests/softmmu/fixture.h"

#define PAGE(n) (RAM_BASE + (n)*GUEST_PAGE_SIZE)

enum { SMALL = 1 << TLB_BITS_MIN, LARGE = 1 << TLB_BITS_MAX };

static unsigned entries(struct test_hart *h)
{
    mmu_set_view(&h->mmu, REGIME_S);
    return (unsigned)(h->view.mask >> TLB_ENTRY_BITS) + 1;
}

/* Stores to N pages, ROUNDS times; returns how many of the last round were fast. */
static unsigned sweep(struct test_hart *h, uint64_t n, unsigned rounds)
{
    unsigned fast = 0;

    for (unsigned r = 0; r < rounds; r++) {
        fast = 0;
        for (uint64_t i = 0; i < n; i++) {
            fast += fast_store64(h, PAGE(i) + 8 * (i % 512), i);
        }
    }
    return fast;
}

static void a_table_that_holds_all_pages_stays_small(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, 1);
    fx.folded = true;
    CHECK_EQ(u, sweep(&fx.hart[0], SMALL, 4), SMALL);
    CHECK_EQ(u, entries(&fx.hart[0]), SMALL);
    fixture_fini(&fx);
}

static void a_table_grows_until_all_pages_have_room(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, 1);
    fx.folded = true;
    for (unsigned n = 2 * SMALL; n <= LARGE; n *= 2) {
        CHECK_EQ(u, sweep(&fx.hart[0], n, 4), n);
        CHECK_EQ(u, entries(&fx.hart[0]), n);
    }
    sweep(&fx.hart[0], 2 * LARGE, 4);
    CHECK_EQ(u, entries(&fx.hart[0]), LARGE);
    fixture_fini(&fx);
}

static void the_view_follows_a_table_that_grows_in_a_slow_path(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    fx.folded = true;
    mmu_set_view(&h->mmu, REGIME_S);
    for (unsigned i = 0; i < 2 * SMALL; i++) {
        CHECK(u, mmu_store(&h->mmu, PAGE(i), 3, REGIME_S, i));
    }
    CHECK_EQ(u, h->view.mask, (2 * (uint64_t)SMALL - 1) << TLB_ENTRY_BITS);
    mmu_flush_all(&h->mmu);
    CHECK_EQ(u, h->view.mask, ((uint64_t)SMALL - 1) << TLB_ENTRY_BITS);
    fixture_fini(&fx);
}

static void a_flush_leaves_nothing_whatever_the_size_then_and_later(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    fx.folded = true;
    sweep(h, 8 * SMALL, 4);
    for (unsigned n = SMALL; n <= 8 * SMALL; n *= 2) {
        unsigned stale = 0;

        mmu_flush_all(&h->mmu);
        CHECK_EQ(u, entries(h), SMALL);
        for (unsigned i = 0; i < n; i++) {
            stale += fast_store64(h, PAGE(i), i);
        }
        CHECK_EQ(u, stale, 0);
        sweep(h, 8 * SMALL, 4);
    }
    fixture_fini(&fx);
}

static void a_flush_by_page_finds_the_page_after_growth(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    fx.folded = true;
    sweep(h, 4 * SMALL, 4);
    for (unsigned i = 3; i < 4 * SMALL; i += 97) {
        mmu_flush_page(&h->mmu, PAGE(i), NULL, 0);
        CHECK(u, !fast_store64(h, PAGE(i), 1));
        CHECK(u, fast_store64(h, PAGE(i + 1), 1));
    }
    fixture_fini(&fx);
}

static void code_pages_are_withdrawn_from_grown_tables(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    sweep(h, 200, 1);
    fx.folded = true;
    sweep(h, 4 * SMALL, 4); /* each page of RAM has many aliases now */
    code_page_protect(h->mmu.domain, PAGE(7), &h->mmu);
    for (uint64_t alias = PAGE(7); alias < PAGE(4 * SMALL); alias += RAM_SIZE) {
        CHECK(u, !fast_store64(h, alias, 1) || code_pages_dirty(h->mmu.domain));
    }
    CHECK(u, code_pages_dirty(h->mmu.domain));
    fixture_fini(&fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(a_table_that_holds_all_pages_stays_small),
        UNIT(a_table_grows_until_all_pages_have_room),
        UNIT(the_view_follows_a_table_that_grows_in_a_slow_path),
        UNIT(a_flush_leaves_nothing_whatever_the_size_then_and_later),
        UNIT(a_flush_by_page_finds_the_page_after_growth),
        UNIT(code_pages_are_withdrawn_from_grown_tables),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
