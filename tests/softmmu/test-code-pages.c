/* SPDX-License-Identifier: MIT */
/* The code-page protocol: no store to translated code escapes the next fence.i. */
#include "hw/host/thread.h"
#include "tests/softmmu/fixture.h"

struct collected {
    unsigned n;
    paddr_t last;
    bool remain;
};

static bool collect_one(void *opaque, paddr_t pa)
{
    struct collected *c = opaque;

    c->n++;
    c->last = pa;
    return c->remain;
}

static unsigned collect(struct test_hart *h, bool remain)
{
    struct collected c = {.remain = remain};

    if (code_pages_dirty(h->mmu.domain)) {
        code_pages_collect(h->mmu.domain, &h->mmu, collect_one, &c);
    }
    return c.n;
}

static void the_first_store_to_a_code_page_marks_it_and_the_next_is_fast(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    fast_store64(h, RAM_BASE, 1);
    CHECK(u, fast_store64(h, RAM_BASE, 2));
    code_page_protect(h->mmu.domain, RAM_BASE, &h->mmu);
    CHECK(u, !code_pages_dirty(h->mmu.domain));
    CHECK(u, !fast_store64(h, RAM_BASE, 3));
    CHECK(u, code_pages_dirty(h->mmu.domain));
    CHECK(u, fast_store64(h, RAM_BASE, 4));
    fixture_fini(&fx);
}

static void a_load_after_protect_does_not_give_the_write_entry_back(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];
    uint64_t v;

    fixture_init(&fx, 1);
    code_page_protect(h->mmu.domain, RAM_BASE, &h->mmu);
    CHECK(u, mmu_load(&h->mmu, RAM_BASE, 3, REGIME_S, &v));
    CHECK(u, !fast_store64(h, RAM_BASE, 3));
    CHECK_EQ(u, collect(h, true), 1);
    fixture_fini(&fx);
}

static void collect_protects_again_while_code_remains(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    code_page_protect(h->mmu.domain, RAM_BASE, &h->mmu);
    fast_store64(h, RAM_BASE, 1);
    CHECK_EQ(u, collect(h, true), 1);
    CHECK(u, !code_pages_dirty(h->mmu.domain));
    CHECK(u, !fast_store64(h, RAM_BASE, 2));
    CHECK_EQ(u, collect(h, true), 1);
    fixture_fini(&fx);
}

static void a_page_without_code_is_watched_no_more(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    code_page_protect(h->mmu.domain, RAM_BASE, &h->mmu);
    fast_store64(h, RAM_BASE, 1);
    collect(h, false);
    CHECK(u, !code_page_is_protected(h->mmu.domain, RAM_BASE));
    fast_store64(h, RAM_BASE, 2);
    CHECK(u, !code_pages_dirty(h->mmu.domain));
    fixture_fini(&fx);
}

static void dma_into_code_is_noticed(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    code_page_protect(h->mmu.domain, RAM_BASE + 0x3000, &h->mmu);
    CHECK(u, memory_write(fx.m.memory, RAM_BASE + 0x2ff0, "0123456789abcdef0", 17));
    CHECK_EQ(u, collect(h, true), 1);
    fixture_fini(&fx);
}

static void every_alias_of_a_page_loses_its_write_entry(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    fast_store64(h, RAM_BASE, 1);
    mmu_select(&h->mmu, 77);
    fast_store64(h, RAM_BASE, 1);
    code_page_protect(h->mmu.domain, RAM_BASE, &h->mmu);
    CHECK(u, !fast_store64(h, RAM_BASE, 2));
    mmu_select(&h->mmu, 0);
    CHECK(u, !fast_store64(h, RAM_BASE, 2) || code_pages_dirty(h->mmu.domain));
    fixture_fini(&fx);
}

static void a_page_another_hart_could_write_stays_listed_until_that_hart_has_passed(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0], *other = &fx.hart[1];

    fixture_init(&fx, 2);
    mmu_enter_guest(&other->mmu);
    fast_store64(other, RAM_BASE, 1);
    code_page_protect(h->mmu.domain, RAM_BASE, &h->mmu);
    CHECK_EQ(u, collect(h, true), 1);
    CHECK_EQ(u, collect(h, true), 1);
    mmu_leave_guest(&other->mmu);
    mmu_enter_guest(&other->mmu);
    CHECK_EQ(u, collect(h, true), 1);
    CHECK_EQ(u, collect(h, true), 0);
    fixture_fini(&fx);
}

static void such_a_page_stays_listed_when_its_code_is_gone_too(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0], *other = &fx.hart[1];

    fixture_init(&fx, 2);
    mmu_enter_guest(&other->mmu);
    fast_store64(other, RAM_BASE, 1);
    code_page_protect(h->mmu.domain, RAM_BASE, &h->mmu);
    CHECK_EQ(u, collect(h, false), 1);
    /* new code, and the store may still come */
    code_page_protect(h->mmu.domain, RAM_BASE, &h->mmu);
    CHECK_EQ(u, collect(h, true), 1);
    mmu_leave_guest(&other->mmu);
    CHECK_EQ(u, collect(h, true), 1);
    CHECK_EQ(u, collect(h, true), 0);
    fixture_fini(&fx);
}

/* ---- concurrent: one hart writes, another protects, compares and remembers ----------------- */

struct race {
    struct fixture fx;
    uint32_t stop;
    uint64_t compared; /* what the "TB" was made from */
    uint64_t handed;   /* a: the writer's last finished store, published after it */
};

static void *writer(void *opaque)
{
    struct race *r = opaque;
    struct test_hart *h = &r->fx.hart[1];

    for (uint64_t i = 1; !load_relaxed(&r->stop); i++) {
        mmu_enter_guest(&h->mmu);
        fast_store64(h, RAM_BASE, i);
        store_release(&r->handed, i);
        mmu_leave_guest(&h->mmu);
    }
    return NULL;
}

static bool compare_page(void *opaque, paddr_t pa)
{
    struct race *r = opaque;
    uint64_t size = 8;

    r->compared = load_relaxed((uint64_t *)memory_host(r->fx.m.memory, pa, &size));
    return true;
}

static void no_store_that_came_before_escapes_a_fence(struct unit *u)
{
    static struct race r;
    struct thread t;
    struct test_hart *h = &r.fx.hart[0];

    fixture_init(&r.fx, 2);
    CHECK_EQ(u, thread_create(&t, "writer", writer, &r), 0);
    code_page_protect(h->mmu.domain, RAM_BASE, &h->mmu);
    compare_page(&r, RAM_BASE);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t before = load_acquire(&r.handed);

        if (code_pages_dirty(h->mmu.domain)) {
            code_pages_collect(h->mmu.domain, &h->mmu, compare_page, &r);
        }
        CHECK(u, r.compared >= before);
    }
    store_relaxed(&r.stop, 1);
    thread_join(&t);
    fixture_fini(&r.fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(the_first_store_to_a_code_page_marks_it_and_the_next_is_fast),
        UNIT(a_load_after_protect_does_not_give_the_write_entry_back),
        UNIT(collect_protects_again_while_code_remains),
        UNIT(a_page_without_code_is_watched_no_more),
        UNIT(dma_into_code_is_noticed),
        UNIT(every_alias_of_a_page_loses_its_write_entry),
        UNIT(a_page_another_hart_could_write_stays_listed_until_that_hart_has_passed),
        UNIT(such_a_page_stays_listed_when_its_code_is_gone_too),
        UNIT(no_store_that_came_before_escapes_a_fence),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
