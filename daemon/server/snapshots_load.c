/* SPDX-License-Identifier: Apache-2.0 */

/* A snapshot at the start: whether there is one that can be used, and what has changed since it was taken. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/core/snapshot.h"
#include "daemon/io/log.h"
#include "daemon/server/snapshots.h"
#include "daemon/server/start.h"
#include "daemon/server/state.h"
#include "daemon/store/image_file.h"
#include "proto/survey_json.h"

/* A clock that was set back by more than this makes a snapshot of the future: it has dropped what would count. */
#define CLOCK_MARGIN USEC_MIN
#define SLICE_MAX    10000
/* Reading every survey is the better way, then. */
#define CHANGES_MAX ((size_t)2000000)

/* A survey that was changed or deleted since. */
typedef struct Change {
        uint64_t epoch, seq;
        size_t before_at, before_n; /* in Load.bytes; nothing: it was deleted */
        size_t now_at, now_n;
} Change;

typedef struct Load {
        Server *server;
        Store *store;
        SnapshotHead head;
        SnapshotCut cut;
        uint64_t
                newest; /* epoch that anything was kept under: that of a snapshot which was begun, but never noted */
        bool wanted; /* changes are for a snapshot that may be used */
        Change *changes;
        size_t n_changes, changes_size;
        Buffer bytes;
        Survey before, now;
        char *scratch; /* for both, SURVEY_SCRATCH_BYTES each */
} Load;

static int read_marks(Store *store, SnapshotMarks *ret)
{
        int64_t epoch = 0;
        int r;

        *ret = (SnapshotMarks){0};
        r = store_get_mark_or(store, "snapshot", 0, &ret->live);
        if (r == 0)
                r = store_get_mark_or(store, "snapshot next", 0, &ret->next);
        if (r == 0)
                r = store_get_mark_or(store, "snapshot epoch", 0, &epoch);
        ret->epoch = epoch > 0 ? (uint64_t)epoch : 0;
        return r;
}

/*
 * A snapshot keeps names that nobody has any more. Before they take the room of new ones, a start is to forget them; those
 * that the files name, @named, stay in any case.
 */
static bool are_too_many(uint64_t names, uint64_t named, uint64_t max)
{
        return names > named && names > max / 8 * 7;
}

static const char *judge_cut(const Load *l, const SnapshotCut *ours)
{
        const Config *config = l->server->config;

        if (l->cut.at > loop_realtime(l->server->loop) + CLOCK_MARGIN)
                return "it is of the future";
        if (are_too_many(l->cut.n_agents, ours->n_agents, config->max_agents))
                return "its names leave little room below limits.agents";
        if (are_too_many(l->cut.n_queues, ours->n_queues, config->max_queues))
                return "its names leave little room below limits.queues";
        return NULL;
}

/* NULL: it is the one. Else a sentence. */
static const char *judge_head(const Load *l, const SnapshotMarks *marks, const SnapshotHead *ours)
{
        if (memcmp(l->head.program, ours->program, sizeof(ours->program)) != 0)
                return "another version wrote it";
        if (l->head.nonce != marks->live && l->head.nonce != marks->next)
                return "it is not of this store";
        if (memcmp(l->head.digest, ours->digest, sizeof(ours->digest)) != 0)
                return "the configuration has changed";
        return NULL;
}

static int take_revised(void *user, const StoreRevised *row)
{
        Load *l = user;
        Change *c;

        start_goes_on(l->server);
        if (row->epoch > l->newest)
                l->newest = row->epoch;
        if (!l->wanted || row->epoch < l->head.epoch)
                return 0;
        if (l->n_changes == CHANGES_MAX)
                return -EBADMSG;
        if (l->n_changes == l->changes_size) {
                size_t size = l->changes_size ? 2 * l->changes_size : 256;
                Change *changes = reallocarray(l->changes, size, sizeof(*changes));

                if (!changes)
                        return -ENOMEM;
                l->changes = changes;
                l->changes_size = size;
        }
        c = &l->changes[l->n_changes++];
        *c = (Change){.epoch = row->epoch, .seq = row->seq, .before_at = l->bytes.n, .before_n = row->json.n};
        buffer_append_text(&l->bytes, row->json);
        return buffer_failed(&l->bytes) ? -ENOMEM : 0;
}

static int compare_changes(const void *a, const void *b)
{
        const Change *x = a, *y = b;

        if (x->seq != y->seq)
                return x->seq < y->seq ? -1 : 1;
        return (x->epoch > y->epoch) - (x->epoch < y->epoch);
}

