#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A progress bar on a terminal: share, rate, time left. On anything else it stays silent.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/base/usec.h"

typedef struct Progress {
        FILE *to;
        bool on;
        bool drawn;
        usec_t started, shown;
} Progress;

void progress_init(Progress *p, FILE *to);

/*
 * @done of @all units of work (bytes, days; @all 0: nobody knows), @count surveys so far. Draws at most ten times
 * a second.
 */
void progress_update(Progress *p, double done, double all, uint64_t count);

/* Takes the bar away so that something else can be printed. */
void progress_clear(Progress *p);

/*
 * "[#####     ]  52 %  12345  8000/s  4s left", or "12345  8000/s" where @all is 0: for progress_update() and its
 * test. Returns @ret.
 */
char *progress_format(double done, double all, uint64_t count, usec_t elapsed, char *ret, size_t size);
