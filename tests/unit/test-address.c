/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/io/address.h"
#include "tests/support/check_main.h"

START_TEST(what_is_written_reads_back_in_one_form)
{
        static const struct {
                const char *text;
                const char *form; /* NULL: the same */
                bool loopback;
        } good[] = {
                {"tcp://127.0.0.1:8480", NULL, true},
                {"tcp://127.9.8.7:1", NULL, true},
                {"tcp://10.1.2.3:65535", NULL, false},
                {"tcp://[::1]:8480", NULL, true},
                {"tcp://[::ffff:127.0.0.1]:80", NULL, true},
                {"tcp://[::ffff:10.0.0.1]:80", NULL, false},
                {"tcp://[2001:db8::1]:0", NULL, false},
                {"tcp://[::]:80", NULL, false},
                {"tcp://*:8480", NULL, false},
                {"tcp://0.0.0.0:8480", NULL, false},
                {"tcp://localhost:8480", "tcp://127.0.0.1:8480", true},
                {"unix:///run/cxd/cxd.sock", NULL, true},
                {"ipc:///run/cxd/feed.ipc", "unix:///run/cxd/feed.ipc", true},
        };
        char reason[ADDRESS_REASON_MAX], text[ADDRESS_TEXT_MAX];
        Address a;

        for (size_t i = 0; i < CX_ARRAY_LEN(good); i++) {
                ck_assert_msg(address_parse(&a, text_of(good[i].text), reason) == 0, "%s: %s", good[i].text,
                              reason);
                ck_assert_str_eq(address_format(&a, text), good[i].form ? good[i].form : good[i].text);
                ck_assert_msg(address_is_loopback(&a) == good[i].loopback, "%s", good[i].text);
        }
        ck_assert(address_is_unix(&a));
        ck_assert_str_eq(address_path(&a), "/run/cxd/feed.ipc");
        ck_assert_uint_eq(address_port(&a), 0);
}
END_TEST

START_TEST(what_is_no_address_is_refused_with_a_reason)
{
        static const char *const bad[] = {
                "",
                "127.0.0.1:80",
                "udp://127.0.0.1:80",
                "tcp://",
                "tcp://127.0.0.1",
                "tcp://127.0.0.1:",
                "tcp://127.0.0.1:x",
                "tcp://127.0.0.1:-1",
                "tcp://127.0.0.1:65536",
                "tcp://127.0.0.1:000080",
                "tcp://:80",
                "tcp://example.org:80",
                "tcp://[127.0.0.1]:80",
                "tcp://[localhost]:80",
                "tcp://::1:80",
                "tcp://[::1:80",
                "tcp://1.2.3:80",
                "unix://",
                "unix://relative.sock",
                "ipc://@abstract",
        };
        char reason[ADDRESS_REASON_MAX];
        Address a = {.n = 77};

        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++) {
                reason[0] = 0;
                ck_assert_msg(address_parse(&a, text_of(bad[i]), reason) == -EINVAL, "%s", bad[i]);
                ck_assert_msg(reason[0], "%s", bad[i]);
        }
        ck_assert_uint_eq(a.n, 77);
}
END_TEST

START_TEST(a_path_may_be_as_long_as_the_kernel_takes_it)
{
        char text[200] = "unix:///", reason[ADDRESS_REASON_MAX];
        Address a;

        memset(text + 8, 'a', 106);
        ck_assert_int_eq(address_parse(&a, (Text){text, 8 + 106}, reason), 0);
        ck_assert_uint_eq(strlen(address_path(&a)), 107);
        text[8 + 106] = 'a';
        ck_assert_int_eq(address_parse(&a, (Text){text, 8 + 107}, reason), -EINVAL);
        ck_assert_int_eq(address_parse(&a, (Text){"unix:///a\0b", 11}, reason), -EINVAL);
}
END_TEST

CHECK_MAIN("address", what_is_written_reads_back_in_one_form, what_is_no_address_is_refused_with_a_reason,
           a_path_may_be_as_long_as_the_kernel_takes_it)
