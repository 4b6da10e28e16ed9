#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The survey decoder beside jansson with JSON_REJECT_DUPLICATES and beside a slow model of the rules of
 * cx-survey(7).
 *
 * They have to agree on whether a text is JSON, on whether it is a survey, and on every value to the last
 * bit; and what was accepted has to survive encoding and decoding.
 */

#include <stddef.h>

#include "proto/fault.h"

/* NULL: all agree, and *ret_code is the decoder's verdict. Else what they do not agree on, as a static
 * string. */
const char *survey_differ(const char *json, size_t n, FaultCode *ret_code);
