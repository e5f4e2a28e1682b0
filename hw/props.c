/* SPDX-License-Identifier: MIT */
/*
 * Property lists and numbers of the command line (hw/props.h). Pure functions of their arguments.
 */
#include "hw/props.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pooled {
    struct pooled *next;
    char text[];
};

char *pool_alloc(struct string_pool *pool, size_t size)
{
    struct pooled *p = calloc(1, sizeof(*p) + size + 1);

    if (!p) {
        abort();
    }
    p->next = pool->first;
    pool->first = p;
    return p->text;
}

const char *pool_printf(struct string_pool *pool, const char *fmt, ...)
{
    va_list ap;
    char *text;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    text = pool_alloc(pool, n < 0 ? 0 : (size_t)n);
    va_start(ap, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return text;
}

void pool_free(struct string_pool *pool)
{
    while (pool->first) {
        struct pooled *next = pool->first->next;

        free(pool->first);
        pool->first = next;
    }
}

/*
 * Copies one element of ARG to OUT, with ",," as a comma; returns what follows its comma, or NULL
 * at the end.
 */
static const char *next_element(const char *arg, char *out)
{
    for (;; arg++) {
        if (arg[0] == ',' && arg[1] == ',') {
            arg++;
        } else if (arg[0] == ',' || arg[0] == '\0') {
            *out = '\0';
            return arg[0] ? arg + 1 : NULL;
        }
        *out++ = *arg;
    }
}

static int add_element(struct props *p, char *text, const char *implied, struct err *err)
{
    char *equals = strchr(text, '=');
    struct prop *prop = &p->v[p->n];

    if (p->n == PROPS_MAX) {
        return err_set(err, -EINVAL, "%s: more than %u properties", p->what, PROPS_MAX);
    }
    prop->used = false;
    if (p->n == 0 && implied && !equals) {
        prop->key = implied;
        prop->value = text;
    } else {
        prop->key = text;
        prop->value = equals ? equals + 1 : NULL;
        if (equals) {
            *equals = '\0';
        }
    }
    if (prop->key[0] == '\0') {
        return err_set(err, -EINVAL, "%s: a property without a name", p->what);
    }
    p->n++;
    return 0;
}

int props_parse(struct props *p, struct string_pool *pool, const char *what, const char *arg,
                const char *implied, struct err *err)
{
    p->what = what;
    p->n = 0;
    if (arg[0] == '{') {
        return err_set(err, -EINVAL, "%s: JSON is not supported, use NAME=VALUE,...", what);
    }
    while (arg && *arg) {
        char *text = pool_alloc(pool, strlen(arg));
        int code;

        arg = next_element(arg, text);
        code = add_element(p, text, implied, err);
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

static struct prop *find(struct props *p, const char *key)
{
    struct prop *found = NULL;

    for (unsigned i = 0; i < p->n; i++) {
        if (strcmp(p->v[i].key, key) == 0) {
            found = &p->v[i];
            found->used = true;
        }
    }
    return found;
}

const char *props_get(struct props *p, const char *key)
{
    struct prop *prop = find(p, key);

    return prop ? (prop->value ? prop->value : "") : NULL;
}

static int bad_value(const struct props *p, const char *key, const char *value, const char *want,
                     struct err *err)
{
    return err_set(err, -EINVAL, "%s: property '%s' must be %s, not '%s'", p->what, key, want,
                   value);
}

int props_bool(struct props *p, const char *key, bool *out, struct err *err)
{
    struct prop *prop = find(p, key);

    if (!prop) {
        return 0;
    }
    if (!prop->value) {
        *out = true;
        return 0;
    }
    return parse_bool(prop->value, out) ? 0 : bad_value(p, key, prop->value, "on or off", err);
}

int props_uint(struct props *p, const char *key, uint64_t max, uint64_t *out, struct err *err)
{
    const char *text = props_get(p, key);
    uint64_t value;

    if (!text) {
        return 0;
    }
    if (!parse_uint(text, &value) || value > max) {
        char want[64];

        snprintf(want, sizeof(want), "a number up to %llu", (unsigned long long)max);
        return bad_value(p, key, text, want, err);
    }
    *out = value;
    return 0;
}

int props_word(struct props *p, const char *key, const char *const *words, unsigned *out,
               struct err *err)
{
    const char *text = props_get(p, key);
    char want[200] = "one of";

    if (!text) {
        return 0;
    }
    for (unsigned i = 0; words[i]; i++) {
        size_t len = strlen(want);

        if (strcmp(words[i], text) == 0) {
            *out = i;
            return 0;
        }
        snprintf(want + len, sizeof(want) - len, " %s", words[i]);
    }
    return bad_value(p, key, text, want, err);
}

int props_done(const struct props *p, struct err *err)
{
    for (unsigned i = 0; i < p->n; i++) {
        if (!p->v[i].used) {
            return err_set(err, -EINVAL, "%s: unknown or unsupported property '%s'", p->what,
                           p->v[i].key);
        }
    }
    return 0;
}

bool parse_uint(const char *text, uint64_t *value)
{
    char *end;

    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    errno = 0;
    *value = strtoull(text, &end, 0);
    return errno == 0 && *end == '\0';
}

bool parse_bool(const char *text, bool *value)
{
    static const char *const words[2][3] = {{"off", "no", "false"}, {"on", "yes", "true"}};

    for (unsigned i = 0; i < 6; i++) {
        if (strcmp(text, words[i / 3][i % 3]) == 0) {
            *value = i / 3;
            return true;
        }
    }
    return false;
}

static bool size_suffix(const char *text, uint64_t unit, uint64_t *multiplier)
{
    static const char suffixes[] = "BKMGT";
    const char *found;

    if (text[0] == '\0') {
        *multiplier = unit;
        return true;
    }
    found = text[1] ? NULL : strchr(suffixes, toupper((unsigned char)text[0]));
    if (!found) {
        return false;
    }
    *multiplier = UINT64_C(1) << (10 * (found - suffixes));
    return true;
}

bool parse_size(const char *text, uint64_t unit, uint64_t *bytes)
{
    uint64_t multiplier;
    double value;
    char *end;

    if (!isdigit((unsigned char)text[0]) || text[1] == 'x' || text[1] == 'X') {
        return false;
    }
    value = strtod(text, &end);
    if (!size_suffix(end, unit, &multiplier)) {
        return false;
    }
    value *= (double)multiplier;
    if (!(value >= 0 && value < 9.2e18)) {
        return false;
    }
    *bytes = (uint64_t)value;
    return true;
}
