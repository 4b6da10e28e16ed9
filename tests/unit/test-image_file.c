/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/image_file.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

#define BYTES ((size_t)5 << 19) /* two chunks and a half */

static StoreDir dir;
static char new_file[96];
static unsigned char data[BYTES];

static void begin(void)
{
        dir = STORE_DIR_INIT;
        store_dir_make(&dir);
        snprintf(new_file, sizeof(new_file), "%s.new", dir.file);
        for (size_t i = 0; i < BYTES; i++)
                data[i] = (unsigned char)(i * 2654435761U >> 13);
}

/* In pieces of all sizes. */
static void write_image(size_t n, bool place)
{
        ImageFile *f = NULL;
        ImageWriter to;

        ck_assert_int_eq(image_file_new(&f, dir.file, 0), 0);
        to = image_file_writer(f);
        for (size_t at = 0, piece = 1; at < n; at += piece, piece = piece * 3 % 300007 + 1) {
                if (piece > n - at)
                        piece = n - at;
                image_put(&to, data + at, piece);
        }
        ck_assert_int_eq(image_file_finish(f, true), 0);
        if (place)
                ck_assert_int_eq(image_file_place(f), 0);
        ck_assert_ptr_null(image_file_free(f));
        ck_assert_int_eq(access(new_file, F_OK), -1);
}

static int read_image(size_t n)
{
        ImageMap map = IMAGE_MAP_NULL;
        ImageReader from = {0};
        int r = image_map(dir.file, &map, &from);

        if (r == 0) {
                ck_assert_uint_eq(from.n, n);
                ck_assert_int_eq(memcmp(image_get(&from, n), data, n), 0);
                ck_assert_ptr_null(image_get(&from, 1));
                ck_assert(from.failed);
        }
        image_map_deinit(&map);
        return r;
}

START_TEST(what_was_written_is_read_back)
{
        static const size_t sizes[] = {1, 17, (1 << 20) - 8, (1 << 20) - 7, BYTES};
        struct stat st;

        begin();
        ck_assert_int_eq(read_image(0), -ENOENT);
        for (size_t i = 0; i < CX_ARRAY_LEN(sizes); i++) {
                write_image(sizes[i], true);
                ck_assert_int_eq(read_image(sizes[i]), 0);
        }
        ck_assert_int_eq(stat(dir.file, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0600);
        store_dir_remove(&dir);
}
END_TEST

START_TEST(what_is_not_placed_leaves_the_one_before)
{
        ImageFile *f = NULL;

        begin();
        write_image(1000, true);
        write_image(2000, false);
        ck_assert_int_eq(read_image(1000), 0);
        /* More than any disk has. */
        ck_assert_int_eq(image_file_new(&f, dir.file, UINT64_MAX), -ENOSPC);
        ck_assert_int_eq(access(new_file, F_OK), -1);
        ck_assert_int_eq(read_image(1000), 0);
        ck_assert_int_eq(image_file_new(&f, "/nonexistent/image", 0), -ENOENT);
        store_dir_remove(&dir);
}
END_TEST

static void change(size_t at, unsigned char bits)
{
        unsigned char byte;
        int fd = open(dir.file, O_RDWR);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
        byte ^= bits;
        ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
        close(fd);
}

START_TEST(every_flipped_bit_and_every_cut_is_noticed)
{
        struct stat st;

        begin();
        write_image(3000, true);
        ck_assert_int_eq(stat(dir.file, &st), 0);
        for (size_t at = 0; at < (size_t)st.st_size; at++) {
                change(at, (unsigned char)(1 << at % 8));
                ck_assert_msg(read_image(3000) == -EBADMSG, "byte %zu", at);
                change(at, (unsigned char)(1 << at % 8));
        }
        ck_assert_int_eq(read_image(3000), 0);
        for (off_t n = st.st_size - 1; n >= 0; n--) {
                ck_assert_int_eq(truncate(dir.file, n), 0);
                ck_assert_int_eq(read_image(3000), -EBADMSG);
        }
        /* In the second and in the last chunk of a large one. */
        write_image(BYTES, true);
        change(((size_t)1 << 20) + 5, 4);
        ck_assert_int_eq(read_image(BYTES), -EBADMSG);
        change(((size_t)1 << 20) + 5, 4);
        change(BYTES - 1, 4);
        ck_assert_int_eq(read_image(BYTES), -EBADMSG);
        store_dir_remove(&dir);
}
END_TEST

CHECK_MAIN("image_file", what_was_written_is_read_back, what_is_not_placed_leaves_the_one_before,
           every_flipped_bit_and_every_cut_is_noticed)
