/* SPDX-License-Identifier: MIT */
/*
 * Asymmetric memory barriers: one side pays for both. Where a frequent side (guest code) and a rare one (a device) each write
 * a word and then read the other's, the frequent side needs nothing but program order if the rare one uses barrier_heavy.
 */
#ifndef HW_HOST_BARRIER_H
#define HW_HOST_BARRIER_H

#include <stdbool.h>

/* Prepares the process. False: the host cannot. More than once is fine. Any thread. */
bool barrier_register(void);
/*
 * A full barrier here, and in every other thread of the process at some point of its program between entry to and return
 * from this call. Only after barrier_register returned true. About a microsecond. Any thread.
 */
void barrier_heavy(void);

#endif
