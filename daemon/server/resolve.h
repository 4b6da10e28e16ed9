#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What becomes of a survey whose id may be known: new after all, the same again, a revision, or stale.
 */

#include "daemon/server/batch.h"
#include "daemon/server/intake.h"

/*
 * Gives every hit of @b its verdict, with the earlier versions that batch_look_up() found and those in the
 * batch itself, in the order of offering; takes revisions through the engine. -ENOMEM, -EBADMSG (a stored
 * survey cannot be read).
 */
CX_MUST_CHECK int resolve_hits(Batch *b, IntakeParts *parts, usec_t now);
