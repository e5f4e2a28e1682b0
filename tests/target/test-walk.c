/* SPDX-License-Identifier: MIT */
/*
 * The page walk: every reason for a fault, permissions by regime, A and D both ways, superpages, PMP on the way. Tables are
 * built in the fixture's RAM: level n's table lies at TABLES + n * 4096, so a walk to VA finds pte(level) there.
 */
#include "tests/target/hart-fixture.h"

#define TABLES (FIXTURE_RAM + 0x100000)
#define DATA   (FIXTURE_RAM + 0x200000)

enum { V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128 };

struct space {
    struct fixture fx;
    unsigned levels;
};

static uint64_t table_of(unsigned level)
{
    return TABLES + level * UINT64_C(4096);
}

/* The PTE for VA in the table of LEVEL (0: leaves of 4 KiB). */
static uint64_t pte_address(uint64_t va, unsigned level)
{
    return table_of(level) + extract64(va, 12 + 9 * level, 9) * 8;
}

static void put64(struct space *s, uint64_t pa, uint64_t value)
{
    bool ok = memory_write(s->fx.m.memory, pa, &value, 8);

    assert(ok);
    (void)ok;
}

static uint64_t get64(struct space *s, uint64_t pa)
{
    uint64_t value = 0;
    bool ok = memory_read(s->fx.m.memory, pa, &value, 8);

    assert(ok);
    (void)ok;
    return value;
}

static uint64_t pte(uint64_t pa, unsigned flags)
{
    return pa >> 2 | flags;
}

/* Maps VA by a leaf at LEVEL. */
static void map(struct space *s, uint64_t va, unsigned level, uint64_t leaf)
{
    for (unsigned l = s->levels - 1; l > level; l--) {
        put64(s, pte_address(va, l), pte(table_of(l - 1), V));
    }
    put64(s, pte_address(va, level), leaf);
}

static void space_init(struct space *s, const char *cpu, unsigned mode)
{
    fixture_init(&s->fx, cpu);
    s->levels = mode - SATP_SV39 + 3;
    csr_store(s->fx.h, NR_PMPADDR0, ~UINT64_C(0));
    csr_store(s->fx.h, NR_PMPCFG0, 0x1f);
    csr_store(s->fx.h, NR_SATP, (uint64_t)mode << 60 | table_of(s->levels - 1) >> 12);
    set_priv(s->fx.h, PRIV_S);
}

static int walk(struct space *s, uint64_t va, enum mmu_access access, unsigned regime,
                struct mmu_walk *out)
{
    memset(out, 0, sizeof(*out));
    return riscv_walk(&s->fx.h->cpu, va, 1, access, regime, out);
}

static int walk_code(struct space *s, uint64_t va, enum mmu_access access, unsigned regime)
{
    struct mmu_walk out;

    return walk(s, va, access, regime, &out);
}

/* ---- shape ------------------------------------------------------------------------------------------------------------------ */

static void all_depths_and_page_sizes_translate(struct unit *u)
{
    for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
        struct space s;
        struct mmu_walk out;

        space_init(&s, "max", mode);
        csr_store(s.fx.h, NR_MENVCFG, MENVCFG_ADUE);
        for (unsigned level = 0; level < s.levels; level++) {
            unsigned bits = 12 + 9 * level;
            uint64_t va = BIT(12 + 9 * s.levels - 2) | UINT64_C(0x12345678),
                     base = DATA >> bits << bits;

            map(&s, va, level, pte(base, V | R | W | A | D));
            CHECK_EQ(u, walk(&s, va, ACCESS_READ, REGIME_S, &out), 0);
            CHECK_EQ(u, out.pa, base | (va & (BIT(bits) - 1)));
            CHECK_EQ(u, out.page_bits, bits);
            CHECK(u,
                  out.readable && out.writable && !out.executable && !out.global && !out.partial);
        }
        fixture_fini(&s.fx);
    }
}

