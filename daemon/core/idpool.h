#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Survey ids that alerts may have to name, each kept once however many scopes remember it.
 *
 * A handle stays valid until its last reference is given back. Freed places are used again, so that a steady
 * stream needs no allocation. Ids of about the same length share a class of places: short numbers, UUIDs, long ones.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/base/def.h"
#include "proto/base/text.h"

#define IDPOOL_CLASSES 8

typedef struct IdPool {
        struct IdPoolClass {
                unsigned char *data;
                uint32_t n, size;
                uint32_t free; /* index of the first free place plus one; 0: none */
        } classes[IDPOOL_CLASSES];
} IdPool;

#define IDPOOL_NULL ((IdPool){0})

void idpool_deinit(IdPool *p);

/* Copies the first 128 bytes of @id; the caller has one reference. -ENOMEM. */
CX_MUST_CHECK int idpool_add(IdPool *p, Text id, uint32_t *ret);
void idpool_ref(IdPool *p, uint32_t handle);
void idpool_unref(IdPool *p, uint32_t handle);
/* Brings it closer for one of these. */
void idpool_prefetch(const IdPool *p, uint32_t handle);

/* Of ids that come back, by the handles that they had: what one of many owners has brought is not kept once more for the next. */
typedef struct IdPoolGuide {
        uint32_t *handles; /* plus one; 0: none came. Owned */
        size_t n;
} IdPoolGuide;

#define IDPOOL_GUIDE_NULL ((IdPoolGuide){0})

/* Handles are below this. */
static inline size_t idpool_end(const IdPool *p)
{
        size_t n = 0;

        for (unsigned i = 0; i < IDPOOL_CLASSES; i++)
                n = p->classes[i].n > n ? p->classes[i].n : n;
        return n * IDPOOL_CLASSES;
}

/* For handles below @n; what others bring is kept again. -ENOMEM. */
CX_MUST_CHECK int idpool_guide_init(IdPoolGuide *g, size_t n);
void idpool_guide_deinit(IdPoolGuide *g);
/* As idpool_add(), of an id that had the handle @before. No reference of these may have been given back. -ENOMEM. */
CX_MUST_CHECK int idpool_add_again(IdPool *p, IdPoolGuide *g, uint32_t before, Text id, uint32_t *ret);

/* Borrowed until the next idpool_add(). */
Text idpool_text(const IdPool *p, uint32_t handle);
