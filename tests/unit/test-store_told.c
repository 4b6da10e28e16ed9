/* SPDX-License-Identifier: Apache-2.0 */

/* Who opens a store is told of each damaged row once, whichever verb meets it first. */

#include <errno.h>

#include "daemon/store/store.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

#define N_SURVEYS 2000

static int pass_survey(void *user CX_UNUSED, const StoreSurvey *row CX_UNUSED)
{
        return 0;
}

static int pass_tally(void *user CX_UNUSED, const StoreTally *row CX_UNUSED)
{
        return 0;
}

/* Errors because of a damaged row are what is asked for. */
static void check(int r)
{
        ck_assert_msg(r == 0 || r == -EBADMSG || r == STORE_E_NOT_FOUND, "%d", r);
}

/* --- every way of reading ------------------------------------------------------------------------------- */

static void all_surveys(Store *s)
{
        check(store_scan_surveys(s, 0, 0, pass_survey, NULL));
}

static void surveys_of_a_time(Store *s)
{
        uint64_t at = 0;

        check(store_scan_span(s, INT64_MIN, 2000, &at, 1000, pass_survey, NULL));
}

static void newest_surveys(Store *s)
{
        check(store_read_recent(s, 0, INT64_MAX, pass_survey, NULL));
}

static void one_survey(Store *s)
{
        Buffer json = BUFFER_NULL;

        check(store_get_survey(s, 7, &json, NULL));
        buffer_deinit(&json);
}

static void old_surveys(Store *s)
{
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_drop_surveys(s, 2000000000, NULL, 0), 0);
        store_rollback(s);
}

static void alerts(Store *s)
{
        (void)store_dump_alerts(s);
}

static void messages(Store *s)
{
        (void)store_dump_feeds(s);
}

static void old_messages(Store *s)
{
        size_t n;

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_feeds(s, 100, 10, &n), 0);
        store_rollback(s);
}

static void all_tallies(Store *s)
{
        check(store_scan_tallies(s, INT32_MIN, TEXT(""), 0, pass_tally, NULL));
}

static void old_tallies(Store *s)
{
        size_t n;

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_tallies(s, 30000, 10, &n), 0);
        store_rollback(s);
}

static void one_tally(Store *s)
{
        Buffer counts = BUFFER_NULL;

        check(store_get_tally(s, 20000, TEXT("org"), &counts));
        buffer_deinit(&counts);
}

static void mark(Store *s)
{
        int64_t value;

        check(store_get_mark(s, "m", &value));
}

static void everything(Store *s)
{
        StoreScrub at = STORE_SCRUB_NULL;

        while (!at.complete)
                ck_assert_int_eq(store_scrub(s, &at, NULL, NULL), 0);
        store_scrub_deinit(&at);
}

static Store *open_filled(StoreDir *dir, const char *damage)
{
        Store *s = store_dir_open(dir);

        store_put_rows(s, 1, N_SURVEYS);
        store_put_alert_text(s, "a1", 5, true, "alert");
        store_put_alert_text(s, "a2", 6, true, "alert");
        store_put_feed_text(s, "maria", 1, 5, "feed");
        store_put_feed_text(s, "maria", 2, 6, "feed");
        store_put_tally_text(s, 20000, "org", "x 1:1");
        store_put_tally_text(s, 20000, "team/alpha", "x 1:1");
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_mark(s, "m", 1), 0);
        ck_assert_int_eq(store_commit(s), 0);
        store_close(s);
        store_run_sql(dir->file, damage);
        return store_dir_open(dir);
}

static uint64_t n_damaged(Store *s)
{
        StoreInfo info;

        ck_assert_int_eq(store_info(s, &info), 0);
        return info.n_damaged;
}

