/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The happy path is: file -> tree -> objects, section by section as the option table says. Possible failure
 * modes are: a file cannot be read, is no YAML, or says something that is wrong; there is no memory.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "daemon/config/config.h"
#include "daemon/config/file.h"
#include "daemon/config/load.h"
#include "daemon/config/option.h"

#define STATE_DIR   "/var/lib/cxd"
#define RUNTIME_DIR "/run/cxd"

static void free_texts(char **texts, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(texts[i]);
        free(texts);
}

Config *config_free(Config *c)
{
        if (!c)
                return NULL;
        org_free(c->org);
        policy_deinit(&c->policy);
        for (size_t i = 0; i < c->n_sources; i++)
                free_texts(c->sources[i].queues, c->sources[i].n_queues);
        free(c->sources);
        free(c->timezone);
        calendar_deinit(&c->calendar);
        free(c->rules);
        free(c->windows);
        free(c->metrics);
        free(c->queues);
        free(c->roster);
        free(c->tls_key);
        free(c->tls_certificate);
        free_texts(c->hosts, c->n_hosts);
        free(c->store);
        for (ConfigFace face = 0; face < _CONFIG_FACE_N; face++)
                free_texts(c->listen[face], c->n_listen[face]);
        free(c->file);
        free(c);
        return NULL;
}

static void fill_settings(Config *c, const HashKey *key)
{
        c->settings = (Settings){
                .metrics = c->metrics,
                .n_metrics = c->n_metrics,
                .windows = c->windows,
                .n_windows = c->n_windows,
                .calendar = &c->calendar,
                .rules = c->rules,
                .n_rules = c->n_rules,
                .keep = c->keep_tallies,
                .keep_surveys = c->keep_surveys,
                .max_agents = c->max_agents,
                .max_queues = c->max_queues,
                .key = *key,
        };
}

static int interpret(Load *l, const Node *root)
{
        char absolute[PATH_MAX];
        int r;

        l->c->file = strdup(l->file);
        l->folder = file_folder(l->file);
        if (!l->c->file || !l->folder)
                return -ENOMEM;
        if (!realpath(l->folder, absolute)) {
                r = -errno;
                diag_set(l->diag, l->file, 0, NULL, "the folder of the file cannot be found: %s",
                         strerror(-r));
                return r;
        }
        l->folder_path = strdup(absolute);
        if (!l->folder_path)
                return -ENOMEM;
        r = org_new(&l->c->org, l->key);
        if (r == 0)
                r = option_read(l, "", root, l->c, true);
        if (r == 0)
                fill_settings(l->c, l->key);
        return r;
}

static int load_tree(Config **ret, const Node *root, const char *file, const char *state_dir,
                     const char *runtime_dir, const HashKey *key, Diag *diag)
{
        Load l = {
                .file = file,
                .state_dir = state_dir ? state_dir : STATE_DIR,
                .runtime_dir = runtime_dir ? runtime_dir : RUNTIME_DIR,
                .key = key,
                .diag = diag,
        };
        int r;

        l.c = calloc(1, sizeof(*l.c));
        r = l.c ? interpret(&l, root) : -ENOMEM;
        free(l.folder);
        free(l.folder_path);
        if (r < 0) {
                config_free(l.c);
                return r;
        }
        *ret = l.c;
        return 0;
}

int config_load_text(Config **ret, Text yaml, const char *file, const char *state_dir,
                     const char *runtime_dir, const HashKey *key, Diag *diag)
{
        Node *root = NULL;
        int r = node_parse(&root, yaml, file, diag);

        if (r == 0)
                r = load_tree(ret, root, file, state_dir, runtime_dir, key, diag);
        node_free(root);
        return r;
}

/* Cut off at its beginning, or put into comments, more likely than meant. */
static bool is_blank(const Node *root)
{
        return root->kind == NODE_NULL || (root->kind == NODE_MAP && root->n == 0);
}

int config_load(Config **ret, const char *file, const char *state_dir, const char *runtime_dir,
                const HashKey *key, Diag *diag)
{
        Buffer yaml = BUFFER_NULL;
        Node *root = NULL;
        int r = file_read(&yaml, file, NODE_FILE_MAX, diag);

        if (r == 0)
                r = node_parse(&root, buffer_text(&yaml), file, diag);
        if (r == 0 && is_blank(root))
                r = diag_set(diag, file, 0, NULL, "is empty; a configuration has at least metrics");
        if (r == 0)
                r = load_tree(ret, root, file, state_dir, runtime_dir, key, diag);
        node_free(root);
        buffer_deinit(&yaml);
        return r;
}

int config_print(const Config *c, FILE *to)
{
        Buffer text = BUFFER_NULL;
        Printer p = {.to = &text, .c = c};
        int r = 0;

        option_print(&p, "", c);
        if (buffer_failed(&text))
                r = -ENOMEM;
        else if (fwrite(text.data, 1, text.n, to) != text.n || fflush(to) != 0)
                r = errno ? -errno : -EIO;
        buffer_deinit(&text);
        return r;
}
