/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Half a million texts, made by a grammar of surveys and then broken in small ways, against survey_differ().
 *
 * The seed is fixed: every run sees the same texts.
 */

#include <stdio.h>

#include "proto/base/buffer.h"
#include "proto/base/def.h"
#include "tests/fuzz/survey_differ.h"
#include "tests/support/check_main.h"

#define N_TEXTS 520000

static uint64_t state;

static unsigned roll(unsigned n)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (unsigned)((state >> 11) % n);
}

static bool chance(unsigned percent)
{
        return roll(100) < percent;
}

#define PICK(_b, _table) buffer_append_str(_b, (_table)[roll(CX_ARRAY_LEN(_table))])

static void add_blanks(Buffer *b)
{
        static const char *const blanks[] = {" ", "\t", "\n", "\r", "  \r\n"};

        if (chance(4))
                PICK(b, blanks);
}

static void add_characters(Buffer *b, unsigned n)
{
        static const char *const odd[] = {
                "\\n",
                "\\t",
                "\\\"",
                "\\\\",
                "\\/",
                "\\b",
                "\\u00f1",
                "\\u00F1",
                "\\u0041",
                "\\ud83d\\ude00",
                "\\uD83D\\uDE00",
                "\\u20ac",
                "\xC3\xB1",
                "\xE2\x82\xAC",
                "\xF0\x9F\x98\x80",
                "\xED\x9F\xBF",
                "\xEE\x80\x80",
                "\xF4\x8F\xBF\xBF",
                "\x7F",
                "\xE2\x80\xAE",
                "\xC2\x85",
                "\\u0001",
                "\\u007f",
                "/",
        };
        static const char *const wrong[] = {
                "\\u0000",
                "\\ud800",
                "\\udc00",
                "\\ud800\\u0041",
                "\\ud800\\ud800",
                "\\x",
                "\\u12",
                "\\u00g0",
                "\x80",
                "\xC0\x80",
                "\xC3",
                "\xED\xA0\x80",
                "\xF4\x90\x80\x80",
                "\xFF",
                "\n",
                "\x01",
                "\xE2\x82",
                "\xF8\x88\x80\x80\x80",
        };

        while (n--) {
                unsigned kind = roll(1000);

                if (kind < 975)
                        buffer_append_char(b, (char)("abcdefghijklmnopqrstuvwxyz.-_ 0123456789"[roll(40)]));
                else if (kind < 998)
                        PICK(b, odd);
                else
                        PICK(b, wrong);
        }
}

static void add_string(Buffer *b, unsigned longest)
{
        buffer_append_char(b, '"');
        add_characters(b, roll(longest));
        buffer_append_char(b, '"');
}

static void add_number(Buffer *b)
{
        static const char *const odd[] = {
                "-0",
                "0.0",
                "-0.0",
                "1e5",
                "1E+5",
                "1e-5",
                "0e0",
                "0e999",
                "1e308",
                "1e-400",
                "4.9e-324",
                "2.5e-324",
                "1.7976931348623157e308",
                "1.7976931348623159e308",
                "9223372036854775807",
                "-9223372036854775808",
                "9223372036854775808",
                "-9223372036854775809",
                "1e999",
                "-1e999",
                "9007199254740993",
                "0.1",
                "5.0",
                "100000000000000000000000000000",
                "1795256130.250001",
                "253402300799",
                "253402300800",
                "2.2250738585072011e-308",
                "0.3000000000000000444089209850062616169452667236328125000000000000000000000000000000000001",
        };
        static const char *const wrong[] = {
                "01",   "-01", "1.",       ".5",        "+1",   "1e",    "1e+",          "-",
                "0x1F", "NaN", "Infinity", "-Infinity", "1.e5", "1_000", "00",           "1,5",
                "0.",   "-a",  "--1",      "1e5.5",     "inf",  "1d",    "\xEF\xBC\x91",
        };
        unsigned kind = roll(1000);
        double value;

        if (kind < 700) {
                buffer_append_format(b, "%u", roll(11));
        } else if (kind < 800) {
                buffer_append_format(b, "%d", (int)roll(2000000000) - 1000000000);
        } else if (kind < 870) {
                buffer_append_format(b, "%u.%0*u", roll(100), (int)roll(8) + 1, roll(1000000));
        } else if (kind < 940) {
                roll(2);
                memcpy(&value, &state, sizeof(value));
                if (value - value == 0) /* finite */
                        buffer_append_format(b, "%.*g", (int)roll(25) + 1, value);
                else
                        buffer_append_str(b, "7");
        } else if (kind < 997) {
                PICK(b, odd);
        } else {
                PICK(b, wrong);
        }
}

static void add_value(Buffer *b, unsigned depth);

static void add_members(Buffer *b, unsigned depth, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                if (i)
                        buffer_append_char(b, ',');
                add_blanks(b);
                if (chance(80))
                        buffer_append_format(b, "\"k%u\"", roll(200));
                else
                        add_string(b, 4);
                buffer_append_char(b, ':');
                add_blanks(b);
                add_value(b, depth);
                add_blanks(b);
        }
}

