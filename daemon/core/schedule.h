#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who wants to be looked at when: a heap of items that are embedded in their owners.
 */

#include <stddef.h>

#include "proto/base/def.h"
#include "proto/base/usec.h"

typedef struct ScheduleItem {
        usec_t due;
        size_t index; /* place in the heap plus one; 0: not in it */
} ScheduleItem;

typedef struct Schedule {
        ScheduleItem **items;
        size_t n, size;
} Schedule;

#define SCHEDULE_NULL      ((Schedule){0})
#define SCHEDULE_ITEM_NULL ((ScheduleItem){.due = USEC_INFINITY})

void schedule_deinit(Schedule *s); /* forgets the items */

/* Puts @item where it belongs; USEC_INFINITY takes it out. Fails only for one that was not in it: -ENOMEM. */
CX_MUST_CHECK int schedule_set(Schedule *s, ScheduleItem *item, usec_t due);

/* The earliest; NULL: none. */
static inline ScheduleItem *schedule_first(const Schedule *s)
{
        return s->n ? s->items[0] : NULL;
}
