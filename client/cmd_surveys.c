/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "client/api.h"
#include "client/cmd.h"
#include "client/http.h"
#include "client/me.h"
#include "client/when.h"
#include "client/xalloc.h"

#define SURVEYS_MAX 1000 /* of one answer */

static const Column columns[] = {
        {"ts", "TIME"},       {"id", "ID"},           {"agent", "AGENT"},     {"queue", "QUEUE"},
        {"status", "STATUS"}, {"answers", "ANSWERS"}, {"channel", NULL},      {"reason", NULL},
        {"contact", NULL},    {"customer", NULL},     {"comment", "COMMENT"},
};

/* "csat=2 fcr=no wait=-"; malloc'ed. */
static char *answers_text(const json_t *answers)
{
        char *all = xstrdup(""), number[NUMBER_TEXT_MAX];
        const char *metric;
        json_t *v;

        json_object_foreach ((json_t *)answers, metric, v) {
                char *longer;

                if (json_is_number(v))
                        number[number_format(json_number_value(v), number)] = '\0';
                longer = xasprintf("%s%s%s=%s", all, all[0] ? " " : "", metric,
                                   json_is_number(v)  ? number
                                   : json_is_true(v)  ? "yes"
                                   : json_is_false(v) ? "no"
                                                      : "-");
                free(all);
                all = longer;
        }
        return all;
}

static void fill(Table *t, const json_t *s)
{
        const char *status = member_string(s, "status");
        CX_CLEANUP(xfreep) char *answers = answers_text(json_object_get(s, "answers"));

        table_row(t);
        table_time(t, member_string(s, "ts"));
        table_str(t, member_string(s, "id"));
        table_str(t, member_string(s, "agent"));
        table_str(t, member_string(s, "queue"));
        table_str(t, status ? status : "answered");
        table_str(t, answers[0] ? answers : NULL);
        table_str(t, member_string(s, "channel"));
        table_str(t, member_string(s, "reason"));
        table_str(t, member_string(s, "contact"));
        table_str(t, member_string(s, "customer"));
        table_str(t, member_string(s, "comment"));
}

static int check_edge(const Ctl *ctl, const Args *args, const char *name)
{
        const char *text = args_get(args, name);
        double value;

        if (text && text_to_double(text_of(text), &value) < 0)
                return ctl_usage(ctl, "--%s: \"%s\" is no number", name, text);
        if (text && !args_get(args, "metric"))
                return ctl_usage(ctl, "--%s needs --metric: %s what?", name, name);
        return CTL_OK;
}

static int run(Ctl *ctl, const Args *args)
{
        const char *scope = args_get(args, "scope") ? args_get(args, "scope") : args_rest(args, 0);
        const char *below = args_get(args, "below"), *above = args_get(args, "above");
        const char *limit = args_get(args, "limit");
        CX_CLEANUP(json_freep) json_t *answer = NULL;
        CX_CLEANUP(xfreep) char *since = NULL, *path = NULL;
        int64_t n = 0;
        Me me = {0};
        Buffer body;
        int r;

        r = args_time(args, ctl, "since", when_now(), &since);
        if (r == CTL_OK)
                r = args_int(args, ctl, "limit", 1, SURVEYS_MAX, &n);
        if (r == CTL_OK)
                r = check_edge(ctl, args, "below");
        if (r == CTL_OK)
                r = check_edge(ctl, args, "above");
        if (r != CTL_OK)
                return r;
        if (!scope) {
                r = me_load(ctl, &me);
                if (r != CTL_OK)
                        return r;
                scope = me_default_scope(&me);
        }
        path = http_query("/v1/surveys", "scope", scope, "metric", args_get(args, "metric"), "below", below,
                          "above", above, "since", since, "limit", limit, NULL);
        me_deinit(&me);
        r = api_get(ctl, path, &answer, &body);
        if (r != CTL_OK)
                return r;
        if (ctl->output == OUTPUT_JSON) {
                ctl_show_json(ctl, &body);
        } else {
                CX_CLEANUP(table_freep) Table *t = table_new(columns, CX_ARRAY_LEN(columns), "no surveys");
                json_t *survey;
                size_t i;

                json_array_foreach (json_object_get(answer, "surveys"), i, survey)
                        fill(t, survey);
                ctl_show(ctl, t);
        }
        buffer_deinit(&body);
        return json_array_size(json_object_get(answer, "surveys")) == 0 ? CTL_NEGATIVE : CTL_OK;
}

static const Flag flags[] = {
        {"scope", 's', "SCOPE", "surveys of this scope"},
        {"metric", 'm', "METRIC", "only those that answer this metric"},
        {"below", 0, "VALUE", "only those whose answer is below this one"},
        {"above", 0, "VALUE", "only those whose answer is above this one"},
        {"since", 0, "TIME", "not older than this (default 90d)"},
        {"limit", 'n', "N", "at most so many, up to 1000 (default 50)"},
        {0},
};

const Cmd cmd_surveys = {"surveys", "[SCOPE]", "single surveys, newest first", flags, 0, 1, run};
