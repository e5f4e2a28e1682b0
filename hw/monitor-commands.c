/* SPDX-License-Identifier: MIT */
/*
 * What the monitor's commands do: one function per row of configs/monitor.def. Main thread, BQL not
 * held; harts may run, so what they show is a moment's view unless they stop them.
 */
#include "hw/backend/console.h"
#include "hw/backend/disk.h"
#include "hw/host/log.h"
#include "hw/monitor.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DUMP_MAX_ITEMS 4096

typedef void command_fn(struct monitor *mon, const char *args);

#define COMMAND(name, arguments, help, handler) static command_fn monitor_cmd_##handler;
#include "configs/monitor.def"
#define INFO(name, help, handler) static command_fn monitor_info_##handler;
#include "configs/monitor.def"

struct command_row {
    const char *name, *arguments, *help;
    command_fn *run;
};

static const struct command_row command_rows[] = {
#define COMMAND(name, arguments, help, handler) {name, arguments, help, monitor_cmd_##handler},
#include "configs/monitor.def"
};

static const struct command_row info_rows[] = {
#define INFO(name, help, handler) {name, "", help, monitor_info_##handler},
#include "configs/monitor.def"
};

/* Runs the row that the first word of LINE names; false if there is none. */
static bool dispatch(struct monitor *mon, const struct command_row *rows, size_t n,
                     const char *line)
{
    size_t len = strcspn(line, " ");

    for (size_t i = 0; i < n; i++) {
        if (strlen(rows[i].name) == len && strncmp(rows[i].name, line, len) == 0) {
            rows[i].run(mon, line + len + strspn(line + len, " "));
            return true;
        }
    }
    return false;
}

void monitor_command(struct monitor *mon, const char *line)
{
    line += strspn(line, " ");
    if (*line && !dispatch(mon, command_rows, ARRAY_SIZE(command_rows), line)) {
        monitor_printf(mon, "unknown command: '%s'\n", line);
    }
}

static void print_rows(struct monitor *mon, const char *prefix, const struct command_row *rows,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].help[0]) {
            monitor_printf(mon, "%s%s%s%s -- %s\n", prefix, rows[i].name,
                           rows[i].arguments[0] ? " " : "", rows[i].arguments, rows[i].help);
        }
    }
}

static void monitor_cmd_help(struct monitor *mon, const char *args)
{
    (void)args;
    print_rows(mon, "", command_rows, ARRAY_SIZE(command_rows));
}

static void monitor_cmd_info(struct monitor *mon, const char *args)
{
    if (!*args) {
        print_rows(mon, "info ", info_rows, ARRAY_SIZE(info_rows));
    } else if (!dispatch(mon, info_rows, ARRAY_SIZE(info_rows), args)) {
        monitor_printf(mon, "unknown topic: '%s'\n", args);
    }
}

static void monitor_cmd_quit(struct monitor *mon, const char *args)
{
    (void)args;
    virt_quit(monitor_virt(mon));
}

static void monitor_cmd_stop(struct monitor *mon, const char *args)
{
    (void)args;
    virt_stop(monitor_virt(mon));
}

static void monitor_cmd_cont(struct monitor *mon, const char *args)
{
    struct err err;

    (void)args;
    if (virt_cont(monitor_virt(mon), &err) < 0) {
        monitor_printf(mon, "%s\n", err.text);
    }
}

static void monitor_cmd_reset(struct monitor *mon, const char *args)
{
    (void)args;
    machine_request_reset(&monitor_virt(mon)->machine);
}

static void monitor_cmd_powerdown(struct monitor *mon, const char *args)
{
    (void)args;
    monitor_printf(mon, "this board has no power button: power off in the guest, or `quit`\n");
}

static void monitor_cmd_log(struct monitor *mon, const char *args)
{
    uint32_t mask = 0;
    struct err err;

    if (strcmp(args, "none") != 0 && log_parse(args, &mask, &err) < 0) {
        monitor_printf(mon, "%s\n", err.text);
        return;
    }
    log_set_mask(mask);
}

/* /NFS of xp. */
struct dump_format {
    uint64_t count;
    char format;
    unsigned size;
};

static bool parse_format(const char **args, struct dump_format *f)
{
    static const char sizes[] = "bhwg";
    const char *p = *args;
    char *end;

    if (*p != '/') {
        return true;
    }
    p++;
    if (*p >= '0' && *p <= '9') {
        f->count = strtoull(p, &end, 10);
        p = end;
    }
    for (; *p && *p != ' '; p++) {
        const char *size = strchr(sizes, *p);

        if (size) {
            f->size = 1u << (size - sizes);
        } else if (strchr("xdu", *p)) {
            f->format = *p;
        } else {
            return false;
        }
    }
    *args = p + strspn(p, " ");
    return f->count >= 1 && f->count <= DUMP_MAX_ITEMS;
}

