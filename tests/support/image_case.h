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

/* What was in the buffer before is gone. */
static inline void image_case_take(const Engine *e, Buffer *ret)
{
        buffer_reset(ret);
        snapshot_save(e, &(ImageWriter){.write = image_case_write, .user = ret});
        ck_assert(!buffer_failed(ret));
}
