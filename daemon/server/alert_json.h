#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An alert as JSON: the object that readers see (cx-api(7)), and the same with a `store` member for the
 * journal.
 */

#include "daemon/core/alert.h"
#include "daemon/core/engine.h"
#include "proto/base/json_out.h"

/* The readers' object. @metric: the alert's metric, or NULL if it is no longer configured; @advice may be
 * NULL. */
void alert_write(const Alert *a, const Metric *metric, const char *advice, JsonOut *out);

/* The stored form. */
void alert_encode(const Alert *a, const Metric *metric, Buffer *to);

/* Reads the stored form. The caller has *ret and its texts then (alert_deinit()). -EINVAL if it is none, -ENOMEM. */
CX_MUST_CHECK int alert_decode(Text json, Alert *ret);

/* The metric of an alert in these settings; NULL: not configured any more. */
const Metric *alert_metric(const Alert *a, const Settings *s);
/* Its rule; NULL: not configured any more. */
const Rule *alert_rule(const Alert *a, const Settings *s);
