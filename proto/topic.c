/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "proto/topic.h"

void topic_write(Buffer *to, const char *kind, Text scope, const char *metric)
{
        buffer_append_str(to, kind);
        buffer_append_char(to, '/');
        for (size_t i = 0; i < scope.n; i++) {
                unsigned char c = (unsigned char)scope.at[i];

                if (c <= ' ' || c == '%')
                        buffer_append_format(to, "%%%02X", c);
                else
                        buffer_append_char(to, (char)c);
        }
        buffer_append_char(to, '/');
        buffer_append_str(to, metric);
}

static int digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int topic_parse(Text topic, char ret_scope[SCOPE_TEXT_MAX + 1], Text *ret_metric)
{
        const char *first = topic.n ? memchr(topic.at, '/', topic.n) : NULL;
        const char *last = topic.n ? memrchr(topic.at, '/', topic.n) : NULL;
        const char *end = topic.at + topic.n;
        size_t n = 0;

        if (!first || first == last)
                return -EINVAL;
        for (const char *p = first + 1; p < last; p++) {
                if (n == SCOPE_TEXT_MAX)
                        return -EINVAL;
                if (*p == '%' && last - p > 2 && digit(p[1]) >= 0 && digit(p[2]) >= 0) {
                        ret_scope[n++] = (char)(digit(p[1]) * 16 + digit(p[2]));
                        p += 2;
                } else {
                        ret_scope[n++] = *p;
                }
        }
        ret_scope[n] = '\0';
        *ret_metric = (Text){.at = last + 1, .n = (size_t)(end - last - 1)};
        return 0;
}
