/* SPDX-License-Identifier: MIT */
/*
 * A clock of a given frequency that keeps in step with CLOCK_MONOTONIC, cheap enough for a guest to read it all the time: on
 * hosts with a dependable time-stamp counter it is a line, base + rate * (cycles since anchor), that code (also generated code)
 * evaluates by itself. See tick-clock.c.
 */
#ifndef HW_HOST_TICK_CLOCK_H
#define HW_HOST_TICK_CLOCK_H

#include "hw/host/atomic.h"
#include "hw/host/compiler.h"
#include "hw/host/thread.h"

/* Lock letters: c constant after init, a atomic and written under the lock, l lock. */
struct tick_clock {
    /* A reader loads `ended`, then the line, then `begun`: they are equal if nobody wrote meanwhile. */
    uint32_t ended, begun; /* a: writes of the line */
    uint64_t anchor;       /* a: where the line starts, in host cycles */
    uint64_t span;         /* a: how many cycles it holds for; 0: there is no line */
    uint64_t rate;         /* a: ticks a cycle, times 2^64 */
    uint64_t base;         /* a: ticks at the anchor */

    struct mutex lock;
    uint64_t hz;          /* c: ticks a second */
    int64_t origin_ns;    /* c: clock_now_ns at which 0 ticks had elapsed */
    uint64_t offset;      /* a: what the clock shows less what has elapsed */
    bool lines;           /* c: the host's counter may be used */
    uint64_t cycles_hz;   /* l: its frequency; 0: not known yet */
    uint64_t seen_cycles; /* l: a moment by both clocks */
    int64_t seen_ns;      /* l */
};

/* Whether the host's counter runs at one rate on all processors, asleep or not, and the kernel keeps time by it. Main thread. */
bool tick_clock_usable(void);
/* Starts at 0 now. HZ is 1 to 10^9. LINES: what tick_clock_usable says, or false to do without. */
void tick_clock_init(struct tick_clock *c, uint64_t hz, bool lines);
void tick_clock_fini(struct tick_clock *c);

/*
 * Host cycles, or nanoseconds on hosts without a counter: fast, of no known frequency. Not before what precedes it in program
 * order has been done.
 */
uint64_t host_cycles(void);

/* The clock where its line does not hold; draws a new one. Any thread; takes a lock. */
uint64_t tick_clock_read_slow(struct tick_clock *c);

/* Evaluates the line. False: it does not hold. */
bool tick_clock_read_line(const struct tick_clock *c, uint64_t *ticks);

/* The clock. Any thread; never goes back between reads that are ordered, whoever does them, but by tick_clock_set. */
static inline uint64_t tick_clock_read(struct tick_clock *c)
{
    uint64_t ticks;

    return likely(tick_clock_read_line(c, &ticks)) ? ticks : tick_clock_read_slow(c);
}

/* The bits MASK of what the clock shows become those of TICKS. Any thread. */
void tick_clock_set(struct tick_clock *c, uint64_t ticks, uint64_t mask);
/* The clock shows what it would if it had never been set. Any thread. */
void tick_clock_reset(struct tick_clock *c);

/*
 * Host time (clock_now_ns) at which the clock will show TICKS, rounded up; one that is past if it does already, INT64_MAX if that is beyond
 * the host clock's range. The clock's own line may get there a few ticks later: look again.
 */
int64_t tick_clock_deadline(struct tick_clock *c, uint64_t ticks);
/* The same for TICKS elapsed ticks, whatever the clock shows. */
int64_t tick_clock_elapsed_to_ns(const struct tick_clock *c, uint64_t ticks);

#endif
