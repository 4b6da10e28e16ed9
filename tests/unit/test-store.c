/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What store.h promises, of both kinds of store: every test runs twice.
 */

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/store/store.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

BOTH(what_was_put_is_read_back)
{
        Buffer json = BUFFER_NULL;

        store_put_rows(s, 1, 3);
        ck_assert_str_eq(store_dump(s), "1 1000 ivr {\"n\":1}\n"
                                        "2 2000 ivr {\"n\":2}\n"
                                        "3 3000 ivr {\"n\":3}\n");
        ck_assert_int_eq(store_get_survey(s, 2, &json, NULL), 0);
        ck_assert_str_eq(buffer_str(&json), "{\"n\":2}");
        ck_assert_int_eq(store_get_survey(s, 3, &json, NULL), 0);
        ck_assert_str_eq(buffer_str(&json), "{\"n\":2}{\"n\":3}");
        ck_assert_int_eq(store_get_survey(s, 4, &json, NULL), STORE_E_NOT_FOUND);
        ck_assert_int_eq(store_get_survey(s, 0, &json, NULL), STORE_E_NOT_FOUND);
        ck_assert_int_eq(store_get_survey(s, UINT64_MAX, &json, NULL), STORE_E_NOT_FOUND);
        buffer_deinit(&json);
}

BOTH(any_bytes_are_kept)
{
        const StoreSurvey row = {.seq = 1, .ts = -5, .source = TEXT(""), .json = TEXT("a\0b\xff\"'")};
        StoreInfo info;

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_survey(s, &row), 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert(store_holds(s, &row));
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 1);
        ck_assert_uint_gt(info.bytes, 0);
        ck_assert_uint_eq(info.n_damaged, 0);
}

BOTH(a_revision_takes_the_place_of_its_row)
{
        store_put_rows(s, 1, 3);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(
                store_put_survey(
                        s, &(StoreSurvey){.seq = 2, .ts = 9000, .source = TEXT("web"), .json = TEXT("{}")}),
                0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_str_eq(store_dump(s), "1 1000 ivr {\"n\":1}\n"
                                        "2 9000 web {}\n"
                                        "3 3000 ivr {\"n\":3}\n");
        ck_assert_str_eq(store_dump_recent(s, 0, 10000), "2 9000 web {}\n"
                                                         "3 3000 ivr {\"n\":3}\n"
                                                         "1 1000 ivr {\"n\":1}\n");
}

BOTH(many_at_once_are_put_in_their_order)
{
        enum { N = 1000 };
        static StoreSurvey rows[N];
        Buffer json = BUFFER_NULL;
        StoreInfo info;

        for (size_t i = 0; i < N; i++)
                rows[i] = (StoreSurvey){.seq = i + 1, .source = TEXT("ivr"), .json = TEXT("{}")};
        /* One comes again while they are written, and the last one is changed at once. */
        rows[500] = (StoreSurvey){.seq = 3, .ts = 5, .source = TEXT("web"), .json = TEXT("early")};
        rows[N - 1] = (StoreSurvey){.seq = N - 1, .ts = 7, .source = TEXT("web"), .json = TEXT("late")};
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_surveys(s, rows, N), 0);
        ck_assert_int_eq(store_put_surveys(s, NULL, 0), 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_str_eq(store_dump_recent(s, 1, 10), "999 7 web late\n3 5 web early\n");
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, N - 2);
        ck_assert_uint_eq(info.last_seq, N - 1);

        /* One that cannot be put undoes what was put before. */
        for (size_t i = 0; i < N; i++)
                rows[i].seq = N + i;
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_surveys(s, rows, N / 2), 0);
        rows[N - 1].seq = 0;
        ck_assert_int_eq(store_put_surveys(s, rows + N / 2, N / 2), -EINVAL);
        ck_assert_int_eq(store_commit(s), -EINVAL);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, N - 2);
        ck_assert_uint_eq(info.last_seq, N - 1);
        ck_assert_int_eq(store_get_survey(s, N, &json, NULL), STORE_E_NOT_FOUND);
        buffer_deinit(&json);
}

