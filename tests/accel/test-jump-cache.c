/* SPDX-License-Identifier: MIT */
/*
 * The jump cache by itself: pairs, and which entries a flush by address drops. The entries lead to
 * TBs that nobody runs.
 */
#include "tests/accel/toy.h"

enum { NADDRESSES = 3000, NPAGES = 60 };

static struct tb tbs[NADDRESSES];
static vaddr_t address[NADDRESSES];

static uint64_t rng_next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static struct vcpu *begin(struct toy_machine *tm)
{
    toy_machine_init(tm, 1, "backend=interp");
    accel_pause(tm->accel);
    memset(tbs, 0, sizeof(tbs));
    return &tm->hart[0]->cpu;
}

static void end(struct toy_machine *tm)
{
    jc_clear(&tm->hart[0]->cpu);
    accel_resume(tm->accel);
    toy_machine_fini(tm);
}

static bool is_cached(struct vcpu *cpu, unsigned i)
{
    struct tb *tb;

    cpu->pc = address[i];
    tb = jc_find(cpu);
    return tb == &tbs[i];
}

static void insert(struct vcpu *cpu, unsigned i, unsigned page_bits)
{
    cpu->pc = address[i];
    jc_insert(cpu, &tbs[i], page_bits);
}

/* Pages in both halves, some of them neighbours and some on one list; the last halfword is likely. */
static vaddr_t random_address(uint64_t *rng)
{
    uint64_t page = rng_next(rng) % NPAGES, r = rng_next(rng);

    page = (page % 4) + (page / 4 % 3) * JC_PAGE_LISTS + (page / 12) * 977;
    return (r & 1 ? page : ~page) << GUEST_PAGE_BITS | (r & 14 ? r >> 8 & 0xffe : 0xffe);
}

static bool is_concerned(vaddr_t va, vaddr_t page)
{
    return (va & GUEST_PAGE_MASK) == page || va == page - 2;
}

static void a_flush_drops_the_entries_of_its_page_and_no_others(struct unit *u)
{
    struct toy_machine tm;
    struct vcpu *cpu = begin(&tm);
    static bool before[NADDRESSES];
    uint64_t rng = 7;
    unsigned ndropped = 0, nkept = 0;

    for (unsigned i = 0; i < NADDRESSES; i++) {
        address[i] = random_address(&rng);
        insert(cpu, i, GUEST_PAGE_BITS);
        CHECK(u, is_cached(cpu, i));
        if (i % 50 != 49) {
            continue;
        }
        vaddr_t page = random_address(&rng) & GUEST_PAGE_MASK;

        for (unsigned k = 0; k <= i; k++) {
            before[k] = is_cached(cpu, k);
        }
        jc_flush_page(cpu, page + rng_next(&rng) % GUEST_PAGE_SIZE);
        for (unsigned k = 0; k <= i; k++) {
            CHECK_EQ(u, is_cached(cpu, k), before[k] && !is_concerned(address[k], page));
            ndropped += before[k] && is_concerned(address[k], page);
            nkept += before[k] && !is_concerned(address[k], page);
        }
    }
    CHECK(u, ndropped > 100 && nkept > 10000);
    jc_clear(cpu);
    for (unsigned k = 0; k < NADDRESSES; k++) {
        CHECK(u, !is_cached(cpu, k));
    }
    end(&tm);
}

static void two_addresses_of_one_hash_stay_and_the_third_replaces_the_first(struct unit *u)
{
    struct toy_machine tm;
    struct vcpu *cpu = begin(&tm);
    vaddr_t stride = UINT64_C(1) << (GUEST_PAGE_BITS + JC_INDEX_BITS);

    for (unsigned i = 0; i < 3; i++) {
        address[i] = 0x5432 + i * stride;
        CHECK_EQ(u, jc_index(address[i]), jc_index(address[0]));
        insert(cpu, i, GUEST_PAGE_BITS);
    }
    CHECK(u, !is_cached(cpu, 0) && is_cached(cpu, 1) && is_cached(cpu, 2));
    insert(cpu, 0, GUEST_PAGE_BITS);
    CHECK(u, is_cached(cpu, 0) && !is_cached(cpu, 1) && is_cached(cpu, 2));
    end(&tm);
}

/* tb_kill does the same: dead, then forget. */
static void kill_tb(struct toy_machine *tm, unsigned i)
{
    store_seq(&tbs[i].dead, true);
    mutex_lock(&tm->accel->tb_lock);
    jc_forget(tm->accel, &tbs[i]);
    if (tm->accel->jc_scan) {
        jc_forget_all(tm->accel, false);
    }
    mutex_unlock(&tm->accel->tb_lock);
}

static void a_dead_tb_is_found_nowhere(struct unit *u)
{
    struct toy_machine tm;
    struct vcpu *cpu = begin(&tm);

    address[0] = 0x1000;
    address[1] = address[0] + (UINT64_C(1) << (GUEST_PAGE_BITS + JC_INDEX_BITS));
    insert(cpu, 0, GUEST_PAGE_BITS);
    insert(cpu, 1, GUEST_PAGE_BITS); /* and 0 moves */
    CHECK(u, is_cached(cpu, 0) && is_cached(cpu, 1));
    kill_tb(&tm, 0);
    CHECK(u, !is_cached(cpu, 0));
    address[1] = 0x7770; /* a second place of TB 1 */
    insert(cpu, 1, GUEST_PAGE_BITS);
    kill_tb(&tm, 1);
    CHECK(u, !is_cached(cpu, 1));
    insert(cpu, 1, GUEST_PAGE_BITS); /* it died while it was on the way here */
    CHECK(u, !is_cached(cpu, 1));
    end(&tm);
}

static void a_flush_drops_all_of_a_superpage(struct unit *u)
{
    struct toy_machine tm;
    struct vcpu *cpu = begin(&tm);

    address[0] = UINT64_C(0xffffffff80200000);
    address[1] = address[0] + 0x1fff00;
    address[2] = 0x3ffffe; /* goes on in the superpage above */
    for (unsigned i = 0; i < 3; i++) {
        insert(cpu, i, 21);
    }
    jc_flush_page(cpu, address[0] - 1);
    jc_flush_page(cpu, 0x600000);
    CHECK(u, is_cached(cpu, 0) && is_cached(cpu, 1) && is_cached(cpu, 2));
    jc_flush_page(cpu, 0x5fffff);
    CHECK(u, !is_cached(cpu, 2));
    insert(cpu, 0, 21);
    insert(cpu, 1, 21);
    jc_flush_page(cpu, address[0] + 0x5000);
    CHECK(u, !is_cached(cpu, 0) && !is_cached(cpu, 1));
    end(&tm);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(a_flush_drops_the_entries_of_its_page_and_no_others),
        UNIT(two_addresses_of_one_hash_stay_and_the_third_replaces_the_first),
        UNIT(a_dead_tb_is_found_nowhere),
        UNIT(a_flush_drops_all_of_a_superpage),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
