/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Surveys through POST /v1/surveys, in batches.
 *
 * The happy path is: lines collect until a batch is full, it is posted, the answer names what was refused.
 * Possible failure modes are: the daemon is busy, or has taken only a part (we wait as long as it says, and send
 * the batch again), the connection breaks (the batch is sent again, a few times), the whole batch is refused (we
 * give up).
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/api.h"
#include "client/http.h"
#include "client/sink_impl.h"
#include "client/when.h"
#include "client/xalloc.h"
#include "proto/fault.h"
#include "proto/survey.h"

#define BATCH_LINES 500
#define BATCH_BYTES (256U << 10)
#define BUSY_TRIES  20

typedef struct HttpSink {
        Sink base;
        char *token;
        Buffer batch;
        uint64_t tags[BATCH_LINES];
        bool stale[BATCH_LINES]; /* a later version was stored before this one was sent at all */
        size_t n_tags;
} HttpSink;

/* An answer that says of each survey what became of it; one survey that was refused alone has another status, too. */
static bool is_result(const HttpSink *s, const json_t *j)
{
        return (uint64_t)member_integer(j, "stored") + (uint64_t)member_integer(j, "duplicate") +
                       (uint64_t)member_integer(j, "revised") +
                       json_array_size(json_object_get(j, "refused")) ==
               s->n_tags;
}

static void refuse(HttpSink *s, const SinkRefusal *r)
{
        s->base.totals.refused++;
        s->base.on_refused(s->base.context, r);
}

/* @again: the same batch had been sent before. What the daemon does not take at present is not acknowledged. */
static void take_result(HttpSink *s, const json_t *j, bool again)
{
        json_t *refusal, *refused = json_object_get(j, "refused");
        size_t i;

        s->base.totals.stored += (uint64_t)member_integer(j, "stored");
        s->base.totals.duplicate += (uint64_t)member_integer(j, "duplicate");
        s->base.totals.revised += (uint64_t)member_integer(j, "revised");
        json_array_foreach (refused, i, refusal) {
                int64_t index = member_integer(refusal, "index");
                SinkRefusal r = {.id = member_string(refusal, "id"),
                                 .code = member_string(refusal, "code"),
                                 .field = member_string(refusal, "field"),
                                 .text = member_string(refusal, "error")};

                if (index < 0 || (size_t)index >= s->n_tags || sink_is_not_now(r.code))
                        continue;
                r.tag = s->tags[index];
                if (again && !s->stale[index] && sink_is_superseded(&r))
                        s->base.totals.duplicate++;
                else
                        refuse(s, &r);
        }
}

/* Of an answer to what had not been sent before. */
static void note_stale(HttpSink *s, const json_t *j)
{
        json_t *refusal;
        size_t i;

        json_array_foreach (json_object_get(j, "refused"), i, refusal) {
                int64_t index = member_integer(refusal, "index");
                SinkRefusal r = {.code = member_string(refusal, "code")};

                if (index >= 0 && (size_t)index < s->n_tags && sink_is_superseded(&r))
                        s->stale[index] = true;
        }
}

/* What came back for a batch. */
typedef struct Reply {
        long status, retry_after;
        Buffer body;
        json_t *json; /* of it; NULL: it is none */
} Reply;

static void reply_deinit(Reply *reply)
{
        json_decref(reply->json);
        buffer_deinit(&reply->body);
}

/* Between that of the caller and that of the source. */
static void swap_tokens(HttpSink *s)
{
        char *token = s->base.ctl->token;

        s->base.ctl->token = s->token;
        s->token = token;
}

static int post(HttpSink *s, Reply *ret)
{
        Ctl *ctl = s->base.ctl;
        Text text = buffer_text(&s->batch);
        int r;

        swap_tokens(s);
        r = http_request(ctl->http, "/v1/surveys", &text, "application/x-ndjson", &ret->body, &ret->status,
                         &ret->retry_after);
        swap_tokens(s);
        if (ret->body.n)
                ret->json = json_loadb(ret->body.data, ret->body.n, 0, NULL);
        return r;
}

/* How many surveys the daemon does not take at present: they are not wrong. */
static size_t count_not_now(const HttpSink *s, const Reply *reply)
{
        json_t *refusal;
        size_t i, n = 0;

        if (reply->status == 429 || reply->status == 503)
                return s->n_tags;
        json_array_foreach (json_object_get(reply->json, "refused"), i, refusal) {
                n += sink_is_not_now(member_string(refusal, "code"));
        }
        return n;
}

/* What a request came to that was answered. */
static int take_reply(HttpSink *s, const Reply *reply, bool again)
{
        int r;

        if (is_result(s, reply->json)) {
                take_result(s, reply->json, again);
                return CTL_OK;
        }
        if (reply->status != 200) {
                swap_tokens(s);
                r = api_refusal(s->base.ctl, reply->status, &reply->body);
                swap_tokens(s);
                return r == CTL_NEGATIVE ? CTL_REFUSED : r;
        }
        ctl_error(s->base.ctl, "the answer from %s does not say what became of %zu surveys; is that cxd?",
                  s->base.ctl->host, s->n_tags);
        return CTL_REFUSED;
}

