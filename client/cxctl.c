/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/cmd.h"
#include "client/http.h"
#include "client/interrupt.h"
#include "client/xalloc.h"

static int read_token(Ctl *ctl, const Args *args)
{
        const char *file = args_get(args, "token-file"), *token = getenv("CXCTL_TOKEN");

        if (!file && (file = getenv("CXCTL_TOKEN_FILE")) && !*file)
                file = NULL;
        if (file) {
                ctl->token = ctl_read_secret(ctl, file);
                return ctl->token ? CTL_OK : CTL_USAGE;
        }
        for (const char *p = token; p && *p; p++)
                if (*p <= ' ' || *p > '~')
                        return ctl_usage(ctl, "CXCTL_TOKEN is not a token");
        if (token && *token)
                ctl->token = xstrdup(token);
        return CTL_OK;
}

static int configure(Ctl *ctl, const Args *args)
{
        const char *host = args_get(args, "host"), *output = args_get(args, "output"),
                   *no_color = getenv("NO_COLOR");
        struct winsize size;

        if (!host)
                host = getenv("CXCTL_HOST");
        ctl->host = host && *host ? host : CTL_HOST_DEFAULT;
        ctl->ca_file = args_get(args, "ca-file");
        if (output)
                ctl->output = strcmp(output, "json") == 0  ? OUTPUT_JSON
                              : strcmp(output, "csv") == 0 ? OUTPUT_CSV
                                                           : OUTPUT_TABLE;
        if (isatty(STDOUT_FILENO)) {
                const char *term = getenv("TERM");

                ctl->color = !(no_color && *no_color) && !args_get(args, "no-color") &&
                             !(term && strcmp(term, "dumb") == 0);
                if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
                        ctl->columns = size.ws_col;
        }
        return read_token(ctl, args);
}

static int run(Ctl *ctl, const Cmd *cmd, const Args *args)
{
        int r;

        if (args_get(args, "version"))
                return cmd_find("version")->run(ctl, args);
        if (args_get(args, "help")) {
                cmd_print_usage(cmd, ctl->out);
                return CTL_OK;
        }
        if (!cmd) {
                cmd_print_usage(NULL, ctl->err);
                return CTL_USAGE;
        }
        if (args->n_rest < cmd->min_rest || args->n_rest > cmd->max_rest) {
                ctl_error(ctl, "usage: cxctl %s%s%s%s", cmd->name, cmd->flags ? " [FLAGS]" : "",
                          cmd->usage[0] ? " " : "", cmd->usage);
                return CTL_USAGE;
        }
        r = configure(ctl, args);
        return r == CTL_OK ? cmd->run(ctl, args) : r;
}

/*
 * A standard stream that is closed would be the next socket, and the daemon be sent what is for people. Its place is
 * taken by what cannot be used.
 */
static void hold_standard_streams(void)
{
        int none = open("/dev/null", O_PATH);

        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && dup2(none, fd) < 0)
                        exit(CTL_USAGE);
        if (none > STDERR_FILENO)
                close(none);
}

int cxctl_main(int argc, char **argv)
{
        Ctl ctl = {.out = stdout, .err = stderr, .host = CTL_HOST_DEFAULT};
        const Cmd *cmd = NULL;
        char *error = NULL;
        Args args;
        int r;

        hold_standard_streams();
        (void)setvbuf(stderr, NULL, _IOLBF, 0); /* a message is one write */
        setlocale(LC_CTYPE, "");
        ctl.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
        if (args_parse(argc, argv, &cmd, &args, &error) != 0) {
                ctl_error(&ctl, "%s", error);
                free(error);
                return CTL_USAGE;
        }
        r = run(&ctl, cmd, &args);
        args_deinit(&args);
        http_free(ctl.http);
        if (ctl.token)
                explicit_bzero(ctl.token, strlen(ctl.token));
        free(ctl.token);
        if (fflush(stdout) != 0 || ferror(stdout)) {
                ctl_error(&ctl, "cannot write the output: %s", strerror(errno));
                r = r ? r : CTL_USAGE;
        }
        if (r == CTL_INTERRUPTED)
                interrupt_end();
        return r;
}
