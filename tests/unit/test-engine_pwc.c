/* SPDX-License-Identifier: Apache-2.0 */

/* 5,000 real calls of a call centre through the engine, against figures and alarms that were computed elsewhere. */

#include <math.h>
#include <stdio.h>

#include "daemon/core/engine.h"
#include "daemon/core/evidence.h"
#include "tests/support/check_main.h"
#include "tests/support/series_case.h"

#define CALLS_MAX 6000

static const Metric metrics[] = {
        {.name = "mean", .kind = METRIC_MEAN, .lo = 1, .hi = 5},
        {.name = "top2", .kind = METRIC_TOP2, .lo = 1, .hi = 5},
        {.name = "fcr", .kind = METRIC_YES, .lo = 0, .hi = 1},
        {.name = "response", .kind = METRIC_RESPONSE, .lo = 0, .hi = 1},
};
static const char *const agents[] = {"Becky", "Dan", "Diane", "Greg", "Jim", "Joe", "Martha", "Stewart"};
static Window windows[2];
static const Calendar utc;
static const Rule rules[] = {
        {.name = "mean",
         .kind = SCOPE_AGENT,
         .scopes = "*",
         .window = 0,
         .threshold = 3.6,
         .false_alarms = 8,
         .false_alarms_per = 365 * USEC_DAY},
        {.name = "top2",
         .metric = 1,
         .kind = SCOPE_AGENT,
         .scopes = "*",
         .window = 0,
         .threshold = 60,
         .false_alarms = 8,
         .false_alarms_per = 365 * USEC_DAY},
};
static Settings settings;

typedef struct Call {
        char id[16], agent[16], topic[32];
        Survey survey;
} Call;

static Call calls[CALLS_MAX];
static size_t n_calls;

static void read_call(Call *c, const char *line)
{
        char ts[32], answered, resolved, speed[16] = "", talk[16] = "";
        int rating = 0;
        Survey *s = &c->survey;

        /* Unanswered calls have neither speed nor talk nor rating. */
        ck_assert_int_ge(sscanf(line, "%15[^,],%15[^,],%31[^,],%31[^,],%c,%c,%15[^,],%15[^,],%d", c->id,
                                c->agent, c->topic, ts, &answered, &resolved, speed, talk, &rating),
                         6);
        strcat(ts, "Z");
        s->id = text_of(c->id);
        s->agent = text_of(c->agent);
        s->queue = text_of(c->topic);
        s->rev = -1;
        ck_assert_int_eq(usec_parse(ts, strlen(ts), false, &s->ts), 0);
        if (answered != 'Y') {
                s->status = SURVEY_EXPIRED;
                return;
        }
        s->answers[0] = (Answer){.metric = TEXT("mean"), .kind = ANSWER_NUMBER, .value = rating};
        s->answers[1] = (Answer){.metric = TEXT("top2"), .kind = ANSWER_NUMBER, .value = rating};
        s->answers[2] = (Answer){.metric = TEXT("fcr"), .kind = ANSWER_BOOL, .value = resolved == 'Y'};
        s->n_answers = 3;
}

static int by_time(const void *a, const void *b)
{
        const Call *x = a, *y = b;

        if (x->survey.ts != y->survey.ts)
                return x->survey.ts < y->survey.ts ? -1 : 1;
        return strcmp(x->id, y->id);
}

static bool read_calls(void)
{
        const char *path = shared_file("data/pwc_call_center.csv");
        char line[512];
        FILE *f;

        if (!path) {
                fprintf(stderr, "skipped: no pwc_call_center.csv\n");
                return false;
        }
        f = fopen(path, "re");
        ck_assert_ptr_nonnull(f);
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
        memset(calls, 0, sizeof(calls));
        for (n_calls = 0; fgets(line, sizeof(line), f); n_calls++) {
                ck_assert_uint_lt(n_calls, CALLS_MAX);
                read_call(&calls[n_calls], line);
        }
        fclose(f);
        ck_assert_uint_eq(n_calls, 5000);
        qsort(calls, n_calls, sizeof(*calls), by_time);
        for (size_t i = 0; i < n_calls; i++) {
                calls[i].survey.id = text_of(calls[i].id);
                calls[i].survey.agent = text_of(calls[i].agent);
                calls[i].survey.queue = text_of(calls[i].topic);
        }
        return true;
}

