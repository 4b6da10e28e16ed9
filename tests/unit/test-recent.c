/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "daemon/core/recent.h"
#include "tests/support/check_main.h"
#include "tests/support/image_case.h"

static IdPool ids;

static void add(Recent *r, usec_t ts, const char *id)
{
        uint32_t handle;

        ck_assert_int_eq(idpool_add(&ids, text_of(id), &handle), 0);
        ck_assert_int_eq(recent_add(r, &ids, ts, handle), 0);
        idpool_unref(&ids, handle);
}

static void expect(const Recent *r, usec_t start, usec_t end, const char *want)
{
        Text list[5];
        size_t n = recent_list(r, &ids, start, end, list, 5);
        char text[256] = "";

        for (size_t i = 0; i < n; i++)
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s" TEXT_FMT, i ? " " : "",
                         TEXT_ARG(list[i]));
        ck_assert_str_eq(text, want);
}

START_TEST(the_newest_come_first_whatever_the_order)
{
        Recent r = RECENT_NULL;

        add(&r, 30, "c");
        add(&r, 10, "a");
        add(&r, 20, "b2");
        add(&r, 20, "b1");
        expect(&r, 0, 100, "c b2 b1 a");
        expect(&r, 20, 30, "b2 b1");
        recent_remove(&r, &ids, 20, TEXT("b2"));
        recent_remove(&r, &ids, 21, TEXT("b1"));
        recent_remove(&r, &ids, 20, TEXT("x"));
        expect(&r, 0, 100, "c b1 a");
        recent_deinit(&r, &ids);
        idpool_deinit(&ids);
}
END_TEST

START_TEST(nothing_older_than_what_was_pushed_out_comes_in_again)
{
        const unsigned first = 20 - RECENT_MAX;
        Recent r = RECENT_NULL;
        char id[8];

        for (unsigned i = 0; i < 20; i++) {
                snprintf(id, sizeof(id), "s%u", i);
                add(&r, i, id);
        }
        expect(&r, 0, 100, "s19 s18 s17 s16 s15");
        /* Those before the first are out. With all up to s14 gone, five are left, and what is late is no newer than these. */
        for (unsigned i = first; i < 15; i++) {
                snprintf(id, sizeof(id), "s%u", i);
                recent_remove(&r, &ids, i, text_of(id));
        }
        add(&r, first - 2, "late");
        expect(&r, 0, 15, "");
        add(&r, first, "in");
        expect(&r, 0, 15, "in");
        recent_deinit(&r, &ids);
        idpool_deinit(&ids);
}
END_TEST

START_TEST(what_is_forgotten_leaves_the_newer_ones)
{
        Recent r = RECENT_NULL;
        char id[8];

        for (unsigned i = 0; i < 20; i++) {
                snprintf(id, sizeof(id), "s%u", i);
                add(&r, i, id);
        }
        recent_forget(&r, &ids, 20 - RECENT_MAX);
        ck_assert_uint_eq(r.n, RECENT_MAX);
        recent_forget(&r, &ids, 17);
        ck_assert_uint_eq(r.n, 3);
        expect(&r, 0, 100, "s19 s18 s17");
        recent_forget(&r, &ids, 100);
        expect(&r, 0, 100, "");
        recent_deinit(&r, &ids);
        idpool_deinit(&ids);
}
END_TEST

START_TEST(a_list_that_was_saved_knows_what_was_pushed_out)
{
        const unsigned first = 20 - RECENT_MAX;
        Buffer image = BUFFER_NULL;
        const ImageWriter to = {.write = image_case_write, .user = &image};
        Recent r = RECENT_NULL, loaded;
        IdPoolGuide guide;
        char id[8];

        for (unsigned i = 0; i < 20; i++) {
                snprintf(id, sizeof(id), "s%u", i);
                add(&r, i, id);
        }
        recent_save(&r, &ids, &to);
        recent_deinit(&r, &ids);
        ck_assert_int_eq(idpool_guide_init(&guide, 0), 0);
        for (size_t n = 0; n <= image.n; n++) {
                ImageReader from = {.at = (const unsigned char *)image.data, .n = n};

                ck_assert_int_eq(recent_load(&loaded, &ids, &guide, &from), n < image.n ? -EBADMSG : 0);
        }
        recent_remove(&loaded, &ids, 19, TEXT("s19"));
        add(&loaded, first - 2, "late");
        expect(&loaded, 0, first, "");
        add(&loaded, first - 1, "t");
        expect(&loaded, 0, first, "t");
        expect(&loaded, 0, 100, "s18 s17 s16 s15 s14");
        recent_deinit(&loaded, &ids);
        idpool_guide_deinit(&guide);
        buffer_deinit(&image);
        idpool_deinit(&ids);
}
END_TEST

/* Saved one after the other, while the place of an id became another one's. */
START_TEST(ids_that_many_remember_are_kept_once_again_when_they_are_loaded)
{
        Buffer image = BUFFER_NULL;
        const ImageWriter to = {.write = image_case_write, .user = &image};
        Recent first = RECENT_NULL, second = RECENT_NULL, third = RECENT_NULL;
        IdPool loaded = IDPOOL_NULL;
        IdPoolGuide guide;
        ImageReader from;
        uint32_t handle;

        ck_assert_int_eq(idpool_add(&ids, TEXT("shared"), &handle), 0);
        ck_assert_int_eq(recent_add(&first, &ids, 1, handle), 0);
        ck_assert_int_eq(recent_add(&second, &ids, 1, handle), 0);
        idpool_unref(&ids, handle);
        recent_save(&first, &ids, &to);
        recent_save(&second, &ids, &to);
        recent_remove(&first, &ids, 1, TEXT("shared"));
        recent_remove(&second, &ids, 1, TEXT("shared"));
        add(&third, 2, "other");
        ck_assert_uint_eq(ids.classes[0].n, 1);
        recent_save(&third, &ids, &to);
        recent_deinit(&first, &ids);
        recent_deinit(&second, &ids);
        recent_deinit(&third, &ids);

        for (size_t n = 0; n < 2; n++) { /* with a guide that knows the handle, and with one that does not */
                from = (ImageReader){.at = (const unsigned char *)image.data, .n = image.n};
                ck_assert_int_eq(idpool_guide_init(&guide, n * idpool_end(&ids)), 0);
                ck_assert_int_eq(recent_load(&first, &loaded, &guide, &from), 0);
                ck_assert_int_eq(recent_load(&second, &loaded, &guide, &from), 0);
                ck_assert_int_eq(recent_load(&third, &loaded, &guide, &from), 0);
                recent_deinit(&third, &loaded);
                ck_assert_int_eq(recent_load(&third, &loaded, &guide, &from), -EBADMSG);
                ck_assert_uint_eq(loaded.classes[0].n, n ? 2 : 3);
                idpool_guide_deinit(&guide);
                recent_deinit(&first, &loaded);
                recent_deinit(&second, &loaded);
                idpool_deinit(&loaded);
        }
        buffer_deinit(&image);
        idpool_deinit(&ids);
}
END_TEST

CHECK_MAIN("recent", the_newest_come_first_whatever_the_order,
           nothing_older_than_what_was_pushed_out_comes_in_again, what_is_forgotten_leaves_the_newer_ones,
           a_list_that_was_saved_knows_what_was_pushed_out,
           ids_that_many_remember_are_kept_once_again_when_they_are_loaded)
