/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/io/line_frame.h"

static Text without_cr(const char *at, size_t n)
{
        if (n > 0 && at[n - 1] == '\r')
                n--;
        return (Text){.at = at, .n = n};
}

/* One line that is complete. */
static bool deliver(LineFrame *f, const char *at, size_t n, LineFrameFn fn, void *user)
{
        Text line = without_cr(at, n);

        if (f->skipping) {
                f->skipping = false;
                return true;
        }
        f->number++;
        if (text_trim(line).n == 0)
                return true;
        return fn(f->number, line.n > f->limit ? TEXT_NULL : line, user);
}

size_t line_frame_feed(LineFrame *f, const char *data, size_t n, LineFrameFn fn, void *user)
{
        size_t begin = 0, from = f->scanned;
        const char *lf;

        while (from < n && (lf = memchr(data + from, '\n', n - from))) {
                size_t end = (size_t)(lf - data);
                bool go_on = deliver(f, data + begin, end - begin, fn, user);

                begin = from = end + 1;
                if (!go_on) {
                        f->scanned = 0;
                        return begin;
                }
        }
        if (!f->skipping && n - begin > f->limit + 1) { /* one more may be a CR */
                f->skipping = true;
                f->number++;
                f->scanned = 0;
                (void)fn(f->number, TEXT_NULL, user);
                return n;
        }
        if (f->skipping)
                begin = n;
        f->scanned = n - begin;
        return begin;
}

void line_frame_end(LineFrame *f, const char *data, size_t n, LineFrameFn fn, void *user)
{
        if (n > 0)
                (void)deliver(f, data, n, fn, user);
        f->skipping = false;
        f->scanned = 0;
}
