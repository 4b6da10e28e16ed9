/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/schedule.h"

void schedule_deinit(Schedule *s)
{
        free(s->items);
        *s = SCHEDULE_NULL;
}

static void place(Schedule *s, size_t i, ScheduleItem *item)
{
        s->items[i] = item;
        item->index = i + 1;
}

/* Brings the item at @i up or down until the heap is in order again. */
static void sift(Schedule *s, size_t i)
{
        ScheduleItem *item = s->items[i];

        for (; i > 0 && item->due < s->items[(i - 1) / 2]->due; i = (i - 1) / 2)
                place(s, i, s->items[(i - 1) / 2]);
        for (;;) {
                size_t child = 2 * i + 1;

                if (child + 1 < s->n && s->items[child + 1]->due < s->items[child]->due)
                        child++;
                if (child >= s->n || s->items[child]->due >= item->due)
                        break;
                place(s, i, s->items[child]);
                i = child;
        }
        place(s, i, item);
}

static void take_out(Schedule *s, ScheduleItem *item)
{
        size_t i = item->index - 1;

        item->index = 0;
        s->n--;
        if (i < s->n) {
                place(s, i, s->items[s->n]);
                sift(s, i);
        }
}

int schedule_set(Schedule *s, ScheduleItem *item, usec_t due)
{
        if (item->index == 0) {
                if (due == USEC_INFINITY) {
                        item->due = due;
                        return 0;
                }
                if (s->n == s->size) {
                        size_t size = s->size ? 2 * s->size : 64;
                        ScheduleItem **items = realloc(s->items, size * sizeof(ScheduleItem *));

                        if (!items)
                                return -ENOMEM;
                        s->items = items;
                        s->size = size;
                }
                item->due = due;
                place(s, s->n++, item);
                sift(s, item->index - 1);
                return 0;
        }
        if (item->due == due)
                return 0;
        item->due = due;
        if (due == USEC_INFINITY)
                take_out(s, item);
        else
                sift(s, item->index - 1);
        return 0;
}
