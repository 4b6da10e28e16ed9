/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The line protocol (cx-survey(7)): surveys in, refusals and cumulative acknowledgements out.
 *
 * The happy path is: a client connects, is taken for the open source or names another one with a token in its
 * first line, sends surveys, and reads an acknowledgement for each batch that was committed. Possible failure
 * modes: no source (refused and closed), lines that are no surveys (refused one by one), too much in flight, or
 * too many refusals of one client (not read from until there is room), a client that leaves early (what it sent is stored
 * all the same).
 */

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/log.h"
#include "daemon/server/access.h"
#include "daemon/server/state.h"

/* A client without a source has so long to name one; one that reads none of its answers is cut after that. */
#define TOKEN_TIME (10 * USEC_SEC)
#define STALL_TIME (60 * USEC_SEC)
/* Where there is a bound on memory. */
#define STALL_TIME_SHORT (10 * USEC_SEC)
/*
 * Lines of one client that are refused, or may be, and wait for a commit before it is told: with more of them it is not read
 * from, for what is told of all of them at once must find room in what may be unsent (ConnLimits.out_max).
 */
#define DOUBTFUL_MAX 4096

typedef struct Session {
        Server *server;
        LineSession *line; /* NULL: closed */
        IntakeSink sink;
        const ConfigSource *source; /* NULL: none yet */
        IntakeCounts counts;
        uint64_t acked;   /* last line that was acknowledged */
        uint64_t n_lines; /* handled */
        bool ended;       /* the client has sent everything */
        Buffer out;
} Session;

static void write_line(Session *s)
{
        buffer_append_char(&s->out, '\n');
        if (s->line && buffer_failed(&s->out))
                line_cut(s->line, CONN_MEMORY); /* who waits for it would wait for ever */
        else if (s->line)
                (void)line_write(s->line, buffer_text(&s->out)); /* if it fails, on_closed() follows */
        buffer_reset(&s->out);
}

static void write_fault(Session *s, uint64_t number, Text id, const Fault *fault)
{
        JsonOut out = JSON_OUT_INIT(&s->out);

        json_begin_object(&out);
        json_member_int(&out, "line", (int64_t)number);
        json_member_str(&out, "code", fault_name(fault->code));
        if (fault->field[0])
                json_member_str(&out, "field", fault->field);
        json_member_text(&out, "id", id);
        json_member_str(&out, "error", fault->text);
        json_end_object(&out);
        write_line(s);
}

static void write_ack(Session *s, uint64_t number)
{
        JsonOut out = JSON_OUT_INIT(&s->out);

        json_begin_object(&out);
        json_member_int(&out, "ack", (int64_t)number);
        json_member_int(&out, "stored", (int64_t)s->counts.stored);
        json_member_int(&out, "duplicate", (int64_t)s->counts.duplicate);
        json_member_int(&out, "revised", (int64_t)s->counts.revised);
        json_member_int(&out, "refused", (int64_t)s->counts.refused);
        json_end_object(&out);
        write_line(s);
        s->acked = number;
}

static void on_refused(IntakeSink *sink, uint64_t index, Text id, const Fault *fault)
{
        write_fault(CX_CONTAINER_OF(sink, Session, sink), index, id, fault);
}

static void close_if_done(Session *s)
{
        if (!s->line || !s->ended || s->sink.n_pending || intake_has_failed(s->server->intake))
                return;
        if (s->acked < s->n_lines)
                write_ack(s, s->n_lines);
        if (s->line)
                line_close(s->line);
}

static bool must_rest(const Session *s)
{
        return intake_must_wait(s->server->intake) || s->sink.n_doubtful >= DOUBTFUL_MAX;
}

static void on_settled(IntakeSink *sink, uint64_t last_index, const IntakeCounts *counts)
{
        Session *s = CX_CONTAINER_OF(sink, Session, sink);

        s->counts.stored += counts->stored;
        s->counts.duplicate += counts->duplicate;
        s->counts.revised += counts->revised;
        s->counts.refused += counts->refused;
        write_ack(s, last_index);
        close_if_done(s);
        if (s->line && !must_rest(s))
                line_resume(s->line);
}

static void on_idle(IntakeSink *sink)
{
        Session *s = CX_CONTAINER_OF(sink, Session, sink);

        buffer_deinit(&s->out);
        free(s);
}

/* Who has no source yet is heard: the time for its token runs. */
static void rest_if_due(Session *s)
{
        if (s->line && s->source && must_rest(s))
                line_pause(s->line);
}

static int on_open(LineSession *line, void *user, void **ret_session)
{
        Server *server = user;
        Session *s = calloc(1, sizeof(*s));
        Fault fault;

        if (!s)
                return -ENOMEM;
        s->server = server;
        s->line = line;
        s->sink = (IntakeSink){.on_refused = on_refused, .on_settled = on_settled, .on_idle = on_idle};
        if (access_source(server->config, line_peer(line), TEXT_NULL, &s->source, &fault) != 0)
                line_set_deadline(line, loop_monotonic(server->loop) + TOKEN_TIME);
        rest_if_due(s);
        *ret_session = s;
        return 0;
}

