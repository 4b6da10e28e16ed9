#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One connection that sends its share of a workload, again and again, and counts what is acknowledged.
 *
 * Anything but a plain yes from the other side ends the program.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/bench_samples.h"
#include "tests/bench/bench_workload.h"

/* The same for all senders of a run. */
typedef struct LoadPlan {
        bool redis; /* its commands; else the line protocol of cxd */
        uint16_t port;
        unsigned n_metrics;  /* redis: how many are counted */
        unsigned n_levels;   /* redis: for how many scopes (bench_levels.h) */
        uint64_t window;     /* surveys that may be unacknowledged; 0: what the connection takes */
        unsigned n_passes;   /* then it is over; 0: when the caller says so */
        usec_t first_day;    /* pass i is moved to the i'th day from here; 0: passes are not moved */
        unsigned first_pass; /* its ids */
} LoadPlan;

typedef struct LoadSender {
        const LoadPlan *plan;
        int fd;
        Workload workload;
        Buffer request;    /* redis: what is sent for one pass */
        size_t *ends;      /* where the part of each survey ends */
        uint64_t *replies; /* redis: how many there will be up to survey i, of one pass */
        size_t at;         /* bytes of this pass that are sent */
        unsigned pass;
        uint64_t n_sent; /* complete surveys */
        uint64_t n_acked;
        uint64_t n_replies;
        uint64_t n_allowed; /* no more than so many yet: the pace */
        char *in;
        size_t n_in;
        double sent_at;
        Samples latencies; /* with a window of one */
} LoadSender;

/* With every @n_parts'th survey of @all, from @part on. Ends the program if it cannot connect. */
void load_sender_init(LoadSender *s, const LoadPlan *plan, const Workload *all, size_t part, size_t n_parts);
void load_sender_deinit(LoadSender *s);

/* @is_over: what is begun is finished, and nothing new begun. */
bool load_sender_wants(const LoadSender *s, bool is_over);
/* Sends what the connection takes. */
void load_sender_send(LoadSender *s, bool is_over);
/* Takes what the other side has answered. */
void load_sender_receive(LoadSender *s);
static inline bool load_sender_waits(const LoadSender *s)
{
        return s->n_acked < s->n_sent;
}
