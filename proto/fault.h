#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every way in which cxd refuses something from outside: one table of code, HTTP status and general sentence.
 *
 * A Fault is one refusal: the code, the field that is to blame, and a sentence that says what is wrong and
 * what would be right. The code is what programs look at; it never changes its meaning.
 */

#include "proto/base/def.h"

/* clang-format off */
#define FAULT_TABLE(_x)                                                                                       \
        /* the line or body itself */                                                                         \
        _x(JSON, 400, "not well-formed JSON")                                                                 \
        _x(UTF8, 400, "not well-formed UTF-8")                                                                \
        _x(DUPLICATE_KEY, 400, "the same key twice in one object")                                            \
        _x(DEPTH, 400, "nested too deeply")                                                                   \
        _x(TOO_LONG, 413, "longer than the limit")                                                            \
        /* a survey */                                                                                        \
        _x(TYPE, 400, "not of the type that this field has")                                                  \
        _x(MISSING, 400, "a required field is missing")                                                       \
        _x(RANGE, 400, "outside the allowed range")                                                           \
        _x(FIELD, 400, "a field that surveys do not have")                                                    \
        _x(METRIC, 400, "a metric that is not configured")                                                    \
        _x(FUTURE, 400, "the time lies too far in the future")                                                \
        _x(TOO_OLD, 400, "older than the retention of surveys")                                               \
        _x(STALE, 409, "a higher revision of this survey is stored")                                          \
        _x(SOURCE_QUEUE, 403, "this source may not send for this queue")                                      \
        /* a request */                                                                                       \
        _x(HTTP, 400, "not an HTTP request that this server takes")                                           \
        _x(TOKEN, 401, "no valid token")                                                                      \
        _x(FORBIDDEN, 403, "not allowed to this caller")                                                      \
        _x(NOT_FOUND, 404, "there is no such thing, or it is not visible to this caller")                     \
        _x(METHOD, 405, "this method is not available here")                                                  \
        _x(PARAMETER, 400, "a parameter of the request is wrong")                                             \
        _x(STATE, 409, "not possible in the present state")                                                   \
        _x(HISTORY, 422, "figures of that resolution are not kept for so long")                               \
        /* the daemon */                                                                                      \
        _x(BUSY, 429, "too much is in flight; try again")                                                     \
        _x(INTERNAL, 500, "the daemon could not carry this out")                                              \
        _x(UNAVAILABLE, 503, "not taking surveys at present; try again")
/* clang-format on */

typedef enum FaultCode {
        FAULT_NONE,
#define FAULT_ENUM(_name, _status, _text) FAULT_##_name,
        FAULT_TABLE(FAULT_ENUM)
#undef FAULT_ENUM
                _FAULT_N,
} FaultCode;

typedef struct Fault {
        FaultCode code;
        char field[160]; /* "answers.csat"; empty: no single field */
        char text[256];
} Fault;

#define FAULT_NULL ((Fault){0})

/* "E_RANGE"; "" for FAULT_NONE. */
const char *fault_name(FaultCode code);
/* 400, ...; 200 for FAULT_NONE. */
int fault_status(FaultCode code);
/* The general sentence of the table. */
const char *fault_text(FaultCode code);

/* Fills in all of @f; @field may be NULL; @format NULL: the general sentence. Returns 1: "refused, see the
 * fault". */
CX_PRINTF(4, 5) int fault_set(Fault *f, FaultCode code, const char *field, const char *format, ...);
