/* SPDX-License-Identifier: Apache-2.0 */

/* Images of an engine that are not whole. What whole ones are worth is the business of test-engine_model. */

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

static void take_image(void)
{
        Effects out = EFFECTS_NULL;
        Engine *e = make();

        for (int i = 0; i < 200; i++) {
                char id[16], agent[16];
                Survey s = {.queue = TEXT("q"), .ts = (20000 + i / 10) * USEC_DAY + i * USEC_SEC, .rev = -1};

                snprintf(id, sizeof(id), "survey-%d", i);
                snprintf(agent, sizeof(agent), "agent-%d", i % 13);
                s.id = text_of(id);
                s.agent = text_of(agent);
                s.n_answers = 2;
                s.answers[0] = (Answer){.metric = TEXT("csat"), .kind = ANSWER_NUMBER, .value = 1 + i % 5};
                s.answers[1] = (Answer){.metric = TEXT("nps"), .kind = ANSWER_NUMBER, .value = i % 11};
                ck_assert_int_eq(
                        engine_step(e, &(Input){.kind = INPUT_SURVEY, .now = s.ts, .survey = &s}, &out), 0);
        }
        image_case_take(e, &image);
        effects_deinit(&out);
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

CHECK_MAIN("snapshot", an_image_that_is_cut_anywhere_is_refused, an_image_with_a_flipped_bit_is_no_danger)
