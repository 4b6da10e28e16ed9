/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/display.h"
#include "client/measure.h"
#include "client/xalloc.h"

/* What would be told apart by so many more decimals only looks the same. */
#define MORE_MAX 3

static bool in_points(const Me *me, const char *metric)
{
        return strcmp(me_unit(me, metric), "points") == 0;
}

static int decimals_of(const Me *me, const char *metric)
{
        return in_points(me, metric) ? 0 : me_unit(me, metric)[0] ? 1 : 2;
}

static bool look_alike(double a, double b, int decimals)
{
        CX_CLEANUP(xfreep) char *x = display_number(a, decimals, false);
        CX_CLEANUP(xfreep) char *y = display_number(b, decimals, false);

        return strcmp(x, y) == 0;
}

/* As many as tell @value from @other, which it is not. */
static int decimals_beside(double value, double other, int decimals)
{
        int n = decimals;

        if (!isfinite(value) || !isfinite(other) || value == other)
                return decimals;
        while (n < decimals + MORE_MAX && look_alike(value, other, n))
                n++;
        return n;
}

Cell measure_value(const Me *me, const char *metric, double value, double target)
{
        return (Cell){
                .kind = isfinite(value) ? CELL_NUMBER : CELL_EMPTY,
                .number = value,
                .decimals = decimals_beside(value, target, decimals_of(me, metric)),
                .sign = in_points(me, metric),
                .unit = me_unit(me, metric),
        };
}

Cell measure_target(const Me *me, const char *metric, double target)
{
        Cell ret = measure_value(me, metric, target, NAN);

        if (ret.kind == CELL_NUMBER && ret.decimals == 0 && target != trunc(target))
                ret.decimals = 1;
        return ret;
}

Cell measure_step(const Me *me, const char *metric, double step)
{
        Cell ret = measure_value(me, metric, step, 0);

        ret.sign = true;
        ret.unit = NULL;
        return ret;
}

char *measure_interval(const Me *me, const char *metric, double low, double high, double target)
{
        int decimals = decimals_of(me, metric);
        bool sign = in_points(me, metric);
        CX_CLEANUP(xfreep) char *from = NULL, *to = NULL;

        if (isnan(low) || isnan(high))
                return NULL;
        from = display_number(low, decimals_beside(low, target, decimals), sign);
        to = display_number(high, decimals_beside(high, target, decimals), sign);
        return xasprintf("%s to %s", from, to);
}
