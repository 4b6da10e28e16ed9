/* SPDX-License-Identifier: Apache-2.0 */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/scenario/world.h"

#define SURVEYS_MAX 20000

/* One kept survey; the texts that the survey borrows lie beside it. */
typedef struct Kept {
        char id[32], agent[32], queue[32], metrics[4][16];
        Survey survey;
} Kept;

static struct World {
        bool fragile;
        usec_t start, now;
        char roster_lines[64][128], queue_lines[16][64];
        size_t n_roster, n_queues;
        Metric metrics[4];
        Window windows[5];
        Rule rules[16];
        Calendar calendar;
        CalendarStep steps[3];
        Settings settings;
        Engine *engine;
        Kept *kept;
        size_t n_kept;
        Effects newest; /* the last version of each alert, in the order of the last change */
        Effects effects;
        Buffer transcript;
        unsigned n_ids;
} w;

static usec_t parse_time(const char *text)
{
        usec_t t;

        ck_assert_int_eq(usec_parse(text, strlen(text), true, &t), 0);
        return t;
}

static usec_t parse_duration(const char *text)
{
        bool negative = *text == '-';
        usec_t d;

        ck_assert_int_eq(duration_parse(text + negative, strlen(text + negative), &d), 0);
        return negative ? -d : d;
}

static void metric(size_t i, const char *name, MetricKind kind, int lo, int hi, double target)
{
        Metric *m = &w.metrics[i];

        snprintf(m->name, sizeof(m->name), "%s", name);
        m->kind = kind;
        m->lo = lo;
        m->hi = hi;
        m->has_target = target > 0;
        m->target = target;
        m->min_n = 10;
        m->lower_is_better = strcmp(name, "wait") == 0;
}

void world_begin(void)
{
        static const char *const windows[] = {"1h", "today", "7d", "28d", "90d"};

        memset(&w, 0, sizeof(w));
        w.start = w.now = parse_time("2026-03-02");
        metric(0, "nps", METRIC_NPS, 0, 10, 40);
        metric(1, "csat", METRIC_TOP2, 1, 5, 80);
        metric(2, "wait", METRIC_MEAN, 1, 5, 2);
        metric(3, "response", METRIC_RESPONSE, 0, 1, 0);
        for (size_t i = 0; i < CX_ARRAY_LEN(windows); i++)
                ck_assert_int_eq(window_init(&w.windows[i], text_of(windows[i])), 0);
        w.kept = calloc(SURVEYS_MAX, sizeof(*w.kept));
        ck_assert_ptr_nonnull(w.kept);
        w.settings = (Settings){
                .metrics = w.metrics,
                .n_metrics = CX_ARRAY_LEN(w.metrics),
                .windows = w.windows,
                .n_windows = CX_ARRAY_LEN(windows),
                .calendar = &w.calendar,
                .rules = w.rules,
                .keep = 400 * USEC_DAY,
                .max_agents = 1000,
                .max_queues = 1000,
                .key = {.k0 = 1, .k1 = 2},
        };
}

void world_end(void)
{
        engine_free(w.engine);
        effects_deinit(&w.effects);
        effects_deinit(&w.newest);
        buffer_deinit(&w.transcript);
        free(w.kept);
        memset(&w, 0, sizeof(w));
}

void world_make_fragile(void)
{
        w.fragile = true;
}

void world_roster(const char *line)
{
        snprintf(w.roster_lines[w.n_roster++], sizeof(w.roster_lines[0]), "%s", line);
}

void world_queue(const char *line)
{
        snprintf(w.queue_lines[w.n_queues++], sizeof(w.queue_lines[0]), "%s", line);
}

void world_in_madrid(void)
{
        w.steps[0] = (CalendarStep){.from = 0, .offset = USEC_HOUR};
        w.steps[1] = (CalendarStep){.from = parse_time("2026-03-29T01:00:00Z"), .offset = 2 * USEC_HOUR};
        w.steps[2] = (CalendarStep){.from = parse_time("2026-10-25T01:00:00Z"), .offset = USEC_HOUR};
        w.calendar = (Calendar){.steps = w.steps, .n_steps = 3};
}

void world_limit_agents(size_t max)
{
        w.settings.max_agents = max;
}

