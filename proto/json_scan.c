/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <math.h>

#include "proto/json_scan.h"

/* A noted key is its place in the JSON or, with this bit, in the scratch memory. A NUL ends it there, a quote
 * here. */
#define KEY_UNFOLDED 0x80000000U
#define KEY_BYTES    sizeof(uint32_t)

void json_scan_init(JsonScan *j, const char *json, size_t n, char *scratch, unsigned depth_max, Fault *fault)
{
        assert(n < KEY_UNFOLDED);
        *j = (JsonScan){
                .start = json,
                .at = json,
                .end = json + n,
                .scratch = scratch,
                .unfolded = scratch,
                .keys = scratch + n,
                .fault = fault,
                .depth_max = depth_max,
        };
}

int json_scan_fault(JsonScan *j, FaultCode code, const char *text)
{
        return fault_set(j->fault, code, NULL, "%s at byte %zu", text, (size_t)(j->at - j->start) + 1);
}

int json_scan_expected(JsonScan *j, const char *text)
{
        if (j->at == j->end)
                return fault_set(j->fault, FAULT_JSON, NULL, "the text ends too early: %s", text);
        return json_scan_fault(j, FAULT_JSON, text);
}

int json_scan_word(JsonScan *j, const char *word)
{
        size_t n = strlen(word);

        if ((size_t)(j->end - j->at) < n || memcmp(j->at, word, n) != 0)
                return json_scan_fault(j, FAULT_JSON, "something that is no JSON value");
        j->at += n;
        return 0;
}

int json_scan_finish(JsonScan *j)
{
        (void)json_scan_next(j);
        if (j->at != j->end)
                return json_scan_fault(j, FAULT_JSON, "the JSON value is complete, but more text follows");
        return 0;
}

int json_scan_enter(JsonScan *j)
{
        if (j->depth == j->depth_max)
                return fault_set(j->fault, FAULT_DEPTH, NULL,
                                 "nested deeper than the limit of %u at byte %zu", j->depth_max,
                                 (size_t)(j->at - j->start) + 1);
        j->depth++;
        j->at++;
        return 0;
}

/* Strings */

/* The length of one well-formed character beyond ASCII, or 0. Tables 3-7 of the Unicode standard. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
        unsigned char low = 0x80, high = 0xBF;
        size_t len;

        if (p[0] >= 0xC2 && p[0] <= 0xDF) {
                len = 2;
        } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
                len = 3;
                low = p[0] == 0xE0 ? 0xA0 : 0x80;
                high = p[0] == 0xED ? 0x9F : 0xBF;
        } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
                len = 4;
                low = p[0] == 0xF0 ? 0x90 : 0x80;
                high = p[0] == 0xF4 ? 0x8F : 0xBF;
        } else {
                return 0;
        }
        if (n < len || p[1] < low || p[1] > high)
                return 0;
        for (size_t i = 2; i < len; i++)
                if ((p[i] & 0xC0) != 0x80)
                        return 0;
        return len;
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits at @p; -1: they are not. */
static int hex_unit(const char *p, const char *end)
{
        int unit = 0;

        if (end - p < 4)
                return -1;
        for (int i = 0; i < 4; i++) {
                int digit = hex_digit(p[i]);

                if (digit < 0)
                        return -1;
                unit = unit << 4 | digit;
        }
        return unit;
}

static char *put_utf8(char *to, uint32_t code)
{
        if (code < 0x80) {
                *to++ = (char)code;
        } else if (code < 0x800) {
                *to++ = (char)(0xC0 | code >> 6);
                *to++ = (char)(0x80 | (code & 0x3F));
        } else if (code < 0x10000) {
                *to++ = (char)(0xE0 | code >> 12);
                *to++ = (char)(0x80 | (code >> 6 & 0x3F));
                *to++ = (char)(0x80 | (code & 0x3F));
        } else {
                *to++ = (char)(0xF0 | code >> 18);
                *to++ = (char)(0x80 | (code >> 12 & 0x3F));
                *to++ = (char)(0x80 | (code >> 6 & 0x3F));
                *to++ = (char)(0x80 | (code & 0x3F));
        }
        return to;
}

/* "\uXXXX", one or a pair of them; j->at is the backslash. */
static int take_unicode(JsonScan *j, char **to)
{
        int unit = hex_unit(j->at + 2, j->end), low;
        uint32_t code = (uint32_t)unit;

        if (unit < 0)
                return json_scan_fault(j, FAULT_JSON, "\\u wants four hexadecimal digits");
        if (unit == 0)
                return json_scan_fault(j, FAULT_JSON, "NUL, which no text may contain,");
        if (unit >= 0xD800 && unit <= 0xDFFF) {
                low = j->end - j->at >= 12 && j->at[6] == '\\' && j->at[7] == 'u'
                              ? hex_unit(j->at + 8, j->end)
                              : -1;
                if (unit >= 0xDC00 || low < 0xDC00 || low > 0xDFFF)
                        return json_scan_fault(j, FAULT_JSON, "half of a surrogate pair");
                code = 0x10000 + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
                j->at += 6;
        }
        j->at += 6;
        *to = put_utf8(*to, code);
        return 0;
}

