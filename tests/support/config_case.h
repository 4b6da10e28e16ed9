#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A folder of its own with a small roster and a queue table, in which configurations are loaded from text.
 */

#include "daemon/config/config.h"

/* Makes the folder at the first call, with roster.csv and queues.csv as below; removed when the process ends.
 */
const char *config_case_folder(void);

/* Puts a file into the folder; NULL: the usual roster.csv or queues.csv again. */
void config_case_write(const char *name, const char *content);

/*
 * Loads @yaml as cxd.yaml in the folder; state lies in /state, sockets in /rt. NULL: refused, and
 * *@ret_message (may be NULL) is the message without the folder, valid until the next call.
 */
Config *config_case_load(const char *yaml, const char **ret_message);

/* The whole content of a file of the project, to be freed. */
char *config_case_source(const char *name);

/* What config_print() writes, to be freed. */
char *config_case_print(const Config *c);
