/* SPDX-License-Identifier: MIT */
/*
 * Option handlers: the serial port, the monitor, and the consoles behind them. They end as specs
 * for console_new. "mon:stdio" is the terminal with the escape keys, shared by the serial port and
 * the monitor.
 */
#include "hw/opt.h"
#include <errno.h>
#include <string.h>

int opt_nographic(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->nographic = true;
    return 0;
}

int opt_display(const struct opt_context *c, struct err *err)
{
    c->o->display_none = true;
    return opt_none_only(c, err);
}

int opt_nodefaults(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->nodefaults = true;
    return 0;
}

int opt_serial(const struct opt_context *c, struct err *err)
{
    struct options *o = c->o;

    if (o->nserials == MAX_SERIALS) {
        return err_set(err, -EINVAL, "-serial: more than %u serial ports", MAX_SERIALS);
    }
    o->serials[o->nserials++] = c->arg;
    return 0;
}

int opt_monitor(const struct opt_context *c, struct err *err)
{
    (void)err;
    c->o->monitor_given = true;
    c->o->monitor = strcmp(c->arg, "none") == 0 ? NULL : c->arg;
    return 0;
}

int opt_mon(const struct opt_context *c, struct err *err)
{
    static const char *const modes[] = {"readline", NULL};
    struct props p;
    unsigned ignored;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, "chardev", err);

    code = code < 0 ? code : props_word(&p, "mode", modes, &ignored, err);
    if (code < 0) {
        return code;
    }
    c->o->mon_chardev = props_get(&p, "chardev");
    c->o->monitor_given = true;
    if (!c->o->mon_chardev) {
        return err_set(err, -EINVAL, "-mon: chardev= is missing");
    }
    return props_done(&p, err);
}

int opt_echr(const struct opt_context *c, struct err *err)
{
    uint64_t code;

    if (!parse_uint(c->arg, &code) || code > 255) {
        return err_set(err, -EINVAL, "-echr: '%s' is not a character code from 0 to 255", c->arg);
    }
    c->o->escape_char = (int)code;
    return 0;
}

static int chardev_stdio(struct options *o, struct props *p, const char **spec, struct err *err)
{
    bool signal = true;
    int code = props_bool(p, "signal", &signal, err);

    (void)o;
    *spec = signal ? "stdio" : "stdio,signal=off";
    return code;
}

static int chardev_plain(struct options *o, struct props *p, const char **spec, struct err *err)
{
    (void)o;
    (void)err;
    *spec = props_get(p, "backend");
    return 0;
}

static int chardev_path(struct options *o, struct props *p, const char **spec, struct err *err)
{
    const char *path = props_get(p, "path");

    if (!path) {
        return err_set(err, -EINVAL, "%s: path= is missing", p->what);
    }
    *spec = pool_printf(&o->pool, "%s:%s", props_get(p, "backend"), path);
    return 0;
}

static int chardev_socket(struct options *o, struct props *p, const char **spec, struct err *err)
{
    const char *path = props_get(p, "path"), *host = props_get(p, "host"),
               *port = props_get(p, "port"), *address;
    bool server = false, wait = true, nowait = false;
    int code = props_bool(p, "server", &server, err);

    code = code < 0 ? code : props_bool(p, "wait", &wait, err);
    code = code < 0 ? code : props_bool(p, "nowait", &nowait, err);
    if (code < 0) {
        return code;
    }
    if (!path == !port) {
        return err_set(err, -EINVAL, "%s: needs path=, or host= and port=", p->what);
    }
    address = path ? pool_printf(&o->pool, "unix:%s", path)
                   : pool_printf(&o->pool, "tcp:%s:%s", host ? host : "localhost", port);
    *spec = pool_printf(&o->pool, "%s%s%s", address, server ? ",server" : "",
                        server && (nowait || !wait) ? ",wait=off" : "");
    return 0;
}

static const struct chardev_row {
    const char *name;
    int (*make)(struct options *o, struct props *p, const char **spec, struct err *err);
} chardev_rows[] = {
    {"stdio", chardev_stdio}, {"null", chardev_plain}, {"pty", chardev_plain},
    {"file", chardev_path},   {"pipe", chardev_path},  {"socket", chardev_socket},
};

static const struct chardev_row *find_chardev_row(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(chardev_rows); i++) {
        if (strcmp(chardev_rows[i].name, name) == 0) {
            return &chardev_rows[i];
        }
    }
    return NULL;
}

static struct chardev_option *find_chardev(struct options *o, const char *id)
{
    for (unsigned i = 0; i < o->nchardevs; i++) {
        if (strcmp(o->chardevs[i].id, id) == 0) {
            return &o->chardevs[i];
        }
    }
    return NULL;
}

