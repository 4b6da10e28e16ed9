#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The bound on memory, limits.memory: is so much in use that surveys are to be refused?
 *
 * Pure: what is in use is told to it. It says "reached" an eighth below the bound, so that what is under way still fits,
 * and goes on until a quarter is free, so that it does not change its mind with every survey.
 */

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/def.h"
#include "proto/base/usec.h"

typedef struct Ceiling {
        size_t max; /* bytes; 0: there is no bound */
        bool reached;
        usec_t trim_at;    /* when what was freed may be given back to the kernel again */
        usec_t trim_pause; /* it takes time, and less and less often helps */
} Ceiling;

#define CEILING_INIT(_max) ((Ceiling){.max = (_max)})

/*
 * @used bytes are in use, and @coming more will be at once, soon. True: `reached` has changed. *ret_trim: unused memory
 * should be given back to the kernel now, and this be asked again with what is in use after that.
 */
CX_MUST_CHECK bool ceiling_judge(Ceiling *c, size_t used, size_t coming, usec_t now, bool *ret_trim);
