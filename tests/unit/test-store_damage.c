/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A sick disk: whatever a changed bit does to the file, no row comes back changed, missing or twice without a
 * word.
 *
 * CX_FLIPS sets how many places are tried (1000).
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/store/store.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

enum {
        N_SURVEYS = 2500,
        N_ALERTS = 120,
        N_FEEDS = 300,
};

/* Durability is not what is looked at here; SQLite finds this function before the one of the C library. */
int fdatasync(int fd CX_UNUSED)
{
        return 0;
}

/* --- the rows, each a function of its number ------------------------------------------------------------ */

static uint64_t row_seq(size_t i)
{
        return i + 1 + (i >= 1500 ? 3000 : 0); /* a gap, as retention leaves it */
}

static usec_t row_ts(size_t i)
{
        return (usec_t)(i * 1000 + i * 7919 % 5000);
}

/* Some rows are larger than a page. */
static char *make_json(char kind, size_t i)
{
        size_t size = i % 97 == 5 ? 9000 : 100 + i * 31 % 400;
        char *json = malloc(size + 1);
        int n;

        ck_assert_ptr_nonnull(json);
        n = snprintf(json, size, "{\"%c\":%zu,\"text\":\"", kind, i);
        for (size_t k = (size_t)n; k < size; k++)
                json[k] = (char)('a' + (i * 7 + k * 13) % 26);
        json[size] = '\0';
        return json;
}

static const char *row_json(char kind, size_t i)
{
        static char *made[26][N_SURVEYS];
        char **json = &made[kind - 'a'][i];

        if (!*json)
                *json = make_json(kind, i);
        return *json;
}

static void make(StoreDir *dir)
{
        Store *s = store_dir_open(dir);
        char name[32];

        ck_assert_int_eq(store_begin(s), 0);
        for (size_t i = 0; i < N_SURVEYS; i++)
                ck_assert_int_eq(store_put_survey(s, &(StoreSurvey){.seq = row_seq(i),
                                                                    .ts = row_ts(i),
                                                                    .source = TEXT("ivr"),
                                                                    .json = text_of(row_json('s', i))}),
                                 0);
        for (size_t i = 0; i < N_ALERTS; i++) {
                snprintf(name, sizeof(name), "alert%05zu", i);
                ck_assert_int_eq(store_put_alert(s, &(StoreAlert){.id = text_of(name),
                                                                  .changed = (usec_t)i,
                                                                  .is_open = i % 2,
                                                                  .json = text_of(row_json('a', i))}),
                                 0);
        }
        for (size_t i = 0; i < N_FEEDS; i++) {
                snprintf(name, sizeof(name), "principal%zu", i / 100);
                ck_assert_int_eq(store_put_feed(s, &(StoreFeed){.principal = text_of(name),
                                                                .seq = i % 100 + 1,
                                                                .at = (usec_t)i,
                                                                .json = text_of(row_json('f', i))}),
                                 0);
        }
        ck_assert_int_eq(store_commit(s), 0);
        store_close(s);
}

/* --- looking at everything ------------------------------------------------------------------------------ */

typedef struct Seen {
        unsigned char surveys[N_SURVEYS], alerts[N_ALERTS], feeds[N_FEEDS];
        size_t n, reported;
} Seen;

