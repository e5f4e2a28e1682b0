/* SPDX-License-Identifier: MIT */
/*
 * Builds the `virt` board: memory and devices from the rows of configs/virt.def, harts, disks and
 * consoles from the options, the device tree, and the images to boot. A new device on the board is
 * a row there and, if it has a configuration, a config_* function here.
 */
#include "hw/virt.h"
#include "firmware/fdt.h"
#include "hw/backend/console.h"
#include "hw/backend/disk.h"
#include "hw/host/cpu-features.h"
#include "hw/monitor.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CAUSE_M_SOFT = 3, CAUSE_M_TIMER = 7, CAUSE_S_EXT = 9, CAUSE_M_EXT = 11 };

struct memory_row {
    const char *id;
    paddr_t base;
    uint64_t size; /* 0: the options' */
    enum memory_kind kind;
};

enum virt_memory {
#define MEMORY(id, base, size, kind) VIRT_##id,
#include "configs/virt.def"
};

static const struct memory_row memory_rows[] = {
#define MEMORY(id, base, size, kind) {#id, base, size, MEMORY_##kind},
#include "configs/virt.def"
};

typedef const void *config_fn(struct virt *v, enum virt_device which);

static const void *config_none(struct virt *v, enum virt_device which)
{
    (void)v;
    (void)which;
    return NULL;
}

static const void *config_clint(struct virt *v, enum virt_device which)
{
    unsigned n = v->o->nharts;

    (void)which;
    for (unsigned i = 0; i < n; i++) {
        v->hart_lines[i] = hart_irq(v->harts[i], CAUSE_M_SOFT);
        v->hart_lines[n + i] = hart_irq(v->harts[i], CAUSE_M_TIMER);
    }
    v->clint = (struct clint_config){
        .nharts = n,
        .msip = v->hart_lines,
        .mtip = v->hart_lines + n,
        .intc_phandles = v->intc_phandles,
    };
    return &v->clint;
}

static const void *config_plic(struct virt *v, enum virt_device which)
{
    unsigned n = v->o->nharts;

    (void)which;
    for (unsigned i = 0; i < n; i++) {
        uint32_t phandle = v->intc_phandles[i];

        v->contexts[2 * i] =
            (struct plic_context){hart_irq(v->harts[i], CAUSE_M_EXT), phandle, CAUSE_M_EXT};
        v->contexts[2 * i + 1] =
            (struct plic_context){hart_irq(v->harts[i], CAUSE_S_EXT), phandle, CAUSE_S_EXT};
    }
    v->plic = (struct plic_config){
        .nsources = VIRT_PLIC_SOURCES,
        .ncontexts = 2 * n,
        .contexts = v->contexts,
        .phandle = fdt_phandle_irqchip(n),
    };
    return &v->plic;
}

static const void *config_finisher(struct virt *v, enum virt_device which)
{
    (void)which;
    v->finisher.phandle = fdt_phandle_finisher(v->o->nharts);
    return &v->finisher;
}

static const void *config_uart(struct virt *v, enum virt_device which)
{
    (void)which;
    v->uart = (struct ns16550a_config){.console = v->serials[0], .clock_hz = VIRT_UART_CLOCK_HZ};
    return &v->uart;
}

static const void *config_virtio(struct virt *v, enum virt_device which)
{
    unsigned slot = which - VIRT_virtio0;
    struct virtio_mmio_config *c = &v->virtio[slot];

    c->force_legacy = v->o->force_legacy;
    if (v->disks[slot]) {
        c->backend = &virtio_blk_model;
        c->backend_config = &v->blk[slot];
    }
    return c;
}

static const struct device_row {
    const char *id;
    const struct device_model *model;
    paddr_t base;
    unsigned irq;
    config_fn *config;
} device_rows[] = {
#define DEVICE(id, model, base, irq, config) {#id, &model##_model, base, irq, config_##config},
#include "configs/virt.def"
};

static uint64_t memory_row_size(const struct virt *v, const struct memory_row *row)
{
    return row->size ? row->size : v->o->ram_size;
}

static int build_memory(struct virt *v, struct err *err)
{
    int code = 0;

    v->machine.memory = memory_map_new(&v->machine);
    if (!v->machine.memory) {
        return err_set(err, -ENOMEM, "out of host memory");
    }
    for (size_t i = 0; code == 0 && i < ARRAY_SIZE(memory_rows); i++) {
        const struct memory_row *row = &memory_rows[i];

        code =
            memory_add_ram(v->machine.memory, row->base, memory_row_size(v, row), row->kind, err);
    }
    return code;
}

