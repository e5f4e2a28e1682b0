/* SPDX-License-Identifier: MIT */
/* Host clocks, in nanoseconds. Any thread. */
#ifndef HW_HOST_CLOCK_H
#define HW_HOST_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC. The clock of deadlines and timers. */
int64_t clock_now_ns(void);
/* CLOCK_REALTIME, since 1970-01-01 UTC. */
int64_t clock_realtime_ns(void);

#endif