static void wait_as_told(const Reply *reply)
{
        long seconds = reply->retry_after > 0 && reply->retry_after < 30 ? reply->retry_after : 1;

        nanosleep(&(struct timespec){.tv_sec = seconds}, NULL);
}

static int http_sink_flush(Sink *base)
{
        HttpSink *s = CX_CONTAINER_OF(base, HttpSink, base);
        unsigned n_lost = 0, n_busy = 0;      /* tries in a row that came to nothing */
        size_t n_left = s->n_tags, n_not_now; /* the former: after the best try so far */
        bool again = false;                   /* what is sent may be stored already */
        int r;

        while (s->n_tags > 0) {
                CX_CLEANUP(reply_deinit) Reply reply = {.body = BUFFER_NULL};

                r = post(s, &reply);
                if (r == CTL_UNREACHABLE && n_lost < SINK_TRIES) {
                        sink_pause(n_lost++);
                        again = true;
                        continue;
                }
                if (r == CTL_UNREACHABLE)
                        return http_say_unreachable(base->ctl->http);
                n_lost = 0;
                n_not_now = count_not_now(s, &reply);
                if (n_not_now < n_left) {
                        n_busy = 0;
                        n_left = n_not_now;
                }
                /* All of it again, in its order: of two versions of a survey the later one must stay. */
                if (n_not_now > 0 && n_busy++ < BUSY_TRIES) {
                        wait_as_told(&reply);
                        if (reply.status == 200 && !again)
                                note_stale(s, reply.json);
                        again |= reply.status == 200;
                        continue;
                }
                r = take_reply(s, &reply, again);
                if (r == CTL_OK && n_not_now > 0) {
                        ctl_error(base->ctl, "%s does not take surveys now; giving up", base->ctl->host);
                        r = CTL_REFUSED;
                }
                if (r != CTL_OK)
                        return r;
                memset(s->stale, 0, sizeof(s->stale));
                s->n_tags = 0;
                buffer_reset(&s->batch);
        }
        return CTL_OK;
}

/* Refuses one line that would be refused, or misunderstood, together with all others of its batch. */
static int refuse_line(HttpSink *s, uint64_t tag, FaultCode code, const char *text)
{
        SinkRefusal r = {.tag = tag, .code = fault_name(code), .text = text};

        refuse(s, &r);
        return CTL_OK;
}

/* The daemon tells by the first line of several whether they are lines, or one value that was written in several. */
static bool is_whole(Text line)
{
        CX_CLEANUP(json_freep)
        json_t *j = json_loadb(line.at, line.n, JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY, NULL);

        return j != NULL;
}

static int http_sink_send(Sink *base, uint64_t tag, Text line)
{
        HttpSink *s = CX_CONTAINER_OF(base, HttpSink, base);
        int r;

        if (line.n > SURVEY_BYTES_MAX)
                return refuse_line(s, tag, FAULT_TOO_LONG, "the line is too long for a survey");
        if (line.at[0] == '[')
                return refuse_line(s, tag, FAULT_TYPE, "a survey must be one JSON object in braces");

        if (s->n_tags == BATCH_LINES || (s->n_tags > 0 && s->batch.n + line.n > BATCH_BYTES)) {
                r = http_sink_flush(base);
                if (r != CTL_OK)
                        return r;
        }
        buffer_append_text(&s->batch, line);
        buffer_append_char(&s->batch, '\n');
        if (buffer_failed(&s->batch))
                abort();
        s->tags[s->n_tags++] = tag;
        return s->n_tags > 1 || is_whole(line) ? CTL_OK : http_sink_flush(base);
}

static int http_sink_pump(Sink *base, usec_t deadline)
{
        int r = http_sink_flush(base);
        usec_t left = deadline > 0 ? deadline - when_now() : 0;

        if (r == CTL_OK && left > 0)
                nanosleep(&(struct timespec){left / USEC_SEC, left % USEC_SEC * 1000}, NULL);
        return r;
}

static int http_sink_wait(Sink *base, int fd)
{
        (void)fd;
        return http_sink_flush(base);
}

static void http_sink_free(Sink *base)
{
        HttpSink *s = CX_CONTAINER_OF(base, HttpSink, base);

        buffer_deinit(&s->batch);
        free(s->token);
        free(s);
}

static const SinkVerbs verbs = {http_sink_send, http_sink_pump, http_sink_wait, http_sink_flush,
                                http_sink_free};

int sink_http_open(Sink **ret, const Sink *base, const char *token)
{
        HttpSink *s;
        int r;

        r = api_open(base->ctl);
        if (r != CTL_OK)
                return r;
        s = xcalloc(1, sizeof(*s));
        s->base = *base;
        s->base.verbs = &verbs;
        s->token = token ? xstrdup(token) : NULL;
        *ret = &s->base;
        return CTL_OK;
}
