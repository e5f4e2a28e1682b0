/* SPDX-License-Identifier: MIT */
/*
 * The device tree of the board: phandles, CPU nodes, device nodes and their order. That the whole
 * equals QEMU's is checked by tests/system/dumpdtb.py.
 */
#include "firmware/fdt.h"
#include "tests/unit.h"
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

static int own_property(struct device *dev, void *fdt, int node)
{
    (void)dev;
    return fdt_setprop_u32(fdt, node, "own", 7);
}

static int power_nodes(const struct device *finisher, void *fdt)
{
    int node = fdt_add_subnode(fdt, 0, "poweroff");

    (void)finisher;
    return node < 0 ? node : 0;
}

static const struct device_model first_model = {
    .name = "first", .compatible = "a,first\0b\0", .node = "first"};
static const struct device_model second_model = {
    .name = "second", .compatible = "second\0", .node = "second", .fdt = own_property};
static const struct device_model silent_model = {.name = "silent", .node = "silent"};

static void *build(unsigned nharts)
{
    static struct device silent = {.model = &silent_model, .base = 0x3000, .size = 0x10};
    static struct device second = {
        .model = &second_model, .base = 0x2000, .size = 0x100, .irq_number = 5, .next = &silent};
    static struct device first = {
        .model = &first_model, .base = 0x1000, .size = 0x1000, .next = &second};
    struct fdt_board b = {
        .model = "m",
        .compatible = "c",
        .cpus = {.nharts = nharts,
                 .timebase_hz = 10000000,
                 .isa = "rv64im_zba",
                 .isa_base = "rv64i",
                 .isa_extensions = "i\0m\0zba",
                 .isa_extensions_len = 8,
                 .mmu_type = "riscv,sv48",
                 .cboz_size = 64},
        .ram_base = 0x80000000,
        .ram_size = 0x123400000,
        .devices = &first,
        .console = &second,
        .power_nodes = power_nodes,
    };
    struct err err;

    return fdt_build(&b, &err);
}

static uint32_t u32_at(const void *fdt, const char *path, const char *name)
{
    int len, node = fdt_path_offset(fdt, path);
    const fdt32_t *p = node < 0 ? NULL : fdt_getprop(fdt, node, name, &len);

    return p && len == 4 ? fdt32_to_cpu(*p) : UINT32_MAX;
}

static bool string_is(const void *fdt, const char *path, const char *name, const char *want)
{
    int len, node = fdt_path_offset(fdt, path);
    const char *p = node < 0 ? NULL : fdt_getprop(fdt, node, name, &len);

    return p && len == (int)strlen(want) + 1 && strcmp(p, want) == 0;
}

static void phandles_are_qemus(struct unit *u)
{
    void *fdt = build(3);

    CHECK_EQ(u, u32_at(fdt, "/cpus/cpu@2", "phandle"), 1);
    CHECK_EQ(u, u32_at(fdt, "/cpus/cpu@2/interrupt-controller", "phandle"), 2);
    CHECK_EQ(u, u32_at(fdt, "/cpus/cpu@0", "phandle"), 5);
    CHECK_EQ(u, u32_at(fdt, "/cpus/cpu@0/interrupt-controller", "phandle"), fdt_phandle_intc(3, 0));
    CHECK_EQ(u, u32_at(fdt, "/cpus/cpu-map/cluster0/core1", "cpu"), 3);
    CHECK_EQ(u, fdt_phandle_irqchip(3), 7);
    CHECK_EQ(u, fdt_phandle_finisher(3), 8);
    free(fdt);
}

static void a_cpu_node_says_what_the_hart_is(struct unit *u)
{
    void *fdt = build(1);
    int len, node = fdt_path_offset(fdt, "/cpus/cpu@0");
    const char *list = fdt_getprop(fdt, node, "riscv,isa-extensions", &len);

    CHECK(u, string_is(fdt, "/cpus/cpu@0", "riscv,isa", "rv64im_zba"));
    CHECK(u, string_is(fdt, "/cpus/cpu@0", "mmu-type", "riscv,sv48"));
    CHECK(u, list && len == 8 && memcmp(list, "i\0m\0zba", 8) == 0);
    CHECK_EQ(u, u32_at(fdt, "/cpus/cpu@0", "riscv,cboz-block-size"), 64);
    CHECK(u, fdt_getprop(fdt, node, "riscv,cbom-block-size", &len) == NULL);
    CHECK_EQ(u, u32_at(fdt, "/cpus", "timebase-frequency"), 10000000);
    free(fdt);
}

static void devices_are_nodes_of_soc_the_last_first(struct unit *u)
{
    void *fdt = build(2);
    int len, soc = fdt_path_offset(fdt, "/soc"), node = fdt_first_subnode(fdt, soc);
    const fdt64_t *reg;

    CHECK(u, strcmp(fdt_get_name(fdt, node, NULL), "second@2000") == 0);
    CHECK_EQ(u, u32_at(fdt, "/soc/second@2000", "own"), 7);
    CHECK_EQ(u, u32_at(fdt, "/soc/second@2000", "interrupts"), 5);
    CHECK_EQ(u, u32_at(fdt, "/soc/second@2000", "interrupt-parent"), fdt_phandle_irqchip(2));
    node = fdt_next_subnode(fdt, node);
    CHECK(u, strcmp(fdt_get_name(fdt, node, NULL), "first@1000") == 0);
    CHECK(u, fdt_getprop(fdt, node, "interrupts", &len) == NULL);
    CHECK(u, fdt_stringlist_contains(fdt_getprop(fdt, node, "compatible", &len), 10, "b"));
    reg = fdt_getprop(fdt, node, "reg", &len);
    CHECK(u, reg && len == 16 && fdt64_to_cpu(reg[0]) == 0x1000 && fdt64_to_cpu(reg[1]) == 0x1000);
    CHECK(u, fdt_next_subnode(fdt, node) < 0);
    CHECK(u, fdt_path_offset(fdt, "/poweroff") > 0);
    CHECK(u, string_is(fdt, "/chosen", "stdout-path", "/soc/second@2000"));
    CHECK(u, string_is(fdt, "/aliases", "serial0", "/soc/second@2000"));
    free(fdt);
}

static void a_tree_of_512_harts_fits(struct unit *u)
{
    void *fdt = build(512);

    CHECK(u, fdt != NULL);
    CHECK_EQ(u, u32_at(fdt, "/cpus/cpu@1ff", "reg"), 511);
    CHECK_EQ(u, u32_at(fdt, "/cpus/cpu-map/cluster0/core511", "cpu"), 1);
    free(fdt);
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(phandles_are_qemus),
        UNIT(a_cpu_node_says_what_the_hart_is),
        UNIT(devices_are_nodes_of_soc_the_last_first),
        UNIT(a_tree_of_512_harts_fits),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
