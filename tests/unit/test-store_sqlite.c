/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What only the store on disk has to keep: its file, its lock, its version, and what happens when the disk
 * does not do what it should.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/store.h"
#include "proto/base/hash.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

/* --- an fsync that fails on demand ---------------------------------------------------------------------- */

static int fail_syncs; /* so many calls fail with EIO from now on */
static int n_syncs;

/* SQLite finds this function before the one of the C library. */
int fdatasync(int fd)
{
        n_syncs++;
        if (fail_syncs > 0) {
                fail_syncs--;
                errno = EIO;
                return -1;
        }
        return fsync(fd);
}

/* --- helpers -------------------------------------------------------------------------------------------- */

static int open_fails(const StoreDir *dir, char error[256])
{
        Store *s = NULL;
        int r;

        error[0] = '\0';
        r = store_open_sqlite(&s, dir->file, NULL, NULL, error, 256);
        ck_assert_int_ne(r, 0);
        ck_assert_ptr_null(s);
        ck_assert_str_ne(error, "");
        return r;
}

static void run_sql(const char *file, const char *text, bool keep_log)
{
        sqlite3 *db = NULL;

        ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep_log, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* A hash over the bytes, and whether the file is there. */
static uint64_t file_hash(const char *file, const char *suffix)
{
        static unsigned char bytes[1 << 20];
        char path[128];
        FILE *f;
        size_t n;

        snprintf(path, sizeof(path), "%s%s", file, suffix);
        f = fopen(path, "rb");
        if (!f)
                return 0;
        n = fread(bytes, 1, sizeof(bytes), f);
        fclose(f);
        return hash_bytes(&(HashKey){1, 2}, bytes, n) | 1;
}

/* --- tests ---------------------------------------------------------------------------------------------- */

START_TEST(the_file_belongs_to_its_owner_alone)
{
        StoreDir dir = STORE_DIR_INIT;
        mode_t mask = umask(0);
        struct stat st;
        char path[128];
        Store *s;

        s = store_dir_open(&dir);
        store_put_rows(s, 1, 1);
        ck_assert_int_eq(stat(dir.file, &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0600);
        snprintf(path, sizeof(path), "%s-wal", dir.file);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0600);
        snprintf(path, sizeof(path), "%s-shm", dir.file);
        ck_assert_int_eq(access(path, F_OK), -1);
        store_close(s);
        /* Closing leaves one file with everything in it. */
        ck_assert_uint_eq(file_hash(dir.file, "-wal"), 0);
        ck_assert_int_eq(umask(mask), 0);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(everything_is_there_after_opening_again)
{
        StoreDir dir = STORE_DIR_INIT;
        StoreInfo info;
        size_t n;
        Store *s;

        s = store_dir_open(&dir);
        store_put_rows(s, 1, 3000);
        store_put_alert_text(s, "a1", 5, true, "alert");
        store_put_feed_text(s, "maria", 1, 5, "feed");
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_old(s, 2998001, 10000, &n), 0);
        ck_assert_int_eq(store_commit(s), 0);
        store_close(s);
        for (int round = 0; round < 2; round++) {
                s = store_dir_open(&dir);
                ck_assert_str_eq(store_dump(s), "2999 2999000 ivr {\"n\":2999}\n"
                                                "3000 3000000 ivr {\"n\":3000}\n");
                ck_assert_str_eq(store_dump_recent(s, 2999001, INT64_MAX), "3000 3000000 ivr {\"n\":3000}\n");
                ck_assert_str_eq(store_dump_alerts(s), "a1 5 open alert\n");
                ck_assert_str_eq(store_dump_feeds(s), "maria 1 5 \n");
                ck_assert_int_eq(store_info(s, &info), 0);
                ck_assert_uint_eq(info.n_surveys, 2);
                ck_assert_uint_eq(info.last_seq, 3000);
                ck_assert_uint_eq(info.n_damaged, 0);
                store_close(s);
        }
        /* Numbers go on, even when nothing is left. */
        s = store_dir_open(&dir);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_old(s, INT64_MAX, 10000, &n), 0);
        ck_assert_uint_eq(n, 2);
        ck_assert_int_eq(store_commit(s), 0);
        store_close(s);
        s = store_dir_open(&dir);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 0);
        ck_assert_uint_eq(info.last_seq, 3000);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(a_second_opener_is_told_that_it_is_locked)
{
        StoreDir dir = STORE_DIR_INIT;
        char error[256];
        int status;
        pid_t pid;
        Store *s;

        s = store_dir_open(&dir);
        ck_assert_int_eq(open_fails(&dir, error), STORE_E_LOCKED);
        ck_assert_ptr_nonnull(strstr(error, "in use by another process"));
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                _exit(open_fails(&dir, error) == STORE_E_LOCKED ? 0 : 1);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        store_put_rows(s, 1, 1); /* the first one is not disturbed */
        store_close(s);
        s = store_dir_open(&dir);
        ck_assert_str_eq(store_dump(s), "1 1000 ivr {\"n\":1}\n");
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

/* Opening fails with @expected, and the directory is as it was. */
static void refused_untouched(StoreDir *dir, int expected, const char *sentence)
{
        uint64_t main = file_hash(dir->file, ""), log = file_hash(dir->file, "-wal");
        char error[256];

        ck_assert_uint_ne(main, 0);
        ck_assert_int_eq(open_fails(dir, error), expected);
        ck_assert_msg(strstr(error, sentence) != NULL, "%s", error);
        ck_assert_uint_eq(file_hash(dir->file, ""), main);
        ck_assert_uint_eq(file_hash(dir->file, "-wal"), log);
        ck_assert_uint_eq(file_hash(dir->file, "-shm"), 0);
        ck_assert_uint_eq(file_hash(dir->file, "-journal"), 0);
}

START_TEST(a_newer_version_is_refused_and_not_touched)
{
        for (int in_log = 0; in_log < 2; in_log++) {
                StoreDir dir = STORE_DIR_INIT;
                Store *s = store_dir_open(&dir);

                store_put_rows(s, 1, 5);
                store_close(s);
                run_sql(dir.file, "PRAGMA user_version=4", in_log);
                ck_assert_int_eq(file_hash(dir.file, "-wal") != 0, in_log);
                refused_untouched(&dir, STORE_E_NEWER, "newer version (4, this one knows 3)");
                store_dir_remove(&dir);
        }
}
END_TEST

START_TEST(foreign_files_are_refused_and_not_touched)
{
        static const char *const foreign[] = {
                "PRAGMA application_id=7; CREATE TABLE t (x)",
                "CREATE TABLE t (x)",
                "PRAGMA user_version=1",
        };
        char error[256];
        StoreDir dir = STORE_DIR_INIT;
        FILE *f;

        for (size_t i = 0; i < CX_ARRAY_LEN(foreign); i++) {
                StoreDir other = STORE_DIR_INIT;

                store_dir_make(&other);
                run_sql(other.file, foreign[i], false);
                refused_untouched(&other, -EINVAL, "is no store of cxd");
                store_dir_remove(&other);
        }
        store_dir_make(&dir);
        f = fopen(dir.file, "w");
        ck_assert_ptr_nonnull(f);
        for (int i = 0; i < 5000; i++)
                fputs("this is a letter, not a database\n", f);
        fclose(f);
        refused_untouched(&dir, -EBADMSG, "file is not a database");
        ck_assert_int_eq(unlink(dir.file), 0);
        ck_assert_int_eq(mkdir(dir.file, 0700), 0);
        ck_assert_int_lt(open_fails(&dir, error), 0);
        ck_assert_int_eq(rmdir(dir.file), 0);
        store_dir_remove(&dir);
        snprintf(dir.file, sizeof(dir.file), "/nonexistent/cxd.db");
        ck_assert_int_eq(open_fails(&dir, error), -ENOENT);
}
END_TEST

START_TEST(a_process_that_dies_loses_nothing_that_was_committed)
{
        StoreDir dir = STORE_DIR_INIT;
        StoreInfo info;
        int status;
        pid_t pid;
        Store *s;

        store_dir_make(&dir);
        for (uint64_t round = 0; round < 5; round++) {
                pid = fork();
                ck_assert_int_ge(pid, 0);
                if (pid == 0) {
                        s = store_dir_open(&dir);
                        store_put_rows(s, 1 + round * 700, 350);
                        store_put_rows(s, 351 + round * 700, 350);
                        if (store_begin(s) == 0 &&
                            store_put_survey(
                                    s, &(StoreSurvey){.seq = 1, .source = TEXT("x"), .json = TEXT("x")}) == 0)
                                _exit(0); /* in the middle of a transaction */
                        _exit(1);
                }
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert_int_eq(status, 0);
        }
        s = store_dir_open(&dir);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 3500);
        ck_assert_uint_eq(info.last_seq, 3500);
        ck_assert_int_eq(strncmp(store_dump(s), "1 1000 ivr {\"n\":1}\n2 2000", 25), 0);
        ck_assert_ptr_nonnull(strstr(store_dump(s), "\n3500 3500000 ivr {\"n\":3500}\n"));
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_damaged, 0);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

