/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/alert_rows.h"
#include "client/cmd.h"
#include "client/display.h"
#include "client/figure_rows.h"
#include "client/http.h"
#include "client/sse.h"
#include "client/when.h"
#include "client/xalloc.h"

#define BACKOFF_MIN (200 * USEC_MSEC)
#define BACKOFF_MAX (5 * USEC_SEC)
#define SILENCE_MAX                                                                                          \
        (30 * USEC_SEC) /* also of a question that is asked meanwhile; then the connection counts as lost */

static const Column columns[] = {
        {"seq"},   {"time"}, {"event"}, {"severity"}, {"transition"}, {"scope"},  {"metric"}, {"window"},
        {"value"}, {"unit"}, {"n"},     {"low"},      {"high"},       {"target"}, {"advice"},
};

typedef struct Watch {
        Ctl *ctl;
        Me me;
        Sse sse;
        Table *row;
        const char *events; /* names with commas between */
        int64_t limit;      /* 0: none */
        int64_t n_shown;
        char after[32];  /* the event that the stream was asked to go on behind; empty: none is known */
        bool lost;       /* the connection was lost and nothing has come since */
        bool reached;    /* there was a connection */
        int64_t reloads; /* of the daemon, when @me was asked for */
        bool again;      /* there was more than one connection since then */
        bool stale;      /* @me is to be asked for again */
        bool too_long;
} Watch;

static bool wanted(const Watch *w, const char *event)
{
        size_t n = strlen(event);

        if (strcmp(event, "gap") == 0)
                return true;
        for (const char *p = w->events; *p; p += strspn(p, ",")) {
                size_t len = strcspn(p, ",");

                if (len == n && strncmp(p, event, n) == 0)
                        return true;
                p += len;
        }
        return false;
}

static bool known(const char *events)
{
        static const char *const names[] = {"alert", "figure", "tick"};

        for (const char *p = events; *p; p += strspn(p, ",")) {
                size_t n = strcspn(p, ",");
                bool found = false;

                for (size_t i = 0; i < CX_ARRAY_LEN(names); i++)
                        found = found || (strlen(names[i]) == n && strncmp(names[i], p, n) == 0);
                if (!found)
                        return false;
                p += n;
        }
        return *events != '\0';
}

static void put(const Watch *w, CellStyle style, const char *s)
{
        FILE *to = w->ctl->out;

        if (!s)
                return;
        fputs("  ", to);
        if (w->ctl->color)
                fputs(style_escape(style), to);
        display_write(text_of(s), to);
        if (w->ctl->color && style != STYLE_PLAIN)
                fputs(STYLE_RESET, to);
}

static void put_time(const Watch *w, const char *rfc3339)
{
        char text[WHEN_TEXT_MAX];
        usec_t t;

        if (rfc3339 && usec_parse(rfc3339, strlen(rfc3339), false, &t) == 0)
                fputs(when_format(t, text), w->ctl->out);
        else
                fputs(when_format(when_now(), text), w->ctl->out);
}

/* value, n, interval, target */
static void put_figure(const Watch *w, const json_t *f, double target)
{
        Cell value = figure_value(f, &w->me, target);
        Cell goal = measure_target(&w->me, member_string(f, "metric"), target);
        CX_CLEANUP(xfreep)
        char *interval = figure_interval(f, &w->me, target), *text = NULL, *value_text = cell_display(&value),
             *goal_text = cell_display(&goal);

        text = xasprintf("%s  n %" PRId64 "  %s  target %s", value_text, member_integer(f, "n"),
                         interval ? interval : "-", goal_text);
        put(w, STYLE_PLAIN, text);
}

/* Why an alert is resolved; NULL: not said. */
static const char *resolved_text(const json_t *alert)
{
        static const char *const texts[][2] = {
                {"withdrawn", "withdrawn: its surveys were revised or retracted"},
                {"expired", "expired: no answers are left, or the rule is gone"},
        };
        const char *reason = member_string(alert, "reason");

        for (size_t i = 0; reason && i < CX_ARRAY_LEN(texts); i++)
                if (strcmp(reason, texts[i][0]) == 0)
                        return texts[i][1];
        return reason;
}

