/* SPDX-License-Identifier: MIT */
/*
 * The device tree builder (firmware/fdt.h). Every step returns 0 or a libfdt error, and does
 * nothing once an earlier one failed. libfdt puts a new subnode before its older siblings: the
 * steps run in the order that makes the result read like QEMU's.
 */
#include "firmware/fdt.h"
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/*
 * Room: fixed nodes and devices, and per hart its node, its cpu-map entry, and its share of
 * interrupts-extended.
 */
#define ROOM_BASE (UINT64_C(64) << 10)
#define ROOM_HART (UINT64_C(4) << 10)

uint32_t fdt_phandle_intc(unsigned nharts, unsigned hartid)
{
    return 2 * (nharts - hartid);
}

uint32_t fdt_phandle_irqchip(unsigned nharts)
{
    return 2 * nharts + 1;
}

uint32_t fdt_phandle_finisher(unsigned nharts)
{
    return 2 * nharts + 2;
}

static uint32_t phandle_cpu(unsigned nharts, unsigned hartid)
{
    return fdt_phandle_intc(nharts, hartid) - 1;
}

/* Bytes of a list of strings that an empty one ends, without that one. */
static int string_list_len(const char *list)
{
    const char *p = list;

    while (*p) {
        p += strlen(p) + 1;
    }
    return (int)(p - list);
}

/* The setters below take *RC, and leave everything alone when it is an error already. */
static void set_u32(void *fdt, int node, const char *name, uint32_t value, int *rc)
{
    *rc = *rc < 0 ? *rc : fdt_setprop_u32(fdt, node, name, value);
}

static void set_string(void *fdt, int node, const char *name, const char *value, int *rc)
{
    *rc = *rc < 0 ? *rc : fdt_setprop_string(fdt, node, name, value);
}

static void set_bytes(void *fdt, int node, const char *name, const void *value, int len, int *rc)
{
    *rc = *rc < 0 ? *rc : fdt_setprop(fdt, node, name, value, len);
}

/* reg = <base size>, two cells each. */
static void set_reg(void *fdt, int node, uint64_t base, uint64_t size, int *rc)
{
    fdt64_t reg[2] = {cpu_to_fdt64(base), cpu_to_fdt64(size)};

    set_bytes(fdt, node, "reg", reg, sizeof(reg), rc);
}

/* Returns the new node's offset, or an error that is also in *RC. */
static int add_node(void *fdt, int parent, const char *name, int *rc)
{
    int node = *rc < 0 ? *rc : fdt_add_subnode(fdt, parent, name);

    *rc = node < 0 ? node : *rc;
    return node;
}

static int build_soc(void *fdt)
{
    int rc = 0, node = add_node(fdt, 0, "soc", &rc);

    set_bytes(fdt, node, "ranges", NULL, 0, &rc);
    set_string(fdt, node, "compatible", "simple-bus", &rc);
    set_u32(fdt, node, "#size-cells", 2, &rc);
    set_u32(fdt, node, "#address-cells", 2, &rc);
    return rc;
}

static void device_path(const struct device *dev, char *path, size_t size)
{
    snprintf(path, size, "/soc/%s@%llx", dev->model->node, (unsigned long long)dev->base);
}

static int build_chosen(void *fdt, const struct fdt_board *b)
{
    uint8_t seed[FDT_RNG_SEED_SIZE] = {0};
    char path[64];
    int rc = 0, node = add_node(fdt, 0, "chosen", &rc);

    if (getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed)) {
        set_bytes(fdt, node, "rng-seed", seed, sizeof(seed), &rc);
    }
    if (b->console) {
        device_path(b->console, path, sizeof(path));
        set_string(fdt, node, "stdout-path", path, &rc);
    }
    return rc;
}

static int build_aliases(void *fdt, const struct fdt_board *b)
{
    char path[64];
    int rc = 0, node = add_node(fdt, 0, "aliases", &rc);

    if (b->console) {
        device_path(b->console, path, sizeof(path));
        set_string(fdt, node, "serial0", path, &rc);
    }
    return rc;
}

static int build_memory(void *fdt, const struct fdt_board *b)
{
    char name[32];
    int rc = 0, node;

    snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)b->ram_base);
    node = add_node(fdt, 0, name, &rc);
    set_reg(fdt, node, b->ram_base, b->ram_size, &rc);
    set_string(fdt, node, "device_type", "memory", &rc);
    return rc;
}

static int build_intc(void *fdt, int cpu, const struct fdt_cpus *c, unsigned hartid)
{
    int rc = 0, node = add_node(fdt, cpu, "interrupt-controller", &rc);

    set_u32(fdt, node, "#interrupt-cells", 1, &rc);
    set_bytes(fdt, node, "interrupt-controller", NULL, 0, &rc);
    set_string(fdt, node, "compatible", "riscv,cpu-intc", &rc);
    set_u32(fdt, node, "phandle", fdt_phandle_intc(c->nharts, hartid), &rc);
    return rc;
}

static void set_block_size(void *fdt, int node, const char *name, unsigned size, int *rc)
{
    if (size) {
        set_u32(fdt, node, name, size, rc);
    }
}

