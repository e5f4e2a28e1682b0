/* SPDX-License-Identifier: MIT */
/* Limits and defaults of the machine and of the command line. */
#ifndef CONFIGS_LIMITS_H
#define CONFIGS_LIMITS_H

#define VIRT_MAX_HARTS     512
#define VIRT_RAM_DEFAULT   (UINT64_C(128) << 20)
#define VIRT_RAM_MIN       (UINT64_C(64) << 10)
#define VIRT_RAM_MAX       (UINT64_C(1) << 42) /* what a host process can be expected to reserve */
#define VIRT_TIMEBASE_HZ   10000000
#define VIRT_PLIC_SOURCES  95
#define VIRT_UART_CLOCK_HZ 3686400
#define VIRT_CBO_SIZE      64 /* block of cbo.clean, cbo.zero, prefetch */
#define VIRT_VIRTIO_SLOTS  8

#define MAX_DRIVES   64
#define MAX_LOADERS  64
#define MAX_CHARDEVS 16
#define MAX_SERIALS  4
#define MAX_DIRS     16

/*
 * The QEMU whose command line and machine this program stands in for: what scripts read in
 * -version.
 */
#define COMPAT_QEMU_VERSION "11.1.0"

#endif
