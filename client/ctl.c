/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl.h"
#include "client/display.h"
#include "client/xalloc.h"

static void say(const Ctl *ctl, const char *format, va_list args)
{
        char *text = NULL;

        if (vasprintf(&text, format, args) < 0)
                return;
        fflush(ctl->out);
        fputs("cxctl: ", ctl->err);
        display_write(text_of(text), ctl->err);
        fputc('\n', ctl->err);
        free(text);
}

void ctl_error(const Ctl *ctl, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        say(ctl, format, args);
        va_end(args);
}

int ctl_usage(const Ctl *ctl, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        say(ctl, format, args);
        va_end(args);
        return CTL_USAGE;
}

bool ctl_host_is_unix(const Ctl *ctl)
{
        return strncmp(ctl->host, "unix:", 5) == 0 && ctl->host[5];
}

int ctl_check_host(const Ctl *ctl)
{
        if (ctl_host_is_unix(ctl) || strncmp(ctl->host, "http://", 7) == 0 ||
            strncmp(ctl->host, "https://", 8) == 0)
                return CTL_OK;
        return ctl_usage(ctl,
                         "-H: \"%s\" is no address; right are unix:/run/cxd/cxd.sock and "
                         "http://127.0.0.1:8480",
                         ctl->host);
}

void ctl_show(const Ctl *ctl, const Table *t)
{
        switch (ctl->output) {
        case OUTPUT_TABLE:
                render_text(t, ctl->out, ctl->color, ctl->columns);
                break;
        case OUTPUT_JSON:
                render_json(t, ctl->out, false);
                fputc('\n', ctl->out);
                break;
        case OUTPUT_CSV:
                render_csv(t, ctl->out, true);
                break;
        }
}

void ctl_show_json(const Ctl *ctl, const Buffer *json)
{
        fwrite(json->data, 1, json->n, ctl->out);
        if (json->n == 0 || json->data[json->n - 1] != '\n')
                fputc('\n', ctl->out);
}

char *ctl_read_secret(const Ctl *ctl, const char *path)
{
        char line[1024];
        FILE *f = fopen(path, "re");
        bool ok = f && fgets(line, sizeof(line), f);

        if (!f) {
                ctl_error(ctl, "%s: %s", path, strerror(errno));
                return NULL;
        }
        fclose(f);
        if (ok)
                line[strcspn(line, "\r\n")] = '\0';
        if (!ok || line[0] == '\0') {
                ctl_error(ctl, "%s: no token on the first line", path);
                return NULL;
        }
        for (const char *p = line; *p; p++) {
                if (*p <= ' ' || *p > '~') {
                        ctl_error(ctl, "%s: the first line is not a token", path);
                        return NULL;
                }
        }
        return xstrdup(line);
}
