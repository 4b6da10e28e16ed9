#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What became of the surveys of one file: refused ones by their line, and the sums at the end.
 */

#include "client/sink.h"
#include "client/unknown.h"
#include "proto/fault.h"

#define REPORT_LINES_MAX 100 /* refusals that are named on a terminal */

typedef struct Report {
        const Ctl *ctl;
        const char *file;
        uint64_t n_read;                    /* surveys in the file */
        uint64_t n_refused;                 /* by us and by the daemon */
        bool dry;                           /* nothing is sent */
        Table *refused;                     /* the latest one: line, id, code, field, error */
        Unknown unknown;                    /* what report_survey() saw */
        void (*before_line)(void *context); /* called before something is printed; may be NULL */
        void *context;
} Report;

void report_init(Report *r, const Ctl *ctl, const char *file, bool dry);
void report_deinit(Report *r);

/* One refusal, which is told at once: there may be any number. @field and @text may be NULL. */
void report_refusal(Report *r, uint64_t line, const char *id, const char *code, const char *field,
                    const char *text);
void report_fault(Report *r, uint64_t line, const char *id, const Fault *fault);
/* For sink_open(); the tag is the line. */
void report_on_refused(void *report, const SinkRefusal *refusal);

/* A sound survey, sent or about to be: its metrics are noted. */
void report_survey(Report *r, const Survey *s);
/* Warns of metrics that the daemon does not know; asks it. */
void report_unknown(const Report *r, Ctl *ctl);

/*
 * Prints the sums. @result: of sending. Returns that if it is no good one; else CTL_OK, CTL_PARTLY,
 * or CTL_REFUSED if all was refused.
 */
int report_end(Report *r, const SinkTotals *totals, int result);
