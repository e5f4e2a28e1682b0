/* SPDX-License-Identifier: MIT */
/*
 * Linux-level rows: what the kernel does for programs, with the translation,
 * traps and address-space switches that it takes. The same source runs in the
 * guest and on the host. What cannot be done ends the process with a message.
 */
#define _GNU_SOURCE
#include "linux.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 64

static void need(int fine, const char *what)
{
    if (!fine) {
        perror(what);
        exit(1);
    }
}

static uint64_t row_syscall(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        sum += syscall(SYS_getppid) > 0;
    }
    return sum;
}

/* A byte to another process and back. */
static uint64_t row_pipe(uint64_t rounds)
{
    int there[2], back[2];
    char byte = 1;
    uint64_t sum = 0;
    pid_t child;

    need(pipe(there) == 0 && pipe(back) == 0, "pipe");
    child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1) {
            need(write(back[1], &byte, 1) == 1, "write");
        }
        _exit(0);
    }
    for (uint64_t i = 0; i < rounds; i++) {
        need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe");
        sum += (uint64_t)byte;
    }
    close(there[1]);
    close(there[0]);
    close(back[0]);
    close(back[1]);
    waitpid(child, NULL, 0);
    return sum;
}

static void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

/* Two processes on one hart that give way to each other. */
static uint64_t row_context_switch(uint64_t rounds)
{
    pid_t child;

    pin(0);
    child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        for (;;) {
            sched_yield();
        }
    }
    for (uint64_t i = 0; i < rounds; i++) {
        sched_yield();
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return rounds;
}

static uint64_t row_fork(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        pid_t child = fork();

        if (child == 0) {
            _exit(0);
        }
        need(waitpid(child, NULL, 0) == child, "fork");
    }
    return rounds;
}

static uint64_t row_exec(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        int status = 1;
        pid_t child = fork();

        if (child == 0) {
            execl("/proc/self/exe", "suite", "--nothing", (char *)NULL);
            _exit(127);
        }
        need(waitpid(child, &status, 0) == child && status == 0, "exec");
    }
    return rounds;
}

/* PAGES pages: map, touch each, unmap. */
static uint64_t row_mmap(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        volatile char *memory =
            mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        need(memory != MAP_FAILED, "mmap");
        for (int page = 0; page < PAGES; page++) {
            memory[page * PAGE] = 1;
            sum += (uint64_t)memory[page * PAGE];
        }
        munmap((void *)memory, PAGES * PAGE);
    }
    return sum;
}

static volatile char *some_pages(size_t pages)
{
    volatile char *memory =
        mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need(memory != MAP_FAILED, "mmap");
    madvise((void *)memory, pages * PAGE, MADV_NOHUGEPAGE);
    for (size_t page = 0; page < pages; page++) {
        memory[page * PAGE] = 1;
    }
    return memory;
}

/* A page read-only, read, and writable again, written. */
static uint64_t row_mprotect(uint64_t rounds)
{
    volatile char *memory = some_pages(16);
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        volatile char *page = memory + (i & 15) * PAGE;

        need(mprotect((void *)page, PAGE, PROT_READ) == 0, "mprotect");
        sum += (uint64_t)page[0];
        need(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
        page[0] = 1;
    }
    munmap((void *)memory, 16 * PAGE);
    return sum;
}

/* A page that was given back, touched: one fault a round. */
static uint64_t row_page_fault(uint64_t rounds)
{
    enum { MANY = 512 };
    volatile char *memory = some_pages(MANY);

    for (uint64_t i = 0; i < rounds; i++) {
        if (i % MANY == 0) {
            madvise((void *)memory, MANY * PAGE, MADV_DONTNEED);
        }
        memory[i % MANY * PAGE] = 1;
    }
    munmap((void *)memory, MANY * PAGE);
    return rounds;
}

static volatile uint64_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static uint64_t row_signal(uint64_t rounds)
{
    struct sigaction action = {.sa_handler = on_signal};
    pid_t self = getpid();

    sigaction(SIGUSR1, &action, NULL);
    signals = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        kill(self, SIGUSR1);
    }
    return signals;
}

static void *thread_nothing(void *unused)
{
    return unused;
}

static uint64_t row_thread(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        pthread_t thread;

        need(pthread_create(&thread, NULL, thread_nothing, NULL) == 0, "pthread_create");
        pthread_join(thread, NULL);
    }
    return rounds;
}

