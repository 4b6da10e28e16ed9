/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sends a workload (bench_workload.h) over TCP on 127.0.0.1 as fast as it is taken, or at a pace, and counts what is
 * acknowledged. Redis is sent the same surveys as commands (load_redis.h).
 *
 * usage: bench-load FILE --port N [options]
 *
 *   --redis         speak to Redis
 *   --metrics N     Redis: how many of the metrics are counted (6)
 *   --levels N      Redis: for how many scopes a survey counts: 2 for agent and queue, 7 for all (2)
 *   --senders N     connections (1)
 *   --seconds S     how long (1), unless
 *   --passes N      the whole workload is to be sent so many times
 *   --window N      surveys that a sender may have unacknowledged (0: what the connection takes)
 *   --rate N        surveys per second of all senders together (0: as fast as they are taken)
 *   --first-pass N  number of the first pass: ids of two runs differ if these do (0)
 *   --first-day S   each pass is moved to a day of its own, the first to that of S, in seconds since 1970
 *
 * Prints "rate", "acked", "cpu" (processor time of this program per survey, in microseconds), and with a window of one
 * "ack_p50", "ack_p99" and "ack_max" in microseconds.
 */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench_levels.h"
#include "tests/bench/bench_tool.h"
#include "tests/bench/load_sender.h"

enum {
        SENDERS_MAX = 5000,
        PACE_MSEC = 1, /* how often senders with a pace are looked at */
};

typedef struct Load {
        LoadPlan plan;
        LoadSender *senders;
        struct pollfd *fds;
        unsigned n;
        double seconds, rate;
} Load;

/* Lets each sender go on to what it should have sent by now. */
static void set_pace(Load *l, double elapsed)
{
        uint64_t each = (uint64_t)(l->rate * elapsed / l->n);

        if (l->rate > 0)
                for (unsigned i = 0; i < l->n; i++)
                        l->senders[i].n_allowed = each;
}

/* What poll() is to wait for. False: everything is sent and answered. */
static bool prepare(Load *l, bool is_over)
{
        bool is_busy = false;

        for (unsigned i = 0; i < l->n; i++) {
                LoadSender *s = &l->senders[i];
                bool wants = load_sender_wants(s, is_over);

                l->fds[i] = (struct pollfd){.fd = s->fd, .events = (short)(POLLIN | (wants ? POLLOUT : 0))};
                is_busy = is_busy || wants || load_sender_waits(s);
        }
        return is_busy;
}

/* Sends for that long, or everything, then waits for what is still unanswered. Returns the time it took. */
static double run(Load *l)
{
        double start = tool_seconds(), now = start, heard = start;
        bool has_end = l->plan.n_passes > 0;

        for (;;) {
                bool is_over = !has_end && now - start >= l->seconds, is_busy;
                int n;

                set_pace(l, now - start);
                is_busy = prepare(l, is_over);
                if (!is_busy && (is_over || has_end))
                        return now - start;
                n = poll(l->fds, l->n, l->rate > 0 ? PACE_MSEC : 1000);
                if (n < 0 && errno != EINTR)
                        tool_die("poll");
                now = tool_seconds();
                if (n > 0 || !is_busy)
                        heard = now;
                if (now - heard > 30)
                        tool_die("no answer for thirty seconds");
                for (unsigned i = 0; i < l->n && n > 0; i++) {
                        if (l->fds[i].revents & (POLLIN | POLLHUP | POLLERR))
                                load_sender_receive(&l->senders[i]);
                        if (l->fds[i].revents & POLLOUT)
                                load_sender_send(&l->senders[i], is_over);
                }
        }
}

static void report(Load *l, double took, double cpu)
{
        Samples latencies = SAMPLES_NULL;
        uint64_t acked = 0;

        for (unsigned i = 0; i < l->n; i++) {
                LoadSender *s = &l->senders[i];

                acked += s->n_acked;
                for (size_t k = 0; k < s->latencies.n; k++)
                        samples_add(&latencies, s->latencies.values[k]);
        }
        printf("rate %.0f\nacked %llu\n", (double)acked / took, (unsigned long long)acked);
        if (acked)
                printf("cpu %.4f\n", cpu / (double)acked * 1e6);
        samples_print(&latencies, "ack");
        samples_deinit(&latencies);
}

static void usage(void)
{
        fprintf(stderr, "usage: bench-load FILE --port N [options]\n");
        exit(2);
}

static void parse(Load *l, int argc, char **argv)
{
        static const struct option options[] = {
                {"redis", no_argument, NULL, 'R'},
                {"metrics", required_argument, NULL, 'm'},
                {"levels", required_argument, NULL, 'l'},
                {"port", required_argument, NULL, 'p'},
                {"senders", required_argument, NULL, 'n'},
                {"seconds", required_argument, NULL, 's'},
                {"passes", required_argument, NULL, 'P'},
                {"window", required_argument, NULL, 'w'},
                {"rate", required_argument, NULL, 'r'},
                {"first-day", required_argument, NULL, 'd'},
                {"first-pass", required_argument, NULL, 'f'},
                {0},
        };

        for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
                switch (c) {
                case 'R':
                        l->plan.redis = true;
                        break;
                case 'm':
                        l->plan.n_metrics = (unsigned)tool_number(optarg, 0, WORKLOAD_METRICS);
                        break;
                case 'l':
                        l->plan.n_levels = (unsigned)tool_number(optarg, 1, LEVELS);
                        break;
                case 'p':
                        l->plan.port = (uint16_t)tool_number(optarg, 1, UINT16_MAX);
                        break;
                case 'n':
                        l->n = (unsigned)tool_number(optarg, 1, SENDERS_MAX);
                        break;
                case 's':
                        l->seconds = tool_number(optarg, 0.001, 86400);
                        break;
                case 'P':
                        l->plan.n_passes = (unsigned)tool_number(optarg, 1, WORKLOAD_PASSES);
                        break;
                case 'w':
                        l->plan.window = (uint64_t)tool_number(optarg, 0, 1e9);
                        break;
                case 'r':
                        l->rate = tool_number(optarg, 0, 1e9);
                        break;
                case 'd':
                        l->plan.first_day = (usec_t)tool_number(optarg, 1, 1e10) * USEC_SEC;
                        break;
                case 'f':
                        l->plan.first_pass = (unsigned)tool_number(optarg, 0, WORKLOAD_PASSES - 1);
                        break;
                default:
                        usage();
                }
        }
        if (optind != argc - 1 || l->plan.port == 0)
                usage();
}

int main(int argc, char **argv)
{
        Load l = {.plan = {.n_metrics = WORKLOAD_METRICS, .n_levels = LEVELS_LEAVES}, .n = 1, .seconds = 1};
        Workload all;
        double took, cpu;
        int r;

        parse(&l, argc, argv);
        r = workload_load(&all, argv[optind]);
        if (r < 0)
                tool_die(strerror(-r));
        l.senders = calloc(l.n, sizeof(*l.senders));
        l.fds = calloc(l.n, sizeof(*l.fds));
        if (!l.senders || !l.fds)
                tool_die("no memory");
        for (unsigned i = 0; i < l.n; i++)
                load_sender_init(&l.senders[i], &l.plan, &all, i, l.n);
        workload_deinit(&all);
        cpu = tool_cpu_seconds();
        took = run(&l);
        report(&l, took, tool_cpu_seconds() - cpu);
        for (unsigned i = 0; i < l.n; i++)
                load_sender_deinit(&l.senders[i]);
        free(l.senders);
        free(l.fds);
        return 0;
}
