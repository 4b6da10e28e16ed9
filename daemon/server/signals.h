#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* What ends the daemon, and what makes it read its configuration again. */

#include "daemon/server/state.h"

/* Before anything is read: what ends the daemon ends it at once, with status 0; SIGHUP waits for the loop. */
CX_MUST_CHECK int signals_begin(Server *s);
/* All is up to the loop from now on; what comes when the loop is gone changes no status. */
CX_MUST_CHECK int signals_take(Server *s);
