#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the daemon lets the caller see (/v1/me): metrics with their units, windows, scopes. From it come the
 * units of tables, and what is meant when a question leaves something out.
 */

#include "client/api.h"

typedef struct Me {
        json_t *json;
} Me;

int me_load(Ctl *ctl, Me *ret);
void me_deinit(Me *me);

/* The definition of a metric, or NULL. */
const json_t *me_metric(const Me *me, const char *name);
/* "%", "points", "" */
const char *me_unit(const Me *me, const char *metric);

/*
 * What a question without them is about: the caller's first scope (else the organisation), the first metric,
 * the window of 28 days (else the longest). NULL: there is none.
 */
const char *me_default_scope(const Me *me);
const char *me_default_metric(const Me *me);
const char *me_default_window(const Me *me);
