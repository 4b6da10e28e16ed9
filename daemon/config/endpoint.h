#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The form of an address to listen on: tcp://HOST:PORT, unix:///PATH, ipc:///PATH.
 *
 * HOST is a numeric address (IPv6 in brackets), localhost, or an asterisk for all; no name is looked up. `%R`
 * at the beginning of a path is the runtime directory.
 */

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/def.h"
#include "proto/base/text.h"

#define ENDPOINT_MAX      160
#define ENDPOINT_PATH_MAX 107 /* sun_path without its NUL */

typedef enum EndpointKind {
        ENDPOINT_TCP,
        ENDPOINT_UNIX,
        ENDPOINT_IPC,
} EndpointKind;

typedef struct Endpoint {
        EndpointKind kind;
        bool loopback;            /* nobody from another machine can reach it */
        unsigned port;            /* ENDPOINT_TCP; 0: any that is free */
        char text[ENDPOINT_MAX];  /* as it was written, with %R replaced */
        char place[ENDPOINT_MAX]; /* the same for all ways to write an address */
} Endpoint;

/* NULL: *ret is filled in; else the sentence that says what is wrong, in @why (at least 256 bytes). */
const char *endpoint_parse(Endpoint *ret, Text text, const char *runtime_dir, char *why, size_t why_size);
