/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: lines that any thread sets, mip, mie, the stimecmp timer, and the choice of which interrupt to take.
 *
 * What must never be lost is the moment when an interrupt becomes both pending and enabled. Each side that can cause it first
 * publishes its own change (sequentially consistent), then looks at the other side's:
 *
 *   line (any thread)                    hart (vCPU thread)
 *   fetch_or(mip, bit)            L1     store_seq(mie)                      H1
 *   if (load_seq(mie) & bit)      L2     if (pending & mie and takeable)     H2
 *       vcpu_kick(POLL_IRQ)       L3         poll |= POLL_IRQ                H3
 *
 * - Line against a write of mie: L1 L2 and H1 H2 are a Dekker pair. In the one order of these four, whichever of L2 and H2 comes
 *   last sees both changes.
 * - Line against a change of mstatus, mideleg or privilege: these are the hart's own. The line looks at mie only, and kicks
 *   whenever the bit is enabled there, takeable or not. If the kick is handled (poll cleared, then riscv_take_interrupt reads mip)
 *   before the change, the hart finds nothing takeable; after the change it calls hart_update_irq, which reads mip again: the bit
 *   is still there, because it was set before the kick. If the change comes first, the kick is handled after it.
 * - The engine clears POLL_IRQ before it calls riscv_take_interrupt. A line that sets its bit after that reads of mip kicks again.
 * - Translated code sets SIE or MIE itself (trans-sys.c): it stores mstatus, then reads mip, seip_line, mie and stimer_due, and
 *   calls hart_update_irq if any of what is pending is enabled. mstatus is nobody else's, so no barrier is needed between: a line
 *   that sets its bit after that read kicks after the store, and the kick is handled at the next poll.
 * - Traps and returns go on through the jump cache, whose entries poll: what hart_update_irq put into the poll word is seen
 *   before the first instruction there.
 * - Line against sleep (wfi): the engine decides to sleep by riscv_has_work, then waits on the poll word; a kick sets that word
 *   before it wakes. Pending AND enabled (mie) ends the sleep, whatever mstatus says. A change of mie cannot come from a sleeper.
 * - A line kicks only when its bit goes from 0 to 1: a bit that stays set was kicked for, or is looked at by H2.
 * - Pending but disabled costs nothing: no kick, no poll.
 *
 * STIP of Sstc is "time >= stimecmp". It is computed by the hart itself and kept in mip; the timer (I/O thread) never writes
 * mip, for it could be late for a stimecmp that was replaced: it sets stimer_due, then kicks. Whoever looks at mip on the hart's
 * thread takes stimer_due (exchange with 0) and computes anew. A deadline that passes before the exchange is seen by the clock
 * read behind it; one that passes after it sets the flag again. A guest that moves its time (any thread) sets the flag in the same
 * way, after the move. The timer may be wrong by then, or guest time a tick behind it, so whoever takes the flag also arms it anew.
 * While STIP is disabled in mie nobody needs to.
 */
#include "hw/host/log.h"
#include "target-riscv/csr.h"
#include "target-riscv/hart.h"

/* ---- lines (any thread) ------------------------------------------------------------------------------------------------------ */

static void kick_if_enabled(struct hart *h, uint64_t bit)
{
    if (load_seq(&h->mie) & bit) {
        vcpu_kick(&h->cpu, VCPU_POLL_IRQ);
    }
}

static void irq_line_set(void *opaque, unsigned line, bool level)
{
    struct hart *h = opaque;
    uint64_t *word = line == IRQ_SEI ? &h->seip_line : &h->mip;
    uint64_t bit = BIT(line);

    if (!level) {
        fetch_and(word, ~bit);
    } else if (!(fetch_or(word, bit) & bit)) {
        kick_if_enabled(h, bit);
    }
}

const struct irq *hart_irq(struct hart *h, unsigned cause)
{
    return &h->lines[cause];
}

/* ---- stimecmp ---------------------------------------------------------------------------------------------------------------- */

/* The deadline passed (I/O thread), or guest time was moved (any thread). */
static void stimer_look(void *opaque)
{
    struct hart *h = opaque;

    store_seq(&h->stimer_due, 1);
    kick_if_enabled(h, MIP_STIP);
}

