/* SPDX-License-Identifier: Apache-2.0 */

/* A page of the store that is none any more: SQLite itself refuses it. */

#include <errno.h>
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

CHECK_MAIN("store_page", a_damaged_page_takes_only_its_own_surveys_along)
