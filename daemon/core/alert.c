/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "daemon/core/alert.h"
#include "daemon/core/score.h"

static const char *const state_names[_ALERT_STATE_N] = {
        [ALERT_INACTIVE] = "inactive",         [ALERT_PENDING] = "pending", [ALERT_FIRING] = "firing",
        [ALERT_ACKNOWLEDGED] = "acknowledged", [ALERT_SNOOZED] = "snoozed", [ALERT_RESOLVED] = "resolved",
};

static const char *const reason_names[_ALERT_REASON_N] = {
        [ALERT_RECOVERED] = "recovered",
        [ALERT_WITHDRAWN] = "withdrawn",
        [ALERT_EXPIRED] = "expired",
};

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
