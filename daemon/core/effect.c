/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/effect.h"

void effects_deinit(Effects *e)
{
        effects_reset(e);
        free(e->alerts);
        *e = EFFECTS_NULL;
}

void effects_reset(Effects *e)
{
        while (e->n_alerts > 0)
                alert_deinit(&e->alerts[--e->n_alerts]);
}

int effects_add_alert(Effects *e, const Alert *a)
{
        Alert copy = ALERT_NULL;
        int r;

        if (e->n_alerts == e->size) {
                size_t size = e->size ? 2 * e->size : 4;
                Alert *alerts = realloc(e->alerts, size * sizeof(*alerts));

                if (!alerts)
                        return -ENOMEM;
                e->alerts = alerts;
                e->size = size;
        }
        r = alert_copy(&copy, a);
        if (r == 0)
                e->alerts[e->n_alerts++] = copy;
        return r;
}
