/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "daemon/config/option.h"
#include "daemon/config/option_types.h"

const char *option_key(const Option *o)
{
        const char *dot = strrchr(o->name, '.');

        return dot ? dot + 1 : o->name;
}

/* Whether @o is an option of @section itself, not of one below it. */
static bool lies_in(const Option *o, const char *section)
{
        size_t n = strlen(section);
        const char *rest = o->name;

        if (n) {
                if (strncmp(rest, section, n) != 0 || rest[n] != '.')
                        return false;
                rest += n + 1;
        }
        return !strchr(rest, '.') && strcmp(rest, "*") != 0;
}

const Option *option_find(const char *section, Text key)
{
        for (size_t i = 0; i < option_count(); i++) {
                const Option *o = option_row(i);

                if (lies_in(o, section) && text_is(key, option_key(o)))
                        return o;
        }
        return NULL;
}

static int refuse_unknown(Load *l, const char *section, const Node *map)
{
        for (const Node *child = map->first; child; child = child->next) {
                Suggest s = SUGGEST_INIT(child->key);
                char hint[SUGGEST_MAX];

                if (option_find(section, child->key))
                        continue;
                for (size_t i = 0; i < option_count(); i++) {
                        if (lies_in(option_row(i), section))
                                suggest_offer(&s, text_of(option_key(option_row(i))));
                }
                return load_fail(l, child, NULL, "there is no such key%s", suggest_text(&s, hint));
        }
        return 0;
}

/* An empty list or map as a default is what a key without a value means. */
static bool has_default(const Option *o)
{
        return o->def && strcmp(o->def, "{}") != 0 && strcmp(o->def, "[]") != 0;
}

/* Reads the default as if it stood in the file, so that there is one way to read a value. */
static int read_default(Load *l, const Option *o, const Node *map, void *object)
{
        Node *n = NULL;
        int r;

        if (o->def[0] == '[' || o->def[0] == '{') {
                r = node_parse(&n, text_of(o->def), l->file, l->diag);
                if (r < 0)
                        return r;
        } else {
                n = node_scalar(text_of(o->def));
                if (!n)
                        return -ENOMEM;
        }
        n->parent = (Node *)map;
        n->key = text_of(option_key(o));
        n->line = map->line;
        for (Node *child = n->first; child; child = child->next)
                child->line = map->line;
        r = o->type->read(l, o, n, object);
        node_free(n);
        return r;
}

int option_read(Load *l, const char *section, const Node *map, void *object, bool defaults)
{
        int r = load_want_map(l, map, SIZE_MAX);

        if (r == 0)
                r = refuse_unknown(l, section, map);
        for (size_t i = 0; r == 0 && i < option_count(); i++) {
                const Option *o = option_row(i);
                const Node *n;

                if (!lies_in(o, section))
                        continue;
                n = node_get(map, option_key(o));
                if (n && n->kind == NODE_NULL && has_default(o))
                        r = load_fail_empty(l, n);
                else if (n)
                        r = o->type->read(l, o, n, object);
                else if (o->required && defaults)
                        r = load_fail(l, map, option_key(o), "is missing");
                else if (o->def && defaults)
                        r = read_default(l, o, map, object);
        }
        return r;
}

void option_print(Printer *p, const char *section, const void *object)
{
        for (size_t i = 0; i < option_count(); i++) {
                const Option *o = option_row(i);

                if (lies_in(o, section))
                        o->type->print(p, o, object);
        }
}

static void range_text(const Option *o, char *ret, size_t size)
{
        size_t n = 0;

        ret[0] = '\0';
        if (o->choices) {
                for (size_t i = 0; o->choices[i] && n < size; i++)
                        n += (size_t)snprintf(ret + n, size - n, "%s%s", i ? ", " : " ", o->choices[i]);
        } else if (o->type == &type_duration) {
                char min[USEC_TEXT_MAX], max[USEC_TEXT_MAX];

                snprintf(ret, size, ", %s to %s", duration_format((usec_t)o->min, min),
                         duration_format((usec_t)o->max, max));
        } else if (option_is_number(o)) {
                snprintf(ret, size, ", %.0f to %.0f", o->min, o->max);
        } else if (o->max > 0 && o->min > 0) {
                snprintf(ret, size, ", %.0f to %.0f entries", o->min, o->max);
        } else if (o->max > 0) {
                snprintf(ret, size, ", at most %.0f entries", o->max);
        }
}

char *option_describe(const Option *o, char ret[OPTION_DESCRIPTION_MAX])
{
        const char *def = has_default(o) ? o->def : "";
        char range[192];

        range_text(o, range, sizeof(range));
        snprintf(ret, OPTION_DESCRIPTION_MAX, "%s%s%s%s%s%s%s", o->type->name, range, o->unit ? ", in " : "",
                 o->unit ? o->unit : "", o->required ? "; required" : "", *def ? "; default " : "", def);
        return ret;
}
