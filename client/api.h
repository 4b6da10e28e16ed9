#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Questions to the daemon and its answers, and what both mean for the exit code.
 */

#include <jansson.h>

#include "client/cmd.h"
#include "client/ctl.h"
#include "proto/base/buffer.h"

/*
 * GET of @path_and_query, or POST if @body (JSON, C string) is not NULL. CTL_OK with *ret (the bytes, to be
 * given to buffer_deinit()); else the exit code, said why: CTL_NEGATIVE for E_NOT_FOUND, CTL_REFUSED for
 * other refusals.
 */
int api_call(Ctl *ctl, const char *path_and_query, const char *body, Buffer *ret);

/* What an answer other than 200 means; says it. @body is the error object. */
int api_refusal(const Ctl *ctl, long status, const Buffer *body);

/* NULL, said why: the daemon sent something else than a JSON object. */
json_t *api_parse(const Ctl *ctl, const Buffer *body);

/* Says that an answer lacks what was asked for, which is no good news. CTL_REFUSED. */
int api_strange(const Ctl *ctl);

/* api_call() by GET and api_parse(); in *ret_body the bytes if not NULL. */
int api_get(Ctl *ctl, const char *path_and_query, json_t **ret, Buffer *ret_body);

/* Opens ctl->http if it is not open yet. CTL_OK, or CTL_USAGE, said why. */
int api_open(Ctl *ctl);

/* The same for what takes as long as it takes: with the patience of --timeout. */
int api_open_patient(Ctl *ctl, const Args *args);

#define API_TIMEOUT_HELP "give up when the daemon answers nothing for so long (default 120)"

/* Members; @object may be NULL or something else. Borrowed. */
const char *member_string(const json_t *object, const char *key); /* NULL: absent or no text */
double member_double(const json_t *object, const char *key);      /* NaN: absent or no number */
int64_t member_integer(const json_t *object, const char *key);    /* 0: absent or no whole number */

static inline void json_freep(json_t **j)
{
        json_decref(*j);
}
