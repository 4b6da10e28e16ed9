/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "client/map.h"
#include "client/xalloc.h"

void map_row_reset(MapRow *row)
{
        for (size_t i = 0; i < row->n_texts; i++)
                free(row->texts[i]);
        row->n_texts = 0;
}

static bool when_true(const MapWhens *w, const Csv *csv)
{
        for (size_t i = 0; i < w->n; i++) {
                Text cell = text_trim(csv_field(csv, w->all[i].column.index));
                bool found = false;

                for (size_t k = 0; k < w->all[i].n_values && !found; k++)
                        found = text_is(cell, w->all[i].values[k]);
                if (!found)
                        return false;
        }
        return true;
}

/* The cells that the rule names, joined; malloc'ed; NULL: they are all empty. */
static char *cells(const MapRule *rule, const Csv *csv)
{
        char *all = NULL;

        for (size_t i = 0; i < rule->n_columns; i++) {
                Text cell = csv_field(csv, rule->columns[i].index);
                char *longer;

                if (!rule->keep_blanks)
                        cell = text_trim(cell);
                if (cell.n == 0)
                        continue;
                longer = xasprintf("%s%s" TEXT_FMT, all ? all : "", all ? rule->join : "", TEXT_ARG(cell));
                free(all);
                all = longer;
        }
        return all;
}

/* What the regular expression's group holds; NULL: no match, or nothing. Frees @text. */
static char *captured(const MapRule *rule, char *text)
{
        regmatch_t match[2];
        char *part = NULL;

        if (regexec(&rule->capture, text, 2, match, 0) == 0 && match[1].rm_eo > match[1].rm_so)
                part = xstrndup(text + match[1].rm_so, (size_t)(match[1].rm_eo - match[1].rm_so));
        free(text);
        return part;
}

/* Refuses; for messages about what a cell says. */
static int refuse(const MapRule *rule, FaultCode code, const char *text, const char *why, Fault *fault)
{
        (void)fault_set(fault, code, rule->field, "\"%.80s\" %s", text, why);
        return MAP_E_REFUSED;
}

static int looked_up(const MapRule *rule, char **text, Fault *fault)
{
        for (size_t i = 0; i < rule->n_values; i++) {
                if (strcmp(rule->values_from[i], *text) == 0) {
                        free(*text);
                        *text = xstrdup(rule->values_to[i]);
                        return 0;
                }
        }
        if (rule->otherwise == MAP_ELSE_REFUSE)
                return refuse(rule, FAULT_RANGE, *text, "is not in the table `values`", fault);
        if (rule->otherwise == MAP_ELSE_SKIP) {
                free(*text);
                *text = NULL;
        }
        return 0;
}

static int scaled(const MapRule *rule, char **text, Fault *fault)
{
        char number[NUMBER_TEXT_MAX];
        double v;

        if (strcmp(*text, "null") == 0)
                return 0;
        if (text_to_double(text_of(*text), &v) < 0)
                return refuse(rule, FAULT_TYPE, *text, "is no number", fault);
        if (v < fmin(rule->from[0], rule->from[1]) || v > fmax(rule->from[0], rule->from[1]))
                return refuse(rule, FAULT_RANGE, *text, "lies outside the scale `from`", fault);
        v = rule->to[0] + (v - rule->from[0]) / (rule->from[1] - rule->from[0]) * (rule->to[1] - rule->to[0]);
        /* What is a half in decimal may lie a little below it in binary: 4.3 from [1, 7] is 5.5 in [0, 10]. */
        v = round(v + copysign(1e-9, v));
        number[number_format(v, number)] = '\0';
        free(*text);
        *text = xstrdup(number);
        return 0;
}

/* The value of a field, malloc'ed in *ret; NULL: the survey does not have it. */
static int value(const MapRule *rule, const Csv *csv, char **ret, Fault *fault)
{
        char *text;
        int r = 0;

        *ret = NULL;
        if (!rule->present || !when_true(&rule->when, csv))
                return 0;
        text = rule->constant ? xstrdup(rule->constant) : cells(rule, csv);
        /* Before a regular expression, which finds nothing in what is none. */
        if (text && !text_is_utf8(text, strlen(text))) {
                free(text);
                (void)fault_set(fault, FAULT_UTF8, rule->field, NULL);
                return MAP_E_REFUSED;
        }
        if (text && rule->has_capture)
                text = captured(rule, text);
        if (!text) {
                *ret = rule->fallback ? xstrdup(rule->fallback) : NULL;
                return 0;
        }
        if (rule->n_values > 0)
                r = looked_up(rule, &text, fault);
        if (r == 0 && text && rule->has_scale)
                r = scaled(rule, &text, fault);
        if (r == 0 && text && (rule->prefix || rule->suffix)) {
                char *longer = xasprintf("%s%s%s", rule->prefix ? rule->prefix : "", text,
                                         rule->suffix ? rule->suffix : "");

                free(text);
                text = longer;
        }
        if (r != 0) {
                free(text);
                return r;
        }
        *ret = text;
        return 0;
}

