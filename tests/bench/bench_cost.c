/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One part of the daemon with a fixed number of surveys, so that its cost can be counted (instructions) or timed.
 *
 * usage: bench-cost CONFIG PART SURVEYS
 *
 * PART is none (only what all parts do before), decode (and check), pack, encode (what was packed),
 * ids (look for a new one and add it), engine, late (engine, surveys up to 80 days old), replay or store (100 surveys a
 * commit, into a file beside CONFIG). Prints the processor time that a survey took, in nanoseconds.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "daemon/core/engine.h"
#include "daemon/core/seen.h"
#include "daemon/store/store.h"
#include "proto/survey_json.h"
#include "proto/survey_pack.h"
#include "tests/bench/bench_workload.h"

enum {
        N_LINES = 20000,
        PER_COMMIT = 100,
};

#define STEP  ((usec_t)2500)
#define START (20780 * USEC_DAY + 8 * USEC_HOUR)

typedef struct Bench {
        Config *config;
        const char *store; /* path of the file for one */
        Workload workload;
        Survey *surveys; /* of the workload, decoded */
        char *scratch;
        size_t n;
} Bench;

static void die(const char *what)
{
        fprintf(stderr, "bench-cost: %s\n", what);
        exit(1);
}

static double cpu_seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void decode(Bench *b, Survey *s, size_t i, char *scratch)
{
        Text line = workload_line(&b->workload, i);
        Fault fault;

        if (survey_decode(s, line.at, line.n, scratch, false, &fault, NULL) != 0)
                die(fault.text);
}

static void run_none(Bench *b CX_UNUSED)
{
}

static void run_decode(Bench *b)
{
        const SurveyRules rules = {
                .metrics = b->config->metrics,
                .n_metrics = b->config->n_metrics,
                .future_skew = b->config->future_skew,
                .retention = b->config->keep_surveys,
        };
        static char scratch[SURVEY_BYTES_MAX];
        Survey s;
        Fault fault;

        for (size_t i = 0; i < b->n; i++) {
                decode(b, &s, i % N_LINES, scratch);
                if (survey_check(&s, &rules, START + USEC_HOUR, &fault, NULL) != 0)
                        die(fault.text);
        }
}

static void run_pack(Bench *b)
{
        Buffer to = BUFFER_NULL;

        for (size_t i = 0; i < b->n; i++) {
                if (i % PER_COMMIT == 0)
                        buffer_reset(&to);
                survey_pack(&b->surveys[i % N_LINES], &to);
        }
        if (buffer_failed(&to))
                die("no memory");
        buffer_deinit(&to);
}

static void run_encode(Bench *b)
{
        Buffer packed = BUFFER_NULL, to = BUFFER_NULL;
        size_t at[PER_COMMIT];
        Survey s;

        for (size_t i = 0; i < PER_COMMIT; i++) {
                at[i] = packed.n;
                survey_pack(&b->surveys[i], &packed);
        }
        for (size_t i = 0; i < b->n; i++) {
                if (i % PER_COMMIT == 0)
                        buffer_reset(&to);
                survey_unpack(&packed, at[i % PER_COMMIT], &s);
                survey_encode(&s, &to);
        }
        if (buffer_failed(&packed) || buffer_failed(&to))
                die("no memory");
        buffer_deinit(&packed);
        buffer_deinit(&to);
}

/* The same surveys come again from another source, and so with other ids. */
static void run_ids(Bench *b)
{
        uint64_t known[SEEN_CANDIDATES_MAX];
        Seen seen = {.key = {.k0 = 1, .k1 = 2}};

        for (size_t i = 0; i < b->n; i++) {
                char source[] = {'s', (char)('0' + i / N_LINES % 64)};
                uint64_t hash = seen_hash(&seen, (Text){.at = source, .n = sizeof(source)},
                                          b->surveys[i % N_LINES].id);

                if (seen_find(&seen, hash, known) == 0 && seen_add(&seen, hash, i + 1) < 0)
                        die("no memory");
        }
        seen_deinit(&seen);
}

