/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/api.h"

/* Points of one series. */
#define POINTS_MAX ((size_t)2000)
/* Of a board, in MiB: what a connection may have unsent (HttpLimits.out_max) is a little more. */
#define BOARD_MAX ((size_t)60)

/* 0 and a figure written, or API_FAULT about @parameter, which says as of when. */
static int write_one(ApiCall *call, ScopeId scope, size_t metric, size_t window, usec_t at,
                     const char *parameter)
{
        Figure figure;
        int r = engine_figure(call->server->engine, scope, metric, window, at, &figure);

        if (r == ENGINE_E_HISTORY)
                return api_fault(call, FAULT_HISTORY, parameter,
                                 "figures of window %s are not kept back to then; a longer window may be",
                                 call->server->config->windows[window].name);
        if (r < 0)
                return r;
        figure_write(&figure, &call->json);
        return 0;
}

static int write_figures(ApiCall *call, ScopeId scope, size_t metric, size_t window, usec_t at)
{
        const Config *c = call->server->config;
        bool one = metric != SIZE_MAX && window != SIZE_MAX;
        int r;

        for (size_t m = 0; m < c->n_metrics; m++) {
                if ((metric != SIZE_MAX && m != metric) || !api_sees(call, m, scope))
                        continue;
                for (size_t w = 0; w < c->n_windows; w++) {
                        if (window != SIZE_MAX && w != window)
                                continue;
                        r = write_one(call, scope, m, w, at, "at");
                        /* Asked for several, the windows that do not reach back to then are left out. */
                        if (r != 0 && (r != API_FAULT || one))
                                return r;
                }
        }
        return 0;
}

int api_figures(ApiCall *call)
{
        static const char *const params[] = {"scope", "metric", "window", "at", NULL};
        size_t metric, window;
        ScopeId scope;
        usec_t at;
        int r = api_only_params(call, params);

        if (r == 0)
                r = api_scope(call, &scope);
        if (r == 0)
                r = api_metric(call, false, &metric);
        if (r == 0)
                r = api_window(call, false, &window);
        if (r == 0)
                r = api_at(call, &at);
        if (r == 0 && metric != SIZE_MAX && !api_sees(call, metric, scope))
                r = api_fault(call, FAULT_NOT_FOUND, "metric",
                              "there is no such metric, or you do not see it");
        if (r != 0)
                return r;
        json_begin_object(&call->json);
        json_key(&call->json, TEXT("figures"));
        json_begin_array(&call->json);
        r = write_figures(call, scope, metric, window, at);
        json_end_array(&call->json);
        json_end_object(&call->json);
        return r;
}

typedef struct BoardPlace {
        Text text;
        ScopeId scope;
} BoardPlace;

static int compare_places(const void *a, const void *b)
{
        return text_compare(((const BoardPlace *)a)->text, ((const BoardPlace *)b)->text);
}

typedef struct BoardQuery {
        bool has_kind;
        ScopeKind kind;
        ScopeId under;
        size_t metric, window;
        usec_t at;
} BoardQuery;

static bool on_board(const ApiCall *call, const BoardQuery *q, ScopeId id, const ScopeInfo *info)
{
        const Engine *e = call->server->engine;

        if (q->has_kind && info->kind != q->kind)
                return false;
        if (!info->assigned && !engine_has_data(e, id))
                return false;
        return q->under != SCOPE_NONE && org_contains(engine_org(e), q->under, id, q->at) &&
               api_sees_scope(call, id);
}

/* All that is asked for of one scope. */
static int write_place(ApiCall *call, const BoardQuery *q, ScopeId scope)
{
        int r = 0;

        for (size_t m = 0; m < call->server->config->n_metrics && r == 0; m++)
                if ((q->metric == SIZE_MAX || m == q->metric) && api_sees(call, m, scope))
                        r = write_one(call, scope, m, q->window, q->at, "at");
        if (r == 0 && call->out.n > BOARD_MAX << 20)
                r = api_fault(
                        call, FAULT_PARAMETER, NULL,
                        "this board has more than %zu MiB; ask for less of it, with metric, kind or under",
                        BOARD_MAX);
        return r;
}

