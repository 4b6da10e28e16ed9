/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
#include "client/http.h"
#include "client/interrupt.h"
#include "client/sim_load.h"
#include "client/sim_run.h"
#include "client/when.h"

typedef struct Options {
        usec_t since, until;
        bool history, live;
        double rate;
        int64_t per_agent_day, seed;
} Options;

static int read_options(Ctl *ctl, const Args *args, Options *o)
{
        const char *history = args_get(args, "history"), *rate = args_get(args, "rate"),
                   *until = args_get(args, "until");
        usec_t span;
        int r;

        *o = (Options){.until = when_now(),
                       .rate = 2,
                       .per_agent_day = 12,
                       .seed = 1,
                       .live = args_get(args, "live")};
        if (until && when_parse(until, o->until, &o->until) < 0)
                return ctl_usage(ctl, "--until: \"%s\" is not a time", until);
        if (history) {
                if (duration_parse(history, strlen(history), &span) < 0 || span <= 0 || span > o->until)
                        return ctl_usage(ctl, "--history: \"%s\" is not a duration; right is 90d", history);
                o->history = true;
                o->since = o->until - span;
        }
        if (!o->history && !o->live)
                return ctl_usage(ctl, "simulate: say --history 90d, --live, or both");
        if (!o->history && (until || args_get(args, "per-agent-day")))
                return ctl_usage(ctl, "--%s is for the past: --history is missing",
                                 until ? "until" : "per-agent-day");
        if (!o->live && rate)
                return ctl_usage(ctl, "--rate is for the present: --live is missing");
        if (rate && (text_to_double(text_of(rate), &o->rate) < 0 || o->rate < 0.001 || o->rate > 100000))
                return ctl_usage(ctl, "--rate: \"%s\" is not a number from 0.001 to 100000", rate);
        r = args_int(args, ctl, "per-agent-day", 1, 500, &o->per_agent_day);
        return r ? r : args_int(args, ctl, "seed", 0, INT64_MAX, &o->seed);
}

static int simulate(Ctl *ctl, const Args *args, const Options *o, SimWorld *world)
{
        Progress progress;
        Report report;
        SimRun run = {.world = world,
                      .report = &report,
                      .progress = &progress,
                      .until = o->until,
                      .per_agent_day = (double)o->per_agent_day,
                      .rate = o->rate};
        int r;

        report_init(&report, ctl, "simulate", false);
        progress_init(&progress, ctl->err);
        r = sink_open(&run.sink, ctl, args, report_on_refused, &report);
        if (r == CTL_OK) {
                interrupt_catch(-1);
                if (o->history)
                        r = sim_run_history(&run, o->since);
                if (r == CTL_OK && o->live)
                        r = sim_run_live(&run);
                r = report_end(&report, sink_totals(run.sink), r);
        }
        sink_free(run.sink);
        sim_run_deinit(&run);
        report_deinit(&report);
        return r;
}

static int run(Ctl *ctl, const Args *args)
{
        SimWorld world = {0};
        Options options;
        int r;

        r = read_options(ctl, args, &options);
        if (r != CTL_OK)
                return r;
        world.seed = (uint64_t)options.seed;
        r = sim_load(ctl, &world);
        if (r == CTL_OK) {
                http_rest(ctl->http); /* surveys have their own way */
                sim_world_settle(&world);
                r = simulate(ctl, args, &options, &world);
        }
        sim_world_deinit(&world);
        return r;
}

static const Flag flags[] = {
        {"history", 0, "DURATION", "the past: 90d"},
        {"until", 0, "TIME", "end of the past (default now)"},
        {"per-agent-day", 0, "N", "surveys per agent and working day in the past (default 12)"},
        {"live", 0, NULL, "then the present, until SIGINT or SIGTERM"},
        {"rate", 0, "N", "surveys per second in the present, if so many are taken (default 2)"},
        {"seed", 0, "N", "another centre with the same people (default 1)"},
        SINK_FLAGS,
        {0},
};

const Cmd cmd_simulate = {"simulate", "", "send the surveys of a believable contact centre", flags, 0,
                          0,          run};
