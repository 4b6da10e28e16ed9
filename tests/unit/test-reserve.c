/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/server/reserve.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

static StoreDir dir;

static void begin(void)
{
        dir = STORE_DIR_INIT;
        store_dir_make(&dir);
}

/* Its size is right, and the space is really taken. */
static void check_whole(void)
{
        struct stat st;

        ck_assert(stat(dir.file, &st) == 0);
        ck_assert_int_eq(st.st_size, RESERVE_BYTES);
        ck_assert_int_ge(st.st_blocks * 512, RESERVE_BYTES);
}

static void leave_file(off_t size)
{
        int fd = open(dir.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        ck_assert(fd >= 0 && ftruncate(fd, size) == 0 && close(fd) == 0);
}

START_TEST(it_takes_its_space_and_gives_it_up)
{
        begin();
        ck_assert(reserve_is_missing(dir.file));
        ck_assert_int_eq(reserve_make(dir.file), 0);
        check_whole();
        ck_assert(!reserve_is_missing(dir.file));
        ck_assert_int_eq(reserve_make(dir.file), 0);
        reserve_give_up(dir.file);
        ck_assert(reserve_is_missing(dir.file));
        ck_assert_int_eq(reserve_make_again(dir.file), 0);
        check_whole();
        store_dir_remove(&dir);
}
END_TEST

START_TEST(a_file_that_a_copy_of_the_folder_left_is_made_whole)
{
        /* A hole, as unwritten space is copied; a piece; and what an end in the middle of making it leaves. */
        static const off_t sizes[] = {RESERVE_BYTES, 4096, 0, RESERVE_BYTES + RESERVE_SPARE};

        begin();
        for (size_t i = 0; i < CX_ARRAY_LEN(sizes); i++) {
                leave_file(sizes[i]);
                ck_assert_int_eq(reserve_make(dir.file), 0);
                check_whole();
                reserve_give_up(dir.file);
                leave_file(sizes[i]);
                ck_assert_int_eq(reserve_make_again(dir.file), 0);
                check_whole();
                reserve_give_up(dir.file);
        }
        store_dir_remove(&dir);
}
END_TEST

CHECK_MAIN("reserve", it_takes_its_space_and_gives_it_up, a_file_that_a_copy_of_the_folder_left_is_made_whole)