static void add_value(Buffer *b, unsigned depth)
{
        unsigned kind = roll(depth >= 6 ? 6 : 10);

        if (kind < 2) {
                add_number(b);
        } else if (kind < 4) {
                add_string(b, 12);
        } else if (kind < 6) {
                PICK(b, ((const char *const[]){"null", "true", "false"}));
        } else if (kind < 8) {
                buffer_append_char(b, '{');
                add_members(b, depth + 1, roll(4));
                buffer_append_char(b, '}');
        } else {
                buffer_append_char(b, '[');
                for (unsigned i = 0, n = roll(4); i < n; i++) {
                        if (i)
                                buffer_append_char(b, ',');
                        add_value(b, depth + 1);
                        add_blanks(b);
                }
                buffer_append_char(b, ']');
        }
}

static void add_time(Buffer *b)
{
        if (chance(70))
                buffer_append_format(b, "\"20%02u-%02u-%02uT%02u:%02u:%02u%s\"", roll(100), 1 + roll(12),
                                     1 + roll(chance(95) ? 28 : 33), roll(24), roll(60), roll(60),
                                     ((const char *const[]){"Z", ".25Z", "+01:00", ".123456789-0430", "",
                                                            "z"})[roll(chance(97) ? 4 : 6)]);
        else if (chance(80))
                buffer_append_format(b, "%u.%06u", roll(2000000000), roll(1000000));
        else
                add_number(b);
}

static void add_answers(Buffer *b)
{
        static const char *const names[] = {"nps",      "csat",      "ces",       "fcr",     "wait",
                                            "courtesy", "knowledge", "n\\u0070s", "\xC3\xB1"};
        unsigned n = chance(1) ? 60 + roll(10) : roll(8);

        buffer_append_char(b, '{');
        for (unsigned i = 0; i < n; i++) {
                if (i)
                        buffer_append_char(b, ',');
                add_blanks(b);
                if (chance(98))
                        buffer_append_format(b, "\"%s%u\"", names[roll(CX_ARRAY_LEN(names))], i);
                else
                        buffer_append_format(b, "\"%s\"", names[roll(CX_ARRAY_LEN(names))]);
                add_blanks(b);
                buffer_append_char(b, ':');
                if (chance(80))
                        add_number(b);
                else if (chance(95))
                        PICK(b, ((const char *const[]){"null", "true", "false"}));
                else
                        add_value(b, 2);
        }
        add_blanks(b);
        buffer_append_char(b, '}');
}

static void add_field(Buffer *b, unsigned field)
{
        static const char *const names[] = {
                "id",      "ts",     "queue",  "agent", "contact", "customer",
                "channel", "reason", "status", "rev",   "answers", "comment",
        };

        add_blanks(b);
        if (field >= CX_ARRAY_LEN(names)) {
                add_members(b, 1, 1);
                return;
        }
        if (chance(98))
                buffer_append_format(b, "\"%s\":", names[field]);
        else
                buffer_append_format(b, "\"\\u%04x%s\":", (unsigned)names[field][0], names[field] + 1);
        if (chance(1)) {
                add_value(b, 1);
                return;
        }
        switch (field) {
        case 1:
                add_time(b);
                break;
        case 8:
                PICK(b, ((const char *const[]){"\"answered\"", "\"offered\"", "\"expired\"", "\"opted_out\"",
                                               "\"retracted\"", "\"started\"", "null", "\"\"", "\"other\""}));
                break;
        case 9:
                if (chance(80))
                        buffer_append_format(b, "%u", roll(100000));
                else
                        add_number(b);
                break;
        case 10:
                add_answers(b);
                break;
        case 11:
                add_string(b, chance(1) ? 5000 : 40);
                break;
        default:
                buffer_append_str(b, "\"x");
                add_characters(b, chance(1) ? 200 : roll(15));
                buffer_append_char(b, '"');
                break;
        }
}

static void add_survey(Buffer *b)
{
        unsigned fields[16], n = 0;

        for (unsigned field = 0; field < 14; field++)
                if (chance(field < 3 ? 99 : 50))
                        fields[n++] = field;
        if (chance(2))
                fields[n++] = roll(14); /* twice, perhaps */
        for (unsigned i = 0; i + 1 < n; i++) {
                unsigned k = i + roll(n - i), field = fields[i];

                fields[i] = fields[k];
                fields[k] = field;
        }
        add_blanks(b);
        buffer_append_char(b, '{');
        for (unsigned i = 0; i < n; i++) {
                if (i)
                        buffer_append_char(b, ',');
                add_field(b, fields[i]);
                add_blanks(b);
        }
        buffer_append_char(b, '}');
        add_blanks(b);
}

