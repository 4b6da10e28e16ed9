/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/base/diag.h"
#include "proto/base/text.h"

int diag_set(Diag *d, const char *file, unsigned line, const char *field, const char *format, ...)
{
        char text[2 * sizeof(d->text)];
        va_list args;

        /* The arguments may be parts of @d itself: messages are wrapped outwards. */
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        text_copy_cut(d->file, sizeof(d->file), file ? file : "");
        d->line = line;
        text_copy_cut(d->field, sizeof(d->field), field ? field : "");
        text_copy_cut(d->text, sizeof(d->text), text);
        return -EINVAL;
}

char *diag_format(const Diag *d, char *ret, size_t size)
{
        char line[16] = "";

        if (d->line)
                snprintf(line, sizeof(line), "%u:", d->line);
        snprintf(ret, size, "%s%s%s%s%s%s%s", d->file, d->file[0] ? ":" : "", line,
                 d->file[0] || d->line ? " " : "", d->field, d->field[0] ? ": " : "", d->text);
        return ret;
}
