#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Alerts (DESIGN 5.4) as rows.
 */

#include "client/me.h"
#include "client/table.h"

Table *alert_table(void);
void alert_row(Table *t, const json_t *alert, const Me *me);

/* Since when the evidence is strongest and what was answered since: "37.5 % of 8 since 2026-11-20". malloc'ed; NULL: none. */
char *alert_lately(const json_t *alert, const Me *me);

/* Who has worked on it, and said what: "maria until 2026-11-21 08:00:00: coached: two calls". malloc'ed; NULL: nobody. */
char *alert_handled(const json_t *alert);

/* The advice as one text, whether the daemon sends a text or one per role. malloc'ed; NULL: none. */
char *alert_advice(const json_t *alert);

/* POSTs @body (borrowed) to /v1/alerts/ID/@verb and shows the alert. */
int alert_command(Ctl *ctl, const char *id, const char *verb, json_t *body);
