#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The file or the pipe that surveys are read from. Where it has nothing at present, what was read so far is sent before
 * we wait for more; a signal ends it (interrupt.h).
 */

#include <stdio.h>

#include "client/sink.h"

typedef struct Input {
        FILE *from;
        const char *name; /* borrowed; "-": standard input */
        Sink *sink;       /* borrowed, set by the owner; NULL: nothing is sent */
        int fd;
        int result; /* of the sink, while we waited */
        char buffer[65536];
} Input;

/* @file may be NULL or "-". CTL_OK, or CTL_USAGE, said why. */
int input_open(Input *ret, const Ctl *ctl, const char *file);
void input_close(Input *in);

/* What reading came to that failed with @error (errno): the sink's failure, CTL_INTERRUPTED, or CTL_USAGE, said why. */
int input_failure(const Input *in, const Ctl *ctl, int error);
