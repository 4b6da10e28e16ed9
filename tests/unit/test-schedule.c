/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/core/schedule.h"
#include "tests/support/check_main.h"

START_TEST(the_earliest_is_first_through_every_change)
{
        ScheduleItem items[200];
        Schedule s = SCHEDULE_NULL;
        uint64_t random = 5;

        for (size_t i = 0; i < CX_ARRAY_LEN(items); i++)
                items[i] = SCHEDULE_ITEM_NULL;
        for (unsigned round = 0; round < 20000; round++) {
                usec_t earliest = USEC_INFINITY;
                size_t i, n = 0;

                random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                i = (random >> 33) % CX_ARRAY_LEN(items);
                ck_assert_int_eq(
                        schedule_set(&s, &items[i],
                                     (random >> 60) < 5 ? USEC_INFINITY : (usec_t)(random >> 44) % 1000),
                        0);
                for (i = 0; i < CX_ARRAY_LEN(items); i++) {
                        earliest = items[i].due < earliest ? items[i].due : earliest;
                        n += items[i].due != USEC_INFINITY;
                }
                ck_assert_uint_eq(s.n, n);
                ck_assert_int_eq(s.n ? schedule_first(&s)->due : USEC_INFINITY, earliest);
        }
        schedule_deinit(&s);
}
END_TEST

CHECK_MAIN("schedule", the_earliest_is_first_through_every_change)
