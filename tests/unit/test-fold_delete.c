/* SPDX-License-Identifier: Apache-2.0 */

/* What a deletion leaves in the store: counts, the numbers of what was counted, and until when something is missing. */

#include "daemon/server/fold.h"
#include "tests/support/engine_case.h"
#include "tests/support/store_fixture.h"

#define TODAY ((int32_t)(day0 / USEC_DAY))

static void expect_marks(Store *s, usec_t surveys, int32_t days)
{
        usec_t before = 0;
        int32_t day = 0;

        ck_assert_int_eq(fold_forgotten(s, &before), 0);
        ck_assert_int_eq(before, surveys);
        ck_assert_int_eq(fold_forgotten_days(s, &day), 0);
        ck_assert_int_eq(day, days);
}

/* Surveys of the last day that the engine no longer keeps, of the first that it does, and of today. */
BOTH(a_deletion_leaves_counts_and_marks)
{
        static const uint64_t seqs[] = {1, 2, 3};
        static const bool counted[] = {false, true, false};
        const usec_t tomorrow = day0 + USEC_DAY;
        FoldDeletion which = {.before = tomorrow,
                              .seqs = seqs,
                              .counted = counted,
                              .n = 3,
                              .forgotten_before = tomorrow + 1};
        Engine *e = make(0);
        int32_t kept;
        Survey of_today = survey("2", NULL, day0, 1), lost, first;
        Fold *f = NULL;

        ck_assert_int_eq(step(e, day0, &of_today, NULL), 0);
        kept = engine_kept_day(e);
        lost = survey("1", NULL, kept * USEC_DAY - 1, 5);
        first = survey("3", NULL, kept * USEC_DAY, 5);
        ck_assert_int_eq(kept, 19943);
        expect_marks(s, INT64_MIN, INT32_MIN);
        for (which.epoch = 0; which.epoch < 2; which.epoch++) {
                store_put_rows(s, 1, 3);
                ck_assert_int_eq(fold_new(&f, e), 0);
                ck_assert_int_eq(fold_add(f, &lost), 0);
                ck_assert_int_eq(fold_add(f, &first), 0);
                ck_assert_int_eq(fold_add(f, &of_today), 0);
                ck_assert_int_eq(fold_seal(f), 0);
                ck_assert_int_eq(fold_delete(f, s, &which), 0);
                ck_assert_str_eq(store_dump(s), "");
                ck_assert_str_eq(store_dump_revised(s), which.epoch ? "1 2 \n" : "");
                ck_assert_str_eq(store_dump_tallies(s), which.epoch ? "19943 org csat 5:2\n\n"
                                                                      "19943 queue/q csat 5:2\n\n"
                                                                      "20000 org csat 1:2\n\n"
                                                                      "20000 queue/q csat 1:2\n\n"
                                                                    : "19943 org csat 5:1\n\n"
                                                                      "19943 queue/q csat 5:1\n\n"
                                                                      "20000 org csat 1:1\n\n"
                                                                      "20000 queue/q csat 1:1\n\n");
                expect_marks(s, tomorrow + 1, kept);
                fold_free(f);
        }
        engine_free(e);
        effects_deinit(&out);
}

BOTH(days_are_forgotten_as_far_as_there_were_any)
{
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(fold_forget_days(s, TODAY), 0);
        expect_marks(s, INT64_MIN, INT32_MIN);
        ck_assert_int_eq(store_put_mark(s, "surveys forgotten", day0 + 1), 0);
        ck_assert_int_eq(fold_forget_days(s, TODAY), 0);
        expect_marks(s, day0 + 1, TODAY);
        ck_assert_int_eq(fold_forget_days(s, TODAY - 1), 0);
        expect_marks(s, day0 + 1, TODAY);
        ck_assert_int_eq(fold_forget_days(s, TODAY + 9), 0);
        expect_marks(s, day0 + 1, TODAY + 1);
        ck_assert_int_eq(store_commit(s), 0);
}

/* Without its mark: the last day of which there are counts is gone as a whole. */
BOTH(what_was_deleted_is_known_from_its_counts)
{
        store_put_tally_text(s, TODAY, "org", "csat 1:1\n");
        store_put_tally_text(s, TODAY + 2, "org", "csat 1:1\n");
        expect_marks(s, day0 + 3 * USEC_DAY, INT32_MIN);
}

/* And is replaced by what is added to it. */
BOTH(a_sum_that_cannot_be_read_is_lost)
{
        Survey of_today = survey("1", NULL, day0, 1);
        const uint64_t seq = 1;
        Engine *e = make(0);
        Fold *f = NULL;

        ck_assert_int_eq(step(e, day0, &of_today, NULL), 0);
        store_put_tally_text(s, TODAY, "org", "csat\n");
        store_put_tally_text(s, TODAY, "queue/q", "csat 1:1 5:2\nnps 9:1\n");
        store_put_rows(s, 1, 1);
        ck_assert_int_eq(fold_new(&f, e), 0);
        ck_assert_int_eq(fold_add(f, &of_today), 0);
        ck_assert_int_eq(fold_seal(f), 0);
        ck_assert_int_eq(fold_delete(f, s, &(FoldDeletion){.before = day0 + 1, .seqs = &seq, .n = 1}), 0);
        ck_assert_str_eq(store_dump_tallies(s), "20000 org csat 1:1\n\n"
                                                "20000 queue/q csat 1:2 5:2\nnps 9:1\n\n");
        fold_free(f);
        engine_free(e);
        effects_deinit(&out);
}

CHECK_MAIN("fold_delete", a_deletion_leaves_counts_and_marks, days_are_forgotten_as_far_as_there_were_any,
           what_was_deleted_is_known_from_its_counts, a_sum_that_cannot_be_read_is_lost)
