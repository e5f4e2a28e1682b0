# SPDX-License-Identifier: MIT
"""What the instructions compute, from the text of the RISC-V unprivileged specification.

Integers are Python integers masked to 64 bits. Floating point is exact: finite values are fractions, rounded once.
Nothing here knows anything of the emulator.
"""
from fractions import Fraction
from math import isqrt

M64 = (1 << 64) - 1
M32 = (1 << 32) - 1


def sx(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


def s64(v):
    return sx(v, 64)


def w(v):
    """The low word, sign-extended."""
    return sx(v, 32) & M64


# ---- integers --------------------------------------------------------------------------------------------------------------


def div(a, b, bits):
    x, y = sx(a, bits), sx(b, bits)
    if y == 0:
        return M64
    if x == -(1 << (bits - 1)) and y == -1:
        return x & M64
    q = abs(x) // abs(y)
    return sx((-q if (x < 0) != (y < 0) else q), bits) & M64


def rem(a, b, bits):
    x, y = sx(a, bits), sx(b, bits)
    if y == 0:
        return x & M64
    r = abs(x) % abs(y)
    return sx(-r if x < 0 else r, bits) & M64


def divu(a, b, bits):
    x, y = a & ((1 << bits) - 1), b & ((1 << bits) - 1)
    return M64 if y == 0 else sx(x // y, bits) & M64


def remu(a, b, bits):
    x, y = a & ((1 << bits) - 1), b & ((1 << bits) - 1)
    return sx(x if y == 0 else x % y, bits) & M64


def clmul_full(a, b):
    r = 0
    for i in range(64):
        if b >> i & 1:
            r ^= a << i
    return r


def rol(a, n, bits):
    n %= bits
    a &= (1 << bits) - 1
    return sx((a << n | a >> (bits - n)), bits) & M64


def clz(a, bits):
    return bits - (a & ((1 << bits) - 1)).bit_length()


def ctz(a, bits):
    a &= (1 << bits) - 1
    return bits if a == 0 else (a & -a).bit_length() - 1


def orc_b(a):
    return sum(0xFF << 8 * i for i in range(8) if a >> 8 * i & 0xFF)


def rev8(a):
    return int.from_bytes(a.to_bytes(8, "little"), "big")


def zx(v):
    return v & M32


INT2 = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "sll": lambda a, b: a << (b & 63),
    "slt": lambda a, b: s64(a) < s64(b),
    "sltu": lambda a, b: a < b,
    "xor": lambda a, b: a ^ b,
    "srl": lambda a, b: a >> (b & 63),
    "sra": lambda a, b: s64(a) >> (b & 63),
    "or": lambda a, b: a | b,
    "and": lambda a, b: a & b,
    "addw": lambda a, b: w(a + b),
    "subw": lambda a, b: w(a - b),
    "sllw": lambda a, b: w(a << (b & 31)),
    "srlw": lambda a, b: w(zx(a) >> (b & 31)),
    "sraw": lambda a, b: w(sx(a, 32) >> (b & 31)),
    "mul": lambda a, b: a * b,
    "mulh": lambda a, b: s64(a) * s64(b) >> 64,
    "mulhsu": lambda a, b: s64(a) * b >> 64,
    "mulhu": lambda a, b: a * b >> 64,
    "div": lambda a, b: div(a, b, 64),
    "divu": lambda a, b: divu(a, b, 64),
    "rem": lambda a, b: rem(a, b, 64),
    "remu": lambda a, b: remu(a, b, 64),
    "mulw": lambda a, b: w(a * b),
    "divw": lambda a, b: div(a, b, 32),
    "divuw": lambda a, b: divu(a, b, 32),
    "remw": lambda a, b: rem(a, b, 32),
    "remuw": lambda a, b: remu(a, b, 32),
    "add_uw": lambda a, b: zx(a) + b,
    "sh1add": lambda a, b: (a << 1) + b,
    "sh2add": lambda a, b: (a << 2) + b,
    "sh3add": lambda a, b: (a << 3) + b,
    "sh1add_uw": lambda a, b: (zx(a) << 1) + b,
    "sh2add_uw": lambda a, b: (zx(a) << 2) + b,
    "sh3add_uw": lambda a, b: (zx(a) << 3) + b,
    "andn": lambda a, b: a & ~b,
    "orn": lambda a, b: a | ~b,
    "xnor": lambda a, b: ~(a ^ b),
    "max": lambda a, b: max(s64(a), s64(b)),
    "maxu": lambda a, b: max(a, b),
    "min": lambda a, b: min(s64(a), s64(b)),
    "minu": lambda a, b: min(a, b),
    "rol": lambda a, b: rol(a, b & 63, 64),
    "ror": lambda a, b: rol(a, -(b & 63), 64),
    "rolw": lambda a, b: rol(a, b & 31, 32),
    "rorw": lambda a, b: rol(a, -(b & 31), 32),
    "clmul": lambda a, b: clmul_full(a, b),
    "clmulh": lambda a, b: clmul_full(a, b) >> 64,
    "clmulr": lambda a, b: clmul_full(a, b) >> 63,
    "bclr": lambda a, b: a & ~(1 << (b & 63)),
    "bext": lambda a, b: a >> (b & 63) & 1,
    "binv": lambda a, b: a ^ (1 << (b & 63)),
    "bset": lambda a, b: a | (1 << (b & 63)),
}

# Second operand: the immediate, sign-extended.
INT_IMM = {
    "addi": INT2["add"],
    "slti": INT2["slt"],
    "sltiu": INT2["sltu"],
    "xori": INT2["xor"],
    "ori": INT2["or"],
    "andi": INT2["and"],
    "slli": INT2["sll"],
    "srli": INT2["srl"],
    "srai": INT2["sra"],
    "addiw": INT2["addw"],
    "slliw": INT2["sllw"],
    "srliw": INT2["srlw"],
    "sraiw": INT2["sraw"],
    "slli_uw": lambda a, b: zx(a) << b,
    "rori": INT2["ror"],
    "roriw": INT2["rorw"],
    "bclri": INT2["bclr"],
    "bexti": INT2["bext"],
    "binvi": INT2["binv"],
    "bseti": INT2["bset"],
}

INT1 = {
    "clz": lambda a: clz(a, 64),
    "clzw": lambda a: clz(a, 32),
    "ctz": lambda a: ctz(a, 64),
    "ctzw": lambda a: ctz(a, 32),
    "cpop": lambda a: bin(a).count("1"),
    "cpopw": lambda a: bin(zx(a)).count("1"),
    "sext_b": lambda a: sx(a, 8),
    "sext_h": lambda a: sx(a, 16),
    "zext_h": lambda a: a & 0xFFFF,
    "orc_b": orc_b,
    "rev8": rev8,
}

BRANCH = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: s64(a) < s64(b),
    "bge": lambda a, b: s64(a) >= s64(b),
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
}

