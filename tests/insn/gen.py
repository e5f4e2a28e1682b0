#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gen.py PROGRAM: assembly of the cases of one of the value programs (see PROGRAMS), for values.c.

Each instruction row becomes a case: snippets, which are the instruction with several choices of registers between loads
and stores of its operands, and tables of what model.py says that they compute. The assembler encodes, from the
mnemonics of the specification. Layout of the tables: struct vcase and what it points to, in values.h.
"""
import random
import sys

import model
from model import F32, F64, M64, BRANCH, INT1, INT2, INT_IMM

EDGES = [
    0, 1, 2, M64, M64 - 1, (1 << 63) - 1, 1 << 63, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF80000000,
    0xFFFFFFFF7FFFFFFF, 0x100000000, 31, 32, 33, 63, 64, 0x5555555555555555, 0xAAAAAAAAAAAAAAAA, 0x0123456789ABCDEF,
    0xFEDCBA9876543210, 0x00FF00FF00FF00FF, 0x8000, 0x7FFF, 0x80, 0x3FC0000000000001,
]

# (rd, rs1, rs2): each kind of overlap, x0, and registers from all over the file.
REGS = [
    ("a0", "a1", "a2"), ("a0", "a0", "a1"), ("a2", "a1", "a2"), ("a3", "a3", "a3"), ("t0", "s2", "s2"),
    ("t3", "t4", "t5"), ("s11", "a5", "gp"), ("sp", "tp", "ra"), ("ra", "sp", "s0"), ("s7", "s8", "s9"),
    ("t4", "t4", "a4"), ("a4", "t3", "a4"), ("a4", "t3", "t3"), ("x0", "a1", "a2"), ("a4", "x0", "a5"),
    ("a4", "a5", "x0"), ("s1", "s5", "a6"), ("s4", "x0", "x0"),
]
POINTERS = ["t6", "a7", "s10", "t1"]

# flags of struct snip
RD_X0, RS1_X0, RS2_X0, SAME, RD_RS1, RD_RS2, CONST, CHECK_OPERANDS = (1 << i for i in range(8))
# offsets in struct block
OFF_A, OFF_B, OFF_C, OFF_R, OFF_R1, OFF_R2, OFF_FLAGS, OFF_FRM = 256, 264, 272, 280, 288, 296, 304, 312

out = []
labels = 0


def emit(text):
    out.append(text)


def label(prefix="L"):
    global labels
    labels += 1
    return f"{prefix}{labels}"


def mnemonic(name):
    for float_format in ("_s", "_d", "_x", "_w", "_wu", "_l", "_lu"):
        if name.startswith("f") and name.endswith(float_format):
            break
    return name.replace("_", ".")


def pointer(*used):
    return next(p for p in POINTERS if p not in used)


def begin_snippet(p):
    fn = label("snippet")
    emit("    .text\n    .balign 4")
    emit(f"{fn}:\n    mv {p}, a0")
    return fn


def end_snippet(p):
    emit(f"    mv a0, {p}\n    j snippet_return")


def table(rows, directive=".dword"):
    name = label("table")
    emit("    .section .rodata\n    .balign 8")
    emit(f"{name}:")
    for row in rows:
        emit(f"    {directive} {row}")
    return name


def hexes(values, per_line=8):
    return [", ".join(hex(int(v) & M64) for v in values[i:i + per_line]) for i in range(0, len(values), per_line)]


cases = []


def case(name, kind, items):
    """items: rows of the case's table, as lists of expressions."""
    rows = table([", ".join(str(x) for x in item) for item in items])
    cases.append((name, kind, rows, len(items)))


# ---- integer instructions -----------------------------------------------------------------------------------------------------


