/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: damaged rows are counted and told once each, whoever meets them.
 *
 * What was told is remembered in little memory, for a disk may damage millions of rows: a bit for each survey, in its
 * block, and a hash of each other row's name.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store_sqlite.h"
#include "proto/base/hash.h"

#define TOLD_LEAST 64

/* Where @hash is, or the free place where it would be. */
static uint64_t *find(uint64_t *told, size_t size, uint64_t hash)
{
        size_t i = (size_t)hash & (size - 1);

        while (told[i] != 0 && told[i] != hash)
                i = (i + 1) & (size - 1);
        return &told[i];
}

static bool make_room(StoreSqlite *s)
{
        size_t size = s->told_size ? 2 * s->told_size : TOLD_LEAST;
        uint64_t *told;

        if (s->n_told < s->told_size / 4 * 3)
                return true;
        told = calloc(size, sizeof(*told));
        if (!told)
                return false;
        for (size_t i = 0; i < s->told_size; i++)
                if (s->told[i])
                        *find(told, size, s->told[i]) = s->told[i];
        free(s->told);
        s->told = told;
        s->told_size = size;
        return true;
}

/* True: it was not known. Without memory it is told again, rather than not at all. */
static bool is_new(StoreSqlite *s, const char *what)
{
        static const HashKey key = {0};
        uint64_t hash = hash_bytes(&key, what, strlen(what));

        hash = hash ? hash : 1; /* 0 is a free place */
        if (s->told_size && *find(s->told, s->told_size, hash))
                return false;
        if (make_room(s)) {
                *find(s->told, s->told_size, hash) = hash;
                s->n_told++;
        }
        return true;
}

static void tell(StoreSqlite *s, uint64_t n, const char *what)
{
        s->n_damaged += n;
        if (s->damaged)
                s->damaged(s->damaged_user, what);
}

void sql_damage(StoreSqlite *s, StoreDamageFn met, void *user, const char *format, ...)
{
        char what[256];
        va_list args;
        bool first, is_text;

        va_start(args, format);
        (void)vsnprintf(what, sizeof(what), format, args);
        va_end(args);
        first = is_new(s, what);
        /* What a damaged row says of itself may be anything. */
        is_text = text_is_printable(text_of(what));
        for (char *p = what; *p && !is_text; p++)
                if (*p < ' ' || *p > '~')
                        *p = '?';
        if (first)
                tell(s, 1, what);
        if (met)
                met(user, what);
}

void sql_damage_survey(StoreSqlite *s, uint64_t seq)
{
        char what[40];

        (void)snprintf(what, sizeof(what), "survey %llu", (unsigned long long)seq);
        /* A row that says it has this number may be far from all others. */
        if (blocks_find(&s->blocks, seq) ? blocks_mark_bad(&s->blocks, seq) : is_new(s, what))
                tell(s, 1, what);
}

void sql_damage_lost(StoreSqlite *s, uint64_t n, uint64_t total, const char *rows)
{
        char what[80];

        (void)snprintf(what, sizeof(what), "%llu %s that are lost", (unsigned long long)total, rows);
        tell(s, n, what);
}

void sql_damage_free(StoreSqlite *s)
{
        free(s->told);
}
