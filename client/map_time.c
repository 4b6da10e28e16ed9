/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/map.h"
#include "client/xalloc.h"

#define CONVERSION_MODIFIERS "-_^#0123456789EO" /* flags, a width, an alternative form */

/* "+01:00" */
static bool fixed_offset(const char *s, int *ret_minutes)
{
        int h, m;

        if ((s[0] != '+' && s[0] != '-') || strlen(s) != 6 || s[3] != ':')
                return false;
        for (size_t i = 1; i < 6; i++)
                if (i != 3 && !isdigit((unsigned char)s[i]))
                        return false;
        h = (s[1] - '0') * 10 + s[2] - '0';
        m = (s[4] - '0') * 10 + s[5] - '0';
        *ret_minutes = s[0] == '-' ? -(60 * h + m) : 60 * h + m;
        return h < 24 && m < 60;
}

/* Beside the zones lie folders (America/Argentina) and lists, and what is no zone would be taken for UTC. */
static bool is_zone_file(const char *path)
{
        char magic[4];
        FILE *f = fopen(path, "re");
        bool ok = f && fread(magic, sizeof(magic), 1, f) == 1 && memcmp(magic, "TZif", sizeof(magic)) == 0;

        if (f)
                fclose(f);
        return ok;
}

int map_zone_parse(const char *name, MapZone *ret)
{
        const char *folder = getenv("TZDIR");
        CX_CLEANUP(xfreep) char *path = NULL;
        int minutes;

        if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0) {
                *ret = (MapZone){.fixed = true};
                return 0;
        }
        if (fixed_offset(name, &minutes)) {
                *ret = (MapZone){.fixed = true, .offset = 60 * minutes};
                return 0;
        }
        if (!isalpha((unsigned char)name[0]) || strstr(name, ".."))
                return -EINVAL;
        path = xasprintf("%s/%s", folder ? folder : "/usr/share/zoneinfo", name);
        if (!is_zone_file(path) || setenv("TZ", name, 1) != 0)
                return -EINVAL;
        tzset();
        *ret = (MapZone){.fixed = false};
        return 0;
}

bool map_format_is_own(const char *format)
{
        return strcmp(format, "rfc3339") == 0 || strcmp(format, "unix") == 0 ||
               strcmp(format, "unix_ms") == 0;
}

char map_format_find(const char *format, const char *letters)
{
        for (const char *at = strchr(format, '%'); at; at = *at ? strchr(at + 1, '%') : NULL) {
                at += 1 + strspn(at + 1, CONVERSION_MODIFIERS);
                if (*at && strchr(letters, *at))
                        return *at;
        }
        return '\0';
}

/* Elsewhere the digits may be seconds that the format leaves out. */
static bool ends_in_seconds(const char *format)
{
        size_t n = strlen(format), n_percents = 0;

        if (n < 2 || !strchr("STX", format[n - 1]))
                return false;
        for (n--; n > 0 && strchr(CONVERSION_MODIFIERS, format[n - 1]); n--)
                ;
        while (n > n_percents && format[n - n_percents - 1] == '%')
                n_percents++;
        return n_percents % 2 == 1;
}

/* What may follow whole seconds: ".250". Returns microseconds, moves *p behind it. */
static usec_t fraction(const char **p)
{
        usec_t usec = 0, unit = 100000;

        if ((**p != '.' && **p != ',') || !isdigit((unsigned char)(*p)[1]))
                return 0;
        for (++*p; isdigit((unsigned char)**p); ++*p, unit /= 10)
                usec += unit * (**p - '0');
        return usec;
}

/* As the daemon reads the number in JSON, so that both ways make the same survey. */
static int parse_unix(const char *text, int exponent, usec_t *ret)
{
        double v;

        if (text_to_double(text_of(text), &v) < 0)
                return -EINVAL;
        return usec_from_number(text, strlen(text), exponent, ret);
}

/* Seconds east of UTC in the process's zone. */
static int64_t offset_at(time_t t)
{
        struct tm tm;

        return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

/*
 * What UTC is when the clock of the process's zone shows @wall (as if it were UTC). Of two times the earlier one; what
 * the clock leaves out is counted on with the offset before. mktime() would let the row before decide.
 */
static time_t utc_of(time_t wall)
{
        int64_t before = offset_at(wall - 86400), after = offset_at(wall + 86400);
        bool is_later = offset_at(wall - before) != before && offset_at(wall - after) == after;

        return wall - (is_later ? after : before);
}

int map_time_parse(const char *text, const char *format, const MapZone *zone, usec_t *ret)
{
        struct tm tm = {.tm_mday = 1, .tm_isdst = -1}, back;
        const char *end;
        usec_t usec;
        time_t t;

        if (strcmp(format, "rfc3339") == 0)
                return usec_parse(text, strlen(text), false, ret);
        if (strcmp(format, "unix") == 0)
                return parse_unix(text, 6, ret);
        if (strcmp(format, "unix_ms") == 0)
                return parse_unix(text, 3, ret);
        end = strptime(text, format, &tm);
        if (!end)
                return -EINVAL;
        usec = ends_in_seconds(format) ? fraction(&end) : 0;
        if (*end)
                return -EINVAL;
        back = tm;
        t = timegm(&back);
        if (map_format_find(format, "z"))
                t -= tm.tm_gmtoff;
        else if (zone->fixed)
                t -= zone->offset;
        else
                t = utc_of(t);
        /* A day that does not exist comes back as another one. */
        if (back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon)
                return -EINVAL;
        if (t < 0)
                return -ERANGE;
        *ret = (usec_t)t * USEC_SEC + usec;
        return 0;
}
