/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/server/ceiling.h"

#define TRIM_PAUSE_MIN USEC_SEC
#define TRIM_PAUSE_MAX (60 * USEC_SEC)

bool ceiling_judge(Ceiling *c, size_t used, size_t coming, usec_t now, bool *ret_trim)
{
        size_t edge = c->reached ? c->max - c->max / 4 : c->max - c->max / 8;
        bool reached = c->max && (used >= edge || coming >= edge - used);
        bool changed = reached != c->reached;

        *ret_trim = reached && now >= c->trim_at;
        if (*ret_trim) {
                /* The next answer is that after trimming. */
                c->trim_pause = c->trim_pause ? 2 * c->trim_pause : TRIM_PAUSE_MIN;
                if (c->trim_pause > TRIM_PAUSE_MAX)
                        c->trim_pause = TRIM_PAUSE_MAX;
                c->trim_at = now + c->trim_pause;
                return false;
        }
        if (!reached)
                c->trim_pause = 0;
        c->reached = reached;
        return changed;
}
