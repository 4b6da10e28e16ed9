/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the store is asked for while its content grows old: spans of time, deletion, tallies, marks (both kinds of store);
 * copies, checks and files of an earlier version (on disk).
 */

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/store.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

/* --- both kinds ----------------------------------------------------------------------------------------- */

BOTH(tallies_come_by_day_and_scope)
{
        Buffer counts = BUFFER_NULL;
        StoreInfo info;

        ck_assert_str_eq(store_dump_tallies(s), "");
        store_put_tally_text(s, 20001, "org", "one");
        store_put_tally_text(s, 20000, "team/alpha", "two");
        store_put_tally_text(s, 20000, "org", "three");
        store_put_tally_text(s, -3, "agent/ana", "four");
        store_put_tally_text(s, 20000, "org", "again");
        ck_assert_str_eq(store_dump_tallies(s), "-3 agent/ana four\n"
                                                "20000 org again\n"
                                                "20000 team/alpha two\n"
                                                "20001 org one\n");
        ck_assert_int_eq(store_get_tally(s, 20000, TEXT("org"), &counts), 0);
        ck_assert_str_eq(buffer_str(&counts), "again");
        ck_assert_int_eq(store_get_tally(s, 20000, TEXT("or"), &counts), STORE_E_NOT_FOUND);
        ck_assert_int_eq(store_get_tally(s, 20002, TEXT("org"), &counts), STORE_E_NOT_FOUND);
        ck_assert_str_eq(buffer_str(&counts), "again");
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_tallies, 4);
        ck_assert_uint_eq(info.n_damaged, 0);
        buffer_deinit(&counts);
}

static int take_tally(void *user, const StoreTally *row)
{
        buffer_append_format(user, "%d " TEXT_FMT ", ", row->day, TEXT_ARG(row->scope));
        return text_is(row->counts, "stop") ? 42 : 0;
}

BOTH(tallies_are_read_in_slices_and_go_by_day)
{
        Buffer got = BUFFER_NULL;
        size_t n = 777;

        store_put_tally_text(s, 1, "a", "x");
        store_put_tally_text(s, 1, "b", "x");
        store_put_tally_text(s, 2, "a", "x");
        store_put_tally_text(s, 2, "b", "stop");
        ck_assert_int_eq(store_scan_tallies(s, INT32_MIN, TEXT(""), 2, take_tally, &got), 0);
        ck_assert_str_eq(buffer_str(&got), "1 a, 1 b, ");
        ck_assert_int_eq(store_scan_tallies(s, 1, TEXT("b"), 2, take_tally, &got), 42);
        ck_assert_str_eq(buffer_str(&got), "1 a, 1 b, 2 a, 2 b, ");
        ck_assert_int_eq(store_scan_tallies(s, 2, TEXT("b"), 2, take_tally, &got), 0);
        ck_assert_str_eq(buffer_str(&got), "1 a, 1 b, 2 a, 2 b, ");
        buffer_deinit(&got);

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_tallies(s, 2, 1, &n), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(store_expire_tallies(s, 2, 10, &n), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(store_expire_tallies(s, 2, 10, &n), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_str_eq(store_dump_tallies(s), "2 a x\n2 b stop\n");
}

BOTH(tallies_and_marks_belong_to_the_transaction)
{
        StoreInfo info;
        int64_t mark = 5;
        size_t n;

        ck_assert_int_eq(
                store_put_tally(s, &(StoreTally){.day = 1, .scope = TEXT("org"), .counts = TEXT("x")}),
                -EINVAL);
        ck_assert_int_eq(store_put_mark(s, "m", 1), -EINVAL);
        ck_assert_int_eq(store_expire_tallies(s, 1, 1, &n), -EINVAL);
        ck_assert_int_eq(store_drop_surveys(s, 1, NULL, 0), -EINVAL);
        store_put_tally_text(s, 1, "org", "kept");
        store_put_rows(s, 1, 2);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(
                store_put_tally(s, &(StoreTally){.day = 1, .scope = TEXT("org"), .counts = TEXT("x")}), 0);
        ck_assert_int_eq(
                store_put_tally(s, &(StoreTally){.day = 2, .scope = TEXT("org"), .counts = TEXT("x")}), 0);
        ck_assert_int_eq(store_expire_tallies(s, 2, 10, &n), 0);
        ck_assert_int_eq(store_drop_surveys(s, 1001, (uint64_t[]){1}, 1), 0);
        ck_assert_int_eq(store_put_mark(s, "m", 1), 0);
        store_rollback(s);
        ck_assert_str_eq(store_dump_tallies(s), "1 org kept\n");
        ck_assert_str_eq(store_dump(s), "1 1000 ivr {\"n\":1}\n2 2000 ivr {\"n\":2}\n");
        ck_assert_int_eq(store_get_mark(s, "m", &mark), STORE_E_NOT_FOUND);
        ck_assert_int_eq(mark, 5);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_tallies, 1);

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_mark(s, "m", INT64_MIN), 0);
        ck_assert_int_eq(store_put_mark(s, "n", 7), 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_int_eq(store_get_mark(s, "m", &mark), 0);
        ck_assert(mark == INT64_MIN);
        ck_assert_int_eq(store_get_mark(s, "n", &mark), 0);
        ck_assert_int_eq(mark, 7);
        ck_assert_int_eq(store_erase(s), 0);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_erase(s), -EINVAL);
        store_rollback(s);
}

