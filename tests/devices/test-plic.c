/* SPDX-License-Identifier: MIT */
/*
 * The PLIC's rules: priorities, thresholds, enables, gateways, claim and completion, and threads
 * that race for claims.
 */
#include "hw/host/thread.h"
#include "tests/devices/fixture.h"

enum { NSOURCES = 95, NCONTEXTS = 4, PENDING = 0x1000, ENABLE = 0x2000, CONTEXT = 0x200000 };

struct plic_fixture {
    struct fixture fx;
    struct plic_context contexts[NCONTEXTS];
    struct plic_config config;
};

/* context i drives line 10 + i */
static void init(struct plic_fixture *p)
{
    fixture_init(&p->fx);
    for (unsigned i = 0; i < NCONTEXTS; i++) {
        p->contexts[i] =
            (struct plic_context){.irq = &p->fx.lines[10 + i], .cause = i & 1 ? 9 : 11};
    }
    p->config =
        (struct plic_config){.nsources = NSOURCES, .ncontexts = NCONTEXTS, .contexts = p->contexts};
    fixture_add(&p->fx, &plic_model, &p->config);
}

static void set_line(struct plic_fixture *p, unsigned source, bool level)
{
    irq_set(plic_input(p->fx.dev, source), level);
}

static void set_priority(struct plic_fixture *p, unsigned source, unsigned priority)
{
    put(&p->fx, 4 * source, priority, 4);
}

static void enable(struct plic_fixture *p, unsigned context, unsigned source)
{
    uint64_t offset = ENABLE + 0x80 * context + source / 32 * 4;

    put(&p->fx, offset, get(&p->fx, offset, 4) | UINT64_C(1) << (source % 32), 4);
}

static void set_threshold(struct plic_fixture *p, unsigned context, unsigned threshold)
{
    put(&p->fx, CONTEXT + 0x1000 * context, threshold, 4);
}

static unsigned claim(struct plic_fixture *p, unsigned context)
{
    return (unsigned)get(&p->fx, CONTEXT + 0x1000 * context + 4, 4);
}

static void complete(struct plic_fixture *p, unsigned context, unsigned source)
{
    put(&p->fx, CONTEXT + 0x1000 * context + 4, source, 4);
}

static bool is_pending(struct plic_fixture *p, unsigned source)
{
    return (get(&p->fx, PENDING + source / 32 * 4, 4) >> (source % 32)) & 1;
}

static void registers_hold_only_the_bits_that_exist(struct unit *u)
{
    struct plic_fixture p;

    init(&p);
    for (unsigned i = 0; i <= NSOURCES + 1; i++) {
        put(&p.fx, 4 * i, 0xffffffff, 4);
        CHECK_EQ(u, get(&p.fx, 4 * i, 4), i >= 1 && i <= NSOURCES ? 7 : 0);
    }
    put(&p.fx, ENABLE + 0x80, 0xffffffff, 4);
    CHECK_EQ(u, get(&p.fx, ENABLE + 0x80, 4), 0xfffffffe);
    put(&p.fx, ENABLE + 0x88, 0xffffffff, 4);
    CHECK_EQ(u, get(&p.fx, ENABLE + 0x88, 4), 0xffffffff);
    put(&p.fx, ENABLE + 0x8c, 0xffffffff, 4);
    CHECK_EQ(u, get(&p.fx, ENABLE + 0x8c, 4), 0);
    put(&p.fx, ENABLE + 0x80 * NCONTEXTS, 0xffffffff, 4);
    CHECK_EQ(u, get(&p.fx, ENABLE + 0x80 * NCONTEXTS, 4), 0);
    put(&p.fx, CONTEXT, 0xff, 4);
    CHECK_EQ(u, get(&p.fx, CONTEXT, 4), 7);
    put(&p.fx, PENDING, 0xffffffff, 4);
    CHECK_EQ(u, get(&p.fx, PENDING, 4), 0);
    CHECK(u, plic_input(p.fx.dev, 0) == NULL && plic_input(p.fx.dev, NSOURCES + 1) == NULL);
    fixture_fini(&p.fx);
}

