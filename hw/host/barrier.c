/* SPDX-License-Identifier: MIT */
/* Asymmetric barriers by membarrier(2), private and expedited: the kernel interrupts the other threads that run. */
#include "hw/host/barrier.h"
#include <assert.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

bool barrier_register(void)
{
    long commands = membarrier(MEMBARRIER_CMD_QUERY);

    return commands > 0 && commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED &&
           membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

void barrier_heavy(void)
{
    long rc = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);

    assert(rc == 0);
    (void)rc;
}
