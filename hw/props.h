/* SPDX-License-Identifier: MIT */
/*
 * Lists of properties as QEMU writes them: "raw,file=a,,b,readonly" is the implied first key's
 * value, file "a,b", and readonly without a value (which is on). Each getter marks what it read;
 * props_done then names what nobody wanted.
 */
#ifndef HW_PROPS_H
#define HW_PROPS_H

#include "hw/host/err.h"

#define PROPS_MAX 48

/* Strings that live as long as the options do. */
struct string_pool {
    struct pooled *first;
};

struct prop {
    const char *key;
    const char *value; /* NULL: the key stood alone */
    bool used;
};

struct props {
    const char *what; /* "-drive", for messages */
    unsigned n;
    struct prop v[PROPS_MAX];
};

/* SIZE + 1 zeroed bytes; aborts when the host has no memory for a command line. */
char *pool_alloc(struct string_pool *pool, size_t size);
const char *pool_printf(struct string_pool *pool, const char *fmt, ...) PRINTF_FMT(2, 3);
void pool_free(struct string_pool *pool);

/*
 * Splits ARG. The first element, if it has no `=`, is the value of IMPLIED (NULL: it is a key).
 * -EINVAL for empty keys, too many, and JSON.
 */
int props_parse(struct props *p, struct string_pool *pool, const char *what, const char *arg,
                const char *implied, struct err *err);
/* The last value of KEY ("" if it stood alone), or NULL. */
const char *props_get(struct props *p, const char *key);
/* These leave *OUT alone, and return 0, when KEY is not there. */
int props_bool(struct props *p, const char *key, bool *out, struct err *err);
int props_uint(struct props *p, const char *key, uint64_t max, uint64_t *out, struct err *err);
/* The value must be one of WORDS (a NULL-terminated list); *OUT is its index. */
int props_word(struct props *p, const char *key, const char *const *words, unsigned *out,
               struct err *err);
/* -EINVAL naming the first property that no getter asked for. */
int props_done(const struct props *p, struct err *err);

/* Whole strings: decimal, 0x hexadecimal or 0 octal; false for anything else, or beyond 64 bits. */
bool parse_uint(const char *text, uint64_t *value);
/* on, off, yes, no, true, false. */
bool parse_bool(const char *text, bool *value);
/* "512", "1.5G": UNIT is the multiplier where no suffix (B, K, M, G, T) stands. */
bool parse_size(const char *text, uint64_t unit, uint64_t *bytes);

#endif
