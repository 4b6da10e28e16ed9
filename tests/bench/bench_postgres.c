/* SPDX-License-Identifier: Apache-2.0 */

/*
 * PostgreSQL: each survey as a row, and counts per agent and per queue for the survey and each answered metric by
 * upsert, one statement per 1,000 surveys.
 *
 * usage: bench-postgres FILE SENDERS SECONDS METRICS LEVELS
 *
 * LEVELS is for how many scopes a survey counts, in the order of bench_levels.h: 2 for agent and queue, 7 for all. The
 * server is that of the environment (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE). Prints "rate".
 */

#include <arpa/inet.h>
#include <endian.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench_levels.h"
#include "tests/bench/bench_tool.h"
#include "tests/bench/bench_workload.h"

enum {
        PER_STATEMENT = 1000,
        SENDERS_MAX = 64,
        OID_INT2 = 21,
        OID_TEXT = 25,
        PARAMS_MAX =
                1 + LEVELS + WORKLOAD_METRICS, /* body, a name for each level, an answer for each metric */
};

static const char schema[] = "CREATE TABLE surveys (number bigserial PRIMARY KEY, body text NOT NULL);"
                             "CREATE TABLE tallies (scope text, metric int2, answer int2, n int8 NOT NULL,"
                             " PRIMARY KEY (scope, metric, answer));";

/* In the order of the key, so that two senders do not wait for each other in a circle. */
static const char statement_tail[] =
        ") AS c (scope, metric, answer) WHERE answer >= 0 GROUP BY scope, metric, answer)"
        " INSERT INTO tallies SELECT scope, metric, answer, n FROM counted"
        " ORDER BY scope, metric, answer ON CONFLICT (scope, metric, answer)"
        " DO UPDATE SET n = tallies.n + excluded.n";

/* The parameters of one statement. */
typedef struct Chunk {
        Buffer params[PARAMS_MAX];
} Chunk;

typedef struct Sender {
        PGconn *connection;
        bool busy;
        size_t next; /* chunk */
} Sender;

static Chunk *chunks;
static size_t n_chunks;
static unsigned n_metrics, n_levels;

/* The first of the answers; all metrics are sent, and counted or not. */
static unsigned first_answer(void)
{
        return 1 + n_levels;
}

static unsigned count_params(void)
{
        return first_answer() + WORKLOAD_METRICS;
}

static void die_of(PGconn *c)
{
        tool_die(PQerrorMessage(c));
}

/* --- arrays in PostgreSQL's binary form ----------------------------------------------------------------------- */

static void put_int32(Buffer *b, uint32_t value)
{
        value = htonl(value);
        buffer_append(b, &value, sizeof(value));
}

static void begin_array(Buffer *b, uint32_t type)
{
        put_int32(b, 1); /* dimensions */
        put_int32(b, 0); /* no NULLs */
        put_int32(b, type);
        put_int32(b, PER_STATEMENT);
        put_int32(b, 1); /* the first index */
}

static void put_text(Buffer *b, Text t)
{
        put_int32(b, (uint32_t)t.n);
        buffer_append_text(b, t);
}

static void put_int2(Buffer *b, int value)
{
        uint16_t v = htons((uint16_t)value);

        put_int32(b, sizeof(v));
        buffer_append(b, &v, sizeof(v));
}

static void put_survey(Chunk *c, Text line, const WorkloadSurvey *s)
{
        Levels levels;

        if (levels_of(&levels, s) < 0)
                tool_die("the workload is of another organisation");
        put_text(&c->params[0], line);
        for (unsigned i = 0; i < n_levels; i++)
                put_text(&c->params[1 + i], levels.scopes[i]);
        for (unsigned m = 0; m < WORKLOAD_METRICS; m++)
                put_int2(&c->params[first_answer() + m], s->values[m]);
}

static void fill_chunk(Chunk *c, Workload *w, size_t first)
{
        for (unsigned k = 0; k < count_params(); k++)
                begin_array(&c->params[k], k < first_answer() ? OID_TEXT : OID_INT2);
        for (size_t i = first; i < first + PER_STATEMENT; i++) {
                WorkloadSurvey s;

                if (workload_survey(w, i, &s) < 0)
                        tool_die("the workload is damaged");
                put_survey(c, workload_line(w, i), &s);
        }
        for (unsigned k = 0; k < count_params(); k++)
                if (buffer_failed(&c->params[k]))
                        tool_die("no memory");
}

static void fill_chunks(const char *path)
{
        Workload w;
        int r = workload_load(&w, path);

        if (r < 0)
                tool_die(strerror(-r));
        n_chunks = w.n / PER_STATEMENT;
        chunks = calloc(n_chunks + 1, sizeof(*chunks));
        if (!chunks || n_chunks == 0)
                tool_die("no memory, or too small a workload");
        for (size_t i = 0; i < n_chunks; i++)
                fill_chunk(&chunks[i], &w, i * PER_STATEMENT);
        workload_deinit(&w);
}

/* --- sending -------------------------------------------------------------------------------------------------- */

