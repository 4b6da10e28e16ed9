#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A survey: one request for feedback about a contact, in memory.
 *
 * All text is borrowed from the bytes that it was decoded from (and from the scratch memory given to the decoder).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/def.h"
#include "proto/base/text.h"
#include "proto/base/usec.h"
#include "proto/fault.h"
#include "proto/metric.h"

#define SURVEY_BYTES_MAX   65536 /* one survey as JSON */
#define SURVEY_DEPTH_MAX   4
#define SURVEY_TEXT_MAX    128 /* id, contact, agent, queue, customer, channel, reason */
#define SURVEY_COMMENT_MAX 4096
#define SURVEY_ANSWERS_MAX 64

typedef enum SurveyStatus {
        SURVEY_ANSWERED, /* the default */
        SURVEY_OFFERED,
        SURVEY_STARTED,
        SURVEY_EXPIRED,
        SURVEY_OPTED_OUT,
        SURVEY_RETRACTED,
        _SURVEY_STATUS_N,
} SurveyStatus;

typedef enum AnswerKind {
        ANSWER_NULL, /* asked and skipped */
        ANSWER_BOOL, /* value is 0 or 1 */
        ANSWER_NUMBER,
} AnswerKind;

typedef struct Answer {
        Text metric;
        AnswerKind kind;
        double value;
} Answer;

typedef struct Survey {
        Text id, contact, agent, queue, customer, channel, reason, comment; /* at == NULL: absent */
        usec_t ts;
        int64_t rev; /* -1: absent */
        SurveyStatus status;
        size_t n_answers;
        Answer answers[SURVEY_ANSWERS_MAX]; /* in the order sent; no metric twice */
} Survey;

const char *survey_status_name(SurveyStatus status);
CX_MUST_CHECK int survey_status_parse(Text t, SurveyStatus *ret); /* -EINVAL */

/* Whether the answers count: only those of an answered survey do. */
static inline bool survey_counts(const Survey *s)
{
        return s->status == SURVEY_ANSWERED;
}

/* The answer for @metric, or NULL if it was never asked. */
const Answer *survey_answer(const Survey *s, Text metric);

/*
 * The answer of @s to @m as a whole number lo..hi. False: never asked, skipped, not counted in this status, or (for a
 * survey that was stored under another configuration) outside the scale. METRIC_RESPONSE reads the status.
 */
bool survey_value(const Survey *s, const Metric *m, int *ret);

/* What survey_value() says for many metrics, in one pass over the answers. */
typedef struct SurveyValues {
        uint64_t answered;           /* bit i: metrics[i] has a value */
        uint8_t values[METRICS_MAX]; /* where the bit is set: the value, counted from the lowest answer */
        size_t n_unknown;            /* answers for none of the metrics */
} SurveyValues;

void survey_values(const Survey *s, const Metric *metrics, size_t n_metrics, SurveyValues *ret);

/* What a survey is checked against. Borrowed. */
typedef struct SurveyRules {
        const Metric *metrics;
        size_t n_metrics;
        bool strict;        /* refuse metrics that are not configured */
        usec_t future_skew; /* ts may lie that far after now */
        usec_t retention;   /* ts may lie that far before now */
} SurveyRules;

/*
 * Everything beyond the form that survey_decode() has checked: scales, skew, retention, strictness.
 * 0 with @ret (may be NULL) filled in as by survey_values(), or 1 with @fault filled in.
 */
CX_MUST_CHECK int survey_check(const Survey *s, const SurveyRules *rules, usec_t now, Fault *fault,
                               SurveyValues *ret);
