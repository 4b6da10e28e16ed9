/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes a workload (bench_workload.h) to standard output.
 *
 * usage: bench-generate AGENTS QUEUES SURVEYS START SPAN
 *
 * START is in seconds since 1970, SPAN in seconds.
 */

#include <stdio.h>

#include "tests/bench/bench_tool.h"
#include "tests/bench/bench_workload.h"

int main(int argc, char **argv)
{
        WorkloadPlan plan;

        if (argc != 6) {
                fprintf(stderr, "usage: bench-generate AGENTS QUEUES SURVEYS START SPAN\n");
                return 2;
        }
        plan = (WorkloadPlan){
                .n_agents = (unsigned)tool_number(argv[1], 1, 1e6),
                .n_queues = (unsigned)tool_number(argv[2], 1, 1e5),
                .n_surveys = (size_t)tool_number(argv[3], 1, 1e8),
                .start = (usec_t)tool_number(argv[4], 0, 1e10) * USEC_SEC,
                .span = (usec_t)tool_number(argv[5], 1, 1e9) * USEC_SEC,
        };
        if (workload_write(&plan, stdout) < 0 || fflush(stdout) != 0)
                tool_die("cannot write");
        return 0;
}