static Engine *make_engine(void)
{
        Engine *e;
        Org *org;

        ck_assert_int_eq(window_init(&windows[0], TEXT("28d")), 0);
        ck_assert_int_eq(window_init(&windows[1], TEXT("90d")), 0);
        settings = (Settings){
                .metrics = metrics,
                .n_metrics = CX_ARRAY_LEN(metrics),
                .windows = windows,
                .n_windows = 2,
                .calendar = &utc,
                .rules = rules,
                .n_rules = CX_ARRAY_LEN(rules),
                .keep = 400 * USEC_DAY,
                .max_agents = 100,
                .max_queues = 100,
        };
        ck_assert_int_eq(org_new(&org, &settings.key), 0);
        for (size_t i = 0; i < CX_ARRAY_LEN(agents); i++) {
                RosterRow row = {.agent = text_of(agents[i]), .to = USEC_INFINITY};

                ck_assert_int_eq(org_add_agent(org, &row), 0);
        }
        ck_assert_int_eq(engine_new(&e, &settings, org), 0);
        return e;
}

/* The same number to the last digit that is printed. */
static void expect_printed(double is, const char *want)
{
        char text[40];

        for (int digits = 15; digits <= 17; digits++) {
                snprintf(text, sizeof(text), "%.*g", digits, is);
                if (strtod(text, NULL) == strtod(want, NULL))
                        return;
        }
        ck_abort_msg("%.17g, not %s", is, want);
}

static Figure figure(const Engine *e, ScopeKind kind, const char *name, size_t metric)
{
        usec_t end;
        Figure f;

        ck_assert_int_eq(usec_parse("2021-04-01", 10, true, &end), 0);
        ck_assert_int_eq(engine_figure(e, org_find(engine_org(e), kind, text_of(name)), metric, 1, end, &f),
                         0);
        return f;
}

/* Columns: 0 name, 4 fcr, 5, 6 its interval, 7 n, 15 mean, 18 top2, 19, 20 its interval, 22 response rate. */
static void compare_table(const Engine *e, const char *name, ScopeKind kind, unsigned n_rows)
{
        const char *path = shared_file(name);
        char line[1024], *fields[24];
        unsigned n = 0;
        FILE *f;

        ck_assert_ptr_nonnull(path);
        f = fopen(path, "re");
        ck_assert_ptr_nonnull(f);
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
        for (; fgets(line, sizeof(line), f); n++) {
                char *rest = line;
                Figure top2, mean, fcr;

                for (size_t i = 0; i < 24; i++)
                        fields[i] = strsep(&rest, ",");
                mean = figure(e, kind, fields[0], 0);
                top2 = figure(e, kind, fields[0], 1);
                fcr = figure(e, kind, fields[0], 2);
                ck_assert_uint_eq(mean.n, (unsigned)strtod(fields[7], NULL));
                ck_assert_uint_eq(top2.n, mean.n);
                for (size_t v = 0; v < 5; v++)
                        ck_assert_uint_eq(top2.counts[v], (unsigned)strtod(fields[8 + v], NULL));
                expect_printed(mean.value, fields[15]);
                expect_printed(top2.mean, fields[15]);
                expect_printed((double)(top2.counts[3] + top2.counts[4]) / (double)top2.n, fields[18]);
                ck_assert_double_eq_tol(top2.value, 100 * strtod(fields[18], NULL), 1e-12);
                ck_assert_double_eq_tol(top2.low, 100 * strtod(fields[19], NULL), 1e-10);
                ck_assert_double_eq_tol(top2.high, 100 * strtod(fields[20], NULL), 1e-10);
                ck_assert_double_eq_tol(fcr.value, 100 * strtod(fields[4], NULL), 1e-12);
                ck_assert_double_eq_tol(fcr.low, 100 * strtod(fields[5], NULL), 1e-10);
                ck_assert_double_eq_tol(figure(e, kind, fields[0], 3).value, 100 * strtod(fields[22], NULL),
                                        1e-12);
        }
        fclose(f);
        ck_assert_uint_eq(n, n_rows);
}

START_TEST(figures_equal_the_tables_to_the_last_digit)
{
        Effects out = EFFECTS_NULL;
        Engine *e;

        if (!read_calls())
                return;
        e = make_engine();
        for (size_t i = 0; i < n_calls; i++)
                ck_assert_int_eq(engine_step(e,
                                             &(Input){.kind = INPUT_SURVEY,
                                                      .now = calls[i].survey.ts,
                                                      .survey = &calls[i].survey},
                                             &out),
                                 0);
        compare_table(e, "data/pwc_per_agent.csv", SCOPE_AGENT, 8);
        compare_table(e, "data/pwc_per_topic.csv", SCOPE_QUEUE, 5);
        effects_deinit(&out);
        engine_free(e);
}
END_TEST

typedef struct First {
        char metric[8], agent[16], id[16];
        int rating, n_starts, best_day;
        double sum, best;
} First;

