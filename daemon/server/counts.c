/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/server/counts.h"

/* Takes what comes before @end off @rest, and @end with it. */
static bool take_until(Text *rest, char end, Text *ret)
{
        const char *at = rest->n ? memchr(rest->at, end, rest->n) : NULL;

        if (!at)
                return false;
        *ret = (Text){.at = rest->at, .n = (size_t)(at - rest->at)};
        rest->n -= ret->n + 1;
        rest->at = at + 1;
        return true;
}

int counts_read(CountsReader *r, CountsItem *ret)
{
        Text answer, n;
        const char *end;
        int64_t count;

        if (r->metric.n == 0) {
                if (r->rest.n == 0)
                        return 0;
                if (!take_until(&r->rest, ' ', &r->metric) || r->metric.n == 0)
                        return -EBADMSG;
        }
        if (!take_until(&r->rest, ':', &answer) || text_to_int64(answer, &ret->answer) != 0)
                return -EBADMSG;
        end = r->rest.n ? memchr(r->rest.at, '\n', r->rest.n) : NULL;
        if (!end)
                return -EBADMSG;
        n = (Text){.at = r->rest.at, .n = (size_t)(end - r->rest.at)};
        ret->metric = r->metric;
        if (memchr(n.at, ' ', n.n)) {
                if (!take_until(&r->rest, ' ', &n))
                        return -EBADMSG;
        } else {
                r->rest.at = end + 1;
                r->rest.n -= n.n + 1;
                r->metric = TEXT_NULL;
        }
        if (text_to_int64(n, &count) != 0 || count <= 0)
                return -EBADMSG;
        ret->n = (uint64_t)count;
        return 1;
}

void counts_write(CountsWriter *w, const CountsItem *item)
{
        if (!w->metric.at || !text_equal(w->metric, item->metric)) {
                counts_end(w);
                w->metric = item->metric;
                buffer_append_text(w->to, item->metric);
        }
        buffer_append_format(w->to, " %" PRId64 ":%" PRIu64, item->answer, item->n);
}

void counts_end(CountsWriter *w)
{
        if (w->metric.at)
                buffer_append_char(w->to, '\n');
        w->metric = TEXT_NULL;
}

static int compare(const CountsItem *a, const CountsItem *b)
{
        int order = text_compare(a->metric, b->metric);

        return order ? order : (a->answer > b->answer) - (a->answer < b->answer);
}

int counts_add(Text a, Text b, Buffer *to)
{
        CountsReader readers[2] = {COUNTS_READER(a), COUNTS_READER(b)};
        CountsWriter writer = {.to = to};
        CountsItem items[2];
        int there[2];

        for (int i = 0; i < 2; i++)
                there[i] = counts_read(&readers[i], &items[i]);
        while (there[0] > 0 || there[1] > 0) {
                int order = there[0] <= 0 ? 1 : there[1] <= 0 ? -1 : compare(&items[0], &items[1]);
                CountsItem sum = order > 0 ? items[1] : items[0];

                if (order == 0)
                        sum.n += items[1].n;
                counts_write(&writer, &sum);
                if (order <= 0)
                        there[0] = counts_read(&readers[0], &items[0]);
                if (order >= 0)
                        there[1] = counts_read(&readers[1], &items[1]);
        }
        counts_end(&writer);
        return there[0] < 0 || there[1] < 0 ? -EBADMSG : 0;
}
