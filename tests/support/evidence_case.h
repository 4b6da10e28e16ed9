#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* A rule that goes by evidence, and answers that make and end its alert. */

#include "tests/support/engine_case.h"

static inline void use_evidence(usec_t per)
{
        rules[0].test = RULE_EVIDENCE;
        rules[0].false_alarms = 1;
        rules[0].false_alarms_per = per;
}

static const char *const ids[] = {"1", "2", "3", "4", "5", "6", "7", "8"};

/* As many on the wrong side as make an alert by evidence. */
static inline void answer_badly(Engine *e, usec_t now, size_t n)
{
        effects_reset(&out);
        for (size_t i = 0; i < n; i++) {
                Survey s = survey(ids[i], "ana", now, 1);
                Input in = {.kind = INPUT_SURVEY, .now = now, .survey = &s};

                ck_assert_int_eq(engine_step(e, &in, &out), 0);
        }
}

/* So many good answers, or (@undo) none of them any more. */
static inline void answer_well(Engine *e, usec_t now, size_t n, bool undo)
{
        effects_reset(&out);
        while (n-- > 0) {
                Survey s = survey("good", "ana", now, 5), none = s;

                none.status = SURVEY_RETRACTED;
                ck_assert_int_eq(undo ? step(e, now, &none, &s) : step(e, now, &s, NULL), 0);
        }
}
