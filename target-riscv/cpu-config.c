/* SPDX-License-Identifier: MIT */
/*
 * -cpu: models (configs/cpu-models.def), extensions (configs/isa.def), the few other properties, and the strings that the FDT
 * shows of them. Pure functions.
 *
 * Requirements: an extension that the user switched on, or one with a one-letter name, must have what it requires: else an
 * error. Other extensions that only came with the model go when what they require was switched off.
 */
#include "target-riscv/cpu.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

struct isa_row {
    const char *name, *version, *requires;
};

static const struct isa_row isa_rows[EXT_COUNT] = {
#define ISA_EXT(id, name, version, requires) {name, version, requires},
#include "configs/isa.def"
#undef ISA_EXT
};

struct model_row {
    const char *name;
    enum satp_mode max_satp;
    unsigned npmp;
    const char *extensions, *help;
};

static const struct model_row models[] = {
#define CPU_MODEL(name, max_satp, npmp, extensions, help) {#name, max_satp, npmp, extensions, help},
#include "configs/cpu-models.def"
#undef CPU_MODEL
};

static const char *const absent_models[] = {
#define CPU_MODEL_ABSENT(name) name,
#include "configs/cpu-models.def"
#undef CPU_MODEL_ABSENT
};

static const char *const absent_extensions[] = {
#define EXT_ABSENT(name) name,
#include "configs/cpu-models.def"
#undef EXT_ABSENT
};

static const struct {
    const char *name, *only;
} ignored_props[] = {
#define PROP_IGNORED(name, only) {name, only},
#include "configs/cpu-models.def"
#undef PROP_IGNORED
};

/* ---- extensions -------------------------------------------------------------------------------------------------------------- */

struct parse {
    struct cpu_config *c;
    struct err *err;
    uint64_t explicit_on[2]; /* extensions that the user asked for by name */
};

/* Row of the LEN bytes at NAME, or -1. */
static int find_ext(const char *name, size_t len)
{
    for (int i = 0; i < EXT_COUNT; i++) {
        if (strlen(isa_rows[i].name) == len && strncasecmp(isa_rows[i].name, name, len) == 0) {
            return i;
        }
    }
    return -1;
}

static void set_bit(uint64_t bits[2], int i, bool on)
{
    if (on) {
        bits[i / 64] |= UINT64_C(1) << (i % 64);
    } else {
        bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
    }
}

static bool has_bit(const uint64_t bits[2], int i)
{
    return (bits[i / 64] >> (i % 64)) & 1;
}

/* Calls FN for each word of LIST until it returns false; false then. */
static bool each_word(const char *list, bool (*fn)(void *opaque, const char *word, size_t len),
                      void *opaque)
{
    while (*list) {
        size_t len = strcspn(list, " ");

        if (len && !fn(opaque, list, len)) {
            return false;
        }
        list += len + (list[len] == ' ');
    }
    return true;
}

static bool switch_on_word(void *opaque, const char *word, size_t len)
{
    struct parse *p = opaque;
    int e = find_ext(word, len);

    if (e < 0) {
        return false;
    }
    set_bit(p->c->ext, e, true);
    return true;
}

struct requirement {
    const struct cpu_config *c;
    char missing[32];
};

static bool word_is_on(void *opaque, const char *word, size_t len)
{
    struct requirement *r = opaque;
    int e = find_ext(word, len);

    if (e >= 0 && has_bit(r->c->ext, e)) {
        return true;
    }
    snprintf(r->missing, sizeof(r->missing), "%.*s", (int)len, word);
    return false;
}

/* One extension: 0 when what it requires is on, or it was switched off; *changed then. */
static int check_ext(struct parse *p, int e, bool *changed)
{
    struct requirement r = {.c = p->c};

    if (!has_bit(p->c->ext, e) || each_word(isa_rows[e].requires, word_is_on, &r)) {
        return 0;
    }
    if (has_bit(p->explicit_on, e) || isa_rows[e].name[1] == '\0') {
        return err_set(p->err, -EINVAL, "-cpu: extension '%s' requires extension '%s'",
                       isa_rows[e].name, r.missing);
    }
    set_bit(p->c->ext, e, false);
    *changed = true;
    return 0;
}

