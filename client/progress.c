/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/display.h"
#include "client/progress.h"
#include "client/when.h"

#define BAR_COLUMNS 30

void progress_init(Progress *p, FILE *to)
{
        *p = (Progress){.to = to, .on = isatty(fileno(to)), .started = when_now()};
}

char *progress_format(double done, double all, uint64_t count, usec_t elapsed, char *ret, size_t size)
{
        double share = done < all ? done / all : 1, seconds = (double)elapsed / (double)USEC_SEC;
        double rate = seconds > 0 ? (double)count / seconds : 0;
        char bar[BAR_COLUMNS + 1], left[WHEN_TEXT_MAX];

        if (all <= 0) {
                snprintf(ret, size, "%" PRIu64 "  %.0f/s", count, rate);
                return ret;
        }
        memset(bar, ' ', BAR_COLUMNS);
        memset(bar, '#', (size_t)(share * BAR_COLUMNS));
        bar[BAR_COLUMNS] = '\0';
        snprintf(ret, size, "[%s] %3.0f %%  %" PRIu64 "  %.0f/s  %s left", bar, share * 100, count, rate,
                 share > 0.005 ? when_span(seconds / share * (1 - share) + 0.5, left) : "?");
        return ret;
}

void progress_update(Progress *p, double done, double all, uint64_t count)
{
        struct winsize size;
        char text[160];
        usec_t now;
        Text line;

        if (!p->on)
                return;
        now = when_now();
        if (now - p->shown < 100 * USEC_MSEC)
                return;
        p->shown = now;
        p->drawn = true;
        line = text_of(progress_format(done, all, count, now - p->started, text, sizeof(text)));
        /* One that goes on in the next row would never be taken away. */
        if (ioctl(fileno(p->to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                line = display_cut(line, size.ws_col - 1U);
        fprintf(p->to, "\r" TEXT_FMT "\033[K", TEXT_ARG(line));
        fflush(p->to);
}

void progress_clear(Progress *p)
{
        if (p->drawn) {
                fputs("\r\033[K", p->to);
                fflush(p->to);
        }
        p->drawn = false;
}
