#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The configuration as objects: what cxd.conf(5) says, with the roster, the queues and the time zone read in.
 *
 * One Config is complete and checked, or it is not there at all. Loading reads files and the zone database,
 * nothing else; it starts nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/core/engine.h"
#include "daemon/core/influence.h"
#include "proto/base/diag.h"

/* Where a face listens. */
typedef enum ConfigFace {
        CONFIG_LINES,
        CONFIG_HTTP,
        CONFIG_PULL,
        CONFIG_REP,
        CONFIG_FEED,
        _CONFIG_FACE_N,
} ConfigFace;

typedef struct ConfigSource {
        char name[METRIC_NAME_MAX + 1];
        bool open; /* needs no token; loopback and Unix sockets only */
        bool has_token;
        unsigned char token_sha256[32];
        char **queues; /* globs over queue names that it may send for */
        size_t n_queues;
} ConfigSource;

typedef struct Config {
        char *file;                    /* as it was opened */
        char **listen[_CONFIG_FACE_N]; /* addresses as text, checked in form */
        size_t n_listen[_CONFIG_FACE_N];
        char *store; /* path, relative ones already below the state directory */
        bool strict;
        bool insecure; /* plain TCP on other than loopback addresses is allowed */
        usec_t future_skew;
        usec_t keep_surveys, keep_comments, keep_tallies;
        size_t max_connections; /* of all listeners together */
        size_t max_memory;      /* MiB; 0: no bound */
        size_t max_agents, max_queues;
        size_t snapshot_after; /* changes; 0: no snapshots */
        size_t feed_ring;      /* messages kept for each feed */
        usec_t tick;           /* between figure and tick messages */
        char **hosts;          /* further names for the Host header */
        size_t n_hosts;
        char *tls_certificate, *tls_key; /* NULL: no TLS; absolute */
        char *roster, *queues;           /* the files that the org was read from; absolute; NULL: none */
        unsigned char org_digest[32];    /* SHA-256 over what they say, by which two orgs are compared */

        Metric *metrics;
        size_t n_metrics;
        Window *windows;
        size_t n_windows;
        Rule *rules;
        size_t n_rules;
        Calendar calendar;
        char *timezone;
        ConfigSource *sources;
        size_t n_sources;
        Policy policy;
        Org *org;          /* from roster and queues; the engine takes it over (then NULL) */
        Settings settings; /* points into this object */
} Config;

/*
 * Reads @file and what it names. @state_dir and @runtime_dir (may be NULL) stand for systemd's directories:
 * relative store paths lie below the first, and `%R` in addresses is the second (default /run/cxd). -ENOMEM;
 * -EINVAL with
 * @diag; -errno with @diag if the file cannot be read.
 */
CX_MUST_CHECK int config_load(Config **ret, const char *file, const char *state_dir, const char *runtime_dir,
                              const HashKey *key, Diag *diag);
Config *config_free(Config *c);

/* The same for text that is in memory; @file is its name in messages, and relative paths in it start at its
 * folder. */
CX_MUST_CHECK int config_load_text(Config **ret, Text yaml, const char *file, const char *state_dir,
                                   const char *runtime_dir, const HashKey *key, Diag *diag);

/* Writes the effective configuration, defaults included, as YAML that config_load() reads back as the same.
 */
CX_MUST_CHECK int config_print(const Config *c, FILE *to);

/*
 * Whether going from @before to @after changes what figures are (org, metrics, windows, calendar,
 * keep_tallies, keep_surveys), so that they must be computed anew; or only rules, policy, sources and limits.
 */
bool config_changes_figures(const Config *before, const Config *after);

/*
 * A SHA-256 that is the same for two configurations under which an engine counts, and remembers for its rules, the same
 * of the same surveys. -ENOMEM.
 */
CX_MUST_CHECK int config_digest(const Config *c, unsigned char ret[32]);

/* Whether the rules are others, and so the alerts. */
bool config_changes_rules(const Config *before, const Config *after);

/* Room for the names of all that takes effect only with a restart, and the words around them. */
#define CONFIG_RESTART_MAX 256

/* What of a change takes effect only with a restart (listen addresses, store), as a sentence; NULL: nothing. */
const char *config_needs_restart(const Config *before, const Config *after, char ret[CONFIG_RESTART_MAX]);

/* Moves from @before to @after, and back, what takes effect only with a restart: it is still that of the start. */
void config_keep_until_restart(Config *before, Config *after);

CX_DEFINE_CLEANUP(Config, config_free)
