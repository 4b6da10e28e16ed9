/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/io/conn.h"

const char *conn_reason_text(ConnReason r)
{
        static const char *const texts[_CONN_REASON_N] = {
                [CONN_CLOSED] = "closed",
                [CONN_EOF] = "the peer closed",
                [CONN_ERROR] = "the connection broke",
                [CONN_DEADLINE] = "deadline passed",
                [CONN_IDLE] = "idle for too long",
                [CONN_STALLED] = "the peer does not read",
                [CONN_OVERFLOW] = "too much is queued",
                [CONN_MEMORY] = "out of memory",
                [CONN_CUT] = "cut",
        };

        return r < _CONN_REASON_N ? texts[r] : "unknown";
}

void conn_limits_fill(ConnLimits *l)
{
        l->in_high = l->in_high ? l->in_high : (size_t)128 * 1024;
        l->out_high = l->out_high ? l->out_high : (size_t)1024 * 1024;
        l->out_low = l->out_low ? l->out_low : (size_t)256 * 1024;
        l->out_max = l->out_max ? l->out_max : (size_t)4 * 1024 * 1024;
        l->idle = l->idle ? l->idle : USEC_INFINITY;
        l->stall = l->stall ? l->stall : USEC_INFINITY;
        l->linger = l->linger ? l->linger : 5 * USEC_SEC;
}
