/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Images of an engine that are not whole, or overtaken by what comes while they are taken. What whole ones are worth is the
 * business of test-engine_model.
 */

#include <errno.h>
#include <stdio.h>

#include "tests/support/check_main.h"
#include "tests/support/image_case.h"

static const Metric metrics[] = {
        {.name = "csat", .kind = METRIC_TOP2, .lo = 1, .hi = 5},
        {.name = "nps", .kind = METRIC_NPS, .lo = 0, .hi = 10},
};
static Window windows[2];
static const Calendar utc;
static Rule rules[] = {
        {.name = "low", .kind = SCOPE_AGENT, .scopes = "*", .test = RULE_POINT, .threshold = 80, .min_n = 1}};
static Settings settings;
static Buffer image;

static Engine *make(void)
{
        Engine *e;
        Org *org;

        ck_assert_int_eq(window_init(&windows[0], TEXT("28d")), 0);
        ck_assert_int_eq(window_init(&windows[1], TEXT("1h")), 0);
        settings = (Settings){
                .metrics = metrics,
                .n_metrics = 2,
                .windows = windows,
                .n_windows = 2,
                .calendar = &utc,
                .rules = rules,
                .n_rules = 1,
                .max_agents = 20,
                .max_queues = 20,
        };
        ck_assert_int_eq(org_new(&org, &settings.key), 0);
        ck_assert_int_eq(engine_new(&e, &settings, org), 0);
        return e;
}

typedef struct Made {
        char id[16], agent[16];
        Survey survey;
} Made;

static void make_survey(Made *m, int i)
{
        snprintf(m->id, sizeof(m->id), "survey-%d", i);
        snprintf(m->agent, sizeof(m->agent), "agent-%d", i < 200 ? i % 13 : i % 17);
        m->survey = (Survey){
                .id = text_of(m->id),
                .agent = text_of(m->agent),
                .queue = TEXT("q"),
                .ts = (20000 + i / 10) * USEC_DAY + i * USEC_SEC,
                .rev = -1,
                .n_answers = 2,
                .answers = {{.metric = TEXT("csat"), .kind = ANSWER_NUMBER, .value = 1 + i % 5},
                            {.metric = TEXT("nps"), .kind = ANSWER_NUMBER, .value = i % 11}},
        };
}

static void take(Engine *e, int i)
{
        Effects out = EFFECTS_NULL;
        Made m;

        make_survey(&m, i);
        ck_assert_int_eq(
                engine_step(e, &(Input){.kind = INPUT_SURVEY, .now = m.survey.ts, .survey = &m.survey}, &out),
                0);
        effects_deinit(&out);
}

static void take_image(void)
{
        Engine *e = make();

        for (int i = 0; i < 200; i++)
                take(e, i);
        image_case_take(e, &image);
        engine_free(e);
}

static int load(const void *at, size_t n)
{
        ImageReader from = {.at = at, .n = n};
        Engine *e = make();
        int r = snapshot_load(e, &from);

        engine_free(e);
        return r;
}

START_TEST(an_image_that_is_cut_anywhere_is_refused)
{
        take_image();
        ck_assert_int_eq(load(image.data, image.n), 0);
        for (size_t n = 0; n < image.n; n += 1 + n % 7) {
                /* Of just that size, so that reading behind it is noticed. */
                char *copy = malloc(n + 1);

                ck_assert_ptr_nonnull(copy);
                memcpy(copy, image.data, n);
                ck_assert_int_eq(load(copy, n), -EBADMSG);
                free(copy);
        }
        buffer_deinit(&image);
}
END_TEST

/* A checksum stands before this; but whatever comes, it ends. */
START_TEST(an_image_with_a_flipped_bit_is_no_danger)
{
        take_image();
        for (size_t at = sizeof(usec_t); at < image.n; at++) {
                image.data[at] ^= (char)(1 << at % 8);
                ck_assert_int_le(load(image.data, image.n), 0);
                image.data[at] ^= (char)(1 << at % 8);
        }
        ck_assert_int_eq(load(image.data, image.n), 0);
        buffer_deinit(&image);
}
END_TEST

/* Loaded and saved again: its scopes are in the order of their numbers then, and so, the second time, are handles of ids. */
static void normalise(Buffer *b)
{
        for (int i = 0; i < 2; i++) {
                ImageReader from = {.at = (const unsigned char *)b->data, .n = b->n};
                Engine *e = make();

                ck_assert_int_eq(snapshot_load(e, &from), 0);
                ck_assert_uint_eq(from.n, 0);
                image_case_take(e, b);
                engine_free(e);
        }
}

START_TEST(an_image_is_of_the_moment_at_which_it_was_begun)
{
        for (int pace = 1; pace <= 7; pace++) {
                Buffer at_once = BUFFER_NULL, by_scopes = BUFFER_NULL;
                const ImageWriter to = {.write = image_case_write, .user = &by_scopes};
                Engine *e = make();
                bool more = true;
                Made m;

                for (int i = 0; i < 200; i++)
                        take(e, i);
                image_case_take(e, &at_once);
                snapshot_begin(e, &to);
                for (int i = 0; i < 60; i++) {
                        if (i % 2) {
                                take(e, 200 + i); /* some of them of an agent that is new */
                        } else {
                                make_survey(&m, 199 - i);
                                engine_forget(e, &m.survey);
                        }
                        if (more && i % pace == 0)
                                more = snapshot_next(e);
                }
                while (more)
                        more = snapshot_next(e);
                normalise(&at_once);
                normalise(&by_scopes);
                ck_assert_uint_eq(at_once.n, by_scopes.n);
                ck_assert_mem_eq(at_once.data, by_scopes.data, at_once.n);
                buffer_deinit(&at_once);
                buffer_deinit(&by_scopes);
                engine_free(e);
        }
}
END_TEST

START_TEST(a_pool_of_ids_that_has_become_empty_is_no_hindrance)
{
        Engine *e = make();

        for (int i = 0; i < 200; i++)
                take(e, i);
        engine_forget_before(e, USEC_INFINITY);
        image_case_take(e, &image);
        ck_assert_int_eq(load(image.data, image.n), 0);
        /* Of the number of handles: no image has as many bytes as this. */
        memset(image.data + 5 * sizeof(uint64_t), 0x7f, sizeof(uint32_t));
        ck_assert_int_eq(load(image.data, image.n), 0);
        engine_free(e);
        buffer_deinit(&image);
}
END_TEST

START_TEST(one_that_was_ended_is_written_to_no_more)
{
        Engine *e = make();
        size_t n;

        for (int i = 0; i < 50; i++)
                take(e, i);
        buffer_reset(&image);
        snapshot_begin(e, &(ImageWriter){.write = image_case_write, .user = &image});
        ck_assert(snapshot_next(e));
        snapshot_end(e);
        n = image.n;
        for (int i = 50; i < 80; i++)
                take(e, i);
        ck_assert_uint_eq(image.n, n);
        image_case_take(e, &image);
        ck_assert_int_eq(load(image.data, image.n), 0);
        engine_free(e);
        buffer_deinit(&image);
}
END_TEST

CHECK_MAIN("snapshot", an_image_that_is_cut_anywhere_is_refused, an_image_with_a_flipped_bit_is_no_danger,
           an_image_is_of_the_moment_at_which_it_was_begun, one_that_was_ended_is_written_to_no_more,
           a_pool_of_ids_that_has_become_empty_is_no_hindrance)
