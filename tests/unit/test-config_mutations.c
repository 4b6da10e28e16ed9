/* SPDX-License-Identifier: Apache-2.0 */

/*
 * 10,000 damaged copies of the sample configuration, the same in every run: each one is refused with a
 * message, or loads as something that prints and loads again as the same. Best under the sanitizers.
 */

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "daemon/config/roster.h"
#include "tests/support/check_main.h"
#include "tests/support/config_case.h"

#define N_MUTATIONS 10000

static uint64_t state;

static uint64_t next_random(void)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
}

static size_t below(size_t n)
{
        return n ? next_random() % n : 0;
}

/* What YAML, CSV and our own values are made of. */
static const char *const pieces[] = {
        ":",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\n",
        "\n  ",
        "#",
        "&a ",
        "*a",
        "!!str",
        "\"",
        "'",
        "|\n",
        ">\n",
        "---\n",
        "...\n",
        "? ",
        "~",
        "null",
        "true",
        "0",
        "-1",
        "1e99",
        "5y",
        "1 per",
        "%",
        "\t",
        "\xC3",
        "\xFF",
        "\x01",
        "<<: ",
        "target",
        "org",
        "*",
        "/",
        "\\",
        "99999999999999999999",
        "evidence",
        "a: ",
        "%R",
        "\xEF\xBB\xBF",
        "\"\"",
};

/* Up to four changes: bytes flipped, cut out, doubled or put in. Returns the new length. */
static size_t mutate(char *text, size_t n, size_t size)
{
        for (size_t changes = 1 + below(4); changes; changes--) {
                size_t at = below(n);
                size_t len = 1 + below(below(4) ? 8 : 200);
                const char *piece = pieces[below(CX_ARRAY_LEN(pieces))];

                switch (below(5)) {
                case 0:
                        if (n)
                                text[at] = (char)(text[at] ^ (1 << below(8)));
                        continue;
                case 1:
                        len = len < n - at ? len : n - at;
                        memmove(text + at, text + at + len, n - at - len);
                        n -= len;
                        continue;
                case 2:
                        len = len < n - at ? len : n - at;
                        if (n + len >= size)
                                continue;
                        memmove(text + at + len, text + at, n - at);
                        n += len;
                        continue;
                default:
                        len = strlen(piece);
                        if (n + len >= size)
                                continue;
                        memmove(text + at + len, text + at, n - at);
                        memcpy(text + at, piece, len);
                        n += len;
                        continue;
                }
        }
        return n;
}

static int load(Config **ret, const char *text, size_t n, Diag *diag)
{
        static const HashKey key = {.k0 = 3};
        char file[4096];

        snprintf(file, sizeof(file), "%s/conf/sample/cxd.yaml", getenv("CX_SOURCE"));
        return config_load_text(ret, (Text){.at = text, .n = n}, file, "/state", "/rt", &key, diag);
}

static void check_round_trip(Config *c)
{
        Diag d = DIAG_NULL;
        char *printed = config_case_print(c);
        char *again, text[1024];
        Config *after = NULL;

        ck_assert_msg(load(&after, printed, strlen(printed), &d) == 0, "%s\n%s",
                      diag_format(&d, text, sizeof(text)), printed);
        again = config_case_print(after);
        ck_assert_str_eq(printed, again);
        free(printed);
        free(again);
        config_free(after);
}