/* --- two threads on two harts ------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile uint32_t spin __attribute__((aligned(64)));
static volatile uint64_t counter __attribute__((aligned(64)));

static void take_mutex(void)
{
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
}

static void take_spinlock(void)
{
    while (__atomic_exchange_n(&spin, 1, __ATOMIC_ACQUIRE)) {
        while (spin) {}
    }
    counter++;
    __atomic_store_n(&spin, 0, __ATOMIC_RELEASE);
}

static void take_atomic(void)
{
    __atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
}

struct pair {
    void (*work)(void);
    uint64_t rounds;
    pthread_barrier_t barrier;
};

static void *other_thread(void *argument)
{
    struct pair *pair = argument;

    pin(1);
    pthread_barrier_wait(&pair->barrier);
    for (uint64_t i = 0; i < pair->rounds; i++) {
        pair->work();
    }
    return NULL;
}

/* Both do ROUNDS pieces of work at once. */
static uint64_t both(void (*work)(void), uint64_t rounds)
{
    struct pair pair = {.work = work, .rounds = rounds};
    pthread_t thread;

    counter = 0;
    pin(0);
    pthread_barrier_init(&pair.barrier, NULL, 2);
    need(pthread_create(&thread, NULL, other_thread, &pair) == 0, "pthread_create");
    pthread_barrier_wait(&pair.barrier);
    for (uint64_t i = 0; i < rounds; i++) {
        work();
    }
    pthread_join(thread, NULL);
    return counter;
}

static uint64_t row_mutex(uint64_t rounds)
{
    return both(take_mutex, rounds);
}

static uint64_t row_spinlock(uint64_t rounds)
{
    return both(take_spinlock, rounds);
}

static uint64_t row_atomic(uint64_t rounds)
{
    return both(take_atomic, rounds);
}

/* Two threads on two harts wake each other. */
static void *echo_thread(void *argument)
{
    int *ends = argument;
    char byte;

    pin(1);
    while (read(ends[0], &byte, 1) == 1 && byte) {
        need(write(ends[1], &byte, 1) == 1, "write");
    }
    return NULL;
}

static uint64_t row_wake(uint64_t rounds)
{
    int there[2], back[2], ends[2];
    char byte = 1, end = 0;
    pthread_t thread;

    pin(0);
    need(pipe(there) == 0 && pipe(back) == 0, "pipe");
    ends[0] = there[0];
    ends[1] = back[1];
    need(pthread_create(&thread, NULL, echo_thread, ends) == 0, "pthread_create");
    for (uint64_t i = 0; i < rounds; i++) {
        need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe");
    }
    need(write(there[1], &end, 1) == 1, "write");
    pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++) {
        close(there[i]);
        close(back[i]);
    }
    return rounds;
}

/* --- a shell ------------------------------------------------------------------------------ */

static uint64_t shell(const char *body, uint64_t rounds)
{
    char text[160];
    int status = 1;
    pid_t child;

    snprintf(text, sizeof(text), "i=0; while [ $i -lt %llu ]; do i=$((i + 1)); %s; done",
             (unsigned long long)rounds, body);
    child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", text, (char *)NULL);
        _exit(127);
    }
    need(waitpid(child, &status, 0) == child && status == 0, "sh");
    return rounds;
}

static uint64_t row_shell_loop(uint64_t rounds)
{
    return shell("x=\"$i\"", rounds);
}

static uint64_t row_shell_programs(uint64_t rounds)
{
    return shell("/bin/true", rounds);
}

const struct linux_row linux_rows[] = {
    {"syscall", row_syscall, 100000, NULL},
    {"pipe", row_pipe, 1500, NULL},
    {"context-switch", row_context_switch, 3000, NULL},
    {"fork", row_fork, 120, NULL},
    {"exec", row_exec, 50, NULL},
    {"mmap", row_mmap, 200, NULL},
    {"mprotect", row_mprotect, 2000, NULL},
    {"page-fault", row_page_fault, 16384, NULL},
    {"signal", row_signal, 10000, NULL},
    {"thread-create", row_thread, 400, NULL},
    {"shell-loop", row_shell_loop, 6000, NULL},
    {"shell-programs", row_shell_programs, 50, NULL},
    {"mutex", row_mutex, 100000, NULL},
    {"spinlock", row_spinlock, 200000, NULL},
    {"atomic", row_atomic, 2000000, NULL},
    {"wake", row_wake, 1500, NULL},
};
const size_t linux_row_count = sizeof(linux_rows) / sizeof(linux_rows[0]);
