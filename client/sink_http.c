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

/* @again: the same batch had been sent before. */
static void take_result(HttpSink *s, const json_t *j, bool again)
{
        json_t *refusal, *refused = json_object_get(j, "refused");
        size_t i;

        s->base.totals.stored += (uint64_t)member_integer(j, "stored");
        s->base.totals.duplicate += (uint64_t)member_integer(j, "duplicate");
        s->base.totals.revised += (uint64_t)member_integer(j, "revised");
        s->base.totals.refused += json_array_size(refused);
        json_array_foreach (refused, i, refusal) {
                int64_t index = member_integer(refusal, "index");
                SinkRefusal r = {.id = member_string(refusal, "id"),
                                 .code = member_string(refusal, "code"),
                                 .field = member_string(refusal, "field"),
                                 .text = member_string(refusal, "error")};

                if (index < 0 || (size_t)index >= s->n_tags)
                        continue;
                r.tag = s->tags[index];
                if (again && !s->stale[index] && sink_is_superseded(&r))
                        s->base.totals.duplicate++;
                else
                        s->base.on_refused(s->base.context, &r);
        }
}

/* Of an answer to what had not been sent before. */
static void note_stale(HttpSink *s, const Buffer *body)
{
        CX_CLEANUP(json_freep) json_t *j = body->n ? json_loadb(body->data, body->n, 0, NULL) : NULL;
        json_t *refusal;
        size_t i;

        json_array_foreach (json_object_get(j, "refused"), i, refusal) {
                int64_t index = member_integer(refusal, "index");
                SinkRefusal r = {.code = member_string(refusal, "code")};

                if (index >= 0 && (size_t)index < s->n_tags && sink_is_superseded(&r))
                        s->stale[index] = true;
        }
}

/* Whether the daemon takes no surveys at present, or took only a part: what it has not taken is not wrong. */
static bool is_not_now(long status, const Buffer *body)
{
        CX_CLEANUP(json_freep) json_t *j = body->n ? json_loadb(body->data, body->n, 0, NULL) : NULL;
        json_t *refusal;
        size_t i;

        if (status == 429 || status == 503)
                return true;
        json_array_foreach (json_object_get(j, "refused"), i, refusal) {
                const char *code = member_string(refusal, "code");

                if (code && (strcmp(code, fault_name(FAULT_UNAVAILABLE)) == 0 ||
                             strcmp(code, fault_name(FAULT_BUSY)) == 0))
                        return true;
        }
        return false;
}

/* What a request came to that was answered. */
static int take_answer(HttpSink *s, long status, const Buffer *body, bool again)
{
        CX_CLEANUP(json_freep) json_t *j = body->n ? json_loadb(body->data, body->n, 0, NULL) : NULL;
        int r;

        if (is_result(s, j)) {
                take_result(s, j, again);
                return CTL_OK;
        }
        if (status != 200) {
                r = api_refusal(s->base.ctl, status, body);
                return r == CTL_NEGATIVE ? CTL_REFUSED : r;
        }
        ctl_error(s->base.ctl, "the answer from %s does not say what became of %zu surveys; is that cxd?",
                  s->base.ctl->host, s->n_tags);
        return CTL_REFUSED;
}

static int http_sink_flush(Sink *base)
{
        HttpSink *s = CX_CONTAINER_OF(base, HttpSink, base);
        Ctl *ctl = base->ctl;
        Text text = buffer_text(&s->batch);
        unsigned n_lost = 0, n_busy = 0;
        bool again = false; /* what is sent may be stored already */
        char *token = ctl->token;
        int r;

        while (s->n_tags > 0) {
                Buffer body = BUFFER_NULL;
                long status = 0, retry_after = 0;

                ctl->token = s->token;
                r = http_request(ctl->http, "/v1/surveys", &text, "application/x-ndjson", &body, &status,
                                 &retry_after);
                ctl->token = token;
                /* All of it again, in its order: of two versions of a survey the later one must stay. */
                if (r == CTL_OK && is_not_now(status, &body) && n_busy++ < BUSY_TRIES) {
                        retry_after = retry_after > 0 && retry_after < 30 ? retry_after : 1;
                        nanosleep(&(struct timespec){.tv_sec = retry_after}, NULL);
                        if (status == 200 && !again)
                                note_stale(s, &body);
                        buffer_deinit(&body);
                        again |= status == 200;
                        continue;
                }
                if (r == CTL_UNREACHABLE && n_lost < SINK_TRIES) {
                        sink_pause(n_lost++);
                        again = true;
                        buffer_deinit(&body);
                        continue;
                }
                r = r == CTL_UNREACHABLE ? http_say_unreachable(ctl->http)
                                         : take_answer(s, status, &body, again);
                buffer_deinit(&body);
                if (r == CTL_OK && n_busy > BUSY_TRIES) {
                        ctl_error(ctl, "%s does not take surveys now; giving up", ctl->host);
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
static int refuse(HttpSink *s, uint64_t tag, FaultCode code, const char *text)
{
        SinkRefusal r = {.tag = tag, .code = fault_name(code), .text = text};

        s->base.totals.refused++;
        s->base.on_refused(s->base.context, &r);
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
                return refuse(s, tag, FAULT_TOO_LONG, "the line is too long for a survey");
        if (line.at[0] == '[')
                return refuse(s, tag, FAULT_TYPE, "a survey must be one JSON object in braces");

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

static void http_sink_free(Sink *base)
{
        HttpSink *s = CX_CONTAINER_OF(base, HttpSink, base);

        buffer_deinit(&s->batch);
        free(s->token);
        free(s);
}

static const SinkVerbs verbs = {http_sink_send, http_sink_pump, http_sink_flush, http_sink_free};

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
