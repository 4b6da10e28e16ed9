/* SPDX-License-Identifier: Apache-2.0 */

/* Which comments leave their stored surveys, where a pass is on its way. */

#include "daemon/server/mute.h"
#include "proto/survey_json.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

#define NOW (20000 * USEC_DAY)

static void put(Store *s, uint64_t seq, usec_t ts)
{
        Survey survey = {.id = TEXT("x"),
                         .ts = ts,
                         .queue = TEXT("q"),
                         .status = SURVEY_ANSWERED,
                         .comment = TEXT("C")};
        Buffer json = BUFFER_NULL;

        survey_encode(&survey, &json);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(store_put_survey(s, &(StoreSurvey){.seq = seq,
                                                            .ts = ts,
                                                            .source = TEXT("a"),
                                                            .json = buffer_text(&json)}),
                         0);
        ck_assert_int_eq(store_commit(s), 0);
        buffer_deinit(&json);
}

static int note_comment(void *user, const StoreSurvey *row)
{
        Buffer *seqs = user;

        if (memmem(row->json.at, row->json.n, "comment", 7))
                buffer_append_format(seqs, "%llu ", (unsigned long long)row->seq);
        return 0;
}

/* The numbers of those that have one. */
static void assert_commented(Store *s, const char *expected)
{
        Buffer seqs = BUFFER_NULL;

        ck_assert_int_eq(store_scan_surveys(s, 0, 0, note_comment, &seqs), 0);
        ck_assert_str_eq(buffer_str(&seqs), expected);
        buffer_deinit(&seqs);
}

static void slice(Mute *m, Store *s, size_t max)
{
        static char scratch[2 * SURVEY_BYTES_MAX];
        Survey survey;

        ck_assert_int_eq(mute_slice(m, s, max, &survey, scratch), 0);
}

static void put_four(Store *s)
{
        put(s, 1, NOW - 100 * USEC_DAY);
        put(s, 2, NOW - 20 * USEC_DAY);
        put(s, 3, NOW - 20 * USEC_DAY);
        put(s, 4, NOW - USEC_HOUR);
}

START_TEST(passes_come_as_often_as_comments_grow_old)
{
        Mute m = MUTE_INIT;

        mute_set_limit(&m, NOW, 90 * USEC_DAY);
        ck_assert_int_eq(m.step, USEC_HOUR);
        mute_set_limit(&m, NOW, 2 * USEC_HOUR);
        ck_assert_int_eq(m.step, 5 * USEC_MIN);
        mute_set_limit(&m, NOW, 10 * USEC_MIN);
        ck_assert_int_eq(m.step, USEC_MIN);
        mute_deinit(&m);
}
END_TEST

BOTH(what_is_too_old_loses_its_comment)
{
        Mute m = MUTE_INIT;

        put_four(s);
        mute_set_limit(&m, NOW, 10 * USEC_DAY);
        slice(&m, s, 2);
        assert_commented(s, "3 4 ");
        ck_assert(!mute_is_complete(&m));
        slice(&m, s, 2);
        ck_assert(mute_is_complete(&m));
        assert_commented(s, "4 ");
        mute_deinit(&m);
}

BOTH(a_pass_that_is_on_its_way_takes_no_comment_that_is_kept_by_now)
{
        Mute m = MUTE_INIT, restarted = MUTE_INIT;

        put_four(s);
        mute_set_limit(&m, NOW, 0);
        slice(&m, s, 1);
        ck_assert(!mute_is_complete(&m));
        assert_commented(s, "2 3 4 ");
        mute_set_limit(&m, NOW, 10 * USEC_DAY);
        put(s, 5, NOW);
        slice(&m, s, 1);
        assert_commented(s, "3 4 5 ");
        mute_set_limit(&restarted, NOW, 30 * USEC_DAY);
        slice(&restarted, s, 10);
        ck_assert(mute_is_complete(&restarted));
        assert_commented(s, "3 4 5 ");
        /* And those that are too old in the end still go. */
        mute_set_limit(&restarted, NOW, 10 * USEC_DAY);
        slice(&restarted, s, 10);
        ck_assert(mute_is_complete(&restarted));
        assert_commented(s, "4 5 ");
        mute_deinit(&m);
        mute_deinit(&restarted);
}

