/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Organisation and time: zone, roster, queues, windows, retention.
 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/config/file.h"
#include "daemon/config/option_types.h"
#include "daemon/config/roster.h"
#include "daemon/config/sha256.h"
#include "daemon/config/zone.h"

#define CSV_FILE_MAX ((size_t)64 << 20)

static int read_zone(Load *l, const Option *o, const Node *n, void *object)
{
        Config *c = object;
        int r = load_want_scalar(l, n);

        (void)o;
        if (r < 0)
                return r;
        r = zone_calendar(&c->calendar, n->text);
        if (r < 0)
                return r;
        if (r == ZONE_E_NAME)
                return load_fail(l, n, NULL,
                                 "\"" TEXT_FMT
                                 "\" is not a time zone; write UTC or a name such as Europe/Madrid",
                                 TEXT_ARG(n->text));
        if (r == ZONE_E_UNKNOWN)
                return load_fail(l, n, NULL,
                                 "there is no time zone \"" TEXT_FMT "\" below %s (package tzdata)",
                                 TEXT_ARG(n->text), ZONE_FOLDER);
        c->timezone = text_dup(n->text);
        return c->timezone ? 0 : -ENOMEM;
}

static void print_zone(Printer *p, const Option *o, const void *object)
{
        option_print_text(p, o, ((const Config *)object)->timezone);
}

/* The file that @n names cannot be read, as the diagnosis says: and where it is named. */
static int fail_to_read(Load *l, const Node *n)
{
        char text[sizeof(l->diag->file) + sizeof(l->diag->text)];

        return load_fail(l, n, NULL, "%s", diag_format(l->diag, text, sizeof(text)));
}

/* Reads the CSV file that @n names; both digests make up the org's. */
static int read_csv(Load *l, const Option *o, const Node *n, Config *c, bool roster)
{
        unsigned char both[1 + 2 * SHA256_BYTES] = {roster};
        char *path;
        Buffer csv = BUFFER_NULL;
        int r = type_path.read(l, o, n, c);

        if (r < 0)
                return r;
        path = file_join(l->folder, n->text);
        if (!path)
                return -ENOMEM;
        r = file_read(&csv, path, CSV_FILE_MAX, l->diag);
        if (r < 0 && r != -ENOMEM)
                r = fail_to_read(l, n);
        else if (r == 0 && roster)
                r = roster_read(c->org, buffer_text(&csv), path, &c->calendar, c->max_agents, l->diag);
        else if (r == 0)
                r = queues_read(c->org, buffer_text(&csv), path, c->max_queues, l->diag);
        if (r == 0) {
                memcpy(both + 1, c->org_digest, SHA256_BYTES);
                sha256(csv.n ? csv.data : "", csv.n, both + 1 + SHA256_BYTES);
                sha256(both, sizeof(both), c->org_digest);
        }
        buffer_deinit(&csv);
        free(path);
        return r;
}

static int read_roster(Load *l, const Option *o, const Node *n, void *object)
{
        return read_csv(l, o, n, object, true);
}

static int read_queues(Load *l, const Option *o, const Node *n, void *object)
{
        return read_csv(l, o, n, object, false);
}

static void print_path(Printer *p, const Option *o, const void *object)
{
        type_path.print(p, o, object);
}

static int read_window(Load *l, const Node *n, Config *c)
{
        Window *w = &c->windows[c->n_windows];
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        r = window_init(w, n->text);
        if (r == -ERANGE)
                return load_fail(l, n, NULL,
                                 "\"" TEXT_FMT
                                 "\" must be 1m to 10y: whole minutes up to 1d, whole hours up to 7d, "
                                 "whole days above",
                                 TEXT_ARG(n->text));
        if (r < 0)
                return load_fail(l, n, NULL,
                                 "\"" TEXT_FMT
                                 "\" is not a window; write today, or a duration such as 1h or 28d",
                                 TEXT_ARG(n->text));
        for (size_t i = 0; i < c->n_windows; i++) {
                if (c->windows[i].length == w->length && c->windows[i].today == w->today)
                        return load_fail(l, n, NULL, "\"" TEXT_FMT "\" is the same window as \"%s\"",
                                         TEXT_ARG(n->text), c->windows[i].name);
        }
        c->n_windows++;
        return 0;
}

static int read_windows(Load *l, const Option *o, const Node *n, void *object)
{
        Config *c = object;
        int r = load_want_list(l, n, (size_t)o->max);

        if (r < 0)
                return r;
        if (n->n == 0)
                return load_fail(l, n, NULL, "needs at least one window");
        c->windows = load_grow(NULL, 0, n->n, sizeof(*c->windows));
        if (!c->windows)
                return -ENOMEM;
        for (const Node *item = n->first; r == 0 && item; item = item->next)
                r = read_window(l, item, c);
        return r;
}

static void print_windows(Printer *p, const Option *o, const void *object)
{
        const Config *c = object;

        printer_key(p, text_of(option_key(o)));
        buffer_append_str(p->to, " [");
        for (size_t i = 0; i < c->n_windows; i++)
                buffer_append_format(p->to, "%s%s", i ? ", " : "", c->windows[i].name);
        buffer_append_str(p->to, "]\n");
}

static const Window *longest_window(const Config *c)
{
        const Window *longest = &c->windows[0];

        for (size_t i = 1; i < c->n_windows; i++) {
                if (c->windows[i].length > longest->length)
                        longest = &c->windows[i];
        }
        return longest;
}

/* For long enough. A default that is not belongs to no key of the file, but the windows do. */
static int check_kept(Load *l, const Node *n, const char *key, usec_t kept)
{
        const Window *longest = longest_window(l->c);
        const Node *windows = node_get(n->parent, "windows");
        char text[USEC_TEXT_MAX];

        if (kept >= longest->length)
                return 0;
        duration_format(kept, text);
        if (windows && !node_get(n, key))
                return load_fail(l, windows, NULL,
                                 "%s is longer than retention.%s (%s), which must be set then", longest->name,
                                 key, text);
        return load_fail(l, n, key, "%s is shorter than the longest window (%s)", text, longest->name);
}

static int read_retention(Load *l, const Option *o, const Node *n, void *object)
{
        Config *c = object;
        int r = option_read(l, o->name, n, object, true);

        if (r == 0)
                r = check_kept(l, n, "surveys", c->keep_surveys);
        return r < 0 ? r : check_kept(l, n, "tallies", c->keep_tallies);
}

static void print_section(Printer *p, const Option *o, const void *object)
{
        type_section.print(p, o, object);
}

const OptionType type_zone = {"a time zone", read_zone, print_zone};
const OptionType type_roster = {"a path", read_roster, print_path};
const OptionType type_queues = {"a path", read_queues, print_path};
const OptionType type_windows = {"a list of windows", read_windows, print_windows};
const OptionType type_retention = {"a section", read_retention, print_section};
