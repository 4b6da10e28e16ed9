/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/config/roster.h"
#include "daemon/config/table.h"
#include "daemon/config/zone.h"

enum { AGENT, NAME, TEAM, SITE, REGION, FROM, TO, N_ROSTER };

static const TableColumn roster_columns[N_ROSTER] = {
        [AGENT] = {"agent", true}, [NAME] = {"name", true},     [TEAM] = {"team", true},
        [SITE] = {"site", true},   [REGION] = {"region", true}, [FROM] = {"from", false},
        [TO] = {"to", false},
};

enum { QUEUE, LINE, N_QUEUES };

static const TableColumn queues_columns[N_QUEUES] = {[QUEUE] = {"queue", true}, [LINE] = {"line", true}};

/* A row that is in the org, by its numbers there. */
typedef struct Kept {
        ScopeId agent, team, site, region;
        usec_t from, to;
        unsigned line;
} Kept;

typedef struct Roster {
        Org *org;
        const Calendar *calendar;
        Table table;
        Diag *diag;
        Kept *kept;
        size_t n_kept, size;
} Roster;

/* @lower lies in @upper (which may be SCOPE_NONE) for that time. */
typedef struct Link {
        ScopeId lower, upper;
        usec_t from, to;
        unsigned line;
} Link;

static int check_name(const Table *t, size_t column, Diag *diag)
{
        Text cell = table_cell(t, column);

        if (cell.at && !scope_name_ok(cell))
                return table_fail(t, column, diag, "must be 1 to %d bytes of printable text", SCOPE_NAME_MAX);
        return 0;
}

static int read_date(Roster *r, size_t column, usec_t absent, usec_t *ret)
{
        Text cell = table_cell(&r->table, column);
        usec_t t;

        if (!cell.at) {
                *ret = absent;
                return 0;
        }
        if (!scope_name_ok(cell))
                cell = TEXT("...");
        if (usec_parse(cell.at, cell.n, true, &t) < 0)
                return table_fail(&r->table, column, r->diag,
                                  "\"" TEXT_FMT "\" is not a date; write 2026-11-21, or a time with its zone",
                                  TEXT_ARG(cell));
        *ret = cell.n == strlen("2026-11-21") ? zone_day_start(r->calendar, t) : t;
        return 0;
}

static const Kept *find_overlap(const Roster *r, const RosterRow *row)
{
        ScopeId agent = org_find(r->org, SCOPE_AGENT, row->agent);

        for (size_t i = 0; i < r->n_kept; i++) {
                if (r->kept[i].agent == agent && r->kept[i].from < row->to && row->from < r->kept[i].to)
                        return &r->kept[i];
        }
        return NULL;
}

static ScopeId number_of(const Roster *r, ScopeKind kind, Text name)
{
        return name.at ? org_find(r->org, kind, name) : SCOPE_NONE;
}

