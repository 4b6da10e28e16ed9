/* SPDX-License-Identifier: Apache-2.0 */

/* What the intake asks of the rest of the server, and tells it. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/io/log.h"
#include "daemon/server/reload.h"
#include "daemon/server/state.h"

/* A commit mostly takes less; on a slow disk the loop sleeps after that. */
#define COMMIT_USEC 300

const char *server_wait_reason(const Server *s)
{
        return s->state == SERVER_RELOADING ? "the configuration is being read anew; try again"
                                            : "too much is in flight; try again";
}

static usec_t intake_now(void *user)
{
        Server *s = user;

        return loop_realtime(s->loop);
}

static void intake_wanted(void *user)
{
        Server *s = user;

        if (!loop_timer_armed(s->turn))
                server_wake(s, s->turn, 0);
}

static void intake_room(void *user)
{
        Server *s = user;

        face_lines_resume(s);
        face_sp_resume(s);
}

static void intake_awaited(void *user)
{
        Server *s = user;

        loop_expect_post(s->loop, COMMIT_USEC);
}

static void intake_telling(void *user)
{
        Server *s = user;

        if (!loop_timer_armed(s->telling))
                server_wake(s, s->telling, 0);
}

static void intake_rested(void *user)
{
        Server *s = user;

        if (s->state == SERVER_STOPPING)
                server_drain(s);
        else if (s->state == SERVER_RELOADING && !s->rebuild && !upkeep_is_busy(s->upkeep))
                reload_rested(s);
}

static void intake_failed(void *user, int error, const char *what)
{
        Server *s = user;

        /* A start that reads every survey names the damaged one and leaves it out; another would end here again. */
        if (error == -EBADMSG)
                snapshots_distrust(s->snapshots);
        server_fail(s, error, what);
}

static void intake_starved(void *user, const char *error)
{
        Server *s = user;

        if (error) {
                if (intake_is_gone(s->intake))
                        log_err("store is gone: %s; surveys are refused until it is back; \"cxctl backup\" "
                                "saves what it "
                                "holds for as long as this process lives",
                                error);
                else
                        log_err("store is full: %s; surveys are refused until there is space", error);
                server_tell_status(s);
        }
        snapshots_give_up(s->snapshots);
        server_wake(s, s->retry, USEC_SEC);
}

static void intake_recovered(void *user)
{
        Server *s = user;

        log_notice("store %s again, surveys are taken", intake_is_gone(s->intake) ? "is there" : "has space");
        server_tell_status(s);
}

/* The engine's deadline is looked at once in a turn of the loop, not after each survey. */
static void intake_stepped(void *user)
{
        Server *s = user;

        s->deadline_set = false;
        intake_wanted(user);
}

static void intake_cut(void *user)
{
        Server *s = user;

        snapshots_take(s->snapshots);
}

static bool intake_crowded(void *user)
{
        return shed_is_due(user);
}

const IntakeOps server_intake_ops = {
        .now = intake_now,
        .wanted = intake_wanted,
        .room = intake_room,
        .awaited = intake_awaited,
        .telling = intake_telling,
        .rested = intake_rested,
        .failed = intake_failed,
        .starved = intake_starved,
        .recovered = intake_recovered,
        .stepped = intake_stepped,
        .cut = intake_cut,
        .crowded = intake_crowded,
};
