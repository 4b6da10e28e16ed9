#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The life of what is stored: surveys, comments, messages and tallies that are past their retention go.
 *
 * The happy path is: a slice of old surveys is read on the storage thread; the loop's thread folds them into counts by
 * scope and day; one transaction writes these and deletes the surveys; so on, with a pause between slices for commits,
 * until there are none. Then comments that are too old leave their surveys, then the rest. Possible failure modes: the
 * disk is full (everything stays, the next round tries again); a commit fails (the daemon ends, as for any other).
 *
 * Retention goes by a clock that is believed (clock_trust.h), and nothing goes while it is not.
 *
 * What is past retention counts as gone from the moment that a round begins, whether it was deleted already or not: its
 * id is free again, and a revision of it is a new survey. So nothing can change a survey that is being deleted.
 */

#include <stdint.h>

#include <stdbool.h>

#include "daemon/server/clock_trust.h"
#include "proto/base/def.h"

typedef struct Server Server;
typedef struct Upkeep Upkeep;

typedef struct UpkeepStats {
        uint64_t surveys, comments, feeds, tallies; /* that went, since the start */
} UpkeepStats;

/* @clock: how far it is believed, as of the last stop. -ENOMEM. */
CX_MUST_CHECK int upkeep_new(Upkeep **ret, Server *s, const ClockTrust *clock);
/* When the storage thread has ended. */
Upkeep *upkeep_free(Upkeep *u);

/* The first round comes soon. */
void upkeep_start(Upkeep *u);
/* The configuration has changed: likewise. */
void upkeep_reconfigure(Upkeep *u);

/* Surveys are on their way from the store into tallies: an engine that is made now would count them twice or never. */
bool upkeep_is_busy(const Upkeep *u);

void upkeep_stats(const Upkeep *u, UpkeepStats *ret);
