#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What one run of cxctl was asked for in general, and how it speaks.
 */

#include <stdbool.h>
#include <stdio.h>

#include "client/table.h"
#include "proto/base/buffer.h"
#include "proto/base/def.h"

#define CTL_HOST_DEFAULT "unix:/run/cxd/cxd.sock"

typedef enum Output {
        OUTPUT_TABLE,
        OUTPUT_JSON,
        OUTPUT_CSV,
} Output;

/* Exit codes; also what commands and most helpers return. */
enum {
        CTL_OK = 0,
        CTL_NEGATIVE = 1,      /* the answer is no: alerts firing, no such scope */
        CTL_USAGE = 2,         /* wrong arguments, or a file that cannot be read or is wrong */
        CTL_UNREACHABLE = 3,   /* no daemon there */
        CTL_REFUSED = 4,       /* the daemon said no */
        CTL_PARTLY = 5,        /* the daemon took some and refused some */
        CTL_INTERRUPTED = 128, /* by a signal, of which the program then dies */
};

typedef struct Http Http;

typedef struct Ctl {
        const char *host;    /* unix:PATH, http://HOST:PORT, https://HOST:PORT */
        const char *ca_file; /* NULL: the system's */
        char *token;         /* NULL: none */
        Output output;
        bool color;     /* on stdout */
        bool utf8;      /* the terminal takes UTF-8 */
        size_t columns; /* width of the terminal; 0: stdout is none */
        Http *http;     /* opened when first needed */
        FILE *out;
        FILE *err;
} Ctl;

/* "cxctl: ...\n" on the error stream. The text may hold names from outside; they are made harmless. */
CX_PRINTF(2, 3) void ctl_error(const Ctl *ctl, const char *format, ...);

/* The same, and returns CTL_USAGE. */
CX_PRINTF(2, 3) int ctl_usage(const Ctl *ctl, const char *format, ...);

/* Whether the daemon is asked over a Unix socket; its path may be relative. */
bool ctl_host_is_unix(const Ctl *ctl);

/* CTL_OK; CTL_USAGE, said why: -H is no address. */
int ctl_check_host(const Ctl *ctl);

/* Prints a table in the way that was asked for. */
void ctl_show(const Ctl *ctl, const Table *t);

/* Prints the daemon's JSON as it came, and a newline. */
void ctl_show_json(const Ctl *ctl, const Buffer *json);

/*
 * The content of a file that holds a secret on its first line, without the line end. NULL, said why.
 */
char *ctl_read_secret(const Ctl *ctl, const char *path);
