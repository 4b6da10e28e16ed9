/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "daemon/config/metrics.h"
#include "daemon/config/option_types.h"

#define EVIDENCE_LENGTH_MIN (7 * USEC_DAY)
#define FALSE_ALARMS_MAX    1000000.0

static int read_metric(Load *l, const Option *o, const Node *n, void *object)
{
        Rule *rule = object;
        Suggest s = SUGGEST_INIT(n->text);
        char hint[SUGGEST_MAX];
        int metric, r = load_want_scalar(l, n);

        (void)o;
        if (r < 0)
                return r;
        metric = load_find_metric(l->c, n->text, &s);
        if (metric < 0)
                return load_fail(l, n, NULL, "there is no metric \"" TEXT_FMT "\"%s", TEXT_ARG(n->text),
                                 suggest_text(&s, hint));
        rule->metric = (size_t)metric;
        return 0;
}

static void print_metric(Printer *p, const Option *o, const void *object)
{
        option_print_text(p, o, p->c->metrics[((const Rule *)object)->metric].name);
}

static int read_window(Load *l, const Option *o, const Node *n, void *object)
{
        Rule *rule = object;
        Suggest s = SUGGEST_INIT(n->text);
        int window, r = load_want_scalar(l, n);

        (void)o;
        if (r < 0)
                return r;
        window = load_find_window(l->c, n->text, &s);
        if (window < 0) {
                char all[WINDOWS_MAX * (WINDOW_NAME_MAX + 2) + 1] = "";

                for (size_t i = 0; i < l->c->n_windows; i++) {
                        size_t used = strlen(all);

                        snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
                                 l->c->windows[i].name);
                }
                return load_fail(l, n, NULL, "\"" TEXT_FMT "\" is not one of windows: %s", TEXT_ARG(n->text),
                                 all);
        }
        rule->window = (size_t)window;
        return 0;
}

static void print_window(Printer *p, const Option *o, const void *object)
{
        option_print_text(p, o, p->c->windows[((const Rule *)object)->window].name);
}

static int read_scopes(Load *l, const Option *o, const Node *n, void *object)
{
        Rule *rule = object;
        Text name = TEXT_NULL;
        Suggest s;
        char hint[SUGGEST_MAX];
        int r = load_want_scalar(l, n);

        (void)o;
        if (r < 0)
                return r;
        if (scope_parse(n->text, &rule->kind, &name) < 0)
                return load_fail(l, n, NULL,
                                 "\"" TEXT_FMT
                                 "\" is not a scope; write agent/*, queue/billing-* or org, with one of "
                                 "agent, team, site, region, queue, line",
                                 TEXT_ARG(n->text));
        if (name.n)
                memcpy(rule->scopes, name.at, name.n);
        if (rule->kind == SCOPE_AGENT || rule->kind == SCOPE_QUEUE || rule->kind == SCOPE_ORG ||
            memchr(name.at, '*', name.n) || org_find(l->c->org, rule->kind, name) != SCOPE_NONE)
                return 0;
        s = SUGGEST_INIT(name);
        for (size_t i = 0; i < org_n_scopes(l->c->org); i++) {
                const ScopeInfo *scope = org_scope(l->c->org, (ScopeId)i);

                if (scope->kind == rule->kind)
                        suggest_offer(&s, scope->name);
        }
        return load_fail(l, n, NULL, "no row of %s names the %s \"" TEXT_FMT "\"%s",
                         rule->kind == SCOPE_LINE ? "the queue table" : "the roster",
                         scope_kind_name(rule->kind), TEXT_ARG(name), suggest_text(&s, hint));
}

static void print_scopes(Printer *p, const Option *o, const void *object)
{
        const Rule *rule = object;
        char text[SCOPE_TEXT_MAX];

        snprintf(text, sizeof(text), "%s%s%s", scope_kind_name(rule->kind), rule->scopes[0] ? "/" : "",
                 rule->scopes);
        option_print_text(p, o, text);
}

