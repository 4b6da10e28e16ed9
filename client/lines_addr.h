#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Connecting to an address as people write it: unix:PATH, unix:///PATH, tcp://HOST:PORT, tcp://[::1]:PORT.
 */

#include "client/ctl.h"

/*
 * A connected, non-blocking stream socket in *ret. 0; -EINVAL: that is no address; another errno: not
 * reached.
 */
CX_MUST_CHECK int lines_connect(const char *address, int *ret);

/* Says that nothing listens at @address because of @error (-errno), and what to try. CTL_UNREACHABLE. */
int lines_say_unreachable(const Ctl *ctl, const char *address, int error);
