/* SPDX-License-Identifier: MIT */
/*
 * What the files of accel/ share. Lock letters: c constant after creation, t owner vCPU thread
 * only, a atomic, T accel->tb_lock, S accel->safe_lock.
 *
 * tb_lock serialises every change of the TB structures: insertion, chaining, death. Lookups take
 * no lock: hash chains and jump caches are read with acquire, and a TB's memory is freed only
 * when its code region is recycled, with all vCPUs outside guest code and the engine.
 */
#ifndef ACCEL_INTERNAL_H
#define ACCEL_INTERNAL_H

#include "accel/vcpu.h"
#include "hw/host/bits.h"
#include "hw/host/log.h"

#define TB_HASH_BITS      16
#define PAGE_HASH_BITS    12
#define TB_MAX_INSNS      96
#define CODE_SIZE_DEFAULT (UINT64_C(128) << 20)
#define CODE_SIZE_MIN     (UINT64_C(4) << 20)
#define CODE_SIZE_MAX     (UINT64_C(1) << 30)
#define NO_PAGE           (~UINT64_C(0))

/* Engine's bits of the mode key, above the target's. */
#define KEY_ENGINE_ONE_INSN \
    BIT(31) /* the page's rights hold for one instruction only: not chained, not cached */

/* Where jump-cache entries for a TB are: of its one address, which all harts hash alike. */
#define JC_NOWHERE  0u
#define JC_ANYWHERE 1u
#define JC_PLACE    UINT32_C(0x80000000) /* | first entry of the pair, in any hart's cache */

/* An exit, and its place in the list of exits chained to the same TB. */
struct tb_link {
    struct tcg_site site;         /* c */
    struct tb *target;            /* T */
    struct tb_link *next, **prev; /* T: in target->incoming */
    struct tb *owner;             /* c */
};

struct tb {
    paddr_t pa;              /* c: of the first instruction */
    paddr_t pa2;             /* c: page of the second half of a crossing instruction, or NO_PAGE */
    uint32_t mode_key;       /* c */
    uint32_t jc_place;       /* a: JC_* */
    struct tb *hash_next;    /* a: writes under T. What a lookup reads ends here */
    uint16_t head_off, size; /* c: guest offset in the page, bytes */
    uint16_t ninsns, nlinks; /* c */
    bool dead;               /* a: no longer found */
    uint32_t code_size, entry, pcmap; /* c: see struct tcg_code */
    uint8_t *rx;                      /* c: polling entry */
    uint8_t *bytes;                   /* c: the guest code it was made from */
    struct tb *page_next[2];          /* T: lists of the page of pa, and of pa2 */
    struct tb_link *incoming;         /* T */
    struct tb_link *links;            /* c: nlinks */
};

/* The TBs of one physical page. */
struct tb_page {
    paddr_t page;
    struct tb *first; /* T */
    struct tb_page *next;
};

/* A piece of code memory that one thread at a time fills; and the TBs in it, by address. */
struct region {
    struct code_region code;
    struct tb **tbs;     /* entries: t of the filling thread until published by ntbs */
    uint8_t *describing; /* room for struct tb, its links and guest code; filled like code */
    size_t ndescribing;  /* t: bytes used */
    unsigned ntbs;       /* a */
    unsigned max;        /* c */
    bool taken;          /* S */
    uint64_t filled_at;  /* S: order of filling, for recycling the oldest */
};

/* A host thread that runs one hart, or all in turn. */
struct vcpu_thread {
    struct thread thread;
    struct accel *accel;
    struct vcpu **cpus;
    unsigned ncpus;
    uint32_t sleeping; /* a */
    uint32_t wake;     /* a: futex, counts wakes */
};

/* The entries of a jump cache by guest page: lists of indexes, doubly linked. Owner thread. */
#define JC_PAGE_LISTS 1024
struct jc_node {
    uint16_t list; /* which one it is on, or UINT16_MAX */
    uint16_t prev, next;
};
/* Addresses that superpages may map: a flush by address there concerns more than a page. */
struct jc_large {
    vaddr_t lo, hi;
    bool any;
};
struct jc_lists {
    uint16_t first[JC_PAGE_LISTS]; /* by hash of the page */
    struct jc_node node[JC_ENTRIES];
    struct jc_large large[2]; /* of the lower and the upper half of addresses */
};

/* The engine's own part of a vCPU. */
struct vcpu_engine {
    struct tcg_context *ctx;
    struct region *region;                  /* t: being filled; NULL at first */
    struct vcpu_thread *thread;             /* c after start */
    struct jc_lists jc_lists;               /* t */
    uint8_t page_copy[GUEST_PAGE_SIZE + 8]; /* t: the guest code being translated */
    uint8_t next_copy[8];
    /* t: statistics (counters.def) */
    uint64_t nlookups, nmisses, ntranslated, ninsns, guest_bytes, host_bytes, nchained, nirqs, nwfi,
        nexits, nfencei;
    uint64_t timed_ns, timed_insns; /* of the translations that were timed */
    uint64_t exits[TCG_EXIT_LOOP + 1];
    uint64_t npolls, npoll_irq, npoll_work, npoll_slice;
    uint64_t fp_calls[IR_OP_COUNT]; /* with accel_options.count_calls */
};

struct accel {
    struct machine *machine;      /* c */
    struct accel_options options; /* c */
    struct mmu_domain *domain;    /* c */
    struct cpu_model_desc desc;   /* c after the first vcpu_init */
    struct tcg *tcg;              /* c after the first vcpu_init */
    struct code_memory memory;    /* c */
    struct code_region prologue;  /* c */
    struct region *regions;       /* c: array; contents see above */
    unsigned nregions;
    size_t region_size;

