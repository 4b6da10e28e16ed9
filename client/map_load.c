/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>
#include <yaml.h>

#include "client/map.h"
#include "client/map_yaml.h"
#include "client/xalloc.h"

static const char *const field_names[_MAP_FIELD_N] = {
        [MAP_ID] = "id",
        [MAP_TS] = "ts",
        [MAP_AGENT] = "agent",
        [MAP_QUEUE] = "queue",
        [MAP_STATUS] = "status",
        [MAP_CONTACT] = "contact",
        [MAP_CUSTOMER] = "customer",
        [MAP_CHANNEL] = "channel",
        [MAP_REASON] = "reason",
        [MAP_COMMENT] = "comment",
        [MAP_REV] = "rev",
};

const char *map_field_name(MapField f)
{
        return field_names[f];
}

typedef struct Loader {
        yaml_document_t doc;
        Map *map;
        Diag *diag;
} Loader;

/* One member of a mapping node. */
typedef struct Member {
        const char *key;
        yaml_node_t *value;
        unsigned line;
} Member;

#define FAIL(_l, _line, _field, ...) diag_set((_l)->diag, (_l)->map->file, (_line), (_field), __VA_ARGS__)

static unsigned line_of(const yaml_node_t *n)
{
        return (unsigned)n->start_mark.line + 1;
}

/* NULL: not a scalar, or one with a NUL in it. */
static const char *scalar(const yaml_node_t *n)
{
        const char *s = n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;

        return s && strlen(s) == n->data.scalar.length ? s : NULL;
}

/* The i-th member of @node; false: no more. A key that is no text or comes twice: *ret_error. */
static bool member(Loader *l, const yaml_node_t *node, size_t i, const char *field, Member *ret,
                   int *ret_error)
{
        const yaml_node_pair_t *pairs = node->data.mapping.pairs.start;
        size_t n = (size_t)(node->data.mapping.pairs.top - pairs);
        yaml_node_t *key;

        if (i >= n)
                return false;
        key = yaml_document_get_node(&l->doc, pairs[i].key);
        *ret = (Member){scalar(key), yaml_document_get_node(&l->doc, pairs[i].value), line_of(key)};
        if (!ret->key) {
                *ret_error = FAIL(l, ret->line, field, "a key must be plain text");
                return false;
        }
        for (size_t k = 0; k < i; k++) {
                const char *other = scalar(yaml_document_get_node(&l->doc, pairs[k].key));

                if (other && strcmp(other, ret->key) == 0) {
                        *ret_error = FAIL(l, ret->line, field, "\"%s\" comes twice; once is right", ret->key);
                        return false;
                }
        }
        return true;
}

static int get_text(Loader *l, const Member *m, const char *field, char **ret)
{
        const char *s = scalar(m->value);

        if (!s)
                return FAIL(l, m->line, field, "must be one value, not a list or a table");
        free(*ret);
        *ret = xstrdup(s);
        return 0;
}

/* The same of what a survey gets. Null is an answer, and would elsewhere be somebody of that name. */
static int get_value(Loader *l, const Member *m, const char *field, char **ret)
{
        const char *s = scalar(m->value);
        bool plain = s && m->value->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

        if (!plain || (strcmp(s, "~") != 0 && strcasecmp(s, "null") != 0)) /* Null and NULL are null, too */
                return get_text(l, m, field, ret);
        if (strncmp(field, "answers.", strlen("answers.")) != 0)
                return FAIL(l, m->line, field, "null is only an answer; else: skip leaves a field out");
        free(*ret);
        *ret = xstrdup("null");
        return 0;
}