static void put_open(const Watch *w, const json_t *alert, const json_t *figure)
{
        CX_CLEANUP(xfreep) char *advice = alert_advice(alert), *lately = alert_lately(alert, &w->me);
        CX_CLEANUP(xfreep) char *handled = alert_handled(alert);

        put_figure(w, figure, member_double(alert, "target"));
        put(w, STYLE_PLAIN, lately);
        put(w, STYLE_PLAIN, handled);
        put(w, STYLE_PLAIN, advice);
}

/* Behind a gap of what is not kept its last number is that of the stream. */
static char *gap_text(const json_t *j)
{
        int64_t from = member_integer(j, "missed_from"), to = member_integer(j, "missed_to"),
                seq = member_integer(j, "seq");

        if (to > seq)
                return xasprintf("events %" PRId64 " to %" PRId64
                                 " were never sent by this daemon, whose last one is %" PRId64
                                 "; is its store another one, such as a backup?",
                                 from, to, seq);
        return xasprintf("events %" PRId64 " to %" PRId64 " were missed and are no longer kept", from, to);
}

static void show_line(const Watch *w, const char *event, const json_t *j)
{
        const json_t *alert = json_object_get(j, "alert");
        const json_t *figure = alert ? json_object_get(alert, "figure") : json_object_get(j, "figure");
        const char *at = member_string(j, "at");

        put_time(w, at ? at : member_string(figure, "at"));
        if (strcmp(event, "gap") == 0) {
                CX_CLEANUP(xfreep) char *missed = gap_text(j), *text = xasprintf("GAP: %s", missed);

                put(w, STYLE_WARN, text);
        } else if (alert) {
                const char *severity = member_string(alert, "severity"),
                           *transition = member_string(j, "transition");

                put(w, figure_state_style(severity), severity);
                put(w, figure_state_style(transition), transition);
                put(w, STYLE_PLAIN, member_string(alert, "scope"));
                put(w, STYLE_PLAIN, member_string(alert, "metric"));
                put(w, STYLE_PLAIN, member_string(figure, "window"));
                /* What is over needs no advice, and its figure is that of the moment when it began. */
                if (transition && strcmp(transition, "resolved") == 0)
                        put(w, STYLE_PLAIN, resolved_text(alert));
                else
                        put_open(w, alert, figure);
                put(w, STYLE_DIM, member_string(alert, "id"));
        } else if (figure) {
                const char *state = member_string(figure, "state");

                put(w, STYLE_DIM, "figure");
                put(w, figure_state_style(state), state);
                put(w, STYLE_PLAIN, member_string(figure, "scope"));
                put(w, STYLE_PLAIN, member_string(figure, "metric"));
                put(w, STYLE_PLAIN, member_string(figure, "window"));
                put_figure(w, figure, member_double(figure, "target"));
        } else {
                put(w, STYLE_DIM, event);
        }
        fputc('\n', w->ctl->out);
}

static void show_csv(const Watch *w, const char *event, const json_t *j)
{
        const json_t *alert = json_object_get(j, "alert");
        const json_t *figure = alert ? json_object_get(alert, "figure") : json_object_get(j, "figure");
        const char *metric = alert ? member_string(alert, "metric") : member_string(figure, "metric");
        CX_CLEANUP(xfreep) char *advice = alert_advice(alert);
        Table *t = w->row;

        table_clear(t);
        table_row(t);
        table_int(t, member_integer(j, "seq"));
        table_str(t, member_string(j, "at") ? member_string(j, "at") : member_string(figure, "at"));
        table_str(t, event);
        table_str(t, member_string(alert, "severity"));
        table_str(t, alert ? member_string(j, "transition") : member_string(figure, "state"));
        table_str(t, alert ? member_string(alert, "scope") : member_string(figure, "scope"));
        table_str(t, metric);
        table_str(t, member_string(figure, "window"));
        table_number(t, member_double(figure, "value"), 0, NULL, false);
        table_str(t, me_unit(&w->me, metric));
        table_number(t, member_double(figure, "n"), 0, NULL, false);
        table_number(t, member_double(figure, "low"), 0, NULL, false);
        table_number(t, member_double(figure, "high"), 0, NULL, false);
        table_number(t, member_double(alert ? alert : figure, "target"), 0, NULL, false);
        table_str(t, advice);
        render_csv(t, w->ctl->out, false);
}

