#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The newest wrong-side answers of one rule on one scope, by time and then by survey id.
 *
 * More are kept than an alert names, so that a few retractions leave enough. What was once pushed out is
 * older than everything inside; nothing older than that comes in again, so that the list is always the true
 * end of all answers.
 */

#include <stdbool.h>

#include "daemon/core/idpool.h"
#include "daemon/core/image.h"
#include "proto/base/usec.h"

/* Of them seven may be taken out, or lie behind the end of the window, before an alert names fewer than five. */
#define RECENT_MAX 12

/* As many as there are of these, the bytes count. */
typedef struct CX_PACKED RecentEntry {
        usec_t ts;
        uint32_t id;
} RecentEntry;

typedef struct Recent {
        RecentEntry *entries; /* a ring, so that the oldest one makes room without moving the others */
        uint8_t begin;        /* where the oldest one is */
        uint8_t n, size;
        bool cut; /* something was pushed out: @last is the newest of it */
        RecentEntry last;
} Recent;

#define RECENT_NULL ((Recent){0})

/* Where entry @i is, counted from the oldest. A ring that is not of full size yet begins at 0. */
static inline unsigned recent_place(const Recent *r, unsigned i)
{
        unsigned place = r->begin + i;

        return place < RECENT_MAX ? place : place - RECENT_MAX;
}

void recent_deinit(Recent *r, IdPool *ids);
/* Takes a reference of its own to @id. -ENOMEM. */
CX_MUST_CHECK int recent_add(Recent *r, IdPool *ids, usec_t ts, uint32_t id);
/* Brings what a recent_add() of the newest answer will touch closer. */
static inline void recent_prefetch(const Recent *r, const IdPool *ids)
{
        if (r->n == 0)
                return;
        cx_prefetch(&r->entries[recent_place(r, r->n)]);
        if (r->cut)
                idpool_prefetch(ids, r->last.id);
}
void recent_remove(Recent *r, IdPool *ids, usec_t ts, Text id);

/* Forgets those before @ts. */
void recent_forget(Recent *r, IdPool *ids, usec_t ts);

void recent_save(const Recent *r, const IdPool *ids, const ImageWriter *to);
/* Into an empty one. -ENOMEM; -EBADMSG: that is not what was saved. */
CX_MUST_CHECK int recent_load(Recent *r, IdPool *ids, IdPoolGuide *guide, ImageReader *from);

/* Ids of answers in [start, end), newest first, at most @max. Borrowed until the next idpool_add(). */
size_t recent_list(const Recent *r, const IdPool *ids, usec_t start, usec_t end, Text *ret, size_t max);
