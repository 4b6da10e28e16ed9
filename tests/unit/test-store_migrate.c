/* SPDX-License-Identifier: Apache-2.0 */

/* Files of older versions, and what is left when making them new is cut short. */

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

/* As version 1 made it, with these rows in it; %s: what version 2 made besides, and which of the two. */
static const char old_version[] =
        "PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON;"
        "CREATE TABLE survey (seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, source TEXT NOT NULL,"
        " crc INTEGER NOT NULL, json BLOB NOT NULL);"
        "CREATE TABLE block (no INTEGER PRIMARY KEY, last INTEGER NOT NULL, min_ts INTEGER NOT NULL,"
        " max_ts INTEGER NOT NULL, crc INTEGER NOT NULL, bits BLOB NOT NULL);"
        "CREATE TABLE alert (id TEXT PRIMARY KEY, changed INTEGER NOT NULL, is_open INTEGER NOT NULL,"
        " crc INTEGER NOT NULL, json BLOB NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE feed (principal TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,"
        " crc INTEGER NOT NULL, json BLOB NOT NULL, PRIMARY KEY (principal, seq)) WITHOUT ROWID;"
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT "
        "ROWID; %s"
        "PRAGMA application_id=0x63786431; PRAGMA user_version=%d;"
        "ATTACH '%s' AS new;"
        "INSERT INTO survey SELECT * FROM new.survey; INSERT INTO block SELECT * FROM new.block;"
        "INSERT INTO alert SELECT * FROM new.alert; INSERT INTO feed SELECT * FROM new.feed;"
        "INSERT INTO meta SELECT * FROM new.meta WHERE key IN ('blocks', 'alerts', 'feeds');"
        "INSERT INTO meta SELECT * FROM new.meta WHERE %d > 1 AND key = 'tallies';";

static const char of_version_2[] =
        "CREATE TABLE tally (day INTEGER NOT NULL, scope TEXT NOT NULL, crc INTEGER NOT NULL,"
        " counts BLOB NOT NULL, PRIMARY KEY (day, scope)) WITHOUT ROWID;";

/* Rows with their checksums come from a store of today; everything else is as it was. */
static void make_version(const char *file, int version)
{
        StoreDir dir = STORE_DIR_INIT;
        Store *s = store_dir_open(&dir);
        char text[2400];

        store_put_rows(s, 1, 2000);
        store_put_alert_text(s, "a1", 5, true, "alert");
        store_put_feed_text(s, "maria", 1, 5, "feed");
        store_close(s);
        snprintf(text, sizeof(text), old_version, version > 1 ? of_version_2 : "", version, dir.file,
                 version);
        store_run_sql(file, text);
        store_dir_remove(&dir);
}

static void check_migrated(StoreDir *dir)
{
        StoreInfo info;
        Store *s = store_dir_open(dir);

        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_surveys, 2000);
        ck_assert_uint_eq(info.last_seq, 2000);
        ck_assert_uint_eq(info.n_damaged, 0);
        ck_assert_int_eq(strncmp(store_dump(s), "1 1000 ivr {\"n\":1}\n2 2000 ivr", 29), 0);
        ck_assert_str_eq(store_dump_alerts(s), "a1 5 open alert\n");
        ck_assert_str_eq(store_dump_feeds(s), "maria 1 5 feed\n");
        store_put_tally_text(s, 20000, "org", "x 1:1");
        ck_assert_str_eq(store_dump_tallies(s), "20000 org x 1:1\n");
        store_put_revised_text(s, 1, 17, "before");
        ck_assert_str_eq(store_dump_revised(s), "1 17 before\n");
        ck_assert_int_eq(store_info(s, &info), 0);
        ck_assert_uint_eq(info.n_damaged, 0);
        store_close(s);
}

static void check_version(int version)
{
        StoreDir dir = STORE_DIR_INIT;
        StoreVerified v = {0};
        char error[256] = "";
        Store *s;

        store_dir_make(&dir);
        make_version(dir.file, version);
        /* It can be verified as it is. */
        ck_assert_int_eq(store_verify_sqlite(dir.file, NULL, NULL, &v, error, sizeof(error)), 0);
        ck_assert_int_eq(v.version, version);
        ck_assert_uint_eq(v.n_damaged, 0);
        ck_assert_uint_ge(v.n_rows, 2002);
        check_migrated(&dir);
        s = store_dir_open(&dir);
        ck_assert_str_eq(store_dump_tallies(s), "20000 org x 1:1\n");
        store_close(s);
        ck_assert_int_eq(store_verify_sqlite(dir.file, NULL, NULL, &v, error, sizeof(error)), 0);
        ck_assert_int_eq(v.version, 3);
        ck_assert_uint_eq(v.n_damaged, 0);
        store_dir_remove(&dir);
}

START_TEST(a_file_of_an_older_version_becomes_one_of_this_version)
{
        check_version(1);
        check_version(2);
}
END_TEST

/* A process that ends at the n-th time that it would change a file. */
static int writes_left = -1;

static void count_write(void)
{
        if (writes_left >= 0 && writes_left-- == 0)
                _exit(99);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at);
int fdatasync(int fd);
int ftruncate64(int fd, off64_t n);

/* SQLite finds these before those of the C library. */
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
        count_write();
        if (lseek64(fd, at, SEEK_SET) < 0)
                return -1;
        return write(fd, data, n);
}

int fdatasync(int fd)
{
        count_write();
        return fsync(fd);
}

int ftruncate64(int fd, off64_t n)
{
        count_write();
        return (int)syscall(SYS_ftruncate, fd, n);
}

static void kill_migration(int version)
{
        int n = 0;

        for (bool done = false; !done; n++) {
                StoreDir dir = STORE_DIR_INIT;
                int status;
                pid_t pid;

                store_dir_make(&dir);
                make_version(dir.file, version);
                pid = fork();
                ck_assert_int_ge(pid, 0);
                if (pid == 0) {
                        char error[256];
                        Store *s = NULL;

                        writes_left = n;
                        if (store_open_sqlite(&s, dir.file, NULL, NULL, error, sizeof(error)) != 0)
                                _exit(1);
                        _exit(0);
                }
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert(WIFEXITED(status));
                ck_assert_msg(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 99, "write %d: %d", n,
                              status);
                done = WEXITSTATUS(status) == 0;
                check_migrated(&dir);
                store_dir_remove(&dir);
        }
        ck_assert_int_gt(n, 3); /* there was something to be killed at */
}

START_TEST(a_migration_that_is_killed_anywhere_leaves_a_file_that_can_be_used)
{
        kill_migration(1);
        kill_migration(2);
}
END_TEST

CHECK_MAIN("store_migrate", a_file_of_an_older_version_becomes_one_of_this_version,
           a_migration_that_is_killed_anywhere_leaves_a_file_that_can_be_used)
