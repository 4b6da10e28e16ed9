/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "client/cmd.h"

static void print_words(const Flag *flags, FILE *to)
{
        for (const Flag *f = flags; f && f->name; f++) {
                fprintf(to, " --%s", f->name);
                if (f->letter)
                        fprintf(to, " -%c", f->letter);
        }
}

/* A case pattern of all flags that take a value; "" is no word, so the pattern is never empty. */
static void print_valued(const Flag *flags, FILE *to)
{
        for (const Flag *f = flags; f && f->name; f++) {
                if (!f->value)
                        continue;
                fprintf(to, "|--%s", f->name);
                if (f->letter)
                        fprintf(to, "|-%c", f->letter);
        }
}

/* After which flag which words can come, for flags with a fixed choice and for files. */
static void print_values(const char *command, const Flag *flags, FILE *to)
{
        for (const Flag *f = flags; f && f->name; f++) {
                if (!f->value)
                        continue;
                fprintf(to, "        \"%s:--%s\"", command, f->name);
                if (f->letter)
                        fprintf(to, "|\"%s:-%c\"", command, f->letter);
                if (strcmp(f->value, "FILE") == 0) {
                        fputs(") COMPREPLY=($(compgen -f -- \"$word\")); return;;\n", to);
                } else if (strchr(f->value, '|') && !strpbrk(f->value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
                        fputs(") COMPREPLY=($(compgen -W \"", to);
                        for (const char *p = f->value; *p; p++)
                                fputc(*p == '|' ? ' ' : *p, to);
                        fputs("\" -- \"$word\")); return;;\n", to);
                } else {
                        fputs(") return;;\n", to);
                }
        }
}

static void print_bash(FILE *to)
{
        fputs("# bash completion for cxctl; made by \"cxctl completion bash\"\n"
              "_cxctl() {\n"
              "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= flags= "
              "i\n"
              "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
              "        case ${COMP_WORDS[i]} in\n"
              "        \"\"",
              to);
        print_valued(cmd_globals, to);
        fputs(") i=$((i + 1));;\n"
              "        -*) ;;\n"
              "        *) command=${COMP_WORDS[i]}; break;;\n"
              "        esac\n"
              "    done\n"
              "    case $command:$before in\n",
              to);
        for (size_t i = 0; i < cmd_table_n; i++)
                print_values(cmd_table[i]->name, cmd_table[i]->flags, to);
        fputs("    esac\n    case :$before in\n", to);
        print_values("", cmd_globals, to);
        fputs("    esac\n    case $command in\n    \"\")\n        if [[ $word != -* ]]; then\n"
              "            COMPREPLY=($(compgen -W \"",
              to);
        for (size_t i = 0; i < cmd_table_n; i++)
                fprintf(to, "%s%s", i ? " " : "", cmd_table[i]->name);
        fputs("\" -- \"$word\"))\n            return\n        fi;;\n", to);
        for (size_t i = 0; i < cmd_table_n; i++) {
                fprintf(to, "    %s) flags=\"", cmd_table[i]->name);
                print_words(cmd_table[i]->flags, to);
                fputs("\";;\n", to);
        }
        fputs("    esac\n    if [[ $word == -* ]]; then\n        COMPREPLY=($(compgen -W \"$flags", to);
        print_words(cmd_globals, to);
        fputs("\" -- \"$word\"))\n"
              "    elif [[ $command == send || $command == import ]]; then\n"
              "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
              "    elif [[ $command == help ]]; then\n"
              "        COMPREPLY=($(compgen -W \"",
              to);
        for (size_t i = 0; i < cmd_table_n; i++)
                fprintf(to, "%s%s", i ? " " : "", cmd_table[i]->name);
        fputs("\" -- \"$word\"))\n"
              "    elif [[ $command == completion ]]; then\n"
              "        COMPREPLY=($(compgen -W \"bash\" -- \"$word\"))\n"
              "    elif [[ $command == token ]]; then\n"
              "        COMPREPLY=($(compgen -W \"new\" -- \"$word\"))\n"
              "    fi\n"
              "}\n"
              "complete -F _cxctl cxctl\n",
              to);
}

static int run(Ctl *ctl, const Args *args)
{
        if (strcmp(args_rest(args, 0), "bash") != 0)
                return ctl_usage(ctl, "completion: only for bash, not for \"%s\"", args_rest(args, 0));
        print_bash(ctl->out);
        return CTL_OK;
}

const Cmd cmd_completion = {"completion", "bash", "the completion script of a shell", NULL, 1, 1, run};
