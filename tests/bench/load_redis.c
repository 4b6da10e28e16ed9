/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/bench/load_redis.h"

#include <stdio.h>

#include "tests/bench/bench_levels.h"
#include "tests/bench/bench_tool.h"

static void write_increment(Buffer *to, Text key, const char *field)
{
        buffer_append_format(to, "*4\r\n$7\r\nHINCRBY\r\n$%zu\r\n" TEXT_FMT "\r\n$%zu\r\n%s\r\n$1\r\n1\r\n",
                             key.n, TEXT_ARG(key), strlen(field), field);
}

static unsigned write_levels(Buffer *to, const Levels *levels, unsigned n_levels, const char *field)
{
        for (unsigned i = 0; i < n_levels; i++)
                write_increment(to, levels->scopes[i], field);
        return n_levels;
}

unsigned load_redis_write(Buffer *to, Workload *w, size_t i, unsigned n_metrics, unsigned n_levels)
{
        Text line = workload_line(w, i);
        WorkloadSurvey s;
        Levels levels;
        unsigned n = 1;

        if (workload_survey(w, i, &s) < 0)
                tool_die("the workload is damaged");
        if (levels_of(&levels, &s) < 0)
                tool_die("the workload is of another organisation");
        buffer_append_format(to, "*3\r\n$5\r\nRPUSH\r\n$7\r\nsurveys\r\n$%zu\r\n" TEXT_FMT "\r\n", line.n,
                             TEXT_ARG(line));
        n += write_levels(to, &levels, n_levels, "n");
        for (unsigned m = 0; m < n_metrics; m++) {
                char field[32];

                if (s.values[m] < 0)
                        continue;
                snprintf(field, sizeof(field), "%s:%d", workload_metrics[m], s.values[m]);
                n += write_levels(to, &levels, n_levels, field);
        }
        return n;
}