/* Puts rows of a kilobyte until something fails. Returns what, and how many rows were committed. */
static int fill(Store *s, uint64_t *next)
{
        static char kilobyte[1024];
        int r;

        memset(kilobyte, 'k', sizeof(kilobyte));
        for (;;) {
                r = store_begin(s);
                for (uint64_t i = 0; i < 20 && r == 0; i++)
                        r = store_put_survey(s,
                                             &(StoreSurvey){.seq = *next + i,
                                                            .ts = 5,
                                                            .source = TEXT("ivr"),
                                                            .json = {.at = kilobyte, .n = sizeof(kilobyte)}});
                if (r == 0)
                        r = store_commit(s);
                if (r < 0)
                        return r;
                *next += 20;
        }
}

START_TEST(a_full_disk_is_reported_and_overcome)
{
        StoreDir dir = STORE_DIR_INIT;
        struct rlimit limit, low;
        uint64_t next = 1, before;
        StoreInfo info;
        Store *s;

        ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
        s = store_dir_open(&dir);
        store_put_alert_text(s, "a1", 5, true, "alert");
        low = limit;
        for (rlim_t size = 400000; size < 1000000; size += 173000) {
                low.rlim_cur = size;
                ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
                before = next;
                ck_assert_msg(fill(s, &next) == -ENOSPC, "%s", store_error(s));
                ck_assert_msg(strstr(store_error(s), "rolled back") != NULL, "%s", store_error(s));
                ck_assert_uint_gt(next, before);
                /* Still full: refused again; reading goes on. */
                ck_assert_msg(fill(s, &next) == -ENOSPC, "%s", store_error(s));
                ck_assert_int_eq(store_info(s, &info), 0);
                ck_assert_uint_eq(info.n_surveys, next - 1);
                ck_assert_str_eq(store_dump_alerts(s), "a1 5 open alert\n");
                low.rlim_cur = limit.rlim_cur;
                ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
                store_put_rows(s, next++, 1);
        }
        store_close(s);
        s = store_dir_open(&dir);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, next - 1);
        ck_assert_ptr_nonnull(store_dump(s));
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_damaged, 0);
        store_close(s);
        store_dir_remove(&dir);
        ck_assert(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
}
END_TEST

