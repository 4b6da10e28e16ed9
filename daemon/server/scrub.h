#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Everything that is stored is read once a day at most, a slice every few seconds, and whenever somebody asks; more
 * quickly the first time, if the start has not read it.
 *
 * What is damaged is found here while a backup may still have it; the store counts and tells it as if anybody else had met it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/buffer.h"
#include "proto/base/def.h"
#include "proto/base/usec.h"

typedef struct Server Server;
typedef struct Scrub Scrub;

typedef struct ScrubStats {
        uint64_t n_passes;  /* complete ones, since the start */
        uint64_t n_rows;    /* of the last complete one */
        usec_t complete_at; /* real time; 0: none yet */
} ScrubStats;

/* -ENOMEM. */
CX_MUST_CHECK int scrub_new(Scrub **ret, Server *s);
/* When the storage thread has ended. */
Scrub *scrub_free(Scrub *c);
/* @unread: the start has used a snapshot. */
void scrub_start(Scrub *c, bool unread);
void scrub_stats(const Scrub *c, ScrubStats *ret);

/* A check of everything at once. */
typedef struct ScrubReport {
        uint64_t n_rows, n_damaged;
        Buffer names; /* of the damaged, each with a newline; cut at 64 KiB */
        usec_t took;
} ScrubReport;

/* Result < 0: it was given up. @report is borrowed. True from the first: go on. */
typedef struct ScrubOps {
        bool (*wanted)(void *user);
        void (*done)(void *user, int result, const ScrubReport *report);
} ScrubOps;

/* -ENOMEM: nothing is called. Else done() comes once, from the loop; @ops is borrowed until then. */
CX_MUST_CHECK int scrub_everything(Server *s, const ScrubOps *ops, void *user);
