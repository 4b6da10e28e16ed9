/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "client/csv.h"

void csv_init(Csv *c, FILE *from, char delimiter)
{
        *c = (Csv){.from = from, .delimiter = delimiter, .next_line = 1};
}

void csv_deinit(Csv *c)
{
        buffer_deinit(&c->bytes);
        buffer_deinit(&c->kept);
}

/* The next byte of the file itself, which is kept if it may be read again. */
static int get_new(Csv *c)
{
        int ch = getc_unlocked(c->from);

        if (c->marked && ch != EOF) {
                buffer_append_char(&c->kept, (char)ch);
                c->kept_at++;
        } else if (!c->marked && c->kept_at > 0) {
                buffer_reset(&c->kept);
                c->kept_at = 0;
        }
        return ch;
}

static int get(Csv *c)
{
        int ch;

        if (c->kept_at < c->kept.n)
                ch = (unsigned char)c->kept.data[c->kept_at++];
        else if ((ch = get_new(c)) == EOF)
                return ch;
        c->n_read++;
        if (ch == '\n')
                c->next_line++;
        c->latest = ch;
        return ch;
}

static void unget(Csv *c, int ch)
{
        if (ch == EOF)
                return;
        if (ch == '\n')
                c->next_line--;
        c->n_read--;
        if (c->kept_at > 0)
                c->kept_at--;
        else
                ungetc(ch, c->from);
}

static void set_mark(Csv *c)
{
        if (c->kept_at > c->kept.n / 2) {
                buffer_consume(&c->kept, c->kept_at);
                c->kept_at = 0;
        }
        c->marked = true;
        c->mark = c->kept_at;
        c->mark_line = c->next_line;
        c->mark_read = c->n_read;
}

static void go_back(Csv *c)
{
        c->again_line = c->next_line = c->mark_line;
        c->n_read = c->mark_read;
        c->kept_at = c->mark;
}

/* Whether the rest of the field is of no use, for its lines are read again. */
static bool is_lost(const Csv *c)
{
        return c->broken && c->marked;
}

/* A byte order mark at the beginning of the file is no part of it. */
static void skip_mark(Csv *c)
{
        int a = get(c), b, d;

        if (a != 0xef) {
                unget(c, a);
                return;
        }
        b = get(c);
        d = get(c);
        if (b == 0xbb && d == 0xbf)
                return;
        /* No UTF-8 mark: the bytes go where they belong, into the first field. */
        buffer_append_char(&c->bytes, (char)a);
        if (b != EOF)
                buffer_append_char(&c->bytes, (char)b);
        unget(c, d);
}

static void put(Csv *c, int ch)
{
        if (ch == '\0')
                c->broken = "a NUL byte; save the file in UTF-8";
        else if (c->bytes.n < CSV_BYTES_MAX)
                buffer_append_char(&c->bytes, (char)ch);
        else
                c->broken = "a record of more than 1 MiB; is a quote not closed?";
}

/* The rest of a quoted field after its first quote, up to what follows the closing one. Returns that. */
static int quoted(Csv *c)
{
        for (;;) {
                int ch = get(c);

                if (ch == EOF) {
                        c->broken = "a quote is not closed";
                        return ch;
                }
                if (ch == '"') {
                        ch = get(c);
                        if (ch != '"')
                                return ch;
                }
                put(c, ch);
                if (ch == '\n' && !c->marked)
                        set_mark(c);
                if (is_lost(c))
                        return '\n';
        }
}

/* One field; returns what ended it: the delimiter, '\n' or EOF. */
static int field(Csv *c)
{
        size_t start = c->bytes.n;
        bool was_quoted = false;
        int ch;

        c->marked = false;
        ch = get(c);

        /* The first field may have begun with bytes that looked like a mark. */
        if (c->n_fields == 0)
                start = 0;
        if (ch == '"' && c->bytes.n == start) {
                ch = quoted(c);
                was_quoted = true;
        }
        for (; ch != EOF && ch != '\n' && ch != c->delimiter && !is_lost(c); ch = get(c)) {
                if (ch == '\r') {
                        int after = get(c);

                        unget(c, after);
                        if (after == '\n' || after == EOF)
                                continue;
                }
                put(c, ch);
                /* One that is not doubled shifts the cells that follow. */
                if (was_quoted && !c->broken && ch != ' ' && ch != '\t')
                        c->broken = "text after a closing quote; is a quote inside not doubled?";
        }
        if (is_lost(c))
                return '\n';
        if (c->n_fields == CSV_FIELDS_MAX) {
                c->broken = "more than 1024 fields";
                return ch;
        }
        c->starts[c->n_fields] = start;
        c->ends[c->n_fields++] = c->bytes.n;
        return ch;
}

/* Says of the first record that it is one of no CSV file at all. It need not have a NUL to be that. */
static void tell_others(Csv *c)
{
        if (c->bytes.n >= 2 && memcmp(c->bytes.data, "\x1f\x8b", 2) == 0)
                c->broken = "the file is compressed; right is zcat FILE | cxctl import - --map MAPPING";
        else if (c->bytes.n >= 4 && memcmp(c->bytes.data, "PK\3\4", 4) == 0)
                c->broken =
                        "the file is a workbook (.xlsx) or another archive; save the table as CSV, in UTF-8";
}

/* What reading failed with. */
static int read_error(void)
{
        return errno > 0 ? -errno : -EIO;
}

int csv_next(Csv *c)
{
        int end;

        do {
                c->broken = NULL;
                c->n_fields = 0;
                buffer_reset(&c->bytes);
                if (c->n_read == 0)
                        skip_mark(c);
                c->line = c->next_line;
                c->again_line = 0;
                end = get(c);
                if (end == EOF && c->bytes.n == 0)
                        return ferror(c->from) ? read_error() : CSV_E_END;
                unget(c, end);
                do
                        end = field(c);
                while (end == c->delimiter);
                if (ferror(c->from))
                        return read_error();
                if (buffer_failed(&c->bytes) || buffer_failed(&c->kept))
                        return -ENOMEM;
        } while (c->n_fields == 1 && c->ends[0] == 0 && !c->broken);
        if (c->line == 1)
                tell_others(c);
        c->last_line = c->next_line - (c->latest == '\n');
        if (!c->broken)
                return 0;
        if (c->marked && c->mark_line <= c->last_line)
                go_back(c);
        return CSV_E_BROKEN;
}

Text csv_field(const Csv *c, size_t i)
{
        if (i >= c->n_fields)
                return (Text){"", 0};
        return (Text){c->bytes.data ? c->bytes.data + c->starts[i] : "", c->ends[i] - c->starts[i]};
}
