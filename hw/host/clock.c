/* SPDX-License-Identifier: MIT */
/*
 * Host clocks through the vDSO: no system call on the usual hosts. CLOCK_MONOTONIC is consistent across threads, which is
 * what makes guest time monotonic across harts.
 */
#include "hw/host/clock.h"
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_realtime_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}