/* Of each survey the first change is the one that the snapshot is before. */
static void keep_first(Load *l)
{
        size_t n = 0;

        if (l->n_changes)
                qsort(l->changes, l->n_changes, sizeof(*l->changes), compare_changes);
        for (size_t i = 0; i < l->n_changes; i++)
                if (n == 0 || l->changes[n - 1].seq != l->changes[i].seq)
                        l->changes[n++] = l->changes[i];
        l->n_changes = n;
}

/*
 * What the surveys are by now. -EBADMSG: something does not fit, so that it cannot be told what the snapshot is to be
 * changed by.
 */
static int read_now(Load *l)
{
        size_t n = 0;

        for (size_t i = 0; i < l->n_changes; i++) {
                Change c = l->changes[i];
                int r;

                start_goes_on(l->server);
                c.now_at = l->bytes.n;
                r = store_get_survey(l->store, c.seq, &l->bytes, NULL);
                if (r < 0)
                        return r;
                c.now_n = l->bytes.n - c.now_at;
                if (c.seq > l->cut.last_seq) {
                        /* It is read with all those that came later; unless it has gone into the tallies. */
                        if (r == STORE_E_NOT_FOUND)
                                return -EBADMSG;
                        l->bytes.n = c.now_at;
                        continue;
                }
                if ((r == STORE_E_NOT_FOUND) != (c.before_n == 0))
                        return -EBADMSG;
                l->changes[n++] = c;
        }
        l->n_changes = n;
        return 0;
}

static int decode(Survey *ret, const Load *l, size_t at, size_t n, char *scratch)
{
        return survey_decode_stored(ret, (Text){.at = l->bytes.data + at, .n = n}, scratch);
}

static int apply_changes(Load *l)
{
        Engine *engine = l->server->engine;
        uint64_t n_deleted = 0;
        int r = 0;

        for (size_t i = 0; i < l->n_changes && r == 0; i++) {
                const Change *c = &l->changes[i];

                start_goes_on(l->server);
                if (c->before_n == 0) {
                        n_deleted++;
                        continue;
                }
                r = decode(&l->before, l, c->before_at, c->before_n, l->scratch);
                if (r == 0)
                        r = decode(&l->now, l, c->now_at, c->now_n, l->scratch + SURVEY_SCRATCH_BYTES);
                if (r == 0)
                        r = engine_replay_change(engine, &l->now, &l->before);
        }
        engine_forget_count(engine, n_deleted);
        engine_forget_before(engine, loop_realtime(l->server->loop) -
                                             usec_max(l->server->config->keep_surveys, ENGINE_STORED_MIN));
        return r;
}

static int read_changes(Load *l)
{
        int r;

        l->wanted = true;
        r = store_scan_revised(l->store, take_revised, l);
        if (r < 0)
                return r;
        keep_first(l);
        r = read_now(l);
        return buffer_failed(&l->bytes) ? -ENOMEM : r;
}

static bool get(ImageReader *from, void *ret, size_t n)
{
        const unsigned char *at = image_get(from, n);

        if (at)
                memcpy(ret, at, n);
        return at;
}

/* Up to the engine. NULL, or the reason why it cannot be used; @ids in any case. -ENOMEM. */
static int load_begin(Load *l, const SnapshotMarks *marks, ImageReader *from, Seen *ids,
                      const char **ret_reason)
{
        SnapshotCut ours_cut = snapshots_cut(l->server);
        SnapshotHead ours;
        int r = snapshots_head(l->server, &ours);

        if (r < 0)
                return r;
        *ret_reason = get(from, &l->head, sizeof(l->head)) ? judge_head(l, marks, &ours) : "it is damaged";
        if (*ret_reason)
                return 0;
        r = seen_load(ids, from);
        if (r == 0 && !get(from, &l->cut, sizeof(l->cut)))
                r = -EBADMSG;
        if (r == 0)
                *ret_reason = judge_cut(l, &ours_cut);
        else if (r == -EBADMSG)
                *ret_reason = "it is damaged";
        if (*ret_reason)
                return 0;
        r = r < 0 ? r : read_changes(l);
        if (r == -EBADMSG)
                *ret_reason = "it cannot be brought up to date";
        return *ret_reason ? 0 : r;
}