int opt_chardev(const struct opt_context *c, struct err *err)
{
    struct chardev_option *d = &c->o->chardevs[c->o->nchardevs];
    const struct chardev_row *row;
    const char *backend;
    struct props p;
    int code = props_parse(&p, &c->o->pool, c->name, c->arg, "backend", err);

    if (code < 0) {
        return code;
    }
    backend = props_get(&p, "backend");
    row = backend ? find_chardev_row(backend) : NULL;
    if (!row) {
        return err_set(err, -EINVAL, "-chardev: unknown or unsupported kind '%s'",
                       backend ? backend : "");
    }
    d->id = props_get(&p, "id");
    if (!d->id || c->o->nchardevs == MAX_CHARDEVS || find_chardev(c->o, d->id)) {
        return err_set(err, -EINVAL,
                       "-chardev: id= is missing or not unique, or more than %u chardevs",
                       MAX_CHARDEVS);
    }
    c->o->nchardevs++;
    code = props_bool(&p, "mux", &d->mux, err);
    code = code < 0 ? code : row->make(c->o, &p, &d->spec, err);
    if (code == 0 && d->mux) {
        d->spec = pool_printf(&c->o->pool, "mon:%s", d->spec);
    }
    return code < 0 ? code : props_done(&p, err);
}

/* "chardev:ID" becomes that chardev's spec, the displays' "vc" becomes null. */
static int resolve_spec(struct options *o, const char **spec, struct err *err)
{
    static const char prefix[] = "chardev:";
    const struct chardev_option *d;

    if (*spec && strncmp(*spec, prefix, strlen(prefix)) == 0) {
        d = find_chardev(o, *spec + strlen(prefix));
        if (!d) {
            return err_set(err, -EINVAL, "there is no chardev '%s'", *spec + strlen(prefix));
        }
        *spec = d->spec;
    } else if (*spec && strncmp(*spec, "vc", 2) == 0 && (!(*spec)[2] || (*spec)[2] == ':')) {
        *spec = "null";
    }
    return 0;
}

/* Whether a serial port has the escape keys, and with them the monitor behind it. */
static bool has_shared_monitor(const struct options *o)
{
    for (unsigned i = 0; i < o->nserials; i++) {
        if (strncmp(o->serials[i], "mon:", 4) == 0) {
            return true;
        }
    }
    return false;
}

/* What the terminal is for when neither -serial nor -monitor says so. */
static void set_default_consoles(struct options *o)
{
    bool terminal = o->nographic || !o->display_none;
    bool default_monitor = !o->monitor_given && !o->nodefaults && !has_shared_monitor(o);
    bool default_serial = o->nserials == 0 && !o->nodefaults;

    if (terminal && default_serial) {
        o->serials[o->nserials++] = default_monitor ? "mon:stdio" : "stdio";
    } else if (o->nographic && default_monitor) {
        o->monitor = "stdio";
    }
}

static int use_mon_chardev(struct options *o, struct err *err)
{
    const struct chardev_option *d = o->mon_chardev ? find_chardev(o, o->mon_chardev) : NULL;

    if (o->mon_chardev && !d) {
        return err_set(err, -EINVAL, "-mon: there is no chardev '%s'", o->mon_chardev);
    }
    o->monitor = d ? d->spec : o->monitor;
    return 0;
}

static bool is_terminal(const char *spec)
{
    static const char name[] = "stdio";

    spec += strncmp(spec, "mon:", 4) == 0 ? 4 : 0;
    return strncmp(spec, name, strlen(name)) == 0;
}

/* One terminal has one user, unless they share it by mon:stdio. */
static int check_terminal(struct options *o, struct err *err)
{
    unsigned nusers = o->monitor && is_terminal(o->monitor);

    for (unsigned i = 0; i < o->nserials; i++) {
        nusers += is_terminal(o->serials[i]);
    }
    if (nusers > 1) {
        return err_set(
            err, -EINVAL,
            "stdio has two users (-serial mon:stdio shares it between serial port and monitor, "
            "-monitor none leaves it to the serial port)");
    }
    return 0;
}

/* Whether serial port and monitor were given the same chardev. */
static bool monitor_is_serial(const struct options *o)
{
    for (unsigned i = 0; i < o->nserials; i++) {
        if (o->monitor == o->serials[i]) {
            return true;
        }
    }
    return false;
}

int opt_resolve_consoles(struct options *o, struct err *err)
{
    int code = use_mon_chardev(o, err);

    for (unsigned i = 0; code == 0 && i < o->nserials; i++) {
        code = resolve_spec(o, &o->serials[i], err);
    }
    code = code < 0 ? code : resolve_spec(o, &o->monitor, err);
    if (code < 0) {
        return code;
    }
    if (o->mon_chardev && monitor_is_serial(o)) {
        o->monitor = NULL;
    }
    set_default_consoles(o);
    return check_terminal(o, err);
}
