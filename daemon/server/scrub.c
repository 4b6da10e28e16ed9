/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/log.h"
#include "daemon/server/scrub.h"
#include "daemon/server/state.h"

#define PASS_TIME   USEC_DAY
#define SLICE_LEAST (200 * USEC_MSEC)
#define SLICE_HURRY (50 * USEC_MSEC)
#define SLICE_MOST  (5 * USEC_SEC)
/* So much is noted of what is damaged. */
#define NAMES_MAX ((size_t)64 << 10)

/* One slice after the other. */
typedef struct Pass {
        JournalJob job; /* first: a job is its pass */
        Server *server;
        StoreScrub at;
        Buffer names; /* of what is damaged */
        StoreInfo info;
        void (*sliced)(struct Pass *p, int result);
} Pass;

struct Scrub {
        Pass pass; /* first: a pass is its scrub */
        LoopTimer *timer;
        usec_t begun; /* monotonic */
        bool hurry;
        ScrubStats stats;
};

static void take_damage(void *user, const char *what)
{
        Buffer *names = user;

        if (names->n > NAMES_MAX)
                return;
        buffer_append_str(names, what);
        buffer_append_char(names, '\n');
}

static int pass_run(JournalJob *job, Store *store)
{
        Pass *p = (Pass *)job;
        int r = store_scrub(store, &p->at, take_damage, &p->names);

        return r < 0 ? r : store_info(store, &p->info);
}

static void pass_done(JournalJob *job, int result)
{
        Pass *p = (Pass *)job;

        if (result == 0)
                p->server->store_info = p->info;
        p->sliced(p, result);
}

static void pass_submit(Pass *p)
{
        p->job = (JournalJob){.run = pass_run, .done = pass_done};
        journal_submit(p->server->journal, &p->job);
}

static void pass_deinit(Pass *p)
{
        store_scrub_deinit(&p->at);
        buffer_deinit(&p->names);
}

/* --- in the background ---------------------------------------------------------------------------------- */

static void wait(Scrub *c, usec_t time)
{
        server_wake(c->pass.server, c->timer, time);
}

/* So that a pass takes less than a day, and no more of the disk than it must. */
static usec_t slice_time(const Scrub *c)
{
        usec_t time =
                PASS_TIME / 2 / (usec_t)(c->pass.info.n_surveys / 1000 + c->pass.info.n_tallies / 1000 + 10);

        if (c->hurry)
                return SLICE_HURRY;
        return time < SLICE_LEAST ? SLICE_LEAST : time > SLICE_MOST ? SLICE_MOST : time;
}

static void end_pass(Scrub *c)
{
        Server *s = c->pass.server;
        usec_t took = loop_monotonic(s->loop) - c->begun;

        c->hurry = false;
        c->stats.n_passes++;
        c->stats.n_rows = c->pass.at.n_rows;
        c->stats.complete_at = loop_realtime(s->loop);
        log_info("scrub read rows=%llu damaged=%llu", (unsigned long long)c->pass.at.n_rows,
                 (unsigned long long)c->pass.at.n_damaged);
        store_scrub_deinit(&c->pass.at);
        c->pass.at = STORE_SCRUB_NULL;
        wait(c, took < PASS_TIME ? PASS_TIME - took : SLICE_MOST);
}

static void background_sliced(Pass *p, int result)
{
        Scrub *c = (Scrub *)p;

        buffer_reset(&p->names);
        if (result == -ECANCELED || p->server->state == SERVER_STOPPING)
                return;
        if (result < 0) {
                log_warning("scrub cannot read the store: %s, trying again later", strerror(-result));
                wait(c, USEC_MIN);
        } else if (p->at.complete) {
                end_pass(c);
        } else {
                wait(c, slice_time(c));
        }
}

static void on_timer(void *user)
{
        Scrub *c = user;

        if (c->pass.at.table == 0 && c->pass.at.number == 0)
                c->begun = loop_monotonic(c->pass.server->loop);
        pass_submit(&c->pass);
}

int scrub_new(Scrub **ret, Server *s)
{
        Scrub *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->pass.server = s;
        c->pass.sliced = background_sliced;
        r = loop_timer_new(&c->timer, s->loop, on_timer, c);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret = c;
        return 0;
}

Scrub *scrub_free(Scrub *c)
{
        if (!c)
                return NULL;
        loop_timer_free(c->timer);
        pass_deinit(&c->pass);
        free(c);
        return NULL;
}

void scrub_start(Scrub *c, bool unread)
{
        c->hurry = unread;
        wait(c, SLICE_MOST);
}

void scrub_stats(const Scrub *c, ScrubStats *ret)
{
        *ret = c->stats;
}

/* --- at once -------------------------------------------------------------------------------------------- */

typedef struct Everything {
        Pass pass; /* first: a pass is its whole */
        const ScrubOps *ops;
        void *user;
        usec_t begun;
} Everything;

static void everything_sliced(Pass *p, int result)
{
        Everything *all = (Everything *)p;
        ScrubReport report;

        if (result == 0 && !all->ops->wanted(all->user))
                result = -ECANCELED;
        if (result == 0 && !p->at.complete) {
                pass_submit(p);
                return;
        }
        report = (ScrubReport){
                .n_rows = p->at.n_rows,
                .n_damaged = p->at.n_damaged,
                .names = p->names,
                .took = loop_monotonic(p->server->loop) - all->begun,
        };
        if (result == 0)
                log_info("verify read rows=%llu damaged=%llu", (unsigned long long)report.n_rows,
                         (unsigned long long)report.n_damaged);
        all->ops->done(all->user, result, &report);
        pass_deinit(p);
        free(all);
}

int scrub_everything(Server *s, const ScrubOps *ops, void *user)
{
        Everything *all = calloc(1, sizeof(*all));

        if (!all)
                return -ENOMEM;
        all->pass.server = s;
        all->pass.sliced = everything_sliced;
        all->ops = ops;
        all->user = user;
        all->begun = loop_monotonic(s->loop);
        pass_submit(&all->pass);
        return 0;
}
