/* SPDX-License-Identifier: Apache-2.0 */

/* A page of the store that is none any more: SQLite itself refuses it. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

static uint64_t n_damaged(Store *s)
{
        StoreInfo info;

        ck_assert_int_eq(store_info(s, &info), 0);
        return info.n_damaged;
}

START_TEST(a_damaged_page_takes_only_its_own_surveys_along)
{
        StoreDir dir = STORE_DIR_INIT;
        Buffer json = BUFFER_NULL;
        StoreInfo info;
        uint64_t n_lost;
        size_t n;
        Store *s;

        s = store_dir_open(&dir);
        store_put_rows(s, 1, 5000);
        store_close(s);
        store_spoil_page(dir.file, "{\"n\":2500}");
        s = store_dir_open(&dir);
        n = strlen(store_dump(s));
        ck_assert_ptr_nonnull(strstr(store_dump(s), "\n5000 "));
        ck_assert_ptr_null(strstr(store_dump(s), "\n2500 "));
        n_lost = n_damaged(s);
        ck_assert_uint_ge(n_lost, 20);
        ck_assert_uint_le(n_lost, 200);
        ck_assert_ptr_nonnull(strstr(buffer_str(&dir.told), "survey 2500\n"));
        ck_assert_uint_eq(strlen(store_dump_recent(s, 0, INT64_MAX)), n);
        ck_assert_int_eq(store_get_survey(s, 2500, &json, NULL), -EBADMSG);
        ck_assert_uint_eq(n_damaged(s), n_lost); /* each once */
        /* Others can come, but what lies beside the page cannot be deleted, and so nothing is. */
        store_put_rows(s, 5001, 10);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_old(s, INT64_MAX, 10000, &n), -EBADMSG);
        store_rollback(s);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 5010);
        ck_assert_str_eq(store_dump_recent(s, 5009000, INT64_MAX), "5010 5010000 ivr {\"n\":5010}\n"
                                                                   "5009 5009000 ivr {\"n\":5009}\n");
        store_close(s);
        buffer_deinit(&json);
        store_dir_remove(&dir);
}
END_TEST

#define N_TALLIES 3000

static int32_t day_of(int i)
{
        return 20000 + i / 50;
}

static Text scope_of(int i, char buffer[24])
{
        (void)snprintf(buffer, 24, "agent/%04d", i);
        return text_of(buffer);
}

static void put_tallies(StoreDir *dir)
{
        Store *s = store_dir_open(dir);
        char scope[24], counts[24];

        ck_assert_int_eq(store_begin(s), 0);
        for (int i = 0; i < N_TALLIES; i++) {
                (void)snprintf(counts, sizeof(counts), "x 1:%04d\n", i);
                ck_assert_int_eq(store_put_tally(s, &(StoreTally){.day = day_of(i),
                                                                  .scope = scope_of(i, scope),
                                                                  .counts = text_of(counts)}),
                                 0);
        }
        ck_assert_int_eq(store_commit(s), 0);
        store_close(s);
}

typedef struct Got {
        int n, before; /* the number of the last one */
        int32_t day;
        char scope[24];
} Got;

static int take_tally(void *user, const StoreTally *row)
{
        Got *got = user;
        size_t before = strlen("x 1:"), behind = strlen("\n");
        int64_t number = -1;
        int i;

        ck_assert_uint_gt(row->counts.n, before + behind);
        ck_assert_int_eq(
                text_to_int64((Text){row->counts.at + before, row->counts.n - before - behind}, &number), 0);
        i = (int)number;
        ck_assert_int_gt(i, got->before);
        ck_assert_int_eq(row->day, day_of(i));
        ck_assert(text_equal(row->scope, scope_of(i, got->scope)));
        got->before = i;
        got->day = row->day;
        got->n++;
        return 0;
}

START_TEST(a_damaged_page_takes_only_its_own_tallies_along)
{
        StoreDir dir = STORE_DIR_INIT;
        Got all = {.before = -1}, got = {.before = -1, .day = INT32_MIN};
        char scope[24], lost[40];
        size_t n_expired;
        int before;
        Store *s;

        put_tallies(&dir);
        store_spoil_page(dir.file, "x 1:1500\n");
        s = store_dir_open(&dir);
        ck_assert_int_eq(store_scan_tallies(s, INT32_MIN, TEXT(""), 0, take_tally, &all), 0);
        ck_assert_int_eq(all.before, N_TALLIES - 1);
        ck_assert_int_ge(all.n, N_TALLIES - 200);
        ck_assert_int_le(all.n, N_TALLIES - 20);
        (void)snprintf(lost, sizeof(lost), "%d tallies that are lost\n", N_TALLIES - all.n);
        ck_assert_ptr_nonnull(strstr(buffer_str(&dir.told), "table of tallies\n"));
        ck_assert_ptr_nonnull(strstr(buffer_str(&dir.told), lost));
        /* Some at a time. */
        do {
                before = got.n;
                ck_assert_int_eq(store_scan_tallies(s, got.day, text_of(got.scope), 70, take_tally, &got), 0);
        } while (got.n > before);
        ck_assert_int_eq(got.n, all.n);
        /* Others can be written and go. */
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_tallies(s, day_of(1000), N_TALLIES, &n_expired), 0);
        ck_assert_uint_eq(n_expired, 1000);
        ck_assert_int_eq(store_put_tally(s, &(StoreTally){.day = day_of(5000),
                                                          .scope = scope_of(5000, scope),
                                                          .counts = TEXT("x 1:5000\n")}),
                         0);
        ck_assert_int_eq(store_expire_tallies(s, day_of(1000), N_TALLIES, &n_expired), 0);
        ck_assert_uint_eq(n_expired, 0);
        ck_assert_int_eq(store_commit(s), 0);
        got = (Got){.before = -1};
        ck_assert_int_eq(store_scan_tallies(s, INT32_MIN, TEXT(""), 0, take_tally, &got), 0);
        ck_assert_int_eq(got.n, all.n - 1000 + 1);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

CHECK_MAIN("store_page", a_damaged_page_takes_only_its_own_surveys_along,
           a_damaged_page_takes_only_its_own_tallies_along)
