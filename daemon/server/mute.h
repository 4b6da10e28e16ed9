#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Comments that are too old leave their stored surveys, which stay as they are otherwise.
 *
 * It goes by the time of the surveys, and the store remembers up to which time it is done and how far the present pass
 * has come, so that nothing is read twice. Surveys that arrive when they are that old already are stored without their
 * comment in the first place.
 */

#include "daemon/store/store.h"
#include "proto/survey.h"

typedef struct Mute {
        usec_t limit;  /* comments of surveys before this are too old; USEC_INFINITY: all are */
        usec_t lowest; /* the limit was since a pass last began: what came in may have comments from here on */
        usec_t now;
        usec_t step;    /* a pass is worth it after so long */
        bool known;     /* the rest was read from the store */
        usec_t done;    /* no survey before this has a comment */
        usec_t goal;    /* of the present pass */
        uint64_t at;    /* survey that this pass has come to; 0: none is going on */
        size_t n_muted; /* by the last slice */

        Buffer rows; /* scratch of a slice */
} Mute;

#define MUTE_INIT ((Mute){.limit = INT64_MIN, .lowest = INT64_MAX})

void mute_deinit(Mute *m);

/* On the loop's thread, while no slice is on its way. @keep 0: comments are not kept at all. */
void mute_set_limit(Mute *m, usec_t now, usec_t keep);

/*
 * On the storage thread, behind a mute_set_limit() at a start or by other settings, and before anything that comes in under
 * that limit: a start with other settings again is to know from when there may be comments. As the store.
 */
CX_MUST_CHECK int mute_note(Mute *m, Store *store);

/* On the storage thread: up to @max surveys, in one transaction. @scratch: SURVEY_SCRATCH_BYTES. As the store. */
CX_MUST_CHECK int mute_slice(Mute *m, Store *store, size_t max, Survey *survey, char *scratch);

static inline bool mute_is_complete(const Mute *m)
{
        return m->at == 0;
}
