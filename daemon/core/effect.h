#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the engine wants done: data, in the order in which it came about.
 *
 * The shell commits the alerts together with the surveys that caused them, and only then acknowledges and publishes.
 */

#include <stddef.h>

#include "daemon/core/alert.h"

typedef struct Effects {
        Alert *alerts; /* each the complete alert after one transition. Owned, with their texts */
        size_t n_alerts;
        size_t size;
} Effects;

#define EFFECTS_NULL ((Effects){0})

void effects_deinit(Effects *e);
void effects_reset(Effects *e);                                  /* empty, keeps the room for alerts */
CX_MUST_CHECK int effects_add_alert(Effects *e, const Alert *a); /* copies; -ENOMEM: nothing changed */
