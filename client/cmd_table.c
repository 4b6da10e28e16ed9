/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "client/cmd.h"

extern const Cmd cmd_status, cmd_me, cmd_figures, cmd_board, cmd_series, cmd_surveys, cmd_alerts, cmd_ack,
        cmd_snooze, cmd_outcome, cmd_rules, cmd_org, cmd_watch, cmd_check, cmd_send, cmd_import, cmd_export,
        cmd_backup, cmd_verify, cmd_token, cmd_simulate, cmd_completion, cmd_version, cmd_help;

const Cmd *const cmd_table[] = {
        &cmd_status,  &cmd_check,  &cmd_me,       &cmd_figures,    &cmd_board,   &cmd_series,
        &cmd_surveys, &cmd_alerts, &cmd_ack,      &cmd_snooze,     &cmd_outcome, &cmd_watch,
        &cmd_rules,   &cmd_org,    &cmd_send,     &cmd_import,     &cmd_export,  &cmd_backup,
        &cmd_verify,  &cmd_token,  &cmd_simulate, &cmd_completion, &cmd_version, &cmd_help,
};
const size_t cmd_table_n = CX_ARRAY_LEN(cmd_table);

const Flag cmd_globals[] = {
        {"host", 'H', "ADDRESS", "the daemon: unix:PATH or http(s)://HOST:PORT (env CXCTL_HOST)"},
        {"output", 'o', "table|json|csv", "for people (default), the daemon's JSON, or CSV"},
        {"token-file", 0, "FILE", "file with a token (env CXCTL_TOKEN_FILE, CXCTL_TOKEN)"},
        {"ca-file", 0, "FILE", "certificates to trust with https, instead of the system's"},
        {"no-color", 0, NULL, "no colours (also env NO_COLOR)"},
        {"help", 'h', NULL, "help, also about one command"},
        {"version", 'V', NULL, "the version"},
        {0},
};

const Cmd *cmd_find(const char *name)
{
        for (size_t i = 0; i < cmd_table_n; i++)
                if (strcmp(cmd_table[i]->name, name) == 0)
                        return cmd_table[i];
        return NULL;
}

/* Edit distance of two short words. */
static size_t distance(const char *a, const char *b)
{
        size_t n = strlen(b), row[32];

        if (n >= CX_ARRAY_LEN(row) || strlen(a) >= CX_ARRAY_LEN(row))
                return SIZE_MAX;
        for (size_t j = 0; j <= n; j++)
                row[j] = j;
        for (size_t i = 1; a[i - 1]; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        size_t d = diagonal + (a[i - 1] != b[j - 1]);

                        diagonal = row[j];
                        d = row[j] + 1 < d ? row[j] + 1 : d;
                        row[j] = row[j - 1] + 1 < d ? row[j - 1] + 1 : d;
                }
        }
        return row[n];
}

const Cmd *cmd_nearest(const char *name)
{
        const Cmd *best = NULL;
        size_t best_distance = 3;

        for (size_t i = 0; i < cmd_table_n; i++) {
                size_t d = distance(name, cmd_table[i]->name);

                if (d < best_distance) {
                        best_distance = d;
                        best = cmd_table[i];
                }
        }
        return best;
}
