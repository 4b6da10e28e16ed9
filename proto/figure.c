/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "proto/figure.h"

static const char *const state_names[_FIGURE_STATE_N] = {
        [FIGURE_NO_DATA] = "no_data", [FIGURE_INSUFFICIENT] = "insufficient",
        [FIGURE_OK] = "ok",           [FIGURE_BELOW] = "below",
        [FIGURE_ABOVE] = "above",
};

const char *figure_state_name(FigureState state)
{
        return state_names[state];
}

static void write_scope(const Figure *f, JsonOut *out)
{
        char text[SCOPE_TEXT_MAX];
        int n = snprintf(text, sizeof(text), f->scope_name.n ? "%s/" TEXT_FMT : "%s" TEXT_FMT,
                         scope_kind_name(f->scope_kind), TEXT_ARG(f->scope_name));

        json_key(out, TEXT("scope"));
        json_text(out, (Text){.at = text, .n = (size_t)n});
}

static void write_counts(const Figure *f, JsonOut *out)
{
        static const char *const no_yes[] = {"no", "yes"};
        const Metric *m = f->metric;
        bool named = m->kind == METRIC_YES || m->kind == METRIC_RESPONSE;

        json_key(out, TEXT("counts"));
        json_begin_object(out);
        for (unsigned i = 0; i < metric_n_values(m); i++) {
                char number[NUMBER_TEXT_MAX];
                size_t n = int64_format(m->lo + (int)i, number);

                json_key(out, named && i < 2 ? text_of(no_yes[i]) : (Text){.at = number, .n = n});
                json_int(out, (int64_t)f->counts[i]);
        }
        json_end_object(out);
}

void figure_write(const Figure *f, JsonOut *out)
{
        json_begin_object(out);
        write_scope(f, out);
        json_member_str(out, "metric", f->metric->name);
        json_member_text(out, "window", f->window);
        json_member_time(out, "at", f->at);
        json_member_int(out, "n", (int64_t)f->n);
        json_member_number(out, "value", f->value);
        json_member_number(out, "low", f->low);
        json_member_number(out, "high", f->high);
        json_member_number(out, "mean", f->mean);
        if (f->metric->has_target)
                json_member_number(out, "target", f->metric->target);
        else
                json_member_null(out, "target");
        json_member_str(out, "state", figure_state_name(f->state));
        json_member_number(out, "trend", f->trend);
        json_member_number(out, "trend_low", f->trend_low);
        json_member_number(out, "trend_high", f->trend_high);
        write_counts(f, out);
        json_end_object(out);
}