static int set_answer(const MapRule *rule, const char *text, Survey *s, Fault *fault)
{
        Answer *a = &s->answers[s->n_answers];

        a->metric = text_of(rule->field + strlen("answers."));
        a->value = 0;
        if (strcmp(text, "null") == 0) {
                a->kind = ANSWER_NULL;
        } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
                a->kind = ANSWER_BOOL;
                a->value = text[0] == 't';
        } else if (text_to_double(text_of(text), &a->value) == 0) {
                a->kind = ANSWER_NUMBER;
        } else {
                return refuse(rule, FAULT_TYPE, text, "is neither a number nor true, false, null", fault);
        }
        s->n_answers++;
        return 0;
}

/* Also "1.0" and "1e3", which are whole in JSON as well. */
static int read_rev(const char *text, int64_t *ret)
{
        double v;

        if (text_to_int64(text_of(text), ret) == 0)
                return *ret < 0 ? -EINVAL : 0;
        if (text_to_double(text_of(text), &v) < 0 || v < 0 || v >= 0x1p63 || trunc(v) != v)
                return -EINVAL;
        *ret = (int64_t)v;
        return 0;
}

static int set_field(MapField f, const MapRule *rule, const char *text, Survey *s, Fault *fault)
{
        static const size_t texts[_MAP_FIELD_N] = {
                [MAP_ID] = offsetof(Survey, id),
                [MAP_AGENT] = offsetof(Survey, agent),
                [MAP_QUEUE] = offsetof(Survey, queue),
                [MAP_CONTACT] = offsetof(Survey, contact),
                [MAP_CUSTOMER] = offsetof(Survey, customer),
                [MAP_CHANNEL] = offsetof(Survey, channel),
                [MAP_REASON] = offsetof(Survey, reason),
                [MAP_COMMENT] = offsetof(Survey, comment),
        };

        int r;

        switch (f) {
        case MAP_TS:
                r = map_time_parse(text, rule->format, &rule->zone, &s->ts);
                if (r == -ERANGE)
                        return refuse(rule, FAULT_RANGE, text, "lies outside the years 1970 to 9999", fault);
                if (r < 0)
                        return refuse(rule, FAULT_TYPE, text, "is no time in the format of the mapping",
                                      fault);
                return 0;
        case MAP_STATUS:
                if (survey_status_parse(text_of(text), &s->status) < 0)
                        return refuse(rule, FAULT_RANGE, text,
                                      "is none of answered, offered, started, expired, opted_out, retracted",
                                      fault);
                return 0;
        case MAP_REV:
                if (read_rev(text, &s->rev) < 0)
                        return refuse(rule, FAULT_TYPE, text, "is no whole number from 0", fault);
                return 0;
        default:
                *(Text *)(void *)((char *)s + texts[f]) = text_of(text);
                return 0;
        }
}

int map_apply(const Map *m, const Csv *csv, MapRow *row, Survey *s, Fault *fault)
{
        int r = 0;

        if (!when_true(&m->only, csv) || (m->skip.n > 0 && when_true(&m->skip, csv)))
                return MAP_E_SKIPPED;
        *s = (Survey){.rev = -1};
        for (size_t i = 0; i < _MAP_FIELD_N + m->n_answers && r == 0; i++) {
                const MapRule *rule = i < _MAP_FIELD_N ? &m->fields[i] : &m->answers[i - _MAP_FIELD_N];
                char *text;

                r = value(rule, csv, &text, fault);
                if (r != 0 || !text) {
                        bool needed = i == MAP_ID || i == MAP_TS || i == MAP_QUEUE;

                        if (r == 0 && needed) {
                                (void)fault_set(fault, FAULT_MISSING, rule->field,
                                                "the cell is empty, or the mapping leaves it out");
                                r = MAP_E_REFUSED;
                        }
                        continue;
                }
                row->texts[row->n_texts++] = text;
                r = i < _MAP_FIELD_N ? set_field((MapField)i, rule, text, s, fault)
                                     : set_answer(rule, text, s, fault);
        }
        return r;
}
