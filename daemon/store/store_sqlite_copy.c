/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: a copy of the whole file while it is in use.
 *
 * The copy is made over the one connection, so SQLite sees every change that is made meanwhile and carries it over into
 * pages that were copied already: when the last page is there, the copy is the store as of that moment.
 */

#include <errno.h>
#include <sqlite3.h>

#include "daemon/store/store_sqlite.h"

/* An error of the copy is none of the store. */
static int copy_fail(StoreSqlite *s, int rc)
{
        int error = s->copy ? sqlite3_system_errno(s->copy) : 0;

        if (rc == SQLITE_IOERR_NOMEM)
                rc = SQLITE_NOMEM;
        switch (rc & 0xff) {
        case SQLITE_NOMEM:
                return store_fail(&s->base, -ENOMEM, "no memory for a copy");
        case SQLITE_FULL:
                error = ENOSPC;
                break;
        case SQLITE_CORRUPT:
                return store_fail(&s->base, -EBADMSG, "cannot copy the store: %s", sqlite3_errstr(rc));
        default:
                break;
        }
        if (error == EDQUOT || error == EFBIG)
                error = ENOSPC;
        return store_fail(&s->base, error == ENOSPC ? -ENOSPC : -EIO, "cannot copy the store: %s",
                          sqlite3_errstr(rc));
}

int sqlite_copy_begin(Store *base, const char *path)
{
        StoreSqlite *s = store_sqlite(base);
        int rc, r;

        if (s->copying)
                return store_fail(base, -EBUSY, "a copy is being made already");
        rc = sqlite3_open_v2(path, &s->copy,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                     SQLITE_OPEN_EXRESCODE,
                             NULL);
        /* Nobody needs the half of it after a power cut: no log, no waiting for the disk. */
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(s->copy, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF", NULL, NULL,
                                  NULL);
        if (rc == SQLITE_OK) {
                s->copying = sqlite3_backup_init(s->copy, "main", s->db, "main");
                rc = s->copying ? SQLITE_OK : sqlite3_extended_errcode(s->copy);
        }
        if (rc == SQLITE_OK)
                return 0;
        r = copy_fail(s, rc);
        sqlite_copy_end(base);
        return r;
}

int sqlite_copy_step(Store *base, size_t n_pages)
{
        StoreSqlite *s = store_sqlite(base);
        int rc, r;

        if (!s->copying)
                return store_fail(base, -EINVAL, "no copy is being made");
        rc = sqlite3_backup_step(s->copying, n_pages < INT32_MAX ? (int)n_pages : INT32_MAX);
        if (rc == SQLITE_OK)
                return 1;
        r = rc == SQLITE_DONE ? 0 : copy_fail(s, rc);
        if (r == 0) {
                rc = sqlite3_backup_finish(s->copying);
                s->copying = NULL;
                if (rc != SQLITE_OK)
                        r = copy_fail(s, rc);
        }
        sqlite_copy_end(base);
        return r;
}

void sqlite_copy_end(Store *base)
{
        StoreSqlite *s = store_sqlite(base);

        if (s->copying)
                (void)sqlite3_backup_finish(s->copying); /* its errors were dealt with in the steps */
        s->copying = NULL;
        (void)sqlite3_close(s->copy);
        s->copy = NULL;
}
