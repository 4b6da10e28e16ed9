/* SPDX-License-Identifier: Apache-2.0 */

/* What surveys were before they changed, as the store keeps it for snapshots. */

#include <errno.h>

#include "daemon/store/store.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

static int stop_at_seven(void *user CX_UNUSED, const StoreRevised *row)
{
        return row->seq == 7 ? 42 : 0;
}

BOTH(the_first_earlier_version_of_an_epoch_stays)
{
        size_t n;

        ck_assert_int_eq(store_put_revised(s, &(StoreRevised){.epoch = 1, .seq = 1, .json = TEXT("x")}),
                         -EINVAL);
        ck_assert_int_eq(store_expire_revised(s, 1, 1, &n), -EINVAL);
        ck_assert_str_eq(store_dump_revised(s), "");
        store_put_revised_text(s, 2, 7, "seven");
        store_put_revised_text(s, 1, 9, "nine");
        store_put_revised_text(s, 1, 300, "more");
        store_put_revised_text(s, 1, 9, "again");
        store_put_revised_text(s, 256, 9, "");
        ck_assert_str_eq(store_dump_revised(s), "1 9 nine\n1 300 more\n2 7 seven\n256 9 \n");
        ck_assert_int_eq(store_scan_revised(s, stop_at_seven, NULL), 42);

        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_revised(s, 256, 2, &n), 0);
        store_rollback(s);
        ck_assert_str_eq(store_dump_revised(s), "1 9 nine\n1 300 more\n2 7 seven\n256 9 \n");
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_revised(s, 256, 2, &n), 0);
        ck_assert_uint_eq(n, 2);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_str_eq(store_dump_revised(s), "2 7 seven\n256 9 \n");
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_revised(s, INT64_MAX, 10, &n), 0);
        ck_assert_uint_eq(n, 2);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_str_eq(store_dump_revised(s), "");
}

static int pass_revised(void *user CX_UNUSED, const StoreRevised *row CX_UNUSED)
{
        return 0;
}

/* What a snapshot is brought up to date with is complete, or it is of no use; nothing else is at stake. */
START_TEST(an_earlier_version_that_is_damaged_or_lost_is_noticed)
{
        static const char *const damage[] = {
                "UPDATE revised SET json = 'other' WHERE seq = 2",
                "DELETE FROM revised WHERE seq = 2",
                "UPDATE meta SET value = value + 1 WHERE key = 'revised'",
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(damage); i++) {
                StoreDir dir = STORE_DIR_INIT;
                Store *s = store_dir_open(&dir);
                StoreInfo info;
                size_t n;

                store_put_rows(s, 1, 3);
                store_put_revised_text(s, 1, 2, "two");
                store_put_revised_text(s, 1, 3, "three");
                ck_assert_str_eq(store_dump_revised(s), "1 2 two\n1 3 three\n");
                store_close(s);
                store_run_sql(dir.file, damage[i]);
                s = store_dir_open(&dir);
                ck_assert_int_eq(store_scan_revised(s, pass_revised, NULL), -EBADMSG);
                ck_assert_int_eq(store_info(s, &info), 0);
                ck_assert_uint_eq(info.n_damaged, 0);
                /* All gone, it is as good as new. */
                ck_assert_int_eq(store_begin(s), 0);
                ck_assert_int_eq(store_expire_revised(s, INT64_MAX, 10, &n), 0);
                ck_assert_int_eq(store_commit(s), 0);
                store_put_revised_text(s, 2, 1, "one");
                store_close(s);
                s = store_dir_open(&dir);
                ck_assert_str_eq(store_dump_revised(s), "2 1 one\n");
                store_close(s);
                store_dir_remove(&dir);
        }
}
END_TEST

CHECK_MAIN("store_revised", the_first_earlier_version_of_an_epoch_stays,
           an_earlier_version_that_is_damaged_or_lost_is_noticed)
