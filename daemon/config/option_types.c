/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/file.h"
#include "daemon/config/option_types.h"

void option_print_text(Printer *p, const Option *o, const char *text)
{
        printer_key(p, text_of(option_key(o)));
        buffer_append_char(p->to, ' ');
        printer_text(p, text_of(text));
        printer_end(p);
}

void option_print_plain(Printer *p, const Option *o, const char *text)
{
        printer_key(p, text_of(option_key(o)));
        buffer_append_format(p->to, " %s\n", text);
}

static int read_bool(Load *l, const Option *o, const Node *n, void *object)
{
        bool *at = option_at(object, o->at);
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        if (text_is(n->text, "true"))
                *at = true;
        else if (text_is(n->text, "false"))
                *at = false;
        else
                return load_fail(l, n, NULL, "\"" TEXT_FMT "\" is neither true nor false", TEXT_ARG(n->text));
        return 0;
}

static void print_bool(Printer *p, const Option *o, const void *object)
{
        const bool *at = option_at_const(object, o->at);

        option_print_plain(p, o, *at ? "true" : "false");
}

int option_read_int(Load *l, const Option *o, const Node *n, int64_t *ret)
{
        int64_t value;
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        r = text_to_int64(n->text, &value);
        if (r == -EINVAL)
                return load_fail(l, n, NULL, "\"" TEXT_FMT "\" is not a whole number", TEXT_ARG(n->text));
        if (r < 0 || (double)value < o->min || (double)value > o->max)
                return load_fail(l, n, NULL, TEXT_FMT " lies outside %.0f to %.0f", TEXT_ARG(n->text), o->min,
                                 o->max);
        *ret = value;
        return 0;
}

static int read_size(Load *l, const Option *o, const Node *n, void *object)
{
        size_t *at = option_at(object, o->at);
        int64_t value;
        int r = option_read_int(l, o, n, &value);

        if (r == 0)
                *at = (size_t)value;
        return r;
}

static void print_size(Printer *p, const Option *o, const void *object)
{
        const size_t *at = option_at_const(object, o->at);
        char text[24];

        snprintf(text, sizeof(text), "%zu", *at);
        option_print_plain(p, o, text);
}

static int read_unsigned(Load *l, const Option *o, const Node *n, void *object)
{
        unsigned *at = option_at(object, o->at);
        int64_t value;
        int r = option_read_int(l, o, n, &value);

        if (r == 0)
                *at = (unsigned)value;
        return r;
}

static void print_unsigned(Printer *p, const Option *o, const void *object)
{
        const unsigned *at = option_at_const(object, o->at);
        char text[24];

        /* Below what can be written it was not. */
        if (*at < o->min)
                return;
        snprintf(text, sizeof(text), "%u", *at);
        option_print_plain(p, o, text);
}

static int read_duration(Load *l, const Option *o, const Node *n, void *object)
{
        usec_t *at = option_at(object, o->at);
        char min[USEC_TEXT_MAX], max[USEC_TEXT_MAX];
        usec_t value;
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        r = duration_parse(n->text.at, n->text.n, &value);
        if (r == -EINVAL)
                return load_fail(l, n, NULL,
                                 "\"" TEXT_FMT "\" is not a duration; write 90s, 10m, 1h30m, 28d or 5y",
                                 TEXT_ARG(n->text));
        if (r < 0 || (double)value < o->min || (double)value > o->max)
                return load_fail(l, n, NULL, TEXT_FMT " lies outside %s to %s", TEXT_ARG(n->text),
                                 duration_format((usec_t)o->min, min), duration_format((usec_t)o->max, max));
        *at = value;
        return 0;
}

static void print_duration(Printer *p, const Option *o, const void *object)
{
        const usec_t *at = option_at_const(object, o->at);
        char text[USEC_TEXT_MAX];

        option_print_plain(p, o, duration_format(*at, text));
}

static int read_choice(Load *l, const Option *o, const Node *n, void *object)
{
        Suggest s = SUGGEST_INIT(n->text);
        char hint[SUGGEST_MAX], all[192] = "";
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        for (int i = 0; o->choices[i]; i++) {
                size_t used = strlen(all);

                if (text_is(n->text, o->choices[i])) {
                        *(int *)option_at(object, o->at) = i;
                        return 0;
                }
                suggest_offer(&s, text_of(o->choices[i]));
                snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", o->choices[i]);
        }
        return load_fail(l, n, NULL, "\"" TEXT_FMT "\" is none of %s%s", TEXT_ARG(n->text), all,
                         suggest_text(&s, hint));
}

