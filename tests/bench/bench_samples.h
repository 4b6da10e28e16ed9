#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Times that were measured, and what half, or 99 in a hundred, of them stay below.
 */

#include <stddef.h>

typedef struct Samples {
        double *values;
        size_t n, size;
} Samples;

#define SAMPLES_NULL ((Samples){0})

/* Ends the program without memory. */
void samples_add(Samples *s, double value);
void samples_deinit(Samples *s);

/* What the share @part (0..1) of them is not above; 0 if there are none. Sorts them. */
double samples_quantile(Samples *s, double part);

/* A line "@name_p50 X", and the same for p99 and max, in microseconds, if there are any. */
void samples_print(Samples *s, const char *name);
