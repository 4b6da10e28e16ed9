#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A file with an image in it, and checksums by which it is known to be whole.
 *
 * An image is a cache: one that is not whole is no image. It is written beside its place and moved there at the end, so
 * that what is in place is whole unless the disk lost it.
 *
 * Layout: magic, the image, a CRC32C for each MiB of both, their number, the length of both, a CRC32C of all that.
 */

#include <stddef.h>

#include "daemon/core/image.h"
#include "proto/base/def.h"

typedef struct ImageFile ImageFile;

/*
 * Makes <path>.new. -ENOSPC where the disk has less than @room bytes for
 * it; -ENOMEM, -errno.
 */
CX_MUST_CHECK int image_file_new(ImageFile **ret, const char *path, uint64_t room);
/* Closes it. What was not moved into place is removed. */
ImageFile *image_file_free(ImageFile *f);

/* Borrowed as long as the file. */
ImageWriter image_file_writer(ImageFile *f);

/* -errno of the first write that failed, of which image_file_finish() tells, too; 0: none did. */
int image_file_error(const ImageFile *f);
/* Writes what is left; @sync: onto the disk. -errno of the first write that failed; -ENOSPC while there is still some space, for a
 * cache must not fill the disk; -EFBIG. */
CX_MUST_CHECK int image_file_finish(ImageFile *f, bool sync);
/* Moves a file that is finished into place. -errno. */
CX_MUST_CHECK int image_file_place(ImageFile *f);

/* An image in memory. */
typedef struct ImageMap {
        void *at;
        size_t n;
} ImageMap;

#define IMAGE_MAP_NULL ((ImageMap){0})

/* *ret_reader is good until image_map_deinit(). -ENOENT; -EBADMSG: it is not whole, or cannot be read; -errno. */
CX_MUST_CHECK int image_map(const char *path, ImageMap *ret, ImageReader *ret_reader);
void image_map_deinit(ImageMap *m);

CX_DEFINE_CLEANUP(ImageFile, image_file_free)
