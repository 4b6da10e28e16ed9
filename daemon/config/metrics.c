/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "daemon/config/metrics.h"
#include "daemon/config/option_types.h"

#define SCALE_LIMIT 1000

/* What every configuration has unless it configures a metric of this kind itself. */
static const char built_in[] =
        "response: {kind: response, influence: [team_lead, queue_owner, planner, director]}";

static int read_kind(Load *l, const Option *o, const Node *n, void *object)
{
        Metric *m = object;
        Suggest s = SUGGEST_INIT(n->text);
        char hint[SUGGEST_MAX];
        int r = load_want_scalar(l, n);

        if (r < 0 || metric_kind_parse(n->text, &m->kind) == 0)
                return r;
        for (size_t i = 0; o->choices[i]; i++)
                suggest_offer(&s, text_of(o->choices[i]));
        return load_fail(l, n, NULL,
                         "\"" TEXT_FMT
                         "\" is not a kind; write nps, top1, top2, top3 (or ces), mean, yes or response%s",
                         TEXT_ARG(n->text), suggest_text(&s, hint));
}

static void print_kind(Printer *p, const Option *o, const void *object)
{
        option_print_text(p, o, metric_kind_name(((const Metric *)object)->kind));
}

static int read_scale(Load *l, const Option *o, const Node *n, void *object)
{
        Metric *m = object;
        int64_t ends[2];
        const Node *item = n->first;

        (void)o;
        if (n->kind != NODE_LIST || n->n != 2)
                return load_fail(l, n, NULL, "must be the smallest and the largest answer, as in [1, 5]");
        for (size_t i = 0; i < 2; i++, item = item->next) {
                if (item->kind != NODE_SCALAR || text_to_int64(item->text, &ends[i]) < 0 ||
                    ends[i] < -SCALE_LIMIT || ends[i] > SCALE_LIMIT)
                        return load_fail(l, n, NULL, "must be two whole numbers from %d to %d, as in [1, 5]",
                                         -SCALE_LIMIT, SCALE_LIMIT);
        }
        if (ends[0] >= ends[1])
                return load_fail(l, n, NULL, "must have the smaller end first, as in [1, 5]");
        if (ends[1] - ends[0] >= METRIC_VALUES_MAX)
                return load_fail(l, n, NULL, "has %d values; %d is the limit", (int)(ends[1] - ends[0] + 1),
                                 METRIC_VALUES_MAX);
        m->lo = (int)ends[0];
        m->hi = (int)ends[1];
        return 0;
}

static void print_scale(Printer *p, const Option *o, const void *object)
{
        const Metric *m = object;
        char text[40];

        snprintf(text, sizeof(text), "[%d, %d]", m->lo, m->hi);
        option_print_plain(p, o, text);
}

/* A share of which the larger is the better one should reach more than 1%: what is less was meant as a part of 1. */
static bool is_part_of_one(const Metric *m, double value)
{
        bool small_is_good = m->kind == METRIC_YES && m->lower_is_better;

        return strcmp(metric_unit(m->kind), "%") == 0 && !small_is_good && value > 0 && value < 1;
}

int metric_read_value(Load *l, const Node *n, const Metric *m, double *ret)
{
        bool percent = n->text.n > 1 && n->text.at[n->text.n - 1] == '%';
        bool share = strcmp(metric_unit(m->kind), "%") == 0;
        char low_text[NUMBER_TEXT_MAX], high_text[NUMBER_TEXT_MAX];
        double value, low, high;
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        r = text_to_double((Text){.at = n->text.at, .n = n->text.n - percent}, &value);
        if (r < 0)
                return load_fail(l, n, NULL, "\"" TEXT_FMT "\" is not a number%s", TEXT_ARG(n->text),
                                 share ? "; write 85%" : "");
        if (percent && !share)
                return load_fail(l, n, NULL,
                                 TEXT_FMT ": figures of kind %s are not percentages; leave the %% out",
                                 TEXT_ARG(n->text), metric_kind_name(m->kind));
        metric_bounds(m, &low, &high);
        if (value < low || value > high) {
                low_text[number_format(low, low_text)] = '\0';
                high_text[number_format(high, high_text)] = '\0';
                return load_fail(l, n, NULL,
                                 TEXT_FMT " lies outside %s to %s, which figures of this metric can have",
                                 TEXT_ARG(n->text), low_text, high_text);
        }
        if (!percent && is_part_of_one(m, value))
                return load_fail(l, n, NULL,
                                 TEXT_FMT " is less than 1%%; write %.6g%%, or " TEXT_FMT
                                          "%% if that is meant",
                                 TEXT_ARG(n->text), 100 * value, TEXT_ARG(n->text));
        *ret = value;
        return 0;
}

