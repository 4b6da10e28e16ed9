#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads a socket into the input of its bufferevent, which only writes then: up to version 2.1 libevent takes 4 KiB at once,
 * whatever it is told, and asks the kernel twice for that. Of who sends without a pause that is a fifth of all work.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proto/base/def.h"

struct bufferevent;

/* Who brings less at a time has no more room than this: there may be thousands who are slow. */
#define READ_LITTLE ((size_t)1024 - 64)

/*
 * Some of what has come: up to READ_LITTLE, or if @much up to 16 KiB, less if that waits already. The number of bytes; 0:
 * the end; -errno, -EAGAIN if nothing has come.
 */
CX_MUST_CHECK ssize_t conn_read(struct bufferevent *bev, bool much);
