/* SPDX-License-Identifier: Apache-2.0 */

#include <sqlite3.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/store_fixture.h"

void store_dir_make(StoreDir *d)
{
        snprintf(d->path, sizeof(d->path), "/tmp/cxd-store-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(d->path));
        snprintf(d->file, sizeof(d->file), "%s/cxd.db", d->path);
}

static void note_damage(void *user, const char *what)
{
        buffer_append_format(user, "%s\n", what);
}

Store *store_dir_open(StoreDir *d)
{
        char error[512] = "";
        Store *s = NULL;
        int r;

        if (!d->path[0])
                store_dir_make(d);
        r = store_open_sqlite(&s, d->file, note_damage, &d->told, error, sizeof(error));
        ck_assert_msg(r == 0, "open: %d, %s", r, error);
        return s;
}

void store_on_both(void (*test)(Store *s))
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = NULL;

        ck_assert_int_eq(store_open_ram(&s), 0);
        test(s);
        ck_assert_ptr_null(store_close(s));

        s = store_dir_open(&dir);
        test(s);
        ck_assert_ptr_null(store_close(s));
        store_dir_remove(&dir);
}

void store_dir_remove(StoreDir *d)
{
        static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
        char file[96];

        for (size_t i = 0; i < CX_ARRAY_LEN(suffixes); i++) {
                snprintf(file, sizeof(file), "%s%s", d->file, suffixes[i]);
                (void)unlink(file);
        }
        ck_assert_int_eq(rmdir(d->path), 0); /* there is nothing else in it */
        buffer_deinit(&d->told);
        *d = STORE_DIR_INIT;
}

void store_put_rows(Store *s, uint64_t first, size_t n)
{
        ck_assert_int_eq(store_begin(s), 0);
        for (uint64_t seq = first; seq < first + n; seq++) {
                char json[40];

                snprintf(json, sizeof(json), "{\"n\":%llu}", (unsigned long long)seq);
                ck_assert_int_eq(store_put_survey(s, &(StoreSurvey){.seq = seq,
                                                                    .ts = (usec_t)seq * 1000,
                                                                    .source = TEXT("ivr"),
                                                                    .json = text_of(json)}),
                                 0);
        }
        ck_assert_int_eq(store_commit(s), 0);
}

void store_put_alert_text(Store *s, const char *id, usec_t changed, bool is_open, const char *json)
{
        const StoreAlert row = {
                .id = text_of(id), .json = text_of(json), .is_open = is_open, .changed = changed};

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_alert(s, &row), 0);
        ck_assert_int_eq(store_commit(s), 0);
}

void store_put_feed_text(Store *s, const char *principal, uint64_t seq, usec_t at, const char *json)
{
        const StoreFeed row = {.principal = text_of(principal), .seq = seq, .at = at, .json = text_of(json)};

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_feed(s, &row), 0);
        ck_assert_int_eq(store_commit(s), 0);
}

void store_put_tally_text(Store *s, int32_t day, const char *scope, const char *counts)
{
        const StoreTally row = {.day = day, .scope = text_of(scope), .counts = text_of(counts)};

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_tally(s, &row), 0);
        ck_assert_int_eq(store_commit(s), 0);
}

void store_put_revised_text(Store *s, uint64_t epoch, uint64_t seq, const char *json)
{
        const StoreRevised row = {.epoch = epoch, .seq = seq, .json = text_of(json)};

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_revised(s, &row), 0);
        ck_assert_int_eq(store_commit(s), 0);
}

typedef struct OldSeqs {
        uint64_t at[10000];
        size_t n;
} OldSeqs;

static int take_seq(void *user, const StoreSurvey *row)
{
        OldSeqs *old = user;

        old->at[old->n++] = row->seq;
        return 0;
}

int store_expire_old(Store *s, usec_t before, size_t max, size_t *ret_n)
{
        static OldSeqs old;
        uint64_t at = 0;
        size_t n_feeds;
        int r = 0;

        old.n = 0;
        while (r == 0 && old.n < max && at != UINT64_MAX)
                r = store_scan_span(s, INT64_MIN, before, &at, max - old.n, take_seq, &old);
        if (r == 0 && old.n)
                r = store_drop_surveys(s, before, old.at, old.n);
        if (r == 0 && old.n < max)
                r = store_drop_surveys(s, before, NULL, 0);
        if (r == 0)
                r = store_expire_feeds(s, before, max, &n_feeds);
        if (r == 0)
                *ret_n = old.n;
        return r;
}

/* --- dumps ---------------------------------------------------------------------------------------------- */

static Buffer dump;

static const char *dumped(int r)
{
        ck_assert_int_eq(r, 0);
        ck_assert_ptr_nonnull(buffer_str(&dump));
        return buffer_str(&dump);
}

static int dump_survey(void *user CX_UNUSED, const StoreSurvey *row)
{
        buffer_append_format(&dump, "%llu %lld " TEXT_FMT " " TEXT_FMT "\n", (unsigned long long)row->seq,
                             (long long)row->ts, TEXT_ARG(row->source), TEXT_ARG(row->json));
        return 0;
}

static int dump_alert(void *user CX_UNUSED, const StoreAlert *row)
{
        buffer_append_format(&dump, TEXT_FMT " %lld %s " TEXT_FMT "\n", TEXT_ARG(row->id),
                             (long long)row->changed, row->is_open ? "open" : "resolved",
                             TEXT_ARG(row->json));
        return 0;
}

