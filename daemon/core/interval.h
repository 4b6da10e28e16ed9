#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * 95 % intervals from counts, as plain fractions: where the true value lies, as far as the answers can tell.
 */

#include <stdint.h>

typedef struct Interval {
        double low, high; /* NaN: cannot be told */
} Interval;

/* Net promoter score in [-1, 1]: adjusted Wald (Rocks 2016), three quarters of an answer added at both ends.
 */
Interval interval_nps(uint64_t promoters, uint64_t passives, uint64_t detractors);

/* A share in [0, 1]: Wilson's score interval. */
Interval interval_share(uint64_t yes, uint64_t n);

/* A mean of @n answers whose squared distances from it add up to @squares: Student's t, n - 1 degrees of
 * freedom. */
Interval interval_mean(double mean, double squares, uint64_t n);

/*
 * The difference of two independent values, @a less @b, from the interval of each: as far from it as the nearer bounds are
 * together (Newcombe 1998, method 10, for shares; Zou and Donner 2008 for all).
 */
Interval interval_difference(double a, Interval of_a, double b, Interval of_b);

/* The value that Student's t with @df degrees of freedom stays below with probability @p (0 < p < 1). */
double interval_t_quantile(double p, double df);