/* A value or a list of values. */
static int get_list(Loader *l, const Member *m, const char *field, char ***ret, size_t *ret_n)
{
        size_t n = m->value->type == YAML_SEQUENCE_NODE
                           ? (size_t)(m->value->data.sequence.items.top - m->value->data.sequence.items.start)
                           : 1;
        char **list;

        if (n == 0)
                return FAIL(l, m->line, field, "an empty list");
        list = xcalloc(n, sizeof(*list));
        *ret = list;
        *ret_n = n;
        for (size_t i = 0; i < n; i++) {
                const yaml_node_t *item =
                        m->value->type == YAML_SEQUENCE_NODE
                                ? yaml_document_get_node(&l->doc, m->value->data.sequence.items.start[i])
                                : m->value;

                if (!scalar(item))
                        return FAIL(l, m->line, field, "must be a value or a list of values");
                list[i] = xstrdup(scalar(item));
        }
        return 0;
}

static int load_when(Loader *l, const Member *m, const char *field, MapWhens *ret)
{
        int error = 0;
        Member w;

        if (m->value->type != YAML_MAPPING_NODE)
                return FAIL(l, m->line, field, "must be a table of columns and their values: {answered: Y}");
        for (size_t i = 0; member(l, m->value, i, field, &w, &error); i++) {
                MapWhen *one;

                ret->all = xrealloc(ret->all, ret->n + 1, sizeof(*ret->all));
                one = &ret->all[ret->n++];
                *one = (MapWhen){.column = {.name = xstrdup(w.key), .line = w.line}};
                error = get_list(l, &w, field, &one->values, &one->n_values);
                if (error < 0)
                        break;
        }
        return error;
}

static int load_columns(Loader *l, const Member *m, const char *field, MapRule *rule)
{
        char **names = NULL;
        size_t n = 0;
        int r = get_list(l, m, field, &names, &n);

        if (r == 0 && n > MAP_COLUMNS_MAX)
                r = FAIL(l, m->line, field, "more than %d columns", MAP_COLUMNS_MAX);
        for (size_t i = 0; i < n; i++) {
                if (r == 0)
                        rule->columns[rule->n_columns++] = (MapColumn){.name = names[i], .line = m->line};
                else
                        free(names[i]);
        }
        free(names);
        return r;
}

static int load_values(Loader *l, const Member *m, const char *field, MapRule *rule)
{
        int error = 0;
        Member v;

        if (m->value->type != YAML_MAPPING_NODE)
                return FAIL(l, m->line, field, "must be a table: {Y: true, N: false}");
        for (size_t i = 0; member(l, m->value, i, field, &v, &error); i++) {
                char *to = NULL;

                if (get_value(l, &v, field, &to) < 0)
                        return -EINVAL;
                rule->values_from = xrealloc(rule->values_from, i + 1, sizeof(char *));
                rule->values_to = xrealloc(rule->values_to, i + 1, sizeof(char *));
                rule->values_from[i] = xstrdup(v.key);
                rule->values_to[i] = to;
                rule->n_values = i + 1;
        }
        return error;
}

static int load_range(Loader *l, const Member *m, const char *field, double ret[2])
{
        char **texts = NULL;
        size_t n = 0;
        int r = get_list(l, m, field, &texts, &n);

        if (r == 0 && (n != 2 || text_to_double(text_of(texts[0]), &ret[0]) < 0 ||
                       text_to_double(text_of(texts[1]), &ret[1]) < 0 || ret[0] == ret[1]))
                r = FAIL(l, m->line, field, "must be two different numbers, as in [1, 10]");
        for (size_t i = 0; i < n; i++)
                free(texts[i]);
        free(texts);
        return r;
}

static int load_capture(Loader *l, const Member *m, const char *field, MapRule *rule)
{
        CX_CLEANUP(xfreep) char *pattern = NULL;
        char why[128];
        int r = get_text(l, m, field, &pattern);

        if (r < 0)
                return r;
        r = regcomp(&rule->capture, pattern, REG_EXTENDED);
        if (r != 0) {
                regerror(r, &rule->capture, why, sizeof(why));
                return FAIL(l, m->line, field, "\"%s\" is no extended regular expression: %s", pattern, why);
        }
        rule->has_capture = true;
        if (rule->capture.re_nsub < 1)
                return FAIL(l, m->line, field, "\"%s\" has no group; put parentheses around what is wanted",
                            pattern);
        return 0;
}

