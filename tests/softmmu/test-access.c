/* SPDX-License-Identifier: MIT */
/* Loads, stores and atomics through the slow paths; TLB slots and flushes. */
#include "hw/host/bits.h"
#include "tests/softmmu/fixture.h"

static uint64_t load(struct test_hart *h, vaddr_t va, unsigned memop)
{
    uint64_t v = 0xdead;

    return mmu_load(&h->mmu, va, memop, REGIME_S, &v) ? v : 0xdead;
}

static void a_page_crossing_store_reads_back_in_parts(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    CHECK(u, mmu_store(&h->mmu, RAM_BASE + 0xffd, 3, REGIME_S, UINT64_C(0x1122334455667788)));
    CHECK_EQ(u, load(h, RAM_BASE + 0xffd, 3), UINT64_C(0x1122334455667788));
    CHECK_EQ(u, load(h, RAM_BASE + 0xffd, 0), 0x88);
    CHECK_EQ(u, load(h, RAM_BASE + 0x1000, 2), 0x22334455 & 0xffffffff);
    CHECK_EQ(u, load(h, RAM_BASE + 0x1004, 0), 0x11);
    fixture_fini(&fx);
}

/* All sizes and places, in pages that the TLB does not have, and that it has. */
static void crossing_accesses_touch_their_own_bytes_only(struct unit *u)
{
    const uint64_t value = UINT64_C(0x1122334455667788);
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];
    uint8_t around[24], want[24];

    fixture_init(&fx, 1);
    for (unsigned memop = 1; memop <= 3; memop++) {
        for (unsigned before = 1; before < MMU_SIZE(memop); before++) {
            for (unsigned known = 0; known < 2; known++) {
                vaddr_t va = RAM_BASE + 0x1000 - before;

                if (!known) {
                    mmu_flush_all(&h->mmu);
                }
                memset(want, 0xee, sizeof(want));
                CHECK(u, memory_write(fx.m.memory, va - 8, want, sizeof(want)));
                memcpy(want + 8, &value, MMU_SIZE(memop));
                CHECK(u, mmu_store(&h->mmu, va, memop, REGIME_S, value));
                CHECK(u, memory_read(fx.m.memory, va - 8, around, sizeof(around)));
                CHECK(u, memcmp(around, want, sizeof(want)) == 0);
                if (!known) {
                    mmu_flush_all(&h->mmu);
                }
                CHECK_EQ(u, load(h, va, memop), value & BITS(8 * MMU_SIZE(memop) - 1, 0));
            }
        }
    }
    fixture_fini(&fx);
}

static void a_crossing_store_whose_second_page_faults_changes_nothing(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    fx.denied_page = RAM_BASE + 0x1000;
    CHECK(u, !mmu_store(&h->mmu, RAM_BASE + 0xffe, 2, REGIME_S, 0xffffffff));
    CHECK_EQ(u, h->nfaults, 1);
    CHECK_EQ(u, h->fault_va, RAM_BASE + 0x1000);
    CHECK_EQ(u, h->fault_access, ACCESS_WRITE);
    CHECK_EQ(u, h->code, FAULT_CODE);
    CHECK_EQ(u, load(h, RAM_BASE + 0xffe, 1), 0);
    fixture_fini(&fx);
}

static void an_access_to_nothing_is_an_access_fault(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    CHECK_EQ(u, load(h, 0x50000000, 2), 0xdead);
    CHECK_EQ(u, h->nfaults, 1);
    CHECK_EQ(u, h->code, 0);
    fixture_fini(&fx);
}

static void a_device_sees_only_sizes_that_its_model_allows(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    fx.dev_value = 0x100;
    CHECK_EQ(u, load(h, DEV_BASE + 8, 2), 0x108);
    CHECK_EQ(u, load(h, DEV_BASE + 8, 3), UINT64_C(0x10c00000108));
    CHECK_EQ(u, fx.dev_size, 4);
    CHECK_EQ(u, h->nfaults, 0);
    CHECK_EQ(u, load(h, DEV_BASE + 8, 0), 0xdead);
    CHECK_EQ(u, load(h, DEV_BASE + 2, 2), 0xdead);
    CHECK_EQ(u, load(h, DEV_BASE + 0x100, 2), 0xdead);
    CHECK_EQ(u, h->nfaults, 3);
    fixture_fini(&fx);
}

static void rom_swallows_stores(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    CHECK(u, mmu_store(&h->mmu, ROM_BASE + 8, 3, REGIME_S, 5));
    CHECK_EQ(u, load(h, ROM_BASE + 8, 3), 0);
    CHECK(u, memory_load(fx.m.memory, ROM_BASE + 8, "\7\0\0\0\0\0\0", 8));
    CHECK_EQ(u, load(h, ROM_BASE + 8, 3), 7);
    CHECK(u, !memory_write(fx.m.memory, ROM_BASE, "x", 1));
    fixture_fini(&fx);
}

