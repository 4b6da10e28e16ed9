/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: which damaged rows were reported, so that each is counted once. (Of surveys the blocks know.)
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without memory an entry is not added, and a variable in sight of HASH_ADD says so; the default is to exit. */
#define HASH_NONFATAL_OOM       1
#define uthash_nonfatal_oom(_e) (no_memory = true)
#include <uthash.h>

#include "daemon/store/store_sqlite.h"

struct StoreDamage {
        UT_hash_handle hh;
        char what[];
};

/* True: it was not known. Without memory it is told again, rather than not at all. */
static bool note(StoreSqlite *s, const char *what)
{
        size_t n = strlen(what);
        bool no_memory = false;
        StoreDamage *d;

        HASH_FIND(hh, s->damage, what, n, d);
        if (d)
                return false;
        s->n_damaged++;
        d = malloc(sizeof(*d) + n + 1);
        if (!d)
                return true;
        memcpy(d->what, what, n + 1);
        HASH_ADD_KEYPTR(hh, s->damage, d->what, n, d);
        if (no_memory)
                free(d);
        return true;
}

void sql_damage(StoreSqlite *s, StoreDamageFn fn, void *user, const char *format, ...)
{
        char what[256];
        va_list args;
        bool is_new;

        va_start(args, format);
        (void)vsnprintf(what, sizeof(what), format, args);
        va_end(args);
        /* What a damaged row says of itself may be anything. */
        for (char *p = what; *p; p++)
                if (*p < ' ' || *p > '~')
                        *p = '?';
        is_new = note(s, what);
        if (fn)
                fn(user, what, is_new);
}

void sql_damage_free(StoreSqlite *s)
{
        StoreDamage *one, *next;

        HASH_ITER (hh, s->damage, one, next) {
                HASH_DEL(s->damage, one);
                free(one);
        }
}