static void addresses_that_are_not_canonical_fault(struct unit *u)
{
    struct space s;

    space_init(&s, "rv64", SATP_SV39);
    map(&s, 0x1000, 0, pte(DATA, V | R | W | X | A | D));
    map(&s, 0xfffffffffffff000, 0, pte(DATA, V | R | W | X | A | D));
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_S), 0);
    CHECK_EQ(u, walk_code(&s, 0xfffffffffffff000, ACCESS_READ, REGIME_S), 0);
    CHECK_EQ(u, walk_code(&s, BIT(39) | 0x1000, ACCESS_READ, REGIME_S), WALK_PAGE_FAULT);
    CHECK_EQ(u, walk_code(&s, BIT(63) | 0x1000, ACCESS_WRITE, REGIME_S), WALK_PAGE_FAULT);
    CHECK_EQ(u, walk_code(&s, 0xfffffffffffff000 ^ BIT(38), ACCESS_EXEC, REGIME_S),
             WALK_PAGE_FAULT);
    fixture_fini(&s.fx);
}

static void malformed_ptes_fault(struct unit *u)
{
    const uint64_t good = pte(DATA, V | R | W | X | A | D);
    const uint64_t bad[] = {
        good & ~(uint64_t)V, good & ~(uint64_t)R, pte(DATA, V | W | A | D),
        good | BIT(54),      good | BIT(60),      good | BIT(61),
        good | BIT(62),      good | BIT(63),      pte(DATA, V) /* a pointer at the last level */};
    struct space s;

    space_init(&s, "rv64", SATP_SV39);
    map(&s, 0x1000, 0, good | UINT64_C(3) << 8); /* RSW bits are software's */
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_S), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        map(&s, 0x1000, 0, bad[i]);
        CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_S), WALK_PAGE_FAULT);
    }
    fixture_fini(&s.fx);
}

static void pointers_with_leaf_bits_fault(struct unit *u)
{
    const unsigned bits[] = {A, D, U};
    struct space s;

    space_init(&s, "rv64", SATP_SV39);
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
        map(&s, 0x1000, 0, pte(DATA, V | R | A));
        put64(&s, pte_address(0x1000, 1), pte(table_of(0), V | bits[i]));
        CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_S), WALK_PAGE_FAULT);
    }
    fixture_fini(&s.fx);
}

static void superpages_must_be_aligned(struct unit *u)
{
    struct space s;

    space_init(&s, "rv64", SATP_SV39);
    map(&s, 0x1000, 1, pte(FIXTURE_RAM + 0x1000, V | R | A));
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_S), WALK_PAGE_FAULT);
    map(&s, 0x1000, 2, pte(FIXTURE_RAM + 0x200000, V | R | A));
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_S), WALK_PAGE_FAULT);
    fixture_fini(&s.fx);
}

static void global_mappings_are_reported_from_any_level(struct unit *u)
{
    struct space s;
    struct mmu_walk out;

    space_init(&s, "rv64", SATP_SV39);
    map(&s, 0x1000, 0, pte(DATA, V | R | A | G));
    CHECK_EQ(u, walk(&s, 0x1000, ACCESS_READ, REGIME_S, &out), 0);
    CHECK(u, out.global);
    map(&s, 0x1000, 0, pte(DATA, V | R | A));
    put64(&s, pte_address(0x1000, 2), pte(table_of(1), V | G));
    CHECK_EQ(u, walk(&s, 0x1000, ACCESS_READ, REGIME_S, &out), 0);
    CHECK(u, out.global);
    fixture_fini(&s.fx);
}

/* ---- permissions -------------------------------------------------------------------------------------------------------------- */

/* What the specification says, spelt out for one access. */
static bool model_allows(unsigned flags, enum mmu_access access, unsigned regime)
{
    bool user = flags & U;

    if (!(regime & REGIME_S) && !user) {
        return false;
    }
    if (regime & REGIME_S && user && (access == ACCESS_EXEC || !(regime & REGIME_SUM))) {
        return false;
    }
    switch (access) {
    case ACCESS_READ:
        return flags & R || (regime & REGIME_MXR && flags & X);
    case ACCESS_WRITE:
        return flags & W;
    default:
        return flags & X;
    }
}

