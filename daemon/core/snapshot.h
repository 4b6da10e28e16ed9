#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An engine as an image: what would else be computed anew from every stored survey.
 *
 * A cache, never the truth: an engine that was loaded stands where the one stood that was saved, with the figures of one
 * that was given the same surveys (and tallies) by replay. Names that nobody has any more stay known, as they do in a
 * running engine, until whoever loads it would rather have none of it. What rules make of figures is looked at anew; alerts are not in it, they come with engine_restore().
 */

#include "daemon/core/engine.h"
#include "daemon/core/image.h"

/*
 * Begins an image of the engine as it is now, which is to be stepped on while it is written: what counts a survey, or forgets
 * one, first writes the scopes that are about to change. @to is called by steps, too, until the end. Nothing may be replayed
 * meanwhile.
 */
void snapshot_begin(Engine *e, const ImageWriter *to);
/* Writes the next scope that is not in it. False: all are, and it has ended. */
bool snapshot_next(Engine *e);
/* Ends one that is not to be whole. Nothing happens if there is none. */
void snapshot_end(Engine *e);
/* All at once. */
void snapshot_save(Engine *e, const ImageWriter *to);

/*
 * Into an engine that was made with the same settings and an org of the same files, and has counted nothing. Time is at
 * least that of the image afterwards. -ENOMEM; -EBADMSG: it is of other settings, or no image. The engine is to be freed
 * only, then.
 */
CX_MUST_CHECK int snapshot_load(Engine *e, ImageReader *from);
