/* SPDX-License-Identifier: MIT */
/* PMP: ranges of each addressing mode, priorities, straddling, locks, the page digest; and all of it against a bytewise model. */
#include "tests/random.h"
#include "tests/target/hart-fixture.h"

enum { R = PMP_R, W = PMP_W, X = PMP_X, TOR = 1 << 3, NA4 = 2 << 3, NAPOT = 3 << 3, L = 0x80 };

/* Entry I without regard to locks. */
static void set_entry(struct hart *h, unsigned i, uint64_t addr, unsigned cfg)
{
    h->pmpaddr[i] = addr >> 2;
    h->pmpcfg[i] = (uint8_t)cfg;
    pmp_update(h);
}

static uint64_t napot(uint64_t base, uint64_t size)
{
    return base | (size / 2 - 1);
}

static void nothing_configured_allows_machine_mode_only(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, pmp_check(fx.h, FIXTURE_RAM, 8, true), PMP_RWX);
    CHECK_EQ(u, pmp_check(fx.h, FIXTURE_RAM, 8, false), 0);
    fixture_fini(&fx);
    fixture_init(&fx, "rv64,pmp=off");
    CHECK_EQ(u, pmp_check(fx.h, FIXTURE_RAM, 8, false), PMP_RWX);
    CHECK(u, !csr_opens(fx.h, NR_PMPCFG0, PRIV_M, false));
    CHECK(u, !csr_opens(fx.h, NR_PMPADDR0, PRIV_M, false));
    fixture_fini(&fx);
}

static void each_mode_matches_its_range_to_the_byte(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    set_entry(fx.h, 0, 0x80001000, 0);
    set_entry(fx.h, 1, 0x80001010, TOR | R);
    set_entry(fx.h, 2, 0x80002004, NA4 | W | R);
    set_entry(fx.h, 3, napot(0x80004000, 0x2000), NAPOT | X);
    CHECK_EQ(u, pmp_check(fx.h, 0x80000fff, 1, false), 0);
    CHECK_EQ(u, pmp_check(fx.h, 0x80001000, 1, false), R);
    CHECK_EQ(u, pmp_check(fx.h, 0x8000100f, 1, false), R);
    CHECK_EQ(u, pmp_check(fx.h, 0x80001010, 1, false), 0);
    CHECK_EQ(u, pmp_check(fx.h, 0x80002004, 4, false), R | W);
    CHECK_EQ(u, pmp_check(fx.h, 0x80002008, 1, false), 0);
    CHECK_EQ(u, pmp_check(fx.h, 0x80004000, 8, false), X);
    CHECK_EQ(u, pmp_check(fx.h, 0x80005ff8, 8, false), X);
    CHECK_EQ(u, pmp_check(fx.h, 0x80006000, 1, false), 0);
    fixture_fini(&fx);
}

static void an_access_that_straddles_the_deciding_entry_fails(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    set_entry(fx.h, 0, 0x80001004, NA4 | R);
    set_entry(fx.h, 1, napot(0x80000000, 0x10000), NAPOT | R | W | X);
    CHECK_EQ(u, pmp_check(fx.h, 0x80001000, 8, false), 0);
    CHECK_EQ(u, pmp_check(fx.h, 0x80001004, 8, false), 0);
    CHECK_EQ(u, pmp_check(fx.h, 0x80001000, 8, true), 0); /* also for M-mode, whatever the lock */
    CHECK_EQ(u, pmp_check(fx.h, 0x80001000, 4, false), PMP_RWX);
    CHECK_EQ(u, pmp_check(fx.h, 0x80001004, 4, false), R);
    fixture_fini(&fx);
}

static void the_lowest_matching_entry_decides(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    set_entry(fx.h, 4, napot(0x80000000, 0x1000), NAPOT | R);
    set_entry(fx.h, 5, napot(0x80000000, 0x100000), NAPOT | R | W);
    CHECK_EQ(u, pmp_check(fx.h, 0x80000800, 8, false), R);
    CHECK_EQ(u, pmp_check(fx.h, 0x80001800, 8, false), R | W);
    CHECK_EQ(u, pmp_check(fx.h, 0x80000ffc, 8, false), 0);
    set_entry(fx.h, 3, napot(0x80000000, 0x100000), NAPOT | X);
    CHECK_EQ(u, pmp_check(fx.h, 0x80000ffc, 8, false), X);
    fixture_fini(&fx);
}