static void permissions_depend_on_mode_user_bit_sum_and_mxr(struct unit *u)
{
    const unsigned kinds[] = {R, R | W, X, R | X, R | W | X};
    const unsigned regimes[] = {REGIME_U,
                                REGIME_U | REGIME_MXR,
                                REGIME_S,
                                REGIME_S | REGIME_SUM,
                                REGIME_S | REGIME_MXR,
                                REGIME_S | REGIME_SUM | REGIME_MXR};
    struct space s;

    space_init(&s, "rv64", SATP_SV39);
    for (unsigned i = 0; i < ARRAY_SIZE(kinds) * 2 * ARRAY_SIZE(regimes) * 3; i++) {
        unsigned flags = kinds[i % 5] | (i / 5 % 2 ? U : 0), regime = regimes[i / 10 % 6];
        enum mmu_access access = i / 60;
        struct mmu_walk out;
        bool allowed = model_allows(flags, access, regime);

        map(&s, 0x1000, 0, pte(DATA, V | A | D | flags));
        CHECK_EQ(u, walk(&s, 0x1000, access, regime, &out), allowed ? 0 : WALK_PAGE_FAULT);
        if (allowed) {
            CHECK_EQ(u, out.readable, model_allows(flags, ACCESS_READ, regime));
            CHECK_EQ(u, out.writable, model_allows(flags, ACCESS_WRITE, regime));
            CHECK_EQ(u, out.executable, model_allows(flags, ACCESS_EXEC, regime));
        }
    }
    fixture_fini(&s.fx);
}

/* ---- A and D -------------------------------------------------------------------------------------------------------------------- */

static void svadu_sets_a_and_d_in_memory(struct unit *u)
{
    struct space s;
    struct mmu_walk out;

    space_init(&s, "rv64", SATP_SV39);
    map(&s, 0x1000, 0, pte(DATA, V | R | W));
    CHECK_EQ(u, walk(&s, 0x1000, ACCESS_READ, REGIME_S, &out), 0);
    CHECK(u, out.readable && !out.writable); /* the first store must come back to set D */
    CHECK_EQ(u, get64(&s, pte_address(0x1000, 0)), pte(DATA, V | R | W | A));
    CHECK_EQ(u, walk(&s, 0x1000, ACCESS_WRITE, REGIME_S, &out), 0);
    CHECK(u, out.writable);
    CHECK_EQ(u, get64(&s, pte_address(0x1000, 0)), pte(DATA, V | R | W | A | D));
    fixture_fini(&s.fx);
}

static void svade_faults_instead(struct unit *u)
{
    struct space s;

    space_init(&s, "rv64", SATP_SV39);
    csr_store(s.fx.h, NR_MENVCFG, 0);
    map(&s, 0x1000, 0, pte(DATA, V | R | W | D));
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_S), WALK_PAGE_FAULT);
    map(&s, 0x1000, 0, pte(DATA, V | R | W | A));
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_S), 0);
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_WRITE, REGIME_S), WALK_PAGE_FAULT);
    CHECK_EQ(u, get64(&s, pte_address(0x1000, 0)), pte(DATA, V | R | W | A));
    fixture_fini(&s.fx);
}

static void an_access_that_is_not_permitted_leaves_a_and_d_alone(struct unit *u)
{
    struct space s;

    space_init(&s, "rv64", SATP_SV39);
    map(&s, 0x1000, 0, pte(DATA, V | R));
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_WRITE, REGIME_S), WALK_PAGE_FAULT);
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_U), WALK_PAGE_FAULT);
    CHECK_EQ(u, get64(&s, pte_address(0x1000, 0)), pte(DATA, V | R));
    fixture_fini(&s.fx);
}

