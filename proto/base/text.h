#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A borrowed piece of text: a pointer and a length, no NUL at the end.
 *
 * The owner of the bytes is whoever made the Text; it says for how long they live.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/def.h"

typedef struct Text {
        const char *at; /* NULL only with n = 0: "absent" */
        size_t n;
} Text;

#define TEXT_NULL       ((Text){0})
#define TEXT(_literal)  ((Text){.at = (_literal), .n = sizeof(_literal) - 1})
#define TEXT_FMT        "%.*s"
#define TEXT_ARG(_text) (int)(_text).n, ((_text).at ? (_text).at : "")

static inline Text text_of(const char *s)
{
        return (Text){.at = s, .n = s ? strlen(s) : 0};
}

static inline bool text_equal(Text a, Text b)
{
        return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

static inline bool text_is(Text a, const char *s)
{
        return text_equal(a, text_of(s));
}

/* Order of bytes, a shorter prefix first: < 0, 0, > 0. */
int text_compare(Text a, Text b);

/* Without blanks, tabs, CR and LF at both ends. */
Text text_trim(Text t);

/*
 * Takes the next line that is not blank off *rest, trimmed, without its end. False: there is none; *rest is empty.
 */
bool text_take_line(Text *rest, Text *ret);

/* A malloc'ed copy with a NUL behind it, or NULL without memory. */
char *text_dup(Text t);

/* Copies the C string @from into @size bytes at @to (they may overlap); what does not fit is cut between characters. */
void text_copy_cut(char *to, size_t size, const char *from);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). NUL is well-formed here. */
bool text_is_utf8(const char *at, size_t n);

/*
 * Well-formed UTF-8 without C0 and C1 controls, DEL, line and paragraph separators, and the bidirectional controls and
 * marks without width that let a name pretend to be another one.
 */
bool text_is_printable(Text t);

/* True if @pattern ("agent/ana.*", "*") matches all of @t; an asterisk stands for any run of bytes. */
bool text_glob(Text pattern, Text t);

/* Whole number in decimal, optional sign. -EINVAL, -ERANGE. */
CX_MUST_CHECK int text_to_int64(Text t, int64_t *ret);

/* Finite decimal number ("-1.5e3"); independent of the locale. -EINVAL, -ERANGE. */
CX_MUST_CHECK int text_to_double(Text t, double *ret);

/*
 * The double nearest to the number, in the form of JSON, that begins at @at: infinite if it overflows. A byte that is
 * no part of it must follow within the caller's memory; it is not read further than that. Independent of the locale.
 */
double text_read_double(const char *at);

/* Shortest decimal that reads back as exactly @value (finite); whole numbers have no point. Returns the length. */
#define NUMBER_TEXT_MAX 32
size_t number_format(double value, char ret[NUMBER_TEXT_MAX]);
size_t int64_format(int64_t value, char ret[NUMBER_TEXT_MAX]);