static void machine_mode_obeys_locked_entries_only(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    set_entry(fx.h, 0, napot(0x80000000, 0x1000), NAPOT);
    CHECK_EQ(u, pmp_check(fx.h, 0x80000000, 8, true), PMP_RWX);
    CHECK_EQ(u, pmp_check(fx.h, 0x80000000, 8, false), 0);
    set_entry(fx.h, 0, napot(0x80000000, 0x1000), NAPOT | L | R);
    CHECK_EQ(u, pmp_check(fx.h, 0x80000000, 8, true), R);
    CHECK_EQ(u, pmp_check(fx.h, 0x80001000, 8, true), PMP_RWX);
    fixture_fini(&fx);
}

static void all_ones_napot_covers_all_memory(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    csr_store(fx.h, NR_PMPADDR0, ~UINT64_C(0));
    CHECK_EQ(u, csr_load(fx.h, NR_PMPADDR0), BITS(53, 0));
    csr_store(fx.h, NR_PMPCFG0, NAPOT | R | W | X);
    CHECK_EQ(u, pmp_check(fx.h, 0, 8, false), PMP_RWX);
    CHECK_EQ(u, pmp_check(fx.h, BIT(56) - 8, 8, false), PMP_RWX);
    fixture_fini(&fx);
}

static void pages_that_an_entry_splits_are_marked_partial(struct unit *u)
{
    struct fixture fx;
    bool partial;

    fixture_init(&fx, "rv64");
    set_entry(fx.h, 0, 0x80001800, TOR | R);
    set_entry(fx.h, 1, napot(0x80000000, 0x100000), NAPOT | R | W);
    CHECK_EQ(u, pmp_check_page(fx.h, 0x80000123, 4, false, &partial), R);
    CHECK(u, !partial);
    CHECK_EQ(u, pmp_check_page(fx.h, 0x80001123, 4, false, &partial), R);
    CHECK(u, partial);
    CHECK_EQ(u, pmp_check_page(fx.h, 0x80001800, 4, false, &partial), R | W);
    CHECK(u, partial);
    CHECK_EQ(u, pmp_check_page(fx.h, 0x800017fe, 4, false, &partial), 0);
    CHECK(u, partial);
    CHECK_EQ(u, pmp_check_page(fx.h, 0x80002800, 4, false, &partial), R | W);
    CHECK(u, !partial);
    fixture_fini(&fx);
}

static void writes_of_w_without_r_leave_the_entry_alone(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    csr_store(fx.h, NR_PMPCFG0, NAPOT | R);
    CHECK_EQ(u, csr_put(fx.h, NR_PMPCFG0, NAPOT | W | (uint64_t)(NA4 | R | W) << 8),
             NAPOT | R | (NA4 | R | W) << 8);
    CHECK_EQ(u, csr_put(fx.h, NR_PMPCFG0, 0x7f), 0x1f); /* bits 5 and 6 are not there */
    fixture_fini(&fx);
}

static void locked_entries_and_the_base_of_a_locked_tor_cannot_change(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    csr_store(fx.h, NR_PMPADDR0, 0x1000);
    csr_store(fx.h, NR_PMPADDR0 + 1, 0x2000);
    csr_store(fx.h, NR_PMPADDR0 + 3, 0x3000);
    csr_store(fx.h, NR_PMPCFG0, (uint64_t)(TOR | R | L) << 8 | (uint64_t)(NAPOT | L) << 24);
    CHECK_EQ(u, csr_put(fx.h, NR_PMPADDR0, 7), 0x1000);
    CHECK_EQ(u, csr_put(fx.h, NR_PMPADDR0 + 1, 7), 0x2000);
    CHECK_EQ(u, csr_put(fx.h, NR_PMPADDR0 + 2, 7), 7); /* the entry above it is not TOR */
    CHECK_EQ(u, csr_put(fx.h, NR_PMPADDR0 + 3, 7), 0x3000);
    CHECK_EQ(u, csr_put(fx.h, NR_PMPCFG0, 0) >> 8 & 0xff, TOR | R | L);
    fixture_fini(&fx);
}

static void odd_pmpcfg_registers_do_not_exist_on_rv64(struct unit *u)
{
    struct fixture fx;

    fixture_init(&fx, "rv64");
    CHECK(u, csr_opens(fx.h, NR_PMPCFG0, PRIV_M, true));
    CHECK(u, !csr_opens(fx.h, NR_PMPCFG0 + 1, PRIV_M, true));
    CHECK(u, csr_opens(fx.h, NR_PMPCFG0 + 2, PRIV_M, true));
    CHECK(u, csr_opens(fx.h, NR_PMPADDR0 + 15, PRIV_M, true));
    CHECK_EQ(u, csr_put(fx.h, NR_PMPADDR0 + 16, ~UINT64_C(0)), 0); /* entries beyond 16 are zero */
    CHECK_EQ(u, csr_put(fx.h, NR_PMPCFG0 + 4, ~UINT64_C(0)), 0);
    CHECK(u, !csr_opens(fx.h, NR_PMPCFG0 + 5, PRIV_M, true));
    fixture_fini(&fx);
}

