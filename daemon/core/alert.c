/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/alert.h"
#include "daemon/core/score.h"
#include "daemon/core/window.h"

static const char *const state_names[_ALERT_STATE_N] = {
        [ALERT_INACTIVE] = "inactive",         [ALERT_PENDING] = "pending", [ALERT_FIRING] = "firing",
        [ALERT_ACKNOWLEDGED] = "acknowledged", [ALERT_SNOOZED] = "snoozed", [ALERT_RESOLVED] = "resolved",
};

static const char *const reason_names[_ALERT_REASON_N] = {
        [ALERT_RECOVERED] = "recovered",
        [ALERT_WITHDRAWN] = "withdrawn",
        [ALERT_EXPIRED] = "expired",
};

enum {
        TEXTS_MAX = 7 + ALERT_SURVEYS_MAX,
        /* With a NUL behind each. */
        TEXTS_SIZE_MAX = RULE_NAME_MAX + SCOPE_NAME_MAX + WINDOW_NAME_MAX + 3 * METRIC_NAME_MAX +
                         ALERT_NOTE_MAX + ALERT_SURVEYS_MAX * SURVEY_TEXT_MAX + TEXTS_MAX,
};

/* Where its texts are. Returns how many. */
static size_t list_texts(Alert *a, const char **ret[TEXTS_MAX])
{
        size_t n = 0;

        ret[n++] = &a->rule;
        ret[n++] = &a->scope_name;
        ret[n++] = &a->metric;
        ret[n++] = &a->window;
        ret[n++] = &a->by;
        ret[n++] = &a->note;
        ret[n++] = &a->outcome;
        for (size_t i = 0; i < a->n_surveys; i++)
                ret[n++] = &a->surveys[i];
        return n;
}

int alert_copy(Alert *to, const Alert *from)
{
        Alert a = *from;
        const char **texts[TEXTS_MAX];
        size_t n_texts = list_texts(&a, texts), size = 0;
        char all[TEXTS_SIZE_MAX]; /* gathered here: some may be borrowed from where they are to go */

        for (size_t i = 0; i < n_texts; i++) {
                size_t n = strlen(*texts[i]) + 1;

                assert(n <= sizeof(all) - size);
                memcpy(all + size, *texts[i], n);
                *texts[i] = all + size;
                size += n;
        }
        a.texts = to->texts;
        a.texts_size = to->texts_size;
        if (size > a.texts_size) {
                a.texts = malloc(size);
                if (!a.texts)
                        return -ENOMEM;
                a.texts_size = size;
                free(to->texts);
        }
        memcpy(a.texts, all, size);
        for (size_t i = 0; i < n_texts; i++)
                *texts[i] = a.texts + (*texts[i] - all);
        for (size_t i = a.n_surveys; i < ALERT_SURVEYS_MAX; i++)
                a.surveys[i] = NULL;
        *to = a;
        return 0;
}

void alert_deinit(Alert *a)
{
        free(a->texts);
        *a = ALERT_NULL;
}

const char *alert_state_name(AlertState state)
{
        return state_names[state];
}

int alert_state_parse(Text t, AlertState *ret)
{
        for (AlertState state = 0; state < _ALERT_STATE_N; state++) {
                if (text_is(t, state_names[state])) {
                        *ret = state;
                        return 0;
                }
        }
        return -EINVAL;
}

const char *alert_reason_name(AlertReason reason)
{
        return reason_names[reason];
}

int alert_reason_parse(Text t, AlertReason *ret)
{
        for (AlertReason reason = ALERT_NO_REASON + 1; reason < _ALERT_REASON_N; reason++) {
                if (text_is(t, reason_names[reason])) {
                        *ret = reason;
                        return 0;
                }
        }
        return -EINVAL;
}

/* Another compiler may round otherwise; NaN is what an alert does not say. */
static bool is_other(double a, double b)
{
        return fabs(a - b) > 1e-9 * (1 + fabs(b));
}

bool alert_is_of(const Alert *a, const Metric *metric)
{
        Tally counts;
        Score score;

        if (strcmp(a->metric, metric->name) != 0)
                return false;
        memcpy(counts.counts, a->counts, sizeof(counts.counts));
        score = score_of(metric, &counts);
        return !is_other(a->value, score.value) && !is_other(a->mean, score.mean);
}
