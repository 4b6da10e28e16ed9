#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The log: one line per fact, to stderr.
 *
 * Where stderr is no terminal a line starts with its priority, for journald ("<4>text"), on a terminal with
 * name and level ("cxd: warning: text"). Write: subject, verb, key=value. A message that is not an error of
 * the program says at its end what was done ("..., ignoring"). Whatever a message carries, it stays one
 * line of printable text: control characters, bidirectional controls and broken UTF-8 are escaped on the
 * way out. A value from outside that could pretend to be another key=value goes through LOG_QUOTE. Safe
 * from every thread; a line is one write(), cut at LOG_LINE_MAX. Logging never fails and never changes
 * errno.
 */

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/def.h"
#include "proto/base/text.h"
#include "proto/base/usec.h"

#define LOG_LINE_MAX 2048

/* The numbers are those of syslog. */
typedef enum LogLevel {
        LOG_LEVEL_ERR = 3,
        LOG_LEVEL_WARNING = 4,
        LOG_LEVEL_NOTICE = 5,
        LOG_LEVEL_INFO = 6,
        LOG_LEVEL_DEBUG = 7,
} LogLevel;

/* Optional. @name (a literal) is the program's; until then "cxd". @fd: where to, < 0: stderr. */
void log_init(const char *name, int fd);
/* Messages above @level are not written. At first LOG_LEVEL_INFO. */
void log_set_level(LogLevel level);
/* "err", "warning", "notice", "info", "debug". -EINVAL. */
CX_MUST_CHECK int log_level_parse(Text name, LogLevel *ret);

CX_PRINTF(2, 3) void log_at(LogLevel level, const char *format, ...);
#define log_err(...)     log_at(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * For what a client can trigger: at most @burst messages per @interval through one LogLimit (static storage,
 * one per kind of message); the first one after a quiet time says how many were left out.
 */
typedef struct LogLimit {
        usec_t interval; /* 0: one second */
        unsigned burst;  /* 0: one */
        usec_t _since;
        unsigned _n;
        uint64_t _left_out;
} LogLimit;

CX_PRINTF(3, 4) void log_limited(LogLimit *limit, LogLevel level, const char *format, ...);

/* Writes @t in double quotes, escaped, cut to @size (at least 8). Returns @ret. */
char *log_quote(Text t, char *ret, size_t size);
/* For use as an argument of a log call: log_info("source=%s ...", LOG_QUOTE(name)). */
#define LOG_QUOTE(_text) log_quote((_text), (char[200]){0}, 200)
