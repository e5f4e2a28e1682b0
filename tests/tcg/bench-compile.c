/* SPDX-License-Identifier: MIT */
/*
 * What a translation costs in tcg/: nanoseconds for each guest instruction in the builder, the
 * optimiser and the emitter, and bytes of host code, for a mix like that of compiled integer code.
 *   make BUILD=b b/tests/tcg/bench-compile && b/tests/tcg/bench-compile
 */
#include "tests/tcg/harness.h"
#include <time.h>

enum { INSNS = 24, ROUNDS = 20000 };

/* x registers as compiled code uses them: mostly pinned ones. */
static ir_arg reg(unsigned n)
{
    static const uint8_t regs[16] = {1, 2, 3, 4, 5, 6, 7, 8, 3, 4, 5, 9, 10, 14, 20, 11};

    return xreg(regs[n % 16]);
}

static void gen_insn(struct tcg_context *ctx, unsigned n, uint64_t r)
{
    ir_arg d = reg((unsigned)(r >> 8)), a = reg((unsigned)(r >> 16)), b = reg((unsigned)(r >> 24));
    int32_t off = (int32_t)(r >> 32 & 0xff) * 8;

    ir_insn_start(ctx, (int32_t)n * 4);
    switch (r % 20) {
    case 0:
    case 1:
    case 2:
    case 3:
        ir_ld(ctx, IR_I64, d, a, off, r & BIT(40) ? MO_64 : MO_32 | MO_SIGN);
        break;
    case 4:
    case 5:
        ir_st(ctx, IR_I64, b, a, off, MO_64);
        break;
    case 6:
    case 7:
    case 8:
        ir_brcond_exit(ctx, (enum ir_cond)(r >> 40 & 1), a, r & BIT(41) ? ir_const(ctx, 0) : b,
                       off);
        break;
    case 9:
    case 10:
        ir_mov(ctx, d, a);
        break;
    case 11:
        ir_op2(ctx, IR_shl, IR_I64, d, a, ir_const(ctx, r >> 40 & 31));
        break;
    case 12:
        ir_op2(ctx, IR_and, IR_I64, d, a, b);
        break;
    case 13:
        ir_op2(ctx, IR_add, IR_I32, d, a, ir_const(ctx, (uint64_t)(int64_t)off));
        break;
    case 14:
        ir_mov(ctx, d, ir_const(ctx, (uint64_t)(int64_t)off));
        break;
    default:
        ir_op2(ctx, IR_add, IR_I64, d, a,
               r & BIT(42) ? b : ir_const(ctx, (uint64_t)(int64_t)off - 1024));
        break;
    }
}

static void gen_block(struct tcg_context *ctx, uint64_t seed)
{
    uint64_t rng = seed * 2654435761u + 88172645463325252u;

    ir_begin(ctx);
    for (unsigned n = 0; n < INSNS; n++) {
        gen_insn(ctx, n, rng_next(&rng) >> 3);
    }
    ir_goto_tb(ctx, INSNS * 4);
}

/* Of this thread: other work on the machine does not count. */
static int64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void measure(const struct variant *v)
{
    struct engine e;
    struct tcg_code code;
    int64_t start, middle, build = 0, opt = 0, total = 0;
    uint64_t bytes = 0, hot = 0;

    if (!engine_init(&e, v)) {
        return;
    }
    for (uint64_t k = 0; k < ROUNDS; k++) {
        size_t mark = e.region.used;

        start = cpu_ns();
        gen_block(e.ctx, k);
        middle = cpu_ns();
        build += middle - start;
        tcg_compile(e.ctx, &e.region, NULL, -4096, &code);
        total += cpu_ns() - middle;
        gen_block(e.ctx, k);
        start = cpu_ns();
        ir_optimise(e.ctx);
        opt += cpu_ns() - start;
        bytes += code.size;
        hot += code.nsites > 0 ? code.sites[code.nsites - 1].patch : 0;
        if (k % 64 == 0) {
            e.region.used = mark;
        }
        if (e.region.size - e.region.used < 65536) {
            e.region.used = mark;
        }
    }
    printf("%-26s build %5.1f  optimise %5.1f  emit %5.1f ns/insn  %5.1f bytes/insn, %5.1f hot\n",
           v->name, (double)build / ROUNDS / INSNS, (double)opt / ROUNDS / INSNS,
           (double)(total - opt) / ROUNDS / INSNS, (double)bytes / ROUNDS / INSNS,
           (double)hot / ROUNDS / INSNS);
    engine_fini(&e);
}

int main(void)
{
    for (unsigned v = 1; v < 5; v++) {
        measure(&variants[v]);
    }
    return 0;
}
