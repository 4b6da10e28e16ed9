/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/usec.h"

#define DIGITS_MAX 18 /* of 10^18 microseconds, beyond the year 9999 */

/* Both conversions after H. Hinnant, "chrono-Compatible Low-Level Date Algorithms": eras of 400 years from 1
 * March. */
int64_t civil_to_days(int64_t year, unsigned month, unsigned day)
{
        int64_t y = month <= 2 ? year - 1 : year;
        int64_t era = (y >= 0 ? y : y - 399) / 400;
        int64_t yoe = y - era * 400;
        int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
        int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

        return era * 146097 + doe - 719468;
}

void civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
        int64_t z = days + 719468;
        int64_t era = (z >= 0 ? z : z - 146096) / 146097;
        int64_t doe = z - era * 146097;
        int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
        int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        int64_t mp = (5 * doy + 2) / 153;

        *ret_day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
        *ret_month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
        *ret_year = yoe + era * 400 + (*ret_month <= 2);
}

usec_t usec_floor(usec_t t, usec_t width)
{
        usec_t rest = t % width;

        return rest < 0 ? t - rest - width : t - rest;
}

usec_t usec_ceil(usec_t t, usec_t width)
{
        usec_t low = usec_floor(t, width);

        return low == t ? t : low + width;
}

/* Exactly @n_digits digits. */
static bool take_digits(const char **p, const char *end, unsigned n_digits, unsigned *ret)
{
        unsigned value = 0;

        if (end - *p < (ptrdiff_t)n_digits)
                return false;
        for (unsigned i = 0; i < n_digits; i++) {
                unsigned digit = (unsigned)(unsigned char)(*p)[i] - '0';

                if (digit > 9)
                        return false;
                value = value * 10 + digit;
        }
        *p += n_digits;
        *ret = value;
        return true;
}

static bool take_char(const char **p, const char *end, char c)
{
        if (*p == end || **p != c)
                return false;
        (*p)++;
        return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
        static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

        if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
                return 29;
        return days[month - 1];
}

static bool take_date(const char **p, const char *end, usec_t *ret)
{
        unsigned year, month, day;

        if (!take_digits(p, end, 4, &year) || !take_char(p, end, '-') || !take_digits(p, end, 2, &month) ||
            !take_char(p, end, '-') || !take_digits(p, end, 2, &day))
                return false;
        if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
                return false;
        *ret = civil_to_days(year, month, day) * USEC_DAY;
        return true;
}

static bool take_time(const char **p, const char *end, usec_t *ret)
{
        unsigned hour, minute, second, fraction = 0, n_digits = 0;

        if (!take_digits(p, end, 2, &hour) || !take_char(p, end, ':') || !take_digits(p, end, 2, &minute) ||
            !take_char(p, end, ':') || !take_digits(p, end, 2, &second))
                return false;
        if (hour > 23 || minute > 59 || second > 60) /* 60: a leap second, counted as the next one */
                return false;
        if (take_char(p, end, '.')) {
                const char *first = *p;

                for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
                        if (n_digits < 6) {
                                fraction = fraction * 10 + (unsigned)(**p - '0');
                                n_digits++;
                        }
                }
                if (*p == first)
                        return false;
                for (; n_digits < 6; n_digits++)
                        fraction *= 10;
        }
        *ret = hour * USEC_HOUR + minute * USEC_MIN + second * USEC_SEC + (usec_t)fraction;
        return true;
}

static bool take_zone(const char **p, const char *end, usec_t *ret_offset)
{
        unsigned hour, minute;
        bool west;

        if (take_char(p, end, 'Z') || take_char(p, end, 'z')) {
                *ret_offset = 0;
                return true;
        }
        west = take_char(p, end, '-');
        if (!west && !take_char(p, end, '+'))
                return false;
        if (!take_digits(p, end, 2, &hour))
                return false;
        take_char(p, end, ':');
        if (!take_digits(p, end, 2, &minute) || hour > 23 || minute > 59)
                return false;
        *ret_offset = (hour * USEC_HOUR + minute * USEC_MIN) * (west ? -1 : 1);
        return true;
}

int usec_parse(const char *text, size_t n, bool date_ok, usec_t *ret)
{
        const char *p = text, *end;
        usec_t date, time, offset;

        if (!text)
                return -EINVAL;
        end = text + n;
        if (!take_date(&p, end, &date))
                return -EINVAL;
        if (p == end) {
                if (!date_ok)
                        return -EINVAL;
                *ret = date;
                return 0;
        }
        if (!take_char(&p, end, 'T') && !take_char(&p, end, 't') && !take_char(&p, end, ' '))
                return -EINVAL;
        if (!take_time(&p, end, &time) || !take_zone(&p, end, &offset) || p != end)
                return -EINVAL;
        time += date - offset;
        if (time < 0 || time > USEC_CIVIL_MAX) /* by its zone it may lie beyond the years after all */
                return -EINVAL;
        *ret = time;
        return 0;
}

/* The last @n_digits digits of @value, and then @after. */
static char *put_digits(char *to, unsigned value, unsigned n_digits, char after)
{
        static const char pairs[] =
                "0001020304050607080910111213141516171819202122232425262728293031323334353637383940"
                "4142434445464748495051525354555657585960616263646566676869707172737475767778798081"
                "828384858687888990919293949596979899";
        unsigned i = n_digits;

        for (; i >= 2; value /= 100) {
                i -= 2;
                memcpy(to + i, pairs + 2 * (size_t)(value % 100), 2);
        }
        if (i)
                to[0] = (char)('0' + value % 10);
        to[n_digits] = after;
        return to + n_digits + 1;
}

