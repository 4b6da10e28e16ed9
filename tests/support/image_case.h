#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* A snapshot of an engine in a buffer. */

#include <check.h>

#include "daemon/core/snapshot.h"
#include "proto/base/buffer.h"

static inline void image_case_write(void *user, const void *data, size_t n)
{
        buffer_append(user, data, n);
}

/* One that is taken while the engine goes on, and the last one that was brought to its end. */
typedef struct ImageTaking {
        Buffer bytes, whole;
        bool on;
} ImageTaking;

static inline void image_case_begin(Engine *e, ImageTaking *t)
{
        buffer_reset(&t->bytes);
        snapshot_begin(e, &(ImageWriter){.write = image_case_write, .user = &t->bytes});
        t->on = true;
}

/* @n scopes of it. True: it is whole now. */
static inline bool image_case_go_on(Engine *e, ImageTaking *t, unsigned n)
{
        Buffer before = t->whole;

        while (t->on && n-- > 0)
                t->on = snapshot_next(e);
        if (t->on)
                return false;
        ck_assert(!buffer_failed(&t->bytes));
        t->whole = t->bytes;
        t->bytes = before;
        return true;
}

/* What was in the buffer before is gone. */
static inline void image_case_take(Engine *e, Buffer *ret)
{
        buffer_reset(ret);
        snapshot_save(e, &(ImageWriter){.write = image_case_write, .user = ret});
        ck_assert(!buffer_failed(ret));
}
