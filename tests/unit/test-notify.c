/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/io/notify.h"
#include "tests/support/check_main.h"

static void set_number(const char *name, long long value)
{
        char text[32];

        snprintf(text, sizeof(text), "%lld", value);
        setenv(name, text, 1);
}

static const char *received(int fd)
{
        static char text[2048];
        ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

        text[n > 0 ? n : 0] = 0;
        return text;
}

START_TEST(systemd_is_told_in_its_own_words)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
        Notify n;

        snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/cx-notify-%d", (int)getpid());
        unlink(un.sun_path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
        setenv("NOTIFY_SOCKET", un.sun_path, 1);
        setenv("WATCHDOG_USEC", "3000001", 1);
        set_number("WATCHDOG_PID", getpid());
        ck_assert_int_eq(notify_take_environment(&n), 0);
        ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
        ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
        ck_assert_ptr_null(getenv("WATCHDOG_PID"));
        ck_assert_int_eq(notify_watchdog_interval(&n), 1500001);

        ck_assert_int_eq(notify_starting(&n, 5 * USEC_SEC, "reading"), 0);
        ck_assert_str_eq(received(fd), "EXTEND_TIMEOUT_USEC=5000000\nSTATUS=reading\n");
        ck_assert_int_eq(notify_ready(&n, "serving\nMAINPID=1"), 0);
        ck_assert_str_eq(received(fd), "READY=1\nSTATUS=serving MAINPID=1\n");
        ck_assert_int_eq(notify_reloading(&n, 1234567), 0);
        ck_assert_str_eq(received(fd), "RELOADING=1\nMONOTONIC_USEC=1234567\n");
        ck_assert_int_eq(notify_status(&n, "7 surveys"), 0);
        ck_assert_str_eq(received(fd), "STATUS=7 surveys\n");
        ck_assert_int_eq(notify_watchdog(&n), 0);
        ck_assert_str_eq(received(fd), "WATCHDOG=1\n");
        ck_assert_int_eq(notify_stopping(&n), 0);
        ck_assert_str_eq(received(fd), "STOPPING=1\n");
        close(fd);
        ck_assert_int_lt(notify_stopping(&n), 0);
        unlink(un.sun_path);
        notify_deinit(&n);
}
END_TEST

START_TEST(without_systemd_nothing_happens)
{
        Notify n;

        ck_assert_int_eq(notify_take_environment(&n), 0);
        ck_assert_int_eq(n.fd, -1);
        ck_assert_uint_eq(n.n_fds, 0);
        ck_assert_int_eq(notify_ready(&n, NULL), 0);
        ck_assert_int_eq(notify_watchdog(&n), 0);
        ck_assert_int_eq(notify_watchdog_interval(&n), USEC_INFINITY);
        notify_deinit(&n);
}
END_TEST

START_TEST(what_is_meant_for_another_process_is_not_taken)
{
        Notify n;

        setenv("LISTEN_FDS", "2", 1);
        set_number("LISTEN_PID", getpid() + 1);
        setenv("WATCHDOG_USEC", "1000", 1);
        set_number("WATCHDOG_PID", getpid() + 1);
        ck_assert_int_eq(notify_take_environment(&n), 0);
        ck_assert_uint_eq(n.n_fds, 0);
        ck_assert_int_eq(n.watchdog, 0);
        ck_assert_ptr_null(getenv("LISTEN_FDS"));
        notify_deinit(&n);
}
END_TEST

START_TEST(inherited_sockets_come_with_their_names)
{
        int saved[3], null = open("/dev/null", O_RDWR | O_CLOEXEC);
        Notify n;

        /* Puts three descriptors where systemd would, and what was there back afterwards. */
        for (int i = 0; i < 3; i++) {
                saved[i] = 3 + i == null ? -1 : fcntl(3 + i, F_DUPFD, 100);
                ck_assert_int_ge(dup2(null, 3 + i), 0);
        }
        setenv("LISTEN_FDS", "3", 1);
        set_number("LISTEN_PID", getpid());
        setenv("LISTEN_FDNAMES", "http::lines", 1);
        ck_assert_int_eq(notify_take_environment(&n), 0);
        ck_assert_uint_eq(n.n_fds, 3);
        ck_assert_str_eq(n.fds[0].name, "http");
        ck_assert_str_eq(n.fds[1].name, "unknown");
        ck_assert_str_eq(n.fds[2].name, "lines");
        ck_assert_int_eq(n.fds[2].fd, 5);
        ck_assert_int_eq(fcntl(4, F_GETFD), FD_CLOEXEC);
        n.fds[1].fd = -1; /* taken */
        notify_deinit(&n);
        ck_assert_int_lt(fcntl(3, F_GETFD), 0);
        ck_assert_int_ge(fcntl(4, F_GETFD), 0);
        for (int i = 0; i < 3; i++) {
                close(3 + i);
                if (saved[i] >= 0) {
                        dup2(saved[i], 3 + i);
                        close(saved[i]);
                }
        }
        if (null > 5)
                close(null);
}
END_TEST

START_TEST(an_environment_that_makes_no_sense_is_refused)
{
        static const char *const bad[][2] = {
                {"LISTEN_FDS", "x"},
                {"LISTEN_FDS", "-1"},
                {"LISTEN_FDS", "33"},
                {"WATCHDOG_USEC", "0"},
                {"WATCHDOG_USEC", "soon"},
                {"NOTIFY_SOCKET", "relative"},
                {"NOTIFY_SOCKET", "/nonexistent/socket"},
        };
        Notify n;

        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++) {
                setenv(bad[i][0], bad[i][1], 1);
                ck_assert_msg(notify_take_environment(&n) < 0, "%s=%s", bad[i][0], bad[i][1]);
                ck_assert_ptr_null(getenv(bad[i][0]));
        }
}
END_TEST

CHECK_MAIN("notify", systemd_is_told_in_its_own_words, without_systemd_nothing_happens,
           what_is_meant_for_another_process_is_not_taken, inherited_sockets_come_with_their_names,
           an_environment_that_makes_no_sense_is_refused)
