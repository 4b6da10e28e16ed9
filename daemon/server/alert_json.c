/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/server/alert_json.h"
#include "proto/figure.h"

const Metric *alert_metric(const Alert *a, const Settings *s)
{
        for (size_t i = 0; i < s->n_metrics; i++)
                if (strcmp(s->metrics[i].name, a->metric) == 0)
                        return &s->metrics[i];
        return NULL;
}

const Rule *alert_rule(const Alert *a, const Settings *s)
{
        for (size_t i = 0; i < s->n_rules; i++)
                if (strcmp(s->rules[i].name, a->rule) == 0)
                        return &s->rules[i];
        return NULL;
}

static void write_scope(const Alert *a, JsonOut *out)
{
        char text[SCOPE_TEXT_MAX + 1];

        if (a->scope_kind == SCOPE_ORG)
                json_member_str(out, "scope", "org");
        else {
                snprintf(text, sizeof(text), "%s/%s", scope_kind_name(a->scope_kind), a->scope_name);
                json_member_str(out, "scope", text);
        }
}

static void write_figure(const Alert *a, const Metric *metric, JsonOut *out)
{
        Figure f = {
                .scope_kind = a->scope_kind,
                .scope_name = text_of(a->scope_name),
                .metric = metric,
                .window = text_of(a->window),
                .at = a->at,
                .n = a->n,
                .value = a->value,
                .low = a->low,
                .high = a->high,
                .mean = a->mean,
                .trend = a->trend,
                .trend_low = a->trend_low,
                .trend_high = a->trend_high,
                .state = a->above ? FIGURE_ABOVE : FIGURE_BELOW,
        };

        if (!metric || !alert_is_of(a, metric))
                return;
        memcpy(f.counts, a->counts, sizeof(f.counts));
        if (a->n == 0)
                f.state = FIGURE_NO_DATA;
        json_key(out, TEXT("figure"));
        figure_write(&f, out);
}

static void write_members(const Alert *a, const Metric *metric, const char *advice, JsonOut *out)
{
        json_member_str(out, "id", a->id);
        json_member_str(out, "rule", a->rule);
        json_member_str(out, "severity", severity_name(a->severity));
        json_member_str(out, "state", alert_state_name(a->state));
        if (alert_reason_name(a->reason))
                json_member_str(out, "reason", alert_reason_name(a->reason));
        else
                json_member_null(out, "reason");
        json_member_time(out, "since", a->since);
        if (a->fired)
                json_member_time(out, "fired", a->fired);
        json_member_time(out, "changed", a->changed);
        write_scope(a, out);
        json_member_str(out, "metric", a->metric);
        json_member_str(out, "window", a->window);
        json_member_number(out, "target", a->threshold_value);
        write_figure(a, metric, out);
        json_key(out, TEXT("evidence"));
        json_begin_object(out);
        json_member_str(out, "test", rule_test_name(a->test));
        json_member_number(out, "value", a->evidence);
        json_member_number(out, "threshold", a->limit);
        if (a->from) {
                json_member_time(out, "from", a->from);
                json_member_int(out, "n", (int64_t)a->from_n);
                json_member_number(out, "figure", a->from_value);
        }
        json_end_object(out);
        if (advice)
                json_member_str(out, "advice", advice);
        json_key(out, TEXT("surveys"));
        json_begin_array(out);
        for (size_t i = 0; i < a->n_surveys; i++)
                json_text(out, text_of(a->surveys[i]));
        json_end_array(out);
        if (a->by[0])
                json_member_str(out, "by", a->by);
        if (a->note[0])
                json_member_str(out, "note", a->note);
        if (a->outcome[0])
                json_member_str(out, "outcome", a->outcome);
        if (a->state == ALERT_SNOOZED)
                json_member_time(out, "until", a->until);
}

void alert_write(const Alert *a, const Metric *metric, const char *advice, JsonOut *out)
{
        json_begin_object(out);
        write_members(a, metric, advice, out);
        json_end_object(out);
}