START_TEST(every_commit_reaches_the_disk)
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = store_dir_open(&dir);

        for (uint64_t seq = 1; seq <= 20; seq++) {
                int before = n_syncs;

                store_put_rows(s, seq, 1);
                ck_assert_int_gt(n_syncs, before);
        }
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(after_a_failed_fsync_nothing_more_is_written)
{
        StoreDir dir = STORE_DIR_INIT;
        const StoreSurvey row = {.seq = 11, .ts = 11000, .source = TEXT("ivr"), .json = TEXT("{}")};
        uint64_t main, log;
        StoreInfo info;
        Store *s;

        s = store_dir_open(&dir);
        store_put_rows(s, 1, 10);
        fail_syncs = 1;
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_survey(s, &row), 0);
        ck_assert_int_eq(store_commit(s), -EIO);
        ck_assert_int_eq(fail_syncs, 0);
        ck_assert_msg(strstr(store_error(s), "Input/output error); the tr") != NULL, "%s", store_error(s));
        main = file_hash(dir.file, "");
        log = file_hash(dir.file, "-wal");
        ck_assert_uint_ne(log, 0);

        /* A second fsync would succeed and mean nothing. Reading goes on. */
        ck_assert_int_eq(store_begin(s), -EIO);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 10);
        ck_assert_int_eq(strncmp(store_dump(s), "1 1000 ivr", 10), 0);
        store_close(s);
        ck_assert_uint_eq(file_hash(dir.file, ""), main);
        ck_assert_uint_eq(file_hash(dir.file, "-wal"), log);

        /* Opened again, the disk says what it has: whether that one is there is open, the others are. */
        s = store_dir_open(&dir);
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_ge(info.n_surveys, 10);
        ck_assert_ptr_nonnull(strstr(store_dump(s), "\n10 10000 ivr {\"n\":10}\n"));
        store_put_rows(s, 12, 1);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(if_the_log_cannot_be_written_back_nothing_more_is_written)
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = store_dir_open(&dir);

        store_put_rows(s, 1, 10);
        fail_syncs = 1;
        ck_assert_int_eq(store_write_back(s), -EIO);
        ck_assert_int_eq(store_begin(s), -EIO);
        ck_assert_msg(strstr(store_error(s), "the disk failed earlier") != NULL, "%s", store_error(s));
        store_close(s);
        s = store_dir_open(&dir);
        ck_assert_int_eq(strncmp(store_dump(s), "1 1000 ivr", 10), 0);
        store_put_rows(s, 11, 1);
        store_close(s);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(deleted_text_does_not_stay_in_the_file)
{
        StoreDir dir = STORE_DIR_INIT;
        char command[160];
        size_t n;
        Store *s;

        s = store_dir_open(&dir);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_survey(s, &(StoreSurvey){.seq = 1,
                                                            .ts = 1,
                                                            .source = TEXT("ivr"),
                                                            .json = TEXT("my secret comment")}),
                         0);
        ck_assert_int_eq(store_commit(s), 0);
        store_close(s);
        snprintf(command, sizeof(command), "grep -q 'secret comment' %s", dir.file);
        ck_assert_int_eq(system(command), 0);
        s = store_dir_open(&dir);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_expire_old(s, 2, 1, &n), 0);
        ck_assert_int_eq(store_commit(s), 0);
        store_close(s);
        ck_assert_int_ne(system(command), 0);
        store_dir_remove(&dir);
}
END_TEST

CHECK_MAIN("store_sqlite", the_file_belongs_to_its_owner_alone, everything_is_there_after_opening_again,
           a_second_opener_is_told_that_it_is_locked, a_newer_version_is_refused_and_not_touched,
           foreign_files_are_refused_and_not_touched, a_process_that_dies_loses_nothing_that_was_committed,
           a_full_disk_is_reported_and_overcome, every_commit_reaches_the_disk,
           after_a_failed_fsync_nothing_more_is_written,
           if_the_log_cannot_be_written_back_nothing_more_is_written, deleted_text_does_not_stay_in_the_file)
