#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A trailing span of time that figures are computed over.
 *
 * Windows are cut in buckets, so that a figure is the same whatever the order in which surveys arrived: buckets of a
 * minute for windows of up to a day and for `today`, of an hour up to 7 days, of a day (UTC) above.
 */

#include <stdbool.h>

#include "daemon/core/calendar.h"
#include "proto/base/text.h"

#define WINDOW_NAME_MAX 15
#define WINDOWS_MAX     8

/* The resolutions that series are kept in. */
typedef enum WindowTier {
        WINDOW_MINUTE,
        WINDOW_HOUR,
        WINDOW_DAY,
        _WINDOW_TIER_N,
} WindowTier;

typedef struct Window {
        char name[WINDOW_NAME_MAX + 1];
        bool today;    /* since the last local midnight; length is a day then */
        usec_t length; /* a multiple of the tier's width */
        WindowTier tier;
} Window;

/* Width of a bucket. */
usec_t window_tier_width(WindowTier tier);

/*
 * "1h", "28d", "today". -EINVAL: no duration; -ERANGE: shorter than a minute, longer than 10 years, or no multiple of
 * the bucket's width.
 */
CX_MUST_CHECK int window_init(Window *w, Text name);

/*
 * The span [start, end) of the window as of @at: surveys with ts < at count, rounded up to the end of the bucket.
 * Live figures are those as of now + 1.
 */
void window_span(const Window *w, const Calendar *c, usec_t at, usec_t *ret_start, usec_t *ret_end);

/* The span of the window just before that one: what `trend` compares with. */
void window_span_before(const Window *w, const Calendar *c, usec_t at, usec_t *ret_start, usec_t *ret_end);
