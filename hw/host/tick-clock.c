/* SPDX-License-Identifier: MIT */
/*
 * The truth is CLOCK_MONOTONIC, scaled: target(ns). It costs a call and two divisions, so readers use a line through the
 * processor's counter instead, for at most a second. Whoever reads past the line's end (or before its start: the counter was
 * reset) comes here, looks at both clocks, and draws the next line:
 *
 *   - it starts at the target, or where the old line ended if that is later: no reader has seen more than that end;
 *   - it is as steep as it takes to meet the target at its own end, by the counter's frequency during the time since the last
 *     look; but at least half as steep as the target, so that a clock that got ahead (the host slept, and its counter ran on) slows
 *     down and is caught up with, and never stops.
 *
 * So the clock never goes back, follows what NTP does to the host's within a second, needs no thread and no timer, and does
 * nothing while nobody looks. Frequencies that make no sense (a counter that was reset, a virtual machine that moved) start it
 * anew: for 10 ms every read is a slow one, from the host's clock (or the end of the old line, until that is passed), then there is
 * a frequency again.
 *
 * Reads are ordered as loads are (lfence): of two harts that tell each other the time, none is told a later one than it reads.
 *
 * No floating point here: guest code may be interrupted with its rounding mode in place.
 */
#include "hw/host/tick-clock.h"
#include "hw/host/bits.h"
#include "hw/host/clock.h"
#include "hw/host/cpu-features.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S      UINT64_C(1000000000)
#define LEARN_NS      10000000 /* shortest time to learn a frequency from */
#define SPAN_NS       INT64_C(1000000000)
#define CYCLES_HZ_MAX UINT64_C(100000000000)

typedef unsigned __int128 u128;

/* ---- the host's counter ---------------------------------------------------------------------------------------------------- */

uint64_t host_cycles(void)
{
#if defined(__x86_64__)
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
#else
    return (uint64_t)clock_now_ns();
#endif
}

/* The kernel watches the counters of all processors, and leaves them alone when they disagree. */
static bool kernel_uses_counter(void)
{
    FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    char name[32] = "";
    bool uses = f && fgets(name, sizeof(name), f) && strcmp(name, "tsc\n") == 0;

    if (f) {
        fclose(f);
    }
    return uses;
}

bool tick_clock_usable(void)
{
    return (host_features() & HOST_INVARIANT_TSC) && kernel_uses_counter();
}

/* ---- the line -------------------------------------------------------------------------------------------------------------- */

static uint64_t on_line(uint64_t base, uint64_t rate, uint64_t since)
{
    return base + (uint64_t)((u128)rate * since >> 64);
}

bool tick_clock_read_line(const struct tick_clock *c, uint64_t *ticks)
{
    uint32_t ended = load_acquire(&c->ended);
    uint64_t since = host_cycles() - load_acquire(&c->anchor);
    bool holds = since < load_acquire(&c->span);

    *ticks = on_line(load_acquire(&c->base), load_acquire(&c->rate), since);
    return holds && load_relaxed(&c->begun) == ended;
}

static void set_line_locked(struct tick_clock *c, uint64_t anchor, uint64_t span, uint64_t rate,
                            uint64_t base) REQUIRES(&c->lock)
{
    uint32_t n = c->ended + 1;

    store_relaxed(&c->begun, n);
    store_release(&c->anchor, anchor); /* who sees one of these sees begun */
    store_release(&c->span, span);
    store_release(&c->rate, rate);
    store_release(&c->base, base);
    store_release(&c->ended, n);
}

/* ---- the truth ------------------------------------------------------------------------------------------------------------- */

static uint64_t scale(const struct tick_clock *c, uint64_t ns)
{
    return ns / NS_PER_S * c->hz + ns % NS_PER_S * c->hz / NS_PER_S;
}

static uint64_t target(const struct tick_clock *c, int64_t now_ns)
{
    int64_t elapsed = now_ns - c->origin_ns;

    return load_relaxed(&c->offset) + scale(c, elapsed > 0 ? (uint64_t)elapsed : 0);
}

int64_t tick_clock_elapsed_to_ns(const struct tick_clock *c, uint64_t ticks)
{
    uint64_t rest_ns = (ticks % c->hz * NS_PER_S + c->hz - 1) / c->hz;
    uint64_t ns;

    if (__builtin_mul_overflow(ticks / c->hz, NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, rest_ns, &ns) ||
        __builtin_add_overflow(ns, (uint64_t)c->origin_ns, &ns) || ns > INT64_MAX) {
        return INT64_MAX;
    }
    return (int64_t)ns;
}

int64_t tick_clock_deadline(struct tick_clock *c, uint64_t ticks)
{
    uint64_t offset = load_relaxed(&c->offset);
    uint64_t now = tick_clock_read(c);
    uint64_t elapsed = now - offset;

    if (ticks <= now) {
        return c->origin_ns;
    }
    return __builtin_add_overflow(elapsed, ticks - now, &elapsed)
               ? INT64_MAX
               : tick_clock_elapsed_to_ns(c, elapsed);
}

