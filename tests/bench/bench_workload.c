/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/survey_json.h"
#include "tests/bench/bench_workload.h"

#define ID_AT       7 /* behind {"id":" */
#define PASS_DIGITS 5
#define DATE_CHARS  10 /* 2026-11-21 */

#define RANDOM_START ((uint64_t)0x9e3779b97f4a7c15)

const char *const workload_metrics[WORKLOAD_METRICS] = {"nps", "csat", "ces", "fcr", "courtesy", "knowledge"};

static const struct {
        int lo, hi;
} scales[WORKLOAD_METRICS] = {{0, 10}, {1, 5}, {1, 7}, {0, 1}, {1, 5}, {1, 5}};

/* --- writing ------------------------------------------------------------------------------------------------- */

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

static void write_answers(Buffer *to, uint64_t *state, bool weak)
{
        const char *comma = "";

        for (unsigned m = 0; m < WORKLOAD_METRICS; m++) {
                int value = draw(state, m, weak);

                if (value < 0)
                        continue;
                if (scales[m].hi == 1)
                        buffer_append_format(to, "%s\"%s\":%s", comma, workload_metrics[m],
                                             value ? "true" : "false");
                else
                        buffer_append_format(to, "%s\"%s\":%d", comma, workload_metrics[m], value);
                comma = ",";
        }
}

/* Most surveys come in the order of their times, some up to a minute late. */
static void write_line(Buffer *to, const WorkloadPlan *plan, size_t i, uint64_t *state)
{
        usec_t at = plan->start + (usec_t)((double)plan->span * (double)i / (double)plan->n_surveys);
        usec_t late = next_random(state) % 20 == 0 ? (usec_t)(next_random(state) % 60) * USEC_SEC : 0;
        unsigned agent = (unsigned)(next_random(state) % plan->n_agents);
        unsigned queue = (unsigned)(next_random(state) % plan->n_queues);
        char time[USEC_TEXT_MAX];

        if (at - late < plan->start)
                late = 0;
        buffer_append_format(
                to,
                "{\"id\":\"%0*d-%zu\",\"ts\":\"%s\",\"contact\":\"c-%zu\",\"agent\":\"agent-%04u\","
                "\"queue\":\"queue-%02u\",\"channel\":\"voice\",\"answers\":{",
                PASS_DIGITS, 0, i, usec_format(at - late, time), i, agent, queue);
        write_answers(to, state, agent % 10 == 3);
        buffer_append_str(to, "}}\n");
}

int workload_write(const WorkloadPlan *plan, FILE *to)
{
        uint64_t state = RANDOM_START;
        Buffer line = BUFFER_NULL;
        int r = 0;

        for (size_t i = 0; i < plan->n_surveys && r == 0; i++) {
                buffer_reset(&line);
                write_line(&line, plan, i, &state);
                if (buffer_failed(&line))
                        r = -ENOMEM;
                else if (fwrite(line.data, 1, line.n, to) != line.n)
                        r = -EIO;
        }
        buffer_deinit(&line);
        return r;
}

/* --- reading ------------------------------------------------------------------------------------------------- */

static int read_all(Buffer *to, FILE *from)
{
        size_t n;

        do {
                char *at = buffer_reserve(to, (size_t)1 << 20);

                if (!at)
                        return -ENOMEM;
                n = fread(at, 1, (size_t)1 << 20, from);
                to->n += n;
        } while (n);
        return ferror(from) ? -EIO : 0;
}

