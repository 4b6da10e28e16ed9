/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/support/check_main.h"
#include "tests/support/io_world.h"

static void on_child(int number CX_UNUSED, void *user)
{
        World *w = user;
        int status;

        while (waitpid(-1, &status, WNOHANG) > 0) {
                w->n_running--;
                if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                        w->n_failed++;
        }
        if (w->n_running == 0)
                loop_stop(w->loop);
}

static void on_limit(void *user)
{
        World *w = user;

        w->late = true;
        loop_stop(w->loop);
}

void world_open(World *w)
{
        *w = (World){.folder = "/tmp/cx-test-XXXXXX"};
        ck_assert_ptr_nonnull(mkdtemp(w->folder));
        ck_assert_int_eq(loop_new(&w->loop, NULL), 0);
        ck_assert_int_eq(loop_signal_new(&w->child, w->loop, SIGCHLD, on_child, w), 0);
        ck_assert_int_eq(loop_timer_new(&w->limit, w->loop, on_limit, w), 0);
}

void world_close(World *w)
{
        char path[512];
        struct dirent *e;
        DIR *d = opendir(w->folder);

        ck_assert_ptr_nonnull(d);
        while ((e = readdir(d))) {
                snprintf(path, sizeof(path), "%s/%s", w->folder, e->d_name);
                unlink(path);
        }
        closedir(d);
        rmdir(w->folder);
        loop_timer_free(w->limit);
        loop_signal_free(w->child);
        loop_free(w->loop);
}

Listener *world_listen(World *w, const char *name, unsigned max, ListenerFn fn, void *user)
{
        ListenerConfig config = LISTENER_CONFIG_NULL;
        char text[128] = "tcp://127.0.0.1:0", reason[ADDRESS_REASON_MAX];
        Listener *l;

        if (name)
                snprintf(text, sizeof(text), "unix://%s/%s", w->folder, name);
        ck_assert_int_eq(address_parse(&config.address, text_of(text), reason), 0);
        config.max = max;
        ck_assert_int_eq(listener_new(&l, w->loop, &config, fn, user), 0);
        return l;
}

static bool in_child(World *w)
{
        pid_t pid;

        fflush(stdout);
        fflush(stderr);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid > 0) {
                w->n_running++;
                return false;
        }
        signal(SIGCHLD, SIG_DFL);
        signal(SIGPIPE, SIG_IGN);
        alarm(25);
        return true;
}

void world_spawn(World *w, int (*client)(const Address *a, const void *user), const Address *a,
                 const void *user)
{
        if (in_child(w))
                _exit(client(a, user));
}

void world_exec(World *w, const char *output, const char *const *argv)
{
        char path[256];
        int fd;

        if (!in_child(w))
                return;
        snprintf(path, sizeof(path), "%s/%s", w->folder, output);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        need(fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
        execvp(argv[0], (char *const *)argv);
        need(!"it could not be started");
}

void world_wait(World *w)
{
        ck_assert_int_eq(loop_timer_after(w->limit, 30 * USEC_SEC), 0);
        if (w->n_running > 0)
                ck_assert_int_eq(loop_run(w->loop), 0);
        loop_timer_cancel(w->limit);
        ck_assert_msg(!w->late, "the clients did not end in time");
        ck_assert_msg(w->n_failed == 0, "%u clients did not see what they should", w->n_failed);
}

void world_pass(World *w, usec_t time)
{
        ck_assert_int_eq(loop_timer_after(w->limit, time), 0);
        while (!w->late)
                ck_assert_int_eq(loop_run(w->loop), 0);
        w->late = false;
}

const char *world_file(World *w, const char *name)
{
        static char content[65536];
        char path[256];
        ssize_t n = 0;
        int fd;

        snprintf(path, sizeof(path), "%s/%s", w->folder, name);
        fd = open(path, O_RDONLY);
        if (fd >= 0) {
                n = read(fd, content, sizeof(content) - 1);
                close(fd);
        }
        content[n > 0 ? n : 0] = 0;
        return content;
}

int client_connect(const Address *a)
{
        struct timeval tv = {.tv_sec = 20};
        int fd = socket(a->sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        need(fd >= 0);
        need(connect(fd, (const struct sockaddr *)&a->sockaddr, a->n) == 0);
        need(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
        return fd;
}

void client_send(int fd, const void *data, size_t n)
{
        const char *at = data;

        while (n > 0) {
                ssize_t k = send(fd, at, n, MSG_NOSIGNAL);

                need(k > 0);
                at += k;
                n -= (size_t)k;
        }
}

size_t client_read(int fd, void *data, size_t n)
{
        size_t have = 0;
        ssize_t k;

        while (have < n && (k = recv(fd, (char *)data + have, n - have, 0)) > 0)
                have += (size_t)k;
        return have;
}

bool client_sees_end(int fd)
{
        char byte;
        ssize_t k = recv(fd, &byte, 1, 0);

        return k == 0 || (k < 0 && errno != EAGAIN);
}

usec_t world_cpu_time(void)
{
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * USEC_SEC + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}
