/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "daemon/config/config.h"
#include "daemon/config/sha256.h"
#include "proto/base/buffer.h"

static bool same_calendar(const Calendar *a, const Calendar *b)
{
        if (a->n_steps != b->n_steps)
                return false;
        for (size_t i = 0; i < a->n_steps; i++) {
                if (a->steps[i].from != b->steps[i].from || a->steps[i].offset != b->steps[i].offset)
                        return false;
        }
        return true;
}

static bool same_names(size_t n_a, const char (*a)[METRIC_NAME_MAX + 1], size_t n_b,
                       const char (*b)[METRIC_NAME_MAX + 1])
{
        if (n_a != n_b)
                return false;
        for (size_t i = 0; i < n_a; i++) {
                if (strcmp(a[i], b[i]) != 0)
                        return false;
        }
        return true;
}

static bool same_metric(const Metric *a, const Metric *b)
{
        return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->lo == b->lo && a->hi == b->hi &&
               a->lower_is_better == b->lower_is_better && a->has_target == b->has_target &&
               (!a->has_target || a->target == b->target) && a->min_n == b->min_n &&
               same_names(a->n_explains, a->explains, b->n_explains, b->explains) &&
               same_names(a->n_influence, a->influence, b->n_influence, b->influence);
}

bool config_changes_figures(const Config *before, const Config *after)
{
        if (memcmp(before->org_digest, after->org_digest, sizeof(before->org_digest)) != 0 ||
            before->n_metrics != after->n_metrics || before->n_windows != after->n_windows ||
            before->keep_tallies != after->keep_tallies || before->keep_surveys != after->keep_surveys ||
            before->max_agents != after->max_agents || before->max_queues != after->max_queues ||
            !same_calendar(&before->calendar, &after->calendar))
                return true;
        for (size_t i = 0; i < before->n_metrics; i++) {
                if (!same_metric(&before->metrics[i], &after->metrics[i]))
                        return true;
        }
        for (size_t i = 0; i < before->n_windows; i++) {
                if (strcmp(before->windows[i].name, after->windows[i].name) != 0)
                        return true;
        }
        return false;
}

bool config_changes_rules(const Config *before, const Config *after)
{
        /* They lie in memory that was zeroed before it was filled, so that equal ones are equal byte by byte. */
        return before->n_rules != after->n_rules ||
               (before->n_rules && memcmp(before->rules, after->rules, before->n_rules * sizeof(Rule)) != 0);
}

int config_digest(const Config *c, unsigned char ret[32])
{
        CX_CLEANUP(buffer_deinit) Buffer text = BUFFER_NULL;

        buffer_append(&text, c->org_digest, sizeof(c->org_digest));
        buffer_append_format(&text, "\n%lld %lld %zu %zu\n", (long long)c->keep_tallies,
                             (long long)c->keep_surveys, c->max_agents, c->max_queues);
        /* The days of the roster begin by it. */
        for (size_t i = 0; i < c->calendar.n_steps; i++)
                buffer_append_format(&text, "zone %lld %lld\n", (long long)c->calendar.steps[i].from,
                                     (long long)c->calendar.steps[i].offset);
        for (size_t i = 0; i < c->n_metrics; i++) {
                const Metric *m = &c->metrics[i];

                buffer_append_format(&text, "metric %s %s %d %d %d\n", m->name, metric_kind_name(m->kind),
                                     m->lo, m->hi, m->lower_is_better);
        }
        for (size_t i = 0; i < c->n_windows; i++)
                buffer_append_format(&text, "window %s\n", c->windows[i].name);
        for (size_t i = 0; i < c->n_rules; i++) {
                const Rule *r = &c->rules[i];

                buffer_append_format(&text, "rule %s %zu %s/%s %zu %s %d %a\n", r->name, r->metric,
                                     scope_kind_name(r->kind), r->scopes, r->window, rule_test_name(r->test),
                                     r->above, r->threshold);
        }
        if (buffer_failed(&text))
                return -ENOMEM;
        sha256(text.data, text.n, ret);
        return 0;
}

static bool same_text(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_listen(const Config *a, const Config *b)
{
        for (ConfigFace face = 0; face < _CONFIG_FACE_N; face++) {
                if (a->n_listen[face] != b->n_listen[face])
                        return false;
                for (size_t i = 0; i < a->n_listen[face]; i++) {
                        if (strcmp(a->listen[face][i], b->listen[face][i]) != 0)
                                return false;
                }
        }
        return true;
}

static bool same_hosts(const Config *a, const Config *b)
{
        if (a->n_hosts != b->n_hosts)
                return false;
        for (size_t i = 0; i < a->n_hosts; i++) {
                if (strcmp(a->hosts[i], b->hosts[i]) != 0)
                        return false;
        }
        return true;
}

const char *config_needs_restart(const Config *before, const Config *after, char ret[CONFIG_RESTART_MAX])
{
        const struct {
                const char *name;
                bool changed;
        } options[] = {
                {"listen", !same_listen(before, after)},
                {"http.hosts", !same_hosts(before, after)},
                {"what one connection may leave unread (limits.memory)",
                 !before->max_memory != !after->max_memory},
                {"store.path", !same_text(before->store, after->store)},
                {"feed.ring", before->feed_ring != after->feed_ring},
                {"tls", !same_text(before->tls_certificate, after->tls_certificate) ||
                                !same_text(before->tls_key, after->tls_key)},
        };
        size_t left = 0, n = 0;

        for (size_t i = 0; i < CX_ARRAY_LEN(options); i++)
                left += options[i].changed;
        if (left == 0)
                return NULL;
        for (size_t i = 0; i < CX_ARRAY_LEN(options); i++) {
                if (!options[i].changed)
                        continue;
                left--;
                n += (size_t)snprintf(ret + n, CONFIG_RESTART_MAX - n, "%s%s", options[i].name,
                                      left > 1    ? ", "
                                      : left == 1 ? " and "
                                                  : "");
        }
        snprintf(ret + n, CONFIG_RESTART_MAX - n, " changed, which takes effect with a restart only");
        return ret;
}

static void swap_texts(char **a, char **b)
{
        char *other = *a;

        *a = *b;
        *b = other;
}

void config_keep_until_restart(Config *before, Config *after)
{
        char **hosts = before->hosts;
        size_t n_hosts = before->n_hosts, ring = before->feed_ring;

        before->hosts = after->hosts;
        before->n_hosts = after->n_hosts;
        after->hosts = hosts;
        after->n_hosts = n_hosts;
        before->feed_ring = after->feed_ring;
        after->feed_ring = ring;
        for (ConfigFace face = 0; face < _CONFIG_FACE_N; face++) {
                char **listen = before->listen[face];
                size_t n = before->n_listen[face];

                before->listen[face] = after->listen[face];
                before->n_listen[face] = after->n_listen[face];
                after->listen[face] = listen;
                after->n_listen[face] = n;
        }
        swap_texts(&before->store, &after->store);
        swap_texts(&before->tls_certificate, &after->tls_certificate);
        swap_texts(&before->tls_key, &after->tls_key);
}