def int_snippet(text, rd, rs1, rs2=None):
    """text: the instruction(s). Operands come from the block and everything goes back to it."""
    p = pointer(rd, rs1, rs2)
    fn = begin_snippet(p)
    if rs1 != "x0":
        emit(f"    ld {rs1}, {OFF_A}({p})")
    if rs2 and rs2 != "x0" and rs2 != rs1:
        emit(f"    ld {rs2}, {OFF_B}({p})")
    emit(text)
    emit(f"    sd {rd}, {OFF_R}({p})\n    sd {rs1}, {OFF_R1}({p})")
    if rs2:
        emit(f"    sd {rs2}, {OFF_R2}({p})")
    end_snippet(p)
    flags = CHECK_OPERANDS
    flags |= RD_X0 if rd == "x0" else 0
    flags |= RS1_X0 if rs1 == "x0" else 0
    flags |= RS2_X0 if rs2 == "x0" else 0
    flags |= SAME if rs1 == rs2 else 0
    flags |= RD_RS1 if rd == rs1 else 0
    flags |= RD_RS2 if rd == rs2 else 0
    return [fn, flags, 0]


def const_snippet(text, rd, want):
    """The result of text, which needs no operands, is want (an expression for the assembler)."""
    p = pointer(rd, "a0", "a1", "a2")
    fn = begin_snippet(p)
    emit(text)
    emit(f"    sd {rd}, {OFF_R}({p})")
    end_snippet(p)
    return [fn, CONST | (RD_X0 if rd == "x0" else 0), want]


def group(snips, fn, unary):
    seconds = [0] if unary else EDGES
    wants = [(fn(a) if unary else fn(a, b)) for a in EDGES for b in seconds]
    return [table([", ".join(map(str, s)) for s in snips]), len(snips), table(hexes(wants)), len(seconds)]


def const_group(snips):
    return [table([", ".join(map(str, s)) for s in snips]), len(snips), 0, 1]


def folded(op, fn, rng):
    """The instruction on constants that a translator may fold."""
    snips = []
    for _ in range(4):
        a, b = rng.choice(EDGES), rng.choice(EDGES)
        text = f"    li a1, {hex(a)}\n    li a2, {hex(b)}\n    {op} a0, a1, a2"
        snips.append(const_snippet(text, "a0", hex(int(fn(a, b)) & M64)))
    return const_group(snips)


def r_case(name, fn, op=None):
    op = op or mnemonic(name)
    rng = random.Random(name)
    snips = [int_snippet(f"    {op} {d}, {s}, {t}", d, s, t) for d, s, t in REGS]
    case(name, 0, [group(snips, fn, False), folded(op, fn, rng)])


def unary_case(name, fn, op=None):
    op = op or mnemonic(name)
    pairs = [("a0", "a1"), ("a0", "a0"), ("t4", "t4"), ("t3", "a5"), ("s3", "t5"), ("sp", "gp"), ("x0", "a1"), ("a3", "x0")]
    snips = [int_snippet(f"    {op} {d}, {s}", d, s) for d, s in pairs]
    consts = [const_snippet(f"    li a1, {hex(a)}\n    {op} a0, a1", "a0", hex(int(fn(a)) & M64)) for a in EDGES[:9]]
    case(name, 0, [group(snips, fn, True), const_group(consts)])


def imm_case(name, fn, imms):
    pairs = [("a0", "a1"), ("a0", "a0"), ("t4", "t4"), ("t3", "a5"), ("s3", "t5"), ("sp", "gp"), ("x0", "a1"), ("a3", "x0")]
    op = mnemonic(name)
    groups = []
    for i, imm in enumerate(imms):
        chosen = [pairs[0], pairs[1], pairs[2 + i % 6], pairs[2 + (i + 3) % 6]]
        snips = [int_snippet(f"    {op} {d}, {s}, {imm}", d, s) for d, s in chosen]
        groups.append(group(snips, lambda a, imm=imm: fn(a, imm & M64), True))
        a = EDGES[(i * 5 + 3) % len(EDGES)]
        text = f"    li a1, {hex(a)}\n    {op} a0, a1, {imm}"
        groups.append(const_group([const_snippet(text, "a0", hex(int(fn(a, imm & M64)) & M64))]))
    case(name, 0, groups)


def branch_text(op, operands, rd, backward):
    if backward:
        return (f"    li {rd}, 0\n    j 2f\n1:  li {rd}, 1\n    j 3f\n2:  {op} {operands}, 1b\n3:")
    return f"    {op} {operands}, 1f\n    li {rd}, 0\n    j 2f\n1:  li {rd}, 1\n2:"