static void print_choice(Printer *p, const Option *o, const void *object)
{
        const int *at = option_at_const(object, o->at);

        option_print_text(p, o, o->choices[*at]);
}

static int read_name(Load *l, const Option *o, const Node *n, void *object)
{
        char *at = option_at(object, o->at);
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        if (!metric_name_ok(n->text))
                return load_fail(l, n, NULL,
                                 "\"" TEXT_FMT
                                 "\" is not a name; names have 1 to 64 letters, digits, _, - and ., and "
                                 "begin with a letter",
                                 TEXT_ARG(n->text));
        memcpy(at, n->text.at, n->text.n);
        at[n->text.n] = '\0';
        return 0;
}

static void print_name(Printer *p, const Option *o, const void *object)
{
        option_print_text(p, o, option_at_const(object, o->at));
}

static int read_texts(Load *l, const Option *o, const Node *n, void *object)
{
        char ***at = option_at(object, o->at);
        size_t *at_n = option_at(object, o->at_n);
        int r = load_want_list(l, n, (size_t)o->max);

        if (r < 0)
                return r;
        *at = load_grow(NULL, 0, n->n, sizeof(char *));
        if (!*at)
                return -ENOMEM;
        for (const Node *item = n->first; item; item = item->next) {
                r = load_want_scalar(l, item);
                if (r < 0)
                        return r;
                (*at)[*at_n] = text_dup(item->text);
                if (!(*at)[*at_n])
                        return -ENOMEM;
                ++*at_n;
        }
        return 0;
}

static void print_texts(Printer *p, const Option *o, const void *object)
{
        char *const *const *at = option_at_const(object, o->at);
        const size_t *at_n = option_at_const(object, o->at_n);

        printer_texts(p, option_key(o), *at, *at_n);
}

static int read_path(Load *l, const Option *o, const Node *n, void *object)
{
        char **at = option_at(object, o->at);
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        *at = file_join(l->folder_path, n->text);
        return *at ? 0 : -ENOMEM;
}

static void print_path(Printer *p, const Option *o, const void *object)
{
        char *const *at = option_at_const(object, o->at);

        if (*at)
                option_print_text(p, o, *at);
}

static int read_section(Load *l, const Option *o, const Node *n, void *object)
{
        return option_read(l, o->name, n, object, true);
}

static void print_section(Printer *p, const Option *o, const void *object)
{
        printer_key(p, text_of(option_key(o)));
        printer_open(p);
        option_print(p, o->name, object);
        printer_close(p);
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_sha256(Text t)
{
        for (size_t i = 0; i < t.n; i++) {
                if (hex_digit(t.at[i]) < 0)
                        return false;
        }
        return t.n == 64;
}

static int read_token(Load *l, const Option *o, const Node *n, void *object)
{
        unsigned char *at = option_at(object, o->at);
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        if (!is_sha256(n->text))
                return load_fail(
                        l, n, NULL,
                        "must be the 64 hexadecimal digits of a SHA-256; \"cxctl token new\" prints them");
        for (size_t i = 0; i < 32; i++)
                at[i] = (unsigned char)(hex_digit(n->text.at[2 * i]) * 16 + hex_digit(n->text.at[2 * i + 1]));
        *(bool *)option_at(object, o->at_n) = true;
        return 0;
}

static void print_token(Printer *p, const Option *o, const void *object)
{
        const unsigned char *at = option_at_const(object, o->at);
        char text[65];

        if (!*(const bool *)option_at_const(object, o->at_n))
                return;
        for (size_t i = 0; i < 32; i++)
                snprintf(text + 2 * i, 3, "%02x", at[i]);
        printer_key(p, text_of(option_key(o)));
        buffer_append_format(p->to, " \"%s\"\n", text);
}

const OptionType type_bool = {"true or false", read_bool, print_bool};
const OptionType type_size = {"a number", read_size, print_size};
const OptionType type_unsigned = {"a number", read_unsigned, print_unsigned};
const OptionType type_duration = {"a duration", read_duration, print_duration};
const OptionType type_choice = {"one of", read_choice, print_choice};
const OptionType type_name = {"a name", read_name, print_name};
const OptionType type_texts = {"a list of texts", read_texts, print_texts};
const OptionType type_path = {"a path", read_path, print_path};
const OptionType type_section = {"a section", read_section, print_section};
const OptionType type_token = {"64 hexadecimal digits", read_token, print_token};
