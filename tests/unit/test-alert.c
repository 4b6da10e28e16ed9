/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/core/alertbook.h"
#include "daemon/core/window.h"
#include "tests/support/alert_case.h"
#include "tests/support/engine_case.h"
#include "tests/support/failing_malloc.h"

/* So many bytes that nobody else has. */
static const char *text_long(size_t n)
{
        static char texts[2 * (7 + ALERT_SURVEYS_MAX)][ALERT_NOTE_MAX + 1];
        static size_t n_texts;
        size_t i = n_texts++ % CX_ARRAY_LEN(texts);

        memset(texts[i], 'A' + (int)i, n);
        texts[i][n] = '\0';
        return texts[i];
}

/* With the longest texts; they live until the one after the next. */
static Alert longest(void)
{
        Alert a = ALERT_NULL;

        a.state = ALERT_FIRING;
        a.rule = text_long(RULE_NAME_MAX);
        a.scope_name = text_long(SCOPE_NAME_MAX);
        a.metric = text_long(METRIC_NAME_MAX);
        a.window = text_long(WINDOW_NAME_MAX);
        a.by = text_long(METRIC_NAME_MAX);
        a.note = text_long(ALERT_NOTE_MAX);
        a.outcome = text_long(METRIC_NAME_MAX);
        for (a.n_surveys = 0; a.n_surveys < ALERT_SURVEYS_MAX; a.n_surveys++)
                a.surveys[a.n_surveys] = text_long(SURVEY_TEXT_MAX);
        return a;
}

/* Without memory, which the framework has. */
static int copy_failing(Alert *to, const Alert *from)
{
        int r;

        countdown = 0;
        r = alert_copy(to, from);
        countdown = -1;
        return r;
}

/* A text of an alert that owns them. */
static bool is_inside(const Alert *a, const char *text)
{
        return text >= a->texts && text + strlen(text) < a->texts + a->texts_size;
}

static bool owns_all(const Alert *a)
{
        bool all = is_inside(a, a->rule) && is_inside(a, a->scope_name) && is_inside(a, a->metric) &&
                   is_inside(a, a->window) && is_inside(a, a->by) && is_inside(a, a->note) &&
                   is_inside(a, a->outcome);

        for (size_t i = 0; i < a->n_surveys; i++)
                all = all && is_inside(a, a->surveys[i]);
        return all;
}

START_TEST(a_copy_owns_its_texts_however_long_they_are)
{
        Alert from = longest(), to = ALERT_NULL;

        ck_assert_int_eq(alert_copy(&to, &from), 0);
        ck_assert(alert_same(&to, &from) && owns_all(&to));
        ck_assert_uint_eq(strlen(to.note), ALERT_NOTE_MAX);
        alert_deinit(&to);
        ck_assert(to.note[0] == '\0' && !to.texts);
        alert_deinit(&to);
}
END_TEST

START_TEST(without_texts_there_is_little_to_own)
{
        Alert from = ALERT_NULL, to = ALERT_NULL;

        ck_assert_int_eq(alert_copy(&to, &from), 0);
        ck_assert(alert_same(&to, &from) && owns_all(&to));
        ck_assert_uint_eq(to.texts_size, 7);
        alert_deinit(&to);
}
END_TEST