def branch_case(name, fn):
    regs = [("a0", "a1", "a2"), ("t0", "s2", "s2"), ("t3", "t4", "t5"), ("s1", "a5", "gp"), ("a4", "x0", "a5"),
            ("a4", "a5", "x0"), ("a3", "s9", "a1")]
    snips = []
    for i, (d, s, t) in enumerate(regs):
        snips.append(int_snippet(branch_text(mnemonic(name), f"{s}, {t}", d, i & 1), d, s, t))
        snips.append(int_snippet(branch_text(mnemonic(name), f"{s}, {t}", d, not i & 1), d, s, t))
    consts = []
    rng = random.Random(name)
    for _ in range(4):
        a, b = rng.choice(EDGES), rng.choice(EDGES[:6])
        text = f"    li a1, {hex(a)}\n    li a2, {hex(b)}\n" + branch_text(mnemonic(name), "a1, a2", "a0", False)
        consts.append(const_snippet(text, "a0", int(fn(a, b))))
    case(name, 0, [group(snips, fn, False), const_group(consts)])


# ---- loads and stores ---------------------------------------------------------------------------------------------------------

LOADS = {  # size, kind
    "lb": (1, 0), "lh": (2, 0), "lw": (4, 0), "ld": (8, 0), "lbu": (1, 1), "lhu": (2, 1), "lwu": (4, 1),
    "flw": (4, 2), "fld": (8, 1), "sb": (1, 3), "sh": (2, 3), "sw": (4, 3), "sd": (8, 3), "fsw": (4, 3), "fsd": (8, 3),
}


def mem_snippet(op, reg, base, imm):
    is_float = reg.startswith("f") and reg != "fp"
    is_store = "s" in op.removeprefix("c.")[:2] and op.removeprefix("c.")[0] in "sf" and "l" not in op.removeprefix("c.")[:2]
    p = pointer(reg, base)
    fn = begin_snippet(p)
    if is_store and reg != "x0":
        emit(f"    {'fld' if is_float else 'ld'} {reg}, {OFF_B}({p})")
    if base != "x0":
        emit(f"    ld {base}, {OFF_A}({p})")
    emit(f"    {op} {reg}, {imm}({base})")
    emit(f"    {'fsd' if is_float else 'sd'} {reg}, {OFF_R}({p})")
    end_snippet(p)
    return fn


def mem_case(name, choices):
    """choices: (register, base, offset)."""
    base_name = name.removeprefix("c_").removesuffix("sp")
    size, kind = LOADS[base_name]
    op = name.replace("_", ".")
    case(name, 2, [[mem_snippet(op, r, b, i), i, size, kind, int(r == "x0"), int(r == b)] for r, b, i in choices])


def mem_cases(names, is_float):
    if is_float:
        choices = [("fa0", "a1", 0), ("ft11", "t3", 8), ("fs5", "sp", -8), ("f0", "gp", 2047), ("f1", "a5", -2048)]
        for name in names:
            mem_case(name, choices)
        return
    choices = [("a0", "a1", 0), ("a0", "a1", 1), ("t3", "t4", -1), ("s3", "sp", 2047), ("gp", "a5", -2048),
               ("s1", "ra", 3), ("x0", "a3", 0)]
    for name in names:
        same = [("a0", "a0", 0), ("t4", "t4", 8)] if LOADS[name][1] != 3 else []
        mem_case(name, choices + same)


# ---- floating point -----------------------------------------------------------------------------------------------------------