static size_t read_first(First first[32])
{
        const char *path = shared_file("data/alert_first_pwc.csv");
        char line[512];
        size_t n = 0;
        FILE *f;

        ck_assert_ptr_nonnull(path);
        f = fopen(path, "re");
        ck_assert_ptr_nonnull(f);
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
        for (; fgets(line, sizeof(line), f); n++)
                ck_assert_int_eq(sscanf(line, "%7[^,],%15[^,],%*[^,],%15[^,],%*[^,],%d,%d,%lf,%lf,%d",
                                        first[n].metric, first[n].agent, first[n].id, &first[n].rating,
                                        &first[n].n_starts, &first[n].sum, &first[n].best,
                                        &first[n].best_day),
                                 8);
        fclose(f);
        return n;
}

START_TEST(the_first_alarm_of_every_agent_is_that_of_the_table)
{
        Effects out = EFFECTS_NULL;
        First first[32];
        size_t n_first, n_met = 0;
        Engine *e;

        if (!read_calls())
                return;
        n_first = read_first(first);
        ck_assert_uint_eq(n_first, 15);
        e = make_engine();
        for (size_t i = 0; i < n_calls; i++) {
                Input in = {.kind = INPUT_SURVEY, .now = calls[i].survey.ts, .survey = &calls[i].survey};

                ck_assert_int_eq(engine_step(e, &in, &out), 0);
                for (size_t k = 0; k < out.n_alerts; k++) {
                        const Alert *a = &out.alerts[k];
                        size_t row = 0;

                        if (a->state != ALERT_FIRING || a->ordinal > 1)
                                continue;
                        while (row < n_first && (strcmp(first[row].metric, a->metric) != 0 ||
                                                 strcmp(first[row].agent, a->scope_name) != 0))
                                row++;
                        ck_assert_msg(row < n_first, "%s of %s fires at %s", a->metric, a->scope_name,
                                      calls[i].id);
                        ck_assert_str_eq(calls[i].id, first[row].id);
                        ck_assert_double_eq_tol(a->evidence, first[row].sum, 1e-9 * first[row].sum);
                        ck_assert(a->limit == 365);
                        ck_assert_str_eq(a->surveys[0], first[row].id);
                        n_met++;
                }
                effects_reset(&out);
        }
        ck_assert_uint_eq(n_met, n_first);
        effects_deinit(&out);
        engine_free(e);
}
END_TEST

START_TEST(starts_and_largest_term_are_those_of_the_table)
{
        const int32_t beginning = 18628; /* 2021-01-01 */
        First first[32];
        size_t n_first;

        if (!read_calls())
                return;
        n_first = read_first(first);
        for (size_t row = 0; row < n_first; row++) {
                const Metric *m = &metrics[first[row].metric[0] == 't'];
                int32_t day = 0, start, best_day;
                EvidencePast past;
                Evidence e;
                Tally today;
                Series s;
                Grid g = GRID_NULL;

                ck_assert_int_eq(evidence_init(&e, m, m == &metrics[0] ? 3.6 : 60, false), 0);
                ck_assert_int_eq(series_init(&s, &g, 5), 0);
                for (size_t i = 0; i < n_calls; i++) {
                        int value;

                        if (strcmp(calls[i].agent, first[row].agent) != 0 ||
                            !survey_value(&calls[i].survey, m, &value))
                                continue;
                        day = (int32_t)(calls[i].survey.ts / USEC_DAY);
                        series_count(&s, day, (unsigned)value - 1, 1, 0);
                        if (strcmp(calls[i].id, first[row].id) == 0) {
                                ck_assert_int_eq(value, first[row].rating);
                                break;
                        }
                }
                start = series_next(&s, 0) > day - 27 ? series_next(&s, 0) : day - 27;
                ck_assert_int_eq(day - start + 1, first[row].n_starts);
                evidence_past(&e, &s, start, day, &past);
                series_sum(&s, day, day + 1, &today);
                ck_assert_double_eq_tol(evidence_sum(&e, &past, &today), first[row].sum,
                                        1e-9 * first[row].sum);
                ck_assert_double_eq_tol(evidence_best(&e, &s, start, day, &best_day), first[row].best,
                                        1e-9 * first[row].best);
                ck_assert_int_eq(best_day - beginning, first[row].best_day);
                grid_deinit(&g);
        }
}
END_TEST

CHECK_MAIN("engine_pwc", figures_equal_the_tables_to_the_last_digit,
           the_first_alarm_of_every_agent_is_that_of_the_table,
           starts_and_largest_term_are_those_of_the_table)