static int load_blanks(Loader *l, const Member *m, const char *field, MapRule *rule)
{
        const char *s = scalar(m->value);

        if (!s || (strcmp(s, "keep") != 0 && strcmp(s, "drop") != 0))
                return FAIL(l, m->line, field, "must be keep or drop");
        rule->keep_blanks = s[0] == 'k';
        return 0;
}

static int load_else(Loader *l, const Member *m, const char *field, MapRule *rule)
{
        const char *s = scalar(m->value);

        if (s && strcmp(s, "refuse") == 0)
                rule->otherwise = MAP_ELSE_REFUSE;
        else if (s && strcmp(s, "keep") == 0)
                rule->otherwise = MAP_ELSE_KEEP;
        else if (s && strcmp(s, "skip") == 0)
                rule->otherwise = MAP_ELSE_SKIP;
        else
                return FAIL(l, m->line, field, "must be refuse, keep or skip");
        return 0;
}

/* What is needed and what does not go together, once all keys are read. */
static int check_rule(Loader *l, const MapRule *rule, bool from, bool to, const char *zone, bool is_ts)
{
        if (!rule->constant == !rule->n_columns)
                return FAIL(l, rule->line, rule->field, "needs either column: NAME or value: CONSTANT");
        if (from != to)
                return FAIL(l, rule->line, rule->field, "from: and to: are only right together");
        if (is_ts && !map_format_is_own(rule->format) && !zone && !map_format_find(rule->format, "z"))
                return FAIL(l, rule->line, rule->field,
                            "needs zone:, since \"%s\" has none; right are UTC, +01:00, Europe/Madrid",
                            rule->format);
        if (is_ts && zone && map_format_find(rule->format, "z"))
                return FAIL(l, rule->line, rule->field, "zone: is wrong beside %%z in the format");
        return 0;
}

static int check_format(Loader *l, unsigned line, const MapRule *rule)
{
        const char *f = rule->format;
        char week = map_format_find(f, "UW");
        /* strptime() reads them and makes nothing of them: a week would be the first day of its year. */
        char unused = map_format_find(f, "GgVZ");

        if (unused)
                return FAIL(l, line, rule->field,
                            "format: %%%c in \"%s\" would be read and not used; cut it off with capture: "
                            "(an offset is %%z)",
                            unused, f);
        if (week && !map_format_find(f, "aAuwdejDFxc")) /* or the day otherwise */
                return FAIL(
                        l, line, rule->field,
                        "format: %%%c in \"%s\" would be read and not used without a day of the week (%%u, "
                        "%%w, %%a)",
                        week, f);
        /* strptime() takes it for known already which day that is: all would be the first of January. */
        if (map_format_find(f, "j") && map_format_find(f, "aAuw") && !week && !map_format_find(f, "deDFxc"))
                return FAIL(
                        l, line, rule->field,
                        "format: %%j in \"%s\" would be read and not used beside a day of the week; cut that "
                        "off with capture:",
                        f);
        /* The half of the day counts for the hour of a clock with twelve only, and that is none without it. */
        if (!map_format_find(f, "p") != !map_format_find(f, "Il") && !map_format_find(f, "r"))
                return FAIL(l, line, rule->field,
                            "format: %s in \"%s\" is only right together with %s; of a clock with 24 hours, "
                            "%%H is the hour",
                            map_format_find(f, "p") ? "%p" : "%I", f, map_format_find(f, "p") ? "%I" : "%p");
        if (map_format_find(f, "s")) /* strptime() makes local time of it, the machine's */
                return FAIL(l, line, rule->field, "format: %%s is wrong in \"%s\"; right is unix", f);
        if (strchr(f, '%') || map_format_is_own(f))
                return 0;
        return FAIL(l, line, rule->field,
                    "format: \"%s\" is none; right are rfc3339, unix, unix_ms, or as in strptime(3): "
                    "\"%%Y-%%m-%%d %%H:%%M:%%S\"",
                    f);
}

