#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Figures (DESIGN 5.4) as rows.
 */

#include "client/measure.h"

Table *figure_table(const char *empty);
void figure_row(Table *t, const json_t *figure, const Me *me);

/* Of one figure, for tables of other kinds, beside what it should reach (NAN: nothing): its value with its unit, and
 * "72.5 to 83.5" (NULL: none; malloc'ed). */
Cell figure_value(const json_t *figure, const Me *me, double target);
char *figure_interval(const json_t *figure, const Me *me, double target);

CellStyle figure_state_style(const char *state);

/*
 * Asks @path for a list of figures under @key and shows it. @named: an empty list is a negative answer.
 * @me may be empty (json NULL): it is loaded if it is needed.
 */
int figure_list(Ctl *ctl, Me *me, const char *path, const char *key, bool named, const char *empty);
