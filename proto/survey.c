/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "proto/survey.h"

static const char *const status_names[_SURVEY_STATUS_N] = {
        [SURVEY_ANSWERED] = "answered", [SURVEY_OFFERED] = "offered",     [SURVEY_STARTED] = "started",
        [SURVEY_EXPIRED] = "expired",   [SURVEY_OPTED_OUT] = "opted_out", [SURVEY_RETRACTED] = "retracted",
};

const char *survey_status_name(SurveyStatus status)
{
        return status_names[status];
}

int survey_status_parse(Text t, SurveyStatus *ret)
{
        for (SurveyStatus status = 0; status < _SURVEY_STATUS_N; status++) {
                if (text_is(t, status_names[status])) {
                        *ret = status;
                        return 0;
                }
        }
        return -EINVAL;
}

const Answer *survey_answer(const Survey *s, Text metric)
{
        for (size_t i = 0; i < s->n_answers; i++)
                if (text_equal(s->answers[i].metric, metric))
                        return &s->answers[i];
        return NULL;
}

/* False: not a whole number lo..hi. */
static bool whole_value(const Metric *m, double value, int *ret)
{
        if (!(value >= m->lo && value <= m->hi) || value != (double)(int)value)
                return false;
        *ret = (int)value;
        return true;
}

static bool response_value(const Survey *s, int *ret)
{
        if (s->status != SURVEY_ANSWERED && s->status != SURVEY_EXPIRED && s->status != SURVEY_OPTED_OUT)
                return false;
        *ret = s->status == SURVEY_ANSWERED;
        return true;
}

/* The answer for @m, whose kind is not METRIC_RESPONSE. */
static bool answer_value(const Answer *a, const Metric *m, int *ret)
{
        if (a->kind == ANSWER_NULL || (a->kind == ANSWER_BOOL && m->kind != METRIC_YES))
                return false;
        return whole_value(m, a->value, ret);
}

bool survey_value(const Survey *s, const Metric *m, int *ret)
{
        const Answer *a;

        if (m->kind == METRIC_RESPONSE)
                return response_value(s, ret);
        if (!survey_counts(s))
                return false;
        a = survey_answer(s, text_of(m->name));
        return a && answer_value(a, m, ret);
}

static bool has_name(const Metric *m, Text name)
{
        return m->name[0] == name.at[0] && memcmp(m->name, name.at, name.n) == 0 && m->name[name.n] == '\0';
}

/*
 * Looks from *@at on and around: sources keep the order of their questions, so that after the first survey's
 * first answer the next metric is nearly always the one wanted.
 */
static const Metric *find_metric(const Metric *metrics, size_t n_metrics, Text name, size_t *at)
{
        if (name.n == 0 || name.n > METRIC_NAME_MAX)
                return NULL;
        for (size_t i = 0; i < n_metrics; i++) {
                size_t k = *at;

                *at = k + 1 < n_metrics ? k + 1 : 0;
                if (has_name(&metrics[k], name))
                        return &metrics[k];
        }
        return NULL;
}

static void values_begin(SurveyValues *v)
{
        v->answered = 0;
        v->n_unknown = 0;
}

static void values_note(SurveyValues *v, size_t metric, const Metric *m, int value)
{
        v->answered |= UINT64_C(1) << metric;
        v->values[metric] = (uint8_t)(value - m->lo);
}

/* An answer for metrics[metric]. */
static void values_take(SurveyValues *v, const Survey *s, const Metric *m, size_t metric, const Answer *a)
{
        int value;

        if (m->kind != METRIC_RESPONSE && survey_counts(s) && answer_value(a, m, &value))
                values_note(v, metric, m, value);
}

/* What comes from the status. */
static void values_end(SurveyValues *v, const Survey *s, const Metric *metrics, size_t n_metrics)
{
        int value;

        for (size_t i = 0; i < n_metrics; i++)
                if (metrics[i].kind == METRIC_RESPONSE && response_value(s, &value))
                        values_note(v, i, &metrics[i], value);
}

void survey_values(const Survey *s, const Metric *metrics, size_t n_metrics, SurveyValues *ret)
{
        size_t at = 0;

        values_begin(ret);
        for (size_t i = 0; i < s->n_answers; i++) {
                const Answer *a = &s->answers[i];
                const Metric *m = find_metric(metrics, n_metrics, a->metric, &at);

                if (m)
                        values_take(ret, s, m, (size_t)(m - metrics), a);
                else
                        ret->n_unknown++;
        }
        values_end(ret, s, metrics, n_metrics);
}

static int answer_fault(const Answer *a, FaultCode code, Fault *fault, const char *text)
{
        char field[sizeof(fault->field)];

        snprintf(field, sizeof(field), "answers." TEXT_FMT, TEXT_ARG(a->metric));
        return fault_set(fault, code, field, "%s", text);
}

static int check_answer(const Answer *a, const Metric *m, Fault *fault)
{
        char text[128];
        int value;

        if (m->kind == METRIC_RESPONSE)
                return answer_fault(a, FAULT_METRIC, fault,
                                    "the response rate comes from `status`; it may not be sent as an answer");
        if (a->kind == ANSWER_NULL || (a->kind == ANSWER_BOOL && m->kind == METRIC_YES))
                return 0;
        if (a->kind == ANSWER_NUMBER && whole_value(m, a->value, &value))
                return 0;
        if (m->kind == METRIC_YES)
                return answer_fault(a, FAULT_RANGE, fault, "must be true, false, 1, 0 or null");
        snprintf(text, sizeof(text), "must be a whole number from %d to %d, or null", m->lo, m->hi);
        return answer_fault(a, a->kind == ANSWER_BOOL ? FAULT_TYPE : FAULT_RANGE, fault, text);
}

static int check_time(const Survey *s, const SurveyRules *rules, usec_t now, Fault *fault)
{
        char at[USEC_TEXT_MAX], limit[USEC_TEXT_MAX];

        if (s->ts > now && s->ts - now > rules->future_skew)
                return fault_set(fault, FAULT_FUTURE, "ts", "%s is more than %s after the present time",
                                 usec_format(s->ts, at), duration_format(rules->future_skew, limit));
        if (s->ts < now && now - s->ts > rules->retention)
                return fault_set(fault, FAULT_TOO_OLD, "ts", "%s is older than the retention of %s",
                                 usec_format(s->ts, at), duration_format(rules->retention, limit));
        return 0;
}

int survey_check(const Survey *s, const SurveyRules *rules, usec_t now, Fault *fault, SurveyValues *ret)
{
        SurveyValues unused;
        size_t at = 0;

        if (check_time(s, rules, now, fault))
                return 1;
        if (!ret)
                ret = &unused;
        values_begin(ret);
        for (size_t i = 0; i < s->n_answers; i++) {
                const Answer *a = &s->answers[i];
                const Metric *m = find_metric(rules->metrics, rules->n_metrics, a->metric, &at);

                if (m) {
                        if (check_answer(a, m, fault))
                                return 1;
                        values_take(ret, s, m, (size_t)(m - rules->metrics), a);
                } else if (rules->strict) {
                        return answer_fault(a, FAULT_METRIC, fault,
                                            "is not a configured metric, and `strict` refuses those");
                } else {
                        ret->n_unknown++;
                }
        }
        values_end(ret, s, rules->metrics, rules->n_metrics);
        return 0;
}