/* A line for the event, or one for each figure in it. */
static void show(const Watch *w, const char *event, json_t *j)
{
        void (*show_one)(const Watch *, const char *, const json_t *) =
                w->ctl->output == OUTPUT_CSV ? show_csv : show_line;
        const json_t *figures = json_object_get(j, "figures");
        json_t *figure;
        size_t i;

        if (!json_is_array(figures))
                show_one(w, event, j);
        json_array_foreach (figures, i, figure) {
                json_object_set(j, "figure", figure);
                show_one(w, event, j);
        }
}

/* Metrics may be others after a start or reload. A tick says so, and takes nothing along when its connection ends. */
static void look_whether_stale(Watch *w, Text tick)
{
        CX_CLEANUP(json_freep) json_t *j = w->me.json ? json_loadb(tick.at, tick.n, 0, NULL) : NULL;

        if (j && (w->again || member_integer(j, "reloads") != w->reloads)) {
                w->stale = true;
                w->reloads = member_integer(j, "reloads");
        }
}

/* Quietly: what is known serves until then. */
static void renew(Watch *w)
{
        Buffer answer = BUFFER_NULL;
        long status = 0;

        if (http_request(w->ctl->http, "/v1/me", NULL, NULL, &answer, &status, NULL) == CTL_OK &&
            status == 200) {
                json_t *json = json_loadb(answer.data, answer.n, JSON_REJECT_DUPLICATES, NULL);

                if (json) {
                        me_deinit(&w->me);
                        w->me.json = json;
                }
        }
        buffer_deinit(&answer);
        http_rest(w->ctl->http);
        w->again = w->stale = false;
}

static bool on_event(void *context, const char *event, const char *id, Text data)
{
        Watch *w = context;
        CX_CLEANUP(json_freep) json_t *j = NULL;

        (void)id;
        if (w->lost) {
                ctl_error(w->ctl, "connected again%s%s", w->after[0] ? ", going on after event " : "",
                          w->after);
                w->lost = false;
        }
        if (strcmp(event, "tick") == 0)
                look_whether_stale(w, data);
        if (w->stale)
                return false;
        if (!wanted(w, event))
                return true;
        j = json_loadb(data.at, data.n, 0, NULL);
        if (!json_is_object(j)) {
                ctl_error(w->ctl, "an event that is no JSON object was left out");
                return true;
        }
        if (strcmp(event, "gap") == 0 && w->ctl->output != OUTPUT_TABLE) {
                CX_CLEANUP(xfreep) char *missed = gap_text(j);

                ctl_error(w->ctl, "gap: %s", missed);
        }
        if (w->ctl->output == OUTPUT_JSON)
                fprintf(w->ctl->out, TEXT_FMT "\n", TEXT_ARG(data));
        else
                show(w, event, j);
        w->n_shown++;
        return fflush(w->ctl->out) == 0 && (w->limit == 0 || w->n_shown < w->limit);
}

static bool on_data(void *context, const char *data, size_t n)
{
        Watch *w = context;

        w->reached = true;
        if (sse_feed(&w->sse, data, n, on_event, w))
                return true;
        w->too_long = w->sse.line.n + w->sse.data.n > SSE_BYTES_MAX;
        return false;
}

static void wait_before_retry(usec_t span, usec_t deadline)
{
        usec_t left = deadline == USEC_INFINITY ? span : deadline - when_now();

        span = left < span ? left : span;
        if (span > 0)
                nanosleep(&(struct timespec){span / USEC_SEC, span % USEC_SEC * 1000}, NULL);
}

/* The exit code at the end; says it if the time passed too early. */
static int enough(const Watch *w, bool expired)
{
        if (w->limit == 0 || w->n_shown >= w->limit)
                return CTL_OK;
        if (expired)
                ctl_error(w->ctl, "the time passed with %" PRId64 " of %" PRId64 " events", w->n_shown,
                          w->limit);
        return CTL_NEGATIVE;
}

