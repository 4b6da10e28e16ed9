/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The statements of the SQLite store.
 */

#include "daemon/store/store_sqlite.h"

const char *const sql_texts[_SQL_N] = {
        [SQL_BEGIN] = "BEGIN IMMEDIATE",
        [SQL_COMMIT] = "COMMIT",
        [SQL_ROLLBACK] = "ROLLBACK",
        [SQL_PUT_SURVEYS] = "INSERT OR REPLACE INTO survey (seq, ts, source, crc, json)"
                            " SELECT seq, ts, source, crc, json FROM given",
        [SQL_GET_SURVEY] = "SELECT seq, ts, source, crc, json FROM survey WHERE seq = ?",
        [SQL_SCAN_SURVEYS] = "SELECT seq, ts, source, crc, json FROM survey WHERE seq > ? AND seq <= ?"
                             " ORDER BY seq",
        [SQL_DROP_SURVEY] = "DELETE FROM survey WHERE seq = ?",
        [SQL_PUT_BLOCK] = "INSERT OR REPLACE INTO block (no, last, min_ts, max_ts, crc, bits)"
                          " VALUES (?, ?, ?, ?, ?, ?)",
        [SQL_DROP_BLOCK] = "DELETE FROM block WHERE no = ?",
        [SQL_SCAN_BLOCKS] = "SELECT no, last, min_ts, max_ts, crc, bits FROM block ORDER BY no",
        [SQL_UPDATE_ALERT] = "UPDATE alert SET changed = ?, is_open = ?, crc = ?, json = ? WHERE id = ?",
        [SQL_INSERT_ALERT] = "INSERT INTO alert (changed, is_open, crc, json, id) VALUES (?, ?, ?, ?, ?)",
        [SQL_SCAN_ALERTS] = "SELECT id, changed, is_open, crc, json FROM alert ORDER BY changed, id",
        [SQL_UPDATE_FEED] = "UPDATE feed SET at = ?, crc = ?, json = ? WHERE principal = ? AND seq = ?",
        [SQL_INSERT_FEED] = "INSERT INTO feed (at, crc, json, principal, seq) VALUES (?, ?, ?, ?, ?)",
        [SQL_SCAN_FEEDS] = "SELECT principal, seq, at, crc, json FROM feed ORDER BY principal, seq",
        [SQL_DROP_FEED] = "DELETE FROM feed WHERE principal = ? AND seq = ?",
        [SQL_PUT_META] = "INSERT OR REPLACE INTO meta (key, value, crc) VALUES (?, ?, ?)",
        [SQL_GET_META] = "SELECT value, crc FROM meta WHERE key = ?",
        [SQL_SCRUB_ALERTS] =
                "SELECT id, changed, is_open, crc, json FROM alert WHERE id > ? ORDER BY id LIMIT ?",
        [SQL_SCRUB_FEEDS] = "SELECT principal, seq, at, crc, json FROM feed WHERE (principal, seq) > (?, ?)"
                            " ORDER BY principal, seq LIMIT ?",
        [SQL_SCRUB_META] = "SELECT key, value, crc FROM meta",
        [SQL_UPDATE_TALLY] = "UPDATE tally SET crc = ?, counts = ? WHERE day = ? AND scope = ?",
        [SQL_INSERT_TALLY] = "INSERT INTO tally (crc, counts, day, scope) VALUES (?, ?, ?, ?)",
        [SQL_GET_TALLY] = "SELECT day, scope, crc, counts FROM tally WHERE day = ? AND scope = ?",
        [SQL_SCAN_TALLIES] = "SELECT day, scope, crc, counts FROM tally WHERE (day, scope) > (?, ?)"
                             " ORDER BY day, scope",
        [SQL_SCAN_TALLIES_BACK] = "SELECT day, scope, crc, counts FROM tally WHERE (day, scope) > (?, ?)"
                                  " ORDER BY day DESC, scope DESC",
        [SQL_DROP_TALLY] = "DELETE FROM tally WHERE day = ? AND scope = ?",
        [SQL_PUT_REVISED] = "INSERT OR IGNORE INTO revised (epoch, seq, crc, json) VALUES (?, ?, ?, ?)",
        [SQL_SCAN_REVISED] = "SELECT epoch, seq, crc, json FROM revised ORDER BY epoch, seq",
        [SQL_DROP_REVISED] = "DELETE FROM revised WHERE (epoch, seq) IN"
                             " (SELECT epoch, seq FROM revised WHERE epoch < ? ORDER BY epoch, seq LIMIT ?)",
};
