#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Makes the calendar of a time zone, from 1970 to 2070, out of the system's zone database.
 *
 * The C library knows the rules; it is asked for the distance from UTC day by day, and each change is
 * narrowed down to its second. TZ is set meanwhile and restored afterwards, so no other thread may change the
 * environment or ask for local time in that moment.
 */

#include "daemon/core/calendar.h"
#include "proto/base/def.h"
#include "proto/base/text.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

enum {
        _ZONE_OK,
        ZONE_E_NAME,    /* not the form of a zone's name ("Europe/Madrid") */
        ZONE_E_UNKNOWN, /* no such zone below ZONE_FOLDER */
};

/* "UTC" needs no database. -ENOMEM; ZONE_E_NAME; ZONE_E_UNKNOWN. */
CX_MUST_CHECK int zone_calendar(Calendar *ret, Text name);

/* The moment at which the civil day that begins at @midnight_utc in UTC begins by @c. */
usec_t zone_day_start(const Calendar *c, usec_t midnight_utc);