BOTH(a_rollback_undoes_everything)
{
        Buffer json = BUFFER_NULL;
        StoreInfo info;
        size_t n;

        store_put_rows(s, 1, 2);
        store_put_alert_text(s, "a1", 5, true, "one");
        store_put_feed_text(s, "maria", 1, 5, "one");

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(
                store_put_survey(s,
                                 &(StoreSurvey){.seq = 1, .ts = 7, .source = TEXT("x"), .json = TEXT("x")}),
                0);
        ck_assert_int_eq(
                store_put_survey(
                        s, &(StoreSurvey){.seq = 5000, .ts = 1, .source = TEXT("x"), .json = TEXT("y")}),
                0);
        ck_assert_int_eq(store_expire_old(s, 100, 10, &n), 0);
        ck_assert_uint_eq(n, 2);
        ck_assert_int_eq(
                store_put_alert(s, &(StoreAlert){.id = TEXT("a1"), .json = TEXT("two"), .changed = 6}), 0);
        ck_assert_int_eq(
                store_put_alert(s, &(StoreAlert){.id = TEXT("a2"), .json = TEXT("new"), .changed = 7}), 0);
        ck_assert_int_eq(store_get_survey(s, 2, &json, NULL), 0); /* what is not committed yet is seen */
        ck_assert_int_eq(store_get_survey(s, 1, &json, NULL), STORE_E_NOT_FOUND);
        ck_assert_int_eq(store_get_survey(s, 5000, &json, NULL), STORE_E_NOT_FOUND);
        buffer_deinit(&json);
        store_rollback(s);

        ck_assert_str_eq(store_dump(s), "1 1000 ivr {\"n\":1}\n"
                                        "2 2000 ivr {\"n\":2}\n");
        ck_assert_str_eq(store_dump_alerts(s), "a1 5 open one\n");
        ck_assert_str_eq(store_dump_feeds(s), "maria 1 5 one\n");
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 2);
        ck_assert_uint_eq(info.last_seq, 2);

        /* And the store goes on. */
        store_put_rows(s, 3, 1);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 3);
}

BOTH(changes_need_a_transaction)
{
        const StoreSurvey row = {.seq = 1, .source = TEXT("ivr"), .json = TEXT("{}")};
        const StoreFeed feed = {.principal = TEXT("maria"), .seq = 1, .json = TEXT("{}")};
        const StoreAlert alert = {.id = TEXT("a1"), .json = TEXT("{}")};
        size_t n;

        ck_assert_int_eq(store_put_survey(s, &row), -EINVAL);
        ck_assert_int_eq(store_put_alert(s, &alert), -EINVAL);
        ck_assert_int_eq(store_put_feed(s, &feed), -EINVAL);
        ck_assert_int_eq(store_expire_old(s, 5, 5, &n), -EINVAL);
        ck_assert_int_eq(store_commit(s), -EINVAL);
        ck_assert_str_eq(store_error(s), "no transaction is open");
        store_rollback(s);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_begin(s), -EINVAL);
        ck_assert_int_eq(store_put_survey(s, &row), 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_str_eq(store_dump(s), "1 0 ivr {}\n");
}

BOTH(a_failed_change_ends_the_transaction_and_says_so)
{
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(
                store_put_survey(s, &(StoreSurvey){.seq = 1, .source = TEXT("a"), .json = TEXT("b")}), 0);
        ck_assert_int_eq(
                store_put_survey(s, &(StoreSurvey){.seq = 0, .source = TEXT("a"), .json = TEXT("b")}),
                -EINVAL);
        ck_assert_str_eq(store_error(s), "0 is no number of a row; the transaction was rolled back");
        ck_assert_int_eq(
                store_put_survey(s, &(StoreSurvey){.seq = 2, .source = TEXT("a"), .json = TEXT("b")}),
                -EINVAL);
        ck_assert_int_eq(store_commit(s), -EINVAL);
        ck_assert_str_eq(store_dump(s), "");
}

static void append_seq(void *user, const StoreSurvey *row)
{
        buffer_append_format(user, "%llu ", (unsigned long long)row->seq);
}

static int take_seq(void *user, const StoreSurvey *row)
{
        append_seq(user, row);
        return 0;
}

static int stop_at_three(void *user, const StoreSurvey *row)
{
        append_seq(user, row);
        return row->seq == 3 ? 42 : 0;
}

static int stop_at_3100(void *user, const StoreSurvey *row)
{
        append_seq(user, row);
        return row->seq == 3100 ? 42 : 0;
}

