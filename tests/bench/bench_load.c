/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sends surveys over TCP as fast as they are taken, and counts what is acknowledged.
 *
 * usage: bench-load lines|redis PORT SENDERS SECONDS WINDOW METRICS
 *
 * `lines` speaks the line protocol of cxd. `redis` does the same work with Redis: for each survey the survey itself
 * (RPUSH), and one HINCRBY per agent and per queue for each answered metric and for the survey. WINDOW is how many
 * surveys each sender may have unacknowledged, 0 for as many as the connection takes. METRICS (redis) is how many of
 * the six are counted.
 *
 * Prints "rate R", "acked N", and with a window of one "p50 U" and "p99 U" in microseconds. Anything but a plain yes
 * from the other side ends it with status 1.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/def.h"
#include "tests/bench/bench_workload.h"

enum {
        SENDERS_MAX = 64,
        N_SURVEYS = 100000, /* of all senders in one pass */
        LATENCIES_MAX = 1000000,
};

typedef struct Sender {
        int fd;
        Workload workload;
        Buffer request;    /* redis: what is sent for one pass; lines: the workload's own bytes are */
        size_t *ends;      /* where the part of each survey ends */
        uint64_t *replies; /* redis: how many there will be up to survey i, of one pass */
        bool own;          /* request and ends are ours */
        size_t at;         /* bytes of this pass that are sent */
        unsigned pass;
        uint64_t n_sent;  /* surveys, complete ones */
        uint64_t n_acked; /* surveys */
        uint64_t n_replies;
        char in[65536];
        size_t n_in;
        double sent_at; /* window of one: when the last one went */
} Sender;

static bool is_redis;
static double *latencies;
static size_t n_latencies;

static void die(const char *what)
{
        fprintf(stderr, "bench-load: %s\n", what);
        exit(1);
}

static double seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- what is sent --------------------------------------------------------------------------------------- */

static void write_increment(Buffer *to, const char *kind, unsigned number, const char *metric, int value)
{
        char key[32], field[32];
        int n_key = snprintf(key, sizeof(key), "%s-%04u", kind, number);
        int n_field = value < 0 ? snprintf(field, sizeof(field), "%s", metric)
                                : snprintf(field, sizeof(field), "%s:%d", metric, value);

        buffer_append_format(to, "*4\r\n$7\r\nHINCRBY\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n$1\r\n1\r\n", n_key, key,
                             n_field, field);
}

/* The commands for one survey. Returns how many. */
static unsigned write_commands(Buffer *to, Text json, const WorkloadSurvey *survey, unsigned n_metrics)
{
        unsigned n = 3;

        buffer_append_format(to, "*3\r\n$5\r\nRPUSH\r\n$7\r\nsurveys\r\n$%zu\r\n" TEXT_FMT "\r\n", json.n,
                             TEXT_ARG(json));
        write_increment(to, "agent", survey->agent, "n", -1);
        write_increment(to, "queue", survey->queue, "n", -1);
        for (unsigned m = 0; m < n_metrics; m++) {
                if (survey->values[m] < 0)
                        continue;
                write_increment(to, "agent", survey->agent, workload_metrics[m], survey->values[m]);
                write_increment(to, "queue", survey->queue, workload_metrics[m], survey->values[m]);
                n += 2;
        }
        return n;
}

static void prepare(Sender *s, unsigned part, size_t n, usec_t start, usec_t step, unsigned n_metrics)
{
        uint64_t n_replies = 0;

        if (workload_init(&s->workload, part, n, start, step) < 0)
                die("no memory");
        s->ends = s->workload.ends;
        if (!is_redis)
                return;
        s->own = true;
        s->ends = calloc(n, sizeof(*s->ends));
        s->replies = calloc(n, sizeof(*s->replies));
        if (!s->ends || !s->replies)
                die("no memory");
        for (size_t i = 0; i < n; i++) {
                n_replies += write_commands(&s->request, workload_line(&s->workload, i),
                                            &s->workload.surveys[i], n_metrics);
                s->ends[i] = s->request.n;
                s->replies[i] = n_replies;
        }
        if (buffer_failed(&s->request))
                die("no memory");
}

static void forget(Sender *s)
{
        if (s->own) {
                free(s->ends);
                free(s->replies);
                buffer_deinit(&s->request);
        }
        workload_deinit(&s->workload);
        close(s->fd);
}