static int check_requirements(struct parse *p)
{
    bool changed = true;

    if (!cpu_has(p->c, EXT_I)) {
        return err_set(p->err, -EINVAL, "-cpu: extension 'i' cannot be switched off");
    }
    while (changed) {
        changed = false;
        for (int e = 0; e < EXT_COUNT; e++) {
            int r = check_ext(p, e, &changed);

            if (r) {
                return r;
            }
        }
    }
    if (!cpu_has(p->c, EXT_S)) {
        p->c->max_satp = SATP_BARE;
    }
    return 0;
}

/* ---- properties -------------------------------------------------------------------------------------------------------------- */

static int parse_bool(struct parse *p, const char *name, const char *value, bool *on)
{
    if (!value || strcasecmp(value, "on") == 0 || strcasecmp(value, "true") == 0 ||
        strcasecmp(value, "yes") == 0) {
        *on = true;
        return 0;
    }
    if (strcasecmp(value, "off") == 0 || strcasecmp(value, "false") == 0 ||
        strcasecmp(value, "no") == 0) {
        *on = false;
        return 0;
    }
    return err_set(p->err, -EINVAL, "-cpu: property '%s' is on or off, not '%s'", name, value);
}

/* sv39, sv48, sv57: on raises the widest mode to it; off lowers it below. */
static void set_satp(struct cpu_config *c, enum satp_mode mode, bool on)
{
    if (on) {
        c->max_satp = MAX(c->max_satp, mode);
    } else if (c->max_satp >= mode) {
        c->max_satp = mode == SATP_SV39 ? SATP_BARE : mode - 1;
    }
}

static void set_g(struct cpu_config *c, bool on)
{
    static const uint8_t members[] = {EXT_M, EXT_A, EXT_F, EXT_D, EXT_ZICSR, EXT_ZIFENCEI};

    for (unsigned i = 0; i < ARRAY_SIZE(members); i++) {
        set_bit(c->ext, members[i], on);
    }
}

/* Properties that are no extensions (the names that parse_prop lets through). */
static int set_switch(struct cpu_config *c, const char *name, bool on)
{
    if (strcmp(name, "sv39") == 0) {
        set_satp(c, SATP_SV39, on);
    } else if (strcmp(name, "sv48") == 0) {
        set_satp(c, SATP_SV48, on);
    } else if (strcmp(name, "sv57") == 0) {
        set_satp(c, SATP_SV57, on);
    } else if (strcmp(name, "mmu") == 0) {
        c->max_satp = on ? MAX(c->max_satp, SATP_SV39) : SATP_BARE;
    } else if (strcmp(name, "pmp") == 0) {
        c->npmp = on ? 16 : 0;
    } else if (strcmp(name, "misaligned") == 0) {
        c->misaligned_fault = !on;
    } else {
        set_g(c, on);
    }
    return 0;
}

static bool name_in(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* 1 if NAME is one of the properties that take any or one value; 0 if not; -EINVAL. */
static int take_ignored(struct parse *p, const char *name, const char *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(ignored_props); i++) {
        const char *only = ignored_props[i].only;

        if (strcmp(ignored_props[i].name, name) != 0) {
            continue;
        }
        if (*only && (!value || strcmp(value, only) != 0)) {
            return err_set(p->err, -EINVAL, "-cpu: property '%s' can only be %s", name, only);
        }
        return 1;
    }
    if (strcmp(name, "priv_spec") == 0) {
        if (!value || (strcmp(value, "v1.12.0") != 0 && strcmp(value, "v1.13.0") != 0)) {
            return err_set(p->err, -EINVAL,
                           "-cpu: property 'priv_spec' is v1.12.0 or v1.13.0, not '%s'",
                           value ? value : "");
        }
        return 1;
    }
    return 0;
}

static int set_ext(struct parse *p, int e, bool on)
{
    set_bit(p->c->ext, e, on);
    set_bit(p->explicit_on, e, on);
    return 0;
}

static int parse_prop(struct parse *p, const char *name, const char *value)
{
    static const char *const switches[] = {"sv39", "sv48", "sv57", "mmu", "pmp", "misaligned", "g"};
    int e = find_ext(name, strlen(name));
    bool absent = name_in(absent_extensions, ARRAY_SIZE(absent_extensions), name);
    int r = take_ignored(p, name, value);
    bool on = false;

    if (r) {
        return MIN(r, 0);
    }
    if (e < 0 && !absent && !name_in(switches, ARRAY_SIZE(switches), name)) {
        return err_set(p->err, -EINVAL, "-cpu: model '%s' has no property '%s'", p->c->model, name);
    }
    r = parse_bool(p, name, value, &on);
    if (r) {
        return r;
    }
    if (absent) {
        return on ? err_set(p->err, -EINVAL, "-cpu: extension '%s' is not implemented", name) : 0;
    }
    return e >= 0 ? set_ext(p, e, on) : set_switch(p->c, name, on);
}

