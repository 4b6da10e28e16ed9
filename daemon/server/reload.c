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
        s->next_config = config_free(s->next_config);
}

static void give_up(Server *s, int error)
{
        log_err("reload failed: %s, keeping the old configuration", strerror(-error));
        finish(s, "reload failed: the old configuration holds");
        intake_resume(s->intake, intake_parts(s->intake));
}

static void swap(Server *s, Engine *engine)
{
        IntakeParts parts = *intake_parts(s->intake);
        Config *old = s->config;
        Engine *old_engine = s->engine;
        int r;

        r = feeds_configure(s->feeds, s->next_config);
        if (r < 0) {
                /* Feeds may know principals of both by now; there is no way back that is sure. */
                log_err("reload failed: %s, stopping", strerror(-r));
                server_fail(s, SERVER_EXIT_INTERNAL);
                engine_free(engine);
                return;
        }
        s->config = s->next_config;
        s->next_config = NULL;
        s->engine = engine;
        parts.config = s->config;
        parts.engine = engine;
        face_lines_reconfigure(s);
        face_sp_reconfigure(s);
        if (faces_listen_feeds(s) < 0)
                log_warning("reload: not every feed endpoint could be opened, going on without");
        conn_cap_set_max(s->cap, (unsigned)s->config->max_connections);
        engine_free(old_engine);
        config_free(old);
        intake_resume(s->intake, &parts);
        server_step_time(s);
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

void reload_rested(Server *s)
{
        int r = rebuild_start(&s->rebuild, s->next_config, s->engine, s->journal, loop_realtime(s->loop),
                              rebuilt, s);

        if (r < 0)
                give_up(s, r);
}

void reload_start(Server *s)
{
        const char *restart;
        char text[1024];
        Diag diag;
        int r;

        if (s->state != SERVER_READY) {
                log_notice("reload asked for while state is not ready, ignoring");
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
        restart = config_needs_restart(s->config, s->next_config);
        if (restart)
                log_warning("reload: %s; this takes effect with a restart", restart);
        if (config_changes_figures(s->config, s->next_config))
                log_notice("reload changes what figures are: they are computed anew from the stored surveys");
        /* A survey that came in now would be counted by the engine that goes. */
        face_lines_pause(s);
        face_sp_pause(s);
        intake_rest(s->intake);
}