static size_t find_metric(const char *name)
{
        for (size_t i = 0; i < w.settings.n_metrics; i++)
                if (strcmp(w.metrics[i].name, name) == 0)
                        return i;
        ck_abort_msg("no metric %s", name);
}

static size_t find_window(const char *name)
{
        for (size_t i = 0; i < w.settings.n_windows; i++)
                if (strcmp(w.windows[i].name, name) == 0)
                        return i;
        ck_abort_msg("no window %s", name);
}

void world_rule(const char *text)
{
        char name[32], metric_name[32], scope[64], window[16], test[16], side[16],
                words[3][32] = {"", "", ""};
        Rule *r = &w.rules[w.settings.n_rules++];
        Text glob;
        double value;

        ck_assert_int_ge(sscanf(text, "%31s %31s %63s %15s %15s %15s %lf %31s %31s %31s", name, metric_name,
                                scope, window, test, side, &value, words[0], words[1], words[2]),
                         7);
        snprintf(r->name, sizeof(r->name), "%s", name);
        ck_assert_int_eq(scope_parse(text_of(scope), &r->kind, &glob), 0);
        snprintf(r->scopes, sizeof(r->scopes), TEXT_FMT, TEXT_ARG(glob));
        r->metric = find_metric(metric_name);
        r->window = find_window(window);
        r->test = test[0] == 'e' ? RULE_EVIDENCE : test[0] == 'i' ? RULE_INTERVAL : RULE_POINT;
        r->above = strcmp(side, "above") == 0;
        r->threshold = value;
        r->min_n = 1;
        r->false_alarms = 1;
        r->false_alarms_per = 90 * USEC_DAY;
        r->severity = SEVERITY_WARNING;
        for (size_t i = 0; i < 3 && words[i][0]; i++) {
                char per[16];

                if (sscanf(words[i], "min_n=%u", &r->min_n) == 1)
                        continue;
                if (sscanf(words[i], "hold=%15s", per) == 1)
                        r->hold = parse_duration(per);
                else if (sscanf(words[i], "alarms=%lf/%15s", &r->false_alarms, per) == 2)
                        r->false_alarms_per = parse_duration(per);
                else
                        ck_abort_msg("rule: %s?", words[i]);
        }
}

static void add_agent(Org *org, const char *line)
{
        char fields[6][32] = {"", "", "", "", "", ""};
        RosterRow row = {.from = 0, .to = USEC_INFINITY};

        sscanf(line, "%31[^,],%31[^,],%31[^,],%31[^,],%31[^,],%31s", fields[0], fields[1], fields[2],
               fields[3], fields[4], fields[5]);
        row.agent = text_of(fields[0]);
        row.team = text_of(fields[1]);
        row.site = text_of(fields[2]);
        row.region = text_of(fields[3]);
        if (fields[4][0])
                row.from = parse_time(fields[4]);
        if (fields[5][0])
                row.to = parse_time(fields[5]);
        ck_assert_int_eq(org_add_agent(org, &row), 0);
}

static void make_engine(void)
{
        CX_CLEANUP(org_freep) Org *org = NULL;

        ck_assert_int_eq(org_new(&org, &w.settings.key), 0);
        for (size_t i = 0; i < w.n_roster; i++)
                add_agent(org, w.roster_lines[i]);
        for (size_t i = 0; i < w.n_queues; i++) {
                char queue[32] = "", line[32] = "";

                sscanf(w.queue_lines[i], "%31[^,],%31s", queue, line);
                ck_assert_int_eq(org_add_queue(org, text_of(queue), text_of(line)), 0);
        }
        ck_assert_int_eq(engine_new(&w.engine, &w.settings, org), 0);
        org = NULL;
}

CX_PRINTF(1, 2) static void say(const char *format, ...)
{
        usec_t t = w.now - w.start;
        char text[512];
        va_list args;

        buffer_append_format(&w.transcript, "[d%d %02d:%02d] ", (int)(t / USEC_DAY),
                             (int)(t / USEC_HOUR % 24), (int)(t / USEC_MIN % 60));
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        buffer_append_format(&w.transcript, "%s\n", text);
}