static int read_threshold(Load *l, const Option *o, const Node *n, void *object)
{
        Rule *rule = object;
        const Metric *m = &l->c->metrics[rule->metric];
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        rule->above = strcmp(option_key(o), "above") == 0;
        rule->at_target = text_is(n->text, "target");
        if (!rule->at_target)
                return metric_read_value(l, n, m, &rule->threshold);
        if (!m->has_target)
                return load_fail(l, n, NULL,
                                 "the metric %s has no target; give it one, or write a number here", m->name);
        rule->threshold = m->target;
        return 0;
}

static void print_threshold(Printer *p, const Option *o, const void *object)
{
        const Rule *rule = object;

        if (rule->above != (strcmp(option_key(o), "above") == 0))
                return;
        if (rule->at_target)
                option_print_plain(p, o, "target");
        else
                metric_print_value(p, option_key(o), &p->c->metrics[rule->metric], rule->threshold);
}

/* "1 per 90d" */
static bool false_alarms_parse(Text t, double *ret_n, usec_t *ret_per)
{
        static const char between[] = " per ";
        const char *at = memmem(t.at, t.n, between, strlen(between));
        Text number, per;

        if (!at)
                return false;
        number = text_trim((Text){.at = t.at, .n = (size_t)(at - t.at)});
        per = text_trim((Text){.at = at + strlen(between), .n = (size_t)(t.at + t.n - at) - strlen(between)});
        return text_to_double(number, ret_n) == 0 && duration_parse(per.at, per.n, ret_per) == 0;
}

static int read_false_alarms(Load *l, const Option *o, const Node *n, void *object)
{
        Rule *rule = object;
        double number;
        usec_t per;
        int r = load_want_scalar(l, n);

        (void)o;
        if (r < 0)
                return r;
        if (!false_alarms_parse(n->text, &number, &per))
                return load_fail(l, n, NULL, "\"" TEXT_FMT "\" must be a number and a time, as in 1 per 90d",
                                 TEXT_ARG(n->text));
        if (!(number > 0) || number > FALSE_ALARMS_MAX || per < USEC_DAY || per > 3650 * USEC_DAY)
                return load_fail(l, n, NULL,
                                 "\"" TEXT_FMT "\": the number must be above 0, and the time 1d to 10y",
                                 TEXT_ARG(n->text));
        rule->false_alarms = number;
        rule->false_alarms_per = per;
        return 0;
}

static void print_false_alarms(Printer *p, const Option *o, const void *object)
{
        const Rule *rule = object;
        char number[NUMBER_TEXT_MAX], per[USEC_TEXT_MAX];
        Text text = {.at = number, .n = number_format(rule->false_alarms, number)};

        if (rule->test != RULE_EVIDENCE)
                return;
        printer_key(p, text_of(option_key(o)));
        buffer_append_format(p->to, " " TEXT_FMT " per %s\n", TEXT_ARG(text),
                             duration_format(rule->false_alarms_per, per));
}

static int read_advice(Load *l, const Option *o, const Node *n, void *object)
{
        Rule *rule = object;
        int r = load_want_map(l, n, (size_t)o->max);

        if (r < 0)
                return r;
        for (const Node *child = n->first; child; child = child->next) {
                Advice *advice = &rule->advice[rule->n_advice];
                Suggest s = SUGGEST_INIT(child->key);
                char hint[SUGGEST_MAX];

                r = load_want_scalar(l, child);
                if (r < 0)
                        return r;
                if (load_find_role(l->c, child->key, &s) < 0)
                        return load_fail(l, child, NULL, "there is no role \"" TEXT_FMT "\"%s",
                                         TEXT_ARG(child->key), suggest_text(&s, hint));
                if (child->text.n == 0 || child->text.n > ADVICE_TEXT_MAX)
                        return load_fail(l, child, NULL, "has %zu bytes; advice has 1 to %d", child->text.n,
                                         ADVICE_TEXT_MAX);
                memcpy(advice->role, child->key.at, child->key.n);
                memcpy(advice->text, child->text.at, child->text.n);
                rule->n_advice++;
        }
        return 0;
}

static void print_advice(Printer *p, const Option *o, const void *object)
{
        const Rule *rule = object;

        if (!rule->n_advice)
                return;
        printer_key(p, text_of(option_key(o)));
        printer_open(p);
        for (size_t i = 0; i < rule->n_advice; i++) {
                printer_key(p, text_of(rule->advice[i].role));
                buffer_append_char(p->to, ' ');
                printer_text(p, text_of(rule->advice[i].text));
                printer_end(p);
        }
        printer_close(p);
}

