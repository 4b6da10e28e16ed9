#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads a whole regular file into memory, and joins paths.
 */

#include "proto/base/buffer.h"
#include "proto/base/def.h"
#include "proto/base/diag.h"

/* Appends to @to. -ENOMEM; -EINVAL with @diag: no regular file, or larger than @max; -errno with @diag. */
CX_MUST_CHECK int file_read(Buffer *to, const char *path, size_t max, Diag *diag);

/* @name as seen from @folder: itself if it is absolute. malloc'ed; NULL without memory. */
char *file_join(const char *folder, Text name);

/* The folder of @path: "." if it names none. malloc'ed; NULL without memory. */
char *file_folder(const char *path);
