/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/xalloc.h"
#include "proto/base/text.h"

static void *checked(void *p)
{
        if (!p) {
                fputs("cxctl: out of memory\n", stderr);
                abort();
        }
        return p;
}

void *xcalloc(size_t n, size_t size)
{
        return checked(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t n, size_t size)
{
        return checked(reallocarray(p, n ? n : 1, size ? size : 1));
}

char *xstrdup(const char *s)
{
        return checked(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
        return checked(text_dup((Text){.at = s, .n = n}));
}

char *xasprintf(const char *format, ...)
{
        va_list args;
        char *s = NULL;
        int r;

        va_start(args, format);
        r = vasprintf(&s, format, args);
        va_end(args);
        return checked(r < 0 ? NULL : s);
}

void xfreep(void *p)
{
        free(*(void **)p);
}