static int take_seq(void *user, const StoreSurvey *row)
{
        buffer_append_format(user, "%llu ", (unsigned long long)row->seq);
        return row->seq == 3500 ? 42 : 0;
}

BOTH(a_span_of_time_is_found_in_slices)
{
        Buffer seqs = BUFFER_NULL;
        uint64_t at = 0;

        store_put_rows(s, 1, 4000);
        /* A late one far behind. */
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(
                store_put_survey(
                        s, &(StoreSurvey){.seq = 9000, .ts = 2500, .source = TEXT("x"), .json = TEXT("{}")}),
                0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_int_eq(store_scan_span(s, 2000, 5000, &at, 100, take_seq, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), "2 3 4 9000 ");
        ck_assert_uint_eq(at, UINT64_MAX);
        buffer_reset(&seqs);
        at = 2;
        ck_assert_int_eq(store_scan_span(s, INT64_MIN, 5000, &at, 2, take_seq, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), "3 4 ");
        ck_assert_uint_eq(at, 4);
        ck_assert_int_eq(store_scan_span(s, INT64_MIN, 5000, &at, 2, take_seq, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), "3 4 9000 ");
        ck_assert_uint_eq(at, UINT64_MAX);
        at = 0;
        ck_assert_int_eq(store_scan_span(s, 3499000, INT64_MAX, &at, 100, take_seq, &seqs), 42);
        ck_assert_str_eq(buffer_str(&seqs), "3 4 9000 3499 3500 ");
        at = 0;
        ck_assert_int_eq(store_scan_span(s, 5000, 5000, &at, 100, take_seq, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), "3 4 9000 3499 3500 ");
        buffer_deinit(&seqs);
}

START_TEST(a_span_of_time_that_is_spread_is_read_some_at_a_time)
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = store_dir_open(&dir);
        Buffer seqs = BUFFER_NULL;
        uint64_t at = 0;

        store_put_rows(s, 1, 10000);
        ck_assert_int_eq(store_begin(s), 0);
        for (uint64_t seq = 600; seq < 10000; seq += 1024)
                ck_assert_int_eq(store_put_survey(s, &(StoreSurvey){.seq = seq,
                                                                    .ts = 500,
                                                                    .source = TEXT("x"),
                                                                    .json = TEXT("{}")}),
                                 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_int_eq(store_scan_span(s, 0, 1000, &at, 100, take_seq, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), "600 1624 2648 3672 ");
        ck_assert_uint_eq(at, 4095);
        ck_assert_int_eq(store_scan_span(s, 0, 1000, &at, 100, take_seq, &seqs), 0);
        ck_assert_int_eq(store_scan_span(s, 0, 1000, &at, 100, take_seq, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), "600 1624 2648 3672 4696 5720 6744 7768 8792 9816 ");
        ck_assert_uint_eq(at, UINT64_MAX);
        store_close(s);
        buffer_deinit(&seqs);
        store_dir_remove(&dir);
}
END_TEST

BOTH(a_survey_that_is_not_there_cannot_be_deleted)
{
        store_put_rows(s, 1, 3);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_drop_surveys(s, 9000, (uint64_t[]){1, 7}, 2), -ENOENT);
        ck_assert_str_eq(store_error(s), "survey number 7 is not there; the transaction was rolled back");
        ck_assert_str_eq(store_dump(s), "1 1000 ivr {\"n\":1}\n2 2000 ivr {\"n\":2}\n3 3000 ivr {\"n\":3}\n");
}

