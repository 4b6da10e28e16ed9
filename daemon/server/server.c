/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The daemon's life: start, run, reload, stop.
 *
 * The happy path is: open the store, bring everything back, listen, tell systemd; then the loop; on SIGTERM
 * stop listening, finish what was taken, acknowledge it, close. Possible failure modes: the store cannot be
 * opened or read (exit before listening), a commit fails (nothing more is acknowledged, exit with
 * SERVER_EXIT_IO so that systemd starts anew from what is durable), a stop that takes too long (exit without
 * what was not acknowledged).
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/io/log.h"
#include "daemon/server/fold.h"
#include "daemon/server/reload.h"
#include "daemon/server/reserve.h"
#include "daemon/server/signals.h"
#include "daemon/server/start.h"
#include "daemon/server/state.h"
#include "proto/base/plant.h"

/* A stop may take so long before it is cut short. */
#define GRACE_TIME (10 * USEC_SEC)
/* Opening a store may take so long: where its blocks are damaged they are made anew of all surveys. */
#define OPEN_TIME USEC_HOUR
/* Senders that do not take their last answers are not waited for. */
#define DRAIN_TIME (2 * USEC_SEC)
/* For subscribers to take what they were sent. */
#define TICK_WAIT (20 * USEC_MSEC)
/* Known ids that a tick takes over into a larger table: 50 us. */
#define TIDIED_AT_ONCE 4096

static int exit_status(int error)
{
        return error == -ENOMEM ? SERVER_EXIT_INTERNAL : SERVER_EXIT_IO;
}

void server_fail(Server *s, int error, const char *what)
{
        if (s->exit_status == SERVER_EXIT_OK) {
                log_err("%s: %s; nothing more is acknowledged, exiting", what, strerror(-error));
                s->exit_status = exit_status(error);
        }
        loop_stop(s->loop);
}

void server_wake(Server *s, LoopTimer *timer, usec_t delay)
{
        int r = loop_timer_after(timer, delay);

        if (r < 0)
                server_fail(s, r, "timer");
}

/* Everything is settled: what was written to senders goes out before the loop ends. */
static void end_session(LineSession *line, void *user)
{
        (void)user;
        line_close(line);
}

static void look_whether_drained(Server *s)
{
        HttpStats http;

        http_server_stats(s->http, &http);
        if (line_server_count(s->lines) == 0 && http.connections == http.streams &&
            !loop_timer_armed(s->telling))
                loop_stop(s->loop);
        else
                server_wake(s, s->turn, 5 * USEC_MSEC);
}

void server_drain(Server *s)
{
        if (s->draining)
                return; /* a store that is tried again rests again and again */
        s->draining = true;
        line_server_each(s->lines, end_session);
        http_server_drain(s->http);
        server_wake(s, s->grace, DRAIN_TIME);
        look_whether_drained(s);
}

static void on_retry(void *user)
{
        Server *s = user;

        intake_retry(s->intake);
}

static void set_deadline(Server *s)
{
        int r;

        if (s->deadline_set)
                return;
        s->deadline_set = true;
        r = loop_timer_at_realtime(s->deadline, engine_deadline(s->engine));
        if (r < 0)
                server_fail(s, r, "timer");
}

void server_step_time(Server *s)
{
        Input in = {.kind = INPUT_TICK, .now = loop_realtime(s->loop)};

        if (intake_step(s->intake, &in) == 0)
                set_deadline(s);
}

static void on_turn(void *user)
{
        Server *s = user;

        if (s->draining) {
                look_whether_drained(s);
                return;
        }
        intake_turn(s->intake);
        set_deadline(s);
        snapshots_look(s->snapshots);
}

static void on_telling(void *user)
{
        Server *s = user;

        intake_tell(s->intake);
}

static void on_deadline(void *user)
{
        server_step_time(user);
}

static void on_wake(void *user)
{
        Server *s = user;

        if (s->journal)
                journal_deliver(s->journal);
        if (s->snapshots)
                snapshots_deliver(s->snapshots);
}

void server_ring(void *user)
{
        Server *s = user;

        loop_wake_post(s->wake);
}

static usec_t tick_pause(const Server *s, int result)
{
        return result == FEEDS_E_MORE ? 0 : result == FEEDS_E_WAIT ? TICK_WAIT : s->config->tick;
}

static void on_tick(void *user)
{
        Server *s = user;

        int r = feeds_tick(s->feeds, s->engine, loop_realtime(s->loop));

        if (r < 0)
                log_warning("tick has no memory for figures, leaving them out");
        seen_tidy(&s->seen, TIDIED_AT_ONCE);
        server_wake(s, s->tick, tick_pause(s, r));
}

static void on_watchdog(void *user)
{
        Server *s = user;

        (void)notify_watchdog(s->options.notify);
        server_wake(s, s->watchdog, notify_watchdog_interval(s->options.notify));
}

const char *server_obstacle(const Server *s)
{
        if (intake_is_starved(s->intake))
                return intake_obstacle(s->intake);
        return s->ceiling.reached ? "as much memory is in use, or soon would be, as limits.memory allows"
                                  : NULL;
}

