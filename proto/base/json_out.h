#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes JSON into a Buffer, commas and escapes included.
 *
 * Numbers are written as the shortest decimal that reads back as the same double, so that a figure is the same bytes
 * on every path. The caller keeps begin and end in pairs. Failure is the buffer's (buffer_failed()).
 */

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/buffer.h"
#include "proto/base/text.h"
#include "proto/base/usec.h"

typedef struct JsonOut {
        Buffer *to;
        bool comma; /* a value was written before this place */
} JsonOut;

#define JSON_OUT_INIT(_buffer) ((JsonOut){.to = (_buffer)})

void json_begin_object(JsonOut *j);
void json_end_object(JsonOut *j);
void json_begin_array(JsonOut *j);
void json_end_array(JsonOut *j);
void json_key(JsonOut *j, Text key);

void json_none(JsonOut *j); /* null; jansson has the better name */
void json_bool(JsonOut *j, bool value);
void json_int(JsonOut *j, int64_t value);
/* NaN and infinities are written as null. */
void json_number(JsonOut *j, double value);
/* @value must be UTF-8. */
void json_text(JsonOut *j, Text value);
void json_time(JsonOut *j, usec_t value);
/* @json is one complete JSON value already. */
void json_raw(JsonOut *j, Text json);

/* Writes @t in quotation marks at @to, which has that much room; returns the end. For writers that cannot wait. */
#define JSON_STRING_ROOM(_n) ((size_t)(_n)*6 + 2)
char *json_put_string(char *to, Text t);

/* Key and value in one call; @key is a C string. json_member_text() leaves the member out if @value is absent. */
void json_member_null(JsonOut *j, const char *key);
void json_member_bool(JsonOut *j, const char *key, bool value);
void json_member_int(JsonOut *j, const char *key, int64_t value);
void json_member_number(JsonOut *j, const char *key, double value);
void json_member_text(JsonOut *j, const char *key, Text value);
void json_member_str(JsonOut *j, const char *key, const char *value);
void json_member_time(JsonOut *j, const char *key, usec_t value);
