#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Metrics that surveys name and the daemon does not know: unless it is strict it takes such answers and counts them
 * nowhere, which for a misspelt name should not pass in silence.
 */

#include "client/ctl.h"
#include "proto/survey.h"

#define UNKNOWN_NAMES_MAX 256 /* metrics that are told apart; what comes after them is not looked at */

typedef struct UnknownName {
        char metric[METRIC_NAME_MAX + 1];
        uint64_t n; /* answers */
        bool refused;
} UnknownName;

typedef struct Unknown {
        UnknownName *names;
        size_t n_names, size_names;
} Unknown;

void unknown_deinit(Unknown *u);

/* Notes the answers of a survey that is sent, or may be; whether it is taken shows only later. */
void unknown_note(Unknown *u, const Survey *s);
/* The daemon refused a survey for this metric. */
void unknown_note_refused(Unknown *u, Text metric);

/*
 * Asks the daemon which metrics there are and warns of the others. Whoever is not admin is shown only some metrics:
 * then one line says that it is not known. Says nothing if the daemon cannot be asked, or has refused such surveys. @dry:
 * nothing was sent, and the warning is also of what would be refused.
 */
void unknown_warn(const Unknown *u, Ctl *ctl, bool dry);
