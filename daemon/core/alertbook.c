/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Without memory an entry is not added, and a variable in sight of HASH_ADD says so; the default is to exit. */
#define HASH_NONFATAL_OOM       1
#define uthash_nonfatal_oom(_e) (no_memory = true)
#include <uthash.h>

#include "daemon/core/alertbook.h"
#include "proto/base/hash.h"

typedef struct TraceKey {
        uint64_t kin;
        char metric[METRIC_NAME_MAX + 8]; /* zeros behind its name, so that there is no gap */
} TraceKey;

struct BookTraceNode {
        TraceKey key;
        UsedUp used;
        UT_hash_handle hh;
};

/* Never to be changed: ids of stored alerts come from it. */
static const HashKey id_key = {.k0 = 0x6378642d616c6572ULL, .k1 = 0x742d69642d6b6579ULL};

static void free_entry(BookEntry *entry)
{
        alert_deinit(&entry->alert);
        free(entry);
}

void alertbook_deinit(AlertBook *b)
{
        BookTraceNode *node, *next;

        HASH_ITER (hh, b->traces, node, next) {
                HASH_DEL(b->traces, node);
                free(node);
        }
        for (size_t i = 0; i < b->n; i++)
                free_entry(b->entries[i]);
        free(b->entries);
        *b = ALERTBOOK_NULL;
}