static int dump_feed(void *user CX_UNUSED, const StoreFeed *row)
{
        buffer_append_format(&dump, TEXT_FMT " %llu %lld " TEXT_FMT "\n", TEXT_ARG(row->principal),
                             (unsigned long long)row->seq, (long long)row->at, TEXT_ARG(row->json));
        return 0;
}

const char *store_dump(Store *s)
{
        buffer_reset(&dump);
        return dumped(store_scan_surveys(s, 0, 0, dump_survey, NULL));
}

typedef struct RecentCheck {
        usec_t latest;
        StoreSurveyFn fn;
        void *user;
} RecentCheck;

static int check_recent(void *user, const StoreSurvey *row)
{
        RecentCheck *check = user;

        if (row->ts > check->latest)
                ck_abort_msg("survey %llu of %lld comes where none is later than %lld",
                             (unsigned long long)row->seq, (long long)row->ts, (long long)check->latest);
        return check->fn(check->user, row);
}

int store_read_recent(Store *s, usec_t since, usec_t until, StoreSurveyFn fn, void *user)
{
        StoreRecent at = STORE_RECENT(since, until);
        RecentCheck check = {.fn = fn, .user = user};
        int r = 0;

        while (r == 0 && at.rest > INT64_MIN) {
                check.latest = at.rest;
                r = store_scan_recent(s, &at, check_recent, &check);
        }
        store_recent_deinit(&at);
        return r;
}

/* A line of a dump. */
typedef struct RecentLine {
        usec_t ts;
        uint64_t seq;
        size_t at, n; /* in the dump */
} RecentLine;

static RecentLine recent_lines[10000];
static size_t n_recent_lines;

static int note_line(void *user, const StoreSurvey *row)
{
        RecentLine *line = &recent_lines[n_recent_lines++];

        ck_assert_uint_le(n_recent_lines, CX_ARRAY_LEN(recent_lines));
        *line = (RecentLine){.ts = row->ts, .seq = row->seq, .at = dump.n};
        dump_survey(user, row);
        line->n = dump.n - line->at;
        return 0;
}

static int newest_first(const void *a, const void *b)
{
        const RecentLine *x = a, *y = b;

        return x->ts != y->ts ? (x->ts < y->ts ? 1 : -1) : (x->seq < y->seq ? 1 : -1);
}

const char *store_dump_recent(Store *s, usec_t since, usec_t until)
{
        static Buffer sorted;

        buffer_reset(&dump);
        buffer_reset(&sorted);
        n_recent_lines = 0;
        ck_assert_int_eq(store_read_recent(s, since, until, note_line, NULL), 0);
        qsort(recent_lines, n_recent_lines, sizeof(recent_lines[0]), newest_first);
        for (size_t i = 0; i < n_recent_lines; i++)
                buffer_append(&sorted, dump.data + recent_lines[i].at, recent_lines[i].n);
        return buffer_str(&sorted);
}

const char *store_dump_alerts(Store *s)
{
        buffer_reset(&dump);
        return dumped(store_scan_alerts(s, dump_alert, NULL));
}

const char *store_dump_feeds(Store *s)
{
        buffer_reset(&dump);
        return dumped(store_scan_feeds(s, dump_feed, NULL));
}

static int dump_tally(void *user CX_UNUSED, const StoreTally *row)
{
        buffer_append_format(&dump, "%d " TEXT_FMT " " TEXT_FMT "\n", row->day, TEXT_ARG(row->scope),
                             TEXT_ARG(row->counts));
        return 0;
}

const char *store_dump_tallies(Store *s)
{
        buffer_reset(&dump);
        return dumped(store_scan_tallies(s, INT32_MIN, TEXT(""), 0, dump_tally, NULL));
}

static int dump_revised(void *user CX_UNUSED, const StoreRevised *row)
{
        buffer_append_format(&dump, "%llu %llu " TEXT_FMT "\n", (unsigned long long)row->epoch,
                             (unsigned long long)row->seq, TEXT_ARG(row->json));
        return 0;
}

const char *store_dump_revised(Store *s)
{
        buffer_reset(&dump);
        return dumped(store_scan_revised(s, dump_revised, NULL));
}

typedef struct Holds {
        const StoreSurvey *row;
        size_t n, n_equal;
} Holds;

static int hold_row(void *user, const StoreSurvey *row)
{
        Holds *h = user;

        h->n++;
        h->n_equal += row->seq == h->row->seq && row->ts == h->row->ts &&
                      text_equal(row->source, h->row->source) && text_equal(row->json, h->row->json);
        return 0;
}

bool store_holds(Store *s, const StoreSurvey *row)
{
        Holds h = {.row = row};

        ck_assert_int_eq(store_scan_surveys(s, 0, 0, hold_row, &h), 0);
        return h.n == 1 && h.n_equal == 1;
}

void store_run_sql(const char *file, const char *text)
{
        sqlite3 *db = NULL;
        char *error = NULL;

        ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
        ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &error) == SQLITE_OK, "%s: %s", text, error);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

void store_spoil_page(const char *file, const char *text)
{
        static unsigned char bytes[8 << 20];
        FILE *f = fopen(file, "r+b");
        const unsigned char *at;
        long page;
        size_t n;

        ck_assert_ptr_nonnull(f);
        n = fread(bytes, 1, sizeof(bytes), f);
        at = memmem(bytes, n, text, strlen(text));
        ck_assert_ptr_nonnull(at);
        page = (long)(at - bytes) / 4096 * 4096;
        ck_assert_int_eq(fseek(f, page, SEEK_SET), 0);
        ck_assert_int_eq(fputc(bytes[page] ^ 0x40, f), bytes[page] ^ 0x40);
        ck_assert_int_eq(fclose(f), 0);
}
