/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/server/alert_json.h"
#include "daemon/server/api.h"

static bool sees_alert(const ApiCall *call, const Alert *a)
{
        const Server *s = call->server;
        const Metric *metric = alert_metric(a, engine_settings(s->engine));
        const Org *org = engine_org(s->engine);
        ScopeId scope = org_find(org, a->scope_kind, text_of(a->scope_name));

        if (call->who->admin)
                return true;
        return metric && scope != SCOPE_NONE &&
               policy_sees(&s->config->policy, org, call->who, metric, scope, api_now(call));
}

static void write_alert(ApiCall *call, const Alert *a)
{
        const Server *s = call->server;
        const Metric *metric = alert_metric(a, engine_settings(s->engine));
        const Rule *rule = alert_rule(a, engine_settings(s->engine));
        const Org *org = engine_org(s->engine);
        ScopeId scope = org_find(org, a->scope_kind, text_of(a->scope_name));
        const Role *role = NULL;

        if (metric && scope != SCOPE_NONE)
                role = policy_role(&s->config->policy, org, call->who, metric, scope, api_now(call));
        alert_write(a, metric, rule ? rule_advice(rule, role ? role->name : NULL) : NULL, &call->json);
}

/* `state=firing`, or the group `active` (firing, acknowledged or snoozed), which is the default, or `all`. */
static int wanted_states(ApiCall *call, bool wanted[_ALERT_STATE_N])
{
        Text text = api_param(call, "state");
        AlertState state;

        for (int i = 0; i < _ALERT_STATE_N; i++)
                wanted[i] = text_is(text, "all");
        if (!text.at || text_is(text, "active")) {
                wanted[ALERT_FIRING] = wanted[ALERT_ACKNOWLEDGED] = wanted[ALERT_SNOOZED] = true;
                wanted[ALERT_PENDING] = !text.at;
                return 0;
        }
        if (text_is(text, "all"))
                return 0;
        if (alert_state_parse(text, &state) < 0 || state == ALERT_INACTIVE)
                return api_fault(call, FAULT_PARAMETER, "state",
                                 "one of active, all, pending, firing, acknowledged, snoozed, resolved");
        wanted[state] = true;
        return 0;
}

/* Newest change first; the same order again after a restart, also where several changed at once. */
static int compare_alerts(const void *a, const void *b)
{
        const Alert *x = *(const Alert *const *)a, *y = *(const Alert *const *)b;

        if (x->changed != y->changed)
                return x->changed < y->changed ? 1 : -1;
        if (x->ordinal != y->ordinal)
                return x->ordinal < y->ordinal ? 1 : -1;
        return strcmp(x->id, y->id);
}

int api_alerts(ApiCall *call)
{
        static const char *const params[] = {"state", "scope", "metric", "limit", NULL};
        bool wanted[_ALERT_STATE_N];
        const Engine *e = call->server->engine;
        Text scope_text = api_param(call, "scope");
        ScopeId scope = SCOPE_NONE;
        const Alert **found;
        size_t limit, metric, n = 0;
        int r = api_only_params(call, params);

        if (r == 0)
                r = wanted_states(call, wanted);
        if (r == 0 && scope_text.at)
                r = api_scope(call, &scope);
        if (r == 0)
                r = api_metric(call, false, &metric);
        if (r == 0)
                r = api_count(call, "limit", 1000, 10000, &limit);
        if (r != 0)
                return r;
        found = calloc(engine_n_alerts(e) + 1, sizeof(const Alert *));
        if (!found)
                return -ENOMEM;
        for (size_t i = 0; i < engine_n_alerts(e); i++) {
                const Alert *a = engine_alert(e, i);

                if (!wanted[a->state] || !sees_alert(call, a))
                        continue;
                if (scope != SCOPE_NONE &&
                    org_find(engine_org(e), a->scope_kind, text_of(a->scope_name)) != scope)
                        continue;
                if (metric != SIZE_MAX && strcmp(a->metric, call->server->config->metrics[metric].name) != 0)
                        continue;
                found[n++] = a;
        }
        qsort(found, n, sizeof(const Alert *), compare_alerts);
        json_begin_object(&call->json);
        json_key(&call->json, TEXT("alerts"));
        json_begin_array(&call->json);
        for (size_t i = 0; i < n && i < limit; i++)
                write_alert(call, found[i]);
        free(found);
        json_end_array(&call->json);
        json_end_object(&call->json);
        return 0;
}