BOTH(scans_go_in_slices)
{
        Buffer seqs = BUFFER_NULL;

        store_put_rows(s, 1, 5);
        store_put_rows(s, 3000, 2);
        ck_assert_int_eq(store_scan_surveys(s, 0, 3, take_seq, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), "1 2 3 ");
        /* Between two slices the store may change. */
        store_put_rows(s, 6, 1);
        ck_assert_int_eq(store_scan_surveys(s, 3, 3, take_seq, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), "1 2 3 4 5 6 ");
        ck_assert_int_eq(store_scan_surveys(s, 6, 3, take_seq, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), "1 2 3 4 5 6 3000 3001 ");
        ck_assert_int_eq(store_scan_surveys(s, 3001, 3, take_seq, &seqs), 0);
        ck_assert_int_eq(store_scan_surveys(s, UINT64_MAX - 1, 0, take_seq, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), "1 2 3 4 5 6 3000 3001 ");

        buffer_reset(&seqs);
        ck_assert_int_eq(store_scan_surveys(s, 1, 0, stop_at_three, &seqs), 42);
        ck_assert_int_eq(store_scan_surveys(s, 1, 2, stop_at_three, &seqs), 42);
        ck_assert_int_eq(store_read_recent(s, 0, 6000, stop_at_three, &seqs), 42);
        ck_assert_str_eq(buffer_str(&seqs), "2 3 2 3 1 2 3 ");
        buffer_deinit(&seqs);
}

/* A reference: all rows, sorted by hand. */
typedef struct Point {
        usec_t ts;
        uint64_t seq;
} Point;

static int newest_first(const void *a, const void *b)
{
        const Point *x = a, *y = b;

        return x->ts != y->ts ? (x->ts < y->ts ? 1 : -1) : (x->seq < y->seq ? 1 : -1);
}

BOTH(the_newest_are_found_whatever_the_order_of_arrival)
{
        enum { N = 6000 };
        static Point points[N];
        Buffer expected = BUFFER_NULL;
        const usec_t since = 1500000, until = 5200000;

        srandom(7);
        ck_assert_int_eq(store_begin(s), 0);
        for (uint64_t i = 0; i < N; i++) {
                /* mostly in order, some late by a little, a few by a lot, many equal */
                usec_t ts = (usec_t)(i / 3 * 3) * 1000;

                if (random() % 10 == 0)
                        ts -= random() % 5000;
                if (random() % 500 == 0)
                        ts = random() % (N * 1000);
                points[i] = (Point){.ts = ts, .seq = i + 1};
                ck_assert_int_eq(store_put_survey(s, &(StoreSurvey){.seq = i + 1,
                                                                    .ts = ts,
                                                                    .source = TEXT("ivr"),
                                                                    .json = TEXT("{}")}),
                                 0);
        }
        ck_assert_int_eq(store_commit(s), 0);
        qsort(points, N, sizeof(points[0]), newest_first);
        for (size_t i = 0; i < N; i++)
                if (points[i].ts >= since && points[i].ts < until)
                        buffer_append_format(&expected, "%llu %lld ivr {}\n",
                                             (unsigned long long)points[i].seq, (long long)points[i].ts);
        ck_assert_uint_gt(expected.n, 10000);
        ck_assert_str_eq(store_dump_recent(s, since, until), buffer_str(&expected));
        ck_assert_str_eq(store_dump_recent(s, until, since), "");
        buffer_deinit(&expected);
}

