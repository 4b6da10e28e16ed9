#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds where the values of a JSON array begin and end, without looking at what is in them.
 *
 * Brackets and strings are followed, nothing else is checked; the decoder of each value does that.
 */

#include <stdbool.h>

#include "proto/base/def.h"
#include "proto/base/text.h"

enum {
        _JSON_SPAN_OK,
        JSON_SPAN_E_END,    /* the array is complete, and only blanks are behind it */
        JSON_SPAN_E_BROKEN, /* it is not well-formed at the start of *rest */
};

/* *rest starts with '['. The first value, and what is behind it. */
CX_MUST_CHECK int json_span_first(Text *rest, Text *ret_item);
CX_MUST_CHECK int json_span_next(Text *rest, Text *ret_item);

/* One object or array that fills all of @t. */
bool json_span_is_whole(Text t);