static void the_monitors_translation_has_no_side_effect(struct unit *u)
{
    struct space s;
    paddr_t pa;

    space_init(&s, "rv64", SATP_SV39);
    map(&s, 0x1000, 0, pte(DATA, V | R));
    CHECK(u, hart_translate(s.fx.h, 0x1234, &pa));
    CHECK_EQ(u, pa, DATA + 0x234);
    CHECK_EQ(u, get64(&s, pte_address(0x1000, 0)), pte(DATA, V | R));
    CHECK(u, !hart_translate(s.fx.h, 0x2000, &pa));
    set_priv(s.fx.h, PRIV_M);
    CHECK(u, hart_translate(s.fx.h, 0x2000, &pa));
    CHECK_EQ(u, pa, 0x2000);
    fixture_fini(&s.fx);
}

/* ---- PMP and holes ---------------------------------------------------------------------------------------------------------------- */

static void tables_outside_memory_or_forbidden_are_access_faults(struct unit *u)
{
    const enum mmu_access accesses[] = {ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC};
    struct space s;

    space_init(&s, "rv64", SATP_SV39);
    for (unsigned i = 0; i < 3; i++) {
        map(&s, 0x1000, 0, pte(DATA, V | R | W | X | A | D));
        put64(&s, pte_address(0x1000, 1), pte(0x1000, V)); /* a hole */
        CHECK_EQ(u, walk_code(&s, 0x1000, accesses[i], REGIME_S), WALK_ACCESS_FAULT);
        map(&s, 0x1000, 0, pte(DATA, V | R | W | X | A | D));
        CHECK_EQ(u, walk_code(&s, 0x1000, accesses[i], REGIME_S), 0);
        csr_store(s.fx.h, NR_PMPADDR0,
                  (table_of(0) | 0x7ff) >> 2); /* entry 0: the last table; entry 1: all */
        csr_store(s.fx.h, NR_PMPADDR0 + 1, ~UINT64_C(0));
        csr_store(s.fx.h, NR_PMPCFG0, 0x1f18);
        CHECK_EQ(u, walk_code(&s, 0x1000, accesses[i], REGIME_S), WALK_ACCESS_FAULT);
        csr_store(s.fx.h, NR_PMPCFG0, 0x1f1f);
    }
    fixture_fini(&s.fx);
}

static void a_and_d_updates_need_the_right_to_write_the_table(struct unit *u)
{
    struct space s;

    space_init(&s, "rv64", SATP_SV39);
    csr_store(s.fx.h, NR_PMPADDR0, (table_of(0) | 0x7ff) >> 2);
    csr_store(s.fx.h, NR_PMPADDR0 + 1, ~UINT64_C(0));
    csr_store(s.fx.h, NR_PMPCFG0, 0x1f19); /* the table is readable only */
    map(&s, 0x1000, 0, pte(DATA, V | R | A));
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_S), 0);
    map(&s, 0x1000, 0, pte(DATA, V | R));
    CHECK_EQ(u, walk_code(&s, 0x1000, ACCESS_READ, REGIME_S), WALK_ACCESS_FAULT);
    CHECK_EQ(u, get64(&s, pte_address(0x1000, 0)), pte(DATA, V | R));
    fixture_fini(&s.fx);
}

static void the_page_itself_passes_pmp_for_the_access(struct unit *u)
{
    struct space s;
    struct mmu_walk out;

    space_init(&s, "rv64", SATP_SV39);
    map(&s, 0x1000, 0, pte(DATA, V | R | W | X | A | D));
    csr_store(s.fx.h, NR_PMPADDR0, (DATA | 0x3ff) >> 2); /* 2 KiB of the page are read-only */
    csr_store(s.fx.h, NR_PMPADDR0 + 1, ~UINT64_C(0));
    csr_store(s.fx.h, NR_PMPCFG0, 0x1f19);
    CHECK_EQ(u, walk(&s, 0x1000, ACCESS_READ, REGIME_S, &out), 0);
    CHECK(u, out.partial && out.readable && !out.writable && !out.executable);
    CHECK_EQ(u, walk(&s, 0x1000, ACCESS_WRITE, REGIME_S, &out), WALK_ACCESS_FAULT);
    CHECK_EQ(u, walk(&s, 0x1800, ACCESS_WRITE, REGIME_S, &out), 0);
    CHECK(u, out.partial);
    fixture_fini(&s.fx);
}

