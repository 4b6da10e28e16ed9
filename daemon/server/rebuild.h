#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A new engine out of what is stored, beside the one that answers queries meanwhile.
 *
 * Used when a reload changes what figures are. Surveys are read in slices on the storage thread; the caller
 * has seen to it that none are being taken until the new engine is there.
 */

#include "daemon/config/config.h"
#include "daemon/core/engine.h"
#include "daemon/server/journal.h"

typedef struct Rebuild Rebuild;

/* Result < 0: it failed, @engine is NULL. Else it is the caller's. The rebuild is gone after the call. */
typedef void (*RebuildFn)(void *user, int result, Engine *engine);

/*
 * Takes the org out of @config and over. Alerts are carried over from @before. -ENOMEM: @fn is not called;
 * else it comes later, from the loop.
 */
CX_MUST_CHECK int rebuild_start(Rebuild **ret, Config *config, const Engine *before, Journal *journal,
                                usec_t now, RebuildFn fn, void *user);

/* What an empty engine must be told first. */
typedef struct RebuildHead {
        usec_t now, forgotten_before;
        int32_t forgotten_days;
} RebuildHead;

/* What the store has of it: fold_forgotten(), fold_forgotten_days(). */
CX_MUST_CHECK int rebuild_read_head(Store *store, RebuildHead *ret);
/* Tells it, so that the engine drops at once what is too old to be kept. -ENOMEM. */
CX_MUST_CHECK int rebuild_begin(Engine *e, const RebuildHead *head);

/* One stored survey into an engine; used at the start, too. -ENOMEM; -EBADMSG: not a survey. @scratch is
 * SURVEY_SCRATCH_BYTES. */
CX_MUST_CHECK int rebuild_take(Engine *e, Survey *survey, Text json, char *scratch);