/* A command waits for its commit with the answer ready. */
typedef struct Pending {
        HttpRequest *request;
        Buffer text;
} Pending;

static void committed(void *user)
{
        Pending *p = user;

        http_reply(p->request, 200, "application/json", buffer_text(&p->text), NULL, 0);
        buffer_deinit(&p->text);
        free(p);
}

/* Of which alerts a command can be carried out. */
static const char *const possible[] = {
        [COMMAND_ACK] = "is firing or snoozed",
        [COMMAND_SNOOZE] = "is firing or acknowledged",
        [COMMAND_OUTCOME] = "has fired",
};

/*
 * A command that is carried out and cannot be stored would wait for its answer until it can, so the path is looked at here; what
 * finds no space waits for a moment only, since the reserve is given up for it.
 */
static bool store_is_in_place(const Server *s)
{
        struct stat st;

        return stat(s->config->store, &st) == 0 && st.st_ino == s->store_inode;
}

static int carry_out(ApiCall *call, const Command *command)
{
        Input in = {.kind = INPUT_COMMAND, .now = api_now(call), .command = command};
        const Alert *a = engine_find_alert(call->server->engine, command->alert);
        Pending *p;
        int r;

        if (!a || !sees_alert(call, a))
                return api_fault(call, FAULT_NOT_FOUND, NULL, "there is no such alert, or you do not see it");
        if (intake_is_full(call->server->intake))
                return api_fault(call, FAULT_UNAVAILABLE, NULL, "%s", server_wait_reason(call->server));
        if (!store_is_in_place(call->server))
                return api_fault(call, FAULT_UNAVAILABLE, NULL,
                                 "%s; nothing of this was done, send it again later", INTAKE_NO_STORE);
        r = intake_step(call->server->intake, &in);
        a = engine_find_alert(call->server->engine, command->alert);
        if (r == ENGINE_E_NO_ALERT || (r >= 0 && !a))
                return api_fault(call, FAULT_NOT_FOUND, NULL, "there is no such alert, or you do not see it");
        if (r == ENGINE_E_STATE)
                return api_fault(call, FAULT_STATE, NULL, "the alert is %s; this needs one that %s",
                                 alert_state_name(a->state), possible[command->verb]);
        if (r < 0)
                return r;
        json_begin_object(&call->json);
        json_key(&call->json, TEXT("alert"));
        write_alert(call, a);
        json_end_object(&call->json);
        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->request = call->request;
        p->text = call->out;
        r = intake_after_commit(call->server->intake, committed, p);
        if (r < 0) {
                free(p);
                return r;
        }
        call->out = BUFFER_NULL;
        return API_TAKEN;
}

/* Text that somebody wrote, in lines that each could be shown. */
static bool is_note(const json_t *value)
{
        Text text = {.at = json_string_value(value), .n = json_string_length(value)};

        if (!text.at || text.n > ALERT_NOTE_MAX)
                return false;
        while (text.n > 0) {
                const char *lf = memchr(text.at, '\n', text.n);
                size_t n = lf ? (size_t)(lf - text.at) : text.n;
                bool cr = lf && n > 0 && lf[-1] == '\r';

                if (!text_is_printable((Text){.at = text.at, .n = n - cr}))
                        return false;
                text.at += n + (lf ? 1 : 0);
                text.n -= n + (lf ? 1 : 0);
        }
        return true;
}

static int bad_outcome(ApiCall *call)
{
        return api_fault(call, FAULT_PARAMETER, "outcome", "what came of it, one line of 1 to %d bytes",
                         METRIC_NAME_MAX);
}

static int bad_snooze(ApiCall *call, const char *field)
{
        return api_fault(call, FAULT_PARAMETER, field,
                         "either for, a duration such as 8h, or until, a time that lies ahead");
}

