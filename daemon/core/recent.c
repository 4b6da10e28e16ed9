/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/recent.h"

/* Most lists stay as short as this. */
#define FEW 4

static RecentEntry *entry_at(const Recent *r, unsigned i)
{
        return &r->entries[recent_place(r, i)];
}

void recent_deinit(Recent *r, IdPool *ids)
{
        for (unsigned i = 0; i < r->n; i++)
                idpool_unref(ids, entry_at(r, i)->id);
        if (r->cut)
                idpool_unref(ids, r->last.id);
        free(r->entries);
        *r = RECENT_NULL;
}

static int compare(const IdPool *ids, const RecentEntry *a, usec_t ts, Text id)
{
        if (a->ts != ts)
                return a->ts < ts ? -1 : 1;
        return text_compare(idpool_text(ids, a->id), id);
}

static void push_out(Recent *r, IdPool *ids, RecentEntry entry)
{
        if (r->cut)
                idpool_unref(ids, r->last.id);
        r->cut = true;
        r->last = entry;
}

int recent_add(Recent *r, IdPool *ids, usec_t ts, uint32_t id)
{
        RecentEntry entry = {.ts = ts, .id = id};
        Text text = idpool_text(ids, id);
        unsigned i;

        if (r->cut && compare(ids, &r->last, ts, text) > 0)
                return 0;
        if (r->n == r->size && r->size < RECENT_MAX) {
                unsigned size = r->size ? RECENT_MAX : FEW;
                RecentEntry *entries = realloc(r->entries, size * sizeof(*entries));

                if (!entries)
                        return -ENOMEM;
                r->entries = entries;
                r->size = (uint8_t)size;
        }
        idpool_ref(ids, id);
        for (i = r->n; i > 0 && compare(ids, entry_at(r, i - 1), ts, text) > 0; i--)
                ;
        if (r->n == RECENT_MAX) {
                if (i == 0) {
                        push_out(r, ids, entry);
                        return 0;
                }
                push_out(r, ids, *entry_at(r, 0));
                r->begin = (uint8_t)recent_place(r, 1);
                r->n--;
                i--;
        }
        for (unsigned k = r->n++; k > i; k--)
                *entry_at(r, k) = *entry_at(r, k - 1);
        *entry_at(r, i) = entry;
        return 0;
}

void recent_remove(Recent *r, IdPool *ids, usec_t ts, Text id)
{
        for (unsigned i = r->n; i > 0; i--) {
                if (compare(ids, entry_at(r, i - 1), ts, id) == 0) {
                        idpool_unref(ids, entry_at(r, i - 1)->id);
                        for (; i < r->n; i++)
                                *entry_at(r, i - 1) = *entry_at(r, i);
                        r->n--;
                        return;
                }
        }
}

size_t recent_list(const Recent *r, const IdPool *ids, usec_t start, usec_t end, Text *ret, size_t max)
{
        size_t n = 0;

        for (unsigned i = r->n; i > 0 && n < max; i--)
                if (start <= entry_at(r, i - 1)->ts && entry_at(r, i - 1)->ts < end)
                        ret[n++] = idpool_text(ids, entry_at(r, i - 1)->id);
        return n;
}

void recent_forget(Recent *r, IdPool *ids, usec_t ts)
{
        unsigned n = 0;

        while (n < r->n && entry_at(r, n)->ts < ts)
                idpool_unref(ids, entry_at(r, n++)->id);
        for (unsigned i = n; i < r->n; i++)
                *entry_at(r, i - n) = *entry_at(r, i);
        r->n = (uint8_t)(r->n - n);
}

static void save_entry(const RecentEntry *entry, const IdPool *ids, const ImageWriter *to)
{
        image_put_number(to, (uint64_t)entry->ts);
        image_put_number(to, entry->id);
        image_put_text(to, idpool_text(ids, entry->id));
}

static int load_entry(RecentEntry *ret, IdPool *ids, IdPoolGuide *guide, ImageReader *from)
{
        usec_t ts = (usec_t)image_get_number(from);
        uint32_t before = (uint32_t)image_get_below(from, UINT32_MAX), id;
        Text text = image_get_text(from);
        int r = from->failed ? -EBADMSG : idpool_add_again(ids, guide, before, text, &id);

        if (r == 0)
                *ret = (RecentEntry){.ts = ts, .id = id};
        return r;
}

void recent_save(const Recent *r, const IdPool *ids, const ImageWriter *to)
{
        /* Ids lie all over the pool. */
        for (unsigned i = 0; i < r->n; i++)
                idpool_prefetch(ids, entry_at(r, i)->id);
        image_put_number(to, (uint64_t)r->n << 1 | r->cut);
        for (unsigned i = 0; i < r->n; i++)
                save_entry(entry_at(r, i), ids, to);
        if (r->cut)
                save_entry(&r->last, ids, to);
}

int recent_load(Recent *ret, IdPool *ids, IdPoolGuide *guide, ImageReader *from)
{
        size_t head = image_get_below(from, 2 * (RECENT_MAX + 1)), n = head >> 1;
        int r = from->failed ? -EBADMSG : 0;

        *ret = RECENT_NULL;
        if (n) {
                ret->size = n > FEW ? RECENT_MAX : FEW;
                ret->entries = calloc(ret->size, sizeof(*ret->entries));
                if (!ret->entries)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < n && r == 0; i++) {
                r = load_entry(&ret->entries[i], ids, guide, from);
                if (r == 0)
                        ret->n++;
        }
        if (r == 0 && head & 1) {
                r = load_entry(&ret->last, ids, guide, from);
                ret->cut = r == 0;
        }
        if (r < 0)
                recent_deinit(ret, ids);
        return r;
}