static int write_rows(ApiCall *call, const BoardQuery *q)
{
        const Org *org = engine_org(call->server->engine);
        BoardPlace *places = calloc(org_n_scopes(org), sizeof(*places));
        size_t n = 0;
        int r = 0;

        if (!places)
                return -ENOMEM;
        for (ScopeId id = 0; id < org_n_scopes(org); id++)
                if (on_board(call, q, id, org_scope(org, id)))
                        places[n++] = (BoardPlace){.text = org_scope(org, id)->text, .scope = id};
        qsort(places, n, sizeof(*places), compare_places);
        for (size_t i = 0; i < n && r == 0; i++)
                r = write_place(call, q, places[i].scope);
        free(places);
        return r;
}

/* Without a window: the longest one, which has the most answers. */
static size_t longest_window(const Config *c)
{
        size_t longest = 0;

        for (size_t w = 1; w < c->n_windows; w++)
                if (c->windows[w].length > c->windows[longest].length)
                        longest = w;
        return longest;
}

int api_board(ApiCall *call)
{
        static const char *const params[] = {"kind", "under", "metric", "window", "at", NULL};
        Text kind = api_param(call, "kind");
        BoardQuery q = {.has_kind = kind.at != NULL};
        int r = api_only_params(call, params);

        if (r == 0 && kind.at && scope_kind_parse(kind, &q.kind) < 0)
                r = api_fault(call, FAULT_PARAMETER, "kind",
                              "one of agent, team, site, region, queue, line, org");
        if (r == 0)
                r = api_under(call, &q.under);
        if (r == 0)
                r = api_metric(call, false, &q.metric);
        if (r == 0)
                r = api_window(call, false, &q.window);
        if (r == 0)
                r = api_at(call, &q.at);
        if (r != 0)
                return r;
        if (q.window == SIZE_MAX)
                q.window = longest_window(call->server->config);
        json_begin_object(&call->json);
        json_key(&call->json, TEXT("rows"));
        json_begin_array(&call->json);
        r = write_rows(call, &q);
        json_end_array(&call->json);
        json_end_object(&call->json);
        return r;
}

static int api_step(ApiCall *call, const Window *window, usec_t *ret)
{
        Text text = api_param(call, "step");
        usec_t width = window_tier_width(window->tier);

        if (!text.at) {
                *ret = window->length / 8 > width ? usec_floor(window->length / 8, width) : width;
                return 0;
        }
        if (duration_parse(text.at, text.n, ret) < 0 || *ret < width)
                return api_fault(call, FAULT_PARAMETER, "step", "a duration of at least %s for window %s",
                                 window->tier == WINDOW_MINUTE ? "1m"
                                 : window->tier == WINDOW_HOUR ? "1h"
                                                               : "1d",
                                 window->name);
        return 0;
}

int api_series(ApiCall *call)
{
        static const char *const params[] = {"scope", "metric", "window", "step", "since", "at", NULL};
        usec_t at, since, step, from;
        size_t metric, window;
        const Window *w;
        ScopeId scope;
        int r = api_only_params(call, params);

        if (r == 0)
                r = api_scope(call, &scope);
        if (r == 0)
                r = api_metric(call, true, &metric);
        if (r == 0)
                r = api_window(call, true, &window);
        if (r == 0)
                r = api_at(call, &at);
        if (r == 0 && !api_sees(call, metric, scope))
                r = api_fault(call, FAULT_NOT_FOUND, "metric",
                              "there is no such metric, or you do not see it");
        if (r != 0)
                return r;
        w = &call->server->config->windows[window];
        r = api_step(call, w, &step);
        if (r == 0)
                r = api_time(call, "since", at - w->length, &since);
        if (r == 0 && (since > at || (at - since) / step >= (usec_t)POINTS_MAX))
                r = api_fault(call, FAULT_PARAMETER, "since", "before `at`, and at most %zu steps before it",
                              POINTS_MAX);
        if (r != 0)
                return r;
        from = at - (at - since) / step * step;
        json_begin_object(&call->json);
        json_key(&call->json, TEXT("points"));
        json_begin_array(&call->json);
        for (usec_t t = from; t <= at && r == 0; t += step)
                r = write_one(call, scope, metric, window, t, "since");
        json_end_array(&call->json);
        json_end_object(&call->json);
        return r;
}