static void bare_regimes_check_pmp_only(struct unit *u)
{
    struct fixture fx;
    struct mmu_walk out;

    fixture_init(&fx, "rv64");
    CHECK_EQ(u, riscv_walk(&fx.h->cpu, DATA, 8, ACCESS_WRITE, REGIME_BARE_M, &out), 0);
    CHECK(u,
          out.pa == DATA && out.readable && out.writable && out.executable && out.page_bits == 12);
    CHECK_EQ(u, riscv_walk(&fx.h->cpu, DATA, 8, ACCESS_WRITE, REGIME_BARE_SU, &out),
             WALK_ACCESS_FAULT);
    csr_store(fx.h, NR_PMPADDR0, ~UINT64_C(0));
    csr_store(fx.h, NR_PMPCFG0, 0x1d); /* R and X */
    CHECK_EQ(u, riscv_walk(&fx.h->cpu, DATA, 8, ACCESS_READ, REGIME_BARE_SU, &out), 0);
    CHECK(u, out.readable && !out.writable && out.executable);
    CHECK_EQ(u, riscv_walk(&fx.h->cpu, DATA, 8, ACCESS_WRITE, REGIME_BARE_SU, &out),
             WALK_ACCESS_FAULT);
    fixture_fini(&fx);
}

/* ---- two harts and one PTE ---------------------------------------------------------------------------------------------------------- */

#define FLIPS 200000

struct flipper {
    uint64_t *pte;
    uint64_t values[2];
};

static void *flip(void *opaque)
{
    struct flipper *f = opaque;

    for (unsigned i = 0; i < FLIPS; i++) {
        atomic_xchg(f->pte, f->values[i & 1]);
    }
    return NULL;
}

/* A PTE that another hart rewrites is never mixed: A and D appear only in the value that was read. */
static void updates_of_a_and_d_never_resurrect_a_replaced_pte(struct unit *u)
{
    struct space s;
    struct flipper f;
    struct thread t;
    uint64_t size = 8;

    space_init(&s, "rv64", SATP_SV39);
    map(&s, 0x1000, 0, pte(DATA, V | R | W));
    f = (struct flipper){memory_host(s.fx.m.memory, pte_address(0x1000, 0), &size),
                         {pte(DATA, V | R | W), pte(DATA + 0x1000, V | R | W)}};
    thread_create(&t, "flip", flip, &f);
    for (unsigned i = 0; i < FLIPS; i++) {
        struct mmu_walk out;
        int code = walk(&s, 0x1000, ACCESS_WRITE, REGIME_S, &out);
        uint64_t now = load_seq(f.pte) & ~(uint64_t)(A | D);

        CHECK(u, code == 0 && out.writable);
        CHECK(u, now == f.values[0] || now == f.values[1]);
    }
    thread_join(&t);
    CHECK_EQ(u, load_seq(f.pte) & ~(uint64_t)(A | D), f.values[1]);
    fixture_fini(&s.fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(all_depths_and_page_sizes_translate),
        UNIT(addresses_that_are_not_canonical_fault),
        UNIT(malformed_ptes_fault),
        UNIT(pointers_with_leaf_bits_fault),
        UNIT(superpages_must_be_aligned),
        UNIT(global_mappings_are_reported_from_any_level),
        UNIT(permissions_depend_on_mode_user_bit_sum_and_mxr),
        UNIT(svadu_sets_a_and_d_in_memory),
        UNIT(svade_faults_instead),
        UNIT(an_access_that_is_not_permitted_leaves_a_and_d_alone),
        UNIT(the_monitors_translation_has_no_side_effect),
        UNIT(tables_outside_memory_or_forbidden_are_access_faults),
        UNIT(a_and_d_updates_need_the_right_to_write_the_table),
        UNIT(the_page_itself_passes_pmp_for_the_access),
        UNIT(bare_regimes_check_pmp_only),
        UNIT(updates_of_a_and_d_never_resurrect_a_replaced_pte),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
