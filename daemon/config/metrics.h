#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Values on the scale of a metric's figures, as targets and thresholds are.
 */

#include "daemon/config/load.h"
#include "daemon/config/printer.h"
#include "proto/metric.h"

/* A number or, for shares, a percentage, within the bounds of the metric. -EINVAL with a Diag. */
CX_MUST_CHECK int metric_read_value(Load *l, const Node *n, const Metric *m, double *ret);
void metric_print_value(Printer *p, const char *key, const Metric *m, double value);
