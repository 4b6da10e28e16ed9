/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "daemon/io/log.h"
#include "daemon/server/rebuild.h"
#include "daemon/server/reload.h"

/* Systemd and the log learn how it ended; the daemon is ready again in any case. */
static void finish(Server *s, const char *status)
{
        s->state = SERVER_READY;
        (void)notify_ready(s->options.notify, status);
        if (server_obstacle(s))
                server_tell_status(s);
        s->next_config = config_free(s->next_config);
        if (s->reload_again) {
                s->reload_again = false;
                reload_start(s);
        }
}

static void give_up(Server *s, int error)
{
        log_err("reload failed: %s, keeping the old configuration", strerror(-error));
        intake_resume(s->intake, intake_parts(s->intake));
        finish(s, "reload failed: the old configuration holds");
}

static void swap(Server *s, Engine *engine)
{
        IntakeParts parts = *intake_parts(s->intake);
        bool is_new = engine != s->engine;
        Config *old = s->config;
        int r;

        r = feeds_configure(s->feeds, s->next_config);
        if (r < 0) {
                /* Feeds may know principals of both by now; there is no way back that is sure. */
                server_fail(s, r, "reload");
                if (is_new)
                        engine_free(engine);
                return;
        }
        config_keep_until_restart(old, s->next_config);
        s->config = s->next_config;
        s->next_config = NULL;
        parts.config = s->config;
        parts.engine = engine;
        s->stream_frame.feed = NULL;
        face_lines_reconfigure(s);
        face_sp_reconfigure(s);
        faces_listen_feeds(s);
        faces_limit(s);
        shed_start(s);
        if (old->tick != s->config->tick)
                server_wake(s, s->tick, s->config->tick);
        if (old != s->engine_config)
                config_free(old);
        if (is_new) {
                feeds_forget_tick(s->feeds);
                engine_free(s->engine);
                config_free(s->engine_config);
                s->engine = engine;
                s->engine_config = s->config;
        }
        intake_resume(s->intake, &parts);
        server_step_time(s);
        upkeep_reconfigure(s->upkeep);
        if (is_new)
                snapshots_reconfigure(s->snapshots);
        log_notice("reload done config=%s", s->config->file);
        finish(s, "ready");
}

static void rebuilt(void *user, int result, Engine *engine)
{
        Server *s = user;

        s->rebuild = NULL;
        if (s->state == SERVER_STOPPING)
                engine_free(engine);
        else if (result < 0)
                give_up(s, result);
        else
                swap(s, engine);
}

/* Neither figures nor alerts are others: the engine stays. */
static bool engine_stays(const Server *s)
{
        return !config_changes_figures(s->config, s->next_config) &&
               !config_changes_rules(s->config, s->next_config);
}

void reload_rested(Server *s)
{
        int r;

        if (engine_stays(s)) {
                swap(s, s->engine);
                return;
        }
        r = rebuild_start(&s->rebuild, s->next_config, s->engine, s->journal, loop_realtime(s->loop), rebuilt,
                          s);

        if (r < 0)
                give_up(s, r);
}

void reload_start(Server *s)
{
        char text[1024], what[CONFIG_RESTART_MAX];
        const char *restart;
        Diag diag;
        int r;

        if (s->state != SERVER_READY) {
                /* What was read already may be older than what is to be loaded now. */
                s->reload_again = s->state == SERVER_RELOADING;
                return;
        }
        s->state = SERVER_RELOADING;
        (void)notify_reloading(s->options.notify, loop_monotonic(s->loop));
        r = config_load(&s->next_config, s->options.config_file, s->options.state_dir, s->options.runtime_dir,
                        &s->options.key, &diag);
        if (r < 0) {
                log_err("%s", r == -ENOMEM ? strerror(ENOMEM) : diag_format(&diag, text, sizeof(text)));
                log_err("reload refused, keeping the old configuration");
                finish(s, "reload refused: the old configuration holds");
                return;
        }
        restart = config_needs_restart(s->config, s->next_config, what);
        if (restart)
                log_warning("reload: %s", restart);
        if (config_changes_figures(s->config, s->next_config))
                log_notice("reload changes what figures are: they are computed anew from the stored surveys");
        /* A survey that came in now would be counted by the engine that goes. */
        face_lines_pause(s);
        face_sp_pause(s);
        intake_rest(s->intake);
}
