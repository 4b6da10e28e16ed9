/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "client/cmd.h"

static void print_flags(const Flag *flags, FILE *to)
{
        for (const Flag *f = flags; f && f->name; f++) {
                char left[80];

                snprintf(left, sizeof(left), "%c%c%s--%s%s%s", f->letter ? '-' : ' ',
                         f->letter ? f->letter : ' ', f->letter ? ", " : "  ", f->name, f->value ? " " : "",
                         f->value ? f->value : "");
                if (strlen(left) > 26)
                        fprintf(to, "  %s\n%30s%s\n", left, "", f->help);
                else
                        fprintf(to, "  %-26s  %s\n", left, f->help);
        }
}

void cmd_print_usage(const Cmd *cmd, FILE *to)
{
        if (cmd) {
                fprintf(to, "usage: cxctl %s%s%s%s\n\n%s\n", cmd->name, cmd->flags ? " [FLAGS]" : "",
                        cmd->usage[0] ? " " : "", cmd->usage, cmd->help);
                if (cmd->flags) {
                        fputs("\nflags:\n", to);
                        print_flags(cmd->flags, to);
                }
                return;
        }
        fputs("usage: cxctl [FLAGS] COMMAND [ARGUMENTS]\n\ncommands:\n", to);
        for (size_t i = 0; i < cmd_table_n; i++)
                fprintf(to, "  %-11s %s\n", cmd_table[i]->name, cmd_table[i]->help);
        fputs("\nflags:\n", to);
        print_flags(cmd_globals, to);
        fputs("\nMore: cxctl help COMMAND, and the manual page cxctl(1).\n", to);
}

static int run(Ctl *ctl, const Args *args)
{
        const Cmd *cmd = args_rest(args, 0) ? cmd_find(args_rest(args, 0)) : NULL;

        if (args_rest(args, 0) && !cmd)
                return ctl_usage(ctl, "there is no command \"%s\"", args_rest(args, 0));
        cmd_print_usage(cmd, ctl->out);
        return CTL_OK;
}

const Cmd cmd_help = {"help", "[COMMAND]", "what there is, or how to use one command", NULL, 0, 1, run};