/* The exponent of "12e-3"; held within +-100000, where every number is 0 or out of range. */
static int64_t exponent_of(const char *text, size_t n)
{
        bool negative = n && text[0] == '-';
        int64_t value = 0;

        for (size_t i = n && (text[0] == '-' || text[0] == '+'); i < n; i++)
                if (value < 100000)
                        value = value * 10 + (text[i] - '0');
        return negative ? -value : value;
}

int usec_from_number(const char *text, size_t n, int64_t exponent, usec_t *ret)
{
        bool negative = text[0] == '-', fraction = false;
        int64_t mantissa = 0;
        int n_digits = 0;

        for (size_t i = negative || text[0] == '+'; i < n; i++) {
                char c = text[i];

                if (c == '.') {
                        fraction = true;
                        continue;
                }
                if (c == 'e' || c == 'E') {
                        exponent += exponent_of(text + i + 1, n - i - 1);
                        break;
                }
                if (n_digits == DIGITS_MAX) {
                        exponent += !fraction;
                        continue;
                }
                mantissa = mantissa * 10 + (c - '0');
                n_digits += mantissa != 0;
                exponent -= fraction;
        }
        if (mantissa == 0) {
                *ret = 0;
                return 0;
        }
        if (negative || exponent > DIGITS_MAX)
                return -ERANGE;
        for (; exponent > 0; exponent--)
                if (__builtin_mul_overflow(mantissa, 10, &mantissa))
                        return -ERANGE;
        for (; exponent < 0 && mantissa; exponent++)
                mantissa /= 10;
        if (mantissa > USEC_CIVIL_MAX)
                return -ERANGE;
        *ret = mantissa;
        return 0;
}

char *usec_format(usec_t t, char ret[USEC_TEXT_MAX])
{
        usec_t day = usec_floor(t, USEC_DAY), rest = t - day, fraction = rest % USEC_SEC;
        unsigned month, mday;
        int64_t year;
        char *p = ret;

        civil_from_days(day / USEC_DAY, &year, &month, &mday);
        if (year >= 0 && year <= 9999)
                p = put_digits(p, (unsigned)year, 4, '-');
        else
                p += snprintf(p, USEC_TEXT_MAX / 2, "%" PRId64 "-", year);
        p = put_digits(p, month, 2, '-');
        p = put_digits(p, mday, 2, 'T');
        p = put_digits(p, (unsigned)(rest / USEC_HOUR), 2, ':');
        p = put_digits(p, (unsigned)(rest / USEC_MIN % 60), 2, ':');
        p = put_digits(p, (unsigned)(rest / USEC_SEC % 60), 2, fraction ? '.' : 'Z');
        if (fraction % USEC_MSEC)
                p = put_digits(p, (unsigned)fraction, 6, 'Z');
        else if (fraction)
                p = put_digits(p, (unsigned)(fraction / USEC_MSEC), 3, 'Z');
        *p = '\0';
        return ret;
}

/* From large to small; duration_format() takes the first that divides. */
static const struct Unit {
        const char *name;
        usec_t width;
} units[] = {
        {"y", 365 * USEC_DAY}, {"d", USEC_DAY},   {"h", USEC_HOUR}, {"m", USEC_MIN},
        {"s", USEC_SEC},       {"ms", USEC_MSEC}, {"us", 1},
};

int duration_parse(const char *text, size_t n, usec_t *ret)
{
        const usec_t limit = 1000 * 365 * USEC_DAY;
        const char *p = text, *end = text + n;
        usec_t sum = 0;

        if (n == 0)
                return -EINVAL;
        while (p < end) {
                const struct Unit *unit = NULL;
                const char *name;
                usec_t value = 0;

                if (*p < '0' || *p > '9')
                        return -EINVAL;
                for (; p < end && *p >= '0' && *p <= '9'; p++) {
                        value = value * 10 + (*p - '0');
                        if (value > limit)
                                return -ERANGE;
                }
                for (name = p; p < end && *p >= 'a' && *p <= 'z'; p++)
                        continue;
                for (size_t i = 0; i < CX_ARRAY_LEN(units); i++)
                        if (strlen(units[i].name) == (size_t)(p - name) &&
                            memcmp(units[i].name, name, (size_t)(p - name)) == 0)
                                unit = &units[i];
                if (!unit)
                        return -EINVAL;
                if (value > limit / unit->width || value * unit->width > limit - sum)
                        return -ERANGE;
                sum += value * unit->width;
        }
        *ret = sum;
        return 0;
}

char *duration_format(usec_t d, char ret[USEC_TEXT_MAX])
{
        char *p = ret, *end = ret + USEC_TEXT_MAX;

        if (d <= 0) {
                snprintf(ret, USEC_TEXT_MAX, "0s");
                return ret;
        }
        for (size_t i = 0; i < CX_ARRAY_LEN(units); i++) {
                usec_t count = d / units[i].width;

                /* Years only where nothing else is left: 400d is clearer than 1y35d. */
                if (count == 0 || (units[i].width > USEC_DAY && d % units[i].width))
                        continue;
                p += snprintf(p, (size_t)(end - p), "%" PRId64 "%s", count, units[i].name);
                d %= units[i].width;
                if (d == 0)
                        break;
        }
        return ret;
}

usec_t usec_after(usec_t at, usec_t delay)
{
        usec_t sum;

        return __builtin_add_overflow(at, delay, &sum) ? USEC_INFINITY : sum;
}
