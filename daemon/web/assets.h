#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The files of the dashboard and the description of the HTTP API, built into the program.
 *
 * They are what lies in this folder; embed.py turns them into a table of bytes.
 */

#include <stddef.h>

#include "proto/base/text.h"

typedef struct WebAsset {
        const char *path; /* of the request */
        const char *content_type;
        const char *etag; /* with its quotes; changes with every byte of the content */
        Text bytes;       /* static */
} WebAsset;

/* NULL: there is no such file. */
const WebAsset *web_asset(Text path);

/* All of them; *ret_n is their number. */
const WebAsset *web_assets(size_t *ret_n);
