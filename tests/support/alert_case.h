#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* Whether alerts, or numbers of figures, are the same to the last bit. */

#include <check.h>
#include <math.h>
#include <string.h>

#include "daemon/core/alert.h"
#include "daemon/core/engine.h"

static inline bool number_same(double a, double b)
{
        return a == b || (isnan(a) && isnan(b));
}

static inline bool alert_same(const Alert *a, const Alert *b)
{
        if (strcmp(a->id, b->id) != 0 || strcmp(a->rule, b->rule) != 0 || a->scope_kind != b->scope_kind ||
            strcmp(a->scope_name, b->scope_name) != 0 || strcmp(a->metric, b->metric) != 0 ||
            strcmp(a->window, b->window) != 0 || strcmp(a->note, b->note) != 0 ||
            strcmp(a->outcome, b->outcome) != 0)
                return false;
        if (a->state != b->state || a->reason != b->reason || a->since != b->since || a->fired != b->fired ||
            a->changed != b->changed || a->ordinal != b->ordinal || a->at != b->at || a->n != b->n ||
            a->restart != b->restart || a->n_surveys != b->n_surveys || a->until != b->until ||
            a->severity != b->severity || a->above != b->above || a->asked != b->asked)
                return false;
        for (size_t i = 0; i < a->n_surveys; i++)
                if (strcmp(a->surveys[i], b->surveys[i]) != 0)
                        return false;
        return memcmp(a->counts, b->counts, sizeof(a->counts)) == 0 && number_same(a->value, b->value) &&
               number_same(a->low, b->low) && number_same(a->high, b->high) &&
               number_same(a->trend, b->trend) && number_same(a->evidence, b->evidence) &&
               number_same(a->limit, b->limit) && strcmp(a->by, b->by) == 0;
}

/* Both have the same ones, in the order of their last change. */
static inline void alerts_compare(const Engine *first, const Engine *second)
{
        ck_assert_uint_eq(engine_n_alerts(first), engine_n_alerts(second));
        for (size_t i = 0; i < engine_n_alerts(first); i++) {
                const Alert *a = engine_alert(first, i);
                const Alert *b = engine_find_alert(second, text_of(a->id));

                ck_assert_msg(b && alert_same(a, b), "%s %s/%s #%u: %s, not %s", a->rule,
                              scope_kind_name(a->scope_kind), a->scope_name, a->ordinal,
                              b ? alert_state_name(b->state) : "missing", alert_state_name(a->state));
                ck_assert(i == 0 || engine_alert(first, i - 1)->changed <= a->changed);
        }
}
