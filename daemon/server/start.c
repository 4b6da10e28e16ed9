/* SPDX-License-Identifier: Apache-2.0 */

/* From a store and a configuration to the same figures, alerts and feeds as before the stop. */

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/log.h"
#include "daemon/server/alert_json.h"
#include "daemon/server/fold.h"
#include "daemon/server/rebuild.h"
#include "daemon/server/start.h"
#include "proto/base/plant.h"
#include "proto/survey_json.h"

/* No step between two calls of start_goes_on() takes so long. */
#define STEP_TIME (5 * USEC_MIN)
/* To look at the clock takes a part of the time that one survey does. */
#define SURVEYS_BETWEEN 1000

typedef struct Start {
        Server *server;
        char *scratch;
        Survey survey;
        uint64_t last_seq; /* of what was counted; a snapshot's at first */
        uint64_t n_unreadable, n_alerts, n_tallies;
} Start;

void start_goes_on(Server *server)
{
        usec_t now = CLOCK_SYSTEM.monotonic(CLOCK_SYSTEM.user);
        char status[64];

        if (server->start_told && now < server->start_told + USEC_SEC)
                return;
        server->start_told = now;
        snprintf(status, sizeof(status), "reading the store: %llu surveys",
                 (unsigned long long)server->n_read);
        (void)notify_starting(server->options.notify, STEP_TIME, status);
}

static int take_survey(void *user, const StoreSurvey *row)
{
        Start *s = user;
        int r = rebuild_take(s->server->engine, &s->survey, row->json, s->scratch);

        if (s->server->n_read % SURVEYS_BETWEEN == 0)
                start_goes_on(s->server);
        if (row->seq > s->last_seq)
                s->last_seq = row->seq;
        if (r == -EBADMSG) {
                log_err("store survey=%llu cannot be read as a survey, leaving it out",
                        (unsigned long long)row->seq);
                s->n_unreadable++;
                return 0;
        }
        if (r == 0)
                r = seen_add(&s->server->seen, seen_hash(&s->server->seen, row->source, s->survey.id),
                             row->seq);
        s->server->n_read++;
        return r;
}

static int take_tally(void *user, const StoreTally *row)
{
        Start *s = user;
        int r = fold_replay(s->server->engine, row);

        start_goes_on(s->server);
        if (r == -EBADMSG) {
                log_err("store tally of day=%d scope=%s cannot be read, leaving it out", row->day,
                        LOG_QUOTE(row->scope));
                return 0;
        }
        s->n_tallies++;
        return r;
}

static int take_alert(void *user, const StoreAlert *row)
{
        Start *s = user;
        Alert alert = ALERT_NULL;
        int r = alert_decode(row->json, &alert);

        start_goes_on(s->server);
        if (r == -EINVAL) {
                log_err("store alert=%s cannot be read, leaving it out", LOG_QUOTE(row->id));
                return 0;
        }
        if (r == 0 && !PLANTED("alerts-lost-at-restart")) {
                s->n_alerts++;
                r = engine_restore(s->server->engine, &alert);
        }
        alert_deinit(&alert);
        return r;
}

static int take_feed(void *user, const StoreFeed *row)
{
        Start *s = user;

        start_goes_on(s->server);
        return PLANTED("feed-number-reused") ? 0 : feeds_restore(s->server->feeds, row);
}

int start_restore(Server *server, Store *store, uint64_t *ret_last_seq)
{
        usec_t begin = loop_monotonic(server->loop);
        Start s = {.server = server, .scratch = malloc(SURVEY_SCRATCH_BYTES)};
        StoreInfo info;
        RebuildHead head = {.now = loop_realtime(server->loop)};
        int r = s.scratch ? rebuild_read_head(store, &head) : -ENOMEM;

        if (r == 0)
                r = rebuild_begin(server->engine, &head);
        if (r == 0)
                r = snapshots_load(server, store, &s.last_seq);
        /* Without a snapshot: first what is older, as it came in before. */
        if (r == 0)
                r = store_scan_tallies(store, INT32_MIN, TEXT(""), 0, take_tally, &s);
        if (r >= 0)
                r = store_scan_surveys(store, s.last_seq, 0, take_survey, &s);
        server->snapshot_marks.behind += server->n_read;
        if (r == 0)
                r = store_scan_alerts(store, take_alert, &s);
        if (r == 0)
                r = store_scan_feeds(store, take_feed, &s);
        if (r == 0)
                r = store_info(store, &info);
        free(s.scratch);
        (void)malloc_trim(0); /* of what it took to read all that */
        if (r < 0) {
                log_err("store cannot be read: %s%s", *store_error(store) ? store_error(store) : strerror(-r),
                        r == -EBADMSG ? START_DAMAGED : "");
                return r == -ENOMEM ? r : -ECANCELED;
        }
        if (info.n_damaged)
                log_err("store %llu rows are damaged or lost", (unsigned long long)info.n_damaged);
        server->store_info = info;
        *ret_last_seq = info.last_seq > s.last_seq ? info.last_seq : s.last_seq;
        log_info("store surveys=%llu read=%llu alerts=%llu tallies=%llu left_out=%llu read_ms=%lld",
                 (unsigned long long)info.n_surveys, (unsigned long long)server->n_read,
                 (unsigned long long)s.n_alerts, (unsigned long long)s.n_tallies,
                 (unsigned long long)(s.n_unreadable + info.n_damaged),
                 (long long)((CLOCK_SYSTEM.monotonic(CLOCK_SYSTEM.user) - begin) / USEC_MSEC));
        return 0;
}
