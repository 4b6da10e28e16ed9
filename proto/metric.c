/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "proto/metric.h"

static const struct KindRow {
        const char *name;
        const char *unit;
        int n_boxes; /* of the best answers; 0: this kind has none */
} kinds[_METRIC_KIND_N] = {
        [METRIC_NPS] = {"nps", "points", 0},      [METRIC_TOP1] = {"top1", "%", 1},
        [METRIC_TOP2] = {"top2", "%", 2},         [METRIC_TOP3] = {"top3", "%", 3},
        [METRIC_MEAN] = {"mean", "", 0},          [METRIC_YES] = {"yes", "%", 0},
        [METRIC_RESPONSE] = {"response", "%", 0},
};

const char *metric_kind_name(MetricKind kind)
{
        return kinds[kind].name;
}

int metric_kind_parse(Text t, MetricKind *ret)
{
        if (text_is(t, "ces")) {
                *ret = METRIC_TOP3;
                return 0;
        }
        for (MetricKind kind = 0; kind < _METRIC_KIND_N; kind++) {
                if (text_is(t, kinds[kind].name)) {
                        *ret = kind;
                        return 0;
                }
        }
        return -EINVAL;
}

const char *metric_unit(MetricKind kind)
{
        return kinds[kind].unit;
}

static bool is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool metric_name_ok(Text name)
{
        if (name.n < 1 || name.n > METRIC_NAME_MAX || !is_letter(name.at[0]))
                return false;
        for (size_t i = 1; i < name.n; i++) {
                char c = name.at[i];

                if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '.')
                        return false;
        }
        return true;
}

void metric_bounds(const Metric *m, double *ret_low, double *ret_high)
{
        switch (m->kind) {
        case METRIC_NPS:
                *ret_low = -100;
                *ret_high = 100;
                break;
        case METRIC_MEAN:
                *ret_low = m->lo;
                *ret_high = m->hi;
                break;
        default:
                *ret_low = 0;
                *ret_high = 100;
                break;
        }
}

/*
 * Where lower is better the boxes of a `top` lie at the low end, so that their share is better when it is
 * higher; every other kind is turned around.
 */
static double turned(const Metric *m, double scaled)
{
        return m->lower_is_better && kinds[m->kind].n_boxes == 0 ? 1 - scaled : scaled;
}

double metric_scaled(const Metric *m, int value)
{
        int n_boxes = kinds[m->kind].n_boxes;

        if (n_boxes)
                return m->lower_is_better ? value < m->lo + n_boxes : value > m->hi - n_boxes;
        if (m->kind == METRIC_NPS)
                return turned(m, value >= 9 ? 1 : value >= 7 ? .5 : 0);
        if (m->hi == m->lo)
                return turned(m, 1);
        return turned(m, (double)(value - m->lo) / (m->hi - m->lo));
}

double metric_scaled_target(const Metric *m, double target)
{
        switch (m->kind) {
        case METRIC_NPS:
                return turned(m, (target / 100 + 1) / 2);
        case METRIC_MEAN:
                return turned(m, m->hi == m->lo ? 1 : (target - m->lo) / (m->hi - m->lo));
        default:
                return turned(m, target / 100);
        }
}
