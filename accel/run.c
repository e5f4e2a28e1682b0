/* SPDX-License-Identifier: MIT */
/*
 * The vCPU threads: the main loop around generated code, polls, and sleep.
 *
 * Sleep: the sleeper sets `sleeping`, then looks at the poll words and for work; a kicker sets
 * the poll word, then looks at `sleeping` (both sequentially consistent), so one sees the other.
 * Whoever makes work for a hart in wfi kicks it.
 */
#include "accel/internal.h"
#include "hw/host/clock.h"

#include <inttypes.h>

#define SLICE_NS 2000000

/* Why a vCPU gives its thread back. */
enum slice_end { SLICE_WAIT, SLICE_TURN, SLICE_EXIT };

void vcpu_kick(struct vcpu *cpu, uint32_t bits)
{
    struct accel *a = cpu->accel;
    struct vcpu_thread *t = load_acquire(&cpu->engine->thread);
    struct vcpu *turn;

    fetch_or(&cpu->poll, bits);
    if (!t) {
        return;
    }
    if (load_seq(&t->sleeping)) {
        fetch_add(&t->wake, 1);
        futex_wake(&t->wake, 1);
    } else if (t->ncpus > 1) {
        turn = load_relaxed(&a->turn);
        if (turn && turn != cpu) {
            fetch_or(&turn->poll, VCPU_POLL_SLICE);
        }
    }
}

static void slice_over(void *accel)
{
    struct accel *a = accel;
    struct vcpu *turn = load_relaxed(&a->turn);

    if (turn && !load_seq(&a->threads[0].sleeping)) {
        fetch_or(&turn->poll, VCPU_POLL_SLICE);
        timer_mod(a->machine->timers, &a->slice, clock_now_ns() + SLICE_NS);
    }
}

bool vcpu_poll_inside(struct vcpu *cpu)
{
    if (load_acquire(&cpu->poll) & ~VCPU_POLL_IRQ || cpu->waiting) {
        return false;
    }
    cpu->engine->npolls++;
    cpu->engine->npoll_irq++;
    fetch_and(&cpu->poll, ~VCPU_POLL_IRQ);
    cpu->engine->nirqs += cpu->ops->take_interrupt(cpu);
    return true;
}

/* What the poll word asks for. False with *END when the vCPU must give its thread back. */
static bool handle_poll(struct vcpu *cpu, uint32_t poll, enum slice_end *end)
{
    cpu->engine->npolls++;
    cpu->engine->npoll_irq += (poll & VCPU_POLL_IRQ) != 0;
    cpu->engine->npoll_work += (poll & VCPU_POLL_WORK) != 0;
    cpu->engine->npoll_slice += (poll & VCPU_POLL_SLICE) != 0;
    fetch_and(&cpu->poll, ~(poll & ~VCPU_POLL_EXIT));
    if ((poll & VCPU_POLL_EXIT) || ((poll & VCPU_POLL_WORK) && !vcpu_park(cpu->accel))) {
        *end = SLICE_EXIT;
        return false;
    }
    if (poll & VCPU_POLL_IRQ) {
        cpu->engine->nirqs += cpu->ops->take_interrupt(cpu);
    }
    if (poll & VCPU_POLL_SLICE) {
        *end = SLICE_TURN;
        return false;
    }
    return true;
}

static void log_exec(struct vcpu *cpu, const struct tb *tb)
{
    if (log_enabled(LOG_EXEC)) {
        log_printf(LOG_EXEC, "Trace %u: %p [%016" PRIx64 "/%08x] %u insns", cpu->index,
                   (void *)tb->rx, cpu->pc, tb->mode_key, tb->ninsns);
    }
    if (log_enabled(LOG_CPU)) {
        FILE *out = log_begin();

        cpu->ops->dump(cpu, out, log_enabled(LOG_FPU));
        log_end();
    }
}

/*
 * May the exit LINK jump straight to TB? Only inside one page, physically too, and where rights
 * are the page's.
 */
static bool may_chain(const struct accel *a, const struct tb_link *link, const struct tb *tb)
{
    return !a->options.chain_off && !log_enabled(LOG_NOCHAIN) && tb->pa2 == NO_PAGE &&
           !((tb->mode_key | link->owner->mode_key) & KEY_ENGINE_ONE_INSN) &&
           tb->mode_key == link->owner->mode_key &&
           ((tb->pa ^ link->owner->pa) & GUEST_PAGE_MASK) == 0;
}

/* Runs guest code from cpu->pc on until it leaves. Returns the exit to chain, if it left by one. */
static struct tb_link *run_tb(struct vcpu *cpu, struct tb *tb)
{
    struct tcg_exit exit;
    struct tb *from;

    if (log_enabled(LOG_EXEC | LOG_CPU)) {
        log_exec(cpu, tb);
    }
    cpu->pc_page = cpu->pc & GUEST_PAGE_MASK;
    cpu->unwind = 0;
    mmu_enter_guest(&cpu->mmu);
    exit =
        tcg_exec(cpu->accel->tcg, (char *)cpu - cpu->accel->desc.vcpu_offset, tb->rx + tb->entry);
    mmu_leave_guest(&cpu->mmu);
    cpu->host_ra = 0;
    cpu->engine->nexits++;
    cpu->engine->exits[exit.kind]++;
    from = exit.tb;
    return exit.kind == TCG_EXIT_CHAIN ? &from->links[exit.site] : NULL;
}