static int check_member(ApiCall *call, const char *const *names, const char *key, const json_t *value)
{
        const char *const *n = names;

        while (*n && strcmp(*n, key) != 0)
                n++;
        if (!*n)
                return api_unknown(call, "this command has no member", text_of(key), names);
        if (is_note(value))
                return 0;
        if (strcmp(key, "outcome") == 0)
                return bad_outcome(call);
        if (strcmp(key, "note") != 0)
                return bad_snooze(call, key);
        return api_fault(call, FAULT_PARAMETER, key,
                         "printable text of at most %d bytes, which may have line ends", ALERT_NOTE_MAX);
}

/* The body as a JSON object (an empty body is an empty one) with no other members than @names; no parameters beside it. */
static int read_body(ApiCall *call, const char *const *names, json_t **ret)
{
        static const char *const params[] = {NULL};
        Text body = text_trim(http_body(call->request));
        int r = api_only_params(call, params);
        json_t *root;
        const char *key;
        json_t *value;

        if (r != 0)
                return r;
        if (body.n == 0)
                root = json_object();
        else
                root = json_loadb(body.at, body.n, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(root)) {
                json_decref(root);
                return api_fault(call, FAULT_JSON, NULL, "the body is a JSON object, or empty");
        }
        json_object_foreach (root, key, value) {
                r = check_member(call, names, key, value);
                if (r != 0) {
                        json_decref(root);
                        return r;
                }
        }
        *ret = root;
        return 0;
}

static Text member(json_t *root, const char *key)
{
        return text_of(json_string_value(json_object_get(root, key)));
}

int api_alert_ack(ApiCall *call)
{
        static const char *const names[] = {"note", NULL};
        json_t *root;
        int r = read_body(call, names, &root);

        if (r != 0)
                return r;
        r = carry_out(call, &(Command){
                                    .verb = COMMAND_ACK,
                                    .alert = call->path_id,
                                    .by = text_of(call->who->name),
                                    .note = member(root, "note"),
                            });
        json_decref(root);
        return r;
}

/* Longer than that is forgotten. */
#define SNOOZE_DAYS 90

static int snooze_until(ApiCall *call, json_t *root, usec_t *ret)
{
        Text until = member(root, "until"), length = member(root, "for");
        /* Where the clock was set back, the time of alerts stands still until it is there again. */
        usec_t now = usec_max(api_now(call), engine_now(call->server->engine)), d;
        const char *field = length.at ? "for" : "until";

        if (length.at && !until.at && duration_parse(length.at, length.n, &d) == 0 && d > 0)
                *ret = now + d;
        else if (!until.at || length.at || usec_parse(until.at, until.n, true, ret) < 0 || *ret <= now)
                return bad_snooze(call, field);
        if (*ret > now + SNOOZE_DAYS * USEC_DAY)
                return api_fault(call, FAULT_PARAMETER, field, "an alert is put aside for at most %d days",
                                 SNOOZE_DAYS);
        return 0;
}

int api_alert_snooze(ApiCall *call)
{
        static const char *const names[] = {"until", "for", "note", NULL};
        usec_t until = 0;
        json_t *root;
        int r = read_body(call, names, &root);

        if (r != 0)
                return r;
        r = snooze_until(call, root, &until);
        if (r == 0)
                r = carry_out(call, &(Command){
                                            .verb = COMMAND_SNOOZE,
                                            .alert = call->path_id,
                                            .by = text_of(call->who->name),
                                            .note = member(root, "note"),
                                            .until = until,
                                    });
        json_decref(root);
        return r;
}

int api_alert_outcome(ApiCall *call)
{
        static const char *const names[] = {"outcome", "note", NULL};
        json_t *root;
        Text outcome;
        int r = read_body(call, names, &root);

        if (r != 0)
                return r;
        outcome = member(root, "outcome");
        if (outcome.n == 0 || outcome.n > METRIC_NAME_MAX || !text_is_printable(outcome))
                r = bad_outcome(call);
        if (r == 0)
                r = carry_out(call, &(Command){
                                            .verb = COMMAND_OUTCOME,
                                            .alert = call->path_id,
                                            .by = text_of(call->who->name),
                                            .note = member(root, "note"),
                                            .outcome = outcome,
                                    });
        json_decref(root);
        return r;
}