F32_EDGES = [
    0, 0x80000000, 0x3F800000, 0xBF800000, 0x40000000, 0x3F000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC12345,
    0x7F800001, 0xFFA00000, 1, 0x80000001, 0x007FFFFF, 0x00800000, 0x80800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x3F800001,
    0x3FC00000, 0xC0200000, 0x4B000001, 0x4F000000, 0xCF000000, 0x5F000000, 0x3EAAAAAB, 0x00FFFFFF, 0x4EFFFFFF, 0x5F7FFFFF,
    0x34000000,
]
F64_EDGES = [
    0, 1 << 63, 0x3FF0000000000000, 0xBFF0000000000000, 0x4000000000000000, 0x3FE0000000000000, 0x7FF0000000000000,
    0xFFF0000000000000, 0x7FF8000000000000, 0xFFF8123456789ABC, 0x7FF0000000000001, 0xFFF4000000000000, 1, 1 << 63 | 1,
    0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x8010000000000000, 0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF,
    0x3FF0000000000001, 0x3FF8000000000000, 0xC004000000000000, 0x4330000000000001, 0x41DFFFFFFFC00000, 0x41E0000000000000,
    0xC1E0000000200000, 0x43E0000000000000, 0xC3E0000000000000, 0x3FD5555555555555, 0x43EFFFFFFFFFFFFF, 0x47EFFFFFE0000000,
    0x47EFFFFFF0000000, 0x380FFFFFFFFFFFFF, 0x36A0000000000000, 0x3690000000000000, 0x3CA0000000000000,
]
INT_EDGES = [0, 1, M64, 2, 1 << 63, (1 << 63) - 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF80000000, 0x1000001, 0x1000003,
             0x20000000000001, 0x20000000000003, 0xFFFFFFFFFFFFFC00, 0xFFFFFFFFFFFFFBFF, 0x7FFFFFFFFFFFFE00, 0x7FFFFF8000000000,
             0x7FFFFFC0, 0x0123456789ABCDEF, M64 - 0x1000002]


def operands(fmt, extra=True):
    edges = F32_EDGES if fmt is F32 else F64_EDGES
    values = [model.box(fmt, v) for v in edges]
    if fmt is F32 and extra:
        values += [0x3F800000, 0xFFFFFFFE3F800000, 0x7FC00000]  # not boxed: read as NaN
    return values


RM_NAMES = ["rne", "rtz", "rdn", "rup", "rmm"]
FREGS = [("fa0", "fa1", "fa2", "fa3"), ("ft0", "ft0", "ft1", "ft2"), ("fs2", "fs3", "fs2", "fs4"), ("ft8", "ft9", "ft10", "ft8")]


def f_snippet(op, regs, nsrc, rm, int_dest, int_src):
    """One of floating point: rd, then nsrc sources. rm: the static mode, 7 for the dynamic one, None if there is none."""
    d = "a2" if int_dest else regs[0]
    sources = ["a1"] if int_src else list(regs[1:1 + nsrc])
    fn = begin_snippet("t6")
    for i, s in enumerate(sources):
        emit(f"    {'ld' if int_src else 'fld'} {s}, {OFF_A + 8 * i}(t6)")
    emit(f"    ld t0, {OFF_FRM}(t6)\n    slli t0, t0, 5\n    fscsr t0")
    suffix = "" if rm is None or rm == 7 else ", " + RM_NAMES[rm]
    if rm == 7:
        suffix = ", dyn"
    emit(f"    {op} {d}, {', '.join(sources)}{suffix}")
    emit("    frflags t1")
    emit(f"    {'sd' if int_dest else 'fsd'} {d}, {OFF_R}(t6)\n    sd t1, {OFF_FLAGS}(t6)")
    end_snippet("t6")
    return [fn, 8 if rm is None else rm]


def f_case(name, op, nsrc, vectors, has_rm, int_dest=False, int_src=False):
    """vectors: (sources, rm or 8, result, flags)."""
    snips = []
    modes = list(range(5)) + [7] if has_rm else [None]
    for i, rm in enumerate(modes if has_rm else modes * len(FREGS)):
        snips.append(f_snippet(op, FREGS[i % len(FREGS)], nsrc, rm, int_dest, int_src))
    rows = []
    for sources, rm, result, flags in vectors:
        a, b, c = (list(sources) + [0, 0])[:3]
        rows.append(", ".join(hex(v & M64) for v in (a, b, c, result, rm | flags << 8)))
    s = table([", ".join(map(str, x)) for x in snips])
    v = table(rows)
    case(name, 1, [[s, len(snips), v, len(rows)]])


