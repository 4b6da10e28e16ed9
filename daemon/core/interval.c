/* SPDX-License-Identifier: Apache-2.0 */

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "daemon/core/interval.h"

/* The 97.5 % point of the normal distribution. */
#define Z 1.959963984540054

static Interval clipped(double centre, double half, double low, double high)
{
        return (Interval){.low = fmax(centre - half, low), .high = fmin(centre + half, high)};
}

Interval interval_nps(uint64_t promoters, uint64_t passives, uint64_t detractors)
{
        double n = (double)(promoters + passives + detractors) + 3;
        double p = ((double)promoters + .75) / n, d = ((double)detractors + .75) / n;
        double score = p - d;

        if (promoters + passives + detractors == 0)
                return (Interval){.low = NAN, .high = NAN};
        return clipped(score, Z * sqrt((p + d - score * score) / n), -1, 1);
}

Interval interval_share(uint64_t yes, uint64_t n)
{
        double count = (double)n, p = (double)yes / count, zz = Z * Z;
        Interval i;

        if (n == 0)
                return (Interval){.low = NAN, .high = NAN};
        i = clipped((p + zz / (2 * count)) / (1 + zz / count),
                    Z * sqrt(p * (1 - p) / count + zz / (4 * count * count)) / (1 + zz / count), 0, 1);
        /* At the ends the bound is exact; rounding must not put a 2e-17 there. */
        if (yes == 0)
                i.low = 0;
        if (yes == n)
                i.high = 1;
        return i;
}

Interval interval_mean(double mean, double squares, uint64_t n)
{
        double df = (double)n - 1, half;

        if (n < 2)
                return (Interval){.low = NAN, .high = NAN};
        half = interval_t_quantile(.975, df) * sqrt(squares / df / (double)n);
        return (Interval){.low = mean - half, .high = mean + half};
}

/* Log of B(a, 1/2). The difference of two large log-gammas would lose digits, so that a series takes over. */
static double log_beta_half(double a)
{
        const double half_log_pi = .57236494292470008707;
        double r = 1 / a, rr = r * r;
        int sign;

        if (a < 40)
                return lgamma_r(a, &sign) + half_log_pi - lgamma_r(a + .5, &sign);
        return half_log_pi - .5 * log(a) + r * (1. / 8 - rr * (1. / 192 - rr * (1. / 640 - rr * 17 / 14336)));
}

/* The continued fraction of the incomplete beta function with b = 1/2, evaluated from the front (Lentz's
 * method). */
static double beta_fraction(double x, double a, double b)
{
        const double tiny = 1e-300;
        double c = 1, d = 1 - (a + b) * x / (a + 1), f;

        d = 1 / (fabs(d) < tiny ? tiny : d);
        f = d;
        for (int m = 1; m < 10000; m++) {
                for (int odd = 0; odd < 2; odd++) {
                        double k = m;
                        double step = odd ? -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1))
                                          : k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));

                        d = 1 + step * d;
                        d = 1 / (fabs(d) < tiny ? tiny : d);
                        c = 1 + step / c;
                        c = fabs(c) < tiny ? tiny : c;
                        f *= c * d;
                }
                if (fabs(c * d - 1) < DBL_EPSILON)
                        break;
        }
        return f;
}

/* The probability that t is above @t >= 0: half of I_x(df/2, 1/2) at x = df / (df + t^2). */
static double t_upper(double t, double df)
{
        double a = df / 2, x = df / (df + t * t), y = t * t / (df + t * t), front;

        if (!(y > 0))
                return .5;
        front = exp(a * log1p(-y) + .5 * log(y) - log_beta_half(a));
        if (x < (a + 1) / (a + 2.5))
                return .5 * front * beta_fraction(x, a, .5) / a;
        return .5 - .5 * front * beta_fraction(y, .5, a) / .5;
}

static double t_density(double t, double df)
{
        return exp(-.5 * (df + 1) * log1p(t * t / df) - .5 * log(df) - log_beta_half(df / 2));
}

/* The probability that a normal value is above @z. */
static double normal_upper(double z)
{
        return .5 * erfc(z * M_SQRT1_2);
}

/* Newton on the tail, kept within a bracket that shrinks with every step. */
static double root(double tail, double guess, double df, bool normal)
{
        double low = 0, high = INFINITY, t = guess;

        for (int i = 0; i < 200; i++) {
                double off = (normal ? normal_upper(t) : t_upper(t, df)) - tail;
                double slope = normal ? exp(-t * t / 2) / sqrt(2 * M_PI) : t_density(t, df);
                double next;

                if (off > 0)
                        low = t;
                else
                        high = t;
                next = t + off / slope;
                if (!(next > low && next < high))
                        next = isinf(high) ? 2 * t + 1 : low + (high - low) / 2;
                if (fabs(next - t) <= 4 * DBL_EPSILON * fabs(t))
                        return next;
                t = next;
        }
        return t;
}

Interval interval_difference(double a, Interval of_a, double b, Interval of_b)
{
        return (Interval){
                .low = a - b - hypot(a - of_a.low, of_b.high - b),
                .high = a - b + hypot(of_a.high - a, b - of_b.low),
        };
}

/* Fisher's expansion of the t quantile around the normal one, good to the last digits for a thousand and
 * more. */
static double expanded(double z, double df)
{
        double zz = z * z;
        double g1 = z * (zz + 1) / 4;
        double g2 = z * ((5 * zz + 16) * zz + 3) / 96;
        double g3 = z * (((3 * zz + 19) * zz + 17) * zz - 15) / 384;
        double g4 = z * ((((79 * zz + 776) * zz + 1482) * zz - 1920) * zz - 945) / 92160;

        return z + (g1 + (g2 + (g3 + g4 / df) / df) / df) / df;
}

double interval_t_quantile(double p, double df)
{
        double tail = p < .5 ? p : 1 - p, z, t;

        if (!(p > 0 && p < 1 && df > 0))
                return NAN;
        if (p == .5)
                return 0;
        z = p == .975 || p == .025 ? Z : root(tail, 1, 1, true);
        t = expanded(z, df);
        if (df < 1000)
                t = root(tail, t > 0 ? t : z, df, false);
        return p < .5 ? -t : t;
}
