/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/interrupt.h"
#include "client/sim_pace.h"
#include "client/sim_run.h"
#include "client/sim_trouble.h"
#include "client/when.h"
#include "client/xalloc.h"
#include "proto/survey_json.h"

#define LATE_SHARE    0.02
#define REVISED_SHARE 0.02

struct SimLater {
        usec_t at;
        char *line;
};

void sim_run_deinit(SimRun *run)
{
        for (size_t i = 0; i < run->n_later; i++)
                free(run->later[i].line);
        free(run->later);
        buffer_deinit(&run->line);
}

static void put_later(SimRun *run, usec_t at, const Survey *s)
{
        buffer_reset(&run->line);
        survey_encode(s, &run->line);
        if (buffer_failed(&run->line))
                abort();
        XGROW(run->later, run->n_later, run->size_later);
        run->later[run->n_later++] = (SimLater){at, xstrndup(run->line.data, run->line.n)};
}

static int by_time(const void *a, const void *b)
{
        const SimLater *x = a, *y = b;

        if (x->at != y->at)
                return x->at < y->at ? -1 : 1;
        return strcmp(x->line, y->line);
}

/* Sends in order all that is due before @before, or until a signal. */
static int send_due(SimRun *run, usec_t before)
{
        size_t n = 0;
        int r = CTL_OK;

        qsort(run->later, run->n_later, sizeof(*run->later), by_time);
        for (; n < run->n_later && run->later[n].at < before && r == CTL_OK && !interrupt_number(); n++) {
                r = sink_send(run->sink, ++run->report->n_read, text_of(run->later[n].line));
                free(run->later[n].line);
        }
        memmove(run->later, run->later + n, (run->n_later - n) * sizeof(*run->later));
        run->n_later -= n;
        return r;
}

/* Some arrive late, and some customers answer again. */
static void put_survey(SimRun *run, Rng *rng, Survey *s)
{
        usec_t at = s->ts, delay = (usec_t)(rng_exponential(rng) * 6 * (double)USEC_HOUR);
        double dice = rng_unit(rng);

        if (s->status == SURVEY_EXPIRED && s->ts > run->until - USEC_DAY && rng_unit(rng) < 0.7)
                s->status = SURVEY_OFFERED; /* there is still time to answer */
        put_later(run, dice < LATE_SHARE ? at + delay : at, s);
        if (s->n_answers > 0 && dice >= LATE_SHARE && dice < LATE_SHARE + REVISED_SHARE) {
                sim_revise(run->world, rng, s);
                put_later(run, at + delay, s);
        }
}

static void one_day(SimRun *run, usec_t day, usec_t since)
{
        const SimWorld *w = run->world;

        for (size_t a = 0; a < w->n_agents; a++) {
                Rng rng = rng_new(w->seed, w->agents[a].name, (uint64_t)(day / USEC_DAY) << 8 | 5);
                unsigned n = rng_poisson(&rng, run->per_agent_day * sim_day_factor(day));

                for (unsigned i = 0; i < n; i++) {
                        Rng own = {rng_next(&rng)};
                        usec_t ts = sim_time_of_day(&own, day);
                        SimText text;
                        Survey s;

                        if (ts < since || ts >= run->until)
                                continue;
                        snprintf(text.id, sizeof(text.id), "sim-%016" PRIx64, own.state);
                        sim_survey(w, &own, a, ts, &text, &s);
                        put_survey(run, &own, &s);
                }
        }
}

int sim_run_history(SimRun *run, usec_t since)
{
        usec_t first = usec_floor(since, USEC_DAY);
        int r = CTL_OK;

        for (usec_t day = first; day < run->until && r == CTL_OK && !interrupt_number(); day += USEC_DAY) {
                one_day(run, day, since);
                r = send_due(run, day + USEC_DAY);
                progress_update(run->progress, (double)(day - first), (double)(run->until - first),
                                run->report->n_read);
        }
        if (r == CTL_OK)
                r = send_due(run, USEC_INFINITY);
        if (r == CTL_OK)
                r = sink_flush(run->sink);
        progress_clear(run->progress);
        return r == CTL_OK && interrupt_number() ? CTL_INTERRUPTED : r;
}

int sim_run_live(SimRun *run)
{
        SimWorld *w = run->world;
        SimTroubles troubles = {0};
        usec_t started = when_now();
        SimPace pace = {.rate = run->rate, .next = started};
        Rng rng = rng_new(w->seed, "live", (uint64_t)started);
        uint64_t n = 0;
        int r = CTL_OK;

        while (r == CTL_OK && !interrupt_number()) {
                usec_t now = when_now();

                sim_troubles_turn(&troubles, w, now - started);
                sim_pace_turn(&pace, now);
                while (sim_pace_due(&pace, &rng, now)) {
                        size_t agent = sim_world_next_agent(w, &rng);
                        SimText text;
                        Survey s;

                        snprintf(text.id, sizeof(text.id), "live-%" PRIx64 "-%" PRIu64, (uint64_t)started,
                                 ++n);
                        sim_survey(w, &rng, agent, now, &text, &s);
                        run->until = now;
                        if (rng_unit(&rng) < REVISED_SHARE && s.n_answers > 0) {
                                put_later(run, now, &s);
                                sim_revise(w, &rng, &s);
                                put_later(run, now + (usec_t)(20e6 * rng_exponential(&rng)), &s);
                        } else if (rng_unit(&rng) < LATE_SHARE) {
                                put_later(run, now + (usec_t)(30e6 * rng_exponential(&rng)), &s);
                        } else {
                                put_later(run, now, &s);
                        }
                }
                r = send_due(run, now + 1);
                if (r == CTL_OK)
                        r = sink_pump(run->sink, usec_min(pace.next, now + 200 * USEC_MSEC));
        }
        return r == CTL_OK ? sink_flush(run->sink) : r;
}