START_TEST(one_text_changes_and_the_others_stay)
{
        Alert first = ALERT_NULL, next, a = ALERT_NULL;
        const char *block;

        first.rule = "low";
        first.by = "ana";
        first.surveys[first.n_surveys++] = "s1";
        ck_assert_int_eq(alert_copy(&a, &first), 0);
        /* Longer: the others are borrowed from itself. */
        next = a;
        next.note = first.note = text_long(ALERT_NOTE_MAX);
        ck_assert_int_eq(alert_copy(&a, &next), 0);
        ck_assert(alert_same(&a, &first) && owns_all(&a));
        /* No longer than before: where they were. */
        block = a.texts;
        next = a;
        next.note = a.by;
        next.by = a.surveys[0];
        next.surveys[0] = a.note;
        first.note = "ana";
        first.by = "s1";
        first.surveys[0] = text_long(SURVEY_TEXT_MAX);
        next.surveys[0] = first.surveys[0];
        ck_assert_int_eq(copy_failing(&a, &next), 0);
        ck_assert(alert_same(&a, &first) && owns_all(&a));
        ck_assert_ptr_eq(a.texts, block);
        alert_deinit(&a);
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
        Alert first = longest(), next, a = ALERT_NULL;

        first.note = "";
        ck_assert_int_eq(alert_copy(&a, &first), 0);
        next = a;
        next.state = ALERT_ACKNOWLEDGED;
        next.note = "called";
        ck_assert_int_eq(copy_failing(&a, &next), -ENOMEM);
        ck_assert(alert_same(&a, &first) && owns_all(&a));
        ck_assert_int_eq(alert_copy(&a, &next), 0);
        ck_assert_str_eq(a.note, "called");
        alert_deinit(&a);
}
END_TEST

START_TEST(without_memory_neither_book_nor_effects_have_one_more)
{
        Effects effects = EFFECTS_NULL;
        AlertBook b = ALERTBOOK_NULL;
        BookEntry *entry = NULL;
        Alert a = longest();
        int r = -ENOMEM;

        for (long n = 0; r < 0; n++) {
                ck_assert(b.n == 0 && !entry && n < 4);
                alertbook_deinit(&b);
                countdown = n;
                r = alertbook_add(&b, &a, &entry);
                countdown = -1;
        }
        ck_assert(b.n == 1 && b.entries[0] == entry);
        ck_assert(alert_same(&entry->alert, &a) && owns_all(&entry->alert));
        r = -ENOMEM;
        for (long n = 0; r < 0; n++) {
                ck_assert(effects.n_alerts == 0 && n < 3);
                effects_deinit(&effects);
                countdown = n;
                r = effects_add_alert(&effects, &entry->alert);
                countdown = -1;
        }
        ck_assert_uint_eq(effects.n_alerts, 1);
        /* What an effect says outlives the entry. */
        alertbook_deinit(&b);
        ck_assert(alert_same(&effects.alerts[0], &a) && owns_all(&effects.alerts[0]));
        effects_reset(&effects);
        ck_assert_uint_eq(effects.n_alerts, 0);
        effects_deinit(&effects);
}
END_TEST

