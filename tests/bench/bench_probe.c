/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a survey to the alert at those who follow the event stream.
 *
 * usage: bench-probe SOCKET PORT SUBSCRIBERS PROBES PAUSE [TOKEN]
 *
 * Opens so many streams on the Unix socket (with TOKEN those of its principal), and prints "open" when all of them are
 * there. Without PROBES it then reads what comes until its standard input ends. Otherwise each probe is one survey,
 * sent to PORT for a queue of its own, whose first bad answer raises an alert (centre.py has the rule for this); it
 * prints "ack_*" (from sending to the acknowledgement), "first_*" and "last_*" (to the alert at the first and the last
 * subscriber) in microseconds. PAUSE is the time between two probes, in seconds.
 */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/buffer.h"
#include "proto/base/usec.h"
#include "tests/bench/bench_samples.h"
#include "tests/bench/bench_tool.h"

enum {
        SUBSCRIBERS_MAX = 15000,
        HEAD_MAX = 700, /* of a line: what a message is about stands that far in front */
        WAIT_SECONDS = 30,
};

typedef struct Subscriber {
        int fd;
        bool open;
        char head[HEAD_MAX + 1]; /* of the line that is coming in */
        size_t n_head;
} Subscriber;

typedef struct Probe {
        int epoll, sender;
        Subscriber *subscribers;
        unsigned n, n_open;
        char wanted[64]; /* the scope that the alert is to be about */
        unsigned n_told; /* subscribers that have it */
        double told_first, told_last;
        bool acked;
        double acked_at;
} Probe;

static void watch(Probe *p, int fd, void *what)
{
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = what};

        if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
                tool_die("epoll_ctl");
}

static void open_stream(Probe *p, Subscriber *s, const char *path, const char *token)
{
        Buffer request = BUFFER_NULL;

        buffer_append_str(&request, "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n");
        if (token)
                buffer_append_format(&request, "Authorization: Bearer %s\r\n", token);
        buffer_append_str(&request, "\r\n");
        s->fd = tool_connect_unix(path);
        if (buffer_failed(&request) ||
            send(s->fd, request.data, request.n, MSG_NOSIGNAL) != (ssize_t)request.n)
                tool_die("cannot ask for a stream");
        buffer_deinit(&request);
        watch(p, s->fd, s);
}

static void take_line(Probe *p, Subscriber *s)
{
        s->head[s->n_head] = '\0';
        if (!s->open && strncmp(s->head, "HTTP/1.1 ", 9) == 0 && strncmp(s->head, "HTTP/1.1 200", 12) != 0)
                tool_die(s->head);
        if (!s->open && strncmp(s->head, "retry:", 6) == 0) {
                s->open = true;
                p->n_open++;
        } else if (p->wanted[0] && strncmp(s->head, "data: ", 6) == 0 &&
                   strstr(s->head, "\"transition\":\"firing\"") && strstr(s->head, p->wanted)) {
                p->told_last = tool_seconds();
                if (p->n_told++ == 0)
                        p->told_first = p->told_last;
        }
        s->n_head = 0;
}

static void read_stream(Probe *p, Subscriber *s)
{
        static char in[65536];
        ssize_t n = recv(s->fd, in, sizeof(in), MSG_DONTWAIT);

        if (n == 0)
                tool_die("a stream ended");
        if (n < 0) {
                if (errno != EAGAIN && errno != EINTR)
                        tool_die("a stream broke");
                return;
        }
        for (const char *at = in, *end = in + n; at < end;) {
                const char *lf = memchr(at, '\n', (size_t)(end - at));
                size_t room = HEAD_MAX - s->n_head, more = (size_t)((lf ? lf : end) - at);

                memcpy(s->head + s->n_head, at, more < room ? more : room);
                s->n_head += more < room ? more : room;
                if (!lf)
                        break;
                take_line(p, s);
                at = lf + 1;
        }
}

static void read_ack(Probe *p)
{
        char in[4096];
        ssize_t n = recv(p->sender, in, sizeof(in) - 1, MSG_DONTWAIT);

        if (n <= 0)
                tool_die("the sender's connection broke");
        in[n] = '\0';
        if (strstr(in, "\"code\":"))
                tool_die(in);
        p->acked = true;
        p->acked_at = tool_seconds();
}

