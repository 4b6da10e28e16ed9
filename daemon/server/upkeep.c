/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/log.h"
#include "daemon/server/fold.h"
#include "daemon/server/mute.h"
#include "daemon/server/reload.h"
#include "daemon/server/reserve.h"
#include "daemon/server/state.h"
#include "daemon/server/upkeep.h"
#include "proto/survey_json.h"

/* Between two rounds; before the first one; between two slices of a round. */
#define ROUND_TIME (60 * USEC_SEC)
#define FIRST_TIME USEC_SEC
#define SLICE_TIME (20 * USEC_MSEC)
#define SLICE_MAX  1000
/* Looking for messages that are too old reads all of them. */
#define FEEDS_STEP USEC_HOUR
/* A clock is set right by less than this all the time. */
#define BACK_MAX USEC_MIN

typedef enum Step {
        STEP_NOTE,   /* from when comments are kept, and what time it is */
        STEP_READ,   /* surveys that are too old */
        STEP_DELETE, /* those that were read */
        STEP_MUTE,   /* comments */
        STEP_SWEEP,  /* everything else */
} Step;

typedef struct OldSurvey {
        uint64_t seq;
        size_t source_at, source_n, json_at, json_n; /* in Upkeep.bytes */
        bool counted;                                /* as one that was not retracted */
} OldSurvey;

struct Upkeep {
        JournalJob job; /* first: a job is its upkeep */
        Server *server;
        LoopTimer *timer;
        Step step;
        bool busy; /* the job is on its way */
        ClockTrust clock;
        bool believed; /* at the beginning of this round: else nothing goes */
        usec_t now;    /* of this round */
        usec_t before; /* surveys older than this go */
        int32_t before_day;
        uint64_t epoch;          /* of the snapshot, when the job was submitted */
        usec_t forgotten_before; /* when those that were read are deleted */
        uint64_t read;           /* in this round: up to this number; UINT64_MAX: all */
        OldSurvey old[SLICE_MAX];
        size_t n_old;
        Buffer bytes;
        Fold *fold;
        Mute mute;
        size_t n_feeds, n_tallies;
        bool erased; /* something went in this round */
        bool traces; /* of what went, also before the start, may be on the disk */
        StoreInfo info;
        char error[300]; /* of the store */
        UpkeepStats stats, before_round;
        Survey survey;
        char *scratch;
};

/* --- on the storage thread ------------------------------------------------------------------------------ */

static int take_old(void *user, const StoreSurvey *row)
{
        Upkeep *u = user;
        OldSurvey *o = &u->old[u->n_old++];

        if (row->ts >= u->forgotten_before)
                u->forgotten_before = row->ts + 1;
        *o = (OldSurvey){
                .seq = row->seq, .source_at = u->bytes.n, .source_n = row->source.n, .json_n = row->json.n};
        buffer_append_text(&u->bytes, row->source);
        o->json_at = u->bytes.n;
        buffer_append_text(&u->bytes, row->json);
        return buffer_failed(&u->bytes) ? -ENOMEM : 0;
}

/* There was no space for it at the start, or somebody has removed it. */
static void look_after_reserve(const Server *s)
{
        if (reserve_is_missing(s->reserve) && reserve_make_again(s->reserve) == 0)
                log_notice("store has space for its reserve now");
}

static int note_run(JournalJob *job, Store *store)
{
        Upkeep *u = (Upkeep *)job;
        int r = mute_note(&u->mute, store);

        if (r == 0)
                r = store_begin(store);
        if (r == 0)
                r = clock_trust_write(&u->clock, store);
        if (r == 0)
                r = store_commit(store);
        if (r < 0) {
                store_rollback(store);
                return r;
        }
        clock_trust_written(&u->clock);
        look_after_reserve(u->server);
        return 0;
}

static int read_run(JournalJob *job, Store *store)
{
        Upkeep *u = (Upkeep *)job;

        u->n_old = 0;
        buffer_reset(&u->bytes);
        return store_scan_span(store, INT64_MIN, u->before, &u->read, SLICE_MAX, take_old, u);
}