static int take_escape(JsonScan *j, char **to)
{
        static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        const char *name;

        if (j->end - j->at < 2)
                return fault_set(j->fault, FAULT_JSON, NULL, "the text ends too early: within an escape");
        if (j->at[1] == 'u')
                return take_unicode(j, to);
        name = memchr(names, j->at[1], sizeof(names) - 1);
        if (!name)
                return json_scan_fault(j, FAULT_JSON, "an escape that JSON does not have");
        *(*to)++ = values[name - names];
        j->at += 2;
        return 0;
}

/* One character that is neither a quote nor a backslash and may lie beyond ASCII: its length in *ret. */
static int take_character(JsonScan *j, size_t *ret)
{
        unsigned char c = (unsigned char)*j->at;

        if (c < 0x20)
                return json_scan_fault(j, FAULT_JSON, "a control character that is not escaped");
        *ret = c < 0x80 ? 1 : utf8_length((const unsigned char *)j->at, (size_t)(j->end - j->at));
        if (*ret == 0)
                return json_scan_fault(j, FAULT_UTF8, "ill-formed UTF-8");
        return 0;
}

/* The string began at @first and is plain up to @at. */
int json_scan_string_slow(JsonScan *j, const char *first, const char *at, Text *ret, bool *ret_plain)
{
        char *to = NULL, *begin = j->unfolded;
        size_t n = 0;

        j->at = at;
        while (j->at < j->end && *j->at != '"') {
                if (*j->at == '\\') {
                        if (!to) {
                                memcpy(begin, first, (size_t)(j->at - first));
                                to = begin + (j->at - first);
                        }
                        if (take_escape(j, &to))
                                return 1;
                        continue;
                }
                if (take_character(j, &n))
                        return 1;
                if (to) {
                        memcpy(to, j->at, n);
                        to += n;
                }
                j->at += n;
        }
        if (j->at == j->end)
                return json_scan_expected(j, "a string has no closing quotation mark");
        if (to) {
                *ret = (Text){.at = begin, .n = (size_t)(to - begin)};
                *to++ = '\0';
                j->unfolded = to;
        } else {
                *ret = (Text){.at = first, .n = (size_t)(j->at - first)};
        }
        *ret_plain = false;
        j->at++;
        return 0;
}

/* Numbers */

static const char *skip_digits(const char *p, const char *end)
{
        while (p < end && *p >= '0' && *p <= '9')
                p++;
        return p;
}

/* Finds the end of a number. */
static int number_end(JsonScan *j, const char **ret, bool *ret_whole)
{
        const char *p = j->at, *digits;

        if (*p == '-')
                p++;
        digits = p;
        p = skip_digits(p, j->end);
        if (p == digits)
                return json_scan_fault(j, FAULT_JSON, "a minus without a number");
        if (*digits == '0' && p - digits > 1)
                return json_scan_fault(j, FAULT_JSON, "a number with a leading zero");
        *ret_whole = true;
        if (p < j->end && *p == '.') {
                digits = ++p;
                p = skip_digits(p, j->end);
                if (p == digits)
                        return json_scan_fault(j, FAULT_JSON, "a number without digits behind its point");
                *ret_whole = false;
        }
        if (p < j->end && (*p == 'e' || *p == 'E')) {
                p++;
                if (p < j->end && (*p == '+' || *p == '-'))
                        p++;
                digits = p;
                p = skip_digits(p, j->end);
                if (p == digits)
                        return json_scan_fault(j, FAULT_JSON, "a number without digits in its exponent");
                *ret_whole = false;
        }
        *ret = p;
        return 0;
}

int json_scan_number_slow(JsonScan *j, JsonNumber *ret)
{
        const char *end = j->at;
        Text text;

        if (number_end(j, &end, &ret->whole))
                return 1;
        text = (Text){.at = j->at, .n = (size_t)(end - j->at)};
        ret->text = text;
        ret->integer = 0;
        ret->value = 0;
        j->at = end;
        if (ret->whole) {
                if (text_to_int64(text, &ret->integer) < 0)
                        j->overflow = true;
                ret->value = (double)ret->integer;
        } else if (end < j->end) { /* else: no object closes behind it, so that nobody wants its value */
                ret->value = text_read_double(text.at);
                if (!isfinite(ret->value)) {
                        ret->value = 0;
                        j->overflow = true;
                }
        }
        return 0;
}

/* Keys */

