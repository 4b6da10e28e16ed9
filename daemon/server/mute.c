/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "daemon/server/mute.h"
#include "proto/survey_json.h"

/* A survey may have been on its way into the store for so long when a pass began. */
#define MARGIN (10 * USEC_MIN)

void mute_deinit(Mute *m)
{
        buffer_deinit(&m->rows);
}

void mute_set_limit(Mute *m, usec_t now, usec_t keep)
{
        m->now = now;
        m->limit = keep ? now - keep : USEC_INFINITY;
        if (m->limit < m->lowest)
                m->lowest = m->limit;
        m->step = keep / 24 < USEC_MIN ? USEC_MIN : keep / 24 < USEC_HOUR ? keep / 24 : USEC_HOUR;
}

static int read_marks(Mute *m, Store *store)
{
        int64_t at = 0;
        int r = store_get_mark_or(store, "comments", INT64_MIN, &m->done);

        if (r == 0)
                r = store_get_mark_or(store, "comments goal", INT64_MIN, &m->goal);
        if (r == 0)
                r = store_get_mark_or(store, "comments at", 0, &at);
        if (r < 0)
                return r;
        m->at = at > 0 ? (uint64_t)at : 0;
        m->known = true;
        return 0;
}

static int write_marks(const Mute *m, Store *store)
{
        int r = store_put_mark(store, "comments", m->done);

        if (r == 0)
                r = store_put_mark(store, "comments goal", m->goal);
        return r < 0 ? r : store_put_mark(store, "comments at", (int64_t)m->at);
}

/* A row for later, when the scan has ended: number, time, lengths and bytes of source and JSON. */
typedef struct MuteRow {
        uint64_t seq;
        usec_t ts;
        size_t source_n, json_n;
} MuteRow;

static int take_row(void *user, const StoreSurvey *row)
{
        static const char key[] = "\"comment\":";
        const MuteRow head = {
                .seq = row->seq, .ts = row->ts, .source_n = row->source.n, .json_n = row->json.n};
        Mute *m = user;

        /* Most have none; where this is part of another text, the decoder sees it. */
        if (!memmem(row->json.at, row->json.n, key, sizeof(key) - 1))
                return 0;
        buffer_append(&m->rows, &head, sizeof(head));
        buffer_append_text(&m->rows, row->source);
        buffer_append_text(&m->rows, row->json);
        return buffer_failed(&m->rows) ? -ENOMEM : 0;
}

/* Stores one survey again, without its comment. */
static int mute_row(Mute *m, Store *store, StoreSurvey *row, Survey *survey, char *scratch)
{
        CX_CLEANUP(buffer_deinit) Buffer json = BUFFER_NULL;

        if (survey_decode_stored(survey, row->json, scratch) < 0 || !survey->comment.at)
                return 0;
        survey->comment = TEXT_NULL;
        survey_encode(survey, &json);
        if (buffer_failed(&json))
                return -ENOMEM;
        row->json = buffer_text(&json);
        m->n_muted++;
        return store_put_survey(store, row);
}

static int mute_rows(Mute *m, Store *store, Survey *survey, char *scratch)
{
        int r = 0;

        for (size_t at = 0; at < m->rows.n && r == 0;) {
                StoreSurvey row = {0};
                MuteRow head;

                memcpy(&head, m->rows.data + at, sizeof(head));
                at += sizeof(head);
                row.seq = head.seq;
                row.ts = head.ts;
                row.source = (Text){.at = m->rows.data + at, .n = head.source_n};
                row.json = (Text){.at = m->rows.data + at + head.source_n, .n = head.json_n};
                at += head.source_n + head.json_n;
                r = mute_row(m, store, &row, survey, scratch);
        }
        return r;
}

/*
 * Where more is or was kept than before, or the clock was wrong: new comments come in behind the marks, also with revisions
 * of surveys that a pass has been at. False: the marks are low enough.
 */
static bool lower_marks(Mute *m)
{
        if (m->lowest < m->done) {
                m->done = m->lowest;
                m->at = 0;
        } else if (m->at && m->goal > m->lowest) {
                m->goal = m->lowest;
        } else {
                return false;
        }
        return true;
}

/* False: nothing to do at present. */
static bool begin_pass(Mute *m)
{
        if (m->at)
                return true;
        if (m->done != INT64_MIN && m->done > m->limit - m->step)
                return false;
        m->goal = m->limit;
        return true;
}

static int slice(Mute *m, Store *store, size_t max, Survey *survey, char *scratch)
{
        usec_t since = m->done < INT64_MIN + MARGIN ? INT64_MIN : m->done - MARGIN;
        uint64_t at = m->at;
        int r;

        r = store_scan_span(store, since, m->goal, &at, max, take_row, m);
        if (r < 0)
                return r;
        r = store_begin(store);
        if (r == 0)
                r = mute_rows(m, store, survey, scratch);
        if (r < 0)
                return r;
        if (at != UINT64_MAX) {
                m->at = at;
        } else {
                m->at = 0;
                m->done = m->goal < m->now ? m->goal : m->now;
        }
        r = write_marks(m, store);
        return r < 0 ? r : store_commit(store);
}

/* They have moved back, and no pass writes them: a start with other settings is to know. */
static int note_marks(const Mute *m, Store *store)
{
        int r = store_begin(store);

        if (r == 0)
                r = write_marks(m, store);
        return r < 0 ? r : store_commit(store);
}

static int give_up(Mute *m, Store *store, int r)
{
        store_rollback(store);
        m->known = false; /* what is stored holds */
        m->n_muted = 0;
        return r;
}

int mute_note(Mute *m, Store *store)
{
        int r = m->known ? 0 : read_marks(m, store);

        m->n_muted = 0;
        if (r < 0)
                return r;
        if (lower_marks(m))
                r = note_marks(m, store);
        return r < 0 ? give_up(m, store, r) : 0;
}

int mute_slice(Mute *m, Store *store, size_t max, Survey *survey, char *scratch)
{
        int r = m->known ? 0 : read_marks(m, store);
        bool lowered, begins;

        m->n_muted = 0;
        buffer_reset(&m->rows);
        if (r < 0)
                return r;
        lowered = lower_marks(m);
        begins = m->at == 0;
        if (begin_pass(m))
                r = slice(m, store, max, survey, scratch);
        else if (lowered)
                r = note_marks(m, store);
        if (r < 0)
                return give_up(m, store, r);
        if (begins)
                m->lowest = m->limit;
        return 0;
}