static enum slice_end vcpu_run(struct vcpu *cpu)
{
    struct accel *a = cpu->accel;
    struct tb_link *link = NULL;
    uint64_t drops = 0;
    enum slice_end end;

    for (;;) {
        uint32_t poll = load_acquire(&cpu->poll);
        struct tb *tb;

        if (unlikely(poll)) {
            link = NULL;
            if (!handle_poll(cpu, poll, &end)) {
                return end;
            }
            continue;
        }
        if (unlikely(cpu->waiting)) {
            if (!cpu->ops->has_work(cpu)) {
                return SLICE_WAIT;
            }
            cpu->waiting = false;
            cpu->engine->nirqs += cpu->ops->take_interrupt(cpu);
            link = NULL;
        }
        tb = vcpu_find_tb(cpu);
        if (!tb) {
            link = NULL;
            continue;
        }
        if (link && drops == load_relaxed(&a->drops) && may_chain(a, link, tb)) {
            tb_chain(a, link, tb);
            cpu->engine->nchained++;
        }
        drops = load_relaxed(&a->drops);
        link = run_tb(cpu, tb);
    }
}

static bool thread_has_work(const struct vcpu_thread *t)
{
    for (unsigned i = 0; i < t->ncpus; i++) {
        struct vcpu *cpu = t->cpus[i];

        if (load_seq(&cpu->poll) || !cpu->waiting || cpu->ops->has_work(cpu)) {
            return true;
        }
    }
    return false;
}

static void thread_sleep(struct vcpu_thread *t)
{
    uint32_t wake = load_seq(&t->wake);

    store_seq(&t->sleeping, 1);
    if (!thread_has_work(t)) {
        t->cpus[0]->engine->nwfi++;
        futex_wait(&t->wake, wake, INT64_MAX);
    }
    store_seq(&t->sleeping, 0);
}

static void start_slices(struct vcpu_thread *t)
{
    if (t->ncpus > 1) {
        timer_mod(t->accel->machine->timers, &t->accel->slice, clock_now_ns() + SLICE_NS);
    }
}

/* Gives each vCPU its turn. False when the thread must end; *IDLE when all wait. */
static bool run_round(struct vcpu_thread *t, bool *idle)
{
    *idle = true;
    for (unsigned i = 0; i < t->ncpus; i++) {
        enum slice_end end;

        if (t->ncpus > 1) {
            store_relaxed(&t->accel->turn, t->cpus[i]);
        }
        end = vcpu_run(t->cpus[i]);
        if (end == SLICE_EXIT) {
            return false;
        }
        *idle &= end == SLICE_WAIT;
    }
    return true;
}

void *vcpu_thread_main(void *thread)
{
    struct vcpu_thread *t = thread;
    struct accel *a = t->accel;
    bool idle;

    start_slices(t);
    while (run_round(t, &idle)) {
        if (idle) {
            thread_sleep(t);
            start_slices(t);
        }
    }
    mutex_lock(&a->safe_lock);
    a->running--;
    cond_broadcast(&a->safe_cond);
    mutex_unlock(&a->safe_lock);
    return NULL;
}

/* ---- threads ------------------------------------------------------------------------------- */

static void thread_init(struct accel *a, struct vcpu_thread *t, struct vcpu **cpus, unsigned ncpus)
{
    t->accel = a;
    t->cpus = cpus;
    t->ncpus = ncpus;
    for (unsigned i = 0; i < ncpus; i++) {
        store_release(&cpus[i]->engine->thread, t);
    }
}

int accel_start(struct accel *a, struct err *err)
{
    bool single = a->options.thread == ACCEL_THREAD_SINGLE;
    char name[16];

    timer_init(&a->slice, slice_over, a);
    a->nthreads = single ? 1 : a->nvcpus;
    for (unsigned i = 0; i < a->nthreads; i++) {
        thread_init(a, &a->threads[i], &a->vcpus[i], single ? a->nvcpus : 1);
    }
    a->started = true;
    for (unsigned i = 0; i < a->nthreads; i++) {
        int rc;

        mutex_lock(&a->safe_lock);
        a->running++;
        mutex_unlock(&a->safe_lock);
        snprintf(name, sizeof(name), "hart %u", i);
        rc = thread_create(&a->threads[i].thread, name, vcpu_thread_main, &a->threads[i]);
        if (rc) {
            mutex_lock(&a->safe_lock);
            a->running--;
            mutex_unlock(&a->safe_lock);
            a->nthreads = i;
            accel_stop(a);
            return err_set(err, rc, "cannot start the thread of hart %u", i);
        }
    }
    return 0;
}

void accel_stop(struct accel *a)
{
    mutex_lock(&a->safe_lock);
    a->stopping = true;
    cond_broadcast(&a->safe_cond);
    mutex_unlock(&a->safe_lock);
    for (unsigned i = 0; i < a->nvcpus; i++) {
        vcpu_kick(a->vcpus[i], VCPU_POLL_EXIT);
    }
    for (unsigned i = 0; i < a->nthreads; i++) {
        thread_join(&a->threads[i].thread);
    }
    a->nthreads = 0;
    timer_del(a->machine->timers, &a->slice);
}