static void output_needs_enable_and_priority_above_threshold(struct unit *u)
{
    struct plic_fixture p;

    init(&p);
    set_line(&p, 10, true);
    CHECK(u, is_pending(&p, 10));
    CHECK_EQ(u, p.fx.level[11], 0);
    enable(&p, 1, 10);
    CHECK_EQ(u, p.fx.level[11], 0); /* priority 0 */
    set_priority(&p, 10, 3);
    CHECK_EQ(u, p.fx.level[11], 1);
    CHECK_EQ(u, p.fx.level[10], 0);
    set_threshold(&p, 1, 3);
    CHECK_EQ(u, p.fx.level[11], 0);
    set_threshold(&p, 1, 2);
    CHECK_EQ(u, p.fx.level[11], 1);
    put(&p.fx, ENABLE + 0x80, 0, 4);
    CHECK_EQ(u, p.fx.level[11], 0);
    fixture_fini(&p.fx);
}

static void claim_takes_the_highest_priority_then_the_lowest_number(struct unit *u)
{
    struct plic_fixture p;
    static const unsigned sources[] = {5, 33, 64, 95};

    init(&p);
    for (unsigned i = 0; i < ARRAY_SIZE(sources); i++) {
        enable(&p, 0, sources[i]);
        set_priority(&p, sources[i], sources[i] == 64 ? 6 : 2);
        set_line(&p, sources[i], true);
    }
    CHECK_EQ(u, claim(&p, 0), 64);
    CHECK_EQ(u, claim(&p, 0), 5);
    CHECK_EQ(u, claim(&p, 0), 33);
    CHECK_EQ(u, p.fx.level[10], 1);
    CHECK_EQ(u, claim(&p, 0), 95);
    CHECK_EQ(u, p.fx.level[10], 0);
    CHECK_EQ(u, claim(&p, 0), 0);
    fixture_fini(&p.fx);
}

static void claim_ignores_the_threshold_but_not_priority_zero(struct unit *u)
{
    struct plic_fixture p;

    init(&p);
    enable(&p, 0, 7);
    set_line(&p, 7, true);
    CHECK_EQ(u, claim(&p, 0), 0);
    set_priority(&p, 7, 1);
    set_threshold(&p, 0, 7);
    CHECK_EQ(u, p.fx.level[10], 0);
    CHECK_EQ(u, claim(&p, 0), 7);
    fixture_fini(&p.fx);
}

static void a_level_that_stays_high_interrupts_again_after_completion(struct unit *u)
{
    struct plic_fixture p;

    init(&p);
    enable(&p, 0, 3);
    set_priority(&p, 3, 1);
    set_line(&p, 3, true);
    CHECK_EQ(u, claim(&p, 0), 3);
    CHECK(u, !is_pending(&p, 3));
    set_line(&p, 3, false);
    set_line(&p, 3, true); /* the gateway is closed */
    CHECK(u, !is_pending(&p, 3));
    CHECK_EQ(u, p.fx.level[10], 0);
    complete(&p, 0, 3);
    CHECK_EQ(u, p.fx.level[10], 1);
    CHECK_EQ(u, claim(&p, 0), 3);
    set_line(&p, 3, false);
    complete(&p, 0, 3);
    CHECK_EQ(u, p.fx.level[10], 0);
    CHECK_EQ(u, claim(&p, 0), 0);
    fixture_fini(&p.fx);
}

static void a_request_stays_pending_when_its_line_falls(struct unit *u)
{
    struct plic_fixture p;

    init(&p);
    enable(&p, 0, 3);
    set_priority(&p, 3, 1);
    set_line(&p, 3, true);
    set_line(&p, 3, false);
    CHECK_EQ(u, p.fx.level[10], 1);
    CHECK_EQ(u, claim(&p, 0), 3);
    complete(&p, 0, 3);
    CHECK_EQ(u, claim(&p, 0), 0);
    fixture_fini(&p.fx);
}

static void completion_counts_only_for_a_source_that_the_context_enabled(struct unit *u)
{
    struct plic_fixture p;

    init(&p);
    enable(&p, 0, 3);
    enable(&p, 2, 3);
    set_priority(&p, 3, 1);
    set_line(&p, 3, true);
    CHECK_EQ(u, claim(&p, 0), 3);
    complete(&p, 1, 3); /* context 1 has not enabled it */
    complete(&p, 0, 0);
    complete(&p, 0, 4);
    complete(&p, 0, 96);
    complete(&p, 0, 0xffffffff);
    CHECK(u, !is_pending(&p, 3));
    complete(&p, 2, 3); /* another that has */
    CHECK(u, is_pending(&p, 3));
    fixture_fini(&p.fx);
}