/* The surveys of a statement as rows: "given". */
static void write_given(Buffer *sql)
{
        buffer_append_str(sql, "WITH given AS (SELECT * FROM unnest($1::text[]");
        for (unsigned k = 1; k < count_params(); k++)
                buffer_append_format(sql, ", $%u::%s[]", k + 1, k < first_answer() ? "text" : "int2");
        buffer_append_str(sql, ") AS t (body");
        for (unsigned i = 0; i < n_levels; i++)
                buffer_append_format(sql, ", %s", levels_names[i]);
        for (unsigned m = 0; m < WORKLOAD_METRICS; m++)
                buffer_append_format(sql, ", m%u", m);
        buffer_append_str(sql, ")), stored AS (INSERT INTO surveys (body) SELECT body FROM given)");
}

static void write_statement(Buffer *sql)
{
        write_given(sql);
        buffer_append_str(sql, ", counted AS (SELECT scope, metric, answer, count(*) AS n FROM given,"
                               " LATERAL (VALUES ");
        for (unsigned i = 0; i < n_levels; i++)
                buffer_append_format(sql, "%s(%s, -1, 0::int2)", i ? ", " : "", levels_names[i]);
        for (unsigned m = 0; m < n_metrics; m++)
                for (unsigned i = 0; i < n_levels; i++)
                        buffer_append_format(sql, ", (%s, %u, m%u)", levels_names[i], m, m);
        buffer_append_str(sql, statement_tail);
}

static void prepare(PGconn *c)
{
        Buffer sql = BUFFER_NULL;
        PGresult *r;

        write_statement(&sql);
        if (buffer_failed(&sql))
                tool_die("no memory");
        r = PQprepare(c, "put", buffer_str(&sql), 0, NULL);
        if (PQresultStatus(r) != PGRES_COMMAND_OK)
                die_of(c);
        PQclear(r);
        buffer_deinit(&sql);
}

static void open_sender(Sender *s, bool first)
{
        s->connection = PQconnectdb("");
        if (PQstatus(s->connection) != CONNECTION_OK)
                die_of(s->connection);
        if (first) {
                PGresult *r = PQexec(s->connection, schema);

                if (PQresultStatus(r) != PGRES_COMMAND_OK)
                        die_of(s->connection);
                PQclear(r);
        }
        prepare(s->connection);
}

static void send_chunk(Sender *s, size_t step)
{
        const char *values[PARAMS_MAX];
        int lengths[PARAMS_MAX], formats[PARAMS_MAX];
        Chunk *c = &chunks[s->next % n_chunks];

        for (unsigned k = 0; k < count_params(); k++) {
                values[k] = c->params[k].data;
                lengths[k] = (int)c->params[k].n;
                formats[k] = 1;
        }
        s->next += step;
        s->busy = true;
        if (!PQsendQueryPrepared(s->connection, "put", (int)count_params(), values, lengths, formats, 0))
                die_of(s->connection);
}

/* Whether the statement is through. */
static bool is_done(Sender *s)
{
        PGresult *r;

        if (!PQconsumeInput(s->connection))
                die_of(s->connection);
        while (!PQisBusy(s->connection)) {
                r = PQgetResult(s->connection);
                if (!r)
                        return true;
                if (PQresultStatus(r) != PGRES_COMMAND_OK)
                        die_of(s->connection);
                PQclear(r);
        }
        return false;
}

/* Returns the surveys per second. */
static double run(Sender *senders, unsigned n, double limit)
{
        struct pollfd fds[SENDERS_MAX];
        double start = tool_seconds(), now = start;
        size_t n_done = 0;
        unsigned n_busy = 0;

        do {
                for (unsigned i = 0; i < n; i++) {
                        if (!senders[i].busy && now - start < limit) {
                                send_chunk(&senders[i], n);
                                n_busy++;
                        }
                        fds[i] = (struct pollfd){.fd = senders[i].busy ? PQsocket(senders[i].connection) : -1,
                                                 .events = POLLIN};
                }
                if (n_busy && poll(fds, n, 30000) <= 0)
                        tool_die("no answer for thirty seconds");
                now = tool_seconds();
                for (unsigned i = 0; i < n; i++) {
                        if (!senders[i].busy || !fds[i].revents || !is_done(&senders[i]))
                                continue;
                        senders[i].busy = false;
                        n_busy--;
                        n_done++;
                }
        } while (n_busy || now - start < limit);
        return (double)n_done * PER_STATEMENT / (now - start);
}

int main(int argc, char **argv)
{
        Sender senders[SENDERS_MAX] = {0};
        unsigned n;
        double limit;

        if (argc != 6) {
                fprintf(stderr, "usage: bench-postgres FILE SENDERS SECONDS METRICS LEVELS\n");
                return 2;
        }
        n = (unsigned)tool_number(argv[2], 1, SENDERS_MAX);
        limit = tool_number(argv[3], 0.001, 3600);
        n_metrics = (unsigned)tool_number(argv[4], 0, WORKLOAD_METRICS);
        n_levels = (unsigned)tool_number(argv[5], 1, LEVELS);
        fill_chunks(argv[1]);
        for (unsigned i = 0; i < n; i++) {
                open_sender(&senders[i], i == 0);
                senders[i].next = i;
        }
        printf("rate %.0f\n", run(senders, n, limit));
        for (unsigned i = 0; i < n; i++)
                PQfinish(senders[i].connection);
        for (size_t i = 0; i < n_chunks; i++)
                for (unsigned k = 0; k < count_params(); k++)
                        buffer_deinit(&chunks[i].params[k]);
        free(chunks);
        return 0;
}