# ---- floating point ----------------------------------------------------------------------------------------------------------

NX, UF, OF, DZ, NV = 1, 2, 4, 8, 16
RNE, RTZ, RDN, RUP, RMM = range(5)


class Format:
    def __init__(self, exp_bits, man_bits):
        self.e, self.m = exp_bits, man_bits
        self.bits = 1 + exp_bits + man_bits
        self.bias = (1 << (exp_bits - 1)) - 1
        self.emin = 1 - self.bias
        self.exp_all = (1 << exp_bits) - 1
        self.qnan = self.exp_all << man_bits | 1 << (man_bits - 1)
        self.sign_bit = 1 << (self.bits - 1)
        self.inf = self.exp_all << man_bits

    def sign(self, v):
        return v >> (self.bits - 1)

    def is_nan(self, v):
        return v & ~self.sign_bit > self.inf

    def is_snan(self, v):
        return self.is_nan(v) and not v >> (self.m - 1) & 1

    def is_inf(self, v):
        return v & ~self.sign_bit == self.inf

    def is_zero(self, v):
        return v & ~self.sign_bit == 0

    def value(self, v):
        """The number that finite bits stand for."""
        exp = v >> self.m & self.exp_all
        man = v & ((1 << self.m) - 1)
        if exp:
            man |= 1 << self.m
        else:
            exp = 1
        r = man * Fraction(2) ** (exp - self.bias - self.m)
        return -r if self.sign(v) else r


F32, F64 = Format(8, 23), Format(11, 52)


def round_integer(x, rm):
    """A fraction >= 0, rounded as the magnitude of a number of the sign that rm was resolved for."""
    n = x.numerator // x.denominator
    rest = x - n
    if rest == 0:
        return n
    up = {
        RNE: rest > Fraction(1, 2) or (rest == Fraction(1, 2) and n & 1),
        RTZ: False,
        RMM: rest >= Fraction(1, 2),
        "away": True,
    }[rm]
    return n + 1 if up else n


def resolve(rm, negative):
    """RDN and RUP as what they do to a magnitude."""
    if rm == RDN:
        return "away" if negative else RTZ
    if rm == RUP:
        return RTZ if negative else "away"
    return rm