void alert_encode(const Alert *a, const Metric *metric, Buffer *to)
{
        JsonOut out = JSON_OUT_INIT(to);

        json_begin_object(&out);
        write_members(a, metric, NULL, &out);
        json_key(&out, TEXT("store"));
        json_begin_object(&out);
        /* Times again as microseconds: readers' times are cut to what RFC 3339 text shows. */
        json_member_int(&out, "since", a->since);
        json_member_int(&out, "fired", a->fired);
        json_member_int(&out, "changed", a->changed);
        json_member_int(&out, "until", a->until);
        json_member_int(&out, "at", a->at);
        json_member_int(&out, "from", a->from);
        json_member_int(&out, "ordinal", a->ordinal);
        json_member_int(&out, "restart", a->restart);
        json_member_bool(&out, "above", a->above);
        json_member_number(&out, "asked", a->asked);
        json_member_int(&out, "n", (int64_t)a->n);
        json_member_number(&out, "value", a->value);
        json_member_number(&out, "low", a->low);
        json_member_number(&out, "high", a->high);
        json_member_number(&out, "mean", a->mean);
        json_member_number(&out, "trend", a->trend);
        json_member_number(&out, "trend_low", a->trend_low);
        json_member_number(&out, "trend_high", a->trend_high);
        json_key(&out, TEXT("counts"));
        json_begin_array(&out);
        for (size_t i = 0; i < METRIC_VALUES_MAX; i++)
                json_int(&out, (int64_t)a->counts[i]);
        json_end_array(&out);
        json_end_object(&out);
        json_end_object(&out);
}

/* Borrowed from @object. -EINVAL: none, or a longer one, and *ret is as it was. */
static int read_text(json_t *object, const char *key, size_t max, const char **ret)
{
        const char *value = json_string_value(json_object_get(object, key));

        if (!value || strlen(value) > max)
                return -EINVAL;
        *ret = value;
        return 0;
}

static double read_number(json_t *object, const char *key)
{
        json_t *value = json_object_get(object, key);

        return json_is_number(value) ? json_number_value(value) : NAN;
}

static int64_t read_int(json_t *object, const char *key)
{
        return json_integer_value(json_object_get(object, key));
}

static int read_choice(json_t *object, const char *key, const char *(*name_of)(int), int n, int *ret)
{
        const char *value = json_string_value(json_object_get(object, key));

        for (int i = 0; value && i < n; i++) {
                if (strcmp(name_of(i), value) == 0) {
                        *ret = i;
                        return 0;
                }
        }
        return -EINVAL;
}

static const char *severity_name_of(int i)
{
        return severity_name((Severity)i);
}

static const char *test_name_of(int i)
{
        return rule_test_name((RuleTest)i);
}

static int read_names(json_t *root, Alert *a)
{
        const char *id, *scope;
        int choice;
        Text name;

        if (read_text(root, "id", ALERT_ID_MAX, &id) < 0 ||
            read_text(root, "rule", RULE_NAME_MAX, &a->rule) < 0 ||
            read_text(root, "metric", METRIC_NAME_MAX, &a->metric) < 0 ||
            read_text(root, "window", WINDOW_NAME_MAX, &a->window) < 0 ||
            read_text(root, "scope", SCOPE_TEXT_MAX, &scope) < 0)
                return -EINVAL;
        snprintf(a->id, sizeof(a->id), "%s", id);
        if (scope_parse(text_of(scope), &a->scope_kind, &name) < 0)
                return -EINVAL;
        if (name.at)
                a->scope_name = name.at; /* the end of @scope */
        if (read_choice(root, "severity", severity_name_of, _SEVERITY_N, &choice) < 0)
                return -EINVAL;
        a->severity = (Severity)choice;
        if (read_choice(json_object_get(root, "evidence"), "test", test_name_of, _RULE_TEST_N, &choice) < 0)
                return -EINVAL;
        a->test = (RuleTest)choice;
        if (alert_state_parse(text_of(json_string_value(json_object_get(root, "state"))), &a->state) < 0)
                return -EINVAL;
        if (json_is_string(json_object_get(root, "reason")) &&
            alert_reason_parse(text_of(json_string_value(json_object_get(root, "reason"))), &a->reason) < 0)
                return -EINVAL;
        return 0;
}

