/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
#include "client/figure_rows.h"
#include "client/http.h"
#include "client/measure.h"
#include "client/when.h"
#include "client/xalloc.h"

#define BAR_COLUMNS  24
#define DEFAULT_SPAN "30d"
#define DEFAULT_STEP "1d"

static const Column columns[] = {
        {"at", "AT"},
        {"n", "N", .right = true},
        {"value", "VALUE", .right = true},
        {"unit", NULL},
        {"low", NULL},
        {"high", NULL},
        {"interval", "INTERVAL", .right = true, .people_only = true},
        {"mean", NULL},
        {"state", "STATE"},
        {"bar", "", .people_only = true},
};

/* A bar from the lowest value of the series (one column) to the highest, by @step a column at least; malloc'ed. */
static char *bar(double value, double min, double max, double step, bool utf8)
{
        double range = fmax(max / 2 - min / 2, step / 2 * (BAR_COLUMNS - 1)); /* halves have no overflow */
        size_t n = 1 + (size_t)lround(range > 0 ? (value / 2 - min / 2) / range * (BAR_COLUMNS - 1) : 0);
        const char *block = utf8 ? "█" : "#";
        char *s = xcalloc(n * strlen(block) + 1, 1), *to = s;

        for (size_t i = 0; i < n; i++)
                to = mempcpy(to, block, strlen(block));
        return s;
}

static void show(const Ctl *ctl, const json_t *points, const Me *me)
{
        CX_CLEANUP(table_freep) Table *t = table_new(columns, CX_ARRAY_LEN(columns), "no points");
        double min = INFINITY, max = -INFINITY;
        json_t *f;
        size_t i;

        json_array_foreach (points, i, f) {
                double v = member_double(f, "value");

                if (!isnan(v)) {
                        min = fmin(min, v);
                        max = fmax(max, v);
                }
        }
        json_array_foreach (points, i, f) {
                const char *state = member_string(f, "state");
                double v = member_double(f, "value"), target = member_double(f, "target"), step;
                CX_CLEANUP(xfreep) char *interval = figure_interval(f, me, target), *b = NULL;

                table_row(t);
                table_time(t, member_string(f, "at"));
                table_int(t, member_integer(f, "n"));
                table_cell_put(t, figure_value(f, me, target));
                table_str(t, me_unit(me, member_string(f, "metric")));
                table_number(t, member_double(f, "low"), 1, NULL, false);
                table_number(t, member_double(f, "high"), 1, NULL, false);
                table_str(t, interval);
                table_number(t, member_double(f, "mean"), 2, NULL, false);
                table_str(t, state);
                table_style(t, figure_state_style(state));
                /* Differences that are not shown would look like something: a column is no less than the last digit. */
                step = pow(10, -measure_value(me, member_string(f, "metric"), v, NAN).decimals);
                b = isnan(v) ? xstrdup("") : bar(v, min, max, step, ctl->utf8);
                table_str(t, b);
                table_style(t, figure_state_style(state));
        }
        ctl_show(ctl, t);
}

static int ask(Ctl *ctl, Me *me, const char *path)
{
        CX_CLEANUP(json_freep) json_t *answer = NULL;
        const json_t *points;
        Buffer body;
        int r;

        r = api_get(ctl, path, &answer, &body);
        if (r != CTL_OK)
                return r;
        points = json_object_get(answer, "points");
        if (ctl->output == OUTPUT_JSON) {
                ctl_show_json(ctl, &body);
        } else {
                r = me->json ? CTL_OK : me_load(ctl, me);
                if (r == CTL_OK)
                        show(ctl, points, me);
        }
        buffer_deinit(&body);
        return r != CTL_OK ? r : json_array_size(points) == 0 ? CTL_NEGATIVE : CTL_OK;
}

/* The daemon keeps the points of short windows for a short time, and knows for how long. */
static bool is_short(const char *window)
{
        usec_t length;

        if (window && strcmp(window, "today") == 0)
                return true;
        return window && duration_parse(window, strlen(window), &length) == 0 && length <= 7 * USEC_DAY;
}

static int run(Ctl *ctl, const Args *args)
{
        const char *scope = args_get(args, "scope") ? args_get(args, "scope") : args_rest(args, 0);
        const char *metric = args_get(args, "metric") ? args_get(args, "metric") : args_rest(args, 1);
        const char *window = args_get(args, "window"), *step = args_get(args, "step");
        CX_CLEANUP(xfreep) char *at = NULL, *since = NULL, *path = NULL;
        usec_t now = when_now(), base = now;
        Me me = {0};
        int r;

        r = args_time(args, ctl, "at", now, &at);
        if (r == CTL_OK && at && usec_parse(at, strlen(at), false, &base) < 0)
                base = now;
        if (r == CTL_OK)
                r = args_time(args, ctl, "since", base, &since);
        if (r == CTL_OK && (!scope || !metric || !window)) {
                r = me_load(ctl, &me);
                if (r == CTL_OK) {
                        scope = scope ? scope : me_default_scope(&me);
                        metric = metric ? metric : me_default_metric(&me);
                        window = window ? window : me_default_window(&me);
                }
        }
        if (r == CTL_OK && !is_short(window)) {
                char text[USEC_TEXT_MAX];
                usec_t from;

                if (!since && when_parse(DEFAULT_SPAN, base, &from) == 0)
                        since = xstrdup(usec_format(from, text));
                step = step ? step : DEFAULT_STEP;
        }
        if (r == CTL_OK) {
                path = http_query("/v1/series", "scope", scope, "metric", metric, "window", window, "step",
                                  step, "since", since, "at", at, NULL);
                r = ask(ctl, &me, path);
        }
        me_deinit(&me);
        return r;
}

static const Flag flags[] = {
        {"scope", 's', "SCOPE", "which scope"},
        {"metric", 'm', "METRIC", "which metric (default the first)"},
        {"window", 'w', "WINDOW", "which window each point looks back over (default 28d)"},
        {"step", 0, "DURATION", "time between two points (default " DEFAULT_STEP "; less for short windows)"},
        {"since", 0, "TIME", "first point (default " DEFAULT_SPAN " back; less for short windows)"},
        {"at", 0, "TIME", "last point (default now)"},
        {0},
};

const Cmd cmd_series = {"series", "[SCOPE [METRIC]]", "one figure over time", flags, 0, 2, run};