def floor_log2(x):
    e = x.numerator.bit_length() - x.denominator.bit_length()
    if Fraction(2) ** e > x:
        e -= 1
    elif Fraction(2) ** (e + 1) <= x:
        e += 1
    return e


def rounded(fmt, x, rm, zero_sign=0):
    """A fraction as (bits, flags); exact zero gets zero_sign."""
    if x == 0:
        return zero_sign << (fmt.bits - 1), 0
    negative = x < 0
    sign = fmt.sign_bit if negative else 0
    mode = resolve(rm, negative)
    x = abs(x)
    e = floor_log2(x)
    free = Fraction(2) ** (e - fmt.m)  # the last place without a bound on exponents
    unbounded = round_integer(x / free, mode) * free
    tiny = unbounded < Fraction(2) ** fmt.emin
    largest = (Fraction(2) - Fraction(2) ** -fmt.m) * Fraction(2) ** fmt.bias
    if unbounded > largest:
        to_inf = mode in (RNE, RMM, "away")
        return sign | (fmt.inf if to_inf else fmt.inf - 1), OF | NX
    e = max(e, fmt.emin)
    unit = Fraction(2) ** (e - fmt.m)
    n = round_integer(x / unit, mode)
    flags = 0
    if n * unit != x:
        flags = NX | (UF if tiny else 0)
    # n counts units of the exponent e; with the hidden bit in n the fields simply add up, also over a carry.
    bits = n if e == fmt.emin and n < 1 << fmt.m else ((e + fmt.bias - 1) << fmt.m) + n
    return sign | bits, flags


def nan_of(fmt, *ops):
    return fmt.qnan, NV if any(fmt.is_snan(o) for o in ops) else 0


def zero_sum_sign(a_sign, b_sign, rm):
    if a_sign == b_sign:
        return a_sign
    return 1 if rm == RDN else 0


def fadd(fmt, a, b, rm):
    if fmt.is_nan(a) or fmt.is_nan(b):
        return nan_of(fmt, a, b)
    if fmt.is_inf(a) and fmt.is_inf(b) and fmt.sign(a) != fmt.sign(b):
        return fmt.qnan, NV
    if fmt.is_inf(a) or fmt.is_inf(b):
        return (a if fmt.is_inf(a) else b), 0
    return rounded(fmt, fmt.value(a) + fmt.value(b), rm, zero_sum_sign(fmt.sign(a), fmt.sign(b), rm))


def fsub(fmt, a, b, rm):
    return fadd(fmt, a, b if fmt.is_nan(b) else b ^ fmt.sign_bit, rm)


def fmul(fmt, a, b, rm):
    sign = fmt.sign(a) ^ fmt.sign(b)
    if fmt.is_nan(a) or fmt.is_nan(b):
        return nan_of(fmt, a, b)
    if fmt.is_inf(a) or fmt.is_inf(b):
        if fmt.is_zero(a) or fmt.is_zero(b):
            return fmt.qnan, NV
        return sign << (fmt.bits - 1) | fmt.inf, 0
    return rounded(fmt, fmt.value(a) * fmt.value(b), rm, sign)


def fdiv(fmt, a, b, rm):
    sign = fmt.sign(a) ^ fmt.sign(b)
    if fmt.is_nan(a) or fmt.is_nan(b):
        return nan_of(fmt, a, b)
    if (fmt.is_inf(a) and fmt.is_inf(b)) or (fmt.is_zero(a) and fmt.is_zero(b)):
        return fmt.qnan, NV
    if fmt.is_inf(a):
        return sign << (fmt.bits - 1) | fmt.inf, 0
    if fmt.is_inf(b):
        return sign << (fmt.bits - 1), 0
    if fmt.is_zero(b):
        return sign << (fmt.bits - 1) | fmt.inf, DZ
    return rounded(fmt, fmt.value(a) / fmt.value(b), rm, sign)


def fsqrt(fmt, a, rm):
    if fmt.is_nan(a):
        return nan_of(fmt, a)
    if fmt.is_zero(a):
        return a, 0
    if fmt.sign(a):
        return fmt.qnan, NV
    if fmt.is_inf(a):
        return a, 0
    # The root to far more places than are kept, with a last one for what is left over: rounds as the root does.
    x = fmt.value(a)
    scale = 1300
    n = x.numerator * (1 << 2 * scale) // x.denominator
    root = isqrt(n)
    exact = root * root == n and x.numerator * (1 << 2 * scale) % x.denominator == 0
    return rounded(fmt, Fraction(root if exact else 2 * root + 1, (1 if exact else 2) << scale), rm)