static int build_cpu(void *fdt, int cpus, const struct fdt_cpus *c, unsigned hartid)
{
    char name[32];
    int rc = 0, node;

    snprintf(name, sizeof(name), "cpu@%x", hartid);
    node = add_node(fdt, cpus, name, &rc);
    set_string(fdt, node, "mmu-type", c->mmu_type, &rc);
    set_string(fdt, node, "riscv,isa", c->isa, &rc);
    set_string(fdt, node, "riscv,isa-base", c->isa_base, &rc);
    set_bytes(fdt, node, "riscv,isa-extensions", c->isa_extensions, c->isa_extensions_len, &rc);
    set_block_size(fdt, node, "riscv,cbom-block-size", c->cbom_size, &rc);
    set_block_size(fdt, node, "riscv,cboz-block-size", c->cboz_size, &rc);
    set_block_size(fdt, node, "riscv,cbop-block-size", c->cbop_size, &rc);
    set_string(fdt, node, "compatible", "riscv", &rc);
    set_string(fdt, node, "status", "okay", &rc);
    set_u32(fdt, node, "reg", hartid, &rc);
    set_string(fdt, node, "device_type", "cpu", &rc);
    set_u32(fdt, node, "phandle", phandle_cpu(c->nharts, hartid), &rc);
    return rc < 0 ? rc : build_intc(fdt, node, c, hartid);
}

static int build_cpu_map(void *fdt, int cpus, const struct fdt_cpus *c)
{
    int rc = 0, map = add_node(fdt, cpus, "cpu-map", &rc),
        cluster = add_node(fdt, map, "cluster0", &rc);

    for (unsigned i = c->nharts; rc == 0 && i-- > 0;) {
        char name[32];
        int core;

        snprintf(name, sizeof(name), "core%u", i);
        core = add_node(fdt, cluster, name, &rc);
        set_u32(fdt, core, "cpu", phandle_cpu(c->nharts, i), &rc);
    }
    return rc;
}

static int build_cpus(void *fdt, const struct fdt_cpus *c)
{
    int rc = 0, node = add_node(fdt, 0, "cpus", &rc);

    set_u32(fdt, node, "timebase-frequency", c->timebase_hz, &rc);
    set_u32(fdt, node, "#size-cells", 0, &rc);
    set_u32(fdt, node, "#address-cells", 1, &rc);
    rc = rc < 0 ? rc : build_cpu_map(fdt, node, c);
    for (unsigned i = c->nharts; rc == 0 && i-- > 0;) {
        rc = build_cpu(fdt, node, c, i);
    }
    return rc;
}

static void set_interrupt(void *fdt, int node, const struct fdt_board *b, const struct device *dev,
                          int *rc)
{
    if (dev->irq_number) {
        set_u32(fdt, node, "interrupt-parent", fdt_phandle_irqchip(b->cpus.nharts), rc);
        set_u32(fdt, node, "interrupts", dev->irq_number, rc);
    }
}

static int build_device(void *fdt, const struct fdt_board *b, struct device *dev)
{
    char name[64];
    int soc = fdt_path_offset(fdt, "/soc"), rc = soc < 0 ? soc : 0, node;

    snprintf(name, sizeof(name), "%s@%llx", dev->model->node, (unsigned long long)dev->base);
    node = add_node(fdt, soc, name, &rc);
    set_bytes(fdt, node, "compatible", dev->model->compatible,
              string_list_len(dev->model->compatible), &rc);
    set_reg(fdt, node, dev->base, dev->size, &rc);
    set_interrupt(fdt, node, b, dev, &rc);
    if (rc == 0 && dev->model->fdt) {
        rc = dev->model->fdt(dev, fdt, node);
    }
    return rc;
}

static int build_devices(void *fdt, const struct fdt_board *b)
{
    int rc = 0;

    for (const struct device *d = b->devices; d && rc >= 0; d = d->next) {
        if (d->model->compatible) {
            rc = build_device(fdt, b, (struct device *)d);
        }
    }
    return rc < 0 ? rc : 0;
}

static int build_root(void *fdt, const struct fdt_board *b)
{
    int rc = 0;

    set_string(fdt, 0, "model", b->model, &rc);
    set_string(fdt, 0, "compatible", b->compatible, &rc);
    set_u32(fdt, 0, "#size-cells", 2, &rc);
    set_u32(fdt, 0, "#address-cells", 2, &rc);
    return rc;
}

static int build_all(void *fdt, size_t room, const struct fdt_board *b)
{
    int rc = fdt_create_empty_tree(fdt, (int)room);

    rc = rc ? rc : build_root(fdt, b);
    rc = rc ? rc : build_soc(fdt);
    rc = rc ? rc : build_chosen(fdt, b);
    rc = rc ? rc : build_aliases(fdt, b);
    rc = rc ? rc : build_cpus(fdt, &b->cpus);
    rc = rc ? rc : build_memory(fdt, b);
    rc = rc ? rc : build_devices(fdt, b);
    return rc ? rc : b->power_nodes ? b->power_nodes(b->finisher, fdt) : 0;
}

void *fdt_build(const struct fdt_board *b, struct err *err)
{
    size_t room = ROOM_BASE + ROOM_HART * b->cpus.nharts + FDT_APPEND_MAX;
    void *fdt = malloc(room);
    int rc;

    if (!fdt) {
        err_set(err, -ENOMEM, "out of host memory for the device tree");
        return NULL;
    }
    rc = build_all(fdt, room, b);
    if (rc < 0) {
        free(fdt);
        err_set(err, -EINVAL, "could not build the device tree (%s)", fdt_strerror(rc));
        return NULL;
    }
    return fdt;
}
