/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stdio.h>

#include "proto/base/text.h"
#include "proto/fault.h"

static const struct FaultRow {
        const char *name;
        int status;
        const char *text;
} rows[_FAULT_N] = {[FAULT_NONE] = {"", 200, ""},
#define FAULT_ROW(_name, _status, _text) [FAULT_##_name] = {"E_" #_name, _status, _text},
                    FAULT_TABLE(FAULT_ROW)
#undef FAULT_ROW
};

static const struct FaultRow *row_of(FaultCode code)
{
        return &rows[(unsigned)code < _FAULT_N ? code : FAULT_INTERNAL];
}

const char *fault_name(FaultCode code)
{
        return row_of(code)->name;
}

int fault_status(FaultCode code)
{
        return row_of(code)->status;
}

const char *fault_text(FaultCode code)
{
        return row_of(code)->text;
}

int fault_set(Fault *f, FaultCode code, const char *field, const char *format, ...)
{
        char text[2 * sizeof(f->text)];
        va_list args;

        /* The arguments may be parts of @f itself. */
        va_start(args, format);
        if (format)
                vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        f->code = code;
        text_copy_cut(f->field, sizeof(f->field), field ? field : "");
        text_copy_cut(f->text, sizeof(f->text), format ? text : fault_text(code));
        return 1;
}
