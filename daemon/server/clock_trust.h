#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How far the clock is believed by what deletes: one that has jumped far ahead, as it may have after a change of hardware,
 * makes everything too old at once.
 *
 * Time that goes on, also over a stop of a few days, is believed. A jump beyond that is doubted for a day of its own
 * time, across restarts, and another one begins that day anew; until then it is as late as it was when it was last
 * believed. A clock that goes back to there is believed.
 */

#include "daemon/store/store.h"

#define CLOCK_TRUST_AHEAD (7 * USEC_DAY)
#define CLOCK_TRUST_DOUBT USEC_DAY

typedef struct ClockTrust {
        usec_t seen;    /* the latest time that was believed; INT64_MIN: none yet */
        usec_t doubted; /* since this time of a clock that is too far ahead; INT64_MIN: it is not */
        usec_t looked;  /* in doubt: when it was looked at last */
        usec_t written, written_doubted; /* in the store */
} ClockTrust;

#define CLOCK_TRUST_INIT                                                                                     \
        ((ClockTrust){.seen = INT64_MIN,                                                                     \
                      .doubted = INT64_MIN,                                                                  \
                      .looked = INT64_MIN,                                                                   \
                      .written = INT64_MIN,                                                                  \
                      .written_doubted = INT64_MIN})

/* Whether @now is believed. The time to go by is t->seen afterwards. */
bool clock_trust_judge(ClockTrust *t, usec_t now);

/* What was known at the last stop; a store that knows nothing believes what comes. As the store. */
CX_MUST_CHECK int clock_trust_read(ClockTrust *t, Store *store);
/* In a transaction of the caller; once an hour, or when there is news of a doubt. As the store. */
CX_MUST_CHECK int clock_trust_write(const ClockTrust *t, Store *store);
/* That transaction is committed. */
void clock_trust_written(ClockTrust *t);
