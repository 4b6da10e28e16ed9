/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/bench_levels.h"

const char *const levels_names[LEVELS] = {"agent", "queue", "team", "site", "region", "line", "org"};

/* The number behind the name; -EBADMSG. */
static int number_of(Text name, const char *prefix, unsigned *ret)
{
        size_t n_prefix = strlen(prefix);
        unsigned n = 0;

        if (name.n <= n_prefix || name.n > n_prefix + 8 || memcmp(name.at, prefix, n_prefix) != 0)
                return -EBADMSG;
        for (size_t i = n_prefix; i < name.n; i++) {
                if (name.at[i] < '0' || name.at[i] > '9')
                        return -EBADMSG;
                n = n * 10 + (unsigned)(name.at[i] - '0');
        }
        *ret = n;
        return 0;
}

__attribute__((format(printf, 3, 4))) static void set_name(Levels *l, unsigned i, const char *format, ...)
{
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(l->names[i], LEVELS_NAME_MAX, format, args);
        va_end(args);
        l->scopes[i] = (Text){.at = l->names[i], .n = (size_t)n};
}

int levels_of(Levels *l, const WorkloadSurvey *s)
{
        unsigned agent, queue;
        int r = number_of(s->agent, "agent-", &agent);

        if (r == 0)
                r = number_of(s->queue, "queue-", &queue);
        if (r < 0)
                return r;
        l->scopes[0] = s->agent;
        l->scopes[1] = s->queue;
        set_name(l, 2, "team-%03u", agent / 20);
        set_name(l, 3, "site-%02u", agent / 200);
        set_name(l, 4, "region-%u", agent / 1000);
        set_name(l, 5, "line-%u", queue / 10);
        l->scopes[6] = TEXT("org");
        return 0;
}
