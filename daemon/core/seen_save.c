/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An image begins with the key, the geometry of the table, and the newest number. Parts follow, ascending: where each ends,
 * and of both tables the places where ids of these hashes lie; 0 is the end of them. Then what has changed since.
 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/seen_table.h"

/* Reading what is stored is the better way, then. */
#define CHANGES_MAX ((size_t)1 << 20)
#define ADDED       (UINT64_C(1) << 63)

/* The first home of the hashes of a part, or behind the last one. */
static size_t home_of(const SeenTable *t, size_t part)
{
        return seen_n_homes(t) / PARTS * part;
}

/* --- out ------------------------------------------------------------------------------------------------ */

void seen_take_note(Seen *s, uint64_t hash, uint64_t seq, bool added)
{
        SeenSaving *saving = &s->saving;

        if (saving->lost)
                return;
        if (saving->n_changes == saving->changes_size) {
                size_t size = saving->changes_size ? 2 * saving->changes_size : 1024;
                SeenChange *changes =
                        size > CHANGES_MAX ? NULL : reallocarray(saving->changes, size, sizeof(*changes));

                if (!changes) {
                        saving->lost = true;
                        return;
                }
                saving->changes = changes;
                saving->changes_size = size;
        }
        saving->changes[saving->n_changes++] = (SeenChange){.hash = hash, .seq = seq | (added ? ADDED : 0)};
}

static void put_geometry(const SeenTable *t, const ImageWriter *to)
{
        image_put_number(to, t->size);
        image_put_number(to, t->width);
}

void seen_save_begin(Seen *s, const ImageWriter *to)
{
        seen_save_end(s);
        image_put(to, &s->key, sizeof(s->key));
        put_geometry(&s->table, to);
        image_put_number(to, s->newest);
}

/* Some ids of the parts before and behind are among them. */
static void save_places(const SeenTable *t, size_t taken_homes, size_t part, size_t end,
                        const ImageWriter *to)
{
        size_t begin = t->size ? home_of(t, part) : 0, n = t->size ? home_of(t, end) + OVERHANG - begin : 0;

        put_geometry(t, to);
        image_put_number(to, taken_homes);
        image_put_number(to, n);
        /* One more, as behind the last one of a table. */
        image_put(to, t->size ? t->places + begin * t->width : NULL, t->size ? (n + 1) * t->width : 0);
}

bool seen_save_part(Seen *s, size_t n, const ImageWriter *to)
{
        size_t part = s->saving.n_parts, n_parts = n / (seen_size(s) / PARTS + 1);
        size_t end = n_parts < 1 ? part + 1 : PARTS - part > n_parts ? part + n_parts : PARTS;

        if (part == PARTS)
                return false;
        image_put_number(to, end);
        save_places(&s->table, 0, part, end, to);
        save_places(&s->earlier, s->taken_homes, part, end, to);
        s->saving.n_parts = (uint32_t)end;
        return true;
}

void seen_save_rest(const Seen *s, const ImageWriter *to)
{
        image_put_number(to, 0);
        image_put_number(to, s->newest);
        image_put_number(to, s->n);
        image_put_number(to, s->saving.n_changes);
        image_put(to, s->saving.changes, s->saving.n_changes * sizeof(s->saving.changes[0]));
}

void seen_save_end(Seen *s)
{
        free(s->saving.changes);
        s->saving = (SeenSaving){0};
}

bool seen_save_failed(const Seen *s)
{
        return s->saving.lost;
}

void seen_save(Seen *s, const ImageWriter *to)
{
        seen_save_begin(s, to);
        while (seen_save_part(s, SIZE_MAX, to))
                ;
        seen_save_rest(s, to);
        seen_save_end(s);
}

/* --- in ------------------------------------------------------------------------------------------------- */

static int get_geometry(SeenTable *t, ImageReader *from)
{
        size_t size = image_get_below(from, SIZE_END), width = image_get_below(from, WIDTH_MAX + 1);

        if (from->failed || (size && (size < SIZE_LEAST || width < WIDTH_LEAST)))
                return -EBADMSG;
        *t = (SeenTable){.size = (uint8_t)size, .width = (uint8_t)width};
        return 0;
}

/* Nearly always in the order of the hashes, of which none is there yet. */
static int load_one(Seen *s, uint64_t hash, uint64_t seq)
{
        if (s->earlier.places || seen_table_is_outgrown(&s->table, s->n + 1, s->newest) ||
            !seen_table_put(&s->table, hash, seq))
                return seen_add(s, hash, seq);
        s->n++;
        return 0;
}

static int load_places(Seen *s, size_t part, size_t end, ImageReader *from)
{
        SeenTable t;
        int r = get_geometry(&t, from);
        size_t taken_homes = image_get_number(from), n = image_get_number(from), begin;

        if (r < 0 || from->failed)
                return -EBADMSG;
        if (t.size == 0)
                return n ? -EBADMSG : 0;
        begin = home_of(&t, part);
        if (n != home_of(&t, end) + OVERHANG - begin)
                return -EBADMSG;
        t.places = (unsigned char *)image_get(from, (n + 1) * t.width);
        if (!t.places)
                return -EBADMSG;
        for (size_t i = 0; i < n && r == 0; i++) {
                Place p = seen_table_place_at(&t, i);
                size_t home = begin + i - p.shift;

                if (seen_table_packed_at(&t, i) && home >= begin && home >= taken_homes &&
                    home < home_of(&t, end))
                        r = load_one(s, seen_table_hash_of(&t, home, p), p.seq);
        }
        return r;
}

static int load_parts(Seen *s, ImageReader *from)
{
        size_t part = 0, end;
        int r = 0;

        while (r == 0 && (end = image_get_below(from, PARTS + 1))) {
                if (end <= part)
                        return -EBADMSG;
                r = load_places(s, part, end, from);
                if (r == 0)
                        r = load_places(s, part, end, from);
                part = end;
        }
        return r == 0 && part < PARTS ? -EBADMSG : r;
}

static int load_changes(Seen *s, ImageReader *from)
{
        size_t n = image_get_below(from, CHANGES_MAX + 1);

        for (size_t i = 0; i < n && !from->failed; i++) {
                uint64_t hash = image_get_number(from), seq = image_get_number(from);
                int r = 0;

                if (seq & ADDED)
                        r = seen_add(s, hash, seq & ~ADDED);
                else
                        seen_remove(s, hash, seq);
                if (r < 0)
                        return r;
        }
        return from->failed ? -EBADMSG : 0;
}

static int load(Seen *s, ImageReader *from)
{
        const unsigned char *key = image_get(from, sizeof(s->key));
        SeenTable table;
        uint64_t n;
        int r = key ? get_geometry(&table, from) : -EBADMSG;

        if (r < 0)
                return r;
        memcpy(&s->key, key, sizeof(s->key));
        s->newest = image_get_number(from);
        /* No table becomes smaller while it is saved. */
        if (seen_table_bytes(&table) > from->n)
                return -EBADMSG;
        if (table.size && seen_table_make(&table) < 0)
                return -ENOMEM;
        s->table = table;
        r = load_parts(s, from);
        s->newest = image_get_number(from);
        n = image_get_number(from);
        if (r == 0)
                r = load_changes(s, from);
        return r == 0 && s->n != n ? -EBADMSG : r;
}

int seen_load(Seen *s, ImageReader *from)
{
        Seen loaded = {0};
        int r = s->n ? -EBADMSG : load(&loaded, from);

        if (r < 0) {
                seen_deinit(&loaded);
                return r == -ENOMEM ? r : -EBADMSG;
        }
        seen_deinit(s);
        *s = loaded;
        return 0;
}
