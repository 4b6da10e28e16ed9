/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "daemon/store/store_crc.h"
#include "tests/support/check_main.h"

/* RFC 3720, appendix B.4, and the usual check value. */
START_TEST(published_values_hold)
{
        unsigned char bytes[32] = {0};

        ck_assert_uint_eq(store_crc(0, "123456789", 9), 0xe3069283);
        ck_assert_uint_eq(store_crc_portable(0, "123456789", 9), 0xe3069283);
        ck_assert_uint_eq(store_crc(0, bytes, 32), 0x8a9136aa);
        ck_assert_uint_eq(store_crc_portable(0, bytes, 32), 0x8a9136aa);
        memset(bytes, 0xff, 32);
        ck_assert_uint_eq(store_crc(0, bytes, 32), 0x62a8ab43);
        for (unsigned char i = 0; i < 32; i++)
                bytes[i] = i;
        ck_assert_uint_eq(store_crc(0, bytes, 32), 0x46dd794e);
        ck_assert_uint_eq(store_crc_portable(0, bytes, 32), 0x46dd794e);
        ck_assert_uint_eq(store_crc(0, NULL, 0), 0);
}
END_TEST

START_TEST(both_ways_agree_and_parts_make_the_whole)
{
        unsigned char bytes[300];

        srandom(3);
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (unsigned char)random();
        for (size_t from = 0; from < 9; from++) {
                for (size_t n = 0; n < sizeof(bytes) - from; n++) {
                        uint32_t whole = store_crc(0, bytes + from, n);
                        size_t cut = n ? (size_t)random() % n : 0;

                        ck_assert_uint_eq(whole, store_crc_portable(0, bytes + from, n));
                        ck_assert_uint_eq(whole, store_crc(store_crc(0, bytes + from, cut),
                                                           bytes + from + cut, n - cut));
                }
        }
}
END_TEST

START_TEST(texts_do_not_run_into_each_other)
{
        ck_assert_uint_ne(store_crc_text(store_crc_text(0, TEXT("ab")), TEXT("c")),
                          store_crc_text(store_crc_text(0, TEXT("a")), TEXT("bc")));
        ck_assert_uint_ne(store_crc_number(0, 1), store_crc_number(0, 256));
}
END_TEST

CHECK_MAIN("store_crc", published_values_hold, both_ways_agree_and_parts_make_the_whole,
           texts_do_not_run_into_each_other)
