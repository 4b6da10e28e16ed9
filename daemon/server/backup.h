#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A copy of the whole store for somebody who asks, while it is in use.
 *
 * The happy path is: the storage thread copies the store into a file beside it, in slices between which commits go on;
 * the file loses its name and is sent piece by piece. Possible failure modes: no space for the copy (503, and nothing
 * else notices), the client goes (the copy ends), the disk cannot be read (500; the connection breaks if it had begun).
 */

#include "daemon/io/httpd.h"

typedef struct Principal Principal;
typedef struct Server Server;
typedef struct Backup Backup;

/* Removes what an earlier process may have left. -ENOMEM. */
CX_MUST_CHECK int backup_new(Backup **ret, Server *s);
/* When the storage thread has ended. */
Backup *backup_free(Backup *b);

/* For @who, as long as that is an admin. False: another one is going on, or the daemon is not ready; @r is the caller's still. */
bool backup_start(Backup *b, HttpRequest *r, const Principal *who);
