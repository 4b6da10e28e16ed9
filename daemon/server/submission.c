/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/json_span.h"
#include "daemon/server/submission.h"
#include "proto/base/json_out.h"

struct Submission {
        IntakeSink sink;
        Intake *intake;
        IntakeCounts counts;
        uint64_t n_offered;
        bool sealed;    /* all of it was offered */
        Fault first;    /* of the first refused one */
        Buffer refused; /* members of the array */
        JsonOut refused_out;
        SubmissionFn fn;
        void *user;
};

static void on_refused(IntakeSink *s, uint64_t index, Text id, const Fault *fault)
{
        Submission *self = CX_CONTAINER_OF(s, Submission, sink);
        JsonOut *out = &self->refused_out;

        if (self->first.code == FAULT_NONE)
                self->first = *fault;
        json_begin_object(out);
        json_member_int(out, "index", (int64_t)index);
        json_member_text(out, "id", id);
        json_member_str(out, "code", fault_name(fault->code));
        if (fault->field[0])
                json_member_str(out, "field", fault->field);
        json_member_str(out, "error", fault->text);
        json_end_object(out);
}

static void answer(Submission *self)
{
        Buffer text = BUFFER_NULL;
        JsonOut out = JSON_OUT_INIT(&text);
        /* One survey that was refused, or all for a reason that is not theirs: the status says so. */
        bool alone = self->counts.refused == self->n_offered &&
                     (self->n_offered == 1 || (self->n_offered && self->first.code == FAULT_UNAVAILABLE));

        json_begin_object(&out);
        if (alone) {
                json_member_str(&out, "code", fault_name(self->first.code));
                json_member_str(&out, "error", self->first.text);
                if (self->first.field[0])
                        json_member_str(&out, "field", self->first.field);
        }
        json_member_int(&out, "stored", (int64_t)self->counts.stored);
        json_member_int(&out, "duplicate", (int64_t)self->counts.duplicate);
        json_member_int(&out, "revised", (int64_t)self->counts.revised);
        json_key(&out, TEXT("refused"));
        buffer_append_char(&text, '[');
        buffer_append_text(&text, buffer_text(&self->refused));
        buffer_append_char(&text, ']');
        json_end_object(&out);
        if (buffer_failed(&text) || buffer_failed(&self->refused))
                self->fn(self->user, fault_status(FAULT_INTERNAL),
                         TEXT("{\"code\":\"E_INTERNAL\",\"error\":\"no memory for the answer; what was sent "
                              "is stored\"}"));
        else
                self->fn(self->user, alone ? fault_status(self->first.code) : 200, buffer_text(&text));
        buffer_deinit(&text);
}

static void on_idle(IntakeSink *s)
{
        Submission *self = CX_CONTAINER_OF(s, Submission, sink);

        buffer_deinit(&self->refused);
        free(self);
}

static void finish_if_done(Submission *self)
{
        if (!self->sealed || self->sink.n_pending)
                return;
        answer(self);
        intake_sink_detach(self->intake, &self->sink);
}

static void on_settled(IntakeSink *s, uint64_t last_index, const IntakeCounts *counts)
{
        Submission *self = CX_CONTAINER_OF(s, Submission, sink);

        (void)last_index;
        self->counts.stored += counts->stored;
        self->counts.duplicate += counts->duplicate;
        self->counts.revised += counts->revised;
        self->counts.refused += counts->refused;
        finish_if_done(self);
}

static void offer(Submission *self, const ConfigSource *source, Text json)
{
        intake_offer(self->intake, &self->sink, self->n_offered++, source, json);
}

static int too_many(Fault *fault)
{
        return fault_set(fault, FAULT_TOO_LONG, NULL,
                         "one body may have %d surveys; send the rest in another one", SUBMISSION_MAX);
}

/* Two passes, both of them: what is refused as a whole must not be stored in part. */
static int offer_lines(Submission *self, const ConfigSource *source, Text body, Fault *fault)
{
        Text rest = body, line;
        size_t n = 0;

        while (text_take_line(&rest, &line))
                if (++n > SUBMISSION_MAX)
                        return too_many(fault);
        while (text_take_line(&body, &line))
                offer(self, source, line);
        return 0;
}

static int offer_array(Submission *self, const ConfigSource *source, Text body, Fault *fault)
{
        Text rest = body, item;
        size_t n = 0;
        int r;

        for (r = json_span_first(&rest, &item); r == 0; r = json_span_next(&rest, &item))
                if (++n > SUBMISSION_MAX)
                        return too_many(fault);
        if (r != JSON_SPAN_E_END)
                return fault_set(fault, FAULT_JSON, NULL, "the array is not well-formed near byte %zu",
                                 (size_t)(rest.at - body.at) + 1);
        for (r = json_span_first(&body, &item); r == 0; r = json_span_next(&body, &item))
                offer(self, source, item);
        return 0;
}

/* More than one line, and the first one is a whole value by itself. */
static bool is_lines(Text body)
{
        const char *end = memchr(body.at, '\n', body.n);
        Text first;

        if (!end)
                return false;
        first = text_trim((Text){.at = body.at, .n = (size_t)(end - body.at)});
        return json_span_is_whole(first) || !json_span_is_whole(body);
}

int submission_start(Intake *i, const ConfigSource *source, Text body, SubmissionFn fn, void *user,
                     Fault *fault)
{
        Submission *self = calloc(1, sizeof(*self));
        int r = 0;

        if (!self)
                return -ENOMEM;
        self->intake = i;
        self->fn = fn;
        self->user = user;
        self->refused_out = JSON_OUT_INIT(&self->refused);
        self->sink = (IntakeSink){.on_refused = on_refused, .on_settled = on_settled, .on_idle = on_idle};
        body = text_trim(body);
        if (body.n && body.at[0] == '[')
                r = offer_array(self, source, body, fault);
        else if (body.n && is_lines(body))
                r = offer_lines(self, source, body, fault);
        else if (body.n)
                offer(self, source, body);
        if (r != 0) {
                on_idle(&self->sink);
                return r;
        }
        if (intake_has_failed(i)) {
                intake_sink_detach(i, &self->sink);
                return -ENOMEM;
        }
        self->sealed = true;
        finish_if_done(self);
        return 0;
}
