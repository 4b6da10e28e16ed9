#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The daemon as a whole: from a configuration to the status with which the process exits.
 */

#include "daemon/config/config.h"
#include "daemon/io/notify.h"
#include "proto/base/def.h"

typedef struct Server Server;

/* Exit statuses, after sysexits(3). */
enum {
        SERVER_EXIT_OK = 0,
        SERVER_EXIT_DAMAGED = 1,
        SERVER_EXIT_USAGE = 64,
        SERVER_EXIT_INTERNAL = 70,
        SERVER_EXIT_IO = 74,
        SERVER_EXIT_CONFIG = 78,
};

/* Borrowed as long as the server lives. */
typedef struct ServerOptions {
        const char *config_file;
        const char *state_dir;
        const char *runtime_dir;
        Notify *notify;
        HashKey key;
} ServerOptions;

/* Takes @config over in any case. Logs what goes wrong and returns the exit status. Runs until SIGTERM or
 * SIGINT. */
int server_run(const ServerOptions *options, Config *config);

/* Reads a store that no daemon has open, and reports to @to. Returns the exit status. */
int server_verify(const char *path, FILE *to);