static void say_alert(const Alert *a, AlertState before)
{
        const char *slash = a->scope_name[0] ? "/" : "", *reason = alert_reason_name(a->reason);

        say("%s %s%s%s: %s -> %s%s%s n=%d value=%.4g evidence=%.4g/%.4g", a->rule,
            scope_kind_name(a->scope_kind), slash, a->scope_name, alert_state_name(before),
            alert_state_name(a->state), reason ? " " : "", reason ? reason : "", (int)a->n, a->value,
            a->evidence, a->limit);
}

/* What the shell does with effects: keep the last version of each alert, in the order of the changes. */
static void keep_alerts(void)
{
        Effects *newest = &w.newest;

        for (size_t i = 0; i < w.effects.n_alerts; i++) {
                const Alert *a = &w.effects.alerts[i];
                AlertState before = ALERT_INACTIVE;
                size_t k = 0;

                while (k < newest->n_alerts && strcmp(newest->alerts[k].id, a->id) != 0)
                        k++;
                if (k < newest->n_alerts) {
                        before = newest->alerts[k].state;
                        alert_deinit(&newest->alerts[k]);
                        newest->n_alerts--;
                        memmove(&newest->alerts[k], &newest->alerts[k + 1],
                                (newest->n_alerts - k) * sizeof(Alert));
                }
                ck_assert_int_eq(effects_add_alert(newest, a), 0);
                say_alert(a, before);
        }
        effects_reset(&w.effects);
}

static void tick(void)
{
        Input in = {.kind = INPUT_TICK, .now = w.now};

        ck_assert_int_eq(engine_step(w.engine, &in, &w.effects), 0);
        keep_alerts();
}

static void restart(void)
{
        w.engine = engine_free(w.engine);
        make_engine();
        for (size_t i = 0; i < w.n_kept; i++)
                ck_assert_int_eq(engine_replay(w.engine, &w.kept[i].survey), 0);
        for (size_t i = 0; i < w.newest.n_alerts; i++)
                ck_assert_int_eq(engine_restore(w.engine, &w.newest.alerts[i]), 0);
        tick();
}

static int step(const Input *in)
{
        int r;

        if (!w.engine)
                make_engine();
        r = engine_step(w.engine, in, &w.effects);
        ck_assert_int_ge(r, 0);
        keep_alerts();
        if (w.fragile)
                restart();
        return r;
}

void world_go_to(const char *when)
{
        usec_t until = parse_time(when);

        ck_assert(until >= w.now);
        while (w.engine && engine_deadline(w.engine) <= until) {
                usec_t deadline = engine_deadline(w.engine);

                w.now = deadline > w.now ? deadline : w.now;
                step(&(Input){.kind = INPUT_TICK, .now = w.now});
        }
        w.now = until;
        if (w.engine)
                step(&(Input){.kind = INPUT_TICK, .now = w.now});
}

void world_elapse(const char *duration)
{
        char text[USEC_TEXT_MAX];

        world_go_to(usec_format(w.now + parse_duration(duration), text));
}

static void read_survey(Kept *k, const char *text)
{
        int at = 0, n = 0;

        k->survey.n_answers = 0;
        ck_assert_int_eq(sscanf(text, "%31s %31s%n", k->agent, k->queue, &at), 2);
        k->survey.agent = strcmp(k->agent, "-") == 0 ? TEXT_NULL : text_of(k->agent);
        k->survey.queue = text_of(k->queue);
        for (size_t i = 0; i < 4; i++, at += n) {
                Answer *a = &k->survey.answers[i];

                if (sscanf(text + at, " %15[a-z]=%lf%n", k->metrics[i], &a->value, &n) != 2)
                        break;
                a->metric = text_of(k->metrics[i]);
                a->kind = ANSWER_NUMBER;
                k->survey.n_answers++;
        }
}

void world_answer_late(const char *ago, const char *text)
{
        Kept *k = &w.kept[w.n_kept++];

        snprintf(k->id, sizeof(k->id), "s%u", ++w.n_ids);
        k->survey.id = text_of(k->id);
        k->survey.ts = w.now - parse_duration(ago);
        k->survey.rev = -1;
        read_survey(k, text);
        step(&(Input){.kind = INPUT_SURVEY, .now = w.now, .survey = &k->survey});
}

void world_answers(unsigned n, const char *text)
{
        while (n-- > 0)
                world_answer_late("0s", text);
}

void world_answer(const char *text)
{
        world_answers(1, text);
}

