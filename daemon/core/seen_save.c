/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An image begins with the key, the geometry of the table, and the newest number. Parts follow, ascending: where each ends,
 * and of both tables the marks and the places of what has these hashes; 0 is the end of them. Then what has changed since.
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

/* From the block of the first home to that of the last place: bits of the parts before and behind are among them. */
static size_t n_blocks(size_t home, size_t end_at)
{
        return (end_at + 63) / 64 - home / 64;
}

static void save_homes(const SeenTable *t, size_t taken_homes, size_t part, size_t end, const ImageWriter *to)
{
        size_t home, end_home, at, end_at;

        put_geometry(t, to);
        if (t->size == 0)
                return;
        end_home = home_of(t, end);
        home = home_of(t, part) > taken_homes ? home_of(t, part) : taken_homes;
        if (home > end_home)
                home = end_home;
        at = seen_marks_begin(t, home);
        end_at = seen_marks_begin(t, end_home);
        image_put_number(to, home);
        image_put_number(to, at);
        image_put_number(to, end_at);
        image_put(to, t->marks + home / 64, n_blocks(home, end_at) * sizeof(t->marks[0]));
        /* Eight bytes are read of the last one, too. */
        image_put(to, t->places + at * t->width, (end_at - at) * t->width + sizeof(uint64_t));
}

bool seen_save_part(Seen *s, size_t n, const ImageWriter *to)
{
        size_t part = s->saving.n_parts, n_parts = n / (seen_size(s) / PARTS + 1);
        size_t end = n_parts < 1 ? part + 1 : PARTS - part > n_parts ? part + n_parts : PARTS;

        if (part == PARTS)
                return false;
        image_put_number(to, end);
        save_homes(&s->table, 0, part, end, to);
        save_homes(&s->earlier, s->taken_homes, part, end, to);
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

/* Of marks that need not be aligned: the bit of the place or home @at of theirs, in the words that begin at @words. */
static bool is_marked(const unsigned char *words, size_t at)
{
        uint64_t word;

        memcpy(&word, words + at / 64 * sizeof(SeenMarks), sizeof(word));
        return word >> at % 64 & 1;
}

static int load_homes(Seen *s, size_t part, size_t end, ImageReader *from)
{
        SeenTable t;
        int r = get_geometry(&t, from);
        size_t home, end_home, begin, end_at, base;
        const unsigned char *marks;

        if (r < 0 || t.size == 0)
                return r;
        end_home = home_of(&t, end);
        home = image_get_below(from, end_home + 1);
        begin = image_get_below(from, seen_table_n_places(&t) + 1);
        end_at = image_get_below(from, seen_table_n_places(&t) + 1);
        if (from->failed || home < home_of(&t, part) || begin < home || end_at < begin || end_at < end_home)
                return -EBADMSG;
        base = home / 64 * 64;
        marks = image_get(from, n_blocks(home, end_at) * sizeof(SeenMarks));
        t.places = (unsigned char *)image_get(from, (end_at - begin) * t.width + sizeof(uint64_t));
        if (from->failed)
                return -EBADMSG;
        for (size_t at = begin; home < end_home && r == 0; home++) {
                bool ended = !is_marked(marks + offsetof(SeenMarks, homes), home - base);

                for (at = at > home ? at : home; !ended && r == 0; at++) {
                        if (at == end_at)
                                return -EBADMSG;
                        r = load_one(s, seen_table_hash_at(&t, home, at - begin),
                                     seen_table_seq_at(&t, at - begin));
                        ended = is_marked(marks + offsetof(SeenMarks, ends), at - base);
                }
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
                r = load_homes(s, part, end, from);
                if (r == 0)
                        r = load_homes(s, part, end, from);
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
        /* All its marks are there, and no table becomes smaller while it is saved. */
        if (table.size && seen_n_homes(&table) / 64 * sizeof(table.marks[0]) > from->n)
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