/* The evidence test looks at whole days, and its threshold must leave room on both sides. */
static int check_evidence(Load *l, const Node *n, const Rule *rule)
{
        const Window *w = &l->c->windows[rule->window];
        const char *key = rule->above ? "above" : "below";
        double low, high;

        if (node_get(n, "min_n"))
                return load_fail(l, n, "min_n",
                                 "the evidence test weighs how many answers there are; leave it out, or take "
                                 "the test interval or point");
        if (w->today || w->length < EVIDENCE_LENGTH_MIN || w->length % USEC_DAY)
                return load_fail(l, n, "window",
                                 "the evidence test needs whole days, at least 7d; %s suits the tests "
                                 "interval and point",
                                 w->name);
        metric_bounds(&l->c->metrics[rule->metric], &low, &high);
        if (rule->threshold <= low || rule->threshold >= high)
                return load_fail(l, n, key,
                                 "the evidence test needs a threshold between %g and %g, not at an end", low,
                                 high);
        return 0;
}

static int check_point(Load *l, const Node *n, const Rule *rule)
{
        double low, high;

        if (node_get(n, "false_alarms"))
                return load_fail(l, n, "false_alarms",
                                 "only the evidence test has one; leave it out, or leave test out");
        metric_bounds(&l->c->metrics[rule->metric], &low, &high);
        if (rule->above ? rule->threshold >= high : rule->threshold <= low)
                return load_fail(l, n, rule->above ? "above" : "below", "no figure can lie past %g",
                                 rule->threshold);
        return 0;
}

static int read_rule(Load *l, const Node *n, Config *c)
{
        Rule *rule = &c->rules[c->n_rules];
        int r = option_read(l, "rules.*", n, rule, true);

        if (r < 0)
                return r;
        for (const Rule *other = c->rules; other < rule; other++) {
                if (strcmp(other->name, rule->name) == 0)
                        return load_fail(l, n, "name", "another rule has this name, too");
        }
        if (node_get(n, "below") && node_get(n, "above"))
                return load_fail(l, n, "above", "a rule has below or above, not both");
        if (!node_get(n, "below") && !node_get(n, "above"))
                return load_fail(l, n, "below", "is missing; a rule needs below or above");
        if (rule->test != RULE_EVIDENCE && !node_get(n, "min_n"))
                rule->min_n = c->metrics[rule->metric].min_n;
        r = rule->test == RULE_EVIDENCE ? check_evidence(l, n, rule) : check_point(l, n, rule);
        if (r == 0)
                c->n_rules++;
        return r;
}

static int read_rules(Load *l, const Option *o, const Node *n, void *object)
{
        Config *c = object;
        int r = load_want_list(l, n, (size_t)o->max);

        if (r < 0)
                return r;
        c->rules = load_grow(NULL, 0, n->n, sizeof(*c->rules));
        if (!c->rules)
                return -ENOMEM;
        for (const Node *item = n->first; r == 0 && item; item = item->next)
                r = read_rule(l, item, c);
        return r;
}

static void print_rules(Printer *p, const Option *o, const void *object)
{
        const Config *c = object;

        if (!c->n_rules) {
                option_print_plain(p, o, "[]");
                return;
        }
        printer_key(p, text_of(option_key(o)));
        printer_open(p);
        p->depth++;
        for (size_t i = 0; i < c->n_rules; i++) {
                p->item = true;
                option_print(p, "rules.*", &c->rules[i]);
        }
        p->depth--;
        printer_close(p);
}

const OptionType type_rules = {"a list of sections", read_rules, print_rules};
const OptionType type_rule_metric = {"the name of a metric", read_metric, print_metric};
const OptionType type_rule_window = {"one of windows", read_window, print_window};
const OptionType type_scopes = {"scopes", read_scopes, print_scopes};
const OptionType type_threshold = {"a number, a percentage, or target", read_threshold, print_threshold};
const OptionType type_false_alarms = {"a number per duration", read_false_alarms, print_false_alarms};
const OptionType type_advice = {"a map of roles to texts", read_advice, print_advice};
