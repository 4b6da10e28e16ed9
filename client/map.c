/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "client/map.h"
#include "client/xalloc.h"

static void whens_deinit(MapWhens *w)
{
        for (size_t i = 0; i < w->n; i++) {
                free(w->all[i].column.name);
                for (size_t k = 0; k < w->all[i].n_values; k++)
                        free(w->all[i].values[k]);
                free(w->all[i].values);
        }
        free(w->all);
}

static void rule_deinit(MapRule *r)
{
        free(r->field);
        for (size_t i = 0; i < r->n_columns; i++)
                free(r->columns[i].name);
        free(r->join);
        free(r->constant);
        free(r->fallback);
        free(r->prefix);
        free(r->suffix);
        free(r->format);
        if (r->has_capture)
                regfree(&r->capture);
        for (size_t i = 0; i < r->n_values; i++) {
                free(r->values_from[i]);
                free(r->values_to[i]);
        }
        free(r->values_from);
        free(r->values_to);
        whens_deinit(&r->when);
}

Map *map_free(Map *m)
{
        if (!m)
                return NULL;
        for (size_t i = 0; i < _MAP_FIELD_N; i++)
                rule_deinit(&m->fields[i]);
        for (size_t i = 0; i < m->n_answers; i++)
                rule_deinit(&m->answers[i]);
        free(m->answers);
        whens_deinit(&m->only);
        whens_deinit(&m->skip);
        free(m->file);
        free(m);
        return NULL;
}

/* "call_id, agent, ...": as many names as fit. */
static void list_header(const Csv *header, char *to, size_t size)
{
        size_t n = 0;

        to[0] = '\0';
        for (size_t i = 0; i < header->n_fields && n + 1 < size; i++) {
                Text t = text_trim(csv_field(header, i));
                int more = snprintf(to + n, size - n, "%s" TEXT_FMT, i ? ", " : "", TEXT_ARG(t));

                n += more > 0 ? (size_t)more : 0;
        }
}

static int bind(const Map *m, MapColumn *c, const char *field, const Csv *header, Diag *diag)
{
        char names[256];
        size_t n = 0;

        for (size_t i = 0; i < header->n_fields; i++) {
                if (!text_is(text_trim(csv_field(header, i)), c->name))
                        continue;
                c->index = i;
                n++;
        }
        if (n == 1)
                return 0;
        if (n > 1)
                return diag_set(diag, m->file, c->line, field, "the file has %zu columns \"%s\"", n, c->name);
        list_header(header, names, sizeof(names));
        return diag_set(diag, m->file, c->line, field, "the file has no column \"%s\"; it has: %s", c->name,
                        names);
}

static int bind_whens(const Map *m, MapWhens *w, const char *field, const Csv *header, Diag *diag)
{
        int r = 0;

        for (size_t i = 0; i < w->n && r == 0; i++)
                r = bind(m, &w->all[i].column, field, header, diag);
        return r;
}

int map_bind(Map *m, const Csv *header, Diag *diag)
{
        int r = bind_whens(m, &m->only, "only", header, diag);

        if (r == 0)
                r = bind_whens(m, &m->skip, "skip", header, diag);
        for (size_t i = 0; i < _MAP_FIELD_N + m->n_answers && r == 0; i++) {
                MapRule *rule = i < _MAP_FIELD_N ? &m->fields[i] : &m->answers[i - _MAP_FIELD_N];

                for (size_t k = 0; k < rule->n_columns && r == 0; k++)
                        r = bind(m, &rule->columns[k], rule->field, header, diag);
                if (r == 0)
                        r = bind_whens(m, &rule->when, rule->field, header, diag);
        }
        return r;
}
