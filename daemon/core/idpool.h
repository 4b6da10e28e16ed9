#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Survey ids that alerts may have to name, each kept once however many scopes remember it.
 *
 * A handle stays valid until its last reference is given back. Freed places are used again, so that a steady
 * stream needs no allocation.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/core/image.h"
#include "proto/base/def.h"
#include "proto/base/text.h"

#define IDPOOL_CLASSES 4

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

/* With all references and handles. -ENOMEM; -EBADMSG: that is not what was saved. The pool to load into is empty. */
void idpool_save(const IdPool *p, const ImageWriter *to);
CX_MUST_CHECK int idpool_load(IdPool *p, ImageReader *from);
/* Whether there is such a place at all. */
bool idpool_has(const IdPool *p, uint32_t handle);

/* Borrowed until the next idpool_add(). */
Text idpool_text(const IdPool *p, uint32_t handle);
