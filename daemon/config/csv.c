/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/config/csv.h"

void csv_init(Csv *c, Text text, const char *file)
{
        if (text.n >= 3 && memcmp(text.at, "\xEF\xBB\xBF", 3) == 0) {
                text.at += 3;
                text.n -= 3;
        }
        *c = (Csv){.rest = text, .file = file, .next_line = 1};
}

void csv_deinit(Csv *c)
{
        buffer_deinit(&c->unquoted);
}

static char first(const Csv *c)
{
        return c->rest.n ? c->rest.at[0] : '\0';
}

static void skip(Csv *c, size_t n)
{
        c->rest.at += n;
        c->rest.n -= n;
}

static bool at_line_end(const Csv *c)
{
        return c->rest.n == 0 || first(c) == '\n' ||
               (first(c) == '\r' && (c->rest.n == 1 || c->rest.at[1] == '\n'));
}

static void skip_line_end(Csv *c)
{
        if (first(c) == '\r')
                skip(c, 1);
        if (c->rest.n) {
                skip(c, 1);
                c->next_line++;
        }
}

static int read_bare(Csv *c, Text *ret, Diag *diag)
{
        Text t = {.at = c->rest.at};
        bool blank = true;

        for (; !at_line_end(c) && first(c) != ','; skip(c, 1), t.n++) {
                if (blank && first(c) == '"')
                        return diag_set(diag, c->file, c->line, NULL,
                                        "blanks come before a quote (\"); a quote must begin its field");
                blank = blank && (first(c) == ' ' || first(c) == '\t');
        }
        *ret = t;
        return 0;
}

/* The content goes to the buffer; *ret has its place in it as an offset until the row is complete. */
static int read_quoted(Csv *c, Text *ret, Diag *diag)
{
        size_t start = c->unquoted.n;
        unsigned line = c->next_line;

        skip(c, 1);
        for (;;) {
                if (c->rest.n == 0)
                        return diag_set(diag, c->file, line, NULL,
                                        "a quote (\") opens here and is never closed");
                if (first(c) == '"') {
                        skip(c, 1);
                        if (first(c) != '"' || c->rest.n == 0)
                                break;
                } else if (first(c) == '\n') {
                        c->next_line++;
                }
                buffer_append_char(&c->unquoted, first(c));
                skip(c, 1);
        }
        if (buffer_failed(&c->unquoted))
                return -ENOMEM;
        if (!at_line_end(c) && first(c) != ',')
                return diag_set(
                        diag, c->file, c->next_line, NULL,
                        "text follows a closing quote; a quote inside a quoted field is doubled (\"\")");
        *ret = (Text){.n = c->unquoted.n - start};
        return 0;
}

static int check_field(const Csv *c, Text t, Diag *diag)
{
        if (t.n > CSV_FIELD_MAX)
                return diag_set(diag, c->file, c->line, NULL, "a field of more than %d bytes", CSV_FIELD_MAX);
        if (!text_is_utf8(t.at ? t.at : "", t.n))
                return diag_set(diag, c->file, c->line, NULL,
                                "not UTF-8; save the file as UTF-8 (\"CSV UTF-8\" in spreadsheets)");
        return 0;
}

static int read_row(Csv *c, Diag *diag)
{
        bool quoted[CSV_FIELDS_MAX];
        size_t at = 0;
        int r;

        for (;;) {
                Text *field = &c->fields[c->n_fields];

                if (c->n_fields == CSV_FIELDS_MAX)
                        return diag_set(diag, c->file, c->line, NULL, "more than %d columns", CSV_FIELDS_MAX);
                quoted[c->n_fields] = c->rest.n && first(c) == '"';
                r = quoted[c->n_fields] ? read_quoted(c, field, diag) : read_bare(c, field, diag);
                if (r < 0)
                        return r;
                c->n_fields++;
                if (at_line_end(c))
                        break;
                skip(c, 1);
        }
        skip_line_end(c);
        for (size_t i = 0; i < c->n_fields; i++) {
                if (quoted[i]) {
                        c->fields[i].at = c->fields[i].n ? c->unquoted.data + at : "";
                        at += c->fields[i].n;
                }
                r = check_field(c, c->fields[i], diag);
                if (r < 0)
                        return r;
        }
        return 0;
}

int csv_next(Csv *c, Diag *diag)
{
        buffer_reset(&c->unquoted);
        c->n_fields = 0;
        while (c->rest.n && at_line_end(c))
                skip_line_end(c);
        if (c->rest.n == 0)
                return CSV_E_END;
        c->line = c->next_line;
        return read_row(c, diag);
}