/* ---- against a model that asks byte by byte --------------------------------------------------------------------------------- */

static bool model_matches(const struct hart *h, unsigned i, uint64_t byte)
{
    uint64_t word = byte >> 2, addr = h->pmpaddr[i];
    uint64_t span = 1;

    switch (h->pmpcfg[i] & 0x18) {
    case TOR:
        return word >= (i ? h->pmpaddr[i - 1] : 0) && word < addr;
    case NA4:
        return word == addr;
    case NAPOT:
        while (addr & span) {
            span <<= 1;
        }
        return (word & ~(2 * span - 1)) == (addr & ~(2 * span - 1));
    default:
        return false;
    }
}

static unsigned model_check(const struct hart *h, uint64_t pa, unsigned size, bool machine)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned n = 0;

        for (unsigned b = 0; b < size; b++) {
            n += model_matches(h, i, pa + b);
        }
        if (n == size) {
            return machine && !(h->pmpcfg[i] & L) ? PMP_RWX : h->pmpcfg[i] & PMP_RWX;
        }
        if (n) {
            return 0;
        }
    }
    return machine ? PMP_RWX : 0;
}

static void random_entries(struct hart *h, uint64_t *seed)
{
    for (unsigned i = 0; i < 16; i++) {
        h->pmpaddr[i] = (0x80000000 >> 2) + next_random(seed) % 0x1000;
        if (next_random(seed) & 1) {
            h->pmpaddr[i] |= BIT(next_random(seed) % 12) - 1;
        }
        h->pmpcfg[i] = next_random(seed) & 3 ? next_random(seed) & 0x9f : 0;
    }
    pmp_update(h);
}

static void random_configurations_agree_with_the_model(struct unit *u)
{
    struct fixture fx;
    uint64_t seed = 1;

    fixture_init(&fx, "rv64");
    for (unsigned i = 0; i < 3000; i++) {
        random_entries(fx.h, &seed);
        for (unsigned k = 0; k < 100; k++) {
            unsigned size = 1u << next_random(&seed) % 4;
            uint64_t pa = (0x80000000 + next_random(&seed) % 0x4100) & ~(uint64_t)(size - 1);
            bool machine = next_random(&seed) & 1, partial;
            unsigned want = model_check(fx.h, pa, size, machine);

            CHECK_EQ(u, pmp_check(fx.h, pa, size, machine), want);
            CHECK_EQ(u, pmp_check_page(fx.h, pa, size, machine, &partial), want);
        }
    }
    fixture_fini(&fx);
}

/* What is not marked partial must be one answer for every word of the page. */
static void pages_that_are_not_partial_are_uniform(struct unit *u)
{
    struct fixture fx;
    uint64_t seed = 2;

    fixture_init(&fx, "rv64");
    for (unsigned i = 0; i < 500; i++) {
        random_entries(fx.h, &seed);
        for (uint64_t page = 0x7fffe000; page < 0x80006000; page += 0x1000) {
            bool machine = i & 1, partial;
            unsigned perms = pmp_check_page(fx.h, page + 8, 4, machine, &partial);

            for (uint64_t pa = page; !partial && pa < page + 0x1000; pa += 4) {
                CHECK_EQ(u, model_check(fx.h, pa, 4, machine), perms);
            }
        }
    }
    fixture_fini(&fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(nothing_configured_allows_machine_mode_only),
        UNIT(each_mode_matches_its_range_to_the_byte),
        UNIT(an_access_that_straddles_the_deciding_entry_fails),
        UNIT(the_lowest_matching_entry_decides),
        UNIT(machine_mode_obeys_locked_entries_only),
        UNIT(all_ones_napot_covers_all_memory),
        UNIT(pages_that_an_entry_splits_are_marked_partial),
        UNIT(writes_of_w_without_r_leave_the_entry_alone),
        UNIT(locked_entries_and_the_base_of_a_locked_tor_cannot_change),
        UNIT(odd_pmpcfg_registers_do_not_exist_on_rv64),
        UNIT(random_configurations_agree_with_the_model),
        UNIT(pages_that_are_not_partial_are_uniform),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
