/* SPDX-License-Identifier: MIT */
/* Option handlers: the machine, its harts and memory, what it boots, and the small switches. */
#include "hw/host/log.h"
#include "hw/opt.h"
#include <errno.h>
#include <string.h>

static int print_machines(FILE *out)
{
    fprintf(out, "Supported machines are:\n%-20s %s\n", "virt", "RISC-V VirtIO board (default)");
    return OPT_EXIT;
}

/* "kvm:tcg": the first one that exists is taken. */
static int check_accel_list(const char *list, const char *what, struct err *err)
{
    for (const char *p = list; p; p = strchr(p, ':')) {
        p += *p == ':';
        if (strncmp(p, "tcg", 3) == 0 && (p[3] == '\0' || p[3] == ':')) {
            return 0;
        }
    }
    return err_set(err, -EINVAL, "%s: accelerator '%s' is not supported, only tcg is", what, list);
}

/* Properties that may have one value only, because the machine has no such thing. */
static int check_absent_features(struct props *p, struct err *err)
{
    static const struct {
        const char *name;
        bool only;
    } fixed[] = {
        {"aclint", false},         {"usb", false},       {"iommu-sys", false},
        {"graphics", false},       {"mem-merge", false}, {"suppress-vmdesc", false},
        {"dump-guest-core", true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        bool value = fixed[i].only,
             ignorable = fixed[i].only || strcmp(fixed[i].name, "mem-merge") == 0;
        int code = props_bool(p, fixed[i].name, &value, err);

        if (code < 0) {
            return code;
        }
        if (value != fixed[i].only && !ignorable) {
            return err_set(err, -EINVAL, "-machine: property '%s=on' is not supported",
                           fixed[i].name);
        }
    }
    return 0;
}

static int check_words(struct props *p, struct err *err)
{
    static const char *const aia[] = {"none", NULL}, *const acpi[] = {"off", "auto", NULL};
    unsigned ignored;
    int code = props_word(p, "aia", aia, &ignored, err);

    return code < 0 ? code : props_word(p, "acpi", acpi, &ignored, err);
}

static void take_string(struct props *p, const char *key, const char **where)
{
    const char *value = props_get(p, key);

    *where = value ? value : *where;
}

int opt_machine(const struct opt_context *c, struct err *err)
{
    struct props p;
    const char *type, *accel;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, "type", err);

    if (code < 0) {
        return code;
    }
    type = props_get(&p, "type");
    if (type && opt_is_help(type)) {
        return print_machines(c->out);
    }
    if (type && strcmp(type, "virt") != 0) {
        return err_set(err, -EINVAL, "%s: unsupported machine type '%s' (there is: virt)", c->name,
                       type);
    }
    accel = props_get(&p, "accel");
    code = accel ? check_accel_list(accel, c->name, err) : 0;
    code = code < 0 ? code : check_absent_features(&p, err);
    code = code < 0 ? code : check_words(&p, err);
    take_string(&p, "dumpdtb", &c->o->dumpdtb);
    take_string(&p, "kernel", &c->o->boot.kernel);
    take_string(&p, "initrd", &c->o->boot.initrd);
    take_string(&p, "append", &c->o->boot.append);
    take_string(&p, "dtb", &c->o->boot.dtb);
    take_string(&p, "firmware", &c->o->boot.bios);
    return code < 0 ? code : props_done(&p, err);
}

int opt_cpu(const struct opt_context *c, struct err *err)
{
    int code;

    if (opt_is_help(c->arg)) {
        cpu_models_print(c->out);
        return OPT_EXIT;
    }
    code = cpu_config_parse(&c->o->cpu, c->arg, err);
    if (code < 0) {
        err_prefix(err, "-cpu");
    }
    return code;
}

/* What -smp says of the topology; 0: not given. */
struct topology {
    uint64_t cpus, maxcpus, product;
    bool complete; /* sockets, cores and threads were all given */
};

static int read_topology(struct props *p, struct topology *t, struct err *err)
{
    static const char *const levels[] = {"sockets",  "cores", "threads", "dies",
                                         "clusters", "books", "drawers"};
    unsigned ngiven = 0;
    int code = props_uint(p, "maxcpus", UINT32_MAX, &t->maxcpus, err);

    t->product = 1;
    for (size_t i = 0; code == 0 && i < ARRAY_SIZE(levels); i++) {
        uint64_t n = 0;

        code = props_uint(p, levels[i], UINT16_MAX, &n, err);
        if (n) {
            t->product = MIN(t->product * n, UINT32_MAX);
            ngiven += i < 3;
        }
    }
    t->complete = ngiven == 3;
    return code;
}

static int check_topology(struct topology *t, bool given, struct err *err)
{
    if (!given) {
        t->cpus = t->maxcpus ? t->maxcpus : t->product;
    }
    if (t->cpus == 0 || t->cpus > VIRT_MAX_HARTS || t->maxcpus > VIRT_MAX_HARTS) {
        return err_set(
            err, -EINVAL,
            "-smp: Number of SMP CPUs requested (%llu) is outside of what machine 'virt' supports, 1 to (%u)",
            (unsigned long long)MAX(t->cpus, t->maxcpus), VIRT_MAX_HARTS);
    }
    t->maxcpus = t->maxcpus ? t->maxcpus : t->cpus;
    if (t->maxcpus < t->cpus) {
        return err_set(err, -EINVAL, "-smp: maxcpus is smaller than the number of cpus");
    }
    if (t->complete ? t->product != t->maxcpus : t->maxcpus % t->product != 0) {
        return err_set(
            err, -EINVAL,
            "-smp: the product of the topology's levels (%llu) does not match the number of cpus (%llu)",
            (unsigned long long)t->product, (unsigned long long)t->maxcpus);
    }
    return 0;
}

