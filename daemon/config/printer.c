/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>
#include <strings.h>

#include "daemon/config/printer.h"

void printer_key(Printer *p, Text key)
{
        for (unsigned i = 0; i < p->depth; i++)
                buffer_append_str(p->to, p->item && i + 1 == p->depth ? "- " : "  ");
        p->item = false;
        printer_text(p, key);
        buffer_append_char(p->to, ':');
}

/* Words that YAML can only take for text: they begin with a letter and have no marks. */
static bool is_word(Text t)
{
        static const char *const taken[] = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};

        for (size_t i = 0; i < t.n; i++) {
                char c = t.at[i];
                bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

                if (!letter && (i == 0 || ((c < '0' || c > '9') && c != '_' && c != '-' && c != '.')))
                        return false;
        }
        for (size_t i = 0; i < CX_ARRAY_LEN(taken); i++) {
                if (t.n == strlen(taken[i]) && strncasecmp(t.at, taken[i], t.n) == 0)
                        return false;
        }
        return t.n > 0;
}

void printer_text(Printer *p, Text t)
{
        if (is_word(t)) {
                buffer_append_text(p->to, t);
                return;
        }
        buffer_append_char(p->to, '"');
        for (size_t i = 0; i < t.n; i++) {
                if (t.at[i] == '"' || t.at[i] == '\\')
                        buffer_append_char(p->to, '\\');
                buffer_append_char(p->to, t.at[i]);
        }
        buffer_append_char(p->to, '"');
}

void printer_end(Printer *p)
{
        buffer_append_char(p->to, '\n');
}

void printer_texts(Printer *p, const char *key, char *const *texts, size_t n)
{
        printer_key(p, text_of(key));
        buffer_append_str(p->to, " [");
        for (size_t i = 0; i < n; i++) {
                if (i)
                        buffer_append_str(p->to, ", ");
                printer_text(p, text_of(texts[i]));
        }
        buffer_append_char(p->to, ']');
        printer_end(p);
}

void printer_open(Printer *p)
{
        printer_end(p);
        p->depth++;
}

void printer_close(Printer *p)
{
        p->depth--;
}
