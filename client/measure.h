#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A number on the scale of a metric, as people read it: NPS in signed whole points, shares with a decimal, means with two;
 * rounded half away from zero, as the dashboard does. Programs get all digits.
 */

#include "client/me.h"
#include "client/table.h"

/* @value with its unit, with more decimals where it would look like @target (NAN: none) without being it. */
Cell measure_value(const Me *me, const char *metric, double value, double target);
/* What the value should reach, with its unit. */
Cell measure_target(const Me *me, const char *metric, double target);
/* The difference of two values, with its sign, and more decimals where it would look like none. */
Cell measure_step(const Me *me, const char *metric, double step);
/* "72.5 to 83.5", with more decimals as above; malloc'ed. NULL: one of them is NAN. */
char *measure_interval(const Me *me, const char *metric, double low, double high, double target);
