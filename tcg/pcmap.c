/* SPDX-License-Identifier: MIT */
/*
 * The map from host return addresses to guest pcs. Only places that can fault are in it: pairs of
 * (end offset, guest pc offset) with ascending ends, stored as variable-length deltas (7 bits a
 * byte, high bit: more follows; the guest's as zigzag). A TB's map is read when something faults,
 * so it is small rather than fast.
 */
#include "tcg/internal.h"
#include <assert.h>

void pcmap_add(struct tcg_context *ctx, uint32_t end, int32_t pc_off)
{
    struct pcmap_entry *last = &ctx->pcmap[ctx->npcmap];

    if (ctx->npcmap > 0 && last[-1].pc_off == pc_off) {
        last[-1].end = end;
        return;
    }
    assert(ctx->npcmap < ARRAY_SIZE(ctx->pcmap));
    *last = (struct pcmap_entry){end, pc_off};
    ctx->npcmap++;
}

static uint8_t *put_varint(uint8_t *p, uint32_t v)
{
    for (; v >= 0x80; v >>= 7) {
        *p++ = (uint8_t)(v | 0x80);
    }
    *p++ = (uint8_t)v;
    return p;
}

static const uint8_t *get_varint(const uint8_t *p, uint32_t *v)
{
    unsigned shift = 0;

    for (*v = 0; *p & 0x80; shift += 7) {
        *v |= (uint32_t)(*p++ & 0x7f) << shift;
    }
    *v |= (uint32_t)*p++ << shift;
    return p;
}

uint8_t *pcmap_write(const struct tcg_context *ctx, uint8_t *p, const uint8_t *end)
{
    uint32_t host = 0;
    int32_t pc = 0;

    if ((size_t)(end - p) < 5 + 10 * (size_t)ctx->npcmap) {
        return NULL;
    }
    p = put_varint(p, ctx->npcmap);
    for (unsigned i = 0; i < ctx->npcmap; i++) {
        int32_t delta = ctx->pcmap[i].pc_off - pc;

        p = put_varint(p, ctx->pcmap[i].end - host);
        p = put_varint(p, ((uint32_t)delta << 1) ^ (uint32_t)(delta >> 31));
        host = ctx->pcmap[i].end;
        pc = ctx->pcmap[i].pc_off;
    }
    return p;
}

int32_t tcg_pc_lookup(const struct tcg *t, const uint8_t *rx, uint32_t pcmap, uint64_t host_ra)
{
    const uint8_t *p = rx + pcmap;
    uint64_t wanted = host_ra - (uint64_t)(uintptr_t)rx;
    uint32_t n, d, host = 0, pc = 0;

    (void)t;
    for (p = get_varint(p, &n); n > 0; n--) {
        p = get_varint(p, &d);
        host += d;
        p = get_varint(p, &d);
        pc += (d >> 1) ^ (0u - (d & 1));
        if (wanted <= host) {
            break;
        }
    }
    return (int32_t)pc;
}