def rm_vectors(sources, fn, box_as):
    """All rounding modes of all sources; a result that no mode changes is taken once a mode anyway."""
    return [(s, rm, *(lambda r: (r[0] if box_as is None else model.box(box_as, r[0]), r[1]))(fn(*s, rm)))
            for s in sources for rm in range(5)]


def plain_vectors(sources, fn, box_as):
    return [(s, 8, *(lambda r: (r[0] if box_as is None else model.box(box_as, r[0]), r[1]))(fn(*s))) for s in sources]


def no_round_nan(op):
    """GNU as wants no rounding mode where there is only one result."""
    return op in ("fcvt.d.s", "fcvt.d.w", "fcvt.d.wu")


def f_program(fmt):
    x = "s" if fmt is F32 else "d"
    rng = random.Random(x)

    def u(v):
        return model.unbox(fmt, v)

    values = operands(fmt)
    singles = [(v,) for v in values]
    rng_values = [model.box(fmt, rng.getrandbits(fmt.bits)) for _ in range(20)]
    close = []
    for _ in range(60):  # operands near to each other: cancellation, halfway cases
        e = rng.randrange(1, fmt.exp_all - 1)
        a = e << fmt.m | rng.getrandbits(fmt.m)
        b = rng.getrandbits(1) << (fmt.bits - 1) | max(1, e - rng.choice([0, 1, 2, fmt.m, fmt.m + 1])) << fmt.m | \
            rng.choice([0, 1, 1 << (fmt.m - 1), (1 << fmt.m) - 1, rng.getrandbits(fmt.m)])
        close.append((model.box(fmt, a), model.box(fmt, b)))
    pairs = [(a, b) for a in values for b in values]
    few = [p for p in pairs if rng.random() < 0.45] + close + [(a, rng.choice(rng_values)) for a in rng_values]
    for op, fn in (("fadd", model.fadd), ("fsub", model.fsub), ("fmul", model.fmul), ("fdiv", model.fdiv)):
        vec = rm_vectors(few, lambda a, b, rm, fn=fn: fn(fmt, u(a), u(b), rm), fmt)
        f_case(f"{op}_{x}", f"{op}.{x}", 2, vec, True)
    roots = singles + [(v,) for v in rng_values] + [(model.box(fmt, fmt.inf - 1 - (rng.getrandbits(fmt.bits - 3))),) for _ in range(20)]
    f_case(f"fsqrt_{x}", f"fsqrt.{x}", 1, rm_vectors(roots, lambda a, rm: model.fsqrt(fmt, u(a), rm), fmt), True)
    triples = [tuple(rng.choice(values) for _ in range(3)) for _ in range(400)]
    for a, b in close:
        r, _ = model.fmul(fmt, u(a), u(b), 0)  # a * b minus nearly a * b
        triples.append((a, b, model.box(fmt, (r ^ fmt.sign_bit) + rng.choice([-1, 0, 0, 1]) & ((1 << fmt.bits) - 1))))
    inf, zero, one = model.box(fmt, fmt.inf), model.box(fmt, 0), model.box(fmt, fmt.bias << fmt.m)
    triples += [(inf, zero, model.box(fmt, fmt.qnan)), (zero, inf, model.box(fmt, fmt.qnan)), (inf, one, model.box(fmt, fmt.inf | fmt.sign_bit))]
    for op in ("fmadd", "fmsub", "fnmsub", "fnmadd"):
        fn = model.fma_kind(op)
        vec = rm_vectors(triples, lambda a, b, c, rm, fn=fn: fn(fmt, u(a), u(b), u(c), rm), fmt)
        f_case(f"{op}_{x}", f"{op}.{x}", 3, vec, True)
    for op in ("fsgnj", "fsgnjn", "fsgnjx"):
        f_case(f"{op}_{x}", f"{op}.{x}", 2, plain_vectors(pairs, lambda a, b: model.fsgnj(fmt, u(a), u(b), op), fmt), False)
    for op, larger in (("fmin", False), ("fmax", True)):
        f_case(f"{op}_{x}", f"{op}.{x}", 2, plain_vectors(pairs, lambda a, b: model.fminmax(fmt, u(a), u(b), larger), fmt), False)
    for op in ("feq", "flt", "fle"):
        vec = plain_vectors(pairs, lambda a, b: model.fcompare(fmt, u(a), u(b), op), None)
        f_case(f"{op}_{x}", f"{op}.{x}", 2, vec, False, int_dest=True)
    f_case(f"fclass_{x}", f"fclass.{x}", 1, plain_vectors(singles, lambda a: model.fclass(fmt, u(a)), None), False, int_dest=True)
    halves = [(model.box(fmt, model.rounded(fmt, model.Fraction(n, 4), 0)[0]),) for n in range(-11, 12) if n]
    for suffix, bits, signed in (("w", 32, True), ("wu", 32, False), ("l", 64, True), ("lu", 64, False)):
        vec = rm_vectors(singles + halves, lambda a, rm: model.float_to_int(fmt, u(a), bits, signed, rm), None)
        f_case(f"fcvt_{suffix}_{x}", f"fcvt.{suffix}.{x}", 1, vec, True, int_dest=True)
        vec = rm_vectors([(v,) for v in INT_EDGES], lambda a, rm: model.int_to_float(fmt, a, bits, signed, rm), fmt)
        op = f"fcvt.{x}.{suffix}"
        if no_round_nan(op):
            vec = [(s, 8, r, f) for s, rm, r, f in vec if rm == 0]
        f_case(f"fcvt_{x}_{suffix}", op, 1, vec, not no_round_nan(op), int_src=True)
    if fmt is F32:
        f_case("fmv_x_w", "fmv.x.w", 1, plain_vectors(singles, lambda a: (model.w(a), 0), None), False, int_dest=True)
        f_case("fmv_w_x", "fmv.w.x", 1, plain_vectors([(v,) for v in INT_EDGES], lambda a: (a & model.M32, 0), F32), False, int_src=True)
        mem_cases(["flw", "fsw"], True)
    else:
        f_case("fmv_x_d", "fmv.x.d", 1, plain_vectors(singles, lambda a: (a, 0), None), False, int_dest=True)
        f_case("fmv_d_x", "fmv.d.x", 1, plain_vectors([(v,) for v in INT_EDGES], lambda a: (a, 0), None), False, int_src=True)
        vec = rm_vectors(singles, lambda a, rm: model.convert(F64, F32, a, rm), F32)
        f_case("fcvt_s_d", "fcvt.s.d", 1, vec, True)
        narrow = [(v,) for v in operands(F32)]
        vec = plain_vectors(narrow, lambda a: model.convert(F32, F64, model.unbox(F32, a), 0), F64)
        f_case("fcvt_d_s", "fcvt.d.s", 1, vec, False)
        mem_cases(["fld", "fsd"], True)