START_TEST(a_damaged_row_is_told_once_whoever_meets_it_first)
{
        static const char survey[] = "UPDATE survey SET json = '{}' WHERE seq = 7";
        static const char lost_survey[] = "DELETE FROM survey WHERE seq = 7";
        static const char feed[] = "UPDATE feed SET at = 7 WHERE seq = 1";
        static const char tally[] = "UPDATE tally SET counts = 'y' WHERE scope = 'org'";
        static const struct {
                void (*first)(Store *s);
                const char *damage, *told;
        } ways[] = {
                {all_surveys, survey, "survey 7\n"},
                {all_surveys, lost_survey, "survey 7\n"},
                {surveys_of_a_time, survey, "survey 7\n"},
                {surveys_of_a_time, lost_survey, "survey 7\n"},
                {newest_surveys, survey, "survey 7\n"},
                {newest_surveys, lost_survey, "survey 7\n"},
                {one_survey, survey, "survey 7\n"},
                {one_survey, lost_survey, "survey 7\n"},
                {old_surveys, survey, "survey 7\n"},
                {alerts, "UPDATE alert SET is_open = 0 WHERE id = 'a1'", "alert a1\n"},
                {alerts, "DELETE FROM alert WHERE id = 'a1'", "1 alerts that are lost\n"},
                {messages, feed, "feed maria 1\n"},
                {old_messages, feed, "feed maria 1\n"},
                {old_messages, "DELETE FROM feed WHERE seq = 1", "1 feed messages that are lost\n"},
                {all_tallies, tally, "tally 20000 org\n"},
                {all_tallies, "DELETE FROM tally WHERE scope = 'org'", "1 tallies that are lost\n"},
                {old_tallies, tally, "tally 20000 org\n"},
                {one_tally, tally, "tally 20000 org\n"},
                {mark, "UPDATE meta SET value = 2 WHERE key = 'mark m'", "number mark m\n"},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(ways); i++) {
                StoreDir dir = STORE_DIR_INIT;
                Store *s = open_filled(&dir, ways[i].damage);

                ck_assert_str_eq(buffer_str(&dir.told), "");
                ways[i].first(s);
                ck_assert_msg(text_is(buffer_text(&dir.told), ways[i].told), "%zu: %s", i,
                              buffer_str(&dir.told));
                /* And then everybody else. */
                for (size_t k = 0; k < CX_ARRAY_LEN(ways); k++)
                        ways[k].first(s);
                everything(s);
                ck_assert_msg(text_is(buffer_text(&dir.told), ways[i].told), "%zu: %s", i,
                              buffer_str(&dir.told));
                ck_assert_uint_eq(n_damaged(s), 1);
                store_close(s);
                store_dir_remove(&dir);
        }
}
END_TEST

START_TEST(what_opening_meets_is_told_as_well)
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = open_filled(&dir, "UPDATE meta SET value = 9 WHERE key = 'alerts';"
                                     "DELETE FROM block WHERE no = 1");

        ck_assert_str_eq(buffer_str(&dir.told), "index of what is stored\nnumber alerts\n");
        everything(s);
        ck_assert_str_eq(buffer_str(&dir.told), "index of what is stored\nnumber alerts\n");
        store_close(s);
        store_dir_remove(&dir);

        s = open_filled(&dir, "UPDATE meta SET value = 9 WHERE key = 'blocks'");
        everything(s); /* it has been mended */
        ck_assert_str_eq(buffer_str(&dir.told), "index of what is stored\n");
        ck_assert_uint_eq(n_damaged(s), 1);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(names_may_be_in_any_language_and_what_is_no_text_is_made_one)
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = store_dir_open(&dir);

        store_put_tally_text(s, 1, "agent/Jos\xc3\xa9", "x 1:1");
        store_put_tally_text(s, 1, "agent/Jos\xc3\xa1", "x 1:1");
        store_put_tally_text(s, 2, "agent/\n\xff", "x 1:1");
        store_put_tally_text(s, 2, "agent/\r\xff", "x 1:1");
        store_close(s);
        store_run_sql(dir.file, "UPDATE tally SET counts = 'y'");
        s = store_dir_open(&dir);
        for (int round = 0; round < 2; round++)
                all_tallies(s);
        ck_assert_str_eq(buffer_str(&dir.told), "tally 1 agent/Jos\xc3\xa1\ntally 1 agent/Jos\xc3\xa9\n"
                                                "tally 2 agent/??\ntally 2 agent/??\n");
        ck_assert_uint_eq(n_damaged(s), 4);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(thousands_of_rows_are_told_once_each)
{
        enum {
                N_TALLIES = 5000,
        };
        StoreDir dir = STORE_DIR_INIT;
        Store *s = store_dir_open(&dir);
        size_t n = 0;

        store_put_rows(s, 1, N_SURVEYS);
        ck_assert_int_eq(store_begin(s), 0);
        for (int32_t day = 0; day < N_TALLIES; day++)
                ck_assert_int_eq(
                        store_put_tally(
                                s, &(StoreTally){.day = day, .scope = TEXT("org"), .counts = TEXT("x 1:1")}),
                        0);
        ck_assert_int_eq(store_commit(s), 0);
        store_close(s);
        store_run_sql(dir.file, "UPDATE tally SET counts = 'y'; UPDATE survey SET json = '{}'");
        s = store_dir_open(&dir);
        for (int round = 0; round < 2; round++) {
                all_surveys(s);
                all_tallies(s);
        }
        for (size_t i = 0; i < dir.told.n; i++)
                n += dir.told.data[i] == '\n';
        ck_assert_uint_eq(n, N_SURVEYS + N_TALLIES);
        ck_assert_uint_eq(n_damaged(s), N_SURVEYS + N_TALLIES);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

CHECK_MAIN("store_told", a_damaged_row_is_told_once_whoever_meets_it_first,
           what_opening_meets_is_told_as_well, names_may_be_in_any_language_and_what_is_no_text_is_made_one,
           thousands_of_rows_are_told_once_each)
