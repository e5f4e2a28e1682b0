/* SPDX-License-Identifier: MIT */
/* IR as text, for -d op and -d op_opt: one record a line, globals by name, constants by value. */
#include "tcg/internal.h"

static const char *const cond_names[] = {"eq", "ne", "lt", "ge", "ltu", "geu", "never", "always"};
static const char *const type_names[] = {"i32", "i64", "f32", "f64"};

static void dump_arg(const struct tcg_context *ctx, ir_arg a, bool dies, FILE *out)
{
    if (a == IR_NONE) {
        fputs(" -", out);
    } else if (ir_is_const(a)) {
        fprintf(out, " $0x%llx", (unsigned long long)ir_const_value(ctx, a));
    } else if (ir_is_temp(a)) {
        fprintf(out, " t%u%s", a - IR_TEMP0, dies ? "!" : "");
    } else {
        fprintf(out, " %s", ctx->t->config.globals[a - IR_GLOBAL0].name);
    }
}

static void dump_memop(unsigned memop, FILE *out)
{
    fprintf(out, " %c%u%s", memop & MO_SIGN ? 's' : 'u', 8u << (memop & MO_SIZE),
            memop & MO_ALIGNED ? " aligned" : "");
}

static bool is_memory(unsigned op)
{
    return op == IR_env_ld || op == IR_env_st || (op >= IR_ld && op < IR_fence);
}

static void dump_insn(const struct tcg_context *ctx, const struct ir_insn *i, FILE *out)
{
    const struct ir_op_info *info = &ir_op_info[i->op];

    if (i->op == IR_insn_start) {
        fprintf(out, " ---- +0x%x\n", (unsigned)i->imm);
        return;
    }
    fprintf(out, "  %s", info->name);
    if (info->flags & OPF_TYPED) {
        fprintf(out, "_%s", type_names[i->type & 3]);
    }
    if (info->flags & OPF_D) {
        dump_arg(ctx, i->d, false, out);
        fputs(" =", out);
    }
    if (info->flags & OPF_A) {
        dump_arg(ctx, i->a, i->type & IR_DIES_A, out);
    }
    if (info->flags & OPF_B) {
        dump_arg(ctx, i->b, i->type & IR_DIES_B, out);
    }
    if (info->flags & OPF_C) {
        dump_arg(ctx, i->c, i->type & IR_DIES_C, out);
    }
    if (info->flags & OPF_AUX_ARG) {
        dump_arg(ctx, i->aux, i->type & IR_DIES_E, out);
        fprintf(out, " %s", cond_names[i->imm & 7]);
    } else if (i->op == IR_call) {
        fprintf(out, " %s imm %d", ctx->t->config.helpers[i->aux].name, (int)i->imm);
    } else if (ir_is_fp(i->op)) {
        fprintf(out, " rm %u", i->aux);
    } else if (is_memory(i->op)) {
        fprintf(out, " %+d", (int)i->imm);
        dump_memop(i->aux, out);
    } else if (i->op == IR_setcond || i->op == IR_brcond || i->op == IR_brcond_exit) {
        fprintf(out, " %s", cond_names[i->aux & 7]);
    }
    if (i->op == IR_label || i->op == IR_br || i->op == IR_brcond) {
        fprintf(out, " L%d", (int)i->imm);
    } else if (i->op == IR_pc_add || i->op == IR_exit_loop ||
               (i->op >= IR_brcond_exit && i->op <= IR_goto_page)) {
        fprintf(out, " pc_page%+d", (int)i->imm);
    } else if (i->op == IR_addshl) {
        fprintf(out, " << %d", (int)i->imm);
    }
    fputc('\n', out);
}

void ir_dump(const struct tcg_context *ctx, const struct ir_insn *insns, unsigned n, FILE *out)
{
    for (unsigned k = 0; k < n; k++) {
        dump_insn(ctx, &insns[k], out);
    }
}