static uint64_t amo_add(uint64_t old, const struct mmu_amo_args *args, bool *stores)
{
    (void)stores;
    return old + args->operand;
}

static void an_atomic_must_be_aligned_and_in_ram(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];
    struct mmu_amo_args args = {.memop = 2, .operand = 3};
    uint64_t old;

    fixture_init(&fx, 1);
    CHECK(u, mmu_amo(&h->mmu, RAM_BASE + 4, REGIME_S, amo_add, &args, &old));
    CHECK(u, mmu_amo(&h->mmu, RAM_BASE + 4, REGIME_S, amo_add, &args, &old));
    CHECK_EQ(u, old, 3);
    CHECK(u, !mmu_amo(&h->mmu, RAM_BASE + 5, REGIME_S, amo_add, &args, &old));
    CHECK_EQ(u, h->nmisaligned, 1);
    CHECK(u, !mmu_amo(&h->mmu, DEV_BASE, REGIME_S, amo_add, &args, &old));
    CHECK_EQ(u, h->fault_access, ACCESS_WRITE);
    fixture_fini(&fx);
}

static void a_second_access_to_a_page_needs_no_walk(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    load(h, RAM_BASE, 3);
    load(h, RAM_BASE + 8, 3);
    CHECK(u, fast_store64(h, RAM_BASE + 16, 1));
    CHECK_EQ(u, h->nwalks, 1);
    fixture_fini(&fx);
}

static void a_partial_page_is_walked_every_time(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    fx.partial_page = RAM_BASE;
    load(h, RAM_BASE, 3);
    load(h, RAM_BASE, 3);
    CHECK_EQ(u, h->nwalks, 2);
    CHECK(u, !fast_store64(h, RAM_BASE, 1));
    fixture_fini(&fx);
}

static void flushing_a_page_drops_it_and_leaves_its_neighbour(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    load(h, RAM_BASE, 3);
    load(h, RAM_BASE + 0x1000, 3);
    mmu_flush_page(&h->mmu, RAM_BASE + 0x10, NULL, 0);
    load(h, RAM_BASE + 0x1000, 3);
    CHECK_EQ(u, h->nwalks, 2);
    load(h, RAM_BASE, 3);
    CHECK_EQ(u, h->nwalks, 3);
    fixture_fini(&fx);
}

static void flushing_one_address_drops_the_whole_superpage(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    fx.page_bits = 21;
    load(h, RAM_BASE, 3);
    load(h, RAM_BASE + 0x5000, 3);
    mmu_flush_page(&h->mmu, RAM_BASE + 0x9000, NULL, 0);
    load(h, RAM_BASE, 3);
    load(h, RAM_BASE + 0x5000, 3);
    CHECK_EQ(u, h->nwalks, 4);
    fixture_fini(&fx);
}

static void switching_address_spaces_keeps_what_was_cached(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];
    uint32_t id;

    fixture_init(&fx, 1);
    mmu_select(&h->mmu, 100);
    id = mmu_space_id(&h->mmu, REGIME_U);
    load(h, RAM_BASE, 3);
    mmu_select(&h->mmu, 200);
    CHECK(u, mmu_space_id(&h->mmu, REGIME_U) != id);
    load(h, RAM_BASE, 3);
    CHECK_EQ(u, h->nwalks, 2);
    mmu_select(&h->mmu, 100);
    CHECK_EQ(u, mmu_space_id(&h->mmu, REGIME_U), id);
    load(h, RAM_BASE, 3);
    CHECK_EQ(u, h->nwalks, 2);
    fixture_fini(&fx);
}

static bool key_is(uint64_t key, uint64_t arg)
{
    return key == arg;
}

static void flushing_matching_slots_leaves_the_others(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];

    fixture_init(&fx, 1);
    mmu_select(&h->mmu, 100);
    load(h, RAM_BASE, 3);
    mmu_select(&h->mmu, 200);
    load(h, RAM_BASE, 3);
    mmu_flush_slots(&h->mmu, key_is, 100);
    load(h, RAM_BASE, 3);
    CHECK_EQ(u, h->nwalks, 2);
    mmu_select(&h->mmu, 100);
    load(h, RAM_BASE, 3);
    CHECK_EQ(u, h->nwalks, 3);
    fixture_fini(&fx);
}

