/* SPDX-License-Identifier: MIT */
/* Host memory: zeroed, aligned, given back; code memory: two views of the same bytes, executable, within reach. */
#include "hw/host/bits.h"
#include "hw/host/memory.h"
#include "tests/unit.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static void small_memory_is_zero_and_writable_to_its_end(struct unit *u)
{
    uint8_t *p = host_mem_alloc(5000, false, NULL);

    CHECK(u, p && p[0] == 0 && p[4999] == 0);
    p[4999] = 1;
    host_mem_free(p, 5000);
}

static void huge_memory_is_aligned_and_far_larger_than_the_host_is_not_charged(struct unit *u)
{
    size_t size = (size_t)256 << 30;
    struct err err;
    uint8_t *p = host_mem_alloc(size, true, &err);

    CHECK(u, p);
    if (p) {
        CHECK_EQ(u, (uintptr_t)p % (2 * MIB), 0);
        p[size - 1] = 7;
        CHECK_EQ(u, p[size - 1], 7);
        CHECK_EQ(u, p[size / 2], 0);
        host_mem_free(p, size);
    }
}

static void impossible_size_is_an_error_with_a_text(struct unit *u)
{
    struct err err = {""};

    CHECK(u, !host_mem_alloc(SIZE_MAX / 8, false, &err));
    CHECK(u, err.text[0] != '\0');
    err.text[0] = '\0';
    CHECK(u, !host_mem_alloc(SIZE_MAX, true, &err));
    CHECK(u, err.text[0] != '\0');
}

static void zeroed_memory_reads_as_zero_and_is_usable(struct unit *u)
{
    size_t size = 4 * MIB;
    uint8_t *p = host_mem_alloc(size, true, NULL);

    memset(p, 0xff, size);
    host_mem_zero(p + MIB, MIB);
    CHECK_EQ(u, p[MIB - 1], 0xff);
    CHECK_EQ(u, p[MIB], 0);
    CHECK_EQ(u, p[2 * MIB - 1], 0);
    CHECK_EQ(u, p[2 * MIB], 0xff);
    p[MIB] = 3;
    CHECK_EQ(u, p[MIB], 3);
    host_mem_free(p, size);
}

static void code_views_show_the_same_bytes(struct unit *u)
{
    struct code_memory cm;

    CHECK_EQ(u, code_memory_init(&cm, 64 * MIB, NULL), 0);
    for (size_t i = 0; i < cm.size; i += 3 * MIB + 4097) {
        store_le32(cm.rw + i, 0x12345678 + (uint32_t)i);
    }
    for (size_t i = 0; i < cm.size; i += 3 * MIB + 4097) {
        CHECK_EQ(u, load_le32(cm.rx + i), 0x12345678 + (uint32_t)i);
    }
    code_memory_fini(&cm);
    CHECK(u, !cm.rx && !cm.rw);
}

static void code_written_in_one_view_runs_in_the_other(struct unit *u)
{
#if defined(__x86_64__)
    static const uint8_t code[] = {0x8d, 0x47, 0x2a, 0xc3}; /* lea 42(%rdi), %eax; ret */
    struct code_memory cm;
    int (*fn)(int);

    CHECK_EQ(u, code_memory_init(&cm, 2 * MIB, NULL), 0);
    memcpy(cm.rw + 4096, code, sizeof(code));
    memcpy(&fn, &(void *){cm.rx + 4096}, sizeof(fn));
    CHECK_EQ(u, fn(100), 142);
    code_memory_fini(&cm);
#else
    CHECK(u, true);
#endif
}

static void store_to_rx(struct code_memory *cm)
{
    *(volatile uint8_t *)cm->rx = 1;
}

static void jump_to_rw(struct code_memory *cm)
{
    void (*fn)(void);

    cm->rw[0] = 0xc3; /* ret */
    memcpy(&fn, &cm->rw, sizeof(fn));
    fn();
}

/* True if BODY in a child ends by a fault of memory protection. */
static bool faults(void (*body)(struct code_memory *cm), struct code_memory *cm)
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        body(cm);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status);
}

static void no_view_is_both_writable_and_executable(struct unit *u)
{
    struct code_memory cm;

    CHECK_EQ(u, code_memory_init(&cm, 2 * MIB, NULL), 0);
    CHECK(u, faults(store_to_rx, &cm));
    CHECK(u, faults(jump_to_rw, &cm));
    code_memory_fini(&cm);
}

static void all_code_is_within_reach_of_32_bit_displacements(struct unit *u)
{
    struct code_memory cm;
    intptr_t distance;

    CHECK_EQ(u, code_memory_init(&cm, 1000 * MIB, NULL), 0);
    distance = cm.rw - cm.rx;
    CHECK(u, llabs(distance) + (intptr_t)cm.size <= INT32_MAX);
    CHECK_EQ(u, (uintptr_t)cm.rx % (2 * MIB), 0);
    cm.rw[cm.size - 1] = 0x90;
    CHECK_EQ(u, cm.rx[cm.size - 1], 0x90);
    code_memory_fini(&cm);
}

static void unreasonable_code_sizes_are_refused_and_fini_is_safe(struct unit *u)
{
    struct code_memory cm;
    struct err err = {""};

    CHECK_EQ(u, code_memory_init(&cm, 0, &err), -EINVAL);
    code_memory_fini(&cm);
    CHECK_EQ(u, code_memory_init(&cm, (size_t)4 << 30, &err), -EINVAL);
    CHECK(u, err.text[0] != '\0');
    code_memory_fini(&cm);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(small_memory_is_zero_and_writable_to_its_end),
        UNIT(huge_memory_is_aligned_and_far_larger_than_the_host_is_not_charged),
        UNIT(impossible_size_is_an_error_with_a_text),
        UNIT(zeroed_memory_reads_as_zero_and_is_usable),
        UNIT(code_views_show_the_same_bytes),
        UNIT(code_written_in_one_view_runs_in_the_other),
        UNIT(no_view_is_both_writable_and_executable),
        UNIT(all_code_is_within_reach_of_32_bit_displacements),
        UNIT(unreasonable_code_sizes_are_refused_and_fini_is_safe),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