static int delete_run(JournalJob *job, Store *store)
{
        Upkeep *u = (Upkeep *)job;
        uint64_t seqs[SLICE_MAX];
        bool counted[SLICE_MAX];

        for (size_t i = 0; i < u->n_old; i++) {
                seqs[i] = u->old[i].seq;
                counted[i] = u->old[i].counted;
        }
        return fold_delete(u->fold, store,
                           &(FoldDeletion){.before = u->before,
                                           .seqs = seqs,
                                           .counted = counted,
                                           .n = u->n_old,
                                           .epoch = u->epoch,
                                           .forgotten_before = u->forgotten_before});
}

static int mute_run(JournalJob *job, Store *store)
{
        Upkeep *u = (Upkeep *)job;

        return mute_slice(&u->mute, store, SLICE_MAX, &u->survey, u->scratch);
}

static int sweep(Upkeep *u, Store *store)
{
        /* Damaged surveys; sound ones that are too old by now are for the next round. */
        int r = store_drop_surveys(store, u->before, NULL, 0);

        if (r == 0)
                r = store_expire_feeds(store, usec_floor(u->before, FEEDS_STEP), SLICE_MAX, &u->n_feeds);
        if (r == 0)
                r = store_expire_tallies(store, u->before_day, SLICE_MAX, &u->n_tallies);
        if (r == 0 && u->n_tallies)
                r = fold_forget_days(store, u->before_day);
        return r < 0 ? r : store_commit(store);
}

static int sweep_run(JournalJob *job, Store *store)
{
        Upkeep *u = (Upkeep *)job;
        int r = store_begin(store);

        if (r < 0)
                return r;
        r = sweep(u, store);
        if (r < 0) {
                store_rollback(store);
                return r;
        }
        u->traces = u->traces || u->erased || u->n_feeds || u->n_tallies;
        if (u->traces && u->n_feeds < SLICE_MAX && u->n_tallies < SLICE_MAX) {
                r = store_erase(store);
                u->traces = r < 0;
        }
        return r < 0 ? r : store_info(store, &u->info);
}

static int upkeep_run(JournalJob *job, Store *store)
{
        static int (*const runs[])(JournalJob * job, Store * store) = {
                [STEP_NOTE] = note_run, [STEP_READ] = read_run,   [STEP_DELETE] = delete_run,
                [STEP_MUTE] = mute_run, [STEP_SWEEP] = sweep_run,
        };
        Upkeep *u = (Upkeep *)job;
        int r;

        /* What it writes, and the log that it empties, would take the room that alerts need. */
        if (intake_store_full(u->server->intake))
                return -ENOSPC;
        r = runs[u->step](job, store);
        (void)snprintf(u->error, sizeof(u->error), "upkeep: %s", store_error(store));
        return r;
}

/* --- on the loop's thread ------------------------------------------------------------------------------- */

static void upkeep_done(JournalJob *job, int result);

static void submit(Upkeep *u, Step step)
{
        u->step = step;
        u->busy = true;
        u->epoch = intake_parts(u->server->intake)->kept_epoch;
        if (step == STEP_READ)
                u->forgotten_before = intake_parts(u->server->intake)->forgotten_before;
        u->job = (JournalJob){.run = upkeep_run, .done = upkeep_done};
        journal_submit(u->server->journal, &u->job);
}

static void wait(Upkeep *u, usec_t time, Step step)
{
        u->step = step;
        server_wake(u->server, u->timer, time);
}

/* A round that comes to nothing. */
static void begin_anew(Upkeep *u, usec_t time)
{
        u->read = 0;
        wait(u, time, STEP_NOTE);
}

