#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inside of snapshots, for its own files: snapshots.c (when one is taken, and what becomes of it) and snapshots_write.c
 * (the file, and the child that writes it).
 */

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/server/snapshots.h"
#include "daemon/server/state.h"
#include "daemon/store/image_file.h"

struct Snapshots {
        JournalJob job; /* first: a job is its snapshots */
        Server *server;
        LoopTimer *timer;
        LoopSignal *child_ended;
        LoopTimer *release; /* of the senders that were held */
        char *path;
        pid_t child; /* 0: none */
        ImageFile *file;
        SnapshotHead head; /* of the one that is being made */
        SnapshotMarks marks;
        bool busy;       /* the job is on its way */
        bool asked;      /* for a cut */
        bool given_up;   /* the one under way may hold what was never stored */
        bool outdated;   /* what is in place, or on its way there, is of an engine before: to be forgotten */
        bool distrusted; /* no start may use what is in place, or on its way there */
        bool due;        /* without regard to how much has changed */
        bool failed;     /* the last one; said once */
        usec_t begun, took, tried; /* monotonic */
        uint64_t counted;          /* changes at the last cut that was tried for one ... */
        uint64_t counted_live;     /* ... and at that of the one in place */
        size_t n_expired;
        SnapshotStats stats;
};

/* Makes the file and says in s->head which snapshot it is going to be. -ENOSPC, -ENOMEM, -errno. */
CX_MUST_CHECK int snapshots_begin_file(Snapshots *s);
/* Allocates nothing. -errno. */
CX_MUST_CHECK int snapshots_write_image(const Snapshots *s, bool sync);
/* The process that writes what is in memory now, and exits with an errno or 0. < 0: errno says why not. */
CX_MUST_CHECK pid_t snapshots_fork_child(Snapshots *s);
/* Ends the child, if there is one, and removes what it has written. */
void snapshots_end_child(Snapshots *s);
