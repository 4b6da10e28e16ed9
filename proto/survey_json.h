#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The survey as JSON (cx-survey(7)): a strict single-pass decoder for the hot path, and the canonical encoder.
 *
 * The decoder takes RFC 8259 and nothing else, refuses NUL, duplicate keys, ill-formed UTF-8 and nesting deeper than
 * SURVEY_DEPTH_MAX, and checks the form of each field (type, length, printable names, a known status, a time). Where
 * the JSON itself is broken the fault is about that, even if a field before it is wrong, too. It neither allocates nor
 * keeps state.
 */

#include "proto/base/buffer.h"
#include "proto/base/json_out.h"
#include "proto/survey.h"

/*
 * Decodes @n bytes of JSON into @s. @scratch has at least @n bytes; text with escapes is unfolded into it. @s borrows
 * from @json and @scratch. @strict refuses unknown top-level fields (FAULT_FIELD); else *ret_n_ignored (may be NULL)
 * counts them. 0, or 1 with @fault filled in; @s is not to be used then, except for s->id where it was read (for the
 * report; else absent).
 */
CX_MUST_CHECK int survey_decode(Survey *s, const char *json, size_t n, char *scratch, bool strict,
                                Fault *fault, size_t *ret_n_ignored);

/* Room for the texts of one that is stored: it may be a little longer than what was sent, for numbers and times are written out. */
#define SURVEY_SCRATCH_BYTES ((size_t)2 * SURVEY_BYTES_MAX)

/* What was encoded, and has been stored since. @scratch: SURVEY_SCRATCH_BYTES. 0; -EBADMSG: it is no survey. */
CX_MUST_CHECK int survey_decode_stored(Survey *s, Text json, char *scratch);

/*
 * Writes the canonical form: fields in the order of cx-survey(7), answers sorted by metric name, time in UTC, absent
 * fields left out, status left out when answered. Two surveys have the same content if and only if these bytes are
 * the same. No newline.
 */
void survey_encode(const Survey *s, Buffer *to);
