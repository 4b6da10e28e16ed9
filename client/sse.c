/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "client/sse.h"

void sse_deinit(Sse *s)
{
        buffer_deinit(&s->line);
        buffer_deinit(&s->data);
        buffer_deinit(&s->event);
        buffer_deinit(&s->id);
        buffer_deinit(&s->next_id);
        *s = SSE_NULL;
}

void sse_reset(Sse *s)
{
        buffer_reset(&s->line);
        buffer_reset(&s->data);
        buffer_reset(&s->event);
        buffer_reset(&s->next_id);
        s->cr = false;
}

static const char *str(Buffer *b)
{
        const char *s = buffer_str(b);

        if (!s)
                abort();
        return s;
}

static void field(Sse *s, Text name, Text value)
{
        if (text_is(name, "data")) {
                buffer_append_text(&s->data, value);
                buffer_append_char(&s->data, '\n');
        } else if (text_is(name, "event")) {
                buffer_reset(&s->event);
                buffer_append_text(&s->event, value);
        } else if (text_is(name, "id") && (value.n == 0 || !memchr(value.at, '\0', value.n))) {
                buffer_reset(&s->next_id);
                buffer_append_text(&s->next_id, value);
        }
}

static bool line_done(Sse *s, SseOnEvent on_event, void *context)
{
        Text line = buffer_text(&s->line), value = TEXT_NULL;
        const char *colon;
        bool go_on = true;

        if (line.n > 0) {
                colon = memchr(line.at, ':', line.n);
                if (colon) {
                        value.at = colon + 1;
                        value.n = line.n - (size_t)(colon + 1 - line.at);
                        if (value.n > 0 && value.at[0] == ' ')
                                value = (Text){value.at + 1, value.n - 1};
                        line.n = (size_t)(colon - line.at);
                }
                if (line.n > 0) /* else a comment */
                        field(s, line, value);
        } else {
                /* Not before its end does an event count as seen: else half a one would be lost on a
                 * reconnect. */
                if (s->next_id.n > 0) {
                        buffer_reset(&s->id);
                        buffer_append_text(&s->id, buffer_text(&s->next_id));
                        buffer_reset(&s->next_id);
                }
                if (s->data.n > 0)
                        go_on = on_event(context, s->event.n ? str(&s->event) : "message", str(&s->id),
                                         (Text){s->data.data, s->data.n - 1});
                buffer_reset(&s->data);
                buffer_reset(&s->event);
        }
        buffer_reset(&s->line);
        return go_on;
}

bool sse_feed(Sse *s, const char *data, size_t n, SseOnEvent on_event, void *context)
{
        for (size_t i = 0; i < n; i++) {
                bool end_of_crlf = s->cr && data[i] == '\n';

                s->cr = data[i] == '\r';
                if (end_of_crlf)
                        continue;
                if (data[i] != '\n' && data[i] != '\r')
                        buffer_append_char(&s->line, data[i]);
                else if (!line_done(s, on_event, context))
                        return false;
                if (s->line.n + s->data.n > SSE_BYTES_MAX)
                        return false;
        }
        return true;
}