/* One round of what is there within @msec. Returns whether there was anything. */
static bool turn(Probe *p, int msec)
{
        struct epoll_event events[256];
        int n = epoll_wait(p->epoll, events, CX_ARRAY_LEN(events), msec);
        bool is_end = false;

        if (n < 0 && errno != EINTR)
                tool_die("epoll_wait");
        for (int i = 0; i < n; i++) {
                if (events[i].data.ptr == &p->sender)
                        read_ack(p);
                else if (events[i].data.ptr)
                        read_stream(p, events[i].data.ptr);
                else
                        is_end = true;
        }
        return !is_end;
}

static void open_all(Probe *p, const char *path, const char *token)
{
        double until = tool_seconds() + WAIT_SECONDS;

        for (unsigned i = 0; i < p->n; i++) {
                open_stream(p, &p->subscribers[i], path, token);
                (void)turn(p, 0);
        }
        while (p->n_open < p->n) {
                (void)turn(p, 100);
                if (tool_seconds() > until)
                        tool_die("the streams did not open");
        }
        printf("open %u\n", p->n_open);
        (void)fflush(stdout);
}

static void send_probe(Probe *p, unsigned number)
{
        usec_t now = (usec_t)time(NULL) * USEC_SEC;
        char survey[512], at[USEC_TEXT_MAX];
        int n = snprintf(
                survey, sizeof(survey),
                "{\"id\":\"probe-%d-%u\",\"ts\":\"%s\",\"queue\":\"probe-%d-%u\",\"answers\":{\"csat\":1}}\n",
                getpid(), number, usec_format(now, at), getpid(), number);

        snprintf(p->wanted, sizeof(p->wanted), "\"queue/probe-%d-%u\"", getpid(), number);
        p->n_told = 0;
        p->acked = false;
        if (send(p->sender, survey, (size_t)n, MSG_NOSIGNAL) != n)
                tool_die("cannot send");
}

static void run(Probe *p, unsigned n_probes, double pause)
{
        Samples ack = SAMPLES_NULL, first = SAMPLES_NULL, last = SAMPLES_NULL;
        double next = tool_seconds();

        for (unsigned i = 0; i < n_probes; i++) {
                double start = tool_seconds();

                while (start < next) {
                        /* Asleep to the end: the processor is the daemon's. */
                        (void)turn(p, (int)ceil((next - start) * 1e3));
                        start = tool_seconds();
                }
                send_probe(p, i);
                while (p->n_told < p->n || !p->acked) {
                        (void)turn(p, 100);
                        if (tool_seconds() - start > WAIT_SECONDS)
                                tool_die("the alert did not come");
                }
                samples_add(&ack, p->acked_at - start);
                if (p->n) {
                        samples_add(&first, p->told_first - start);
                        samples_add(&last, p->told_last - start);
                }
                next = start + pause;
        }
        samples_print(&ack, "ack");
        samples_print(&first, "first");
        samples_print(&last, "last");
        samples_deinit(&ack);
        samples_deinit(&first);
        samples_deinit(&last);
}

int main(int argc, char **argv)
{
        Probe p = {0};
        unsigned n_probes;
        double pause;

        if (argc != 6 && argc != 7) {
                fprintf(stderr, "usage: bench-probe SOCKET PORT SUBSCRIBERS PROBES PAUSE [TOKEN]\n");
                return 2;
        }
        p.n = (unsigned)tool_number(argv[3], 0, SUBSCRIBERS_MAX);
        n_probes = (unsigned)tool_number(argv[4], 0, 1e6);
        pause = tool_number(argv[5], 0, 3600);
        p.epoll = epoll_create1(EPOLL_CLOEXEC);
        p.subscribers = calloc(p.n + 1, sizeof(*p.subscribers));
        if (p.epoll < 0 || !p.subscribers)
                tool_die("no memory");
        open_all(&p, argv[1], argc == 7 ? argv[6] : NULL);
        if (n_probes) {
                p.sender = tool_connect_tcp((uint16_t)tool_number(argv[2], 1, UINT16_MAX));
                watch(&p, p.sender, &p.sender);
                run(&p, n_probes, pause);
                close(p.sender);
        } else {
                watch(&p, STDIN_FILENO, NULL);
                while (turn(&p, -1))
                        ;
        }
        for (unsigned i = 0; i < p.n; i++)
                close(p.subscribers[i].fd);
        free(p.subscribers);
        close(p.epoll);
        return 0;
}
