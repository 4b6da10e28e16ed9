/* SPDX-License-Identifier: Apache-2.0 */

/* When the log of the store on disk is to be written back, and that it has an end. */

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "daemon/store/store.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

static off_t size_of(const StoreDir *dir, const char *suffix)
{
        char path[160];
        struct stat st;

        snprintf(path, sizeof(path), "%s%s", dir->file, suffix);
        ck_assert_int_eq(stat(path, &st), 0);
        return st.st_size;
}

/* How many commits of @rows surveys the log takes before there is something to do about it. */
static int commits_until_long(Store *s, uint64_t *next, size_t rows)
{
        int n = 0;

        ck_assert_int_eq(store_write_back(s), 0);
        for (; store_log(s) == STORE_LOG_SHORT; n++, *next += rows)
                store_put_rows(s, *next, rows);
        return n;
}

START_TEST(a_log_is_long_after_some_commits_if_they_are_small)
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = store_dir_open(&dir);
        uint64_t next = 1;

        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(commits_until_long(s, &next, 1), 16);
                ck_assert_int_eq(store_log(s), STORE_LOG_LONG);
        }
        /* Those of senders at full speed, of some 25 pages. */
        ck_assert_int_gt(commits_until_long(s, &next, 2500), 16);
        ck_assert_int_eq(store_log(s), STORE_LOG_FULL);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(a_log_is_written_back_when_somebody_does_it_and_has_an_end_if_not)
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = store_dir_open(&dir);
        uint64_t next = 1;
        off_t size, longest = 0;

        for (; store_log(s) != STORE_LOG_FULL; next++)
                store_put_rows(s, next, 1);
        size = size_of(&dir, "");
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_write_back(s), -EINVAL);
        store_rollback(s);
        ck_assert_int_eq(store_write_back(s), 0);
        ck_assert_int_gt(size_of(&dir, ""), size);
        ck_assert_int_eq(store_log(s), STORE_LOG_SHORT);
        for (int i = 0; i < 5000; i++) {
                store_put_rows(s, next++, 1);
                size = size_of(&dir, "-wal");
                longest = size > longest ? size : longest;
        }
        ck_assert(longest > 2000 * 4096 && longest < 2500 * 4096);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

CHECK_MAIN("store_log", a_log_is_long_after_some_commits_if_they_are_small,
           a_log_is_written_back_when_somebody_does_it_and_has_an_end_if_not)