void metric_print_value(Printer *p, const char *key, const Metric *m, double value)
{
        char text[NUMBER_TEXT_MAX];
        Text number = {.at = text, .n = number_format(value, text)};

        printer_key(p, text_of(key));
        buffer_append_format(p->to, " " TEXT_FMT "%s\n", TEXT_ARG(number),
                             strcmp(metric_unit(m->kind), "%") == 0 ? "%" : "");
}

/* Its scale may come after it in the file and be wrong: finish() reads it. */
static int read_target(Load *l, const Option *o, const Node *n, void *object)
{
        (void)o;
        (void)object;
        return load_want_scalar(l, n);
}

static void print_target(Printer *p, const Option *o, const void *object)
{
        const Metric *m = object;

        if (m->has_target)
                metric_print_value(p, option_key(o), m, m->target);
}

static const char *const better_choices[] = {"higher", "lower", NULL};

static int read_better(Load *l, const Option *o, const Node *n, void *object)
{
        Metric *m = object;
        const Option row = {.name = o->name, .choices = better_choices};
        int choice = 0;
        int r = type_choice.read(l, &row, n, &choice);

        m->lower_is_better = choice == 1;
        return r;
}

static void print_better(Printer *p, const Option *o, const void *object)
{
        option_print_text(p, o, better_choices[((const Metric *)object)->lower_is_better]);
}

static int read_names(Load *l, const Option *o, const Node *n, void *object)
{
        char(*at)[METRIC_NAME_MAX + 1] = option_at(object, o->at);
        size_t *at_n = option_at(object, o->at_n);
        int r = load_want_list(l, n, (size_t)o->max);

        for (const Node *item = n->first; r == 0 && item; item = item->next) {
                const Option row = {.name = o->name};

                r = type_name.read(l, &row, item, at[*at_n]);
                if (r < 0)
                        break;
                if (load_earlier(item))
                        return load_fail(l, item, NULL, "\"" TEXT_FMT "\" is there twice",
                                         TEXT_ARG(item->text));
                ++*at_n;
        }
        return r;
}

static void print_names(Printer *p, const Option *o, const void *object)
{
        const char *at = option_at_const(object, o->at);
        const size_t *at_n = option_at_const(object, o->at_n);

        printer_key(p, text_of(option_key(o)));
        buffer_append_str(p->to, " [");
        for (size_t i = 0; i < *at_n; i++) {
                if (i)
                        buffer_append_str(p->to, ", ");
                printer_text(p, text_of(at + i * (METRIC_NAME_MAX + 1)));
        }
        buffer_append_str(p->to, "]\n");
}

/* The scale where the kind says it, or that it is missing. */
static int finish_scale(Load *l, const Node *n, Metric *m)
{
        static const int fixed[_METRIC_KIND_N] = {[METRIC_NPS] = 10, [METRIC_YES] = 1, [METRIC_RESPONSE] = 1};
        const Node *scale = node_get(n, "scale");
        int hi = fixed[m->kind];

        if (hi && scale && (m->lo != 0 || m->hi != hi))
                return load_fail(l, scale, NULL, "must be [0, %d] for the kind %s, or left out", hi,
                                 metric_kind_name(m->kind));
        if (hi) {
                m->lo = 0;
                m->hi = hi;
                return 0;
        }
        if (!scale)
                return load_fail(l, n, "scale", "is missing; the kind %s needs one, as in [1, 5]",
                                 metric_kind_name(m->kind));
        if ((m->kind == METRIC_TOP3 && metric_n_values(m) <= 3) ||
            (m->kind == METRIC_TOP2 && metric_n_values(m) <= 2))
                return load_fail(l, scale, NULL, "must have more values than the kind %s counts as good",
                                 metric_kind_name(m->kind));
        return 0;
}