/* Refusals that pass: the daemon's own, and those of a proxy before it while it starts anew. */
static bool passes(long status)
{
        return status == 429 || (status >= 502 && status <= 504);
}

/* Until the limit, the deadline, or a refusal. */
static int follow(Watch *w, const char *since, usec_t deadline)
{
        usec_t backoff = BACKOFF_MIN;

        for (;;) {
                const char *last = w->sse.id.n ? buffer_str(&w->sse.id) : since;
                CX_CLEANUP(xfreep) char *path = http_query("/v1/stream", "since", last, NULL);
                Buffer error = BUFFER_NULL;
                long status = 0;
                bool refused;
                HttpEnd end;
                int r = CTL_OK;

                snprintf(w->after, sizeof(w->after), "%s", last ? last : "");
                sse_reset(&w->sse);
                end = http_stream(w->ctl->http, path, "text/event-stream", deadline, on_data, w, &error,
                                  &status);
                /* What is not possible now is tried again, but not if it was not possible to begin with. */
                refused = status != 0 && status != 200 && end != HTTP_EXPIRED &&
                          !(w->reached && passes(status));
                if (refused)
                        r = api_refusal(w->ctl, status, &error);
                buffer_deinit(&error);
                if (refused)
                        return r;
                if (w->too_long) {
                        ctl_error(w->ctl, "the daemon sent an event of more than %u bytes", SSE_BYTES_MAX);
                        return CTL_REFUSED;
                }
                if (w->stale) {
                        renew(w);
                        continue;
                }
                if (end == HTTP_STOPPED || end == HTTP_EXPIRED || ferror(w->ctl->out))
                        return enough(w, end == HTTP_EXPIRED);
                w->reached = w->reached || status == 200;
                if (!w->reached)
                        return http_say_unreachable(w->ctl->http);
                if (!w->lost)
                        ctl_error(w->ctl, "the connection to %s is lost; trying again", w->ctl->host);
                backoff = w->lost ? (2 * backoff < BACKOFF_MAX ? 2 * backoff : BACKOFF_MAX) : BACKOFF_MIN;
                w->lost = w->again = true;
                wait_before_retry(backoff, deadline);
        }
}

static int run(Ctl *ctl, const Args *args)
{
        const char *since = args_get(args, "since"), *events = args_get(args, "events");
        Watch w = {.ctl = ctl, .events = events ? events : "alert"};
        usec_t deadline = USEC_INFINITY;
        int64_t seconds = 0, seq = 0;
        int r;

        if (!known(w.events))
                return ctl_usage(ctl, "--events: \"%s\" is no list of alert, figure, tick", w.events);
        r = args_int(args, ctl, "count", 1, INT64_MAX, &w.limit);
        if (r == CTL_OK)
                r = args_int(args, ctl, "timeout", 1, 1000000000, &seconds);
        if (r == CTL_OK)
                r = args_int(args, ctl, "since", 0, INT64_MAX, &seq);
        if (r == CTL_OK)
                r = ctl->output == OUTPUT_JSON ? api_open(ctl) : me_load(ctl, &w.me);
        if (r != CTL_OK)
                return r;
        w.reloads = member_integer(w.me.json, "reloads");
        http_rest(ctl->http); /* the stream has its own connection */
        http_set_patience(ctl->http, SILENCE_MAX);
        if (seconds > 0)
                deadline = when_now() + seconds * USEC_SEC;
        w.row = table_new(columns, CX_ARRAY_LEN(columns), NULL);
        if (ctl->output == OUTPUT_CSV) {
                render_csv(w.row, ctl->out, true);
                fflush(ctl->out);
        }
        r = follow(&w, since, deadline);
        table_free(w.row);
        sse_deinit(&w.sse);
        me_deinit(&w.me);
        return r;
}

static const Flag flags[] = {
        {"since", 0, "SEQ", "from the event after this number"},
        {"count", 'n', "N", "end after so many"},
        {"timeout", 't', "SECONDS", "end after so long; exit code 1 if --count was not reached"},
        {"events", 'e', "LIST", "alert,figure,tick: which ones (default alert)"},
        {0},
};

const Cmd cmd_watch = {"watch", "", "what happens, as it happens: one line per event", flags, 0, 0, run};
