/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: what surveys were before they were changed, as long as a snapshot needs it.
 */

#include <errno.h>
#include <sqlite3.h>

#include "daemon/store/store_sqlite.h"

int sqlite_put_revised(Store *base, const StoreRevised *row)
{
        StoreSqlite *s = store_sqlite(base);
        int r = sql_run(s, SQL_PUT_REVISED, "write an earlier version", "iiib", (int64_t)row->epoch,
                        (int64_t)row->seq, crc_revised(row), row->json);

        if (r == 0)
                s->counts.revised += (uint64_t)sqlite3_changes64(s->db);
        return r;
}

int sqlite_scan_revised(Store *base, StoreRevisedFn fn, void *user)
{
        StoreSqlite *s = store_sqlite(base);
        uint64_t n = 0;
        int r;

        while ((r = sql_step(s, SQL_SCAN_REVISED, "read earlier versions")) > 0) {
                StoreRevised row = {
                        .epoch = (uint64_t)sql_int(s, SQL_SCAN_REVISED, 0),
                        .seq = (uint64_t)sql_int(s, SQL_SCAN_REVISED, 1),
                        .json = sql_text(s, SQL_SCAN_REVISED, 3),
                };

                n++;
                r = sql_row_ok(s, SQL_SCAN_REVISED, 2, crc_revised(&row));
                if (r == 0)
                        r = store_fail(base, -EBADMSG, "an earlier version is damaged");
                else if (r > 0)
                        r = fn(user, &row);
                if (r != 0) {
                        sql_done(s, SQL_SCAN_REVISED);
                        return r;
                }
        }
        if (r == 0 && n != s->counts.revised)
                return store_fail(base, -EBADMSG, "earlier versions are lost");
        return r;
}

int sqlite_expire_revised(Store *base, uint64_t epoch, size_t max, size_t *ret_n)
{
        StoreSqlite *s = store_sqlite(base);
        int r = sql_run(s, SQL_DROP_REVISED, "delete earlier versions", "ii",
                        (int64_t)(epoch < INT64_MAX ? epoch : INT64_MAX), (int64_t)max);

        if (r < 0)
                return r;
        *ret_n = (size_t)sqlite3_changes64(s->db);
        /* Where their number was lost it is right again once they are all gone. */
        s->counts.revised -= *ret_n < s->counts.revised ? *ret_n : s->counts.revised;
        if (*ret_n < max && epoch >= INT64_MAX)
                s->counts.revised = 0;
        return 0;
}
