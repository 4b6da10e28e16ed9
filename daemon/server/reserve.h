#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Space on the disk that is kept back for alerts: a file beside the store, given up when the disk is full.
 *
 * On the storage thread only.
 */

#include <stdbool.h>

#include "proto/base/def.h"

#define RESERVE_BYTES (1 << 20)

/* So much more must be free before surveys are taken again; else the reserve alone would pass for space. */
#define RESERVE_SPARE (1 << 20)

bool reserve_is_missing(const char *path);

/* Makes the file at its full size, or finds it so. -ENOSPC, or another errno: it is not there then. */
CX_MUST_CHECK int reserve_make(const char *path);
/* The same after it was given up: only if there is RESERVE_SPARE besides. */
CX_MUST_CHECK int reserve_make_again(const char *path);
/* Removes it. */
void reserve_give_up(const char *path);
