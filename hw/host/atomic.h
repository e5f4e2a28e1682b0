/* SPDX-License-Identifier: MIT */
/*
 * Atomics by named order, on plain integer and pointer objects. A bare fence (smp_mb) needs a comment that names its
 * partner. Type-generic over 1, 2, 4 and 8 byte objects.
 */
#ifndef HW_HOST_ATOMIC_H
#define HW_HOST_ATOMIC_H

#define load_relaxed(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define load_seq(p) __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define store_relaxed(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define store_seq(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
/* Each returns the value from before. */
#define fetch_add(p, v) __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define fetch_sub(p, v) __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST)
#define fetch_or(p, v) __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define fetch_and(p, v) __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)
#define fetch_add_relaxed(p, v) __atomic_fetch_add(p, v, __ATOMIC_RELAXED)
#define atomic_xchg(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
/* True if *p was *expected and is now v; else *expected has what was found. */
#define atomic_cas(p, expected, v) \
    __atomic_compare_exchange_n(p, expected, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
/*
 * A full barrier. ThreadSanitizer does not model bare fences (gcc refuses them there); what needs one is relaxed atomics on
 * both sides, which it takes as they are, so it only has to be a barrier for the processor.
 */
#if defined(__SANITIZE_THREAD__)
#define smp_mb() __sync_synchronize()
#else
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

#endif