static int keep(Roster *r, const RosterRow *row)
{
        if (r->n_kept == r->size) {
                size_t size = r->size ? 2 * r->size : 64;
                Kept *grown = reallocarray(r->kept, size, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                r->kept = grown;
                r->size = size;
        }
        r->kept[r->n_kept++] = (Kept){
                .agent = number_of(r, SCOPE_AGENT, row->agent),
                .team = number_of(r, SCOPE_TEAM, row->team),
                .site = number_of(r, SCOPE_SITE, row->site),
                .region = number_of(r, SCOPE_REGION, row->region),
                .from = row->from,
                .to = row->to,
                .line = r->table.csv.line,
        };
        return 0;
}

static int read_row(Roster *r, RosterRow *row)
{
        const Table *t = &r->table;

        if (!table_cell(t, AGENT).at)
                return table_fail(t, AGENT, r->diag, "is missing");
        for (size_t column = AGENT; column <= REGION; column++) {
                int result = check_name(t, column, r->diag);

                if (result < 0)
                        return result;
        }
        *row = (RosterRow){
                .agent = table_cell(t, AGENT),
                .display = table_cell(t, NAME),
                .team = table_cell(t, TEAM),
                .site = table_cell(t, SITE),
                .region = table_cell(t, REGION),
        };
        if (read_date(r, FROM, 0, &row->from) < 0 || read_date(r, TO, USEC_INFINITY, &row->to) < 0)
                return -EINVAL;
        if (row->from >= row->to)
                return table_fail(t, TO, r->diag,
                                  "must be later than from; it is the first day that does not count");
        return 0;
}

static int add_row(Roster *r, size_t max_agents)
{
        RosterRow row;
        int result = read_row(r, &row);

        if (result < 0)
                return result;
        result = org_add_agent(r->org, &row);
        if (result < 0)
                return result;
        if (result == ORG_E_OVERLAP) {
                const Kept *other = find_overlap(r, &row);

                return table_fail(&r->table, AGENT, r->diag,
                                  "\"" TEXT_FMT
                                  "\" has a row for a part of that time in line %u; give the rows from and "
                                  "to dates that do not overlap",
                                  TEXT_ARG(row.agent), other ? other->line : 0);
        }
        if (org_n_kind(r->org, SCOPE_AGENT) > max_agents)
                return table_fail(&r->table, AGENT, r->diag, "more than %zu agents; raise limits.agents",
                                  max_agents);
        return keep(r, &row);
}

static int compare_links(const void *a, const void *b)
{
        const Link *x = a;
        const Link *y = b;

        if (x->lower != y->lower)
                return x->lower < y->lower ? -1 : 1;
        if (x->from != y->from)
                return x->from < y->from ? -1 : 1;
        return (x->line > y->line) - (x->line < y->line);
}

static int refuse_two(const Roster *r, const Link *a, const Link *b)
{
        const Link *later = a->line > b->line ? a : b;
        const Link *first = a->line > b->line ? b : a;
        const ScopeInfo *lower = org_scope(r->org, a->lower);
        Text here = later->upper == SCOPE_NONE ? TEXT("nothing") : org_scope(r->org, later->upper)->text;
        Text there = first->upper == SCOPE_NONE ? TEXT("nothing") : org_scope(r->org, first->upper)->text;

        return diag_set(r->diag, r->table.csv.file, later->line,
                        lower->kind == SCOPE_TEAM ? "site" : "region",
                        TEXT_FMT " lies in " TEXT_FMT " here, but in " TEXT_FMT
                                 " in line %u; it can be in one place at a time",
                        TEXT_ARG(lower->text), TEXT_ARG(here), TEXT_ARG(there), first->line);
}

/*
 * Among the links of one lower scope, by their beginning: no two with other upper ones may overlap. While that holds,
 * whatever lies elsewhere begins after the end of all before it, so the one that lasts longest is enough to compare.
 */
static int check_links(const Roster *r, Link *links, size_t n)
{
        const Link *last = NULL;

        qsort(links, n, sizeof(*links), compare_links);
        for (size_t i = 0; i < n; i++) {
                const Link *link = &links[i];

                if (last && last->lower != link->lower)
                        last = NULL;
                if (last && last->upper != link->upper && link->from < last->to)
                        return refuse_two(r, last, link);
                if (!last || link->to > last->to)
                        last = link;
        }
        return 0;
}

/* The levels above agents are a tree: a team is in one site, and a site in one region, at a time. */
static int check_tree(const Roster *r, ScopeKind kind)
{
        Link *links = calloc(r->n_kept + 1, sizeof(*links));
        size_t n = 0;
        int result;

        if (!links)
                return -ENOMEM;
        for (size_t i = 0; i < r->n_kept; i++) {
                const Kept *k = &r->kept[i];
                Link link = {.from = k->from, .to = k->to, .line = k->line};

                link.lower = kind == SCOPE_TEAM ? k->team : k->site;
                link.upper = kind == SCOPE_TEAM && k->site != SCOPE_NONE ? k->site : k->region;
                if (link.lower != SCOPE_NONE)
                        links[n++] = link;
        }
        result = check_links(r, links, n);
        free(links);
        return result;
}

static int read_rows(Roster *r, size_t max_agents)
{
        int result;

        while ((result = table_next(&r->table, r->diag)) == 0) {
                result = add_row(r, max_agents);
                if (result < 0)
                        return result;
        }
        if (result != CSV_E_END)
                return result;
        result = check_tree(r, SCOPE_TEAM);
        return result < 0 ? result : check_tree(r, SCOPE_SITE);
}

int roster_read(Org *org, Text csv, const char *file, const Calendar *calendar, size_t max_agents, Diag *diag)
{
        Roster r = {.org = org, .calendar = calendar, .diag = diag};
        int result = table_init(&r.table, roster_columns, N_ROSTER, csv, file, diag);

        if (result < 0)
                return result;
        result = read_rows(&r, max_agents);
        table_deinit(&r.table);
        free(r.kept);
        return result;
}

static int add_queue(Org *org, const Table *t, size_t max_queues, Diag *diag)
{
        Text queue = table_cell(t, QUEUE);
        int r;

        if (!queue.at)
                return table_fail(t, QUEUE, diag, "is missing");
        r = check_name(t, QUEUE, diag);
        if (r == 0)
                r = check_name(t, LINE, diag);
        if (r == 0)
                r = org_add_queue(org, queue, table_cell(t, LINE));
        if (r == ORG_E_OVERLAP)
                return table_fail(t, QUEUE, diag, "\"" TEXT_FMT "\" is there twice", TEXT_ARG(queue));
        if (r == 0 && org_n_kind(org, SCOPE_QUEUE) > max_queues)
                return table_fail(t, QUEUE, diag, "more than %zu queues; raise limits.queues", max_queues);
        return r;
}

int queues_read(Org *org, Text csv, const char *file, size_t max_queues, Diag *diag)
{
        Table t;
        int r = table_init(&t, queues_columns, N_QUEUES, csv, file, diag);

        if (r < 0)
                return r;
        while ((r = table_next(&t, diag)) == 0) {
                r = add_queue(org, &t, max_queues, diag);
                if (r < 0)
                        break;
        }
        table_deinit(&t);
        return r == CSV_E_END ? 0 : r;
}
