/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <string.h>

#include "client/sim_rng.h"
#include "proto/base/hash.h"

Rng rng_new(uint64_t seed, const char *name, uint64_t number)
{
        const HashKey key = {.k0 = seed, .k1 = number};

        return (Rng){hash_bytes(&key, name, strlen(name))};
}

/* A counter through a mixer: every state is followed by all others before it comes again. */
uint64_t rng_next(Rng *r)
{
        uint64_t z = r->state += 0x9e3779b97f4a7c15U;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
        z = (z ^ z >> 27) * 0x94d049bb133111ebU;
        return z ^ z >> 31;
}

double rng_unit(Rng *r)
{
        return (double)(rng_next(r) >> 11) * 0x1p-53;
}

size_t rng_below(Rng *r, size_t n)
{
        return (size_t)(rng_unit(r) * (double)n);
}

double rng_normal(Rng *r)
{
        double radius = sqrt(-2 * log(1 - rng_unit(r)));

        return radius * cos(2 * 3.14159265358979323846 * rng_unit(r));
}

double rng_exponential(Rng *r)
{
        return -log(1 - rng_unit(r));
}

unsigned rng_poisson(Rng *r, double mean)
{
        double limit = exp(-mean), p = rng_unit(r);
        unsigned n = 0;

        for (; p > limit && n < 10000; n++)
                p *= rng_unit(r);
        return n;
}