START_TEST(no_damaged_configuration_does_harm)
{
        char *sample = config_case_source("conf/sample/cxd.yaml");
        char *zone = strstr(sample, "Europe/Madrid");
        size_t n_sample = strlen(sample);
        size_t size = 2 * n_sample;
        size_t n_loaded = 0, n_refused = 0;

        /* A real zone takes milliseconds to sample, and is read in one of the other tests. */
        ck_assert_ptr_nonnull(zone);
        memcpy(zone, "UTC          ", strlen("Europe/Madrid"));
        state = 20261121;
        for (size_t i = 0; i < N_MUTATIONS; i++) {
                /* Exactly as long as the text, so that a read past its end is seen. */
                char *work = malloc(size);
                Diag d = DIAG_NULL;
                Config *c = NULL;
                char *text;
                size_t n;
                int r;

                ck_assert_ptr_nonnull(work);
                memcpy(work, sample, n_sample);
                n = mutate(work, n_sample, size);
                text = malloc(n ? n : 1);
                ck_assert_ptr_nonnull(text);
                memcpy(text, work, n);
                r = load(&c, text, n, &d);
                if (r == 0) {
                        n_loaded++;
                        if (n_loaded % 4 == 0)
                                check_round_trip(c);
                        config_free(c);
                } else {
                        n_refused++;
                        ck_assert_ptr_null(c);
                        ck_assert_msg(d.text[0] != '\0', "refused without a sentence (%d): %.*s", r, (int)n,
                                      text);
                }
                free(text);
                free(work);
        }
        free(sample);
        /* Both must happen often, or this shows nothing. */
        ck_assert_uint_gt(n_loaded, N_MUTATIONS / 20);
        ck_assert_uint_gt(n_refused, N_MUTATIONS / 4);
}
END_TEST

START_TEST(no_damaged_roster_does_harm)
{
        static const HashKey key = {.k0 = 3};
        char *sample = config_case_source("conf/sample/roster.csv");
        size_t n_sample = strlen(sample);
        size_t size = 2 * n_sample;
        size_t n_loaded = 0, n_refused = 0;

        state = 7;
        for (size_t i = 0; i < N_MUTATIONS; i++) {
                char *work = malloc(size);
                Diag d = DIAG_NULL;
                Org *o = NULL;
                char *text;
                size_t n;
                int r;

                ck_assert_ptr_nonnull(work);
                memcpy(work, sample, n_sample);
                n = mutate(work, n_sample, size);
                text = malloc(n ? n : 1);
                ck_assert_ptr_nonnull(text);
                memcpy(text, work, n);
                ck_assert_int_eq(org_new(&o, &key), 0);
                r = roster_read(o, (Text){.at = text, .n = n}, "roster.csv", &CALENDAR_UTC, 100, &d);
                if (r == 0) {
                        n_loaded++;
                } else {
                        n_refused++;
                        ck_assert_int_eq(r, -EINVAL);
                        ck_assert(d.text[0] != '\0' && d.line > 0);
                }
                org_free(o);
                free(text);
                free(work);
        }
        free(sample);
        ck_assert_uint_gt(n_loaded, N_MUTATIONS / 50);
        ck_assert_uint_gt(n_refused, N_MUTATIONS / 4);
}
END_TEST

/* As many grants as a file has room for, each with a long name of a role, and 58 roles that are nearly called so. */
START_TEST(long_names_do_not_take_long)
{
        static const char tail[] = "_of_a_role_with_a_name_that_is_as_long_as_names_can_be_here";
        char *yaml = NULL;
        size_t n_yaml = 0;
        FILE *f = open_memstream(&yaml, &n_yaml);
        clock_t begin;

        ck_assert_ptr_nonnull(f);
        fprintf(f, "roles:\n");
        for (int i = 10; i < 68; i++)
                fprintf(f, "  r%d%s: {sees: [self]}\n", i, tail);
        fprintf(f, "principals:\n");
        for (int i = 0; i < 400; i++) {
                fprintf(f, "  p%d:\n    grants:\n", i);
                for (int k = 0; k < 60; k++)
                        fprintf(f, "    - {role: r67%s, scope: org}\n", tail);
        }
        ck_assert_int_eq(fclose(f), 0);
        begin = clock();
        config_free(config_case_load(yaml, NULL));
        ck_assert_msg(clock() - begin < 10 * CLOCKS_PER_SEC, "it took %ld s",
                      (long)((clock() - begin) / CLOCKS_PER_SEC));
        free(yaml);
}
END_TEST

CHECK_MAIN("config_mutations", long_names_do_not_take_long, no_damaged_configuration_does_harm,
           no_damaged_roster_does_harm)