    struct vcpu **vcpus; /* c after creation */
    unsigned nvcpus;
    struct vcpu_thread *threads; /* c after start */
    unsigned nthreads;
    struct timer slice; /* thread=single: whose turn */
    struct vcpu *turn;  /* a: thread=single: the vCPU that runs */

    struct mutex tb_lock;
    struct tb **hash; /* chains: a, writes under T */
    struct tb_page *pages[1 << PAGE_HASH_BITS] GUARDED_BY(tb_lock);
    uint64_t drops; /* a: counts dropped regions: pointers to TBs from before may be dangling */
    bool jc_scan;   /* T: some killed TB may be in jump caches that are not known */
    uint64_t ntbs, nkilled, nunchained; /* T; statistics read them without */
    struct perf_map *perf_map;          /* c; NULL: none */

    struct mutex safe_lock;
    struct cond safe_cond;
    unsigned pausers GUARDED_BY(safe_lock);
    unsigned running GUARDED_BY(safe_lock); /* threads that are not parked */
    bool stopping GUARDED_BY(safe_lock);
    bool started; /* main thread */
    uint64_t fill_clock GUARDED_BY(safe_lock);
    uint64_t nrecycled GUARDED_BY(safe_lock);
};

/* ---- tb.c ---------------------------------------------------------------------------------- */

/* The TB for these keys, or NULL. Lock-free. */
struct tb *tb_lookup(const struct accel *a, paddr_t pa, paddr_t pa2, uint32_t mode_key);
/*
 * Publishes TB. Returns it, or the one that another thread published first; or NULL if the code
 * has changed since it was read: a fence.i of another hart that did not see TB may be done.
 */
struct tb *tb_insert(struct accel *a, struct tb *tb);
/* Chains the exit LINK to TARGET, unless either has died. */
void tb_chain(struct accel *a, struct tb_link *link, struct tb *target);
/* The TB whose host code holds HOST, or NULL. */
struct tb *tb_of_host(const struct accel *a, uint64_t host);
/* For code_pages_collect: drops the TBs of page PA whose bytes changed; true if some remain. */
bool tb_check_page(void *accel, paddr_t pa);
/* With all vCPUs parked: every TB of region R is dropped and freed. */
void tb_drop_region(struct accel *a, struct region *r);

/* ---- jump-cache.c -------------------------------------------------------------------------- */

static inline unsigned jc_index(uint64_t va)
{
    return ((va >> 1) ^ (va >> GUEST_PAGE_BITS)) & (JC_ENTRIES - 1);
}

/* The TB cached for the current pc and key of CPU, or NULL. */
struct tb *jc_find(const struct vcpu *cpu);
/* Caches TB for the current pc and key of CPU; mappings of up to 1 << PAGE_BITS bytes led to it. */
void jc_insert(struct vcpu *cpu, struct tb *tb, unsigned page_bits);
/* Drops entries for the mapping that VA lies in (whatever their key). Own thread. */
void jc_flush_page(struct vcpu *cpu, vaddr_t va);
void jc_clear(struct vcpu *cpu);
/*
 * Any thread: drops the entries for dead TB at its known place; sets accel->jc_scan if there are
 * others.
 */
void jc_forget(struct accel *a, struct tb *tb) REQUIRES(&a->tb_lock);
/*
 * Any thread: drops entries of all dead TBs from all jump caches. PARKED: no vCPU runs, and no
 * pointer to such a TB may stay.
 */
void jc_forget_all(struct accel *a, bool parked) REQUIRES(&a->tb_lock);

/* ---- accel.c ------------------------------------------------------------------------------- */

/* Makes jc_key what mode and address space say. Own thread. */
void vcpu_update_key(struct vcpu *cpu);

/* ---- translate.c --------------------------------------------------------------------------- */

/*
 * The TB for CPU's pc and mode; translates if need be. NULL: try again; an exception was raised (pc
 * changed), or the code is just being written.
 */
struct tb *vcpu_find_tb(struct vcpu *cpu);

/* ---- region.c ------------------------------------------------------------------------------ */

int regions_init(struct accel *a, struct err *err);
void regions_fini(struct accel *a);
/* Gives CPU a region with room, recycling the oldest one if need be. May park. */
void region_next(struct vcpu *cpu);
/* SIZE bytes that live as long as the region's code. */
void *region_alloc(struct region *r, size_t size);
/* False: CPU's region, if it has one, may have no room for another TB's description. */
bool region_has_room(const struct accel *a, const struct region *r);

/* ---- safe-work.c --------------------------------------------------------------------------- */

/*
 * Own thread, outside guest code: waits while someone pauses the vCPUs. False when the thread
 * must end.
 */
bool vcpu_park(struct accel *a);
/* Own thread: the section between runs with every other vCPU parked. */
void exclusive_begin(struct vcpu *cpu);
void exclusive_end(struct vcpu *cpu);

/* ---- perf-map.c ---------------------------------------------------------------------------- */

/* Creates /tmp/perf-PID.map, in place of whatever has that name. */
int perf_map_open(struct accel *a, struct err *err);
void perf_map_close(struct accel *a);
/* The thunks' names; before any TB. */
void perf_map_thunks(struct accel *a);
/* TB was translated at PC; its thread. */
void perf_map_tb(struct accel *a, const struct tb *tb, vaddr_t pc, const char *mode);
/* With all vCPUs parked: the TBs of region R lose their names. */
void perf_map_drop_region(struct accel *a, const struct region *r);

/* ---- run.c --------------------------------------------------------------------------------- */

void *vcpu_thread_main(void *thread);
/*
 * Inside generated code, cpu->pc exact: takes interrupts, if the poll word asks for nothing else.
 * True: go on at cpu->pc. Own thread.
 */
bool vcpu_poll_inside(struct vcpu *cpu);

#endif
