/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Without memory an entry is not added, and a variable in sight of HASH_ADD says so; the default is to exit. */
#define HASH_NONFATAL_OOM       1
#define uthash_nonfatal_oom(_e) (no_memory = true)
#include <uthash.h>

#include "daemon/server/resolve.h"
#include "proto/base/plant.h"
#include "proto/survey_json.h"

/* The newest version of a survey within the batch. */
typedef struct Latest {
        uint64_t seq;
        size_t entry;
        UT_hash_handle hh;
} Latest;

struct Resolver {
        Batch *batch;
        IntakeParts *parts;
        usec_t now;
        Latest *latest;
        Survey survey, earlier;
        size_t n_done;
        Buffer canonical[2];
        char *scratch; /* for the earlier one */
};

static int remember(Resolver *r, uint64_t seq, size_t entry)
{
        bool no_memory = false;
        Latest *found;

        HASH_FIND(hh, r->latest, &seq, sizeof(seq), found);
        if (!found) {
                found = calloc(1, sizeof(*found));
                if (!found)
                        return -ENOMEM;
                found->seq = seq;
                HASH_ADD(hh, r->latest, seq, sizeof(found->seq), found);
                if (no_memory) {
                        free(found);
                        return -ENOMEM;
                }
        }
        found->entry = entry;
        return 0;
}

/* What this batch has of survey @seq up to now; NULL: nothing. */
static const Entry *entry_before(const Resolver *r, uint64_t seq)
{
        Latest *found;

        HASH_FIND(hh, r->latest, &seq, sizeof(seq), found);
        return found ? &r->batch->entries[found->entry] : batch_fresh(r->batch, seq);
}

/* Two sources may have the same id, and it may have the same hash for both. */
static bool is_of_same_source(const Entry *a, const Entry *b)
{
        return strcmp(a->source->name, b->source->name) == 0;
}

static bool is_others(const Resolver *r, const Hit *hit, size_t candidate)
{
        const Entry *before = entry_before(r, hit->seqs[candidate]);

        return before ? !is_of_same_source(before, &r->batch->entries[hit->entry])
                      : hit->is_others[candidate];
}

/* The version of a survey before this hit. */
static Version version_before(const Resolver *r, const Hit *hit, size_t candidate)
{
        Version v = {.entry = entry_before(r, hit->seqs[candidate])};

        if (!v.entry && hit->json_n[candidate] > 0)
                v.json = (Text){.at = r->batch->found.data + hit->json_at[candidate],
                                .n = hit->json_n[candidate]};
        return v;
}

static int read_earlier(Resolver *r, const Version *v)
{
        return batch_version(r->batch, v, &r->earlier, r->scratch);
}

/* Two surveys have the same content if they have the same canonical form. */
static int is_same(Resolver *r, bool *ret)
{
        Buffer *now = &r->canonical[0], *then = &r->canonical[1];

        buffer_reset(now);
        survey_encode(&r->survey, now);
        buffer_reset(then);
        survey_encode(&r->earlier, then);
        *ret = text_equal(buffer_text(now), buffer_text(then));
        return buffer_failed(now) || buffer_failed(then) ? -ENOMEM : 0;
}

/*
 * Past the retention of comments there is none to compare: it has left the stored version, or is about to. What was sent
 * is without it already.
 */
static int is_same_but_comment(Resolver *r, bool *ret)
{
        /* Nothing that counts them reads it. */
        r->survey.comment = r->earlier.comment = TEXT_NULL;
        return is_same(r, ret);
}

/* The id is known under @seq; r->earlier is its version up to now, and @before is that, too. */
static int take_again(Resolver *r, Hit *hit, uint64_t seq, const Version *before)
{
        Entry *e = &r->batch->entries[hit->entry];
        Input in = {.kind = INPUT_SURVEY, .now = r->now, .survey = &r->survey, .earlier = &r->earlier};
        int64_t rev = r->survey.rev, known = r->earlier.rev;
        bool same;
        Fault fault;
        int result = is_same(r, &same);

        if (result == 0 && !same && r->survey.ts < r->parts->mute_before)
                result = is_same_but_comment(r, &same);
        if (result < 0)
                return result;
        if (same) {
                e->verdict = VERDICT_DUPLICATE;
                in.earlier = NULL;
                return PLANTED("duplicate-counted") ? engine_step(r->parts->engine, &in, &r->batch->effects)
                                                    : 0;
        }
        if (rev >= 0 && known >= 0 && rev <= known && !PLANTED("stale-taken")) {
                fault_set(&fault, FAULT_STALE, "rev",
                          rev < known ? "revision %" PRId64 " is stored, this is %" PRId64
                                      : "revision %" PRId64
                                        " is stored with other content; a change needs more than %" PRId64,
                          known, rev);
                return batch_refuse(r->batch, e, r->survey.id, &fault);
        }
        e->verdict = VERDICT_REVISED;
        hit->before = *before;
        e->seq = seq;
        result = seq <= r->parts->kept_until ? batch_keep(r->batch, seq, &r->earlier) : 0;
        if (result == 0)
                result = engine_step(r->parts->engine, &in, &r->batch->effects);
        if (result < 0)
                return result;
        return remember(r, seq, hit->entry);
}

