/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/bench_samples.h"
#include "tests/bench/bench_tool.h"

void samples_add(Samples *s, double value)
{
        if (s->n == s->size) {
                size_t size = s->size ? s->size * 2 : 1024;
                double *values = reallocarray(s->values, size, sizeof(*values));

                if (!values)
                        tool_die("no memory");
                s->values = values;
                s->size = size;
        }
        s->values[s->n++] = value;
}

void samples_deinit(Samples *s)
{
        free(s->values);
        *s = SAMPLES_NULL;
}

static int by_size(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

double samples_quantile(Samples *s, double part)
{
        size_t at = (size_t)(part * (double)s->n);

        if (s->n == 0)
                return 0;
        qsort(s->values, s->n, sizeof(*s->values), by_size);
        return s->values[at < s->n ? at : s->n - 1];
}

void samples_print(Samples *s, const char *name)
{
        if (s->n == 0)
                return;
        printf("%s_p50 %.1f\n", name, samples_quantile(s, 0.5) * 1e6);
        printf("%s_p99 %.1f\n", name, samples_quantile(s, 0.99) * 1e6);
        printf("%s_max %.1f\n", name, samples_quantile(s, 1) * 1e6);
}
