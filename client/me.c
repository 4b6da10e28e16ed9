/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "client/me.h"

int me_load(Ctl *ctl, Me *ret)
{
        return api_get(ctl, "/v1/me", &ret->json, NULL);
}

void me_deinit(Me *me)
{
        json_decref(me->json);
        me->json = NULL;
}

const json_t *me_metric(const Me *me, const char *name)
{
        size_t i;
        json_t *metric;

        json_array_foreach (json_object_get(me->json, "metrics"), i, metric) {
                const char *own = member_string(metric, "name");

                if (own && name && strcmp(own, name) == 0)
                        return metric;
        }
        return NULL;
}

const char *me_unit(const Me *me, const char *metric)
{
        const char *unit = member_string(me_metric(me, metric), "unit");

        return unit ? unit : "";
}

const char *me_default_scope(const Me *me)
{
        const json_t *grants = json_object_get(me->json, "grants");
        const char *scope = member_string(json_array_get(grants, 0), "scope");

        return scope && !strchr(scope, '*') ? scope : "org";
}

const char *me_default_metric(const Me *me)
{
        return member_string(json_array_get(json_object_get(me->json, "metrics"), 0), "name");
}

const char *me_default_window(const Me *me)
{
        const json_t *windows = json_object_get(me->json, "windows");
        size_t n = json_array_size(windows);

        for (size_t i = 0; i < n; i++) {
                const char *w = json_string_value(json_array_get(windows, i));

                if (w && strcmp(w, "28d") == 0)
                        return w;
        }
        return json_string_value(json_array_get(windows, n ? n - 1 : 0));
}
