/* SPDX-License-Identifier: MIT */
/*
 * The compiler as we use it: attributes, a few macros, and clang's thread-safety annotations
 * (gcc ignores them; `make lint` checks them with clang).
 */
#ifndef HW_HOST_COMPILER_H
#define HW_HOST_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define PRINTF_FMT(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define NOINLINE __attribute__((noinline))
#define COLD __attribute__((cold))
#define UNUSED __attribute__((unused))
#define ALIGNED(n) __attribute__((aligned(n)))
#define WARN_UNUSED __attribute__((warn_unused_result))
#define CACHE_LINE 64

/* 1 in builds under ThreadSanitizer. */
#if defined(__SANITIZE_THREAD__)
#define BUILD_TSAN 1
#else
#define BUILD_TSAN 0
#endif

#if defined(__clang__)
#define THREAD_ANNOTATION(x) __attribute__((x))
#else
#define THREAD_ANNOTATION(x)
#endif
#define CAPABILITY(name) THREAD_ANNOTATION(capability(name))
/* In C, clang cannot name a lock that is another member: GUARDED_BY on members is for the reader, and not checked. */
#define GUARDED_BY(m)
#define FILE_GUARDED_BY(m) THREAD_ANNOTATION(guarded_by(m))
#define REQUIRES(...) THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define ACQUIRES(...) THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASES(...) THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define EXCLUDES(...) THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY THREAD_ANNOTATION(no_thread_safety_analysis)

#endif