static int load_rule(Loader *l, const Member *from, const char *field, bool is_ts, MapRule *rule)
{
        CX_CLEANUP(xfreep) char *zone = NULL;
        bool has_from = false, has_to = false;
        int error = 0;
        Member m;

        rule->present = true;
        rule->field = xstrdup(field);
        rule->line = from->line;
        rule->join = xstrdup("-");
        rule->format = xstrdup("rfc3339");
        rule->zone = (MapZone){.fixed = true};
        if (scalar(from->value)) /* short for {column: ...} */
                return load_columns(l, from, field, rule);
        if (from->value->type != YAML_MAPPING_NODE)
                return FAIL(l, from->line, field,
                            "must be the name of a column or a table with column: NAME");
        for (size_t i = 0; error == 0 && member(l, from->value, i, field, &m, &error); i++) {
                CX_CLEANUP(xfreep) char *path = xasprintf("%s.%s", field, m.key);

                if (strcmp(m.key, "column") == 0)
                        error = load_columns(l, &m, path, rule);
                else if (strcmp(m.key, "blanks") == 0)
                        error = load_blanks(l, &m, path, rule);
                else if (strcmp(m.key, "join") == 0)
                        error = get_value(l, &m, path, &rule->join);
                else if (strcmp(m.key, "value") == 0)
                        error = get_value(l, &m, path, &rule->constant);
                else if (strcmp(m.key, "default") == 0)
                        error = get_value(l, &m, path, &rule->fallback);
                else if (strcmp(m.key, "prefix") == 0)
                        error = get_value(l, &m, path, &rule->prefix);
                else if (strcmp(m.key, "suffix") == 0)
                        error = get_value(l, &m, path, &rule->suffix);
                else if (strcmp(m.key, "capture") == 0)
                        error = load_capture(l, &m, path, rule);
                else if (strcmp(m.key, "values") == 0)
                        error = load_values(l, &m, path, rule);
                else if (strcmp(m.key, "else") == 0)
                        error = load_else(l, &m, path, rule);
                else if (strcmp(m.key, "when") == 0)
                        error = load_when(l, &m, path, &rule->when);
                else if (strcmp(m.key, "from") == 0)
                        error = load_range(l, &m, path, rule->from), has_from = true;
                else if (strcmp(m.key, "to") == 0)
                        error = load_range(l, &m, path, rule->to), has_to = true;
                else if (is_ts && strcmp(m.key, "format") == 0)
                        error = get_text(l, &m, path, &rule->format) < 0 ? -EINVAL
                                                                         : check_format(l, m.line, rule);
                else if (is_ts && strcmp(m.key, "zone") == 0)
                        error = get_text(l, &m, path, &zone);
                else
                        error = FAIL(l, m.line, path,
                                     "there is no such key; there are column, blanks, join, value, default, "
                                     "capture, values, else, from, to, prefix, suffix, when%s",
                                     is_ts ? ", format, zone" : "");
                if (error == 0 && zone && strcmp(m.key, "zone") == 0 && map_zone_parse(zone, &rule->zone) < 0)
                        error = FAIL(l, m.line, path,
                                     "there is no zone \"%s\"; right are UTC, +01:00, Europe/Madrid", zone);
        }
        rule->has_scale = has_from && has_to;
        return error < 0 ? error : check_rule(l, rule, has_from, has_to, zone, is_ts);
}

static int load_answers(Loader *l, const Member *from)
{
        Map *map = l->map;
        int error = 0;
        Member m;

        if (from->value->type != YAML_MAPPING_NODE)
                return FAIL(l, from->line, "answers", "must be a table of metrics: {csat: {column: rating}}");
        for (size_t i = 0; error == 0 && member(l, from->value, i, "answers", &m, &error); i++) {
                CX_CLEANUP(xfreep) char *path = xasprintf("answers.%s", m.key);

                if (!metric_name_ok(text_of(m.key)))
                        return FAIL(l, m.line, path, "is no name of a metric");
                if (i == SURVEY_ANSWERS_MAX)
                        return FAIL(l, m.line, path, "more than %d answers", SURVEY_ANSWERS_MAX);
                map->answers = xrealloc(map->answers, i + 1, sizeof(*map->answers));
                map->answers[i] = (MapRule){0};
                map->n_answers = i + 1;
                error = load_rule(l, &m, path, false, &map->answers[i]);
        }
        return error;
}

