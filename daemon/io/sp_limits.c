/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/io/sp.h"

void sp_limits_fill(SpLimits *l)
{
        l->message_max = l->message_max ? l->message_max : SP_MESSAGE_MAX;
        l->queue_max = l->queue_max ? l->queue_max : (size_t)1024 * 1024;
        l->handshake = l->handshake ? l->handshake : 5 * USEC_SEC;
        l->message = l->message ? l->message : 10 * USEC_SEC;
        l->stall = l->stall ? l->stall : 10 * USEC_SEC;
        l->requests_max = l->requests_max ? l->requests_max : 16;
        l->hops_max = l->hops_max ? l->hops_max : 8;
        if (l->hops_max > SP_HOPS_LIMIT)
                l->hops_max = SP_HOPS_LIMIT;
}
