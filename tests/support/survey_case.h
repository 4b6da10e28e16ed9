#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * For tests that decode one survey after another: the text must be good, or must be refused for a certain
 * reason.
 */

#include "proto/survey_json.h"
#include "tests/support/check_main.h"

/* Exactly as large as the text, so that a sanitizer sees each byte too many. */
static inline int decode_as(Text json, bool strict, Survey *s, Fault *f, size_t *ret_n_ignored)
{
        static char *kept[2];

        for (size_t i = 0; i < 2; i++) {
                free(kept[i]);
                kept[i] = malloc(json.n ? json.n : 1);
        }
        if (json.n)
                memcpy(kept[0], json.at, json.n);
        *f = FAULT_NULL;
        return survey_decode(s, kept[0], json.n, kept[1], strict, f, ret_n_ignored);
}

static inline int decode(Text json, Survey *s, Fault *f)
{
        return decode_as(json, false, s, f, NULL);
}

static inline Survey good(const char *json)
{
        Survey s;
        Fault f;
        int r = decode(text_of(json), &s, &f);

        ck_assert_msg(r == 0, "%s: %s %s: %s", json, fault_name(f.code), f.field, f.text);
        return s;
}

static inline Fault bad_text(Text json, FaultCode code, const char *field)
{
        Survey s;
        Fault f;

        ck_assert_msg(decode(json, &s, &f) == 1, TEXT_FMT, TEXT_ARG(json));
        ck_assert_msg(f.code == code && strcmp(f.field, field) == 0, TEXT_FMT ": %s %s: %s", TEXT_ARG(json),
                      fault_name(f.code), f.field, f.text);
        ck_assert_uint_gt(strlen(f.text), 5);
        ck_assert(text_is_printable(text_of(f.text)));
        ck_assert(text_is_printable(text_of(f.field)));
        return f;
}

static inline Fault bad(const char *json, FaultCode code, const char *field)
{
        return bad_text(text_of(json), code, field);
}

/* A survey that lacks nothing, with @more members. */
#define WITH(_more) "{\"id\":\"1\",\"ts\":0,\"queue\":\"q\"" _more "}"
