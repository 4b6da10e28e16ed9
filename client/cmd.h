#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A command: one constant in one file. The parser, the help, and the shell completion all read it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "client/ctl.h"

#define FLAGS_MAX 24

typedef struct Flag {
        const char *name;  /* "since" for --since */
        char letter;       /* 'n' for -n; 0: none */
        const char *value; /* "TIME"; NULL: takes none. "a|b|c": one of these */
        const char *help;  /* one line */
} Flag;

typedef struct Args {
        const Flag *flags[FLAGS_MAX]; /* that were given, the last one last */
        const char *values[FLAGS_MAX];
        size_t n_flags;
        const char **rest; /* what is no flag, without the command's name */
        size_t n_rest;
} Args;

typedef struct Cmd {
        const char *name;
        const char *usage; /* "SCOPE [METRIC]": what is no flag; may be empty */
        const char *help;  /* one line */
        const Flag *flags; /* ends with {0}; may be NULL */
        size_t min_rest, max_rest;
        int (*run)(Ctl *ctl, const Args *args);
} Cmd;

/* All commands, in the order of the help. */
extern const Cmd *const cmd_table[];
extern const size_t cmd_table_n;
/* Flags that stand before or after the command's name. Ends with {0}. */
extern const Flag cmd_globals[];

/* NULL: none of that name. */
const Cmd *cmd_find(const char *name);

/* The command whose name is nearest to a mistyped one, or NULL. */
const Cmd *cmd_nearest(const char *name);

/*
 * Takes argv apart. *ret_cmd is NULL if no command is named. 0, or 1 with a malloc'ed sentence in *ret_error.
 */
int args_parse(int argc, char **argv, const Cmd **ret_cmd, Args *ret, char **ret_error);
void args_deinit(Args *args);

/* The value given last for --@name; NULL: not given. For a flag without a value: "". */
const char *args_get(const Args *args, const char *name);

/* The n-th of what is no flag; NULL: not given. */
const char *args_rest(const Args *args, size_t i);

/* A whole number for --@name within bounds. 0 (*ret untouched if not given), or CTL_USAGE, said why. */
int args_int(const Args *args, const Ctl *ctl, const char *name, int64_t min, int64_t max, int64_t *ret);

/* A point in time for --@name as RFC 3339 (when_parse() with @base), for the daemon. NULL in *ret: not given.
 */
int args_time(const Args *args, const Ctl *ctl, const char *name, usec_t base, char **ret);

void cmd_print_usage(const Cmd *cmd, FILE *to);

/* Clock, files, environment: one whole run of the program. Returns the exit code. */
int cxctl_main(int argc, char **argv);
