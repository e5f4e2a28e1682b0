/* SPDX-License-Identifier: MIT */
/*
 * The escape keys of a console that is shared with the user's commands: escape (Ctrl-A unless -echr
 * says otherwise), then one key of the table. Twice the escape sends one; a key that is not in the
 * table is dropped together with the escape. Pure state machine: the caller does what it returns.
 */
#include "hw/backend/internal.h"
#include <stdio.h>

struct mux_key {
    char key;
    enum mux_action action;
    const char *help; /* NULL: a second name for the same */
};

static const struct mux_key mux_keys[] = {
    {'h', MUX_HELP, "print this help"},
    {'?', MUX_HELP, NULL},
    {'x', MUX_QUIT, "exit emulator"},
    {'b', MUX_BREAK, "send break (magic sysrq)"},
    {'c', MUX_MONITOR, "switch between console and monitor"},
};

static const struct mux_key *find_key(uint8_t byte)
{
    uint8_t lower = byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;

    for (size_t i = 0; i < ARRAY_SIZE(mux_keys); i++) {
        if ((uint8_t)mux_keys[i].key == lower) {
            return &mux_keys[i];
        }
    }
    return NULL;
}

enum mux_action mux_feed(struct mux *mux, uint8_t byte, bool *pass)
{
    const struct mux_key *key;

    *pass = false;
    if (!mux->enabled) {
        *pass = true;
        return MUX_NONE;
    }
    if (!mux->escaped) {
        mux->escaped = byte == mux->escape;
        *pass = !mux->escaped;
        return MUX_NONE;
    }
    mux->escaped = false;
    if (byte == mux->escape) {
        *pass = true;
        return MUX_NONE;
    }
    key = find_key(byte);
    return key ? key->action : MUX_NONE;
}

/* "C-a" for 1, as the user presses it. */
static void escape_name(uint8_t escape, char *buf, size_t size)
{
    if (escape >= 1 && escape <= 26) {
        snprintf(buf, size, "C-%c", escape + 'a' - 1);
    } else {
        snprintf(buf, size, "0x%02x", escape);
    }
}

void mux_help(const struct mux *mux, void (*emit)(void *opaque, const char *text), void *opaque)
{
    char name[8];
    char line[80];

    escape_name(mux->escape, name, sizeof(name));
    emit(opaque, "\r\n");
    for (size_t i = 0; i < ARRAY_SIZE(mux_keys); i++) {
        if (mux_keys[i].help) {
            snprintf(line, sizeof(line), "%s %-3c  %s\r\n", name, mux_keys[i].key,
                     mux_keys[i].help);
            emit(opaque, line);
        }
    }
    snprintf(line, sizeof(line), "%s %-3s  sends %s\r\n", name, name, name);
    emit(opaque, line);
}
