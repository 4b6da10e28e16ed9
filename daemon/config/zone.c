/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/config/zone.h"

#define ZONE_NAME_MAX 64
#define STEPS_MAX     1024

static bool name_ok(Text name)
{
        char before = '/';

        if (name.n == 0 || name.n > ZONE_NAME_MAX)
                return false;
        for (size_t i = 0; i < name.n; i++) {
                char c = name.at[i];
                bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

                if (!word && (before == '/' || (c != '/' && c != '_' && c != '-' && c != '+')))
                        return false;
                before = c;
        }
        return before != '/';
}

/* Whether the file is there and holds a compiled zone (there are tables of text in that folder, too). */
static bool is_zone_file(const char *path)
{
        char magic[4] = "";
        struct stat st;
        ssize_t n = -1;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0)
                return false;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                n = read(fd, magic, sizeof(magic));
        close(fd);
        return n == (ssize_t)sizeof(magic) && memcmp(magic, "TZif", sizeof(magic)) == 0;
}

static long offset_at(time_t t)
{
        struct tm tm;

        return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

static int add_step(Calendar *c, time_t from, long offset)
{
        CalendarStep *steps;

        if (c->n_steps == STEPS_MAX)
                return -ENOMEM;
        if ((c->n_steps & (c->n_steps - 1)) == 0) {
                steps = realloc(c->steps, (c->n_steps ? 2 * c->n_steps : 1) * sizeof(*steps));
                if (!steps)
                        return -ENOMEM;
                c->steps = steps;
        }
        c->steps[c->n_steps++] = (CalendarStep){.from = from * USEC_SEC, .offset = offset * USEC_SEC};
        return 0;
}

static int sample(Calendar *c)
{
        const time_t day = 86400;
        const time_t end = civil_to_days(2070, 1, 1) * day;
        long offset = offset_at(0);
        int r = add_step(c, 0, offset);

        for (time_t t = 0; r == 0 && t < end; t += day) {
                time_t low = t;
                time_t high = t + day;
                long after = offset_at(high);

                if (after == offset)
                        continue;
                while (high - low > 1) {
                        time_t middle = low + (high - low) / 2;

                        if (offset_at(middle) == offset)
                                low = middle;
                        else
                                high = middle;
                }
                offset = offset_at(high);
                r = add_step(c, high, offset);
                /* A second change within the same day is found from here. */
                t = high - day;
        }
        return r;
}

int zone_calendar(Calendar *ret, Text name)
{
        Calendar c = CALENDAR_UTC;
        char path[sizeof(ZONE_FOLDER) + ZONE_NAME_MAX + 2];
        const char *tz;
        char *before = NULL;
        int r;

        if (!name_ok(name))
                return ZONE_E_NAME;
        if (text_is(name, "UTC")) {
                *ret = CALENDAR_UTC;
                return 0;
        }
        snprintf(path, sizeof(path), ":%s/" TEXT_FMT, ZONE_FOLDER, TEXT_ARG(name));
        if (!is_zone_file(path + 1))
                return ZONE_E_UNKNOWN;

        tz = getenv("TZ");
        if (tz) {
                before = strdup(tz);
                if (!before)
                        return -ENOMEM;
        }
        r = setenv("TZ", path, 1) < 0 ? -ENOMEM : 0;
        if (r == 0) {
                tzset();
                r = sample(&c);
        }
        if (before ? setenv("TZ", before, 1) < 0 : unsetenv("TZ") < 0)
                r = -ENOMEM;
        tzset();
        free(before);
        if (r < 0) {
                free(c.steps);
                return r;
        }
        *ret = c;
        return 0;
}

static usec_t calendar_offset(const Calendar *c, usec_t t)
{
        size_t low = 0;
        size_t high = c->n_steps;

        if (high == 0)
                return 0;
        while (high - low > 1) {
                size_t middle = low + (high - low) / 2;

                if (c->steps[middle].from <= t)
                        low = middle;
                else
                        high = middle;
        }
        return c->steps[low].offset;
}

/* By way of noon, which is there on days whose midnight is not, because the clocks jump over it. */
usec_t zone_day_start(const Calendar *c, usec_t midnight_utc)
{
        usec_t noon = midnight_utc + 12 * USEC_HOUR;
        usec_t near = noon - calendar_offset(c, noon);

        return calendar_midnight(c, noon - calendar_offset(c, near));
}