/* Index behind all entries that changed at @t or before. */
static size_t upper_bound(const AlertBook *b, usec_t t)
{
        size_t low = 0, high = b->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (b->entries[middle]->alert.changed <= t)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static void remove_at(AlertBook *b, size_t i)
{
        memmove(&b->entries[i], &b->entries[i + 1], (b->n - i - 1) * sizeof(BookEntry *));
        b->n--;
        if (i < b->n_ahead)
                b->n_ahead--;
}

static void insert_at(AlertBook *b, size_t i, BookEntry *entry)
{
        memmove(&b->entries[i + 1], &b->entries[i], (b->n - i) * sizeof(BookEntry *));
        b->entries[i] = entry;
        b->n++;
        if (i < b->n_ahead)
                b->n_ahead = i;
}

void used_up_add(UsedUp *u, uint32_t ordinal, int32_t restart)
{
        if (ordinal > u->ordinal) {
                u->ordinal_before = u->ordinal;
                u->restart_before = u->restart;
                u->ordinal = ordinal;
                u->restart = restart;
        } else if (ordinal == u->ordinal) {
                u->restart = restart;
        } else if (ordinal >= u->ordinal_before) {
                u->ordinal_before = ordinal;
                u->restart_before = restart;
        }
}

static TraceKey key_of(uint64_t kin, const char *metric)
{
        TraceKey key;

        memset(&key, 0, sizeof(key));
        key.kin = kin;
        memcpy(key.metric, metric, strlen(metric));
        return key;
}

static BookTraceNode *find_trace(const AlertBook *b, const TraceKey *key)
{
        BookTraceNode *node;

        HASH_FIND(hh, b->traces, key, sizeof(*key), node);
        return node;
}

/* The one of @key; NULL without memory. */
static BookTraceNode *get_trace(AlertBook *b, const TraceKey *key)
{
        BookTraceNode *node = find_trace(b, key);
        bool no_memory = false;

        if (node)
                return node;
        node = calloc(1, sizeof(*node));
        if (!node)
                return NULL;
        node->key = *key;
        node->used = USED_UP_NULL;
        HASH_ADD(hh, b->traces, key, sizeof(node->key), node);
        if (!no_memory)
                return node;
        free(node);
        return NULL;
}

UsedUp alertbook_trace(const AlertBook *b, uint64_t kin, const char *metric)
{
        const TraceKey key = key_of(kin, metric);
        const BookTraceNode *node = find_trace(b, &key);

        return node ? node->used : USED_UP_NULL;
}

int alertbook_put_traces(AlertBook *b, const AlertBook *other)
{
        for (const BookTraceNode *from = other->traces; from; from = from->hh.next) {
                BookTraceNode *to = get_trace(b, &from->key);

                if (!to)
                        return -ENOMEM;
                to->used = from->used;
        }
        return 0;
}

int32_t alertbook_restart_before(const AlertBook *b, const BookEntry *entry)
{
        UsedUp used = alertbook_trace(b, entry->kin, entry->alert.metric);

        for (size_t i = 0; i < b->n; i++) {
                const BookEntry *other = b->entries[i];

                if (other != entry && other->kin == entry->kin &&
                    strcmp(other->alert.metric, entry->alert.metric) == 0)
                        used_up_add(&used, other->alert.ordinal, other->alert.restart);
        }
        return used.restart;
}

static int leave_trace(AlertBook *b, const BookEntry *entry)
{
        const char *const metrics[] = {"", entry->alert.metric};

        for (size_t i = 0; i < CX_ARRAY_LEN(metrics); i++) {
                const TraceKey key = key_of(entry->kin, metrics[i]);
                BookTraceNode *node = get_trace(b, &key);

                if (!node)
                        return -ENOMEM;
                used_up_add(&node->used, entry->alert.ordinal, entry->alert.restart);
        }
        return 0;
}

static void drop_oldest_resolved(AlertBook *b)
{
        size_t i;

        if (b->n_resolved <= ALERTBOOK_RESOLVED_MAX)
                return;
        while (b->entries[b->n_ahead]->alert.state != ALERT_RESOLVED)
                b->n_ahead++;
        i = b->n_ahead;
        if (leave_trace(b, b->entries[i]))
                return; /* another time */
        free_entry(b->entries[i]);
        remove_at(b, i);
        b->n_resolved--;
}

int alertbook_add(AlertBook *b, const Alert *a, BookEntry **ret)
{
        char scope[SCOPE_TEXT_MAX];
        BookEntry *entry;
        int n;

        if (b->n == b->size) {
                size_t size = b->size ? 2 * b->size : 32;
                BookEntry **entries = realloc(b->entries, size * sizeof(BookEntry *));

                if (!entries)
                        return -ENOMEM;
                b->entries = entries;
                b->size = size;
        }
        entry = calloc(1, sizeof(*entry));
        if (!entry)
                return -ENOMEM;
        entry->alert = ALERT_NULL;
        if (alert_copy(&entry->alert, a) < 0) {
                free(entry);
                return -ENOMEM;
        }
        n = snprintf(scope, sizeof(scope), "%s%s%s", scope_kind_name(a->scope_kind),
                     a->scope_kind == SCOPE_ORG ? "" : "/", a->scope_name);
        entry->kin = alertbook_kin(a->rule, (Text){.at = scope, .n = (size_t)n});
        insert_at(b, upper_bound(b, a->changed), entry);
        *ret = entry;
        if (a->state == ALERT_RESOLVED) {
                b->n_resolved++;
                drop_oldest_resolved(b);
        }
        return 0;
}

void alertbook_change(AlertBook *b, BookEntry *entry, AlertState state, usec_t now)
{
        size_t i = upper_bound(b, entry->alert.changed);

        do {
                assert(i > 0);
                i--;
        } while (b->entries[i] != entry);
        remove_at(b, i);
        insert_at(b, b->n, entry);
        entry->alert.state = state;
        entry->alert.changed = now;
        if (state == ALERT_RESOLVED) {
                b->n_resolved++;
                drop_oldest_resolved(b);
        }
}

BookEntry *alertbook_find(const AlertBook *b, Text id)
{
        for (size_t i = b->n; i > 0; i--)
                if (text_is(id, b->entries[i - 1]->alert.id))
                        return b->entries[i - 1];
        return NULL;
}

uint64_t alertbook_kin(const char *rule, Text scope)
{
        char text[RULE_NAME_MAX + 1 + SCOPE_TEXT_MAX];
        int n = snprintf(text, sizeof(text), "%s\n" TEXT_FMT, rule, TEXT_ARG(scope));

        return hash_bytes(&id_key, text, (size_t)n);
}

void alertbook_id(uint64_t kin, uint32_t ordinal, char ret[ALERT_ID_MAX + 1])
{
        char text[64];
        int n = snprintf(text, sizeof(text), "%016" PRIx64 " %" PRIu32, kin, ordinal);

        snprintf(ret, ALERT_ID_MAX + 1, "%016" PRIx64, hash_bytes(&id_key, text, (size_t)n));
}
