#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Cuts a stream of bytes into lines.
 *
 * Pure. A line ends with LF; a CR before it does not belong to it. Lines count from 1, also those that are
 * empty or have only blanks, which are not delivered. A line longer than the limit is reported once, as soon as that is known, and skipped up
 * to its LF without being kept. A plain value, embedded by its owner.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/text.h"

#define LINE_MAX_DEFAULT ((size_t)64 * 1024)

typedef struct LineFrame {
        size_t limit;    /* bytes of a line without its end */
        uint64_t number; /* of the last line that ended or was reported; 0: none yet */
        size_t scanned;  /* of the unconsumed bytes, how many hold no LF */
        bool skipping;
} LineFrame;

/* @line is borrowed for the call; TEXT_NULL: this line is too long. Returns false to stop after this line. */
typedef bool (*LineFrameFn)(uint64_t number, Text line, void *user);

/* @limit 0: LINE_MAX_DEFAULT. */
#define LINE_FRAME_INIT(_limit) ((LineFrame){.limit = (_limit) ? (_limit) : LINE_MAX_DEFAULT})

/* @data: everything not consumed so far, with what is new at its end. Returns how much of it is consumed now.
 */
size_t line_frame_feed(LineFrame *f, const char *data, size_t n, LineFrameFn fn, void *user);
/* The stream has ended; @data: what is unconsumed. Delivers a last line that has no LF. */
void line_frame_end(LineFrame *f, const char *data, size_t n, LineFrameFn fn, void *user);