BOTH(a_check_of_everything_ends)
{
        StoreScrub at = STORE_SCRUB_NULL;
        unsigned n = 0;

        store_put_rows(s, 1, 5000);
        for (int32_t day = 0; day < 3000; day++) {
                if (day % 1000 == 0)
                        ck_assert_int_eq(store_begin(s), 0);
                ck_assert_int_eq(
                        store_put_tally(
                                s, &(StoreTally){.day = day, .scope = TEXT("org"), .counts = TEXT("x 1:1")}),
                        0);
                if (day % 1000 == 999)
                        ck_assert_int_eq(store_commit(s), 0);
        }
        for (uint64_t i = 1; i <= 3; i++)
                store_put_feed_text(s, "maria", i, 5, "feed");
        store_put_alert_text(s, "a1", 5, true, "alert");
        while (!at.complete) {
                ck_assert_int_eq(store_scrub(s, &at, NULL, NULL), 0);
                ck_assert_uint_lt(n++, 100);
        }
        ck_assert_uint_ge(at.n_rows, 8004);
        ck_assert_uint_eq(at.n_damaged, 0);
        store_scrub_deinit(&at);
}

/* --- on disk -------------------------------------------------------------------------------------------- */

static bool file_contains(const char *file, const char *suffix, const char *text)
{
        char path[128];
        Buffer all = BUFFER_NULL;
        bool found;
        FILE *f;

        snprintf(path, sizeof(path), "%s%s", file, suffix);
        f = fopen(path, "rb");
        if (!f)
                return false;
        for (char *to; (to = buffer_reserve(&all, 1 << 16));) {
                size_t n = fread(to, 1, 1 << 16, f);

                all.n += n;
                if (n == 0)
                        break;
        }
        fclose(f);
        found = memmem(all.data, all.n, text, strlen(text)) != NULL;
        buffer_deinit(&all);
        return found;
}