static void insert(Buffer *b, size_t at, const char *bytes, size_t n)
{
        char *to = buffer_reserve(b, n);

        ck_assert_ptr_nonnull(to);
        memmove(b->data + at + n, b->data + at, b->n - at);
        memcpy(b->data + at, bytes, n);
        b->n += n;
}

static void mutate(Buffer *b)
{
        static const char *const tokens[] = {
                "{",       "}",        "[",
                "]",       ":",        ",",
                "\"",      "\\",       "null",
                "true",    "1e999",    "\"id\":1,",
                "[[[[[",   "]]]]]",    "{\"a\":1,\"a\":1}",
                "\\u0000", "\\ud800",  "\xEF\xBB\xBF",
                "\xFF",    "\xC3\xB1", "-",
                "0",       ".",        "e5",
                " ",       "\n",       "//",
                "\x7F",    "\x1B",     "99999999999999999999",
        };
        size_t at = roll((unsigned)b->n + 1), n = at + roll(12) + 1 < b->n ? roll(12) + 1 : 0;
        char slice[16];
        const char *token;

        switch (roll(7)) {
        case 0:
                if (at < b->n)
                        b->data[at] = (char)(b->data[at] ^ (1 << roll(8)));
                break;
        case 1:
                if (at < b->n)
                        b->data[at] = (char)roll(256);
                break;
        case 2:
                b->n = at;
                break;
        case 3:
                if (at + n <= b->n) {
                        memmove(b->data + at, b->data + at + n, b->n - at - n);
                        b->n -= n;
                }
                break;
        case 4:
                if (at + n <= b->n) {
                        memcpy(slice, b->data + at, n);
                        insert(b, roll((unsigned)b->n + 1), slice, n);
                }
                break;
        case 5:
                insert(b, at, "\0", chance(10));
                break;
        default:
                token = tokens[roll(CX_ARRAY_LEN(tokens))];
                insert(b, at, token, strlen(token));
                break;
        }
}

static void check_text(const char *json, size_t n, unsigned counts[_FAULT_N])
{
        FaultCode code;
        const char *difference = survey_differ(json, n, &code);

        if (difference)
                ck_abort_msg("%s: %.*s", difference, (int)n, json);
        counts[code]++;
}

START_TEST(jansson_and_the_decoder_agree)
{
        static const struct {
                FaultCode code;
                unsigned at_least;
        } expected[] = {
                {FAULT_NONE, 100000}, {FAULT_JSON, 50000}, {FAULT_UTF8, 5000},  {FAULT_DUPLICATE_KEY, 3000},
                {FAULT_DEPTH, 5000},  {FAULT_TYPE, 5000},  {FAULT_RANGE, 5000}, {FAULT_MISSING, 1000},
        };
        unsigned counts[_FAULT_N] = {0};
        Buffer b = BUFFER_NULL;

        state = 20261121;
        for (unsigned i = 0; i < N_TEXTS; i++) {
                buffer_reset(&b);
                add_survey(&b);
                if (chance(55))
                        for (unsigned k = roll(3) + 1; k > 0; k--)
                                mutate(&b);
                ck_assert(!buffer_failed(&b));
                check_text(b.data, b.n, counts);
        }
        for (size_t i = 0; i < CX_ARRAY_LEN(expected); i++)
                fprintf(stderr, "%-16s %u\n", i ? fault_name(expected[i].code) : "accepted",
                        counts[expected[i].code]);
        for (size_t i = 0; i < CX_ARRAY_LEN(expected); i++)
                ck_assert_uint_ge(counts[expected[i].code], expected[i].at_least);
        buffer_deinit(&b);
}
END_TEST

/* Hostile shapes that random texts do not reach. */
START_TEST(large_texts_agree_as_well)
{
        unsigned counts[_FAULT_N] = {0};
        Buffer b = BUFFER_NULL;

        for (unsigned shape = 0; shape < 8; shape++) {
                for (unsigned n = 1; n < 6000; n = n * 3 + 1) {
                        buffer_reset(&b);
                        buffer_append_str(&b, shape & 1 ? "{\"answers\":{"
                                                        : "{\"id\":\"1\",\"ts\":1,\"queue\":\"q\",\"x\":{");
                        for (unsigned i = 0; i < n; i++)
                                buffer_append_format(&b, "%s\"%s%x\":0", i ? "," : "", i % 5 ? "" : "\\u0041",
                                                     i * 7919 % n);
                        if (shape & 2)
                                buffer_append_format(&b, ",\"A0\":0");
                        buffer_append_str(&b, shape & 4 ? "}}" : "}");
                        check_text(b.data, b.n, counts);
                }
        }
        ck_assert_uint_ge(counts[FAULT_DUPLICATE_KEY], 8);
        ck_assert_uint_ge(counts[FAULT_NONE], 8);
        buffer_deinit(&b);
}
END_TEST

CHECK_MAIN("survey differential", jansson_and_the_decoder_agree, large_texts_agree_as_well)
