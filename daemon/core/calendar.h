#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The civil day of a time zone: a table of when the distance from UTC changes. No clock and no zone database; who
 * makes the table knows them.
 */

#include <stddef.h>

#include "proto/base/def.h"
#include "proto/base/usec.h"

typedef struct CalendarStep {
        usec_t from;   /* this offset holds from here on */
        usec_t offset; /* local time minus UTC */
} CalendarStep;

typedef struct Calendar {
        CalendarStep *steps; /* ascending; the first one holds for all time before it, too. Owned */
        size_t n_steps;      /* 0: UTC */
} Calendar;

#define CALENDAR_UTC ((Calendar){0})

void calendar_deinit(Calendar *c);

/* The longest day: in Antarctica/Troll clocks go back by two hours. */
#define CALENDAR_DAY_MAX (26 * USEC_HOUR)

/* The last local midnight at or before @t, and the first one after it. Days may have 22 to 26 hours. */
usec_t calendar_midnight(const Calendar *c, usec_t t);
usec_t calendar_next_midnight(const Calendar *c, usec_t t);
