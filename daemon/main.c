/* SPDX-License-Identifier: Apache-2.0 */

/* cxd(8): arguments, configuration, run. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "daemon/io/log.h"
#include "daemon/io/notify.h"
#include "daemon/server/server.h"

#ifndef CX_SYSCONFDIR
#define CX_SYSCONFDIR "/etc"
#endif

/* Seconds. Sockets that the service manager holds start us again as soon as we have ended, whatever the exit status. */
#define ACTIVATED_PAUSE 1

typedef struct Arguments {
        const char *config;
        const char *state_dir;
        const char *runtime_dir;
        const char *verify;
        bool check;
        bool print;
} Arguments;

static void usage(FILE *to)
{
        fprintf(to, "usage: cxd [--config FILE] [--state-dir DIR] [--runtime-dir DIR] [--log-level LEVEL]\n"
                    "           [--check | --print-config | --verify FILE | --version | --help]\n");
}

/* Returns -1 to go on, else the exit status. */
static int read_arguments(int argc, char **argv, Arguments *a)
{
        static const struct option options[] = {
                {"config", required_argument, NULL, 'c'},    {"check", no_argument, NULL, 'n'},
                {"print-config", no_argument, NULL, 'p'},    {"verify", required_argument, NULL, 'v'},
                {"version", no_argument, NULL, 'V'},         {"help", no_argument, NULL, 'h'},
                {"state-dir", required_argument, NULL, 's'}, {"runtime-dir", required_argument, NULL, 'r'},
                {"log-level", required_argument, NULL, 'l'}, {NULL, 0, NULL, 0},
        };
        LogLevel level;

        for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
                switch (c) {
                case 'c':
                        a->config = optarg;
                        break;
                case 's':
                        a->state_dir = optarg;
                        break;
                case 'r':
                        a->runtime_dir = optarg;
                        break;
                case 'n':
                        a->check = true;
                        break;
                case 'p':
                        a->print = true;
                        break;
                case 'v':
                        a->verify = optarg;
                        break;
                case 'l':
                        if (log_level_parse(text_of(optarg), &level) < 0) {
                                fprintf(stderr,
                                        "cxd: --log-level is one of err, warning, notice, info, debug\n");
                                return SERVER_EXIT_USAGE;
                        }
                        log_set_level(level);
                        break;
                case 'V':
                        printf("cxd %s\n", CX_VERSION);
                        return SERVER_EXIT_OK;
                case 'h':
                        usage(stdout);
                        return SERVER_EXIT_OK;
                default:
                        usage(stderr);
                        return SERVER_EXIT_USAGE;
                }
        }
        if (optind < argc) {
                fprintf(stderr, "cxd: \"%s\" is no option; it takes no other arguments\n", argv[optind]);
                usage(stderr);
                return SERVER_EXIT_USAGE;
        }
        return -1;
}

/* systemd may give several directories, separated by colons; the first one is ours. */
static char *first_directory(const char *flag, const char *variable)
{
        const char *value = flag ? flag : getenv(variable);

        return value && *value ? strndup(value, flag ? strlen(value) : strcspn(value, ":")) : NULL;
}

static int load(const Arguments *a, const ServerOptions *options, Config **ret)
{
        char text[1024];
        Diag diag = DIAG_NULL;
        int r = config_load(ret, a->config, options->state_dir, options->runtime_dir, &options->key, &diag);

        if (r == 0)
                return SERVER_EXIT_OK;
        if (r == -ENOMEM)
                log_err("%s", strerror(ENOMEM));
        else
                log_err("%s", diag_format(&diag, text, sizeof(text)));
        return SERVER_EXIT_CONFIG;
}

static int print(Config *config)
{
        int r = config_print(config, stdout);

        if (r == 0 && fflush(stdout) != 0)
                r = -errno;
        if (r < 0)
                log_err("the configuration cannot be printed: %s", strerror(-r));
        return r < 0 ? SERVER_EXIT_IO : SERVER_EXIT_OK;
}

/* --check and --print-config. */
static int show(const Arguments *a, const ServerOptions *options)
{
        Config *config = NULL;
        int status = load(a, options, &config);

        if (status == SERVER_EXIT_OK && a->print)
                status = print(config);
        else if (status == SERVER_EXIT_OK)
                printf("%s: good\n", a->config);
        config_free(config);
        return status;
}

static int run(const Arguments *a, ServerOptions *options)
{
        Notify notify = NOTIFY_NULL;
        Config *config = NULL;
        int r = notify_take_environment(&notify), status = load(a, options, &config);

        if (r < 0)
                log_warning("what systemd says cannot be understood: %s, going on without", strerror(-r));
        options->notify = &notify;
        if (status == SERVER_EXIT_OK)
                status = server_run(options, config);
        options->notify = NULL;
        if (status == SERVER_EXIT_CONFIG && notify.n_fds)
                sleep(ACTIVATED_PAUSE);
        notify_deinit(&notify);
        return status;
}

/*
 * A standard stream that is closed would be the next file or socket, and messages be written into it. Its place is taken
 * by what cannot be used.
 */
static int hold_standard_streams(void)
{
        int none = open("/dev/null", O_PATH);

        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && dup2(none, fd) < 0)
                        return -errno;
        if (none > STDERR_FILENO)
                close(none);
        return 0;
}

int main(int argc, char **argv)
{
        Arguments a = {.config = CX_SYSCONFDIR "/cxd/cxd.yaml"};
        ServerOptions options = {0};
        char *state_dir, *runtime_dir;
        int status;

        if (hold_standard_streams() < 0)
                return SERVER_EXIT_INTERNAL;
        status = read_arguments(argc, argv, &a);
        if (status >= 0)
                return status;
        signal(SIGPIPE, SIG_IGN);
        if (a.verify)
                return server_verify(a.verify, stdout);
        if (getrandom(&options.key, sizeof(options.key), 0) != (ssize_t)sizeof(options.key)) {
                log_err("no random numbers: %s", strerror(errno));
                return SERVER_EXIT_INTERNAL;
        }
        state_dir = first_directory(a.state_dir, "STATE_DIRECTORY");
        runtime_dir = first_directory(a.runtime_dir, "RUNTIME_DIRECTORY");
        options.config_file = a.config;
        options.state_dir = state_dir;
        options.runtime_dir = runtime_dir;
        status = a.check || a.print ? show(&a, &options) : run(&a, &options);
        free(state_dir);
        free(runtime_dir);
        return status;
}