# ---- programs -----------------------------------------------------------------------------------------------------------------


def r_cases(names):
    for name in names.split():
        r_case(name, INT2[name])


IMM12 = [0, 1, -1, 2047, -2048, 5, -42, 0x555]
SHIFTS = [0, 1, 7, 31, 32, 33, 62, 63]
SHIFTS_W = [0, 1, 7, 8, 16, 30, 31]


def program_i():
    r_cases("add sub sll slt sltu xor srl sra or and addw subw sllw srlw sraw")
    for name in "addi slti sltiu xori ori andi addiw".split():
        imm_case(name, INT_IMM[name], IMM12)
    for name in "slli srli srai".split():
        imm_case(name, INT_IMM[name], SHIFTS)
    for name in "slliw srliw sraiw".split():
        imm_case(name, INT_IMM[name], SHIFTS_W)
    imms = [0, 1, 0x7FFFF, 0x80000, 0xFFFFF, 0x12345]
    regs = ["a0", "sp", "t4", "s11", "ra", "x0"]
    case("lui", 0, [const_group([const_snippet(f"    lui {d}, {i}", d, hex(model.w(i << 12))) for i, d in zip(imms, regs)])])
    snips = []
    for i, d in zip(imms, regs):
        here = label("here")
        snips.append(const_snippet(f"{here}: auipc {d}, {i}", d, f"{here} + {model.s64(model.w(i << 12))}"))
    case("auipc", 0, [const_group(snips)])
    for name, fn in BRANCH.items():
        branch_case(name, fn)
    mem_cases("lb lh lw ld lbu lhu lwu sb sh sw sd".split(), False)