static void run_store(Bench *b)
{
        StoreSurvey rows[PER_COMMIT];
        char error[512];
        Store *s;

        /* One that did not come to its end may have left it. */
        unlink(b->store);
        if (store_open_sqlite(&s, b->store, NULL, NULL, error, sizeof(error)) != 0)
                die(error);
        for (size_t i = 0; i < b->n; i++) {
                int r = 0;

                rows[i % PER_COMMIT] = (StoreSurvey){.seq = i + 1,
                                                     .ts = START + (usec_t)i * STEP,
                                                     .source = TEXT("local"),
                                                     .json = workload_line(&b->workload, i % N_LINES)};
                if ((i + 1) % PER_COMMIT)
                        continue;
                r = store_begin(s);
                if (r == 0)
                        r = store_put_surveys(s, rows, PER_COMMIT);
                if (r == 0)
                        r = store_commit(s);
                if (r == 0 && store_log(s) == STORE_LOG_FULL)
                        r = store_write_back(s);
                if (r < 0)
                        die(store_error(s));
        }
        store_close(s);
        unlink(b->store);
}

static void run_engine(Bench *b, usec_t late_max, bool replay)
{
        Effects effects = EFFECTS_NULL;
        Engine *engine = NULL;

        if (engine_new(&engine, &b->config->settings, b->config->org) < 0)
                die("no memory");
        b->config->org = NULL;
        for (size_t i = 0; i < b->n; i++) {
                Survey *s = &b->surveys[i % N_LINES];
                Input in = {.kind = INPUT_SURVEY, .survey = s, .now = START + (usec_t)i * STEP};
                usec_t ts = s->ts;
                int r;

                s->ts += (usec_t)(i / N_LINES) * N_LINES * STEP;
                if (late_max)
                        s->ts -= (usec_t)(i * 7919 % 80000) * (late_max / 80000);
                r = replay ? engine_replay(engine, s) : engine_step(engine, &in, &effects);
                if (r < 0)
                        die("no memory");
                s->ts = ts;
                if (i % 100 == 0)
                        effects_reset(&effects);
        }
        effects_deinit(&effects);
        engine_free(engine);
}

static void run_in_order(Bench *b)
{
        run_engine(b, 0, false);
}

static void run_late(Bench *b)
{
        run_engine(b, 80 * USEC_DAY, false);
}

static void run_replay(Bench *b)
{
        run_engine(b, 0, true);
}

static const struct Part {
        const char *name;
        void (*run)(Bench *b);
} parts[] = {
        {"none", run_none},     {"decode", run_decode}, {"pack", run_pack},
        {"encode", run_encode}, {"ids", run_ids},       {"engine", run_in_order},
        {"late", run_late},     {"replay", run_replay}, {"store", run_store},
};

static const struct Part *find_part(const char *name)
{
        for (size_t i = 0; i < CX_ARRAY_LEN(parts); i++)
                if (strcmp(parts[i].name, name) == 0)
                        return &parts[i];
        return NULL;
}

int main(int argc, char **argv)
{
        const HashKey key = {.k0 = 1, .k1 = 2};
        const WorkloadPlan plan = {.n_agents = 2000,
                                   .n_queues = 50,
                                   .n_surveys = N_LINES,
                                   .start = START,
                                   .span = N_LINES * STEP};
        const struct Part *part = argc == 4 ? find_part(argv[2]) : NULL;
        Bench b = {0};
        char text[1024], store[4096];
        int64_t n;
        double start;
        Diag diag;

        if (!part || text_to_int64(text_of(argv[3]), &n) < 0 || n <= 0) {
                fprintf(stderr, "usage: bench-cost CONFIG PART SURVEYS\n");
                return 2;
        }
        b.n = (size_t)n;
        if ((size_t)snprintf(store, sizeof(store), "%s.cost.db", argv[1]) >= sizeof(store))
                die("the path of the configuration is too long");
        b.store = store;
        if (config_load(&b.config, argv[1], "/nonexistent", "/nonexistent", &key, &diag) < 0)
                die(diag_format(&diag, text, sizeof(text)));
        if (workload_init(&b.workload, &plan) < 0)
                die("no memory");
        b.surveys = calloc(N_LINES, sizeof(*b.surveys));
        b.scratch = malloc(b.workload.bytes.n);
        if (!b.surveys || !b.scratch)
                die("no memory");
        for (size_t i = 0; i < N_LINES; i++)
                decode(&b, &b.surveys[i], i,
                       b.scratch + (workload_line(&b.workload, i).at - b.workload.bytes.data));
        start = cpu_seconds();
        part->run(&b);
        printf("%s %.0f\n", part->name, (cpu_seconds() - start) / (double)b.n * 1e9);
        free(b.surveys);
        free(b.scratch);
        workload_deinit(&b.workload);
        config_free(b.config);
        return 0;
}