/* An assertion for what is done very often: Check writes every one of its own into a file. */
#define MUST(_condition)                                                                                     \
        do {                                                                                                 \
                if (!(_condition))                                                                           \
                        ck_abort_msg("%s", #_condition);                                                     \
        } while (0)

static int see_survey(void *user, const StoreSurvey *row)
{
        Seen *seen = user;
        size_t i = row->seq - 1 - (row->seq > 1500 ? 3000 : 0);

        MUST(i < N_SURVEYS);
        MUST(row_seq(i) == row->seq);
        MUST(row->ts == row_ts(i));
        MUST(text_is(row->source, "ivr"));
        MUST(text_is(row->json, row_json('s', i)));
        MUST(seen->surveys[i]++ == 0);
        seen->n++;
        return 0;
}

static void see_damaged(void *user, const char *what)
{
        ((Seen *)user)->reported += strncmp(what, "survey ", strlen("survey ")) == 0;
}

static int see_alert(void *user, const StoreAlert *row)
{
        Seen *seen = user;
        size_t i = (size_t)row->changed;

        MUST(i < N_ALERTS);
        MUST(row->is_open == i % 2);
        MUST(text_is(row->json, row_json('a', i)));
        MUST(seen->alerts[i]++ == 0);
        seen->n++;
        return 0;
}

static int see_feed(void *user, const StoreFeed *row)
{
        Seen *seen = user;
        size_t i = (size_t)row->at;

        MUST(i < N_FEEDS);
        MUST(row->seq == i % 100 + 1);
        MUST(text_is(row->json, row_json('f', i)));
        MUST(seen->feeds[i]++ == 0);
        seen->n++;
        return 0;
}

static uint64_t damaged(Store *s)
{
        StoreInfo info;

        ck_assert_int_eq(store_info(s, &info), 0);
        return info.n_damaged;
}

/* A scan gave @n of @expected rows: all of them, or it failed, or it counted damage. True if something was
 * reported. */
static bool honest(int r, size_t n, size_t expected, uint64_t n_damaged, const char *which)
{
        ck_assert_msg(r == 0 || r == -EBADMSG, "%s: %d", which, r);
        ck_assert_msg(r < 0 || n == expected || n_damaged > 0, "%s: %zu of %zu rows and not a word", which, n,
                      expected);
        return r < 0 || n_damaged > 0;
}

/* Opens the file and reads everything in it in every way. True if damage was reported. */
static bool examine(StoreDir *dir)
{
        CX_CLEANUP(store_closep) Store *s = NULL;
        static Seen seen;
        char error[256];
        bool told = false;
        int r;

        r = store_open_sqlite(&s, dir->file, see_damaged, &seen, error, sizeof(error));
        if (r != 0) {
                ck_assert_msg(r == -EBADMSG || r == -EINVAL || r == STORE_E_NEWER, "%d: %s", r, error);
                return true;
        }
        seen = (Seen){0};
        r = store_scan_surveys(s, 0, 0, see_survey, &seen);
        told |= honest(r, seen.n, N_SURVEYS, damaged(s), "surveys");
        ck_assert_int_eq(r, 0); /* around what is damaged the others are found */
        ck_assert_uint_ge(seen.reported, N_SURVEYS - seen.n);

        seen = (Seen){0};
        r = store_read_recent(s, 0, INT64_MAX, see_survey, &seen);
        told |= honest(r, seen.n, N_SURVEYS, damaged(s), "recent");

        seen = (Seen){0};
        r = store_scan_alerts(s, see_alert, &seen);
        told |= honest(r, seen.n, N_ALERTS, damaged(s), "alerts");

        seen = (Seen){0};
        r = store_scan_feeds(s, see_feed, &seen);
        told |= honest(r, seen.n, N_FEEDS, damaged(s), "feeds");

        for (size_t i = 0; i < N_SURVEYS; i += 7) {
                Buffer json = BUFFER_NULL;

                r = store_get_survey(s, row_seq(i), &json, NULL);
                MUST(r == 0 || r == -EBADMSG);
                MUST(r < 0 || text_is(buffer_text(&json), row_json('s', i)));
                told |= r < 0;
                buffer_deinit(&json);
        }
        return told;
}

/* --- the file as bytes ---------------------------------------------------------------------------------- */

static unsigned char *load(const char *file, size_t *ret_n)
{
        FILE *f = fopen(file, "rb");
        unsigned char *bytes;

        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
        *ret_n = (size_t)ftell(f);
        rewind(f);
        bytes = malloc(*ret_n);
        ck_assert_ptr_nonnull(bytes);
        ck_assert_uint_eq(fread(bytes, 1, *ret_n, f), *ret_n);
        fclose(f);
        return bytes;
}

static void save(const char *file, const unsigned char *bytes, size_t n)
{
        FILE *f = fopen(file, "wb");

        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
        ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_flipped_bit_never_goes_unnoticed)
{
        const char *wish = getenv("CX_FLIPS");
        size_t n, n_flips = wish ? strtoul(wish, NULL, 10) : 1000, told = 0;
        StoreDir dir = STORE_DIR_INIT;
        unsigned char *bytes;

        make(&dir);
        ck_assert(!examine(&dir));
        bytes = load(dir.file, &n);
        srandom(wish ? (unsigned)n_flips : 11);
        for (size_t i = 0; i < n_flips; i++) {
                /* Half of them where it hurts: in the first bytes of a page, which say where its cells are.
                 */
                size_t at = (size_t)random() % n, bit = (size_t)random() % 8;

                if (i % 2)
                        at = at / 4096 * 4096 + at % 64;
                bytes[at] ^= (unsigned char)(1U << bit);
                save(dir.file, bytes, n);
                told += examine(&dir);
                bytes[at] ^= (unsigned char)(1U << bit);
        }
        ck_assert_uint_gt(told, n_flips / 2); /* the rest fell on bytes that mean nothing */
        free(bytes);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(a_page_in_the_wrong_place_never_goes_unnoticed)
{
        StoreDir dir = STORE_DIR_INIT;
        unsigned char *bytes, *sick;
        size_t n, told = 0;

        make(&dir);
        bytes = load(dir.file, &n);
        sick = malloc(n);
        ck_assert_ptr_nonnull(sick);
        srandom(5);
        for (int i = 0; i < 300; i++) {
                size_t n_pages = n / 4096, from = (size_t)random() % n_pages, to = from;

                /* Neighbours are likely to be of the same table. */
                while (to == from)
                        to = i % 2 ? (size_t)random() % n_pages
                                   : (from + n_pages + 4 - (size_t)random() % 9) % n_pages;
                memcpy(sick, bytes, n);
                memcpy(sick + to * 4096, bytes + from * 4096, 4096);
                save(dir.file, sick, n);
                told += examine(&dir);
        }
        ck_assert_uint_gt(told, 290);
        free(bytes);
        free(sick);
        store_dir_remove(&dir);
}
END_TEST

/* --- damage of one kind --------------------------------------------------------------------------------- */

static int note_row(void *user, const StoreSurvey *row)
{
        (void)user;
        (void)row;
        return 0;
}

/* Runs @text on a store of rows 1 to 2000; @expected is told then, once, by every way of reading. */
static void damage(const char *text, const char *expected, uint64_t n_damaged)
{
        StoreDir dir = STORE_DIR_INIT;
        Buffer json = BUFFER_NULL;
        Store *s;

        s = store_dir_open(&dir);
        store_put_rows(s, 1, 2000);
        store_close(s);
        store_run_sql(dir.file, text);
        s = store_dir_open(&dir);
        for (int round = 0; round < 2; round++) {
                ck_assert_int_eq(store_scan_surveys(s, 0, 0, note_row, NULL), 0);
                ck_assert_str_eq(buffer_str(&dir.told), expected);
                ck_assert_int_eq(store_read_recent(s, 0, INT64_MAX, note_row, NULL), 0);
        }
        ck_assert_uint_eq(damaged(s), n_damaged); /* each of them once */
        if (n_damaged)
                ck_assert_int_eq(store_get_survey(s, 1500, &json, NULL), -EBADMSG);
        /* A new version of the row heals it. */
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(
                store_put_survey(
                        s, &(StoreSurvey){.seq = 1500, .ts = 5, .source = TEXT("ivr"), .json = TEXT("{}")}),
                0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_int_eq(store_get_survey(s, 1500, &json, NULL), 0);
        ck_assert_str_eq(buffer_str(&json), "{}");
        store_close(s);
        buffer_deinit(&json);
        store_dir_remove(&dir);
}

START_TEST(changed_lost_and_foreign_rows_are_told_by_number)
{
        damage("SELECT 1", "", 0);
        damage("UPDATE survey SET json = '{}' WHERE seq = 1500", "survey 1500\n", 1);
        damage("UPDATE survey SET ts = ts + 1 WHERE seq = 1500", "survey 1500\n", 1);
        damage("UPDATE survey SET source = 'web' WHERE seq = 1500", "survey 1500\n", 1);
        damage("UPDATE survey SET crc = crc + 1 WHERE seq = 1500", "survey 1500\n", 1);
        damage("DELETE FROM survey WHERE seq = 1500", "survey 1500\n", 1);
        damage("DELETE FROM survey WHERE seq IN (1, 1023, 1024, 1500, 2000)",
               "survey 1\nsurvey 1023\nsurvey 1024\nsurvey 1500\nsurvey 2000\n", 5);
        damage("UPDATE survey SET seq = 2040 WHERE seq = 1500", "survey 1500\nsurvey 2040\n", 2);
        damage("UPDATE survey SET seq = 2000000 WHERE seq = 1500", "survey 1500\nsurvey 2000000\n", 2);
}
END_TEST

START_TEST(lost_blocks_are_made_anew_and_written)
{
        static const char *const ways[] = {
                "DELETE FROM block WHERE no = 1",
                "DELETE FROM block",
                "UPDATE block SET bits = zeroblob(128) WHERE no = 0",
                "UPDATE block SET no = 17 WHERE no = 1",
                "UPDATE block SET last = 99",
                "DELETE FROM meta",
                "UPDATE meta SET value = value + 1 WHERE key = 'blocks'",
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(ways); i++) {
                StoreDir dir = STORE_DIR_INIT;
                StoreInfo info;
                Store *s;

                s = store_dir_open(&dir);
                store_put_rows(s, 1, 2000);
                store_close(s);
                store_run_sql(dir.file, ways[i]);
                s = store_dir_open(&dir);
                ck_assert_int_eq(store_info(s, &info), 0);
                ck_assert_uint_gt(info.n_damaged, 0);
                ck_assert_uint_eq(info.n_surveys, 2000);
                ck_assert_uint_eq(info.last_seq, 2000);
                ck_assert_str_eq(store_dump_recent(s, 999000, 1001000), "1000 1000000 ivr {\"n\":1000}\n"
                                                                        "999 999000 ivr {\"n\":999}\n");
                store_put_alert_text(s, "a", 1, true, "x"); /* writes a lost count */
                store_put_feed_text(s, "p", 1, 1, "x");
                store_put_tally_text(s, 1, "org", "x");
                store_close(s);
                s = store_dir_open(&dir);
                ck_assert_uint_eq(damaged(s), 0);
                store_close(s);
                store_dir_remove(&dir);
        }
}
END_TEST

START_TEST(lost_and_changed_alerts_and_messages_are_counted)
{
        StoreDir dir = STORE_DIR_INIT;
        StoreScrub at = STORE_SCRUB_NULL;
        size_t n;
        Store *s;

        s = store_dir_open(&dir);
        store_put_alert_text(s, "a", 1, true, "one");
        store_put_alert_text(s, "b", 2, true, "two");
        store_put_alert_text(s, "c", 3, true, "three");
        store_put_feed_text(s, "maria", 1, 5, "one");
        store_put_feed_text(s, "maria", 2, 5, "two");
        store_put_feed_text(s, "maria", 3, 5, "three");
        store_close(s);
        store_run_sql(dir.file,
                      "DELETE FROM alert WHERE id = 'a'; DELETE FROM feed WHERE seq = 1;"
                      "UPDATE alert SET is_open = 0 WHERE id = 'b'; UPDATE feed SET seq = 9 WHERE seq = 2");
        s = store_dir_open(&dir);
        ck_assert_str_eq(store_dump_alerts(s), "c 3 open three\n");
        ck_assert_uint_eq(damaged(s), 2);
        ck_assert_str_eq(store_dump_feeds(s), "maria 3 5 three\n");
        ck_assert_uint_eq(damaged(s), 4);
        /* Each once, however often all are read: retention does so. */
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_feeds(s, 5, 100, &n), 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_uint_eq(damaged(s), 4);
        /* A check tells all of them again, those that are gone as well. */
        while (!at.complete)
                ck_assert_int_eq(store_scrub(s, &at, NULL, NULL), 0);
        ck_assert_uint_eq(at.n_damaged, 4);
        store_scrub_deinit(&at);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(changed_definitions_of_tables_are_refused)
{
        StoreDir dir = STORE_DIR_INIT;
        char error[256];
        Store *s;

        s = store_dir_open(&dir);
        store_put_rows(s, 1, 5);
        store_close(s);
        store_run_sql(
                dir.file,
                "PRAGMA writable_schema=ON;"
                "UPDATE sqlite_schema SET sql = replace(sql, 'ts INTEGER', 'ts BLOB') WHERE name = 'survey'");
        ck_assert_int_eq(store_open_sqlite(&s, dir.file, NULL, NULL, error, sizeof(error)), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(error, "damaged definitions"));
        store_dir_remove(&dir);
}
END_TEST

START_TEST(retention_removes_damaged_rows_only_with_all_of_their_block)
{
        StoreDir dir = STORE_DIR_INIT;
        StoreInfo info;
        size_t n;
        Store *s;

        s = store_dir_open(&dir);
        store_put_rows(s, 1, 1500);
        store_close(s);
        store_run_sql(dir.file, "UPDATE survey SET ts = 1 WHERE seq = 1000");
        s = store_dir_open(&dir);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_old(s, 900000, 10000, &n), 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_uint_eq(n, 899);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 601);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_old(s, 1024000, 10000, &n), 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_uint_eq(n, 123); /* and the damaged one */
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 477);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

CHECK_MAIN("store_damage", a_flipped_bit_never_goes_unnoticed, a_page_in_the_wrong_place_never_goes_unnoticed,
           changed_lost_and_foreign_rows_are_told_by_number, lost_blocks_are_made_anew_and_written,
           lost_and_changed_alerts_and_messages_are_counted, changed_definitions_of_tables_are_refused,
           retention_removes_damaged_rows_only_with_all_of_their_block)