def program_c():
    emit("    .option rvc")
    low = [("a0", "a1"), ("s0", "a5"), ("s1", "a3"), ("a4", "a4")]
    full = [("a0", "a1"), ("t4", "s2"), ("sp", "ra"), ("s11", "gp"), ("t3", "t3")]
    for name, meaning in (("c_sub", "sub"), ("c_xor", "xor"), ("c_or", "or"), ("c_and", "and"), ("c_subw", "subw"), ("c_addw", "addw")):
        snips = [int_snippet(f"    {mnemonic(name)} {d}, {t}", d, d, t) for d, t in low]
        case(name, 0, [group(snips, INT2[meaning], False)])
    snips = [int_snippet(f"    c.add {d}, {t}", d, d, t) for d, t in full]
    case("c_add", 0, [group(snips, INT2["add"], False)])
    snips = [int_snippet(f"    c.mv {d}, {s}", d, s) for d, s in full]
    case("c_mv", 0, [group(snips, lambda a: a, True)])
    imms = [1, -1, 31, -32, 7, 0]

    def two_operand(name, fn, regs, values):
        groups = []
        for i, imm in enumerate(values):
            snips = [int_snippet(f"    {mnemonic(name)} {d}, {imm}", d, d) for d in (regs[i % len(regs)], regs[(i + 1) % len(regs)])]
            groups.append(group(snips, lambda a, imm=imm: fn(a, imm & M64), True))
        case(name, 0, groups)

    registers = ["a0", "t4", "sp", "s11", "ra"]
    two_operand("c_addi", INT_IMM["addi"], registers, imms[:5])
    two_operand("c_addiw", INT_IMM["addiw"], registers, imms)
    two_operand("c_andi", INT_IMM["andi"], ["a0", "s0", "a5"], imms)
    two_operand("c_slli", INT_IMM["slli"], registers, SHIFTS[1:])
    two_operand("c_srli", INT_IMM["srli"], ["a0", "s0", "a5"], SHIFTS[1:])
    two_operand("c_srai", INT_IMM["srai"], ["a0", "s0", "a5"], SHIFTS[1:])
    case("c_li", 0, [const_group([const_snippet(f"    c.li {d}, {i}", d, hex(i & M64)) for i, d in zip(imms, registers)])])
    luis = [(1, 1), (31, 31), (0xFFFE0, -32), (0xFFFFF, -1)]
    regs = ["a0", "t4", "s11", "ra"]
    case("c_lui", 0, [const_group([const_snippet(f"    c.lui {d}, {i}", d, hex(v << 12 & M64)) for (i, v), d in zip(luis, regs)])])
    groups = []
    for imm in (16, -16, 496, -512):
        groups.append(group([int_snippet(f"    c.addi16sp sp, {imm}", "sp", "sp")], lambda a, imm=imm: a + imm, True))
    case("c_addi16sp", 0, groups)
    groups = []
    for imm, d in ((4, "a0"), (8, "s0"), (1020, "a5"), (512, "s1")):
        groups.append(group([int_snippet(f"    c.addi4spn {d}, sp, {imm}", d, "sp")], lambda a, imm=imm: a + imm, True))
    case("c_addi4spn", 0, groups)
    for name, fn in (("c_beqz", lambda a: a == 0), ("c_bnez", lambda a: a != 0)):
        snips = [int_snippet(branch_text(mnemonic(name), s, d, back), d, s)
                 for d, s, back in (("t0", "a0", False), ("t3", "s1", True), ("a2", "a5", False), ("s5", "s0", True))]
        case(name, 0, [group(snips, fn, True)])
    texts = ["    c.j 1f\n    li a0, 0\n    j 2f\n1:  li a0, 1\n2:", "    j 2f\n1:  li a0, 1\n    j 3f\n2:  li a0, 0\n    c.j 1b\n3:"]
    case("c_j", 0, [const_group([const_snippet(t, "a0", 1) for t in texts])])
    snips = [const_snippet(f"    la {r}, 1f\n    c.jr {r}\n    li a0, 0\n    j 2f\n1:  li a0, 1\n2:", "a0", 1) for r in ("t0", "s9", "a5", "ra")]
    case("c_jr", 0, [const_group(snips)])
    snips = []
    for r in ("t0", "s9", "a5", "ra"):
        link = label("link")
        snips.append(const_snippet(f"    la {r}, 1f\n    c.jalr {r}\n{link}: li a0, 0\n    j 2f\n1:  mv a0, ra\n2:", "a0", link))
    case("c_jalr", 0, [const_group(snips)])
    hints = ["c.nop", ".half 0x0015", ".half 0x4015", ".half 0x6015", ".half 0x8016", ".half 0x0016", ".half 0x9002 | 10 << 2",
             ".half 0x0501"]  # addi x0,5; li x0,5; lui x0,5; mv x0,x5; slli x0,5; add x0,x10; addi a0,0
    case("c_hints", 0, [const_group([const_snippet(f"    li a0, 77\n    {h}\n    add a0, a0, x0", "a0", 77) for h in hints])])
    for name, offs in (("c_lw", (0, 4, 124)), ("c_ld", (0, 8, 248)), ("c_fld", (0, 8, 248)), ("c_sw", (0, 4, 124)), ("c_sd", (0, 8, 248)), ("c_fsd", (0, 8, 248))):
        f = "f" if name[2] == "f" else ""
        same = [("a3", "a3", 0)] if name in ("c_lw", "c_ld") else []
        mem_case(name, [(f + "a0", "a1", offs[0]), (f + "s0", "a5", offs[1]), (f + "s1", "s0", offs[2])] + same)
    for name, offs in (("c_lwsp", (0, 4, 252)), ("c_ldsp", (0, 8, 504)), ("c_fldsp", (0, 8, 504)), ("c_swsp", (0, 4, 252)), ("c_sdsp", (0, 8, 504)), ("c_fsdsp", (0, 8, 504))):
        f = "f" if name[2] == "f" else ""
        last = (f + "t4", "sp", offs[2]) if f else ("s11", "sp", offs[2])
        mem_case(name, [(f + "a0", "sp", offs[0]), ("ft2" if f else "t3", "sp", offs[1]), last])
    emit("    .option norvc")


