/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How fast are the parts by themselves? Prints "name surveys-per-second" for each.
 *
 * usage: bench-stages CONFIG DIRECTORY SECONDS
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "daemon/core/engine.h"
#include "daemon/store/store.h"
#include "proto/survey_json.h"
#include "tests/bench/bench_workload.h"

enum {
        N_LINES = 20000,
        COMMIT_MAX = 1000,
        LOOK = 64, /* how many surveys between two looks at the clock */
};

static void die(const char *what)
{
        fprintf(stderr, "bench-stages: %s\n", what);
        exit(1);
}

static double seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void decode(Survey *s, Text line, char *scratch, Fault *fault)
{
        if (survey_decode(s, line.at, line.n, scratch, false, fault, NULL) != 0)
                die(fault->text);
}

static void bench_decode(const Workload *w, const SurveyRules *rules, usec_t now, double limit)
{
        static char scratch[SURVEY_BYTES_MAX];
        Survey s;
        Fault fault;
        size_t n = 0;
        double start = seconds(), end = start;

        while (end - start < limit) {
                for (unsigned k = 0; k < LOOK; k++, n++) {
                        decode(&s, workload_line(w, n % w->n), scratch, &fault);
                        if (survey_check(&s, rules, now, &fault, NULL) != 0)
                                die(fault.text);
                }
                end = seconds();
        }
        printf("decode %.0f\n", (double)n / (end - start));
}

/* Time goes on from pass to pass, so that windows move as they do in life. */
static void bench_engine(const Workload *w, Config *config, usec_t start_ts, usec_t span, double limit)
{
        Survey *surveys = calloc(w->n, sizeof(*surveys));
        char *scratch = malloc(w->bytes.n);
        Effects effects = EFFECTS_NULL;
        Engine *engine = NULL;
        double begin, end;
        Fault fault;
        size_t n = 0;

        if (!surveys || !scratch || engine_new(&engine, &config->settings, config->org) < 0)
                die("no memory");
        config->org = NULL;
        for (size_t i = 0; i < w->n; i++) {
                Text line = workload_line(w, i);

                decode(&surveys[i], line, scratch + (line.at - w->bytes.data), &fault);
        }
        begin = end = seconds();
        while (end - begin < limit) {
                for (unsigned k = 0; k < LOOK; k++, n++) {
                        Survey *s = &surveys[n % w->n];
                        Input in = {.kind = INPUT_SURVEY, .survey = s};

                        in.now = start_ts + (usec_t)(n / w->n) * span +
                                 (usec_t)(n % w->n) * (span / (usec_t)w->n);
                        if (engine_step(engine, &in, &effects) < 0)
                                die("engine_step");
                        s->ts += span; /* for the next pass */
                }
                effects_reset(&effects);
                end = seconds();
        }
        printf("engine %.0f\n", (double)n / (end - begin));
        effects_deinit(&effects);
        engine_free(engine);
        free(surveys);
        free(scratch);
}

static void bench_store(const Workload *w, const char *directory, unsigned per_commit, double limit)
{
        static StoreSurvey rows[COMMIT_MAX];
        char path[4096], error[256];
        Store *s = NULL;
        uint64_t seq = 0;
        double begin, end;

        snprintf(path, sizeof(path), "%s/bench-%u.db", directory, per_commit);
        if (store_open_sqlite(&s, path, NULL, NULL, error, sizeof(error)) != 0)
                die(error);
        begin = end = seconds();
        while (end - begin < limit) {
                int r = store_begin(s);

                for (unsigned k = 0; k < per_commit; k++, seq++)
                        rows[k] = (StoreSurvey){.seq = seq + 1,
                                                .ts = (usec_t)seq * 1000,
                                                .source = TEXT("local"),
                                                .json = workload_line(w, seq % w->n)};
                if (r == 0)
                        r = store_put_surveys(s, rows, per_commit);
                if (r == 0)
                        r = store_commit(s);
                if (r < 0)
                        die(store_error(s));
                end = seconds();
        }
        printf("commit-%u %.0f\n", per_commit, (double)seq / (end - begin));
        store_close(s);
        unlink(path);
}

int main(int argc, char **argv)
{
        const HashKey key = {.k0 = 1, .k1 = 2};
        const usec_t step = 2500, start = (usec_t)time(NULL) * USEC_SEC - USEC_HOUR;
        const WorkloadPlan plan = {.n_agents = 2000,
                                   .n_queues = 50,
                                   .n_surveys = N_LINES,
                                   .start = start,
                                   .span = N_LINES * step};
        Config *config = NULL;
        Workload w;
        Diag diag;
        char text[1024];
        double limit;
        static const unsigned per_commit[] = {1, 10, 100, COMMIT_MAX};

        if (argc != 4 || text_to_double(text_of(argv[3]), &limit) < 0 || limit <= 0) {
                fprintf(stderr, "usage: bench-stages CONFIG DIRECTORY SECONDS\n");
                return 2;
        }
        if (config_load(&config, argv[1], argv[2], argv[2], &key, &diag) < 0)
                die(diag_format(&diag, text, sizeof(text)));
        if (workload_init(&w, &plan) < 0)
                die("no memory");
        bench_decode(&w,
                     &(SurveyRules){.metrics = config->metrics,
                                    .n_metrics = config->n_metrics,
                                    .future_skew = config->future_skew,
                                    .retention = config->keep_surveys},
                     start + USEC_HOUR, limit);
        bench_engine(&w, config, start, (usec_t)N_LINES * step, limit);
        for (size_t i = 0; i < CX_ARRAY_LEN(per_commit); i++)
                bench_store(&w, argv[2], per_commit[i], limit / 2);
        workload_deinit(&w);
        config_free(config);
        return 0;
}