static int build_harts(struct virt *v, struct err *err)
{
    unsigned n = v->o->nharts;

    v->accel = accel_new(&v->machine, &v->o->accel, err);
    if (!v->accel) {
        return -ENOMEM;
    }
    v->harts = calloc(n, sizeof(struct hart *));
    v->hart_lines = calloc(2 * n, sizeof(struct irq *));
    v->intc_phandles = calloc(n, sizeof(uint32_t));
    v->contexts = calloc(2 * n, sizeof(struct plic_context));
    if (!v->harts || !v->hart_lines || !v->intc_phandles || !v->contexts) {
        return err_set(err, -ENOMEM, "out of host memory");
    }
    for (unsigned i = 0; i < n; i++) {
        v->intc_phandles[i] = fdt_phandle_intc(n, i);
        v->harts[i] = hart_new(&v->machine, v->accel, &v->o->cpu, i, err);
        if (!v->harts[i]) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int open_console(struct virt *v, const char *spec, struct console **c, struct err *err)
{
    err->text[0] = '\0';
    *c = console_new(&v->machine, spec, err);
    if (!*c && err->text[0]) {
        return -EINVAL;
    }
    if (*c && console_notice(*c)) {
        fprintf(stderr, "%s\n", console_notice(*c));
    }
    return 0;
}

static int build_consoles(struct virt *v, struct err *err)
{
    const struct options *o = v->o;
    int code = 0;

    for (unsigned i = 0; code == 0 && i < o->nserials; i++) {
        code = open_console(v, o->serials[i], &v->serials[i], err);
    }
    if (code == 0 && o->monitor) {
        code = open_console(v, o->monitor, &v->monitor_console, err);
    }
    return code;
}

static int build_disks(struct virt *v, struct err *err)
{
    for (unsigned i = 0; i < v->o->nblks; i++) {
        const struct blk_option *b = &v->o->blks[i];
        struct disk_options d = {
            .path = b->drive->file,
            .read_only = b->drive->read_only,
            .snapshot = b->drive->snapshot,
            .no_flush = b->drive->no_flush,
            .serial = b->drive->serial,
            .discard = b->drive->discard,
        };

        v->disks[b->slot] = disk_open(&v->machine, &d, err);
        if (!v->disks[b->slot]) {
            return -EINVAL;
        }
        v->blk[b->slot] = (struct virtio_blk_config){
            .disk = v->disks[b->slot],
            .serial = b->serial,
            .num_queues = b->num_queues,
            .queue_size = b->queue_size,
        };
    }
    return 0;
}

static int build_device(struct virt *v, enum virt_device which, struct err *err)
{
    const struct device_row *row = &device_rows[which];
    const void *config = row->config(v, which);
    const struct irq *irq = row->irq ? plic_input(v->devices[VIRT_plic], row->irq) : NULL;
    struct device *dev =
        device_new(row->model, &v->machine, row->id, row->base, irq, row->irq, config, err);

    if (!dev) {
        return -EINVAL;
    }
    v->devices[which] = dev;
    machine_add_device(&v->machine, dev);
    memory_add_device(v->machine.memory, dev);
    return 0;
}

static int build_devices(struct virt *v, struct err *err)
{
    int code = 0;

    for (unsigned i = 0; code == 0 && i < VIRT_DEVICE_COUNT; i++) {
        code = build_device(v, i, err);
    }
    return code;
}

static unsigned block_size(const struct cpu_config *c, enum isa_ext ext)
{
    return cpu_has(c, ext) ? VIRT_CBO_SIZE : 0;
}

static void *build_fdt(struct virt *v, struct err *err)
{
    const struct cpu_config *c = &v->o->cpu;
    char isa[1024], extensions[1024];
    struct fdt_board b = {
        .model = "riscv-virtio,qemu",
        .compatible = "riscv-virtio",
        .cpus =
            {
                .nharts = v->o->nharts,
                .timebase_hz = VIRT_TIMEBASE_HZ,
                .isa = isa,
                .isa_base = "rv64i",
                .isa_extensions = extensions,
                .mmu_type = cpu_mmu_type(c),
                .cbom_size = block_size(c, EXT_ZICBOM),
                .cbop_size = block_size(c, EXT_ZICBOP),
                .cboz_size = block_size(c, EXT_ZICBOZ),
            },
        .ram_base = memory_rows[VIRT_dram].base,
        .ram_size = v->o->ram_size,
        .devices = v->machine.devices,
        .console = v->devices[VIRT_uart0],
        .finisher = v->devices[VIRT_test],
        .power_nodes = sifive_test_fdt_syscon,
    };

    b.cpus.isa_extensions_len = cpu_isa_extensions(c, extensions, sizeof(extensions));
    if (cpu_isa_string(c, isa, sizeof(isa)) < 0 || b.cpus.isa_extensions_len < 0) {
        err_set(err, -ENOSPC, "the ISA string of CPU model '%s' is too long", c->model);
        return NULL;
    }
    return fdt_build(&b, err);
}

static int build_boot(struct virt *v, struct err *err)
{
    struct boot_layout layout = {
        .ram_base = memory_rows[VIRT_dram].base,
        .ram_size = v->o->ram_size,
        .mrom_base = memory_rows[VIRT_mrom].base,
        .mrom_size = memory_rows[VIRT_mrom].size,
    };
    void *fdt = NULL;

    if (!v->o->boot.dtb) {
        fdt = build_fdt(v, err);
        if (!fdt) {
            return -EINVAL;
        }
    }
    v->boot = boot_new(&v->o->boot, &layout, v->machine.memory, fdt, err);
    return v->boot ? 0 : -EINVAL;
}

/* The monitor on a console of its own, or behind the serial port's escape keys. */
static int build_monitor(struct virt *v, struct err *err)
{
    bool shared = v->serials[0] && strncmp(v->o->serials[0], "mon:", 4) == 0;

    if (!v->monitor_console && !shared) {
        return 0;
    }
    v->monitor = v->monitor_console ? monitor_new(v, v->monitor_console, false, err)
                                    : monitor_new(v, v->serials[0], true, err);
    return v->monitor ? 0 : -ENOMEM;
}

static int build(struct virt *v, struct err *err)
{
    int code = build_memory(v, err);

    code = code < 0 ? code : build_harts(v, err);
    code = code < 0 ? code : build_disks(v, err);
    code = code < 0 ? code : build_consoles(v, err);
    code = code < 0 ? code : build_devices(v, err);
    code = code < 0 ? code : build_boot(v, err);
    return code < 0 ? code : build_monitor(v, err);
}

struct virt *virt_new(const struct options *o, struct err *err)
{
    struct virt *v = calloc(1, sizeof(*v));

    if (!v) {
        err_set(err, -ENOMEM, "out of host memory");
        return NULL;
    }
    v->o = o;
    v->signal_fd = -1;
    v->machine.no_reboot = o->no_reboot;
    v->machine.timebase_hz = VIRT_TIMEBASE_HZ;
    v->machine.host_counter_off = o->accel.host_off & HOST_INVARIANT_TSC;
    if (machine_init(&v->machine, err) < 0) {
        free(v);
        return NULL;
    }
    if (build(v, err) < 0) {
        virt_free(v);
        return NULL;
    }
    return v;
}

/* In reverse order, while the disks that they may have requests at still exist. */
static void free_devices(struct virt *v)
{
    mutex_lock(&v->machine.bql);
    v->machine.devices = NULL;
    for (unsigned i = VIRT_DEVICE_COUNT; i-- > 0;) {
        device_free(v->devices[i]);
    }
    mutex_unlock(&v->machine.bql);
}

static void free_backends(struct virt *v)
{
    monitor_free(v->monitor);
    console_free(v->monitor_console);
    for (unsigned i = 0; i < MAX_SERIALS; i++) {
        console_free(v->serials[i]);
    }
    for (unsigned i = 0; i < VIRT_VIRTIO_SLOTS; i++) {
        disk_close(v->disks[i]);
    }
}

static void free_harts(struct virt *v)
{
    for (unsigned i = 0; v->harts && i < v->o->nharts; i++) {
        hart_free(v->harts[i]);
    }
    accel_free(v->accel);
    free(v->harts);
}

void virt_free(struct virt *v)
{
    struct memory_map *map;

    if (!v) {
        return;
    }
    map = v->machine.memory;
    free_harts(v);
    free_devices(v);
    free_backends(v);
    machine_fini(&v->machine);
    boot_free(v->boot);
    memory_map_free(map);
    free(v->hart_lines);
    free(v->intc_phandles);
    free(v->contexts);
    free(v);
}
