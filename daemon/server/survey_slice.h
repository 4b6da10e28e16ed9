#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A slice of stored surveys, read on the storage thread and handled on the loop's.
 *
 * Long scans are many slices, so that commits go on between them.
 */

#include "daemon/server/journal.h"
#include "proto/base/buffer.h"
#include "proto/metric.h"

typedef struct SurveySlice SurveySlice;

typedef struct SliceRow {
        uint64_t seq;
        usec_t ts;
        size_t json_at, json_n; /* in SurveySlice.bytes */
        bool other;             /* not of SurveySlice.source */
} SliceRow;

struct SurveySlice {
        JournalJob job; /* first: a job is its slice */
        /* in: */
        StoreRecent *recent; /* from there on (owned by the caller); NULL: by number, above `after` */
        uint64_t after;
        char source[METRIC_NAME_MAX + 1];             /* whose surveys are wanted; "": everybody's */
        void (*done)(SurveySlice *slice, int result); /* on the loop's thread */
        /* out: */
        Buffer bytes;
        SliceRow *rows;
        size_t n_rows, size;
        bool complete; /* there is no more */
};

#define SLICE_ROWS_MAX  4000
#define SLICE_BYTES_MAX ((size_t)4 << 20)
#define SLICE_READS_MAX 4 /* of about a thousand surveys, whether they are of the time or not */

/* With the fields marked "in" set. Keeps memory of an earlier use. */
void survey_slice_submit(SurveySlice *slice, Journal *journal);
void survey_slice_deinit(SurveySlice *slice);

static inline Text survey_slice_json(const SurveySlice *slice, const SliceRow *row)
{
        return (Text){.at = slice->bytes.data + row->json_at, .n = row->json_n};
}
