#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inside of snapshots, for its own files: snapshots.c (when one is taken), snapshots_write.c (what goes into the file)
 * and snapshots_place.c (what the store knows of it).
 */

#include <stdbool.h>

#include "daemon/server/snapshots.h"
#include "daemon/server/state.h"
#include "daemon/store/image_file.h"

typedef enum SnapshotStage {
        SNAPSHOT_IDS,    /* the known ids are gathered */
        SNAPSHOT_CUT,    /* a cut is awaited */
        SNAPSHOT_ENGINE, /* the engine is gathered, as it was at the cut */
        SNAPSHOT_WHOLE,  /* there is no more to gather */
} SnapshotStage;

struct Snapshots {
        JournalJob job; /* first: a job is its snapshots */
        Server *server;
        Journal *writer; /* of the file; the store's thread is not to wait for it */
        LoopTimer *timer;
        LoopTimer *release; /* of senders that were held */
        char *path;
        ImageFile *file; /* NULL: none is being made. The next five are of that */
        SnapshotHead head;
        SnapshotCut cut;
        SnapshotStage stage;
        Buffer gathered; /* of the image; surveys that are counted add to it, too */
        Buffer part;     /* what was gathered before, while it is written */
        SnapshotMarks marks;
        bool busy;       /* the job is on its way */
        bool asked;      /* for a cut */
        bool given_up;   /* the one under way may hold what was never stored */
        bool outdated;   /* what is in place, or on its way there, is of an engine before: to be forgotten */
        bool distrusted; /* no start may use what is in place, or on its way there */
        bool due;        /* without regard to how much has changed */
        bool failed;     /* the last one; said once */
        usec_t tried;    /* monotonic: when the last one was begun */
        usec_t begun, took;    /* since its cut */
        uint64_t counted;      /* changes at the last cut that was tried for one ... */
        uint64_t counted_live; /* ... and at that of the one in place */
        size_t n_expired;
        SnapshotStats stats;
};

/* Makes the file, says in s->head which snapshot it is going to be, and begins with the ids. -ENOSPC, -ENOMEM, -errno. */
CX_MUST_CHECK int snapshots_begin_file(Snapshots *s);
/* The next part of the image into s->part; stages go on with it. False: there is none before the cut. */
bool snapshots_gather(Snapshots *s);
/* At the cut: what has changed of the ids since the first of them was gathered, and the engine from now on. */
void snapshots_gather_cut(Snapshots *s);
/* Those that wait because too much was gathered. */
void snapshots_release_senders(void *user);
/* On the writer's thread: s->part into the file; if it is the last one, all of it onto the disk. -ENOMEM: it was not gathered
 * whole; -errno. */
CX_MUST_CHECK int snapshots_write_part(Snapshots *s);
/* All at once, with a cut that is now; not onto the disk. -errno. */
CX_MUST_CHECK int snapshots_write_all(Snapshots *s);
/* Removes what was written. Not while the job has the file. */
void snapshots_abandon(Snapshots *s);

/* snapshots_place.c: a transaction of its own. As the store. */
CX_MUST_CHECK int snapshots_commit_marks(Store *store, const SnapshotMarks *marks);
/* Has the storage thread move the file, which is whole, into place, and then delete what older ones needed. */
void snapshots_place(Snapshots *s);
/* Likewise for all that there is: none is wanted any more. Until it is done, what changes is kept as before. */
void snapshots_forget(Snapshots *s);
void snapshots_note_placed(Snapshots *s, usec_t now);
void snapshots_note_failure(Snapshots *s, const char *what, int error);
