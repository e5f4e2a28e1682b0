/* SPDX-License-Identifier: MIT */
/*
 * What every part of a running machine shares: the BQL, the event loop, timers, workers, the memory map, the run state.
 * The board (hw/virt.c) builds it; devices reach it through dev->machine. The harts and the engine hang off the board's own
 * struct, not this one.
 *
 * Locks: c constant after create, b BQL, a atomic.
 */
#ifndef HW_CORE_MACHINE_H
#define HW_CORE_MACHINE_H

#include "hw/core/device.h"
#include "hw/core/timer.h"
#include "hw/host/thread.h"
#include "hw/host/tick-clock.h"
#include "hw/host/worker.h"

struct memory_map;

/* Told when guest time was moved (not when it passes): whoever derives lines or deadlines from it does so again. */
struct time_listener {
    void (*moved)(void *opaque); /* any thread, several at once; takes locks of RANK_DEVICE and inside only */
    void *opaque;
    struct time_listener *next;
};

enum machine_request {
    MACHINE_RUNNING,
    MACHINE_RESET,    /* back to the reset vector */
    MACHINE_SHUTDOWN, /* leave with exit_status */
    MACHINE_STOPPED,  /* monitor `stop` */
};

struct machine {
    struct mutex bql;            /* c */
    struct event_loop *loop;     /* c: the I/O thread's */
    struct timer_list *timers;   /* c */
    struct worker_pool *workers; /* c */
    struct memory_map *memory;   /* c: guest physical address space (softmmu/) */
    struct device *devices;      /* c: list in board order */
    uint64_t timebase_hz;        /* c: of mtime, 10 MHz on virt */
    bool host_counter_off;       /* c: the clock does not use the host's time-stamp counter */
    struct tick_clock clock;     /* guest time */
    struct time_listener *time_listeners; /* c */
    bool harts_skip_fences;      /* c: guest code's fences are left out: see machine_barrier */
    bool no_reboot;              /* c: a guest reset shuts down instead */
    int request;                 /* a: enum machine_request; back to RUNNING only by CAS: a shutdown must not be lost */
    int shutdown_taken;          /* a: 1 once somebody asked for a shutdown; machine.c only */
    int exit_status;             /* a: of MACHINE_SHUTDOWN */
    void (*notify)(struct machine *m); /* c: wakes the board's control loop after a request; any thread */
};

/* Creates loop, timers, workers and the BQL. 0 or -errno. */
int machine_init(struct machine *m, struct err *err);
/* Frees devices in reverse order, then what machine_init made. */
void machine_fini(struct machine *m);
void machine_add_device(struct machine *m, struct device *dev);

/*
 * Current guest time (mtime, and the time CSR that shadows it) in ticks of timebase_hz, modulo 2^64. Any thread; monotonic across
 * threads but for what the guest moves.
 */
static inline uint64_t machine_time(struct machine *m)
{
    return tick_clock_read(&m->clock);
}
/*
 * The bits MASK of guest time become those of VALUE, at once for all harts; listeners have been told when it returns. Called for
 * guest stores to mtime; any thread, several at once.
 */
void machine_set_time(struct machine *m, uint64_t value, uint64_t mask);
/* Guest time is again the scaled host clock; listeners have been told when it returns. From the reset of whoever has mtime. */
void machine_reset_time(struct machine *m);
/* While the machine is built or taken down: no vCPU runs. */
void machine_add_time_listener(struct machine *m, struct time_listener *l);
void machine_remove_time_listener(struct machine *m, struct time_listener *l);
/*
 * A full barrier, for a device that writes and then reads guest memory and pairs with a fence of the guest between a write and
 * a read. Also orders for it the guest's side when there are no fences in guest code (one hart). Any thread.
 */
void machine_barrier(const struct machine *m);
/*
 * Host deadline (clock_now_ns) of guest time TICKS, rounded up; one that is past if it has been reached; INT64_MAX when it is
 * beyond the host clock's range. Holds until the guest moves its time: hence the listeners. Guest time may be a tick behind when it fires: who
 * waits for TICKS looks at machine_time, and arms the timer again. Any thread.
 */
static inline int64_t machine_time_to_ns(struct machine *m, uint64_t ticks)
{
    return tick_clock_deadline(&m->clock, ticks);
}

/*
 * Asks for a reset or shutdown; the first shutdown request wins and keeps its status. Returns at once: the caller goes on
 * until its vCPU is stopped. Any thread.
 */
void machine_request_reset(struct machine *m);
void machine_request_shutdown(struct machine *m, int exit_status);

#endif
