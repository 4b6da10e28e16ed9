#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The one unit of time: signed microseconds, since the Unix epoch for points in time.
 *
 * Pure arithmetic and text; no clock. Civil dates are proleptic Gregorian, UTC, without leap seconds.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/def.h"

typedef int64_t usec_t;

#define USEC_MSEC ((usec_t)1000)
#define USEC_SEC  (1000 * USEC_MSEC)
#define USEC_MIN  (60 * USEC_SEC)
#define USEC_HOUR (60 * USEC_MIN)
#define USEC_DAY  (24 * USEC_HOUR)

/* "never": later than every point in time. */
#define USEC_INFINITY INT64_MAX

/* The last point in time of the year 9999, beyond which RFC 3339 has no text. */
#define USEC_CIVIL_MAX (253402300800 * USEC_SEC - 1)

/* Room for usec_format() and duration_format(), the final NUL included. */
#define USEC_TEXT_MAX 40

/*
 * RFC 3339 with a zone ("2026-11-21T10:15:30.250Z", "...+01:00", also "+0100"; "t", "z" and a blank for "T" are
 * taken); digits past the microsecond are dropped. A bare date ("2026-11-21") is midnight UTC only if @date_ok.
 * -EINVAL if it is not one or names a day or time that does not exist; years 1970 to 9999.
 */
CX_MUST_CHECK int usec_parse(const char *text, size_t n, bool date_ok, usec_t *ret);

/*
 * A point in time as a number in decimal ("1750000000.5", "1.75e9") of units of 10^@exponent microseconds, whose form the
 * caller has checked: exact, and what is below the microsecond is dropped. -ERANGE: before 1970, or after the year 9999.
 */
CX_MUST_CHECK int usec_from_number(const char *text, size_t n, int64_t exponent, usec_t *ret);

/* RFC 3339 in UTC with as many decimals (0, 3 or 6) as needed. Returns @ret. */
char *usec_format(usec_t t, char ret[USEC_TEXT_MAX]);

/* "90s", "10m", "1h", "28d", "5y" (365 days), "250ms", or a sum: "1h30m". -EINVAL; -ERANGE above 1000 years. */
CX_MUST_CHECK int duration_parse(const char *text, size_t n, usec_t *ret);

/* The shortest text that duration_parse() reads back as @d. Returns @ret. */
char *duration_format(usec_t d, char ret[USEC_TEXT_MAX]);

/* Days since 1970-01-01 of a civil date, and back. Month and day count from 1. */
int64_t civil_to_days(int64_t year, unsigned month, unsigned day);
void civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);

/* The largest multiple of @width at or below @t, and the smallest at or above; right for negative @t as well. */
usec_t usec_floor(usec_t t, usec_t width);
usec_t usec_ceil(usec_t t, usec_t width);

static inline usec_t usec_min(usec_t a, usec_t b)
{
        return a < b ? a : b;
}

static inline usec_t usec_max(usec_t a, usec_t b)
{
        return a > b ? a : b;
}

/* @delay, not negative, behind @at; USEC_INFINITY if there is no such time. */
usec_t usec_after(usec_t at, usec_t delay);