/* About a thousand with each call, and one that was not taken comes again. */
START_TEST(the_newest_come_in_pieces)
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = store_dir_open(&dir);
        StoreRecent at = STORE_RECENT(2000000, INT64_MAX);
        Buffer seqs = BUFFER_NULL;

        store_put_rows(s, 1, 5000);
        ck_assert_int_eq(store_scan_recent(s, &at, stop_at_three, &seqs), 0);
        ck_assert_int_eq(at.rest, 4095000);
        ck_assert_ptr_nonnull(strstr(buffer_str(&seqs), "4096 "));
        ck_assert_ptr_nonnull(strstr(buffer_str(&seqs), " 5000 "));
        buffer_reset(&seqs);
        ck_assert_int_eq(store_scan_recent(s, &at, stop_at_3100, &seqs), 42);
        ck_assert_int_eq(at.rest, 4095000);
        /* What comes meanwhile changes nothing. */
        store_put_rows(s, 5001, 2000);
        ck_assert_int_eq(store_scan_recent(s, &at, take_seq, &seqs), 0);
        ck_assert_ptr_nonnull(strstr(buffer_str(&seqs), "3099 3100 3100 3101 "));
        ck_assert_int_eq(at.rest, 3071000);
        buffer_reset(&seqs);
        while (at.rest > INT64_MIN)
                ck_assert_int_eq(store_scan_recent(s, &at, take_seq, &seqs), 0);
        ck_assert_uint_eq(strncmp(buffer_str(&seqs), "2048 ", 5), 0);
        ck_assert_ptr_nonnull(strstr(buffer_str(&seqs), "3071 2000 2001 "));
        ck_assert_ptr_null(strstr(buffer_str(&seqs), "1999 "));
        store_recent_deinit(&at);
        store_close(s);
        buffer_deinit(&seqs);
        store_dir_remove(&dir);
}
END_TEST

BOTH(alerts_come_in_the_order_of_their_last_change)
{
        ck_assert_str_eq(store_dump_alerts(s), "");
        store_put_alert_text(s, "b", 10, true, "first");
        store_put_alert_text(s, "a", 20, true, "second");
        store_put_alert_text(s, "c", 20, true, "third");
        ck_assert_str_eq(store_dump_alerts(s), "b 10 open first\n"
                                               "a 20 open second\n"
                                               "c 20 open third\n");
        store_put_alert_text(s, "b", 30, false, "over");
        ck_assert_str_eq(store_dump_alerts(s), "a 20 open second\n"
                                               "c 20 open third\n"
                                               "b 30 resolved over\n");
}

BOTH(feeds_come_by_principal_and_number)
{
        ck_assert_str_eq(store_dump_feeds(s), "");
        store_put_feed_text(s, "maria", 2, 20, "m2");
        store_put_feed_text(s, "jan", 1, 15, "j1");
        store_put_feed_text(s, "maria", 1, 10, "m1");
        store_put_feed_text(s, "maria", 10, 30, "m10");
        store_put_feed_text(s, "jan", 1, 16, "again");
        ck_assert_str_eq(store_dump_feeds(s), "jan 1 16 again\n"
                                              "maria 1 10 m1\n"
                                              "maria 2 20 m2\n"
                                              "maria 10 30 m10\n");
}

/* Returns how many went, or were touched. */
static size_t expire_by(int (*fn)(Store *s, usec_t before, size_t max, size_t *ret_n), Store *s,
                        usec_t before, size_t max)
{
        size_t n = 777;

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(fn(s, before, max, &n), 0);
        ck_assert_int_eq(store_commit(s), 0);
        return n;
}

static size_t expire(Store *s, usec_t before, size_t max)
{
        return expire_by(store_expire_old, s, before, max);
}

BOTH(what_is_too_old_goes)
{
        StoreInfo info;

        store_put_rows(s, 1, 3000);
        store_put_feed_text(s, "maria", 1, 999, "old");
        store_put_feed_text(s, "maria", 2, 2000000, "new");
        store_put_alert_text(s, "a", 1, false, "kept");

        ck_assert_uint_eq(expire(s, 1000, 100), 0);
        ck_assert_str_eq(store_dump_feeds(s), "maria 2 2000000 new\n");
        ck_assert_uint_eq(expire(s, 1000001, 400), 400);
        ck_assert_uint_eq(expire(s, 1000001, 0), 0);
        ck_assert_uint_eq(expire(s, 1000001, 400), 400);
        ck_assert_uint_eq(expire(s, 1000001, 400), 200);
        ck_assert_uint_eq(expire(s, 1000001, 400), 0);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 2000);
        ck_assert_int_eq(strncmp(store_dump(s), "1001 1001000 ivr", 16), 0);

        ck_assert_uint_eq(expire(s, INT64_MAX, 100000), 2000);
        ck_assert_str_eq(store_dump(s), "");
        ck_assert_str_eq(store_dump_feeds(s),
                         "maria 2 2000000 \n"); /* its number is not given twice, either */
        ck_assert_str_eq(store_dump_alerts(s), "a 1 resolved kept\n");
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 0);
        ck_assert_uint_eq(info.last_seq, 3000); /* numbers are not given twice */

        store_put_rows(s, 5001, 2);
        ck_assert_uint_eq(expire(s, INT64_MAX, 100000), 2);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.last_seq, 5002);
        ck_assert_uint_eq(info.n_damaged, 0);
}

