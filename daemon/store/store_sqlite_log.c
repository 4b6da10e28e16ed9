/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The log of the SQLite store, and how it is written back into the file.
 *
 * The happy path is: SQLite says after each commit how long the log is; whoever uses the store writes it back when nobody
 * waits, and from then on SQLite begins it anew. One connection does both, one after the other: up to version 3.51.2
 * SQLite may damage a file whose log is written back beside its commits. Possible failure modes are: no space or no memory
 * (it stays as it is until the next commit); the disk fails (nothing is written any more, as after a failed commit).
 */

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/store_sqlite.h"

/*
 * Commits, of so many pages on average. Whoever comes while it is written back waits for that, so that little of it is written at
 * a time; but as it has two calls of fdatasync() of its own, not too often. Large commits come from senders at full speed, whom
 * the larger pieces serve better.
 */
#define LOG_LONG  16
#define LOG_SMALL 8
/* Pages. */
#define LOG_FULL 500
/* Nobody took care of it. */
#define LOG_MAX (4 * LOG_FULL)

static int on_commit(void *user, sqlite3 *db CX_UNUSED, const char *name CX_UNUSED, int n_pages)
{
        StoreSqlite *s = user;

        s->log_pages = n_pages;
        s->log_commits++;
        return SQLITE_OK;
}

void log_watch(StoreSqlite *s)
{
        (void)sqlite3_wal_hook(s->db, on_commit, s);
}

static int may_write(StoreSqlite *s, const char *path, int how)
{
        return access(path, how) == 0 ? 0
                                      : store_fail(&s->base, -errno, "%s may not be written: %s", path,
                                                   strerrordesc_np(errno));
}

/* Of a log for which there is no space, not even for its name, SQLite would say that there is none. */
static int may_make(StoreSqlite *s, const char *folder)
{
        int fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

        if (fd >= 0)
                close(fd);
        else if (errno == ENOSPC || errno == EDQUOT)
                return store_fail(&s->base, -errno, "no file can be made in %s: %s", folder,
                                  strerrordesc_np(errno));
        return 0;
}

/* SQLite would open a log that it can only read, and say at the first change that it cannot write. */
int log_check_access(StoreSqlite *s)
{
        char wal[4096], *slash;
        int r;

        if ((size_t)snprintf(wal, sizeof(wal), "%s-wal", s->path) >= sizeof(wal))
                return store_fail(&s->base, -ENAMETOOLONG, "the path of the store is too long");
        r = may_write(s, s->path, R_OK | W_OK);
        if (r < 0)
                return r;
        if (access(wal, F_OK) == 0)
                return may_write(s, wal, R_OK | W_OK);
        slash = strrchr(wal, '/');
        slash[1] = '\0';
        r = may_write(s, wal, W_OK | X_OK);
        return r < 0 ? r : may_make(s, wal);
}

void sql_break(StoreSqlite *s)
{
        if (!s->broken)
                s->broken_by = s->os_error;
        s->broken = true;
}

int sql_refuse(StoreSqlite *s)
{
        return store_fail(&s->base, -EIO, "the disk failed earlier (%s); open the store again",
                          strerrordesc_np(s->broken_by ? s->broken_by : EIO));
}

StoreLog sqlite_log(const Store *base)
{
        const StoreSqlite *s = CX_CONTAINER_OF(base, StoreSqlite, base);

        if (s->broken || s->no_space)
                return STORE_LOG_SHORT;
        if (s->log_pages >= LOG_FULL)
                return STORE_LOG_FULL;
        return s->log_commits >= LOG_LONG && s->log_pages <= LOG_SMALL * s->log_commits ? STORE_LOG_LONG
                                                                                        : STORE_LOG_SHORT;
}

static int write_back(StoreSqlite *s, int how, const char *what)
{
        int rc, r;

        if (s->broken)
                return sql_refuse(s);
        s->log_pages = s->log_commits = 0; /* until the next commit, also if it goes wrong */
        errno = 0;
        rc = sqlite3_wal_checkpoint_v2(s->db, NULL, how, NULL, NULL);
        s->os_error = errno;
        if (rc == SQLITE_OK) {
                s->no_space = false;
                return 0;
        }
        r = sql_fail(s, rc, what);
        if (r == -EIO)
                sql_break(s);
        return r;
}

int sqlite_write_back(Store *base)
{
        return write_back(store_sqlite(base), SQLITE_CHECKPOINT_PASSIVE, "write the log back");
}

/*
 * Pages that were freed or rewritten hold zeros where something was (secure_delete); after this no older copy of them is
 * left in the log either.
 */
int sqlite_erase(Store *base)
{
        return write_back(store_sqlite(base), SQLITE_CHECKPOINT_TRUNCATE, "empty the log");
}

void log_bound(StoreSqlite *s)
{
        if (s->log_pages >= LOG_MAX && sqlite_log(&s->base) != STORE_LOG_SHORT)
                (void)sqlite_write_back(&s->base); /* if the disk fails, so does the transaction */
}

static bool is_in_place(StoreSqlite *s)
{
        struct stat st;

        if (stat(sqlite3_filename_wal(sqlite3_db_filename(s->db, "main")), &st) < 0)
                return false;
        if (s->log_inode == 0)
                s->log_inode = st.st_ino;
        return s->log_inode == st.st_ino;
}

/* What such a log holds is lost with this process, unless that stops in peace; so it comes into the file. */
int log_keep(StoreSqlite *s)
{
        int64_t unused;
        int r;

        if (is_in_place(s))
                return 0;
        r = sqlite_erase(&s->base);
        /* Without a log for a moment, and then with a new one. */
        if (r == 0)
                r = sql_set(s, "PRAGMA journal_mode=DELETE", "delete");
        if (r == 0)
                r = sql_set(s, "PRAGMA journal_mode=WAL", "wal");
        if (r == 0) /* which is made when something is read */
                r = sql_query_number(s, "SELECT count(*) FROM sqlite_schema", &unused);
        s->log_inode = 0;
        return r < 0 || is_in_place(s) ? r : store_fail(&s->base, -EIO, "cannot make another log");
}
