#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The roster and the table of queues: CSV in, rows of the org tree out.
 *
 * roster: agent,name,team,site,region and, where people move, from,to. queues: queue,line. The header names
 * the columns, in any order.
 */

#include "daemon/core/calendar.h"
#include "daemon/core/org.h"
#include "proto/base/def.h"
#include "proto/base/diag.h"
#include "proto/base/text.h"

/*
 * Adds every row. Bare dates in from and to are days by @calendar. At most @max_agents agents. @file is for
 * messages. -ENOMEM; -EINVAL with @diag; @org is to be freed then.
 */
CX_MUST_CHECK int roster_read(Org *org, Text csv, const char *file, const Calendar *calendar,
                              size_t max_agents, Diag *diag);
CX_MUST_CHECK int queues_read(Org *org, Text csv, const char *file, size_t max_queues, Diag *diag);
