/* SPDX-License-Identifier: MIT */
/*
 * The SiFive test finisher: a guest ends or resets the machine by a store. The BQL is held in every
 * callback.
 *
 * offset  access  meaning
 * 0x000   W 2, 4  bits 15..0 command: 0x5555 pass, 0x3333 fail: shut down with exit status bits
 *                 31..16;
 *                 0x7777 reset. Anything else is ignored.
 * rest    RW      reads 0, writes are ignored
 *
 * FDT: the node is a syscon; /poweroff and /reboot name it by phandle with the values to store.
 */
#include "devices/devices.h"
#include "hw/core/machine.h"
#include "hw/host/log.h"
#include <inttypes.h>
#include <libfdt.h>

enum { FINISHER_FAIL = 0x3333, FINISHER_PASS = 0x5555, FINISHER_RESET = 0x7777 };

static uint64_t sifive_test_read(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev;
    (void)offset;
    (void)size;
    return 0;
}

static void sifive_test_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    (void)size;
    if (offset == 0) {
        switch (value & 0xffff) {
        case FINISHER_FAIL:
        case FINISHER_PASS:
            machine_request_shutdown(dev->machine, (int)((value >> 16) & 0xffff));
            return;
        case FINISHER_RESET:
            machine_request_reset(dev->machine);
            return;
        }
    }
    log_guest_error("sifive-test: write of 0x%" PRIx64 " at 0x%" PRIx64 " has no meaning\n", value,
                    offset);
}

static int sifive_test_fdt(struct device *dev, void *fdt, int node)
{
    const struct sifive_test_config *config = dev->config;

    return config ? fdt_setprop_u32(fdt, node, "phandle", config->phandle) : 0;
}

static int add_syscon_node(void *fdt, const char *name, const char *compatible, uint32_t phandle,
                           uint32_t value)
{
    int node = fdt_add_subnode(fdt, 0, name);
    int rc;

    if (node < 0) {
        return node;
    }
    rc = fdt_setprop_u32(fdt, node, "value", value);
    rc = rc ? rc : fdt_setprop_u32(fdt, node, "offset", 0);
    rc = rc ? rc : fdt_setprop_u32(fdt, node, "regmap", phandle);
    return rc ? rc : fdt_setprop_string(fdt, node, "compatible", compatible);
}

int sifive_test_fdt_syscon(const struct device *dev, void *fdt)
{
    const struct sifive_test_config *config = dev->config;
    int rc;

    if (!config) {
        return 0;
    }
    rc = add_syscon_node(fdt, "poweroff", "syscon-poweroff", config->phandle, FINISHER_PASS);
    return rc ? rc
              : add_syscon_node(fdt, "reboot", "syscon-reboot", config->phandle, FINISHER_RESET);
}

const struct device_model sifive_test_model = {
    .name = "sifive-test",
    .compatible = "sifive,test1\0sifive,test0\0syscon\0",
    .node = "test",
    .size = 0x1000,
    .min_access = 2,
    .max_access = 4,
    .read = sifive_test_read,
    .write = sifive_test_write,
    .fdt = sifive_test_fdt,
};
