/* SPDX-License-Identifier: MIT */
/*
 * What a mathematics library does: exponential, logarithm, sine and arc tangent by reduction and polynomial, hypotenuse,
 * with conversions, comparisons and classification. One round is one argument through all of them.
 */
#include "../bench.h"

const uint64_t bench_rounds = 50000;

union bits {
    double value;
    uint64_t word;
};

static double scale(double x, int64_t power)
{
    union bits two = {.word = (uint64_t)(power + 1023) << 52};

    return x * two.value;
}

static NOINLINE double exponential(double x)
{
    double k = (double)(int64_t)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
    double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
    double sum = 1.0;

    for (int i = 12; i > 0; i--) {
        sum = 1.0 + r * sum / (double)i;
    }
    return scale(sum, (int64_t)k);
}

static NOINLINE double logarithm(double x)
{
    union bits b = {.value = x};
    int64_t power = (int64_t)(b.word >> 52) - 1023;
    double m, s, z, sum;

    b.word = (b.word & 0x000fffffffffffffull) | 0x3ff0000000000000ull;
    m = b.value;
    if (m > 1.4142135623730951) {
        m *= 0.5;
        power++;
    }
    s = (m - 1.0) / (m + 1.0);
    z = s * s;
    sum = 1.0 / 15 + z * (1.0 / 17);
    sum = 1.0 / 13 + z * sum;
    sum = 1.0 / 11 + z * sum;
    sum = 1.0 / 9 + z * sum;
    sum = 1.0 / 7 + z * sum;
    sum = 1.0 / 5 + z * sum;
    sum = 1.0 / 3 + z * sum;
    return 2.0 * (s + s * z * sum) + (double)power * 0.693147180559945309;
}

static NOINLINE double sine(double x)
{
    int64_t quadrant = (int64_t)(x * 0.63661977236758134 + (x < 0 ? -0.5 : 0.5));
    double r = x - (double)quadrant * 1.5707963267341256 - (double)quadrant * 6.077100506506192e-11;
    double z = r * r, y;

    if (quadrant & 1) {
        y = 2.08757008419747316778e-09 - z * 1.13585365213876817300e-11;
        y = -2.75573141792967388112e-07 + z * y;
        y = 2.48015872888517045348e-05 + z * y;
        y = -1.38888888888730564116e-03 + z * y;
        y = 1.0 - 0.5 * z + z * z * (4.16666666666665929218e-02 + z * y);
    } else {
        y = -2.50507477628578072866e-08 + z * 1.58962301576546568060e-10;
        y = 2.75573136213857245213e-06 + z * y;
        y = -1.98412698295895385996e-04 + z * y;
        y = 8.33333333332211858878e-03 + z * y;
        y = r + r * z * (-1.66666666666666307295e-01 + z * y);
    }
    return quadrant & 2 ? -y : y;
}

static NOINLINE double arc_tangent(double x)
{
    double a = __builtin_fabs(x), r = a > 1.0 ? 1.0 / a : a, z, sum = 0;

    r = r / (1.0 + __builtin_sqrt(1.0 + r * r));
    z = r * r;
    for (int i = 15; i > 0; i -= 2) {
        sum = 1.0 / (double)i - z * sum;
    }
    sum = 2.0 * r * sum;
    return __builtin_copysign(a > 1.0 ? 1.5707963267948966 - sum : sum, x);
}

static NOINLINE double hypotenuse(double x, double y)
{
    double a = __builtin_fabs(x), b = __builtin_fabs(y);
    double big = a > b ? a : b, small = a > b ? b : a;

    if (big == 0.0 || !(big <= 1e300)) {
        return big;
    }
    small /= big;
    return big * __builtin_sqrt(1.0 + small * small);
}

uint64_t bench_run(uint64_t rounds)
{
    uint64_t seed = 7777777;
    double sum = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        double x = (double)(int64_t)(bench_random(&seed) >> 40) * 1e-6 - 8.0;
        float f = (float)x;

        sum += sine(x) + exponential(x * 0.25) + logarithm(x * x + 0.5);
        sum += arc_tangent(x) + hypotenuse(x, 3.0) + (double)(f * 0.5f);
        sum *= 0.999;
    }
    return (uint64_t)(int64_t)(sum * 1000);
}