static Kept *find_kept(const char *id)
{
        for (size_t i = 0; i < w.n_kept; i++)
                if (strcmp(w.kept[i].id, id) == 0)
                        return &w.kept[i];
        ck_abort_msg("no survey %s", id);
}

static void replace(const char *id, const char *text)
{
        Kept *k = find_kept(id), *before = malloc(sizeof(*before));

        ck_assert_ptr_nonnull(before);
        *before = *k;
        before->survey.agent = k->survey.agent.at ? text_of(before->agent) : TEXT_NULL;
        before->survey.queue = text_of(before->queue);
        for (size_t i = 0; i < k->survey.n_answers; i++)
                before->survey.answers[i].metric = text_of(before->metrics[i]);
        if (text)
                read_survey(k, text);
        else
                k->survey.status = SURVEY_RETRACTED;
        step(&(Input){.kind = INPUT_SURVEY, .now = w.now, .survey = &k->survey, .earlier = &before->survey});
        free(before);
}

void world_revise(const char *id, const char *text)
{
        replace(id, text);
}

void world_retract(const char *id)
{
        replace(id, NULL);
}

static const Alert *newest(const char *rule)
{
        for (size_t i = engine_n_alerts(w.engine); i > 0; i--)
                if (strcmp(engine_alert(w.engine, i - 1)->rule, rule) == 0)
                        return engine_alert(w.engine, i - 1);
        ck_abort_msg("no alert of %s", rule);
}

static void command(const char *rule, Command c)
{
        char id[ALERT_ID_MAX + 1];

        snprintf(id, sizeof(id), "%s", newest(rule)->id);
        c.alert = text_of(id);
        if (step(&(Input){.kind = INPUT_COMMAND, .now = w.now, .command = &c}) == ENGINE_E_STATE)
                say("%s: refused", rule);
}

void world_ack(const char *rule, const char *by)
{
        command(rule, (Command){.verb = COMMAND_ACK, .by = text_of(by)});
}

void world_snooze(const char *rule, const char *by, const char *duration)
{
        command(rule, (Command){.verb = COMMAND_SNOOZE,
                                .by = text_of(by),
                                .until = w.now + parse_duration(duration)});
}

void world_outcome(const char *rule, const char *by, const char *outcome, const char *note)
{
        command(rule, (Command){.verb = COMMAND_OUTCOME,
                                .by = text_of(by),
                                .outcome = text_of(outcome),
                                .note = text_of(note)});
}

static void show(const char *scope, const char *metric_name, const char *window, usec_t at)
{
        ScopeKind kind;
        ScopeId id;
        Text name;
        Figure f;
        int r;

        ck_assert_ptr_nonnull(w.engine);
        ck_assert_int_eq(scope_parse(text_of(scope), &kind, &name), 0);
        id = org_find(engine_org(w.engine), kind, name);
        if (id == SCOPE_NONE) {
                say("%s: unknown", scope);
                return;
        }
        r = engine_figure(w.engine, id, find_metric(metric_name), find_window(window), at, &f);
        if (r == ENGINE_E_HISTORY)
                say("%s %s %s: not kept", scope, metric_name, window);
        else
                say("%s %s %s: n=%d value=%.4g [%.4g, %.4g] trend=%.4g %s", scope, metric_name, window,
                    (int)f.n, f.value, f.low, f.high, f.trend, figure_state_name(f.state));
}

void world_show(const char *scope, const char *metric_name, const char *window)
{
        show(scope, metric_name, window, w.now + 1);
}

void world_show_at(const char *scope, const char *metric_name, const char *window, const char *when)
{
        show(scope, metric_name, window, parse_time(when));
}

void world_show_surveys(const char *rule)
{
        const Alert *a = newest(rule);
        char text[256] = "";

        for (size_t i = 0; i < a->n_surveys; i++) {
                size_t n = strlen(text);

                snprintf(text + n, sizeof(text) - n, " %s", a->surveys[i]);
        }
        say("%s surveys:%s", rule, text);
}

void world_expect(const char *transcript)
{
        const char *is = w.transcript.n ? buffer_str(&w.transcript) : "";

        ck_assert_msg(strcmp(is, transcript) == 0, "the transcript is\n%sand not\n%s", is, transcript);
        buffer_reset(&w.transcript);
}

Engine *world_engine(void)
{
        return w.engine;
}