static int parse_props(struct parse *p, const char *props)
{
    while (*props) {
        size_t len = strcspn(props, ",");
        char text[64];
        char *value;
        int r;

        if (len >= sizeof(text)) {
            return err_set(p->err, -EINVAL, "-cpu: property '%.*s...' is too long", 32, props);
        }
        memcpy(text, props, len);
        text[len] = '\0';
        value = strchr(text, '=');
        if (value) {
            *value++ = '\0';
        }
        r = parse_prop(p, text, value);
        if (r) {
            return r;
        }
        props += len + (props[len] == ',');
    }
    return 0;
}

static const struct model_row *find_model(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        if (strlen(models[i].name) == len && strncmp(models[i].name, name, len) == 0) {
            return &models[i];
        }
    }
    return NULL;
}

static int no_model(const char *name, size_t len, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(absent_models); i++) {
        if (strlen(absent_models[i]) == len && strncmp(absent_models[i], name, len) == 0) {
            return err_set(err, -EINVAL,
                           "-cpu: model '%s' needs extensions that are not implemented",
                           absent_models[i]);
        }
    }
    return err_set(err, -EINVAL, "-cpu: unknown model '%.*s' (-cpu help lists them)",
                   (int)MIN(len, 64), name);
}

int cpu_config_parse(struct cpu_config *c, const char *spec, struct err *err)
{
    size_t len = strcspn(spec, ",");
    const struct model_row *model = find_model(spec, len);
    struct parse p = {.c = c, .err = err};
    int r;

    if (!model) {
        return no_model(spec, len, err);
    }
    *c =
        (struct cpu_config){.model = model->name, .max_satp = model->max_satp, .npmp = model->npmp};
    if (!each_word(model->extensions, switch_on_word, &p)) {
        return err_set(err, -EINVAL, "-cpu: model '%s' names an unknown extension", model->name);
    }
    r = parse_props(&p, spec + len + (spec[len] == ','));
    return r ? r : check_requirements(&p);
}

void cpu_models_print(FILE *out)
{
    fprintf(out, "Available CPUs:\n");
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        fprintf(out, "  %-10s %s\n", models[i].name, models[i].help);
    }
    fprintf(out, "Properties, as MODEL,NAME=on|off:\n ");
    for (int e = 0; e < EXT_COUNT; e++) {
        fprintf(out, " %s", isa_rows[e].name);
    }
    fprintf(out, "\n  g mmu sv39 sv48 sv57 pmp misaligned\n");
}

/* ---- strings of the FDT ------------------------------------------------------------------------------------------------------- */

struct text {
    char *buf;
    size_t size, len;
};

static void append(struct text *t, const char *s, size_t n)
{
    if (t->len + n <= t->size) {
        memcpy(t->buf + t->len, s, n);
    }
    t->len += n;
}

static int text_result(const struct text *t)
{
    return t->len <= t->size ? (int)t->len : -ENOSPC;
}

static bool in_strings(const struct cpu_config *c, int e)
{
    return has_bit(c->ext, e) && isa_rows[e].version[0];
}

int cpu_isa_string(const struct cpu_config *c, char *buf, size_t size)
{
    struct text t = {buf, size, 0};

    append(&t, "rv64", 4);
    for (int e = 0; e < EXT_COUNT; e++) {
        if (!in_strings(c, e)) {
            continue;
        }
        if (isa_rows[e].name[1]) {
            append(&t, "_", 1);
        }
        append(&t, isa_rows[e].name, strlen(isa_rows[e].name));
    }
    append(&t, "", 1);
    return text_result(&t);
}

int cpu_isa_extensions(const struct cpu_config *c, char *buf, size_t size)
{
    struct text t = {buf, size, 0};

    for (int e = 0; e < EXT_COUNT; e++) {
        if (in_strings(c, e)) {
            append(&t, isa_rows[e].name, strlen(isa_rows[e].name) + 1);
        }
    }
    return text_result(&t);
}

const char *cpu_mmu_type(const struct cpu_config *c)
{
    switch (c->max_satp) {
    case SATP_SV39:
        return "riscv,sv39";
    case SATP_SV48:
        return "riscv,sv48";
    case SATP_SV57:
        return "riscv,sv57";
    case SATP_BARE:
        break;
    }
    return "riscv,none";
}
