/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "proto/survey_json.h"
#include "tests/bench/bench_levels.h"
#include "tests/bench/bench_samples.h"
#include "tests/bench/bench_workload.h"
#include "tests/support/check_main.h"

#define N     ((size_t)500)
#define START (20780 * USEC_DAY)

static const WorkloadPlan plan = {
        .n_agents = 30, .n_queues = 4, .n_surveys = N, .start = START, .span = USEC_DAY - USEC_SEC};

static Survey survey_of(const Workload *w, size_t i)
{
        static char scratch[SURVEY_BYTES_MAX];
        Text line = workload_line(w, i);
        Fault fault;
        Survey s;

        ck_assert_msg(survey_decode(&s, line.at, line.n, scratch, true, &fault, NULL) == 0, TEXT_FMT,
                      TEXT_ARG(line));
        return s;
}

static bool text_begins(Text t, const char *with)
{
        return t.n >= strlen(with) && memcmp(t.at, with, strlen(with)) == 0;
}

START_TEST(surveys_are_within_the_plan)
{
        bool agents[30] = {false}, queues[4] = {false};
        Workload w;

        ck_assert_int_eq(workload_init(&w, &plan), 0);
        ck_assert_uint_eq(w.n, N);
        for (size_t i = 0; i < N; i++) {
                Survey s = survey_of(&w, i);
                int agent = atoi(s.agent.at + 6), queue = atoi(s.queue.at + 6);

                ck_assert(text_begins(s.agent, "agent-") && text_begins(s.queue, "queue-"));
                ck_assert(agent >= 0 && agent < 30 && queue >= 0 && queue < 4);
                ck_assert(s.ts >= START && s.ts < START + USEC_DAY);
                agents[agent] = queues[queue] = true;
        }
        for (size_t i = 0; i < CX_ARRAY_LEN(agents); i++)
                ck_assert(agents[i]);
        for (size_t i = 0; i < CX_ARRAY_LEN(queues); i++)
                ck_assert(queues[i]);
        workload_deinit(&w);
}
END_TEST

START_TEST(a_file_has_the_same_surveys)
{
        char path[] = "/tmp/test-bench_workload.XXXXXX";
        int fd = mkstemp(path);
        FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
        Workload w, loaded, none;

        ck_assert_ptr_nonnull(to);
        ck_assert_int_eq(workload_write(&plan, to), 0);
        ck_assert_int_eq(fclose(to), 0);
        ck_assert_int_eq(workload_init(&w, &plan), 0);
        ck_assert_int_eq(workload_load(&loaded, path), 0);
        ck_assert_int_eq(remove(path), 0);
        ck_assert_uint_eq(loaded.n, w.n);
        ck_assert_mem_eq(loaded.bytes.data, w.bytes.data, w.bytes.n);
        ck_assert_int_eq(workload_load(&none, path), -ENOENT);
        workload_deinit(&w);
        workload_deinit(&loaded);
}
END_TEST

START_TEST(parts_are_all_of_it)
{
        Workload w, parts[3];
        size_t n = 0;

        ck_assert_int_eq(workload_init(&w, &plan), 0);
        for (size_t k = 0; k < 3; k++) {
                ck_assert_int_eq(workload_take(&parts[k], &w, k, 3), 0);
                n += parts[k].n;
        }
        ck_assert_uint_eq(n, N);
        for (size_t i = 0; i < N; i++)
                ck_assert(text_equal(workload_line(&w, i), workload_line(&parts[i % 3], i / 3)));
        for (size_t k = 0; k < 3; k++)
                workload_deinit(&parts[k]);
        workload_deinit(&w);
}
END_TEST

START_TEST(a_pass_changes_the_ids_and_a_day_the_dates)
{
        Workload w, before;

        ck_assert_int_eq(workload_init(&w, &plan), 0);
        ck_assert_int_eq(workload_init(&before, &plan), 0);
        workload_set_pass(&w, 12345);
        workload_set_day(&w, START - 33 * USEC_DAY);
        for (size_t i = 0; i < N; i++) {
                Survey a = survey_of(&before, i), b = survey_of(&w, i);

                ck_assert(text_begins(a.id, "00000-") && text_begins(b.id, "12345-"));
                ck_assert_int_eq(a.ts - b.ts, 33 * USEC_DAY);
                ck_assert(text_equal(a.agent, b.agent) && text_equal(a.queue, b.queue));
                ck_assert_uint_eq(workload_line(&before, i).n, workload_line(&w, i).n);
        }
        workload_deinit(&w);
        workload_deinit(&before);
}
END_TEST

START_TEST(peers_are_told_what_the_line_says)
{
        Workload w;

        ck_assert_int_eq(workload_init(&w, &plan), 0);
        for (size_t i = 0; i < N; i++) {
                Survey s = survey_of(&w, i);
                WorkloadSurvey told;

                ck_assert_int_eq(workload_survey(&w, i, &told), 0);
                ck_assert(text_equal(told.agent, s.agent) && text_equal(told.queue, s.queue));
                for (size_t m = 0; m < WORKLOAD_METRICS; m++) {
                        const Answer *a = survey_answer(&s, text_of(workload_metrics[m]));

                        ck_assert_int_eq(told.values[m], a ? (int)a->value : -1);
                }
        }
        workload_deinit(&w);
}
END_TEST

START_TEST(levels_are_those_of_the_organisation)
{
        static const char *const wanted[LEVELS] = {"agent-1234", "queue-07", "team-061", "site-06",
                                                   "region-1",   "line-0",   "org"};
        WorkloadSurvey s = {.agent = TEXT("agent-1234"), .queue = TEXT("queue-07")};
        Levels l;

        ck_assert_int_eq(levels_of(&l, &s), 0);
        for (size_t i = 0; i < LEVELS; i++)
                ck_assert_msg(text_is(l.scopes[i], wanted[i]), TEXT_FMT, TEXT_ARG(l.scopes[i]));
        s.queue = TEXT("probe-7");
        ck_assert_int_eq(levels_of(&l, &s), -EBADMSG);
        s = (WorkloadSurvey){.agent = TEXT("agent-"), .queue = TEXT("queue-07")};
        ck_assert_int_eq(levels_of(&l, &s), -EBADMSG);
}
END_TEST

START_TEST(quantiles_are_those_of_the_values)
{
        Samples s = SAMPLES_NULL;

        ck_assert_double_eq(samples_quantile(&s, 0.5), 0);
        for (int i = 0; i < 5000; i++)
                samples_add(&s, (i * 7) % 5000);
        ck_assert_double_eq(samples_quantile(&s, 0), 0);
        ck_assert_double_eq(samples_quantile(&s, 0.5), 2500);
        ck_assert_double_eq(samples_quantile(&s, 0.99), 4950);
        ck_assert_double_eq(samples_quantile(&s, 1), 4999);
        samples_deinit(&s);
}
END_TEST

CHECK_MAIN("bench_workload", surveys_are_within_the_plan, a_file_has_the_same_surveys, parts_are_all_of_it,
           a_pass_changes_the_ids_and_a_day_the_dates, peers_are_told_what_the_line_says,
           levels_are_those_of_the_organisation, quantiles_are_those_of_the_values)
