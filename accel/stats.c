/* SPDX-License-Identifier: MIT */
/*
 * The engine's counters as text (-d stats, `info jit`). Sums over vCPUs; values may be a little
 * behind while they run.
 */
#include "accel/internal.h"

#include <inttypes.h>

struct counter {
    const char *name;
    size_t offset;
};

#define ENGINE(field, name)                       \
    {                                             \
        name, offsetof(struct vcpu_engine, field) \
    }
#define MMU(field, name)                  \
    {                                     \
        name, offsetof(struct mmu, field) \
    }

static const struct counter engine_counters[] = {
    ENGINE(ntranslated, "TBs translated"),
    ENGINE(ninsns, "guest instructions translated"),
    ENGINE(guest_bytes, "guest bytes translated"),
    ENGINE(host_bytes, "host bytes generated"),
    ENGINE(translate_ns, "ns spent translating (-d stats)"),
    ENGINE(nexits, "exits to the main loop"),
    ENGINE(nlookups, "lookups of the main loop"),
    ENGINE(nmisses, "lookups that missed the jump cache"),
    ENGINE(nchained, "exits chained"),
    ENGINE(npolls, "polls that asked for something"),
    ENGINE(nirqs, "interrupts taken"),
    ENGINE(nwfi, "sleeps"),
    ENGINE(nfencei, "fence.i"),
};

static const struct counter mmu_counters[] = {
    MMU(nfills, "TLB fills"),
    MMU(nslow_loads, "slow loads"),
    MMU(nslow_stores, "slow stores and atomics"),
    MMU(nmmio, "device accesses"),
    MMU(nflush_all, "flushes of everything"),
    MMU(nflush_slot, "flushes of a slot"),
    MMU(nflush_page, "flushes of a page"),
    MMU(nslot_new, "address-space slots taken"),
};

static uint64_t counter_sum(const struct accel *a, size_t offset, bool of_mmu)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < a->nvcpus; i++) {
        const char *base =
            of_mmu ? (const char *)&a->vcpus[i]->mmu : (const char *)a->vcpus[i]->engine;

        sum += load_relaxed((const uint64_t *)(base + offset));
    }
    return sum;
}

void accel_print_stats(struct accel *a, FILE *out)
{
    uint64_t insns = counter_sum(a, offsetof(struct vcpu_engine, ninsns), false);
    uint64_t guest = counter_sum(a, offsetof(struct vcpu_engine, guest_bytes), false);

    for (unsigned i = 0; i < ARRAY_SIZE(engine_counters); i++) {
        fprintf(out, "%-40s %" PRIu64 "\n", engine_counters[i].name,
                counter_sum(a, engine_counters[i].offset, false));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(mmu_counters); i++) {
        fprintf(out, "%-40s %" PRIu64 "\n", mmu_counters[i].name,
                counter_sum(a, mmu_counters[i].offset, true));
    }
    if (insns) {
        fprintf(out, "%-40s %.1f\n", "ns per translated guest instruction",
                (double)counter_sum(a, offsetof(struct vcpu_engine, translate_ns), false) /
                    (double)insns);
        fprintf(out, "%-40s %.2f\n", "host bytes per guest byte",
                (double)counter_sum(a, offsetof(struct vcpu_engine, host_bytes), false) /
                    (double)guest);
    }
    mutex_lock(&a->tb_lock);
    fprintf(out, "%-40s %" PRIu64 "\n", "TBs alive", a->ntbs);
    mutex_unlock(&a->tb_lock);
    fprintf(out, "%-40s %" PRIu64 "\n", "code regions recycled", load_relaxed(&a->drops));
}