/* False: it is not believed. */
static bool look_at_clock(Upkeep *u)
{
        static LogLimit ahead = {.interval = USEC_HOUR, .burst = 1},
                        behind = {.interval = USEC_HOUR, .burst = 1};
        usec_t now = loop_realtime(u->server->loop), seen = engine_now(u->server->engine);
        char time[USEC_TEXT_MAX];

        if (seen > now + BACK_MAX)
                log_limited(
                        &behind, LOG_LEVEL_ERR,
                        "clock went back: alerts wait until it is %s again; if it is right now, restart cxd",
                        usec_format(seen, time));
        if (clock_trust_judge(&u->clock, now))
                return true;
        log_limited(&ahead, LOG_LEVEL_ERR,
                    "clock is far ahead of %s, when it was last believed: nothing is deleted for a day",
                    usec_format(u->clock.seen, time));
        return false;
}

/* A round begins: from now on, what is older than this is gone, as far as anybody can tell. */
static void set_limits(Upkeep *u)
{
        Server *s = u->server;

        u->believed = look_at_clock(u);
        u->now = u->clock.seen;
        u->before = u->now - usec_max(s->config->keep_surveys, ENGINE_STORED_MIN);
        u->before_day = engine_kept_day(s->engine);
        mute_set_limit(&u->mute, u->now, s->config->keep_comments);
        intake_set_limits(s->intake, u->before, u->mute.limit);
}

static int decode_old(Upkeep *u, const OldSurvey *o)
{
        const Text json = {.at = u->bytes.data + o->json_at, .n = o->json_n};

        return survey_decode_stored(&u->survey, json, u->scratch);
}

/* One that cannot be read as a survey was counted nowhere. */
static int fold_old(Upkeep *u)
{
        int r = fold_new(&u->fold, u->server->engine);

        for (size_t i = 0; i < u->n_old && r == 0; i++) {
                if (decode_old(u, &u->old[i]) != 0)
                        continue;
                u->old[i].counted = u->survey.status != SURVEY_RETRACTED;
                r = fold_add(u->fold, &u->survey);
        }
        return r < 0 ? r : fold_seal(u->fold);
}

static void forget_old(Upkeep *u)
{
        Server *s = u->server;

        for (size_t i = 0; i < u->n_old; i++) {
                const OldSurvey *o = &u->old[i];
                Text source = {.at = u->bytes.data + o->source_at, .n = o->source_n};

                if (decode_old(u, o) != 0)
                        continue;
                seen_remove(&s->seen, seen_hash(&s->seen, source, u->survey.id), o->seq);
                engine_forget(s->engine, &u->survey);
        }
        intake_forget_before(s->intake, u->forgotten_before);
        u->stats.surveys += u->n_old;
        u->erased = true;
        log_debug("upkeep slice surveys=%zu", u->n_old);
}

static void end_round(Upkeep *u)
{
        const UpkeepStats *a = &u->before_round, *b = &u->stats;

        u->server->store_info = u->info;
        if (u->erased)
                log_info("upkeep removed surveys=%llu comments=%llu messages=%llu tallies=%llu",
                         (unsigned long long)(b->surveys - a->surveys),
                         (unsigned long long)(b->comments - a->comments),
                         (unsigned long long)(b->feeds - a->feeds),
                         (unsigned long long)(b->tallies - a->tallies));
        log_debug("upkeep round done");
        u->before_round = u->stats;
        u->erased = false;
        server_tell_status(u->server);
        wait(u, ROUND_TIME, STEP_NOTE);
}

static void go_on_reading(Upkeep *u)
{
        if (u->read < UINT64_MAX) {
                wait(u, SLICE_TIME, STEP_READ);
                return;
        }
        u->read = 0;
        wait(u, 0, STEP_MUTE);
}

