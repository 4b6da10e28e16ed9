#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Another configuration for the running daemon: all of it, or nothing.
 *
 * The new files are read and checked completely first. What changes figures is computed anew from the stored
 * surveys while the old figures are still being served; senders wait meanwhile. Then everything is swapped in
 * one step.
 */

#include "daemon/server/state.h"

/* On SIGHUP. Logs what comes of it. */
void reload_start(Server *s);
/* The intake has come to rest: goes on with it. */
void reload_rested(Server *s);