/* ---- drawing lines --------------------------------------------------------------------------------------------------------- */

/* One moment by both clocks: of a few looks, the one with the least time between reading one and reading the other. */
static void look(uint64_t *cycles, int64_t *ns)
{
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < 4; i++) {
        uint64_t before = host_cycles();
        int64_t now_ns = clock_now_ns();
        uint64_t width = host_cycles() - before;

        if (width < least) {
            least = width;
            *cycles = before + width / 2;
            *ns = now_ns;
        }
    }
}

/* The counter's frequency, if it went through CYCLES in NS; 0 if that cannot be. */
static uint64_t frequency_locked(const struct tick_clock *c, uint64_t cycles, uint64_t ns)
    REQUIRES(&c->lock)
{
    u128 hz = (u128)cycles * NS_PER_S / ns;

    if (hz <= c->hz + c->hz / 16 || hz > CYCLES_HZ_MAX) { /* a rate is less than 1 */
        return 0;
    }
    if (c->cycles_hz != 0 &&
        (hz < c->cycles_hz - c->cycles_hz / 256 || hz > c->cycles_hz + c->cycles_hz / 256)) {
        return 0;
    }
    return (uint64_t)hz;
}

/* The later of two readings, which are not far from each other; both may have passed 2^64. */
static uint64_t later(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) > 0 ? a : b;
}

/* Draws the line that starts now and returns its start. NS: since the last look. */
static uint64_t draw_locked(struct tick_clock *c) REQUIRES(&c->lock)
{
    uint64_t floor = on_line(c->base, c->rate, c->span), start, cycles = 0, span = 0, rate = 0;
    int64_t now_ns = 0, ns;

    look(&cycles, &now_ns);
    ns = now_ns - c->seen_ns;
    start = later(target(c, now_ns), floor);
    c->cycles_hz = frequency_locked(c, cycles - c->seen_cycles, (uint64_t)ns);
    if (c->cycles_hz != 0) {
        int64_t span_ns = MIN(2 * ns, SPAN_NS);
        uint64_t ahead = target(c, now_ns + span_ns) - start,
                 least = scale(c, (uint64_t)span_ns) / 2;

        span = (uint64_t)((u128)c->cycles_hz * (uint64_t)span_ns / NS_PER_S);
        rate = (uint64_t)(((u128)later(ahead, least) << 64) / span);
    }
    c->seen_cycles = cycles;
    c->seen_ns = now_ns;
    set_line_locked(c, cycles, span, rate, start);
    return start;
}

/* The clock, its line drawn anew if need and possible. */
static uint64_t read_locked(struct tick_clock *c) REQUIRES(&c->lock)
{
    uint64_t ticks;
    int64_t now_ns;

    if (tick_clock_read_line(c, &ticks)) {
        return ticks;
    }
    now_ns = clock_now_ns();
    if (c->lines && (c->span != 0 || now_ns - c->seen_ns >= LEARN_NS)) {
        return draw_locked(c);
    }
    ticks = later(target(c, now_ns), c->base);
    set_line_locked(c, 0, 0, 0, ticks);
    return ticks;
}

uint64_t tick_clock_read_slow(struct tick_clock *c)
{
    uint64_t ticks;

    if (!c->lines) {
        return target(c, clock_now_ns());
    }
    mutex_lock(&c->lock);
    ticks = read_locked(c);
    mutex_unlock(&c->lock);
    return ticks;
}

static void move_locked(struct tick_clock *c, uint64_t by) REQUIRES(&c->lock)
{
    store_relaxed(&c->offset, c->offset + by);
    set_line_locked(c, c->anchor, c->span, c->rate, c->base + by);
}

void tick_clock_set(struct tick_clock *c, uint64_t ticks, uint64_t mask)
{
    uint64_t now;

    mutex_lock(&c->lock);
    now = read_locked(c);
    move_locked(c, ((now & ~mask) | (ticks & mask)) - now);
    mutex_unlock(&c->lock);
}

void tick_clock_reset(struct tick_clock *c)
{
    mutex_lock(&c->lock);
    move_locked(c, -c->offset);
    mutex_unlock(&c->lock);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

void tick_clock_init(struct tick_clock *c, uint64_t hz, bool lines)
{
    assert(hz > 0 && hz <= NS_PER_S);
    *c = (struct tick_clock){.hz = hz, .lines = lines};
    mutex_init(&c->lock, RANK_CLOCK, "clock");
    look(&c->seen_cycles, &c->seen_ns);
    c->origin_ns = c->seen_ns;
}

void tick_clock_fini(struct tick_clock *c)
{
    mutex_fini(&c->lock);
}