static bool looks_like_token(Text line)
{
        return line.n < 2 * ACCESS_TOKEN_MAX && memmem(line.at, line.n, "\"token\"", 7) &&
               !memmem(line.at, line.n, "\"id\"", 4);
}

static void take_token(Session *s, uint64_t number, Text line)
{
        json_t *root = json_loadb(line.at, line.n, JSON_REJECT_DUPLICATES, NULL);
        Text token = text_of(json_string_value(json_object_get(root, "token")));
        Fault fault;

        if (!token.at || json_object_size(root) != 1) {
                fault_set(&fault, FAULT_TOKEN, "token",
                          "the line of a token is {\"token\":\"...\"} and nothing else");
                write_fault(s, number, TEXT_NULL, &fault);
                line_close(s->line);
        } else if (access_source(s->server->config, line_peer(s->line), token, &s->source, &fault) != 0) {
                static LogLimit limit = {.interval = USEC_SEC, .burst = 5};

                log_limited(&limit, LOG_LEVEL_WARNING, "lines peer=%s sent a token of no source, closing",
                            line_peer(s->line)->text);
                write_fault(s, number, TEXT_NULL, &fault);
                line_close(s->line);
        } else {
                line_set_deadline(s->line, USEC_INFINITY);
        }
        json_decref(root);
        rest_if_due(s);
}

static bool has_source(Session *s, uint64_t number)
{
        Fault fault;

        if (s->source)
                return true;
        fault_set(&fault, FAULT_TOKEN, NULL,
                  "this connection needs a token: {\"token\":\"...\"} as its first line");
        write_fault(s, number, TEXT_NULL, &fault);
        line_close(s->line);
        return false;
}

static void on_line(LineSession *line, uint64_t number, Text text, void *user)
{
        Session *s = user;
        bool first = s->n_lines == 0;

        (void)line;
        s->n_lines = number;
        if (first && looks_like_token(text)) {
                take_token(s, number, text);
                return;
        }
        if (!has_source(s, number))
                return;
        intake_offer(s->server->intake, &s->sink, number, s->source, text);
        rest_if_due(s);
}

static void on_too_long(LineSession *line, uint64_t number, void *user)
{
        Session *s = user;
        Fault fault;

        (void)line;
        s->n_lines = number;
        if (!has_source(s, number))
                return;
        fault_set(&fault, FAULT_TOO_LONG, NULL, "a survey may have %d bytes, this line has more",
                  SURVEY_BYTES_MAX);
        intake_refuse(s->server->intake, &s->sink, number, TEXT_NULL, &fault);
        rest_if_due(s);
}

static void on_end(LineSession *line, uint64_t n_lines, void *user)
{
        Session *s = user;

        (void)line;
        s->n_lines = n_lines;
        s->ended = true;
        close_if_done(s);
}

static void on_closed(LineSession *line, ConnReason reason, void *user)
{
        Session *s = user;

        if (reason != CONN_CLOSED && reason != CONN_EOF)
                log_debug("lines peer=%s closed reason=\"%s\" lines=%llu", line_peer(line)->text,
                          conn_reason_text(reason), (unsigned long long)s->n_lines);
        s->line = NULL;
        if (s->server->intake)
                intake_sink_detach(s->server->intake, &s->sink);
        else
                on_idle(&s->sink);
}

static const LineOps ops = {
        .on_open = on_open,
        .on_line = on_line,
        .on_too_long = on_too_long,
        .on_end = on_end,
        .on_closed = on_closed,
};

int face_lines_new(Server *s)
{
        ConnLimits limits = {.stall = STALL_TIME};

        if (s->config->max_memory) {
                limits.stall = STALL_TIME_SHORT;
                limits.out_high = SHED_UNREAD_MAX;
                limits.out_low = SHED_UNREAD_MAX / 4;
        }
        return line_server_new(&s->lines, s->loop, &limits, SURVEY_BYTES_MAX, &ops, s);
}

static void pause_session(LineSession *line, void *user)
{
        const Session *s = user;

        if (s->source)
                line_pause(line);
}

void face_lines_pause(Server *s)
{
        if (s->lines)
                line_server_each(s->lines, pause_session);
}

static void resume_session(LineSession *line, void *user)
{
        Session *s = user;

        if (!must_rest(s))
                line_resume(line);
}

void face_lines_resume(Server *s)
{
        if (s->lines)
                line_server_each(s->lines, resume_session);
}

/* Who proved to be this source before would still be it. */
static bool is_same_source(const ConfigSource *a, const ConfigSource *b)
{
        return strcmp(a->name, b->name) == 0 && a->open == b->open && a->has_token == b->has_token &&
               memcmp(a->token_sha256, b->token_sha256, sizeof(a->token_sha256)) == 0;
}

/* The sources are those of another configuration now. */
static void reconfigure_session(LineSession *line, void *user)
{
        Session *s = user;
        const Config *c = s->server->config;
        const ConfigSource *same = NULL;

        for (size_t i = 0; s->source && i < c->n_sources; i++)
                if (is_same_source(&c->sources[i], s->source))
                        same = &c->sources[i];
        if (s->source && !same)
                line_close(line);
        s->source = same;
}

void face_lines_reconfigure(Server *s)
{
        if (s->lines)
                line_server_each(s->lines, reconfigure_session);
}