void server_tell_status(Server *s)
{
        const char *why = server_obstacle(s);
        EngineStats engine;
        char status[160];

        if (s->state != SERVER_READY)
                return; /* told when it is */
        if (why) {
                snprintf(status, sizeof(status), "%s: surveys are refused", why);
                (void)notify_status(s->options.notify, status);
                return;
        }
        engine_stats(s->engine, &engine);
        snprintf(status, sizeof(status), "%llu surveys, %zu alerts active, %zu subscribers",
                 (unsigned long long)s->store_info.n_surveys, engine.n_alerts_active,
                 feeds_n_subscribers(s->feeds));
        (void)notify_status(s->options.notify, status);
}

static void on_grace(void *user)
{
        Server *s = user;

        /* Otherwise all is answered, and only clients that stay are left. */
        if (!s->draining)
                log_warning("stop takes too long, leaving what was not acknowledged");
        loop_stop(s->loop);
}

void server_stop(Server *s)
{
        if (s->state == SERVER_STOPPING) {
                loop_stop(s->loop);
                return;
        }
        s->state = SERVER_STOPPING;
        (void)notify_stopping(s->options.notify);
        log_notice("stopping");
        faces_stop_listening(s);
        http_server_drain(s->http);
        face_lines_pause(s);
        face_sp_pause(s);
        server_wake(s, s->grace, GRACE_TIME);
        intake_rest(s->intake);
}

static int make_loop(Server *s)
{
        const struct {
                LoopTimer **timer;
                LoopFn fn;
        } timers[] = {
                {&s->turn, on_turn},         {&s->deadline, on_deadline}, {&s->tick, on_tick},
                {&s->watchdog, on_watchdog}, {&s->grace, on_grace},       {&s->retry, on_retry},
                {&s->shed, shed_look},       {&s->telling, on_telling},
        };
        int r = loop_new(&s->loop, NULL);

        if (r == 0)
                r = loop_wake_new(&s->wake, s->loop, on_wake, s);
        for (size_t i = 0; i < CX_ARRAY_LEN(timers) && r == 0; i++)
                r = loop_timer_new(timers[i].timer, s->loop, timers[i].fn, s);
        return r;
}

/*
 * Each damaged row comes here once, from whichever verb of the store meets it: on the storage thread, once that runs. That
 * one has surveys to commit, and no disk is to make it wait for who reads the log, a million times.
 */
static void name_damage(void *user CX_UNUSED, const char *what)
{
        static LogLimit limit = {.interval = 10 * USEC_SEC, .burst = 2000};

        if (!PLANTED("damage-not-named"))
                log_limited(&limit, LOG_LEVEL_ERR,
                            "store %s is damaged, leaving it out; a backup may have it", what);
}

static int open_store(Server *s, Store **ret)
{
        char error[256] = "";
        int r;

        (void)notify_starting(s->options.notify, OPEN_TIME, "opening the store");
        r = store_open_sqlite(ret, s->config->store, name_damage, NULL, error, sizeof(error));

        if (r == 0) {
                struct stat st;

                s->store_inode = stat(s->config->store, &st) == 0 ? st.st_ino : 0;
                return 0;
        }
        log_err("store %s: %s%s", s->config->store, error[0] ? error : strerror(-r),
                r == -EBADMSG ? START_DAMAGED : "");
        s->exit_status = r == STORE_E_NEWER ? SERVER_EXIT_CONFIG : SERVER_EXIT_IO;
        return -ECANCELED;
}

static int start_engine(Server *s)
{
        IntakeParts parts = {.config = s->config, .seen = &s->seen};
        ClockTrust clock = CLOCK_TRUST_INIT;
        Store *store = NULL;
        int r;

        if (asprintf(&s->reserve, "%s.reserve", s->config->store) < 0) {
                s->reserve = NULL;
                return -ENOMEM;
        }
        r = open_store(s, &store);
        if (r < 0)
                return r;
        r = reserve_make(s->reserve);
        if (r < 0)
                log_warning("store has no space for a reserve: %s, going on without until there is",
                            strerror(-r));
        r = engine_new(&s->engine, &s->config->settings, s->config->org);
        if (r == 0) {
                s->config->org = NULL;
                r = feeds_new(&s->feeds);
        }
        if (r == 0)
                r = feeds_configure(s->feeds, s->config);
        if (r == 0)
                r = start_restore(s, store, &parts.last_seq);
        if (r == 0)
                r = fold_forgotten(store, &parts.forgotten_before);
        if (r == 0)
                r = clock_trust_read(&clock, store);
        if (r == 0)
                r = journal_new(&s->journal, store, server_ring, s);
        if (r < 0) {
                store_close(store);
                s->exit_status = exit_status(r);
                return r;
        }
        parts.reserve = s->reserve;
        parts.engine = s->engine;
        parts.feeds = s->feeds;
        parts.journal = s->journal;
        if (s->snapshot_marks.live || s->snapshot_marks.next) {
                parts.kept_epoch = s->snapshot_marks.epoch;
                parts.kept_until = s->snapshot_marks.until;
        }
        r = intake_new(&s->intake, &parts, &server_intake_ops, s);
        if (r == 0)
                r = upkeep_new(&s->upkeep, s, &clock);
        if (r == 0)
                r = scrub_new(&s->scrub, s);
        if (r == 0)
                r = backup_new(&s->backup, s);
        if (r == 0)
                r = snapshots_new(&s->snapshots, s);
        return r;
}

