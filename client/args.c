/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/cmd.h"
#include "client/when.h"
#include "client/xalloc.h"

static const Flag *find(const Flag *flags, const char *name, size_t n, char letter)
{
        for (const Flag *f = flags; f && f->name; f++)
                if (letter ? f->letter == letter : strlen(f->name) == n && strncmp(f->name, name, n) == 0)
                        return f;
        return NULL;
}

/* A command's own flags hide global ones of the same letter. */
static const Flag *lookup(const Cmd *cmd, const char *name, size_t n, char letter)
{
        const Flag *f = cmd ? find(cmd->flags, name, n, letter) : NULL;

        return f ? f : find(cmd_globals, name, n, letter);
}

static bool one_of(const char *choices, const char *value)
{
        size_t n = strlen(value);

        if (!strchr(choices, '|') || strpbrk(choices, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
                return true;
        for (const char *p = choices;; p++) {
                size_t len = strcspn(p, "|");

                if (len == n && strncmp(p, value, n) == 0)
                        return true;
                p += len;
                if (!*p)
                        return false;
        }
}

static int take(Args *a, const Flag *f, const char *value, char **ret_error)
{
        if (f->value && !one_of(f->value, value)) {
                *ret_error = xasprintf("--%s: \"%s\" is none of %s", f->name, value, f->value);
                return 1;
        }
        if (a->n_flags == FLAGS_MAX) {
                *ret_error = xstrdup("too many flags");
                return 1;
        }
        a->flags[a->n_flags] = f;
        a->values[a->n_flags++] = value;
        return 0;
}

/* One argument that begins with '-', and its value. *i moves on if the value is the next one. */
static int parse_flag(int argc, char **argv, int *i, const Cmd *cmd, Args *a, char **ret_error)
{
        const char *arg = argv[*i], *value = NULL, *name;
        const Flag *f;
        size_t n;

        if (arg[1] == '-') {
                name = arg + 2;
                n = strcspn(name, "=");
                f = lookup(cmd, name, n, 0);
                if (name[n])
                        value = name + n + 1;
        } else {
                name = arg + 1;
                n = 1;
                f = lookup(cmd, NULL, 0, arg[1]);
                if (arg[2])
                        value = arg + 2;
        }
        if (!f) {
                *ret_error = xasprintf("there is no flag %.*s%s%s", (int)(n + (size_t)(name - arg)), arg,
                                       cmd ? " for " : " before the command", cmd ? cmd->name : "");
                return 1;
        }
        if (!f->value && value) {
                *ret_error = xasprintf("--%s takes no value", f->name);
                return 1;
        }
        if (f->value && !value) {
                if (*i + 1 >= argc) {
                        *ret_error = xasprintf("--%s needs a value: %s", f->name, f->value);
                        return 1;
                }
                value = argv[++*i];
        }
        return take(a, f, value ? value : "", ret_error);
}

/* A word that stands for a flag, as SCOPE does in "[SCOPE [METRIC]]", is one that the flag takes, and in its place. */
static int check_rest(const Cmd *cmd, const Args *a, char **ret_error)
{
        static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const char *usage = cmd->usage;

        for (size_t i = 0; i < a->n_rest; i++) {
                const Flag *f = cmd->flags;
                size_t n;

                usage += strcspn(usage, capitals);
                n = strspn(usage, capitals);
                while (f && f->name && (strlen(f->name) != n || strncasecmp(f->name, usage, n) != 0))
                        f++;
                usage += n;
                if (!f || !f->name)
                        continue;
                if (args_get(a, f->name)) {
                        *ret_error = xasprintf("--%s is there, and \"%s\" in its place, too; which one?",
                                               f->name, a->rest[i]);
                        return 1;
                }
                if (!one_of(f->value, a->rest[i])) {
                        *ret_error = xasprintf("%s: \"%s\" is none of %s", f->name, a->rest[i], f->value);
                        return 1;
                }
        }
        return 0;
}

int args_parse(int argc, char **argv, const Cmd **ret_cmd, Args *ret, char **ret_error)
{
        const Cmd *cmd = NULL;
        bool only_rest = false;
        Args a = {.rest = xcalloc((size_t)argc + 1, sizeof(char *))};

        for (int i = 1; i < argc; i++) {
                if (!only_rest && strcmp(argv[i], "--") == 0) {
                        only_rest = true;
                } else if (!only_rest && argv[i][0] == '-' && argv[i][1]) {
                        if (parse_flag(argc, argv, &i, cmd, &a, ret_error) != 0)
                                goto wrong;
                } else if (!cmd) {
                        const Cmd *near = cmd_nearest(argv[i]);

                        cmd = cmd_find(argv[i]);
                        if (!cmd) {
                                *ret_error = xasprintf("there is no command \"%s\"%s%s%s", argv[i],
                                                       near ? "; did you mean \"" : "; see cxctl help",
                                                       near ? near->name : "", near ? "\"?" : "");
                                goto wrong;
                        }
                } else {
                        a.rest[a.n_rest++] = argv[i];
                }
        }
        if (cmd && check_rest(cmd, &a, ret_error) != 0)
                goto wrong;
        *ret_cmd = cmd;
        *ret = a;
        return 0;
wrong:
        args_deinit(&a);
        return 1;
}

void args_deinit(Args *args)
{
        free(args->rest);
        *args = (Args){0};
}

const char *args_get(const Args *args, const char *name)
{
        for (size_t i = args->n_flags; i-- > 0;)
                if (strcmp(args->flags[i]->name, name) == 0)
                        return args->values[i];
        return NULL;
}

const char *args_rest(const Args *args, size_t i)
{
        return i < args->n_rest ? args->rest[i] : NULL;
}

int args_int(const Args *args, const Ctl *ctl, const char *name, int64_t min, int64_t max, int64_t *ret)
{
        const char *text = args_get(args, name);
        int64_t v;

        if (!text)
                return 0;
        if (text_to_int64(text_of(text), &v) < 0 || v < min || v > max)
                return ctl_usage(ctl, "--%s: \"%s\" is not a whole number from %" PRId64 " to %" PRId64, name,
                                 text, min, max);
        *ret = v;
        return 0;
}

int args_time(const Args *args, const Ctl *ctl, const char *name, usec_t base, char **ret)
{
        const char *text = args_get(args, name);
        char time[USEC_TEXT_MAX];
        usec_t t;

        *ret = NULL;
        if (!text)
                return 0;
        if (when_parse(text, base, &t) < 0)
                return ctl_usage(ctl,
                                 "--%s: \"%s\" is not a time; right are 7d (so long ago), 2026-11-21, "
                                 "\"2026-11-21 10:15\", 2026-11-21T10:15:00Z",
                                 name, text);
        *ret = xstrdup(usec_format(t, time));
        return 0;
}
