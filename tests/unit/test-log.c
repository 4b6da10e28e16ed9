/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/io/log.h"
#include "tests/support/check_main.h"

static int g_pipe[2];

/* What was logged since the last question. */
static const char *logged(void)
{
        static char text[16384];
        ssize_t n;

        ck_assert_int_ge(write(g_pipe[1], "|", 1), 1);
        n = read(g_pipe[0], text, sizeof(text) - 1);
        ck_assert_int_gt(n, 0);
        text[n - 1] = 0;
        return text;
}

static void begin(void)
{
        ck_assert_int_eq(pipe(g_pipe), 0);
        log_init("cxd", g_pipe[1]);
        log_set_level(LOG_LEVEL_INFO);
}

START_TEST(a_line_carries_its_priority_where_no_terminal_is)
{
        begin();
        log_warning("store path=%s", "cxd.db");
        ck_assert_str_eq(logged(), "<4>store path=cxd.db\n");
        log_err("a");
        log_notice("b");
        log_info("c");
        log_debug("not at this level");
        ck_assert_str_eq(logged(), "<3>a\n<5>b\n<6>c\n");
        log_set_level(LOG_LEVEL_DEBUG);
        log_debug("d");
        ck_assert_str_eq(logged(), "<7>d\n");
}
END_TEST

START_TEST(no_name_from_outside_makes_a_second_line_or_colours)
{
        begin();
        log_info("name=%s", "a\n<0>panic");
        ck_assert_str_eq(logged(), "<6>name=a\\x0a<0>panic\n");
        log_info("name=%s", "\033[31mred\r\x7f");
        ck_assert_str_eq(logged(), "<6>name=\\x1b[31mred\\x0d\\x7f\n");
        log_info("name=%s", "a\xe2\x80\xae"
                            "b\xc2\x85\xff"
                            "caf\xc3\xa9");
        ck_assert_str_eq(logged(), "<6>name=a\\xe2\\x80\\xaeb\\xc2\\x85\\xff"
                                   "caf\xc3\xa9\n");
}
END_TEST

START_TEST(a_quoted_value_stays_one_value)
{
        begin();
        log_info("source=%s n=1", LOG_QUOTE(TEXT("x\" n=\"2\\")));
        ck_assert_str_eq(logged(), "<6>source=\"x\\\" n=\\\"2\\\\\" n=1\n");
        log_info("source=%s", LOG_QUOTE(((Text){"a\0b", 3})));
        ck_assert_str_eq(logged(), "<6>source=\"a\\x00b\"\n");
}
END_TEST

START_TEST(a_long_line_is_cut_and_a_long_value_closed)
{
        char value[5000], small[8];
        const char *text;

        begin();
        memset(value, 'v', sizeof(value) - 1);
        value[sizeof(value) - 1] = 0;
        log_info("%s", value);
        text = logged();
        ck_assert_uint_le(strlen(text), LOG_LINE_MAX + 1);
        ck_assert_uint_ge(strlen(text), LOG_LINE_MAX - 8);
        ck_assert_int_eq(text[strlen(text) - 1], '\n');
        ck_assert_str_eq(log_quote(text_of("abcdefghij"), small, sizeof(small)), "\"abcde\"");
        memset(value, '\n', sizeof(value) - 1);
        ck_assert_uint_lt(strlen(log_quote((Text){value, 4999}, (char[100]){0}, 100)), 100);
}
END_TEST

START_TEST(what_repeats_is_counted_instead_of_written)
{
        static LogLimit limit = {.interval = 50 * USEC_MSEC, .burst = 2};

        begin();
        for (int i = 0; i < 100; i++)
                log_limited(&limit, LOG_LEVEL_INFO, "again %d", i);
        ck_assert_str_eq(logged(), "<6>again 0\n<6>again 1\n");
        usleep(60000);
        log_limited(&limit, LOG_LEVEL_INFO, "later");
        ck_assert_str_eq(logged(), "<6>later (98 more like it were not logged)\n");
        log_limited(&limit, LOG_LEVEL_INFO, "then");
        ck_assert_str_eq(logged(), "<6>then\n");
}
END_TEST

START_TEST(a_pipe_that_nobody_reads_loses_lines_and_holds_nobody_up)
{
        char path[64], text[4096];
        int full;

        begin();
        log_info("before");
        ck_assert_str_eq(logged(), "<6>before\n");
        /* Another description of the same pipe, lest ours becomes one that does not wait. */
        snprintf(path, sizeof(path), "/proc/self/fd/%d", g_pipe[1]);
        full = open(path, O_WRONLY | O_NONBLOCK);
        ck_assert_int_ge(full, 0);
        memset(text, 'x', sizeof(text));
        while (write(full, text, sizeof(text)) > 0)
                ;
        for (int i = 0; i < 1000; i++)
                log_info("lost");
        ck_assert_int_eq(fcntl(g_pipe[0], F_SETFL, O_NONBLOCK), 0);
        while (read(g_pipe[0], text, sizeof(text)) > 0)
                ;
        log_info("after");
        ck_assert_str_eq(logged(), "<6>after\n");
        close(full);
}
END_TEST

START_TEST(levels_have_names)
{
        LogLevel level = LOG_LEVEL_ERR;

        ck_assert_int_eq(log_level_parse(TEXT("debug"), &level), 0);
        ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
        ck_assert_int_lt(log_level_parse(TEXT("loud"), &level), 0);
}
END_TEST

CHECK_MAIN("log", a_line_carries_its_priority_where_no_terminal_is,
           no_name_from_outside_makes_a_second_line_or_colours, a_quoted_value_stays_one_value,
           a_long_line_is_cut_and_a_long_value_closed, what_repeats_is_counted_instead_of_written,
           a_pipe_that_nobody_reads_loses_lines_and_holds_nobody_up, levels_have_names)