static int load_csv(Loader *l, const Member *from)
{
        int error = 0;
        Member m;

        if (from->value->type != YAML_MAPPING_NODE)
                return FAIL(l, from->line, "csv", "must be a table: {delimiter: \";\"}");
        for (size_t i = 0; member(l, from->value, i, "csv", &m, &error); i++) {
                const char *s = scalar(m.value);

                if (strcmp(m.key, "delimiter") != 0)
                        return FAIL(l, m.line, "csv", "there is no key \"%s\"; there is delimiter", m.key);
                if (s && strcmp(s, "tab") == 0)
                        s = "\t";
                if (!s || !s[0] || s[1] || strchr("\"\r\n", s[0]))
                        return FAIL(l, m.line, "csv.delimiter", "must be one character, or tab");
                l->map->delimiter = s[0];
        }
        return error;
}

static int load_document(Loader *l)
{
        yaml_node_t *root = yaml_document_get_root_node(&l->doc);
        int error = 0;
        Member m;

        if (!root || root->type != YAML_MAPPING_NODE)
                return FAIL(l, 1, NULL, "must be a table that begins like \"id: {column: call_id}\"");
        for (size_t i = 0; error == 0 && member(l, root, i, NULL, &m, &error); i++) {
                MapField f = MAP_ID;

                while (f < _MAP_FIELD_N && strcmp(field_names[f], m.key) != 0)
                        f++;
                if (f < _MAP_FIELD_N)
                        error = load_rule(l, &m, m.key, f == MAP_TS, &l->map->fields[f]);
                else if (strcmp(m.key, "answers") == 0)
                        error = load_answers(l, &m);
                else if (strcmp(m.key, "csv") == 0)
                        error = load_csv(l, &m);
                else if (strcmp(m.key, "only") == 0)
                        error = load_when(l, &m, m.key, &l->map->only);
                else if (strcmp(m.key, "skip") == 0)
                        error = load_when(l, &m, m.key, &l->map->skip);
                else
                        error = FAIL(l, m.line, m.key,
                                     "surveys have no such field; there are id, ts, agent, queue, status, "
                                     "contact, "
                                     "customer, channel, reason, comment, rev, answers, and csv, only, skip");
        }
        for (MapField f = MAP_ID; error == 0 && f <= MAP_QUEUE; f++)
                if (f != MAP_AGENT && !l->map->fields[f].present)
                        error = FAIL(l, 0, field_names[f], "is missing; every survey has one");
        return error;
}

int map_load(Map **ret, const char *file, Diag *diag)
{
        CX_CLEANUP(map_freep) Map *map = xcalloc(1, sizeof(*map));
        Loader l = {.map = map, .diag = diag};
        yaml_parser_t parser;
        FILE *f = fopen(file, "re");
        int r;

        map->file = xstrdup(file);
        map->delimiter = ',';
        if (!f)
                return FAIL(&l, 0, NULL, "%s", strerror(errno));
        if (!yaml_parser_initialize(&parser))
                abort();
        yaml_parser_set_input_file(&parser, f);
        r = map_yaml_next(&parser, f, file, &l.doc, diag);
        if (r == 0)
                r = load_document(&l);
        yaml_document_delete(&l.doc);
        if (r == 0)
                r = map_yaml_next(&parser, f, file, &l.doc, diag);
        if (r == 0 && yaml_document_get_root_node(&l.doc))
                r = FAIL(&l, (unsigned)l.doc.start_mark.line + 1, NULL,
                         "a second document begins here; one is the limit");
        yaml_document_delete(&l.doc);
        yaml_parser_delete(&parser);
        fclose(f);
        if (r < 0)
                return r;
        *ret = map;
        map = NULL;
        return 0;
}