static void open_connection(Sender *s, uint16_t port)
{
        struct sockaddr_in to = {
                .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        int one = 1;

        s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (s->fd < 0 || connect(s->fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
                die("cannot connect");
        (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (fcntl(s->fd, F_SETFL, O_NONBLOCK) < 0)
                die("fcntl");
}

/* --- sending and counting ------------------------------------------------------------------------------- */

/* Up to where this sender may send now: the end of a survey. */
static size_t allowance(const Sender *s, uint64_t window, bool is_over)
{
        size_t i = s->n_sent % s->workload.n, last = s->workload.n - 1;

        if (is_over) /* only what is begun is finished */
                return s->at > (i ? s->ends[i - 1] : 0) ? s->ends[i] : s->at;
        if (window) {
                uint64_t room = window - (s->n_sent - s->n_acked);

                if (room == 0)
                        return s->at;
                if (i + room - 1 < last)
                        last = i + room - 1;
        }
        return s->ends[last];
}

static void begin_next_pass(Sender *s)
{
        s->at = 0;
        s->pass++;
        if (!is_redis)
                workload_set_pass(&s->workload, s->pass);
}

/* Sends what the connection takes. */
static void send_some(Sender *s, uint64_t window, bool is_over)
{
        const char *bytes = is_redis ? s->request.data : s->workload.bytes.data;
        size_t until = allowance(s, window, is_over);
        ssize_t n;

        if (until <= s->at)
                return;
        n = send(s->fd, bytes + s->at, until - s->at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
                die("the connection broke while sending");
        if (n <= 0)
                return;
        s->at += (size_t)n;
        s->sent_at = seconds();
        while (s->ends[s->n_sent % s->workload.n] <= s->at) {
                s->n_sent++;
                if (s->n_sent % s->workload.n == 0) {
                        begin_next_pass(s);
                        break;
                }
        }
}

/* The number behind @key; dies if it is not there. */
static uint64_t number_behind(const char *line, const char *key)
{
        const char *at = strstr(line, key);
        char *end = NULL;
        uint64_t n = at ? strtoull(at + strlen(key), &end, 10) : 0;

        if (!at || (*end != ',' && *end != '}'))
                die(line);
        return n;
}

/* {"ack":N,"stored":N,...}: all of them new. */
static void count_ack(Sender *s, const char *line)
{
        uint64_t n = number_behind(line, "\"ack\":");

        if (number_behind(line, "\"stored\":") != n)
                die(line);
        s->n_acked = n;
}

/* The end of a reply; the survey is done with the last of its replies. */
static void count_reply(Sender *s, const char *line)
{
        size_t n = s->workload.n;

        if (line[0] != ':')
                die(line);
        s->n_replies++;
        if (s->n_replies == s->n_acked / n * s->replies[n - 1] + s->replies[s->n_acked % n])
                s->n_acked++;
}

/* Takes what the other side has answered. */
static void receive_some(Sender *s)
{
        ssize_t n = recv(s->fd, s->in + s->n_in, sizeof(s->in) - s->n_in - 1, MSG_DONTWAIT);
        char *line = s->in, *end;
        uint64_t before = s->n_acked;

        if (n == 0)
                die("the other side closed the connection");
        if (n < 0) {
                if (errno != EAGAIN && errno != EINTR)
                        die("the connection broke while receiving");
                return;
        }
        s->n_in += (size_t)n;
        s->in[s->n_in] = '\0';
        for (; (end = memchr(line, '\n', s->n_in - (size_t)(line - s->in))); line = end + 1) {
                *end = '\0';
                if (is_redis)
                        count_reply(s, line);
                else
                        count_ack(s, line);
        }
        s->n_in -= (size_t)(line - s->in);
        memmove(s->in, line, s->n_in);
        if (latencies && s->n_acked > before && n_latencies < LATENCIES_MAX)
                latencies[n_latencies++] = seconds() - s->sent_at;
}

static int by_size(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* Sends for that long, then waits for what is still unanswered. Returns the time it took. */
static double run(Sender *senders, unsigned n, double limit, uint64_t window)
{
        struct pollfd fds[SENDERS_MAX];
        double start = seconds(), now = start;
        bool is_done = false;

        while (!is_done) {
                bool is_over = now - start >= limit;

                is_done = is_over;
                for (unsigned i = 0; i < n; i++) {
                        Sender *s = &senders[i];
                        bool wants = allowance(s, window, is_over) > s->at;

                        fds[i] = (struct pollfd){.fd = s->fd,
                                                 .events = (short)(POLLIN | (wants ? POLLOUT : 0))};
                        if (wants || s->n_acked < s->n_sent)
                                is_done = false;
                }
                if (is_done)
                        break;
                if (poll(fds, n, 10000) <= 0)
                        die("no answer for ten seconds");
                for (unsigned i = 0; i < n; i++) {
                        if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
                                receive_some(&senders[i]);
                        if (fds[i].revents & POLLOUT)
                                send_some(&senders[i], window, is_over);
                }
                now = seconds();
        }
        return now - start;
}

static double argument(const char *text, double min, double max)
{
        double value;

        if (text_to_double(text_of(text), &value) < 0 || value < min || value > max)
                die("a number is wrong");
        return value;
}

int main(int argc, char **argv)
{
        static Sender senders[SENDERS_MAX];
        const usec_t start = (usec_t)time(NULL) * USEC_SEC - USEC_HOUR;
        unsigned n, n_metrics;
        uint64_t window, acked = 0;
        uint16_t port;
        double limit, took;
        size_t each;

        if (argc != 7) {
                fprintf(stderr, "usage: bench-load lines|redis PORT SENDERS SECONDS WINDOW METRICS\n");
                return 2;
        }
        is_redis = strcmp(argv[1], "redis") == 0;
        port = (uint16_t)argument(argv[2], 1, UINT16_MAX);
        n = (unsigned)argument(argv[3], 1, SENDERS_MAX);
        limit = argument(argv[4], 0.001, 3600);
        window = (uint64_t)argument(argv[5], 0, 1e9);
        n_metrics = (unsigned)argument(argv[6], 0, WORKLOAD_METRICS);
        each = N_SURVEYS / n;
        if (window == 1 && n == 1)
                latencies = calloc(LATENCIES_MAX, sizeof(*latencies));
        for (unsigned i = 0; i < n; i++) {
                prepare(&senders[i], i, each, start, 3000 * USEC_SEC / (usec_t)each, n_metrics);
                open_connection(&senders[i], port);
        }
        took = run(senders, n, limit, window);
        for (unsigned i = 0; i < n; i++) {
                acked += senders[i].n_acked;
                forget(&senders[i]);
        }
        printf("rate %.0f\nacked %llu\n", (double)acked / took, (unsigned long long)acked);
        if (n_latencies) {
                qsort(latencies, n_latencies, sizeof(*latencies), by_size);
                printf("p50 %.0f\np99 %.0f\n", latencies[n_latencies / 2] * 1e6,
                       latencies[n_latencies * 99 / 100] * 1e6);
        }
        free(latencies);
        return 0;
}