/* Only the hash was known, or its survey is no longer stored. */
static int take_new(Resolver *r, const Hit *hit)
{
        Entry *e = &r->batch->entries[hit->entry];
        Input in = {.kind = INPUT_SURVEY, .now = r->now, .survey = &r->survey};
        int result;

        e->seq = ++r->parts->last_seq;
        e->verdict = VERDICT_STORED;
        result = seen_add(r->parts->seen, hit->hash, e->seq);
        if (result == 0)
                result = engine_step(r->parts->engine, &in, &r->batch->effects);
        if (result < 0)
                return result;
        return remember(r, e->seq, hit->entry);
}

/* r->earlier is what was found under the hash: whether it is the same survey, and not as good as deleted. */
static bool is_known(const Resolver *r)
{
        return text_equal(r->earlier.id, r->survey.id) && r->earlier.ts >= r->parts->gone_before;
}

/* Of two that are stored under one id, the older one is past retention (or was, when the newer one came). */
static int find_newest(Resolver *r, const Hit *hit, size_t *ret, Version *ret_version)
{
        size_t found = SIZE_MAX, decoded = SIZE_MAX;

        for (size_t k = 0; k < hit->n_seqs; k++) {
                Version before = version_before(r, hit, k);
                int result;

                if (!before.entry && !before.json.at) {
                        /* It is no longer stored: its number is dead. */
                        seen_remove(r->parts->seen, hit->hash, hit->seqs[k]);
                        continue;
                }
                if (is_others(r, hit, k) || (found != SIZE_MAX && hit->seqs[k] < hit->seqs[found]))
                        continue;
                result = read_earlier(r, &before);
                if (result < 0)
                        return result;
                decoded = k;
                if (is_known(r)) {
                        found = k;
                        *ret_version = before;
                }
        }
        *ret = found;
        return found == decoded || found == SIZE_MAX ? 0 : read_earlier(r, ret_version);
}

/*
 * Its version up to now may have been deleted (when retention was shorter), or counts as deleted (because a round of retention
 * has begun since it was offered): it would be taken for a new one and counted once more.
 */
static int refuse_gone(const Resolver *r, Entry *e)
{
        Fault fault;

        fault_set(&fault, FAULT_TOO_OLD, "ts", INTAKE_GONE);
        return batch_refuse(r->batch, e, r->survey.id, &fault);
}

static int resolve_hit(Resolver *r, Hit *hit)
{
        Entry *e = &r->batch->entries[hit->entry];
        uint64_t seqs[SEEN_CANDIDATES_MAX];
        size_t n_seqs, newest = SIZE_MAX;
        Version before;
        int result;

        batch_survey(r->batch, e, &r->survey);
        if (r->survey.ts < r->parts->gone_before)
                return refuse_gone(r, e);
        result = find_newest(r, hit, &newest, &before);
        if (result < 0)
                return result;
        if (newest != SIZE_MAX)
                return take_again(r, hit, hit->seqs[newest], &before);
        /* A number may have been given out for this hash since the look-up: by an earlier hit of this batch.
         */
        n_seqs = seen_find(r->parts->seen, hit->hash, seqs);
        for (size_t k = 0; k < n_seqs; k++) {
                Latest *found;

                HASH_FIND(hh, r->latest, &seqs[k], sizeof(seqs[k]), found);
                if (!found || !is_of_same_source(&r->batch->entries[found->entry], e))
                        continue;
                before = (Version){.entry = &r->batch->entries[found->entry]};
                result = read_earlier(r, &before);
                if (result < 0)
                        return result;
                if (is_known(r))
                        return take_again(r, hit, seqs[k], &before);
        }
        return r->survey.ts < r->parts->forgotten_before ? refuse_gone(r, e) : take_new(r, hit);
}

Resolver *resolver_new(Batch *b, IntakeParts *parts)
{
        Resolver *r = calloc(1, sizeof(*r));

        if (!r)
                return NULL;
        r->batch = b;
        r->parts = parts;
        r->scratch = malloc(SURVEY_SCRATCH_BYTES);
        return r->scratch ? r : resolver_free(r);
}

Resolver *resolver_free(Resolver *r)
{
        Latest *one, *next;

        if (!r)
                return NULL;
        HASH_ITER (hh, r->latest, one, next) {
                HASH_DEL(r->latest, one);
                free(one);
        }
        buffer_deinit(&r->canonical[0]);
        buffer_deinit(&r->canonical[1]);
        free(r->scratch);
        free(r);
        return NULL;
}

int resolver_step(Resolver *r, usec_t now, size_t max)
{
        Batch *b = r->batch;
        int result = 0;

        r->now = now;
        for (; r->n_done < b->n_hits && max > 0 && result == 0; max--)
                result = resolve_hit(r, &b->hits[r->n_done++]);
        return result < 0 ? result : r->n_done < b->n_hits ? RESOLVER_MORE : 0;
}
