/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory that runs out: every single allocation of a whole life of the store fails once.
 *
 * The store's own allocations are counted by the linker's --wrap, SQLite's by its memory hooks.
 */

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/store/store.h"
#include "tests/support/check_main.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/store_fixture.h"

static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc(int n)
{
        return fails() ? NULL : sqlite_memory.xMalloc(n);
}

static void *sqlite_realloc(void *p, int n)
{
        return fails() ? NULL : sqlite_memory.xRealloc(p, n);
}

static void hook_sqlite(void)
{
        sqlite3_mem_methods hooked;

        if (sqlite_memory.xMalloc) /* by another test of this process; twice, it would call itself */
                return;
        ck_assert_int_eq(sqlite3_shutdown(), SQLITE_OK);
        ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory), SQLITE_OK);
        hooked = sqlite_memory;
        hooked.xMalloc = sqlite_malloc;
        hooked.xRealloc = sqlite_realloc;
        ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &hooked), SQLITE_OK);
        ck_assert_int_eq(sqlite3_initialize(), SQLITE_OK);
}

/* Durability is not what is looked at here; SQLite finds this function before the one of the C library. */
int fdatasync(int fd CX_UNUSED)
{
        return 0;
}

/* --- one life ------------------------------------------------------------------------------------------- */

/* Check itself allocates when it asserts; this does so only when it fails. */
#define MUST(_condition)                                                                                     \
        do {                                                                                                 \
                if (!(_condition)) {                                                                         \
                        countdown = -1;                                                                      \
                        ck_abort_msg("%s", #_condition);                                                     \
                }                                                                                            \
        } while (0)

static void done(int r)
{
        MUST(r != -EIO);
        MUST(r == 0 || r == -ENOMEM);
}

static int count_survey(void *user, const StoreSurvey *row CX_UNUSED)
{
        ++*(size_t *)user;
        return 0;
}

static int take_alert(void *user CX_UNUSED, const StoreAlert *row CX_UNUSED)
{
        return 0;
}

static int take_feed(void *user CX_UNUSED, const StoreFeed *row CX_UNUSED)
{
        return 0;
}

#define ROWS_MAX 200

static int put_all(Store *s, uint64_t first, size_t n)
{
        static char large[6000];
        StoreSurvey rows[ROWS_MAX];
        int r = store_begin(s);

        assert(n <= ROWS_MAX); /* check would want memory */
        memset(large, 'x', sizeof(large));
        for (size_t i = 0; i < n; i++)
                rows[i] = (StoreSurvey){.seq = first + i,
                                        .ts = (usec_t)(first + i),
                                        .source = TEXT("ivr"),
                                        .json = {.at = large, .n = (first + i) % 10 ? 50 : sizeof(large)}};
        if (r == 0)
                r = store_put_surveys(s, rows, n);
        if (r == 0)
                r = store_put_alert(s, &(StoreAlert){.id = TEXT("a"), .json = TEXT("{}")});
        if (r == 0)
                r = store_put_feed(
                        s, &(StoreFeed){.principal = TEXT("maria"), .seq = first, .json = TEXT("{}")});
        return r == 0 ? store_commit(s) : r;
}

static int take_tally(void *user CX_UNUSED, const StoreTally *row CX_UNUSED)
{
        return 0;
}

/* Checks everything; what cannot be read for lack of memory is not damaged. */
static void check_all(Store *s)
{
        StoreScrub at = STORE_SCRUB_NULL;
        int r = 0;

        while (r == 0 && !at.complete)
                r = store_scrub(s, &at, NULL, NULL);
        done(r);
        MUST(at.n_damaged == 0);
        store_scrub_deinit(&at);
}

/* A tally and a mark, written together; and gone again. */
static int count_old(Store *s)
{
        Buffer counts = BUFFER_NULL;
        int64_t mark = 0;
        size_t n;
        int r = store_begin(s);

        for (int32_t day = 1; day <= 3 && r == 0; day++)
                r = store_put_tally(s,
                                    &(StoreTally){.day = day, .scope = TEXT("org"), .counts = TEXT("x 1:1")});
        if (r == 0)
                r = store_put_mark(s, "m", 5);
        if (r == 0)
                r = store_expire_tallies(s, 2, 10, &n);
        if (r == 0)
                r = store_commit(s);
        done(r);
        if (r < 0)
                return r;
        r = store_get_tally(s, 2, TEXT("org"), &counts);
        done(r);
        MUST(r < 0 || text_is(buffer_text(&counts), "x 1:1"));
        buffer_deinit(&counts);
        r = store_get_mark(s, "m", &mark);
        done(r);
        MUST(r < 0 || mark == 5);
        done(store_scan_tallies(s, INT32_MIN, TEXT(""), 0, take_tally, NULL));
        return store_erase(s);
}

/* The store goes on, whatever becomes of a copy. */
static void copy_all(Store *s, const char *file)
{
        char path[128];
        int r;

        snprintf(path, sizeof(path), "%s-copy", file);
        r = store_copy_begin(s, path);
        for (int steps = 0; r == 0 && steps < 1000; steps++) {
                int more = store_copy_step(s, 4);

                if (more == 1)
                        continue;
                r = more;
                break;
        }
        done(r);
        store_copy_end(s);
        (void)unlink(path);
}

/* Reads everything. A scan that does not fail gives every row. */
static void read_all(Store *s, size_t expected)
{
        Buffer json = BUFFER_NULL;
        size_t n = 0;
        StoreInfo info;
        int r;

        r = store_scan_surveys(s, 0, 0, count_survey, &n);
        done(r);
        MUST(r < 0 || n == expected);
        n = 0;
        r = store_read_recent(s, 0, INT64_MAX, count_survey, &n);
        done(r);
        MUST(r < 0 || n == expected);
        done(store_scan_alerts(s, take_alert, NULL));
        done(store_scan_feeds(s, take_feed, NULL));
        if (expected)
                done(store_get_survey(s, 10, &json, NULL));
        buffer_deinit(&json);
        done(store_info(s, &info));
        MUST(info.n_surveys == expected);
        MUST(info.n_damaged == 0); /* no memory is not a damaged row */
}

/* Opens the store of @n surveys, adds 40 more, deletes the 5 oldest. Returns how many it has for certain
 * then. */
static size_t live(StoreDir *dir, size_t n, size_t *ret_first)
{
        char error[256];
        Store *s = NULL;
        size_t n_old = 0;
        int r;

        r = store_open_sqlite(&s, dir->file, NULL, NULL, error, sizeof(error));
        done(r);
        if (r < 0)
                return n;
        read_all(s, n);
        r = put_all(s, 2001, 40);
        done(r);
        if (r == 0)
                n += 40;
        read_all(s, n);
        r = store_begin(s);
        if (r == 0)
                r = store_expire_old(s, 6, 100, &n_old);
        if (r == 0)
                r = store_commit(s);
        else
                store_rollback(s);
        done(r);
        if (r == 0) {
                MUST(n_old == 5);
                n -= 5;
                *ret_first = 6;
        }
        read_all(s, n);
        done(count_old(s));
        copy_all(s, dir->file);
        check_all(s);
        read_all(s, n);
        store_close(s);
        return n;
}

START_TEST(each_allocation_fails_once_and_nothing_committed_is_lost)
{
        long k = 0;

        hook_sqlite();
        do {
                StoreDir dir = STORE_DIR_INIT;
                size_t n = 0, n_seen = 0, first = 1;
                StoreInfo info;
                Store *s;

                countdown = -1;
                s = store_dir_open(&dir);
                ck_assert_int_eq(put_all(s, 1, 60), 0);
                store_close(s);

                failed = false;
                countdown = k++;
                n = live(&dir, 60, &first);
                countdown = -1;

                s = store_dir_open(&dir);
                ck_assert_int_eq(store_scan_surveys(s, 0, 0, count_survey, &n_seen), 0);
                ck_assert_msg(n_seen == n, "allocation %ld: %zu of %zu", k, n_seen, n);
                ck_assert_int_eq(store_info(s, &info), 0);
                ck_assert_uint_eq(info.n_damaged, 0);
                store_close(s);
                store_dir_remove(&dir);
        } while (failed);
        ck_assert_int_gt(k, 200);
}
END_TEST

/* A rollback needs none, whatever was done before it: nothing that only lacked memory is taken for a disk that failed. */
START_TEST(memory_that_stays_short_during_a_change_costs_that_change_alone)
{
        hook_sqlite();
        stays_short = true;
        for (long k = 0; k == 0 || failed; k++) {
                StoreDir dir = STORE_DIR_INIT;
                StoreInfo info;
                Store *s;
                int r;

                s = store_dir_open(&dir);
                ck_assert_int_eq(put_all(s, 1, 60), 0);
                store_close(s);
                s = store_dir_open(&dir);
                failed = false;
                countdown = k;
                r = put_all(s, 50, 60);
                store_rollback(s);
                countdown = -1;
                ck_assert_msg(r == (failed ? -ENOMEM : 0), "allocation %ld: %d", k, r);
                ck_assert_int_eq(store_info(s, &info), 0);
                ck_assert_uint_eq(info.last_seq, r == 0 ? 109 : 60);
                ck_assert_msg(put_all(s, 101, 60) == 0, "allocation %ld: %s", k, store_error(s));
                store_close(s);
                store_dir_remove(&dir);
        }
        stays_short = false;
}
END_TEST

static void count_told(void *user, const char *what CX_UNUSED)
{
        ++*(size_t *)user;
}

static int read_surveys_and_tallies(Store *s)
{
        size_t n = 0;
        int r = store_scan_surveys(s, 0, 0, count_survey, &n);

        return r < 0 ? r : store_scan_tallies(s, INT32_MIN, TEXT(""), 0, take_tally, NULL);
}

/* Where there is no memory to remember it, one is told again. */
START_TEST(damage_is_told_whatever_memory_there_is)
{
        enum {
                N = 100,
        };

        hook_sqlite();
        for (long k = 0; k == 0 || failed; k++) {
                StoreDir dir = STORE_DIR_INIT;
                size_t n_told = 0, n_before;
                char error[256] = "";
                Store *s = store_dir_open(&dir);
                int r;

                store_put_rows(s, 1, N);
                for (int32_t day = 1; day <= N; day++)
                        store_put_tally_text(s, day, "org", "x 1:1");
                store_close(s);
                store_run_sql(dir.file, "UPDATE survey SET crc = crc + 1; UPDATE tally SET crc = crc + 1");
                ck_assert_int_eq(store_open_sqlite(&s, dir.file, count_told, &n_told, error, sizeof(error)),
                                 0);
                failed = false;
                countdown = k;
                r = read_surveys_and_tallies(s);
                countdown = -1;
                done(r);
                ck_assert(r < 0 || n_told == (size_t)2 * N);
                ck_assert_int_eq(read_surveys_and_tallies(s), 0);
                ck_assert_msg(n_told == 2 * N || (failed && n_told == 2 * N + 1), "allocation %ld: %zu", k,
                              n_told);
                n_before = n_told;
                ck_assert_int_eq(read_surveys_and_tallies(s), 0);
                ck_assert_uint_eq(n_told, n_before);
                store_close(s);
                store_dir_remove(&dir);
        }
}
END_TEST

/* The store in memory: the same, in short. */
START_TEST(the_store_in_memory_survives_the_same)
{
        long k = 0;

        do {
                Store *s = NULL;
                size_t n = 0;
                int r;

                failed = false;
                countdown = k++;
                r = store_open_ram(&s);
                if (r == 0) {
                        r = put_all(s, 1, 200);
                        done(r);
                        read_all(s, r == 0 ? 200 : 0);
                        done(count_old(s));
                        check_all(s);
                        countdown = -1;
                        ck_assert_int_eq(store_scan_surveys(s, 0, 0, count_survey, &n), 0);
                        ck_assert_uint_eq(n, r == 0 ? 200 : 0);
                }
                done(r);
                countdown = -1;
                store_close(s);
        } while (failed);
        ck_assert_int_gt(k, 200);
}
END_TEST

CHECK_MAIN("store_memory", each_allocation_fails_once_and_nothing_committed_is_lost,
           memory_that_stays_short_during_a_change_costs_that_change_alone,
           damage_is_told_whatever_memory_there_is, the_store_in_memory_survives_the_same)
