/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/bench/load_sender.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bench_tool.h"
#include "tests/bench/load_redis.h"

#define IN_SIZE ((size_t)65536)

/* --- what is sent --------------------------------------------------------------------------------------------- */

static void move_to_pass(LoadSender *s)
{
        const LoadPlan *plan = s->plan;

        if (plan->redis)
                return;
        workload_set_pass(&s->workload, plan->first_pass + s->pass);
        if (plan->first_day)
                workload_set_day(&s->workload, plan->first_day + (usec_t)s->pass * USEC_DAY);
}

static void write_request(LoadSender *s)
{
        size_t n = s->workload.n;
        uint64_t n_replies = 0;

        s->ends = calloc(n, sizeof(*s->ends));
        s->replies = calloc(n, sizeof(*s->replies));
        if (!s->ends || !s->replies)
                tool_die("no memory");
        for (size_t i = 0; i < n; i++) {
                n_replies +=
                        load_redis_write(&s->request, &s->workload, i, s->plan->n_metrics, s->plan->n_levels);
                s->ends[i] = s->request.n;
                s->replies[i] = n_replies;
        }
        if (buffer_failed(&s->request))
                tool_die("no memory");
}

void load_sender_init(LoadSender *s, const LoadPlan *plan, const Workload *all, size_t part, size_t n_parts)
{
        *s = (LoadSender){.plan = plan, .n_allowed = UINT64_MAX};
        s->in = malloc(IN_SIZE);
        if (!s->in || workload_take(&s->workload, all, part, n_parts) < 0)
                tool_die("no memory, or too small a workload for so many senders");
        s->ends = s->workload.ends;
        if (plan->redis)
                write_request(s);
        move_to_pass(s);
        s->fd = tool_connect_tcp(plan->port);
}

void load_sender_deinit(LoadSender *s)
{
        if (s->plan->redis)
                free(s->ends);
        free(s->replies);
        buffer_deinit(&s->request);
        workload_deinit(&s->workload);
        samples_deinit(&s->latencies);
        free(s->in);
        close(s->fd);
}

/* --- sending -------------------------------------------------------------------------------------------------- */

/* Up to where this sender may send now: the end of a survey. */
static size_t allowance(const LoadSender *s, bool is_over)
{
        const LoadPlan *plan = s->plan;
        size_t i = s->n_sent % s->workload.n, last = s->workload.n - 1;
        uint64_t room = UINT64_MAX;

        if (plan->n_passes && s->pass >= plan->n_passes)
                return s->at;
        if (is_over) /* only what is begun is finished */
                return s->at > (i ? s->ends[i - 1] : 0) ? s->ends[i] : s->at;
        if (plan->window)
                room = plan->window - (s->n_sent - s->n_acked);
        if (s->n_allowed - s->n_sent < room)
                room = s->n_allowed - s->n_sent;
        if (room == 0)
                return s->at;
        if (room <= last - i)
                last = i + room - 1;
        return s->ends[last];
}

bool load_sender_wants(const LoadSender *s, bool is_over)
{
        return allowance(s, is_over) > s->at;
}

void load_sender_send(LoadSender *s, bool is_over)
{
        const char *bytes = s->plan->redis ? s->request.data : s->workload.bytes.data;
        size_t until = allowance(s, is_over);
        ssize_t n;

        if (until <= s->at)
                return;
        s->sent_at = tool_seconds();
        n = send(s->fd, bytes + s->at, until - s->at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
                tool_die("the connection broke while sending");
        if (n <= 0)
                return;
        s->at += (size_t)n;
        while (s->ends[s->n_sent % s->workload.n] <= s->at) {
                s->n_sent++;
                if (s->n_sent % s->workload.n == 0) {
                        s->at = 0;
                        s->pass++;
                        move_to_pass(s);
                        break;
                }
        }
}

/* --- counting ------------------------------------------------------------------------------------------------- */

/* The number behind @key; ends the program if it is not there. */
static uint64_t number_behind(const char *line, const char *key)
{
        const char *at = strstr(line, key);
        char *end = NULL;
        uint64_t n = at ? strtoull(at + strlen(key), &end, 10) : 0;

        if (!at || (*end != ',' && *end != '}'))
                tool_die(line);
        return n;
}

/* {"ack":N,"stored":N,...}: all of them new. */
static void count_ack(LoadSender *s, const char *line)
{
        uint64_t n = number_behind(line, "\"ack\":");

        if (number_behind(line, "\"stored\":") != n)
                tool_die(line);
        s->n_acked = n;
}

/* The end of a reply; the survey is done with the last of its replies. */
static void count_reply(LoadSender *s, const char *line)
{
        size_t n = s->workload.n;

        if (line[0] != ':')
                tool_die(line);
        s->n_replies++;
        if (s->n_replies == s->n_acked / n * s->replies[n - 1] + s->replies[s->n_acked % n])
                s->n_acked++;
}

void load_sender_receive(LoadSender *s)
{
        ssize_t n = recv(s->fd, s->in + s->n_in, IN_SIZE - s->n_in - 1, MSG_DONTWAIT);
        char *line = s->in, *end;
        uint64_t before = s->n_acked;

        if (n == 0)
                tool_die("the other side closed the connection");
        if (n < 0) {
                if (errno != EAGAIN && errno != EINTR)
                        tool_die("the connection broke while receiving");
                return;
        }
        s->n_in += (size_t)n;
        s->in[s->n_in] = '\0';
        for (; (end = memchr(line, '\n', s->n_in - (size_t)(line - s->in))); line = end + 1) {
                *end = '\0';
                if (s->plan->redis)
                        count_reply(s, line);
                else
                        count_ack(s, line);
        }
        s->n_in -= (size_t)(line - s->in);
        memmove(s->in, line, s->n_in);
        if (s->plan->window == 1 && s->n_acked > before)
                samples_add(&s->latencies, tool_seconds() - s->sent_at);
}