BOTH(what_came_in_while_more_was_kept_loses_its_comment_when_it_is_too_old_again)
{
        Mute m = MUTE_INIT, restarted = MUTE_INIT;

        put_four(s);
        mute_set_limit(&m, NOW, 10 * USEC_DAY);
        slice(&m, s, 10);
        assert_commented(s, "4 ");
        /* For so short a time that there was no slice. */
        mute_set_limit(&m, NOW, 30 * USEC_DAY);
        put(s, 5, NOW - 20 * USEC_DAY);
        mute_set_limit(&m, NOW, 10 * USEC_DAY);
        slice(&m, s, 10);
        assert_commented(s, "4 ");
        /* Until a restart. */
        mute_set_limit(&m, NOW, 30 * USEC_DAY);
        slice(&m, s, 10);
        put(s, 6, NOW - 20 * USEC_DAY);
        mute_set_limit(&restarted, NOW, 10 * USEC_DAY);
        slice(&restarted, s, 10);
        assert_commented(s, "4 ");
        mute_deinit(&m);
        mute_deinit(&restarted);
}

static void note(Mute *m, Store *s)
{
        ck_assert_int_eq(mute_note(m, s), 0);
}

BOTH(what_comes_in_under_a_limit_that_was_noted_loses_its_comment_after_a_restart)
{
        Mute m = MUTE_INIT, longer = MUTE_INIT, restarted = MUTE_INIT;

        put_four(s);
        mute_set_limit(&m, NOW, 10 * USEC_DAY);
        note(&m, s);
        assert_commented(s, "1 2 3 4 ");
        slice(&m, s, 10);
        assert_commented(s, "4 ");
        mute_set_limit(&longer, NOW, 30 * USEC_DAY);
        note(&longer, s);
        put(s, 5, NOW - 20 * USEC_DAY);
        mute_set_limit(&restarted, NOW, 10 * USEC_DAY);
        note(&restarted, s);
        slice(&restarted, s, 10);
        assert_commented(s, "4 ");
        mute_deinit(&m);
        mute_deinit(&longer);
        mute_deinit(&restarted);
}

/* A comment comes with a revision of a survey that a pass has been at when @keep is noted, with a time that it is kept for. */
static void revise_in_a_pass(Store *s, usec_t keep)
{
        Mute m = MUTE_INIT, restarted = MUTE_INIT;

        put_four(s);
        mute_set_limit(&m, NOW, 10 * USEC_DAY);
        slice(&m, s, 10);
        assert_commented(s, "4 ");
        put(s, 2, NOW - 8 * USEC_DAY);
        mute_set_limit(&m, NOW, 0);
        slice(&m, s, 1);
        ck_assert(!mute_is_complete(&m));
        mute_set_limit(&m, NOW, keep);
        note(&m, s);
        put(s, 2, NOW - keep);
        mute_set_limit(&restarted, NOW, 0);
        for (int i = 0; i < 3; i++)
                slice(&restarted, s, 10);
        assert_commented(s, "");
        mute_deinit(&m);
        mute_deinit(&restarted);
}

BOTH(what_a_pass_has_been_at_is_looked_at_again_where_comments_before_it_are_kept)
{
        revise_in_a_pass(s, 30 * USEC_DAY);
}

BOTH(what_a_pass_has_been_at_is_looked_at_again_where_comments_of_its_own_are_kept)
{
        revise_in_a_pass(s, 5 * USEC_DAY);
}

CHECK_MAIN("mute", passes_come_as_often_as_comments_grow_old, what_is_too_old_loses_its_comment,
           a_pass_that_is_on_its_way_takes_no_comment_that_is_kept_by_now,
           what_came_in_while_more_was_kept_loses_its_comment_when_it_is_too_old_again,
           what_comes_in_under_a_limit_that_was_noted_loses_its_comment_after_a_restart,
           what_a_pass_has_been_at_is_looked_at_again_where_comments_before_it_are_kept,
           what_a_pass_has_been_at_is_looked_at_again_where_comments_of_its_own_are_kept)
