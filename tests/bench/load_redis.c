/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/bench/load_redis.h"

#include <stdio.h>

#include "tests/bench/bench_tool.h"

static void write_increment(Buffer *to, Text key, const char *field)
{
        buffer_append_format(to, "*4\r\n$7\r\nHINCRBY\r\n$%zu\r\n" TEXT_FMT "\r\n$%zu\r\n%s\r\n$1\r\n1\r\n",
                             key.n, TEXT_ARG(key), strlen(field), field);
}

static unsigned write_both(Buffer *to, const WorkloadSurvey *s, const char *field)
{
        write_increment(to, s->agent, field);
        write_increment(to, s->queue, field);
        return 2;
}

unsigned load_redis_write(Buffer *to, Workload *w, size_t i, unsigned n_metrics)
{
        Text line = workload_line(w, i);
        WorkloadSurvey s;
        unsigned n = 1;

        if (workload_survey(w, i, &s) < 0)
                tool_die("the workload is damaged");
        buffer_append_format(to, "*3\r\n$5\r\nRPUSH\r\n$7\r\nsurveys\r\n$%zu\r\n" TEXT_FMT "\r\n", line.n,
                             TEXT_ARG(line));
        n += write_both(to, &s, "n");
        for (unsigned m = 0; m < n_metrics; m++) {
                char field[32];

                if (s.values[m] < 0)
                        continue;
                snprintf(field, sizeof(field), "%s:%d", workload_metrics[m], s.values[m]);
                n += write_both(to, &s, field);
        }
        return n;
}