static size_t count_lines(const Buffer *b)
{
        size_t n = 0;

        for (const char *at = b->data, *end = at + b->n;
             at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
                n++;
        return n;
}

/* Finds the lines of w->bytes, and their dates. */
static int index_lines(Workload *w)
{
        size_t begin = 0, longest = 0;

        w->n = count_lines(&w->bytes);
        if (w->n == 0 || w->bytes.data[w->bytes.n - 1] != '\n')
                return -EBADMSG;
        w->ends = calloc(w->n, sizeof(*w->ends));
        w->dates = calloc(w->n, sizeof(*w->dates));
        if (!w->ends || !w->dates)
                return -ENOMEM;
        for (size_t i = 0; i < w->n; i++) {
                const char *line = w->bytes.data + begin;
                const char *end = (const char *)memchr(line, '\n', w->bytes.n - begin) + 1;
                size_t n = (size_t)(end - line);
                const char *ts = memmem(line, n, "\",\"ts\":\"", 8);

                if (n < ID_AT + PASS_DIGITS || memcmp(line, "{\"id\":\"", ID_AT) != 0 || !ts ||
                    end - ts < 8 + DATE_CHARS)
                        return -EBADMSG;
                w->dates[i] = (size_t)(ts + 8 - w->bytes.data);
                w->ends[i] = begin += n;
                if (n > longest)
                        longest = n;
        }
        w->scratch = malloc(longest);
        return w->scratch ? 0 : -ENOMEM;
}

int workload_init(Workload *w, const WorkloadPlan *plan)
{
        uint64_t state = RANDOM_START;
        int r;

        *w = WORKLOAD_NULL;
        for (size_t i = 0; i < plan->n_surveys; i++)
                write_line(&w->bytes, plan, i, &state);
        r = buffer_failed(&w->bytes) ? -ENOMEM : index_lines(w);
        if (r < 0)
                workload_deinit(w);
        return r;
}

int workload_load(Workload *w, const char *path)
{
        FILE *from = fopen(path, "re");
        int r;

        *w = WORKLOAD_NULL;
        if (!from)
                return -errno;
        r = read_all(&w->bytes, from);
        (void)fclose(from);
        if (r == 0)
                r = index_lines(w);
        if (r < 0)
                workload_deinit(w);
        return r;
}

int workload_take(Workload *w, const Workload *all, size_t part, size_t n_parts)
{
        int r;

        *w = WORKLOAD_NULL;
        for (size_t i = part; i < all->n; i += n_parts) {
                buffer_append_text(&w->bytes, workload_line(all, i));
                buffer_append_char(&w->bytes, '\n');
        }
        r = buffer_failed(&w->bytes) ? -ENOMEM : index_lines(w);
        if (r < 0)
                workload_deinit(w);
        return r;
}

void workload_deinit(Workload *w)
{
        buffer_deinit(&w->bytes);
        free(w->ends);
        free(w->dates);
        free(w->scratch);
        *w = WORKLOAD_NULL;
}

void workload_set_pass(Workload *w, unsigned pass)
{
        char digits[16];

        snprintf(digits, sizeof(digits), "%0*u", PASS_DIGITS, pass % WORKLOAD_PASSES);
        for (size_t i = 0; i < w->n; i++)
                memcpy(w->bytes.data + (i ? w->ends[i - 1] : 0) + ID_AT, digits, PASS_DIGITS);
}

void workload_set_day(Workload *w, usec_t at)
{
        char time[USEC_TEXT_MAX];

        usec_format(at, time);
        for (size_t i = 0; i < w->n; i++)
                memcpy(w->bytes.data + w->dates[i], time, DATE_CHARS);
}

Text workload_line(const Workload *w, size_t i)
{
        size_t begin = i ? w->ends[i - 1] : 0;

        return (Text){.at = w->bytes.data + begin, .n = w->ends[i] - begin - 1};
}

int workload_survey(Workload *w, size_t i, WorkloadSurvey *ret)
{
        Text line = workload_line(w, i);
        Survey s;
        Fault fault;

        if (survey_decode(&s, line.at, line.n, w->scratch, true, &fault, NULL) != 0)
                return -EBADMSG;
        ret->agent = s.agent;
        ret->queue = s.queue;
        for (unsigned m = 0; m < WORKLOAD_METRICS; m++) {
                const Answer *a = survey_answer(&s, text_of(workload_metrics[m]));

                ret->values[m] = a && a->kind != ANSWER_NULL ? (int)a->value : -1;
        }
        return 0;
}
