#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A strict scanner over one JSON text: RFC 8259 and nothing else, in a single pass, without memory of its
 * own.
 *
 * The caller walks the structure that it expects, token by token, and lets json_scan_skip() check what it
 * does not know. Refused are ill-formed UTF-8, NUL in any form, lone surrogates, the same key twice in one
 * object and nesting beyond a limit. Whole numbers beyond int64 and reals beyond double are read over, but
 * noted in @overflow.
 *
 * Text without escapes is borrowed from the JSON. Text with escapes is unfolded into the scratch memory,
 * which fills from its start; from its end grow the places of the keys of objects that are still open
 * (note_key, keys_unique). The two never meet: what a member needs is less than its own length in JSON.
 */

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/def.h"
#include "proto/base/text.h"
#include "proto/fault.h"

typedef struct JsonScan {
        const char *start, *at, *end; /* of the JSON; @at is the next byte */
        char *scratch, *unfolded, *keys;
        Fault *fault;
        unsigned depth, depth_max; /* open objects and arrays */
        bool overflow;             /* a number did not fit; stays so */
} JsonScan;

typedef struct JsonNumber {
        Text text;  /* as it was written */
        bool whole; /* no fraction and no exponent; then @integer is its value */
        int64_t integer;
        double value;
} JsonNumber;

/* @scratch has at least @n bytes, and @n is below 2 GiB. Borrows everything. */
void json_scan_init(JsonScan *j, const char *json, size_t n, char *scratch, unsigned depth_max, Fault *fault);

/* The fault is @text and where; always 1. */
int json_scan_fault(JsonScan *j, FaultCode code, const char *text);

/* All below: 0, or 1 with the fault filled in. */

/* At a quotation mark. *ret_plain: nothing but printable ASCII. */
static inline int json_scan_string(JsonScan *j, Text *ret, bool *ret_plain);
/* At a minus or a digit. */
static inline int json_scan_number(JsonScan *j, JsonNumber *ret);
/* Exactly @word must come. */
CX_MUST_CHECK int json_scan_word(JsonScan *j, const char *word);
/* Any value, at its first byte. */
CX_MUST_CHECK int json_scan_skip(JsonScan *j);
/* Only blanks may follow. */
CX_MUST_CHECK int json_scan_finish(JsonScan *j);

/* Goes into an object or array (at its bracket), and back out (behind its last byte). */
CX_MUST_CHECK int json_scan_enter(JsonScan *j);
static inline void json_scan_leave(JsonScan *j);

/*
 * At a key or at the closing brace, with @first: right behind the opening one. Reads the key, the colon and
 * the blanks up to the value. *ret_done: that was the closing brace.
 */
static inline int json_scan_member(JsonScan *j, bool first, Text *ret_key, bool *ret_plain, bool *ret_done);

/* Remembers a key that was read by json_scan_member(), before its value is. */
void json_scan_note_key(JsonScan *j, Text key);
/* Right behind a closing brace: whether all keys noted since @mark (j->keys at that time) differ; forgets them. */
CX_MUST_CHECK int json_scan_keys_unique(JsonScan *j, char *mark);

/* For the functions below only. */
int json_scan_string_slow(JsonScan *j, const char *first, const char *at, Text *ret, bool *ret_plain);
int json_scan_number_slow(JsonScan *j, JsonNumber *ret);
int json_scan_expected(JsonScan *j, const char *text);

/* The next byte, or NUL at the end. */
static inline char json_scan_peek(const JsonScan *j)
{
        return j->at < j->end ? *j->at : '\0';
}

/* The next one that is no blank. */
static inline char json_scan_next(JsonScan *j)
{
        for (; j->at < j->end; j->at++) {
                char c = *j->at;

                /* Mostly the first test is enough. */
                if ((unsigned char)c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t'))
                        return c;
        }
        return '\0';
}

static inline bool json_scan_at_number(const JsonScan *j)
{
        char c = json_scan_peek(j);

        return c == '-' || (c >= '0' && c <= '9');
}

static inline void json_scan_leave(JsonScan *j)
{
        j->depth--;
}

/*
 * Bit 7 of the first byte that is not printable ASCII, or is a quotation mark or a backslash (later ones may be wrong: a
 * byte that is looked for borrows from the next).
 */
static inline uint64_t json_scan_special(uint64_t word)
{
        const uint64_t ones = 0x0101010101010101ULL, high = 0x8080808080808080ULL;
        uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';

        return ((word - ones * 0x20) | (quote - ones) | (backslash - ones) | (word + ones) | word) & high;
}

static inline int json_scan_string(JsonScan *j, Text *ret, bool *ret_plain)
{
        const char *first = j->at + 1, *p = first, *end = j->end;
        uint64_t word, special = 0;

        for (; end - p >= 8; p += 8) {
                memcpy(&word, p, 8);
                special = json_scan_special(le64toh(word));
                if (special) {
                        p += __builtin_ctzll(special) / 8;
                        break;
                }
        }
        while (!special && p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7F && *p != '"' &&
               *p != '\\')
                p++;
        if (p == end || *p != '"')
                return json_scan_string_slow(j, first, p, ret, ret_plain);
        *ret = (Text){.at = first, .n = (size_t)(p - first)};
        *ret_plain = true;
        j->at = p + 1;
        return 0;
}

static inline int json_scan_number(JsonScan *j, JsonNumber *ret)
{
        const char *p = j->at;

        /* One digit: what an answer nearly always is. */
        if (j->end - p >= 2 && *p >= '0' && *p <= '9' && (p[1] == ',' || p[1] == '}')) {
                ret->text = (Text){.at = p, .n = 1};
                ret->whole = true;
                ret->integer = *p - '0';
                ret->value = *p - '0';
                j->at = p + 1;
                return 0;
        }
        return json_scan_number_slow(j, ret);
}

static inline int json_scan_member(JsonScan *j, bool first, Text *ret_key, bool *ret_plain, bool *ret_done)
{
        char c = json_scan_next(j);

        *ret_done = c == '}';
        if (c == '}') {
                j->at++;
                return 0;
        }
        if (!first) {
                if (c != ',')
                        return json_scan_expected(j, "a comma or a closing brace is missing");
                j->at++;
                c = json_scan_next(j);
        }
        if (c != '"')
                return json_scan_expected(j, "a key in quotation marks is missing");
        if (json_scan_string(j, ret_key, ret_plain))
                return 1;
        if (json_scan_next(j) != ':')
                return json_scan_expected(j, "a colon is missing");
        j->at++;
        (void)json_scan_next(j);
        if (j->at == j->end)
                return json_scan_expected(j, "a value is missing");
        return 0;
}