int opt_smp(const struct opt_context *c, struct err *err)
{
    struct topology t = {0};
    struct props p;
    const char *cpus;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, "cpus", err);

    if (code < 0) {
        return code;
    }
    cpus = props_get(&p, "cpus");
    if (cpus && !parse_uint(cpus, &t.cpus)) {
        return err_set(err, -EINVAL, "-smp: '%s' is not a number of CPUs", cpus);
    }
    code = read_topology(&p, &t, err);
    code = code < 0 ? code : props_done(&p, err);
    code = code < 0 ? code : check_topology(&t, cpus != NULL, err);
    c->o->nharts = (unsigned)t.cpus;
    return code;
}

int opt_memory(const struct opt_context *c, struct err *err)
{
    struct props p;
    const char *size;
    uint64_t bytes = 0, slots = 0;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, "size", err);

    if (code < 0) {
        return code;
    }
    size = props_get(&p, "size");
    if (!size || !parse_size(size, UINT64_C(1) << 20, &bytes)) {
        return err_set(err, -EINVAL, "-m: '%s' is not an amount of memory (as 512, 512M or 2G)",
                       size ? size : c->arg);
    }
    if (bytes < VIRT_RAM_MIN || bytes > VIRT_RAM_MAX) {
        return err_set(err, -EINVAL,
                       "-m: '%s' is outside of what machine 'virt' supports, 64K to 4T", size);
    }
    code = props_uint(&p, "slots", 0, &slots, err);
    c->o->ram_size = (bytes + GUEST_PAGE_SIZE - 1) & GUEST_PAGE_MASK;
    return code < 0 ? code : props_done(&p, err);
}

int opt_accel(const struct opt_context *c, struct err *err)
{
    const char *comma = strchr(c->arg, ',');
    size_t len = comma ? (size_t)(comma - c->arg) : strlen(c->arg);
    int code;

    if (opt_is_help(c->arg)) {
        fprintf(c->out, "Accelerators supported:\ntcg\n");
        return OPT_EXIT;
    }
    if (len != 3 || strncmp(c->arg, "tcg", 3) != 0) {
        return err_set(err, -EINVAL, "-accel: accelerator '%.*s' is not supported, only tcg is",
                       (int)len, c->arg);
    }
    code = comma ? accel_options_parse(&c->o->accel, comma + 1, err) : 0;
    if (code < 0) {
        err_prefix(err, "-accel tcg");
    }
    return code;
}

int opt_bios(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->boot.bios = c->arg;
    return 0;
}

int opt_kernel(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->boot.kernel = c->arg;
    return 0;
}

int opt_initrd(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->boot.initrd = c->arg;
    return 0;
}

int opt_append(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->boot.append = c->arg;
    return 0;
}

int opt_dtb(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->boot.dtb = c->arg;
    return 0;
}

int opt_dir(const struct opt_context *c, struct err *err)
{
    struct options *o = c->o;

    if (o->boot.nsearch_dirs == MAX_DIRS) {
        return err_set(err, -EINVAL, "-L: more than %u folders", MAX_DIRS);
    }
    o->dirs[o->boot.nsearch_dirs++] = c->arg;
    return 0;
}

int opt_ignore(const struct opt_context *c, struct err *err)
{
    (void)c;
    (void)err;
    return 0;
}

int opt_none_only(const struct opt_context *c, struct err *err)
{
    if (strcmp(c->arg, "none") != 0) {
        return err_set(err, -EINVAL, "%s: '%s' is not supported, only none is", c->name, c->arg);
    }
    return 0;
}

int opt_no_reboot(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->no_reboot = true;
    return 0;
}

int opt_no_shutdown(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->no_shutdown = true;
    return 0;
}

int opt_start_stopped(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->start_stopped = true;
    return 0;
}

int opt_snapshot(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->snapshot = true;
    return 0;
}

int opt_name(const struct opt_context *c, struct err *err)
{
    struct props p;
    bool ignored = false;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, "guest", err);

    if (code < 0) {
        return code;
    }
    take_string(&p, "guest", &c->o->name);
    props_get(&p, "process");
    code = props_bool(&p, "debug-threads", &ignored, err);
    return code < 0 ? code : props_done(&p, err);
}

int opt_pidfile(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->pidfile = c->arg;
    return 0;
}

int opt_rtc(const struct opt_context *c, struct err *err)
{
    static const char *const bases[] = {"utc", NULL}, *const clocks[] = {"host", "rt", NULL},
                             *const fixes[] = {"none", NULL};
    struct props p;
    unsigned ignored;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, "base", err);

    code = code < 0 ? code : props_word(&p, "base", bases, &ignored, err);
    code = code < 0 ? code : props_word(&p, "clock", clocks, &ignored, err);
    code = code < 0 ? code : props_word(&p, "driftfix", fixes, &ignored, err);
    return code < 0 ? code : props_done(&p, err);
}

int opt_perfmap(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->accel.perf_map = true;
    return 0;
}

int opt_log(const struct opt_context *c, struct err *err)
{
    uint32_t mask;
    int code;

    if (opt_is_help(c->arg)) {
        log_help(c->out);
        return OPT_EXIT;
    }
    code = log_parse(c->arg, &mask, err);
    if (code < 0) {
        err_prefix(err, "-d");
        return code;
    }
    c->o->log_mask |= mask;
    return 0;
}

int opt_log_file(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->log_path = c->arg;
    return 0;
}