static void go_on(Upkeep *u)
{
        switch (u->step) {
        case STEP_NOTE:
                if (!u->believed)
                        log_debug("upkeep round put off");
                wait(u, u->believed ? FIRST_TIME : ROUND_TIME, STEP_READ);
                break;
        case STEP_READ:
                if (u->n_old == 0) {
                        go_on_reading(u);
                } else if (fold_old(u) < 0) {
                        server_fail(u->server, -ENOMEM, "upkeep");
                } else {
                        submit(u, STEP_DELETE);
                }
                break;
        case STEP_DELETE:
                forget_old(u);
                u->fold = fold_free(u->fold);
                go_on_reading(u);
                break;
        case STEP_MUTE:
                u->stats.comments += u->mute.n_muted;
                u->erased = u->erased || u->mute.n_muted;
                wait(u, mute_is_complete(&u->mute) ? 0 : SLICE_TIME,
                     mute_is_complete(&u->mute) ? STEP_SWEEP : STEP_MUTE);
                break;
        case STEP_SWEEP:
                feeds_forget(u->server->feeds, u->before);
                u->stats.feeds += u->n_feeds;
                u->stats.tallies += u->n_tallies;
                u->erased = u->erased || u->n_feeds || u->n_tallies;
                if (u->n_feeds == SLICE_MAX || u->n_tallies == SLICE_MAX)
                        wait(u, SLICE_TIME, STEP_SWEEP);
                else
                        end_round(u);
                break;
        }
}

static void upkeep_done(JournalJob *job, int result)
{
        Upkeep *u = (Upkeep *)job;
        Server *s = u->server;

        u->busy = false;
        if (result == -ECANCELED || s->state == SERVER_STOPPING) {
                if (result == 0 && u->step == STEP_DELETE)
                        forget_old(u);
                u->fold = fold_free(u->fold);
                return;
        }
        if (result == -EBADMSG) {
                static LogLimit limit = {.interval = USEC_HOUR, .burst = 1};

                log_limited(&limit, LOG_LEVEL_ERR, "%s; what is too old behind it is kept", u->error);
        }
        if (result == -ENOSPC || result == -ESTALE || result == -EBADMSG) {
                u->fold = fold_free(u->fold);
                begin_anew(u, u->step == STEP_NOTE ? FIRST_TIME : ROUND_TIME);
        } else if (result < 0) {
                server_fail(s, result, result == -ENOMEM ? "upkeep" : u->error);
        } else {
                go_on(u);
        }
        if (s->state == SERVER_RELOADING && !u->busy && !s->rebuild && intake_is_idle(s->intake))
                reload_rested(s);
        if (!u->busy)
                snapshots_look(s->snapshots); /* which waits for this */
}

static void on_timer(void *user)
{
        Upkeep *u = user;

        if (u->busy)
                return;
        if (u->server->state != SERVER_READY) { /* the next one is told by upkeep_reconfigure() */
                begin_anew(u, SLICE_TIME);
                return;
        }
        if (u->step == STEP_NOTE || u->step == STEP_READ) {
                /* Where nothing comes, nothing else tells the engine the time, and so which days are to go. */
                server_step_time(u->server);
                set_limits(u);
        }
        submit(u, u->step == STEP_READ && !u->believed ? STEP_NOTE : u->step);
}

int upkeep_new(Upkeep **ret, Server *s, const ClockTrust *clock)
{
        Upkeep *u = calloc(1, sizeof(*u));
        int r = -ENOMEM;

        if (!u)
                return r;
        u->server = s;
        u->clock = *clock;
        u->mute = MUTE_INIT;
        /* A daemon before may have ended before it saw to that. Without a reserve the room is for alerts. */
        u->traces = access(s->reserve, F_OK) == 0;
        u->scratch = malloc(SURVEY_SCRATCH_BYTES);
        if (u->scratch)
                r = loop_timer_new(&u->timer, s->loop, on_timer, u);
        if (r < 0) {
                upkeep_free(u);
                return r;
        }
        *ret = u;
        return 0;
}

Upkeep *upkeep_free(Upkeep *u)
{
        if (!u)
                return NULL;
        loop_timer_free(u->timer);
        mute_deinit(&u->mute);
        buffer_deinit(&u->bytes);
        fold_free(u->fold);
        free(u->scratch);
        free(u);
        return NULL;
}

void upkeep_start(Upkeep *u)
{
        set_limits(u);
        u->read = 0;
        submit(u, STEP_NOTE);
}

void upkeep_reconfigure(Upkeep *u)
{
        upkeep_start(u);
}

bool upkeep_is_busy(const Upkeep *u)
{
        return u->busy;
}

void upkeep_stats(const Upkeep *u, UpkeepStats *ret)
{
        *ret = u->stats;
}