static int finish(Load *l, const Node *n, Metric *m)
{
        const Node *target = node_get(n, "target");
        const Node *influence = node_get(n, "influence");
        int r = finish_scale(l, n, m);

        if (r < 0)
                return r;
        if (m->lower_is_better && (m->kind == METRIC_NPS || m->kind == METRIC_RESPONSE))
                return load_fail(l, n, "better", "must be higher for the kind %s", metric_kind_name(m->kind));
        if (target) {
                r = metric_read_value(l, target, m, &m->target);
                if (r < 0)
                        return r;
                m->has_target = true;
        }
        for (const Node *role = influence ? influence->first : NULL; role; role = role->next) {
                Suggest s = SUGGEST_INIT(role->text);
                char hint[SUGGEST_MAX];

                if (load_find_role(l->c, role->text, &s) < 0)
                        return load_fail(l, role, NULL, "there is no role \"" TEXT_FMT "\"%s",
                                         TEXT_ARG(role->text), suggest_text(&s, hint));
        }
        return 0;
}

static int read_metric(Load *l, const Node *n, Config *c)
{
        Metric *m = &c->metrics[c->n_metrics];
        int r;

        if (!metric_name_ok(n->key))
                return load_fail(l, n, NULL,
                                 "is not a name; names have 1 to 64 letters, digits, _, - and ., and begin "
                                 "with a letter");
        memcpy(m->name, n->key.at, n->key.n);
        r = option_read(l, "metrics.*", n, m, true);
        if (r == 0)
                r = finish(l, n, m);
        if (r == 0)
                c->n_metrics++;
        return r;
}

/* What a driver explains must be there, and another metric. */
static int check_explains(Load *l, const Node *n)
{
        const Node *explains = node_get(n, "explains");

        for (const Node *item = explains ? explains->first : NULL; item; item = item->next) {
                Suggest s = SUGGEST_INIT(item->text);
                char hint[SUGGEST_MAX];

                if (text_equal(item->text, n->key))
                        return load_fail(l, item, NULL, "a metric cannot explain itself");
                if (load_find_metric(l->c, item->text, &s) < 0)
                        return load_fail(l, item, NULL, "there is no metric \"" TEXT_FMT "\"%s",
                                         TEXT_ARG(item->text), suggest_text(&s, hint));
        }
        return 0;
}

static bool has_response(const Config *c)
{
        for (size_t i = 0; i < c->n_metrics; i++) {
                if (c->metrics[i].kind == METRIC_RESPONSE || strcmp(c->metrics[i].name, "response") == 0)
                        return true;
        }
        return false;
}

static int add_built_in(Load *l, Config *c)
{
        Node *n = NULL;
        int r;

        if (has_response(c) || c->n_metrics == METRICS_MAX)
                return 0;
        r = node_parse(&n, text_of(built_in), "built-in metrics", l->diag);
        if (r == 0)
                r = read_metric(l, n->first, c);
        node_free(n);
        return r;
}

static int read_metrics(Load *l, const Option *o, const Node *n, void *object)
{
        Config *c = object;
        int r = load_want_map(l, n, (size_t)o->max);

        if (r < 0)
                return r;
        if (n->kind == NODE_NULL)
                return load_fail(l, n, NULL, "has no value; a configuration has at least metrics");
        c->metrics = load_grow(NULL, 0, n->n + 1, sizeof(*c->metrics));
        if (!c->metrics)
                return -ENOMEM;
        for (const Node *child = n->first; r == 0 && child; child = child->next)
                r = read_metric(l, child, c);
        for (const Node *child = n->first; r == 0 && child; child = child->next)
                r = check_explains(l, child);
        return r < 0 ? r : add_built_in(l, c);
}

static void print_metrics(Printer *p, const Option *o, const void *object)
{
        const Config *c = object;

        printer_key(p, text_of(option_key(o)));
        printer_open(p);
        for (size_t i = 0; i < c->n_metrics; i++) {
                printer_key(p, text_of(c->metrics[i].name));
                printer_open(p);
                option_print(p, "metrics.*", &c->metrics[i]);
                printer_close(p);
        }
        printer_close(p);
}

const OptionType type_metrics = {"a map of names", read_metrics, print_metrics};
const OptionType type_kind = {"one of", read_kind, print_kind};
const OptionType type_scale = {"two numbers", read_scale, print_scale};
const OptionType type_target = {"a number, points or percent", read_target, print_target};
const OptionType type_better = {"one of", read_better, print_better};
const OptionType type_names = {"a list of names", read_names, print_names};