/* 1; 0 with *ret_reason. Nothing is touched before all doubts are gone; what then fails is no matter of the snapshot. */
static int load(Load *l, const char *path, const SnapshotMarks *marks, const char **ret_reason)
{
        ImageMap map = IMAGE_MAP_NULL;
        Seen ids = {0};
        ImageReader from;
        int r = image_map(path, &map, &from);

        if (r < 0 && r != -ENOMEM) {
                *ret_reason = r == -ENOENT    ? "it is not there"
                              : r == -EBADMSG ? "it is damaged"
                                              : "it cannot be opened";
                return 0;
        }
        if (r == 0)
                r = load_begin(l, marks, &from, &ids, ret_reason);
        if (r == 0 && !*ret_reason) {
                seen_deinit(&l->server->seen);
                l->server->seen = ids;
                ids = (Seen){0};
                r = snapshot_load(l->server->engine, &from);
        }
        seen_deinit(&ids);
        image_map_deinit(&map);
        if (r == 0 && !*ret_reason)
                r = apply_changes(l);
        return r < 0 ? r : !*ret_reason;
}

/*
 * No file that there is, or will turn up, is taken again; nor what was kept for it, by one that is yet to come. -ENOSPC:
 * what changes must be kept as before.
 */
static int throw_away(Server *server, Store *store, const char *path, SnapshotMarks *marks)
{
        const SnapshotMarks none = {.epoch = marks->epoch};
        size_t n = SLICE_MAX;
        int r = 0;

        (void)unlink(path);
        while (r == 0 && n == SLICE_MAX) {
                start_goes_on(server);
                r = store_begin(store);
                if (r == 0)
                        r = snapshots_put_marks(store, &none);
                if (r == 0)
                        r = store_expire_revised(store, INT64_MAX, SLICE_MAX, &n);
                if (r == 0)
                        r = store_commit(store);
                if (r < 0)
                        store_rollback(store);
        }
        if (r == 0)
                *marks = none;
        return r;
}

/* A snapshot that was begun may have left changes under an epoch that no mark tells of; the next one must be newer. */
static int find_newest(Load *l, SnapshotMarks *marks)
{
        int r = store_scan_revised(l->store, take_revised, l);

        if (l->newest > marks->epoch)
                marks->epoch = l->newest;
        /* Where they cannot be read they are not used either. */
        return r == -EBADMSG ? 0 : r;
}

/*
 * Which surveys there were was damaged as well, and is made anew of those that can be found: of another one that a snapshot
 * has counted nobody would know any more, and it would be counted again when it is sent again. That may have been at a
 * start before, which ended before it threw the snapshot away.
 */
static int judge_store(Store *store, const char **ret_reason)
{
        int64_t repaired;
        StoreInfo info;
        int r = store_info(store, &info);

        if (r == 0)
                r = store_get_mark_or(store, STORE_MARK_REPAIRED, 0, &repaired);
        if (r == 0 && (info.n_damaged || repaired))
                *ret_reason = "the store is damaged";
        return r;
}

int snapshots_load(Server *server, Store *store, uint64_t *ret_last_seq)
{
        SnapshotMarks *marks = &server->snapshot_marks;
        Load *l = calloc(1, sizeof(*l));
        const char *reason = NULL;
        char *path = NULL;
        int r = l ? snapshots_path(server, &path) : -ENOMEM;

        if (r == 0) {
                l->server = server;
                l->store = store;
                l->scratch = malloc(2 * SURVEY_SCRATCH_BYTES);
                r = l->scratch ? read_marks(store, marks) : -ENOMEM;
        }
        if (r == 0)
                r = find_newest(l, marks);
        if (r == 0 && (marks->live || marks->next)) {
                r = judge_store(store, &reason);
                if (server->config->snapshot_after == 0)
                        reason = "the configuration wants none";
                if (r == 0 && !reason)
                        r = load(l, path, marks, &reason);
        }
        if (r > 0) {
                marks->live = l->head.nonce;
                marks->until = l->cut.last_seq;
                marks->behind = l->n_changes;
                if (l->head.epoch > marks->epoch)
                        marks->epoch = l->head.epoch;
                *ret_last_seq = l->cut.last_seq;
                log_info("snapshot surveys_until=%llu changes=%zu", (unsigned long long)l->cut.last_seq,
                         l->n_changes);
        } else if (r == 0 && (reason || l->newest)) {
                if (reason)
                        log_notice("snapshot is not used: %s; every survey is read", reason);
                r = throw_away(server, store, path, marks);
                if (r == -ENOSPC) {
                        marks->until = INT64_MAX;
                        r = 0;
                }
        } else if (r == -EBADMSG) {
                log_err("snapshot cannot be read back, removing it; the next start reads every survey");
                (void)unlink(path);
        }
        if (l) {
                free(l->changes);
                buffer_deinit(&l->bytes);
                free(l->scratch);
                free(l);
        }
        free(path);
        return r;
}