static size_t expire_feeds(Store *s, usec_t before, size_t max)
{
        return expire_by(store_expire_feeds, s, before, max);
}

BOTH(the_number_of_the_last_message_outlives_it)
{
        StoreInfo info;

        store_put_feed_text(s, "jan", 7, 30, "j7");
        store_put_feed_text(s, "maria", 1, 10, "m1");
        store_put_feed_text(s, "maria", 2, 20, "m2");
        store_put_feed_text(s, "maria", 3, 30, "m3");
        ck_assert_uint_eq(expire_feeds(s, 25, 1), 1);
        ck_assert_str_eq(store_dump_feeds(s), "jan 7 30 j7\nmaria 2 20 m2\nmaria 3 30 m3\n");
        ck_assert_uint_eq(expire_feeds(s, 100, 1), 1);
        ck_assert_uint_eq(expire_feeds(s, 100, 10), 2);
        ck_assert_str_eq(store_dump_feeds(s), "jan 7 30 \nmaria 3 30 \n");
        ck_assert_uint_eq(expire_feeds(s, 100, 10), 0);
        store_put_feed_text(s, "maria", 4, 110, "m4");
        store_put_feed_text(s, "maria", 5, 120, "m5");
        ck_assert_uint_eq(expire_feeds(s, 115, 10), 2);
        ck_assert_str_eq(store_dump_feeds(s), "jan 7 30 \nmaria 5 120 m5\n");
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_damaged, 0);
}

BOTH(messages_go_later_where_their_deletion_was_undone)
{
        size_t n;

        store_put_feed_text(s, "maria", 1, 10, "m1");
        store_put_feed_text(s, "maria", 2, 200, "m2");
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_feeds(s, 100, 10, &n), 0);
        ck_assert_uint_eq(n, 1);
        store_rollback(s);
        ck_assert_str_eq(store_dump_feeds(s), "maria 1 10 m1\nmaria 2 200 m2\n");
        ck_assert_uint_eq(expire_feeds(s, 100, 10), 1);
        ck_assert_str_eq(store_dump_feeds(s), "maria 2 200 m2\n");
}

BOTH(messages_that_were_emptied_leave_room_for_the_others)
{
        store_put_feed_text(s, "ana", 1, 10, "a1");
        store_put_feed_text(s, "ben", 4, 10, "b4");
        store_put_feed_text(s, "cleo", 2, 10, "c2");
        ck_assert_uint_eq(expire_feeds(s, 100, 2), 2);
        ck_assert_str_eq(store_dump_feeds(s), "ana 1 10 \nben 4 10 \ncleo 2 10 c2\n");
        ck_assert_uint_eq(expire_feeds(s, 100, 2), 1);
        ck_assert_str_eq(store_dump_feeds(s), "ana 1 10 \nben 4 10 \ncleo 2 10 \n");
        store_put_feed_text(s, "ben", 5, 110, "b5");
        store_put_feed_text(s, "dora", 1, 20, "d1");
        store_put_feed_text(s, "dora", 2, 20, "d2");
        ck_assert_uint_eq(expire_feeds(s, 100, 2), 2);
        ck_assert_uint_eq(expire_feeds(s, 100, 2), 1);
        ck_assert_uint_eq(expire_feeds(s, 100, 2), 0);
        ck_assert_str_eq(store_dump_feeds(s), "ana 1 10 \nben 5 110 b5\ncleo 2 10 \ndora 2 20 \n");
}

CHECK_MAIN("store", what_was_put_is_read_back, any_bytes_are_kept, a_revision_takes_the_place_of_its_row,
           many_at_once_are_put_in_their_order, a_rollback_undoes_everything, changes_need_a_transaction,
           a_failed_change_ends_the_transaction_and_says_so, scans_go_in_slices,
           the_newest_are_found_whatever_the_order_of_arrival, the_newest_come_in_pieces,
           alerts_come_in_the_order_of_their_last_change, feeds_come_by_principal_and_number,
           what_is_too_old_goes, the_number_of_the_last_message_outlives_it,
           messages_go_later_where_their_deletion_was_undone,
           messages_that_were_emptied_leave_room_for_the_others)
