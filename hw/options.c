/* SPDX-License-Identifier: MIT */
/*
 * Walks the command line through the rows of configs/options.def. The handlers are in hw/opt-*.c.
 */
#include "hw/options.h"
#include "hw/host/log.h"
#include "hw/opt.h"
#include <errno.h>
#include <string.h>

struct option_row {
    const char *name, *argument, *help;
    opt_handler *handler;
};

static const struct option_row rows[] = {
#define OPTION(name, argument, help, handler) {name, argument, help, opt_##handler},
#include "configs/options.def"
#undef OPTION
};

static void print_row(const struct option_row *row, FILE *out)
{
    int width = fprintf(out, "-%s%s%s", row->name, row->argument[0] ? " " : "", row->argument);

    fprintf(out, "%*s%s\n", width < 30 ? 30 - width : 1, "", row->help);
}

/* The first line is parsed by scripts: IFS='[ .]' read _ _ _ MAJOR MINOR MICRO. */
static void print_version(FILE *out)
{
    fprintf(
        out,
        "QEMU emulator version %s (manyhart %s, a RISC-V emulator of its own that takes QEMU's options)\n",
        COMPAT_QEMU_VERSION, MH_VERSION);
}

int opt_version(const struct opt_context *c, struct err *err)
{
    (void)err;
    print_version(c->out);
    return OPT_EXIT;
}

int opt_help(const struct opt_context *c, struct err *err)
{
    (void)err;
    print_version(c->out);
    fprintf(c->out, "usage: manyhart [options]\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].help[0]) {
            print_row(&rows[i], c->out);
        }
    }
    fprintf(
        c->out,
        "\nOn a terminal shared with the monitor: Ctrl-A H helps, Ctrl-A X quits, Ctrl-A C changes to the "
        "monitor.\n");
    return OPT_EXIT;
}

bool opt_is_help(const char *arg)
{
    return strcmp(arg, "help") == 0 || strcmp(arg, "?") == 0;
}

static const struct option_row *find_row(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Handles argv[*i]; moves *i over its argument. */
static int parse_one(struct options *o, int argc, char **argv, int *i, FILE *out, struct err *err)
{
    const char *word = argv[*i], *name = word + 1 + (word[0] == '-' && word[1] == '-');
    struct opt_context c = {.o = o, .out = out};
    const struct option_row *row;

    if (word[0] != '-' || word[1] == '\0') {
        return err_set(
            err, -EINVAL,
            "unexpected argument '%s' (a disk image goes with -drive, a kernel with -kernel)",
            word);
    }
    row = find_row(name);
    if (!row) {
        return err_set(err, -EINVAL, "unknown or unsupported option '%s'", word);
    }
    c.name = pool_printf(&o->pool, "-%s", name);
    if (row->argument[0]) {
        if (*i + 1 >= argc) {
            return err_set(err, -EINVAL, "option '%s' needs an argument: %s", word, row->argument);
        }
        c.arg = argv[++*i];
    }
    return row->handler(&c, err);
}

static void set_defaults(struct options *o)
{
    memset(o, 0, sizeof(*o));
    o->nharts = 1;
    o->ram_size = VIRT_RAM_DEFAULT;
    o->force_legacy = true;
    o->escape_char = 1;
    o->boot.search_dirs = o->dirs;
    o->boot.extras = o->loaders;
}

static int check_boot(const struct options *o, struct err *err)
{
    static const struct {
        const char *name;
        size_t offset;
    } with_kernel[] = {
        {"-append", offsetof(struct boot_options, append)},
        {"-initrd", offsetof(struct boot_options, initrd)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(with_kernel) && !o->boot.kernel; i++) {
        const char *value = *(const char *const *)((const char *)&o->boot + with_kernel[i].offset);

        if (value) {
            return err_set(err, -EINVAL, "%s is only allowed with -kernel", with_kernel[i].name);
        }
    }
    return 0;
}

static int finish(struct options *o, struct err *err)
{
    int code = o->cpu.model ? 0 : cpu_config_parse(&o->cpu, "rv64", err);

    code = code < 0 ? code : check_boot(o, err);
    code = code < 0 ? code : opt_resolve_drives(o, err);
    code = code < 0 ? code : opt_resolve_consoles(o, err);
    o->accel.nharts = o->nharts;
    o->accel.count_calls = (o->log_mask & LOG_STATS) != 0;
    o->accel.chain_off |= (o->log_mask & LOG_NOCHAIN) != 0;
    o->boot.once = o->no_reboot;
    return code;
}

int options_parse(struct options *o, int argc, char **argv, FILE *out, struct err *err)
{
    set_defaults(o);
    for (int i = 1; i < argc; i++) {
        int code = parse_one(o, argc, argv, &i, out, err);

        if (code != 0) {
            return code;
        }
    }
    return finish(o, err);
}

void options_free(struct options *o)
{
    pool_free(&o->pool);
}
