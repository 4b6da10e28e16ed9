#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The option table: one row for every key that a configuration may have.
 *
 * The same rows drive loading, cxd --print-config, and the test of the manual page. A row's name is dotted;
 * an asterisk in it stands for a name that the operator chose, or for an item of a list. Rows are read in the
 * order of the table, so a row may rely on those before it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/load.h"
#include "daemon/config/node.h"
#include "daemon/config/printer.h"
#include "proto/base/def.h"

typedef struct Option Option;

/* How the values of an option are read and printed. @object is what the section of the option is about. */
typedef struct OptionType {
        const char *name; /* in the manual: "a duration" */
        int (*read)(Load *l, const Option *o, const Node *n, void *object);
        /* Prints key and value, or nothing where the value is absent. */
        void (*print)(Printer *p, const Option *o, const void *object);
} OptionType;

struct Option {
        const char *name;
        const OptionType *type;
        size_t at;                  /* place of the value in the object */
        size_t at_n;                /* place of the count or of the flag that belongs to it */
        double min, max;            /* of a number, a duration in microseconds, or the count of a list */
        const char *const *choices; /* NULL at the end */
        bool required;
        const char *def;  /* as YAML; NULL: absent */
        const char *unit; /* NULL: none */
        const char *text; /* one sentence */
};

size_t option_count(void);
const Option *option_row(size_t index);

/* The last part of the name. */
const char *option_key(const Option *o);

/* NULL: there is no such option. @section is "" for the root. */
const Option *option_find(const char *section, Text key);

/*
 * Reads @map with all options of the section into @object; absent keys get their defaults if @defaults, else
 * they leave the object as it is.
 */
CX_MUST_CHECK int option_read(Load *l, const char *section, const Node *map, void *object, bool defaults);

/* Prints all options of the section, one line or block each. */
void option_print(Printer *p, const char *section, const void *object);

#define OPTION_DESCRIPTION_MAX 320

/* "a number, 1 to 65536, default 1024, in connections": type, range, default and unit as the manual has them.
 */
char *option_describe(const Option *o, char ret[OPTION_DESCRIPTION_MAX]);

static inline void *option_at(void *object, size_t at)
{
        return (char *)object + at;
}

static inline const void *option_at_const(const void *object, size_t at)
{
        return (const char *)object + at;
}
