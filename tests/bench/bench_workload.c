/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/bench_workload.h"

#define PASS_AT     7 /* behind {"id":" */
#define PASS_DIGITS 5

const char *const workload_metrics[WORKLOAD_METRICS] = {"nps", "csat", "ces", "fcr", "courtesy", "knowledge"};

static const struct {
        int lo, hi;
} scales[WORKLOAD_METRICS] = {{0, 10}, {1, 5}, {1, 7}, {0, 1}, {1, 5}, {1, 5}};

/* A generator of random numbers that is fast, and the same everywhere (xorshift). */
static uint64_t next_random(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

/* Good answers are likelier than bad ones; one agent in ten is worse. A tenth is skipped. */
static int draw(uint64_t *state, unsigned metric, bool weak)
{
        int span = scales[metric].hi - scales[metric].lo;
        uint64_t a = next_random(state) >> 11;

        if (a % 10 == 9)
                return -1;
        if (a / 10 % 100 < (weak ? 45 : 80))
                return scales[metric].hi - (span > 3 ? (int)(a / 1000 % 2) : 0);
        return scales[metric].lo + (int)(a / 1000 % (uint64_t)span);
}

static void write_line(Buffer *to, unsigned part, size_t i, usec_t ts, const WorkloadSurvey *s)
{
        char time[USEC_TEXT_MAX];
        const char *comma = "";

        buffer_append_format(
                to,
                "{\"id\":\"%0*d-%u-%zu\",\"ts\":\"%s\",\"contact\":\"c-%zu\",\"agent\":\"agent-%04u\","
                "\"queue\":\"queue-%02u\",\"channel\":\"voice\",\"answers\":{",
                PASS_DIGITS, 0, part, i, usec_format(ts, time), i, s->agent, s->queue);
        for (unsigned m = 0; m < WORKLOAD_METRICS; m++) {
                if (s->values[m] < 0)
                        continue;
                if (scales[m].hi == 1)
                        buffer_append_format(to, "%s\"%s\":%s", comma, workload_metrics[m],
                                             s->values[m] ? "true" : "false");
                else
                        buffer_append_format(to, "%s\"%s\":%d", comma, workload_metrics[m], s->values[m]);
                comma = ",";
        }
        buffer_append_str(to, "}}\n");
}

int workload_init(Workload *w, unsigned part, size_t n, usec_t start, usec_t step)
{
        uint64_t state = 0x9e3779b97f4a7c15U + part;

        *w = WORKLOAD_NULL;
        w->ends = calloc(n, sizeof(*w->ends));
        w->surveys = calloc(n, sizeof(*w->surveys));
        for (size_t i = 0; i < n && w->ends && w->surveys; i++) {
                WorkloadSurvey *s = &w->surveys[i];
                /* some come late */
                usec_t late =
                        next_random(&state) % 20 == 0 ? (usec_t)(next_random(&state) % 60) * USEC_SEC : 0;

                s->agent = (unsigned)(next_random(&state) % WORKLOAD_AGENTS);
                s->queue = (unsigned)(next_random(&state) % WORKLOAD_QUEUES);
                for (unsigned m = 0; m < WORKLOAD_METRICS; m++)
                        s->values[m] = draw(&state, m, s->agent % 10 == 3);
                write_line(&w->bytes, part, i, start + (usec_t)i * step - late, s);
                w->ends[i] = w->bytes.n;
        }
        w->n = n;
        if (!w->ends || !w->surveys || buffer_failed(&w->bytes)) {
                workload_deinit(w);
                return -ENOMEM;
        }
        return 0;
}

void workload_deinit(Workload *w)
{
        buffer_deinit(&w->bytes);
        free(w->ends);
        free(w->surveys);
        *w = WORKLOAD_NULL;
}

void workload_set_pass(Workload *w, unsigned pass)
{
        char digits[16];

        snprintf(digits, sizeof(digits), "%0*u", PASS_DIGITS, pass % 100000);
        for (size_t i = 0; i < w->n; i++)
                memcpy(w->bytes.data + (i ? w->ends[i - 1] : 0) + PASS_AT, digits, PASS_DIGITS);
}

Text workload_line(const Workload *w, size_t i)
{
        size_t begin = i ? w->ends[i - 1] : 0;

        return (Text){.at = w->bytes.data + begin, .n = w->ends[i] - begin - 1};
}