def fma(fmt, a, b, c, rm):
    sign = fmt.sign(a) ^ fmt.sign(b)
    invalid = (fmt.is_inf(a) and fmt.is_zero(b)) or (fmt.is_zero(a) and fmt.is_inf(b))
    if fmt.is_nan(a) or fmt.is_nan(b) or fmt.is_nan(c):
        bits, flags = nan_of(fmt, a, b, c)
        return bits, flags | (NV if invalid else 0)
    if invalid:
        return fmt.qnan, NV
    if fmt.is_inf(a) or fmt.is_inf(b):
        if fmt.is_inf(c) and fmt.sign(c) != sign:
            return fmt.qnan, NV
        return sign << (fmt.bits - 1) | fmt.inf, 0
    if fmt.is_inf(c):
        return c, 0
    total = fmt.value(a) * fmt.value(b) + fmt.value(c)
    return rounded(fmt, total, rm, zero_sum_sign(sign, fmt.sign(c), rm))


def negated(fmt, v):
    return v if fmt.is_nan(v) else v ^ fmt.sign_bit


def fma_kind(name):
    neg_product, neg_addend = {
        "fmadd": (False, False),
        "fmsub": (False, True),
        "fnmsub": (True, False),
        "fnmadd": (True, True),
    }[name]

    def run(fmt, a, b, c, rm):
        return fma(fmt, negated(fmt, a) if neg_product else a, b, negated(fmt, c) if neg_addend else c, rm)

    return run


def fminmax(fmt, a, b, larger):
    flags = NV if fmt.is_snan(a) or fmt.is_snan(b) else 0
    if fmt.is_nan(a) and fmt.is_nan(b):
        return fmt.qnan, flags
    if fmt.is_nan(a) or fmt.is_nan(b):
        return (b if fmt.is_nan(a) else a), flags

    def key(v):
        magnitude = v & ~fmt.sign_bit
        return -magnitude - 1 if fmt.sign(v) else magnitude  # -0 below +0

    return (max(a, b, key=key) if larger else min(a, b, key=key)), flags


def fcompare(fmt, a, b, kind):
    if fmt.is_nan(a) or fmt.is_nan(b):
        quiet = kind == "feq" and not fmt.is_snan(a) and not fmt.is_snan(b)
        return 0, 0 if quiet else NV

    def key(v):
        magnitude = v & ~fmt.sign_bit
        return -magnitude if fmt.sign(v) else magnitude

    x, y = key(a), key(b)
    return int({"feq": x == y, "flt": x < y, "fle": x <= y}[kind]), 0


def fsgnj(fmt, a, b, kind):
    s = {"fsgnj": b, "fsgnjn": ~b, "fsgnjx": a ^ b}[kind] & fmt.sign_bit
    return a & ~fmt.sign_bit | s, 0


def fclass(fmt, v):
    if fmt.is_nan(v):
        return (1 << 8 if fmt.is_snan(v) else 1 << 9), 0
    subnormal = not fmt.is_zero(v) and v >> fmt.m & fmt.exp_all == 0
    kind = 3 if fmt.is_inf(v) else 0 if fmt.is_zero(v) else 1 if subnormal else 2
    return 1 << (3 - kind if fmt.sign(v) else 4 + kind), 0


def float_to_int(fmt, v, bits, signed, rm):
    low = -(1 << (bits - 1)) if signed else 0
    high = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1

    def out(n):
        return sx(n, bits) & M64

    if fmt.is_nan(v):
        return out(high), NV
    if fmt.is_inf(v):
        return out(low if fmt.sign(v) else high), NV
    x = fmt.value(v)
    n = round_integer(abs(x), resolve(rm, x < 0))
    n = -n if x < 0 else n
    if n < low or n > high:
        return out(low if n < low else high), NV
    return out(n), NX if n != x else 0


def int_to_float(fmt, v, bits, signed, rm):
    return rounded(fmt, Fraction(sx(v, bits) if signed else v & ((1 << bits) - 1)), rm)


def convert(src, dst, v, rm):
    if src.is_nan(v):
        return dst.qnan, NV if src.is_snan(v) else 0
    if src.is_inf(v):
        return src.sign(v) << (dst.bits - 1) | dst.inf, 0
    return rounded(dst, src.value(v), rm, src.sign(v))


def unbox(fmt, v):
    """An f register read as fmt."""
    if fmt is F64:
        return v
    return v & M32 if v >> 32 == M32 else fmt.qnan


def box(fmt, v):
    return v if fmt is F64 else v | M32 << 32
