/* SPDX-License-Identifier: MIT */
/*
 * What programs on the bare machine share: the root page table, printing on the
 * UART, the clock, and main, which runs bench_main on hart 0 and bench_second
 * on the others (with BENCH_HARTS), and ends through the finisher.
 */
#include "bare.h"
#include "bench.h"

#include <stdarg.h>

#define UART        ((volatile uint8_t *)0x10000000)
#define FINISHER    ((volatile uint32_t *)0x100000)
#define GIB_PAGE(i) (((uint64_t)(i) << 28) | 0xcf)

/* Sv39 root: identity map of the first 4 GiB. */
uint64_t bench_root[512]
    __attribute__((aligned(4096))) = {GIB_PAGE(0), GIB_PAGE(1), GIB_PAGE(2), GIB_PAGE(3)};

#ifdef BENCH_HARTS
static volatile uint32_t go;
#endif

void *memcpy(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((char *)to)[i] = ((const char *)from)[i];
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((char *)to)[i] = (char)byte;
    }
    return to;
}

uint64_t bare_time(void)
{
    uint64_t ticks;
    __asm__ volatile("rdtime %0" : "=r"(ticks)::"memory");
    return ticks;
}

static void print_text(const char *text)
{
    while (*text) {
        *UART = (uint8_t)*text++;
    }
}

void bare_print(const char *text, ...)
{
    va_list more;

    va_start(more, text);
    for (; text; text = va_arg(more, const char *)) {
        print_text(text);
    }
    va_end(more);
}

void bare_number(uint64_t value)
{
    char digits[24];
    int at = sizeof(digits) - 1;

    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    print_text(&digits[at]);
}

int main(void)
{
#ifdef BENCH_HARTS
    __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
#endif
    bench_main();
    *FINISHER = 0x5555;
    for (;;) {}
}

void second(uint64_t hart)
{
    (void)hart;
#ifdef BENCH_HARTS
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE)) {}
    bench_second();
#endif
    for (;;) {
        __asm__ volatile("wfi");
    }
}