static uint32_t key_get(const char *keys, size_t i)
{
        uint32_t key;

        memcpy(&key, keys + i * KEY_BYTES, KEY_BYTES);
        return key;
}

static void key_set(char *keys, size_t i, uint32_t key)
{
        memcpy(keys + i * KEY_BYTES, &key, KEY_BYTES);
}

static const char *key_text(const JsonScan *j, uint32_t key, char *ret_stop)
{
        *ret_stop = key & KEY_UNFOLDED ? '\0' : '"';
        return key & KEY_UNFOLDED ? j->scratch + (key & ~KEY_UNFOLDED) : j->start + key;
}

/* Any total order will do, so long as equal keys are equal in it. */
static int key_compare(const JsonScan *j, uint32_t a, uint32_t b)
{
        char stop_a, stop_b;
        const char *p = key_text(j, a, &stop_a), *q = key_text(j, b, &stop_b);

        for (;; p++, q++) {
                if (*p == stop_a || *q == stop_b)
                        return (*q == stop_b) - (*p == stop_a);
                if (*p != *q)
                        return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
        }
}

void json_scan_note_key(JsonScan *j, Text key)
{
        bool here = key.at >= j->start && key.at < j->end;

        j->keys -= KEY_BYTES;
        assert(j->keys >= j->unfolded);
        key_set(j->keys, 0,
                here ? (uint32_t)(key.at - j->start) : (uint32_t)(key.at - j->scratch) | KEY_UNFOLDED);
}

/* Moves the key at @i down to its place in the heap of @n. */
static void sift(const JsonScan *j, char *keys, size_t i, size_t n)
{
        uint32_t key = key_get(keys, i);

        for (size_t child; (child = 2 * i + 1) < n; i = child) {
                if (child + 1 < n && key_compare(j, key_get(keys, child), key_get(keys, child + 1)) < 0)
                        child++;
                if (key_compare(j, key, key_get(keys, child)) >= 0)
                        break;
                key_set(keys, i, key_get(keys, child));
        }
        key_set(keys, i, key);
}

/* By heap: in place, and no input makes it slow. */
static void sort_keys(const JsonScan *j, char *keys, size_t n)
{
        for (size_t i = n / 2; i-- > 0;)
                sift(j, keys, i, n);
        for (size_t i = n; i-- > 1;) {
                uint32_t last = key_get(keys, i);

                key_set(keys, i, key_get(keys, 0));
                key_set(keys, 0, last);
                sift(j, keys, 0, i);
        }
}

int json_scan_keys_unique(JsonScan *j, char *mark)
{
        size_t n = (size_t)(mark - j->keys) / KEY_BYTES;

        if (n > 1) {
                sort_keys(j, j->keys, n);
                for (size_t i = 1; i < n; i++)
                        if (key_compare(j, key_get(j->keys, i - 1), key_get(j->keys, i)) == 0) {
                                j->at--;
                                return json_scan_fault(j, FAULT_DUPLICATE_KEY,
                                                       "the same key twice in the object that ends");
                        }
        }
        j->keys = mark;
        return 0;
}

/* Values that nobody knows */

static int skip_object(JsonScan *j)
{
        char *mark = j->keys;
        bool plain, done;
        Text key;

        if (json_scan_enter(j))
                return 1;
        for (bool first = true;; first = false) {
                if (json_scan_member(j, first, &key, &plain, &done))
                        return 1;
                if (done)
                        break;
                json_scan_note_key(j, key);
                if (json_scan_skip(j))
                        return 1;
        }
        json_scan_leave(j);
        return json_scan_keys_unique(j, mark);
}

static int skip_array(JsonScan *j)
{
        if (json_scan_enter(j))
                return 1;
        if (json_scan_next(j) == ']') {
                j->at++;
                json_scan_leave(j);
                return 0;
        }
        for (;;) {
                char c;

                (void)json_scan_next(j);
                if (json_scan_skip(j))
                        return 1;
                c = json_scan_next(j);
                if (c == ']')
                        break;
                if (c != ',')
                        return json_scan_expected(j, "a comma or a closing bracket is missing");
                j->at++;
        }
        j->at++;
        json_scan_leave(j);
        return 0;
}

int json_scan_skip(JsonScan *j)
{
        JsonNumber number;
        bool plain;
        Text text;

        switch (json_scan_peek(j)) {
        case '{':
                return skip_object(j);
        case '[':
                return skip_array(j);
        case '"':
                return json_scan_string(j, &text, &plain);
        case 't':
                return json_scan_word(j, "true");
        case 'f':
                return json_scan_word(j, "false");
        case 'n':
                return json_scan_word(j, "null");
        default:
                if (!json_scan_at_number(j))
                        return json_scan_expected(j, j->at == j->end ? "a value is missing"
                                                                     : "something that is no JSON value");
                return json_scan_number(j, &number);
        }
}