static void print_item(struct monitor *mon, const struct dump_format *f, uint64_t value)
{
    unsigned unused = 64 - 8 * f->size;

    if (f->format == 'x') {
        monitor_printf(mon, " 0x%0*" PRIx64, (int)f->size * 2, value);
    } else if (f->format == 'u') {
        monitor_printf(mon, " %" PRIu64, value);
    } else {
        monitor_printf(mon, " %" PRId64, (int64_t)(value << unused) >> unused);
    }
}

static void dump_memory(struct monitor *mon, const struct dump_format *f, paddr_t pa)
{
    const struct memory_map *map = monitor_virt(mon)->machine.memory;
    unsigned per_line = 16 / f->size;

    for (uint64_t i = 0; i < f->count; i++, pa += f->size) {
        uint64_t value = 0;

        if (i % per_line == 0) {
            monitor_printf(mon, "%s%016" PRIx64 ":", i ? "\n" : "", pa);
        }
        if (!memory_read(map, pa, &value, f->size)) {
            monitor_printf(mon, " Cannot access memory");
            break;
        }
        print_item(mon, f, value);
    }
    monitor_write(mon, "\n", 1);
}

static void monitor_cmd_xp(struct monitor *mon, const char *args)
{
    struct dump_format f = {.count = 1, .format = 'x', .size = 4};
    uint64_t pa;

    if (!parse_format(&args, &f) || !parse_uint(args, &pa)) {
        monitor_printf(mon, "usage: xp /16xw 0x80000000\n");
        return;
    }
    dump_memory(mon, &f, pa);
}

static void monitor_info_version(struct monitor *mon, const char *args)
{
    (void)args;
    monitor_printf(mon, "%s (manyhart %s)\n", COMPAT_QEMU_VERSION, MH_VERSION);
}

static void monitor_info_name(struct monitor *mon, const char *args)
{
    const char *name = monitor_virt(mon)->o->name;

    (void)args;
    monitor_printf(mon, "%s\n", name ? name : "");
}

static void monitor_info_status(struct monitor *mon, const char *args)
{
    (void)args;
    monitor_printf(mon, "VM status: %s\n", monitor_virt(mon)->stopped ? "paused" : "running");
}

static void monitor_info_cpus(struct monitor *mon, const char *args)
{
    const struct virt *v = monitor_virt(mon);

    (void)args;
    for (unsigned i = 0; i < v->o->nharts; i++) {
        monitor_printf(mon, "%c CPU #%u: %s\n", i == 0 ? '*' : ' ', i, v->o->cpu.model);
    }
}

/* Prints what FN writes to a stream. */
static void print_stream(struct monitor *mon, void (*fn)(struct virt *v, FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out) {
        monitor_printf(mon, "out of host memory\n");
        return;
    }
    fn(monitor_virt(mon), out);
    fclose(out);
    monitor_write(mon, text, size);
    free(text);
}

static void monitor_info_registers(struct monitor *mon, const char *args)
{
    (void)args;
    print_stream(mon, virt_dump_harts);
}

static void print_stats(struct virt *v, FILE *out)
{
    accel_print_stats(v->accel, out);
}

static void monitor_info_jit(struct monitor *mon, const char *args)
{
    (void)args;
    print_stream(mon, print_stats);
}

static void monitor_info_mtree(struct monitor *mon, const char *args)
{
    static const char *const kinds[] = {
        [MEMORY_RAM] = "ram", [MEMORY_ROM] = "rom", [MEMORY_MMIO] = "i/o"};
    const struct memory_map *map = monitor_virt(mon)->machine.memory;

    (void)args;
    for (unsigned i = 0; i < memory_region_count(map); i++) {
        const struct memory_region *r = memory_region_at(map, i);

        monitor_printf(mon, "%016" PRIx64 "-%016" PRIx64 " (%s) %s\n", r->base,
                       r->base + r->size - 1, kinds[r->kind], r->dev ? r->dev->id : "");
    }
}

static void monitor_info_block(struct monitor *mon, const char *args)
{
    const struct virt *v = monitor_virt(mon);

    (void)args;
    for (unsigned i = 0; i < v->o->nblks; i++) {
        const struct blk_option *b = &v->o->blks[i];

        monitor_printf(mon, "%s: %s (raw%s%s, %" PRIu64 " sectors) on virtio-mmio-bus.%d\n",
                       b->drive->id ? b->drive->id : "drive", b->drive->file,
                       b->drive->read_only ? ", read-only" : "",
                       b->drive->snapshot ? ", snapshot" : "", disk_sectors(v->disks[b->slot]),
                       b->slot);
    }
}

static void monitor_info_chardev(struct monitor *mon, const char *args)
{
    const struct virt *v = monitor_virt(mon);

    (void)args;
    for (unsigned i = 0; i < v->o->nserials; i++) {
        monitor_printf(mon, "serial%u: %s\n", i, v->o->serials[i]);
    }
    if (v->o->monitor) {
        monitor_printf(mon, "monitor: %s\n", v->o->monitor);
    }
}
