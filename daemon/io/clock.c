/* SPDX-License-Identifier: Apache-2.0 */

#include <time.h>

#include "daemon/io/clock.h"

static usec_t read_clock(clockid_t id)
{
        struct timespec ts = {0};

        /* Cannot fail: both clocks exist on every kernel and the pointer is good. */
        (void)clock_gettime(id, &ts);
        return (usec_t)ts.tv_sec * USEC_SEC + (usec_t)ts.tv_nsec / 1000;
}

static usec_t system_realtime(void *user CX_UNUSED)
{
        return read_clock(CLOCK_REALTIME);
}

static usec_t system_monotonic(void *user CX_UNUSED)
{
        return read_clock(CLOCK_MONOTONIC);
}

const Clock CLOCK_SYSTEM = {.realtime = system_realtime, .monotonic = system_monotonic};
