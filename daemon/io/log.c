/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The log.
 *
 * The happy path is: format, make printable, one write(). Possible failure modes are: stderr is closed, or full and stays so
 * for a moment; the line is lost then, because a daemon that waits for its log does not serve its clients.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/io/clock.h"
#include "daemon/io/log.h"

/* Who reads slowly is waited for, once, until something is taken again. In milliseconds. */
#define PATIENCE 100

static struct {
        const char *name;
        int fd;
        int prefix; /* -1: not decided yet */
        LogLevel level;
        pthread_mutex_t limits;  /* guards the content of every LogLimit */
        pthread_mutex_t writing; /* guards @stuck, and the room that was seen */
        bool stuck;
} g_log = {.name = "cxd",
           .fd = STDERR_FILENO,
           .prefix = -1,
           .level = LOG_LEVEL_INFO,
           .limits = PTHREAD_MUTEX_INITIALIZER,
           .writing = PTHREAD_MUTEX_INITIALIZER};

static const struct {
        LogLevel level;
        const char *name;
        const char *word;
} levels[] = {
        {LOG_LEVEL_ERR, "err", "error: "},     {LOG_LEVEL_WARNING, "warning", "warning: "},
        {LOG_LEVEL_NOTICE, "notice", ""},      {LOG_LEVEL_INFO, "info", ""},
        {LOG_LEVEL_DEBUG, "debug", "debug: "},
};

void log_init(const char *name, int fd)
{
        g_log.name = name;
        g_log.fd = fd < 0 ? STDERR_FILENO : fd;
        g_log.prefix = !isatty(g_log.fd);
}

void log_set_level(LogLevel level)
{
        g_log.level = level;
}

int log_level_parse(Text name, LogLevel *ret)
{
        for (size_t i = 0; i < CX_ARRAY_LEN(levels); i++)
                if (text_is(name, levels[i].name)) {
                        *ret = levels[i].level;
                        return 0;
                }
        return -EINVAL;
}

/* How many bytes the character at the start of @t has, if it is UTF-8; else 1. */
static size_t character(Text t)
{
        for (size_t n = 1; n <= 4 && n <= t.n; n++)
                if (text_is_utf8(t.at, n))
                        return n;
        return 1;
}

/* Appends @t at ret[n], what is not printable as \xNN; @quote: also escapes what would end a quoted value. */
static size_t escape(Text t, bool quote, char *ret, size_t n, size_t size)
{
        while (t.n > 0) {
                size_t k = character(t);
                size_t need = k;
                bool plain = text_is_printable((Text){t.at, k});
                bool backslash = quote && (*t.at == '"' || *t.at == '\\');

                if (!plain)
                        need = 4 * k;
                else if (backslash)
                        need = 2;
                if (need >= size - n)
                        break;
                if (!plain) {
                        for (size_t i = 0; i < k; i++)
                                n += (size_t)snprintf(ret + n, size - n, "\\x%02x", (unsigned char)t.at[i]);
                } else {
                        if (backslash)
                                ret[n++] = '\\';
                        memcpy(ret + n, t.at, k);
                        n += k;
                }
                t.at += k;
                t.n -= k;
        }
        ret[n] = 0;
        return n;
}

char *log_quote(Text t, char *ret, size_t size)
{
        size_t n;

        ret[0] = '"';
        n = escape(t, true, ret, 1, size - 1);
        ret[n++] = '"';
        ret[n] = 0;
        return ret;
}

/* Whether a line would not have to wait; what is wrong with the file is found out by the write. */
static bool has_room(void)
{
        struct pollfd p = {.fd = g_log.fd, .events = POLLOUT};
        int r;

        do
                r = poll(&p, 1, g_log.stuck ? 0 : PATIENCE);
        while (r < 0 && errno == EINTR);
        g_log.stuck = r == 0;
        return r != 0;
}

static void put(const char *line, size_t n)
{
        /* Nobody is left to be told if this fails. */
        if (has_room() && write(g_log.fd, line, n) < 0)
                return;
}

static void emit(LogLevel level, const char *text)
{
        char line[LOG_LINE_MAX + 1];
        const char *word = "";
        int n;

        if (g_log.prefix < 0)
                log_init(g_log.name, g_log.fd);
        for (size_t i = 0; i < CX_ARRAY_LEN(levels); i++)
                if (levels[i].level == level)
                        word = levels[i].word;
        if (g_log.prefix)
                n = snprintf(line, sizeof(line), "<%d>", (int)level);
        else
                n = snprintf(line, sizeof(line), "%s: %s", g_log.name, word);
        n = (int)escape(text_of(text), false, line, (size_t)n, LOG_LINE_MAX);
        line[n++] = '\n';
        pthread_mutex_lock(&g_log.writing);
        put(line, (size_t)n);
        pthread_mutex_unlock(&g_log.writing);
}

void log_at(LogLevel level, const char *format, ...)
{
        char text[LOG_LINE_MAX];
        int saved = errno;
        va_list args;

        if (level > g_log.level)
                return;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        emit(level, text);
        errno = saved;
}

/* True if a message may pass; *ret_left_out: how many could not before it. */
static bool limit_pass(LogLimit *limit, usec_t now, uint64_t *ret_left_out)
{
        usec_t interval = limit->interval ? limit->interval : USEC_SEC;
        unsigned burst = limit->burst ? limit->burst : 1;

        *ret_left_out = 0;
        if (limit->_n > 0 && now - limit->_since < interval && limit->_n >= burst) {
                limit->_left_out++;
                return false;
        }
        if (limit->_n == 0 || now - limit->_since >= interval) {
                limit->_since = now;
                limit->_n = 0;
        }
        limit->_n++;
        *ret_left_out = limit->_left_out;
        limit->_left_out = 0;
        return true;
}

void log_limited(LogLimit *limit, LogLevel level, const char *format, ...)
{
        char text[LOG_LINE_MAX];
        int saved = errno;
        uint64_t left_out;
        va_list args;
        bool pass;
        int n;

        if (level > g_log.level)
                return;
        pthread_mutex_lock(&g_log.limits);
        pass = limit_pass(limit, CLOCK_SYSTEM.monotonic(NULL), &left_out);
        pthread_mutex_unlock(&g_log.limits);
        if (!pass)
                goto out;
        va_start(args, format);
        n = vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        if (left_out > 0 && n >= 0 && (size_t)n < sizeof(text))
                snprintf(text + n, sizeof(text) - (size_t)n, " (%llu more like it were not logged)",
                         (unsigned long long)left_out);
        emit(level, text);
out:
        errno = saved;
}
