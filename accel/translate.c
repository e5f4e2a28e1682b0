/* SPDX-License-Identifier: MIT */
/*
 * Finding the TB for a hart's pc: jump cache, then the table by physical address, then
 * translation.
 *
 * A translation reads a private copy of the guest code, taken after the page was protected, and
 * keeps it: what a later fence.i compares is exactly what was translated.
 */
#include "accel/internal.h"
#include "hw/host/clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#define TB_BYTES_MAX (TB_MAX_INSNS * 4)

/* Where the pc's code lies. */
struct fetch {
    struct mmu_fetch first;
    struct mmu_fetch second; /* host: NULL if all is in the first page */
    paddr_t pa2;             /* page of the second, or NO_PAGE */
    bool cacheable;
};

static bool fetch_at(struct vcpu *cpu, vaddr_t va, struct mmu_fetch *f)
{
    int rc = mmu_fetch(&cpu->mmu, va, cpu->fetch_regime, f);

    if (rc) {
        cpu->ops->fetch_fault(cpu, va, rc < 0 ? 0 : rc);
    }
    return !rc;
}

/*
 * A 32-bit instruction at the last halfword of a page goes on in the next one; one in a split
 * page needs rights for both halves.
 */
static bool fetch(struct vcpu *cpu, struct fetch *f)
{
    unsigned offset = cpu->pc & ~GUEST_PAGE_MASK;
    bool wide;

    f->second = (struct mmu_fetch){.host = NULL};
    f->pa2 = NO_PAGE;
    if (!fetch_at(cpu, cpu->pc, &f->first)) {
        return false;
    }
    f->cacheable = f->first.cacheable;
    wide = (load_relaxed((const uint16_t *)(f->first.host + offset)) & 3) == 3;
    if (!wide || (offset != GUEST_PAGE_SIZE - 2 && f->cacheable)) {
        return true;
    }
    if (!fetch_at(cpu, cpu->pc + 2, &f->second)) {
        return false;
    }
    f->cacheable &= f->second.cacheable;
    if (offset == GUEST_PAGE_SIZE - 2) {
        f->pa2 = f->second.pa & GUEST_PAGE_MASK;
    }
    return true;
}

static void log_in_asm(struct vcpu *cpu, const struct tb_source *src)
{
    uint8_t bytes[TB_BYTES_MAX + 8];
    unsigned size = (unsigned)(src->end_off - src->pc_off);
    unsigned first = MIN(size, (unsigned)GUEST_PAGE_SIZE - (unsigned)src->pc_off);
    FILE *out = log_begin();
    char text[128];

    memcpy(bytes, src->host + src->pc_off, first);
    if (src->next) {
        memcpy(bytes + first, src->next, size - first);
    }
    fprintf(out, "IN: hart %u mode %x\n", cpu->index, src->mode_key);
    for (unsigned done = 0; done < size;) {
        uint64_t pc = src->pc_page + (uint64_t)src->pc_off + done;
        unsigned len = cpu->ops->disas(cpu, pc, bytes + done, size - done, text, sizeof(text));

        fprintf(out, "0x%016" PRIx64 ":  %s\n", pc, text);
        done += len ? len : 2;
    }
    fputc('\n', out);
    log_end();
}

/*
 * The private copy of the code from the pc on, by units that are as large as can be: each halfword
 * is read once.
 */
static void copy_code(struct vcpu *cpu, const struct fetch *f, struct tb_source *src)
{
    struct vcpu_engine *en = cpu->engine;
    unsigned offset = (cpu->pc & ~GUEST_PAGE_MASK) & ~7u;
    unsigned end = (unsigned)MIN((cpu->pc & ~GUEST_PAGE_MASK) + TB_BYTES_MAX, GUEST_PAGE_SIZE);

    for (; offset < end; offset += 8) {
        uint64_t v = load_relaxed((const uint64_t *)(f->first.host + offset));

        memcpy(en->page_copy + offset, &v, 8);
    }
    src->host = en->page_copy;
    if (f->pa2 != NO_PAGE) {
        store_le16(en->next_copy, load_relaxed((const uint16_t *)f->second.host));
        src->next = en->next_copy;
    }
}

/* The description of CODE, in the region that it lies in, at TB. */
static void tb_describe(struct region *r, struct tb *tb, const struct tb_source *src,
                        const struct tcg_code *code)
{
    struct tb_link *links = region_alloc(r, code->nsites * sizeof(*links));
    unsigned first;

    tb->head_off = (uint16_t)src->pc_off;
    tb->size = (uint16_t)(src->end_off - src->pc_off);
    tb->ninsns = (uint16_t)src->ninsns;
    tb->rx = code->rx;
    tb->code_size = code->size;
    tb->entry = code->entry;
    tb->pcmap = code->pcmap;
    tb->nlinks = (uint16_t)code->nsites;
    tb->links = links;
    tb->bytes = region_alloc(r, tb->size);
    for (unsigned i = 0; i < code->nsites; i++) {
        links[i] = (struct tb_link){.site = code->sites[i], .owner = tb};
    }
    first = (unsigned)MIN(tb->size, GUEST_PAGE_SIZE - tb->head_off);
    memcpy(tb->bytes, src->host + src->pc_off, first);
    if (src->next) {
        memcpy(tb->bytes + first, src->next, tb->size - first);
    }
}

