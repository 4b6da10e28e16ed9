/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/when.h"

usec_t when_now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        return (usec_t)ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
}

char *when_format(usec_t t, char ret[WHEN_TEXT_MAX])
{
        time_t seconds = (time_t)(usec_floor(t, USEC_SEC) / USEC_SEC);
        struct tm tm;

        if (!localtime_r(&seconds, &tm) || strftime(ret, WHEN_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                usec_format(t, ret);
        return ret;
}

static int parse_local(const char *text, usec_t *ret)
{
        static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M",
                                              "%Y-%m-%dT%H:%M", "%Y-%m-%d"};

        for (size_t i = 0; i < CX_ARRAY_LEN(formats); i++) {
                struct tm tm = {.tm_isdst = -1}, back;
                const char *end = strptime(text, formats[i], &tm);
                int day = tm.tm_mday;
                time_t t;

                if (!end || *end)
                        continue;
                tm.tm_isdst = -1;
                back = tm;
                t = mktime(&back);
                if (t < 0 || back.tm_mday != day)
                        return -EINVAL; /* 30 February */
                *ret = (usec_t)t * USEC_SEC;
                return 0;
        }
        return -EINVAL;
}

int when_parse(const char *text, usec_t base, usec_t *ret)
{
        usec_t span;

        if (strcmp(text, "now") == 0) {
                *ret = when_now();
                return 0;
        }
        if (duration_parse(text, strlen(text), &span) == 0) {
                if (span > base)
                        return -EINVAL;
                *ret = base - span;
                return 0;
        }
        if (usec_parse(text, strlen(text), false, ret) == 0)
                return 0;
        return parse_local(text, ret);
}

char *when_span(double seconds, char ret[WHEN_TEXT_MAX])
{
        long s = seconds > 0 && seconds < 1e12 ? (long)seconds : 0;

        if (s >= 86400)
                snprintf(ret, WHEN_TEXT_MAX, "%ldd %ldh", s / 86400, s % 86400 / 3600);
        else if (s >= 3600)
                snprintf(ret, WHEN_TEXT_MAX, "%ldh %ldm", s / 3600, s % 3600 / 60);
        else if (s >= 60)
                snprintf(ret, WHEN_TEXT_MAX, "%ldm %lds", s / 60, s % 60);
        else
                snprintf(ret, WHEN_TEXT_MAX, "%lds", s);
        return ret;
}
