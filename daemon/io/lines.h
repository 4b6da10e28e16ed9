#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The line server: sessions in which a client sends lines and is answered in lines.
 *
 * The happy path is: line_server_new(); a Listener with line_server_accept and the server as @user;
 * on_open(), on_line() for each line, on_end() when the client has sent everything, line_close() by the owner
 * when the last answer is written, on_closed(). Possible failure modes: the client resets, idles, does not
 * read: on_closed() comes with the reason. A client that does not read its answers is not read from
 * (ConnLimits.out_high).
 *
 * A LineSession belongs to the server; pointers to it are good until on_closed() returns.
 */

#include "daemon/io/conn.h"
#include "daemon/io/line_frame.h"
#include "proto/base/text.h"

typedef struct LineServer LineServer;
typedef struct LineSession LineSession;

typedef struct LineOps {
        /* A new client. *ret_session_user is what the other callbacks get. < 0: it is cut and nothing else
         * comes. */
        int (*on_open)(LineSession *s, void *server_user, void **ret_session_user);
        /* One line, without its end, never empty; borrowed for the call. */
        void (*on_line)(LineSession *s, uint64_t number, Text line, void *session_user);
        void (*on_too_long)(LineSession *s, uint64_t number, void *session_user);
        /* @n_lines came in all and none will follow. The owner answers and calls line_close(). NULL: closed
         * at once. */
        void (*on_end)(LineSession *s, uint64_t n_lines, void *session_user);
        /* At most ConnLimits.out_low is unsent. May be NULL. */
        void (*on_drained)(LineSession *s, void *session_user);
        /* Exactly once for every on_open() that returned 0. The session is gone when it returns. */
        void (*on_closed)(LineSession *s, ConnReason reason, void *session_user);
} LineOps;

/* @limits (NULL: the defaults) is copied, @ops borrowed. @line_max 0: LINE_MAX_DEFAULT. -ENOMEM. */
CX_MUST_CHECK int line_server_new(LineServer **ret, Loop *l, const ConnLimits *limits, size_t line_max,
                                  const LineOps *ops, void *server_user);
/* Ends every session at once: on_closed(CONN_CUT) is called for each, from here. Not inside one of its
 * callbacks. */
LineServer *line_server_free(LineServer *s);
/* A ListenerFn; @user is the LineServer. */
void line_server_accept(Accepted *a, void *user);
unsigned line_server_count(const LineServer *s);
/* Every session, in no particular order; @fn may close or cut it. */
void line_server_each(LineServer *s, void (*fn)(LineSession *s, void *session_user));

/* Whole lines, each with its LF, at once if possible. As conn_write_now(). */
int line_write(LineSession *s, Text lines);
size_t line_unsent(const LineSession *s);
/* No on_line() until line_resume(); also within on_line(). Used while too much waits for the store. */
void line_pause(LineSession *s);
void line_resume(LineSession *s);
/* Sends what is written and ends (on_closed() follows), or ends at once. */
void line_close(LineSession *s);
void line_cut(LineSession *s, ConnReason reason);
void line_set_deadline(LineSession *s, usec_t monotonic);
const Peer *line_peer(const LineSession *s);

CX_DEFINE_CLEANUP(LineServer, line_server_free)