static bool sstc_on(const struct hart *h)
{
    return h->menvcfg & MENVCFG_STCE;
}

/* Makes mip.STIP what the clock says. True if the deadline has passed. */
static bool compute_stip(struct hart *h)
{
    bool due = machine_time(h->machine) >= h->stimecmp;
    bool pending = load_relaxed(&h->mip) & MIP_STIP;

    if (due && !pending) {
        fetch_or(&h->mip, MIP_STIP);
    } else if (!due && pending) {
        fetch_and(&h->mip, ~MIP_STIP);
    }
    return due;
}

/* After stimer_due was taken. A deadline that is still ahead may be another than the timer has. */
static void compute_stip_and_arm(struct hart *h)
{
    if (!compute_stip(h)) {
        timer_mod(h->machine->timers, &h->stimer, machine_time_to_ns(h->machine, h->stimecmp));
    }
}

void hart_update_stimer(struct hart *h)
{
    atomic_xchg(&h->stimer_due, 0);
    if (!sstc_on(h)) {
        timer_del(h->machine->timers, &h->stimer);
        fetch_and(&h->mip, ~MIP_STIP);
        return;
    }
    compute_stip_and_arm(h);
    hart_update_irq(h);
}

/* ---- what is pending (vCPU thread) -------------------------------------------------------------------------------------------- */

static uint64_t pending(struct hart *h)
{
    if (unlikely(load_seq(&h->stimer_due)) && atomic_xchg(&h->stimer_due, 0) && sstc_on(h)) {
        compute_stip_and_arm(h);
    }
    return load_seq(&h->mip) | load_seq(&h->seip_line);
}

uint64_t hart_mip(struct hart *h)
{
    if (sstc_on(h)) {
        compute_stip(h);
    }
    return pending(h);
}

/* Those of PENDING and enabled interrupts that the privilege and mstatus let through: M's before S's. */
static uint64_t takeable(const struct hart *h, uint64_t active)
{
    uint64_t m = active & ~h->mideleg;
    uint64_t s = active & h->mideleg;

    if (m && (h->priv < PRIV_M || h->mstatus & MSTATUS_MIE)) {
        return m;
    }
    if (h->priv < PRIV_S || (h->priv == PRIV_S && h->mstatus & MSTATUS_SIE)) {
        return s;
    }
    return 0;
}

void hart_update_irq(struct hart *h)
{
    uint64_t active = pending(h) & h->mie;

    if (active && takeable(h, active)) {
        fetch_or(&h->cpu.poll, VCPU_POLL_IRQ);
    }
}

void hart_set_mie(struct hart *h, uint64_t value)
{
    store_seq(&h->mie, value);
    hart_update_irq(h);
}

static unsigned highest(uint64_t active)
{
    static const uint8_t order[] = {IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI};

    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        if (active & BIT(order[i])) {
            return order[i];
        }
    }
    return 0;
}

bool riscv_take_interrupt(struct vcpu *cpu)
{
    struct hart *h = hart_of(cpu);
    uint64_t active = takeable(h, pending(h) & h->mie);

    if (!active) {
        return false;
    }
    hart_interrupt(h, highest(active));
    return true;
}

bool riscv_has_work(struct vcpu *cpu)
{
    struct hart *h = hart_of(cpu);

    return (hart_mip(h) & h->mie) != 0;
}

/* ---- creation ---------------------------------------------------------------------------------------------------------------- */

void hart_irq_init(struct hart *h)
{
    for (unsigned i = 0; i < ARRAY_SIZE(h->lines); i++) {
        h->lines[i] = (struct irq){.set = irq_line_set, .opaque = h, .line = i};
    }
    timer_init(&h->stimer, stimer_look, h);
    h->time_listener = (struct time_listener){.moved = stimer_look, .opaque = h};
    machine_add_time_listener(h->machine, &h->time_listener);
}

void hart_irq_fini(struct hart *h)
{
    machine_remove_time_listener(h->machine, &h->time_listener);
    timer_del(h->machine->timers, &h->stimer);
}