static void say(Engine *e, const char *id, const char *by, const char *said, const char *outcome)
{
        Command command = {.verb = outcome ? COMMAND_OUTCOME : COMMAND_ACK,
                           .alert = text_of(id),
                           .by = text_of(by),
                           .note = text_of(said),
                           .outcome = text_of(outcome)};

        effects_reset(&out);
        ck_assert_int_eq(
                engine_step(e, &(Input){.kind = INPUT_COMMAND, .now = day0, .command = &command}, &out), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert(alert_same(&out.alerts[0], engine_alert(e, 0)));
}

/* The last of 501 bytes does not fit, and it is the second half of a character. */
START_TEST(what_people_say_is_kept_until_they_say_more)
{
        char id[ALERT_ID_MAX + 1], longer[ALERT_NOTE_MAX + 2];
        Survey bad = survey("s1", "ana", day0, 1), good = survey("s1", "ana", day0, 5);
        Engine *e = make(1);

        memset(longer, 'x', sizeof(longer));
        memcpy(longer + ALERT_NOTE_MAX - 1, "\303\244", 3);
        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
        memcpy(id, out.alerts[0].id, sizeof(id));
        say(e, id, "boss", longer, NULL);
        ck_assert_uint_eq(strlen(out.alerts[0].note), ALERT_NOTE_MAX - 1);
        say(e, id, "ana", NULL, "coached");
        ck_assert_str_eq(out.alerts[0].by, "ana");
        ck_assert_uint_eq(strlen(out.alerts[0].note), ALERT_NOTE_MAX - 1);
        ck_assert_int_eq(step(e, day0, &good, &bad), 0);
        ck_assert_int_eq(out.alerts[0].state, ALERT_RESOLVED);
        say(e, id, "boss", "well done", "praised");
        ck_assert_str_eq(out.alerts[0].note, "well done");
        ck_assert_str_eq(out.alerts[0].outcome, "praised");
        ck_assert_str_eq(out.alerts[0].surveys[0], "s1");
        ck_assert_str_eq(out.alerts[0].scope_name, "ana");
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

/* What does not fit is cut off, and what just fits is whole. */
START_TEST(the_longest_names_are_whole)
{
        const char *agent = text_long(SCOPE_NAME_MAX), *id = text_long(SURVEY_TEXT_MAX),
                   *by = text_long(METRIC_NAME_MAX), *outcome = text_long(METRIC_NAME_MAX);
        char said[ALERT_NOTE_MAX + 2];
        Survey bad = survey(id, agent, day0, 1);
        Engine *e = make(1);
        const Alert *a;

        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
        a = engine_alert(e, 0);
        memset(said, 'x', sizeof(said) - 1);
        said[sizeof(said) - 1] = '\0';
        say(e, a->id, by, said, outcome);
        ck_assert_str_eq(a->scope_name, agent);
        ck_assert_str_eq(a->surveys[0], id);
        ck_assert_str_eq(a->by, by);
        ck_assert_str_eq(a->outcome, outcome);
        ck_assert_uint_eq(strlen(a->note), ALERT_NOTE_MAX);
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

static int command(Engine *e, CommandVerb verb, usec_t until)
{
        const Command c = {.verb = verb,
                           .alert = text_of(engine_alert(e, 0)->id),
                           .by = TEXT("boss"),
                           .outcome = TEXT("coached"),
                           .until = until};

        effects_reset(&out);
        return engine_step(e, &(Input){.kind = INPUT_COMMAND, .now = day0, .command = &c}, &out);
}

START_TEST(what_is_said_too_early_is_refused)
{
        Survey bad = survey("s1", "ana", day0 - USEC_HOUR, 1);
        Engine *e;

        rules[0].hold = USEC_HOUR;
        e = make(1);
        ck_assert_int_eq(step(e, day0 - 1, &bad, NULL), 0);
        ck_assert_int_eq(command(e, COMMAND_ACK, 0), ENGINE_E_STATE);
        ck_assert_int_eq(command(e, COMMAND_SNOOZE, day0 + 1), ENGINE_E_STATE);
        ck_assert_int_eq(command(e, COMMAND_OUTCOME, 0), ENGINE_E_STATE);
        ck_assert_str_eq(engine_alert(e, 0)->by, "");
        engine_free(e);
        rules[0].hold = 0;
        e = make(1);
        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
        ck_assert_int_eq(command(e, COMMAND_SNOOZE, day0), ENGINE_E_STATE);
        ck_assert_int_eq(command(e, COMMAND_SNOOZE, day0 + 1), 0);
        ck_assert_int_eq(engine_deadline(e), day0 + 1);
        ck_assert_int_eq(command(e, COMMAND_ACK, 0), 0);
        ck_assert_int_eq(engine_alert(e, 0)->until, 0);
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

START_TEST(an_alert_has_the_trend_of_its_figure_and_no_answer_from_before_its_window)
{
        Survey good = survey("s0", "ana", day0 - 30 * USEC_DAY, 5), old = survey("s1", "ana", good.ts, 1);
        Survey bad = survey("s2", "ana", day0, 1);
        Engine *e = make(1);
        const Alert *a;
        Figure f;

        ck_assert_int_eq(step(e, day0, &good, NULL), 0);
        ck_assert_int_eq(step(e, day0, &old, NULL), 0);
        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
        ck_assert_int_eq(engine_figure(e, 1, 0, 0, day0 + 1, &f), 0);
        a = engine_alert(e, 0);
        ck_assert(a->trend == -50);
        ck_assert(a->trend_low == f.trend_low && a->trend_high == f.trend_high);
        ck_assert_uint_eq(a->n_surveys, 1);
        ck_assert_str_eq(a->surveys[0], "s2");
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

START_TEST(a_pending_one_names_the_newest_answers_in_the_room_it_has)
{
        static const char *const ids[] = {"s1", "s2", "s3", "s4", "s5", "s6", "s7"};
        const char *block = NULL;
        Engine *e;

        rules[0].hold = USEC_DAY;
        e = make(1);
        for (size_t i = 0; i < CX_ARRAY_LEN(ids); i++) {
                Survey bad = survey(ids[i], "ana", day0 + (usec_t)i, 1);
                const Alert *a;

                ck_assert_int_eq(step(e, day0 + (usec_t)i + 1, &bad, NULL), 0);
                a = engine_alert(e, 0);
                ck_assert_int_eq(a->state, ALERT_PENDING);
                ck_assert_str_eq(a->surveys[0], ids[i]);
                ck_assert_uint_eq(a->n_surveys, i < ALERT_SURVEYS_MAX ? i + 1 : ALERT_SURVEYS_MAX);
                ck_assert(owns_all(a));
                if (i >= ALERT_SURVEYS_MAX)
                        ck_assert_ptr_eq(a->texts, block);
                block = a->texts;
        }
        rules[0].hold = 0;
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

/* Pending, another answer, firing, acknowledged, resolved. What the first step to fail says, without the framework. */
static int live(Engine *e)
{
        Survey bad = survey("s1", "ana", day0, 1), worse = survey("one with a longer id", "ana", day0 + 1, 1);
        Survey good = survey("s1", "ana", day0, 5),
               better = survey("one with a longer id", "ana", day0 + 1, 5);
        Command command = {.verb = COMMAND_ACK, .by = TEXT("boss"), .note = TEXT("listened to two calls")};
        Input ack = {.kind = INPUT_COMMAND, .now = day0 + USEC_DAY, .command = &command};
        int r = step(e, day0, &bad, NULL);

        if (r == 0)
                r = step(e, day0 + 1, &worse, NULL);
        if (r == 0)
                r = step(e, day0 + USEC_DAY, NULL, NULL);
        if (r < 0)
                return r;
        command.alert = text_of(engine_alert(e, 0)->id);
        effects_reset(&out);
        r = engine_step(e, &ack, &out);
        if (r == 0)
                r = step(e, day0 + USEC_DAY, &good, &bad);
        return r ? r : step(e, day0 + USEC_DAY, &better, &worse);
}

START_TEST(each_allocation_of_its_life_fails_once)
{
        long n = 0;
        int r = -ENOMEM;

        rules[0].hold = USEC_DAY;
        for (; r < 0; n++) {
                Engine *e = make(1);

                countdown = n;
                r = live(e);
                countdown = -1;
                ck_assert(r == 0 || r == -ENOMEM);
                for (size_t i = 0; i < engine_n_alerts(e); i++)
                        ck_assert(owns_all(engine_alert(e, i)));
                for (size_t i = 0; i < out.n_alerts; i++)
                        ck_assert(owns_all(&out.alerts[i]));
                if (r == 0) {
                        ck_assert_int_eq(engine_alert(e, 0)->state, ALERT_RESOLVED);
                        ck_assert_str_eq(engine_alert(e, 0)->note, "listened to two calls");
                }
                engine_free(e);
                effects_deinit(&out);
        }
        ck_assert_int_gt(n, 8);
        rules[0].hold = 0;
}
END_TEST

CHECK_MAIN("alert", a_copy_owns_its_texts_however_long_they_are, without_texts_there_is_little_to_own,
           one_text_changes_and_the_others_stay, without_memory_nothing_changes,
           without_memory_neither_book_nor_effects_have_one_more, what_people_say_is_kept_until_they_say_more,
           the_longest_names_are_whole, what_is_said_too_early_is_refused,
           an_alert_has_the_trend_of_its_figure_and_no_answer_from_before_its_window,
           a_pending_one_names_the_newest_answers_in_the_room_it_has, each_allocation_of_its_life_fails_once)
