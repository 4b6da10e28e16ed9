#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Counts of answers as text, as they are stored for one scope and one day.
 *
 * A line for each metric: its name, then answer and count of each answer that was given, both ascending:
 * "csat 1:12 5:90\n". An answer is the number on the metric's scale, so that a scale may grow later.
 */

#include <stdint.h>

#include "proto/base/buffer.h"
#include "proto/base/def.h"
#include "proto/base/text.h"

typedef struct CountsItem {
        Text metric;
        int64_t answer;
        uint64_t n;
} CountsItem;

typedef struct CountsReader {
        Text rest;
        Text metric;
} CountsReader;

#define COUNTS_READER(_text) ((CountsReader){.rest = (_text)})

/* The next item: 1; 0: there is none; -EBADMSG: not such a text. */
CX_MUST_CHECK int counts_read(CountsReader *r, CountsItem *ret);

typedef struct CountsWriter {
        Buffer *to;
        Text metric; /* of the line that is being written; borrowed */
} CountsWriter;

/* Items must come in order. counts_end() after the last one. */
void counts_write(CountsWriter *w, const CountsItem *item);
void counts_end(CountsWriter *w);

/* Appends the sums of both to @to. -EBADMSG. */
CX_MUST_CHECK int counts_add(Text a, Text b, Buffer *to);