static int start_tls(Server *s)
{
        char reason[TLS_REASON_MAX];
        int r;

        if (!s->config->tls_certificate)
                return 0;
        r = tls_new(&s->tls, s->config->tls_certificate, s->config->tls_key, reason);
        if (r < 0) {
                log_err("tls: %s", reason);
                s->exit_status = SERVER_EXIT_CONFIG;
        }
        return r;
}

static int start_faces(Server *s)
{
        int r = faces_caps_new(s);

        if (r == 0)
                r = start_tls(s);
        if (r == 0)
                r = face_lines_new(s);
        if (r == 0)
                r = face_sp_new(s);
        if (r == 0)
                r = face_http_new(s);
        if (r == 0)
                r = faces_listen(s);
        if (r == 0) {
                faces_listen_feeds(s);
                faces_limit(s);
        }
        if (r < 0 && s->exit_status == SERVER_EXIT_OK)
                s->exit_status = exit_status(r);
        return r;
}

static int start(Server *s)
{
        int r = make_loop(s);

        if (r == 0)
                r = signals_begin(s);
        if (r == 0) {
                s->started = loop_realtime(s->loop);
                r = start_engine(s);
        }
        if (r == 0)
                r = signals_take(s);
        if (r == 0)
                r = start_faces(s);
        if (r < 0)
                return r;
        s->state = SERVER_READY;
        server_step_time(s);
        server_wake(s, s->tick, s->config->tick);
        server_wake(s, s->watchdog, notify_watchdog_interval(s->options.notify));
        upkeep_start(s->upkeep);
        scrub_start(s->scrub, s->snapshot_marks.live != 0);
        snapshots_start(s->snapshots);
        shed_start(s);
        log_notice("ready version=%s config=%s", CX_VERSION, s->config->file);
        (void)notify_ready(s->options.notify, "ready");
        if (server_obstacle(s))
                server_tell_status(s);
        return 0;
}

static void finish(Server *s)
{
        /* Sinks and jobs end first, while everything that they point to is still there. */
        if (s->journal)
                journal_stop(s->journal);
        if (s->snapshots)
                snapshots_stop(s->snapshots);
        if (s->draining && s->exit_status == SERVER_EXIT_OK && intake_is_idle(s->intake))
                snapshots_finish(s->snapshots, journal_store(s->journal));
        faces_free(s);
        buffer_deinit(&s->stream_frame.text);
        s->intake = intake_free(s->intake);
        s->feeds = feeds_free(s->feeds);
        s->engine = engine_free(s->engine);
        if (s->journal && s->exit_status == SERVER_EXIT_OK) {
                if (journal_flush(s->journal) < 0)
                        s->exit_status = SERVER_EXIT_IO;
                else if (s->draining)
                        log_notice("stopped, everything that was acknowledged is stored");
        }
        s->journal = journal_free(s->journal);
        s->backup = backup_free(s->backup);
        s->scrub = scrub_free(s->scrub);
        s->upkeep = upkeep_free(s->upkeep);
        s->snapshots = snapshots_free(s->snapshots);
        seen_deinit(&s->seen);
        conn_cap_unref(s->tcp_cap);
        conn_cap_unref(s->cap);
        tls_unref(s->tls);
        for (size_t i = 0; i < CX_ARRAY_LEN(s->signals); i++)
                loop_signal_free(s->signals[i]);
        loop_timer_free(s->turn);
        loop_timer_free(s->telling);
        loop_timer_free(s->deadline);
        loop_timer_free(s->tick);
        loop_timer_free(s->watchdog);
        loop_timer_free(s->grace);
        loop_timer_free(s->retry);
        loop_timer_free(s->shed);
        loop_wake_free(s->wake);
        loop_free(s->loop);
        free(s->reserve);
        config_free(s->next_config);
        if (s->engine_config != s->config)
                config_free(s->engine_config);
        config_free(s->config);
}

int server_run(const ServerOptions *options, Config *config)
{
        Server *s = calloc(1, sizeof(*s));
        int r, status;

        if (!s) {
                log_err("cannot start: %s", strerror(ENOMEM));
                config_free(config);
                return SERVER_EXIT_INTERNAL;
        }
        s->options = *options;
        s->config = s->engine_config = config;
        s->seen = SEEN_INIT(options->key);
        r = start(s);
        if (r < 0 && r != -ECANCELED) /* what was said already */
                log_err("cannot start: %s", strerror(-r));
        if (r == 0) {
                r = loop_run(s->loop);
                if (r < 0)
                        server_fail(s, r, "loop");
        }
        if (r < 0 && s->exit_status == SERVER_EXIT_OK)
                s->exit_status = SERVER_EXIT_INTERNAL;
        finish(s);
        status = s->exit_status;
        free(s);
        return status;
}
