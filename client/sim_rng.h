#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Repeatable chance: the same seed and the same name give the same numbers, on every machine.
 */

#include <stddef.h>
#include <stdint.h>

typedef struct Rng {
        uint64_t state;
} Rng;

/* A stream of its own for each seed, name, and number. */
Rng rng_new(uint64_t seed, const char *name, uint64_t number);

uint64_t rng_next(Rng *r);
/* [0, 1) */
double rng_unit(Rng *r);
/* 0 to n - 1 */
size_t rng_below(Rng *r, size_t n);
double rng_normal(Rng *r);
/* Mean 1. */
double rng_exponential(Rng *r);
unsigned rng_poisson(Rng *r, double mean);