static void a_recycled_slot_gets_a_new_id_and_an_empty_tlb(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];
    uint32_t id;

    fixture_init(&fx, 1);
    mmu_select(&h->mmu, 1000);
    id = mmu_space_id(&h->mmu, REGIME_U);
    load(h, RAM_BASE, 3);
    for (uint64_t key = 1; key <= 2 * MMU_SLOTS; key++) {
        mmu_select(&h->mmu, key);
        load(h, RAM_BASE, 3);
    }
    mmu_select(&h->mmu, 1000);
    CHECK(u, mmu_space_id(&h->mmu, REGIME_U) != id);
    load(h, RAM_BASE, 3);
    CHECK_EQ(u, h->nwalks, 2 * MMU_SLOTS + 2);
    fixture_fini(&fx);
}

/* The id of supervisor code in KEY's space, after a fetch that may be GLOBAL. */
static uint32_t id_after_fetch(struct test_hart *h, uint64_t key, bool global)
{
    struct mmu_fetch f;

    mmu_select(&h->mmu, key);
    h->fx->global = global;
    mmu_fetch(&h->mmu, RAM_BASE, REGIME_S, &f);
    return mmu_space_id(&h->mmu, REGIME_S);
}

static void supervisor_code_shares_an_id_while_it_is_global(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];
    uint32_t shared, own;

    fixture_init(&fx, 1);
    shared = id_after_fetch(h, 100, true);
    CHECK_EQ(u, id_after_fetch(h, 200, true), shared);
    CHECK(u, mmu_space_id(&h->mmu, REGIME_U) != shared);
    CHECK(u, mmu_space_id(&h->mmu, REGIME_BARE_SU) != shared);
    own = id_after_fetch(h, 200, false);
    CHECK(u, own != shared && own == mmu_space_id(&h->mmu, REGIME_U));
    CHECK_EQ(u, id_after_fetch(h, 200, true), own);
    CHECK_EQ(u, id_after_fetch(h, 100, true), shared);
    mmu_flush_slots(&h->mmu, key_is, 100);
    CHECK_EQ(u, id_after_fetch(h, 100, true), shared);
    CHECK_EQ(u, id_after_fetch(h, 200, true), own);
    mmu_flush_paged(&h->mmu);
    CHECK(u, id_after_fetch(h, 100, true) != shared);
    CHECK_EQ(u, id_after_fetch(h, 200, true), id_after_fetch(h, 100, true));
    fixture_fini(&fx);
}

/* When ids start anew, no slot keeps one that a later flush may give to another. */
static void ids_that_ran_out_stay_unique(struct unit *u)
{
    struct fixture fx;
    struct test_hart *h = &fx.hart[0];
    uint32_t ids[2 * MMU_SLOTS];
    unsigned n = 0;

    fixture_init(&fx, 1);
    for (uint64_t key = 1; key < MMU_SLOTS; key++) {
        mmu_select(&h->mmu, key);
    }
    h->mmu.next_id = UINT32_MAX;
    mmu_flush_slots(&h->mmu, key_is, 3);
    CHECK(u, !h->mmu.ids_wrapped);
    mmu_flush_slots(&h->mmu, key_is, 4);
    CHECK(u, h->mmu.ids_wrapped);
    for (unsigned i = 0; i < MMU_SLOTS; i++) {
        mmu_flush_slots(&h->mmu, key_is, 5);
        ids[n++] = h->mmu.slot[5].id;
    }
    ids[n++] = h->mmu.global_id;
    for (unsigned i = 0; i < MMU_SLOTS; i++) {
        for (unsigned k = 0; k < n; k++) {
            CHECK(u, i == 5 || h->mmu.slot[i].id != ids[k]);
        }
    }
    fixture_fini(&fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(a_page_crossing_store_reads_back_in_parts),
        UNIT(crossing_accesses_touch_their_own_bytes_only),
        UNIT(a_crossing_store_whose_second_page_faults_changes_nothing),
        UNIT(an_access_to_nothing_is_an_access_fault),
        UNIT(a_device_sees_only_sizes_that_its_model_allows),
        UNIT(rom_swallows_stores),
        UNIT(an_atomic_must_be_aligned_and_in_ram),
        UNIT(a_second_access_to_a_page_needs_no_walk),
        UNIT(a_partial_page_is_walked_every_time),
        UNIT(flushing_a_page_drops_it_and_leaves_its_neighbour),
        UNIT(flushing_one_address_drops_the_whole_superpage),
        UNIT(switching_address_spaces_keeps_what_was_cached),
        UNIT(flushing_matching_slots_leaves_the_others),
        UNIT(a_recycled_slot_gets_a_new_id_and_an_empty_tlb),
        UNIT(supervisor_code_shares_an_id_while_it_is_global),
        UNIT(ids_that_ran_out_stay_unique),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
