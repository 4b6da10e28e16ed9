/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "daemon/core/snapshot.h"
#include "daemon/io/log.h"
#include "daemon/server/snapshots_private.h"
#include "proto/base/hash.h"

/* To be raised when the layout of an image changes within a version. */
#define LAYOUT 11
/* So much stays free at least. */
#define ROOM ((uint64_t)1 << 20)
/* So many bytes are gathered at once: some 50 us. */
#define PART ((size_t)256 << 10)
/*
 * Where surveys come fast, nearly each of the first ones changes scopes that are to be gathered first. Senders of lines and PULL
 * wait until these are on their way when there is more than this, some 1.5 ms: for questions not to wait, and for the sake of
 * memory. On a disk that takes longer for them, they wait only so long for each piece.
 */
#define GATHERED_MAX ((size_t)1 << 20)
#define HOLD_MAX     (50 * USEC_MSEC)

int snapshots_path(const Server *s, char **ret)
{
        if (asprintf(ret, "%s.snapshot", s->config->store) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

int snapshots_head(const Server *s, SnapshotHead *ret)
{
        *ret = (SnapshotHead){0};
        (void)snprintf(ret->program, sizeof(ret->program), "%s %d", CX_VERSION, LAYOUT);
        return config_digest(s->engine_config, ret->digest);
}

SnapshotCut snapshots_cut(const Server *s)
{
        usec_t now = loop_realtime(s->loop);

        return (SnapshotCut){
                /* What the engine has dropped by then is gone from it. */
                .at = engine_now(s->engine) > now ? engine_now(s->engine) : now,
                .n_agents = org_n_kind(engine_org(s->engine), SCOPE_AGENT),
                .n_queues = org_n_kind(engine_org(s->engine), SCOPE_QUEUE),
        };
}

int snapshots_begin_file(Snapshots *s)
{
        Server *server = s->server;
        uint64_t nonce, size = seen_size(&server->seen);
        ImageWriter to;
        int r = snapshots_head(server, &s->head);

        /* The store must not run out of space for what is only a cache. */
        if (s->stats.bytes > size)
                size = s->stats.bytes;
        if (r == 0)
                r = image_file_new(&s->file, s->path, ROOM + 2 * size);
        if (r < 0)
                return r;
        s->head.epoch = s->marks.epoch + 1;
        s->head.nonce = loop_realtime(server->loop);
        nonce = hash_bytes(&server->options.key, &s->head, sizeof(s->head)) >> 1;
        s->head.nonce = nonce ? (int64_t)nonce : 1;
        s->stage = SNAPSHOT_IDS;
        to = image_file_writer(s->file);
        image_put(&to, &s->head, sizeof(s->head));
        seen_save_begin(&server->seen, &to);
        return 0;
}

static void gather(void *user, const void *data, size_t n)
{
        Snapshots *s = user;
        size_t before = s->gathered.n;

        buffer_append(&s->gathered, data, n);
        if (before <= GATHERED_MAX && s->gathered.n > GATHERED_MAX) {
                log_debug("snapshot senders wait");
                intake_hold(s->server->intake);
                server_wake(s->server, s->release, HOLD_MAX);
        }
}

static ImageWriter gatherer(Snapshots *s)
{
        return (ImageWriter){.write = gather, .user = s};
}

void snapshots_release_senders(void *user)
{
        Snapshots *s = user;

        if (s->release)
                loop_timer_cancel(s->release);
        if (s->server->intake)
                intake_release(s->server->intake);
}

bool snapshots_gather(Snapshots *s)
{
        const ImageWriter to = gatherer(s);
        Buffer written = s->part;

        if (s->stage == SNAPSHOT_IDS && !seen_save_part(&s->server->seen, PART, &to))
                s->stage = SNAPSHOT_CUT;
        while (s->stage == SNAPSHOT_ENGINE && s->gathered.n < PART)
                if (!snapshot_next(s->server->engine))
                        s->stage = SNAPSHOT_WHOLE;
        if (s->stage == SNAPSHOT_CUT)
                return false;
        buffer_reset(&written);
        s->part = s->gathered;
        s->gathered = written;
        return true;
}

/* That is now; and all that is left of the ids. */
static void put_cut(Snapshots *s, const ImageWriter *to)
{
        s->cut = snapshots_cut(s->server);
        s->cut.last_seq = intake_parts(s->server->intake)->last_seq;
        seen_save_rest(&s->server->seen, to);
        seen_save_end(&s->server->seen);
        image_put(to, &s->cut, sizeof(s->cut));
}

void snapshots_gather_cut(Snapshots *s)
{
        const ImageWriter to = gatherer(s);

        put_cut(s, &to);
        snapshot_begin(s->server->engine, &to);
        s->stage = SNAPSHOT_ENGINE;
}

int snapshots_write_part(Snapshots *s)
{
        ImageWriter to = image_file_writer(s->file);

        if (buffer_failed(&s->part))
                return -ENOMEM;
        image_put(&to, s->part.data, s->part.n);
        return s->stage == SNAPSHOT_WHOLE ? image_file_finish(s->file, true) : image_file_error(s->file);
}

int snapshots_write_all(Snapshots *s)
{
        ImageWriter to = image_file_writer(s->file);

        while (seen_save_part(&s->server->seen, SIZE_MAX, &to))
                ;
        put_cut(s, &to);
        snapshot_save(s->server->engine, &to);
        return image_file_finish(s->file, false);
}

void snapshots_abandon(Snapshots *s)
{
        s->file = image_file_free(s->file);
        seen_save_end(&s->server->seen);
        if (s->server->engine)
                snapshot_end(s->server->engine);
        buffer_deinit(&s->gathered);
        buffer_deinit(&s->part);
        snapshots_release_senders(s);
}
