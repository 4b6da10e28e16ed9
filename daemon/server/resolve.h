#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What becomes of a survey whose id may be known: new after all, the same again, a revision, or stale.
 */

#include "daemon/server/batch.h"
#include "daemon/server/intake.h"

typedef struct Resolver Resolver;

/* For the hits of @b. Both are borrowed; @parts may be replaced only when it is done. NULL without memory. */
Resolver *resolver_new(Batch *b, IntakeParts *parts);
Resolver *resolver_free(Resolver *r);

/*
 * Gives the next @max hits their verdicts, with the earlier versions that batch_look_up() found and those in the batch
 * itself, in the order of offering; takes what is new, and revisions, through the engine. RESOLVER_MORE: there are others.
 * -ENOMEM, -EBADMSG (a stored survey cannot be read).
 */
CX_MUST_CHECK int resolver_step(Resolver *r, usec_t now, size_t max);

#define RESOLVER_MORE 1