def program_b(names):
    def run():
        for name in names.split():
            if name in INT2:
                r_case(name, INT2[name])
            elif name in INT1:
                unary_case(name, INT1[name])
            else:
                imm_case(name, INT_IMM[name], SHIFTS_W if name == "roriw" else SHIFTS)
    return run


PROGRAMS = {
    "i": program_i,
    "m": lambda: r_cases("mul mulh mulhsu mulhu div divu rem remu mulw divw divuw remw remuw"),
    "zba": program_b("add_uw sh1add sh2add sh3add sh1add_uw sh2add_uw sh3add_uw slli_uw"),
    "zbb": program_b("andn orn xnor clz clzw ctz ctzw cpop cpopw sext_b sext_h zext_h max maxu min minu rol ror rori rolw rorw "
                     "roriw orc_b rev8"),
    "zbc": program_b("clmul clmulh clmulr"),
    "zbs": program_b("bclr bclri bext bexti binv binvi bset bseti"),
    "f": lambda: f_program(F32),
    "d": lambda: f_program(F64),
    "c": program_c,
}


def main():
    print("/* SPDX-License-Identifier: MIT */")
    emit("    .option norvc\n    .option norelax")
    PROGRAMS[sys.argv[1]]()
    emit("    .section .rodata\n    .balign 8\n    .globl edges, edges_count, vcases, vcases_count")
    emit("edges:")
    for row in hexes(EDGES):
        emit(f"    .dword {row}")
    emit(f"edges_count: .dword {len(EDGES)}\nvcases:")
    for i, (_, kind, rows, count) in enumerate(cases):
        emit(f"    .dword name_{i}, {kind}, {rows}, {count}")
    emit(f"vcases_count: .dword {len(cases)}")
    for i, (name, *_) in enumerate(cases):
        emit(f"name_{i}: .string \"{name}\"")
    print("\n".join(out))


main()
