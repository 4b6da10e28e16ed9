#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How values are read and printed: the types that more than one option has, and one or a few for each
 * section.
 */

#include "daemon/config/option.h"

/* Values. */
extern const OptionType type_bool;     /* bool */
extern const OptionType type_size;     /* size_t */
extern const OptionType type_unsigned; /* unsigned */
extern const OptionType type_duration; /* usec_t */
extern const OptionType type_choice;   /* an enum; the index into the choices */
extern const OptionType type_name;     /* char[METRIC_NAME_MAX + 1] */
extern const OptionType type_texts;    /* char **, at_n: size_t */
extern const OptionType type_path;     /* char *; relative ones lie beside the file */
extern const OptionType type_section;  /* the options below this one, in the same object */
extern const OptionType type_token;    /* unsigned char[32], at_n: bool */

/* Where it listens and keeps (listen.c). */
extern const OptionType type_addresses;
extern const OptionType type_feed;
extern const OptionType type_hosts;
extern const OptionType type_store;
extern const OptionType type_tls;

/* Organisation and time (place.c). */
extern const OptionType type_zone;
extern const OptionType type_roster;
extern const OptionType type_queues;
extern const OptionType type_windows;
extern const OptionType type_retention;

/* metrics.c */
extern const OptionType type_metrics;
extern const OptionType type_kind;
extern const OptionType type_scale;
extern const OptionType type_target;
extern const OptionType type_better;
extern const OptionType type_names; /* char[METRIC_LIST_MAX][METRIC_NAME_MAX + 1], at_n: size_t */

/* roles.c */
extern const OptionType type_roles;
extern const OptionType type_sees;
extern const OptionType type_under;
extern const OptionType type_kinds;

/* principals.c */
extern const OptionType type_principals;
extern const OptionType type_short_grant; /* `role` and `scope` beside each other instead of `grants` */
extern const OptionType type_grants;
extern const OptionType type_role;
extern const OptionType type_scope;
extern const OptionType type_user;
extern const OptionType type_uid;

/* sources.c */
extern const OptionType type_sources;

/* rules.c */
extern const OptionType type_rules;
extern const OptionType type_rule_metric;
extern const OptionType type_rule_window;
extern const OptionType type_scopes;
extern const OptionType type_threshold;
extern const OptionType type_false_alarms;
extern const OptionType type_advice;

/* Whether the range of the option is one of values, not of lengths. */
static inline bool option_is_number(const Option *o)
{
        return o->type == &type_size || o->type == &type_unsigned || o->type == &type_uid;
}

/* A whole number within the range of the option. */
CX_MUST_CHECK int option_read_int(Load *l, const Option *o, const Node *n, int64_t *ret);

/* "key: name" */
void option_print_text(Printer *p, const Option *o, const char *text);
/* "key: number" and the like, which need no quotes. */
void option_print_plain(Printer *p, const Option *o, const char *text);
