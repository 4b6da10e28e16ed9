#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The running daemon: what the files of this layer share. server.h is its outside.
 */

#include <sys/types.h>

#include "daemon/config/config.h"
#include "daemon/core/engine.h"
#include "daemon/core/seen.h"
#include "daemon/io/httpd.h"
#include "daemon/io/lines.h"
#include "daemon/io/loop.h"
#include "daemon/io/notify.h"
#include "daemon/io/sp.h"
#include "daemon/io/tls.h"
#include "daemon/server/ceiling.h"
#include "daemon/server/feeds.h"
#include "daemon/server/intake.h"
#include "daemon/server/journal.h"
#include "daemon/server/backup.h"
#include "daemon/server/scrub.h"
#include "daemon/server/server.h"
#include "daemon/server/snapshots.h"
#include "daemon/server/upkeep.h"
#include "proto/base/json_out.h"

typedef struct Rebuild Rebuild;

/* A feed's own endpoint, feed/<principal>.ipc. */
typedef struct FeedEndpoint {
        char principal[METRIC_NAME_MAX + 1];
        struct Server *server;
        SpSocket *socket;
        Listener *listener;                   /* feed/<principal>.ipc */
        Listener *tcp;                        /* NULL: the principal has no TCP feed */
        char address[PRINCIPAL_FEED_MAX + 1]; /* of that one, as configured */
        bool has_uid;                         /* of the principal, when it was opened */
        struct FeedEndpoint *next;
} FeedEndpoint;

/* What was written to a stream last. */
typedef struct StreamFrame {
        const Feed *feed; /* NULL: no alert of a feed */
        uint64_t seq;
        usec_t now; /* of that turn: what somebody may see depends on it */
        bool visible;
        Buffer text;
} StreamFrame;

typedef enum ServerState {
        SERVER_STARTING,
        SERVER_READY,
        SERVER_RELOADING,
        SERVER_STOPPING,
} ServerState;

struct Server {
        ServerOptions options;
        ServerState state;
        int exit_status;
        usec_t started;
        usec_t start_told; /* monotonic: when systemd was told of a start that goes on */
        uint64_t n_read;   /* surveys, by a start */

        Loop *loop;
        LoopWake *wake;      /* from the threads */
        LoopTimer *turn;     /* intake_turn() */
        LoopTimer *telling;  /* intake_tell() */
        LoopTimer *deadline; /* of the engine */
        LoopTimer *tick;
        LoopTimer *watchdog;
        LoopTimer *retry; /* is there space on the disk again? */
        LoopTimer *shed;  /* how much memory is in use? */
        LoopTimer *grace; /* how long a stop may take */
        LoopSignal *signals[3];

        Config *config;
        Config *engine_config; /* whose settings the engine has; usually the same */
        Config *next_config;   /* of a reload that is going on */
        Engine *engine;
        Seen seen;
        Feeds *feeds;
        Journal *journal;
        char *reserve; /* path */
        ino_t store_inode;
        Intake *intake;
        Rebuild *rebuild; /* NULL: none is going on */
        bool draining;    /* stopping, and nothing is in flight any more */
        bool deadline_set;
        bool reload_again; /* asked for while a reload was going on */
        Upkeep *upkeep;    /* retention */
        Scrub *scrub;
        Backup *backup;
        Snapshots *snapshots;
        SnapshotMarks snapshot_marks; /* as of the start */
        StoreInfo store_info;         /* as of the last upkeep or scrub */
        Ceiling ceiling;
        size_t resident;     /* bytes of memory in use, as of the last look; 0: nobody has looked */
        unsigned n_unlooked; /* surveys since then */

        Tls *tls;
        ConnCap *cap, *tcp_cap; /* of all connections; of those over TCP, below it */
        LineServer *lines;
        HttpServer *http;
        StreamFrame stream_frame;
        SpSocket *pull, *rep, *pub;
        IntakeSink pull_sink;
        uint64_t pull_index;
        Listener **listeners;
        size_t n_listeners;
        FeedEndpoint *endpoints;
        SpStats closed_feeds; /* of endpoints that are there no more */
};

/* Ends the loop, and nothing is acknowledged any more. What failed is said once, however many meet it; the first one decides
 * what the process exits with: SERVER_EXIT_INTERNAL for -ENOMEM, SERVER_EXIT_IO for all else. */
void server_fail(Server *s, int error, const char *what);
/* Arms one of the server's timers; one that cannot be armed is a failure. */
void server_wake(Server *s, LoopTimer *timer, usec_t delay);
/* From another thread: results are waiting (journal_new()). @user is the Server. */
void server_ring(void *user);
/* Takes no more, and ends the loop when all that was taken is settled; asked again: at once. */
void server_stop(Server *s);
/* Why senders wait, where they do. */
const char *server_wait_reason(const Server *s);
/* Everything is settled: ends the loop once senders have their last answers. */
void server_drain(Server *s);
/* intake_ops.c; @user is the Server. */
extern const IntakeOps server_intake_ops;
/* Tells systemd how it goes. */
void server_tell_status(Server *s);
/* Why a daemon that is ready takes no surveys; NULL: it does. */
const char *server_obstacle(const Server *s);
/* Lets the engine know what time it is. */
void server_step_time(Server *s);

/* Where there is a bound on memory, a client may leave so much unread before it is not read from, or misses messages. */
#define SHED_UNREAD_MAX ((size_t)64 * 1024)

/* limits.memory holds from now on, or has another value. */
void shed_start(Server *s);
/* The timer's. */
void shed_look(void *user);
/* A survey is to be taken: is memory too short for it? */
bool shed_is_due(Server *s);

/* faces: line protocol, nanomsg, HTTP. Each returns -ENOMEM. */
CX_MUST_CHECK int face_lines_new(Server *s);
CX_MUST_CHECK int face_sp_new(Server *s);
CX_MUST_CHECK int face_http_new(Server *s);
/* How many connections there may be, in all and over TCP. */
CX_MUST_CHECK int faces_caps_new(Server *s);
/* Opens the listeners of the configuration, or takes those that systemd hands over. 0, or < 0 after logging.
 */
CX_MUST_CHECK int faces_listen(Server *s);
/* One endpoint for each principal, under the directory of the first feed address. Those that cannot be opened are logged. */
void faces_listen_feeds(Server *s);
/* So many connections as the configuration wants, and the limit of open files bears. */
void faces_limit(Server *s);
void faces_stop_listening(Server *s);
void faces_free(Server *s);

CX_MUST_CHECK int face_sp_endpoint_new(Server *s, const char *principal, FeedEndpoint **ret);
FeedEndpoint *face_sp_endpoint_free(FeedEndpoint *e);
/* Messages that all subscribers were sent, and lost. */
void face_sp_feed_stats(const Server *s, SpStats *ret);

/* Nothing more is taken: the intake is to rest. Who comes now waits as well. */
void face_lines_pause(Server *s);
void face_sp_pause(Server *s);
/* The intake has room again. */
void face_lines_resume(Server *s);
void face_sp_resume(Server *s);
/* Another configuration holds: sources and principals are looked up again. */
void face_lines_reconfigure(Server *s);
void face_sp_reconfigure(Server *s);

/* Every HTTP request. @user is the Server. */
void api_handle(HttpRequest *r, void *user);