static void a_claim_by_one_context_withdraws_it_from_the_others(struct unit *u)
{
    struct plic_fixture p;

    init(&p);
    for (unsigned i = 0; i < NCONTEXTS; i++) {
        enable(&p, i, 20);
    }
    set_priority(&p, 20, 1);
    set_line(&p, 20, true);
    for (unsigned i = 0; i < NCONTEXTS; i++) {
        CHECK_EQ(u, p.fx.level[10 + i], 1);
    }
    CHECK_EQ(u, claim(&p, 3), 20);
    for (unsigned i = 0; i < NCONTEXTS; i++) {
        CHECK_EQ(u, p.fx.level[10 + i], 0);
        CHECK_EQ(u, claim(&p, i), 0);
    }
    fixture_fini(&p.fx);
}

static void reset_forgets_everything_but_the_lines(struct unit *u)
{
    struct plic_fixture p;

    init(&p);
    enable(&p, 0, 3);
    set_priority(&p, 3, 1);
    set_line(&p, 3, true);
    fixture_reset(&p.fx);
    CHECK_EQ(u, p.fx.level[10], 0);
    CHECK_EQ(u, get(&p.fx, 12, 4), 0);
    CHECK_EQ(u, get(&p.fx, ENABLE, 4), 0);
    CHECK_EQ(u, get(&p.fx, PENDING, 4), 0);
    fixture_fini(&p.fx);
}

enum { CLAIMERS = 4, CLAIMS = 20000 };

struct claimer {
    struct plic_fixture *p;
    unsigned context;
    uint32_t *owner;  /* a: of each source, while claimed */
    uint32_t *twice;  /* a: claims of what another had */
    uint32_t *claims; /* a */
};

static void *claim_and_complete(void *arg)
{
    struct claimer *c = arg;

    for (unsigned i = 0; i < CLAIMS; i++) {
        unsigned source = claim(c->p, c->context);

        if (source) {
            if (atomic_xchg(&c->owner[source], 1)) {
                fetch_add(c->twice, 1);
            }
            fetch_add(c->claims, 1);
            store_seq(&c->owner[source], 0);
            complete(c->p, c->context, source);
        }
    }
    return NULL;
}

static void racing_claims_never_get_the_same_interrupt(struct unit *u)
{
    struct plic_fixture p;
    struct claimer claimers[CLAIMERS];
    struct thread threads[CLAIMERS];
    uint32_t owner[NSOURCES + 1] = {0}, twice = 0, claims = 0;

    init(&p);
    for (unsigned s = 1; s <= 3; s++) {
        set_priority(&p, s, s);
        set_line(&p, s, true);
        for (unsigned i = 0; i < NCONTEXTS; i++) {
            enable(&p, i, s);
        }
    }
    for (unsigned i = 0; i < CLAIMERS; i++) {
        claimers[i] = (struct claimer){&p, i % NCONTEXTS, owner, &twice, &claims};
        CHECK_EQ(u, thread_create(&threads[i], "claimer", claim_and_complete, &claimers[i]), 0);
    }
    for (unsigned i = 0; i < CLAIMERS; i++) {
        thread_join(&threads[i]);
    }
    CHECK_EQ(u, twice, 0);
    CHECK(u, claims > 0);
    CHECK_EQ(u, p.fx.level[10], 1);
    fixture_fini(&p.fx);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(registers_hold_only_the_bits_that_exist),
        UNIT(output_needs_enable_and_priority_above_threshold),
        UNIT(claim_takes_the_highest_priority_then_the_lowest_number),
        UNIT(claim_ignores_the_threshold_but_not_priority_zero),
        UNIT(a_level_that_stays_high_interrupts_again_after_completion),
        UNIT(a_request_stays_pending_when_its_line_falls),
        UNIT(completion_counts_only_for_a_source_that_the_context_enabled),
        UNIT(a_claim_by_one_context_withdraws_it_from_the_others),
        UNIT(reset_forgets_everything_but_the_lines),
        UNIT(racing_claims_never_get_the_same_interrupt),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
