/* SPDX-License-Identifier: Apache-2.0 */

/*
 * SQLite by itself: each survey as a row, and counts per agent and per queue for the survey and each answered metric by
 * upsert; WAL, synchronous FULL, one transaction per 1,000 surveys.
 *
 * usage: bench-sqlite FILE DATABASE SECONDS METRICS
 *
 * Prints "rate".
 */

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/bench_tool.h"
#include "tests/bench/bench_workload.h"

#define PER_COMMIT 1000

static const char schema[] =
        "PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=FULL;"
        "CREATE TABLE surveys (number INTEGER PRIMARY KEY, body TEXT NOT NULL);"
        "CREATE TABLE tallies (scope TEXT NOT NULL, metric INTEGER NOT NULL, answer INTEGER NOT NULL,"
        " n INTEGER NOT NULL, PRIMARY KEY (scope, metric, answer)) WITHOUT ROWID;";
static const char insert[] = "INSERT INTO surveys (body) VALUES (?1)";
static const char upsert[] = "INSERT INTO tallies VALUES (?1, ?2, ?3, 1)"
                             " ON CONFLICT (scope, metric, answer) DO UPDATE SET n = n + 1";

typedef struct Bench {
        sqlite3 *db;
        sqlite3_stmt *insert, *upsert;
        Workload workload;
        unsigned n_metrics;
} Bench;

static void check(const Bench *b, bool ok)
{
        if (!ok)
                tool_die(sqlite3_errmsg(b->db));
}

static void run_step(const Bench *b, sqlite3_stmt *s)
{
        check(b, sqlite3_step(s) == SQLITE_DONE);
        check(b, sqlite3_reset(s) == SQLITE_OK);
}

static void count(const Bench *b, Text scope, int metric, int answer)
{
        check(b, sqlite3_bind_text(b->upsert, 1, scope.at, (int)scope.n, SQLITE_STATIC) == SQLITE_OK &&
                         sqlite3_bind_int(b->upsert, 2, metric) == SQLITE_OK &&
                         sqlite3_bind_int(b->upsert, 3, answer) == SQLITE_OK);
        run_step(b, b->upsert);
}

static void put(Bench *b, size_t i)
{
        Text line = workload_line(&b->workload, i);
        WorkloadSurvey s;

        if (workload_survey(&b->workload, i, &s) < 0)
                tool_die("the workload is damaged");
        check(b, sqlite3_bind_text(b->insert, 1, line.at, (int)line.n, SQLITE_STATIC) == SQLITE_OK);
        run_step(b, b->insert);
        count(b, s.agent, -1, 0);
        count(b, s.queue, -1, 0);
        for (unsigned m = 0; m < b->n_metrics; m++) {
                if (s.values[m] < 0)
                        continue;
                count(b, s.agent, (int)m, s.values[m]);
                count(b, s.queue, (int)m, s.values[m]);
        }
}

static void open_database(Bench *b, const char *path)
{
        if (sqlite3_open(path, &b->db) != SQLITE_OK)
                tool_die("cannot open the database");
        check(b, sqlite3_exec(b->db, schema, NULL, NULL, NULL) == SQLITE_OK &&
                         sqlite3_prepare_v2(b->db, insert, -1, &b->insert, NULL) == SQLITE_OK &&
                         sqlite3_prepare_v2(b->db, upsert, -1, &b->upsert, NULL) == SQLITE_OK);
}

int main(int argc, char **argv)
{
        Bench b = {0};
        double limit, start, now;
        size_t n = 0;
        int r;

        if (argc != 5) {
                fprintf(stderr, "usage: bench-sqlite FILE DATABASE SECONDS METRICS\n");
                return 2;
        }
        limit = tool_number(argv[3], 0.001, 3600);
        b.n_metrics = (unsigned)tool_number(argv[4], 0, WORKLOAD_METRICS);
        r = workload_load(&b.workload, argv[1]);
        if (r < 0)
                tool_die(strerror(-r));
        open_database(&b, argv[2]);
        start = now = tool_seconds();
        while (now - start < limit) {
                check(&b, sqlite3_exec(b.db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
                for (unsigned k = 0; k < PER_COMMIT; k++, n++)
                        put(&b, n % b.workload.n);
                check(&b, sqlite3_exec(b.db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
                now = tool_seconds();
        }
        printf("rate %.0f\n", (double)n / (now - start));
        sqlite3_finalize(b.insert);
        sqlite3_finalize(b.upsert);
        sqlite3_close(b.db);
        workload_deinit(&b.workload);
        return 0;
}