/* Code for SRC in the vCPU's region, taking new ones until it fits; and its TB, but for where it is. */
static struct tb *tb_compile(struct vcpu *cpu, struct tb_source *src)
{
    struct vcpu_engine *en = cpu->engine;
    struct tcg_code code;
    struct tb *tb;
    int rc;

    do {
        if (!region_has_room(cpu->accel, en->region)) {
            region_next(cpu);
        }
        tb = region_alloc(en->region, sizeof(*tb));
        *tb = (struct tb){.pa2 = NO_PAGE};
        ir_begin(en->ctx);
        cpu->ops->translate(cpu, en->ctx, src);
        rc = tcg_compile(en->ctx, &en->region->code, tb, src->pc_off, &code);
        if (rc) {
            assert(rc == -ENOSPC && en->region->ntbs > 0);
            region_next(cpu);
        }
    } while (rc);
    tb_describe(en->region, tb, src, &code);
    en->region->tbs[en->region->ntbs] = tb;
    store_release(&en->region->ntbs, en->region->ntbs + 1);
    return tb;
}

#define TIMED_EVERY 16 /* a clock read costs as much as translating an instruction */

static int64_t time_translation(const struct vcpu_engine *en)
{
    return log_enabled(LOG_STATS) || en->ntranslated % TIMED_EVERY == 0 ? clock_now_ns() : 0;
}

static void count_translation(struct vcpu_engine *en, const struct tb *tb, int64_t start_ns)
{
    en->ntranslated++;
    en->ninsns += tb->ninsns;
    en->guest_bytes += tb->size;
    en->host_bytes += tb->code_size;
    if (start_ns) {
        en->timed_ns += (uint64_t)(clock_now_ns() - start_ns);
        en->timed_insns += tb->ninsns;
    }
}

/*
 * The page may have stopped being a code page between protect and publish: then watch it again,
 * and let the next fence.i compare.
 */
static void recheck_page(struct accel *a, struct vcpu *cpu, paddr_t pa)
{
    smp_mb(); /* with collect_page's clearing of PAGE_READY, before it looks for TBs again */
    if (!code_page_is_protected(a->domain, pa)) {
        code_page_protect(a->domain, pa, &cpu->mmu);
        memory_written(a->machine->memory, pa, 1);
    }
}

static struct tb *translate(struct vcpu *cpu, const struct fetch *f, uint32_t mode_key)
{
    struct accel *a = cpu->accel;
    struct tb *tb, *published;
    int64_t start_ns = time_translation(cpu->engine);
    struct tb_source src = {
        .pc_page = cpu->pc & GUEST_PAGE_MASK,
        .pc_off = (int32_t)(cpu->pc & ~GUEST_PAGE_MASK),
        .mode_key = cpu->mode_key,
        .max_insns = f->cacheable ? TB_MAX_INSNS : 1,
        .superblock = !a->options.superblock_off,
        .fuse_lrsc = !a->options.lrsc_exclusive,
    };

    code_page_protect(a->domain, f->first.pa, &cpu->mmu);
    if (f->pa2 != NO_PAGE) {
        code_page_protect(a->domain, f->pa2, &cpu->mmu);
    }
    copy_code(cpu, f, &src);
    tb = tb_compile(cpu, &src);
    tb->pa = f->first.pa;
    tb->pa2 = f->pa2;
    tb->mode_key = mode_key;
    if (log_enabled(LOG_IN_ASM)) {
        log_in_asm(cpu, &src);
    }
    count_translation(cpu->engine, tb, start_ns);
    if (unlikely(a->perf_map)) {
        perf_map_tb(a, tb, cpu->pc, cpu->ops->mode_name(cpu->mode_key));
    }
    published = tb_insert(a, tb);
    if (published != tb) {
        /* Its code stays unused in the region, and it is freed with that. */
        store_relaxed(&tb->dead, true);
        return published;
    }
    recheck_page(a, cpu, f->first.pa);
    if (f->pa2 != NO_PAGE) {
        recheck_page(a, cpu, f->pa2);
    }
    return tb;
}

static struct tb *find_slow(struct vcpu *cpu)
{
    struct fetch f;
    struct tb *tb;
    uint32_t mode_key = cpu->mode_key;

    cpu->engine->nmisses++;
    if (!fetch(cpu, &f)) {
        return NULL;
    }
    mode_key |= f.cacheable ? 0 : KEY_ENGINE_ONE_INSN;
    tb = tb_lookup(cpu->accel, f.first.pa, f.pa2, mode_key);
    if (!tb) {
        tb = translate(cpu, &f, mode_key);
        if (!tb) {
            return NULL; /* the main loop looks at its poll word and comes again */
        }
    }
    if (f.cacheable) {
        vcpu_update_key(cpu); /* the fetch may have been the first from a page that is not global */
        jc_insert(cpu, tb, MAX(f.first.page_bits, f.second.page_bits));
    }
    return tb;
}

struct tb *vcpu_find_tb(struct vcpu *cpu)
{
    struct tb *tb = jc_find(cpu);

    cpu->engine->nlookups++;
    return tb ? tb : find_slow(cpu);
}
