#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One loading of a configuration: what is being built, where names are looked up, and the way to say what is
 * wrong.
 */

#include "daemon/config/config.h"
#include "daemon/config/node.h"
#include "daemon/config/suggest.h"
#include "proto/base/def.h"
#include "proto/base/diag.h"
#include "proto/base/hash.h"

typedef struct Load {
        Config *c;
        const char *file;  /* in messages */
        char *folder;      /* of @file, as it was named: for messages */
        char *folder_path; /* the same, absolute */
        const char *state_dir, *runtime_dir;
        const HashKey *key; /* of tables */
        Diag *diag;
} Load;

/* Says what is wrong with @at, or with its key @key that is not there (NULL: with @at itself). Returns
 * -EINVAL. */
CX_PRINTF(4, 5) int load_fail(Load *l, const Node *at, const char *key, const char *format, ...);
/* @n stands in the file, but without a value. -EINVAL. */
int load_fail_empty(Load *l, const Node *n);

/* 0 if @n is a single value; else says what it is and what would be right. */
CX_MUST_CHECK int load_want_scalar(Load *l, const Node *n);
/* 0 if @n is a list (or a map) of at most @max entries, or nothing. */
CX_MUST_CHECK int load_want_list(Load *l, const Node *n, size_t max);
CX_MUST_CHECK int load_want_map(Load *l, const Node *n, size_t max);

/* Room for @n more items of @size bytes behind the @count that are there. Zeroed. NULL without memory. */
void *load_grow(void *items, size_t count, size_t n, size_t size);

/* Looks for another item of the list before @item with the same text. */
const Node *load_earlier(const Node *item);

/* Indices by name; -1: there is none, and @s has seen all candidates. */
int load_find_metric(const Config *c, Text name, Suggest *s);
int load_find_window(const Config *c, Text name, Suggest *s);
int load_find_role(const Config *c, Text name, Suggest *s);