/* What older versions stored does not say it; the figure does. */
static bool read_above(json_t *store, const Alert *a)
{
        json_t *above = json_object_get(store, "above");

        if (above)
                return json_is_true(above);
        return (a->from ? a->from_value : a->value) > a->threshold_value;
}

static void read_evidence(json_t *root, json_t *store, Alert *a)
{
        json_t *counts = json_object_get(store, "counts"), *item;
        int64_t restart;
        size_t i;

        a->threshold_value = read_number(root, "target");
        a->evidence = read_number(json_object_get(root, "evidence"), "value");
        a->limit = read_number(json_object_get(root, "evidence"), "threshold");
        a->since = read_int(store, "since");
        a->fired = read_int(store, "fired");
        a->changed = read_int(store, "changed");
        a->until = read_int(store, "until");
        a->at = read_int(store, "at");
        a->from = read_int(store, "from");
        a->from_n = (uint64_t)read_int(json_object_get(root, "evidence"), "n");
        a->from_value = read_number(json_object_get(root, "evidence"), "figure");
        a->ordinal = (uint32_t)read_int(store, "ordinal");
        restart = read_int(store, "restart");
        a->restart = restart < INT32_MIN ? INT32_MIN : restart > INT32_MAX ? INT32_MAX : (int32_t)restart;
        a->n = (uint64_t)read_int(store, "n");
        a->value = read_number(store, "value");
        a->low = read_number(store, "low");
        a->high = read_number(store, "high");
        a->mean = read_number(store, "mean");
        a->trend = read_number(store, "trend");
        a->trend_low = read_number(store, "trend_low");
        a->trend_high = read_number(store, "trend_high");
        a->above = read_above(store, a);
        /* Older versions know of no other threshold than the one that it was raised by. */
        a->asked = json_object_get(store, "asked") ? read_number(store, "asked") : a->threshold_value;
        json_array_foreach (counts, i, item) {
                if (i < METRIC_VALUES_MAX)
                        a->counts[i] = (uint64_t)json_integer_value(item);
        }
}

/* Cut into @ids. */
static void read_surveys(json_t *root, char ids[ALERT_SURVEYS_MAX][SURVEY_TEXT_MAX + 1], Alert *a)
{
        json_t *surveys = json_object_get(root, "surveys"), *item;
        size_t i;

        json_array_foreach (surveys, i, item) {
                if (i >= ALERT_SURVEYS_MAX || !json_is_string(item))
                        break;
                snprintf(ids[i], sizeof(ids[i]), "%s", json_string_value(item));
                a->surveys[i] = ids[i];
                a->n_surveys = i + 1;
        }
}

int alert_decode(Text json, Alert *ret)
{
        json_t *root = json_loadb(json.at, json.n, JSON_REJECT_DUPLICATES, NULL), *store;
        char ids[ALERT_SURVEYS_MAX][SURVEY_TEXT_MAX + 1];
        Alert a = ALERT_NULL, whole = ALERT_NULL;
        int r = -EINVAL;

        store = json_object_get(root, "store");
        if (json_is_object(store) && read_names(root, &a) == 0) {
                read_evidence(root, store, &a);
                read_surveys(root, ids, &a);
                /* What people said may be absent. */
                (void)read_text(root, "by", METRIC_NAME_MAX, &a.by);
                (void)read_text(root, "note", ALERT_NOTE_MAX, &a.note);
                (void)read_text(root, "outcome", METRIC_NAME_MAX, &a.outcome);
                r = alert_copy(&whole, &a);
        }
        if (r == 0)
                *ret = whole;
        json_decref(root);
        return r;
}
