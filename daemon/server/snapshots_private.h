#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inside of snapshots, for its own files: snapshots.c (when one is taken), snapshots_write.c (the file, and the child that
 * writes it) and snapshots_place.c (what the store knows of it).
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
        pid_t child;       /* 0: none */
        ImageFile *file;   /* NULL: none is being made */
        SnapshotHead head; /* of that */
        SnapshotCut cut;
        Buffer part;     /* of the known ids, for the job */
        bool has_ids;    /* all parts are in the file */
        bool in_the_way; /* when it was begun: is_in_the_way() */
        SnapshotMarks marks;
        bool busy;       /* the job is on its way */
        bool asked;      /* for a cut */
        bool given_up;   /* the one under way may hold what was never stored */
        bool outdated;   /* what is in place, or on its way there, is of an engine before: to be forgotten */
        bool distrusted; /* no start may use what is in place, or on its way there */
        bool due;        /* without regard to how much has changed */
        bool failed;     /* the last one; said once */
        usec_t tried;    /* monotonic: when the last one was begun */
        usec_t begun, took;    /* since its cut; what keeps others from their work */
        uint64_t counted;      /* changes at the last cut that was tried for one ... */
        uint64_t counted_live; /* ... and at that of the one in place */
        size_t n_expired;
        SnapshotStats stats;
};

/* Makes the file, says in s->head which snapshot it is going to be, and begins with the ids. -ENOSPC, -ENOMEM, -errno. */
CX_MUST_CHECK int snapshots_begin_file(Snapshots *s);
/* All that is left of the ids, at once. */
void snapshots_write_ids(Snapshots *s);
/* The next part of them into s->part. False: there is none. */
bool snapshots_take_part(Snapshots *s);
/* On the storage thread: into the file. -errno. */
CX_MUST_CHECK int snapshots_write_part(Snapshots *s);
/* What comes behind the ids, with s->cut. Allocates nothing. -errno. */
CX_MUST_CHECK int snapshots_write_image(const Snapshots *s, bool sync);
/* The process that writes what is in memory now, and exits with an errno or 0. < 0: errno says why not. */
CX_MUST_CHECK pid_t snapshots_fork_child(Snapshots *s);
/* Ends the child, if there is one, and removes what was written. Not while the job has the file. */
void snapshots_abandon(Snapshots *s);

/* snapshots_place.c: a transaction of its own. As the store. */
CX_MUST_CHECK int snapshots_commit_marks(Store *store, const SnapshotMarks *marks);
/* Has the storage thread move the file, which is whole, into place, and then delete what older ones needed. */
void snapshots_place(Snapshots *s);
/* Likewise for all that there is: none is wanted any more. Until it is done, what changes is kept as before. */
void snapshots_forget(Snapshots *s);
void snapshots_note_placed(Snapshots *s, usec_t now);
void snapshots_note_failure(Snapshots *s, const char *what, int error);