START_TEST(what_was_replaced_or_deleted_is_nowhere_on_the_disk)
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = store_dir_open(&dir);

        store_put_rows(s, 1, 50);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(
                store_put_survey(
                        s,
                        &(StoreSurvey){.seq = 51, .ts = 1, .source = TEXT("x"), .json = TEXT("SECRET-ONE")}),
                0);
        ck_assert_int_eq(
                store_put_survey(
                        s,
                        &(StoreSurvey){.seq = 52, .ts = 1, .source = TEXT("x"), .json = TEXT("SECRET-TWO")}),
                0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert(file_contains(dir.file, "-wal", "SECRET-ONE"));
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(
                store_put_survey(
                        s, &(StoreSurvey){.seq = 51, .ts = 1, .source = TEXT("x"), .json = TEXT("SHORT")}),
                0);
        ck_assert_int_eq(store_drop_surveys(s, 2, (uint64_t[]){52}, 1), 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_int_eq(store_erase(s), 0);
        ck_assert(file_contains(dir.file, "", "SHORT"));
        ck_assert(!file_contains(dir.file, "", "SECRET") && !file_contains(dir.file, "-wal", "SECRET"));
        store_put_rows(s, 60, 1); /* and on it goes */
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

static void name_damage(void *user, const char *what)
{
        buffer_append_format(user, "%s\n", what);
}

START_TEST(a_check_names_what_is_damaged_and_goes_on_behind_it)
{
        StoreDir dir = STORE_DIR_INIT;
        Buffer names = BUFFER_NULL;
        StoreInfo info;
        Store *s;

        s = store_dir_open(&dir);
        store_put_rows(s, 1, 3000);
        store_put_alert_text(s, "a1", 5, true, "alert");
        store_put_alert_text(s, "a2", 5, true, "alert");
        store_put_feed_text(s, "maria", 1, 5, "feed");
        store_put_tally_text(s, 20000, "org", "x 1:1");
        store_put_tally_text(s, 20001, "org", "x 1:1");
        store_close(s);
        store_run_sql(dir.file,
                      "UPDATE survey SET ts = ts + 1 WHERE seq = 2000; DELETE FROM survey WHERE seq = 2999;"
                      "UPDATE alert SET json = 'alerz' WHERE id = 'a1';"
                      "UPDATE feed SET at = 6; UPDATE tally SET counts = 'x 1:2' WHERE day = 20000");
        s = store_dir_open(&dir);
        for (int pass = 0; pass < 2; pass++) {
                StoreScrub at = STORE_SCRUB_NULL;

                buffer_reset(&names);
                while (!at.complete)
                        ck_assert_int_eq(store_scrub(s, &at, name_damage, &names), 0);
                ck_assert_uint_eq(at.n_damaged, 5);
                ck_assert_str_eq(buffer_str(&names), "survey 2000\nsurvey 2999\nalert a1\nfeed maria 1\n"
                                                     "tally 20000 org\n");
                ck_assert_str_eq(buffer_str(&dir.told), buffer_str(&names)); /* once */
                ck_assert_int_eq(store_info(s, &info), 0);
                ck_assert_uint_eq(info.n_damaged, 5);
                store_scrub_deinit(&at);
        }
        ck_assert_str_eq(store_dump_tallies(s), "20001 org x 1:1\n");
        ck_assert_int_eq(store_get_tally(s, 20000, TEXT("org"), &names), -EBADMSG);
        store_put_tally_text(s, 20000, "org", "x 1:3"); /* what is written anew is good again */
        ck_assert_str_eq(store_dump_tallies(s), "20000 org x 1:3\n20001 org x 1:1\n");
        store_close(s);
        buffer_deinit(&names);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(a_file_is_verified_without_being_touched)
{
        StoreDir dir = STORE_DIR_INIT;
        StoreVerified v = {0};
        Buffer names = BUFFER_NULL;
        char error[256] = "", wal[128];
        struct stat before, after;
        Store *s;

        s = store_dir_open(&dir);
        store_put_rows(s, 1, 3000);
        store_put_alert_text(s, "a1", 5, true, "alert");
        store_put_alert_text(s, "a2", 6, true, "alert");
        store_put_tally_text(s, 20000, "org", "x 1:1");
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_mark(s, "x", 1), 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_int_eq(store_verify_sqlite(dir.file, name_damage, &names, &v, error, sizeof(error)),
                         STORE_E_LOCKED);
        ck_assert_ptr_nonnull(strstr(error, "in use by another process"));
        store_close(s);

        ck_assert_int_eq(stat(dir.file, &before), 0);
        ck_assert_int_eq(chmod(dir.path, 0500), 0); /* nothing can be put beside it */
        ck_assert_int_eq(store_verify_sqlite(dir.file, name_damage, &names, &v, error, sizeof(error)), 0);
        ck_assert_int_eq(chmod(dir.path, 0700), 0);
        ck_assert_uint_eq(v.n_damaged, 0);
        ck_assert_uint_ge(v.n_rows, 3003);
        ck_assert_uint_eq(names.n, 0);
        ck_assert_int_eq(stat(dir.file, &after), 0);
        ck_assert(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
                  before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
        snprintf(wal, sizeof(wal), "%s-wal", dir.file);
        ck_assert_int_ne(access(wal, F_OK), 0);

        store_run_sql(
                dir.file,
                "DELETE FROM survey WHERE seq = 7; DELETE FROM alert WHERE id = 'a2';"
                "UPDATE tally SET counts = 'y' WHERE day = 20000; UPDATE block SET last = 1 WHERE no = 1;"
                "UPDATE meta SET value = 2 WHERE key = 'mark x';");
        ck_assert_int_eq(store_verify_sqlite(dir.file, name_damage, &names, &v, error, sizeof(error)), 0);
        ck_assert_ptr_nonnull(strstr(buffer_str(&names), "survey 7\n"));
        ck_assert_ptr_nonnull(strstr(buffer_str(&names), "block 1\n"));
        ck_assert_ptr_nonnull(strstr(buffer_str(&names), "1 alerts that are lost\n"));
        ck_assert_ptr_nonnull(strstr(buffer_str(&names), "tally 20000 org\n"));
        ck_assert_ptr_nonnull(strstr(buffer_str(&names), "number mark x\n"));
        ck_assert_uint_eq(v.n_damaged, 6); /* these, and the index */
        ck_assert_int_eq(store_verify_sqlite("/nonexistent/x", NULL, NULL, &v, error, sizeof(error)),
                         -ENOENT);
        ck_assert_int_eq(store_verify_sqlite("/dev/null", NULL, NULL, &v, error, sizeof(error)), -EINVAL);
        ck_assert_int_eq(store_verify_sqlite("/", NULL, NULL, &v, error, sizeof(error)), -EINVAL);
        ck_assert_str_eq(error, "/ is not a regular file");
        ck_assert_int_eq(unlink(dir.file), 0);
        ck_assert_int_eq(mkfifo(dir.file, 0600), 0);
        ck_assert_int_eq(store_verify_sqlite(dir.file, NULL, NULL, &v, error, sizeof(error)), -EINVAL);
        store_dir_remove(&dir);

        store_close(store_dir_open(&dir));
        store_run_sql(dir.file, "UPDATE meta SET value = 9 WHERE key = 'alerts'");
        buffer_reset(&names);
        ck_assert_int_eq(store_verify_sqlite(dir.file, name_damage, &names, &v, error, sizeof(error)), 0);
        ck_assert_str_eq(buffer_str(&names), "number alerts\n"); /* and no index */
        ck_assert_uint_eq(v.n_damaged, 1);
        buffer_deinit(&names);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(a_copy_is_the_store_as_of_its_last_step)
{
        StoreDir dir = STORE_DIR_INIT, other = STORE_DIR_INIT;
        Buffer expected = BUFFER_NULL;
        StoreVerified v = {0};
        char error[256] = "";
        uint64_t seq = 4001;
        Store *s;
        int r;

        store_dir_make(&other);
        s = store_dir_open(&dir);
        store_put_rows(s, 1, 4000);
        ck_assert_int_eq(store_copy_step(s, 1), -EINVAL);
        ck_assert_int_eq(store_copy_begin(s, "/nonexistent/copy"), -EIO);
        ck_assert_int_eq(store_copy_begin(s, other.file), 0);
        ck_assert_int_eq(store_copy_begin(s, other.file), -EBUSY);
        while ((r = store_copy_step(s, 3)) == 1) {
                /* Changes go on, in pages that were copied already, too. */
                if (seq < 4100) {
                        store_put_rows(s, seq, 1);
                        store_put_rows(s, seq - 4000, 1);
                        ck_assert_int_eq(store_begin(s), 0);
                        ck_assert_int_eq(store_drop_surveys(s, INT64_MAX, (uint64_t[]){seq - 1000}, 1), 0);
                        ck_assert_int_eq(store_commit(s), 0);
                        seq++;
                }
        }
        ck_assert_int_eq(r, 0);
        ck_assert_uint_gt(seq, 4010);
        buffer_append_str(&expected, store_dump(s));
        store_put_rows(s, 5000, 1); /* not in the copy */
        store_close(s);
        ck_assert_int_eq(store_verify_sqlite(other.file, NULL, NULL, &v, error, sizeof(error)), 0);
        ck_assert_uint_eq(v.n_damaged, 0);
        s = store_dir_open(&other);
        ck_assert_str_eq(store_dump(s), buffer_str(&expected));
        store_put_rows(s, 6000, 1);
        store_close(s);
        buffer_deinit(&expected);
        store_dir_remove(&dir);
        store_dir_remove(&other);
}
END_TEST

START_TEST(a_copy_that_is_given_up_leaves_the_store_alone)
{
        StoreDir dir = STORE_DIR_INIT, other = STORE_DIR_INIT;
        Store *s;

        store_dir_make(&other);
        s = store_dir_open(&dir);
        store_put_rows(s, 1, 4000);
        ck_assert_int_eq(store_copy_begin(s, other.file), 0);
        ck_assert_int_eq(store_copy_step(s, 1), 1);
        store_copy_end(s);
        store_copy_end(s);
        store_put_rows(s, 4001, 1);
        ck_assert_int_eq(store_copy_begin(s, other.file), 0);
        ck_assert_int_eq(store_copy_step(s, 1), 1);
        store_close(s); /* ends it */
        store_dir_remove(&other);
        store_dir_remove(&dir);
}
END_TEST

CHECK_MAIN("store_life", tallies_come_by_day_and_scope, tallies_are_read_in_slices_and_go_by_day,
           tallies_and_marks_belong_to_the_transaction, a_span_of_time_is_found_in_slices,
           a_span_of_time_that_is_spread_is_read_some_at_a_time, a_survey_that_is_not_there_cannot_be_deleted,
           a_check_of_everything_ends, what_was_replaced_or_deleted_is_nowhere_on_the_disk,
           a_check_names_what_is_damaged_and_goes_on_behind_it, a_file_is_verified_without_being_touched,
           a_copy_is_the_store_as_of_its_last_step, a_copy_that_is_given_up_leaves_the_store_alone)
