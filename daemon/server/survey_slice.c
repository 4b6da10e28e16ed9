/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/server/survey_slice.h"

/* A scan stops with this when the slice is full. */
#define SLICE_FULL 1

static int take_row(void *user, const StoreSurvey *row)
{
        SurveySlice *s = user;

        if (s->n_rows == SLICE_ROWS_MAX || (s->n_rows > 0 && s->bytes.n + row->json.n > SLICE_BYTES_MAX))
                return SLICE_FULL;
        if (s->n_rows == s->size) {
                size_t size = s->size ? s->size * 2 : 256;
                SliceRow *rows = reallocarray(s->rows, size, sizeof(*rows));

                if (!rows)
                        return -ENOMEM;
                s->rows = rows;
                s->size = size;
        }
        s->rows[s->n_rows++] = (SliceRow){.seq = row->seq,
                                          .ts = row->ts,
                                          .json_at = s->bytes.n,
                                          .json_n = row->json.n,
                                          .other = s->source[0] && !text_is(row->source, s->source)};
        buffer_append_text(&s->bytes, row->json);
        return buffer_failed(&s->bytes) ? -ENOMEM : 0;
}

/* A call reads so much that many of them, of a time with few surveys, are no slice. */
static int read_recent(SurveySlice *s, Store *store)
{
        int r = 0;

        for (int i = 0; i < SLICE_READS_MAX && r == 0 && s->recent->rest > INT64_MIN; i++)
                r = store_scan_recent(store, s->recent, take_row, s);
        return r == 0 && s->recent->rest > INT64_MIN ? SLICE_FULL : r;
}

static int slice_run(JournalJob *job, Store *store)
{
        SurveySlice *s = (SurveySlice *)job;
        int r;

        s->n_rows = 0;
        buffer_reset(&s->bytes);
        r = s->recent ? read_recent(s, store)
                      : store_scan_surveys(store, s->after, SLICE_ROWS_MAX + 1, take_row, s);
        s->complete = r == 0;
        return r == SLICE_FULL ? 0 : r;
}

static void slice_done(JournalJob *job, int result)
{
        SurveySlice *s = (SurveySlice *)job;

        s->done(s, result);
}

void survey_slice_submit(SurveySlice *s, Journal *journal)
{
        s->job = (JournalJob){.run = slice_run, .done = slice_done};
        journal_submit(journal, &s->job);
}

void survey_slice_deinit(SurveySlice *s)
{
        buffer_deinit(&s->bytes);
        free(s->rows);
        s->rows = NULL;
        s->n_rows = s->size = 0;
}
