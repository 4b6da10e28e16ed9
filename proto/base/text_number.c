/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/text.h"

int text_to_int64(Text t, int64_t *ret)
{
        bool negative = t.n && t.at[0] == '-';
        int64_t value = 0;
        size_t i = t.n && (t.at[0] == '-' || t.at[0] == '+');

        if (i == t.n)
                return -EINVAL;
        for (; i < t.n; i++) {
                if (t.at[i] < '0' || t.at[i] > '9')
                        return -EINVAL;
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, negative ? '0' - t.at[i] : t.at[i] - '0', &value))
                        return -ERANGE;
        }
        *ret = value;
        return 0;
}

/* strtod() and printf() follow the locale; cxd never calls setlocale(), cxctl does, so ask for "C" here. */
static locale_t c_locale(void)
{
        static locale_t c;

        if (!c)
                c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        return c;
}

int text_to_double(Text t, double *ret)
{
        char copy[64], *end;
        double value;
        size_t i = t.n && (t.at[0] == '-' || t.at[0] == '+');

        if (t.n == 0 || t.n >= sizeof(copy) || i == t.n)
                return -EINVAL;
        if ((t.at[i] < '0' || t.at[i] > '9') && t.at[i] != '.')
                return -EINVAL; /* no inf, nan, blanks */
        for (; i < t.n; i++)
                if (!strchr("0123456789.eE+-", t.at[i]) || t.at[i] == '\0')
                        return -EINVAL; /* no hexadecimal */
        memcpy(copy, t.at, t.n);
        copy[t.n] = '\0';
        value = strtod_l(copy, &end, c_locale());
        if (end != copy + t.n)
                return -EINVAL;
        if (!isfinite(value))
                return -ERANGE;
        *ret = value;
        return 0;
}

double text_read_double(const char *at)
{
        return strtod_l(at, NULL, c_locale());
}

size_t int64_format(int64_t value, char ret[NUMBER_TEXT_MAX])
{
        uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
        char digits[NUMBER_TEXT_MAX], *p = digits + sizeof(digits);
        size_t n;

        *--p = '\0';
        do {
                *--p = (char)('0' + rest % 10);
                rest /= 10;
        } while (rest);
        if (value < 0)
                *--p = '-';
        n = (size_t)(digits + sizeof(digits) - p);
        memcpy(ret, p, n);
        return n - 1;
}

__extension__ typedef unsigned __int128 Wide;

/* @number / 10^@decimals. */
static size_t write_decimal(uint64_t number, size_t decimals, char *ret)
{
        char digits[NUMBER_TEXT_MAX];
        size_t n, zeros;

        for (; decimals > 1 && number % 10 == 0; number /= 10)
                decimals--;
        n = int64_format((int64_t)number, digits);
        zeros = n > decimals ? 0 : decimals + 1 - n;
        memset(ret, '0', zeros);
        memcpy(ret + zeros, digits, n);
        n += zeros;
        memmove(ret + n - decimals + 1, ret + n - decimals, decimals);
        ret[n - decimals] = '.';
        ret[n + 1] = '\0';
        return n + 1;
}

/*
 * A positive value that is not whole and within the bounds below is a number of 53 bits / 2^shift, shift 3 to 66. That times a
 * power of ten, up to the 20th, has less than 128 bits, so that all of this is exact. It reads back as the same value if it is
 * less than half a unit of the 53 bits away from it. (Below a power of two the next value is nearer; but these need few digits.)
 */
#define DECIMAL_LEAST 1e-4
#define DECIMAL_END   1e15

static size_t format_decimal(double value, char *ret)
{
        int exponent, shift, decimals = DBL_DIG;
        uint64_t bits = (uint64_t)ldexp(frexp(value, &exponent), DBL_MANT_DIG);
        Wide ten = 1, half;

        shift = DBL_MANT_DIG - exponent;
        half = (Wide)1 << (shift - 1);
        for (uint64_t whole = (uint64_t)value; whole; whole /= 10)
                decimals--;
        for (int i = 0; i < decimals; i++)
                ten *= 10;
        for (;; decimals++, ten *= 10) {
                Wide exact = bits * ten, read, off;
                uint64_t number = (uint64_t)((exact + half) >> shift);

                if ((exact & (2 * half - 1)) == half)
                        number &= ~UINT64_C(1); /* half-way: to the even one, as printf() does */
                read = (Wide)number << shift;
                off = 2 * (read > exact ? read - exact : exact - read);
                if (off < ten)
                        return write_decimal(number, (size_t)decimals, ret);
        }
}

static size_t format_any(double value, char ret[NUMBER_TEXT_MAX])
{
        locale_t before = uselocale(c_locale());
        int n = 0;

        for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
                n = snprintf(ret, NUMBER_TEXT_MAX, "%.*g", digits, value);
                if (strtod(ret, NULL) == value)
                        break;
        }
        uselocale(before);
        return (size_t)n;
}

size_t number_format(double value, char ret[NUMBER_TEXT_MAX])
{
        size_t sign = value < 0;

        if (fabs(value) < DECIMAL_END && value == (double)(int64_t)value)
                return int64_format((int64_t)value, ret);
        if (fabs(value) < DECIMAL_LEAST || fabs(value) >= DECIMAL_END)
                return format_any(value, ret);
        ret[0] = '-';
        return sign + format_decimal(fabs(value), ret + sign);
}
